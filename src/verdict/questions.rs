//! The questions that more than one rule asks of the evidence. Pure.

use std::net::IpAddr;

use super::evidence::{Evidence, Probe, Replica, Symptom, Tries};
use crate::dns::{Reached, Surveyed};
use crate::probe::path::{Finding, PathReport};
use crate::probe::series::Burst;
use crate::probe::transfer::Direction;
use crate::probe::{Error, Phase, Protocol};

/// The least source ports that have to lose everything before that counts as a pattern: fewer are bad luck.
pub(super) const FEWEST_PORTS: usize = 2;

/// What a failure says about the path and the peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reach {
    /// Nothing came back, or only an error that there is no route.
    Unreached,
    /// The peer, or a rule on the path, refused.
    Refused,
    /// The peer was reached, and did not answer as it should.
    Wrong,
}

/// What retrying each protocol of one address found.
pub(super) type Protocols = Vec<(Protocol, Tries)>;

impl Evidence {
    /// Whether every protocol of the target failed, each time.
    pub(super) fn target_is_down(&self) -> bool {
        !self.probes.is_empty() && self.probes.iter().all(|probe| probe.again.all_failed())
    }

    /// Whether long-lived flows are answered.
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

    /// Whether any nameserver replies; a refusal is a reply.
    pub(super) fn dns_answers(&self) -> bool {
        let answers = |server: &Surveyed| {
            server.udp_answered > 0 || matches!(server.tcp, Reached::Answered | Reached::Refused)
        };
        self.nameservers.iter().any(answers)
    }

    /// What retrying the target's protocols found.
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

    /// What retrying found at the server's own addresses: the replicas, or the target where no replica is
    /// known.
    pub(super) fn server_addresses(&self) -> Vec<Protocols> {
        if self.replicas.all.is_empty() {
            return vec![self.target_protocols()];
        }
        self.replicas.all.iter().map(|replica| replica.probes.clone()).collect()
    }

    /// The protocols that fail on the target and, each time, on every address of the server.
    pub(super) fn down_everywhere(&self) -> Vec<&Probe> {
        let addresses = self.server_addresses();
        let is_down = |probe: &&Probe| {
            probe.fails() && addresses.iter().all(|address| tries(address, probe.protocol).all_failed())
        };
        self.probes.iter().filter(is_down).collect()
    }
}

/// What retrying `protocol` found; no tries where there were none.
fn tries(of: &Protocols, protocol: Protocol) -> Tries {
    of.iter().find(|(tried, _)| *tried == protocol).map_or(Tries::default(), |(_, tries)| *tries)
}

/// Whether an address is reached over any protocol, whatever it answers.
pub(super) fn is_reached(protocols: &Protocols) -> bool {
    protocols.iter().any(|(protocol, tries)| tries.reach(*protocol) != Some(Reach::Unreached))
}

/// The source ports of a burst of which at least one datagram was answered.
pub(super) fn replying_ports(burst: &Burst) -> usize {
    burst.ports - burst.dead_ports
}

/// Whether the loss is random: more ports lose some than lose all; or, where nearly everything is lost, most
/// of those that do not lose all.
pub(super) fn is_random(burst: &Burst) -> bool {
    burst.lossy_ports > burst.dead_ports || burst.lossy_ports * 2 > replying_ports(burst)
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

    /// What the failures say about the path, where all failed. Without a connection, as over UDP, a silent
    /// server looks like a silent network.
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
