//! The table of verdicts: rules as data, tried in order, each with the evidence that it needs. Pure.

use super::Verdict;
use super::conditions;
use super::evidence::{Evidence, Listing};
use super::fact::Fact;
use super::words;

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

use Fact::{Burst, Direct, Flows, Latency, LookUp, Nameservers, Path, Prober, Probes, Replicas, Series};

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
        verdict: Verdict::Conntrack,
        needs: &[Series, Burst],
        reads: &[Series, Flows, Burst, Probes, Replicas],
        holds: |evidence| {
            conditions::only_old_flows_fail(evidence) || conditions::only_new_flows_fail(evidence)
        },
        detail: words::conntrack,
    },
    Rule {
        verdict: Verdict::Local,
        needs: &[Nameservers],
        reads: &[Probes, Replicas, Nameservers],
        holds: conditions::nothing_answers,
        detail: words::local,
    },
    Rule {
        verdict: Verdict::DnsRecord,
        needs: &[LookUp, Nameservers],
        reads: &[LookUp, Nameservers, Probes],
        holds: conditions::name_is_missing,
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
        needs: &[Burst, Direct],
        reads: &[Burst, Direct, Probes],
        holds: conditions::fails_by_source_port,
        detail: words::flow,
    },
    Rule {
        verdict: Verdict::Loss,
        needs: &[Burst],
        reads: &[Burst, Probes, Replicas],
        holds: conditions::loses_at_random,
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
        holds: |evidence| evidence.all_are_up() && conditions::target_fails(evidence),
        detail: words::service,
    },
    Rule {
        verdict: Verdict::PodNetwork,
        needs: &[Probes, Replicas],
        reads: &[Probes, Replicas, LookUp, Nameservers],
        holds: conditions::no_replica_is_reached,
        detail: words::pod_network,
    },
    Rule {
        verdict: Verdict::Port,
        needs: &[Probes],
        reads: &[Probes, Replicas, LookUp],
        holds: conditions::one_port_is_blocked,
        detail: words::port,
    },
    Rule {
        verdict: Verdict::Server,
        needs: &[Probes],
        reads: &[Probes, Replicas, LookUp],
        holds: conditions::server_answers_wrongly,
        detail: words::server,
    },
    Rule {
        verdict: Verdict::DnsServer,
        needs: &[LookUp, Nameservers],
        reads: &[LookUp, Nameservers, Probes, Replicas],
        holds: conditions::a_nameserver_is_silent,
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
        verdict: Verdict::Transient,
        needs: &[],
        reads: &[Probes, Replicas, LookUp],
        holds: |evidence| conditions::something_failed(evidence) && !conditions::something_fails(evidence),
        detail: words::transient,
    },
    Rule {
        verdict: Verdict::Unknown,
        needs: &[],
        reads: &[Probes, Replicas, LookUp, Nameservers, Flows, Burst, Direct, Path],
        holds: conditions::something_fails,
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
    reads: &[Probes, Replicas, LookUp, Nameservers],
    holds: |_| true,
    detail: |_| String::new(),
};

/// The verdicts that the rules give, in their order.
#[cfg(test)]
pub(super) fn verdicts() -> impl Iterator<Item = Verdict> {
    RULES.iter().chain([&HEALTHY]).map(|rule| rule.verdict)
}
