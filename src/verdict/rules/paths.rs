//! The paths of the packets: some source ports lose everything, or packets are lost at random. Pure.

use crate::probe::series::{Burst, Counts};
use crate::verdict::conditions::{FEWEST_PORTS, is_random, replying_ports};
use crate::verdict::evidence::Evidence;
use crate::verdict::fact::Fact;
use crate::verdict::rule::{Advice, Call, Calls, Rule, Subject, Team};

pub(super) static FLOW: Rule = Rule {
    name: "flow",
    meaning: "certain source ports lose every packet, the others none",
    needs: "ports:NofM with N of two or more, and the same on the way to the replicas (direct:).",
    requires: &[Fact::Burst, Fact::Direct],
    shows: &[Fact::Burst, Fact::Direct, Fact::Probes],
    holds: fails_by_source_port,
    detail: |evidence| {
        let Some(Burst { dead_ports, ports, .. }) = evidence.burst() else { return String::new() };
        let others = "the others hardly any: one of several paths";
        format!("{dead_ports} of {ports} new source ports lose every datagram, {others}")
    },
    subject: |_| Subject::Implied,
    advice: Advice {
        next: "Look for one bad member among parallel links or queues: bond, ECMP, LAG, NIC queues.",
        calls: Some(Calls {
            some_nodes: Call {
                team: Team::Network,
                look_at: "one of several parallel links from these nodes (bond, ECMP)",
            },
            all_nodes: Call {
                team: Team::Network,
                look_at: "one of several parallel paths that all share (ECMP, LAG)",
            },
        }),
    },
};

pub(super) static LOSS: Rule = Rule {
    name: "loss",
    meaning: "packets are lost at random",
    needs: "burst:NofM: more than LOSS_THRESHOLD of 256 datagrams, over many source ports, and on the way to \
            a replica as well.",
    requires: &[Fact::Burst],
    shows: &[Fact::Burst, Fact::Probes, Fact::Replicas],
    holds: loses_at_random,
    detail: share_and_direction,
    subject: |_| Subject::Implied,
    advice: Advice {
        next: "detail= has the share and the direction. On the node: ip -s link, ethtool -S, tc -s qdisc.",
        calls: Some(Calls {
            some_nodes: Call {
                team: Team::Network,
                look_at: "the links of these nodes (cable, bond, driver, queue drops)",
            },
            all_nodes: Call {
                team: Team::Network,
                look_at: "what all paths share (switches, the nodes with the replicas)",
            },
        }),
    },
};

/// Some new source ports lose everything and the others next to nothing, on the way to each replica as well:
/// otherwise it would be one replica of several behind the target, or its rule of one.
fn fails_by_source_port(evidence: &Evidence) -> bool {
    let mut answering = evidence.direct().filter(|(_, burst)| replying_ports(burst) > 0).peekable();
    evidence.burst().is_some_and(|burst| is_partial(&burst))
        && answering.peek().is_some()
        && answering.all(|(_, burst)| is_partial(burst))
}

fn is_partial(burst: &Burst) -> bool {
    let replying = replying_ports(burst);
    let most_lose_nothing = burst.lossy_ports * 4 <= replying;
    burst.dead_ports >= FEWEST_PORTS && replying > 0 && most_lose_nothing
}

/// On the way to replicas as well: a node that drops what it has just translated forgets the translation, so
/// that each datagram to a Service may go to another replica, and a dead one looks like loss.
fn loses_at_random(evidence: &Evidence) -> bool {
    let is_alike = evidence.is_directly_lossy() || evidence.direct().next().is_none();
    evidence.is_lossy() && is_alike && evidence.burst().is_some_and(|burst| is_random(&burst))
}

fn share_and_direction(evidence: &Evidence) -> String {
    let Some(burst) = evidence.burst() else { return String::new() };
    let Counts { sent, lost, .. } = burst.counts;
    let direction = match (lost.forward, lost.return_) {
        (0, 0) => "direction unknown".to_owned(),
        (forward, 0) if forward == lost.total() => "on the way there".to_owned(),
        (0, back) if back == lost.total() => "on the way back".to_owned(),
        (forward, back) => {
            let parts =
                [(forward, "on the way there"), (back, "on the way back"), (lost.unknown, "somewhere")];
            let parts = parts.iter().filter(|(count, _)| *count > 0);
            parts.map(|(count, way)| format!("{count} {way}")).collect::<Vec<_>>().join(", ")
        }
    };
    let tenths = (lost.total() * 1000 + sent / 2) / sent.max(1);
    format!("{}.{}% of {sent} datagrams lost, {direction}", tenths / 10, tenths % 10)
}
