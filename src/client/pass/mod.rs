//! The diagnosing pass: within one more `TEST_TIMEOUT` it tries again what failed, and everything beside it.

pub(in crate::client) mod forms;
mod jobs;

use std::net::IpAddr;

use crate::client::baseline::Baseline;
use crate::client::replicas::ReplicaList;
use crate::client::round::Round;
use crate::client::settings;
use crate::client::target::path_mtu::{self, PathHistory};
use crate::client::target::protocols::Prober;
use crate::client::target::series::Datagrams;
use crate::dns::{Resolver, Surveyed};
use crate::parallel;
use crate::probe::series::Burst;
use crate::time::Deadline;
use crate::verdict::{Evidence, Examination, ReplicaExamination, Starved};
use jobs::Plan;

/// The share of the pass that is kept for looking up the list of replicas again.
const LAST_SHARE: u32 = 10;

/// What a pass depends on, beside the round that calls for it.
pub(in crate::client) struct Pass<'a> {
    pub(in crate::client) config: &'a settings::Client,
    pub(in crate::client) resolver: &'a Resolver,
    /// The target's name, where the nameservers should have it.
    pub(in crate::client) name: Option<&'a str>,
    pub(in crate::client) prober: Prober,
    pub(in crate::client) paths: &'a PathHistory,
    pub(in crate::client) baseline: &'a Baseline,
    /// Whether the current verdict is that large packets vanish.
    pub(in crate::client) is_black_hole_known: bool,
}

impl Pass<'_> {
    /// Fills in the evidence of `round`.
    pub(in crate::client) fn diagnose(
        &self,
        round: &Round,
        replicas: &mut ReplicaList,
        datagrams: &mut Datagrams,
    ) -> Evidence {
        let deadline = Deadline::after(self.config.timeout);
        let mut evidence = forms::of_round(round, self.config.loss_threshold.basis_points());
        let mut is_short =
            self.query_nameservers(round, replicas, &mut evidence.nameservers, deadline.share(3));
        forms::add_blank(&mut evidence, round, &replicas.addresses());
        let until = deadline.earlier(self.config.timeout / LAST_SHARE);
        is_short |= self.examine(round, &mut evidence, datagrams, until);
        let is_late = evidence.all_bursts().any(is_cut);
        evidence.starved = if is_short { Some(Starved::Local) } else { is_late.then_some(Starved::Late) };
        note_answers(&mut evidence, replicas);
        self.excuse(round, &mut evidence, replicas, deadline);
        evidence
    }

    /// Queries the nameservers, each by itself, and meanwhile looks up the list of replicas. Where no name
    /// has to be looked up, and nothing fails that might be this node's own fault, they do not matter.
    /// Whether this host had too few threads or sockets for it.
    fn query_nameservers(
        &self,
        round: &Round,
        replicas: &mut ReplicaList,
        nameservers: &mut Vec<Surveyed>,
        deadline: Deadline,
    ) -> bool {
        if self.name.is_none() && !round.has_failed() {
            replicas.refresh(self.resolver, deadline);
            return false;
        }
        let not_run = parallel::run(vec![
            Box::new(|| replicas.refresh(self.resolver, deadline)),
            Box::new(|| *nameservers = self.resolver.survey(self.name, deadline)),
        ]);
        not_run > 0 || nameservers.iter().any(Surveyed::lacks_resources)
    }

    /// Has all that is to be measured measured at the same time. Whether this host had too few threads or
    /// sockets for it.
    fn examine(
        &self,
        round: &Round,
        evidence: &mut Evidence,
        datagrams: &mut Datagrams,
        deadline: Deadline,
    ) -> bool {
        let large = self.addresses_for_large_packets(evidence);
        let measure_path = |deadline| path_mtu::measure(&large, self.config, deadline);
        let sends_bursts = self.config.protocols.udp && self.config.udp_flows > 0;
        let plan = Plan {
            prober: self.prober,
            burst_port: sends_bursts.then_some(self.config.ports.udp),
            repeats_series: round.slowness.is_some(),
            path: if self.wants_path(round) { Some(&measure_path) } else { None },
            deadline,
        };
        let mut times = None;
        let is_short = jobs::fill_in(evidence, &mut times, datagrams.flows(), &plan);
        evidence.slowness = times.and_then(|times| self.baseline.slowness(&times));
        is_short
    }

    fn addresses_for_large_packets(&self, evidence: &Evidence) -> Vec<IpAddr> {
        let target = evidence.target.as_ref().map(|target| target.address);
        let replicas: Vec<IpAddr> =
            evidence.replicas.all.iter().map(|replica| replica.direct.address).collect();
        self.paths.addresses(target, &replicas)
    }

    /// Where even small packets fail, large ones show nothing. Where the round found that they pass, that is
    /// not all while they are known to vanish somewhere.
    fn wants_path(&self, round: &Round) -> bool {
        let is_settled = match &round.path {
            None => false,
            Some(path) => path.is_black_hole() || !self.is_black_hole_known,
        };
        path_mtu::is_measurable(self.config) && !is_settled && !round.all_have_failed()
    }

    /// Sets those replicas apart that fail and are excused: they drain or start, or have left the list
    /// meanwhile.
    fn excuse(&self, round: &Round, evidence: &mut Evidence, replicas: &mut ReplicaList, deadline: Deadline) {
        if evidence.replicas.all.iter().any(ReplicaExamination::fails) {
            replicas.refresh(self.resolver, deadline);
        }
        let is_missed = self.config.is_check || target_suffers(evidence);
        let is_excused = |replica: &mut ReplicaExamination| {
            replica.fails() && replicas.excuse(replica.direct.address, is_missed).is_some()
        };
        let found = &mut evidence.replicas;
        found.listing = replicas.listing();
        found.excused = found.all.extract_if(.., is_excused).collect();
        let excused = |failed| found.excused.iter().any(|replica| replica.direct.address == failed);
        evidence.replica_failed = round.failed_replica.is_some_and(|failed| !excused(failed));
    }
}

/// What could not be sent in time was held back by a late prober, and the rest is no measurement.
fn is_cut(burst: &Burst) -> bool {
    burst.counts.sent > 0 && burst.counts.unsent > 0
}

/// Notes in the list which replicas answer and which fail, and takes from it which are on this node.
fn note_answers(evidence: &mut Evidence, replicas: &mut ReplicaList) {
    let direct = evidence.replicas.all.iter().map(|replica| &replica.direct);
    for Examination { address, probes, .. } in evidence.target.iter().chain(direct) {
        for answerer in probes.iter().filter_map(|probe| probe.answerer.as_ref()) {
            replicas.answered(*address, Some(answerer));
        }
    }
    for replica in &mut evidence.replicas.all {
        let address = replica.direct.address;
        replica.is_on_this_node = replicas.is_on_this_node(address);
        if replica.answers() {
            replicas.answered(address, None);
        } else if replica.fails() {
            replicas.failed(address);
        }
    }
}

/// Whether the target itself has failed, for old flows or new ones.
fn target_suffers(evidence: &Evidence) -> bool {
    let has_failed = |target: &Examination| {
        let is_any_port_dead = target.burst.is_some_and(|burst| burst.dead_ports > 0);
        is_any_port_dead || target.probes.iter().any(|probe| probe.trial.first_failure().is_some())
    };
    evidence.target.as_ref().is_some_and(has_failed) || evidence.flows.is_some_and(|flows| flows.dead > 0)
}
