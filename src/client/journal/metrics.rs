//! The page at `/metrics`: what a client's rounds have found, counted.
//!
//! The labels are closed vocabularies. Every count is there from the start, at zero; a measurement is there
//! from the first time that it is made.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::metrics::{Histogram, Metric, Number, Page, write_own};
use crate::probe::series::Counts;
use crate::probe::{Error, Kind, Part};
use crate::verdict::{Starved, Verdict};

const PROBES: Metric =
    Metric::counter("smoker_probe_total", "Probes, by how they ended.", &["protocol", "result"]);
const PROBE_DURATION: Metric = Metric::histogram(
    "smoker_probe_duration_seconds",
    "How long probes that succeeded took, as a whole and by phase.",
    &["protocol", "phase"],
);
const DATAGRAMS: Metric = Metric::counter(
    "smoker_udp_datagrams_total",
    "Datagrams of series and bursts, by outcome and direction.",
    &["direction", "outcome"],
);
const PATH_MTU: Metric =
    Metric::gauge("smoker_path_mtu_bytes", "The largest packet that passes to the server whole.", &[]);
const VERDICTS: Metric = Metric::counter(
    "smoker_verdicts_total",
    "Verdicts logged: a verdict is, when it or its subject changes.",
    &["verdict"],
);
const VERDICT: Metric =
    Metric::gauge("smoker_verdict", "What is broken: 1 for the present verdict.", &["verdict"]);
const ROUNDS: Metric = Metric::counter("smoker_rounds_total", "Rounds made.", &[]);
const ROUND_LATE: Metric = Metric::gauge("smoker_round_late_seconds", "How late the last round began.", &[]);
const SUSPECT_ROUNDS: Metric = Metric::counter(
    "smoker_suspect_rounds_total",
    "Rounds in which the prober itself was starved, by what showed it.",
    &["reason"],
);

/// A client's own metrics, in the order of its page.
pub const METRICS: &[Metric] =
    &[PROBES, PROBE_DURATION, DATAGRAMS, PATH_MTU, VERDICTS, VERDICT, ROUNDS, ROUND_LATE, SUSPECT_ROUNDS];

/// The result of a probe that succeeded, beside the labels of [`Error`].
const SUCCESS: &str = "success";

/// What is timed: probes as a whole, and their parts. Measuring the path MTU is a search, whose length says
/// nothing of the network.
const DURATIONS: [(Kind, Option<Part>); 10] = [
    (Kind::Dns, None),
    (Kind::Tcp, None),
    (Kind::Tcp, Some(Part::Connect)),
    (Kind::Tcp, Some(Part::Echo)),
    (Kind::Udp, None),
    (Kind::UdpSeries, None),
    (Kind::Http, None),
    (Kind::Http, Some(Part::Connect)),
    (Kind::Http, Some(Part::FirstByte)),
    (Kind::Endpoint, None),
];

/// The room for a page: it has 29 KB at first, and 34 KB with ten digits to each count.
const PAGE_CAPACITY: usize = 40 * 1024;

/// What the rounds have found so far.
#[derive(Debug)]
pub(in crate::client) struct Metrics {
    probes: BTreeMap<(Kind, &'static str), u64>,
    durations: BTreeMap<(Kind, Option<Part>), Histogram>,
    datagrams: Counts,
    path_mtu: Option<u32>,
    /// The verdict now.
    verdict: Option<Verdict>,
    /// How often each verdict was logged.
    verdicts: BTreeMap<Verdict, u64>,
    rounds: u64,
    late: Option<Duration>,
    starved: BTreeMap<Starved, u64>,
}

impl Default for Metrics {
    fn default() -> Self {
        Self {
            probes: BTreeMap::new(),
            durations: DURATIONS.map(|timed| (timed, Histogram::default())).into(),
            datagrams: Counts::default(),
            path_mtu: None,
            verdict: None,
            verdicts: BTreeMap::new(),
            rounds: 0,
            late: None,
            starved: BTreeMap::new(),
        }
    }
}

impl Metrics {
    /// Counts a probe that succeeded.
    pub(in crate::client) fn success(&mut self, kind: Kind) {
        *self.probes.entry((kind, SUCCESS)).or_default() += 1;
    }

    /// Counts a probe that failed.
    pub(in crate::client) fn failure(&mut self, kind: Kind, error: Error) {
        *self.probes.entry((kind, error.label())).or_default() += 1;
    }

    /// How long a probe that succeeded took, and its parts.
    pub(in crate::client) fn took(&mut self, kind: Kind, latency: Duration, parts: &[(Part, Duration)]) {
        if kind == Kind::Mtu {
            return;
        }
        let parts = parts.iter().map(|(part, took)| (Some(*part), *took));
        for (part, took) in parts.chain([(None, latency)]) {
            self.durations.entry((kind, part)).or_default().add(took);
        }
    }

    /// Counts the datagrams of one more series or burst.
    pub(in crate::client) fn datagrams(&mut self, more: Counts) {
        self.datagrams += more;
    }

    /// The path MTU is `bytes`.
    pub(in crate::client) fn path_mtu(&mut self, bytes: u32) {
        self.path_mtu = Some(bytes);
    }

    /// The verdict is `verdict`.
    pub(in crate::client) fn verdict(&mut self, verdict: Verdict) {
        self.verdict = Some(verdict);
    }

    /// Counts a verdict that was logged.
    pub(in crate::client) fn logged(&mut self, verdict: Verdict) {
        *self.verdicts.entry(verdict).or_default() += 1;
    }

    /// Counts a round that began so `late`, and why the prober was starved in it if it was.
    pub(in crate::client) fn round(&mut self, late: Duration, starved: Option<Starved>) {
        self.rounds += 1;
        self.late = Some(late);
        if let Some(starved) = starved {
            *self.starved.entry(starved).or_default() += 1;
        }
    }

    /// The page that `/metrics` shows.
    pub(in crate::client) fn page(&self) -> String {
        let mut page = Page::with_capacity(PAGE_CAPACITY);
        self.write_probes(&mut page);
        self.write_datagrams(&mut page);
        self.write_findings(&mut page);
        self.write_rounds(&mut page);
        write_own(&mut page);
        page.into_text()
    }

    fn write_probes(&self, page: &mut Page) {
        let mut family = page.family(&PROBES);
        for kind in Kind::ALL {
            for result in [SUCCESS].into_iter().chain(Error::ALL.map(Error::label)) {
                family.sample(&[kind.label(), result], count(&self.probes, &(kind, result)));
            }
        }
        let mut family = page.family(&PROBE_DURATION);
        for ((kind, part), durations) in &self.durations {
            family.durations(&[kind.label(), part.map_or("total", Part::name)], durations);
        }
    }

    fn write_datagrams(&self, page: &mut Page) {
        let mut family = page.family(&DATAGRAMS);
        for (direction, outcome, sum) in each_count(&self.datagrams) {
            family.sample(&[direction, outcome], Number::Whole(sum));
        }
    }

    fn write_findings(&self, page: &mut Page) {
        if let Some(bytes) = self.path_mtu {
            page.family(&PATH_MTU).sample(&[], Number::Whole(bytes.into()));
        }
        let mut family = page.family(&VERDICTS);
        for verdict in Verdict::ALL {
            family.sample(&[verdict.name()], count(&self.verdicts, &verdict));
        }
        if let Some(now) = self.verdict {
            let mut family = page.family(&VERDICT);
            for verdict in Verdict::ALL {
                family.sample(&[verdict.name()], Number::Whole((verdict == now).into()));
            }
        }
    }

    fn write_rounds(&self, page: &mut Page) {
        page.family(&ROUNDS).sample(&[], Number::Whole(self.rounds));
        if let Some(late) = self.late {
            page.family(&ROUND_LATE).sample(&[], Number::Seconds(late));
        }
        let mut family = page.family(&SUSPECT_ROUNDS);
        for starved in Starved::ALL {
            family.sample(&[starved.name()], count(&self.starved, &starved));
        }
    }
}

/// Each count, with its direction and outcome. What came back has gone both ways.
fn each_count(counts: &Counts) -> [(&'static str, &'static str, u64); 9] {
    [
        ("both", "sent", counts.sent),
        ("both", "received", counts.answered),
        ("forward", "lost", counts.lost.forward),
        ("return", "lost", counts.lost.return_),
        ("unknown", "lost", counts.lost.unknown),
        ("both", "duplicate", counts.duplicate),
        ("both", "reordered", counts.reordered),
        ("both", "late", counts.late),
        ("forward", "unsent", counts.unsent),
    ]
}

/// The count under `key`: zero until something is counted there.
fn count<K: Ord>(counts: &BTreeMap<K, u64>, key: &K) -> Number {
    Number::Whole(counts.get(key).copied().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::{OWN, assert_declares};
    use crate::probe::series::Lost;

    const MILLISECOND: Duration = Duration::from_millis(1);

    /// The value of a sample.
    fn sample(metrics: &Metrics, name: &str) -> Option<String> {
        let page = metrics.page();
        page.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ').map(str::to_owned))
    }

    #[test]
    fn counts_are_there_from_the_start_and_measurements_once_they_are_made() {
        let mut metrics = Metrics::default();
        for name in [
            "smoker_probe_total{protocol=\"endpoint\",result=\"timeout\"}",
            "smoker_probe_duration_seconds_count{protocol=\"http\",phase=\"ttfb\"}",
            "smoker_udp_datagrams_total{direction=\"forward\",outcome=\"lost\"}",
            "smoker_suspect_rounds_total{reason=\"throttled\"}",
            "smoker_rounds_total",
        ] {
            assert_eq!(sample(&metrics, name).as_deref(), Some("0"), "{name}");
        }
        let measured = [
            "smoker_path_mtu_bytes",
            "smoker_verdict{verdict=\"healthy\"}",
            "smoker_verdict{verdict=\"loss\"}",
            "smoker_round_late_seconds",
        ];
        assert_eq!(measured.map(|name| sample(&metrics, name)), [const { None }; 4]);
        metrics.path_mtu(1400);
        metrics.verdict(Verdict::Loss);
        metrics.round(MILLISECOND, None);
        let expected = ["1400", "0", "1", "0.001"].map(|value| Some(value.to_owned()));
        assert_eq!(measured.map(|name| sample(&metrics, name)), expected);
    }

    #[test]
    fn the_page_has_the_metrics_of_the_table() {
        let mut metrics = Metrics::default();
        metrics.verdict(Verdict::Loss);
        metrics.path_mtu(1400);
        metrics.round(MILLISECOND, None);
        assert_declares(&metrics.page(), &[METRICS, OWN]);
    }

    #[test]
    fn a_page_of_long_numbers_has_room() {
        let mut metrics = Metrics::default();
        metrics.verdict(Verdict::Healthy);
        metrics.path_mtu(u32::MAX);
        metrics.round(Duration::from_nanos(9_999_999_999), None);
        let most = u64::from(u32::MAX);
        metrics.rounds = most;
        let results = [SUCCESS].into_iter().chain(Error::ALL.map(Error::label));
        metrics.probes = results.flat_map(|result| Kind::ALL.map(|kind| ((kind, result), most))).collect();
        let lost = Lost { forward: most, return_: most, unknown: most };
        metrics.datagrams = Counts {
            sent: most,
            unsent: most,
            answered: most,
            lost,
            duplicate: most,
            reordered: most,
            late: most,
        };
        metrics.verdicts = Verdict::ALL.map(|verdict| (verdict, most)).into();
        metrics.starved = Starved::ALL.map(|starved| (starved, most)).into();
        assert_eq!(metrics.page().capacity(), PAGE_CAPACITY);
    }

    #[test]
    fn probes_are_counted_by_result_and_timed_where_they_succeed() {
        let mut metrics = Metrics::default();
        metrics.success(Kind::Tcp);
        metrics.took(Kind::Tcp, 3 * MILLISECOND, &[(Part::Connect, MILLISECOND)]);
        metrics.failure(Kind::Tcp, Error::HttpStatus(503));
        for (name, value) in [
            ("smoker_probe_total{protocol=\"tcp\",result=\"success\"}", "1"),
            ("smoker_probe_total{protocol=\"tcp\",result=\"http_status\"}", "1"),
            ("smoker_probe_duration_seconds_sum{protocol=\"tcp\",phase=\"total\"}", "0.003"),
            ("smoker_probe_duration_seconds_count{protocol=\"tcp\",phase=\"connect\"}", "1"),
            ("smoker_probe_duration_seconds_count{protocol=\"tcp\",phase=\"echo\"}", "0"),
        ] {
            assert_eq!(sample(&metrics, name).as_deref(), Some(value), "{name}");
        }
    }

    #[test]
    fn datagrams_and_suspect_rounds_add_up() {
        let mut metrics = Metrics::default();
        for _ in 0..2 {
            let lost = Lost { return_: 1, ..Lost::default() };
            metrics.datagrams(Counts { sent: 16, answered: 15, unsent: 2, lost, ..Counts::default() });
            metrics.round(Duration::ZERO, Some(Starved::Late));
        }
        for (name, value) in [
            ("smoker_udp_datagrams_total{direction=\"both\",outcome=\"sent\"}", "32"),
            ("smoker_udp_datagrams_total{direction=\"return\",outcome=\"lost\"}", "2"),
            ("smoker_udp_datagrams_total{direction=\"forward\",outcome=\"unsent\"}", "4"),
            ("smoker_suspect_rounds_total{reason=\"late\"}", "2"),
            ("smoker_rounds_total", "2"),
        ] {
            assert_eq!(sample(&metrics, name).as_deref(), Some(value), "{name}");
        }
    }
}
