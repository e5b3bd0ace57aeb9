//! A port or a protocol that a rule on the way blocks. Pure.

use crate::verdict::conditions::{Reach, reach};
use crate::verdict::evidence::Evidence;
use crate::verdict::examination::Probe;
use crate::verdict::fact::Fact;
use crate::verdict::phrases::{failing, on_replicas};
use crate::verdict::rule::{Advice, Call, Calls, Rule, Subject, Team};

pub(super) static PORT: Rule = Rule {
    name: "port",
    meaning: "one port or protocol is blocked, others of the same address pass",
    needs: "A protocol that fails, such as udp:timeout, beside others that pass, and the same on every \
            replica.",
    requires: &[Fact::Probes],
    shows: &[Fact::Probes, Fact::Replicas, Fact::LookUp],
    holds: one_port_is_blocked,
    detail,
    subject: |evidence| {
        Subject::Protocols(evidence.down_everywhere().iter().map(|probe| probe.protocol).collect())
    },
    advice: Advice {
        next: "Look for what names that port: NetworkPolicies, security groups, the host's firewall.",
        calls: Some(Calls {
            some_nodes: Call {
                team: Team::Security,
                look_at: "a rule of these nodes for that port (host firewall, security group)",
            },
            all_nodes: Call {
                team: Team::Security,
                look_at: "a rule for that port (NetworkPolicy, firewall before the servers)",
            },
        }),
    },
};

/// Some protocols fail wherever they are tried, in a way that a rule on the path could cause, and others
/// pass.
fn one_port_is_blocked(evidence: &Evidence) -> bool {
    let down = evidence.down_everywhere();
    let blocked = |probe: &&Probe| reach(probe) != Some(Reach::Wrong);
    let passes = |probe: &Probe| probe.trial.passes();
    !down.is_empty() && down.iter().all(blocked) && evidence.probes().iter().any(passes)
}

fn detail(evidence: &Evidence) -> String {
    let passing = evidence.probes().iter().filter(|probe| probe.trial.passes());
    let passing: Vec<&str> = passing.map(|probe| probe.protocol.name()).collect();
    let replicas = on_replicas(evidence, ", and alike on");
    let verb = if passing.len() == 1 { "passes" } else { "pass" };
    format!("{}, {} {verb}{replicas}", failing(evidence), passing.join(" and "))
}
