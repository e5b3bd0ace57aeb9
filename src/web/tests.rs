//! The room as a whole: a table of routes such as the fleet and the monitor will have, asked through a
//! listener; and its parsers against mutated targets.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use super::routes::Answer;
use super::testing::service;
use super::{
    BearerToken, PARAMETER_LIMIT, PARAMETERS_LIMIT, Query, Request, RequestCounts, Response, Route, Routes,
    Service, Takes, VALUE_LIMIT, converse, health, metrics_page,
};
use crate::http::buffer::{Buffer, START_SIZE};
use crate::http::response::{read_body, read_head_and_headers, read_next_head};
use crate::http::testing::Random;
use crate::http::{Framing, StatusCode, request};
use crate::serve::accept;
use crate::serve::backoff::Backoff;
use crate::serve::connections::Connections;
use crate::serve::testing::silent_log;
use crate::serve::workers::Workers;
use crate::stop::{Phase, Stop};
use crate::sys::socket::wake;

/// The longest JSON body, in bytes.
const JSON_LIMIT: u64 = 256 * 1024;

const JSON: Takes = Takes::Media { media_type: "application/json", limit: JSON_LIMIT };

/// The rows of the long document: some twenty chunks.
const ROWS: usize = 10_000;

/// A listener that serves until it is dropped.
struct Listener {
    socket: Arc<TcpListener>,
    stop: Arc<Stop>,
    accepting: Option<JoinHandle<()>>,
}

impl Listener {
    fn start(service: Service) -> Self {
        let listener = Arc::new(TcpListener::bind("127.0.0.1:0").unwrap());
        let (stop, connections) = (Arc::clone(&service.stop), Connections::new(16));
        let workers = Workers::new(move |connection| converse(&connection, &service));
        let (accepting, stopped) = (Arc::clone(&listener), Arc::clone(&stop));
        let accepting = std::thread::spawn(move || {
            accept::run(&accepting, &stopped, Backoff::new(silent_log(), "HTTP"), |stream, peer| {
                workers.hand(connections.admit(stream, peer).ok().unwrap())
            });
        });
        Self { socket: listener, stop, accepting: Some(accepting) }
    }

    fn of(routes: Vec<Route>) -> Self {
        Self::start(service(routes, Duration::from_mins(1)))
    }

    fn address(&self) -> SocketAddr {
        self.socket.local_addr().unwrap()
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.stop.advance(Phase::Stopping);
        wake(&self.socket);
        let _ = self.accepting.take().map(JoinHandle::join);
    }
}

/// A response as a client sees it.
struct Reply {
    status: u16,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Reply {
    fn field(&self, name: &str) -> Option<&str> {
        let mut values = self.headers.iter().filter(|(other, _)| other.eq_ignore_ascii_case(name));
        values.next().map(|(_, value)| value.as_str())
    }

    fn text(&self) -> &str {
        str::from_utf8(&self.body).unwrap()
    }
}

/// One connection's requests.
struct Client {
    stream: TcpStream,
    buffer: Buffer,
}

impl Client {
    fn connect(listener: &Listener) -> Self {
        Self { stream: TcpStream::connect(listener.address()).unwrap(), buffer: Buffer::new() }
    }

    fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.stream.write_all(bytes.as_ref()).unwrap();
    }

    /// The next response, to a request of `method`.
    fn reply(&mut self, method: &str) -> Reply {
        let mut headers = Vec::new();
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        let head = read_head_and_headers(&mut self.buffer, &mut self.stream, |fields| {
            headers.extend(fields.iter().map(|(name, value)| (text(name), text(value))));
        })
        .unwrap();
        let framing = if method == "HEAD" { Framing::None } else { head.framing };
        let body = read_body(&mut self.buffer, &mut self.stream, framing, 1 << 24).unwrap();
        Reply { status: head.status.as_u16(), headers, body }
    }

    /// The response to `line`, such as `GET /`, with these fields, each with its CRLF, and this body.
    fn ask(&mut self, line: &str, fields: &str, body: &[u8]) -> Reply {
        self.send(format!("{line} HTTP/1.1\r\nHost: a\r\n{fields}\r\n"));
        self.send(body);
        self.reply(line.split(' ').next().unwrap())
    }

    /// Whether the server has closed and nothing is left.
    fn is_over(&mut self) -> bool {
        self.buffer.bytes().is_empty() && matches!(self.stream.read(&mut [0]), Ok(0))
    }
}

/// The fields of a JSON body of this length.
fn json(length: usize) -> String {
    format!("Content-Type: application/json\r\nContent-Length: {length}\r\n")
}

/// Such a table as later systems will have.
fn routes() -> Vec<Route> {
    let token = Arc::new(BearerToken::new("s3cret").unwrap());
    vec![
        Route::post("/", Takes::Anything, |_| Response::echo()),
        Route::get("/api/nodes/{node}/pods", describe),
        Route::get("/api/nodes/all/pods", |_| Response::text(StatusCode::OK, "all")),
        Route::get("/api/nodes/{node}", describe),
        Route::post("/api/nodes/{node}", JSON, store).with_token(&token),
        Route::post("/api/open/{node}", JSON, store),
        Route::get("/api/rows", |request| rows(request.query().unwrap().get("break").is_some())),
        health::route(|| Ok(())),
        metrics_page::route(|| "a_total 1\n".to_owned()),
    ]
}

/// Answers with what a handler sees.
fn describe(request: &Request<'_>) -> Response {
    let Ok(query) = request.query() else { return Response::text(StatusCode::BAD_REQUEST, "bad query") };
    let accept: Vec<_> =
        request.headers.list("Accept").map(|range| range.escape_ascii().to_string()).collect();
    let mut text = format!("{} node={} accept={}", request.path, request.parameter("node"), accept.join("|"));
    for (name, value) in query.iter() {
        text.extend([" ", name, "=", value]);
    }
    Response::document(StatusCode::OK, "text/plain", text)
}

/// Answers with the path parameter, the body's length and first bytes, and whether there is an
/// `Authorization`.
fn store(request: &Request<'_>) -> Response {
    let (node, body) = (request.parameter("node"), request.body.bytes());
    let start = String::from_utf8_lossy(&body[..body.len().min(8)]);
    let is_authorized = request.headers.only("Authorization").is_some();
    let text = format!("{node} {} {start} {is_authorized}", body.len());
    Response::document(StatusCode::OK, "text/plain", text).field("Location", node.to_owned())
}

/// A long document, or one that breaks off in its midst.
fn rows(breaks: bool) -> Response {
    Response::stream("application/json", move |out| {
        for index in 0..ROWS {
            writeln!(out, "[{index},\"node-{index}\"]")?;
            if breaks && index == ROWS / 2 {
                return Err(std::io::ErrorKind::BrokenPipe.into());
            }
        }
        Ok(())
    })
}

fn document() -> String {
    (0..ROWS).map(|index| format!("[{index},\"node-{index}\"]\n")).collect::<Vec<_>>().concat()
}

#[test]
fn what_is_sent_after_the_last_request_does_not_reset_the_connection() {
    let listener = Listener::of(vec![Route::get("/", |_| Response::text(StatusCode::OK, "OK"))]);
    let head = |filling: usize| {
        format!("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nX: {}\r\n\r\n", "x".repeat(filling))
    };
    // The first read ends with the head, so that what follows is still in the socket.
    let filling = START_SIZE - head(0).len();
    let mut client = Client::connect(&listener);
    client.send(head(filling) + "GET / HTTP/1.1\r\n");
    assert_eq!(client.reply("GET").text(), "OK");
    assert!(client.is_over());
}

#[test]
fn a_handler_sees_parameters_query_and_fields() {
    let listener = Listener::of(routes());
    let mut client = Client::connect(&listener);
    for (target, text) in [
        ("/api/nodes/node-1/pods", "/api/nodes/node-1/pods node=node-1 accept=*/*|x"),
        ("/api/nodes/a%2Fb/pods?x=1&y=a+b", "/api/nodes/a%2Fb/pods node=a/b accept=*/*|x x=1 y=a b"),
        ("/api/nodes/%61ll/pods", "/api/nodes/%61ll/pods node=all accept=*/*|x"),
        ("/api/nodes/all/pods", "all"),
        ("/api/nodes/..?z", "/api/nodes/.. node=.. accept=*/*|x z="),
        ("http://host/api/nodes/n", "/api/nodes/n node=n accept=*/*|x"),
    ] {
        let reply = client.ask(&format!("GET {target}"), "Accept: */*, x\r\n", b"");
        assert_eq!((reply.status, reply.text()), (200, text), "{target}");
    }
}

#[test]
fn the_router_answers_what_no_handler_need_to() {
    let listener = Listener::of(routes());
    let mut client = Client::connect(&listener);
    for (line, status, allow, text) in [
        ("GET /api/nodes", 404, None, "not found"),
        ("GET /api/nodes/", 404, None, "not found"),
        ("GET /api/nodes//pods", 404, None, "not found"),
        ("OPTIONS *", 404, None, "not found"),
        ("GET /", 405, Some("POST"), "method not allowed"),
        ("HEAD /", 405, Some("POST"), ""),
        ("get /api/rows", 405, Some("GET, HEAD"), "method not allowed"),
        ("DELETE /api/nodes/a", 405, Some("GET, HEAD, POST"), "method not allowed"),
        ("POST /api/nodes/all/pods", 405, Some("GET, HEAD"), "method not allowed"),
        ("OPTIONS /api/nodes/a", 204, Some("GET, HEAD, POST"), ""),
        ("OPTIONS /health", 204, Some("GET, HEAD"), ""),
        ("GET /health", 200, None, "healthy"),
        ("GET /api/nodes/%00", 400, None, "malformed path parameter"),
        ("GET /api/nodes/%2", 400, None, "malformed path parameter"),
        ("GET /api/nodes/%ff/pods", 400, None, "malformed path parameter"),
    ] {
        let reply = client.ask(line, "", b"");
        assert_eq!((reply.status, reply.field("Allow"), reply.text()), (status, allow, text), "{line}");
        assert_eq!(reply.field("Content-Length").is_none(), status == 204, "{line}");
    }
}

#[test]
fn targets_are_answered_up_to_their_limits_and_refused_past_them() {
    let listener = Listener::of(routes());
    let mut client = Client::connect(&listener);
    for (length, status) in [(PARAMETER_LIMIT, 200), (PARAMETER_LIMIT + 1, 414)] {
        let reply = client.ask(&format!("GET /api/nodes/{}", "%61".repeat(length)), "", b"");
        assert_eq!(reply.status, status, "{length}");
    }
    for (length, status) in [(VALUE_LIMIT, 200), (VALUE_LIMIT + 1, 400)] {
        let reply = client.ask(&format!("GET /api/nodes/a?b={}", "c".repeat(length)), "", b"");
        assert_eq!(reply.status, status, "{length}");
    }
    for (count, status) in [(PARAMETERS_LIMIT, 200), (PARAMETERS_LIMIT + 1, 400)] {
        let query: Vec<String> = (0..count).map(|index| format!("p{index}")).collect();
        let reply = client.ask(&format!("GET /api/nodes/a?{}", query.join("&")), "", b"");
        assert_eq!(reply.status, status, "{count}");
    }
}

#[test]
fn a_head_has_the_fields_of_a_get_and_no_content() {
    let listener = Listener::of(routes());
    for path in ["/api/nodes/a", "/api/nodes/all/pods", "/health", "/metrics", "/api/rows", "/none"] {
        let mut client = Client::connect(&listener);
        let (get, head) =
            (client.ask(&format!("GET {path}"), "", b""), client.ask(&format!("HEAD {path}"), "", b""));
        let without_date = |reply: &Reply| -> Vec<_> {
            reply.headers.iter().filter(|(name, _)| name != "Date").cloned().collect()
        };
        assert_eq!((get.status, without_date(&get)), (head.status, without_date(&head)), "{path}");
        assert!(!get.body.is_empty());
        client.stream.shutdown(Shutdown::Write).unwrap();
        assert!(client.is_over(), "{path}");
    }
}

#[test]
fn a_route_with_a_token_answers_who_presents_it() {
    let listener = Listener::of(routes());
    let mut client = Client::connect(&listener);
    for (authorization, status, challenge) in [
        ("Authorization: Bearer s3cret\r\n", 200, None),
        ("authorization: bearer s3cret\r\n", 200, None),
        ("", 401, Some("Bearer")),
        ("Authorization: Basic s3cret\r\n", 401, Some("Bearer")),
        ("Authorization: Bearer s3cre\r\n", 401, Some("Bearer error=\"invalid_token\"")),
        ("Authorization: Bearer s3crett\r\n", 401, Some("Bearer error=\"invalid_token\"")),
    ] {
        let reply = client.ask("POST /api/nodes/a", &(json(2) + authorization), b"{}");
        assert_eq!((reply.status, reply.field("WWW-Authenticate")), (status, challenge), "{authorization}");
    }
    // The same path without a token, and no word about the body before the token is right.
    assert_eq!(client.ask("GET /api/nodes/a", "", b"").status, 200);
    assert_eq!(client.ask("POST /api/nodes/a", "", b"").status, 401);
}

#[test]
fn a_body_must_be_of_the_routes_media_type_and_have_a_declared_end() {
    let listener = Listener::of(routes());
    let mut client = Client::connect(&listener);
    for (fields, status) in [
        ("Content-Type: application/json\r\nContent-Length: 2\r\n", 200),
        ("Content-Type: Application/JSON ; charset=utf-8\r\nContent-Length: 2\r\n", 200),
        ("Content-Type: text/json\r\nContent-Length: 2\r\n", 415),
        ("Content-Type: application/json5\r\nContent-Length: 2\r\n", 415),
        ("Content-Type: application/json, text/plain\r\nContent-Length: 2\r\n", 415),
        ("Content-Type: application/json\r\nContent-Type: application/json\r\nContent-Length: 2\r\n", 415),
        ("Content-Type:\r\nContent-Length: 2\r\n", 415),
        ("Content-Length: 2\r\n", 415),
    ] {
        assert_eq!(client.ask("POST /api/open/a", fields, b"{}").status, status, "{fields}");
    }
    let fields = "Content-Type: application/json\r\n";
    assert_eq!(client.ask("POST /api/open/a", fields, b"").status, 411);
    let empty = format!("{fields}Content-Length: 0\r\n");
    assert_eq!(client.ask("POST /api/open/a", &empty, b"").text(), "a 0  false");
    let chunked = format!("{fields}Transfer-Encoding: chunked\r\n");
    let reply = client.ask("POST /api/open/%2Fb", &chunked, b"3\r\n{\"a\r\n3\r\n\":1\r\n1\r\n}\r\n0\r\n\r\n");
    let text = "/b 7 {\"a\":1} false";
    assert_eq!((reply.text(), reply.field("Location")), (text, Some("/b")));
}

#[test]
fn a_body_may_be_as_long_as_its_route_allows_and_no_longer() {
    let listener = Listener::of(routes());
    let limit = usize::try_from(JSON_LIMIT).unwrap();
    let body = vec![b'x'; limit + 1];
    let mut client = Client::connect(&listener);
    let reply = client.ask("POST /api/open/a", &json(limit), &body[..limit]);
    assert_eq!(reply.text(), format!("a {limit} xxxxxxxx false"));
    let reply = client.ask("POST /api/open/a", &json(limit + 1), &body);
    assert_eq!((reply.status, reply.field("Connection")), (413, Some("close")));
    // The same in chunks, whose sum is known only at the end.
    for (past, status) in [(0, 200), (1, 413)] {
        let mut client = Client::connect(&listener);
        client.send("POST /api/open/a HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n");
        client.send(format!("Transfer-Encoding: chunked\r\n\r\n{limit:x}\r\n"));
        client.send(&body[..limit]);
        client.send(if past == 0 { "\r\n0\r\n\r\n" } else { "\r\n1\r\nx\r\n0\r\n\r\n" });
        assert_eq!(client.reply("POST").status, status);
    }
}

#[test]
fn a_body_is_asked_for_where_the_route_will_take_it() {
    let listener = Listener::of(routes());
    let expects = |fields: &str| format!("{fields}Expect: 100-continue\r\n");
    let mut client = Client::connect(&listener);
    client.send(format!("POST /api/open/a HTTP/1.1\r\nHost: a\r\n{}\r\n", expects(&json(2))));
    let interim = read_next_head(&mut client.buffer, &mut client.stream).unwrap();
    assert_eq!(interim.status, StatusCode::CONTINUE);
    client.send("{}");
    assert_eq!(client.reply("POST").text(), "a 2 {} false");
    for (line, fields, status) in [
        ("POST /api/nodes/a", json(2), 401),
        ("POST /api/open/a", "Content-Length: 2\r\n".to_owned(), 415),
        ("POST /api/open/a", json(usize::try_from(JSON_LIMIT).unwrap() + 1), 413),
        ("PUT /api/open/a", json(2), 405),
    ] {
        let mut client = Client::connect(&listener);
        let reply = client.ask(line, &expects(&fields), b"");
        assert_eq!((reply.status, reply.field("Connection")), (status, Some("close")), "{line}");
        assert!(client.is_over());
    }
}

#[test]
fn rows_are_streamed_in_chunks_and_the_connection_is_kept() {
    let listener = Listener::of(routes());
    let mut client = Client::connect(&listener);
    for _ in 0..2 {
        let reply = client.ask("GET /api/rows", "", b"");
        assert_eq!(reply.field("Transfer-Encoding"), Some("chunked"));
        assert_eq!((reply.field("Content-Length"), reply.field("Connection")), (None, None));
        assert!(reply.text() == document());
    }
}

#[test]
fn a_client_of_http_1_0_gets_rows_up_to_the_end_of_the_connection() {
    let listener = Listener::of(routes());
    let mut client = Client::connect(&listener);
    client.send("GET /api/rows HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    let reply = client.reply("GET");
    assert_eq!(reply.field("Transfer-Encoding"), None);
    assert_eq!((reply.field("Content-Length"), reply.field("Connection")), (None, Some("close")));
    assert!(reply.text() == document());
}

#[test]
fn a_document_that_breaks_off_is_seen_to_be_cut_off() {
    let listener = Listener::of(routes());
    let mut client = Client::connect(&listener);
    client.send("GET /api/rows?break HTTP/1.1\r\nHost: a\r\n\r\n");
    let head = read_next_head(&mut client.buffer, &mut client.stream).unwrap();
    assert_eq!((head.status, head.framing), (StatusCode::OK, Framing::Chunked));
    assert!(read_body(&mut client.buffer, &mut client.stream, head.framing, 1 << 24).is_err());
}

#[test]
fn a_reader_that_stops_ends_a_stream_after_the_idle_timeout() {
    let endless = Route::get("/", |_| {
        Response::stream("text/plain", |out| {
            loop {
                out.write_all(&[b'x'; 1000])?;
            }
        })
    });
    let service = service(vec![endless], Duration::from_millis(100));
    let traffic = Arc::clone(&service.traffic);
    let listener = Listener::start(service);
    let mut client = Client::connect(&listener);
    client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    while traffic.connections() != (1, 0) {
        std::thread::yield_now();
    }
    let head = read_next_head(&mut client.buffer, &mut client.stream).unwrap();
    assert_eq!(head.status, StatusCode::OK);
    assert!(read_body(&mut client.buffer, &mut client.stream, head.framing, 1 << 30).is_err());
}

#[test]
fn requests_are_counted_by_the_path_of_their_route_whatever_is_requested() {
    let counts = Arc::new(RequestCounts::default());
    let routes = Routes::new(routes(), &counts);
    let listener = Listener::start(Service { routes, ..service(vec![], Duration::from_mins(1)) });
    let mut client = Client::connect(&listener);
    for index in 0..20 {
        client.ask(&format!("GET /api/nodes/node-{index}"), "", b"");
        client.ask(&format!("GET /none/{index}"), "", b"");
    }
    client.send("GET / HTTP/3\r\n\r\n");
    client.reply("GET");
    let counted: Vec<_> = counts.by_route().into_iter().filter(|(_, _, count)| *count > 0).collect();
    let expected = [
        ("/api/nodes/{node}", StatusCode::OK, 20),
        ("other", StatusCode::BAD_REQUEST, 1),
        ("other", StatusCode::NOT_FOUND, 20),
    ];
    assert_eq!(counted, expected);
}

/// Targets of every kind, for mutations.
const TARGETS: [&str; 6] = [
    "/api/nodes/node-1/pods?window=60&stats=true&node=a%2Fb",
    "/api/nodes/a%2Fb%00c/pods",
    "/api/nodes/%C3%A9",
    "/api/open/a?%61=b+c&d=%2B&e",
    "http://host:80/api/nodes/x?y",
    "/api/rows?a=1&b=2&c=3&d=4&e=5&f=6&g=7&h=8&i=9&j=10&k=11&l=12&m=13&n=14&o=15&p=16",
];

/// What mutations insert.
const PIECES: [&str; 12] =
    ["/", "//", "%", "%2F", "%00", "%ff", "?", "&", "=", "+", "{node}", "aaaaaaaaaaaaaaaa"];

/// Mutations in all: some seconds without optimisation.
const MUTATIONS: usize = 300_000;

#[test]
fn no_target_makes_the_router_panic_or_a_parameter_leave_its_segment() {
    let table = Routes::new(routes(), &RequestCounts::default());
    for target in TARGETS {
        for end in 0..=target.len() {
            route(&table, &target.as_bytes()[..end]);
        }
    }
    let mut random = Random(3);
    let mut found = 0;
    for _ in 0..MUTATIONS {
        found += usize::from(route(&table, &random.mutation(&TARGETS, &PIECES)));
    }
    assert!(found > MUTATIONS / 10 && found < MUTATIONS, "{found}");
}

/// Whether a route is found for `target`; asserts what must hold for it, however it is answered.
fn route(table: &Routes, target: &[u8]) -> bool {
    let head = [b"GET ", target, b" HTTP/1.0\r\n\r\n"].concat();
    let Ok(Some((head, _))) = request::parse(&head) else { return false };
    if let Ok(query) = Query::parse(head.query) {
        assert!(query.iter().count() <= PARAMETERS_LIMIT);
        assert!(query.iter().all(|(_, value)| value.len() <= VALUE_LIMIT && !value.contains('\0')));
    }
    let Answer::Route(_, parameters) = table.find(&head).answer else { return false };
    let slashes = head.path.matches('/').count();
    if slashes >= 3 && head.path != "/api/nodes/all/pods" {
        let node = parameters.get("node");
        assert!(node.len() <= PARAMETER_LIMIT && !node.is_empty() && !node.chars().any(char::is_control));
        assert!(slashes == 3 || (slashes == 4 && head.path.ends_with("/pods")), "{}", head.path);
    }
    true
}
