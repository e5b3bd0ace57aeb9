//! The questions that more than one rule asks of the evidence. Pure.

use std::net::IpAddr;

use super::evidence::Evidence;
use super::examination::{Probe, ReplicaExamination, Symptom};
use crate::dns::{Reached, Surveyed};
use crate::probe::path::{MeasuredPath, PathFinding, PathReport};
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

impl Evidence {
    /// The target's protocols; none where it has no known address.
    pub(super) fn probes(&self) -> &[Probe] {
        self.target.as_ref().map_or(&[], |target| &target.probes)
    }

    /// The target's address, or what is configured where it has none.
    pub(super) fn target_name(&self) -> String {
        self.target.as_ref().map_or_else(|| self.host.clone(), |target| target.address.to_string())
    }

    /// The burst to the target.
    pub(super) fn burst(&self) -> Option<Burst> {
        self.target.as_ref()?.burst
    }

    /// The bursts to replicas, with their addresses.
    pub(super) fn direct(&self) -> impl Iterator<Item = (IpAddr, &Burst)> {
        let replicas = self.replicas.all.iter().chain(&self.replicas.excused);
        replicas.filter_map(|replica| Some((replica.direct.address, replica.direct.burst.as_ref()?)))
    }

    /// All bursts, to the target and to replicas.
    pub fn all_bursts(&self) -> impl Iterator<Item = &Burst> {
        let target = self.target.iter().filter_map(|target| target.burst.as_ref());
        target.chain(self.direct().map(|(_, burst)| burst))
    }

    /// Whether the burst to the target lost more than the threshold.
    pub(super) fn is_lossy(&self) -> bool {
        self.burst().is_some_and(|burst| self.exceeds_threshold(&burst))
    }

    /// Whether a burst to a replica lost more than the threshold, but not all.
    pub(super) fn is_directly_lossy(&self) -> bool {
        self.direct().any(|(_, burst)| self.exceeds_threshold(burst) && burst.counts.answered > 0)
    }

    /// What an ICMP error answered was not lost by chance.
    fn exceeds_threshold(&self, burst: &Burst) -> bool {
        let by_chance = burst.counts.lost.total().saturating_sub(burst.refused);
        let threshold = u128::from(self.loss_threshold_basis_points);
        u128::from(by_chance) * 10_000 > u128::from(burst.counts.sent) * threshold
    }

    /// Whether every protocol of the target was retried and failed, each time.
    pub(super) fn target_is_down(&self) -> bool {
        !self.probes().is_empty() && self.probes().iter().all(|probe| probe.trial.all_failed())
    }

    /// Whether long-lived flows are answered.
    pub(super) fn old_flows_answer(&self) -> bool {
        self.series.is_some_and(|series| series.answered > 0)
    }

    /// How many replicas answer.
    pub(super) fn up(&self) -> usize {
        self.replicas.all.iter().filter(|replica| replica.answers()).count()
    }

    /// The replicas that fail.
    pub(super) fn failing_replicas(&self) -> impl Iterator<Item = &ReplicaExamination> {
        self.replicas.all.iter().filter(|replica| replica.fails())
    }

    /// How many replicas neither answer nor fail: a protocol was not tried.
    pub(super) fn untried(&self) -> usize {
        self.replicas.all.len() - self.up() - self.failing_replicas().count()
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

    /// Where large packets vanish, and in which direction.
    pub(super) fn black_hole(&self) -> Option<(IpAddr, &PathReport, Option<Direction>)> {
        let MeasuredPath { address, report } = self.path.as_ref()?;
        match report.finding {
            PathFinding::BlackHole(direction) => Some((*address, report, direction)),
            _ => None,
        }
    }

    /// The protocols at each of the server's own addresses: those of the replicas, or the target's where no
    /// replica is known.
    pub(super) fn server_addresses(&self) -> Vec<&[Probe]> {
        if self.replicas.all.is_empty() {
            return vec![self.probes()];
        }
        self.replicas.all.iter().map(|replica| &*replica.direct.probes).collect()
    }

    /// The protocols that fail on the target and, each time, on every address of the server.
    pub(super) fn down_everywhere(&self) -> Vec<&Probe> {
        let addresses = self.server_addresses();
        let fails_at = |protocol, address: &[Probe]| {
            address.iter().any(|probe| probe.protocol == protocol && probe.trial.all_failed())
        };
        let is_down = |probe: &&Probe| {
            probe.trial.fails() && addresses.iter().all(|address| fails_at(probe.protocol, address))
        };
        self.probes().iter().filter(is_down).collect()
    }
}

/// Whether an address is reached over any protocol, whatever it answers.
pub(super) fn is_reached(probes: &[Probe]) -> bool {
    let is_reached = |probe: &Probe| {
        probe.trial.is_answered() || matches!(reach(probe), Some(Reach::Refused | Reach::Wrong))
    };
    probes.iter().any(is_reached)
}

/// Whether an address was tried over every protocol and not reached over any.
pub(super) fn is_unreached(probes: &[Probe]) -> bool {
    probes.iter().all(|probe| reach(probe) == Some(Reach::Unreached))
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

/// What the failures say about the path, where a protocol was retried and never passed. Without a connection,
/// as over UDP, a silent server looks like a silent network.
pub(super) fn reach(probe: &Probe) -> Option<Reach> {
    let Symptom { error, phase } = probe.trial.symptom().filter(|_| probe.trial.all_failed())?;
    Some(match (error, phase) {
        (Error::Refused, _) => Reach::Refused,
        (Error::Unreachable | Error::Io, _) | (Error::Timeout, Phase::Connect) => Reach::Unreached,
        (Error::Timeout, _) if probe.protocol == Protocol::Udp => Reach::Unreached,
        _ => Reach::Wrong,
    })
}
