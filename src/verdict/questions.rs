//! The questions that more than one rule asks of the evidence. Pure.

use std::net::IpAddr;

use super::evidence::{Evidence, Probe, Protocol, Replica, Symptom, Tries};
use crate::dns::{Reached, Surveyed};
use crate::probe::path::{Finding, PathReport};
use crate::probe::transfer::Direction;
use crate::probe::{Error, Phase};

/// What a failure says of the way and of the other end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reach {
    /// Nothing came back, or only that there is no way.
    Unreached,
    /// The other end, or a rule in between, turned it away.
    Refused,
    /// The other end was reached, and did not answer as it should.
    Wrong,
}

/// What came of the protocols of one address.
pub(super) type Protocols = Vec<(Protocol, Tries)>;

impl Evidence {
    /// Whether every protocol of the target failed, each time.
    pub(super) fn target_is_down(&self) -> bool {
        !self.probes.is_empty() && self.probes.iter().all(|probe| probe.again.all_failed())
    }

    /// Whether flows that have been open for long are answered.
    pub(super) fn old_flows_answer(&self) -> bool {
        self.series.is_some_and(|series| series.answered > 0)
    }

    /// How many replicas answer.
    pub(super) fn up(&self) -> usize {
        self.replicas.all.iter().filter(|replica| replica.answers()).count()
    }

    /// Whether there are replicas, and all of them answer.
    pub(super) fn all_are_up(&self) -> bool {
        self.up() > 0 && self.up() == self.replicas.all.len()
    }

    /// Whether one nameserver or more says something; a refusal is something.
    pub(super) fn dns_answers(&self) -> bool {
        let answers = |server: &Surveyed| {
            server.udp_answered > 0 || matches!(server.tcp, Reached::Answered | Reached::Refused)
        };
        self.nameservers.iter().any(answers)
    }

    /// What came of the target's protocols when they were tried again.
    pub(super) fn target_protocols(&self) -> Protocols {
        self.probes.iter().map(|probe| (probe.protocol, probe.again)).collect()
    }

    /// Where large packets vanish, and in which direction.
    pub(super) fn black_hole(&self) -> Option<(IpAddr, &PathReport, Option<Direction>)> {
        match &self.path {
            Some((address, report @ PathReport { finding: Finding::BlackHole(direction), .. })) => {
                Some((*address, report, *direction))
            }
            _ => None,
        }
    }

    /// The addresses that speak for the server: the replicas, or the target where none is known.
    pub(super) fn subjects(&self) -> Vec<Protocols> {
        if self.replicas.all.is_empty() {
            return vec![self.target_protocols()];
        }
        self.replicas.all.iter().map(|replica| replica.probes.clone()).collect()
    }

    /// The protocols that fail on the target and, each time, on every subject.
    pub(super) fn down_everywhere(&self) -> Vec<&Probe> {
        let subjects = self.subjects();
        let is_down = |probe: &&Probe| {
            probe.fails() && subjects.iter().all(|subject| tries(subject, probe.protocol).all_failed())
        };
        self.probes.iter().filter(is_down).collect()
    }
}

/// What came of `protocol`; nothing where it was not tried.
fn tries(of: &Protocols, protocol: Protocol) -> Tries {
    of.iter().find(|(tried, _)| *tried == protocol).map_or(Tries::default(), |(_, tries)| *tries)
}

/// Whether an address is reached over one protocol or more, whatever it answers.
pub(super) fn is_reached(protocols: &Protocols) -> bool {
    protocols.iter().any(|(protocol, tries)| tries.reach(*protocol) != Some(Reach::Unreached))
}

impl Probe {
    /// Whether it failed again. One try of several that found nothing but silence may be bad luck.
    pub(super) fn fails(&self) -> bool {
        let Tries { failed, symptom, .. } = self.again;
        let is_silence = symptom.is_some_and(|symptom| symptom.error == Error::Timeout);
        self.again.all_failed() || failed > 1 || (failed == 1 && !is_silence)
    }

    /// How it failed last, where it did.
    pub(super) fn symptom(&self) -> Option<Symptom> {
        self.again.symptom.or(self.first)
    }
}

impl Replica {
    /// Whether each protocol passed at least once.
    pub fn answers(&self) -> bool {
        self.probes.iter().all(|(_, tries)| !tries.all_failed())
    }
}

impl Tries {
    /// Whether there were some, and none passed.
    pub(super) fn all_failed(&self) -> bool {
        self.made > 0 && self.failed == self.made
    }

    /// What the failures say, where all failed. UDP has no connection that would tell a silent server from a
    /// silent network.
    pub(super) fn reach(&self, protocol: Protocol) -> Option<Reach> {
        let Symptom { error, phase } = self.symptom.filter(|_| self.all_failed())?;
        Some(match (error, phase) {
            (Error::Refused, _) => Reach::Refused,
            (Error::Unreachable | Error::Io, _) | (Error::Timeout, Phase::Connect) => Reach::Unreached,
            (Error::Timeout, _) if protocol == Protocol::Udp => Reach::Unreached,
            _ => Reach::Wrong,
        })
    }
}
