//! Verdicts: what is broken, by the evidence of a diagnosing pass. Pure; finding the evidence, and telling of
//! a verdict, is left to the client.

mod conditions;
mod evidence;
mod fact;
mod phrases;
mod questions;
mod rules;
#[cfg(test)]
mod tests;
mod words;

use std::fmt;

pub use evidence::{
    Evidence, Listing, Probe, Protocol, Replica, Replicas, Slowness, Suspect, Symptom, Tries,
};

/// What is broken. The README says of each what it means and what to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Verdict {
    /// Nothing.
    Healthy,
    /// What failed passes when tried again at once.
    Transient,
    /// A nameserver does not answer, while addresses do.
    DnsServer,
    /// The nameservers answer, and the server's name does not exist or fails.
    DnsRecord,
    /// The target is gone, and the list of replicas is empty.
    NoReplica,
    /// The Service's address fails while the replicas answer directly.
    Service,
    /// Some replicas fail, others answer.
    Replica,
    /// Every replica is reached, and refuses or answers wrongly.
    Server,
    /// No replica is reached, while the nameservers are.
    PodNetwork,
    /// One protocol or port is blocked, the others of the same address pass.
    Port,
    /// Small packets pass, large ones vanish.
    Mtu,
    /// Packets are lost at random.
    Loss,
    /// Long-lived flows fail, and as many new source ports all pass.
    Conntrack,
    /// A share of the source ports fails, again and again.
    Flow,
    /// Nothing answers, not even a nameserver.
    Local,
    /// Nothing fails, but latency has moved far out of the node's own history.
    Slow,
    /// The prober itself was starved.
    Prober,
    /// None of these.
    Unknown,
}

impl Verdict {
    /// All of them.
    pub const ALL: [Self; 18] = [
        Self::Healthy,
        Self::Transient,
        Self::DnsServer,
        Self::DnsRecord,
        Self::NoReplica,
        Self::Service,
        Self::Replica,
        Self::Server,
        Self::PodNetwork,
        Self::Port,
        Self::Mtu,
        Self::Loss,
        Self::Conntrack,
        Self::Flow,
        Self::Local,
        Self::Slow,
        Self::Prober,
        Self::Unknown,
    ];

    /// The word in the log and in the metrics.
    pub fn name(self) -> &'static str {
        match self {
            Self::Healthy => "healthy",
            Self::Transient => "transient",
            Self::DnsServer => "dns_server",
            Self::DnsRecord => "dns_record",
            Self::NoReplica => "no_replica",
            Self::Service => "service",
            Self::Replica => "replica",
            Self::Server => "server",
            Self::PodNetwork => "pod_network",
            Self::Port => "port",
            Self::Mtu => "mtu",
            Self::Loss => "loss",
            Self::Conntrack => "conntrack",
            Self::Flow => "flow",
            Self::Local => "local",
            Self::Slow => "slow",
            Self::Prober => "prober",
            Self::Unknown => "unknown",
        }
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
    /// What the rule has read: `tcp:timeout`, `endpoint:2/2`, `dns:ok`.
    pub evidence: Vec<String>,
    /// Who or what is broken, where there is a choice: with other names it is another fault.
    pub about: Vec<String>,
}

/// The first rule that holds; [`Verdict::Healthy`] where nothing is wrong.
pub fn judge(evidence: &Evidence) -> Ruling {
    let rule = rules::first(evidence);
    Ruling {
        verdict: rule.verdict,
        detail: (rule.detail)(evidence),
        evidence: rule.reads.iter().flat_map(|fact| fact.words(evidence)).collect(),
        about: words::about(rule.verdict, evidence),
    }
}
