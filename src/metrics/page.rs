//! A page of metrics in Prometheus' text format 0.0.4: families one after another, each with its help, its
//! type and its samples.

use std::fmt::{self, Write};
use std::time::Duration;

use super::{Histogram, Metric};

/// What such a page is sent as.
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// A page being written.
#[derive(Debug, Default)]
pub struct Page {
    text: String,
}

/// The samples of one metric. Its help and type are written with the first of them: what was never measured
/// is not mentioned. It borrows the page, so that the samples stay together.
pub struct Family<'a> {
    text: &'a mut String,
    metric: &'static Metric,
    is_begun: bool,
}

/// The value of a sample.
#[derive(Clone, Copy, Debug)]
pub enum Number {
    /// A whole number.
    Whole(u64),
    /// A duration, in seconds, to the nanosecond.
    Seconds(Duration),
}

impl Page {
    /// An empty page with room for so many bytes: one that grows is copied with each doubling, and its memory
    /// asked for anew.
    pub fn with_capacity(bytes: usize) -> Self {
        Self { text: String::with_capacity(bytes) }
    }

    /// Begins the samples of `metric`.
    pub fn family(&mut self, metric: &'static Metric) -> Family<'_> {
        Family { text: &mut self.text, metric, is_begun: false }
    }

    /// The page, whole.
    pub fn into_text(self) -> String {
        self.text
    }
}

impl Family<'_> {
    /// Adds the sample of a counter or gauge with these values of its labels.
    pub fn sample(&mut self, labels: &[&str], number: Number) {
        self.line("", labels, number);
    }

    /// Adds the samples of a histogram with these values of its labels.
    pub fn durations(&mut self, labels: &[&str], histogram: &Histogram) {
        self.begin();
        // Buckets are most of a page, and begin alike. With that copied whole a page takes two thirds of the
        // time: musl's `memcpy` is as slow with a few bytes as with a hundred.
        let mut bucket = String::new();
        push_series(&mut bucket, self.metric, "_bucket", labels);
        bucket.push_str(if labels.is_empty() { "{le=\"" } else { ",le=\"" });
        for (bound, count) in histogram.buckets() {
            let _ = writeln!(self.text, "{bucket}{}\"}} {count}", Number::Seconds(bound));
        }
        let count = histogram.count();
        let _ = writeln!(self.text, "{bucket}+Inf\"}} {count}");
        self.line("_sum", labels, Number::Seconds(histogram.sum()));
        self.line("_count", labels, Number::Whole(count));
    }

    fn line(&mut self, suffix: &str, labels: &[&str], number: Number) {
        self.begin();
        push_series(self.text, self.metric, suffix, labels);
        let close = if labels.is_empty() { "" } else { "}" };
        let _ = writeln!(self.text, "{close} {number}");
    }

    fn begin(&mut self) {
        if !self.is_begun {
            self.is_begun = true;
            let Metric { name, kind, help, .. } = self.metric;
            let _ = write!(self.text, "# HELP {name} {help}\n# TYPE {name} {}\n", kind.word());
        }
    }
}

/// What a sample begins with, its labels not yet closed.
fn push_series(text: &mut String, metric: &Metric, suffix: &str, values: &[&str]) {
    debug_assert_eq!(metric.labels.len(), values.len(), "{}", metric.name);
    text.extend([metric.name, suffix]);
    let mut separator = '{';
    for (name, value) in metric.labels.iter().zip(values) {
        text.push(separator);
        text.extend([name, "=\""]);
        push_escaped(text, value);
        text.push('"');
        separator = ',';
    }
}

/// A label's value may hold anything, with `\`, `"` and line ends escaped.
fn push_escaped(text: &mut String, value: &str) {
    for character in value.chars() {
        match character {
            '\\' => text.push_str("\\\\"),
            '"' => text.push_str("\\\""),
            '\n' => text.push_str("\\n"),
            _ => text.push(character),
        }
    }
}

/// Without floating point, which would lose digits.
impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Whole(number) => write!(f, "{number}"),
            Self::Seconds(duration) if duration.subsec_nanos() == 0 => write!(f, "{}", duration.as_secs()),
            Self::Seconds(duration) => {
                let (mut decimals, mut width) = (duration.subsec_nanos(), 9);
                while decimals % 10 == 0 {
                    (decimals, width) = (decimals / 10, width - 1);
                }
                write!(f, "{}.{decimals:0width$}", duration.as_secs())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_written_byte_for_byte() {
        const REQUESTS: Metric = Metric::counter("a_requests_total", "Requests.", &["code", "path"]);
        const NEVER: Metric = Metric::gauge("a_gauge", "Never.", &[]);
        const LATE: Metric = Metric::gauge("a_seconds", "Late.", &[]);
        let mut page = Page::default();
        let mut requests = page.family(&REQUESTS);
        requests.sample(&["200", ""], Number::Whole(7));
        requests.sample(&["404", "/"], Number::Whole(u64::MAX));
        let _not_measured = page.family(&NEVER);
        page.family(&LATE).sample(&[], Number::Seconds(Duration::from_nanos(1_000_000_010)));
        let expected = "# HELP a_requests_total Requests.\n# TYPE a_requests_total counter\n\
            a_requests_total{code=\"200\",path=\"\"} 7\n\
            a_requests_total{code=\"404\",path=\"/\"} 18446744073709551615\n\
            # HELP a_seconds Late.\n# TYPE a_seconds gauge\na_seconds 1.00000001\n";
        assert_eq!(page.into_text(), expected);
    }

    #[test]
    fn a_histogram_has_its_buckets_its_sum_and_its_count() {
        const TAKEN: Metric = Metric::histogram("a_seconds", "Taken.", &["protocol"]);
        let mut histogram = Histogram::default();
        for duration in [Duration::from_micros(60), Duration::from_mins(1)] {
            histogram.add(duration);
        }
        let mut page = Page::default();
        page.family(&TAKEN).durations(&["tcp"], &histogram);
        let text = page.into_text();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 2 + 20 + 3);
        for (index, line) in [
            (1, "# TYPE a_seconds histogram"),
            (2, "a_seconds_bucket{protocol=\"tcp\",le=\"0.00005\"} 0"),
            (3, "a_seconds_bucket{protocol=\"tcp\",le=\"0.0001\"} 1"),
            (21, "a_seconds_bucket{protocol=\"tcp\",le=\"26.2144\"} 1"),
            (22, "a_seconds_bucket{protocol=\"tcp\",le=\"+Inf\"} 2"),
            (23, "a_seconds_sum{protocol=\"tcp\"} 60.00006"),
            (24, "a_seconds_count{protocol=\"tcp\"} 2"),
        ] {
            assert_eq!(lines[index], line);
        }
    }

    #[test]
    fn labels_cannot_leave_their_quotes_or_their_line() {
        const ANY: Metric = Metric::gauge("a", "A.", &["b"]);
        let mut page = Page::default();
        page.family(&ANY).sample(&["c\\d\"e\nfé"], Number::Whole(1));
        assert_eq!(page.into_text().lines().last(), Some(r#"a{b="c\\d\"e\nfé"} 1"#));
    }

    #[test]
    fn seconds_lose_no_digit() {
        for (duration, text) in [
            (Duration::ZERO, "0"),
            (Duration::from_nanos(1), "0.000000001"),
            (Duration::from_micros(50), "0.00005"),
            (Duration::from_millis(26_214), "26.214"),
            (Duration::from_secs(10), "10"),
            (Duration::MAX, "18446744073709551615.999999999"),
        ] {
            assert_eq!(Number::Seconds(duration).to_string(), text);
        }
    }
}
