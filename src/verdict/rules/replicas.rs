//! The server's pods: some fail, all answer wrongly, or the pod network reaches none of them. Pure.

use crate::verdict::conditions::{is_reached, is_unreached};
use crate::verdict::evidence::Evidence;
use crate::verdict::examination::ReplicaExamination;
use crate::verdict::fact::Fact;
use crate::verdict::phrases::{failing, on_replicas, state};
use crate::verdict::rule::{Advice, Call, Calls, Rule, Subject, Team};

/// The replicas that a detail names: more do not fit a line that is to be read.
const NAMED: usize = 3;

pub(super) static REPLICA: Rule = Rule {
    name: "replica",
    meaning: "some replicas fail when probed directly, others reply",
    needs: "endpoint:1/2: not every replica answers, and not none; detail= names those that fail.",
    requires: &[Fact::Replicas],
    shows: &[Fact::Replicas, Fact::Probes, Fact::LookUp],
    holds: |evidence| evidence.up() > 0 && evidence.failing_replicas().next().is_some(),
    detail: replicas_that_fail,
    subject: |evidence| {
        Subject::Replicas(evidence.failing_replicas().map(|replica| replica.direct.address).collect())
    },
    advice: Advice {
        next: "kubectl get pods -n smoker -o wide: find the pod of the address in detail=, and its node.",
        calls: Some(Calls {
            some_nodes: Call {
                team: Team::Network,
                look_at: "the way from these nodes to that replica's node, then the replica",
            },
            all_nodes: Call {
                team: Team::ServerOwner,
                look_at: "that replica, then the node that it runs on",
            },
        }),
    },
};

pub(super) static SERVER: Rule = Rule {
    name: "server",
    meaning: "every replica is reached, and refuses or replies wrongly",
    needs: "A protocol fails at the Service and at every replica, with an answer: a refusal, a reset, other \
            bytes, or an accepted connection that stays silent.",
    requires: &[Fact::Probes],
    shows: &[Fact::Probes, Fact::Replicas, Fact::LookUp],
    holds: server_answers_wrongly,
    detail: |evidence| format!("{}{}", failing(evidence), on_replicas(evidence, ", and so do")),
    subject: |_| Subject::Implied,
    advice: Advice {
        next: "kubectl logs -n smoker deploy/smoker-server: is it running, is it full, is it Smoker?",
        calls: Some(Calls {
            some_nodes: Call {
                team: Team::Network,
                look_at: "what answers in the server's place here (proxy, firewall), then the server",
            },
            all_nodes: Call {
                team: Team::ServerOwner,
                look_at: "it is reached, and refuses or answers wrongly",
            },
        }),
    },
};

pub(super) static POD_NETWORK: Rule = Rule {
    name: "pod_network",
    meaning: "no replica is reached at all, a nameserver is",
    needs: "The Service and every replica time out or are unreachable, over every protocol.",
    requires: &[Fact::Probes, Fact::Replicas],
    shows: &[Fact::Probes, Fact::Replicas, Fact::LookUp, Fact::Nameservers],
    holds: no_replica_is_reached,
    detail: |evidence| {
        let replicas = evidence.replicas.all.len();
        let one = if replicas == 1 { ": it alone, its node, or the way" } else { "" };
        format!("{}, none of {replicas} replicas is reached directly{one}", failing(evidence))
    },
    subject: |_| Subject::Implied,
    advice: Advice {
        next: "Check the CNI agent on the node, its routes and tunnel, and NetworkPolicies that admit \
               nothing. A single replica may itself be the one that is gone.",
        calls: Some(Calls {
            some_nodes: Call {
                team: Team::Network,
                look_at: "the pod network of these nodes (CNI agent, routes, tunnel)",
            },
            all_nodes: Call {
                team: Team::Network,
                look_at: "the pod network everywhere (CNI), or of the nodes with the replicas",
            },
        }),
    },
};

fn replicas_that_fail(evidence: &Evidence) -> String {
    let replicas = &evidence.replicas.all;
    let down: Vec<&ReplicaExamination> = evidence.failing_replicas().collect();
    let mut words: Vec<String> = down.iter().take(NAMED).map(|replica| state(replica)).collect();
    if down.len() > NAMED {
        words.push(format!("{} more", down.len() - NAMED));
    }
    let up = evidence.up();
    let mut answering = replicas.iter().filter(|replica| replica.answers());
    // Where only replicas on this node answer, it may as well be the way to all others.
    let here = if answering.all(|replica| replica.is_on_this_node) { ", only on this node" } else { "" };
    format!("{}, {up} of {} replicas answer{here}", words.join(", "), replicas.len())
}

/// Some protocols fail wherever they are tried, on addresses that are reached.
fn server_answers_wrongly(evidence: &Evidence) -> bool {
    !evidence.down_everywhere().is_empty()
        && evidence.server_addresses().iter().all(|probes| is_reached(probes))
}

fn no_replica_is_reached(evidence: &Evidence) -> bool {
    let target_is_unreached = evidence.target_is_down() && is_unreached(evidence.probes());
    let replicas = &evidence.replicas.all;
    let are_unreached = replicas.iter().all(|replica| is_unreached(&replica.direct.probes));
    target_is_unreached && !replicas.is_empty() && are_unreached
}
