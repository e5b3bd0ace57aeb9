//! The stop: signals, draining, what is under way, how long it takes.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::Command;
use std::time::{Duration, Instant};

use crate::support::child::{Server, command, event, eventually};
use crate::support::peer::{
    Http, assert_echoes, assert_returns, connect, datagrams, get, rest, send_without_end,
};
use crate::support::running::signal;

/// 100 ms are promised. A busy machine may take any time for any one of them, so half of the tries have to
/// keep the promise; measured is from before `kill` is started until after the child was waited for.
#[test]
fn an_idle_server_ends_within_100_ms() {
    let times = (0..5).map(|_| {
        let server = Server::start(&[]);
        // Idle, though connected to.
        let mut tcp: Vec<TcpStream> = (0..10).map(|_| connect(server.tcp)).collect();
        for stream in &tcp {
            assert_echoes(stream, b"PING");
        }
        let mut http: Vec<Http> = (0..10).map(|_| Http::admitted(server.http)).collect();
        let start = Instant::now();
        server.signal("TERM");
        let ended = server.ended();
        let took = start.elapsed();
        assert_eq!(ended.status, Some(0));
        assert!(tcp.iter_mut().all(|stream| rest(stream).is_empty()));
        assert!(http.iter_mut().all(Http::is_over));
        took
    });
    let mut times: Vec<Duration> = times.collect();
    times.sort();
    assert!(times[2] < Duration::from_millis(100), "{times:?}");
}

#[test]
fn either_signal_ends_it_and_stderr_stays_empty() {
    for name in ["TERM", "INT"] {
        let server = Server::start(&[]);
        server.signal(name);
        let ended = server.ended();
        assert_eq!((ended.status, ended.stderr.as_str()), (Some(0), ""), "{name}");
    }
}

/// The kernel throws away the signals of PID 1 that it neither handles nor blocks.
#[test]
#[ignore = "needs root: a PID namespace"]
fn signals_end_it_as_pid_1_too() {
    let server = command(&["--bind", "127.0.0.1"]);
    let mut unshare = Command::new("unshare");
    unshare.args(["--pid", "--fork", "--kill-child"]).arg(server.get_program()).args(server.get_args());
    for name in ["TERM", "INT"] {
        let server = Server::of(&mut unshare);
        let children = server.proc(&format!("task/{}/children", server.id()));
        assert_echoes(&connect(server.tcp), b"PING");
        signal(children.trim().parse().unwrap(), name);
        assert_eq!(server.ended().status, Some(0), "{name}");
    }
}

#[test]
fn while_draining_everything_is_served_and_health_says_503() {
    let server = Server::start(&["--drain-delay", "1h"]);
    let (tcp, mut http) = (connect(server.tcp), Http::connect(server.http));
    assert_echoes(&tcp, b"PING");
    http.send("GET /health HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(http.reply().text(), "healthy");
    server.signal("TERM");
    eventually("/health says draining", || {
        (get(server.http, "/health") == (503, "draining".into())).then_some(())
    });
    // New ones and old ones.
    assert_echoes(&connect(server.tcp), b"PING");
    assert_echoes(&tcp, b"PING");
    assert_returns(&datagrams(server.udp), b"PING");
    assert_eq!(get(server.http, "/"), (200, "OK".into()));
    http.send("HEAD /health HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(http.head().unwrap().status, 503);
    http.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi");
    let reply = http.reply();
    assert_eq!((reply.text(), reply.field("Connection")), ("hi", None));
    // A second signal skips the rest of the hour.
    server.signal("INT");
    assert_eq!(server.ended().status, Some(0));
}

#[test]
fn the_drain_delay_is_waited_for() {
    let server = Server::start(&["--drain-delay", "300ms"]);
    let start = Instant::now();
    server.signal("TERM");
    let ended = server.ended();
    assert_eq!(ended.status, Some(0));
    assert!(start.elapsed() >= Duration::from_millis(300));
    let logged: Vec<&str> = ended.lines.iter().map(|line| event(line)).collect();
    assert_eq!(logged, ["[STOP] DRAINING delay=300.000ms", "[STOP] STOPPED cut=0"]);
}

#[test]
fn connections_that_the_stop_has_cut_are_counted() {
    let server = Server::start(&["--shutdown-timeout", "0"]);
    let _busy = under_way(server.http);
    server.signal("TERM");
    assert_eq!(event(&server.line("STOPPED")), "[STOP] STOPPED cut=1");
}

#[test]
fn requests_under_way_finish_and_nothing_else_is_served() {
    let server = Server::start(&["--shutdown-timeout", "1h"]);
    let (mut tcp, mut idle) = (connect(server.tcp), Http::admitted(server.http));
    assert_echoes(&tcp, b"PING");
    let mut busy = under_way(server.http);
    let udp = datagrams(server.udp);
    server.signal("TERM");
    // Idle ones are closed at once.
    assert_eq!(rest(&mut tcp), b"");
    assert!(idle.is_over());
    for listener in [server.tcp, server.http] {
        eventually("the listeners close", || TcpStream::connect(listener).err());
    }
    let refused = eventually("the UDP port closes", || udp.send(b"PING").err());
    assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
    busy.send("lo");
    let reply = busy.reply();
    assert_eq!((reply.status, reply.text(), reply.field("Connection")), (200, "hello", Some("close")));
    assert!(busy.is_over());
    assert_eq!(server.ended().status, Some(0));
}

/// A request whose body lacks its last two bytes, and which the server is known to have begun with.
fn under_way(server: SocketAddr) -> Http {
    let mut http = Http::connect(server);
    http.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n");
    http.0.read_exact(&mut [0; "HTTP/1.1 100 Continue\r\n\r\n".len()]).unwrap();
    http.send("hel");
    http
}

#[test]
fn requests_that_do_not_finish_are_ended_after_the_shutdown_timeout() {
    let server = Server::start(&["--shutdown-timeout", "300ms"]);
    let mut busy = under_way(server.http);
    let start = Instant::now();
    server.signal("TERM");
    assert_eq!(server.ended().status, Some(0));
    assert!(start.elapsed() >= Duration::from_millis(300));
    assert!(busy.is_over());
}

#[test]
fn a_second_signal_skips_the_shutdown_timeout() {
    let server = Server::start(&["--shutdown-timeout", "1h"]);
    let mut busy = under_way(server.http);
    server.signal("TERM");
    eventually("the listeners close", || TcpStream::connect(server.http).err());
    server.signal("TERM");
    assert_eq!(server.ended().status, Some(0));
    assert!(busy.is_over());
}

#[test]
fn a_peer_that_never_reads_cannot_hold_the_stop_longer_than_the_shutdown_timeout() {
    let server = Server::start(&["--shutdown-timeout", "300ms", "--log-level", "warn"]);
    let mut stuck = connect(server.tcp);
    stuck.set_write_timeout(Some(Duration::from_millis(200))).unwrap();
    send_without_end(&mut stuck);
    server.signal("TERM");
    assert_eq!(server.ended().status, Some(0));
}

/// Frozen, the server finds the signal and what was asked before it at the same time.
#[test]
fn what_arrived_before_the_stop_is_answered() {
    let server = Server::start(&[]);
    let (mut tcp, mut http) = (connect(server.tcp), Http::admitted(server.http));
    assert_echoes(&tcp, b"PING");
    server.freeze();
    tcp.write_all(b"last words").unwrap();
    http.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nlast words");
    server.signal("TERM");
    server.signal("CONT");
    assert_eq!(rest(&mut tcp), b"last words");
    assert_eq!(http.reply().text(), "last words");
    assert!(http.is_over());
    assert_eq!(server.ended().status, Some(0));
}

/// The log says at the end what it has only counted.
#[test]
fn counts_are_logged_at_the_end() {
    let server = Server::start(&["--max-connections", "1", "--log-level", "warn"]);
    let inside = connect(server.tcp);
    assert_echoes(&inside, b"PING");
    for _ in 0..10 {
        assert_eq!(rest(&mut connect(server.tcp)), b"");
    }
    server.signal("TERM");
    let lines = server.ended().lines;
    let counts = lines.iter().map(|line| {
        let count = event(line).strip_prefix("[TCP] REFUSED count=").unwrap();
        count.split(' ').next().unwrap().parse::<u32>().unwrap()
    });
    assert_eq!(counts.sum::<u32>(), 10, "{lines:#?}");
}
