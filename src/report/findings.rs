//! The fleet as a whole: its nodes by what they see, and the faults, the widest first. Pure.

use std::cmp::Reverse;
use std::time::SystemTime;

use super::Report;
use super::nodes::{Failures, MAX_FAILURES, Node, State};
use super::problem::Problem;
use super::tally::{Tallies, insert};

/// The nodes by what they see.
#[derive(Debug, Default)]
pub(super) struct Findings<'a> {
    /// How many nodes there are lines of.
    pub(super) total: usize,
    /// How many see a fault.
    pub(super) faulty: usize,
    /// How many see none, and are not silent.
    pub(super) healthy: usize,
    /// By verdict, the one of most nodes first, then the oldest.
    pub(super) faults: Vec<Fault<'a>>,
    /// Those without lines while others have some: since when.
    pub(super) silent: Vec<(&'a str, SystemTime)>,
    /// Those without a verdict whose failures, if any, have ended.
    pub(super) unjudged: Vec<&'a str>,
    /// How many have no verdict, whether a failure lasts or not.
    pub(super) without_verdict: usize,
    /// Whether there were more nodes than are kept.
    pub(super) more_nodes: bool,
}

/// One problem, and the nodes that report it.
#[derive(Debug)]
pub(super) struct Fault<'a> {
    pub(super) problem: &'a Problem,
    pub(super) nodes: Vec<&'a str>,
    /// The earliest.
    pub(super) since: SystemTime,
    /// From the last line about it.
    pub(super) detail: String,
    /// The node of that line.
    pub(super) last_node: &'a str,
    /// The time of that line.
    last: SystemTime,
    /// Whether all nodes see it but those that are healthy and silent.
    pub(super) on_all: bool,
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
        let mut faults: Vec<Fault> = Vec::new();
        for (name, node) in self.nodes.iter() {
            found.total += 1;
            let is_silent = self.nodes.is_silent(node);
            if is_silent {
                found.silent.push((name, node.last));
            }
            found.without_verdict += usize::from(node.verdict.is_none());
            match node.state() {
                State::Faulty | State::Failing => {
                    found.faulty += 1;
                    self.add(&mut faults, name, node);
                }
                State::Unjudged => found.unjudged.push(name),
                State::Healthy => found.healthy += usize::from(!is_silent),
            }
        }
        for mut fault in faults {
            fault.on_all = fault.nodes.len() == found.faulty + found.healthy + found.unjudged.len();
            insert(&mut found.faults, fault, |fault| (Reverse(fault.nodes.len()), fault.since));
        }
        found
    }

    /// Failures of the nodes without a verdict, by kind and error.
    pub(super) fn failed(&self) -> Tallies {
        let mut failed = Tallies::default();
        for (_, node) in self.nodes.iter() {
            for Failures { number, count, last, .. } in &node.failures {
                failed.add(self.nodes.failure(*number), *count, node.number, *last, MAX_FAILURES + 1);
            }
        }
        failed
    }

    fn add<'a>(&'a self, faults: &mut Vec<Fault<'a>>, name: &'a str, node: &'a Node) {
        let (problem, since, last, detail) = match &node.verdict {
            Some(logged) => (&logged.verdict, logged.since, logged.at, logged.detail.clone()),
            None => self.without_verdict(node),
        };
        let Some(fault) = faults.iter_mut().find(|fault| fault.problem == problem) else {
            let nodes = vec![name];
            faults.push(Fault { problem, nodes, since, detail, last_node: name, last, on_all: false });
            return;
        };
        fault.nodes.push(name);
        fault.since = fault.since.min(since);
        if last > fault.last {
            (fault.last, fault.last_node, fault.detail) = (last, name, detail);
        }
    }

    /// The failures that last on a node without a verdict.
    fn without_verdict<'a>(&'a self, node: &'a Node) -> (&'a Problem, SystemTime, SystemTime, String) {
        let since = node.lasting().map(|failures| failures.since).min().unwrap_or(node.last);
        let names: Vec<&str> = node.lasting().map(|failures| self.nodes.failure(failures.number)).collect();
        (&Problem::NoVerdict, since, node.last, names.join(", "))
    }
}
