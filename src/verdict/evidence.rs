//! What a diagnosing pass found, as plain data, and the questions that more than one rule asks of it. Pure.

use std::net::IpAddr;
use std::time::Duration;

use crate::dns::{self, Reached, Surveyed};
use crate::probe::path::{Finding, PathReport};
use crate::probe::series::{Burst, Dead};
use crate::probe::transfer::Direction;
use crate::probe::{Error, Phase};

/// All that is known of one round and of the pass that followed it.
#[derive(Clone, Debug, Default)]
pub struct Evidence {
    /// What was to be probed, as it is configured: a name or an address.
    pub host: String,
    /// The address that was probed, or `host` where no address was to be had.
    pub target: String,
    /// The target's protocols, in the order of a round. Empty where it has no known address.
    pub probes: Vec<Probe>,
    /// Who is behind the target.
    pub replicas: Replicas,
    /// Whether the round's own probe of a replica failed.
    pub replica_failed: bool,
    /// The round's look-up; `None` where the target is an address.
    pub look_up: Option<Result<(), dns::Error>>,
    /// What each nameserver said when it was asked alone; empty where none was asked.
    pub nameservers: Vec<Surveyed>,
    /// The round's series: datagrams sent, and lost.
    pub series: Option<(u64, u64)>,
    /// Flows that were silent in it, asked again.
    pub flows: Option<Dead>,
    /// Many datagrams to the target from new source ports.
    pub burst: Option<Burst>,
    /// The same to each replica.
    pub direct: Vec<(IpAddr, Burst)>,
    /// Whether `burst` lost more than `LOSS_THRESHOLD`.
    pub is_lossy: bool,
    /// Whether one of `direct` did, without losing all.
    pub is_directly_lossy: bool,
    /// What large packets come to, and on the way to which address.
    pub path: Option<(IpAddr, PathReport)>,
    /// A latency out of the node's own history, confirmed.
    pub slowness: Option<Slowness>,
    /// Why the prober itself is in doubt.
    pub suspect: Option<Suspect>,
}

/// One protocol of the target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Probe {
    /// Which.
    pub protocol: Protocol,
    /// Its port.
    pub port: u16,
    /// How the round's own probe failed, if it did.
    pub first: Option<Symptom>,
    /// What came of trying again; nothing was tried where the first passed.
    pub again: Tries,
}

/// A protocol that is probed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// `tcp`
    Tcp,
    /// `udp`
    Udp,
    /// `http`
    Http,
}

/// Like probes, made at the same time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tries {
    /// How many.
    pub made: usize,
    /// How many of them failed.
    pub failed: usize,
    /// How one of those failed.
    pub symptom: Option<Symptom>,
}

/// How a probe failed, and how far it had come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Symptom {
    /// The error code of the log.
    pub error: Error,
    /// What the probe was doing.
    pub phase: Phase,
}

/// The replicas behind the target.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Replicas {
    /// What is known of the list.
    pub listing: Listing,
    /// Those that were probed, without the ones that are excused: draining, or no longer listed.
    pub all: Vec<Replica>,
}

/// How the list of replicas came about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Listing {
    /// `ENDPOINTS_HOST` is not set.
    #[default]
    NotKnown,
    /// The name's look-up failed, and no list was learned before.
    Failed,
    /// The name has no address.
    Empty,
    /// These are its addresses, now or when it was last answered.
    Listed,
}

/// One replica, probed directly.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replica {
    /// Its address.
    pub address: IpAddr,
    /// Whether it runs on the node of this client, as it once said.
    pub is_on_this_node: bool,
    /// What came of each protocol.
    pub probes: Vec<(Protocol, Tries)>,
}

/// A latency that has moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slowness {
    /// The median of a series now.
    pub now: Duration,
    /// What of it the server took for itself, where it says so.
    pub server: Option<Duration>,
    /// The median of the node's own history.
    pub usual: Duration,
}

/// Why what a round found may be the prober's own doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Suspect {
    /// Its control group was kept from the processor.
    Throttled,
    /// It woke late, or waited for a processor.
    Late,
    /// Its control group was short of memory.
    Memory,
    /// This host had not enough for it: descriptors, source ports, buffers, memory, threads.
    Local,
}

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
        self.series.is_some_and(|(sent, lost)| lost < sent)
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

impl Protocol {
    /// The word in lines and metrics.
    pub fn name(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Udp => "udp",
            Self::Http => "http",
        }
    }
}

impl Suspect {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Throttled, Self::Late, Self::Memory, Self::Local];

    /// The word in lines and metrics.
    pub fn name(self) -> &'static str {
        match self {
            Self::Throttled => "throttled",
            Self::Late => "late",
            Self::Memory => "memory",
            Self::Local => "local",
        }
    }
}
