//! The replicas behind the target, as `ENDPOINTS_HOST` lists them: whose turn it is to be probed, and what
//! each said of itself.

use std::net::IpAddr;
use std::time::{Duration, Instant};

use crate::config::Host;
use crate::dns::{self, Resolver};
use crate::probe::Answerer;
use crate::time::Deadline;
use crate::verdict::Listing;

/// How long a replica that said that it drains may be gone without being a fault: until every list has
/// forgotten it.
const DRAINING: Duration = Duration::from_mins(1);

/// The list, and what is remembered of each.
pub(super) struct Replicas {
    host: Option<Host>,
    listing: Listing,
    all: Vec<Replica>,
    turn: usize,
}

struct Replica {
    address: IpAddr,
    /// Its process's number, when it last said so.
    instance: Option<u64>,
    /// When it last said that it drains.
    draining: Option<Instant>,
}

impl Replicas {
    pub(super) fn new(host: Option<Host>) -> Self {
        Self { host, listing: Listing::NotKnown, all: Vec::new(), turn: 0 }
    }

    /// What is known of the list.
    pub(super) fn listing(&self) -> Listing {
        self.listing
    }

    /// The addresses, 16 at the most ([`dns::ADDRESS_LIMIT`]).
    pub(super) fn addresses(&self) -> Vec<IpAddr> {
        self.all.iter().map(|replica| replica.address).collect()
    }

    /// Asks for the list anew. While the name cannot be looked up the list is the one before.
    pub(super) fn refresh(&mut self, resolver: &Resolver, deadline: Deadline) {
        let looked_up = match &self.host {
            None => return,
            Some(Host::Address(address)) => Ok(vec![*address]),
            Some(Host::Name(name)) => resolver.look_up(name, deadline).map(|found| found.addresses),
        };
        self.learn(looked_up);
    }

    fn learn(&mut self, looked_up: Result<Vec<IpAddr>, dns::Error>) {
        match looked_up {
            Ok(addresses) => {
                self.all.retain(|replica| addresses.contains(&replica.address));
                for address in addresses {
                    if !self.all.iter().any(|replica| replica.address == address) {
                        self.all.push(Replica { address, instance: None, draining: None });
                    }
                }
                self.listing = Listing::Listed;
            }
            Err(dns::Error::NotFound) => {
                self.all.clear();
                self.listing = Listing::Empty;
            }
            Err(_) if self.listing == Listing::NotKnown => self.listing = Listing::Failed,
            Err(_) => {}
        }
    }

    /// Gives the turn to the next, which is the one to probe in this round.
    pub(super) fn next(&mut self) -> Option<IpAddr> {
        self.turn = self.turn.wrapping_add(1);
        self.in_turn()
    }

    /// The one whose turn it is.
    pub(super) fn in_turn(&self) -> Option<IpAddr> {
        self.all.get(self.turn % self.all.len().max(1)).map(|replica| replica.address)
    }

    /// Notes who answered at `address`. Whether it is another process than before.
    pub(super) fn note(&mut self, address: IpAddr, answerer: &Answerer) -> bool {
        let Some(replica) = self.all.iter_mut().find(|replica| replica.address == address) else {
            return false;
        };
        if answerer.draining {
            replica.draining = Some(Instant::now());
        }
        let before = replica.instance.replace(answerer.instance);
        before.is_some_and(|before| before != answerer.instance)
    }

    /// Whether it is no fault that `address` fails: it is not listed any more, or said that it drains.
    pub(super) fn excuses(&self, address: IpAddr) -> bool {
        match self.all.iter().find(|replica| replica.address == address) {
            Some(replica) => replica.draining.is_some_and(|since| since.elapsed() < DRAINING),
            None => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOST: &str = "smoker-server-endpoints";

    fn ip(last: u8) -> IpAddr {
        [10, 244, 1, last].into()
    }

    fn replicas(addresses: &[u8]) -> Replicas {
        let mut replicas = Replicas::new(Some(Host::Name(HOST.into())));
        replicas.learn(Ok(addresses.iter().map(|last| ip(*last)).collect()));
        replicas
    }

    fn answerer(instance: u64, draining: bool) -> Answerer {
        let own = "10.244.1.1:1".parse().unwrap();
        Answerer { instance, node: String::new(), pod: String::new(), client: None, own, draining }
    }

    #[test]
    fn each_has_its_turn() {
        let mut replicas = replicas(&[1, 2, 3]);
        let mut turns: Vec<IpAddr> = (0..6).filter_map(|_| replicas.next()).collect();
        turns.sort_unstable();
        assert_eq!(turns, [ip(1), ip(1), ip(2), ip(2), ip(3), ip(3)]);
        assert_eq!(Replicas::new(None).next(), None);
    }

    #[test]
    fn the_list_is_remembered_unless_it_is_said_to_be_empty() {
        let mut replicas = replicas(&[1, 2]);
        replicas.learn(Err(dns::Error::Timeout));
        assert_eq!((replicas.listing(), replicas.addresses()), (Listing::Listed, vec![ip(1), ip(2)]));
        replicas.learn(Err(dns::Error::NotFound));
        assert_eq!((replicas.listing(), replicas.addresses()), (Listing::Empty, vec![]));
        replicas.learn(Err(dns::Error::ServerFailure));
        assert_eq!(replicas.listing(), Listing::Empty);
        let mut fresh = Replicas::new(Some(Host::Name(HOST.into())));
        fresh.learn(Err(dns::Error::Timeout));
        assert_eq!(fresh.listing(), Listing::Failed);
    }

    #[test]
    fn who_drains_or_is_not_listed_is_excused() {
        let mut replicas = replicas(&[1, 2]);
        assert!(!replicas.excuses(ip(1)) && replicas.excuses(ip(3)));
        replicas.note(ip(1), &answerer(7, true));
        assert!(replicas.excuses(ip(1)) && !replicas.excuses(ip(2)));
        replicas.all[0].draining = Instant::now().checked_sub(DRAINING);
        assert!(!replicas.excuses(ip(1)));
    }

    #[test]
    fn another_process_at_an_address_is_noticed() {
        let mut replicas = replicas(&[1]);
        let seen = [7, 7, 8, 8].map(|instance| replicas.note(ip(1), &answerer(instance, false)));
        assert_eq!(seen, [false, false, true, false]);
        assert!(!replicas.note(ip(9), &answerer(1, false)));
    }
}
