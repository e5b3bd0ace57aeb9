//! When the verdicts' rules hold. Pure.

use super::evidence::{Evidence, Probe};
use super::questions::{Reach, is_reached};
use crate::dns::{Answer, Reached, Surveyed};
use crate::probe::series::Burst;

/// The least source ports that are to lose everything before that is called a rule: fewer are bad luck.
const FEWEST_PORTS: usize = 2;

/// Nobody is reached, no nameserver answers, and neither do flows that have been open for long. Where no
/// address was to be had, silence alone may be that of the nameservers: then it takes an error that says that
/// there is no way.
pub(super) fn nothing_answers(evidence: &Evidence) -> bool {
    let has_address = !evidence.probes.is_empty() || !evidence.replicas.all.is_empty();
    let no_way = evidence.nameservers.iter().all(|server| server.record == Some(Answer::Unreachable));
    nothing_new_answers(evidence) && !evidence.old_flows_answer() && (has_address || no_way)
}

fn nothing_new_answers(evidence: &Evidence) -> bool {
    let is_any_reached =
        is_reached(&evidence.target_protocols()) || evidence.subjects().iter().any(is_reached);
    !is_any_reached && !evidence.dns_answers()
}

/// The nameservers answer, and do not have the name. That it does not exist is good evidence, unless it comes
/// from one that knows no cluster at all while another is silent. That it fails is none where this node
/// reaches nothing else either: it may be the nameserver's own way out.
pub(super) fn name_is_missing(evidence: &Evidence) -> bool {
    let is_any_silent = evidence.nameservers.iter().any(|server| server.udp_answered == 0);
    let reaches_nothing = !evidence.probes.is_empty() && !is_reached(&evidence.target_protocols());
    let says_so = |server: &Surveyed| match server.record {
        Some(Answer::Absent) => server.kubernetes != Some(Answer::Absent) || !is_any_silent,
        // One that answers other questions, and that one not at all, has to ask somebody else.
        Some(Answer::Failed) => !reaches_nothing,
        Some(Answer::Silent) => server.udp_answered > 0 && !reaches_nothing,
        _ => false,
    };
    evidence.look_up.is_some_and(|result| result.is_err()) && evidence.nameservers.iter().any(says_so)
}

/// Some new source ports lose everything and the others next to nothing, on the way to each replica as well:
/// else it would be one replica of several behind the target, or its rule of one.
pub(super) fn fails_by_source_port(evidence: &Evidence) -> bool {
    let mut answering = evidence.direct.iter().filter(|(_, burst)| living_ports(burst) > 0).peekable();
    evidence.burst.is_some_and(|burst| is_partial(&burst))
        && answering.peek().is_some()
        && answering.all(|(_, burst)| is_partial(burst))
}

fn is_partial(burst: &Burst) -> bool {
    let lossy_among_living = burst.lossy_ports * 4 > living_ports(burst);
    burst.dead_ports >= FEWEST_PORTS && living_ports(burst) > 0 && !lossy_among_living
}

fn living_ports(burst: &Burst) -> usize {
    burst.ports - burst.dead_ports
}

/// On the way to replicas as well: a node that drops what it has just translated forgets the translation, so
/// that each datagram to a Service may go to another replica, and a dead one looks like loss.
pub(super) fn loses_at_random(evidence: &Evidence) -> bool {
    let is_alike = evidence.is_directly_lossy || evidence.direct.is_empty();
    evidence.is_lossy && is_alike && evidence.burst.is_some_and(|burst| is_random(&burst))
}

/// More ports lose some than lose all; or, where nearly everything is lost, most of those that do not lose
/// all.
fn is_random(burst: &Burst) -> bool {
    burst.lossy_ports > burst.dead_ports || burst.lossy_ports * 2 > living_ports(burst)
}

/// A protocol fails again; or new source ports lose all, or what replicas do not lose.
pub(super) fn target_fails(evidence: &Evidence) -> bool {
    let is_clean_directly = !evidence.is_directly_lossy && !evidence.direct.is_empty();
    let loses_alone = |burst: Burst| evidence.is_lossy && is_clean_directly && is_random(&burst);
    let loses = |burst: Burst| burst.dead_ports >= FEWEST_PORTS || loses_alone(burst);
    evidence.burst.is_some_and(loses) || evidence.probes.iter().any(Probe::fails)
}

pub(super) fn no_replica_is_reached(evidence: &Evidence) -> bool {
    let target_is_unreached = evidence.target_is_down() && !is_reached(&evidence.target_protocols());
    let replicas = &evidence.replicas.all;
    target_is_unreached && !replicas.is_empty() && !replicas.iter().any(|replica| is_reached(&replica.probes))
}

/// Some protocols fail wherever they are tried, in a way that a rule between could cause, and others pass.
pub(super) fn one_port_is_blocked(evidence: &Evidence) -> bool {
    let down = evidence.down_everywhere();
    let blocked = |probe: &&Probe| probe.again.reach(probe.protocol) != Some(Reach::Wrong);
    let passes = |probe: &Probe| !probe.fails();
    !down.is_empty() && down.iter().all(blocked) && evidence.probes.iter().any(passes)
}

/// Some protocols fail wherever they are tried, on addresses that are reached.
pub(super) fn server_answers_wrongly(evidence: &Evidence) -> bool {
    !evidence.down_everywhere().is_empty() && evidence.subjects().iter().all(is_reached)
}

/// A nameserver leaves source ports unanswered, or all are silent over TCP, while something else answers.
pub(super) fn a_nameserver_is_silent(evidence: &Evidence) -> bool {
    let is_silent = |server: &Surveyed| server.udp_asked - server.udp_answered >= FEWEST_PORTS;
    // A nameserver that refuses TCP may be one that does not know it.
    let is_silent_over_tcp = |server: &Surveyed| matches!(server.tcp, Reached::Silent | Reached::Unreachable);
    let something_answers = evidence.dns_answers()
        || evidence.up() > 0
        || evidence.probes.iter().any(|probe| probe.again.failed < probe.again.made || probe.first.is_none());
    let servers = &evidence.nameservers;
    (servers.iter().any(is_silent) || servers.iter().all(is_silent_over_tcp)) && something_answers
}

/// Flows that have been open for long get no answer, new ones do, and each replica answers.
pub(super) fn only_old_flows_fail(evidence: &Evidence) -> bool {
    let new_ones_pass = evidence.burst.is_some_and(|burst| burst.dead_ports == 0) && !evidence.is_lossy;
    let replicas_answer = evidence.up() == evidence.replicas.all.len();
    new_ones_pass && replicas_answer && evidence.flows.is_some_and(|flows| flows.dead > 0)
}

/// Nothing new is answered, flows that have been open for long are: as where the table of connections is
/// full.
pub(super) fn only_new_flows_fail(evidence: &Evidence) -> bool {
    let new_ones_fail = evidence.burst.is_some_and(|burst| living_ports(&burst) == 0);
    evidence.old_flows_answer() && new_ones_fail && nothing_new_answers(evidence)
}

/// Something failed in the round.
pub(super) fn something_failed(evidence: &Evidence) -> bool {
    evidence.probes.iter().any(|probe| probe.first.is_some())
        || evidence.look_up.is_some_and(|result| result.is_err())
        || evidence.replica_failed
}

/// Something failed when it was tried again.
pub(super) fn something_fails(evidence: &Evidence) -> bool {
    let record_is_found = evidence.nameservers.iter().any(|server| server.record == Some(Answer::Found));
    evidence.probes.iter().any(Probe::fails)
        || evidence.up() < evidence.replicas.all.len()
        || (evidence.look_up.is_some_and(|result| result.is_err()) && !record_is_found)
        || evidence.flows.is_some_and(|flows| flows.dead > 0)
        || evidence.is_lossy
        || evidence.black_hole().is_some()
}
