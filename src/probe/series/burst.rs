//! The burst: many datagrams from fresh source ports, which tell a share of loss from a fault of some ports.

use std::net::SocketAddr;

use super::flows::{BRISK, Flows};
use super::ledger::Closed;
use super::{MAX_EACH, MAX_FLOWS};
use crate::time::Deadline;

/// What became of a burst.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Burst {
    /// Datagrams that went out.
    pub sent: u64,
    /// Datagrams that this host itself could not send.
    pub unsent: u64,
    /// Datagrams that had no reply in time.
    pub lost: u64,
    /// ICMP errors that answered some of these: they were not lost by chance.
    pub refused: u64,
    /// Of those lost: on the way to the server.
    pub lost_forward: u64,
    /// Of those lost: on the way back.
    pub lost_return: u64,
    /// Of those lost: nobody has said where.
    pub lost_unknown: u64,
    /// Source ports that anything went out of.
    pub ports: usize,
    /// Of those: none of their datagrams had a reply.
    pub dead_ports: usize,
    /// Of those: some had, and some had not.
    pub lossy_ports: usize,
}

/// Sends `each` datagrams, at most [`MAX_EACH`], from each of `ports` fresh source ports, at most
/// [`MAX_FLOWS`], and waits for replies as a series does. The ports take turns, so that a short fault does
/// not look like one of some ports.
pub fn burst(peer: SocketAddr, ports: usize, each: usize, deadline: Deadline) -> Burst {
    let (ports, each) = (ports.min(MAX_FLOWS), each.min(MAX_EACH));
    let Ok(mut flows) = Flows::open(peer, ports) else {
        // Descriptors or ports have run out on this host.
        return Burst { unsent: (ports * each) as u64, ..Burst::default() };
    };
    let turn: Vec<usize> = (0..ports).collect();
    let batch = flows.exchange(&turn.repeat(each), BRISK, deadline);
    let total = batch.total();
    let used = batch.closed.iter().zip(&batch.sent).filter(|(_, sent)| **sent > 0);
    let count = |condition: fn(&Closed) -> bool| used.clone().filter(|(closed, _)| condition(closed)).count();
    Burst {
        sent: batch.sent.iter().sum(),
        unsent: batch.unsent,
        lost: total.lost,
        refused: batch.refusals,
        lost_forward: total.forward,
        lost_return: total.backward,
        lost_unknown: total.lost - total.forward - total.backward,
        ports: used.clone().count(),
        dead_ports: count(|closed| closed.answered == 0),
        lossy_ports: count(|closed| closed.answered > 0 && closed.lost > 0),
    }
}
