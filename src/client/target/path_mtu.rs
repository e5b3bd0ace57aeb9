//! The path MTU of a round: when it is measured, and to which addresses.

use std::net::{IpAddr, SocketAddr};

use crate::client::settings;
use crate::probe::path::{self, Finding, PathReport};
use crate::time::Deadline;

/// The addresses that are measured one after another: a black hole takes half a second to be sure of, and
/// each has its share of `TEST_TIMEOUT`.
const ADDRESSES: usize = 4;

/// What is remembered of the path MTU from one measurement to the next.
#[derive(Default)]
pub(in crate::client) struct Path {
    rounds: u64,
    /// The address that large packets did not reach, or not come from, when it was last measured.
    hole: Option<IpAddr>,
    /// The one that was measured last, where it was.
    mtu: Option<u32>,
}

/// What large packets come to on the way to an address.
pub(in crate::client) type Measured = (IpAddr, PathReport);

/// Whether `config` probes anything that shows the path MTU.
pub(in crate::client) fn is_measurable(config: &settings::Client) -> bool {
    config.mtu_interval > 0 && (config.protocols.udp || config.protocols.http)
}

/// Measures the path MTU to one of `addresses` after another, over the protocols that are probed: the first
/// with a black hole, or the first of all. A Service leads to one replica or another, and so does its path.
pub(in crate::client) fn measure(
    addresses: &[IpAddr],
    config: &settings::Client,
    deadline: Deadline,
) -> Option<Measured> {
    let settings::Client { protocols, ports, .. } = config;
    let mut first = None;
    for (address, left) in addresses.iter().zip((1..=addresses.len()).rev()) {
        let peer = |wanted: bool, port| wanted.then_some(SocketAddr::new(*address, port));
        let (udp, http) = (peer(protocols.udp, ports.udp), peer(protocols.http, ports.http));
        let share = deadline.share(u32::try_from(left).unwrap_or(u32::MAX));
        let measured = (*address, path::probe(udp, http, share));
        if matches!(measured.1.finding, Finding::BlackHole(_)) {
            return Some(measured);
        }
        first = first.or(Some(measured));
    }
    first
}

impl Path {
    /// Whether the round that begins is one that measures.
    pub(in crate::client) fn is_due(&mut self, config: &settings::Client) -> bool {
        self.rounds += 1;
        is_measurable(config) && (self.rounds - 1).is_multiple_of(config.mtu_interval)
    }

    /// The addresses to measure: the target's, that of the last black hole, and those of `replicas`, as many
    /// as the time is enough for.
    pub(in crate::client) fn addresses(&self, target: Option<IpAddr>, replicas: &[IpAddr]) -> Vec<IpAddr> {
        let mut addresses = Vec::new();
        for address in target.into_iter().chain(self.hole).chain(replicas.iter().copied()) {
            if addresses.len() < ADDRESSES && !addresses.contains(&address) {
                addresses.push(address);
            }
        }
        addresses
    }

    /// Whether it takes an explanation: large packets vanish, or routers say that they are too large, which
    /// was not so the last time.
    pub(in crate::client) fn is_worse(&self, (_, report): &Measured) -> bool {
        match report.finding {
            Finding::BlackHole(_) => true,
            Finding::Smaller => report.mtu != self.mtu,
            Finding::Whole | Finding::Unmeasured(_) => false,
        }
    }

    /// Remembers what was measured.
    pub(in crate::client) fn remember(&mut self, (address, report): &Measured) {
        self.hole = matches!(report.finding, Finding::BlackHole(_)).then_some(*address);
        self.mtu = report.mtu.or(self.mtu);
    }
}
