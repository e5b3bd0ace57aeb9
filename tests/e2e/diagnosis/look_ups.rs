//! The look-up that begins a round: its line, and a round that goes on with the addresses last learned.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use super::{briefs, client, lines, next, rounds, until};
use crate::names::server_on;
use crate::support::checking::check;
use crate::support::child::Server;
use crate::support::isolated::{etc, isolated};
use crate::support::line::Line;
use crate::support::nameserver::{NAME_ERROR, NO_ERROR, SERVER_FAILURE, nameserver};
use crate::support::running::Running;
use crate::support::starved::unless_starved;

const CLUSTER: (&str, &str) =
    ("resolv.conf", "nameserver 127.0.0.1\nsearch a.svc.b svc.b b\noptions ndots:5 attempts:1\n");

/// What a nameserver that the test can switch does.
const ANSWER: u8 = 0;
const SILENT: u8 = 1;
const DENY: u8 = 2;
const FAIL: u8 = 3;

/// A nameserver of a cluster in which `server` has these addresses, and what to tell it.
fn cluster(addresses: &'static [&'static str]) -> Arc<AtomicU8> {
    let mood = Arc::new(AtomicU8::new(ANSWER));
    let switched = Arc::clone(&mood);
    nameserver("127.0.0.1", move |question| {
        let mood = switched.load(Ordering::SeqCst);
        match (&*question.name, mood) {
            (_, SILENT) => vec![],
            ("kubernetes.default.svc.b.", _) => vec![question.reply(NO_ERROR, &["10.96.0.1"])],
            ("server.a.svc.b.", ANSWER) => vec![question.reply(NO_ERROR, addresses)],
            (_, FAIL) => vec![question.reply(SERVER_FAILURE, &[])],
            _ => vec![question.reply(NAME_ERROR, &[])],
        }
    });
    mood
}

#[test]
#[ignore = "needs root: its own nameserver"]
fn a_round_begins_with_the_look_up_of_a_name() {
    isolated(|| {
        etc(&[CLUSTER, ("hosts", "127.0.0.2 known\n")]);
        cluster(&["127.0.0.2"]);
        let _server = server_on("127.0.0.2");
        let found = |host, count: &str| Running::start(client(host, &["--count", count])).ended();
        let ended = found("server", "2");
        assert_eq!(ended.status, Some(0));
        let rounds = rounds(&ended, "DNS");
        for round in &rounds {
            let kinds: Vec<&str> = round.iter().take(5).map(|line| &*line.kind).collect();
            assert_eq!(kinds, ["DNS", "TCP", "UDP", "UDP_SERIES", "HTTP"]);
            let look_up = &round[0];
            let fields = ["name", "addresses", "resolver"].map(|key| look_up.get(key).unwrap());
            assert_eq!(fields, ["server.a.svc.b", "127.0.0.2", "127.0.0.1"]);
            assert!(look_up.ms("latency") > 0.0, "{look_up}");
            assert!(round.iter().all(|line| line.get("address").is_none()), "{round:?}");
        }
        assert_eq!(rounds.len(), 2);
        let by_hosts = found("known", "1");
        let look_up = Line::of(&by_hosts.lines[0]);
        let fields = ["name", "addresses", "resolver"].map(|key| look_up.get(key).unwrap());
        assert_eq!((fields, look_up.brief()), (["known", "127.0.0.2", "hosts"], "DNS SUCCESS".into()));
        // An address is not looked up.
        let by_address = found("127.0.0.2", "1");
        assert!(by_address.lines.iter().all(|line| Line::of(line).kind != "DNS"), "{:?}", by_address.lines);
    });
}

#[test]
#[ignore = "needs root: its own nameserver"]
fn every_address_of_a_name_is_logged() {
    isolated(|| {
        etc(&[CLUSTER]);
        cluster(&["127.0.0.2", "127.0.0.3", "::1"]);
        let _server = server_on("127.0.0.2");
        let (ended, lines) = check("server", &[]);
        let look_up = Line::of(&ended.lines[0]);
        assert_eq!(look_up.list("addresses"), ["127.0.0.2", "127.0.0.3", "::1"]);
        assert!(lines.iter().all(|line| line.get("address").unwrap().starts_with("127.0.0.2:")), "{lines:?}");
    });
}

/// While the name cannot be looked up, whatever the reason, the rest is as it was, and says where from.
#[test]
#[ignore = "needs root: its own nameserver"]
fn a_silent_nameserver_does_not_hide_the_rest() {
    assert_rest_is_probed(SILENT, "dns_timeout", "dns_server");
}

#[test]
#[ignore = "needs root: its own nameserver"]
fn a_name_that_is_not_found_does_not_hide_the_rest() {
    assert_rest_is_probed(DENY, "dns_not_found", "dns_record");
}

#[test]
#[ignore = "needs root: its own nameserver"]
fn a_nameserver_that_fails_does_not_hide_the_rest() {
    assert_rest_is_probed(FAIL, "dns_server_failure", "dns_record");
}

/// Asserts that the cached address is probed while look-ups fail, and that the fault and its end are logged.
fn assert_rest_is_probed(fault: u8, error: &str, verdict: &str) {
    unless_starved(|| {
        isolated(|| {
            etc(&[CLUSTER]);
            let mood = cluster(&["127.0.0.2"]);
            let _server = server_on("127.0.0.2");
            let client = Running::start(client("server", &["--timeout=300ms", "--mtu-interval=0"]));
            assert_eq!(next(&client, "VERDICT").brief(), "VERDICT healthy");
            mood.store(fault, Ordering::SeqCst);
            let failed = format!("DNS {error} resolve");
            let look_up = until(&client, "DNS", &failed).pop().unwrap();
            assert_eq!((look_up.get("name"), look_up.get("cached")), (Some("server"), Some("127.0.0.2")));
            let rest: Vec<Line> = lines(&client).take(4).collect();
            assert_eq!(briefs(&rest), ["TCP SUCCESS", "UDP SUCCESS", "UDP_SERIES SUCCESS", "HTTP SUCCESS"]);
            for line in rest.iter().filter(|line| line.is_probe()) {
                assert_eq!(line.get("address"), Some("cached"), "{line}");
            }
            let verdict_line = next(&client, "VERDICT");
            assert_eq!(verdict_line.event, verdict, "{verdict_line}");
            let word = error.replacen('_', ":", 1);
            assert!(verdict_line.list("evidence").contains(&&*word), "{verdict_line}");
            // The failures of one row are counted on.
            let again = until(&client, "DNS", &failed).pop().unwrap();
            assert_eq!(again.row(), (look_up.row().0 + 1, look_up.row().1), "{again}");
            mood.store(ANSWER, Ordering::SeqCst);
            let healthy = until(&client, "VERDICT", "VERDICT healthy").pop().unwrap();
            assert_eq!(healthy.get("was"), Some(verdict), "{healthy}");
            let probe = lines(&client).find(|line| line.kind == "TCP").unwrap();
            assert_eq!(probe.get("address"), None, "{probe}");
        });
    });
}

#[test]
#[ignore = "needs root: its own nameserver"]
fn with_both_nameserver_and_server_gone_each_has_its_own_line() {
    isolated(|| {
        etc(&[CLUSTER]);
        let mood = cluster(&["127.0.0.2"]);
        let server = server_on("127.0.0.2");
        let client = Running::start(client("server", &["--timeout=300ms", "--mtu-interval=0"]));
        assert_eq!(next(&client, "VERDICT").brief(), "VERDICT healthy");
        mood.store(SILENT, Ordering::SeqCst);
        drop(server);
        let mut lines = lines(&client).skip_while(|line| line.brief() != "TCP refused connect");
        let tcp = lines.next().unwrap();
        assert!(["cached", "127.0.0.2:8080"].contains(&tcp.get("address").unwrap()), "{tcp}");
        let tcp = lines.find(|line| line.kind == "TCP" && line.get("address") == Some("cached")).unwrap();
        assert_eq!(tcp.brief(), "TCP refused connect");
    });
}

/// Of several nameservers one is silent: the look-up succeeds all the same, and the silence is reported.
#[test]
#[ignore = "needs root: its own nameservers"]
fn a_silent_nameserver_among_others_is_named() {
    unless_starved(|| {
        isolated(|| {
            etc(&[(
                "resolv.conf",
                "nameserver 127.0.0.1\nnameserver 127.0.0.5\nsearch a.svc.b svc.b b\noptions ndots:5\n",
            )]);
            cluster(&["127.0.0.2"]);
            nameserver("127.0.0.5", |_| vec![]);
            let _server = server_on("127.0.0.2");
            let (ended, probes) = check("server", &["--timeout=1s"]);
            assert_eq!(Line::of(&ended.lines[0]).brief(), "DNS SUCCESS");
            assert!(probes.iter().all(|line| line.event == "SUCCESS"));
            let verdict = Line::of(ended.lines.last().unwrap());
            assert_eq!((verdict.brief(), ended.status), ("VERDICT dns_server".into(), Some(1)));
            assert!(verdict.get("detail").unwrap().contains("127.0.0.5 is silent over UDP"), "{verdict}");
            let evidence = verdict.list("evidence");
            assert_eq!(evidence[..2], ["dns:ok", "nameserver:127.0.0.1/8of8"], "{verdict}");
            assert!(evidence[2].starts_with("nameserver:127.0.0.5/0of8"), "{verdict}");
        });
    });
}

/// The server that runs where these tests run has an address that no test may take for another.
#[test]
fn an_address_needs_no_nameserver() {
    let server = Server::start(&["--log-level=error"]);
    let ended = Running::start(super::client_of(&server, &["--count=1", "--mtu-interval=0"])).ended();
    let kinds: Vec<String> = ended.lines.iter().map(|line| Line::of(line).kind).collect();
    assert!(!kinds.contains(&"DNS".to_owned()) && ended.status == Some(0), "{kinds:?}");
}
