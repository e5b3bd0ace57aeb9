//! The client's own node: no network at all, or connection tracking that is stale or full. Pure.

use crate::dns::Answer;
use crate::probe::series::Burst;
use crate::verdict::conditions::{is_unreached, replying_ports};
use crate::verdict::evidence::Evidence;
use crate::verdict::fact::Fact;
use crate::verdict::phrases::names;
use crate::verdict::rule::{Advice, Call, Calls, Rule, Subject, Team};

pub(super) static LOCAL: Rule = Rule {
    name: "local",
    meaning: "nothing replies, not even a nameserver",
    needs: "No protocol, no replica, no nameserver and no long-lived flow gets a reply.",
    requires: &[Fact::Nameservers],
    shows: &[Fact::Probes, Fact::Replicas, Fact::Nameservers],
    holds: nothing_answers,
    detail: |evidence| {
        let nameservers = names(&evidence.nameservers, |_| true);
        format!("nothing answers: neither {} nor {nameservers}", evidence.target_name())
    },
    subject: |_| Subject::Implied,
    advice: Advice {
        next: "On the node: ip addr, ip route, and the CNI agent's log.",
        calls: Some(Calls {
            some_nodes: Call {
                team: Team::Node,
                look_at: "these nodes have no network at all (interface, routes, the pods' CNI)",
            },
            all_nodes: Call {
                team: Team::Network,
                look_at: "no node has any network (policy on the clients, CNI)",
            },
        }),
    },
};

pub(super) static CONNTRACK: Rule = Rule {
    name: "conntrack",
    meaning: "long-lived flows are dead while new ones pass, or the reverse",
    needs: "flows:NofM still silent after four more datagrams each, and ports:0of64; or series: is answered \
            while nothing new is, not even by a nameserver: then the table is full.",
    requires: &[Fact::Series, Fact::Burst],
    shows: &[Fact::Series, Fact::Flows, Fact::Burst, Fact::Probes, Fact::Replicas],
    holds: |evidence| only_old_flows_fail(evidence) || only_new_flows_fail(evidence),
    detail: |evidence| {
        if only_new_flows_fail(evidence) {
            return "long-lived flows are answered, nothing new is: the table of connections may be full"
                .into();
        }
        let (Some(flows), Some(Burst { ports, .. })) = (evidence.flows, evidence.burst()) else {
            return String::new();
        };
        format!("{} long-lived flows get no answer, {ports} of {ports} new source ports do", flows.dead)
    },
    subject: |_| Subject::Implied,
    advice: Advice {
        next: "On the node: conntrack -L -p udp --dport 8081. Deleting the stale entries repairs it; \
               \"table full\" in dmesg means that the limit is too low.",
        calls: Some(Calls {
            some_nodes: Call {
                team: Team::Node,
                look_at: "stale or full connection tracking on these nodes (conntrack -L)",
            },
            all_nodes: Call {
                team: Team::Node,
                look_at: "stale or full connection tracking on every node (conntrack -L)",
            },
        }),
    },
};

/// No address is reached, no nameserver answers, and neither do long-lived flows. Where no address was known,
/// silence alone may be that of the nameservers: then it takes an error that says that there is no route.
fn nothing_answers(evidence: &Evidence) -> bool {
    let has_address = evidence.target.is_some() || !evidence.replicas.all.is_empty();
    let no_route = evidence.nameservers.iter().all(|server| server.record == Some(Answer::Unreachable));
    nothing_new_answers(evidence) && !evidence.old_flows_answer() && (has_address || no_route)
}

fn nothing_new_answers(evidence: &Evidence) -> bool {
    let addresses = evidence.server_addresses();
    let is_any_reached = [evidence.probes()].iter().chain(&addresses).any(|probes| !is_unreached(probes));
    !is_any_reached && !evidence.dns_answers()
}

/// Long-lived flows get no answer, new ones do, and each replica answers.
fn only_old_flows_fail(evidence: &Evidence) -> bool {
    let all_reply = |burst: Burst| burst.ports > 0 && burst.dead_ports == 0;
    let new_ones_pass = evidence.burst().is_some_and(all_reply) && !evidence.is_lossy();
    let replicas_answer = evidence.up() == evidence.replicas.all.len();
    new_ones_pass && replicas_answer && evidence.flows.is_some_and(|flows| flows.dead > 0)
}

/// Nothing new is answered, long-lived flows are: as where the table of connections is full.
fn only_new_flows_fail(evidence: &Evidence) -> bool {
    // Also where none could be sent: the kernel refuses to send what it has no room to track (EPERM).
    let new_ones_fail = evidence.burst().is_some_and(|burst| replying_ports(&burst) == 0);
    evidence.old_flows_answer() && new_ones_fail && nothing_new_answers(evidence)
}
