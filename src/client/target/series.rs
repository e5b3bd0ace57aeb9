//! The series of datagrams of a round, over flows that are kept open from round to round.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use crate::client::finding::Finding;
use crate::probe::series::Flows;
use crate::probe::{Failure, Phase};
use crate::time::Deadline;

/// How often a flow is kept alive between rounds: connection tracking forgets one that was answered after two
/// minutes, and one that was not, as it looks while packets are lost, after thirty seconds
/// (`nf_conntrack_udp_timeout`).
pub(in crate::client) const KEEP_ALIVE: Duration = Duration::from_secs(10);

/// The flows to the server that is probed now.
#[derive(Default)]
pub(in crate::client) struct Datagrams {
    flows: Option<Flows>,
    /// When they last sent something.
    alive: Option<Instant>,
}

impl Datagrams {
    /// Sends a series over `count` flows to `peer`, opened where they are to another.
    pub(in crate::client) fn series(
        &mut self,
        peer: SocketAddr,
        count: usize,
        spacing: Duration,
        timeout: Duration,
    ) -> Finding {
        let mut flows = match self.flows.take().filter(|flows| flows.peer() == peer) {
            Some(flows) => flows,
            None => match Flows::open(peer, count) {
                Ok(flows) => flows,
                Err(error) => {
                    return Finding::NoFlows { peer, failure: Failure::io(&error, Phase::Connect) };
                }
            },
        };
        let series = flows.series(spacing, Deadline::after(timeout));
        let settled = flows.take_settled();
        self.alive = Some(Instant::now());
        // The sockets keep the address that this host had when they were opened.
        self.flows = (series.counts.sent > 0).then_some(flows);
        Finding::Series { peer, series, settled }
    }

    /// The flows, where there are any.
    pub(in crate::client) fn flows(&mut self) -> Option<&mut Flows> {
        self.flows.as_mut()
    }

    /// Keeps the flows alive where they have been idle for long: between rounds, and in long ones.
    pub(in crate::client) fn keep_alive_if_due(&mut self) {
        let is_due = self.alive.is_some_and(|alive| alive.elapsed() >= KEEP_ALIVE);
        if let Some(flows) = self.flows.as_mut().filter(|_| is_due) {
            flows.keep_alive();
            self.alive = Some(Instant::now());
        }
    }
}
