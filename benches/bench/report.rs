//! Tables in Markdown, and the few statistics in them.

use std::fmt;
use std::io;
use std::time::Duration;

use crate::namespaces;
use crate::process::{self, Busy, Cores};

/// The columns of what is not compared with the floor.
pub(crate) const RESULTS: [&str; 3] = ["", "result", "target"];

/// A Markdown table, printed with aligned columns.
pub(crate) struct Table {
    rows: Vec<Vec<String>>,
}

impl Table {
    pub(crate) fn new(columns: &[&str]) -> Self {
        Self { rows: vec![columns.iter().map(ToString::to_string).collect()] }
    }

    /// A row of as many cells as there are columns.
    pub(crate) fn row(&mut self, row: Vec<String>) {
        self.rows.push(row);
    }

    /// A row of a table of [`RESULTS`].
    pub(crate) fn result(&mut self, name: &str, value: String, target: &str, met: bool) {
        self.row(vec![name.to_string(), value, judged(target, met)]);
    }

    /// A row of the same for what has no target.
    pub(crate) fn measured(&mut self, name: &str, value: String) {
        self.row(vec![name.to_string(), value, String::new()]);
    }

    /// A row of the same without a result.
    pub(crate) fn not_measured(&mut self, name: &str, why: &str) {
        self.row(vec![name.to_string(), format!("not measured: {why}"), String::new()]);
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let width =
            |column: usize| self.rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
        let widths: Vec<usize> = (0..self.rows[0].len()).map(width).collect();
        for (index, row) in self.rows.iter().enumerate() {
            for (cell, width) in row.iter().zip(&widths) {
                write!(f, "| {cell:width$} ")?;
            }
            writeln!(f, "|")?;
            if index == 0 {
                writeln!(f, "{}|", "|---".repeat(widths.len()))?;
            }
        }
        Ok(())
    }
}

/// The median of a sample, and between what bounds the median of what it was drawn from lies 19 times in 20.
pub(crate) struct Spread {
    pub(crate) median: f64,
    low: f64,
    high: f64,
}

impl Spread {
    /// By order statistics, which suppose nothing of the distribution: binomial, in its normal approximation.
    pub(crate) fn of(sample: impl Iterator<Item = f64>) -> Self {
        let sorted = sorted(sample);
        let last = sorted.len() - 1;
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a small positive number"
        )]
        let half_width =
            (0.98 * f64::from(u32::try_from(sorted.len()).unwrap_or(u32::MAX)).sqrt()).ceil() as usize;
        let middle = sorted.len() / 2;
        Self {
            median: middle_of(&sorted),
            low: sorted[middle.saturating_sub(half_width)],
            high: sorted[(middle + half_width).min(last)],
        }
    }
}

/// A bound that a median should keep.
#[derive(Clone, Copy)]
pub(crate) enum Bound {
    AtLeast(f64),
    AtMost(f64),
}

impl Bound {
    /// Whether it was kept. A median beyond it whose error reaches back to it is no proof of the contrary.
    pub(crate) fn judge(self, spread: &Spread) -> String {
        let (target, met, possible) = match self {
            Self::AtLeast(bound) => (format!("≥ {bound:.2}"), spread.median >= bound, spread.high >= bound),
            Self::AtMost(bound) => (format!("≤ {bound:.2}"), spread.median <= bound, spread.low <= bound),
        };
        if possible && !met { format!("{target}: within the error") } else { judged(&target, met) }
    }
}

impl fmt::Display for Spread {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "{:.3} ({:.3} to {:.3})", self.median, self.low, self.high)
    }
}

pub(crate) fn median(sample: impl Iterator<Item = f64>) -> f64 {
    middle_of(&sorted(sample))
}

/// The value that so many per cent of a sample are below.
pub(crate) fn percentile(sample: &[f64], percent: usize) -> f64 {
    let sorted = sorted(sample.iter().copied());
    sorted[sorted.len() * percent / 100]
}

pub(crate) fn micros(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e6
}

pub(crate) fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}

/// A target and whether it was met. A missed one is no error: these are clocks on a shared machine.
pub(crate) fn judged(target: &str, met: bool) -> String {
    format!("{target}: {}", if met { "met" } else { "MISSED" })
}

/// What one must know to read the tables: where the numbers come from, and what each means.
pub(crate) fn notes(cores: Cores, before: Busy) -> io::Result<String> {
    let (machine, pinned) = (process::machine(), cores.describe());
    let network = if namespaces::is_inside() { "a network of its own" } else { "NOT a network of its own" };
    let others = before.others_share()? * 100.0;
    Ok(format!(
        "{machine}; {pinned}; {network}; other processes took {others:.0} % of the processors' working \
         time meanwhile.\n\
         {MEANING}"
    ))
}

const MEANING: &str = "
The floor is the smallest blocking thread-a-connection server that gives the same answers, written as in C: no
limit, no time-out, no log, no parser. One thread loads both in short slices that take turns, in new processes
again and again. A ratio is the median over these processes, with the bounds between which it lies 19 times in
20; the other numbers are medians of the same. One question is open at a time unless said otherwise. CPU is
the server's. Memory is what is resident (smaps_rollup), after one exchange on each connection.
A round of three probes has neither a name to look up, nor a series, nor the path MTU. A whole round has
everything on: a name looked up and its nameserver asked, three probes, a series of 16, the replicas' name and
one of the two in turn, the path MTU in each tenth, a summary every ten seconds and a scrape of /metrics each
second. A check is a process of its own: its start, a whole round, and the pass that tries everything at once.
The wire is the loopback device, where tcpdump takes the time of every packet: from a probe's first, the SYN
or the datagram, to the last that carries bytes of the answer. That is subtracted probe by probe. The smallest
prober reads the clock, asks, sleeps until the answer is there and reads the clock again.
";

fn sorted(sample: impl Iterator<Item = f64>) -> Vec<f64> {
    let mut sorted: Vec<f64> = sample.collect();
    sorted.sort_by(f64::total_cmp);
    sorted
}

fn middle_of(sorted: &[f64]) -> f64 {
    let middle = sorted.len() / 2;
    if sorted.len().is_multiple_of(2) {
        f64::midpoint(sorted[middle - 1], sorted[middle])
    } else {
        sorted[middle]
    }
}
