//! The replicas behind the target, as `ENDPOINTS_HOST` lists them: which one is probed next, what each has
//! reported of itself, and when it is no fault that one fails.

pub(in crate::client) mod turn;

use std::net::IpAddr;
use std::time::{Duration, Instant};

use crate::client::finding::Excuse;
use crate::dns::{self, Resolver};
use crate::probe::Answerer;
use crate::settings::Host;
use crate::time::Deadline;
use crate::verdict::Listing;

/// The most replicas that are probed: in a pass each takes three threads.
const LIMIT: usize = 16;

/// Grace period of a replica that has reported that it drains: by then it is gone from every list.
const DRAINING: Duration = Duration::from_mins(1);

/// Grace period of a replica that has joined the list and never answered: its pod has an address before its
/// image is pulled.
const STARTING: Duration = Duration::from_mins(2);

/// Grace period of a replica that fails while the target does not: DNS may still list a replica that has
/// left. Kubernetes' records have a TTL of at most 30 s, and a pod takes a moment to end.
const LEAVING: Duration = Duration::from_secs(35);

/// The list, and what is known of each replica.
pub(in crate::client) struct ReplicaList {
    host: Option<Host>,
    node_name: String,
    listing: Listing,
    all: Vec<KnownReplica>,
    turn: usize,
}

#[derive(Clone, Debug)]
struct KnownReplica {
    address: IpAddr,
    /// The number of its process, as it last reported it.
    instance: Option<u64>,
    /// That has changed, which is not logged yet.
    has_new_instance: bool,
    is_on_this_node: bool,
    /// When it last reported that it drains.
    draining: Option<Instant>,
    /// When it joined a list that was known before.
    joined: Option<Instant>,
    /// When it failed for the first time since it last answered.
    failing: Option<Instant>,
}

impl KnownReplica {
    fn new(address: IpAddr, joined: Option<Instant>) -> Self {
        Self {
            address,
            instance: None,
            has_new_instance: false,
            is_on_this_node: false,
            draining: None,
            joined,
            failing: None,
        }
    }
}

impl ReplicaList {
    pub(in crate::client) fn new(host: Option<Host>, node_name: &str) -> Self {
        let node_name = node_name.to_owned();
        let listing = if host.is_some() { Listing::NotAsked } else { Listing::NotConfigured };
        Self { host, node_name, listing, all: Vec::new(), turn: 0 }
    }

    /// What is known of the list.
    pub(in crate::client) fn listing(&self) -> Listing {
        self.listing
    }

    /// The addresses, 16 at the most.
    pub(in crate::client) fn addresses(&self) -> Vec<IpAddr> {
        self.all.iter().map(|replica| replica.address).collect()
    }

    /// Looks the list up again. While that fails, the earlier list remains.
    pub(in crate::client) fn refresh(&mut self, resolver: &Resolver, deadline: Deadline) {
        let looked_up = match &self.host {
            None => return,
            Some(Host::Address(address)) => Ok(vec![*address]),
            Some(Host::Name(name)) => resolver.look_up(name, deadline).map(|found| found.addresses),
        };
        match looked_up {
            Ok(addresses) => self.learn(&addresses),
            Err(error) => self.learn_failure(error),
        }
    }

    /// The known ones stay, in their order, as long as they are listed: of more replicas than the limit the
    /// same are always probed.
    fn learn(&mut self, addresses: &[IpAddr]) {
        // A full list may have left some out.
        let is_whole = addresses.len() < dns::ADDRESS_LIMIT;
        self.all.retain(|replica| {
            addresses.contains(&replica.address) || (!is_whole && replica.failing.is_none())
        });
        let joined = (self.listing == Listing::Listed).then(Instant::now);
        for address in addresses {
            if self.all.len() < LIMIT && self.find(*address).is_none() {
                self.all.push(KnownReplica::new(*address, joined));
            }
        }
        self.listing = Listing::Listed;
    }

    fn learn_failure(&mut self, error: dns::Error) {
        if error == dns::Error::NotFound {
            self.all.clear();
            self.listing = Listing::Empty;
        } else if self.listing == Listing::NotAsked {
            self.listing = Listing::Failed;
        }
    }

    /// The next in turn: the one to probe in this round.
    pub(in crate::client) fn next(&mut self) -> Option<IpAddr> {
        self.turn = self.turn.wrapping_add(1);
        self.in_turn()
    }

    /// The one that the last call of `next` gave.
    pub(in crate::client) fn in_turn(&self) -> Option<IpAddr> {
        self.all.get(self.turn % self.all.len().max(1)).map(|replica| replica.address)
    }

    /// Notes that the replica at `address` answered, and what it reported of itself.
    pub(in crate::client) fn answered(&mut self, address: IpAddr, answerer: Option<&Answerer>) {
        let Some(at) = self.find(address) else { return };
        let replica = &mut self.all[at];
        replica.failing = None;
        let Some(answerer) = answerer else { return };
        if answerer.draining {
            replica.draining = Some(Instant::now());
        }
        replica.is_on_this_node = answerer.node == self.node_name;
        let before = replica.instance.replace(answerer.instance);
        replica.has_new_instance |= before.is_some_and(|before| before != answerer.instance);
    }

    /// Whether another process than before answers at `address`: true once for each change.
    pub(in crate::client) fn take_change(&mut self, address: IpAddr) -> bool {
        let at = self.find(address);
        at.is_some_and(|at| std::mem::take(&mut self.all[at].has_new_instance))
    }

    /// Notes that the replica at `address` failed.
    pub(in crate::client) fn failed(&mut self, address: IpAddr) {
        if let Some(at) = self.find(address) {
            self.all[at].failing.get_or_insert_with(Instant::now);
        }
    }

    /// Whether the replica at `address` has reported that it runs on this client's node.
    pub(in crate::client) fn is_on_this_node(&self, address: IpAddr) -> bool {
        self.find(address).is_some_and(|at| self.all[at].is_on_this_node)
    }

    /// Why it is no fault that `address` fails, if there is a reason. `is_missed`: the target suffers from
    /// it, or this is a check, which has one round only.
    pub(in crate::client) fn excuse(&self, address: IpAddr, is_missed: bool) -> Option<Excuse> {
        let Some(at) = self.find(address) else { return Some(Excuse::Leaving) };
        let replica = &self.all[at];
        let within = |since: Option<Instant>, limit| since.is_some_and(|since| since.elapsed() < limit);
        if within(replica.draining, DRAINING) {
            Some(Excuse::Draining)
        } else if replica.instance.is_none() && within(replica.joined, STARTING) {
            Some(Excuse::Starting)
        } else if !is_missed && within(replica.failing, LEAVING) {
            Some(Excuse::Leaving)
        } else {
            None
        }
    }

    fn find(&self, address: IpAddr) -> Option<usize> {
        self.all.iter().position(|replica| replica.address == address)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NODE: &str = "node-1";

    fn ip(last: u8) -> IpAddr {
        [10, 244, 1, last].into()
    }

    fn ips(last: impl IntoIterator<Item = u8>) -> Vec<IpAddr> {
        last.into_iter().map(ip).collect()
    }

    fn named() -> ReplicaList {
        ReplicaList::new(Some(Host::Name("smoker-server-endpoints".into())), NODE)
    }

    fn replicas(addresses: &[u8]) -> ReplicaList {
        let mut replicas = named();
        replicas.learn(&ips(addresses.iter().copied()));
        replicas
    }

    fn answerer(instance: u64, node: &str, draining: bool) -> Answerer {
        let own = "10.244.1.1:1".parse().unwrap();
        Answerer { instance, node: node.into(), pod: String::new(), client: None, own, draining }
    }

    /// The moment `duration` ago.
    fn ago(duration: Duration) -> Option<Instant> {
        Instant::now().checked_sub(duration)
    }

    #[test]
    fn each_has_its_turn() {
        let mut replicas = replicas(&[1, 2, 3]);
        let mut turns: Vec<IpAddr> = (0..6).filter_map(|_| replicas.next()).collect();
        turns.sort_unstable();
        assert_eq!(turns, ips([1, 1, 2, 2, 3, 3]));
        assert_eq!(ReplicaList::new(None, NODE).next(), None);
    }

    #[test]
    fn the_list_is_remembered_unless_the_name_does_not_exist() {
        let mut replicas = replicas(&[1, 2]);
        replicas.learn_failure(dns::Error::Timeout);
        assert_eq!((replicas.listing(), replicas.addresses()), (Listing::Listed, ips([1, 2])));
        replicas.learn_failure(dns::Error::NotFound);
        assert_eq!((replicas.listing(), replicas.addresses()), (Listing::Empty, vec![]));
        replicas.learn_failure(dns::Error::ServerFailure);
        assert_eq!(replicas.listing(), Listing::Empty);
        let mut fresh = named();
        fresh.learn_failure(dns::Error::Timeout);
        assert_eq!(fresh.listing(), Listing::Failed);
    }

    #[test]
    fn of_more_than_the_limit_the_same_are_probed_whatever_their_order() {
        let most = u8::try_from(LIMIT).unwrap();
        let mut replicas = replicas(&[]);
        replicas.learn(&ips(0..most));
        assert_eq!(replicas.addresses().len(), LIMIT);
        replicas.learn(&ips((0..=most).rev()));
        assert_eq!(replicas.addresses(), ips(0..most));
        // A replica that has left makes room, unless the list is full and may have left it out.
        replicas.learn(&ips(1..=most));
        assert_eq!(replicas.addresses(), ips(1..=most));
        let full = ips(100..100 + u8::try_from(dns::ADDRESS_LIMIT).unwrap());
        replicas.failed(ip(1));
        replicas.learn(&full);
        assert_eq!(replicas.addresses()[..LIMIT - 1], ips(2..=most)[..]);
        replicas.learn(&full[1..]);
        assert!(!replicas.addresses().contains(&ip(2)));
    }

    #[test]
    fn a_replica_that_drains_or_is_not_listed_is_excused() {
        let mut replicas = replicas(&[1, 2]);
        assert_eq!(
            (replicas.excuse(ip(1), true), replicas.excuse(ip(3), true)),
            (None, Some(Excuse::Leaving))
        );
        replicas.answered(ip(1), Some(&answerer(7, NODE, true)));
        assert_eq!(
            (replicas.excuse(ip(1), true), replicas.excuse(ip(2), true)),
            (Some(Excuse::Draining), None)
        );
        replicas.all[0].draining = ago(DRAINING);
        assert_eq!(replicas.excuse(ip(1), true), None);
    }

    #[test]
    fn a_new_replica_has_a_grace_period_to_start_once() {
        let mut replicas = replicas(&[1]);
        replicas.learn(&ips([1, 2]));
        assert_eq!(
            (replicas.excuse(ip(1), true), replicas.excuse(ip(2), true)),
            (None, Some(Excuse::Starting))
        );
        replicas.all[1].joined = ago(STARTING);
        assert_eq!(replicas.excuse(ip(2), true), None);
        replicas.all[1].joined = ago(Duration::ZERO);
        replicas.answered(ip(2), Some(&answerer(7, NODE, false)));
        assert_eq!(replicas.excuse(ip(2), true), None);
    }

    #[test]
    fn a_replica_that_is_not_missed_may_have_left_for_as_long_as_a_list_is_out_of_date() {
        let mut replicas = replicas(&[1]);
        replicas.failed(ip(1));
        assert_eq!(
            (replicas.excuse(ip(1), true), replicas.excuse(ip(1), false)),
            (None, Some(Excuse::Leaving))
        );
        replicas.all[0].failing = ago(LEAVING);
        replicas.failed(ip(1));
        assert_eq!(replicas.excuse(ip(1), false), None);
        replicas.answered(ip(1), None);
        replicas.failed(ip(1));
        assert_eq!(replicas.excuse(ip(1), false), Some(Excuse::Leaving));
    }

    #[test]
    fn another_process_at_an_address_is_noticed_and_where_it_runs() {
        let mut replicas = replicas(&[1]);
        let seen = [7, 7, 8, 8].map(|instance| {
            replicas.answered(ip(1), Some(&answerer(instance, "node-2", false)));
            replicas.take_change(ip(1))
        });
        assert_eq!(seen, [false, false, true, false]);
        assert!(!replicas.is_on_this_node(ip(1)));
        replicas.answered(ip(1), Some(&answerer(8, NODE, false)));
        assert!(replicas.is_on_this_node(ip(1)) && !replicas.is_on_this_node(ip(2)));
        replicas.answered(ip(9), Some(&answerer(1, NODE, false)));
        assert!(!replicas.take_change(ip(9)));
    }
}
