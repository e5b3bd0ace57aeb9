//! The replicas behind the target, as `ENDPOINTS_HOST` lists them: each in its turn while all is well, all of
//! them when something fails.

use std::fs;
use std::process::Command;

use super::{briefs, client, lines, next, of_kinds, until};
use crate::support::isolated::{etc, filter, isolated, run};
use crate::support::line::Line;
use crate::support::nameserver::{NAME_ERROR, NO_ERROR, nameserver};
use crate::support::running::{Ended, Running};
use crate::support::smoker;
use crate::support::starved::unless_starved;

const HOSTS: &str = "127.0.0.2 service\n127.0.0.2 replicas\n127.0.0.3 replicas\n127.0.0.4 replicas\n";
const REPLICAS: &str = "--endpoints-host=replicas";

/// The pod of this name at this address, on the default ports.
fn pod(address: &str, name: &str, flags: &[&str]) -> Running {
    let mut command = smoker();
    command.args(["server", "--log-level=error", "--bind", address, "--pod-name", name]).args(flags);
    let server = Running::start(command);
    (0..3).for_each(|_| assert!(server.line().contains("LISTENING")));
    server
}

fn stop(pod: Running) {
    pod.signal("KILL");
    pod.ended();
}

/// A client of `service` and its replicas that measures no path.
fn watcher(flags: &[&str]) -> Command {
    client("service", &[&[REPLICAS, "--mtu-interval=0", "--timeout=1s"], flags].concat())
}

/// `smoker check HOST`, ended, and its verdict.
fn checked(host: &str, flags: &[&str]) -> (Ended, Line) {
    let mut command = smoker();
    command.args(["check", host, "--node-name=n", "--timeout=1s", REPLICAS]).args(flags);
    let ended = Running::start(command).ended();
    let verdict = Line::of(ended.lines.last().unwrap());
    (ended, verdict)
}

#[test]
#[ignore = "needs root: its own /etc/hosts"]
fn each_replica_has_its_turn_and_is_named() {
    isolated(|| {
        etc(&[("hosts", HOSTS)]);
        let _pods = ["2", "3", "4"].map(|last| pod(&format!("127.0.0.{last}"), &format!("pod-{last}"), &[]));
        let ended = Running::start(watcher(&["--count=6"])).ended();
        let turns = of_kinds(&ended, &["ENDPOINT"]);
        assert_eq!((briefs(&turns), ended.status), (vec!["ENDPOINT SUCCESS".to_owned(); 6], Some(0)));
        for line in &turns {
            let (address, pod) = (line.get("address").unwrap(), line.get("pod").unwrap());
            assert_eq!(pod.replace("pod-", "127.0.0."), address, "{line}");
            assert_eq!(line.get("instance"), None, "{line}");
        }
        for turns in turns.windows(3) {
            let mut addresses: Vec<&str> = turns.iter().map(|line| line.get("address").unwrap()).collect();
            addresses.sort_unstable();
            assert_eq!(addresses, ["127.0.0.2", "127.0.0.3", "127.0.0.4"]);
        }
        // The pod behind the target is named by its own probe too.
        assert!(of_kinds(&ended, &["HTTP"]).iter().all(|line| line.get("pod") == Some("pod-2")));
        let summary = of_kinds(&ended, &["SUMMARY"]).into_iter().find(|line| line.event == "ENDPOINT");
        assert_eq!(summary.unwrap().count("count"), 6);
        // Without the setting there are none, nor without the protocol that names who answers.
        let count = |command: Command| of_kinds(&Running::start(command).ended(), &["ENDPOINT"]).len();
        assert_eq!(count(client("service", &["--count=2", "--mtu-interval=0"])), 0);
        assert_eq!(count(watcher(&["--count=2", "--protocols=tcp,udp"])), 0);
    });
}

#[test]
#[ignore = "needs root: its own /etc/hosts"]
fn a_replica_that_was_restarted_is_reported_once() {
    isolated(|| {
        etc(&[("hosts", "127.0.0.2 service\n127.0.0.3 replicas\n")]);
        let _service = pod("127.0.0.2", "service", &[]);
        let before = pod("127.0.0.3", "a", &[]);
        let client = Running::start(watcher(&[]));
        (0..3).for_each(|_| assert_eq!(next(&client, "ENDPOINT").get("instance"), None));
        stop(before);
        let failed = until(&client, "ENDPOINT", "ENDPOINT refused connect").pop().unwrap();
        assert_eq!((failed.get("address"), failed.get("protocol")), (Some("127.0.0.3:8082"), Some("http")));
        assert_eq!((failed.row().0, failed.get("excused")), (1, None));
        let _after = pod("127.0.0.3", "b", &[]);
        let back = until(&client, "ENDPOINT", "ENDPOINT SUCCESS").pop().unwrap();
        assert_eq!((back.get("pod"), back.get("instance")), (Some("b"), Some("changed")));
        (0..3).for_each(|_| assert_eq!(next(&client, "ENDPOINT").get("instance"), None));
    });
}

#[test]
#[ignore = "needs root: its own /etc/hosts"]
fn a_dead_replica_is_named_and_its_return_is_reported() {
    isolated(|| {
        etc(&[("hosts", HOSTS)]);
        let [_two, three, _four] = ["2", "3", "4"].map(|last| pod(&format!("127.0.0.{last}"), last, &[]));
        let client = Running::start(watcher(&[]));
        assert_eq!(next(&client, "VERDICT").brief(), "VERDICT healthy");
        stop(three);
        // The target does not miss it, and so it may be gone for as long as a list may be old. In half a
        // minute a busy machine may have starved the prober.
        let mut printed = until(&client, "VERDICT", "VERDICT replica");
        let verdict = printed.pop().unwrap();
        let of_prober = |line: &Line| line.event == "prober" || line.get("was") == Some("prober");
        assert!(printed.iter().all(of_prober), "{printed:?}");
        assert_eq!(verdict.get("detail"), Some("\"127.0.0.3 refuses, 2 of 3 replicas answer\""));
        assert!(verdict.list("evidence").contains(&"endpoint:2/3"), "{verdict}");
        let _three = pod("127.0.0.3", "3", &[]);
        let healthy = next(&client, "VERDICT");
        assert_eq!((healthy.brief(), healthy.get("was")), ("VERDICT healthy".into(), Some("replica")));
    });
}

#[test]
#[ignore = "needs root: its own /etc/hosts"]
fn a_replica_that_drains_or_is_no_longer_listed_is_no_fault() {
    isolated(|| {
        etc(&[("hosts", HOSTS)]);
        let [_two, three, four] =
            ["2", "3", "4"].map(|last| pod(&format!("127.0.0.{last}"), last, &["--drain-delay=1m"]));
        let client = Running::start(watcher(&[]));
        let mut verdicts = Vec::new();
        let mut turn = || {
            let printed = lines(&client)
                .inspect(|line| verdicts.extend((line.kind == "VERDICT").then(|| line.brief())));
            printed.into_iter().find(|line| line.kind == "ENDPOINT").unwrap()
        };
        (0..3).for_each(|_| assert_eq!(turn().brief(), "ENDPOINT SUCCESS"));
        // It goes on answering, and says in every reply that it drains: each client has had a turn.
        three.signal("TERM");
        (0..4).for_each(|_| assert_eq!(turn().brief(), "ENDPOINT SUCCESS"));
        stop(three);
        let mut turns = std::iter::repeat_with(&mut turn);
        let gone = turns.find(|line| line.event == "FAILED").unwrap();
        assert_eq!((gone.get("address"), gone.get("excused")), (Some("127.0.0.3:8082"), Some("draining")));
        // The list forgets the other one before it goes; a round may be under way.
        fs::write("/etc/hosts", HOSTS.replace("127.0.0.4 replicas\n", "")).unwrap();
        let mut turns = turns.skip(1);
        assert!(turns.by_ref().take(4).all(|line| !line.get("address").unwrap().starts_with("127.0.0.4")));
        stop(four);
        assert!(turns.take(4).all(|line| !line.get("address").unwrap().starts_with("127.0.0.4")));
        assert_eq!(verdicts, ["VERDICT healthy"]);
    });
}

/// The Service's address leads nowhere, and the replicas behind it are asked directly.
#[test]
#[ignore = "needs root: its own /etc/hosts"]
fn a_service_that_fails_before_replicas_that_answer_is_to_blame() {
    unless_starved(|| {
        isolated(|| {
            etc(&[("hosts", &HOSTS.replace("127.0.0.2 service", "127.0.0.9 service"))]);
            let pods = ["2", "3", "4"].map(|last| pod(&format!("127.0.0.{last}"), last, &[]));
            let (ended, verdict) = checked("service", &[]);
            assert_eq!((ended.status, verdict.brief()), (Some(1), "VERDICT service".into()));
            let detail = "\"127.0.0.9 refuses over tcp, udp, http, 3 of 3 replicas answer directly\"";
            assert_eq!(verdict.get("detail"), Some(detail));
            let evidence = verdict.list("evidence");
            assert_eq!(evidence[..4], ["tcp:refused", "udp:refused", "http:refused", "endpoint:3/3"]);
            // A dead address is as good as one that refuses.
            filter("input", "ip daddr 127.0.0.9 drop");
            let (_, verdict) = checked("service", &["--protocols=tcp"]);
            assert_eq!(verdict.brief(), "VERDICT service", "{verdict}");
            filter("input", "");
            // All of them refuse: no replica serves.
            pods.into_iter().for_each(stop);
            let (_, verdict) = checked("service", &[]);
            assert_eq!(verdict.brief(), "VERDICT server", "{verdict}");
            assert!(verdict.list("evidence").contains(&"endpoint:0/3"), "{verdict}");
        });
    });
}

#[test]
#[ignore = "needs root: its own nameserver"]
fn a_service_without_a_replica_listed_has_none() {
    unless_starved(|| {
        isolated(|| {
            etc(&[("resolv.conf", "nameserver 127.0.0.1\n")]);
            nameserver("127.0.0.1", |question| match &*question.name {
                "service." => vec![question.reply(NO_ERROR, &["127.0.0.9"])],
                _ => vec![question.reply(NAME_ERROR, &[])],
            });
            let (ended, verdict) = checked("service", &[]);
            assert_eq!((ended.status, verdict.brief()), (Some(1), "VERDICT no_replica".into()), "{verdict}");
            assert!(verdict.get("detail").unwrap().ends_with("and no replica is listed: nothing runs\""));
            assert!(verdict.list("evidence").contains(&"endpoint:0/0"), "{verdict}");
        });
    });
}

/// A rule on the way gives the client another address, to HTTP alone.
#[test]
#[ignore = "needs root: a packet filter"]
fn an_address_that_was_translated_on_the_way_is_reported() {
    isolated(|| {
        let _server = pod("127.0.0.2", "two", &[]);
        let seen_as = |kind: &str| {
            let ended = Running::start(client("127.0.0.2", &["--count=1", "--mtu-interval=0"])).ended();
            of_kinds(&ended, &[kind])[0].get("seen_as").map(str::to_owned)
        };
        assert_eq!(seen_as("HTTP"), None);
        let rule = "ip daddr 127.0.0.2 tcp dport 8082 snat to 127.0.0.7";
        let chain = format!("chain c {{ type nat hook postrouting priority 100;\n{rule}\n}}");
        run(&["nft", "-f", "-"], &format!("table ip t {{\n{chain}\n}}\n"));
        assert!(seen_as("HTTP").is_some_and(|address| address.starts_with("127.0.0.7:")));
        assert_eq!(seen_as("TCP"), None);
    });
}

/// One server answers at every address of the loopback.
#[test]
#[ignore = "needs root: its own /etc/hosts"]
fn of_many_replicas_sixteen_are_probed() {
    isolated(|| {
        let listed = |count: u8| {
            let replicas = (2..2 + count).map(|last| format!("127.0.0.{last} replicas\n"));
            let hosts: Vec<String> = replicas.chain(["127.1.0.1 service\n".to_owned()]).collect();
            fs::write("/etc/hosts", hosts.concat()).unwrap();
        };
        etc(&[("hosts", "")]);
        let _all = pod("0.0.0.0", "all", &["--tcp-port=9080", "--udp-port=9081", "--http-port=9082"]);
        let ports = ["--tcp-port=9080", "--udp-port=9081", "--http-port=9082"];
        for (count, probed) in [(1, 1), (16, 16), (17, 16)] {
            listed(count);
            let (ended, verdict) = checked("service", &ports);
            assert_eq!(ended.status, Some(0), "{verdict}");
            let word = format!("endpoint:{probed}/{probed}");
            assert!(verdict.list("evidence").contains(&&*word), "{count}: {verdict}");
        }
    });
}
