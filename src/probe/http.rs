//! The HTTP probe: `GET /` on a new connection, answered by status 200 and the body `OK`.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use super::{Error, Failure, Outcome, Phase, connect, send};
use crate::http::buffer::Buffer;
use crate::http::response::{self, ReadError};
use crate::sys::socket::TimedReader;
use crate::time::Deadline;

/// The longest body that is read to its end before it is called a mismatch: an error page of a proxy that
/// answers 200 fits, an endless body does not.
const BODY_LIMIT: u64 = 64 * 1024;

/// Probes the HTTP server at `address`.
pub fn probe(address: SocketAddr, deadline: Deadline) -> Outcome {
    Outcome::of(exchange(address, deadline))
}

fn exchange(address: SocketAddr, deadline: Deadline) -> Result<Duration, Failure> {
    let request = request(address);
    let (stream, start) = connect(address, deadline)?;
    send(&stream, request.as_bytes())?;
    let (mut buffer, mut reader) = (Buffer::new(), TimedReader { stream: &stream, deadline });
    let head = response::read_head(&mut buffer, &mut reader).map_err(failure)?;
    if head.status != 200 {
        return Err(Failure::new(Error::HttpStatus(head.status), Phase::Receive));
    }
    let body = response::read_body(&mut buffer, &mut reader, head.framing, BODY_LIMIT).map_err(failure)?;
    if body != b"OK" {
        return Err(Failure::new(Error::Mismatch, Phase::Receive));
    }
    Ok(start.elapsed())
}

/// Names the address, not the name it was looked up by: what is probed is this address (RFC 9110, 7.2).
fn request(address: SocketAddr) -> String {
    let host = match address.ip() {
        IpAddr::V4(ip) => ip.to_string(),
        IpAddr::V6(ip) => format!("[{ip}]"),
    };
    let (port, version) = (address.port(), env!("CARGO_PKG_VERSION"));
    format!(
        "GET / HTTP/1.1\r\nHost: {host}:{port}\r\nUser-Agent: smoker/{version}\r\nConnection: close\r\n\r\n"
    )
}

fn failure(error: ReadError) -> Failure {
    let error = match error {
        ReadError::Io(error) => return Failure::io(&error, Phase::Receive),
        ReadError::Closed => Error::Closed,
        ReadError::Malformed(_) => Error::HttpMalformed,
        ReadError::BodyTooLarge => Error::Mismatch,
    };
    Failure::new(error, Phase::Receive)
}
