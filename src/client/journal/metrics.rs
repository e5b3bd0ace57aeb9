//! What the client tells of itself at `/metrics`: what its rounds have found, counted. When to count is left
//! to the rounds.
//!
//! The labels are closed vocabularies. Every count is there from the start, at zero; what is measured is told
//! from its first measurement on.

use std::time::Duration;

use crate::metrics::{Histogram, Metric, Number, Page, write_own};
use crate::probe::series::Counts;

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

/// The kinds of probes.
pub(in crate::client) const PROTOCOLS: [&str; 7] =
    ["dns", "tcp", "udp", "udp_series", "http", "mtu", "endpoint"];

/// How a probe may end: well, or with one of the log's error codes, of which those of an HTTP status are one.
pub(in crate::client) const RESULTS: [&str; 16] = [
    "success",
    "timeout",
    "refused",
    "reset",
    "unreachable",
    "closed",
    "mismatch",
    "http_status",
    "http_malformed",
    "dns_not_found",
    "dns_timeout",
    "dns_server_failure",
    "dns_malformed",
    "dns_local",
    "black_hole",
    "io",
];

/// Whose durations are told: of a kind of probe as a whole, and of its phases.
pub(in crate::client) const DURATIONS: [(&str, &str); 10] = [
    ("dns", "total"),
    ("tcp", "total"),
    ("tcp", "connect"),
    ("tcp", "echo"),
    ("udp", "total"),
    ("udp_series", "total"),
    ("http", "total"),
    ("http", "connect"),
    ("http", "ttfb"),
    ("endpoint", "total"),
];

/// Why a round may not be trusted.
pub(in crate::client) const REASONS: [&str; 4] = ["throttled", "late", "memory", "local"];

/// The room for a page: it has 29 KB at first, and 34 KB with ten digits to each count.
const PAGE_CAPACITY: usize = 40 * 1024;

/// All that is told.
#[derive(Debug)]
pub(in crate::client) struct Metrics {
    probes: [[u64; RESULTS.len()]; PROTOCOLS.len()],
    durations: [Histogram; DURATIONS.len()],
    /// Of series and bursts.
    datagrams: Counts,
    path_mtu: Option<u32>,
    verdicts: Vec<&'static str>,
    verdict: Option<&'static str>,
    told: Vec<u64>,
    rounds: u64,
    late: Option<Duration>,
    suspect: [u64; REASONS.len()],
}

impl Metrics {
    /// Nothing found yet, and these verdicts to tell of.
    pub(in crate::client) fn new(verdicts: impl IntoIterator<Item = &'static str>) -> Self {
        let verdicts: Vec<&'static str> = verdicts.into_iter().collect();
        Self {
            told: vec![0; verdicts.len()],
            probes: Default::default(),
            durations: Default::default(),
            datagrams: Counts::default(),
            path_mtu: None,
            verdicts,
            verdict: None,
            rounds: 0,
            late: None,
            suspect: Default::default(),
        }
    }

    /// Counts a probe: `success` with its latency and its phases, or an error code with none.
    pub(in crate::client) fn probe(
        &mut self,
        protocol: &'static str,
        result: &str,
        latency: Option<Duration>,
        phases: &[(&'static str, Duration)],
    ) {
        if let Some(counts) = PROTOCOLS.iter().position(|name| *name == protocol) {
            self.probes[counts][index_of_result(result)] += 1;
        }
        let total = latency.map(|latency| ("total", latency));
        for (phase, duration) in phases.iter().copied().chain(total) {
            let timed = DURATIONS.iter().position(|name| *name == (protocol, phase));
            if let Some(index) = timed {
                self.durations[index].add(duration);
            }
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

    /// The verdict is `name`.
    pub(in crate::client) fn verdict(&mut self, name: &'static str) {
        self.verdict = Some(name);
    }

    /// Counts a verdict that was told.
    pub(in crate::client) fn told(&mut self, name: &str) {
        if let Some(index) = self.verdicts.iter().position(|verdict| *verdict == name) {
            self.told[index] += 1;
        }
    }

    /// Counts a round that began so much too late, and why it is suspect if it is.
    pub(in crate::client) fn round(&mut self, late: Duration, suspect: Option<&str>) {
        self.rounds += 1;
        self.late = Some(late);
        if let Some(index) = suspect.and_then(|reason| REASONS.iter().position(|name| *name == reason)) {
            self.suspect[index] += 1;
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
        for (protocol, counts) in PROTOCOLS.iter().zip(&self.probes) {
            for (result, count) in RESULTS.iter().zip(counts) {
                family.sample(&[protocol, result], Number::Whole(*count));
            }
        }
        let mut family = page.family(&PROBE_DURATION);
        for ((protocol, phase), durations) in DURATIONS.iter().zip(&self.durations) {
            family.durations(&[protocol, phase], durations);
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
        for (name, count) in self.verdicts.iter().zip(&self.told) {
            family.sample(&[name], Number::Whole(*count));
        }
        if let Some(present) = self.verdict {
            let mut family = page.family(&VERDICT);
            for name in &self.verdicts {
                family.sample(&[name], Number::Whole((*name == present).into()));
            }
        }
    }

    fn write_rounds(&self, page: &mut Page) {
        page.family(&ROUNDS).sample(&[], Number::Whole(self.rounds));
        if let Some(late) = self.late {
            page.family(&ROUND_LATE).sample(&[], Number::Seconds(late));
        }
        let mut family = page.family(&SUSPECT_ROUNDS);
        for (reason, count) in REASONS.iter().zip(self.suspect) {
            family.sample(&[reason], Number::Whole(count));
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

/// What is no word of the vocabulary counts as `io`, which stands for anything else.
fn index_of_result(result: &str) -> usize {
    let is_status = |digits: &str| digits.len() == 3 && digits.bytes().all(|byte| byte.is_ascii_digit());
    let result = if result.strip_prefix("http_").is_some_and(is_status) { "http_status" } else { result };
    RESULTS.iter().position(|name| *name == result).unwrap_or(RESULTS.len() - 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dns;
    use crate::metrics::{OWN, assert_declares};
    use crate::probe::Error;
    use crate::probe::series::Lost;

    const MILLISECOND: Duration = Duration::from_millis(1);

    /// The value of a sample.
    fn sample(metrics: &Metrics, name: &str) -> Option<String> {
        let page = metrics.page();
        page.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ').map(str::to_owned))
    }

    #[test]
    fn counts_are_there_from_the_start_and_measurements_once_they_are_made() {
        let mut metrics = Metrics::new(["healthy", "loss"]);
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
        metrics.verdict("loss");
        metrics.round(MILLISECOND, None);
        let expected = ["1400", "0", "1", "0.001"].map(|value| Some(value.to_owned()));
        assert_eq!(measured.map(|name| sample(&metrics, name)), expected);
    }

    #[test]
    fn the_page_has_the_metrics_of_the_table() {
        let mut metrics = Metrics::new(["loss"]);
        metrics.verdict("loss");
        metrics.path_mtu(1400);
        metrics.round(MILLISECOND, None);
        assert_declares(&metrics.page(), &[METRICS, OWN]);
    }

    #[test]
    fn a_page_of_long_numbers_has_room() {
        let mut metrics = Metrics::new(["a_verdict_of_usual_length"; 17]);
        metrics.verdict("a_verdict_of_usual_length");
        metrics.path_mtu(u32::MAX);
        metrics.round(Duration::from_nanos(9_999_999_999), None);
        let most = u64::from(u32::MAX);
        metrics.rounds = most;
        metrics.probes = [[most; RESULTS.len()]; PROTOCOLS.len()];
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
        metrics.told.fill(most);
        metrics.suspect = [most; REASONS.len()];
        assert_eq!(metrics.page().capacity(), PAGE_CAPACITY);
    }

    #[test]
    fn probes_are_counted_by_result_and_timed_where_they_succeed() {
        let mut metrics = Metrics::new([]);
        metrics.probe("tcp", "success", Some(3 * MILLISECOND), &[("connect", MILLISECOND)]);
        metrics.probe("tcp", "http_503", None, &[]);
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
    fn every_error_has_a_result_of_its_own() {
        let errors = [
            (Error::Timeout, "timeout"),
            (Error::Refused, "refused"),
            (Error::Reset, "reset"),
            (Error::Unreachable, "unreachable"),
            (Error::Closed, "closed"),
            (Error::Mismatch, "mismatch"),
            (Error::HttpStatus(7), "http_status"),
            (Error::HttpStatus(503), "http_status"),
            (Error::HttpMalformed, "http_malformed"),
            (Error::Dns(dns::Error::NotFound), "dns_not_found"),
            (Error::Dns(dns::Error::Timeout), "dns_timeout"),
            (Error::Dns(dns::Error::ServerFailure), "dns_server_failure"),
            (Error::Dns(dns::Error::Malformed), "dns_malformed"),
            (Error::Dns(dns::Error::Local), "dns_local"),
            (Error::Io, "io"),
        ];
        for (error, result) in errors {
            assert_eq!(RESULTS[index_of_result(&error.to_string())], result);
        }
        for unknown in ["", "http_", "http_5xx", "http_0503"] {
            assert_eq!(RESULTS[index_of_result(unknown)], "io");
        }
    }

    #[test]
    fn datagrams_and_suspect_rounds_add_up() {
        let mut metrics = Metrics::new([]);
        for _ in 0..2 {
            let lost = Lost { return_: 1, ..Lost::default() };
            metrics.datagrams(Counts { sent: 16, answered: 15, unsent: 2, lost, ..Counts::default() });
            metrics.round(Duration::ZERO, Some("late"));
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
