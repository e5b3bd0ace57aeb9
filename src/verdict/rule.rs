//! What a rule consists of: when its verdict holds, how it is reported, and whom to call. Pure.

use std::fmt;
use std::net::IpAddr;

use super::evidence::Evidence;
use super::fact::Fact;
use crate::probe::Protocol;
use crate::probe::transfer::Direction;

/// One verdict: all there is to say about it, and when it holds.
pub(super) struct Rule {
    /// The word in lines and metrics.
    pub(super) name: &'static str,
    /// What is broken, in one sentence: lower case, no full stop, as the README has it.
    pub(super) meaning: &'static str,
    /// The evidence it takes, in words: what `requires` and `holds` check.
    pub(super) needs: &'static str,
    /// Without all of these the rule cannot hold.
    pub(super) requires: &'static [Fact],
    /// These are printed as evidence, those of them that are known.
    pub(super) shows: &'static [Fact],
    pub(super) holds: fn(&Evidence) -> bool,
    /// What is broken this time, in half a sentence.
    pub(super) detail: fn(&Evidence) -> String,
    pub(super) subject: fn(&Evidence) -> Subject,
    pub(super) advice: Advice,
}

impl Rule {
    pub(super) fn applies(&self, evidence: &Evidence) -> bool {
        self.requires.iter().all(|fact| fact.is_known(evidence)) && (self.holds)(evidence)
    }
}

/// What exactly a verdict blames. The same verdict about another subject is another fault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subject {
    /// The verdict itself says it all: there is no choice.
    Implied,
    /// The replicas that fail.
    Replicas(Vec<IpAddr>),
    /// The nameservers that leave questions unanswered.
    Nameservers(Vec<IpAddr>),
    /// The protocols that are blocked.
    Protocols(Vec<Protocol>),
    /// The direction in which large packets vanish; `None` where that is not certain.
    Direction(Option<Direction>),
}

/// What to do about a verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Advice {
    /// What to do next: a sentence.
    pub next: &'static str,
    /// Whom to call; `None` where there is nothing to repair.
    pub calls: Option<Calls>,
}

/// Whom to call, by how many of the nodes have the verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Calls {
    /// Some nodes have it and others do not.
    pub some_nodes: Call,
    /// All of them have it.
    pub all_nodes: Call,
}

/// One team, and where it should look. Printed: `the node team: port 53 from these nodes`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Call {
    /// Whom to call.
    pub team: Team,
    /// Where to look, and at what.
    pub look_at: &'static str,
}

/// Those who can repair something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Team {
    /// The cluster's nameservers and their upstream.
    Dns,
    /// The nodes: kernel, kube-proxy, kubelet, hardware.
    Node,
    /// CNI, routes, tunnels, switches.
    Network,
    /// Network policies, security groups, firewalls.
    Security,
    /// The server behind the Service.
    ServerOwner,
    /// Those who run the cluster, where no layer can be named.
    Operators,
}

impl Calls {
    /// The same call, however many nodes have the verdict.
    pub(super) const fn always(team: Team, look_at: &'static str) -> Self {
        let call = Call { team, look_at };
        Self { some_nodes: call, all_nodes: call }
    }
}

impl Team {
    /// As in `call the node team`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Dns => "the DNS team",
            Self::Node => "the node team",
            Self::Network => "the network team",
            Self::Security => "the security team",
            Self::ServerOwner => "the server's owner",
            Self::Operators => "the cluster's operators",
        }
    }
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.team.name(), self.look_at)
    }
}
