//! The diagnosing pass: what a verdict needs is found out within one more `TEST_TIMEOUT`, and handed to the
//! rules as plain data.

pub(in crate::client) mod retries;

use std::net::{IpAddr, SocketAddr};

use crate::client::pass::retries::{Plan, Results, Subject, carry_out, telling};
use crate::client::replicas::Replicas;
use crate::client::round::Round;
use crate::client::settings;
use crate::client::target::path_mtu::{self, Path};
use crate::client::target::protocols::Prober;
use crate::client::target::series::Datagrams;
use crate::dns::{Resolver, Surveyed};
use crate::parallel;
use crate::probe::path::{Finding, PathReport};
use crate::probe::series::{Burst, Times};
use crate::time::Deadline;
use crate::verdict::{Evidence, Listing, Probe, Replica, Replicas as Listed, Starved};

/// The burst to the target: 256 datagrams, four from each of 64 new source ports. With every twentieth lost,
/// one port in a hundred thousand loses all four.
const BURST: (usize, usize) = (64, 4);

/// The burst to a replica, which tells a fault of some source ports from one of the target.
const DIRECT_BURST: (usize, usize) = (64, 2);

/// How many replicas get a burst: their datagrams are under way at the same time.
const DIRECT_BURSTS: usize = 2;

/// The share of the pass that is kept for asking for the list of replicas again.
const LAST_SHARE: u32 = 10;

/// Who diagnoses.
pub(in crate::client) struct Pass<'a> {
    pub(in crate::client) config: &'a settings::Client,
    pub(in crate::client) resolver: &'a Resolver,
    /// The target's name, where nameservers are to know it.
    pub(in crate::client) name: Option<&'a str>,
    pub(in crate::client) prober: Prober,
    pub(in crate::client) path: &'a Path,
    /// Whether the verdict that stands is that large packets vanish.
    pub(in crate::client) is_hole_standing: bool,
}

impl Pass<'_> {
    /// Tries what failed again, and everything beside it; the latencies of another series, where the round's
    /// were out of the history.
    pub(in crate::client) fn diagnose(
        &self,
        round: &Round,
        replicas: &mut Replicas,
        datagrams: &mut Datagrams,
    ) -> (Evidence, Option<Times>) {
        let deadline = Deadline::after(self.config.timeout);
        let nameservers = self.ask_for_names(round, replicas, deadline.share(3));
        let mut learned = nameservers.iter().flat_map(|server| &server.addresses);
        let target = round.aim.first().or(learned.next().copied());
        let listed = replicas.addresses();
        let large = self.path.addresses(target, &listed);
        let measure = |deadline| path_mtu::measure(&large, self.config, deadline);
        let plan = Plan {
            subjects: subjects(round, target, &listed),
            bursts: self.bursts(target, &listed),
            path: self.wants_path(round).then_some(&measure),
            times: round.slowness.is_some(),
        };
        let until = deadline.earlier(self.config.timeout / LAST_SHARE);
        let results = carry_out(&plan, datagrams.flows(), self.prober, until);
        for (address, answerer) in &results.answerers {
            replicas.answered(*address, Some(answerer));
        }
        let times = results.times;
        let mut evidence = self.evidence(round, target, &listed, results);
        evidence.nameservers = nameservers;
        self.judge_replicas(replicas, &mut evidence, deadline);
        (evidence, times)
    }

    /// Asks the nameservers, each for itself, and meanwhile for the list of replicas. Where no name has to be
    /// looked up, and nothing fails that might be this node's own fault, they are nobody's business.
    fn ask_for_names(&self, round: &Round, replicas: &mut Replicas, deadline: Deadline) -> Vec<Surveyed> {
        if self.name.is_none() && !round.has_failed() {
            replicas.refresh(self.resolver, deadline);
            return vec![];
        }
        let mut surveyed = Vec::new();
        parallel::run(vec![
            Box::new(|| replicas.refresh(self.resolver, deadline)),
            Box::new(|| surveyed = self.resolver.survey(self.name, deadline)),
        ]);
        surveyed
    }

    fn bursts(&self, target: Option<IpAddr>, listed: &[IpAddr]) -> Vec<(SocketAddr, usize, usize)> {
        if !self.config.protocols.udp || self.config.udp_flows == 0 {
            return vec![];
        }
        let to =
            |address: IpAddr, (ports, each)| (SocketAddr::new(address, self.config.ports.udp), ports, each);
        let direct = listed.iter().take(DIRECT_BURSTS).map(|replica| to(*replica, DIRECT_BURST));
        target.map(|target| to(target, BURST)).into_iter().chain(direct).collect()
    }

    /// Where even small packets fail, large ones have nothing to tell. What the round found whole is not all
    /// there is while large packets are said to vanish somewhere.
    fn wants_path(&self, round: &Round) -> bool {
        let is_settled = match &round.path {
            None => false,
            Some((_, PathReport { finding: Finding::BlackHole(_), .. })) => true,
            Some(_) => !self.is_hole_standing,
        };
        path_mtu::is_measurable(self.config) && !is_settled && !round.all_have_failed()
    }

    fn evidence(
        &self,
        round: &Round,
        target: Option<IpAddr>,
        listed: &[IpAddr],
        results: Results,
    ) -> Evidence {
        let mut tries = results.tries.into_iter();
        let probes = round.probes.iter().map(|probe| match probe.first {
            Some(first) => {
                let mut again = tries.next().unwrap_or_default();
                again.symptom = again.symptom.map(|symptom| telling(Some(first), symptom));
                Probe { again, ..probe.clone() }
            }
            None => probe.clone(),
        });
        let probes: Vec<Probe> = if target.is_some() { probes.collect() } else { vec![] };
        let replicas = listed.iter().map(|address| Replica {
            address: *address,
            is_on_this_node: false,
            probes: round.probes.iter().map(|probe| probe.protocol).zip(tries.by_ref()).collect(),
        });
        let replicas = Listed { listing: Listing::NotKnown, all: replicas.collect() };
        let mut bursts = results.bursts.into_iter();
        let burst = target.and_then(|_| bursts.next());
        let direct: Vec<(IpAddr, Burst)> = listed.iter().copied().zip(bursts).collect();
        // What could not be sent in time was kept back by a late prober, and the rest is no measure.
        let is_cut = |burst: &Burst| burst.counts.sent > 0 && burst.counts.unsent > 0;
        let is_late = burst.iter().chain(direct.iter().map(|(_, burst)| burst)).any(is_cut);
        let is_lossy = |burst: &Burst| {
            let by_chance = burst.counts.lost.total().saturating_sub(burst.refused);
            self.config.loss_threshold.is_exceeded_by(by_chance, burst.counts.sent)
        };
        Evidence {
            probes,
            replicas,
            is_lossy: burst.as_ref().is_some_and(is_lossy),
            is_directly_lossy: direct.iter().any(|(_, burst)| is_lossy(burst) && burst.counts.answered > 0),
            burst,
            direct,
            flows: results.flows,
            path: results.path.or(round.path.clone()),
            starved: match (results.is_short, is_late) {
                (true, _) => Some(Starved::Local),
                (false, true) => Some(Starved::Late),
                (false, false) => None,
            },
            ..round.evidence()
        }
    }

    /// Adds what is known of the replicas to the evidence, and takes those out of it that are going, or gone
    /// from the list meanwhile, or not there yet.
    fn judge_replicas(&self, replicas: &mut Replicas, evidence: &mut Evidence, deadline: Deadline) {
        for replica in &mut evidence.replicas.all {
            replica.is_on_this_node = replicas.is_on_this_node(replica.address);
            if replica.answers() {
                replicas.answered(replica.address, None);
            } else {
                replicas.failed(replica.address);
            }
        }
        if evidence.replicas.all.iter().any(|replica| !replica.answers()) {
            replicas.refresh(self.resolver, deadline);
        }
        evidence.replicas.listing = replicas.listing();
        let is_missed = self.config.is_check || suffers(evidence);
        let counts = evidence.replicas.all.len();
        let is_fault = |address| replicas.excuse(address, is_missed).is_none();
        evidence.replicas.all.retain(|replica| replica.answers() || is_fault(replica.address));
        evidence.replica_failed &= evidence.replicas.all.len() == counts;
    }
}

/// Whether the target itself has failed, for old flows or new ones.
fn suffers(evidence: &Evidence) -> bool {
    evidence.probes.iter().any(|probe| probe.first.is_some())
        || evidence.burst.is_some_and(|burst| burst.dead_ports > 0)
        || evidence.flows.is_some_and(|flows| flows.dead > 0)
}

/// The target's protocols that failed, and then each replica's.
fn subjects(round: &Round, target: Option<IpAddr>, listed: &[IpAddr]) -> Vec<Subject> {
    let at = |address, probe: &Probe| (probe.protocol, SocketAddr::new(address, probe.port));
    let mut subjects = Vec::new();
    if let Some(target) = target {
        let failed = round.probes.iter().filter(|probe| probe.first.is_some());
        subjects.extend(failed.map(|probe| at(target, probe)));
    }
    for replica in listed {
        subjects.extend(round.probes.iter().map(|probe| at(*replica, probe)));
    }
    subjects
}
