//! One HTTP/1.1 request over one deadline, its answer bounded. Looking the name up, and what a status or a
//! body means, are left to the callers.
//!
//! In scope: any method, a body, a bearer token, several addresses of one server. Out of scope: TLS,
//! redirects, kept connections, cookies, content codings.

use std::fmt::Write;
use std::io;
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use crate::http::buffer::Buffer;
use crate::http::response::{self, ReadError};
use crate::http::{Headers, ResponseHead, StatusCode};
use crate::sys::socket::{self, TimedReader, Unconnected};
use crate::sys::tcp_info;
use crate::time::Deadline;

/// A request. What is in it becomes part of its head as it is: see [`Error::Unsendable`].
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// `GET`, `POST`, … but not `CONNECT`; case matters.
    pub method: &'a str,
    /// Path and query, percent-encoded.
    pub target: &'a str,
    /// What an `Authorization` of the scheme `Bearer` carries (RFC 6750, 2.1).
    pub token: Option<&'a str>,
    /// What is sent with it.
    pub body: Option<Body<'a>>,
}

/// A request's body.
#[derive(Clone, Copy, Debug)]
pub struct Body<'a> {
    /// `Content-Type`.
    pub media_type: &'a str,
    /// All of it.
    pub bytes: &'a [u8],
}

/// A whole answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    /// Where it came from.
    pub address: SocketAddr,
    /// Its status, whichever.
    pub status: StatusCode,
    /// Its body; empty in the answer to a `HEAD`.
    pub body: Vec<u8>,
}

/// An address that gave no whole answer.
#[derive(Debug)]
pub struct Failed {
    /// The address.
    pub address: SocketAddr,
    /// What went wrong.
    pub error: Error,
    /// TCP segments that were sent again.
    pub retransmits: u32,
}

/// What went wrong, by the phase of the exchange. At the deadline it is an I/O error of kind `TimedOut`.
#[derive(Debug)]
pub enum Error {
    /// A part of the request is empty, or has bytes that would end its line: nothing was sent.
    Unsendable,
    /// No connection came about; where nothing but this very socket listens there, it is refused.
    Connect(io::Error),
    /// The request could not be sent whole, and no answer came.
    Send(io::Error),
    /// The answer did not come, or not whole, or is none.
    Receive(ReadError),
}

/// An exchange whose answer's head has been read.
#[derive(Debug)]
pub struct Exchange {
    address: SocketAddr,
    stream: TcpStream,
    buffer: Buffer,
    head: ResponseHead,
    has_body: bool,
    deadline: Deadline,
    start: Instant,
    connected: Instant,
    first_byte: Instant,
}

/// How long the parts of an exchange took.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Times {
    /// From the first packet to the end of the handshake.
    pub connect: Duration,
    /// From then to the first byte of the answer.
    pub first_byte: Duration,
    /// From the first packet until now.
    pub whole: Duration,
}

/// Sends `request` to the first of `addresses` that answers, each of which gets the time left divided by the
/// addresses left. A body of more than `limit` bytes is no answer. The error has each address that was tried.
///
/// After a connection that could not be made the next address is tried, whatever the method; later only if it
/// is idempotent, because the server may have done what it was asked (RFC 9110, 9.2.2).
pub fn fetch(
    addresses: &[SocketAddr],
    request: &Request,
    limit: u64,
    deadline: Deadline,
) -> Result<Response, Vec<Failed>> {
    let mut tried = Vec::new();
    for (nth, address) in addresses.iter().enumerate() {
        let left = u32::try_from(addresses.len() - nth).unwrap_or(u32::MAX);
        match fetch_one(*address, request, limit, deadline.share(left)) {
            Ok(response) => return Ok(response),
            Err(failed) => tried.push(failed),
        }
        let was_unconnected = matches!(tried.last(), Some(Failed { error: Error::Connect(_), .. }));
        if !was_unconnected && !is_idempotent(request.method) {
            break;
        }
    }
    Err(tried)
}

fn fetch_one(
    address: SocketAddr,
    request: &Request,
    limit: u64,
    deadline: Deadline,
) -> Result<Response, Failed> {
    let mut exchange = start(address, request, deadline, |_| ())?;
    let body = exchange.read_body(limit)?;
    Ok(Response { address, status: exchange.status(), body })
}

/// Sends `request` to `address` and reads the head of the answer, whose fields it shows to `inspect`.
pub fn start(
    address: SocketAddr,
    request: &Request,
    deadline: Deadline,
    inspect: impl FnOnce(Headers<'_>),
) -> Result<Exchange, Failed> {
    let failed = |error| Failed { address, error, retransmits: 0 };
    let message = message(address, request).ok_or_else(|| failed(Error::Unsendable))?;
    let stream = socket::stream(address).map_err(|error| failed(Error::Connect(error)))?;
    let start = Instant::now();
    socket::connect(&stream, address, deadline).map_err(|unconnected| {
        let Unconnected { error, retransmits } = unconnected;
        Failed { retransmits, ..failed(Error::Connect(error)) }
    })?;
    let connected = Instant::now();
    let mut buffer = Buffer::new();
    match converse(&stream, &message, &mut buffer, deadline, inspect) {
        Ok((head, first_byte)) => {
            let has_body = request.method != "HEAD";
            Ok(Exchange { address, stream, buffer, head, has_body, deadline, start, connected, first_byte })
        }
        Err(error) => Err(Failed { address, error, retransmits: tcp_info::retransmits(&stream) }),
    }
}

/// Sends the message and reads the head that answers it; also when its first byte came.
fn converse(
    stream: &TcpStream,
    message: &[u8],
    buffer: &mut Buffer,
    deadline: Deadline,
    inspect: impl FnOnce(Headers<'_>),
) -> Result<(ResponseHead, Instant), Error> {
    let sent = socket::send_all(stream, message, deadline);
    let mut reader = TimedReader { stream, deadline };
    let filled = buffer.fill(&mut reader);
    let first_byte = Instant::now();
    let read = match filled {
        Ok(_) => response::read_head_and_headers(buffer, &mut reader, inspect),
        Err(error) => Err(error.into()),
    };
    // A server may refuse a request, and close, before it has read all of it (RFC 9112, 9.6).
    match (sent, read) {
        (_, Ok(head)) => Ok((head, first_byte)),
        (Err(error), Err(_)) => Err(Error::Send(error)),
        (Ok(()), Err(error)) => Err(Error::Receive(error)),
    }
}

impl Exchange {
    /// The status of the answer.
    pub fn status(&self) -> StatusCode {
        self.head.status
    }

    /// Reads the body of the answer, of `limit` bytes at most. A second call has nothing to read.
    pub fn read_body(&mut self, limit: u64) -> Result<Vec<u8>, Failed> {
        if !std::mem::take(&mut self.has_body) {
            return Ok(Vec::new());
        }
        let mut reader = TimedReader { stream: &self.stream, deadline: self.deadline };
        response::read_body(&mut self.buffer, &mut reader, self.head.framing, limit).map_err(|error| Failed {
            address: self.address,
            error: Error::Receive(error),
            retransmits: self.retransmits(),
        })
    }

    /// This host's address and port in the exchange.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.stream.local_addr()
    }

    /// TCP segments that were sent again.
    pub fn retransmits(&self) -> u32 {
        tcp_info::retransmits(&self.stream)
    }

    /// How long its parts took.
    pub fn times(&self) -> Times {
        Times {
            connect: self.connected - self.start,
            first_byte: self.first_byte - self.connected,
            whole: self.start.elapsed(),
        }
    }
}

/// The head of a request with these further fields, each with its CRLF. It names the address, not the name
/// that was looked up: what is asked is this address (RFC 9110, 7.2).
pub fn head(method: &str, target: &str, address: SocketAddr, fields: &str) -> String {
    let host = match address.ip() {
        IpAddr::V4(ip) => ip.to_string(),
        IpAddr::V6(ip) => format!("[{ip}]"),
    };
    let (port, version) = (address.port(), env!("CARGO_PKG_VERSION"));
    format!(
        "{method} {target} HTTP/1.1\r\nHost: {host}:{port}\r\nUser-Agent: smoker/{version}\r\n{fields}\
         Connection: close\r\n\r\n"
    )
}

/// The bytes of `request`; `None` where a part of it cannot be sent as it is.
fn message(address: SocketAddr, request: &Request) -> Option<Vec<u8>> {
    let Request { method, target, token, body } = request;
    let mut fields = String::new();
    if let Some(token) = token {
        write!(fields, "Authorization: Bearer {token}\r\n").ok()?;
    }
    if let Some(Body { media_type, bytes }) = body {
        write!(fields, "Content-Type: {media_type}\r\nContent-Length: {}\r\n", bytes.len()).ok()?;
    }
    let media_type = body.map(|body| body.media_type.replace(' ', ""));
    let parts = [Some(*method), Some(*target), *token, media_type.as_deref()];
    let is_sendable = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_graphic());
    if !parts.into_iter().flatten().all(is_sendable) {
        return None;
    }
    let mut message = head(method, target, address, &fields).into_bytes();
    message.extend_from_slice(body.map_or(&[], |body| body.bytes));
    Some(message)
}

/// The methods of RFC 9110 that may be repeated (9.2.2).
fn is_idempotent(method: &str) -> bool {
    matches!(method, "GET" | "HEAD" | "OPTIONS" | "TRACE" | "PUT" | "DELETE")
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::{Ipv4Addr, TcpListener};
    use std::sync::mpsc::{self, Receiver};
    use std::thread;

    use super::*;

    /// Long enough never to be waited for by a test that passes.
    const NEVER: Duration = Duration::from_mins(1);
    const SHORT: Duration = Duration::from_millis(150);
    const LIMIT: u64 = 1000;
    const GET: Request = Request { method: "GET", target: "/", token: None, body: None };
    const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOK";

    /// A peer that takes one connection, reads the head of the request, and runs the script. It
    /// hands the head over; the connection is closed when the script has ended.
    fn peer(script: impl FnOnce(TcpStream) + Send + 'static) -> (SocketAddr, Receiver<String>) {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let (sender, heads) = mpsc::channel();
        thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                let mut byte = [0];
                stream.read_exact(&mut byte).unwrap();
                head.push(byte[0]);
            }
            sender.send(String::from_utf8(head).unwrap()).unwrap();
            script(stream);
        });
        (address, heads)
    }

    /// One that sends this and closes without a reset.
    fn peer_that_sends(text: impl Into<Vec<u8>>) -> (SocketAddr, Receiver<String>) {
        let text = text.into();
        peer(move |mut stream| {
            stream.write_all(&text).unwrap();
            stream.shutdown(std::net::Shutdown::Write).unwrap();
            // Until the client has closed too: no reset overtakes the answer.
            let _ = stream.read_to_end(&mut Vec::new());
        })
    }

    /// An address where nothing listens: the port is held on another address of the host.
    fn closed() -> (SocketAddr, TcpListener) {
        let held = TcpListener::bind((Ipv4Addr::new(127, 0, 0, 2), 0)).unwrap();
        ((Ipv4Addr::LOCALHOST, held.local_addr().unwrap().port()).into(), held)
    }

    fn fetch_from(address: SocketAddr, request: &Request, timeout: Duration) -> Result<Response, Failed> {
        let fetched = fetch(&[address], request, LIMIT, Deadline::after(timeout));
        fetched.map_err(|mut failed| failed.pop().unwrap())
    }

    fn body_of(text: &str) -> Result<(u16, String), Failed> {
        let response = fetch_from(peer_that_sends(text).0, &GET, NEVER)?;
        Ok((response.status.as_u16(), String::from_utf8(response.body).unwrap()))
    }

    fn is_late(error: &Error) -> bool {
        let (Error::Send(error) | Error::Receive(ReadError::Io(error))) = error else { return false };
        error.kind() == io::ErrorKind::TimedOut
    }

    #[test]
    fn an_answer_of_any_framing_is_read_whole() {
        for (text, status, body) in [
            (OK, 200, "OK"),
            ("HTTP/1.0 200 OK\r\n\r\nuntil the end", 200, "until the end"),
            ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nO\r\n1\r\nK\r\n0\r\n\r\n", 200, "OK"),
            ("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 201 Made\r\nContent-Length: 1\r\n\r\n1", 201, "1"),
            ("HTTP/1.1 204 No Content\r\n\r\n", 204, ""),
            ("HTTP/1.1 503 Busy\r\nContent-Length: 4\r\n\r\nbusy", 503, "busy"),
        ] {
            assert_eq!(body_of(text).unwrap(), (status, body.into()), "{text:?}");
        }
    }

    #[test]
    fn a_request_is_sent_as_it_was_made() {
        let (address, heads) = peer(|mut stream| {
            let mut body = [0; 4];
            stream.read_exact(&mut body).unwrap();
            let head = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n";
            stream.write_all(&[head.as_bytes(), &body].concat()).unwrap();
        });
        let body = Some(Body { media_type: "application/json; charset=utf-8", bytes: b"{  }" });
        let request = Request { method: "POST", target: "/api?x=1", token: Some("s3cret=="), body };
        let response = fetch_from(address, &request, NEVER).unwrap();
        assert_eq!(response, Response { address, status: StatusCode::OK, body: b"{  }".into() });
        let version = env!("CARGO_PKG_VERSION");
        let expected = format!(
            "POST /api?x=1 HTTP/1.1\r\nHost: {address}\r\nUser-Agent: smoker/{version}\r\n\
             Authorization: Bearer s3cret==\r\nContent-Type: application/json; charset=utf-8\r\n\
             Content-Length: 4\r\nConnection: close\r\n\r\n"
        );
        assert_eq!(heads.recv().unwrap(), expected);
    }

    #[test]
    fn nothing_that_would_end_a_line_of_the_head_is_sent() {
        let address = closed().0;
        let body = |media_type| Some(Body { media_type, bytes: b"" });
        for request in [
            Request { method: "", ..GET },
            Request { method: "GET /x", ..GET },
            Request { target: "/ HTTP/1.1\r\nX: y", ..GET },
            Request { target: "", ..GET },
            Request { token: Some("a\n"), ..GET },
            Request { token: Some("\u{e9}"), ..GET },
            Request { body: body("text/plain\r\nX: y"), ..GET },
        ] {
            let failed = fetch_from(address, &request, NEVER).unwrap_err();
            assert!(matches!(failed.error, Error::Unsendable), "{request:?}: {failed:?}");
        }
    }

    #[test]
    fn a_body_at_its_limit_is_read_and_one_past_it_is_no_answer() {
        for framing in ["Content-Length", "close", "chunked"] {
            for len in [1000, 1001] {
                let head = match framing {
                    "Content-Length" => format!("Content-Length: {len}\r\n\r\n"),
                    "chunked" => format!("Transfer-Encoding: chunked\r\n\r\n{len:x}\r\n"),
                    _ => "\r\n".into(),
                };
                let end = if framing == "chunked" { "\r\n0\r\n\r\n" } else { "" };
                let text = format!("HTTP/1.1 200 OK\r\n{head}{}{end}", "x".repeat(len));
                match body_of(&text) {
                    Ok((_, body)) => assert_eq!(body.len(), 1000, "{framing}"),
                    Err(Failed { error: Error::Receive(ReadError::BodyTooLarge), .. }) => {
                        assert_eq!(len, 1001);
                    }
                    Err(failed) => panic!("{framing}: {failed:?}"),
                }
            }
        }
    }

    #[test]
    fn an_endless_body_ends_at_the_limit() {
        let (address, _heads) = peer(|mut stream| {
            stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").unwrap();
            while stream.write_all(&[b'x'; 4096]).is_ok() {}
        });
        let failed = fetch_from(address, &GET, NEVER).unwrap_err();
        assert!(matches!(failed.error, Error::Receive(ReadError::BodyTooLarge)), "{failed:?}");
    }

    /// Silence before the head, within it, and within the body; a byte now and then changes nothing.
    #[test]
    fn one_deadline_covers_all_phases() {
        for sent in ["", "HTTP/1.1 200 OK\r\nContent-Len", "HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\nx"]
        {
            for trickles in [false, true] {
                let (address, _heads) = peer(move |mut stream| {
                    stream.write_all(sent.as_bytes()).unwrap();
                    stream.set_read_timeout(Some(Duration::from_millis(1))).unwrap();
                    // Ends when the client has closed.
                    while !matches!(stream.read(&mut [0]), Ok(0)) {
                        if trickles && stream.write_all(b"1").is_err() {
                            break;
                        }
                    }
                });
                let start = Instant::now();
                let failed = fetch_from(address, &GET, SHORT).unwrap_err();
                let malformed = matches!(failed.error, Error::Receive(ReadError::Malformed(_)));
                assert!(is_late(&failed.error) || (trickles && malformed), "{sent:?}: {failed:?}");
                assert!(malformed || start.elapsed() >= SHORT);
            }
        }
    }

    #[test]
    fn a_request_that_is_not_read_ends_at_the_deadline() {
        let (address, _heads) = peer(|stream| {
            thread::park();
            drop(stream);
        });
        let bytes = vec![b'x'; 32 << 20];
        let body = Some(Body { media_type: "text/plain", bytes: &bytes });
        let request = Request { method: "POST", body, ..GET };
        let failed = fetch_from(address, &request, Duration::from_secs(2)).unwrap_err();
        assert!(matches!(failed.error, Error::Send(_)) && is_late(&failed.error), "{failed:?}");
    }

    #[test]
    fn an_early_end_is_named() {
        for text in ["", "HTTP/1.1 200 OK\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nOK"] {
            let failed = body_of(text).unwrap_err();
            assert!(matches!(failed.error, Error::Receive(ReadError::Closed)), "{text:?}: {failed:?}");
        }
        let failed = body_of("SSH-2.0-OpenSSH\r\n").unwrap_err();
        assert!(matches!(failed.error, Error::Receive(ReadError::Malformed(_))), "{failed:?}");
    }

    #[test]
    fn a_reset_is_an_error_of_the_phase_it_came_in() {
        let (address, _heads) = peer(|mut stream| {
            stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nOK").unwrap();
            // Closed with a byte unread, a connection is reset.
            stream.peek(&mut [0]).unwrap();
        });
        let body = Some(Body { media_type: "text/plain", bytes: b"unread" });
        let failed = fetch_from(address, &Request { method: "POST", body, ..GET }, NEVER).unwrap_err();
        let Error::Receive(ReadError::Io(error)) = failed.error else { panic!("{failed:?}") };
        assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
        let (address, _held) = closed();
        let failed = fetch_from(address, &GET, NEVER).unwrap_err();
        let Error::Connect(error) = failed.error else { panic!("{failed:?}") };
        assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
    }

    #[test]
    fn the_answer_to_head_has_no_body() {
        let (address, _heads) = peer_that_sends("HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n");
        let response = fetch_from(address, &Request { method: "HEAD", ..GET }, NEVER).unwrap();
        assert_eq!(response.body, b"");
    }

    #[test]
    fn the_next_address_is_tried_when_the_first_is_dead() {
        let (dead, _held) = closed();
        let post = Request { method: "POST", ..GET };
        for request in [GET, post] {
            let (address, _heads) = peer_that_sends(OK);
            let response = fetch(&[dead, address], &request, LIMIT, Deadline::after(NEVER)).unwrap();
            assert_eq!(response.address, address);
        }
        let failed = fetch(&[dead, dead], &GET, LIMIT, Deadline::after(NEVER)).unwrap_err();
        assert_eq!(failed.len(), 2);
        assert_eq!(fetch(&[], &GET, LIMIT, Deadline::after(NEVER)).unwrap_err().len(), 0);
    }

    #[test]
    fn what_a_server_may_have_done_is_not_asked_of_another() {
        for (method, tries) in [("GET", 2), ("POST", 1)] {
            let addresses = [(); 2].map(|()| peer_that_sends("").0);
            let request = Request { method, ..GET };
            let failed = fetch(&addresses, &request, LIMIT, Deadline::after(NEVER)).unwrap_err();
            assert_eq!(failed.len(), tries, "{method}");
        }
    }

    #[test]
    fn a_silent_address_takes_its_share_of_the_time_alone() {
        let silent = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let (address, _heads) = peer_that_sends(OK);
        let addresses = [silent.local_addr().unwrap(), address];
        let response = fetch(&addresses, &GET, LIMIT, Deadline::after(Duration::from_secs(2))).unwrap();
        assert_eq!(response.address, address);
    }
}
