//! The one place where what a client found becomes lines, streaks, summaries and metrics.

mod fields;
pub(super) mod metrics;
mod record;
mod streak;
mod summary;
mod verdict_line;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::client::finding::Finding;
use crate::client::incident::Change;
use crate::log::Log;
use crate::probe::{Error, Kind, Part};
use crate::verdict::{Ruling, Starved, Verdict};
use metrics::Metrics;
use record::Record;
use streak::Streak;
use summary::Summary;

/// What was found so far.
pub(super) struct Journal<'a> {
    log: &'a Log,
    streaks: BTreeMap<Kind, Streak>,
    summary: Summary,
    metrics: Arc<Mutex<Metrics>>,
    /// The probes of this round: they are counted when it ends, because the latencies of a round in which the
    /// prober was starved say nothing of the network.
    round: Vec<Counted>,
    is_any_failure: bool,
}

/// One probe, as summaries and metrics count it.
struct Counted {
    kind: Kind,
    result: Result<Timed, Error>,
}

/// A latency and its parts.
struct Timed {
    latency: Duration,
    parts: Vec<(Part, Duration)>,
}

impl<'a> Journal<'a> {
    pub(super) fn new(log: &'a Log, metrics: Arc<Mutex<Metrics>>) -> Self {
        Self {
            log,
            streaks: BTreeMap::new(),
            summary: Summary::default(),
            metrics,
            round: Vec::new(),
            is_any_failure: false,
        }
    }

    /// Writes the line of `finding`, if it has one, and counts it. `starved` is why the prober was starved in
    /// the round so far, which marks the line.
    pub(super) fn record(&mut self, finding: &Finding, starved: Option<Starved>) {
        Record { journal: self, starved }.write(finding);
    }

    /// Writes and counts what is new about the verdict, if anything is.
    pub(super) fn judged(&mut self, ruling: &Ruling, change: Change) {
        self.is_any_failure |= ruling.verdict != Verdict::Healthy;
        verdict_line::print(ruling, change, self.log);
        if change != Change::Unchanged {
            self.metrics().logged(ruling.verdict);
        }
    }

    /// Ends a round that began so `late` and has left `verdict`.
    pub(super) fn end_round(&mut self, late: Duration, starved: Option<Starved>, verdict: Verdict) {
        let counted = std::mem::take(&mut self.round);
        for Counted { kind, result } in counted {
            let timed = result.as_ref().ok().filter(|_| starved.is_none());
            self.summary.add(kind, result.is_ok(), timed.map(|timed| timed.latency));
            let mut metrics = self.metrics();
            match &result {
                Ok(_) => metrics.success(kind),
                Err(error) => metrics.failure(kind, *error),
            }
            if let Some(Timed { latency, parts }) = timed {
                metrics.took(kind, *latency, parts);
            }
        }
        let mut metrics = self.metrics();
        metrics.round(late, starved);
        metrics.verdict(verdict);
    }

    /// Writes the summaries of the rounds since the last ones.
    pub(super) fn summarise(&mut self) {
        self.summary.print(self.log);
    }

    /// Writes a verdict that has not changed once more: a reader of the last minutes alone has not seen it.
    pub(super) fn repeat(&self, ruling: &Ruling, change: Change) {
        verdict_line::print(ruling, change, self.log);
    }

    /// Whether a probe has failed without an excuse, or a verdict other than `healthy` was found, ever.
    pub(super) fn is_any_failure(&self) -> bool {
        self.is_any_failure
    }

    fn metrics(&self) -> MutexGuard<'_, Metrics> {
        self.metrics.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
