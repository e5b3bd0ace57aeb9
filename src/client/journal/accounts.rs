//! What the probes of a round came to, for the summaries and the metrics. Latencies wait for the end of the
//! round: if the prober turns out to have been starved they tell nothing of the network.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::client::journal::metrics::Metrics;
use crate::client::journal::summary::Summary;
use crate::probe::Error;
use crate::probe::series::{Burst, Counts, Lost, Series};
use crate::verdict::{Suspect, Verdict};

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
    protocol: &'static str,
    result: Result<Timed, Error>,
}

type Timed = (Duration, Vec<(&'static str, Duration)>);

impl Accounts {
    pub(in crate::client) fn new(metrics: Arc<Mutex<Metrics>>) -> Self {
        Self { summary: Summary::default(), any_failure: false, metrics, round: Vec::new() }
    }

    pub(in crate::client) fn success(
        &mut self,
        protocol: &'static str,
        latency: Duration,
        phases: &[(&'static str, Duration)],
    ) {
        self.round.push(Entry { protocol, result: Ok((latency, phases.to_vec())) });
    }

    /// A probe that failed, and whether that is excused.
    pub(in crate::client) fn failure(&mut self, protocol: &'static str, error: Error, is_excused: bool) {
        self.any_failure |= !is_excused;
        self.round.push(Entry { protocol, result: Err(error) });
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
        self.metrics().told(verdict.name());
    }

    /// Ends a round that began so `late`.
    pub(in crate::client) fn end_round(
        &mut self,
        late: Duration,
        suspect: Option<Suspect>,
        verdict: Verdict,
    ) {
        let entries = std::mem::take(&mut self.round);
        let mut metrics = self.metrics.lock().unwrap_or_else(PoisonError::into_inner);
        for Entry { protocol, result } in entries {
            let succeeded = result.is_ok();
            let (word, timed) = match result {
                Ok(timed) => ("success".to_owned(), Some(timed).filter(|_| suspect.is_none())),
                Err(error) => (error.to_string(), None),
            };
            let (latency, phases) = timed.unzip();
            metrics.probe(protocol, &word, latency, &phases.unwrap_or_default());
            self.summary.add(protocol, succeeded, latency);
        }
        metrics.round(late, suspect.map(Suspect::name));
        metrics.verdict(verdict.name());
    }

    fn metrics(&self) -> MutexGuard<'_, Metrics> {
        self.metrics.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
