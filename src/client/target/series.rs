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

/// The flows to the current server, if any are open.
#[derive(Default)]
pub(in crate::client) struct Datagrams {
    open: Option<Open>,
}

struct Open {
    flows: Flows,
    /// When they last sent something.
    last_sent: Instant,
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
        let mut flows = match self.open.take().filter(|open| open.flows.peer() == peer) {
            Some(open) => open.flows,
            None => match Flows::open(peer, count) {
                Ok(flows) => flows,
                Err(error) => {
                    return Finding::NoFlows { peer, failure: Failure::io(&error, Phase::Connect) };
                }
            },
        };
        let series = flows.series(spacing, Deadline::after(timeout));
        let settled = flows.take_settled();
        // The sockets keep the address that this host had when they were opened: where nothing can be sent
        // from it, new ones are opened.
        self.open = (series.counts.sent > 0).then(|| Open { flows, last_sent: Instant::now() });
        Finding::Series { peer, series, settled }
    }

    /// The flows, where there are any.
    pub(in crate::client) fn flows(&mut self) -> Option<&mut Flows> {
        self.open.as_mut().map(|open| &mut open.flows)
    }

    /// Keeps the flows alive where they have been idle for long: between rounds, and in long ones.
    pub(in crate::client) fn keep_alive_if_due(&mut self) {
        if let Some(open) = self.open.as_mut().filter(|open| open.last_sent.elapsed() >= KEEP_ALIVE) {
            open.flows.keep_alive();
            open.last_sent = Instant::now();
        }
    }
}
