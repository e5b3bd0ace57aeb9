//! What each step of a round publishes, as values. The journal makes lines, streaks and metrics of them.
//! Pure.

use std::net::SocketAddr;
use std::time::Duration;

use crate::dns::{self, Found};
use crate::probe::path::{MeasuredPath, PathFinding};
use crate::probe::series::{Burst, Lost, Series};
use crate::probe::{Addresses, Error, Failure, Outcome, Phase, Protocol, Report, Success};
use crate::verdict::Symptom;

/// A latency from which on a starved prober may have had a part in it.
const SLOW: Duration = Duration::from_millis(10);

/// What one step found.
#[derive(Debug)]
pub(super) enum Finding {
    /// The target's name has addresses.
    Found { found: Found, took: Duration },
    /// The look-up of the target's name failed; `remembered` is what an earlier one gave.
    NotFound { name: String, error: dns::Error, remembered: Option<Addresses> },
    /// A protocol was probed at the target's addresses.
    Probed { protocol: Protocol, report: Report, source: Source },
    /// There was no address to probe: the look-up of `name` failed like this, and so has every one before.
    NotProbed { protocol: Protocol, port: u16, name: String, error: dns::Error },
    /// A series was sent to `peer`; `settled` is what has become known of earlier losses.
    Series { peer: SocketAddr, series: Series, settled: Lost },
    /// This host could not open the flows of a series to `peer`.
    NoFlows { peer: SocketAddr, failure: Failure },
    /// A replica replied when it was probed directly; `is_replaced`: it is another process than before.
    Endpoint { address: SocketAddr, success: Success, is_replaced: bool },
    /// A replica failed when it was probed directly, and whether that is excused.
    EndpointFailed { address: SocketAddr, failure: Failure, excuse: Option<Excuse> },
    /// The path MTU to an address was measured.
    Path { path: MeasuredPath, took: Duration },
    /// The diagnosing pass sent a burst.
    Burst(Burst),
}

/// Where the addresses of a probe come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Source {
    /// The target has this one.
    Only,
    /// The target has several.
    OneOfSeveral,
    /// An earlier round: this one's look-up failed.
    Remembered,
}

/// Why it is no fault that a replica fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Excuse {
    /// It replied that it drains.
    Draining,
    /// It is new, and has never replied.
    Starting,
    /// It is not listed any more; or the target does not suffer from it, and the list may be old.
    Leaving,
}

impl Finding {
    /// How the step failed, if it did.
    pub(super) fn symptom(&self) -> Option<Symptom> {
        let dns = |error: dns::Error| Symptom { error: Error::Dns(error), phase: Phase::Resolve };
        match self {
            Self::NotFound { error, .. } | Self::NotProbed { error, .. } => Some(dns(*error)),
            Self::Path { path, .. } if path.is_black_hole() => {
                Some(Symptom { error: Error::BlackHole, phase: Phase::Receive })
            }
            _ => self.failure().map(|failure| Symptom { error: failure.error, phase: failure.phase }),
        }
    }

    /// Whether the step failed, and that is not excused.
    pub(super) fn is_fault(&self) -> bool {
        self.symptom().is_some() && !matches!(self, Self::EndpointFailed { excuse: Some(_), .. })
    }

    /// Whether this host had not enough of something for the step.
    pub(super) fn is_shortage(&self) -> bool {
        self.failure().is_some_and(|failure| failure.is_shortage)
    }

    /// Whether a starved prober may have had a part in it: it failed, or took long.
    pub(super) fn is_questionable(&self) -> bool {
        self.symptom().is_some() || self.slowest().is_some_and(|took| took >= SLOW)
    }

    fn failure(&self) -> Option<&Failure> {
        match self {
            Self::Probed { report: Report { outcome: Outcome::Failure(failure), .. }, .. }
            | Self::EndpointFailed { failure, .. }
            | Self::NoFlows { failure, .. } => Some(failure),
            Self::Series { series, .. } => series.failure(),
            _ => None,
        }
    }

    /// The longest time that a step which succeeded measured.
    fn slowest(&self) -> Option<Duration> {
        match self {
            Self::Found { took, .. } => Some(*took),
            Self::Probed { report: Report { outcome: Outcome::Success(success), .. }, .. }
            | Self::Endpoint { success, .. } => Some(success.latency),
            Self::Series { series, .. } => series.times().map(|times| times.p99),
            Self::Path { path, took } => {
                matches!(path.report.finding, PathFinding::Whole | PathFinding::Smaller).then_some(*took)
            }
            _ => None,
        }
    }
}

impl Excuse {
    /// The word in lines.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Draining => "draining",
            Self::Starting => "starting",
            Self::Leaving => "leaving",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probe::path::PathReport;

    #[test]
    fn a_finding_is_questionable_from_a_limit_on_or_where_it_failed() {
        let found = |took| {
            let addresses = vec![[10, 96, 0, 12].into()];
            Finding::Found { found: Found { addresses, name: "smoker-server".into(), resolver: None }, took }
        };
        assert!(!found(SLOW.saturating_sub(Duration::from_nanos(1))).is_questionable());
        assert!(found(SLOW).is_questionable());
        assert!(!found(SLOW).is_shortage());
        let name = "smoker-server".to_owned();
        let failed = Finding::NotFound { name, error: dns::Error::Timeout, remembered: None };
        assert!(failed.is_questionable());
    }

    #[test]
    fn a_series_without_a_descriptor_is_for_a_shortage() {
        let peer = SocketAddr::from(([10, 96, 0, 12], 8081));
        let failure = Failure { is_shortage: true, ..Failure::new(Error::Io, Phase::Connect) };
        let finding = Finding::NoFlows { peer, failure };
        assert!(finding.is_shortage());
        assert_eq!(finding.symptom(), Some(Symptom { error: Error::Io, phase: Phase::Connect }));
    }

    #[test]
    fn large_packets_that_vanish_are_a_symptom_and_what_was_not_measured_is_none() {
        let path = |finding| {
            let report = PathReport { finding, mtu: Some(1400), interface: Some(1500), reported_by: None };
            let path = MeasuredPath { address: [10, 96, 0, 12].into(), report };
            Finding::Path { path, took: SLOW }
        };
        assert!(path(PathFinding::BlackHole(None)).symptom().is_some());
        assert!(path(PathFinding::Whole).is_questionable());
        let unmeasured = path(PathFinding::Unmeasured(Failure::new(Error::Timeout, Phase::Receive)));
        assert_eq!(unmeasured.symptom(), None);
        assert!(!unmeasured.is_questionable());
    }
}
