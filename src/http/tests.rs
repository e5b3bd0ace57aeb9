//! All of HTTP's parsers against hostile input: every prefix, every split, and mutations by the hundred
//! thousand from fixed seeds.

use std::io::{self, Read};

use super::buffer::Buffer;
use super::response::{self, ReadError};
use super::testing::Random;
use super::{Error, HEAD_LIMIT, request};

/// What a client sends over one connection: heads and bodies of every kind, one after the other.
const REQUESTS: [&str; 7] = [
    "GET / HTTP/1.1\r\nHost: smoker-server:8082\r\n\r\n\
     GET /health?q HTTP/1.1\r\nHost: [::1]\r\nAccept: */*\r\n\r\n",
    "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nPINGHEAD http://a/b HTTP/1.9\r\nHost:\r\n\r\n",
    "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n\
     2\r\nPI\r\n2;a=\"b\"\r\nNG\r\n0\r\nT: u\r\n\r\nGET /",
    "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n\r\nPOST / HTTP/1.0\r\nContent-Length: 3\r\n\r\nend",
    "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n\
     Content-Length: 2\r\nConnection: close\r\n\r\n\r\n",
    "OPTIONS * HTTP/1.1\r\nHost: a:1\r\n\r\nCONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n",
    "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
];

const RESPONSES: [&str; 5] = [
    "HTTP/1.1 200 OK\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\nContent-Length: 2\r\n\r\nOK",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;x\r\nO\r\n01\r\nK\r\n0\r\nA: b\r\n\r\n",
    "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.0 503 Busy\r\nRetry-After: 1\r\n\r\nlater",
    "HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\nOK",
];

/// What mutations insert.
const PIECES: [&str; 16] = [
    "\r\n",
    "\r",
    "\n",
    "\0",
    " ",
    "\t",
    ":",
    ",",
    ";",
    "0",
    "9",
    "f",
    "\x7f",
    "\u{e9}",
    "Content-Length: 3\r\n",
    "Transfer-Encoding: chunked\r\n",
];

/// Of every body here, requests' and responses' alike.
const BODY_LIMIT: u64 = 64;

/// Mutations of requests and of responses each; both together take about a second without optimisation.
const MUTATIONS: usize = 100_000;

/// How a conversation ended.
#[derive(Debug, PartialEq)]
enum End {
    /// Between two messages, or where a body may end.
    Whole,
    /// Within a message.
    Cut,
    Refused(Error),
    BodyTooLarge,
}

/// A request's method, path and body, or a response's status and body.
type Message = (String, Vec<u8>);

#[test]
fn no_prefix_of_a_head_is_read_as_another_head() {
    for text in REQUESTS {
        let whole = request::parse(text.as_bytes());
        let head = whole.as_ref().map_or(0, |parsed| parsed.as_ref().unwrap().1);
        for end in 0..text.len() {
            match request::parse(&text.as_bytes()[..end]) {
                Ok(None) => assert!(end < head || whole.is_err()),
                parsed => assert_eq!(parsed, whole, "{end} bytes of {text:?}"),
            }
        }
    }
    for text in RESPONSES {
        let whole = response::parse(text.as_bytes());
        for end in 0..text.len() {
            let parsed = response::parse(&text.as_bytes()[..end]);
            assert!(parsed == Ok(None) || parsed == whole, "{end} bytes of {text:?}");
        }
    }
}

#[test]
fn where_the_input_is_split_makes_no_difference() {
    for text in REQUESTS {
        let whole = serve(&mut text.as_bytes());
        assert_eq!(serve(&mut Pieces::new(text.as_bytes(), || 1)), whole, "{text:?}");
        for end in 0..text.len() {
            let (first, second) = text.as_bytes().split_at(end);
            assert_eq!(serve(&mut first.chain(second)), whole, "{text:?} at {end}");
        }
    }
    for text in RESPONSES {
        let whole = fetch(&mut text.as_bytes());
        assert_eq!(fetch(&mut Pieces::new(text.as_bytes(), || 1)), whole, "{text:?}");
        for end in 0..text.len() {
            let (first, second) = text.as_bytes().split_at(end);
            assert_eq!(fetch(&mut first.chain(second)), whole, "{text:?} at {end}");
        }
    }
}

#[test]
fn pipelined_requests_are_separated_to_the_byte() {
    let message = |head: &str, body: &str| (head.to_owned(), body.as_bytes().to_owned());
    let served = REQUESTS.map(|text| serve(&mut text.as_bytes()));
    assert_eq!(served[0], (vec![message("GET /", ""), message("GET /health", "")], End::Whole));
    assert_eq!(served[1], (vec![message("POST /", "PING"), message("HEAD /b", "")], End::Whole));
    assert_eq!(served[2], (vec![message("POST /", "PING")], End::Cut));
    assert_eq!(served[3], (vec![message("GET /", ""), message("POST /", "end")], End::Whole));
    assert_eq!(served[4], (vec![message("POST /", "\r\n")], End::Whole));
    assert_eq!(served[5], (vec![message("OPTIONS *", ""), message("CONNECT a:1", "")], End::Whole));
    assert_eq!(served[6], (vec![], End::Refused(Error::TwoFramings)));
}

#[test]
fn a_head_as_large_as_the_limit_passes_in_pieces_of_any_size() {
    let frame = "GET / HTTP/1.1\r\nHost: a\r\nA: \r\n\r\n";
    let head = frame.replace("A: ", &format!("A: {}", "b".repeat(HEAD_LIMIT - frame.len())));
    let text = head.clone() + &head + "B" + &head;
    for size in [1000, 1024, 4095, 8191, 8192, 8193] {
        let (served, end) = serve(&mut Pieces::new(text.as_bytes(), || size));
        assert_eq!((served.len(), end), (2, End::Refused(Error::HeadTooLarge)), "pieces of {size}");
    }
}

#[test]
fn mutated_requests_neither_panic_nor_depend_on_how_they_are_split() {
    let mut random = Random(1);
    for _ in 0..MUTATIONS {
        let bytes = random.mutation(&REQUESTS, &PIECES);
        let whole = serve(&mut &bytes[..]);
        let split = serve(&mut Pieces::new(&bytes, || 1 + random.below(40)));
        assert_eq!(split, whole, "{}", bytes.escape_ascii());
    }
}

#[test]
fn mutated_responses_neither_panic_nor_depend_on_how_they_are_split() {
    let mut random = Random(2);
    for _ in 0..MUTATIONS {
        let bytes = random.mutation(&RESPONSES, &PIECES);
        let whole = fetch(&mut &bytes[..]);
        let split = fetch(&mut Pieces::new(&bytes, || 1 + random.below(40)));
        assert_eq!(split, whole, "{}", bytes.escape_ascii());
    }
}

/// Every request that `reader` yields, as a server would take them, and why there were no more.
fn serve(reader: &mut impl Read) -> (Vec<Message>, End) {
    let (mut buffer, mut served) = (Buffer::new(), Vec::new());
    loop {
        match next_request(&mut buffer, reader) {
            Ok(message) => served.push(message),
            Err(ReadError::Closed) if buffer.bytes().is_empty() => return (served, End::Whole),
            Err(error) => return (served, error.into()),
        }
    }
}

fn next_request(buffer: &mut Buffer, reader: &mut impl Read) -> Result<Message, ReadError> {
    loop {
        assert!(buffer.bytes().len() <= HEAD_LIMIT);
        if let Some((request, length)) = request::parse(buffer.bytes())? {
            assert_well_formed(&request, &buffer.bytes()[..length]);
            let (head, framing) = (format!("{} {}", request.method, request.path), request.framing);
            buffer.consume(length);
            let body = response::read_body(buffer, reader, framing, BODY_LIMIT)?;
            assert!(body.len() as u64 <= BODY_LIMIT);
            return Ok((head, body));
        }
        if buffer.fill(reader)? == 0 {
            return Err(ReadError::Closed);
        }
    }
}

/// The response that `reader` yields, as a prober would take it.
fn fetch(reader: &mut impl Read) -> (Vec<Message>, End) {
    let mut buffer = Buffer::new();
    let mut response = || {
        let head = response::read_head(&mut buffer, reader)?;
        let body = response::read_body(&mut buffer, reader, head.framing, BODY_LIMIT)?;
        assert!(body.len() as u64 <= BODY_LIMIT);
        Ok::<_, ReadError>((head.status.to_string(), body))
    };
    match response() {
        Ok(message) => (vec![message], End::Whole),
        Err(error) => (vec![], error.into()),
    }
}

/// Reads an accepted head a second time, in another way, for what must never be accepted.
fn assert_well_formed(request: &request::RequestHead<'_>, head: &[u8]) {
    let text = head.escape_ascii();
    assert!(head.len() <= HEAD_LIMIT && head.ends_with(b"\r\n\r\n"), "{text}");
    let lines = String::from_utf8_lossy(head).to_ascii_lowercase();
    let lines: Vec<&str> = lines.trim_ascii_start().trim_end_matches("\r\n").split("\r\n").collect();
    assert!(!lines.iter().any(|line| line.contains(|c: char| c.is_ascii_control() && c != '\t')), "{text}");
    let count = |name: &str| lines.iter().skip(1).filter(|line| line.split(':').next() == Some(name)).count();
    assert_eq!(lines.iter().skip(1).filter(|line| line.starts_with([' ', '\t', ':'])).count(), 0, "{text}");
    assert!(count("host") == 1 || (count("host") == 0 && request.version_minor == 0), "{text}");
    assert!(count("content-length") + count("transfer-encoding") < 2, "{text}");
    assert!(lines[0].ends_with(&format!(" http/1.{}", request.version_minor)), "{text}");
}

impl From<ReadError> for End {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Io(error) => panic!("{error}"),
            ReadError::Closed => Self::Cut,
            ReadError::Malformed(error) => Self::Refused(error),
            ReadError::BodyTooLarge => Self::BodyTooLarge,
        }
    }
}

/// A reader that yields as many bytes at a time as a closure says.
struct Pieces<'a, F> {
    bytes: &'a [u8],
    size: F,
}

impl<'a, F: FnMut() -> usize> Pieces<'a, F> {
    fn new(bytes: &'a [u8], size: F) -> Self {
        Self { bytes, size }
    }
}

impl<F: FnMut() -> usize> Read for Pieces<'_, F> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let size = out.len().min((self.size)());
        self.bytes.read(&mut out[..size])
    }
}
