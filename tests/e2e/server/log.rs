//! The log: a line an event, whole lines, and an stdout without a reader.

use std::process::{Command, Stdio};
use std::thread;

use crate::support::child::{Server, after, command, event, eventually, not_run};
use crate::support::peer::{
    Http, assert_echoes, assert_returns, connect, datagrams, get, own_address, reset,
};

#[test]
fn each_read_datagram_and_request_has_its_line() {
    let server = Server::start(&[]);
    let tcp = connect(server.tcp);
    let client = tcp.local_addr().unwrap();
    for len in [4, 1, 4096] {
        assert_echoes(&tcp, &vec![7; len]);
        assert_eq!(event(&server.line("")), format!("[TCP] ECHO bytes={len} client={client}"));
    }
    let udp = datagrams(server.udp);
    let client = udp.local_addr().unwrap();
    for len in [4, 0, 65_507] {
        assert_returns(&udp, &vec![7; len]);
        assert_eq!(event(&server.line("")), format!("[UDP] ECHO bytes={len} client={client}"));
    }
    let mut http = Http::connect(server.http);
    let client = http.0.get_ref().local_addr().unwrap();
    for (request, line) in [
        ("GET /", "GET / 200 bytes=2"),
        ("GET /?secret", "GET / 200 bytes=2"),
        ("GET /health", "GET /health 200 bytes=7"),
        ("GET /nothing/here", "GET /nothing/here 404 bytes=9"),
        ("BREW /", "BREW / 405 bytes=18"),
        ("HEAD /", "HEAD / 200 bytes=0"),
    ] {
        http.send(format!("{request} HTTP/1.1\r\nHost: a\r\n\r\n"));
        if request.starts_with("HEAD") {
            http.head().unwrap()
        } else {
            http.reply()
        };
        assert_eq!(event(&server.line("")), format!("[HTTP] {line} client={client}"));
    }
    http.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello");
    assert_eq!(http.reply().status, 200);
    assert_eq!(event(&server.line("")), format!("[HTTP] POST / 200 bytes=5 client={client}"));
    http.send("nonsense\r\n");
    assert_eq!(http.reply().status, 400);
    let line = server.line("");
    let expected = format!("[HTTP] REJECTED 400 bytes=16 client={client} detail=\"");
    assert!(event(&line).starts_with(&expected), "{line}");
}

#[test]
fn errors_have_their_lines() {
    let server = Server::start(&["--idle-timeout", "100ms"]);
    let stream = connect(server.tcp);
    let client = stream.local_addr().unwrap();
    reset(stream, b"PING");
    let line = server.line("ERROR");
    let expected = format!("[TCP] ERROR client={client} detail=\"connection reset by peer\"");
    assert_eq!(event(&line), expected);
    let mut cut_short = Http::connect(server.http);
    let client = cut_short.0.get_ref().local_addr().unwrap();
    cut_short.send("GET / HT");
    drop(cut_short);
    let line = server.line("ERROR");
    assert_eq!(event(&line), format!("[HTTP] ERROR client={client} detail=\"unexpected end of file\""));
    let silent = connect(server.tcp);
    let line = server.line("ERROR");
    assert_eq!(
        event(&line),
        format!("[TCP] ERROR client={} detail=\"timed out\"", silent.local_addr().unwrap())
    );
}

#[test]
fn below_info_there_are_no_lines_about_what_goes_well() {
    for level in ["warn", "error"] {
        let server = Server::start(&["--log-level", level]);
        assert_echoes(&connect(server.tcp), b"PING");
        assert_returns(&datagrams(server.udp), b"PING");
        assert_eq!(get(server.http, "/").0, 200);
        reset(connect(server.tcp), b"PING");
        server.signal("TERM");
        assert_eq!(server.ended().lines, Vec::<String>::new(), "{level}");
    }
}

#[test]
fn lines_stay_whole_when_many_are_written_at_once() {
    const PEERS: usize = 8;
    const EACH: usize = 100;
    let server = Server::start(&[]);
    thread::scope(|scope| {
        for _ in 0..PEERS {
            scope.spawn(|| {
                let (tcp, udp) = (connect(server.tcp), datagrams(server.udp));
                for _ in 0..EACH {
                    assert_echoes(&tcp, b"PING");
                    assert_returns(&udp, b"PING");
                    assert_eq!(get(server.http, "/").0, 200);
                }
            });
        }
    });
    server.signal("TERM");
    let lines = server.ended().lines;
    let all = PEERS * EACH;
    for start in ["[TCP] ECHO bytes=4", "[UDP] ECHO bytes=4", "[HTTP] GET / 200 bytes=2"] {
        let start = format!("{start} client=127.0.0.1:");
        let ports = lines.iter().filter_map(|line| event(line).strip_prefix(&start));
        assert_eq!(ports.filter(|port| port.parse::<u16>().is_ok()).count() + lost(&lines), all, "{start}");
    }
}

/// How many lines the log says it has lost: none, where the reader is never a whole pipe behind.
fn lost(lines: &[String]) -> usize {
    let counts = lines.iter().filter_map(|line| event(line).strip_prefix("[LOG] LOST lines="));
    counts.map(|count| count.split(' ').next().unwrap().parse::<usize>().unwrap()).sum()
}

/// More than the 64 KiB that a pipe holds, and then the number of lost lines is logged.
#[test]
fn an_unread_stdout_stops_nothing_and_its_lost_lines_are_counted() {
    let (mut server, stdout) = Server::unread(&mut command(&["--bind", "127.0.0.1"]));
    let mut echoes = 0;
    let (tcp, udp) = (connect(server.tcp), datagrams(server.udp));
    for _ in 0..1500 {
        assert_echoes(&tcp, b"PING");
        assert_returns(&udp, b"PING");
        echoes += 2;
    }
    server.read(stdout);
    let mut lines = Vec::new();
    eventually("a line about lost lines", || {
        assert_returns(&udp, b"PING");
        echoes += 1;
        lines.extend(server.lines_so_far());
        (lost(&lines) > 0).then_some(())
    });
    server.signal("TERM");
    lines.extend(server.ended().lines);
    assert_eq!(
        lines.iter().filter(|line| event(line).contains("] ECHO bytes=4 client=")).count() + lost(&lines),
        echoes
    );
    // Beside them: what was lost, and the end.
    assert_eq!(lines.len(), echoes - lost(&lines) + 2, "{:?}", lines.last());
}

#[test]
fn a_closed_stdout_stops_nothing() {
    let (server, stdout) = Server::unread(&mut command(&["--bind", "127.0.0.1"]));
    drop(stdout);
    assert_all_is_echoed(&server);
}

/// It was closed before the start, or is a file on a full disk. The ports are those of a server that has just
/// ended: there is no line to read them from.
#[test]
fn an_stdout_that_never_worked_stops_nothing() {
    for redirection in ["exec >&-", "exec >/dev/full"] {
        let own = own_address().to_string();
        let first = Server::of(&mut command(&["--bind", &own]));
        let addresses = [first.tcp, first.udp, first.http];
        drop(first);
        let [tcp, udp, http] = addresses.map(|address| address.port().to_string());
        let flags = ["--bind", &own, "--tcp-port", &tcp, "--udp-port", &udp, "--http-port", &http];
        let server = Server::unread_on(&mut after(redirection, &command(&flags)), addresses);
        assert_all_is_echoed(&server);
    }
}

/// `script` gives the server a terminal, and stops reading it when `script` has no reader itself.
#[test]
fn an_unread_terminal_stops_nothing() {
    if Command::new("script").arg("--version").stdout(Stdio::null()).status().is_err() {
        return not_run("a terminal as stdout", "there is no script(1) here");
    }
    let smoker = command(&["--bind", "127.0.0.1"]);
    let words = smoker.get_args().map(|word| word.to_str().unwrap());
    let line = words.fold(smoker.get_program().to_str().unwrap().to_owned(), |line, word| line + " " + word);
    let mut script = Command::new("script");
    script
        .args(["--quiet", "--flush", "--command", &format!("exec {line}"), "/dev/null"])
        .stdin(Stdio::piped());
    let (server, _stdout) = Server::unread(&mut script);
    assert_all_is_echoed(&server);
}

fn assert_all_is_echoed(server: &Server) {
    let (tcp, udp) = (connect(server.tcp), datagrams(server.udp));
    for _ in 0..1500 {
        assert_echoes(&tcp, b"PING");
        assert_returns(&udp, b"PING");
    }
    assert_eq!(get(server.http, "/"), (200, "OK".into()));
}
