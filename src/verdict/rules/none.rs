//! No layer to blame: nothing is broken, it has passed, or no rule explains it. Pure.

use crate::dns::Answer;
use crate::probe::Error;
use crate::probe::series::Burst;
use crate::verdict::evidence::{Evidence, Listing};
use crate::verdict::examination::{Probe, Trial};
use crate::verdict::fact::Fact;
use crate::verdict::phrases::failing;
use crate::verdict::rule::{Advice, Calls, Rule, Subject, Team};

pub(super) static HEALTHY: Rule = Rule {
    name: "healthy",
    meaning: "nothing is broken",
    needs: "Everything in the round passed, or the pass that followed found nothing.",
    requires: &[],
    shows: &[Fact::Probes, Fact::Replicas, Fact::LookUp, Fact::Nameservers],
    holds: |_| true,
    detail: |_| String::new(),
    subject: |_| Subject::Implied,
    advice: Advice {
        next: "Nothing. After a fault, after= says how long it lasted and was= what it was at the end.",
        calls: None,
    },
};

pub(super) static TRANSIENT: Rule = Rule {
    name: "transient",
    meaning: "a probe failed, and passed when it was repeated at once",
    needs: "detail= names the failed probe, look-up or replica; every retry passed.",
    requires: &[],
    shows: &[Fact::Probes, Fact::Replicas, Fact::LookUp],
    holds: |evidence| something_failed(evidence) && !something_fails(evidence) && all_is_retried(evidence),
    detail: what_failed_once,
    subject: |_| Subject::Implied,
    advice: Advice {
        next: "Nothing: it is logged once, and is no alarm. If it comes again and again, look at the loss in \
               the metrics.",
        calls: None,
    },
};

pub(super) static UNKNOWN: Rule = Rule {
    name: "unknown",
    meaning: "something fails, and no rule explains it",
    needs: "None: all that was found is printed.",
    requires: &[],
    shows: &[
        Fact::Probes,
        Fact::Replicas,
        Fact::LookUp,
        Fact::Nameservers,
        Fact::Flows,
        Fact::Burst,
        Fact::Direct,
        Fact::Path,
    ],
    holds: |evidence| something_failed(evidence) || something_fails(evidence),
    detail: why_no_rule_explains_it,
    subject: |_| Subject::Implied,
    advice: Advice {
        next: "Read the evidence, and set ENDPOINTS_HOST if it is not set.",
        calls: Some(Calls::always(
            Team::Operators,
            "no rule explains it, so read the evidence on the VERDICT lines",
        )),
    },
};

/// Something failed in the round.
fn something_failed(evidence: &Evidence) -> bool {
    evidence.probes().iter().any(|probe| probe.trial.first_failure().is_some())
        || evidence.look_up.error().is_some()
        || evidence.replica_failed
}

/// Something failed when it was tried again.
fn something_fails(evidence: &Evidence) -> bool {
    let record_is_found = evidence.nameservers.iter().any(|server| server.record == Some(Answer::Found));
    evidence.probes().iter().any(|probe| probe.trial.fails())
        || evidence.failing_replicas().next().is_some()
        || (evidence.look_up.error().is_some() && !record_is_found)
        || evidence.flows.is_some_and(|flows| flows.dead > 0)
        || evidence.is_lossy()
        || evidence.black_hole().is_some()
}

/// What failed in the round was tried again: nothing passes that was not tried.
fn all_is_retried(evidence: &Evidence) -> bool {
    let is_retried = |probe: &Probe| !matches!(probe.trial, Trial::Failed { .. } | Trial::NotTried(_));
    evidence.probes().iter().all(is_retried) && !(evidence.replica_failed && evidence.untried() > 0)
}

fn what_failed_once(evidence: &Evidence) -> String {
    let first_failure = |probe: &Probe| {
        let symptom = probe.trial.first_failure()?;
        Some(format!("{} {}", probe.protocol.name(), symptom.error))
    };
    let mut failed: Vec<String> = evidence.probes().iter().filter_map(first_failure).collect();
    if let Some(error) = evidence.look_up.error() {
        failed.push(Error::Dns(error).to_string());
    }
    if evidence.replica_failed {
        failed.push("a replica".to_owned());
    }
    format!("{} failed once and passes when tried again", failed.join(", "))
}

fn why_no_rule_explains_it(evidence: &Evidence) -> String {
    if evidence.target.is_none() {
        return format!("no address of {} is known, and no nameserver answers", evidence.host);
    }
    if let (Listing::NotConfigured, Some(Burst { dead_ports, ports, .. })) =
        (evidence.replicas.listing, evidence.burst())
        && (1..ports).contains(&dead_ports)
    {
        let what = "one of several replicas, or of several paths: set ENDPOINTS_HOST to find out";
        return format!(
            "{dead_ports} of {ports} new source ports to {} lose all: {what}",
            evidence.target_name()
        );
    }
    let why = match evidence.replicas.listing {
        Listing::NotConfigured => "without ENDPOINTS_HOST the replicas behind it are not known",
        Listing::Failed => "and the list of replicas could not be looked up",
        Listing::NotAsked | Listing::Empty | Listing::Listed => "and no rule fits",
    };
    format!("{}, {why}", failing(evidence))
}
