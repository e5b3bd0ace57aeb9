//! The HTTP probe: `GET /` on a new connection, answered by status 200 and the body `OK`.

use std::net::{IpAddr, SocketAddr};
use std::time::Instant;

use super::answerer::Fields;
use super::connection::{self, Connection};
use super::{Error, Failure, Outcome, Phase, Success};
use crate::http::StatusCode;
use crate::http::buffer::Buffer;
use crate::http::response::{self, ReadError};
use crate::sys::socket::TimedReader;
use crate::time::Deadline;

/// The longest body that is read to its end before it is called a mismatch: an error page of a proxy that
/// answers 200 fits, an endless body does not.
const BODY_LIMIT: u64 = 64 * 1024;

/// Probes the HTTP server at `address`. Where it turns out to be the process whose instance is `own`, it is
/// refused: nobody is there but the prober.
pub fn probe(address: SocketAddr, deadline: Deadline, own: Option<u64>) -> Outcome {
    connection::probe(address, deadline, |connection| exchange(connection, address, deadline, own))
}

fn exchange(
    connection: &Connection,
    address: SocketAddr,
    deadline: Deadline,
    own: Option<u64>,
) -> Result<Success, Failure> {
    connection.send(request("GET", address, "").as_bytes())?;
    let mut buffer = Buffer::new();
    let mut reader = TimedReader { stream: &connection.stream, deadline };
    buffer.fill(&mut reader).map_err(|error| Failure::io(&error, Phase::Receive))?;
    let first_byte = Instant::now();
    let mut fields = Fields::default();
    let head = response::read_head_and_headers(&mut buffer, &mut reader, |headers| {
        headers.iter().for_each(|(name, value)| fields.note(name, value));
    });
    let head = head.map_err(failure)?;
    let answerer = connection.stream.local_addr().ok().and_then(|local| fields.answerer(local));
    if own.is_some() && answerer.as_ref().map(|answerer| answerer.instance) == own {
        return Err(Failure::new(Error::Refused, Phase::Receive));
    }
    if head.status != StatusCode::OK {
        return Err(Failure::new(Error::HttpStatus(head.status.as_u16()), Phase::Receive));
    }
    let body = response::read_body(&mut buffer, &mut reader, head.framing, BODY_LIMIT).map_err(failure)?;
    if body != b"OK" {
        return Err(Failure::new(Error::Mismatch, Phase::Receive));
    }
    Ok(Success { answerer, ..connection.success("ttfb", first_byte) })
}

/// The head of a request for `/`, with these further fields. It names the address, not the name it was looked
/// up by: what is probed is this address (RFC 9110, 7.2).
pub(super) fn request(method: &str, address: SocketAddr, fields: &str) -> String {
    let host = match address.ip() {
        IpAddr::V4(ip) => ip.to_string(),
        IpAddr::V6(ip) => format!("[{ip}]"),
    };
    let (port, version) = (address.port(), env!("CARGO_PKG_VERSION"));
    format!(
        "{method} / HTTP/1.1\r\nHost: {host}:{port}\r\nUser-Agent: smoker/{version}\r\n{fields}\
         Connection: close\r\n\r\n"
    )
}

pub(super) fn failure(error: ReadError) -> Failure {
    let error = match error {
        ReadError::Io(error) => return Failure::io(&error, Phase::Receive),
        ReadError::Closed => Error::Closed,
        ReadError::Malformed(_) => Error::HttpMalformed,
        ReadError::BodyTooLarge => Error::Mismatch,
    };
    Failure::new(error, Phase::Receive)
}
