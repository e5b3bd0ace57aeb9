//! `smoker report`: the lines of many clients in, one screen out: which nodes have which fault, since when,
//! and whom to call. Reads in bounded memory; its only clock is that of the lines.

mod findings;
mod forms;
mod input;
mod json;
mod line;
mod nodes;
mod page;
mod passed;
mod problem;
mod replicas;
mod tally;
#[cfg(test)]
mod tests;

mod text;

use std::io::{self, BufRead};
use std::time::SystemTime;

use input::Next;
use nodes::Nodes;
use passed::Passed;
use replicas::Replicas;

/// What the lines say. Printed, it is the screen.
#[derive(Debug, Default)]
pub struct Report {
    nodes: Nodes,
    replicas: Replicas,
    passed: Passed,
    counts: Counts,
    /// The time of the first and of the last line of any client or server.
    span: Option<(SystemTime, SystemTime)>,
}

/// The lines, by whether they could be read.
#[derive(Debug, Default)]
struct Counts {
    understood: u64,
    not_understood: u64,
    too_long: u64,
    /// Lines that clients and servers could not print because their stdout did not accept them.
    lost: u64,
}

/// Reads all lines; an error is the input's.
pub fn read(mut input: impl BufRead) -> io::Result<Report> {
    let (mut report, mut line) = (Report::default(), Vec::new());
    loop {
        match input::next(&mut input, &mut line)? {
            Next::Line => report.take(&String::from_utf8_lossy(&line)),
            Next::TooLong => report.counts.too_long += 1,
            Next::End => return Ok(report),
        }
    }
}

impl Report {
    /// Whether every node of which there are lines is known to have no fault.
    pub fn is_healthy(&self) -> bool {
        self.findings().all_well()
    }

    fn take(&mut self, text: &str) {
        if text.trim_ascii().is_empty() {
            return;
        }
        let Some(line) = forms::line(text) else {
            self.counts.not_understood += 1;
            return;
        };
        self.counts.understood += 1;
        let (first, last) = self.span.unwrap_or((line.time, line.time));
        self.span = Some((first.min(line.time), last.max(line.time)));
        if (&*line.kind, &*line.event) == ("LOG", "LOST") {
            let lines = line.field("lines").and_then(|lines| lines.parse().ok());
            self.counts.lost = self.counts.lost.saturating_add(lines.unwrap_or(0));
        }
        let Some(name) = &line.node else { return };
        if let Some(node) = self.nodes.take(name, &line) {
            self.replicas.take(node, &line);
            self.passed.take(node, &line);
        }
    }
}

/// The longest text that is kept of any field: names of Kubernetes' objects have 253 bytes, and a `detail`
/// not many more.
const MAX_KEPT: usize = 256;

fn kept(text: &str) -> &str {
    &text[..text.floor_char_boundary(MAX_KEPT)]
}
