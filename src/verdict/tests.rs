//! Each rule by an example of what it is for, and by what is like it and something else.

use std::net::IpAddr;
use std::time::Duration;

use super::evidence::{Evidence, Listing, LookUp, ReplicaExaminations, Slowness, Starved};
use super::examination::{Examination, NotTried, Probe, ReplicaExamination, Symptom, Trial};
use super::{Verdict, judge};
use crate::dns::{self, Answer, Reached, Surveyed};
use crate::log::MAX_TEXT;
use crate::probe::path::{MeasuredPath, PathFinding, PathReport};
use crate::probe::series::{Burst, Counts, Lost, SilentFlows};
use crate::probe::transfer::Direction;
use crate::probe::{Error, Phase, Protocol};

const PROTOCOLS: [(Protocol, u16); 3] =
    [(Protocol::Tcp, 8080), (Protocol::Udp, 8081), (Protocol::Http, 8082)];

const SILENT: Symptom = Symptom { error: Error::Timeout, phase: Phase::Connect };
const LOST: Symptom = Symptom { error: Error::Timeout, phase: Phase::Receive };
const REFUSED: Symptom = Symptom { error: Error::Refused, phase: Phase::Connect };
const NO_WAY: Symptom = Symptom { error: Error::Unreachable, phase: Phase::Connect };
const OTHER_BYTES: Symptom = Symptom { error: Error::Mismatch, phase: Phase::Receive };

const PASS: Tries = (0, SILENT);
const BLANK: Trial = Trial::NotTried(NotTried::Shortage);

fn retried(first: Option<Symptom>, failures: usize, symptom: Symptom) -> Trial {
    let mut trial = first.map_or(BLANK, |first| Trial::Failed { first });
    for nth in 0..4 {
        trial.add(if nth < failures { Err(symptom) } else { Ok(()) });
    }
    trial
}

/// How often each of four retries of a protocol failed, and how.
type Tries = (usize, Symptom);

fn fail(symptom: Symptom) -> Tries {
    (4, symptom)
}

fn sometimes(symptom: Symptom) -> Tries {
    (1, symptom)
}

/// What a black hole looks like to each protocol.
fn hole() -> [Tries; 3] {
    [fail(SILENT), fail(LOST), fail(SILENT)]
}

/// What is found at an address where each protocol has this trial.
fn examination(address: &str, trials: [Trial; 3]) -> Examination {
    let probe = |((protocol, port), trial)| Probe { protocol, port, trial, answerer: None };
    Examination {
        address: address.parse().unwrap(),
        probes: PROTOCOLS.into_iter().zip(trials).map(probe).collect(),
        burst: Some(burst(0, 0, 0)),
    }
}

/// A target behind which two replicas run, and all is well.
fn well() -> Evidence {
    let replica = |address| ReplicaExamination {
        direct: examination(address, [retried(None, 0, SILENT); 3]),
        is_on_this_node: false,
    };
    let all = vec![replica("10.244.1.7"), replica("10.244.2.7")];
    Evidence {
        target: Some(examination("10.96.0.12", [Trial::Passed; 3])),
        replicas: ReplicaExaminations { listing: Listing::Listed, all, excused: vec![] },
        look_up: LookUp::Answered,
        nameservers: vec![nameserver("10.96.0.10", 8, true, Answer::Found)],
        series: Some(counts(16, Lost::default())),
        flows: Some(SilentFlows { asked: 0, dead: 0 }),
        ..nothing()
    }
}

/// Nothing was found out.
fn nothing() -> Evidence {
    Evidence {
        host: "smoker-server".into(),
        target: None,
        replicas: ReplicaExaminations { listing: Listing::NotAsked, all: vec![], excused: vec![] },
        replica_failed: false,
        look_up: LookUp::NotAsked,
        nameservers: vec![],
        series: None,
        flows: None,
        path: None,
        slowness: None,
        starved: None,
        loss_threshold_basis_points: 100,
    }
}

fn nameserver(address: &str, udp_answered: usize, tcp: bool, record: Answer) -> Surveyed {
    let address: IpAddr = address.parse().unwrap();
    Surveyed {
        nameserver: (address, 53).into(),
        udp_asked: 8,
        udp_answered,
        tcp: if tcp { Reached::Answered } else { Reached::Silent },
        record: Some(record),
        kubernetes: Some(if udp_answered > 0 { Answer::Found } else { record }),
        addresses: vec![],
    }
}

fn counts(sent: u64, lost: Lost) -> Counts {
    Counts { sent, answered: sent - lost.total(), lost, ..Counts::default() }
}

fn burst(lost: u64, dead_ports: usize, lossy_ports: usize) -> Burst {
    let counts = counts(256, Lost { forward: lost, ..Lost::default() });
    Burst { counts, refused: 0, ports: 64, dead_ports, lossy_ports }
}

impl Evidence {
    fn target_probes(&mut self) -> &mut [Probe] {
        &mut self.target.as_mut().unwrap().probes
    }

    /// The target's protocols fail like this, first and again.
    fn target(mut self, tries: [Tries; 3]) -> Self {
        for (probe, (failures, symptom)) in self.target_probes().iter_mut().zip(tries) {
            probe.trial =
                if failures > 0 { retried(Some(symptom), failures, symptom) } else { Trial::Passed };
        }
        self
    }

    fn replica(mut self, at: usize, tries: [Tries; 3]) -> Self {
        for (probe, (failures, symptom)) in self.replicas.all[at].direct.probes.iter_mut().zip(tries) {
            probe.trial = retried(None, failures, symptom);
        }
        self
    }

    fn replicas(self, tries: [Tries; 3]) -> Self {
        self.replica(0, tries).replica(1, tries)
    }

    fn no_replicas(mut self, listing: Listing) -> Self {
        self.replicas = ReplicaExaminations { listing, all: vec![], excused: vec![] };
        self
    }

    fn names(mut self, look_up: LookUp, nameservers: &[Surveyed]) -> Self {
        (self.look_up, self.nameservers) = (look_up, nameservers.to_vec());
        self
    }

    fn bursts(mut self, target: Burst, direct: Burst) -> Self {
        self.target.as_mut().unwrap().burst = Some(target);
        self.replicas.all.iter_mut().for_each(|replica| replica.direct.burst = Some(direct));
        self
    }

    /// No nameserver answers, and the series neither.
    fn silent_dns(mut self) -> Self {
        self.series = Some(counts(16, Lost { unknown: 16, ..Lost::default() }));
        let nameservers = [nameserver("10.96.0.10", 0, false, Answer::Silent)];
        self.names(LookUp::Failed(dns::Error::Timeout), &nameservers)
    }
}

/// Asserts what is said of `evidence`, and in which words.
fn assert_says(evidence: &Evidence, verdict: Verdict, detail: &str, words: &str) {
    let ruling = judge(evidence);
    let said = (ruling.verdict, &*ruling.detail, ruling.evidence.join(","));
    assert_eq!(said, (verdict, detail, words.to_owned()), "{evidence:#?}");
}

fn assert_is(evidence: &Evidence, verdict: Verdict) {
    assert_eq!(judge(evidence).verdict, verdict, "{evidence:#?}");
}

#[test]
fn nothing_wrong_is_healthy() {
    let words = "tcp:ok,udp:ok,http:ok,endpoint:2/2,dns:ok,nameserver:10.96.0.10/8of8";
    assert_says(&well(), Verdict::Healthy, "", words);
    assert_says(&nothing(), Verdict::Healthy, "", "");
}

#[test]
fn what_passes_again_is_transient_whatever_it_was() {
    let mut evidence = well();
    evidence.target_probes()[1].trial = retried(Some(LOST), 0, LOST);
    let detail = "udp timeout failed once and passes when tried again";
    assert_says(&evidence, Verdict::Transient, detail, "tcp:ok,udp:timeout/0of4,http:ok,endpoint:2/2,dns:ok");
    assert_is(&Evidence { replica_failed: true, ..well() }, Verdict::Transient);
    let found = [nameserver("10.96.0.10", 8, true, Answer::Found)];
    assert_is(&well().names(LookUp::Failed(dns::Error::Timeout), &found), Verdict::Transient);
    // One lost datagram is not even that.
    assert_is(
        &Evidence { flows: Some(SilentFlows { asked: 1, dead: 0 }), ..well() }
            .bursts(burst(1, 0, 1), burst(0, 0, 0)),
        Verdict::Healthy,
    );
}

#[test]
fn a_nameserver_that_leaves_questions_unanswered_is_blamed_while_something_answers() {
    let two = |first, second| {
        [
            nameserver("10.96.0.10", first, first > 0, Answer::Found),
            nameserver(
                "10.96.0.11",
                second,
                second > 0,
                if second > 0 { Answer::Found } else { Answer::Silent },
            ),
        ]
    };
    let detail = "10.96.0.11 is silent over UDP and TCP, 1 of 2 nameservers answer whole";
    let words = "dns:ok,nameserver:10.96.0.10/8of8,nameserver:10.96.0.11/0of8/no_tcp,\
                 tcp:ok,udp:ok,http:ok,endpoint:2/2";
    assert_says(&well().names(LookUp::Answered, &two(8, 0)), Verdict::DnsServer, detail, words);
    // A dead replica behind one address, and a blocked UDP port.
    assert_is(&well().names(LookUp::Answered, &two(4, 8)), Verdict::DnsServer);
    assert_is(
        &well()
            .names(LookUp::Failed(dns::Error::Timeout), &[nameserver("10.96.0.10", 0, true, Answer::Found)]),
        Verdict::DnsServer,
    );
    assert_is(&well().silent_dns(), Verdict::DnsServer);
    let no_tcp = |address| nameserver(address, 8, false, Answer::Found);
    let udp_alone = well().names(LookUp::Answered, &[no_tcp("10.96.0.10"), no_tcp("10.96.0.11")]);
    assert_is(&udp_alone, Verdict::DnsServer);
    assert!(judge(&udp_alone).detail.starts_with("10.96.0.10 answers over UDP and is silent over TCP"));
    assert_is(
        &well().names(
            LookUp::Answered,
            &[no_tcp("10.96.0.10"), nameserver("10.96.0.11", 8, true, Answer::Found)],
        ),
        Verdict::Healthy,
    );
    // One question may be lost.
    assert_is(&well().names(LookUp::Answered, &two(7, 8)), Verdict::Healthy);
}

#[test]
fn a_name_that_the_nameservers_do_not_know_is_the_record() {
    let absent = [nameserver("10.96.0.10", 8, true, Answer::Absent)];
    let detail = "10.96.0.10 says that smoker-server does not exist, kubernetes.default is found";
    let words = "dns:not_found,nameserver:10.96.0.10/8of8,tcp:ok,udp:ok,http:ok";
    let evidence = well().names(LookUp::Failed(dns::Error::NotFound), &absent);
    assert_says(&evidence, Verdict::DnsRecord, detail, words);
    let failed = [
        nameserver("10.96.0.10", 8, true, Answer::Failed),
        nameserver("10.96.0.11", 0, false, Answer::Silent),
    ];
    assert_is(&well().names(LookUp::Failed(dns::Error::ServerFailure), &failed), Verdict::DnsRecord);
    // One that fails without any other sign of life may only lack a way out.
    let cut_off =
        well().target(hole()).replicas(hole()).names(LookUp::Failed(dns::Error::ServerFailure), &failed);
    assert_is(&cut_off, Verdict::PodNetwork);
    // One that knows no cluster is no witness while another is silent.
    let mut foreign = [
        nameserver("10.96.0.10", 0, false, Answer::Silent),
        nameserver("192.168.1.1", 8, true, Answer::Absent),
    ];
    foreign[1].kubernetes = Some(Answer::Absent);
    assert_is(&well().names(LookUp::Failed(dns::Error::NotFound), &foreign), Verdict::DnsServer);
    // Without an address, too.
    let nowhere = Evidence { target: None, ..evidence.no_replicas(Listing::Empty) };
    assert_is(&nowhere, Verdict::DnsRecord);
}

#[test]
fn a_target_without_replicas_is_distinguished_from_one_whose_replicas_are_not_known() {
    let refused = || well().target([fail(REFUSED); 3]);
    let detail = "10.96.0.12 refuses over tcp, udp, http, and no replica is listed: nothing runs";
    let words = "tcp:refused,udp:refused,http:refused,endpoint:0/0,dns:ok";
    assert_says(&refused().no_replicas(Listing::Empty), Verdict::NoReplica, detail, words);
    assert_is(&well().target(hole()).no_replicas(Listing::Empty), Verdict::NoReplica);
    assert_is(&well().no_replicas(Listing::Empty), Verdict::Healthy);
    assert_is(&refused().no_replicas(Listing::NotConfigured), Verdict::Server);
    assert_is(&refused().no_replicas(Listing::Failed), Verdict::Server);
    assert_is(&well().target(hole()).no_replicas(Listing::NotConfigured), Verdict::Unknown);
}

#[test]
fn a_target_that_fails_before_replicas_that_answer_is_the_service() {
    let mut evidence = well().target([fail(SILENT), PASS, PASS]);
    let detail = "10.96.0.12:8080 times out, 2 of 2 replicas answer directly";
    let words = "tcp:timeout,udp:ok,http:ok,endpoint:2/2,burst:0of256,ports:0of64,dns:ok";
    assert_says(&evidence, Verdict::Service, detail, words);
    evidence.target.as_mut().unwrap().address = "fd00::12".parse().unwrap();
    assert!(judge(&evidence).detail.starts_with("[fd00::12]:8080 times out"), "{evidence:#?}");
    assert_is(&well().target(hole()), Verdict::Service);
    assert_is(&well().target([sometimes(REFUSED), PASS, PASS]), Verdict::Service);
    // One silent try of four may be bad luck.
    assert_is(&well().target([PASS, sometimes(LOST), PASS]), Verdict::Transient);
    // One of two rules leads nowhere: half of the new source ports, and none on the way to a replica.
    let half = well().bursts(burst(124, 31, 0), burst(0, 0, 0));
    assert_is(&half, Verdict::Service);
    assert!(judge(&half).detail.starts_with("31 of 64 new source ports to 10.96.0.12 lose all"), "{half:#?}");
}

#[test]
fn replicas_are_blamed_one_by_one() {
    let frozen = [fail(LOST); 3];
    let evidence = well().replica(1, frozen).target([sometimes(LOST), PASS, PASS]);
    let detail = "10.244.2.7 accepts and does not answer, 1 of 2 replicas answer";
    assert_says(&evidence, Verdict::Replica, detail, "endpoint:1/2,tcp:timeout/1of4,udp:ok,http:ok,dns:ok");
    let udp_alone = well().replica(0, [PASS, fail(LOST), PASS]);
    assert!(judge(&udp_alone).detail.starts_with("10.244.1.7 times out over udp, "), "{udp_alone:#?}");
    // Behind the target its flows and half of the new ports are dead, and the target may not notice.
    let dead = well().replica(1, hole()).bursts(burst(120, 30, 0), burst(0, 0, 0));
    let mut dead = Evidence { flows: Some(SilentFlows { asked: 8, dead: 8 }), ..dead };
    dead.replicas.all[1].direct.burst = Some(burst(256, 64, 0));
    assert_is(&dead, Verdict::Replica);
    // Where those that answer run here, it may as well be the way to all others.
    let mut here = evidence.clone();
    here.replicas.all[0].is_on_this_node = true;
    assert!(judge(&here).detail.ends_with("1 of 2 replicas answer, only on this node"));
    // One try of several is not it.
    assert_is(&well().replica(1, [sometimes(SILENT), PASS, PASS]), Verdict::Healthy);
}

#[test]
fn replicas_that_are_all_reached_are_the_server() {
    for wrong in [[fail(REFUSED); 3], [fail(LOST); 3], [fail(REFUSED), fail(REFUSED), fail(OTHER_BYTES)]] {
        assert_is(&well().target(wrong).replicas(wrong), Verdict::Server);
    }
    let http = Symptom { error: Error::HttpStatus(500), phase: Phase::Receive };
    let wrong = [PASS, PASS, fail(http)];
    let detail = "10.96.0.12:8082 answers http_500, and so do 2 of 2 replicas";
    let words = "tcp:ok,udp:ok,http:http_500,endpoint:0/2,dns:ok";
    assert_says(&well().target(wrong).replicas(wrong), Verdict::Server, detail, words);
}

#[test]
fn replicas_of_which_none_is_reached_are_the_pod_network_while_the_nameservers_answer() {
    let detail = "10.96.0.12 times out over tcp, udp, http, none of 2 replicas is reached directly";
    let words = "tcp:timeout,udp:timeout,http:timeout,endpoint:0/2,dns:ok,nameserver:10.96.0.10/8of8";
    assert_says(&well().target(hole()).replicas(hole()), Verdict::PodNetwork, detail, words);
    assert_is(&well().target([fail(NO_WAY); 3]).replicas([fail(NO_WAY); 3]), Verdict::PodNetwork);
    // A Service that refuses at once says that it has no replica that is ready: no rule fits.
    assert_is(&well().target([fail(REFUSED); 3]).replicas(hole()), Verdict::Unknown);
}

#[test]
fn one_of_the_protocols_is_a_port() {
    let udp = [PASS, fail(LOST), PASS];
    let detail = "10.96.0.12:8081 times out, tcp and http pass, and alike on 2 of 2 replicas";
    let words = "tcp:ok,udp:timeout,http:ok,endpoint:0/2,dns:ok";
    let dead = burst(256, 64, 0);
    assert_says(&well().target(udp).replicas(udp).bursts(dead, dead), Verdict::Port, detail, words);
    assert_is(&well().target(udp).no_replicas(Listing::NotConfigured), Verdict::Port);
    for blocked in [SILENT, REFUSED, NO_WAY] {
        let http = [PASS, PASS, fail(blocked)];
        assert_is(&well().target(http).replicas(http), Verdict::Port);
    }
}

#[test]
fn large_packets_that_vanish_are_the_mtu() {
    let path = |finding, mtu| {
        let report = PathReport { finding, mtu, interface: Some(1500), reported_by: None };
        Some(MeasuredPath { address: "10.96.0.12".parse().unwrap(), report })
    };
    let forward = || path(PathFinding::BlackHole(Some(Direction::Forward)), Some(1400));
    let detail = "packets of more than 1400 bytes vanish on the way to 10.96.0.12, the interface takes 1500";
    let words = "mtu:1400of1500,tcp:ok,udp:ok,http:ok";
    assert_says(&Evidence { path: forward(), ..well() }, Verdict::Mtu, detail, words);
    let somewhere = path(PathFinding::BlackHole(None), None);
    let detail = "large packets vanish on the way to or from 10.96.0.12, the interface takes 1500";
    let words = "mtu:unknownof1500,tcp:ok,udp:ok,http:ok";
    assert_says(&Evidence { path: somewhere, ..well() }, Verdict::Mtu, detail, words);
    // Where small ones vanish as well it is more than that, and where the sender gets an ICMP error,
    // nothing.
    let evidence = Evidence { path: forward(), ..well().target(hole()).replicas(hole()) };
    assert_is(&evidence, Verdict::PodNetwork);
    assert_is(&Evidence { path: path(PathFinding::Smaller, Some(1400)), ..well() }, Verdict::Healthy);
}

#[test]
fn loss_is_random_and_above_the_threshold() {
    let evidence = well().target([sometimes(SILENT), PASS, PASS]).bursts(burst(13, 0, 12), burst(3, 0, 3));
    let detail = "5.1% of 256 datagrams lost, on the way there";
    let words = "burst:13of256,ports:0of64,tcp:timeout/1of4,udp:ok,http:ok,endpoint:2/2";
    assert_says(&evidence, Verdict::Loss, detail, words);
    // It explains single probes that fail, even a few in a row.
    let unlucky = well().replica(1, [PASS, fail(LOST), PASS]).bursts(burst(150, 8, 52), burst(140, 7, 50));
    assert_is(&unlucky, Verdict::Loss);
    assert_is(&well().bursts(burst(2, 0, 2), burst(0, 0, 0)), Verdict::Healthy);
    // A dead replica behind a node that forgets what it drops: none is lost on the way to the other.
    let mut forgetful = well().replica(1, hole()).bursts(burst(70, 6, 40), burst(0, 0, 0));
    forgetful.replicas.all[1].direct.burst = Some(burst(256, 64, 0));
    assert_is(&forgetful, Verdict::Replica);
    let stale = well().bursts(burst(70, 1, 40), burst(0, 0, 0));
    assert_is(&stale, Verdict::Service);
    let detail = "70 of 256 datagrams to 10.96.0.12 are lost, none on the way to replicas";
    assert!(judge(&stale).detail.starts_with(detail), "{stale:#?}");
    let lost = Lost { forward: 6, return_: 5, unknown: 2 };
    let both = Burst { counts: counts(256, lost), ..burst(13, 0, 12) };
    let detail = judge(&well().bursts(both, both)).detail;
    assert!(detail.ends_with("6 on the way there, 5 on the way back, 2 somewhere"), "{detail}");
}

#[test]
fn old_flows_that_die_alone_are_conntrack() {
    let evidence = Evidence { flows: Some(SilentFlows { asked: 8, dead: 8 }), ..well() };
    let detail = "8 long-lived flows get no answer, 64 of 64 new source ports do";
    let words = "series:0of16,flows:8of8,burst:0of256,ports:0of64,tcp:ok,udp:ok,http:ok,endpoint:2/2";
    assert_says(&evidence, Verdict::Conntrack, detail, words);
    let mut without_burst = evidence.clone();
    without_burst.target.as_mut().unwrap().burst = None;
    assert_is(&without_burst, Verdict::Unknown);
    // A replica that is listed and dead is the replica.
    assert_is(&Evidence { ..evidence.replica(1, hole()) }, Verdict::Replica);
    // The other way round: nothing new passes, not even to a nameserver.
    let nothing_new =
        || well().target(hole()).replicas(hole()).silent_dns().bursts(burst(256, 64, 0), burst(256, 64, 0));
    let full = Evidence { series: Some(counts(16, Lost::default())), ..nothing_new() };
    assert_is(&full, Verdict::Conntrack);
    assert!(judge(&full).detail.starts_with("long-lived flows are answered, nothing new is"), "{full:#?}");
    assert_is(&nothing_new(), Verdict::Local);
}

#[test]
fn a_share_of_the_source_ports_is_a_flow_if_it_is_one_towards_replicas_as_well() {
    let eighth = burst(32, 8, 0);
    let evidence = well().target([PASS, sometimes(LOST), PASS]).bursts(eighth, burst(16, 7, 1));
    let detail = "8 of 64 new source ports lose every datagram, the others hardly any: one of several paths";
    let words = "burst:32of256,ports:8of64,direct:10.244.1.7/7of64,direct:10.244.2.7/7of64,\
                 tcp:ok,udp:timeout/1of4,http:ok";
    assert_says(&evidence, Verdict::Flow, detail, words);
    // A replica whose own port is among them fails alike, and so do old flows.
    let unlucky = well().replica(1, [PASS, fail(LOST), PASS]).bursts(eighth, eighth);
    assert_is(&Evidence { flows: Some(SilentFlows { asked: 2, dead: 2 }), ..unlucky }, Verdict::Flow);
    // Without replicas it may as well be one of several behind the target.
    let unknown = well().no_replicas(Listing::NotConfigured).bursts(eighth, eighth);
    let detail = judge(&unknown).detail;
    assert_is(&unknown, Verdict::Unknown);
    assert!(detail.ends_with("or of several paths: set ENDPOINTS_HOST to find out"), "{detail}");
    // And where those that do not lose all lose a lot, it is loss.
    let nearly_all = || burst(230, 42, 22);
    assert_is(&well().bursts(nearly_all(), burst(240, 52, 12)), Verdict::Loss);
    assert_is(&well().bursts(burst(4, 1, 0), burst(0, 0, 0)), Verdict::Unknown);
}

#[test]
fn silence_everywhere_is_local() {
    let nowhere = well().target([fail(NO_WAY); 3]).replicas([fail(NO_WAY); 3]);
    let detail = "nothing answers: neither 10.96.0.12 nor 10.96.0.10";
    let words =
        "tcp:unreachable,udp:unreachable,http:unreachable,endpoint:0/2,nameserver:10.96.0.10/0of8/no_tcp";
    assert_says(&nowhere.clone().silent_dns(), Verdict::Local, detail, words);
    assert_is(&well().target(hole()).replicas(hole()).silent_dns(), Verdict::Local);
    // A refusal is an answer, of a nameserver as well.
    let mut refusing = nowhere.clone().silent_dns();
    refusing.nameservers[0].tcp = Reached::Refused;
    assert_is(&refusing, Verdict::PodNetwork);
    let refused = well().target([fail(REFUSED); 3]).replicas([fail(REFUSED); 3]);
    assert_is(&refused.silent_dns(), Verdict::Server);
    // Without an address, silence may be the nameservers' own.
    let unresolved = Evidence { target: None, ..well().no_replicas(Listing::Failed).silent_dns() };
    assert_is(&unresolved, Verdict::Unknown);
    let mut no_way = unresolved;
    no_way.nameservers[0].record = Some(Answer::Unreachable);
    assert_is(&no_way, Verdict::Local);
    no_way.nameservers[0].tcp = Reached::Refused;
    assert_is(&no_way, Verdict::DnsServer);
}

#[test]
fn slowness_is_said_where_nothing_fails() {
    let ms = Duration::from_millis;
    let slowness = Some(Slowness { now: ms(52), server: None, usual: ms(1) });
    let words = "latency:52.000ms/1.000ms,tcp:ok,udp:ok,http:ok";
    let detail = "latency is 52.000ms, this node's median was 1.000ms";
    assert_says(&Evidence { slowness, ..well() }, Verdict::Slow, detail, words);
    let by_server = slowness.map(|slowness| Slowness { server: Some(ms(50)), ..slowness });
    let detail = "latency is 52.000ms, 50.000ms of it the server's own, this node's median was 1.000ms";
    assert_says(&Evidence { slowness: by_server, ..well() }, Verdict::Slow, detail, words);
    assert_is(&Evidence { slowness, ..well().target(hole()) }, Verdict::Service);
}

#[test]
fn a_starved_prober_is_doubted_before_everything() {
    for starved in Starved::ALL {
        let evidence =
            Evidence { starved: Some(starved), ..well().target(hole()).replicas(hole()).silent_dns() };
        let ruling = judge(&evidence);
        assert_eq!(ruling.verdict, Verdict::Prober);
        assert_eq!(ruling.evidence[..2], [format!("prober:{}", starved.name()), "tcp:timeout".into()]);
    }
}

#[test]
fn every_verdict_has_a_name_of_its_own_and_is_found_by_it() {
    for verdict in Verdict::ALL {
        assert_eq!(Verdict::of(verdict.name()), Some(verdict));
        assert_eq!(verdict.advice().calls.is_some(), verdict.is_fault(), "{verdict}");
    }
    assert_eq!(Verdict::of("Healthy"), None);
    assert_eq!(Verdict::of(""), None);
}

#[test]
fn the_longest_words_fit_a_line() {
    let address = "fd00:1111:2222:3333:4444:5555:6666:7777";
    let direct = examination(address, [retried(None, 4, LOST); 3]);
    let longest = ReplicaExamination { direct, is_on_this_node: false };
    let mut evidence = well();
    evidence.replicas.all.extend(vec![longest; 15]);
    let ruling = judge(&evidence);
    assert!(
        ruling.detail.len() <= MAX_TEXT && ruling.detail.ends_with("2 of 17 replicas answer"),
        "{ruling:?}"
    );
}

/// The last replica could not be tried over any protocol.
fn one_untried(mut evidence: Evidence, why: NotTried) -> Evidence {
    let direct = &mut evidence.replicas.all.last_mut().unwrap().direct;
    direct.burst = None;
    direct.probes.iter_mut().for_each(|probe| probe.trial = Trial::NotTried(why));
    evidence
}

#[test]
fn a_replica_that_was_not_tried_neither_answers_nor_fails() {
    for why in [NotTried::NoTime, NotTried::Shortage] {
        let words = "tcp:ok,udp:ok,http:ok,endpoint:1/2/1untried,dns:ok,nameserver:10.96.0.10/8of8";
        assert_says(&one_untried(well(), why), Verdict::Healthy, "", words);
        // The target fails, but that every replica answers is not known; nor that none is reached.
        assert_is(&one_untried(well().target(hole()), why), Verdict::Unknown);
        let unreached = well().target(hole()).replica(0, hole());
        assert_is(&unreached.clone().replica(1, hole()), Verdict::PodNetwork);
        assert_is(&one_untried(unreached.clone(), why), Verdict::Unknown);
        assert_is(&one_untried(unreached.silent_dns(), why), Verdict::Unknown);
        let refused = well().target([fail(REFUSED); 3]).replica(0, [fail(REFUSED); 3]);
        assert_is(&one_untried(refused, why), Verdict::Unknown);
        // Of long-lived flows that are dead, it may be the replica.
        let flows = Some(SilentFlows { asked: 8, dead: 8 });
        assert_is(&one_untried(Evidence { flows, ..well() }, why), Verdict::Unknown);
        // The one that failed in the round has not passed since.
        let replica_failed = Evidence { replica_failed: true, ..well() };
        assert_is(&replica_failed, Verdict::Transient);
        assert_is(&one_untried(replica_failed, why), Verdict::Unknown);
    }
    // One protocol that fails is enough to fail, and all have to pass to answer.
    let mut evidence = one_untried(well(), NotTried::NoTime);
    let trial = &mut evidence.replicas.all[1].direct.probes[0].trial;
    *trial = retried(None, 0, SILENT);
    assert_is(&evidence, Verdict::Healthy);
    evidence.replicas.all[1].direct.probes[0].trial = retried(None, 4, SILENT);
    let detail = "10.244.2.7 times out over tcp, 1 of 2 replicas answer";
    assert_says(&evidence, Verdict::Replica, detail, "endpoint:1/2,tcp:ok,udp:ok,http:ok,dns:ok");
}

#[test]
fn a_target_that_was_not_retried_has_not_passed_since() {
    let mut evidence = well();
    evidence.target_probes()[0].trial = Trial::Failed { first: SILENT };
    let detail = "10.96.0.12:8080 times out, and no rule fits";
    let words = "tcp:timeout,udp:ok,http:ok,endpoint:2/2,dns:ok,nameserver:10.96.0.10/8of8,\
                 flows:0of0,burst:0of256,ports:0of64,direct:10.244.1.7/0of64,direct:10.244.2.7/0of64";
    assert_says(&evidence, Verdict::Unknown, detail, words);
}

#[test]
fn loss_counts_above_the_threshold_and_without_what_was_refused() {
    let lossy = |lost, refused, sent| {
        let lost = Lost { forward: lost, ..Lost::default() };
        let burst = Burst { counts: counts(sent, lost), refused, ..burst(0, 0, 1) };
        let evidence = well().bursts(burst, burst);
        assert_eq!(evidence.is_directly_lossy(), evidence.is_lossy());
        evidence.is_lossy()
    };
    assert!(!lossy(0, 0, 256) && !lossy(2, 0, 256) && lossy(3, 0, 256));
    assert!(!lossy(1, 0, 100) && lossy(2, 0, 100));
    assert!(!lossy(3, 1, 256) && !lossy(3, 4, 256));
    let strict = Evidence { loss_threshold_basis_points: 0, ..well() };
    assert!(!strict.is_lossy() && strict.bursts(burst(1, 0, 1), burst(0, 0, 0)).is_lossy());
    // What loses everything is dead, and not lossy.
    assert!(!well().bursts(burst(256, 64, 0), burst(256, 64, 0)).is_directly_lossy());
}

#[test]
fn a_burst_that_could_not_be_sent_does_not_pass() {
    let counts = Counts { unsent: 256, ..Counts::default() };
    let unsent = Burst { counts, refused: 0, ports: 0, dead_ports: 0, lossy_ports: 0 };
    let flows = Some(SilentFlows { asked: 8, dead: 8 });
    assert_is(&Evidence { flows, ..well() }.bursts(unsent, unsent), Verdict::Unknown);
    let nothing_new = well().target(hole()).replicas(hole()).silent_dns().bursts(unsent, unsent);
    let series = Some(self::counts(16, Lost::default()));
    assert_is(&Evidence { series, ..nothing_new }, Verdict::Conntrack);
}
