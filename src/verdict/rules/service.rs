//! The Service: its address fails while the replicas behind it answer, or there are none. Pure.

use crate::probe::series::Burst;
use crate::verdict::conditions::{FEWEST_PORTS, is_random};
use crate::verdict::evidence::{Evidence, Listing};
use crate::verdict::fact::Fact;
use crate::verdict::phrases::failing;
use crate::verdict::rule::{Advice, Call, Calls, Rule, Subject, Team};

pub(super) static NO_REPLICA: Rule = Rule {
    name: "no_replica",
    meaning: "no server runs behind the Service",
    needs: "Every protocol of the Service fails, and the headless name has no address (endpoint:0/0).",
    requires: &[Fact::Probes, Fact::Replicas],
    shows: &[Fact::Probes, Fact::Replicas, Fact::LookUp],
    holds: |evidence| evidence.replicas.listing == Listing::Empty && evidence.target_is_down(),
    detail: |evidence| format!("{}, and no replica is listed: nothing runs", failing(evidence)),
    subject: |_| Subject::Implied,
    advice: Advice {
        next: "kubectl get pods,events -n smoker",
        calls: Some(Calls::always(
            Team::ServerOwner,
            "no replica is ready (kubectl get pods,endpoints -n smoker)",
        )),
    },
};

pub(super) static SERVICE: Rule = Rule {
    name: "service",
    meaning: "the Service's address fails, every replica replies directly",
    needs: "A protocol fails again (one silent try of four is not enough), or new source ports lose what \
            replicas do not, and every replica answers (endpoint:2/2).",
    requires: &[Fact::Probes, Fact::Replicas],
    shows: &[Fact::Probes, Fact::Replicas, Fact::Burst, Fact::LookUp],
    holds: |evidence| evidence.all_are_up() && target_fails(evidence),
    detail: |evidence| {
        let up = evidence.up();
        format!("{}, {up} of {up} replicas answer directly", what_fails(evidence))
    },
    subject: |_| Subject::Implied,
    advice: Advice {
        next: "kubectl get service,endpoints -n smoker, and on the node the rules that kube-proxy has \
               written (iptables-save, ipvsadm -L or nft list ruleset).",
        calls: Some(Calls {
            some_nodes: Call {
                team: Team::Node,
                look_at: "the Service rules of these nodes (kube-proxy, or what stands in for it)",
            },
            all_nodes: Call {
                team: Team::Network,
                look_at: "the Service itself (ports, selector), then kube-proxy everywhere",
            },
        }),
    },
};

/// A protocol fails again; or new source ports lose all, or what replicas do not lose.
fn target_fails(evidence: &Evidence) -> bool {
    let is_clean_directly = !evidence.is_directly_lossy() && evidence.direct().next().is_some();
    let loses_alone = |burst: Burst| evidence.is_lossy() && is_clean_directly && is_random(&burst);
    let loses = |burst: Burst| burst.dead_ports >= FEWEST_PORTS || loses_alone(burst);
    evidence.burst().is_some_and(loses) || a_protocol_fails(evidence)
}

fn a_protocol_fails(evidence: &Evidence) -> bool {
    evidence.probes().iter().any(|probe| probe.trial.fails())
}

fn what_fails(evidence: &Evidence) -> String {
    let target = evidence.target_name();
    match evidence.burst().filter(|_| !a_protocol_fails(evidence)) {
        Some(Burst { counts, dead_ports: 0 | 1, .. }) => {
            let (lost, sent) = (counts.lost.total(), counts.sent);
            format!("{lost} of {sent} datagrams to {target} are lost, none on the way to replicas")
        }
        Some(Burst { dead_ports, ports, .. }) => {
            format!("{dead_ports} of {ports} new source ports to {target} lose all")
        }
        None => failing(evidence),
    }
}
