//! Verdicts: logged once, again when they change, and when they are over; by `check` with its exit status.
//! Which evidence leads to which is held by the table's own tests and by the laboratory.

use std::io::Write;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use super::{briefs, client, client_of, lines, next, of_kinds, until};
use crate::support::child::Server;
use crate::support::line::Line;
use crate::support::running::{Running, port_flags};
use crate::support::scripted::{self, OK, Refused, http, read_ping, tcp, udp};
use crate::support::starved::unless_starved;
use crate::support::{PROBES_ALONE, smoker};

/// `smoker check` of these ports, its exit status, and its verdict.
fn checked(host: &str, ports: [u16; 3], flags: &[&str]) -> (Option<i32>, Line) {
    let mut command = smoker();
    command.args(["check", host, "--node-name=n"]).args(port_flags(ports[0], ports[1], ports[2]));
    let ended = Running::start(command.args(flags)).ended();
    let verdict = Line::of(ended.lines.last().unwrap());
    assert_eq!(of_kinds(&ended, &["VERDICT"]).len(), 1, "{:?}", ended.lines);
    (ended.status, verdict)
}

#[test]
fn a_check_ends_with_its_verdict_and_its_evidence_well_or_not() {
    unless_starved(|| {
        let server = Server::start(&["--log-level=error"]);
        let ports = [server.tcp.port(), server.udp.port(), server.http.port()];
        let (status, verdict) = checked("127.0.0.1", ports, &[]);
        assert_eq!((status, verdict.brief()), (Some(0), "VERDICT healthy".into()));
        assert_eq!(verdict.list("evidence"), ["tcp:ok", "udp:ok", "http:ok"]);
        let (status, verdict) = checked("127.0.0.1", ports, &["--protocols=http"]);
        assert_eq!((status, verdict.list("evidence")), (Some(0), vec!["http:ok"]));
        // The server listens on 127.0.0.1 alone, and so holds its ports on 127.0.0.2 as well.
        let (status, verdict) = checked("127.0.0.2", ports, &[]);
        assert_eq!((status, verdict.brief()), (Some(1), "VERDICT server".into()));
        assert_eq!(verdict.get("detail"), Some("\"127.0.0.2 refuses over tcp, udp, http\""));
        assert_eq!(verdict.list("evidence"), ["tcp:refused", "udp:refused", "http:refused"]);
        let closed = Refused::ports();
        let (status, verdict) =
            checked("127.0.0.1", [closed.tcp.port() ^ 1, ports[1], ports[2]], &PROBES_ALONE);
        assert_eq!((status, verdict.brief()), (Some(1), "VERDICT port".into()));
        let wrong = http("HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n");
        let (status, verdict) = checked("127.0.0.1", [ports[0], ports[1], wrong.port()], &PROBES_ALONE);
        assert_eq!((status, verdict.brief()), (Some(1), "VERDICT server".into()));
        let says = format!("\"127.0.0.1:{} answers http_500\"", wrong.port());
        assert_eq!(verdict.get("detail"), Some(&*says));
        assert_eq!(verdict.list("evidence"), ["tcp:ok", "udp:ok", "http:http_500"]);
    });
}

/// A pass is over within one timeout more, whatever keeps silent.
#[test]
fn a_check_of_what_is_silent_takes_no_longer_than_its_timeouts() {
    let (mute, _accepted) = scripted::silent();
    let deaf = udp(|_, _, _| {});
    let timeout = Duration::from_millis(500);
    let start = Instant::now();
    let (status, verdict) =
        checked("127.0.0.1", [mute.port(), deaf.port(), mute.port()], &["--timeout=500ms"]);
    let took = start.elapsed();
    assert_eq!((status, verdict.event == "healthy"), (Some(1), false), "{verdict}");
    // Three probes, a series of a quarter, and the pass; and what a busy machine may add.
    assert!(took >= 3 * timeout && took < 17 * timeout / 4 + Duration::from_millis(700), "{took:?}");
}

/// The server listens on 127.0.0.2 and its ports are held on 127.0.0.1 meanwhile.
#[test]
fn a_fault_is_logged_once_and_again_when_it_changes_and_when_it_is_over() {
    unless_starved(|| {
        let (held, also_held) = (Refused::ports(), Refused::ports());
        let ports = port_flags(held.tcp.port(), held.udp.port(), also_held.tcp.port());
        let start = |what: &[&str]| {
            let mut command = smoker();
            command.args(["server", "--bind=127.0.0.2", "--log-level=error"]).args(&ports).args(what);
            let server = Running::start(command);
            (0..3).for_each(|_| assert!(server.line().contains("LISTENING")));
            server
        };
        let server = start(&[]);
        let mut command = client("127.0.0.2", &["--timeout=2s", "--mtu-interval=0"]);
        let client = Running::start(command.args(&ports));
        let healthy = next(&client, "VERDICT");
        assert_eq!(
            (healthy.brief(), healthy.get("evidence")),
            ("VERDICT healthy".into(), Some("tcp:ok,udp:ok,http:ok"))
        );
        for _ in 0..10 {
            next(&client, "HTTP");
        }
        server.signal("KILL");
        server.ended();
        let fault = next(&client, "VERDICT");
        assert!(["server", "port"].contains(&&*fault.event), "{fault}");
        // A round in which the server died half-way may have met a port of it: then it changes.
        let fault = if fault.event == "server" { fault } else { next(&client, "VERDICT") };
        assert_eq!(fault.brief(), "VERDICT server");
        let since = fault.get("since").unwrap().to_owned();
        let failures = lines(&client).filter(|line| line.kind != "CLIENT").take(12);
        assert!(failures.into_iter().all(|line| line.event == "FAILED"), "it is logged once");
        // One half of it comes back: another verdict, since now.
        let half = std::net::UdpSocket::bind(held.udp).unwrap();
        half.set_read_timeout(Some(Duration::from_millis(20))).unwrap();
        let is_over = Arc::new(AtomicBool::new(false));
        let echo = {
            let is_over = Arc::clone(&is_over);
            thread::spawn(move || {
                let mut buffer = [0; 2048];
                while !is_over.load(Ordering::SeqCst) {
                    if let Ok((len, peer)) = half.recv_from(&mut buffer) {
                        let _ = half.send_to(&buffer[..len], peer);
                    }
                }
            })
        };
        let changed = next(&client, "VERDICT");
        assert_eq!(changed.brief(), "VERDICT port");
        assert!(changed.get("since").unwrap() >= &*since, "{changed}");
        is_over.store(true, Ordering::SeqCst);
        echo.join().unwrap();
        let _server = start(&[]);
        let printed = until(&client, "VERDICT", "VERDICT healthy");
        let healthy = printed.last().unwrap();
        // While it comes back, what is not back yet may have a verdict of its own.
        let was = printed.len().checked_sub(2).map_or("port", |before| &printed[before].event);
        assert_eq!(healthy.get("was"), Some(was), "{printed:?}");
        let after: u64 = healthy.get("after").unwrap().trim_end_matches('s').parse().unwrap();
        assert!(after < 60, "{healthy}");
        // `healthy` too is logged once.
        let rest = lines(&client).filter(|line| line.kind != "CLIENT").take(12);
        assert!(rest.into_iter().all(|line| line.kind != "VERDICT"));
    });
}

#[test]
fn what_passes_when_it_is_tried_again_is_transient_and_no_alarm() {
    unless_starved(|| {
        let turns = AtomicU32::new(0);
        let first_fails = tcp(move |mut stream| {
            read_ping(&mut stream);
            let turn = turns.fetch_add(1, Ordering::SeqCst);
            stream.write_all(if turn == 0 { b"PONG" } else { b"PING" }).unwrap();
        });
        let run = |level: &str| {
            let mut command = client("127.0.0.1", &["--protocols=tcp", "--count=3", "--log-level", level]);
            Running::start(command.args(port_flags(first_fails.port(), 1, 2))).ended()
        };
        let ended = run("info");
        let printed = of_kinds(&ended, &["VERDICT"]);
        // Logged as what it is, and neither as a fault nor, later, as one that has ended.
        assert_eq!(briefs(&printed), ["VERDICT transient", "VERDICT healthy"]);
        assert!(printed[1].get("was").is_none());
        assert_eq!(printed[0].get("evidence"), Some("tcp:mismatch/0of4"));
        assert_eq!(ended.status, Some(1), "a probe failed");
    });
}

#[test]
fn a_transient_failure_is_a_warning_and_a_fault_an_error() {
    unless_starved(|| {
        let run = |level: &str, fails: fn(u32) -> bool| {
            let turns = Arc::new(AtomicU32::new(0));
            let server = tcp(move |mut stream| {
                read_ping(&mut stream);
                let answer = if fails(turns.fetch_add(1, Ordering::SeqCst)) { b"PONG" } else { b"PING" };
                stream.write_all(answer).unwrap();
            });
            let mut command = client("127.0.0.1", &["--protocols=tcp", "--count=3", "--log-level", level]);
            let ended = Running::start(command.args(port_flags(server.port(), 1, 2))).ended();
            briefs(&of_kinds(&ended, &["VERDICT"]))
        };
        let once = |turn| turn == 0;
        assert_eq!(run("warn", once), ["VERDICT transient"]);
        assert_eq!(run("error", once), [""; 0]);
        // The first round and its four tries.
        let five_times = |turn| turn < 5;
        assert_eq!(run("error", five_times), ["VERDICT server", "VERDICT healthy"]);
        assert_eq!(run("warn", |_| false), [""; 0]);
        assert_eq!(run("info", |_| false), ["VERDICT healthy"]);
    });
}

/// Ten rounds are a history; then each datagram takes 40 ms longer, and then no more.
#[test]
fn a_latency_out_of_the_nodes_own_history_is_slow() {
    unless_starved(|| {
        let slow = Arc::new(AtomicBool::new(false));
        let is_slow = Arc::clone(&slow);
        let (sender, answers) = channel();
        // One after another, each not before it is due: however many there are, none waits longer for it.
        thread::spawn(move || {
            for (due, answer) in answers {
                let (due, answer): (Instant, Box<dyn Fn() + Send>) = (due, answer);
                thread::sleep(due.saturating_duration_since(Instant::now()));
                answer();
            }
        });
        let server = udp(move |socket, datagram, client| {
            let delay = if is_slow.load(Ordering::SeqCst) { 40 } else { 0 };
            let (socket, datagram) = (socket.try_clone().unwrap(), datagram.to_vec());
            let answer = Box::new(move || drop(socket.send_to(&datagram, client)));
            let _ = sender.send((Instant::now() + Duration::from_millis(delay), answer));
        });
        let mut command = client("127.0.0.1", &["--protocols=udp", "--udp-flows=2", "--mtu-interval=0"]);
        let client = Running::start(command.args(port_flags(1, server.port(), 2)));
        assert_eq!(next(&client, "VERDICT").brief(), "VERDICT healthy");
        for _ in 0..12 {
            next(&client, "UDP_SERIES");
        }
        slow.store(true, Ordering::SeqCst);
        let printed = next(&client, "VERDICT");
        assert_eq!(printed.brief(), "VERDICT slow");
        let latencies =
            printed.list("evidence").into_iter().find(|word| word.starts_with("latency:")).unwrap();
        let (now, usual) = latencies["latency:".len()..].split_once('/').unwrap();
        let ms = |text: &str| text.trim_end_matches("ms").parse::<f64>().unwrap();
        assert!(ms(now) >= 40.0 && ms(usual) < ms(now) / 2.0, "{printed}");
        slow.store(false, Ordering::SeqCst);
        let healthy = next(&client, "VERDICT");
        assert_eq!((healthy.brief(), healthy.get("was")), ("VERDICT healthy".into(), Some("slow")));
    });
}

/// A server that is there all the time, over many short rounds.
#[test]
fn what_is_well_gets_no_verdict_but_healthy() {
    let server = Server::start(&["--log-level=error"]);
    let ended = Running::start(client_of(&server, &["--count=40", "--mtu-interval=3"])).ended();
    let printed = of_kinds(&ended, &["VERDICT"]);
    // A machine that is too busy to probe says so.
    let rest: Vec<&Line> =
        printed.iter().filter(|line| line.event != "prober" && line.get("was") != Some("prober")).collect();
    assert!(rest.iter().all(|line| line.event == "healthy") && rest.len() <= 1, "{printed:?}");
    assert!(ended.lines.iter().all(|line| Line::of(line).event != "FAILED"), "{:?}", ended.lines);
}

/// What no rule explains is said plainly: a server that answers every other time, without replicas known.
#[test]
fn what_no_rule_fits_is_unknown() {
    unless_starved(|| {
        let turns = Mutex::new(0_u32);
        let every_other = tcp(move |mut stream| {
            let turn = {
                let mut turns = turns.lock().unwrap();
                *turns += 1;
                *turns
            };
            read_ping(&mut stream);
            stream.write_all(if turn % 2 == 1 { b"PONG" } else { b"PING" }).unwrap();
        });
        let (status, verdict) = checked("127.0.0.1", [every_other.port(), 1, 2], &["--protocols=tcp"]);
        assert_eq!((status, verdict.brief()), (Some(1), "VERDICT unknown".into()));
        assert_eq!(verdict.list("evidence")[0], "tcp:mismatch/2of4", "{verdict}");
        let answering = http(OK);
        assert_eq!(checked("127.0.0.1", [1, 2, answering.port()], &["--protocols=http"]).0, Some(0));
    });
}
