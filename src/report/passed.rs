//! The faults that have passed: what failed once, and what clients have recovered from. Pure.

use super::kept;
use super::line::Line;
use super::tally::{Tallies, Tally};
use crate::verdict::Verdict;

/// The most verdicts that are listed: nearly twice as many as there are. Others are left out.
pub(super) const MAX_PASSED: usize = 32;

/// Faults by their verdict.
#[derive(Debug, Default)]
pub(super) struct Passed(Tallies);

impl Passed {
    /// Takes in a line of a node's client, if it is about a fault that has ended.
    pub(super) fn take(&mut self, node: u16, line: &Line) {
        let transient = Verdict::Transient.name();
        let verdict = match Verdict::of(&line.event).filter(|_| line.kind == "VERDICT") {
            Some(Verdict::Transient) => Some(transient),
            // A transient failure has had its own line already.
            Some(Verdict::Healthy) => line.field("was").filter(|was| *was != transient),
            _ => None,
        };
        if let Some(verdict) = verdict {
            self.0.add(kept(verdict), 1, node, line.time, MAX_PASSED);
        }
    }

    /// The last first.
    pub(super) fn rows(&self) -> Vec<&Tally> {
        self.0.rows()
    }
}
