//! The series of datagrams of a round: its flows, kept open from round to round, and its line.

use std::net::SocketAddr;
use std::time::{Duration, Instant, SystemTime};

use crate::client::journal::accounts::Accounts;
use crate::client::journal::lines::{Field, Lines};
use crate::client::journal::streak::Streak;
use crate::log::Value;
use crate::probe::series::{Counts, Flows, Series};
use crate::probe::{Failure, Kind, Phase};
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
    streak: Streak,
}

impl Datagrams {
    /// Sends a series over `count` flows to `peer`, opened where they are to another, and prints the line.
    pub(in crate::client) fn series(
        &mut self,
        peer: SocketAddr,
        count: usize,
        spacing: Duration,
        timeout: Duration,
        lines: &mut Lines,
        accounts: &mut Accounts,
    ) -> Option<Series> {
        let flows = match self.flows.take().filter(|flows| flows.peer() == peer) {
            Some(flows) => flows,
            None => match Flows::open(peer, count) {
                Ok(flows) => flows,
                Err(error) => {
                    let failure = Failure::io(&error, Phase::Connect);
                    self.tell_failure(&failure, peer, &[], lines, accounts);
                    return None;
                }
            },
        };
        let series = self.flows.insert(flows).series(spacing, Deadline::after(timeout));
        self.alive = Some(Instant::now());
        self.tell(&series, peer, lines, accounts);
        // The sockets keep the address that this host had when they were opened.
        if series.counts.sent == 0 {
            self.flows = None;
        }
        Some(series)
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

    fn tell(&mut self, series: &Series, peer: SocketAddr, lines: &mut Lines, accounts: &mut Accounts) {
        let settled = self.flows.as_mut().map(Flows::take_settled).unwrap_or_default();
        accounts.datagrams(series, settled);
        let mut counts = fields(&series.counts);
        let unknown = series.counts.lost.unknown;
        let unknown = (unknown > 0).then_some(("lost_unknown", Value::Count(unknown)));
        match (&series.failure, series.times) {
            (Some(failure), _) => {
                counts.extend(unknown);
                self.tell_failure(failure, peer, &counts, lines, accounts);
            }
            (None, Some(times)) => {
                self.streak.end();
                let mut fields = vec![("latency", Value::Milliseconds(times.median))];
                fields.extend(counts);
                let more = [("jitter", times.jitter), ("min", times.min), ("p99", times.p99)];
                fields.extend(more.map(|(key, duration)| (key, Value::Milliseconds(duration))));
                fields.push(("dead_flows", Value::Count(series.dead_flows as u64)));
                fields.extend(unknown);
                lines.success(Kind::UdpSeries, times.p99, &fields);
                accounts.success(Kind::UdpSeries, times.median, &[]);
            }
            // Nothing went out: there is neither a latency nor a failure of the network.
            (None, None) => {}
        }
    }

    fn tell_failure(
        &mut self,
        failure: &Failure,
        peer: SocketAddr,
        counts: &[Field],
        lines: &mut Lines,
        accounts: &mut Accounts,
    ) {
        let running = self.streak.fail(SystemTime::now());
        lines.failure(Kind::UdpSeries, failure, &[("address", Value::Address(peer))], running, counts);
        accounts.failure(Kind::UdpSeries, failure.error, false);
    }
}

fn fields(counts: &Counts) -> Vec<Field<'static>> {
    let fields = [
        ("sent", counts.sent),
        ("lost", counts.lost.total()),
        ("lost_forward", counts.lost.forward),
        ("lost_return", counts.lost.return_),
        ("duplicate", counts.duplicate),
        ("reordered", counts.reordered),
        ("late", counts.late),
    ];
    fields.map(|(key, count)| (key, Value::Count(count))).to_vec()
}
