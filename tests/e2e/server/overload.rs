//! Too much of something: connections, bodies, descriptors, threads. Those inside lose nothing; it passes.

use std::fs::File;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::time::{Duration, Instant};

use smoker::server::{RESERVE, RESERVE_TIMEOUT};

use crate::support::child::{Server, after, command, event, eventually};
use crate::support::peer::{End, GET, Http, Random, ask, assert_echoes, connect, get, rest, waiting};

#[test]
fn the_limit_counts_tcp_and_http_together() {
    let server = Server::start(&["--max-connections", "4", "--log-level", "warn"]);
    let mut tcp: Vec<TcpStream> = (0..2).map(|_| connect(server.tcp)).collect();
    for stream in &tcp {
        assert_echoes(stream, b"PING");
    }
    let mut http: Vec<Http> = (0..2).map(|_| Http::admitted(server.http)).collect();
    assert_eq!(rest(&mut connect(server.tcp)), b"");
    let line = server.line("REFUSED");
    assert!(event(&line).starts_with("[TCP] REFUSED count=1 client=127.0.0.1:"), "{line}");
    assert_eq!(get(server.http, "/").0, 503);
    let line = server.line("OVERLOADED");
    assert!(event(&line).starts_with("[HTTP] OVERLOADED count=1 client=127.0.0.1:"), "{line}");
    // A place that one protocol leaves is free for the other.
    drop(tcp.pop());
    http.push(eventually("a free place", || {
        let mut http = Http::connect(server.http);
        http.send(GET);
        (http.reply().status == 200).then_some(http)
    }));
    assert_eq!(rest(&mut connect(server.tcp)), b"");
    for stream in &tcp {
        assert_echoes(stream, b"PING");
    }
    for http in &mut http {
        http.send(GET);
        assert_eq!(http.reply().status, 200);
    }
}

#[test]
fn one_connection_may_be_all() {
    let server = Server::start(&["--max-connections", "1"]);
    let first = Http::admitted(server.http);
    assert_eq!(rest(&mut connect(server.tcp)), b"");
    drop(first);
    let tcp = eventually("a free place", || echoed(server.tcp));
    assert_echoes(&tcp, b"PING");
}

/// A connection, if it is served.
fn echoed(server: SocketAddr) -> Option<TcpStream> {
    let stream = connect(server);
    (&stream).write_all(b"x").ok()?;
    matches!((&stream).read(&mut [0]), Ok(1)).then_some(stream)
}

#[test]
fn past_the_limit_health_is_answered_and_other_requests_are_refused() {
    let server = Server::start(&["--max-connections", "1", "--drain-delay", "1h"]);
    let mut first = Http::admitted(server.http);
    let turned_away = |request: &str, status, retry, body: &str| {
        let mut http = Http::connect(server.http);
        http.send(format!("{request} HTTP/1.1\r\nHost: a\r\n\r\n"));
        let reply = if request.starts_with("HEAD") { http.head().unwrap() } else { http.reply() };
        assert_eq!((reply.status, reply.text()), (status, body), "{request}");
        assert_eq!((reply.field("Retry-After"), reply.field("Connection")), (retry, Some("close")));
        assert!(http.is_over(), "{request}");
    };
    turned_away("GET /health", 200, None, "healthy");
    turned_away("HEAD /health", 200, None, "");
    turned_away("GET /health?x", 200, None, "healthy");
    turned_away("POST /health", 405, None, "method not allowed");
    for request in ["GET /", "POST /", "GET /nothing", "BREW /"] {
        turned_away(request, 503, Some("1"), "too many connections");
    }
    turned_away("HEAD /", 503, Some("1"), "");
    assert_eq!(ask(server.http, "nonsense\r\n\r\n").status, 400);
    // It asks for one request alone, whatever else has come.
    let mut http = Http::connect(server.http);
    http.send("GET /health HTTP/1.1\r\nHost: a\r\n\r\n".repeat(3));
    assert_eq!(http.reply().status, 200);
    assert!(http.is_over());
    server.signal("TERM");
    eventually("draining", || (get(server.http, "/health") == (503, "draining".into())).then_some(()));
    turned_away("GET /health", 503, None, "draining");
    first.send(GET);
    assert_eq!(first.reply().text(), "OK");
}

/// A silent one in reserve is soon closed, so the whole has to happen before that: on a machine that is too
/// busy for it it is tried again.
#[test]
fn sixteen_past_the_limit_are_answered_and_the_seventeenth_is_closed() {
    let server = Server::start(&["--max-connections", "1"]);
    let first = connect(server.tcp);
    assert_echoes(&first, b"PING");
    eventually("17 connections at once", || {
        let start = Instant::now();
        let is_timely = || start.elapsed() < RESERVE_TIMEOUT * 9 / 10;
        let reserve: Vec<Http> = (0..RESERVE).map(|_| Http::connect(server.http)).collect();
        let mut last = Http::connect(server.http);
        let is_over = last.is_over();
        if !is_timely() {
            return None;
        }
        assert!(is_over, "the seventeenth");
        // They were taken in, and are answered still.
        let mut statuses = reserve.into_iter().map(|mut http| {
            http.send(GET);
            http.reply_if_any().map(|reply| reply.status)
        });
        let answered = statuses.all(|status| status == Some(503));
        (answered || is_timely()).then(|| assert!(answered))
    });
    eventually("a place in reserve is free again", || {
        let mut http = Http::connect(server.http);
        http.send(GET);
        http.reply_if_any()
    });
}

/// A place in reserve is one that a liveness probe lacks.
#[test]
fn who_is_silent_or_slow_in_reserve_is_given_up_long_before_others() {
    let server = Server::start(&["--max-connections", "1", "--log-level", "warn"]);
    let _first = Http::admitted(server.http);
    for (sent, status) in [("", None), ("G", Some(408))] {
        let mut http = Http::connect(server.http);
        let start = Instant::now();
        http.send(sent);
        assert_eq!(http.reply_if_any().map(|reply| reply.status), status);
        assert!(http.is_over());
        let took = start.elapsed();
        // What is more than the timeout is for a busy machine; the others have 30 s.
        assert!(took >= RESERVE_TIMEOUT && took < Duration::from_secs(10), "{took:?}");
    }
}

/// 32 of the longest bodies, each short of its last byte, fill the account to the byte.
#[test]
fn bodies_past_32_mib_in_all_are_turned_away() {
    const LONGEST: usize = 1024 * 1024;
    let server = Server::start(&["--log-level", "warn"]);
    // To announce a body takes no memory.
    let announce = format!("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {LONGEST}\r\n\r\n");
    let mut announced: Vec<Http> = (0..40).map(|_| Http::connect(server.http)).collect();
    for http in &mut announced {
        http.send(&announce);
    }
    let body = Random(5).bytes(LONGEST);
    for http in &mut announced[..32] {
        http.send(&body[..LONGEST - 1]);
    }
    eventually("all that was sent was read", || all_was_read(server.http).then_some(()));
    announced[32].send("x");
    let reply = announced[32].reply();
    assert_eq!((reply.status, reply.text()), (503, "too many bodies at once"));
    assert!(announced[32].is_over());
    // What needs no memory is served, and those who have theirs keep it.
    assert_eq!(get(server.http, "/"), (200, "OK".into()));
    for http in &mut announced[..32] {
        http.send(&body[LONGEST - 1..]);
        let reply = http.reply();
        assert!(reply.status == 200 && reply.body == body, "{}", reply.status);
    }
    announced[33].send(&body);
    assert_eq!(announced[33].reply().status, 200);
}

/// Whether nothing waits in the kernel at either end of the 40 connections of `server`.
fn all_was_read(server: SocketAddr) -> bool {
    [End::Server, End::Client].into_iter().all(|end| {
        let waiting = waiting(server, end);
        assert!(waiting.len() >= 40, "{waiting:?}");
        waiting.iter().all(|bytes| *bytes == 0)
    })
}

#[test]
fn out_of_descriptors_it_waits_says_so_once_a_second_and_recovers() {
    let flags = ["--bind", "127.0.0.1", "--log-level", "error"];
    let server = Server::of(&mut after("ulimit -n 40", &command(&flags)));
    let tcp: Vec<TcpStream> = (0..60).map(|_| connect(server.tcp)).collect();
    let http: Vec<TcpStream> = (0..10).map(|_| connect(server.http)).collect();
    assert_echoes(&tcp[0], b"PING");
    let troubles = |server: &Server| {
        let line = server.line("] [TCP] TROUBLE ");
        let (count, detail) =
            event(&line).strip_prefix("[TCP] TROUBLE count=").unwrap().split_once(' ').unwrap();
        assert_eq!(detail, "detail=\"too many open files\"");
        (line[..21].to_owned(), count.parse::<u32>().unwrap())
    };
    let first = troubles(&server);
    let ticks = server.processor_ticks();
    let (second, third) = (troubles(&server), troubles(&server));
    // A second lies between the lines, and so they never bear the same one.
    assert!(first.0 < second.0 && second.0 < third.0, "{first:?} {second:?} {third:?}");
    // In the first second 5 + 10 + 20 + 40 + … ms are waited, then a second each time.
    assert!(first.1 == 1 && second.1 <= 9 && third.1 <= 2, "{first:?} {second:?} {third:?}");
    // Of the 200 that these two seconds have, at the least.
    let used = server.processor_ticks() - ticks;
    assert!(used <= 20, "{used} ticks");
    drop(http);
    // Each that ends makes room for the next that waits.
    for stream in tcp {
        assert_echoes(&stream, b"PING");
    }
    assert_eq!(get(server.http, "/health"), (200, "healthy".into()));
}

#[test]
fn a_stop_does_not_wait_for_descriptors() {
    let flags = ["--bind", "127.0.0.1", "--log-level", "error"];
    let server = Server::of(&mut after("ulimit -n 20", &command(&flags)));
    let streams: Vec<TcpStream> = (0..30).map(|_| connect(server.tcp)).collect();
    server.line("TROUBLE");
    server.signal("TERM");
    assert_eq!(server.ended().status, Some(0));
    drop(streams);
}

/// Threads count against a limit of their user, so the server runs as a user of its own. It is
/// started through a descriptor: that user need not be able to reach the binary by its path.
#[test]
#[ignore = "needs root: a user of its own"]
fn out_of_threads_it_goes_on_and_recovers() {
    let binary = File::open(env!("CARGO_BIN_EXE_smoker")).unwrap();
    let mut unreachable = Command::new("/proc/self/fd/0");
    unreachable.args(command(&["--bind", "127.0.0.1", "--log-level", "error"]).get_args());
    // dash says -p where others say -u.
    let mut limited = after("{ ulimit -u 12 2>/dev/null || ulimit -p 12; }", &unreachable);
    let server = Server::of(limited.uid(3_000_000_000 + std::process::id()).stdin(binary));
    eventually("its own four threads run", || (server.threads() == 4).then_some(()));
    let streams: Vec<TcpStream> = (0..30).map(|_| connect(server.tcp)).collect();
    let line = server.line("TROUBLE");
    assert_eq!(event(&line), "[TCP] TROUBLE count=1 detail=\"resource temporarily unavailable\"");
    assert_echoes(&streams[0], b"PING");
    assert_eq!(server.threads(), 12);
    drop(streams);
    eventually("a new connection is served", || echoed(server.tcp));
}
