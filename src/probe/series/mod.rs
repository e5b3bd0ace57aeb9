//! The UDP series: datagrams from long-lived source ports, some milliseconds apart, and what became of them;
//! and the burst, the same from new ports. What it means is left to the verdict.
//!
//! How long a series waits after its last datagram: until each has its reply or an ICMP error, or the
//! deadline. Once a reply has arrived, no longer than four times the slowest of them took, and at least
//! [`GRACE`]: a lost datagram must not hold up a round, and what arrives later still is counted as late by
//! the next series. Where some replies have arrived, each silent flow is sent one more datagram, so that the
//! server's count shows in which direction the lost one was lost.

mod batch;
mod burst;
mod counts;
mod flow;
mod flows;
mod ledger;
#[cfg(test)]
mod tests;
mod times;

use std::time::Duration;

use super::Failure;

pub use burst::{Burst, Shortage, burst};
pub use counts::{Counts, Lost};
pub use flows::Flows;
pub use times::Times;

/// The least wait for the last replies: more than a retransmission of a mobile link or a scheduler's pause,
/// and short beside a round.
pub const GRACE: Duration = Duration::from_millis(250);

/// The most flows, and ports of a burst: each is a socket, and a table entry in every NAT on the way.
pub const MAX_FLOWS: usize = 64;

/// The most datagrams to a port in a burst; no more are remembered.
pub const MAX_EACH: usize = ledger::HISTORY;

/// What became of the datagrams of one series.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Series {
    /// What became of them.
    pub counts: Counts,
    /// Flows whose last three datagrams had no answer, keep-alives included.
    pub dead_flows: usize,
    /// Whether replies arrived.
    pub replies: Replies,
}

/// Whether the datagrams of a series had replies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Replies {
    /// Some arrived, in these times.
    Timed(Times),
    /// Some arrived, and it is not known when: the wall clock was set meanwhile.
    Untimed,
    /// None arrived, or nothing could be sent.
    Missing(Failure),
    /// Nothing was sent: there was no flow, or no time left.
    NotExpected,
}

/// What sending more datagrams on the silent flows has found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SilentFlows {
    /// Flows that were silent, and were sent more datagrams.
    pub asked: usize,
    /// Flows that stayed silent.
    pub dead: usize,
}

impl Series {
    /// The round-trip times, where any is known.
    pub fn times(&self) -> Option<Times> {
        match self.replies {
            Replies::Timed(times) => Some(times),
            Replies::Untimed | Replies::Missing(_) | Replies::NotExpected => None,
        }
    }

    /// Why no reply arrived, where one was expected.
    pub fn failure(&self) -> Option<&Failure> {
        match &self.replies {
            Replies::Missing(failure) => Some(failure),
            Replies::Timed(_) | Replies::Untimed | Replies::NotExpected => None,
        }
    }
}
