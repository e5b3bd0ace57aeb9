//! What has been sent together, and heard of it. Pure.

use std::io;
use std::time::{Duration, Instant};

use super::flow::Answer;
use super::ledger::Closed;
use super::times::Sample;
use crate::probe::{Error, Failure, Phase};
use crate::sys::stamped::Clocks;

/// Datagrams that were sent together.
pub(super) struct Batch {
    /// The sequence number that it begins with.
    pub(super) first: u32,
    /// Whether its losses are told, and not only those of its flows' life.
    pub(super) in_series: bool,
    /// As they were before the first was sent.
    pub(super) clocks: Clocks,
    /// When each went out, in the order of their sequence numbers.
    moments: Vec<(u32, Instant)>,
    /// Of each flow, how many went out.
    pub(super) sent: Vec<u64>,
    pub(super) unsent: u64,
    answered: u64,
    /// Of the replies whose time of arrival is known, in the order of their arrival.
    pub(super) samples: Vec<Sample>,
    pub(super) of_smoker: bool,
    pub(super) duplicate: u64,
    pub(super) late: u64,
    /// What the last ICMP error said.
    pub(super) refused: Option<io::Error>,
    /// How many such errors there were.
    pub(super) refusals: u64,
    /// Why the last that could not be sent could not.
    vain: Option<io::Error>,
    /// Of each flow, what became of them.
    pub(super) closed: Vec<Closed>,
}

impl Batch {
    pub(super) fn new(flows: usize, first: u32, in_series: bool) -> Self {
        Self {
            first,
            in_series,
            clocks: Clocks::read(),
            moments: Vec::new(),
            sent: vec![0; flows],
            unsent: 0,
            answered: 0,
            samples: Vec::new(),
            of_smoker: false,
            duplicate: 0,
            late: 0,
            refused: None,
            refusals: 0,
            vain: None,
            closed: vec![Closed::default(); flows],
        }
    }

    pub(super) fn note_sent(&mut self, flow: usize, sequence: u32, moment: Instant) {
        self.sent[flow] += 1;
        self.moments.push((sequence, moment));
    }

    pub(super) fn note_unsent(&mut self, error: io::Error) {
        self.unsent += 1;
        self.vain = Some(error);
    }

    /// Notes the first answer to one of its datagrams; a time of arrival before that of sending is none.
    pub(super) fn note_answer(&mut self, answer: &Answer, arrived: Option<Instant>) {
        let found = self.moments.binary_search_by_key(&answer.sequence, |(sequence, _)| *sequence);
        // That of a keep-alive does not count.
        let Ok(nth) = found else { return };
        self.answered += 1;
        self.of_smoker |= answer.reply.is_some();
        let sent = self.moments[nth].1;
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

    /// What became of all.
    pub(super) fn total(&self) -> Closed {
        let mut total = Closed::default();
        for closed in &self.closed {
            total += *closed;
        }
        total
    }

    /// Why there was no reply, where there was none.
    pub(super) fn failure(&self) -> Option<Failure> {
        let went_out = !self.moments.is_empty();
        match (&self.refused, &self.vain) {
            _ if self.answered > 0 => None,
            (Some(error), _) if went_out => Some(Failure::io(error, Phase::Receive)),
            _ if went_out => Some(Failure::new(Error::Timeout, Phase::Receive)),
            (_, Some(error)) => Some(Failure::io(error, Phase::Send)),
            (_, None) => None,
        }
    }
}
