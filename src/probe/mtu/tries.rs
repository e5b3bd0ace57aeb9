//! Sending datagrams of given sizes, each try with a small one behind them, and receiving the replies.

use std::io::{self, ErrorKind};
use std::net::{IpAddr, UdpSocket};
use std::time::{Duration, Instant};

use super::Large;
use super::sizes::Sent;
use crate::probe::{Error, Failure, Phase};
use crate::series_protocol::{self, Datagram, Id, Request};
use crate::sys::errno::EMSGSIZE;
use crate::sys::{path_mtu, random};
use crate::time::Deadline;

/// How many times a size is sent before it counts as too large.
const TRIES: usize = 3;

/// The most tries, because one in which the small datagram too was lost does not count.
const TRIES_LIMIT: usize = 2 * TRIES;

/// The least time for which replies to large datagrams may be behind the one to the small datagram.
const GRACE: Duration = Duration::from_millis(20);

/// What was sent and received on one socket.
pub(super) struct Tries {
    /// The largest packet that the interface takes.
    pub(super) interface: u32,
    /// All datagrams, by sequence number.
    pub(super) sent: Vec<Sent>,
    /// The largest that was answered.
    pub(super) passed: u32,
    /// The smallest MTU that a router has reported to this socket, and that router.
    pub(super) reported: Option<(u32, IpAddr)>,
    /// The replies are as long as the requests.
    pub(super) both_ways: bool,
    socket: UdpSocket,
    large: Large,
    deadline: Deadline,
    nonce: u64,
    /// The bytes of the headers of IP and UDP.
    headers: u32,
    /// A datagram of the largest size.
    datagram: Vec<u8>,
}

impl Tries {
    pub(super) fn new(socket: UdpSocket, large: Large, deadline: Deadline) -> Result<Self, Failure> {
        let peer = socket.peer_addr().map_err(|error| Failure::io(&error, Phase::Connect))?;
        // Of IPv4 the length of the whole packet has 16 bits, of IPv6 that of what follows its header.
        let (headers, longest) = if peer.is_ipv4() { (28, 65_507) } else { (48, series_protocol::MAX_LEN) };
        let mut tries = Self {
            interface: 0,
            sent: Vec::new(),
            passed: 0,
            reported: None,
            both_ways: large == Large::Replies,
            socket,
            large,
            deadline,
            nonce: random::number(),
            headers,
            datagram: vec![0; longest],
        };
        tries.interface = tries.ask_for_interface()?;
        Ok(tries)
    }

    /// Sends the longest datagram of all: the kernel refuses it and reports the interface's MTU. The loopback
    /// does take it.
    fn ask_for_interface(&mut self) -> Result<u32, Failure> {
        let longest = self.packet(self.datagram.len());
        let error = match self.send_once(longest) {
            Ok(()) => return Ok(longest),
            Err(error) => error,
        };
        let too_big = match error.raw_os_error() {
            Some(EMSGSIZE) => path_mtu::next_too_big(&self.socket),
            _ => None,
        };
        // An interface too small for any datagram of ours cannot be measured with them.
        let interface = too_big.map(|too_big| too_big.mtu).filter(|mtu| *mtu >= self.smallest());
        interface.ok_or_else(|| Failure::io(&error, Phase::Send))
    }

    /// Sends each of `sizes`, which are in ascending order, until it or a larger one is answered, or it has
    /// been unanswered [`TRIES`] times, or a router has reported that one is too big. A failure where nothing
    /// at all is answered.
    pub(super) fn attempt(&mut self, sizes: &[u32]) -> Result<(), Failure> {
        let (first, reported) = (self.sent.len(), self.reported);
        let mut counted = 0;
        for _ in 0..TRIES_LIMIT {
            counted += usize::from(self.try_once(sizes)?);
            let is_answered = sizes.last().is_none_or(|largest| *largest <= self.passed);
            let is_reported = self.reported != reported && counted > 0;
            if is_answered || is_reported || counted == TRIES || self.deadline.has_passed() {
                break;
            }
        }
        let any_answered = self.sent[first..].iter().any(|sent| sent.answered);
        if any_answered { Ok(()) } else { Err(Failure::new(Error::Timeout, Phase::Receive)) }
    }

    /// The path MTU that the kernel assumes.
    pub(super) fn kernel_mtu(&self) -> Option<u32> {
        path_mtu::believed(&self.socket).ok()
    }

    /// Whether `mtu` may be that of the path, below `too_large`.
    pub(super) fn is_worth_trying(&self, mtu: u32, too_large: u32) -> bool {
        mtu >= self.smallest() && (self.passed + 1..too_large).contains(&mtu)
    }

    /// Whether the small datagram behind those of `sizes` was answered.
    fn try_once(&mut self, sizes: &[u32]) -> Result<bool, Failure> {
        let (first, reported) = (self.sent.len(), self.reported);
        for size in sizes {
            if *size > self.passed {
                self.send(*size)?;
            }
        }
        let small = self.sent.len();
        self.send(self.smallest())?;
        let (start, mut until) = (Instant::now(), self.deadline.share(4));
        while !self.sent[first..].iter().all(|sent| sent.answered) {
            match self.receive(until)? {
                Received::Answer(sequence) if sequence == small => {
                    until = until.no_later_than(Deadline::after(GRACE.max(2 * start.elapsed())));
                }
                Received::Answer(_) | Received::Other => {}
                Received::Nothing => break,
            }
            if self.reported != reported && self.sent[small].answered {
                break;
            }
        }
        Ok(self.sent[small].answered)
    }

    /// Sends a datagram of `size`. The kernel reports an ICMP error that has arrived meanwhile in place of
    /// sending.
    fn send(&mut self, size: u32) -> Result<(), Failure> {
        for _ in 0..TRIES {
            match self.send_once(size) {
                Err(error) if error.raw_os_error() == Some(EMSGSIZE) => self.note_reports(),
                sent => return sent.map_err(|error| Failure::io(&error, Phase::Send)),
            }
        }
        Err(Failure::io(&io::Error::from_raw_os_error(EMSGSIZE), Phase::Send))
    }

    fn send_once(&mut self, size: u32) -> io::Result<()> {
        let sequence = u32::try_from(self.sent.len()).unwrap_or(u32::MAX);
        let id = Id { nonce: self.nonce, sequence, flow: 0 };
        let request = match self.large {
            Large::Requests => Request::Size(id),
            Large::Replies => Request::Probe(id),
        };
        self.datagram[..series_protocol::LEN].copy_from_slice(&request.encode());
        self.socket.send(&self.datagram[..(size - self.headers) as usize])?;
        self.sent.push(Sent { size, answered: false });
        Ok(())
    }

    /// Waits for the next datagram or ICMP error.
    fn receive(&mut self, until: Deadline) -> Result<Received, Failure> {
        let mut datagram = [0; series_protocol::LEN];
        let received = until.wait(|timeout| {
            self.socket.set_read_timeout(Some(timeout))?;
            self.socket.recv(&mut datagram)
        });
        match received {
            Ok(len) => Ok(self.note_answer(&datagram[..len]).map_or(Received::Other, Received::Answer)),
            Err(error) if error.kind() == ErrorKind::TimedOut => Ok(Received::Nothing),
            Err(error) if error.raw_os_error() == Some(EMSGSIZE) => {
                self.note_reports();
                Ok(Received::Other)
            }
            Err(error) => Err(Failure::io(&error, Phase::Receive)),
        }
    }

    /// The sequence number that this answers; `None` where it answers none of ours.
    fn note_answer(&mut self, datagram: &[u8]) -> Option<usize> {
        let (id, is_echo) = match series_protocol::decode(datagram).ok()?? {
            Datagram::Reply(reply) => (reply.id, false),
            Datagram::Request(Request::Size(id) | Request::Probe(id)) => (id, true),
        };
        let sequence = usize::try_from(id.sequence).ok()?;
        let sent = self.sent.get_mut(sequence).filter(|_| id.nonce == self.nonce)?;
        sent.answered = true;
        self.passed = self.passed.max(sent.size);
        self.both_ways |= is_echo;
        Some(sequence)
    }

    /// Notes the smallest MTU that routers have reported. One of 0 means that the router does not know the
    /// MTU of its link (RFC 1191, 4).
    fn note_reports(&mut self) {
        while let Some(report) = path_mtu::next_too_big(&self.socket) {
            let report = report.by.map(|router| (report.mtu, router)).filter(|(mtu, _)| *mtu > 0);
            self.reported = [self.reported, report].into_iter().flatten().min();
        }
    }

    /// The size of a datagram of ours that is not padded.
    fn smallest(&self) -> u32 {
        self.packet(series_protocol::LEN)
    }

    fn packet(&self, len: usize) -> u32 {
        u32::try_from(len).unwrap_or(u32::MAX).saturating_add(self.headers)
    }
}

/// What arrived.
enum Received {
    /// The answer to the datagram of this sequence number.
    Answer(usize),
    /// Something else.
    Other,
    /// Nothing in time.
    Nothing,
}
