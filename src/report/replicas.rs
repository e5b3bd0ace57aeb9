//! The replicas of the server that clients saw: answers and failures of each, and by how many nodes. Pure.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};
use std::time::SystemTime;

use super::kept;
use super::line::Line;

/// The most replicas, by address and again by pod: sixteen are probed at once, and each restart makes a new
/// one. Answers of others are counted.
pub(super) const MAX_REPLICAS: usize = 256;

/// The replicas that were seen.
#[derive(Debug, Default)]
pub(super) struct Replicas {
    /// Probed directly.
    by_address: BTreeMap<IpAddr, Replica>,
    /// Answered through the Service.
    by_pod: BTreeMap<String, Replica>,
    /// Answers and failures of replicas that were one too many.
    pub(super) left_out: u64,
}

/// What was seen of a replica.
#[derive(Clone, Debug, Default)]
pub(super) struct Replica {
    pub(super) address: Option<IpAddr>,
    pub(super) pod: Option<String>,
    pub(super) answered: u64,
    pub(super) failed: u64,
    /// The nodes that it answered.
    pub(super) nodes: BTreeSet<u16>,
    pub(super) last_answer: Option<SystemTime>,
    last_failure: Option<SystemTime>,
}

impl Replicas {
    /// Takes in a line of a node's client, if it is about a replica.
    pub(super) fn take(&mut self, node: u16, line: &Line) {
        let (is_full, replica) = match &*line.kind {
            "ENDPOINT" => {
                let Some(address) = line.field("address").and_then(address) else { return };
                find(&mut self.by_address, address)
            }
            "HTTP" => {
                let Some(pod) = line.field("pod") else { return };
                find(&mut self.by_pod, kept(pod))
            }
            _ => return,
        };
        match replica {
            Some(replica) => replica.take(node, line),
            None => self.left_out += u64::from(is_full),
        }
    }

    /// Those that fail first, then by their last answer, the newest first.
    pub(super) fn rows(&self) -> Vec<Replica> {
        let mut by_pod = self.by_pod.clone();
        let direct = self.by_address.iter().map(|(address, replica)| {
            let through = replica.pod.as_ref().and_then(|pod| by_pod.remove(pod));
            Replica { address: Some(*address), ..replica.clone() }.with(through)
        });
        let mut rows: Vec<Replica> = direct.collect();
        rows.extend(by_pod.into_iter().map(|(pod, replica)| Replica { pod: Some(pod), ..replica }));
        rows.sort_by_key(|replica| Reverse((replica.is_failing(), replica.last_answer)));
        rows
    }
}

/// The replica of this key, made if there is room; and whether there is none.
fn find<K: Ord>(replicas: &mut BTreeMap<K, Replica>, key: K) -> (bool, Option<&mut Replica>) {
    if replicas.len() >= MAX_REPLICAS && !replicas.contains_key(&key) {
        return (true, None);
    }
    (false, Some(replicas.entry(key).or_default()))
}

/// Of `10.244.1.7` and of `10.244.1.7:8080`.
fn address(text: &str) -> Option<IpAddr> {
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
                self.pod = line.field("pod").map(kept).or(self.pod.take());
            }
            "FAILED" => {
                self.failed += 1;
                self.last_failure = self.last_failure.max(Some(line.time));
            }
            _ => {}
        }
    }

    /// Together with what it answered through the Service.
    fn with(mut self, through: Option<Self>) -> Self {
        if let Some(through) = through {
            self.answered += through.answered;
            self.failed += through.failed;
            self.nodes.extend(through.nodes);
            self.last_answer = self.last_answer.max(through.last_answer);
        }
        self
    }
}
