//! The TCP probe: connect, send `PING`, read exactly `PING`.

use std::io::Read;
use std::net::SocketAddr;
use std::time::Instant;

use super::connection::{self, Connection};
use super::{Error, Failure, Outcome, PING, Part, Phase, Success};
use crate::sys::socket::TimedReader;
use crate::time::Deadline;

/// Probes the echo server at `address`.
pub fn probe(address: SocketAddr, deadline: Deadline) -> Outcome {
    connection::probe(address, deadline, |connection| exchange(connection, deadline))
}

fn exchange(connection: &Connection, deadline: Deadline) -> Result<Success, Failure> {
    connection.send(PING)?;
    let mut reader = TimedReader { stream: &connection.stream, deadline };
    // One byte more than was sent: an echo that adds something is no echo.
    let mut answer = [0; PING.len() + 1];
    let mut len = 0;
    while len < PING.len() {
        match reader.read(&mut answer[len..]) {
            Ok(0) => return Err(Failure::new(Error::Closed, Phase::Receive)),
            Ok(read) => len += read,
            Err(error) => return Err(Failure::io(&error, Phase::Receive)),
        }
        if !PING.starts_with(&answer[..len]) {
            return Err(Failure::new(Error::Mismatch, Phase::Receive));
        }
    }
    Ok(connection.success(Part::Echo, Instant::now()))
}
