//! A name's addresses, probed one after another until one replies.

use std::net::{IpAddr, SocketAddr};

use super::{Error, Outcome};
use crate::time::Deadline;

/// The addresses of a name, in the order of trying: at least one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Addresses {
    /// The one that is tried first.
    pub first: IpAddr,
    /// The ones after it.
    pub others: Vec<IpAddr>,
}

/// What the probe of a name found: the address that decided, and those that failed before it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// The address that replied, or the last one tried.
    pub address: SocketAddr,
    /// What it did.
    pub outcome: Outcome,
    /// The addresses before it, none of which replied.
    pub failed: Vec<(SocketAddr, Error)>,
}

impl Addresses {
    /// The first `limit` of `addresses`, which is at least 1; `None` where there are none.
    pub fn new(addresses: &[IpAddr], limit: usize) -> Option<Self> {
        let (first, others) = addresses.split_first()?;
        Some(Self { first: *first, others: others.iter().copied().take(limit.saturating_sub(1)).collect() })
    }

    /// All of them, in their order.
    pub fn iter(&self) -> impl Iterator<Item = IpAddr> {
        std::iter::once(self.first).chain(self.others.iter().copied())
    }

    /// Whether there is a choice.
    pub fn are_several(&self) -> bool {
        !self.others.is_empty()
    }
}

/// Probes `addresses` at `port`, in their order, until one replies. Each gets the time left divided by the
/// addresses left.
pub fn each(
    addresses: &Addresses,
    port: u16,
    deadline: Deadline,
    probe: impl Fn(SocketAddr, Deadline) -> Outcome,
) -> Report {
    let mut address = SocketAddr::new(addresses.first, port);
    let mut others = addresses.others.iter();
    let mut failed = Vec::new();
    loop {
        let left = u32::try_from(1 + others.len()).unwrap_or(u32::MAX);
        let outcome = probe(address, deadline.share(left));
        match (&outcome, others.next()) {
            (Outcome::Failure(failure), Some(next)) => {
                failed.push((address, failure.error));
                address = SocketAddr::new(*next, port);
            }
            _ => return Report { address, outcome, failed },
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::{Failure, Phase, Success};
    use super::*;

    const PORT: u16 = 8080;

    fn addresses(last: impl IntoIterator<Item = u8>) -> Addresses {
        let addresses: Vec<IpAddr> = last.into_iter().map(|last| address(last).ip()).collect();
        Addresses::new(&addresses, usize::MAX).unwrap()
    }

    fn address(last: u8) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, last], PORT))
    }

    fn succeeded() -> Outcome {
        Outcome::Success(Success::new(Duration::ZERO))
    }

    fn refused() -> Outcome {
        Outcome::Failure(Failure::new(Error::Refused, Phase::Connect))
    }

    #[test]
    fn addresses_are_tried_in_turn_and_share_the_time_that_is_left() {
        let deadline = Deadline::after(Duration::from_mins(1));
        let shares = std::cell::RefCell::new(Vec::new());
        let probe = |tried: SocketAddr, deadline: Deadline| {
            shares.borrow_mut().push(deadline.left().unwrap().as_secs_f64().round());
            if tried == address(3) { succeeded() } else { refused() }
        };
        let report = each(&addresses([1, 2, 3, 4]), PORT, deadline, probe);
        assert_eq!(report.address, address(3));
        assert_eq!(report.outcome, succeeded());
        assert_eq!(report.failed, [(address(1), Error::Refused), (address(2), Error::Refused)]);
        assert_eq!(*shares.borrow(), [15.0, 20.0, 30.0]);
    }

    #[test]
    fn the_last_address_decides_when_all_fail() {
        let report = each(&addresses([1, 2]), PORT, Deadline::after(Duration::ZERO), |_, _| refused());
        assert_eq!(report.address, address(2));
        assert_eq!(report.outcome, refused());
        assert_eq!(report.failed, [(address(1), Error::Refused)]);
    }

    #[test]
    fn of_more_addresses_than_the_limit_the_first_are_taken_and_none_are_none() {
        let ips: Vec<IpAddr> = (1..=4).map(|last| address(last).ip()).collect();
        let taken = |limit| Addresses::new(&ips, limit).unwrap().iter().collect::<Vec<_>>();
        assert_eq!(taken(4), ips);
        assert_eq!(taken(3), ips[..3]);
        assert_eq!(taken(1), ips[..1]);
        assert_eq!(Addresses::new(&[], 4), None);
    }
}
