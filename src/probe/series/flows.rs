//! Long-lived source ports to one server: sending from them, and receiving replies without waiting longer
//! than needed.

use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::thread;
use std::time::{Duration, Instant};

use super::batch::Batch;
use super::flow::Flow;
use super::ledger::Closed;
use super::times::reordered;
use super::{Counts, GRACE, Lost, MAX_FLOWS, Series, SilentFlows};
use crate::metrics::Jitter;
use crate::sys::random;
use crate::sys::stamped;
use crate::time::Deadline;

/// The spacing where only the replies matter and not their latency. Closer together, the datagrams would fill
/// a queue and so cause the loss that they find.
pub(super) const DENSE: Duration = Duration::from_millis(1);

/// How many more datagrams a silent flow is sent before it counts as dead. Where every tenth exchange is
/// lost, a working one stays silent once in ten thousand times.
const CONFIRMATIONS: usize = 4;

/// Source ports to one server, which stay open.
#[derive(Debug)]
pub struct Flows {
    peer: SocketAddr,
    pub(super) open: Vec<Flow>,
    pub(super) next_sequence: u32,
    jitter: Jitter,
    /// How long the slowest reply took, of the last series that had any.
    slowest: Option<Duration>,
    /// When the last keep-alives were sent.
    kept_alive: Option<Instant>,
    /// Replies since the counts were last taken.
    late: u64,
    duplicate: u64,
    /// Since it was last taken.
    settled: Lost,
}

impl Flows {
    /// Opens `count` source ports to `peer`, at most [`MAX_FLOWS`], and sends nothing.
    pub fn open(peer: SocketAddr, count: usize) -> io::Result<Self> {
        let nonce = random::number();
        let numbers = 0..u16::try_from(count.min(MAX_FLOWS)).unwrap_or(u16::MAX);
        Ok(Self {
            peer,
            open: numbers.map(|number| Flow::open(peer, nonce, number)).collect::<io::Result<_>>()?,
            next_sequence: 0,
            jitter: Jitter::default(),
            slowest: None,
            kept_alive: None,
            late: 0,
            duplicate: 0,
            settled: Lost::default(),
        })
    }

    /// The server.
    pub fn peer(&self) -> SocketAddr {
        self.peer
    }

    /// Sends a datagram on each flow, so that no NAT on the way forgets it, and receives what has arrived
    /// since the last time. Does not wait: the replies are received the next time.
    pub fn keep_alive(&mut self) {
        let mut batch = self.begin(false);
        let all: Vec<usize> = (0..self.open.len()).collect();
        self.send(&mut batch, &all, Duration::ZERO, Deadline::after(GRACE));
        self.kept_alive = Some(Instant::now());
    }

    /// Sends a datagram on each flow, `spacing` apart, and waits for the replies as the documentation of
    /// `series` says. The sending takes half of the time until `deadline` at the most.
    pub fn series(&mut self, spacing: Duration, deadline: Deadline) -> Series {
        let all: Vec<usize> = (0..self.open.len()).collect();
        let batch = self.exchange(&all, spacing, deadline);
        Series {
            counts: self.take_counts(&batch),
            dead_flows: self.open.iter().filter(|flow| flow.ledger.is_dead()).count(),
            replies: batch.replies(&mut self.jitter),
        }
    }

    /// Sends more datagrams on the flows that are silent: how many stay silent.
    pub fn confirm(&mut self, deadline: Deadline) -> SilentFlows {
        let mut batch = self.begin(false);
        let silent = self.flows_where(|flow| flow.ledger.is_silent());
        self.send(&mut batch, &silent.repeat(CONFIRMATIONS), DENSE, deadline);
        self.gather(&mut batch, self.slowest, deadline);
        // A flow on which nothing could be sent proves nothing.
        let asked: Vec<usize> = silent.into_iter().filter(|&nth| batch.sent[nth] > 0).collect();
        let dead = asked.iter().filter(|&&nth| batch.closed[nth].answered == 0).count();
        SilentFlows { asked: asked.len(), dead }
    }

    /// The losses, unknown when their series ended, whose direction has become known since the last call, or
    /// never will. To sum up losses by direction, add this to those of each series without their unknown
    /// ones.
    pub fn take_settled(&mut self) -> Lost {
        std::mem::take(&mut self.settled)
    }

    /// What became of the datagrams of `batch`, with the duplicate and late replies since the last time.
    pub(super) fn take_counts(&mut self, batch: &Batch) -> Counts {
        let sent = batch.sent.iter().sum();
        let lost = batch.total().lost_by_direction();
        Counts {
            sent,
            unsent: batch.unsent,
            answered: sent - lost.total(),
            lost,
            duplicate: std::mem::take(&mut self.duplicate),
            reordered: reordered(&batch.samples),
            late: std::mem::take(&mut self.late),
        }
    }

    /// Sends a series over the flows in `order`, receives the replies, and sends once more on flows that lost
    /// a datagram: the server's count in the reply shows in which direction it was lost.
    pub(super) fn exchange(&mut self, order: &[usize], spacing: Duration, deadline: Deadline) -> Batch {
        let most = deadline.left().unwrap_or_default() / 2;
        let count = u32::try_from(order.len()).unwrap_or(u32::MAX).max(1);
        let mut batch = self.begin(true);
        self.send(&mut batch, order, spacing.min(most / count), deadline);
        self.gather(&mut batch, None, deadline);
        self.slowest = batch.slowest().or(self.slowest);
        let unexplained = self.flows_where(|flow| flow.ledger.has_unexplained());
        if batch.of_smoker && !unexplained.is_empty() {
            let mut again = Batch::new(self.open.len(), batch.first, false);
            self.send(&mut again, &unexplained, DENSE, deadline);
            self.gather(&mut again, self.slowest, deadline);
            for (closed, more) in batch.closed.iter_mut().zip(again.closed) {
                *closed += Closed { answered: 0, ..more };
            }
        }
        batch
    }

    /// Receives what has arrived since the last batch, and begins another. Keep-alives that have just been
    /// sent may still be answered, and close with it.
    fn begin(&mut self, in_series: bool) -> Batch {
        let mut before = Batch::new(self.open.len(), self.next_sequence, false);
        for nth in 0..self.open.len() {
            self.receive(nth, &mut before);
        }
        if self.kept_alive.is_none_or(|moment| moment.elapsed() >= GRACE) {
            self.close(&mut before);
        }
        Batch::new(self.open.len(), self.next_sequence, in_series)
    }

    /// Sends a datagram on each of these flows in turn. A quarter of the time is kept for the replies: what a
    /// late prober has not sent by then it does not send.
    fn send(&mut self, batch: &mut Batch, order: &[usize], spacing: Duration, deadline: Deadline) {
        let until = deadline.earlier(deadline.left().unwrap_or_default() / 4);
        let mut due = Instant::now();
        for &nth in order {
            thread::sleep(due.saturating_duration_since(Instant::now()));
            if until.has_passed() {
                batch.unsent += 1;
                continue;
            }
            self.open[nth].send(self.next_sequence, batch);
            self.next_sequence = self.next_sequence.wrapping_add(1);
            // After a delay the rest is not sent at once: closer together, it would be another series.
            due = due.max(Instant::now()) + spacing;
        }
    }

    /// Waits for replies, and closes. `slowest`: how long they took before, where that is known.
    fn gather(&mut self, batch: &mut Batch, slowest: Option<Duration>, deadline: Deadline) {
        let last = Instant::now();
        loop {
            let waiting = self.flows_where(|flow| flow.ledger.waits());
            let mut left = deadline.left().unwrap_or_default();
            if let Some(slowest) = batch.slowest().max(slowest) {
                left = left.min((4 * slowest).max(GRACE).saturating_sub(last.elapsed()));
            }
            if left.is_zero() {
                // After waking too late, what arrived in time is still in the sockets.
                for &nth in &waiting {
                    self.receive(nth, batch);
                }
            }
            if waiting.is_empty() || left.is_zero() {
                break;
            }
            let sockets: Vec<&UdpSocket> = waiting.iter().map(|&nth| &self.open[nth].socket).collect();
            let Ok(ready) = stamped::wait_readable(&sockets, left) else { break };
            for nth in ready {
                self.receive(waiting[nth], batch);
            }
        }
        self.close(batch);
    }

    fn close(&mut self, batch: &mut Batch) {
        for (flow, closed) in self.open.iter_mut().zip(&mut batch.closed) {
            *closed = flow.ledger.close(batch.first);
            self.settled += closed.settled;
        }
    }

    fn receive(&mut self, nth: usize, batch: &mut Batch) {
        self.open[nth].receive(batch);
        self.late += std::mem::take(&mut batch.late);
        self.duplicate += std::mem::take(&mut batch.duplicate);
    }

    /// The flows for which `condition` holds.
    fn flows_where(&self, condition: impl Fn(&Flow) -> bool) -> Vec<usize> {
        let flows = self.open.iter().enumerate();
        flows.filter(|(_, flow)| condition(flow)).map(|(nth, _)| nth).collect()
    }
}
