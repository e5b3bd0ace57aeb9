//! The burst: many datagrams from new source ports, which distinguish random loss from a fault of some ports.

use std::net::SocketAddr;

use super::flows::{DENSE, Flows};
use super::ledger::Closed;
use super::{Counts, MAX_EACH, MAX_FLOWS};
use crate::probe::{Failure, Phase};
use crate::time::Deadline;

/// What became of a burst.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Burst {
    /// What became of its datagrams.
    pub counts: Counts,
    /// ICMP errors that answered lost datagrams: these were not lost by chance.
    pub refused: u64,
    /// Source ports from which a datagram was sent.
    pub ports: usize,
    /// Of those: none of their datagrams had a reply.
    pub dead_ports: usize,
    /// Of those: some of their datagrams had a reply, and some had none.
    pub lossy_ports: usize,
}

/// This host had no descriptor or source port for a burst.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shortage;

/// Sends `each` datagrams, at most [`MAX_EACH`], from each of `ports` new source ports, at most
/// [`MAX_FLOWS`], and waits for replies as a series does. The ports take turns, so that a short fault does
/// not look like one of some ports.
pub fn burst(peer: SocketAddr, ports: usize, each: usize, deadline: Deadline) -> Result<Burst, Shortage> {
    let (ports, each) = (ports.min(MAX_FLOWS), each.min(MAX_EACH));
    let mut flows = match Flows::open(peer, ports) {
        Ok(flows) => flows,
        Err(error) if Failure::io(&error, Phase::Connect).is_shortage => return Err(Shortage),
        // Such as that there is no route.
        Err(_) => return Ok(Burst::unsent((ports * each) as u64)),
    };
    let turn: Vec<usize> = (0..ports).collect();
    let batch = flows.exchange(&turn.repeat(each), DENSE, deadline);
    let used = batch.closed.iter().zip(&batch.sent).filter(|(_, sent)| **sent > 0);
    let count = |condition: fn(&Closed) -> bool| used.clone().filter(|(closed, _)| condition(closed)).count();
    Ok(Burst {
        counts: flows.take_counts(&batch),
        refused: batch.icmp_errors,
        ports: used.clone().count(),
        dead_ports: count(|closed| closed.answered == 0),
        lossy_ports: count(|closed| closed.answered > 0 && closed.lost > 0),
    })
}

impl Burst {
    /// A burst of which this host could send nothing.
    fn unsent(datagrams: u64) -> Self {
        let counts = Counts { unsent: datagrams, ..Counts::default() };
        Self { counts, refused: 0, ports: 0, dead_ports: 0, lossy_ports: 0 }
    }
}
