//! What a diagnosing pass found, as plain data. Pure.

use std::net::IpAddr;
use std::time::Duration;

use crate::dns::{self, Surveyed};
use crate::probe::path::PathReport;
use crate::probe::series::{Burst, Counts, Dead};
use crate::probe::{Error, Phase, Protocol};

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
    /// The round's look-up of the target's name.
    pub look_up: LookUp,
    /// What each nameserver said when it was asked alone; empty where none was asked.
    pub nameservers: Vec<Surveyed>,
    /// The datagrams of the round's series.
    pub series: Option<Counts>,
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
    /// Why the prober itself was starved, if it was.
    pub starved: Option<Starved>,
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

/// What the nameservers said of the target's name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LookUp {
    /// None was asked: the target is an address, or the hosts file has the name.
    #[default]
    NotAsked,
    /// They gave its addresses.
    Answered,
    /// They gave none.
    Failed(dns::Error),
}

/// Why the prober itself was starved in a round, so that what it found may be its own doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Starved {
    /// Its control group was kept from the processor.
    Throttled,
    /// It woke late, or waited for a processor.
    Late,
    /// Its control group was short of memory.
    Memory,
    /// This host had not enough for it: descriptors, source ports, buffers, memory, threads.
    Local,
}

impl LookUp {
    /// Why it gave no address, where it failed.
    pub fn error(self) -> Option<dns::Error> {
        match self {
            Self::NotAsked | Self::Answered => None,
            Self::Failed(error) => Some(error),
        }
    }
}

impl Starved {
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
