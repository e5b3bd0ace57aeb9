//! Deadlines, UTC stamps and the schedule of rounds; reading time and computing with it, never sleeping.

use std::io;
use std::time::{Duration, Instant};

/// The one moment by which an operation, with all its phases, must have ended.
///
/// Before every blocking call the socket timeout is set to what is [`left`](Deadline::left).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Deadline(Instant);

impl Deadline {
    /// The deadline `timeout` from now.
    pub fn after(timeout: Duration) -> Self {
        Self(Instant::now() + timeout)
    }

    /// The deadline at `instant`.
    pub fn at(instant: Instant) -> Self {
        Self(instant)
    }

    /// The time that is left: never zero, because a socket timeout of zero means to wait for ever.
    /// An error of kind [`io::ErrorKind::TimedOut`] once the deadline has passed.
    pub fn left(self) -> io::Result<Duration> {
        let left = self.0.saturating_duration_since(Instant::now());
        if left.is_zero() { Err(io::ErrorKind::TimedOut.into()) } else { Ok(left) }
    }

    /// Whether nothing is left.
    pub fn has_passed(self) -> bool {
        self.left().is_err()
    }

    /// A nearer deadline, at which the first of `parts` equal shares of the time left ends.
    pub fn share(self, parts: u32) -> Self {
        let now = Instant::now();
        Self(now + self.0.saturating_duration_since(now) / parts.max(1))
    }

    /// The earlier of the two.
    pub fn no_later_than(self, other: Self) -> Self {
        self.min(other)
    }
}
