//! The transfer probe: 64 KiB posted over HTTP and echoed, for packets as large as the path takes in both
//! directions; and where they got stuck, from what the kernel says of the connection.

use std::net::SocketAddr;
use std::time::Duration;

use super::connection::Connection;
use super::http::{failure, request};
use super::{Error, Failure, Phase};
use crate::http::buffer::Buffer;
use crate::http::response::{self, ReadError};
use crate::sys::socket::{self, TimedReader};
use crate::sys::tcp_info::{self, TcpInfo};
use crate::time::Deadline;

/// The bytes that are sent, and wanted back: on any link but the loopback several packets of the largest
/// size.
pub const LENGTH: usize = 64 * 1024;

/// A transfer that gets stuck before so many bytes of the body is stuck at its first large packets. Into
/// these fit the head of a reply and what a server writes in small pieces; where packets are lost at random,
/// more than this comes through.
const PROGRESS: u64 = 4 * 1024;

/// A way through the network, as the prober sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// To the server.
    Forward,
    /// Back from it.
    Return,
}

/// Why the body did not come back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stall {
    /// What went wrong. `HttpStatus` and `Mismatch`: there is no server that echoes, which is no fault of the
    /// path.
    pub failure: Failure,
    /// Where large packets vanish while small ones pass. `None` where that is not certain.
    pub direction: Option<Direction>,
}

/// Has the server at `address` echo a large body, and tells how long that took.
pub fn probe(address: SocketAddr, deadline: Deadline) -> Result<Duration, Stall> {
    let certain = |failure| Stall { failure, direction: None };
    let connection = Connection::open(address, deadline).map_err(certain)?;
    let mut transfer = Transfer { connection, buffer: Buffer::new(), deadline, before: TcpInfo::default() };
    transfer.run(address).map_err(|failure| transfer.explain(failure))?;
    Ok(transfer.connection.age())
}

struct Transfer {
    connection: Connection,
    buffer: Buffer,
    deadline: Deadline,
    /// How things stood before the body was sent.
    before: TcpInfo,
}

impl Transfer {
    fn run(&mut self, address: SocketAddr) -> Result<(), Failure> {
        let fields = format!("Content-Length: {LENGTH}\r\nExpect: 100-continue\r\n");
        self.connection.send(request("POST", address, &fields).as_bytes())?;
        self.wait_for_invitation()?;
        self.before = tcp_info::of(&self.connection.stream).unwrap_or_default();
        let body: Vec<u8> = (0..=250).cycle().take(LENGTH).collect();
        self.send(&body)?;
        let mut reader = TimedReader { stream: &self.connection.stream, deadline: self.deadline };
        let head = response::read_head(&mut self.buffer, &mut reader).map_err(failure)?;
        if head.status != 200 {
            return Err(Failure::new(Error::HttpStatus(head.status), Phase::Receive));
        }
        let echo = response::read_body(&mut self.buffer, &mut reader, head.framing, LENGTH as u64);
        let echo = echo.map_err(failure)?;
        if echo == body { Ok(()) } else { Err(Failure::new(Error::Mismatch, Phase::Receive)) }
    }

    /// Waits until the server asks for the body (RFC 9110, 10.1.1): it is there then, and small packets pass
    /// both ways. Who does not echo refuses here, and is spared the body. A server may say nothing, so that
    /// the wait is short.
    fn wait_for_invitation(&mut self) -> Result<(), Failure> {
        let deadline = self.deadline.share(4);
        let mut reader = TimedReader { stream: &self.connection.stream, deadline };
        match response::read_next_head(&mut self.buffer, &mut reader) {
            Ok(head) if head.status == 100 => Ok(()),
            Ok(head) if head.status == 200 => Err(Failure::new(Error::Mismatch, Phase::Receive)),
            Ok(head) => Err(Failure::new(Error::HttpStatus(head.status), Phase::Receive)),
            Err(ReadError::Io(_)) if deadline.has_passed() => Ok(()),
            Err(error) => Err(failure(error)),
        }
    }

    fn send(&self, mut rest: &[u8]) -> Result<(), Failure> {
        let stream = &self.connection.stream;
        while !rest.is_empty() {
            let sent = self.deadline.wait(|timeout| {
                socket::wait_writable(stream, timeout)?;
                socket::send_at_once(stream, rest)
            });
            rest = &rest[sent.map_err(|error| Failure::io(&error, Phase::Send))?..];
        }
        Ok(())
    }

    fn explain(&self, failure: Failure) -> Stall {
        let Ok(now) = tcp_info::of(&self.connection.stream) else {
            return Stall { failure, direction: None };
        };
        let timed_out = failure.error == Error::Timeout;
        let direction = if timed_out { stuck(&self.before, &now) } else { None };
        Stall { failure: Failure { retransmits: now.retransmits, ..failure }, direction }
    }
}

/// In which direction a transfer is stuck because of the size of its packets. What this end has sent and the
/// other one has not acknowledged is stuck on the way there; once all of it is, the echo is on the way back.
/// That small packets pass is known from what has been acknowledged (the request's head, and the SYN counts
/// for one byte) and from what has come.
fn stuck(before: &TcpInfo, now: &TcpInfo) -> Option<Direction> {
    let is_there = now.unacked == 0 && now.unsent_bytes == 0;
    let (direction, small_pass, progress) = if is_there {
        (Direction::Return, now.received_bytes > 0, now.received_bytes.saturating_sub(before.received_bytes))
    } else {
        (Direction::Forward, now.acked_bytes > 1, now.acked_bytes.saturating_sub(before.acked_bytes))
    };
    (small_pass && progress < PROGRESS).then_some(direction)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A connection on which `acked` bytes, the SYN included, were acknowledged and `received` came.
    fn info(acked_bytes: u64, received_bytes: u64) -> TcpInfo {
        TcpInfo { acked_bytes, received_bytes, ..TcpInfo::default() }
    }

    #[test]
    fn what_is_not_acknowledged_is_stuck_on_the_way_there() {
        let before = info(201, 25);
        for (unacked, unsent_bytes) in [(1, 0), (10, 50_000), (0, 50_000)] {
            let at = |acked, received| TcpInfo { unacked, unsent_bytes, ..info(acked, received) };
            assert_eq!(stuck(&before, &at(201, 25)), Some(Direction::Forward));
            assert_eq!(stuck(&before, &at(200 + PROGRESS, 25)), Some(Direction::Forward));
            // More than small packets came through, and then no more: this is not their size.
            assert_eq!(stuck(&before, &at(201 + PROGRESS, 25)), None);
            // A server that asks for no body has acknowledged the head all the same.
            assert_eq!(stuck(&info(201, 0), &at(201, 0)), Some(Direction::Forward));
            // Nothing passes, small or large.
            assert_eq!(stuck(&info(1, 0), &at(1, 0)), None);
        }
    }

    #[test]
    fn what_was_acknowledged_and_does_not_come_back_is_stuck_on_the_way_back() {
        let before = info(201, 25);
        let all = 201 + LENGTH as u64;
        assert_eq!(stuck(&before, &info(all, 25)), Some(Direction::Return));
        assert_eq!(stuck(&before, &info(all, 25 + PROGRESS - 1)), Some(Direction::Return));
        assert_eq!(stuck(&before, &info(all, 25 + PROGRESS)), None);
        // A server that has said nothing at all may be slow.
        assert_eq!(stuck(&info(201, 0), &info(all, 0)), None);
    }
}
