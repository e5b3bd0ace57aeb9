//! The faults that have passed: what failed once, and what clients say that they have recovered from. Pure.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::time::SystemTime;

use super::kept;
use super::line::Line;

/// The most verdicts that are told apart: twice as many as there are. Others are not told.
pub(super) const MAX_PASSED: usize = 32;

/// Faults by their verdict.
#[derive(Debug, Default)]
pub(super) struct Passed {
    by_verdict: BTreeMap<String, Times>,
}

/// How often, where and when.
#[derive(Debug)]
pub(super) struct Times {
    pub(super) count: u64,
    pub(super) nodes: BTreeSet<u16>,
    pub(super) last: SystemTime,
}

impl Passed {
    /// Takes in a line of a node's client, if it tells of a fault that is over.
    pub(super) fn take(&mut self, node: u16, line: &Line) {
        let verdict = match (&*line.kind, &*line.event) {
            ("VERDICT", "transient") => "transient",
            // That it was transient has been told already.
            ("VERDICT", "healthy") => line.field("was").filter(|was| *was != "transient").unwrap_or(""),
            _ => "",
        };
        let known = self.by_verdict.contains_key(verdict);
        if verdict.is_empty() || (!known && self.by_verdict.len() >= MAX_PASSED) {
            return;
        }
        let first = Times { count: 0, nodes: BTreeSet::new(), last: line.time };
        let times = self.by_verdict.entry(kept(verdict)).or_insert(first);
        times.count += 1;
        times.nodes.insert(node);
        times.last = times.last.max(line.time);
    }

    /// The last first.
    pub(super) fn rows(&self) -> Vec<(&str, &Times)> {
        let mut rows: Vec<_> = self.by_verdict.iter().map(|(name, times)| (&**name, times)).collect();
        rows.sort_by_key(|(_, times)| Reverse(times.last));
        rows
    }
}
