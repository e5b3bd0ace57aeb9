//! The table of verdicts: rules as data, tried in order, each with the evidence that it needs. Pure.

use super::Verdict;
use super::evidence::{Evidence, Listing, Probe, Reach, is_reached};
use super::fact::Fact;
use super::words;
use crate::dns::{Answer, Surveyed};
use crate::probe::series::Burst as NewPorts;

/// When a verdict holds.
pub(super) struct Rule {
    pub(super) verdict: Verdict,
    /// Without all of these the rule cannot hold.
    needs: &'static [Fact],
    /// These are printed, where they are known.
    pub(super) reads: &'static [Fact],
    holds: fn(&Evidence) -> bool,
    pub(super) detail: fn(&Evidence) -> String,
}

/// The first rule that holds.
pub(super) fn first(evidence: &Evidence) -> &'static Rule {
    let holds =
        |rule: &&Rule| rule.needs.iter().all(|fact| fact.is_known(evidence)) && (rule.holds)(evidence);
    RULES.iter().find(holds).unwrap_or(&HEALTHY)
}

use Fact::{Burst, Direct, Flows, Latency, LookUp, Nameservers, Path, Prober, Probes, Replicas};

/// The prober is doubted before the network, and what fails at random, or by source port, before what fails
/// always: single probes that meet such a fault look like a dead replica or a blocked port.
static RULES: [Rule; 17] = [
    Rule {
        verdict: Verdict::Prober,
        needs: &[Prober],
        reads: &[Prober, Probes, LookUp],
        holds: |_| true,
        detail: words::prober,
    },
    Rule {
        verdict: Verdict::Local,
        needs: &[Nameservers],
        reads: &[Probes, Replicas, Nameservers],
        holds: nothing_answers,
        detail: words::local,
    },
    Rule {
        verdict: Verdict::DnsRecord,
        needs: &[LookUp, Nameservers],
        reads: &[LookUp, Nameservers, Probes],
        holds: name_is_missing,
        detail: words::dns_record,
    },
    Rule {
        verdict: Verdict::NoReplica,
        needs: &[Probes, Replicas],
        reads: &[Probes, Replicas, LookUp],
        holds: |evidence| evidence.replicas.listing == Listing::Empty && evidence.target_is_down(),
        detail: words::no_replica,
    },
    Rule {
        verdict: Verdict::Flow,
        needs: &[Burst],
        reads: &[Burst, Direct, Probes],
        holds: fails_by_source_port,
        detail: words::flow,
    },
    Rule {
        verdict: Verdict::Loss,
        needs: &[Burst],
        reads: &[Burst, Probes, Replicas],
        holds: loses_at_random,
        detail: words::loss,
    },
    Rule {
        verdict: Verdict::Replica,
        needs: &[Replicas],
        reads: &[Replicas, Probes, LookUp],
        holds: |evidence| (1..evidence.replicas.all.len()).contains(&evidence.up()),
        detail: words::replica,
    },
    Rule {
        verdict: Verdict::Service,
        needs: &[Probes, Replicas],
        reads: &[Probes, Replicas, Burst, LookUp],
        holds: |evidence| evidence.all_are_up() && target_fails(evidence),
        detail: words::service,
    },
    Rule {
        verdict: Verdict::PodNetwork,
        needs: &[Probes, Replicas],
        reads: &[Probes, Replicas, LookUp, Nameservers],
        holds: no_replica_is_reached,
        detail: words::pod_network,
    },
    Rule {
        verdict: Verdict::Port,
        needs: &[Probes],
        reads: &[Probes, Replicas, LookUp],
        holds: one_port_is_blocked,
        detail: words::port,
    },
    Rule {
        verdict: Verdict::Server,
        needs: &[Probes],
        reads: &[Probes, Replicas, LookUp],
        holds: server_answers_wrongly,
        detail: words::server,
    },
    Rule {
        verdict: Verdict::DnsServer,
        needs: &[LookUp, Nameservers],
        reads: &[LookUp, Nameservers, Probes, Replicas],
        holds: a_nameserver_is_silent,
        detail: words::dns_server,
    },
    Rule {
        verdict: Verdict::Mtu,
        needs: &[Path],
        reads: &[Path, Probes],
        holds: |evidence| evidence.probes.iter().all(|probe| !probe.fails()),
        detail: words::mtu,
    },
    Rule {
        verdict: Verdict::Conntrack,
        needs: &[Flows, Burst],
        reads: &[Flows, Burst, Probes],
        holds: only_old_flows_fail,
        detail: words::conntrack,
    },
    Rule {
        verdict: Verdict::Transient,
        needs: &[],
        reads: &[Probes, Replicas, LookUp],
        holds: |evidence| something_failed(evidence) && !something_fails(evidence),
        detail: words::transient,
    },
    Rule {
        verdict: Verdict::Unknown,
        needs: &[],
        reads: &[Probes, Replicas, LookUp, Nameservers, Flows, Burst, Direct, Path],
        holds: something_fails,
        detail: words::unknown,
    },
    Rule {
        verdict: Verdict::Slow,
        needs: &[Latency],
        reads: &[Latency, Probes],
        holds: |_| true,
        detail: words::slow,
    },
];

static HEALTHY: Rule = Rule {
    verdict: Verdict::Healthy,
    needs: &[],
    reads: &[Probes, Replicas, LookUp],
    holds: |_| true,
    detail: |_| String::new(),
};

/// The verdicts that the rules give, in their order.
#[cfg(test)]
pub(super) fn verdicts() -> impl Iterator<Item = Verdict> {
    RULES.iter().chain([&HEALTHY]).map(|rule| rule.verdict)
}

/// The least source ports that are to lose everything before that is called a rule: fewer are bad luck.
const FEWEST_PORTS: usize = 2;

/// Nobody is reached, and no nameserver answers. Where no address was to be had, silence alone may be that of
/// the nameservers: then it takes an error that says that there is no way.
fn nothing_answers(evidence: &Evidence) -> bool {
    let has_address = !evidence.probes.is_empty() || !evidence.replicas.all.is_empty();
    let none_reached =
        !is_reached(&evidence.target_protocols()) && !evidence.subjects().iter().any(is_reached);
    let no_way = evidence.nameservers.iter().all(|server| server.record == Some(Answer::Unreachable));
    none_reached && !evidence.dns_answers() && (has_address || no_way)
}

fn name_is_missing(evidence: &Evidence) -> bool {
    // Also where the server answers other questions, and that one not at all: it has to ask somebody else.
    let says_so = |server: &Surveyed| {
        matches!(server.record, Some(Answer::Absent | Answer::Failed))
            || (server.record == Some(Answer::Silent) && server.udp_answered > 0)
    };
    evidence.look_up.is_some_and(|result| result.is_err()) && evidence.nameservers.iter().any(says_so)
}

/// Some new source ports lose everything and the others nothing, on the way to each replica as well: else it
/// would be one replica of several behind the target, or its rule of one.
fn fails_by_source_port(evidence: &Evidence) -> bool {
    let is_partial = |burst: &NewPorts| {
        (FEWEST_PORTS..burst.ports).contains(&burst.dead_ports) && burst.lossy_ports < burst.dead_ports
    };
    let answering: Vec<_> =
        evidence.direct.iter().filter(|(_, burst)| burst.dead_ports < burst.ports).collect();
    evidence.burst.is_some_and(|burst| is_partial(&burst))
        && (evidence.direct.is_empty() || !answering.is_empty())
        && answering.iter().all(|(_, burst)| is_partial(burst))
}

/// Many lose some and few lose all.
fn loses_at_random(evidence: &Evidence) -> bool {
    evidence.is_lossy && evidence.burst.is_some_and(|burst| burst.lossy_ports > burst.dead_ports)
}

fn target_fails(evidence: &Evidence) -> bool {
    let loses_ports = evidence.burst.is_some_and(|burst| burst.dead_ports >= FEWEST_PORTS);
    loses_ports || evidence.probes.iter().any(Probe::fails)
}

fn no_replica_is_reached(evidence: &Evidence) -> bool {
    let target_is_unreached = evidence.target_is_down() && !is_reached(&evidence.target_protocols());
    let replicas = &evidence.replicas.all;
    target_is_unreached && !replicas.is_empty() && !replicas.iter().any(|replica| is_reached(&replica.probes))
}

/// Some protocols fail wherever they are tried, in a way that a rule between could cause, and others pass.
fn one_port_is_blocked(evidence: &Evidence) -> bool {
    let down = evidence.down_everywhere();
    let blocked = |probe: &&Probe| probe.again.reach(probe.protocol) != Some(Reach::Wrong);
    let passes = |probe: &Probe| !probe.fails();
    !down.is_empty() && down.iter().all(blocked) && evidence.probes.iter().any(passes)
}

/// Some protocols fail wherever they are tried, on addresses that are reached.
fn server_answers_wrongly(evidence: &Evidence) -> bool {
    !evidence.down_everywhere().is_empty() && evidence.subjects().iter().all(is_reached)
}

/// A nameserver leaves source ports unanswered, while something else answers.
fn a_nameserver_is_silent(evidence: &Evidence) -> bool {
    let is_silent = |server: &Surveyed| server.udp_asked - server.udp_answered >= FEWEST_PORTS;
    let something_answers = evidence.dns_answers()
        || evidence.up() > 0
        || evidence.probes.iter().any(|probe| probe.again.failed < probe.again.made || probe.first.is_none());
    evidence.nameservers.iter().any(is_silent) && something_answers
}

fn only_old_flows_fail(evidence: &Evidence) -> bool {
    let new_ones_pass = evidence.burst.is_some_and(|burst| burst.dead_ports == 0) && !evidence.is_lossy;
    new_ones_pass && evidence.flows.is_some_and(|flows| flows.dead > 0)
}

/// Something failed in the round.
fn something_failed(evidence: &Evidence) -> bool {
    evidence.probes.iter().any(|probe| probe.first.is_some())
        || evidence.look_up.is_some_and(|result| result.is_err())
        || evidence.replica_failed
}

/// Something failed when it was tried again.
fn something_fails(evidence: &Evidence) -> bool {
    let record_is_found = evidence.nameservers.iter().any(|server| server.record == Some(Answer::Found));
    evidence.probes.iter().any(Probe::fails)
        || evidence.up() < evidence.replicas.all.len()
        || (evidence.look_up.is_some_and(|result| result.is_err()) && !record_is_found)
        || evidence.flows.is_some_and(|flows| flows.dead > 0)
        || evidence.is_lossy
        || evidence.black_hole().is_some()
}
