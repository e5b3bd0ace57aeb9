//! Rounds: the steps of each one after another, and a verdict where something is wrong.

use std::net::SocketAddr;
use std::ops::ControlFlow;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime};

use super::baseline::Baseline;
use super::finding::Finding;
use super::incident::{Incidents, Moment};
use super::journal::Journal;
use super::journal::metrics::Metrics;
use super::pass::{Pass, forms};
use super::replicas::ReplicaList;
use super::replicas::turn;
use super::round::Round;
use super::starvation::Starvation;
use super::target::Target;
use super::target::path_mtu::{self, PathHistory};
use super::target::protocols::{self, Prober, Service};
use super::target::series::Datagrams;
use crate::client::settings;
use crate::dns::Resolver;
use crate::log::Log;
use crate::probe::Protocol;
use crate::probe::path::MeasuredPath;
use crate::probe::series::Series;
use crate::sys::signal::StopSignals;
use crate::time::Deadline;
use crate::verdict::{self, Evidence, LookUp, Starved, Verdict};
use crate::web;

/// The rounds of a client, and what is kept from one to the next.
pub(super) struct Rounds<'a> {
    /// How many were made, whole ones only.
    made: u64,
    config: &'a settings::Client,
    journal: Journal<'a>,
    resolver: Resolver,
    target: Target,
    prober: Prober,
    services: Vec<Service>,
    datagrams: Datagrams,
    replicas: ReplicaList,
    paths: PathHistory,
    baseline: Baseline,
    incidents: Incidents,
    starvation: Starvation,
}

/// The part of `TEST_TIMEOUT` for what is only a hint: a nameserver that answers at once or not at all, and a
/// series after a UDP probe that failed.
const QUICK: u32 = 4;

impl<'a> Rounds<'a> {
    pub(super) fn new(config: &'a settings::Client, log: &'a Log, metrics: &Arc<Mutex<Metrics>>) -> Self {
        Self {
            made: 0,
            config,
            journal: Journal::new(log, Arc::clone(metrics)),
            resolver: Resolver::default(),
            target: Target::new(&config.host),
            prober: Prober { own: config.client_port.map(|_| web::instance()) },
            services: protocols::all(config),
            datagrams: Datagrams::default(),
            replicas: ReplicaList::new(config.endpoints_host.clone(), &config.node_name),
            paths: PathHistory::default(),
            baseline: Baseline::default(),
            incidents: Incidents::default(),
            starvation: Starvation::default(),
        }
    }

    /// How many were made, whole ones only.
    pub(super) fn made(&self) -> u64 {
        self.made
    }

    /// Whether a round was made, and nothing has failed in any.
    pub(super) fn all_passed(&self) -> bool {
        self.made > 0 && !self.journal.is_any_failure()
    }

    /// Makes the round that was due at `due`. Breaks off before the next probe when a signal has arrived.
    pub(super) fn make_one(&mut self, due: Instant, signals: &StopSignals) -> ControlFlow<()> {
        let begin = Moment { wall: SystemTime::now(), monotonic: Instant::now() };
        let late = self.starvation.begin(due);
        let mut round = self.measure(signals)?;
        let starved = self.starvation.check();
        if starved.is_none() {
            self.compare_with_baseline(&mut round);
        }
        let evidence = self.evidence(&round, starved, signals)?;
        let ruling = verdict::judge(&evidence);
        let (verdict, change) = self.incidents.judge(&ruling, begin);
        self.journal.judged(&ruling, change);
        self.journal.end_round(late, evidence.starved, verdict);
        self.made += 1;
        ControlFlow::Continue(())
    }

    /// Logs the summaries.
    pub(super) fn summarise(&mut self) {
        self.journal.summarise();
    }

    /// Logs the verdict once more: a reader of the last minutes alone has not seen it.
    pub(super) fn repeat_verdict(&self) {
        if let Some((ruling, change)) = self.incidents.repeat() {
            self.journal.repeat(ruling, change);
        }
    }

    /// Keeps the flows of the series alive between rounds.
    pub(super) fn keep_alive(&mut self) {
        self.datagrams.keep_alive_if_due();
    }

    fn measure(&mut self, signals: &StopSignals) -> ControlFlow<(), Round> {
        let mut round = self.look_up();
        for service in self.services.clone() {
            unless_stopped(signals)?;
            self.datagrams.keep_alive_if_due();
            self.probe(service, &mut round);
        }
        // Where something has failed already, the pass does all of the rest.
        let is_path_due = self.paths.is_due(self.config);
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

    /// Marks a finding with why the prober was starved, and hands it to the journal. What was quick needs no
    /// look at the kernel's counters.
    fn publish(&mut self, finding: &Finding) {
        if finding.is_shortage() {
            self.starvation.is_short();
        }
        let is_checked = finding.is_questionable();
        let starved = if is_checked { self.starvation.check() } else { self.starvation.known() };
        self.journal.record(finding, starved);
    }

    fn look_up(&mut self) -> Round {
        let timeout = self.config.timeout;
        let (aim, finding) = self.target.aim(&self.resolver, Deadline::after(timeout));
        if let Some(finding) = finding {
            self.publish(&finding);
        }
        let mut round = Round::new(self.target.text(), aim);
        if round.aim.look_up() == LookUp::Answered {
            let deadline = Deadline::after(timeout / QUICK);
            round.is_any_nameserver_silent = !self.resolver.nameservers_reply(deadline);
        }
        round
    }

    /// Probes a protocol, and sends the series behind the probe of UDP.
    fn probe(&mut self, service: Service, round: &mut Round) {
        let timeout = self.config.timeout;
        let start = Instant::now();
        let finding = service.probe(&round.aim, self.prober, timeout);
        self.starvation.waited(start.elapsed(), timeout);
        self.publish(&finding);
        // After a probe that failed a series is hardly worth a wait.
        let for_series = if finding.symptom().is_some() { timeout / QUICK } else { timeout };
        round.add(finding);
        if service.protocol == Protocol::Udp && self.config.udp_flows > 0 {
            self.send_series(for_series, round);
        }
    }

    fn send_series(&mut self, timeout: Duration, round: &mut Round) {
        let Some(address) = round.aim.first() else { return };
        let settings::Client { ports, udp_flows, udp_spacing, .. } = self.config;
        let peer = SocketAddr::new(address, ports.udp);
        let finding = self.datagrams.series(peer, *udp_flows, *udp_spacing, timeout);
        self.publish(&finding);
        round.add(finding);
    }

    fn probe_replica(&mut self, round: &mut Round) {
        let Self { config, resolver, replicas, prober, .. } = self;
        replicas.refresh(resolver, Deadline::after(config.timeout));
        let Some(address) = replicas.next().filter(|_| config.protocols.http) else { return };
        let address = SocketAddr::new(address, config.ports.http);
        let outcome = prober.probe(Protocol::Http, address, Deadline::after(config.timeout));
        let finding = turn::learn(outcome, address, replicas);
        self.publish(&finding);
        round.add(finding);
    }

    fn measure_path(&mut self, round: &mut Round) {
        let addresses = self.paths.addresses(round.aim.first(), self.replicas.in_turn().as_slice());
        let start = Instant::now();
        let measured = path_mtu::measure(&addresses, self.config, Deadline::after(self.config.timeout));
        if let Some(measured) = measured {
            round.is_path_worse = self.paths.is_worse(&measured);
            let finding = self.learn_path(measured, start.elapsed());
            round.add(finding);
        }
    }

    fn learn_path(&mut self, path: MeasuredPath, took: Duration) -> Finding {
        self.paths.remember(&path);
        let finding = Finding::Path { path, took };
        self.publish(&finding);
        finding
    }

    fn compare_with_baseline(&mut self, round: &mut Round) {
        let times = round.series.as_ref().and_then(Series::times);
        let Some(times) = times.filter(|_| !round.has_failed()) else { return };
        round.slowness = self.baseline.slowness(&times);
        // What is reported as slow does not become the usual by lasting.
        if !self.incidents.is_last(Verdict::Slow) {
            self.baseline.add(times.median);
        }
    }

    /// The evidence of the round, after a diagnosing pass where one is called for. What a starved prober
    /// finds is no evidence, and a pass would starve it further.
    fn evidence(
        &mut self,
        round: &Round,
        starved: Option<Starved>,
        signals: &StopSignals,
    ) -> ControlFlow<(), Evidence> {
        let calls_for_pass = round.calls_for_pass() || self.incidents.is_open() || self.config.is_check;
        if starved.is_some() || !calls_for_pass {
            let threshold = self.config.loss_threshold.basis_points();
            return ControlFlow::Continue(Evidence { starved, ..forms::of_round(round, threshold) });
        }
        unless_stopped(signals)?;
        let pass = Pass {
            config: self.config,
            resolver: &self.resolver,
            name: self.target.name().filter(|_| round.aim.look_up() != LookUp::NotAsked),
            prober: self.prober,
            paths: &self.paths,
            baseline: &self.baseline,
            is_black_hole_known: self.incidents.is_last(Verdict::Mtu),
        };
        let start = Instant::now();
        let evidence = pass.diagnose(round, &mut self.replicas, &mut self.datagrams);
        self.starvation.waited(start.elapsed(), self.config.timeout);
        self.publish_pass(round, &evidence, start);
        let starved = evidence.starved.or_else(|| self.starvation.check());
        ControlFlow::Continue(Evidence { starved, ..evidence })
    }

    /// Publishes the bursts of a pass that began at `start`, and the path MTU where it was measured again.
    fn publish_pass(&mut self, round: &Round, evidence: &Evidence, start: Instant) {
        for burst in evidence.all_bursts() {
            self.publish(&Finding::Burst(*burst));
        }
        if let Some(measured) = evidence.path.clone().filter(|_| evidence.path != round.path) {
            self.learn_path(measured, start.elapsed());
        }
    }
}

/// Breaks off where a signal has arrived: a probe takes `TEST_TIMEOUT`, and a stop must not wait for a whole
/// round.
fn unless_stopped(signals: &StopSignals) -> ControlFlow<()> {
    if signals.arrived() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
}
