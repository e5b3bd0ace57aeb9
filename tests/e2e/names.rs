//! Names, from `/etc/hosts` and from nameservers that do what a test says: which addresses are tried, which
//! code a failed look-up has, and how long each may take.

use std::io::Write;
use std::net::{TcpListener, UdpSocket};
use std::thread;
use std::time::{Duration, Instant};

use crate::support::checking::{check, found};
use crate::support::isolated::{etc, filter, isolated};
use crate::support::line::Line;
use crate::support::nameserver::{
    FORMAT_ERROR, MARKER, NAME_ERROR, NO_ERROR, REFUSED, SERVER_FAILURE, nameserver, record,
};
use crate::support::running::{PATIENCE, Running};
use crate::support::scripted::{hold, serve_tcp};
use crate::support::{PROBES_ALONE, smoker};

const ALL_WELL: [&str; 3] = ["TCP SUCCESS", "UDP SUCCESS", "HTTP SUCCESS"];

/// A server on the default ports of one address.
pub(crate) fn server_on(address: &str) -> Running {
    let mut command = smoker();
    command.args(["server", "--bind", address, "--log-level=error"]);
    let server = Running::start(command);
    (0..3).for_each(|_| assert!(server.line().contains("LISTENING")));
    server
}

/// Asserts that the line of the look-up and those of the three probes say this, and how long it took until
/// the last of these; what follows is the pass.
fn assert_unresolved(host: &str, timeout: &str, error: &str) -> Duration {
    let mut command = smoker();
    command.args(["check", host, "--node-name=n", "--timeout", timeout]).args(PROBES_ALONE);
    let start = Instant::now();
    let check = Running::start(command);
    let mut took = Duration::ZERO;
    for kind in ["DNS", "TCP", "UDP", "HTTP"] {
        let (at, line) = check.timed_line();
        let line = Line::of(&line);
        assert_eq!(line.brief(), format!("{kind} {error} resolve"));
        assert_eq!((line.get("name"), line.row().0), (Some(host), 1), "{line}");
        took = at - start;
    }
    let ended = check.ended();
    assert_eq!((ended.status, &*ended.stderr), (Some(1), ""));
    took
}

const RESOLV_CONF: (&str, &str) = ("resolv.conf", "nameserver 127.0.0.1\n");

#[test]
#[ignore = "needs root: its own /etc/hosts"]
fn success_on_the_second_address_tells_of_the_first() {
    isolated(|| {
        etc(&[("hosts", "127.0.0.2 one both\n127.0.0.3 both\n127.0.0.4 none\n127.0.0.5 none\n")]);
        let _server = server_on("127.0.0.3");
        let (ended, lines) = check("both", &[]);
        assert_eq!((ended.status, lines.len()), (Some(0), 3));
        for (line, (port, why)) in lines.iter().zip([(8080, "refused"), (8081, "refused"), (8082, "refused")])
        {
            assert_eq!((&*line.event, line.get("address")), ("SUCCESS", Some(&*format!("127.0.0.3:{port}"))));
            assert_eq!(line.get("failed"), Some(&*format!("127.0.0.2:{port}/{why}")), "{line}");
        }
        let (ended, lines) = check("none", &["--protocols=tcp"]);
        assert_eq!(lines[0].brief(), "TCP refused connect");
        assert_eq!(lines[0].get("address"), Some("127.0.0.5:8080"));
        assert_eq!(lines[0].get("failed"), Some("127.0.0.4:8080/refused"));
        assert_eq!(ended.status, Some(1));
        // Where there is one address, a success need not say which.
        let _first = server_on("127.0.0.2");
        for line in check("one", &[]).1 {
            assert_eq!((&*line.event, line.get("address")), ("SUCCESS", None), "{line}");
        }
        // Where there are several and the first answers, it is said, and none has failed.
        for line in check("both", &[]).1 {
            assert!(line.get("address").unwrap().starts_with("127.0.0.2:"), "{line}");
            assert_eq!((&*line.event, line.get("failed")), ("SUCCESS", None), "{line}");
        }
    });
}

#[test]
#[ignore = "needs root: its own /etc/hosts"]
fn a_silent_address_leaves_time_for_the_others() {
    isolated(|| {
        etc(&[("hosts", "127.0.0.2 name\n127.0.0.3 name\n127.0.0.4 name\n")]);
        let _server = server_on("127.0.0.4");
        filter("input", "ip daddr {127.0.0.2, 127.0.0.3} drop");
        let start = Instant::now();
        let (ended, lines) = check("name", &["--timeout=900ms"]);
        let took = start.elapsed();
        assert_eq!((ended.status, lines.len()), (Some(0), 3));
        for line in &lines {
            let failed = line.get("failed").unwrap();
            assert!(failed.starts_with("127.0.0.2:") && failed.contains("/timeout,127.0.0.3:"), "{line}");
            // That of the address that answered, without those before it.
            assert!(line.ms("latency") < 300.0, "{line}");
        }
        // Twice a third of the time, for each of the three.
        assert!(took >= Duration::from_millis(1800) && took < Duration::from_millis(2700), "{took:?}");
    });
}

#[test]
#[ignore = "needs root: its own nameserver"]
fn a_name_is_found_by_the_rules_of_resolv_conf() {
    isolated(|| {
        let search = "nameserver 127.0.0.1\nsearch smoker.svc.cluster.local svc.cluster.local cluster.local\n\
                      options ndots:5\n";
        etc(&[("hosts", "127.0.0.9 elsewhere\n"), ("resolv.conf", search)]);
        let _server = server_on("127.0.0.2");
        let asked = nameserver("127.0.0.1", |question| match &*question.name {
            "smoker-server.smoker.svc.cluster.local." | "example.org." => {
                vec![question.reply(NO_ERROR, &["127.0.0.2"])]
            }
            _ => vec![question.reply(NAME_ERROR, &[])],
        });
        // Each name once, though the pass asks for it again, and for the cluster's own.
        let names_asked = || {
            UdpSocket::bind("127.0.0.1:0").unwrap().send_to(MARKER, "127.0.0.1:53").unwrap();
            let mut names = Vec::new();
            while let Ok(name) = asked.recv_timeout(PATIENCE) {
                if name == "marker. A" {
                    break;
                }
                if !names.contains(&name) && !name.starts_with("kubernetes.default.") {
                    names.push(name);
                }
            }
            let families = names.len();
            names.retain(|name| name.ends_with(" A"));
            assert_eq!(names.len() * 2, families, "one family alone was asked for");
            names
        };
        let all_well = |host| check(host, &[]).1.iter().map(Line::brief).eq(ALL_WELL);
        assert!(all_well("smoker-server"));
        assert_eq!(names_asked(), ["smoker-server.smoker.svc.cluster.local. A"]);
        assert!(all_well("example.org"));
        assert_eq!(names_asked().len(), 4);
        assert!(all_well("example.org."));
        assert_eq!(names_asked(), ["example.org. A"]);
        assert_unresolved("absent", "10s", "dns_not_found");
        assert_eq!(names_asked().len(), 4);
        // What /etc/hosts contains is asked of no nameserver.
        assert_eq!(check("elsewhere", &["--protocols=tcp"]).1[0].brief(), "TCP refused connect");
        assert_eq!(names_asked().len(), 0);
    });
}

#[test]
#[ignore = "needs root: its own nameserver"]
fn each_failure_of_a_look_up_has_its_code() {
    isolated(|| {
        etc(&[RESOLV_CONF]);
        assert_unresolved("port-closed.", "10s", "dns_server_failure");
        nameserver("127.0.0.1", |question| match &*question.name {
            "no-such-name." => vec![question.reply(NAME_ERROR, &[])],
            "no-address." => vec![question.reply(NO_ERROR, &[])],
            "failing." => vec![question.reply(SERVER_FAILURE, &[])],
            "refusing." => vec![question.reply(REFUSED, &[])],
            "confused." => vec![question.reply(FORMAT_ERROR, &[])],
            // A record that lies about its length; an alias of itself; a pointer to itself.
            "lying." => vec![question.with(NO_ERROR, &[vec![0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 5, 0, 200, 127]])],
            "circular." => vec![question.with(NO_ERROR, &[record(5, &[0xc0, 12])])],
            "looping." => {
                let here = u8::try_from(question.query.len()).unwrap();
                vec![question.with(NO_ERROR, &[vec![0xc0, here, 0, 1, 0, 1, 0, 0, 0, 5, 0, 4, 127, 0, 0, 2]])]
            }
            // What is no reply to this question is ignored.
            "garbled." => {
                let mut other_id = question.reply(NO_ERROR, &["127.0.0.2"]);
                other_id[0] ^= 0x55;
                vec![vec![], vec![0; 5], vec![0xff; 512], other_id]
            }
            _ => vec![],
        });
        for (host, error) in [
            ("no-such-name.", "dns_not_found"),
            ("no-address.", "dns_not_found"),
            ("failing.", "dns_server_failure"),
            ("refusing.", "dns_server_failure"),
            ("confused.", "dns_server_failure"),
            ("lying.", "dns_malformed"),
            ("circular.", "dns_malformed"),
            ("looping.", "dns_malformed"),
        ] {
            let took = assert_unresolved(host, "3s", error);
            assert!(took < Duration::from_millis(1500), "{host}: {took:?}, but the answer was there at once");
        }
        for host in ["garbled.", "silent."] {
            let took = assert_unresolved(host, "600ms", "dns_timeout");
            // The limit of the look-up, once for the three lines.
            let bounds = Duration::from_millis(600)..Duration::from_millis(1100);
            assert!(bounds.contains(&took), "{host}: {took:?}");
        }
    });
}

#[test]
#[ignore = "needs root: its own nameserver"]
fn a_nameserver_behind_a_black_hole_is_a_timeout() {
    isolated(|| {
        etc(&[RESOLV_CONF]);
        let asked = nameserver("127.0.0.1", |question| vec![question.reply(NO_ERROR, &["127.0.0.2"])]);
        filter("input", "meta l4proto {tcp, udp} th dport 53 drop");
        let took = assert_unresolved("name.", "600ms", "dns_timeout");
        assert!((600..1100).contains(&took.as_millis()), "{took:?}");
        filter("input", "meta l4proto {tcp, udp} th dport 53 reject with icmpx type admin-prohibited");
        assert_unresolved("name.", "10s", "dns_server_failure");
        assert_eq!(asked.try_iter().count(), 0);
    });
}

/// A scratch image has neither file: there is no nameserver to ask.
#[test]
#[ignore = "needs root: its own /etc"]
fn without_any_file_a_name_is_not_found_out() {
    isolated(|| {
        etc(&[]);
        assert_unresolved("smoker-server", "10s", "dns_server_failure");
        let _server = server_on("127.0.0.2");
        assert_eq!(found("127.0.0.2", &[]), ALL_WELL);
    });
}

#[test]
#[ignore = "needs root: its own nameserver"]
fn a_second_nameserver_answers_for_a_silent_first() {
    isolated(|| {
        etc(&[("resolv.conf", "nameserver 127.0.0.1\nnameserver 127.0.0.2\noptions timeout:5\n")]);
        let _server = server_on("127.0.0.3");
        let first = nameserver("127.0.0.1", |_| vec![]);
        nameserver("127.0.0.2", |question| vec![question.reply(NO_ERROR, &["127.0.0.3"])]);
        assert_eq!(found("name", &["--timeout=2s"]), ALL_WELL);
        assert!(first.try_iter().count() > 0);
    });
}

#[test]
#[ignore = "needs root: its own nameserver"]
fn answers_come_over_tcp_through_aliases_and_for_one_family_alone() {
    isolated(|| {
        etc(&[RESOLV_CONF]);
        let _server = server_on("127.0.0.2");
        nameserver("127.0.0.1", |question| match &*question.name {
            "long." if !question.over_tcp => vec![question.truncated()],
            "alias." => {
                // `alias` is another name for `x`, whose address comes with it.
                let here = u8::try_from(question.query.len()).unwrap();
                let address = [&[0xc0, here + 12][..], &record(1, &[127, 0, 0, 2])[2..]].concat();
                let alias = record(5, &[1, b'x', 0]);
                let records = if question.is_aaaa { vec![alias] } else { vec![alias, address] };
                vec![question.with(NO_ERROR, &records)]
            }
            "v4-alone." if question.is_aaaa => vec![],
            "v4-refused." if question.is_aaaa => vec![question.reply(REFUSED, &[])],
            _ => vec![question.reply(NO_ERROR, &["127.0.0.2"])],
        });
        for host in ["long", "alias", "v4-alone", "v4-refused"] {
            let start = Instant::now();
            assert_eq!(found(host, &["--timeout=20s"]), ALL_WELL, "{host}");
            // Not a share of the 20 s that the other family's silence would take.
            assert!(start.elapsed() < Duration::from_secs(3), "{host}: {:?}", start.elapsed());
        }
    });
}

#[test]
#[ignore = "needs root: its own nameserver"]
fn a_look_up_is_made_once_a_round_with_time_of_its_own_and_is_not_in_the_latency() {
    isolated(|| {
        etc(&[("resolv.conf", "nameserver 127.0.0.1\noptions attempts:1\n")]);
        let slow = Duration::from_millis(500);
        let asked = nameserver("127.0.0.1", move |question| {
            if question.name == "name." && !question.is_aaaa {
                thread::sleep(slow);
            }
            vec![question.reply(NO_ERROR, &["127.0.0.2"])]
        });
        // As slow again: the look-up and this probe together take longer than the limit of each.
        serve_tcp(TcpListener::bind("127.0.0.2:8080").unwrap(), move |mut stream| {
            crate::support::scripted::read_ping(&mut stream);
            thread::sleep(slow);
            stream.write_all(b"PING").unwrap();
            hold(stream);
        });
        let mut command = smoker();
        command.args(["client", "--server-host=name.", "--node-name=n", "--count=2", "--interval=1ms"]);
        command.args(["--timeout=900ms", "--protocols=tcp"]);
        let ended = Running::start(command).ended();
        let lines = ended.lines.iter().map(|line| Line::of(line)).filter(Line::is_probe);
        let latencies: Vec<f64> = lines.map(|line| line.ms("latency")).collect();
        assert_eq!((ended.status, latencies.len()), (Some(0), 2));
        assert!(latencies.iter().all(|latency| (500.0..900.0).contains(latency)), "{latencies:?}");
        // Beside the name they are asked whether they answer at all.
        let mut asked: Vec<String> = asked.try_iter().filter(|name| name.starts_with("name.")).collect();
        asked.sort();
        assert_eq!(asked, ["name. A", "name. A", "name. AAAA", "name. AAAA"]);
    });
}

#[test]
#[ignore = "needs root: its own nameserver"]
fn a_signal_during_a_look_up_ends_by_its_deadline() {
    isolated(|| {
        etc(&[RESOLV_CONF]);
        let asked = nameserver("127.0.0.1", |_| vec![]);
        let mut command = smoker();
        command.args(["client", "--server-host=name.", "--node-name=n", "--timeout=800ms"]);
        let client = Running::start(command);
        asked.recv_timeout(PATIENCE).unwrap();
        let start = Instant::now();
        client.signal("TERM");
        let ended = client.ended();
        assert_eq!((ended.status, &*ended.stderr), (Some(0), ""));
        assert!(ended.at - start < Duration::from_millis(1300), "{:?}", ended.at - start);
    });
}
