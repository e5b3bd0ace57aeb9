//! Parts of the sentences that several rules use: what fails, and what that looks like from here. Pure.

use super::evidence::Evidence;
use super::examination::{Examination, Probe, ReplicaExamination, Symptom};
use crate::dns::{Reached, Surveyed};
use crate::probe::series::Burst;
use crate::probe::{Error, Phase, Protocol};

/// `10.96.0.12:8080 times out`, `10.96.0.12 times out over tcp, udp, http`, or each protocol with its own
/// words.
pub(super) fn failing(evidence: &Evidence) -> String {
    let target = evidence.target_name();
    let failing: Vec<&Probe> = evidence.probes().iter().filter(|probe| !probe.trial.passes()).collect();
    let words = |probe: &Probe| {
        probe
            .trial
            .symptom()
            .map_or("was not tried".to_owned(), |symptom| symptom_text(probe.protocol, symptom))
    };
    match failing[..] {
        [] if evidence.up() < evidence.replicas.all.len() => {
            let replicas = evidence.replicas.all.len();
            format!("{target} answers, {} of {replicas} replicas do directly", evidence.up())
        }
        [] => match evidence.burst() {
            Some(Burst { dead_ports: dead, ports, .. }) if dead > 0 => {
                format!("{dead} of {ports} new source ports to {target} lose all")
            }
            _ => format!("{target} answers"),
        },
        [probe] => format!("{} {}", with_port(&target, probe.port), words(probe)),
        [first, ..] if failing.iter().all(|probe| words(probe) == words(first)) => {
            let names: Vec<&str> = failing.iter().map(|probe| probe.protocol.name()).collect();
            format!("{target} {} over {}", words(first), names.join(", "))
        }
        _ => {
            let each: Vec<String> =
                failing.iter().map(|probe| format!("{} {}", probe.protocol.name(), words(probe))).collect();
            format!("{target}: {}", each.join(", "))
        }
    }
}

pub(super) fn with_port(target: &str, port: u16) -> String {
    if target.contains(':') { format!("[{target}]:{port}") } else { format!("{target}:{port}") }
}

/// What a failure looks like from here. Over UDP a silent server looks like a silent network.
pub(super) fn symptom_text(protocol: Protocol, Symptom { error, phase }: Symptom) -> String {
    match (error, phase) {
        (Error::Timeout, Phase::Receive) if protocol != Protocol::Udp => "accepts and does not answer".into(),
        (Error::Timeout, _) => "times out".into(),
        (Error::Refused, _) => "refuses".into(),
        (Error::Reset, _) => "resets".into(),
        (Error::Unreachable, _) => "is unreachable".into(),
        (Error::Closed, _) => "closes early".into(),
        (Error::Mismatch, _) => "answers with other bytes".into(),
        (Error::HttpMalformed, _) => "does not speak HTTP".into(),
        (Error::Io, _) => "is refused by this host itself".into(),
        _ => format!("answers {error}"),
    }
}

/// `10.244.1.7 times out`, or `10.244.1.7 times out over udp` where not all of it fails.
pub(super) fn state(replica: &ReplicaExamination) -> String {
    let Examination { address, probes, .. } = &replica.direct;
    let down: Vec<&Probe> = probes.iter().filter(|probe| probe.trial.all_failed()).collect();
    let words = down.first().and_then(|probe| Some(symptom_text(probe.protocol, probe.trial.symptom()?)));
    let words = words.unwrap_or_default();
    if down.len() == probes.len() {
        return format!("{address} {words}");
    }
    let names: Vec<&str> = down.iter().map(|probe| probe.protocol.name()).collect();
    format!("{address} {words} over {}", names.join(", "))
}

pub(super) fn on_replicas(evidence: &Evidence, how: &str) -> String {
    match evidence.replicas.all.len() {
        0 => String::new(),
        replicas => format!("{how} {replicas} of {replicas} replicas"),
    }
}

/// `10.96.0.10 is silent`, or how many source ports it leaves without an answer.
pub(super) fn nameserver(server: &Surveyed) -> String {
    let (address, silent) = (server.nameserver.ip(), server.udp_asked - server.udp_answered);
    if server.udp_answered == 0 && server.tcp == Reached::Refused {
        return format!("{address} refuses");
    }
    if silent == 0 {
        return format!("{address} answers over UDP and is silent over TCP");
    }
    match (silent == server.udp_asked, server.tcp == Reached::Answered) {
        (true, true) => format!("{address} is silent over UDP and answers over TCP"),
        (true, false) => format!("{address} is silent over UDP and TCP"),
        (false, _) => {
            format!("{address} leaves {silent} of {} source ports without an answer", server.udp_asked)
        }
    }
}

/// The addresses of the nameservers that `chosen` picks.
pub(super) fn names(servers: &[Surveyed], chosen: impl Fn(&Surveyed) -> bool) -> String {
    let names: Vec<String> = servers
        .iter()
        .filter(|server| chosen(server))
        .map(|server| server.nameserver.ip().to_string())
        .collect();
    names.join(", ")
}
