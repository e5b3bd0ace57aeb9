//! The fleet as a whole: its nodes by what they see, and the faults, the widest first. Pure.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::time::SystemTime;

use super::Report;
use super::conclusion::NO_VERDICT;
use super::nodes::{Failures, Node, State};

/// The nodes by what they see.
#[derive(Debug, Default)]
pub(super) struct Findings<'a> {
    /// How many were heard.
    pub(super) total: usize,
    /// How many see a fault.
    pub(super) faulty: usize,
    /// How many see none, and go on saying so.
    pub(super) healthy: usize,
    /// By verdict, the one of most nodes first, then the oldest.
    pub(super) faults: Vec<Fault<'a>>,
    /// Those that were not heard while others were: since when.
    pub(super) silent: Vec<(&'a str, SystemTime)>,
    /// Those whose lines say nothing of a probe.
    pub(super) unknown: Vec<&'a str>,
    /// Whether there were more nodes than are kept.
    pub(super) more_nodes: bool,
}

/// One verdict, and who sees it.
#[derive(Debug)]
pub(super) struct Fault<'a> {
    pub(super) verdict: &'a str,
    pub(super) nodes: Vec<&'a str>,
    /// The earliest.
    pub(super) since: SystemTime,
    /// What the node says that spoke of it last.
    pub(super) detail: String,
    pub(super) told_by: &'a str,
    told: SystemTime,
    /// Whether all nodes see it of which anything is known.
    pub(super) on_all: bool,
}

/// The failures of one kind with one error, of all nodes that gave no verdict.
#[derive(Debug)]
pub(super) struct Failed<'a> {
    pub(super) name: &'a str,
    pub(super) count: u64,
    pub(super) nodes: BTreeSet<u16>,
    pub(super) last: SystemTime,
}

impl Findings<'_> {
    /// Whether every node is known to see no fault.
    pub(super) fn all_well(&self) -> bool {
        self.total > 0 && self.healthy == self.total && !self.more_nodes
    }
}

impl Report {
    pub(super) fn findings(&self) -> Findings<'_> {
        let mut found = Findings { more_nodes: self.nodes.left_out > 0, ..Findings::default() };
        let mut faults: BTreeMap<&str, Fault> = BTreeMap::new();
        for (name, node) in self.nodes.iter() {
            found.total += 1;
            let is_silent = self.nodes.is_silent(node);
            if is_silent {
                found.silent.push((name, node.last));
            }
            match node.state() {
                State::Faulty | State::Failing => {
                    found.faulty += 1;
                    self.add(&mut faults, name, node);
                }
                State::Unknown => found.unknown.push(name),
                State::Healthy => found.healthy += usize::from(!is_silent),
            }
        }
        found.faults = faults.into_values().collect();
        found.faults.sort_by_key(|fault| (Reverse(fault.nodes.len()), fault.since));
        for fault in &mut found.faults {
            fault.on_all = fault.nodes.len() == found.faulty + found.healthy;
        }
        found
    }

    /// Failures without a verdict, those of most nodes first.
    pub(super) fn failed(&self) -> Vec<Failed<'_>> {
        let mut by_name: BTreeMap<&str, Failed> = BTreeMap::new();
        for (_, node) in self.nodes.iter() {
            for (number, Failures { count, last, .. }) in node.failures() {
                let name = self.nodes.failure(number);
                let empty = Failed { name, count: 0, nodes: BTreeSet::new(), last: *last };
                let failed = by_name.entry(name).or_insert(empty);
                failed.count += count;
                failed.nodes.insert(node.number);
                failed.last = failed.last.max(*last);
            }
        }
        let mut rows: Vec<Failed> = by_name.into_values().collect();
        rows.sort_by_key(|failed| Reverse((failed.nodes.len(), failed.count)));
        rows
    }

    fn add<'a>(&'a self, faults: &mut BTreeMap<&'a str, Fault<'a>>, name: &'a str, node: &'a Node) {
        let (verdict, since, told, detail) = match &node.verdict {
            Some(verdict) => (&*verdict.name, verdict.since, verdict.told, verdict.detail.clone()),
            None => self.without_verdict(node),
        };
        let nodes = Vec::new();
        let first =
            Fault { verdict, nodes, since, detail: String::new(), told_by: name, told, on_all: false };
        let fault = faults.entry(verdict).or_insert(first);
        fault.since = fault.since.min(since);
        if fault.nodes.is_empty() || told > fault.told {
            (fault.told, fault.told_by, fault.detail) = (told, name, detail);
        }
        fault.nodes.push(name);
    }

    /// What lasts of the failures of a node that gives no verdict.
    fn without_verdict<'a>(&'a self, node: &'a Node) -> (&'a str, SystemTime, SystemTime, String) {
        let since = node.lasting().map(|(_, failures)| failures.since).min().unwrap_or(node.last);
        let names: Vec<&str> = node.lasting().map(|(number, _)| self.nodes.failure(number)).collect();
        (NO_VERDICT, since, node.last, names.join(", "))
    }
}
