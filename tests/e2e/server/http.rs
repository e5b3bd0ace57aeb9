//! The HTTP responder: paths and methods, bodies, connections that are kept, what is refused and how.

use std::fmt::Write as _;
use std::io::{Read, Write};
use std::net::Shutdown;
use std::thread;

use crate::support::child::Server;
use crate::support::peer::{Http, Random, ask, get};

const LONGEST_BODY: usize = 1024 * 1024;

fn quiet() -> Server {
    Server::start(&["--log-level", "warn"])
}

#[test]
fn paths_and_methods() {
    let server = quiet();
    let all = Some("GET, HEAD, POST");
    let read = Some("GET, HEAD");
    for (request, status, allow, body) in [
        ("GET /", 200, None, "OK"),
        ("POST /", 200, None, ""),
        ("GET /health", 200, None, "healthy"),
        ("POST /health", 405, read, "method not allowed"),
        ("PUT /", 405, all, "method not allowed"),
        ("DELETE /", 405, all, "method not allowed"),
        ("OPTIONS /", 204, all, ""),
        ("OPTIONS /health", 204, read, ""),
        ("get /", 405, all, "method not allowed"),
        ("X-Y!z /health", 405, read, "method not allowed"),
        ("GET /nothing", 404, None, "not found"),
        ("POST /nothing", 404, None, "not found"),
        ("GET /health/", 404, None, "not found"),
        ("GET //", 404, None, "not found"),
        ("GET /%68ealth", 404, None, "not found"),
        ("OPTIONS *", 404, None, "not found"),
        // A query is ignored, and so is where an absolute target says that it goes.
        ("GET /?", 200, None, "OK"),
        ("GET /?a=b&c=/health", 200, None, "OK"),
        ("GET /health?verbose", 200, None, "healthy"),
        ("GET http://example.org/health", 200, None, "healthy"),
        ("GET HTTP://example.org:80?x", 200, None, "OK"),
        ("GET https://[::1]:8082/?x=/", 200, None, "OK"),
    ] {
        let reply = ask(server.http, format!("{request} HTTP/1.1\r\nHost: a\r\n\r\n"));
        let got = (reply.status, reply.field("Allow"), reply.text());
        assert_eq!(got, (status, allow, body), "{request}");
        assert_eq!(reply.field("Connection"), None, "{request}");
    }
}

#[test]
fn head_is_get_without_its_body() {
    let server = quiet();
    let mut http = Http::connect(server.http);
    for (path, status, len) in [("/", 200, "2"), ("/health", 200, "7"), ("/nothing", 404, "9")] {
        http.send(format!("HEAD {path} HTTP/1.1\r\nHost: a\r\n\r\n"));
        let head = http.head().unwrap();
        assert_eq!((head.status, head.field("Content-Length")), (status, Some(len)), "{path}");
    }
    // Had a body come, it would be taken for the head of this reply.
    http.send("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    assert_eq!(http.reply().text(), "OK");
    assert!(http.is_over());
}

#[test]
fn a_body_comes_back_as_it_came() {
    let server = quiet();
    let mut http = Http::connect(server.http);
    for len in [0, 1, 1023, 1024, 1025, 8191, 8192, 8193, 100_000, LONGEST_BODY - 1, LONGEST_BODY] {
        let body = Random(1 + len as u64).bytes(len);
        http.send(format!("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {len}\r\n\r\n"));
        http.send(&body);
        let reply = http.reply();
        assert_eq!(reply.status, 200);
        assert!(reply.body == body, "{len} bytes");
        assert_eq!(reply.field("Content-Type"), Some("application/octet-stream"));
        assert_eq!(reply.field("X-Content-Type-Options"), Some("nosniff"));
    }
}

#[test]
fn a_chunked_body_comes_back_whole() {
    let server = quiet();
    let mut http = Http::connect(server.http);
    let head = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
    for size in [1, 7, 1000, 70_000, LONGEST_BODY] {
        let body = Random(size as u64).bytes(if size == 1 { 3000 } else { LONGEST_BODY });
        http.send([head.as_bytes(), &chunked(&body, size)].concat());
        let reply = http.reply();
        assert_eq!(reply.status, 200);
        assert!(reply.body == body, "chunks of {size}");
    }
    http.send(format!("{head}2;name=\"value\"\r\nab\r\n002\r\ncd\r\n0\r\nTrailer: x\r\n\r\n"));
    assert_eq!(http.reply().text(), "abcd");
    http.send(format!("{head}0\r\n\r\n"));
    assert_eq!(http.reply().text(), "");
}

fn chunked(body: &[u8], size: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    for chunk in body.chunks(size) {
        write!(bytes, "{:x}\r\n", chunk.len()).unwrap();
        bytes.extend_from_slice(chunk);
        bytes.extend_from_slice(b"\r\n");
    }
    bytes.extend_from_slice(b"0\r\n\r\n");
    bytes
}

/// Also where it is not used: the next request begins after it.
#[test]
fn a_body_is_read_whatever_is_replied() {
    let server = quiet();
    let mut http = Http::connect(server.http);
    for (request, status) in
        [("POST /nothing", 404), ("PUT /", 405), ("GET /", 200), ("GET /health", 200), ("POST /health", 405)]
    {
        http.send(format!("{request} HTTP/1.1\r\nHost: a\r\nContent-Length: 34\r\n\r\n"));
        http.send("GET /nothing HTTP/1.1\r\nHost: b\r\n\r\n");
        assert_eq!(http.reply().status, status, "{request}");
    }
}

#[test]
fn a_body_that_waits_to_be_asked_for_is_asked_for() {
    let server = quiet();
    let mut http = Http::connect(server.http);
    for framing in ["Content-Length: 5", "Transfer-Encoding: chunked"] {
        http.send(format!("POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-Continue\r\n{framing}\r\n\r\n"));
        let mut interim = [0; 25];
        http.0.read_exact(&mut interim).unwrap();
        assert_eq!(&interim, b"HTTP/1.1 100 Continue\r\n\r\n");
        http.send(if framing.starts_with('C') { &b"hello"[..] } else { b"5\r\nhello\r\n0\r\n\r\n" });
        assert_eq!(http.reply().text(), "hello");
    }
    // There is nothing to ask for.
    http.send("POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 0\r\n\r\n");
    assert_eq!(http.reply().status, 200);
    http.send("POST / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\nx");
    assert_eq!(http.reply().text(), "x");
}

#[test]
fn a_body_that_is_not_used_is_not_requested() {
    let server = quiet();
    for (request, len, status) in
        [("POST /", LONGEST_BODY + 1, 413), ("POST /nothing", 5, 404), ("PUT /", 5, 405)]
    {
        let mut http = Http::connect(server.http);
        http.send(format!("{request} HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n"));
        http.send(format!("Content-Length: {len}\r\n\r\n"));
        let reply = http.reply();
        assert_eq!((reply.status, reply.field("Connection")), (status, Some("close")), "{request}");
        assert_eq!(reply.field("Allow").is_some(), status == 405);
        assert!(http.is_over());
    }
}

#[test]
fn connections_are_kept_by_default_since_1_1_and_by_request_before() {
    let server = quiet();
    for (version, asked, said, kept) in [
        ("1.1", "", None, true),
        ("1.1", "Connection: keep-alive\r\n", None, true),
        ("1.1", "Connection: close\r\n", Some("close"), false),
        ("1.1", "Connection: Keep-Alive, Close\r\n", Some("close"), false),
        ("1.0", "", Some("close"), false),
        ("1.0", "Connection: Keep-Alive\r\n", Some("keep-alive"), true),
        ("1.2", "", None, true),
        ("1.9", "Connection: close\r\n", Some("close"), false),
    ] {
        let mut http = Http::connect(server.http);
        for _ in 0..if kept { 3 } else { 1 } {
            http.send(format!("GET / HTTP/{version}\r\nHost: a\r\n{asked}\r\n"));
            let reply = http.reply();
            assert_eq!((reply.status, reply.field("Connection")), (200, said), "{version} {asked}");
        }
        if kept {
            http.0.get_ref().shutdown(Shutdown::Write).unwrap();
        }
        assert!(http.is_over());
    }
}

#[test]
fn requests_may_come_all_at_once_and_are_answered_in_turn() {
    let server = quiet();
    let mut http = Http::connect(server.http);
    let mut requests = String::new();
    for index in 0..500 {
        let body = format!("body {index}");
        let _ =
            write!(requests, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n{body}", body.len());
        requests.push_str("GET /health HTTP/1.1\r\nHost: a\r\n\r\n");
    }
    requests.push_str("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    let mut writer = http.0.get_ref().try_clone().unwrap();
    thread::scope(|scope| {
        scope.spawn(|| writer.write_all(requests.as_bytes()).unwrap());
        for index in 0..500 {
            assert_eq!(http.reply().text(), format!("body {index}"));
            assert_eq!(http.reply().text(), "healthy");
        }
        assert_eq!(http.reply().text(), "OK");
        assert!(http.is_over());
    });
}

/// A CRLF too many after a body, as some old clients send it, is no request (RFC 9112, 2.2).
#[test]
fn an_empty_line_before_a_request_is_forgiven() {
    let server = quiet();
    let mut http = Http::connect(server.http);
    for _ in 0..2 {
        http.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx\r\n");
        assert_eq!(http.reply().text(), "x");
    }
}

#[test]
fn what_was_asked_before_a_half_close_is_answered() {
    let server = quiet();
    let mut http = Http::connect(server.http);
    http.send("GET / HTTP/1.1\r\nHost: a\r\n\r\nGET /health HTTP/1.1\r\nHost: a\r\n\r\n");
    http.0.get_ref().shutdown(Shutdown::Write).unwrap();
    assert_eq!((http.reply().status, http.reply().text()), (200, "healthy"));
    assert!(http.is_over());
}

/// One line each, with what the fields or the body must be for it to be the only thing wrong.
#[test]
fn what_is_not_http_gets_a_400_and_an_end() {
    let server = quiet();
    for request in [
        "GET / HTTP/1.1\nHost: a\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\n\n",
        "GET / HTTP/1.1\rHost: a\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\rb\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nX: \0\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nX: a\u{1b}b\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nX: a\u{7f}b\r\n\r\n",
        "GET /\u{1} HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET / HTTP/1.1\r\nHost : a\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nX\t: b\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nX: a\r\n b\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nX: a\r\n\tb\r\n\r\n",
        "GET / HTTP/1.1\r\n Host: a\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\n: b\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nno colon\r\n\r\n",
        "GET / HTTP/1.1\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a b\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +1\r\n\r\nx",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\nx",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1x\r\n\r\nx",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0x1\r\n\r\nx",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length:\r\n\r\nx",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 18446744073709551616\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nx",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1, 2\r\n\r\nx",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n0\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: \r\n\r\n0\r\n\r\n",
        "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\nx\r\n0\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nxx\r\n0\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1 \r\nx\r\n0\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n11111111111111111\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nno colon\r\n\r\n",
        "GET  / HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET /  HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET / HTTP/1.1 \r\nHost: a\r\n\r\n",
        "GET / HTTP/1.10\r\nHost: a\r\n\r\n",
        "GET / http/1.1\r\nHost: a\r\n\r\n",
        "GET /\r\nHost: a\r\n\r\n",
        "GET\r\n\r\n",
        "GET health HTTP/1.1\r\nHost: a\r\n\r\n",
        "\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
        "\u{16}\u{3}\u{1}\u{2}\0\u{1}\0\u{1}",
        "PING",
    ] {
        // What is not whole yet is not wrong yet.
        let request = if request == "PING" { "PING\r\n" } else { request };
        assert_refused(&server, request, 400);
    }
}

#[test]
fn another_version_of_http_is_distinguished() {
    let server = quiet();
    for (request, status) in [
        ("GET / HTTP/0.9\r\nHost: a\r\n\r\n", 505),
        ("GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505),
        ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505),
        ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n", 501),
        ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 501),
        ("GET / HTTP/1.1\r\nHost: a\r\nExpect: 200-ok\r\n\r\n", 417),
    ] {
        assert_refused(&server, request, status);
    }
    for minor in 1..=9 {
        let reply = ask(server.http, format!("GET / HTTP/1.{minor}\r\nHost: a\r\n\r\n"));
        assert_eq!((reply.status, reply.text()), (200, "OK"), "1.{minor}");
    }
    assert_eq!(ask(server.http, "GET / HTTP/1.0\r\n\r\n").text(), "OK");
}

#[test]
fn heads_at_their_limits_and_one_past() {
    let server = quiet();
    // Lines that are as long as 4 KiB with their CRLF, and a byte longer.
    let line = |len: usize| format!("GET /?{} HTTP/1.1\r\n", "x".repeat(len - "GET /? HTTP/1.1\r\n".len()));
    let accepted = |request: String| assert_eq!(ask(server.http, request).text(), "OK");
    accepted(format!("{}Host: a\r\n\r\n", line(4096)));
    assert_refused(&server, &format!("{}Host: a\r\n\r\n", line(4097)), 414);
    assert_refused(&server, &line(100_000), 414);
    // Heads of 8 KiB with the empty line, and a byte longer.
    let start = "GET / HTTP/1.1\r\nHost: a\r\nX: ";
    let head = |len: usize| format!("{start}{}\r\n\r\n", "x".repeat(len - start.len() - 4));
    accepted(head(8192));
    assert_refused(&server, &head(8193), 431);
    assert_refused(&server, &head(100_000), 431);
    let fields = |count: usize| format!("GET / HTTP/1.1\r\nHost: a\r\n{}\r\n", "a:\r\n".repeat(count - 1));
    accepted(fields(64));
    assert_refused(&server, &fields(65), 431);
}

/// Checked before reading where the length is declared, and while reading where it is not.
#[test]
fn bodies_one_past_their_limit_are_refused() {
    let server = quiet();
    let declared = format!("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n", LONGEST_BODY + 1);
    assert_refused(&server, &declared, 413);
    let head = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
    assert_refused(&server, &format!("{head}{:x}\r\n", LONGEST_BODY + 1), 413);
    for size in [1024, LONGEST_BODY] {
        let body = chunked(&vec![7; LONGEST_BODY + 1], size);
        let mut http = Http::connect(server.http);
        http.send([head.as_bytes(), &body].concat());
        assert_eq!(http.reply().status, 413);
        assert!(http.is_over());
    }
}

/// Bytes that are unread when a connection is closed turn the close into a reset, and that may overtake the
/// reply. So the server reads on for a while.
#[test]
fn a_refusal_is_not_lost_to_what_the_peer_still_sends() {
    let server = quiet();
    for _ in 0..10 {
        let mut http = Http::connect(server.http);
        http.send(format!("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n", LONGEST_BODY + 1));
        http.send(vec![7; LONGEST_BODY + 1]);
        let reply = http.reply();
        assert_eq!((reply.status, reply.text()), (413, "body too large"));
        assert!(http.is_over());
    }
}

/// The reply, `Connection: close`, and the end.
fn assert_refused(server: &Server, request: &str, status: u16) {
    let mut http = Http::connect(server.http);
    http.send(request);
    let reply = http.reply();
    let shown = &request[..request.len().min(200)];
    assert_eq!((reply.status, reply.field("Connection")), (status, Some("close")), "{shown:?}");
    assert!(http.is_over(), "{shown:?}");
}

#[test]
fn silence_between_requests_ends_a_connection_without_a_word() {
    let server = Server::start(&["--idle-timeout", "200ms", "--log-level", "warn"]);
    let start = std::time::Instant::now();
    assert!(Http::admitted(server.http).is_over());
    assert!(Http::connect(server.http).is_over());
    assert!(start.elapsed() >= std::time::Duration::from_millis(400));
    assert_eq!(get(server.http, "/"), (200, "OK".into()));
}
