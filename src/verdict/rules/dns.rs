//! DNS: nameservers that do not answer, and a name that they do not have. Pure.

use crate::dns::{Answer, Reached, Surveyed};
use crate::verdict::conditions::{FEWEST_PORTS, is_reached};
use crate::verdict::evidence::Evidence;
use crate::verdict::fact::Fact;
use crate::verdict::phrases::{names, nameserver};
use crate::verdict::rule::{Advice, Call, Calls, Rule, Subject, Team};

pub(super) static DNS_SERVER: Rule = Rule {
    name: "dns_server",
    meaning: "a nameserver leaves queries unanswered",
    needs: "nameserver:ADDRESS/NofM: two or more of its M source ports got no reply; or every nameserver is \
            silent over TCP (/no_tcp).",
    requires: &[Fact::LookUp, Fact::Nameservers],
    shows: &[Fact::LookUp, Fact::Nameservers, Fact::Probes, Fact::Replicas],
    holds: a_nameserver_is_silent,
    detail: nameservers_that_fail,
    subject: silent_nameservers,
    advice: Advice {
        next: "Compare the nameservers in the evidence: 0of8 is UDP blocked on port 53, 0of8/no_tcp is an \
               address that is gone, about half is one of two replicas behind that address.",
        calls: Some(Calls {
            some_nodes: Call {
                team: Team::Node,
                look_at: "port 53 from these nodes (Service rules, firewall, node-local DNS cache)",
            },
            all_nodes: Call {
                team: Team::Dns,
                look_at: "CoreDNS pods and the Service kube-dns, then policies on port 53",
            },
        }),
    },
};

pub(super) static DNS_RECORD: Rule = Rule {
    name: "dns_record",
    meaning: "the nameservers reply, but have no address for the server's name",
    needs: "dns:not_found, dns:server_failure or dns:timeout, and a nameserver that says so, or that answers \
            other questions.",
    requires: &[Fact::LookUp, Fact::Nameservers],
    shows: &[Fact::LookUp, Fact::Nameservers, Fact::Probes],
    holds: name_is_missing,
    detail: what_the_nameservers_say,
    subject: |_| Subject::Implied,
    advice: Advice {
        next: "Check the Service's name and namespace and the search line of /etc/resolv.conf. Where \
               kubernetes.default is found, it is this name alone.",
        calls: Some(Calls {
            some_nodes: Call {
                team: Team::Dns,
                look_at: "these nodes get no address for the name (search domains, stale DNS cache)",
            },
            all_nodes: Call {
                team: Team::Dns,
                look_at: "the name itself (Service and namespace, search domains, CoreDNS' Corefile)",
            },
        }),
    },
};

/// A nameserver leaves source ports unanswered, or all are silent over TCP, while something else answers.
fn a_nameserver_is_silent(evidence: &Evidence) -> bool {
    let is_silent = |server: &Surveyed| server.udp_asked - server.udp_answered >= FEWEST_PORTS;
    // A nameserver that refuses TCP may be one that does not offer it.
    let is_silent_over_tcp = |server: &Surveyed| matches!(server.tcp, Reached::Silent | Reached::Unreachable);
    let something_answers = evidence.dns_answers()
        || evidence.up() > 0
        || evidence.probes().iter().any(|probe| probe.trial.is_answered());
    let servers = &evidence.nameservers;
    (servers.iter().any(is_silent) || servers.iter().all(is_silent_over_tcp)) && something_answers
}

fn nameservers_that_fail(evidence: &Evidence) -> String {
    let is_whole = |server: &&Surveyed| {
        server.udp_answered == server.udp_asked && matches!(server.tcp, Reached::Answered | Reached::Refused)
    };
    let not_whole = evidence.nameservers.iter().filter(|server| !is_whole(server));
    let words: Vec<String> = not_whole.map(nameserver).collect();
    let count = evidence.nameservers.len();
    let answering = count - words.len();
    format!("{}, {answering} of {count} nameservers answer whole", words.join(", "))
}

fn silent_nameservers(evidence: &Evidence) -> Subject {
    let silent = |server: &&Surveyed| server.udp_answered < server.udp_asked;
    let silent = evidence.nameservers.iter().filter(silent);
    Subject::Nameservers(silent.map(|server| server.nameserver.ip()).collect())
}

/// The nameservers answer, and do not have the name. A reply that it does not exist is good evidence, unless
/// it comes from a nameserver outside the cluster while another is silent. A failure is no evidence where
/// this node reaches nothing else either: the nameserver's own upstream may be cut off in the same way.
fn name_is_missing(evidence: &Evidence) -> bool {
    let is_any_silent = evidence.nameservers.iter().any(|server| server.udp_answered == 0);
    let reaches_nothing = !evidence.probes().is_empty() && !is_reached(evidence.probes());
    let says_so = |server: &Surveyed| match server.record {
        Some(Answer::Absent) => server.kubernetes != Some(Answer::Absent) || !is_any_silent,
        // A nameserver that answers other questions, and this one not at all, depends on an upstream for it.
        Some(Answer::Failed) => !reaches_nothing,
        Some(Answer::Silent) => server.udp_answered > 0 && !reaches_nothing,
        _ => false,
    };
    evidence.look_up.error().is_some() && evidence.nameservers.iter().any(says_so)
}

fn what_the_nameservers_say(evidence: &Evidence) -> String {
    let saying = |answer: Answer| names(&evidence.nameservers, |server| server.record == Some(answer));
    let what = match (saying(Answer::Absent), saying(Answer::Failed)) {
        (absent, failed) if absent.is_empty() && failed.is_empty() => {
            format!("{} gets no answer on {}", saying(Answer::Silent), evidence.host)
        }
        (absent, failed) if failed.is_empty() => {
            format!("{absent} says that {} does not exist", evidence.host)
        }
        (absent, failed) if absent.is_empty() => format!("{failed} fails to look {} up", evidence.host),
        (absent, failed) => {
            format!("{absent} says that {} does not exist, {failed} fails to look it up", evidence.host)
        }
    };
    let others_exist = evidence.nameservers.iter().any(|server| server.kubernetes == Some(Answer::Found));
    if others_exist { what + ", kubernetes.default is found" } else { what }
}
