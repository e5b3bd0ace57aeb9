//! Verdicts: what is broken, by the evidence of a diagnosing pass. Pure: the client collects the evidence and
//! reports the verdict.

mod conditions;
mod evidence;
mod examination;
mod fact;
mod phrases;
mod rule;
mod rules;
#[cfg(test)]
mod tests;
mod vocabulary;

use std::fmt;

pub use evidence::{Evidence, Listing, LookUp, ReplicaExaminations, Slowness, Starved};
pub use examination::{Examination, NotTried, Probe, ReplicaExamination, Retries, Symptom, Trial};
pub use rule::{Advice, Call, Calls, Subject, Team};
pub use rules::Verdict;
pub use vocabulary::{EvidenceWord, evidence_words};

impl Verdict {
    /// The verdict of this name; `None` where this version has none.
    pub fn of(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|verdict| verdict.name() == name)
    }

    /// The word in the log and in the metrics.
    pub fn name(self) -> &'static str {
        self.rule().name
    }

    /// What is broken, in one sentence.
    pub fn meaning(self) -> &'static str {
        self.rule().meaning
    }

    /// The evidence that it takes, in words.
    pub fn needs(self) -> &'static str {
        self.rule().needs
    }

    /// What to do about it, and whom to call.
    pub fn advice(self) -> Advice {
        self.rule().advice
    }

    /// Whether something is broken and stays so.
    pub fn is_fault(self) -> bool {
        !matches!(self, Self::Healthy | Self::Transient)
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A verdict with its reasons.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ruling {
    /// What is broken.
    pub verdict: Verdict,
    /// In words for a person.
    pub detail: String,
    /// What the rule is based on: `tcp:timeout`, `endpoint:2/2`, `dns:ok`.
    pub evidence: Vec<String>,
    /// What exactly is blamed.
    pub subject: Subject,
}

/// The first rule that holds decides.
pub fn judge(evidence: &Evidence) -> Ruling {
    let applies = |verdict: &Verdict| verdict.rule().applies(evidence);
    let verdict = Verdict::ALL.into_iter().find(applies).unwrap_or(Verdict::Healthy);
    let rule = verdict.rule();
    Ruling {
        verdict,
        detail: (rule.detail)(evidence),
        evidence: rule.shows.iter().flat_map(|fact| fact.words(evidence)).collect(),
        subject: (rule.subject)(evidence),
    }
}
