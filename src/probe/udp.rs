//! The UDP probe: one datagram `PING` from a new socket, and the same one back.

use std::io;
use std::net::SocketAddr;
use std::time::Instant;

use super::{Error, Failure, Outcome, PING, Phase, Success};
use crate::sys::datagram;
use crate::sys::socket::is_own;
use crate::time::Deadline;

/// Probes the echo server at `address`.
pub fn probe(address: SocketAddr, deadline: Deadline) -> Outcome {
    Outcome::of(exchange(address, deadline))
}

fn exchange(address: SocketAddr, deadline: Deadline) -> Result<Success, Failure> {
    let in_phase = |phase| move |error: io::Error| Failure::io(&error, phase);
    let socket = datagram::connected(address).map_err(in_phase(Phase::Connect))?;
    if is_own(socket.local_addr(), address) {
        return Err(Failure::new(Error::Refused, Phase::Connect));
    }
    let start = Instant::now();
    socket.send(PING).map_err(in_phase(Phase::Send))?;
    // Longer than the answer: what the kernel cut to fit would look like one.
    let mut datagram = [0; 2 * PING.len()];
    // Other datagrams are ignored, and a flood of them cannot last longer than the deadline.
    loop {
        let len = deadline.wait(|timeout| {
            socket.set_read_timeout(Some(timeout))?;
            socket.recv(&mut datagram)
        });
        if &datagram[..len.map_err(in_phase(Phase::Receive))?] == PING {
            return Ok(Success::new(start.elapsed()));
        }
    }
}
