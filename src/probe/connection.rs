//! The connection of a probe over TCP: opening it, sending a request, its times, what was sent again.

use std::io;
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use super::{Error, Failure, Outcome, Part, Phase, Success};
use crate::sys::{socket, tcp_info};
use crate::time::Deadline;

/// A new connection.
pub(super) struct Connection {
    pub(super) stream: TcpStream,
    /// When the first packet was sent.
    start: Instant,
    /// When the handshake was over.
    connected: Instant,
}

/// Connects to `address` and has `exchange` do the rest.
pub(super) fn probe(
    address: SocketAddr,
    deadline: Deadline,
    exchange: impl FnOnce(&Connection) -> Result<Success, Failure>,
) -> Outcome {
    let connection = match Connection::open(address, deadline) {
        Ok(connection) => connection,
        Err(failure) => return Outcome::Failure(failure),
    };
    let outcome = Outcome::of(exchange(&connection));
    outcome.with_retransmits(tcp_info::retransmits(&connection.stream))
}

impl Connection {
    /// A connection to `address`.
    pub(super) fn open(address: SocketAddr, deadline: Deadline) -> Result<Self, Failure> {
        let failure = |error: io::Error| Failure::io(&error, Phase::Connect);
        let stream = socket::stream(address).map_err(failure)?;
        let start = Instant::now();
        socket::connect(&stream, address, deadline).map_err(|unconnected| Failure {
            retransmits: unconnected.retransmits,
            ..failure(unconnected.error)
        })?;
        let connected = Instant::now();
        Ok(Self { stream, start, connected })
    }

    /// Sends a request that the empty send buffer takes whole, so that it need not wait.
    pub(super) fn send(&self, request: &[u8]) -> Result<(), Failure> {
        match socket::send_at_once(&self.stream, request) {
            Ok(sent) if sent == request.len() => Ok(()),
            Ok(_) => Err(Failure::new(Error::Timeout, Phase::Send)),
            Err(error) => Err(Failure::io(&error, Phase::Send)),
        }
    }

    /// A success that ends now. After the handshake it had `part`, which ended at `at`.
    pub(super) fn success(&self, part: Part, at: Instant) -> Success {
        let parts = vec![(Part::Connect, self.connected - self.start), (part, at - self.connected)];
        Success { parts, ..Success::new(self.age()) }
    }

    /// How long ago the first packet was sent.
    pub(super) fn age(&self) -> Duration {
        self.start.elapsed()
    }
}
