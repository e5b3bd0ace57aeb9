//! What the probes of a round came to, for the summaries and the metrics. Latencies wait for the end of the
//! round: if the prober turns out to have been starved they tell nothing of the network.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::client::journal::metrics::Metrics;
use crate::client::journal::summary::Summary;
use crate::probe::series::{Burst, Counts, Lost, Series};
use crate::probe::{Error, Kind, Part};
use crate::verdict::{Starved, Verdict};

/// The accounts of all rounds.
pub(in crate::client) struct Accounts {
    pub(in crate::client) summary: Summary,
    /// Whether a probe has failed, ever.
    pub(in crate::client) any_failure: bool,
    metrics: Arc<Mutex<Metrics>>,
    round: Vec<Entry>,
}

/// One probe: with its latency and phases, or its error.
struct Entry {
    kind: Kind,
    result: Result<Timed, Error>,
}

type Timed = (Duration, Vec<(Part, Duration)>);

impl Accounts {
    pub(in crate::client) fn new(metrics: Arc<Mutex<Metrics>>) -> Self {
        Self { summary: Summary::default(), any_failure: false, metrics, round: Vec::new() }
    }

    pub(in crate::client) fn success(&mut self, kind: Kind, latency: Duration, parts: &[(Part, Duration)]) {
        self.round.push(Entry { kind, result: Ok((latency, parts.to_vec())) });
    }

    /// A probe that failed, and whether that is excused.
    pub(in crate::client) fn failure(&mut self, kind: Kind, error: Error, is_excused: bool) {
        self.any_failure |= !is_excused;
        self.round.push(Entry { kind, result: Err(error) });
    }

    /// Counts the datagrams of a series. Where its flows may find out later in which direction one was lost,
    /// the unknown ones are those of `settled` alone.
    pub(in crate::client) fn datagrams(&mut self, series: &Series, settled: Lost) {
        let mut lost = Lost { unknown: 0, ..series.counts.lost };
        lost += settled;
        self.metrics().datagrams(Counts { lost, ..series.counts });
    }

    pub(in crate::client) fn burst(&mut self, burst: &Burst) {
        self.metrics().datagrams(burst.counts);
    }

    pub(in crate::client) fn path_mtu(&mut self, bytes: u32) {
        self.metrics().path_mtu(bytes);
    }

    /// Counts a verdict that is news.
    pub(in crate::client) fn told(&mut self, verdict: Verdict) {
        self.metrics().logged(verdict);
    }

    /// Ends a round that began so `late`.
    pub(in crate::client) fn end_round(
        &mut self,
        late: Duration,
        starved: Option<Starved>,
        verdict: Verdict,
    ) {
        let entries = std::mem::take(&mut self.round);
        let mut metrics = self.metrics.lock().unwrap_or_else(PoisonError::into_inner);
        for Entry { kind, result } in entries {
            let timed = result.as_ref().ok().filter(|_| starved.is_none());
            match &result {
                Ok(_) => metrics.success(kind),
                Err(error) => metrics.failure(kind, *error),
            }
            if let Some((latency, parts)) = timed {
                metrics.took(kind, *latency, parts);
            }
            self.summary.add(kind, result.is_ok(), timed.map(|(latency, _)| *latency));
        }
        metrics.round(late, starved);
        metrics.verdict(verdict);
    }

    fn metrics(&self) -> MutexGuard<'_, Metrics> {
        self.metrics.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
