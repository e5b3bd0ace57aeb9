//! The path MTU of a round: when it is measured, and to which addresses.

use std::net::{IpAddr, SocketAddr};

use crate::client::settings;
use crate::probe::path::{self, MeasuredPath, PathFinding};
use crate::time::Deadline;

/// The addresses that are measured one after another: a black hole takes half a second to be sure of, and
/// each has its share of `TEST_TIMEOUT`.
const ADDRESSES: usize = 4;

/// What is remembered of the path MTU from one measurement to the next.
#[derive(Default)]
pub(in crate::client) struct PathHistory {
    /// The rounds that have begun.
    rounds: u64,
    /// The address to or from which large packets vanished, if they did in the last measurement.
    black_hole: Option<IpAddr>,
    /// The size that was measured last; `None` before the first.
    mtu: Option<u32>,
}

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
) -> Option<MeasuredPath> {
    let settings::Client { protocols, ports, .. } = config;
    let mut first = None;
    for (address, left) in addresses.iter().zip((1..=addresses.len()).rev()) {
        let peer = |wanted: bool, port| wanted.then_some(SocketAddr::new(*address, port));
        let (udp, http) = (peer(protocols.udp, ports.udp), peer(protocols.http, ports.http));
        let share = deadline.share(u32::try_from(left).unwrap_or(u32::MAX));
        let path = MeasuredPath { address: *address, report: path::probe(udp, http, share) };
        if path.is_black_hole() {
            return Some(path);
        }
        first = first.or(Some(path));
    }
    first
}

impl PathHistory {
    /// Whether the round that begins is one that measures.
    pub(in crate::client) fn is_due(&mut self, config: &settings::Client) -> bool {
        self.rounds += 1;
        is_measurable(config) && (self.rounds - 1).is_multiple_of(config.mtu_interval)
    }

    /// The addresses to measure: the target's, that of the last black hole, and those of `replicas`, as many
    /// as the time is enough for.
    pub(in crate::client) fn addresses(&self, target: Option<IpAddr>, replicas: &[IpAddr]) -> Vec<IpAddr> {
        let mut addresses = Vec::new();
        for address in target.into_iter().chain(self.black_hole).chain(replicas.iter().copied()) {
            if addresses.len() < ADDRESSES && !addresses.contains(&address) {
                addresses.push(address);
            }
        }
        addresses
    }

    /// Whether it calls for an explanation: large packets vanish, or routers report a smaller size than the
    /// last time.
    pub(in crate::client) fn is_worse(&self, MeasuredPath { report, .. }: &MeasuredPath) -> bool {
        match report.finding {
            PathFinding::BlackHole(_) => true,
            PathFinding::Smaller => report.mtu != self.mtu,
            PathFinding::Whole | PathFinding::Unmeasured(_) => false,
        }
    }

    /// Remembers what was measured.
    pub(in crate::client) fn remember(&mut self, path: &MeasuredPath) {
        self.black_hole = path.is_black_hole().then_some(path.address);
        self.mtu = path.report.mtu.or(self.mtu);
    }
}
