//! What a verdict says to a person, in half a sentence. Pure.

use super::evidence::{Evidence, Listing, Probe, Replica, Suspect};
use super::phrases::{failing, names, nameserver, on_replicas, state};
use super::{Verdict, conditions};
use crate::dns::{Answer, Reached, Surveyed};
use crate::log::Value;
use crate::probe::Error;
use crate::probe::series::{Burst, Counts};
use crate::probe::transfer::Direction;

/// The replicas that a detail names: more do not fit a line that is to be read.
const NAMED: usize = 3;

/// The names that a verdict is about: of replicas, nameservers, directions or protocols.
pub(super) fn about(verdict: Verdict, evidence: &Evidence) -> Vec<String> {
    match verdict {
        Verdict::Replica => {
            let replicas = evidence.replicas.all.iter().filter(|replica| !replica.answers());
            replicas.map(|replica| replica.address.to_string()).collect()
        }
        Verdict::DnsServer => {
            let silent = |server: &&Surveyed| server.udp_answered < server.udp_asked;
            let silent = evidence.nameservers.iter().filter(silent);
            silent.map(|server| server.nameserver.ip().to_string()).collect()
        }
        Verdict::Mtu => {
            let direction = evidence.black_hole().and_then(|(_, _, direction)| direction);
            direction.map(|direction| format!("{direction:?}")).into_iter().collect()
        }
        Verdict::Port => {
            evidence.down_everywhere().iter().map(|probe| probe.protocol.name().into()).collect()
        }
        _ => vec![],
    }
}

pub(super) fn prober(evidence: &Evidence) -> String {
    let why = match evidence.suspect {
        Some(Suspect::Throttled) => "its control group was kept from the processor (a CPU limit)",
        Some(Suspect::Memory) => "its control group is short of memory",
        Some(Suspect::Local) => "this host is short of descriptors, source ports or buffers",
        Some(Suspect::Late) | None => "it woke late, or waited for a processor",
    };
    format!("the prober itself was starved: {why}")
}

pub(super) fn local(evidence: &Evidence) -> String {
    format!("nothing answers: neither {} nor {}", evidence.target, names(&evidence.nameservers, |_| true))
}

pub(super) fn dns_record(evidence: &Evidence) -> String {
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

pub(super) fn no_replica(evidence: &Evidence) -> String {
    format!("{}, and no replica is listed: nothing runs", failing(evidence))
}

pub(super) fn flow(evidence: &Evidence) -> String {
    let Burst { dead_ports, ports, .. } = evidence.burst.unwrap_or_default();
    let others = "the others hardly any: one of several paths";
    format!("{dead_ports} of {ports} new source ports lose every datagram, {others}")
}

pub(super) fn loss(evidence: &Evidence) -> String {
    let Counts { sent, lost, .. } = evidence.burst.unwrap_or_default().counts;
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

pub(super) fn replica(evidence: &Evidence) -> String {
    let replicas = &evidence.replicas.all;
    let down: Vec<&Replica> = replicas.iter().filter(|replica| !replica.answers()).collect();
    let mut words: Vec<String> = down.iter().take(NAMED).map(|replica| state(replica)).collect();
    if down.len() > NAMED {
        words.push(format!("{} more", down.len() - NAMED));
    }
    let (up, mut answering) = (evidence.up(), replicas.iter().filter(|replica| replica.answers()));
    let here = if answering.all(|replica| replica.is_on_this_node) { ", only on this node" } else { "" };
    format!("{}, {up} of {} replicas answer{here}", words.join(", "), replicas.len())
}

pub(super) fn service(evidence: &Evidence) -> String {
    let up = evidence.up();
    let what = match evidence.burst {
        Some(Burst { counts, dead_ports: 0 | 1, .. }) if !evidence.probes.iter().any(Probe::fails) => {
            let (lost, sent) = (counts.lost.total(), counts.sent);
            format!("{lost} of {sent} datagrams to {} are lost, none on the way to replicas", evidence.target)
        }
        Some(Burst { dead_ports, ports, .. }) if !evidence.probes.iter().any(Probe::fails) => {
            format!("{dead_ports} of {ports} new source ports to {} lose all", evidence.target)
        }
        _ => failing(evidence),
    };
    format!("{what}, {up} of {up} replicas answer directly")
}

pub(super) fn pod_network(evidence: &Evidence) -> String {
    let replicas = evidence.replicas.all.len();
    let one = if replicas == 1 { ": it alone, its node, or the way" } else { "" };
    format!("{}, none of {replicas} replicas is reached directly{one}", failing(evidence))
}

pub(super) fn port(evidence: &Evidence) -> String {
    let passing = evidence.probes.iter().filter(|probe| !probe.fails());
    let passing: Vec<&str> = passing.map(|probe| probe.protocol.name()).collect();
    let replicas = on_replicas(evidence, ", and alike on");
    let verb = if passing.len() == 1 { "passes" } else { "pass" };
    format!("{}, {} {verb}{replicas}", failing(evidence), passing.join(" and "))
}

pub(super) fn server(evidence: &Evidence) -> String {
    format!("{}{}", failing(evidence), on_replicas(evidence, ", and so do"))
}

pub(super) fn dns_server(evidence: &Evidence) -> String {
    let is_whole = |server: &&Surveyed| {
        server.udp_answered == server.udp_asked && matches!(server.tcp, Reached::Answered | Reached::Refused)
    };
    let not_whole = evidence.nameservers.iter().filter(|server| !is_whole(server));
    let words: Vec<String> = not_whole.map(nameserver).collect();
    let count = evidence.nameservers.len();
    let answering = count - words.len();
    format!("{}, {answering} of {count} nameservers answer whole", words.join(", "))
}

pub(super) fn mtu(evidence: &Evidence) -> String {
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

pub(super) fn conntrack(evidence: &Evidence) -> String {
    if conditions::only_new_flows_fail(evidence) {
        return "long-lived flows are answered, nothing new is: the table of connections may be full".into();
    }
    let flows = evidence.flows.unwrap_or_default();
    let ports = evidence.burst.unwrap_or_default().ports;
    format!("{} long-lived flows get no answer, {ports} of {ports} new source ports do", flows.dead)
}

pub(super) fn transient(evidence: &Evidence) -> String {
    let mut failed: Vec<String> = evidence
        .probes
        .iter()
        .filter_map(|probe| probe.first.map(|symptom| format!("{} {}", probe.protocol.name(), symptom.error)))
        .collect();
    if let Some(Err(error)) = evidence.look_up {
        failed.push(Error::Dns(error).to_string());
    }
    if evidence.replica_failed {
        failed.push("a replica".to_owned());
    }
    format!("{} failed once and passes when tried again", failed.join(", "))
}

pub(super) fn unknown(evidence: &Evidence) -> String {
    if evidence.probes.is_empty() {
        return format!("no address of {} is known, and no nameserver answers", evidence.host);
    }
    if let (Listing::NotKnown, Some(Burst { dead_ports, ports, .. })) =
        (evidence.replicas.listing, evidence.burst)
        && (1..ports).contains(&dead_ports)
    {
        let what = "one of several replicas, or of several paths: ENDPOINTS_HOST would tell";
        return format!("{dead_ports} of {ports} new source ports to {} lose all: {what}", evidence.target);
    }
    let why = match evidence.replicas.listing {
        Listing::NotKnown => "without ENDPOINTS_HOST nothing tells what is behind it",
        Listing::Failed => "and the list of replicas is not to be had",
        Listing::Empty | Listing::Listed => "and no rule fits",
    };
    format!("{}, {why}", failing(evidence))
}

pub(super) fn slow(evidence: &Evidence) -> String {
    let Some(slowness) = evidence.slowness else { return String::new() };
    let [now, usual] = [slowness.now, slowness.usual].map(Value::Milliseconds);
    let server = slowness
        .server
        .map_or(String::new(), |server| format!(", {} of it the server's own", Value::Milliseconds(server)));
    format!("latency is {now}{server}, this node's median was {usual}")
}
