//! A metric's name, type, help and labels, declared once for the page, the documentation and tests.

/// One metric. An exporter has a table of them; what is on its page is written from there.
#[derive(Debug, PartialEq, Eq)]
pub struct Metric {
    /// As on the page: `smoker_probe_total`. A histogram has three series: `_bucket`, `_sum` and `_count`.
    pub name: &'static str,
    /// Its type.
    pub kind: Kind,
    /// One sentence: what it counts or measures.
    pub help: &'static str,
    /// The names of its labels, in the order of their values. A histogram's own `le` is not among them.
    pub labels: &'static [&'static str],
}

/// The types that Prometheus has for them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// It only grows; its name ends in `_total`.
    Counter,
    /// It goes up and down.
    Gauge,
    /// Durations by how long they took, in seconds; its name ends in `_seconds`.
    Histogram,
}

impl Metric {
    /// A count that only grows.
    pub const fn counter(name: &'static str, help: &'static str, labels: &'static [&'static str]) -> Self {
        Self { name, kind: Kind::Counter, help, labels }
    }

    /// A number that goes up and down.
    pub const fn gauge(name: &'static str, help: &'static str, labels: &'static [&'static str]) -> Self {
        Self { name, kind: Kind::Gauge, help, labels }
    }

    /// Durations.
    pub const fn histogram(name: &'static str, help: &'static str, labels: &'static [&'static str]) -> Self {
        Self { name, kind: Kind::Histogram, help, labels }
    }
}

impl Kind {
    /// Its word in the `# TYPE` line.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
        }
    }
}

/// Asserts that `page` has the metrics of `tables`, in their order, and no others.
#[cfg(test)]
pub(crate) fn assert_declares(page: &str, tables: &[&[Metric]]) {
    let typed: Vec<&str> = page.lines().filter_map(|line| line.strip_prefix("# TYPE ")).collect();
    let declared = tables.iter().copied().flatten();
    let declared: Vec<String> =
        declared.map(|metric| format!("{} {}", metric.name, metric.kind.word())).collect();
    assert_eq!(typed, declared);
}
