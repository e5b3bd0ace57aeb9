//! One event as typed data, before it is formatted as text or JSON.

use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, SystemTime};

use super::Level;

/// An event with its time and its source.
#[derive(Clone, Copy, Debug)]
pub(super) struct Record<'a> {
    pub(super) time: SystemTime,
    pub(super) speaker: &'a Speaker,
    pub(super) level: Level,
    pub(super) kind: &'a str,
    pub(super) event: Event<'a>,
    pub(super) fields: &'a [(&'a str, Value<'a>)],
}

/// The source of a line.
#[derive(Clone, Debug)]
pub enum Speaker {
    /// The server.
    Server,
    /// The client on the node of this name.
    Node(String),
}

/// What happened, in the third place of a line.
#[derive(Clone, Copy, Debug)]
pub enum Event<'a> {
    /// A word of Smoker's own vocabulary, printed unescaped: `SUCCESS`.
    Word(&'a str),
    /// A request, and the status of its reply.
    Request {
        /// As received.
        method: &'a str,
        /// As received, without the query.
        path: &'a str,
        /// The status of the reply.
        status: u16,
    },
    /// A request that could not be parsed, and the status of the refusal.
    Rejected(u16),
}

/// The value of a field; its type decides how it is formatted.
#[derive(Clone, Copy, Debug)]
pub enum Value<'a> {
    /// A whole number.
    Count(u64),
    /// A duration in milliseconds with three decimals: `0.412ms`, and `"…_ms":0.412`.
    Milliseconds(Duration),
    /// A duration in whole seconds: `330s`, and `"…_s":330`.
    Seconds(Duration),
    /// A word of Smoker's own vocabulary, printed unescaped.
    Word(&'a str),
    /// Any text, quoted and escaped.
    Text(&'a str),
    /// An address and port.
    Address(SocketAddr),
    /// An address.
    Ip(IpAddr),
    /// A moment in UTC: `2025-11-13T10:30:30Z`.
    Moment(SystemTime),
    /// Several values: separated by commas, or a JSON array.
    List(&'a [Value<'a>]),
}

impl<'a> From<&'a str> for Event<'a> {
    fn from(word: &'a str) -> Self {
        Self::Word(word)
    }
}
