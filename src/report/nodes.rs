//! What is known of each node: its last verdict, its failures where it has none, the time of its last line.
//! Pure.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use super::kept;
use super::line::Line;
use super::problem::Problem;
use super::replicas::ip;
use crate::probe::Kind;
use crate::time::moment;

/// The most nodes: what Kubernetes supports in a cluster. Lines of others are counted.
pub(super) const MAX_NODES: usize = 5000;

/// The most failures that are listed apart, of all nodes: there are seven kinds of probes, sixteen replicas
/// and some twenty errors, of which few occur together. Others are counted as one, which then never ends.
pub(super) const MAX_FAILURES: usize = 64;

/// A node without lines for so long, while others have some, is silent: ten rounds as they are by default.
pub(super) const SILENT_AFTER: Duration = Duration::from_mins(5);

/// And without lines for so many of its own longest pauses, which are long where its rounds are rare.
const SILENT_PAUSES: u32 = 3;

/// The name of all failures past [`MAX_FAILURES`].
const OTHERS: &str = "others";

/// The nodes of which there are lines.
#[derive(Debug, Default)]
pub(super) struct Nodes {
    by_name: BTreeMap<String, Node>,
    /// What failed, and with which error, by number.
    failures: Vec<String>,
    /// Lines of nodes past [`MAX_NODES`].
    pub(super) left_out: u64,
    /// The time of the last line of any of them.
    pub(super) newest: Option<SystemTime>,
}

/// One node.
#[derive(Debug)]
pub(super) struct Node {
    /// Its place among all, in the order of the input.
    pub(super) number: u16,
    pub(super) last: SystemTime,
    longest_pause: Duration,
    pub(super) verdict: Option<Logged>,
    /// Those before its first verdict, or all where it has none.
    pub(super) failures: Vec<Failures>,
}

/// The last verdict of a node.
#[derive(Clone, Debug)]
pub(super) struct Logged {
    pub(super) verdict: Problem,
    /// The time of its line.
    pub(super) at: SystemTime,
    pub(super) since: SystemTime,
    pub(super) detail: String,
}

/// The failures of one thing with one error.
#[derive(Clone, Copy, Debug)]
pub(super) struct Failures {
    /// Of thing and error: see [`Nodes::failure`].
    pub(super) number: usize,
    pub(super) count: u64,
    pub(super) since: SystemTime,
    pub(super) last: SystemTime,
    /// Whether the same has not succeeded, or failed otherwise, since then.
    pub(super) lasting: bool,
}

/// How a node is judged.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum State {
    Healthy,
    Faulty,
    /// Its probes fail, and it has no verdict.
    Failing,
    /// It has no verdict. That none of its probes fails does not make it healthy: its verdict, outside these
    /// lines, may be about loss, about a replica whose turn it is not, or about a path that is seldom
    /// measured.
    Unjudged,
}

impl Nodes {
    /// Takes in a line of the client of `name`, and returns the number of that node.
    pub(super) fn take(&mut self, name: &str, line: &Line) -> Option<u16> {
        let name = kept(name);
        let Some(node) = self.node(name, line.time) else {
            self.left_out += 1;
            return None;
        };
        node.line_at(line.time);
        let number = node.number;
        match (&*line.kind, &*line.event) {
            ("VERDICT", verdict) => node.judge(verdict, line),
            // Such as a replica that drains.
            (_, "FAILED") if line.field("excused").is_some() => {}
            (_, "SUCCESS") => self.succeed(name, line),
            (_, "FAILED") => self.fail(name, line),
            _ => {}
        }
        self.newest = self.newest.max(Some(line.time));
        Some(number)
    }

    /// In the order of their names.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &Node)> {
        self.by_name.iter().map(|(name, node)| (&**name, node))
    }

    /// `TCP timeout`, `ENDPOINT 10.244.1.7 timeout` and so on.
    pub(super) fn failure(&self, number: usize) -> &str {
        self.failures.get(number).map_or(OTHERS, |failure| failure)
    }

    /// Whether a node has no more lines while others have.
    pub(super) fn is_silent(&self, node: &Node) -> bool {
        let patience = SILENT_AFTER.max(node.longest_pause.saturating_mul(SILENT_PAUSES));
        self.newest.is_some_and(|newest| newest.duration_since(node.last).is_ok_and(|quiet| quiet > patience))
    }

    fn node(&mut self, name: &str, now: SystemTime) -> Option<&mut Node> {
        let known = self.by_name.len();
        if known >= MAX_NODES && !self.by_name.contains_key(name) {
            return None;
        }
        // Below the limit, and so a number of 16 bits.
        let number = u16::try_from(known).ok()?;
        Some(self.by_name.entry(name.to_owned()).or_insert_with(|| Node::new(number, now)))
    }

    fn succeed(&mut self, name: &str, line: &Line) {
        let Some(node) = self.by_name.get_mut(name) else { return };
        end_all(&mut node.failures, &self.failures, &probed(line));
    }

    fn fail(&mut self, name: &str, line: &Line) {
        let Some(node) = self.by_name.get_mut(name).filter(|node| node.verdict.is_none()) else { return };
        let probed = probed(line);
        let failure = format!("{probed} {}", line.field("error").unwrap_or("failed"));
        let number = number_of(kept(&failure), &mut self.failures);
        end_all(&mut node.failures, &self.failures, &probed);
        let since = line.field("since").and_then(moment).unwrap_or(line.time);
        let before = node.failures.iter().position(|failures| failures.number == number);
        let count = before.map_or(0, |place| node.failures.swap_remove(place).count) + 1;
        node.failures.push(Failures { number, count, since, last: line.time, lasting: true });
    }
}

/// What a line's probe measured: its kind and, as each replica fails for itself, its address.
fn probed(line: &Line) -> String {
    match line.field("address").filter(|_| line.kind == Kind::Endpoint.word()).and_then(ip) {
        Some(address) => format!("{} {address}", line.kind),
        None => line.kind.to_string(),
    }
}

/// The number of a failure among those that are listed apart; one more than the last for all others.
fn number_of(failure: &str, known: &mut Vec<String>) -> usize {
    let number = known.iter().position(|known| known == failure).unwrap_or(known.len());
    if number == known.len() && number < MAX_FAILURES {
        known.push(failure.to_owned());
    }
    number
}

/// What was probed has succeeded, or failed in another way: what failed before does not last.
fn end_all(failures: &mut [Failures], names: &[String], probed: &str) {
    for failures in failures {
        let name = names.get(failures.number).map_or(OTHERS, |name| name);
        failures.lasting &= name.rsplit_once(' ').is_none_or(|(before, _error)| before != probed);
    }
}

impl Node {
    fn new(number: u16, now: SystemTime) -> Self {
        Self { number, last: now, longest_pause: Duration::ZERO, verdict: None, failures: Vec::new() }
    }

    pub(super) fn state(&self) -> State {
        match &self.verdict {
            Some(logged) if logged.verdict.is_fault() => State::Faulty,
            Some(_) => State::Healthy,
            None if self.lasting().next().is_some() => State::Failing,
            None => State::Unjudged,
        }
    }

    /// The failures that have not ended.
    pub(super) fn lasting(&self) -> impl Iterator<Item = &Failures> {
        self.failures.iter().filter(|failures| failures.lasting)
    }

    fn line_at(&mut self, now: SystemTime) {
        if let Ok(pause) = now.duration_since(self.last) {
            self.longest_pause = self.longest_pause.max(pause);
            self.last = now;
        }
    }

    /// The logs of two pods of a node may come in any order: the verdict with the latest time counts.
    fn judge(&mut self, name: &str, line: &Line) {
        self.failures.clear();
        if self.verdict.as_ref().is_some_and(|logged| logged.at > line.time) {
            return;
        }
        let since = line.field("since").and_then(moment).unwrap_or(line.time);
        let detail = kept(line.field("detail").or(line.field("evidence")).unwrap_or("-")).to_owned();
        self.verdict = Some(Logged { verdict: Problem::of(kept(name)), at: line.time, since, detail });
    }
}
