//! What a round and its diagnosing pass found, as plain data: the pass fills it in, and it is judged. Pure.

use std::time::Duration;

use super::examination::{Examination, ReplicaExamination};
use crate::dns::{self, Surveyed};
use crate::probe::path::MeasuredPath;
use crate::probe::series::{Counts, SilentFlows};

/// All that is known of one round and of the pass that followed it.
#[derive(Clone, Debug)]
pub struct Evidence {
    /// What was to be probed, as it is configured: a name or an address.
    pub host: String,
    /// The target; `None` where it has no known address.
    pub target: Option<Examination>,
    /// The replicas behind the target.
    pub replicas: ReplicaExaminations,
    /// Whether the round's own probe of a replica failed.
    pub replica_failed: bool,
    /// The round's look-up of the target's name.
    pub look_up: LookUp,
    /// The nameservers that were queried, each by itself, and their answers.
    pub nameservers: Vec<Surveyed>,
    /// The datagrams of the round's series; `None` where it had none.
    pub series: Option<Counts>,
    /// More datagrams on the flows that were silent in it; `None` where no pass had flows.
    pub flows: Option<SilentFlows>,
    /// The path MTU; `None` where it was not measured.
    pub path: Option<MeasuredPath>,
    /// A latency far above the node's own history, confirmed.
    pub slowness: Option<Slowness>,
    /// Why the prober itself was starved, if it was.
    pub starved: Option<Starved>,
    /// The share of a burst that has to be lost by chance before that counts: in hundredths of a percent.
    pub loss_threshold_basis_points: u32,
}

/// The replicas behind the target, examined directly.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplicaExaminations {
    /// What is known of the list; `NotAsked` where no pass was made.
    pub listing: Listing,
    /// Those that count.
    pub all: Vec<ReplicaExamination>,
    /// Those that fail and are excused: draining, starting, or leaving the list.
    pub excused: Vec<ReplicaExamination>,
}

/// How the list of replicas came about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Listing {
    /// `ENDPOINTS_HOST` is not set.
    NotConfigured,
    /// The name has not been looked up yet.
    NotAsked,
    /// The name's look-up failed, and so has every one before.
    Failed,
    /// The name has no address.
    Empty,
    /// The replicas are its addresses, as the last look-up that succeeded gave them.
    Listed,
}

/// A latency that is far above the usual one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slowness {
    /// The median of a series now.
    pub now: Duration,
    /// What of it the server took, where its replies state it.
    pub server: Option<Duration>,
    /// The median of the node's own history.
    pub usual: Duration,
}

/// The outcome of the look-up of the target's name.
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

/// Why the prober itself was starved in a round, so that its measurements do not count.
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
