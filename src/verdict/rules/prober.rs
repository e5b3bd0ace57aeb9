//! The prober itself: what a starved process measures says nothing about the network. Pure.

use crate::verdict::evidence::{Evidence, Starved};
use crate::verdict::fact::Fact;
use crate::verdict::rule::{Advice, Call, Calls, Rule, Subject, Team};

pub(super) static PROBER: Rule = Rule {
    name: "prober",
    meaning: "the prober itself was starved: its measurements do not count",
    needs: "prober:throttled, prober:late, prober:memory or prober:local.",
    requires: &[Fact::Prober],
    shows: &[Fact::Prober, Fact::Probes, Fact::LookUp],
    holds: |_| true,
    detail,
    subject: |_| Subject::Implied,
    advice: Advice {
        next: "Set no CPU limit on the client. Else look for a busy node, or one short of memory, \
               descriptors or source ports.",
        calls: Some(Calls {
            some_nodes: Call {
                team: Team::Node,
                look_at: "too little CPU for the prober there; its other findings do not count",
            },
            all_nodes: Call {
                team: Team::Node,
                look_at: "too little CPU for the probers (limits, nodes); their findings do not count",
            },
        }),
    },
};

fn detail(evidence: &Evidence) -> String {
    let Some(starved) = evidence.starved else { return String::new() };
    let why = match starved {
        Starved::Throttled => "its control group was kept from the processor (a CPU limit)",
        Starved::Memory => "its control group is short of memory",
        Starved::Local => "this host is short of descriptors, source ports or buffers",
        Starved::Late => "it woke late, or waited for a processor",
    };
    format!("the prober itself was starved: {why}")
}
