//! Rounds: measurements one after another, each with its line, and a verdict where something is wrong.

use std::net::SocketAddr;
use std::ops::ControlFlow;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::baseline::History;
use super::incident::{Moment, News, Standing};
use super::journal::accounts::Accounts;
use super::journal::lines::Lines;
use super::journal::metrics::Metrics;
use super::journal::streak::Streak;
use super::journal::verdicts;
use super::pass::Pass;
use super::replicas::Replicas;
use super::replicas::turn;
use super::round::Round;
use super::starvation::Doubt;
use super::target::Target;
use super::target::path_mtu::{self, Measured, Path};
use super::target::protocols::{self, Prober, Service};
use super::target::series::Datagrams;
use crate::client::settings;
use crate::dns::Resolver;
use crate::log::Log;
use crate::probe::Protocol;
use crate::probe::series::Times;
use crate::sys::signal::StopSignals;
use crate::time::Deadline;
use crate::verdict::{self, Evidence, LookUp, Probe, Ruling, Slowness, Starved, Tries, Verdict};
use crate::web;

/// The rounds of a client, and what is kept from one to the next.
pub(super) struct Rounds<'a> {
    /// How many were made, whole ones only.
    pub(super) made: u64,
    pub(super) accounts: Accounts,
    config: &'a settings::Client,
    lines: Lines<'a>,
    resolver: Resolver,
    target: Target,
    prober: Prober,
    services: Vec<Service>,
    datagrams: Datagrams,
    replicas: Replicas,
    endpoint_streak: Streak,
    path: Path,
    history: History,
    standing: Standing,
    /// The ruling that stands.
    last: Option<Ruling>,
}

/// The part of `TEST_TIMEOUT` for what is only a hint: a nameserver that answers at once or not at all, and a
/// series after a UDP probe that failed.
const QUICK: u32 = 4;

impl<'a> Rounds<'a> {
    pub(super) fn new(config: &'a settings::Client, log: &'a Log, metrics: &Arc<Mutex<Metrics>>) -> Self {
        Self {
            made: 0,
            accounts: Accounts::new(Arc::clone(metrics)),
            config,
            lines: Lines { log, doubt: Doubt::default() },
            resolver: Resolver::default(),
            target: Target::new(&config.host),
            prober: Prober { own: config.client_port.map(|_| web::instance()) },
            services: protocols::all(config),
            datagrams: Datagrams::default(),
            replicas: Replicas::new(config.endpoints_host.clone(), &config.node_name),
            endpoint_streak: Streak::default(),
            path: Path::default(),
            history: History::default(),
            standing: Standing::default(),
            last: None,
        }
    }

    /// Makes the round that was due at `due`. Breaks off before the next probe when a signal has arrived.
    pub(super) fn make_one(&mut self, due: Instant, signals: &StopSignals) -> ControlFlow<()> {
        let begin = Moment::now();
        let late = self.lines.doubt.begin(due);
        let mut round = self.measure(signals)?;
        let starved = self.lines.doubt.starved();
        if starved.is_none() {
            self.compare_with_history(&mut round);
        }
        let evidence = self.evidence(&round, starved, signals)?;
        let starved = evidence.starved;
        let ruling = verdict::judge(&evidence);
        let (verdict, news) = self.standing.judge(&ruling, begin);
        self.accounts.any_failure |= ruling.verdict != Verdict::Healthy;
        verdicts::tell(&ruling, news, self.lines.log);
        if news != News::None {
            self.accounts.told(ruling.verdict);
        }
        self.accounts.end_round(late, starved, verdict);
        if verdict == ruling.verdict && verdict != Verdict::Transient {
            self.last = Some(ruling);
        }
        self.made += 1;
        ControlFlow::Continue(())
    }

    /// Prints the summaries, and the verdict that stands: whoever reads the log of the last minutes alone has
    /// not heard it.
    pub(super) fn sum_up(&mut self) {
        self.accounts.summary.print(self.lines.log);
        if let Some(ruling) = &self.last {
            verdicts::tell(ruling, self.standing.repeated(), self.lines.log);
        }
    }

    /// Keeps the flows of the series alive between rounds.
    pub(super) fn keep_alive(&mut self) {
        self.datagrams.keep_alive_if_due();
    }

    fn measure(&mut self, signals: &StopSignals) -> ControlFlow<(), Round> {
        let timeout = self.config.timeout;
        let aim =
            self.target.aim(&self.resolver, Deadline::after(timeout), &mut self.lines, &mut self.accounts);
        let mut round = Round::new(self.target.words(), aim);
        if round.aim.look_up() == LookUp::Answered {
            let deadline = Deadline::after(timeout / QUICK);
            round.is_any_nameserver_silent = !self.resolver.nameservers_reply(deadline);
        }
        for at in 0..self.services.len() {
            unless_stopped(signals)?;
            self.datagrams.keep_alive_if_due();
            self.probe(at, &mut round);
        }
        // Where something has failed already, the pass does all of the rest.
        let is_path_due = self.path.is_due(self.config);
        if !round.has_failed() {
            unless_stopped(signals)?;
            self.probe_replica(&mut round);
        }
        if is_path_due && !round.has_failed() {
            unless_stopped(signals)?;
            self.measure_path(&mut round);
        }
        ControlFlow::Continue(round)
    }

    /// Probes a protocol, and sends the series behind the probe of UDP.
    fn probe(&mut self, at: usize, round: &mut Round) {
        let Self { config, services, target, prober, lines, accounts, .. } = self;
        let service = &mut services[at];
        let result = service.probe(&round.aim, target.name(), *prober, config.timeout, lines, accounts);
        let (protocol, port) = (service.protocol, service.port);
        round.probes.push(Probe { protocol, port, first: result.err(), again: Tries::default() });
        if protocol == Protocol::Udp && config.udp_flows > 0 {
            // After a probe that failed a series is hardly worth a wait.
            let timeout = if result.is_err() { config.timeout / QUICK } else { config.timeout };
            self.send_series(timeout, round);
        }
    }

    fn send_series(&mut self, timeout: Duration, round: &mut Round) {
        let Self { config, datagrams, lines, accounts, .. } = self;
        let Some(address) = round.aim.first() else { return };
        let peer = SocketAddr::new(address, config.ports.udp);
        round.series = datagrams.series(peer, config.udp_flows, config.udp_spacing, timeout, lines, accounts);
    }

    fn probe_replica(&mut self, round: &mut Round) {
        let Self { config, resolver, replicas, prober, endpoint_streak, lines, accounts, .. } = self;
        replicas.refresh(resolver, Deadline::after(config.timeout));
        let Some(address) = replicas.next().filter(|_| config.protocols.http) else { return };
        let address = SocketAddr::new(address, config.ports.http);
        let deadline = Deadline::after(config.timeout);
        let outcome = prober.probe(Protocol::Http, address, deadline);
        round.replica_failed = turn::tell(&outcome, address, replicas, endpoint_streak, lines, accounts);
    }

    fn measure_path(&mut self, round: &mut Round) {
        let target = round.aim.first();
        let addresses = self.path.addresses(target, self.replicas.in_turn().as_slice());
        let start = Instant::now();
        round.path = path_mtu::measure(&addresses, self.config, Deadline::after(self.config.timeout));
        round.is_path_worse = round.path.as_ref().is_some_and(|measured| self.path.is_worse(measured));
        self.tell_path(round.path.as_ref(), start);
    }

    fn tell_path(&mut self, measured: Option<&Measured>, start: Instant) {
        if let Some(measured) = measured {
            self.path.tell(measured, start.elapsed(), &mut self.lines, &mut self.accounts);
        }
    }

    fn compare_with_history(&mut self, round: &mut Round) {
        let times = round.series.as_ref().and_then(|series| series.times);
        let Some(times) = times.filter(|_| !round.has_failed()) else { return };
        round.slowness = self.slowness(times);
        // What is told to be slow does not become the usual by staying.
        if !self.stands(Verdict::Slow) {
            self.history.add(times.median);
        }
    }

    fn stands(&self, verdict: Verdict) -> bool {
        self.last.as_ref().is_some_and(|ruling| ruling.verdict == verdict)
    }

    fn slowness(&self, times: Times) -> Option<Slowness> {
        let server = times.network.map(|network| times.median.saturating_sub(network));
        let usual = self.history.is_exceeded_by(times.median)?;
        Some(Slowness { now: times.median, server, usual })
    }

    /// What is known of the round, after a pass where one is called for. What a starved prober found out
    /// would be no evidence, and finding it out would take from it what it lacks.
    fn evidence(
        &mut self,
        round: &Round,
        starved: Option<Starved>,
        signals: &StopSignals,
    ) -> ControlFlow<(), Evidence> {
        let calls_for_pass = round.calls_for_pass() || self.standing.is_faulty() || self.config.is_check;
        if starved.is_some() || !calls_for_pass {
            return ControlFlow::Continue(Evidence { starved, ..round.evidence() });
        }
        unless_stopped(signals)?;
        let pass = Pass {
            config: self.config,
            resolver: &self.resolver,
            name: self.target.name().filter(|_| round.aim.look_up() != LookUp::NotAsked),
            prober: self.prober,
            path: &self.path,
            is_hole_standing: self.stands(Verdict::Mtu),
        };
        let start = Instant::now();
        let (evidence, times) = pass.diagnose(round, &mut self.replicas, &mut self.datagrams);
        let slowness = round.slowness.and(times).and_then(|times| self.slowness(times));
        self.lines.doubt.waited(start.elapsed(), self.config.timeout);
        let direct = evidence.direct.iter().map(|(_, burst)| burst);
        evidence.burst.iter().chain(direct).for_each(|burst| self.accounts.burst(burst));
        if evidence.path != round.path {
            self.tell_path(evidence.path.as_ref(), start);
        }
        let starved = evidence.starved.or_else(|| self.lines.doubt.starved());
        ControlFlow::Continue(Evidence { slowness, starved, ..evidence })
    }
}

/// Breaks off where a signal has arrived: a probe takes `TEST_TIMEOUT`, and nobody waits for a whole round.
fn unless_stopped(signals: &StopSignals) -> ControlFlow<()> {
    if signals.arrived() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
}
