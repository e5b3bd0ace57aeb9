//! The replicas of the server that clients saw: answers and failures of each, and by how many nodes. Pure.

use std::cmp::Reverse;
use std::net::{IpAddr, SocketAddr};
use std::time::SystemTime;

use super::kept;
use super::line::Line;
use super::tally::{NodeSet, insert};
use crate::probe::Kind;

/// The most replicas: sixteen are probed at once, and each restart makes a new one. Answers of others are
/// only counted.
pub(super) const MAX_REPLICAS: usize = 256;

/// The replicas that were seen.
#[derive(Debug, Default)]
pub(super) struct Replicas {
    replicas: Vec<Replica>,
    /// Answers and failures of replicas past [`MAX_REPLICAS`].
    pub(super) left_out: u64,
}

/// One replica.
#[derive(Clone, Debug, Default)]
pub(super) struct Replica {
    /// Where it was probed directly; a reply through the Service does not show it.
    pub(super) address: Option<IpAddr>,
    /// Where a reply of it has named its pod.
    pub(super) pod: Option<String>,
    pub(super) answered: u64,
    pub(super) failed: u64,
    /// The nodes that it answered.
    pub(super) nodes: NodeSet,
    pub(super) last_answer: Option<SystemTime>,
    last_failure: Option<SystemTime>,
}

impl Replicas {
    /// Takes in a line of a node's client, if it is about a replica.
    pub(super) fn take(&mut self, node: u16, line: &Line) {
        let pod = line.field("pod").map(kept);
        let is_of = |kind: Kind| line.kind == kind.word();
        let address = if is_of(Kind::Endpoint) {
            line.field("address").and_then(ip)
        } else if is_of(Kind::Http) {
            None
        } else {
            return;
        };
        if address.is_none() && pod.is_none() {
            return;
        }
        match self.replica(address, pod) {
            Some(replica) => replica.take(node, line),
            None => self.left_out += 1,
        }
    }

    /// Those that fail first, then by their last answer, the newest first.
    pub(super) fn rows(&self) -> Vec<&Replica> {
        let mut rows = Vec::new();
        for replica in &self.replicas {
            insert(&mut rows, replica, |replica| Reverse((replica.is_failing(), replica.last_answer)));
        }
        rows
    }

    /// The replica of this address or, where there is none, of this pod.
    fn replica(&mut self, address: Option<IpAddr>, pod: Option<&str>) -> Option<&mut Replica> {
        let by_address = |replica: &Replica| address.is_some() && replica.address == address;
        let by_pod = |replica: &Replica| pod.is_some() && replica.pod.as_deref() == pod;
        let alone = |replica: &Replica| by_pod(replica) && (address.is_none() || replica.address.is_none());
        let known = self.replicas.iter().position(by_address);
        let place = match (known, self.replicas.iter().position(alone)) {
            // Known by its pod and by its address, and only now as the same.
            (Some(known), Some(same)) if known != same => {
                let same = self.replicas[same].clone();
                self.replicas[known].absorb(&same);
                self.replicas.retain(|replica| !alone(replica));
                self.replicas.iter().position(by_address)?
            }
            (Some(place), _) | (None, Some(place)) => place,
            (None, None) if self.replicas.len() >= MAX_REPLICAS => return None,
            (None, None) => {
                self.replicas.push(Replica::default());
                self.replicas.len() - 1
            }
        };
        let replica = self.replicas.get_mut(place)?;
        replica.address = replica.address.or(address);
        if replica.pod.as_deref() != pod && pod.is_some() {
            replica.pod = pod.map(str::to_owned);
        }
        Some(replica)
    }
}

/// Of `10.244.1.7` and of `10.244.1.7:8080`.
pub(super) fn ip(text: &str) -> Option<IpAddr> {
    text.parse().ok().or_else(|| text.parse::<SocketAddr>().ok().map(|address| address.ip()))
}

impl Replica {
    /// Whether its last probe failed.
    pub(super) fn is_failing(&self) -> bool {
        self.last_failure > self.last_answer
    }

    fn take(&mut self, node: u16, line: &Line) {
        match &*line.event {
            "SUCCESS" => {
                self.answered += 1;
                self.nodes.insert(node);
                self.last_answer = self.last_answer.max(Some(line.time));
            }
            "FAILED" => {
                self.failed += 1;
                self.last_failure = self.last_failure.max(Some(line.time));
            }
            _ => {}
        }
    }

    /// Adds what was seen of it under another name.
    fn absorb(&mut self, same: &Self) {
        self.answered += same.answered;
        self.failed += same.failed;
        self.nodes.extend(&same.nodes);
        self.last_answer = self.last_answer.max(same.last_answer);
        self.last_failure = self.last_failure.max(same.last_failure);
    }
}
