//! One event as typed data, before it has a form.

use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, SystemTime};

/// Who says what, and when.
#[derive(Clone, Copy, Debug)]
pub(super) struct Record<'a> {
    pub(super) time: SystemTime,
    pub(super) speaker: &'a Speaker,
    pub(super) kind: &'a str,
    pub(super) event: Event<'a>,
    pub(super) fields: &'a [(&'a str, Value<'a>)],
}

/// Who speaks.
#[derive(Clone, Debug)]
pub enum Speaker {
    /// A server.
    Server,
    /// The client of the node of this name.
    Node(String),
}

/// What happened.
#[derive(Clone, Copy, Debug)]
pub enum Event<'a> {
    /// A word of Smoker's own vocabulary, as it is: `SUCCESS`.
    Word(&'a str),
    /// A request, and the status of its reply.
    Request {
        /// As it came.
        method: &'a str,
        /// As it came, without the query.
        path: &'a str,
        /// What it was answered with.
        status: u16,
    },
    /// What could not be understood as a request, and the status of the refusal.
    Rejected(u16),
}

/// A field's value, and by it its form in the line.
#[derive(Clone, Copy, Debug)]
pub enum Value<'a> {
    /// A whole number.
    Count(u64),
    /// A duration in milliseconds with three decimals: `0.412ms`, and `"…_ms":0.412`.
    Milliseconds(Duration),
    /// A duration in whole seconds: `330s`, and `"…_s":330`.
    Seconds(Duration),
    /// A word of Smoker's own vocabulary, as it is.
    Word(&'a str),
    /// Text from anywhere, quoted and escaped.
    Text(&'a str),
    /// An address and port.
    Address(SocketAddr),
    /// An address.
    Ip(IpAddr),
    /// A moment in UTC: `2025-11-13T10:30:30Z`.
    Moment(SystemTime),
    /// Several values: with commas between, and an array.
    List(&'a [Value<'a>]),
}

impl<'a> From<&'a str> for Event<'a> {
    fn from(word: &'a str) -> Self {
        Self::Word(word)
    }
}

/// The microseconds of a duration, rounded to the nearest without floating point: whole milliseconds, and the
/// three decimals.
pub(super) fn milliseconds(duration: Duration) -> (u128, u128) {
    let microseconds = (duration.as_nanos() + 500) / 1000;
    (microseconds / 1000, microseconds % 1000)
}
