//! The path MTU: large packets vanish and the sender gets no error. Pure.

use crate::probe::transfer::Direction;
use crate::verdict::evidence::Evidence;
use crate::verdict::fact::Fact;
use crate::verdict::rule::{Advice, Call, Calls, Rule, Subject, Team};

pub(super) static MTU: Rule = Rule {
    name: "mtu",
    meaning: "small packets pass, large ones are dropped without an ICMP error",
    needs: "mtu:1400of1500: datagrams that may not be fragmented vanish, or a body of 64 KiB stalls; no \
            small probe fails.",
    requires: &[Fact::Path],
    shows: &[Fact::Path, Fact::Probes],
    holds: |evidence| evidence.probes().iter().all(|probe| probe.trial.passes()),
    detail,
    subject: |evidence| Subject::Direction(evidence.black_hole().and_then(|(_, _, direction)| direction)),
    advice: Advice {
        next: "Compare the MTU of interfaces, tunnels and overlay with the size in detail=, and find what \
               drops ICMP \"too big\".",
        calls: Some(Calls {
            some_nodes: Call {
                team: Team::Network,
                look_at: "the MTU of these nodes' interfaces and tunnels",
            },
            all_nodes: Call {
                team: Team::Network,
                look_at: "the MTU of the overlay, and where ICMP \"too big\" is dropped",
            },
        }),
    },
};

fn detail(evidence: &Evidence) -> String {
    let Some((address, report, direction)) = evidence.black_hole() else { return String::new() };
    let way = match direction {
        Some(Direction::Forward) => format!("on the way to {address}"),
        Some(Direction::Return) => format!("on the way from {address}"),
        None => format!("on the way to or from {address}"),
    };
    let what = match report.mtu {
        Some(mtu) => format!("packets of more than {mtu} bytes vanish {way}"),
        None => format!("large packets vanish {way}"),
    };
    report.interface.map_or(what.clone(), |interface| format!("{what}, the interface takes {interface}"))
}
