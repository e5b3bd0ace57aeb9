//! The transfer probe: 64 KiB posted over HTTP and echoed, for packets as large as the path takes in both
//! directions; and in which direction they are stuck, by the kernel's counts of the connection.

use std::net::SocketAddr;
use std::time::Duration;

use super::connection::Connection;
use super::http::read_failure;
use super::{Error, Failure, Phase};
use crate::fetch;
use crate::http::StatusCode;
use crate::http::buffer::Buffer;
use crate::http::response::{self, ReadError};
use crate::sys::socket::{self, TimedReader};
use crate::sys::tcp_info::{self, TcpInfo};
use crate::time::Deadline;

/// The bytes that are sent and echoed: on any link but the loopback several packets of the largest
/// size.
pub const LENGTH: usize = 64 * 1024;

/// Small segments that pass a black hole for large ones: the head of a reply, the rest at the end of a body,
/// and what a sender cut off where its buffer was full. Where segments are lost at random, more of the ten
/// that are sent first (RFC 6928) come through.
const SMALL_SEGMENTS: u32 = 4;

/// The silence that proves as much as a retransmitted segment: the kernel waits for longer where the first
/// round trip took a second, with a SYN that was lost.
const LONG_SILENCE: Duration = Duration::from_secs(1);

/// The shortest silence that proves something: as long as Linux waits before it retransmits (`TCP_RTO_MIN`).
/// Slow paths are not silent for so long.
const SILENCE: Duration = Duration::from_millis(200);

/// The round trips that the silence lasts at the least, by the shortest that there was: the first may have
/// waited for a neighbour's address, and a full queue lengthens all of them.
const SILENT_ROUND_TRIPS: u32 = 4;

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
    /// What went wrong. `HttpStatus` and `Mismatch`: the server does not echo, which is no fault of the path.
    pub failure: Failure,
    /// Where large packets vanish while small ones pass. `None` where that is not certain.
    pub direction: Option<Direction>,
}

/// Has the server at `address` echo a large body, and measures how long that takes.
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
    /// The kernel's counts before the body was sent.
    before: TcpInfo,
}

impl Transfer {
    fn run(&mut self, address: SocketAddr) -> Result<(), Failure> {
        let fields = format!("Content-Length: {LENGTH}\r\nExpect: 100-continue\r\n");
        self.connection.send(fetch::head("POST", "/", address, &fields).as_bytes())?;
        self.wait_for_invitation()?;
        self.before = tcp_info::of(&self.connection.stream).unwrap_or_default();
        let body: Vec<u8> = (0..=250).cycle().take(LENGTH).collect();
        socket::send_all(&self.connection.stream, &body, self.deadline)
            .map_err(|error| Failure::io(&error, Phase::Send))?;
        let mut reader = TimedReader { stream: &self.connection.stream, deadline: self.deadline };
        let head = response::read_head(&mut self.buffer, &mut reader).map_err(read_failure)?;
        if head.status != StatusCode::OK {
            return Err(Failure::new(Error::HttpStatus(head.status.as_u16()), Phase::Receive));
        }
        let echo = response::read_body(&mut self.buffer, &mut reader, head.framing, LENGTH as u64);
        let echo = echo.map_err(read_failure)?;
        if echo == body { Ok(()) } else { Err(Failure::new(Error::Mismatch, Phase::Receive)) }
    }

    /// Waits until the server asks for the body (RFC 9110, 10.1.1): it is up then, and small packets pass
    /// both ways. A server that does not echo refuses here, and is not sent the body. A server may not reply
    /// to the expectation, so that the wait is short.
    fn wait_for_invitation(&mut self) -> Result<(), Failure> {
        let deadline = self.deadline.share(4);
        let mut reader = TimedReader { stream: &self.connection.stream, deadline };
        match response::read_next_head(&mut self.buffer, &mut reader) {
            Ok(head) if head.status == StatusCode::CONTINUE => Ok(()),
            Ok(head) if head.status == StatusCode::OK => Err(Failure::new(Error::Mismatch, Phase::Receive)),
            Ok(head) => Err(Failure::new(Error::HttpStatus(head.status.as_u16()), Phase::Receive)),
            Err(ReadError::Io(_)) if deadline.has_passed() => Ok(()),
            Err(error) => Err(read_failure(error)),
        }
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

/// In which direction a transfer is stuck because of the size of its packets: nothing large passes, small
/// ones do, and there was silence. One that still moves when its time is over is slow.
fn stuck(before: &TcpInfo, now: &TcpInfo) -> Option<Direction> {
    if is_stuck_forward(before, now) {
        Some(Direction::Forward)
    } else if is_stuck_on_return(before, now) {
        Some(Direction::Return)
    } else {
        None
    }
}

/// Several full segments were sent, one of them again, and none was acknowledged: random loss does not take
/// them all, and on a slow path the first arrives. The request's head was, which is small (and the SYN, which
/// counts for one byte). Of a server that merely does not read the kernel takes what it has room for.
fn is_stuck_forward(before: &TcpInfo, now: &TcpInfo) -> bool {
    let small_pass = before.acked_bytes > 1;
    let acked = now.acked_bytes.saturating_sub(before.acked_bytes);
    let none_full = acked < before.full_segment.into() && now.sacked <= SMALL_SEGMENTS;
    let retransmits = now.retransmits.saturating_sub(before.retransmits);
    let are_several = now.unacked > SMALL_SEGMENTS && retransmits > 0;
    let is_tried = are_several || now.unacked > 0 && now.since_ack >= LONG_SILENCE;
    small_pass && none_full && is_tried && now.since_ack >= silence(now)
}

/// The whole body has arrived, the answer has begun, and not one full segment of it has been received. A
/// server that has not begun may be slow, or frozen.
fn is_stuck_on_return(before: &TcpInfo, now: &TcpInfo) -> bool {
    let is_there = now.unacked == 0 && now.unsent_bytes == 0;
    let received = now.received_bytes.saturating_sub(before.received_bytes);
    let segments = now.received_segments.saturating_sub(before.received_segments);
    let none_full = received < before.full_segment.into() && segments <= SMALL_SEGMENTS;
    is_there && received > 0 && none_full && now.since_data >= silence(now)
}

fn silence(now: &TcpInfo) -> Duration {
    SILENCE.max(now.round_trip * SILENT_ROUND_TRIPS)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FULL: u32 = 1448;

    /// The length of the body, as the connection counts.
    const BODY: u64 = LENGTH as u64;

    /// The request's 200 bytes and the SYN were acknowledged, and the invitation was received.
    const BEFORE: TcpInfo = TcpInfo {
        retransmits: 1,
        full_segment: FULL,
        unacked: 0,
        sacked: 0,
        unsent_bytes: 0,
        acked_bytes: 201,
        received_bytes: 25,
        received_segments: 1,
        round_trip: Duration::from_millis(12),
        since_ack: Duration::ZERO,
        since_data: Duration::ZERO,
    };

    /// Of the body nothing is acknowledged, as seen on a path that took 1400 bytes on the way there.
    const FORWARD: TcpInfo = TcpInfo {
        retransmits: BEFORE.retransmits + 1,
        unacked: 12,
        unsent_bytes: 48_160,
        since_ack: SILENCE,
        since_data: SILENCE,
        ..BEFORE
    };

    /// All of it is, and the reply's head was received, as seen on a path that took 1400 bytes on the way
    /// back.
    const RETURN: TcpInfo = TcpInfo {
        acked_bytes: BEFORE.acked_bytes + BODY,
        received_bytes: BEFORE.received_bytes + 236,
        received_segments: BEFORE.received_segments + 1,
        since_ack: SILENCE,
        since_data: SILENCE,
        ..BEFORE
    };

    #[test]
    fn a_black_hole_lets_small_segments_pass_and_is_silent() {
        assert_eq!(stuck(&BEFORE, &FORWARD), Some(Direction::Forward));
        assert_eq!(stuck(&BEFORE, &RETURN), Some(Direction::Return));
        // Right up to one full segment, and with small ones out of order.
        let acked_bytes = BEFORE.acked_bytes + u64::from(FULL) - 1;
        let forward = TcpInfo { acked_bytes, sacked: SMALL_SEGMENTS, ..FORWARD };
        assert_eq!(stuck(&BEFORE, &forward), Some(Direction::Forward));
        let received_bytes = BEFORE.received_bytes + u64::from(FULL) - 1;
        let received_segments = BEFORE.received_segments + SMALL_SEGMENTS;
        let back = TcpInfo { received_bytes, received_segments, ..RETURN };
        assert_eq!(stuck(&BEFORE, &back), Some(Direction::Return));
    }

    #[test]
    fn what_moves_slowly_is_not_stuck() {
        let a_full_segment = u64::from(FULL);
        let acked_bytes = BEFORE.acked_bytes + a_full_segment;
        assert_eq!(stuck(&BEFORE, &TcpInfo { acked_bytes, ..FORWARD }), None);
        let received_bytes = BEFORE.received_bytes + a_full_segment;
        assert_eq!(stuck(&BEFORE, &TcpInfo { received_bytes, ..RETURN }), None);
        // Something has just arrived.
        let lately = SILENCE.saturating_sub(Duration::from_millis(1));
        assert_eq!(stuck(&BEFORE, &TcpInfo { since_ack: lately, ..FORWARD }), None);
        assert_eq!(stuck(&BEFORE, &TcpInfo { since_data: lately, ..RETURN }), None);
        // So long a silence is usual where a round trip takes so long.
        let round_trip = SILENCE / SILENT_ROUND_TRIPS + Duration::from_millis(1);
        assert_eq!(stuck(&BEFORE, &TcpInfo { round_trip, ..FORWARD }), None);
        assert_eq!(stuck(&BEFORE, &TcpInfo { round_trip, ..RETURN }), None);
    }

    #[test]
    fn a_long_silence_replaces_a_retransmission() {
        let once = TcpInfo { retransmits: BEFORE.retransmits, ..FORWARD };
        let few = TcpInfo { unacked: SMALL_SEGMENTS, ..FORWARD };
        for now in [once, few] {
            for (milliseconds, expected) in [(999, None), (1000, Some(Direction::Forward))] {
                let since_ack = Duration::from_millis(milliseconds);
                assert_eq!(stuck(&BEFORE, &TcpInfo { since_ack, ..now }), expected);
            }
        }
        let several = TcpInfo { unacked: SMALL_SEGMENTS + 1, ..FORWARD };
        assert_eq!(stuck(&BEFORE, &several), Some(Direction::Forward));
    }

    /// A fifth of the first ten segments, the first one of them each time that it is sent.
    #[test]
    fn where_segments_are_lost_at_random_others_arrive_out_of_order() {
        assert_eq!(stuck(&BEFORE, &TcpInfo { sacked: 8, ..FORWARD }), None);
        assert_eq!(stuck(&BEFORE, &TcpInfo { sacked: SMALL_SEGMENTS + 1, ..FORWARD }), None);
        for more in [SMALL_SEGMENTS + 1, 8] {
            let received_segments = BEFORE.received_segments + more;
            assert_eq!(stuck(&BEFORE, &TcpInfo { received_segments, ..RETURN }), None);
        }
    }

    #[test]
    fn a_server_that_is_frozen_or_trickles_is_no_black_hole() {
        // It has not begun to answer, or not even asked for the body.
        for received_bytes in [25, 0] {
            let before = TcpInfo { received_bytes, ..BEFORE };
            assert_eq!(stuck(&before, &TcpInfo { received_bytes, ..RETURN }), None);
        }
        // Its kernel takes no more, and is sent window probes.
        assert_eq!(stuck(&BEFORE, &TcpInfo { unacked: 0, since_ack: LONG_SILENCE, ..FORWARD }), None);
        // Nothing at all is acknowledged.
        let before = TcpInfo { acked_bytes: 1, ..BEFORE };
        assert_eq!(stuck(&before, &TcpInfo { acked_bytes: 1, ..FORWARD }), None);
        // Piece by piece of 100 bytes, and then no more.
        let received_bytes = BEFORE.received_bytes + 800;
        let received_segments = BEFORE.received_segments + 8;
        assert_eq!(stuck(&BEFORE, &TcpInfo { received_bytes, received_segments, ..RETURN }), None);
        // What was never sent cannot be stuck.
        assert_eq!(stuck(&TcpInfo::default(), &RETURN), None);
    }
}
