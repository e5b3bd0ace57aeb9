//! One source port: sending from it, and receiving what came back to it: replies and ICMP errors.

use std::io::{self, ErrorKind};
use std::net::{SocketAddr, UdpSocket};
use std::time::Instant;

use super::batch::{Answer, Batch};
use super::ledger::{Ledger, Received};
use crate::series_protocol::{self, Datagram, Id, Request};
use crate::sys::stamp::Clocks;
use crate::sys::stamped;

/// How many datagrams are read from a socket before it is the turn of the others: a flooded socket can
/// neither hold up the rest nor keep a keep-alive from ending.
const READ_AT_ONCE: usize = 256;

/// A source port, and the ledger of what went through it.
#[derive(Debug)]
pub(super) struct Flow {
    pub(super) socket: UdpSocket,
    pub(super) ledger: Ledger,
    nonce: u64,
    number: u16,
}

impl Flow {
    pub(super) fn open(peer: SocketAddr, nonce: u64, number: u16) -> io::Result<Self> {
        let socket = stamped::connected(peer)?;
        // Where the send buffer is full, the datagram cannot be sent: no reason to wait.
        socket.set_nonblocking(true)?;
        Ok(Self { socket, ledger: Ledger::default(), nonce, number })
    }

    /// Sends one datagram.
    pub(super) fn send(&mut self, sequence: u32, batch: &mut Batch) {
        let id = Id { nonce: self.nonce, sequence, flow: self.number };
        let request = Request::Probe(id).encode();
        let mut moment = Instant::now();
        let mut sent = self.socket.send(&request);
        if sent.is_err() && self.receive_errors(batch) {
            // That was an ICMP error about an earlier datagram, and is no reason not to send this one.
            moment = Instant::now();
            sent = self.socket.send(&request);
        }
        match sent {
            Ok(_) => {
                self.ledger.sent(sequence, batch.in_series);
                batch.note_sent(usize::from(self.number), sequence, moment);
            }
            Err(error) => batch.note_unsent(error),
        }
    }

    /// Receives what has arrived, without waiting.
    pub(super) fn receive(&mut self, batch: &mut Batch) {
        let clocks = Clocks::read();
        // One byte more than a reply has: a longer datagram, truncated to a reply's length, would pass for
        // one.
        let mut datagram = [0; series_protocol::LEN + 1];
        for _ in 0..READ_AT_ONCE {
            let (len, stamp) = match stamped::receive_now(&self.socket, &mut datagram) {
                Ok(received) => received,
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(_) => {
                    self.receive_errors(batch);
                    continue;
                }
            };
            let Some(answer) = self.answer(&datagram[..len]) else { continue };
            match self.ledger.receive(answer.sequence, answer.count()) {
                Received::First => {
                    let arrived = stamp.and_then(|stamp| clocks.instant_of(stamp, &batch.clocks));
                    batch.note_answer(&answer, arrived);
                }
                Received::Duplicate => batch.duplicate += 1,
                Received::Late => batch.late += 1,
                Received::Uncounted => {}
            }
        }
    }

    /// Takes the ICMP errors out of the socket's queue. Each quotes the datagram that it is about, or a part
    /// of it. Whether there were any.
    fn receive_errors(&mut self, batch: &mut Batch) -> bool {
        let mut quoted = [0; series_protocol::LEN];
        for nth in 0..READ_AT_ONCE {
            let Some((len, error)) = stamped::next_error(&self.socket, &mut quoted) else { return nth > 0 };
            self.ledger.refuse(self.answer(&quoted[..len]).map(|quoted| quoted.sequence));
            batch.icmp_error = Some(error);
            batch.icmp_errors += 1;
        }
        true
    }

    /// Reads a reply, or a request that a plain echo has returned; `None` for anything else.
    fn answer(&self, datagram: &[u8]) -> Option<Answer> {
        let (id, reply) = match series_protocol::decode(datagram).ok()?? {
            Datagram::Reply(reply) => (reply.id, Some(reply)),
            Datagram::Request(Request::Probe(id)) => (id, None),
            Datagram::Request(Request::Size(_)) => return None,
        };
        let is_ours = (id.nonce, id.flow, datagram.len()) == (self.nonce, self.number, series_protocol::LEN);
        is_ours.then_some(Answer { sequence: id.sequence, reply })
    }
}
