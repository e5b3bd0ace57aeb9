//! One probe against a server that does what a script says: the right code, the right phase, by the deadline.

use std::io::{Read, Write};
use std::iter;
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::channel;
use std::thread;
use std::time::{Duration, Instant};

use crate::support::checking::probed;
use crate::support::line::Line;
use crate::support::running::{Running, port_flags};
use crate::support::scripted::{
    OK, Refused, closes_within, hold, http, read_head, read_ping, reset, silent, tcp, trickle, udp,
};
use crate::support::{PROBES_ALONE, smoker};

/// The time that a probe has where it ends on its own.
const AMPLE: &str = "10s";

/// The time of one that will not.
const SHORT: Duration = Duration::from_millis(300);

const NO_PAUSE: Duration = Duration::from_millis(1);

/// Probes `address` once over `protocol` with these flags, and gives the one line about it.
fn check(protocol: &str, address: SocketAddr, flags: &[&str]) -> Line {
    let ports = port_flags(address.port(), address.port(), address.port());
    let mut all = vec![format!("--protocols={protocol}")];
    all.extend(ports);
    let all: Vec<&str> = all.iter().map(String::as_str).chain(flags.iter().copied()).collect();
    probed(&address.ip().to_string(), &all).remove(0)
}

/// Asserts that a probe with ample time ends as `expected`.
fn assert_ends(address: SocketAddr, expected: &str) {
    let protocol = expected.split(' ').next().unwrap().to_lowercase();
    let line = check(&protocol, address, &["--timeout", AMPLE]);
    assert_eq!(line.brief(), expected, "{line}");
}

/// Asserts that probes of all of these fail for lack of time when [`SHORT`] has passed; all at once.
fn assert_time_out(servers: Vec<(&'static str, SocketAddr)>) {
    let probes = servers.into_iter().map(|(expected, address)| {
        thread::spawn(move || {
            let protocol = expected.split(' ').next().unwrap().to_lowercase();
            let start = Instant::now();
            let line = check(&protocol, address, &["--timeout", &format!("{}ms", SHORT.as_millis())]);
            assert_eq!(line.brief(), expected, "{line}");
            assert!(start.elapsed() >= SHORT, "{line}");
        })
    });
    let probes: Vec<_> = probes.collect();
    for probe in probes {
        probe.join().unwrap();
    }
}

#[test]
fn tcp_echoes_exactly_ping() {
    for (answer, expected) in [
        (&b"PING"[..], "TCP SUCCESS"),
        (b"PONG", "TCP mismatch receive"),
        (b"PINF", "TCP mismatch receive"),
        (b"ping", "TCP mismatch receive"),
        (b"\0", "TCP mismatch receive"),
        (b"PINGX", "TCP mismatch receive"),
        (b"PINGPING", "TCP mismatch receive"),
        (b"PIN", "TCP closed receive"),
        (b"", "TCP closed receive"),
    ] {
        let address = tcp(move |mut stream| {
            read_ping(&mut stream);
            let _ = stream.write_all(answer);
        });
        assert_ends(address, expected);
    }
}

#[test]
fn tcp_takes_an_echo_in_pieces_and_sends_nothing_but_ping() {
    let (sender, received) = channel();
    let address = tcp(move |mut stream| {
        read_ping(&mut stream);
        for byte in b"PING" {
            stream.write_all(&[*byte]).unwrap();
            assert!(*byte == b'G' || !closes_within(&mut stream, NO_PAUSE));
        }
        let mut more = Vec::new();
        let _ = stream.read_to_end(&mut more);
        sender.send(more).unwrap();
    });
    assert_ends(address, "TCP SUCCESS");
    assert_eq!(received.recv().unwrap(), b"");
}

#[test]
fn tcp_that_is_cut_off() {
    assert_ends(tcp(reset), "TCP reset receive");
    let flooding = tcp(|mut stream| {
        read_ping(&mut stream);
        while stream.write_all(&[b'x'; 4096]).is_ok() {}
    });
    assert_ends(flooding, "TCP mismatch receive");
    let half_closing = tcp(|stream| {
        stream.shutdown(Shutdown::Write).unwrap();
        hold(stream);
    });
    assert_ends(half_closing, "TCP closed receive");
}

#[test]
fn a_port_without_a_listener_is_refused() {
    let ports = Refused::ports();
    assert_ends(ports.tcp, "TCP refused connect");
    assert_ends(ports.tcp, "HTTP refused connect");
    assert_ends(ports.udp, "UDP refused receive");
}

/// What is no answer to `PING`; each is longer or shorter than it, or other bytes.
const NO_ANSWERS: [&[u8]; 8] = [b"", b"P", b"PIN", b"PINGX", b"PINGPING", b"PONG", b"ping", &[b'x'; 1400]];

#[test]
fn udp_waits_through_whatever_is_no_answer() {
    let received = Arc::new(AtomicBool::new(false));
    let is_received = Arc::clone(&received);
    let noisy = udp(move |socket, ping, client| {
        assert_eq!(ping, b"PING");
        for other in NO_ANSWERS.into_iter().chain(iter::repeat_n(&b"garbage"[..], 10_000)) {
            // At worst the client's buffer is full.
            let _ = socket.send_to(other, client);
        }
        while !is_received.load(Ordering::SeqCst) {
            let _ = socket.send_to(b"PING", client);
            thread::yield_now();
        }
    });
    assert_ends(noisy, "UDP SUCCESS");
    received.store(true, Ordering::SeqCst);
}

#[test]
fn udp_takes_nothing_else_for_an_answer() {
    let wrong = udp(|socket, _, client| {
        for other in NO_ANSWERS {
            socket.send_to(other, client).unwrap();
        }
    });
    // The right bytes from a stranger: a connected socket never sees them.
    let stranger = UdpSocket::bind("127.0.0.1:0").unwrap();
    let overtaken = udp(move |_, ping, client| assert_eq!(stranger.send_to(ping, client).unwrap(), 4));
    assert_time_out(vec![("UDP timeout receive", wrong), ("UDP timeout receive", overtaken)]);
}

#[test]
fn http_is_status_200_and_ok_however_it_is_framed() {
    for reply in [
        OK,
        "HTTP/1.1 200 OK\r\ncontent-length:2\r\nConnection: keep-alive\r\n\r\nOK",
        "HTTP/1.1 200 \r\nTransfer-Encoding: chunked\r\n\r\n1\r\nO\r\n1;x=y\r\nK\r\n0\r\nTrailer: x\r\n\r\n",
        "HTTP/1.1 200 Whatever\r\n\r\nOK",
        "HTTP/1.0 200 OK\r\n\r\nOK",
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\n\r\nOK",
    ] {
        assert_ends(http(reply), "HTTP SUCCESS");
    }
}

#[test]
fn http_that_answers_something_else() {
    let big = |length: usize| format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n");
    for (reply, expected) in [
        ("HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\nOK", "HTTP http_404 receive"),
        (
            "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 99\r\n\r\nnot all of it",
            "HTTP http_503 receive",
        ),
        ("HTTP/1.1 204 No Content\r\n\r\n", "HTTP http_204 receive"),
        ("HTTP/1.1 301 Moved\r\nLocation: http://127.0.0.1/\r\n\r\n", "HTTP http_301 receive"),
        ("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n", "HTTP http_101 receive"),
        ("HTTP/1.1 999 Whatever\r\n\r\nOK", "HTTP http_999 receive"),
        ("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nNO", "HTTP mismatch receive"),
        ("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nOK\n", "HTTP mismatch receive"),
        ("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "HTTP mismatch receive"),
        ("HTTP/1.1 200 OK\r\n\r\nOKOK", "HTTP mismatch receive"),
        ("HTTP/1.1 200 OK\r\n\r\n", "HTTP mismatch receive"),
        // Judged once it is whole: these bytes could never become right, and still the end came first.
        ("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nNO", "HTTP closed receive"),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nOK\r\n", "HTTP closed receive"),
        ("HTTP/1.1 200 OK\r\nContent-Le", "HTTP closed receive"),
        ("HTTP/1.1 100 Continue\r\n\r\n", "HTTP closed receive"),
        ("H", "HTTP closed receive"),
        ("", "HTTP closed receive"),
        ("SSH-2.0-OpenSSH_9.2\r\n", "HTTP http_malformed receive"),
        ("PING", "HTTP http_malformed receive"),
        ("\u{16}\u{3}\u{1}", "HTTP http_malformed receive"),
        ("HTTP/2.0 200 OK\r\n\r\nOK", "HTTP http_malformed receive"),
        ("HTTP/1.1 20 OK\r\n\r\nOK", "HTTP http_malformed receive"),
        ("HTTP/1.1 099 OK\r\n\r\nOK", "HTTP http_malformed receive"),
        ("HTTP/1.1 200 OK\nContent-Length: 2\n\nOK", "HTTP http_malformed receive"),
        ("HTTP/1.1 200 OK\r\nContent-Length: +2\r\n\r\nOK", "HTTP http_malformed receive"),
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nOK",
            "HTTP http_malformed receive",
        ),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nOK", "HTTP http_malformed receive"),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nOK", "HTTP http_malformed receive"),
        ("HTTP/1.1 200 OK\r\n folded: x\r\n\r\nOK", "HTTP http_malformed receive"),
        ("HTTP/1.1 200 OK\r\nBad\0: x\r\n\r\nOK", "HTTP http_malformed receive"),
        // More than is read of a body is no OK, even before it is whole.
        (&big(64 * 1024 + 1), "HTTP mismatch receive"),
        (&big(usize::MAX), "HTTP mismatch receive"),
    ] {
        assert_ends(http(reply.to_owned()), expected);
    }
    assert_ends(tcp(reset), "HTTP reset receive");
}

#[test]
fn http_reads_a_body_up_to_its_limit_and_a_head_up_to_its_own() {
    const BODY: usize = 64 * 1024;
    const HEAD: usize = 8 * 1024;
    let endless = |beginning: &'static str, more: &'static str| {
        tcp(move |mut stream| {
            read_head(&mut stream);
            let _ = stream.write_all(beginning.as_bytes());
            while stream.write_all(more.as_bytes()).is_ok() {}
        })
    };
    assert_ends(endless("HTTP/1.1 200 OK\r\n\r\n", "OKOKOKOK"), "HTTP mismatch receive");
    let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    assert_ends(endless(chunked, "2\r\nOK\r\n"), "HTTP mismatch receive");
    assert_ends(endless("HTTP/1.1 200 OK\r\n", "Field: value\r\n"), "HTTP http_malformed receive");
    assert_ends(endless("HTTP/1.1 200 OK", "K"), "HTTP http_malformed receive");
    assert_ends(endless("HTTP/1.1 100 Continue\r\n\r\n", "HTTP/1.1 100 Continue\r\n\r\n"), {
        "HTTP http_malformed receive"
    });
    assert_ends(endless("", "\0"), "HTTP http_malformed receive");
    // At the limit of the body the end still counts, and one past it no more.
    for (length, expected) in [(BODY, "HTTP closed receive"), (BODY + 1, "HTTP mismatch receive")] {
        let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n");
        assert_ends(http(head + &"O".repeat(BODY - 1)), expected);
    }
    for (length, expected) in [(HEAD, "HTTP SUCCESS"), (HEAD + 1, "HTTP http_malformed receive")] {
        let around = "HTTP/1.1 200 OK\r\nA: \r\nContent-Length: 2\r\n\r\n".len();
        let padding = "a".repeat(length - around);
        assert_ends(
            http(format!("HTTP/1.1 200 OK\r\nA: {padding}\r\nContent-Length: 2\r\n\r\nOK")),
            expected,
        );
    }
}

#[test]
fn http_asks_as_rfc_9112_says() {
    let (sender, asked) = channel();
    let address = tcp(move |mut stream| {
        sender.send(read_head(&mut stream)).unwrap();
        stream.write_all(OK.as_bytes()).unwrap();
    });
    assert_ends(address, "HTTP SUCCESS");
    let head = asked.recv().unwrap();
    assert!(head.starts_with("GET / HTTP/1.1\r\n"), "{head}");
    assert_eq!(head.matches(&format!("\r\nHost: {address}\r\n")).count(), 1, "{head}");
    assert!(head.contains("\r\nConnection: close\r\n"), "{head}");
}

#[test]
fn silence_and_trickles_end_at_the_deadline() {
    let a_byte_a_second = |bytes: &'static str| {
        tcp(move |mut stream| trickle(&mut stream, bytes.bytes(), Duration::from_secs(1)))
    };
    let dripping = |head: &'static str, byte: u8| {
        tcp(move |mut stream| {
            read_head(&mut stream);
            stream.write_all(head.as_bytes()).unwrap();
            trickle(&mut stream, iter::repeat(byte), Duration::from_millis(20));
        })
    };
    let half_a_body = tcp(|mut stream| {
        read_head(&mut stream);
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nNO").unwrap();
        hold(stream);
    });
    let mute_udp = udp(|_, _, _| {});
    // Past the first probe's time it is silent, and not in the other tests' way.
    let mut end = None;
    let flood = udp(move |socket, _, client| {
        let end = *end.get_or_insert_with(|| Instant::now() + 2 * SHORT);
        while Instant::now() < end && socket.send_to(b"garbage", client).is_ok() {}
    });
    assert_time_out(vec![
        ("TCP timeout receive", silent().0),
        ("HTTP timeout receive", silent().0),
        ("TCP timeout receive", a_byte_a_second("PING")),
        ("HTTP timeout receive", a_byte_a_second(OK)),
        ("HTTP timeout receive", dripping("HTTP/1.1 200 OK\r\n", b'A')),
        ("HTTP timeout receive", dripping("HTTP/1.1 200 OK\r\n\r\n", b'O')),
        ("HTTP timeout receive", half_a_body),
        ("UDP timeout receive", mute_udp),
        ("UDP timeout receive", flood),
    ]);
}

/// A listener that never accepts, and whose queue is full, drops every SYN: a black hole on one machine.
#[test]
fn a_handshake_that_is_not_answered_is_a_timeout_of_connect() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let mut waiting = Vec::new();
    while let Ok(stream) = TcpStream::connect_timeout(&address, Duration::from_millis(200)) {
        waiting.push(stream);
        assert!(waiting.len() < 10_000, "the queue has no end");
    }
    assert_time_out(vec![("TCP timeout connect", address), ("HTTP timeout connect", address)]);
}

/// The bound: at the deadline at the latest, within 50 ms of it. How late a line was is seen from
/// the server's clock, from when the probe reached it; the least late of several is taken, because a busy
/// machine may delay each of them, and what is late by design is late every time.
#[test]
fn a_deadline_is_kept_within_50_ms() {
    // Past 2.05 s the slots of the kernel's timer wheel are 256 ms wide, where a second is 250 ticks: nine of
    // them are a little less than the longer one.
    thread::scope(|scope| {
        for (timeout_ms, rounds) in [(200, 5), (2310, 2)] {
            for protocol in ["tcp", "http", "udp"] {
                scope.spawn(move || assert_punctual(protocol, Duration::from_millis(timeout_ms), rounds));
            }
        }
    });
}

fn assert_punctual(protocol: &str, timeout: Duration, rounds: u32) {
    let (sender, begun) = channel();
    let port = match protocol {
        "udp" => udp(move |_, _, _| sender.send(Instant::now()).unwrap()),
        _ => tcp(move |stream| {
            sender.send(Instant::now()).unwrap();
            hold(stream);
        }),
    };
    let ports = port_flags(port.port(), port.port(), port.port());
    let mut took = Vec::new();
    for _ in 0..rounds {
        let mut command = smoker();
        command.args(["check", "127.0.0.1", "--protocols", protocol]).args(&ports).args(PROBES_ALONE);
        let start = Instant::now();
        let check = Running::start(command.args([format!("--timeout={}ms", timeout.as_millis())]));
        let (at, line) = check.timed_line();
        drop(check);
        assert!(Line::of(&line).brief().ends_with("timeout receive"), "{line}");
        assert!(at - start + Duration::from_millis(50) >= timeout, "{protocol}: {:?}", at - start);
        // What else has reached the server are tries of a pass, which begins where the probe has ended.
        let before = begun.try_iter().map(|begun| at.saturating_duration_since(begun));
        took.extend(before.filter(|took| *took >= timeout / 2).min());
    }
    let least = took.iter().min().unwrap();
    assert!(*least <= timeout + Duration::from_millis(50), "{protocol}: {took:?} of {timeout:?}");
}

#[test]
fn a_failure_says_what_was_tried_and_since_when() {
    let ports = Refused::ports();
    let line = check("tcp", ports.tcp, &[]);
    let (failures, since) = line.row();
    assert_eq!((line.get("address"), failures), (Some(&*ports.tcp.to_string()), 1), "{line}");
    // The stamp is taken a little later, and the second may have changed between the two.
    assert!(*since <= *line.moment(), "{line}");
    assert_eq!(["failed", "detail", "retrans"].map(|key| line.get(key)), [None; 3], "{line}");
}

#[test]
fn a_success_against_one_address_has_a_latency_and_its_phases_and_nothing_else() {
    let line = check("http", http(OK), &[]);
    assert!(line.get("connect").is_some() && line.get("ttfb").is_some(), "{line}");
    let others = ["address", "failed", "retrans", "pod", "seen_as"];
    assert_eq!((others.map(|key| line.get(key)), &*line.node), ([None; 5], "n"), "{line}");
}

/// What comes late, and so which part of the latency is long.
#[test]
fn the_phases_of_a_latency_say_where_the_time_went() {
    let pause = Duration::from_millis(80);
    let slow_echo = tcp(move |mut stream| {
        read_ping(&mut stream);
        assert!(!closes_within(&mut stream, pause));
        stream.write_all(b"PING").unwrap();
    });
    let slow_head = tcp(move |mut stream| {
        read_head(&mut stream);
        assert!(!closes_within(&mut stream, pause));
        stream.write_all(OK.as_bytes()).unwrap();
    });
    let slow_body = tcp(move |mut stream| {
        read_head(&mut stream);
        let (head, body) = OK.split_at(OK.len() - 2);
        stream.write_all(head.as_bytes()).unwrap();
        assert!(!closes_within(&mut stream, pause));
        stream.write_all(body.as_bytes()).unwrap();
    });
    for (protocol, address, phase, is_slow) in [
        ("tcp", slow_echo, "echo", true),
        ("http", slow_head, "ttfb", true),
        ("http", slow_body, "ttfb", false),
    ] {
        let line = check(protocol, address, &["--timeout", AMPLE]);
        let rest = line.ms("latency") - line.ms("connect") - line.ms(phase);
        assert!(if is_slow { line.ms(phase) >= 80.0 } else { rest >= 79.9 }, "{line}");
        assert_eq!(line.get("retrans"), None, "{line}");
    }
}

#[test]
fn latency_covers_the_answer_to_its_last_byte() {
    let pause = Duration::from_millis(80);
    let slow_tcp = tcp(move |mut stream| {
        read_ping(&mut stream);
        stream.write_all(b"PIN").unwrap();
        assert!(!closes_within(&mut stream, pause));
        stream.write_all(b"G").unwrap();
    });
    let slow_http = tcp(move |mut stream| {
        read_head(&mut stream);
        stream.write_all(&OK.as_bytes()[..OK.len() - 1]).unwrap();
        assert!(!closes_within(&mut stream, pause));
        stream.write_all(b"K").unwrap();
    });
    let slow_udp = udp(move |socket, ping, client| {
        thread::sleep(pause);
        socket.send_to(ping, client).unwrap();
    });
    for (protocol, address) in [("tcp", slow_tcp), ("http", slow_http), ("udp", slow_udp)] {
        let start = Instant::now();
        let latency = check(protocol, address, &["--timeout", AMPLE]).ms("latency");
        assert!(latency >= 80.0, "{protocol}: {latency} ms");
        assert!(latency <= start.elapsed().as_secs_f64() * 1000.0, "{protocol}: {latency} ms");
    }
}

/// What the system refuses of itself is `io`, in its own words.
#[test]
fn io_has_the_words_of_the_system() {
    let binary = smoker();
    let (binary, alone) = (binary.get_program().to_str().unwrap(), PROBES_ALONE.join(" "));
    for protocol in ["tcp", "udp", "http"] {
        // Standard streams, and the log's copy of one of them: not one descriptor more.
        let mut command = std::process::Command::new("sh");
        let script = format!("ulimit -n 4 && exec {binary} check 127.0.0.1 --protocols {protocol} {alone}");
        command.args(["-c", &script]).env_clear();
        let ended = Running::start(command).ended();
        let lines: Vec<Line> = ended.lines.iter().map(|line| Line::of(line)).collect();
        assert_eq!((ended.status, &*ended.stderr), (Some(1), ""));
        assert_eq!(lines[0].brief(), format!("{} io connect", protocol.to_uppercase()));
        assert_eq!(lines[0].get("detail"), Some("\"too many open files\""), "{lines:?}");
        // That is the prober's own matter, and it says so.
        let briefs: Vec<String> = lines[1..].iter().map(Line::brief).collect();
        assert_eq!((lines[0].get("suspect"), briefs), (Some("local"), vec!["VERDICT prober".into()]));
    }
}
