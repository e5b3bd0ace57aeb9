//! Rounds: look the name up, probe each protocol, print a line for each.

use std::net::{IpAddr, SocketAddr};
use std::ops::ControlFlow;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use super::metrics::Metrics;
use super::streak::Streak;
use crate::config::{self, Host};
use crate::dns::{self, Resolver};
use crate::log::{Level, Log, Value};
use crate::probe::{self, Error, Failure, Outcome, Phase, Report, Success};
use crate::serve::identity;
use crate::sys::signal::StopSignals;
use crate::time::Deadline;

/// The rounds of a client.
pub(super) struct Rounds<'a> {
    /// How many were made, whole ones only.
    pub(super) made: u64,
    /// Whether any probe of them has failed.
    pub(super) any_failure: bool,
    config: &'a config::Client,
    log: &'a Log,
    metrics: &'a Mutex<Metrics>,
    resolver: Resolver,
    protocols: Vec<Protocol<'a>>,
}

/// One protocol that is probed.
struct Protocol<'a> {
    kind: &'static str,
    /// As the metrics call it.
    name: &'static str,
    metrics: &'a Mutex<Metrics>,
    port: u16,
    probe: fn(SocketAddr, Deadline) -> Outcome,
    streak: Streak,
}

impl<'a> Rounds<'a> {
    pub(super) fn new(config: &'a config::Client, log: &'a Log, metrics: &'a Mutex<Metrics>) -> Self {
        let protocol = |kind, name, port, probe: fn(SocketAddr, Deadline) -> Outcome| Protocol {
            kind,
            name,
            metrics,
            port,
            probe,
            streak: Streak::default(),
        };
        let mut protocols = Vec::new();
        if config.protocols.tcp {
            protocols.push(protocol("TCP", "tcp", config.ports.tcp, probe::tcp));
        }
        if config.protocols.udp {
            protocols.push(protocol("UDP", "udp", config.ports.udp, probe::udp));
        }
        if config.protocols.http {
            // Only a client that listens can meet itself; `smoker local`, which does not, means to.
            let probe = match config.client_port {
                Some(_) => |address, deadline| probe::http(address, deadline, Some(identity::instance())),
                None => |address, deadline| probe::http(address, deadline, None),
            };
            protocols.push(protocol("HTTP", "http", config.ports.http, probe));
        }
        Self { made: 0, any_failure: false, config, log, metrics, resolver: Resolver::default(), protocols }
    }

    /// Probes the protocols one after another, in the round that was due at `due`. Breaks off before the next
    /// when a signal has arrived.
    pub(super) fn make_one(&mut self, due: Instant, signals: &StopSignals) -> ControlFlow<()> {
        let late = Instant::now().saturating_duration_since(due);
        let addresses = self.addresses();
        for protocol in &mut self.protocols {
            if signals.arrived() {
                return ControlFlow::Break(());
            }
            let succeeded = match &addresses {
                Ok(addresses) => protocol.probe(addresses, self.config, self.log),
                Err(error) => protocol.not_resolved(*error, self.config, self.log),
            };
            self.any_failure |= !succeeded;
        }
        self.made += 1;
        self.metrics.lock().unwrap_or_else(PoisonError::into_inner).round(late, None);
        ControlFlow::Continue(())
    }

    fn addresses(&self) -> Result<Vec<IpAddr>, dns::Error> {
        match &self.config.host {
            Host::Address(address) => Ok(vec![*address]),
            Host::Name(name) => {
                let start = Instant::now();
                let addresses = self.resolver.look_up(name, Deadline::after(self.config.timeout));
                let addresses = addresses.map(|found| found.addresses);
                match &addresses {
                    Ok(_) => count(self.metrics, "dns", "success", Some(start.elapsed()), &[]),
                    Err(error) => count(self.metrics, "dns", &Error::Dns(*error).to_string(), None, &[]),
                }
                self.log_addresses(name, &addresses);
                addresses
            }
        }
    }

    fn log_addresses(&self, name: &str, addresses: &Result<Vec<IpAddr>, dns::Error>) {
        if let (Ok(addresses), true) = (addresses, self.log.prints(Level::Debug)) {
            let addresses: Vec<String> = addresses.iter().map(IpAddr::to_string).collect();
            let fields = [("name", Value::Word(name)), ("addresses", Value::Word(&addresses.join(",")))];
            self.log.line(Level::Debug, "DNS", "FOUND", &fields);
        }
    }
}

impl Protocol<'_> {
    /// Probes the addresses, prints the line, and returns whether one of them answered.
    fn probe(&mut self, addresses: &[IpAddr], config: &config::Client, log: &Log) -> bool {
        let targets = addresses.iter().map(|ip| SocketAddr::new(*ip, self.port));
        let Some(report) = probe::each(targets, Deadline::after(config.timeout), self.probe) else {
            return self.not_resolved(dns::Error::NotFound, config, log);
        };
        let failed = failed_before(&report);
        match &report.outcome {
            Outcome::Success(Success { latency, phases, retransmits, .. }) => {
                self.streak.end();
                count(self.metrics, self.name, "success", Some(*latency), phases);
                let mut fields = vec![("latency", Value::Milliseconds(*latency))];
                fields.extend(phases.iter().map(|(phase, took)| (*phase, Value::Milliseconds(*took))));
                push_retransmits(&mut fields, *retransmits);
                if addresses.len() > 1 {
                    fields.push(("address", Value::Address(report.address)));
                }
                push_unless_empty(&mut fields, "failed", &failed);
                log.line(Level::Info, self.kind, "SUCCESS", &fields);
                true
            }
            Outcome::Failure(failure) => {
                let mut tried = vec![("address", Value::Address(report.address))];
                push_unless_empty(&mut tried, "failed", &failed);
                self.print_failure(failure, &tried, log);
                false
            }
        }
    }

    fn not_resolved(&mut self, error: dns::Error, config: &config::Client, log: &Log) -> bool {
        let tried = match &config.host {
            Host::Name(name) => vec![("name", Value::Word(name))],
            Host::Address(_) => vec![],
        };
        self.print_failure(&Failure::new(Error::Dns(error), Phase::Resolve), &tried, log);
        false
    }

    fn print_failure(&mut self, failure: &Failure, tried: &[(&str, Value)], log: &Log) {
        let running = self.streak.fail(SystemTime::now());
        let (error, phase) = (failure.error.to_string(), failure.phase.to_string());
        count(self.metrics, self.name, &error, None, &[]);
        let mut fields = vec![("error", Value::Word(&error)), ("phase", Value::Word(&phase))];
        fields.extend(tried);
        fields.push(("failures", Value::Count(running.failures)));
        fields.push(("since", Value::Moment(running.since)));
        if let Some(detail) = &failure.detail {
            fields.push(("detail", Value::Text(detail)));
        }
        push_retransmits(&mut fields, failure.retransmits);
        log.line(Level::Error, self.kind, "FAILED", &fields);
    }
}

fn count(
    metrics: &Mutex<Metrics>,
    protocol: &'static str,
    result: &str,
    latency: Option<Duration>,
    phases: &[(&'static str, Duration)],
) {
    let mut metrics = metrics.lock().unwrap_or_else(PoisonError::into_inner);
    metrics.probe(protocol, result, latency, phases);
}

/// `10.0.0.1:8080/refused,10.0.0.2:8080/timeout`: the addresses that failed before the one in the line.
fn failed_before(report: &Report) -> String {
    let entries: Vec<String> =
        report.failed.iter().map(|(address, error)| format!("{address}/{error}")).collect();
    entries.join(",")
}

fn push_unless_empty<'a>(fields: &mut Vec<(&str, Value<'a>)>, key: &'static str, word: &'a str) {
    if !word.is_empty() {
        fields.push((key, Value::Word(word)));
    }
}

fn push_retransmits(fields: &mut Vec<(&str, Value)>, retransmits: u32) {
    if retransmits > 0 {
        fields.push(("retrans", Value::Count(retransmits.into())));
    }
}
