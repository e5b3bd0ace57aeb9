//! Latency: nothing fails, but replies are far later than this node is used to. Pure.

use crate::time::Milliseconds;
use crate::verdict::evidence::Evidence;
use crate::verdict::fact::Fact;
use crate::verdict::rule::{Advice, Call, Calls, Rule, Subject, Team};

pub(super) static SLOW: Rule = Rule {
    name: "slow",
    meaning: "nothing fails, but latency is far above this node's own history",
    needs: "latency:NOW/USUAL: the median of a series is above the usual one by more than 5 ms, more than \
            that median and more than eight times the distance between the quartiles, and a second series \
            confirms it.",
    requires: &[Fact::Latency],
    shows: &[Fact::Latency, Fact::Probes],
    holds: |_| true,
    detail,
    subject: |_| Subject::Implied,
    advice: Advice {
        next: "detail= says how much of it is the server's own. To accept a new latency as the usual one, \
               restart the client.",
        calls: Some(Calls {
            some_nodes: Call { team: Team::Node, look_at: "load and links of these nodes" },
            all_nodes: Call {
                team: Team::ServerOwner,
                look_at: "the load of the replicas, then what all paths share",
            },
        }),
    },
};

fn detail(evidence: &Evidence) -> String {
    let Some(slowness) = evidence.slowness else { return String::new() };
    let [now, usual] = [slowness.now, slowness.usual].map(Milliseconds);
    let server = slowness
        .server
        .map_or(String::new(), |server| format!(", {} of it the server's own", Milliseconds(server)));
    format!("latency is {now}{server}, this node's median was {usual}")
}
