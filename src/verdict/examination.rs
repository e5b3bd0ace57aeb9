//! One address, examined: the form whose fields the jobs of a diagnosing pass fill in. Pure.

use std::net::IpAddr;

use crate::probe::series::Burst;
use crate::probe::{Answerer, Error, Phase, Protocol};

/// What was found at one address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Examination {
    /// The address.
    pub address: IpAddr,
    /// The protocols, in the order of a round.
    pub probes: Vec<Probe>,
    /// Many datagrams from new source ports; `None` where none were sent.
    pub burst: Option<Burst>,
}

/// One replica, examined directly.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplicaExamination {
    /// What was found at its address.
    pub direct: Examination,
    /// Whether it has reported that it runs on the node of this client.
    pub is_on_this_node: bool,
}

/// One protocol at one address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Probe {
    /// Which.
    pub protocol: Protocol,
    /// Its port.
    pub port: u16,
    /// How often it was tried, and with what results.
    pub trial: Trial,
    /// The Smoker that replied to the pass; `None` where there was no reply, or none that names one.
    pub answerer: Option<Answerer>,
}

/// How a protocol was tried, and with what result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trial {
    /// The round's probe passed, and was not repeated.
    Passed,
    /// The round's probe failed and was not repeated: there was no pass, or no time, thread or socket in it.
    Failed {
        /// How it failed.
        first: Symptom,
    },
    /// The pass has probed.
    Retried(Retries),
    /// The pass was to probe, and could not.
    NotTried(NotTried),
}

/// Why the pass has not probed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotTried {
    /// This host had no thread or socket for it.
    Shortage,
    /// No time was left for even one try.
    NoTime,
}

/// Equal probes of a pass: one or more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retries {
    /// How the round's own probe failed; `None` where it made none, or that passed.
    first: Option<Symptom>,
    made: usize,
    failed: usize,
    /// The most informative failure among them.
    symptom: Option<Symptom>,
}

/// How a probe failed, and how far it had come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Symptom {
    /// The error code of the log.
    pub error: Error,
    /// What the probe was doing.
    pub phase: Phase,
}

impl Examination {
    /// The blank form of a pass for `address`: the same protocols as in `probes`, and none tried.
    pub fn blank(address: IpAddr, probes: &[Probe]) -> Self {
        let blank = |probe: &Probe| Probe {
            protocol: probe.protocol,
            port: probe.port,
            trial: Trial::NotTried(NotTried::Shortage),
            answerer: None,
        };
        Self { address, probes: probes.iter().map(blank).collect(), burst: None }
    }
}

impl ReplicaExamination {
    /// Whether each protocol was tried and passed at least once.
    pub fn answers(&self) -> bool {
        self.direct.probes.iter().all(|probe| probe.trial.is_answered())
    }

    /// Whether a protocol was tried and never passed. A replica that was not tried neither answers nor fails.
    pub fn fails(&self) -> bool {
        self.direct.probes.iter().any(|probe| probe.trial.all_failed())
    }
}

impl Probe {
    /// The probe of a round: `failure` is how it failed, if it did.
    pub fn of_round(protocol: Protocol, port: u16, failure: Option<Symptom>) -> Self {
        let trial = failure.map_or(Trial::Passed, |first| Trial::Failed { first });
        Self { protocol, port, trial, answerer: None }
    }
}

impl Trial {
    /// Adds the result of one more probe, of the pass.
    pub fn add(&mut self, result: Result<(), Symptom>) {
        match self {
            Self::Retried(retries) => retries.add(result),
            Self::Failed { first } => *self = Self::Retried(Retries::new(Some(*first), result)),
            Self::Passed | Self::NotTried(_) => *self = Self::Retried(Retries::new(None, result)),
        }
    }

    /// How the round's own probe failed, where there was one and it did.
    pub fn first_failure(&self) -> Option<Symptom> {
        match self {
            Self::Failed { first } => Some(*first),
            Self::Retried(retries) => retries.first,
            Self::Passed | Self::NotTried(_) => None,
        }
    }

    /// The most informative failure of all, where there is one.
    pub(super) fn symptom(&self) -> Option<Symptom> {
        match self {
            Self::Failed { first } => Some(*first),
            Self::Retried(retries) => retries.symptom.or(retries.first),
            Self::Passed | Self::NotTried(_) => None,
        }
    }

    /// Whether it works: the round's probe passed, or the retries did, a single silent one apart.
    pub(super) fn passes(&self) -> bool {
        match self {
            Self::Passed => true,
            Self::Retried(retries) => !retries.fail(),
            Self::Failed { .. } | Self::NotTried(_) => false,
        }
    }

    /// Whether it was retried and failed again.
    pub(super) fn fails(&self) -> bool {
        matches!(self, Self::Retried(retries) if retries.fail())
    }

    /// Whether one probe passed, of the round or of the pass.
    pub(super) fn is_answered(&self) -> bool {
        match self {
            Self::Passed => true,
            Self::Retried(retries) => retries.failed < retries.made,
            Self::Failed { .. } | Self::NotTried(_) => false,
        }
    }

    /// Whether it was retried and never passed.
    pub(super) fn all_failed(&self) -> bool {
        matches!(self, Self::Retried(retries) if retries.failed == retries.made)
    }
}

impl Retries {
    fn new(first: Option<Symptom>, result: Result<(), Symptom>) -> Self {
        let mut retries = Self { first, made: 0, failed: 0, symptom: None };
        retries.add(result);
        retries
    }

    fn add(&mut self, result: Result<(), Symptom>) {
        self.made += 1;
        if let Err(now) = result {
            self.failed += 1;
            self.symptom = Some(more_informative(self.symptom.or(self.first), now));
        }
    }

    /// How many: 1 or more.
    pub fn made(&self) -> usize {
        self.made
    }

    /// How many of them failed.
    pub fn failed(&self) -> usize {
        self.failed
    }

    /// Whether they fail: one of several that found nothing but silence may be bad luck.
    fn fail(&self) -> bool {
        let is_silence = self.symptom.is_some_and(|symptom| symptom.error == Error::Timeout);
        self.failed == self.made || self.failed > 1 || (self.failed == 1 && !is_silence)
    }
}

/// The more informative of two symptoms: silence is the least. ICMP messages are limited to about one a
/// second (`icmp_ratelimit` in ip-sysctl), so that a port that refused once looks silent in the next probe.
fn more_informative(before: Option<Symptom>, now: Symptom) -> Symptom {
    before.filter(|_| now.error == Error::Timeout).unwrap_or(now)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn symptom(error: Error) -> Symptom {
        Symptom { error, phase: Phase::Receive }
    }

    fn retried(mut trial: Trial, results: &[Result<(), Symptom>]) -> Trial {
        for result in results {
            trial.add(*result);
        }
        trial
    }

    const BLANK: Trial = Trial::NotTried(NotTried::Shortage);

    #[test]
    fn what_was_not_tried_neither_passes_nor_fails() {
        let failed = Trial::Failed { first: symptom(Error::Timeout) };
        for trial in [BLANK, Trial::NotTried(NotTried::NoTime), failed] {
            assert!(!trial.passes() && !trial.is_answered(), "{trial:?}");
            assert!(!trial.fails() && !trial.all_failed(), "{trial:?}");
        }
        assert_eq!(failed.symptom(), Some(symptom(Error::Timeout)));
        assert_eq!(BLANK.symptom(), None);
    }

    #[test]
    fn one_silent_try_of_several_may_be_bad_luck() {
        let (silent, refused) = (Err(symptom(Error::Timeout)), Err(symptom(Error::Refused)));
        for (results, fails, all_failed) in [
            (&[Ok(())][..], false, false),
            (&[silent], true, true),
            (&[silent, Ok(())], false, false),
            (&[refused, Ok(())], true, false),
            (&[silent, Ok(()), silent], true, false),
            (&[silent, silent], true, true),
        ] {
            let trial = retried(BLANK, results);
            assert_eq!(trial.fails(), fails, "{results:?}");
            assert_eq!(trial.passes(), !fails, "{results:?}");
            assert_eq!(trial.all_failed(), all_failed, "{results:?}");
            assert_eq!(trial.is_answered(), !all_failed, "{results:?}");
        }
    }

    #[test]
    fn silence_does_not_hide_an_earlier_error() {
        let [silent, refused, reset] = [Error::Timeout, Error::Refused, Error::Reset].map(symptom);
        for (first, results, expected) in [
            (silent, &[Err(silent)][..], silent),
            (refused, &[Err(silent)], refused),
            (silent, &[Err(refused), Err(silent)], refused),
            (refused, &[Err(reset), Ok(())], reset),
            (refused, &[Ok(())], refused),
        ] {
            let trial = retried(Trial::Failed { first }, results);
            assert_eq!(trial.symptom(), Some(expected), "{first:?} {results:?}");
            assert_eq!(trial.first_failure(), Some(first));
        }
        assert_eq!(retried(BLANK, &[Ok(()), Err(reset)]).symptom(), Some(reset));
        assert_eq!(retried(BLANK, &[Ok(())]).symptom(), None);
    }
}
