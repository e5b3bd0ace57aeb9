//! Datagrams that were sent together, and what came back. Pure.

use std::io;
use std::time::{Duration, Instant};

use super::Replies;
use super::ledger::{Closed, Count};
use super::times::{Sample, Times};
use crate::metrics::Jitter;
use crate::probe::{Error, Failure, Phase};
use crate::series_protocol;
use crate::sys::stamp::Clocks;

/// Datagrams that were sent together.
pub(super) struct Batch {
    /// The sequence number that it begins with.
    pub(super) first: u32,
    /// Whether it is a series, whose losses count; a keep-alive's only show whether a flow is dead.
    pub(super) in_series: bool,
    /// Read before the first was sent.
    pub(super) clocks: Clocks,
    /// When each was sent, in the order of their sequence numbers.
    send_times: Vec<(u32, Instant)>,
    /// How many were sent, by flow.
    pub(super) sent: Vec<u64>,
    pub(super) unsent: u64,
    answered: u64,
    /// Of the replies whose time of arrival is known, in the order of their arrival.
    pub(super) samples: Vec<Sample>,
    pub(super) of_smoker: bool,
    pub(super) duplicate: u64,
    pub(super) late: u64,
    /// The last ICMP error.
    pub(super) icmp_error: Option<io::Error>,
    /// How many ICMP errors there were.
    pub(super) icmp_errors: u64,
    /// The error of the last failed send.
    send_error: Option<io::Error>,
    /// What became of them, by flow.
    pub(super) closed: Vec<Closed>,
}

/// A datagram that answers one of ours.
pub(super) struct Answer {
    pub(super) sequence: u32,
    /// `None` where a plain echo returned the request.
    pub(super) reply: Option<series_protocol::Reply>,
}

impl Batch {
    pub(super) fn new(flows: usize, first: u32, in_series: bool) -> Self {
        Self {
            first,
            in_series,
            clocks: Clocks::read(),
            send_times: Vec::new(),
            sent: vec![0; flows],
            unsent: 0,
            answered: 0,
            samples: Vec::new(),
            of_smoker: false,
            duplicate: 0,
            late: 0,
            icmp_error: None,
            icmp_errors: 0,
            send_error: None,
            closed: vec![Closed::default(); flows],
        }
    }

    pub(super) fn note_sent(&mut self, flow: usize, sequence: u32, moment: Instant) {
        self.sent[flow] += 1;
        self.send_times.push((sequence, moment));
    }

    pub(super) fn note_unsent(&mut self, error: io::Error) {
        self.unsent += 1;
        self.send_error = Some(error);
    }

    /// Notes the first reply to one of its datagrams. An arrival before the sending is no measurement.
    pub(super) fn note_answer(&mut self, answer: &Answer, arrived: Option<Instant>) {
        let found = self.send_times.binary_search_by_key(&answer.sequence, |(sequence, _)| *sequence);
        // A reply to an earlier keep-alive does not count.
        let Ok(nth) = found else { return };
        self.answered += 1;
        self.of_smoker |= answer.reply.is_some();
        let sent = self.send_times[nth].1;
        if let Some(arrived) = arrived.filter(|&arrived| sent <= arrived) {
            let turnaround = answer.reply.map(|reply| reply.turnaround);
            let place = self.samples.partition_point(|sample| sample.arrived <= arrived);
            self.samples.insert(place, Sample { sequence: answer.sequence, sent, arrived, turnaround });
        }
    }

    /// How long the slowest reply took.
    pub(super) fn slowest(&self) -> Option<Duration> {
        self.samples.iter().map(Sample::latency).max()
    }

    /// What became of them, over all flows.
    pub(super) fn total(&self) -> Closed {
        let mut total = Closed::default();
        for closed in &self.closed {
            total += *closed;
        }
        total
    }

    /// The round-trip times of the replies, or why there is none. `jitter` goes on over several batches.
    pub(super) fn replies(&self, jitter: &mut Jitter) -> Replies {
        let is_any_sent = !self.send_times.is_empty();
        match (&self.icmp_error, &self.send_error) {
            _ if self.answered > 0 => {
                Times::of(&self.samples, jitter).map_or(Replies::Untimed, Replies::Timed)
            }
            (Some(error), _) if is_any_sent => Replies::Missing(Failure::io(error, Phase::Receive)),
            _ if is_any_sent => Replies::Missing(Failure::new(Error::Timeout, Phase::Receive)),
            (_, Some(error)) => Replies::Missing(Failure::io(error, Phase::Send)),
            (_, None) => Replies::NotExpected,
        }
    }
}

impl Answer {
    pub(super) fn count(&self) -> Option<Count> {
        let reply = self.reply?;
        Some(Count { instance: reply.instance, received: reply.received? })
    }
}
