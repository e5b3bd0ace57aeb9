//! The path MTU of a round: when it is measured, and its line.

use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, SystemTime};

use super::accounts::Accounts;
use super::lines::{Field, Lines};
use super::streak::Streak;
use crate::config;
use crate::log::Value;
use crate::probe::path::{self, Finding, PathReport};
use crate::probe::transfer::Direction;
use crate::probe::{Error, Failure, Phase};
use crate::time::Deadline;

/// When the path MTU was measured, and how often it has failed.
#[derive(Default)]
pub(super) struct Path {
    rounds: u64,
    streak: Streak,
}

/// Whether `config` probes anything that tells the path MTU.
pub(super) fn is_measurable(config: &config::Client) -> bool {
    config.mtu_interval > 0 && (config.protocols.udp || config.protocols.http)
}

/// Measures the path MTU to `address`, over the protocols that are probed.
pub(super) fn measure(address: IpAddr, config: &config::Client, deadline: Deadline) -> PathReport {
    let peer = |wanted: bool, port| wanted.then_some(SocketAddr::new(address, port));
    let config::Client { protocols, ports, .. } = config;
    path::probe(peer(protocols.udp, ports.udp), peer(protocols.http, ports.http), deadline)
}

impl Path {
    /// Whether the round that begins is one that measures.
    pub(super) fn is_due(&mut self, config: &config::Client) -> bool {
        self.rounds += 1;
        is_measurable(config) && (self.rounds - 1).is_multiple_of(config.mtu_interval)
    }

    /// Prints the line of what was measured in `took`.
    pub(super) fn tell(
        &mut self,
        report: &PathReport,
        address: IpAddr,
        took: Duration,
        lines: &mut Lines,
        accounts: &mut Accounts,
    ) {
        let sizes: Vec<Field> = [("mtu", report.mtu), ("interface", report.interface)]
            .into_iter()
            .filter_map(|(key, bytes)| Some((key, Value::Count(bytes?.into()))))
            .collect();
        let told_by = report.told_by.map(|router| ("told_by", Value::Ip(router)));
        report.mtu.iter().for_each(|bytes| accounts.path_mtu(*bytes));
        match &report.finding {
            Finding::Whole | Finding::Smaller => {
                self.streak.end();
                lines.success("MTU", &sizes.into_iter().chain(told_by).collect::<Vec<_>>());
                accounts.success("mtu", took, &[]);
            }
            Finding::BlackHole(direction) => {
                let direction = direction.map(|direction| ("direction", Value::Word(word(direction))));
                let tried: Vec<Field> = sizes.into_iter().chain(direction).collect();
                let failure = Failure::new(Error::BlackHole, Phase::Receive);
                self.fail(&failure, &tried, lines, accounts);
            }
            // A server that does not echo says nothing of the path.
            Finding::Unmeasured(failure) if path::is_unsupported(failure.error) => {}
            Finding::Unmeasured(failure) => {
                self.fail(failure, &[("address", Value::Ip(address))], lines, accounts);
            }
        }
    }

    fn fail(&mut self, failure: &Failure, tried: &[Field], lines: &mut Lines, accounts: &mut Accounts) {
        let running = self.streak.fail(SystemTime::now());
        lines.failure("MTU", failure, tried, running, &[]);
        accounts.failure("mtu", failure.error);
    }
}

fn word(direction: Direction) -> &'static str {
    match direction {
        Direction::Forward => "forward",
        Direction::Return => "return",
    }
}
