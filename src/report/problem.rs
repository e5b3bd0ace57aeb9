//! What a node reports to be wrong, and whom to call about it. Pure.

use std::fmt;

use crate::verdict::{Calls, Verdict};

/// How the nodes that fail without a verdict are listed.
const NO_VERDICT: &str = "no verdict";

/// What is wrong on a node, or was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Problem {
    /// A verdict that this version has a rule for; it may be a good one.
    Known(Verdict),
    /// The verdict of another version.
    OtherVersion(String),
    /// Probes fail, and no verdict is in the lines.
    NoVerdict,
}

impl Problem {
    /// The verdict of this name.
    pub(super) fn of(name: &str) -> Self {
        Verdict::of(name).map_or_else(|| Self::OtherVersion(name.to_owned()), Self::Known)
    }

    pub(super) fn name(&self) -> &str {
        match self {
            Self::Known(verdict) => verdict.name(),
            Self::OtherVersion(name) => name,
            Self::NoVerdict => NO_VERDICT,
        }
    }

    /// Whether something is broken. Of a verdict that is not known it has to be assumed.
    pub(super) fn is_fault(&self) -> bool {
        match self {
            Self::Known(verdict) => verdict.is_fault(),
            Self::OtherVersion(_) | Self::NoVerdict => true,
        }
    }

    /// Whom to call, if some or all of the nodes have it.
    pub(super) fn call(&self, on_all_nodes: bool) -> String {
        match self {
            Self::Known(verdict) => match verdict.advice().calls {
                Some(Calls { all_nodes, .. }) if on_all_nodes => all_nodes.to_string(),
                Some(Calls { some_nodes, .. }) => some_nodes.to_string(),
                None => verdict.advice().next.to_owned(),
            },
            Self::OtherVersion(_) => {
                "not a verdict of this version; ask smoker explain of the version that printed it".to_owned()
            }
            Self::NoVerdict if on_all_nodes => {
                "see smoker explain ERROR; for all nodes, the server, its Service or DNS".to_owned()
            }
            Self::NoVerdict => {
                "see smoker explain ERROR; for these nodes alone, their network comes first".to_owned()
            }
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::page::WIDTH;

    #[test]
    fn a_call_fits_its_line() {
        let known = Verdict::ALL.into_iter().filter(|verdict| verdict.is_fault()).map(Problem::Known);
        for problem in known.chain([Problem::of("from_tomorrow"), Problem::NoVerdict]) {
            for on_all_nodes in [false, true] {
                let line = format!("  call: {}", problem.call(on_all_nodes));
                assert!(line.chars().count() <= WIDTH, "{line}");
            }
        }
    }

    #[test]
    fn a_verdict_of_another_version_is_a_fault_without_a_team_to_call() {
        let other = Problem::of("from_tomorrow");
        assert_eq!(other, Problem::OtherVersion("from_tomorrow".into()));
        assert!(other.is_fault());
        assert!(!other.call(true).contains(" team"), "{}", other.call(true));
        assert_eq!(Problem::of("healthy"), Problem::Known(Verdict::Healthy));
    }
}
