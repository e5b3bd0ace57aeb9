//! The client over its rounds: what it prints and when, its schedule, how it counts failures, how it ends.

use std::fs;
use std::io::Write;
use std::net::SocketAddr;
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use smoker::periodic::Schedule;

use crate::support::child::Server;
use crate::support::line::Line;
use crate::support::running::{Ended, PATIENCE, Running, port_flags};
use crate::support::scripted::{OK, Refused, closes_within, http, read_head, read_ping, silent, tcp, udp};
use crate::support::{PROBES_ALONE, smoker};

/// `smoker client` against these ports on 127.0.0.1, with its three probes alone.
fn client(tcp: SocketAddr, udp: SocketAddr, http: SocketAddr, flags: &[&str]) -> Command {
    let mut command = smoker();
    command.args(["client", "--server-host=127.0.0.1", "--node-name=n"]);
    command.args(port_flags(tcp.port(), udp.port(), http.port())).args(PROBES_ALONE).args(flags);
    command
}

/// `smoker client` against one port, over the protocol in `flags`.
fn client_of(address: SocketAddr, flags: &[&str]) -> Running {
    Running::start(client(address, address, address, flags))
}

/// What each probe came to. What else a round tells, and that rounds overrun short intervals on a busy
/// machine, does not matter here.
fn briefs(lines: &[String]) -> Vec<String> {
    lines.iter().map(|line| Line::of(line)).filter(Line::is_probe).map(|line| line.brief()).collect()
}

/// All lines in brief.
fn all_briefs(lines: &[String]) -> Vec<String> {
    lines.iter().map(|line| Line::of(line).brief()).collect()
}

/// The next line about a probe, and when it came.
fn timed_probe(client: &Running) -> (Instant, Line) {
    let mut lines = std::iter::repeat_with(|| client.timed_line());
    let mut lines = lines.by_ref().map(|(at, line)| (at, Line::of(&line)));
    lines.find(|(_, line)| line.is_probe()).unwrap()
}

/// Asserts this exit status, these lines about probes in brief, and a silent stderr.
fn assert_ended(ended: &Ended, status: i32, lines: &[&str]) {
    assert_eq!(briefs(&ended.lines), lines);
    assert_eq!((ended.status, &*ended.stderr), (Some(status), ""));
}

const ALL_WELL: [&str; 3] = ["TCP SUCCESS", "UDP SUCCESS", "HTTP SUCCESS"];

#[test]
fn a_round_is_tcp_then_udp_then_http_on_a_new_socket_each() {
    let (sender, events) = channel();
    let (tcp_sender, udp_sender) = (sender.clone(), sender.clone());
    let tcp = tcp(move |mut stream| {
        tcp_sender.send(("TCP", stream.peer_addr().unwrap())).unwrap();
        read_ping(&mut stream);
        stream.write_all(b"PING").unwrap();
        assert!(closes_within(&mut stream, PATIENCE));
    });
    let udp = udp(move |socket, ping, client| {
        udp_sender.send(("UDP", client)).unwrap();
        socket.send_to(ping, client).unwrap();
    });
    let http = crate::support::scripted::tcp(move |mut stream| {
        sender.send(("HTTP", stream.peer_addr().unwrap())).unwrap();
        read_head(&mut stream);
        stream.write_all(OK.as_bytes()).unwrap();
        assert!(closes_within(&mut stream, PATIENCE));
    });
    let ended = Running::start(client(tcp, udp, http, &["--count=4", "--interval=20ms"])).ended();
    assert_ended(&ended, 0, &ALL_WELL.repeat(4));
    let events: Vec<(&str, SocketAddr)> = events.try_iter().collect();
    let kinds: Vec<&str> = events.iter().map(|(kind, _)| *kind).collect();
    assert_eq!(kinds, ["TCP", "UDP", "HTTP"].repeat(4));
    for kind in ["TCP", "UDP", "HTTP"] {
        let mut sources: Vec<_> =
            events.iter().filter(|event| event.0 == kind).map(|event| event.1).collect();
        sources.dedup();
        assert!(sources.len() > 1, "{kind}: one socket for all rounds");
    }
}

#[test]
fn only_the_protocols_that_are_asked_for_are_probed_and_always_in_this_order() {
    let server = Server::start(&["--log-level=error"]);
    for (protocols, expected) in [
        ("http,udp,tcp", &ALL_WELL[..]),
        ("udp", &ALL_WELL[1..2]),
        ("http,tcp", &["TCP SUCCESS", "HTTP SUCCESS"]),
        ("http,http", &ALL_WELL[2..]),
    ] {
        let flags = ["--count=1", "--protocols", protocols];
        let ended = Running::start(client(server.tcp, server.udp, server.http, &flags)).ended();
        assert_eq!(briefs(&ended.lines), expected, "{protocols}");
    }
}

/// The HTTP server answers only after the lines of TCP and UDP have been seen.
#[test]
fn a_line_comes_as_soon_as_its_probe_has_ended() {
    let server = Server::start(&["--log-level=error"]);
    let (seen, answer) = channel();
    let answer = Mutex::new(answer);
    let http = tcp(move |mut stream| {
        read_head(&mut stream);
        answer.lock().unwrap().recv().unwrap();
        stream.write_all(OK.as_bytes()).unwrap();
    });
    let client = Running::start(client(server.tcp, server.udp, http, &["--count=1", "--timeout=1m"]));
    assert_eq!(Line::of(&client.line()).brief(), "TCP SUCCESS");
    assert_eq!(Line::of(&client.line()).brief(), "UDP SUCCESS");
    seen.send(()).unwrap();
    assert_eq!(Line::of(&client.line()).brief(), "HTTP SUCCESS");
    assert_eq!(client.ended().status, Some(0));
}

#[test]
fn the_node_is_the_one_named_or_the_host() {
    let host = fs::read_to_string("/proc/sys/kernel/hostname").unwrap();
    let address = http(OK);
    for (variable, flag, expected) in [
        ("", None, host.trim_end()),
        ("from-environment", None, "from-environment"),
        ("from-environment", Some("--node-name=from-flag"), "from-flag"),
    ] {
        let mut command = smoker();
        command.args(["check", "127.0.0.1", "--protocols=http"]).args(port_flags(1, 1, address.port()));
        command.args(flag).env("NODE_NAME", variable);
        assert_eq!(Line::of(&Running::start(command).line()).node, expected);
    }
}

#[test]
fn success_is_of_level_info_and_failure_always_prints() {
    let server = Server::start(&["--log-level=error"]);
    let closed = Refused::ports();
    for (level, expected) in [("error", &[][..]), ("warn", &[]), ("info", &ALL_WELL), ("debug", &ALL_WELL)] {
        let flags = ["--count=1", "--log-level", level];
        let good = Running::start(client(server.tcp, server.udp, server.http, &flags)).ended();
        assert_ended(&good, 0, expected);
        assert_eq!(good.lines.is_empty(), expected.is_empty(), "{:?}", good.lines);
        let flags = ["--server-host=127.0.0.2", "--protocols=tcp", "--log-level", level, "--count=1"];
        let bad = client_of(closed.tcp, &flags).ended();
        let expected = ["TCP refused connect", "VERDICT server", "SUMMARY TCP"];
        let printed = if ["error", "warn"].contains(&level) { 2 } else { 3 };
        assert_eq!(
            (bad.status, all_briefs(&bad.lines)),
            (Some(1), expected[..printed].iter().map(ToString::to_string).collect())
        );
    }
}

/// The failures in a row that the lines of one protocol report, checked line by line.
#[derive(Default)]
struct Row {
    failures: u64,
    since: String,
    /// The last line's stamp, in the form of `since=`.
    now: String,
}

impl Row {
    fn take(&mut self, line: &Line) {
        self.now = line.moment();
        if line.event == "SUCCESS" {
            self.failures = 0;
            return;
        }
        let (failures, since) = line.row();
        assert_eq!(failures, self.failures + 1, "{line}");
        if failures == 1 {
            // A row that begins begins no earlier than the one before, and now.
            assert!(*self.since <= *since && *since <= *self.now, "{line}");
            since.clone_into(&mut self.since);
        }
        assert_eq!(since, self.since, "{line}");
        self.failures = failures;
    }
}

/// The server listens on 127.0.0.2 and its ports are held on 127.0.0.1 meanwhile: no other process takes
/// them while it is dead.
#[test]
fn failures_are_counted_in_a_row_that_a_success_ends() {
    let (held, also_held) = (Refused::ports(), Refused::ports());
    let start = || {
        let mut command = smoker();
        command.args(["server", "--bind=127.0.0.2", "--log-level=error"]);
        command.args(port_flags(held.tcp.port(), held.udp.port(), also_held.tcp.port()));
        let server = Running::start(command);
        (0..3).for_each(|_| assert!(server.line().contains("LISTENING")));
        server
    };
    let flags = ["--server-host=127.0.0.2", "--interval=30ms", "--timeout=1s", "--protocols=tcp,udp"];
    let client = Running::start(client(held.tcp, held.udp, held.tcp, &flags));
    let mut rows = [Row::default(), Row::default()];
    let mut read_until = |reached: &dyn Fn(&Row) -> bool| {
        while !rows.iter().all(reached) {
            let (_, line) = timed_probe(&client);
            rows[usize::from(line.kind == "UDP")].take(&line);
        }
    };
    read_until(&|row| row.failures >= 3);
    for _ in 0..2 {
        let server = start();
        read_until(&|row| row.failures == 0);
        drop(server);
        read_until(&|row| row.failures >= 3);
    }
    // The clock goes on, and the row still began when it began.
    read_until(&|row| row.now > row.since);
    client.signal("TERM");
    // Failures are what it is there to report: a signal to stop is none.
    assert_eq!(client.ended().status, Some(0));
}

#[test]
fn every_probe_of_every_round_counts_for_the_exit_status() {
    let turns = AtomicU32::new(0);
    let first_fails = tcp(move |mut stream| {
        read_ping(&mut stream);
        let turn = turns.fetch_add(1, Ordering::SeqCst);
        stream.write_all(if turn == 0 { b"PONG" } else { b"PING" }).unwrap();
    });
    let ended = client_of(first_fails, &["--protocols=tcp", "--count=3", "--interval=10ms"]).ended();
    assert_ended(&ended, 1, &["TCP mismatch receive", "TCP SUCCESS", "TCP SUCCESS"]);
}

/// The grid: whatever a round takes, the next one is due on a tick counted from the start.
#[test]
fn rounds_do_not_drift() {
    const ROUNDS: u32 = 25;
    let (interval, took) = (Duration::from_millis(80), Duration::from_millis(50));
    let slow = tcp(move |mut stream| {
        read_ping(&mut stream);
        assert!(!closes_within(&mut stream, took));
        stream.write_all(b"PING").unwrap();
    });
    let flags = [&format!("--count={ROUNDS}"), "--protocols=tcp", "--interval=80ms", "--timeout=10s"];
    let start = Instant::now();
    let client = client_of(slow, &flags);
    let (mut rounds, mut ticks, mut last) = (0, 0, start);
    while rounds < ROUNDS {
        let (at, line) = client.timed_line();
        let line = Line::of(&line);
        if line.kind == "CLIENT" {
            // A busy machine: these ticks have passed without a round.
            ticks += u32::try_from(line.count("skipped")).unwrap();
        } else if line.is_probe() {
            (rounds, ticks, last) = (rounds + 1, ticks + 1, at);
        }
    }
    // The first round is not on the grid, whose phase is anywhere in the interval.
    let elapsed = last - start;
    assert!(elapsed >= interval * (ticks - 2), "{ticks} ticks in {elapsed:?}");
    // A client that slept the interval after each round would need 3.2 s.
    assert!(elapsed <= interval * ticks + Duration::from_millis(900), "{ticks} ticks in {elapsed:?}");
}

#[test]
fn a_round_that_overruns_skips_ticks_and_says_so_at_warn() {
    let run = |level: &str| {
        let (mute, _accepted) = silent();
        let flags =
            ["--protocols=tcp", "--interval=100ms", "--timeout=250ms", "--count=2", "--log-level", level];
        client_of(mute, &flags).ended().lines
    };
    let lines = run("warn");
    let expected = ["TCP timeout receive", "VERDICT server", "CLIENT OVERRUN", "TCP timeout receive"];
    assert_eq!(all_briefs(&lines), expected);
    assert!(Line::of(&lines[2]).count("skipped") >= 2, "{lines:?}");
    assert_eq!(run("error").len(), 3);
}

/// The second round is due one phase after the start, and the phase comes from the node's name.
#[test]
fn a_fleet_spreads_over_the_interval() {
    let interval = Duration::from_secs(1);
    let phase = |name: &str| {
        let start = Instant::now();
        Schedule::new(start, interval, name).after(start, start).due - start
    };
    let near = |wanted: Duration| {
        let mut names = (0..10_000).map(|number| format!("node-{number}"));
        names.find(|name| phase(name).abs_diff(wanted) < Duration::from_millis(10)).unwrap()
    };
    let server = Server::start(&["--log-level=error"]);
    let clients = [200, 600].map(|wanted_ms| {
        let name = near(Duration::from_millis(wanted_ms));
        let mut command = client(server.tcp, server.udp, server.http, &["--interval=1s", "--protocols=udp"]);
        command.args(["--count=3", "--node-name", &name]);
        (phase(&name), Instant::now(), Running::start(command))
    });
    for (phase, start, client) in clients {
        let at = [(); 3].map(|()| timed_probe(&client).0 - start);
        assert!(at[1] >= phase && at[2] >= phase + interval, "{phase:?}: {at:?}");
        // At once; and within what a busy machine may add.
        let slack = Duration::from_millis(350);
        assert!(at[0] <= slack && at[1] <= phase + slack, "{phase:?}: {at:?}");
    }
}

#[test]
fn a_signal_ends_the_sleep_at_once() {
    let server = Server::start(&["--log-level=error"]);
    for signal in ["TERM", "INT"] {
        let client = Running::start(client(server.tcp, server.udp, server.http, &["--interval=24h"]));
        for expected in ALL_WELL.into_iter().chain(["VERDICT healthy"]) {
            assert_eq!(Line::of(&client.line()).brief(), expected);
        }
        let start = Instant::now();
        client.signal(signal);
        let ended = client.ended();
        assert_eq!((ended.status, ended.lines.len(), &*ended.stderr), (Some(0), 0, ""), "{signal}");
        assert!(ended.at - start < Duration::from_secs(1), "{signal}: {:?}", ended.at - start);
    }
}

#[test]
fn a_signal_during_a_probe_ends_it_by_its_deadline_and_no_other_is_begun() {
    let timeout = Duration::from_millis(700);
    for signal in ["TERM", "INT"] {
        let (mute, accepted) = silent();
        let server = Server::start(&["--log-level=error"]);
        let client = Running::start(client(mute, server.udp, server.http, &["--timeout=700ms"]));
        let begun = accepted.recv_timeout(PATIENCE).unwrap();
        client.signal(signal);
        let ended = client.ended();
        assert_ended(&ended, 0, &["TCP timeout receive"]);
        // A round that is broken off is not judged.
        assert_eq!(ended.lines.len(), 1, "{:?}", ended.lines);
        let took = ended.at - begun;
        assert!(took < timeout + Duration::from_millis(400), "{signal}: {took:?}");
    }
}

/// What was not probed did not succeed.
#[test]
fn a_count_that_is_broken_off_is_no_success() {
    let (ping, asked) = channel();
    let (go_on, may_answer) = channel();
    let may_answer = Mutex::new(may_answer);
    let address = tcp(move |mut stream| {
        read_ping(&mut stream);
        ping.send(()).unwrap();
        may_answer.lock().unwrap().recv().unwrap();
        stream.write_all(b"PING").unwrap();
    });
    let client =
        client_of(address, &["--count=2", "--timeout=1m", "--interval=10ms", "--protocols=tcp,http"]);
    asked.recv_timeout(PATIENCE).unwrap();
    client.signal("TERM");
    go_on.send(()).unwrap();
    let ended = client.ended();
    assert_ended(&ended, 1, &["TCP SUCCESS"]);
}

#[test]
fn a_reader_that_has_gone_ends_the_client() {
    let (sender, asked): (_, Receiver<()>) = channel();
    let address = tcp(move |mut stream| {
        read_ping(&mut stream);
        stream.write_all(b"PING").unwrap();
        sender.send(()).unwrap();
    });
    let mut command = client(address, address, address, &["--protocols=tcp", "--interval=10ms"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    asked.recv_timeout(PATIENCE).unwrap();
    let ended = child.wait_with_output().unwrap();
    assert_eq!(ended.status.code(), Some(1));
    assert_eq!(ended.stderr, b"smoker: cannot write to stdout: broken pipe\n");
}

#[test]
fn local_is_both_sides_without_any_set_up() {
    let mut command = smoker();
    command.args(["local", "--count=2", "--interval=10ms", "--node-name=n"]);
    let ended = Running::start(command).ended();
    let by_server: Vec<&String> = ended.lines.iter().filter(|line| line.contains("] [SERVER] [")).collect();
    let by_client: Vec<String> =
        ended.lines.iter().filter(|line| line.contains("] [NODE:n] [")).cloned().collect();
    assert_eq!(
        (ended.status, briefs(&by_client)),
        (Some(0), ALL_WELL.repeat(2).iter().map(ToString::to_string).collect())
    );
    for kind in ["TCP", "UDP", "HTTP"] {
        let start = format!("[SERVER] [{kind}] LISTENING address=127.0.0.1:");
        assert_eq!(by_server.iter().filter(|line| line.contains(&start)).count(), 1, "{kind}");
    }
    assert_eq!((by_server.len(), by_client.len()), (3, ended.lines.len() - 3));
}

#[test]
fn local_logs_the_requests_of_its_server_at_debug_alone() {
    for (level, is_logged) in [("debug", true), ("info", false)] {
        let mut command = smoker();
        command.args(["local", "--count=1", "--node-name=n", "--log-level", level]);
        let ended = Running::start(command).ended();
        for request in ["[SERVER] [TCP] ECHO", "[SERVER] [UDP] ECHO", "[SERVER] [HTTP] GET / 200"] {
            assert_eq!(ended.lines.iter().any(|line| line.contains(request)), is_logged, "{level} {request}");
        }
    }
}

#[test]
fn status_words_are_coloured_where_it_is_demanded_and_never_in_a_pipe() {
    let lines = |variables: &[(&str, &str)]| {
        let mut command = smoker();
        command.args(["local", "--count=1", "--protocols=tcp", "--node-name=n"]).env("TERM", "xterm");
        Running::start(command.envs(variables.iter().copied())).ended().lines.join("\n")
    };
    let coloured = lines(&[("CLICOLOR_FORCE", "1")]);
    assert!(coloured.contains(" [NODE:n] [TCP] \u{1b}[32mSUCCESS\u{1b}[0m latency="), "{coloured}");
    for variables in [&[][..], &[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")], &[("CLICOLOR_FORCE", "0")]] {
        assert!(!lines(variables).contains('\u{1b}'), "{variables:?}");
    }
    let json = lines(&[("CLICOLOR_FORCE", "1"), ("LOG_FORMAT", "json")]);
    assert!(json.contains("\"SUCCESS\"") && !json.contains('\u{1b}'), "{json}");
}

#[test]
fn local_ends_well_on_a_signal() {
    for signal in ["TERM", "INT"] {
        let mut command = smoker();
        command.args(["local", "--node-name=n"]);
        let local = Running::start(command);
        while !local.line().contains("[HTTP] SUCCESS") {}
        let start = Instant::now();
        local.signal(signal);
        let ended = local.ended();
        assert_eq!((ended.status, &*ended.stderr), (Some(0), ""), "{signal}");
        assert!(ended.at - start < Duration::from_secs(1), "{signal}: {:?}", ended.at - start);
    }
}
