//! Probes, a file a protocol: (address, deadline) → [`Outcome`]. They never log and never sleep.
//!
//! A latency covers all from the first packet sent (the handshake included) to the last byte checked, and
//! not the look-up of the name.

mod answerer;
mod connection;
mod each;
mod error;
mod http;
mod kind;
pub mod series;
mod tcp;
mod udp;

pub mod mtu;
pub mod path;
pub mod transfer;

use std::fmt;
use std::io::{self, ErrorKind};
use std::time::Duration;

use crate::sys;
use crate::sys::errno::{EACCES, EHOSTDOWN, ENONET, ENOPROTOOPT};

pub use answerer::Answerer;
pub use each::{Addresses, Report, each};
pub use error::{Code, Error};
pub use http::probe as http;
pub use kind::{Kind, Part, Protocol};
pub use tcp::probe as tcp;
pub use udp::probe as udp;

/// What the echo probes send, and expect back.
const PING: &[u8] = b"PING";

/// What one probe of one address found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The whole exchange went as it should.
    Success(Success),
    /// It did not, and so there is no latency.
    Failure(Failure),
}

/// How long an exchange took, and which server answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Success {
    /// From the first packet sent to the last byte checked.
    pub latency: Duration,
    /// Its parts, in their order: the handshake and the echo of TCP, the handshake and the first byte of
    /// HTTP; none of UDP.
    pub parts: Vec<(Part, Duration)>,
    /// TCP segments that were sent again.
    pub retransmits: u32,
    /// The Smoker that answered, where it identifies itself.
    pub answerer: Option<Answerer>,
}

/// Why a probe failed, and how far it had come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// What went wrong.
    pub error: Error,
    /// What it was doing.
    pub phase: Phase,
    /// The system's text, for errors outside the vocabulary.
    pub detail: Option<String>,
    /// TCP segments that were sent again: SYNs, where nothing answered them.
    pub retransmits: u32,
    /// This host had not enough of something: it is the prober that failed.
    pub is_shortage: bool,
}

/// What a probe was doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Looking the name up.
    Resolve,
    /// Waiting for the handshake.
    Connect,
    /// Handing the request to the kernel.
    Send,
    /// Waiting for the answer.
    Receive,
}

impl Outcome {
    fn of(result: Result<Success, Failure>) -> Self {
        match result {
            Ok(success) => Self::Success(success),
            Err(failure) => Self::Failure(failure),
        }
    }

    fn with_retransmits(self, retransmits: u32) -> Self {
        match self {
            Self::Success(success) => Self::Success(Success { retransmits, ..success }),
            Self::Failure(failure) => Self::Failure(Failure { retransmits, ..failure }),
        }
    }
}

impl Success {
    /// A success that took `latency`, without details.
    fn new(latency: Duration) -> Self {
        Self { latency, parts: Vec::new(), retransmits: 0, answerer: None }
    }
}

/// Whether the kernel got an ICMP message "destination unreachable", or has no route itself
/// (`icmp_err_convert` in net/ipv4/icmp.c, `tab_unreach` in net/ipv6/icmp.c): `EACCES`, for one, is what an
/// IPv6 firewall's "administratively prohibited" arrives as.
fn is_unreachable(error: &io::Error) -> bool {
    match error.kind() {
        ErrorKind::NetworkUnreachable | ErrorKind::HostUnreachable | ErrorKind::NetworkDown => true,
        _ => matches!(error.raw_os_error(), Some(EHOSTDOWN | ENONET | ENOPROTOOPT | EACCES)),
    }
}

impl Failure {
    /// A failure without details.
    pub fn new(error: Error, phase: Phase) -> Self {
        Self { error, phase, detail: None, retransmits: 0, is_shortage: false }
    }

    /// The failure of a probe that met the system's `error` in `phase`.
    pub fn io(error: &io::Error, phase: Phase) -> Self {
        let known = match error.kind() {
            ErrorKind::WouldBlock | ErrorKind::TimedOut => Error::Timeout,
            ErrorKind::ConnectionRefused => Error::Refused,
            ErrorKind::ConnectionReset | ErrorKind::ConnectionAborted | ErrorKind::BrokenPipe => Error::Reset,
            _ if is_unreachable(error) => Error::Unreachable,
            kind => {
                // The latter: no source port is left for this address.
                let is_shortage = sys::is_shortage(error) || kind == ErrorKind::AddrNotAvailable;
                let detail = Some(sys::describe(error));
                return Self { detail, is_shortage, ..Self::new(Error::Io, phase) };
            }
        };
        Self::new(known, phase)
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Resolve => "resolve",
            Self::Connect => "connect",
            Self::Send => "send",
            Self::Receive => "receive",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_of_the_system_become_words_of_the_vocabulary() {
        // The numbers of errno(3) on Linux.
        for (errno, word) in [
            (11, "timeout"),
            (110, "timeout"),
            (111, "refused"),
            (104, "reset"),
            (32, "reset"),
            (101, "unreachable"),
            (113, "unreachable"),
            (13, "unreachable"),
            (1, "io"),
            (99, "io"),
        ] {
            let failure = Failure::io(&io::Error::from_raw_os_error(errno), Phase::Send);
            assert_eq!(failure.error.to_string(), word, "errno {errno}");
            assert_eq!(failure.detail.is_some(), word == "io", "errno {errno}");
        }
    }
}
