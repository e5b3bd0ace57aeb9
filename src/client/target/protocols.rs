//! The three protocols of the target: each probed in turn, with a line.

use std::net::SocketAddr;
use std::time::{Duration, Instant, SystemTime};

use crate::client::journal::accounts::Accounts;
use crate::client::journal::lines::{Field, Lines, retransmits};
use crate::client::journal::streak::Streak;
use crate::client::settings;
use crate::client::target::Aim;
use crate::log::Value;
use crate::probe::{self, Answerer, Error, Failure, Outcome, Phase, Protocol, Report, Success};
use crate::time::Deadline;
use crate::verdict::Symptom;

/// One protocol at its port.
pub(in crate::client) struct Service {
    pub(in crate::client) protocol: Protocol,
    pub(in crate::client) port: u16,
    streak: Streak,
}

/// Who probes.
#[derive(Clone, Copy)]
pub(in crate::client) struct Prober {
    /// This process's own number, where it serves HTTP too: it is no peer of itself.
    pub(in crate::client) own: Option<u64>,
}

/// Those that `config` has probed, in the order of a round.
pub(in crate::client) fn all(config: &settings::Client) -> Vec<Service> {
    let settings::Client { protocols, ports, .. } = config;
    let wanted = [
        (protocols.tcp, Protocol::Tcp, ports.tcp),
        (protocols.udp, Protocol::Udp, ports.udp),
        (protocols.http, Protocol::Http, ports.http),
    ];
    let service = |(_, protocol, port)| Service { protocol, port, streak: Streak::default() };
    wanted.into_iter().filter(|(wanted, ..)| *wanted).map(service).collect()
}

impl Prober {
    pub(in crate::client) fn probe(
        self,
        protocol: Protocol,
        address: SocketAddr,
        deadline: Deadline,
    ) -> Outcome {
        match protocol {
            Protocol::Tcp => probe::tcp(address, deadline),
            Protocol::Udp => probe::udp(address, deadline),
            Protocol::Http => probe::http(address, deadline, self.own),
        }
    }
}

impl Service {
    /// Probes the addresses and prints the line. The error is how it failed.
    pub(in crate::client) fn probe(
        &mut self,
        aim: &Aim,
        name: Option<&str>,
        prober: Prober,
        timeout: Duration,
        lines: &mut Lines,
        accounts: &mut Accounts,
    ) -> Result<(), Symptom> {
        let (addresses, is_cached) = match aim {
            Aim::At { addresses, look_up } => (addresses, look_up.error().is_some()),
            Aim::Nowhere { error } => {
                let failure = Failure::new(Error::Dns(*error), Phase::Resolve);
                return Err(self.fail(&failure, &tried_name(name), lines, accounts));
            }
        };
        let start = Instant::now();
        let probe = |address, deadline| prober.probe(self.protocol, address, deadline);
        let report = probe::each(addresses, self.port, Deadline::after(timeout), probe);
        lines.doubt.waited(start.elapsed(), timeout);
        let (failed, several) = (failed_before(&report), addresses.are_several());
        let address = if is_cached { Value::Word("cached") } else { Value::Address(report.address) };
        match &report.outcome {
            Outcome::Success(success) => {
                self.streak.end();
                let mut fields = durations(success);
                if several || is_cached {
                    fields.push(("address", address));
                }
                fields.extend(failed_field(&failed));
                fields.extend(success.answerer.iter().flat_map(answerer_fields));
                lines.success(self.protocol.kind(), success.latency, &fields);
                accounts.success(self.protocol.kind(), success.latency, &success.parts);
                Ok(())
            }
            Outcome::Failure(failure) => {
                let mut tried = vec![("address", address)];
                tried.extend(failed_field(&failed));
                Err(self.fail(failure, &tried, lines, accounts))
            }
        }
    }

    fn fail(
        &mut self,
        failure: &Failure,
        tried: &[Field],
        lines: &mut Lines,
        accounts: &mut Accounts,
    ) -> Symptom {
        let running = self.streak.fail(SystemTime::now());
        lines.failure(self.protocol.kind(), failure, tried, running, &[]);
        accounts.failure(self.protocol.kind(), failure.error, false);
        Symptom { error: failure.error, phase: failure.phase }
    }
}

fn tried_name(name: Option<&str>) -> Vec<Field<'_>> {
    name.map(|name| ("name", Value::Word(name))).into_iter().collect()
}

/// The latency, its parts, and what was sent again.
pub(in crate::client) fn durations(success: &Success) -> Vec<Field<'_>> {
    let mut fields = vec![("latency", Value::Milliseconds(success.latency))];
    fields.extend(success.parts.iter().map(|(part, took)| (part.name(), Value::Milliseconds(*took))));
    fields.extend(retransmits(success.retransmits));
    fields
}

/// The pod, and the client's address where it was translated on the way.
pub(in crate::client) fn answerer_fields(answerer: &Answerer) -> Vec<Field<'_>> {
    let mut fields = Vec::new();
    if !answerer.pod.is_empty() {
        fields.push(("pod", Value::Word(&answerer.pod)));
    }
    if let Some(seen) = answerer.client.filter(|seen| *seen != answerer.own) {
        fields.push(("seen_as", Value::Address(seen)));
    }
    fields
}

/// `10.0.0.1:8080/refused,10.0.0.2:8080/timeout`: the addresses that failed before the one in the line.
fn failed_before(report: &Report) -> String {
    let entries: Vec<String> =
        report.failed.iter().map(|(address, error)| format!("{address}/{error}")).collect();
    entries.join(",")
}

fn failed_field(failed: &str) -> Option<Field<'_>> {
    (!failed.is_empty()).then_some(("failed", Value::Word(failed)))
}
