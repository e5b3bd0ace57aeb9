//! One source port: a datagram out of it, and whatever has come back to it, replies and ICMP errors.

use std::io::{self, ErrorKind};
use std::net::{SocketAddr, UdpSocket};
use std::time::Instant;

use super::batch::Batch;
use super::ledger::{Count, Heard, Ledger};
use crate::series_protocol::{self, Datagram, Id, Request};
use crate::sys::stamped::{self, Clocks};

/// How many datagrams are read from a socket before the others get their turn: one that is flooded cannot
/// hold up the rest, nor a keep-alive for ever.
const HEARD_AT_ONCE: usize = 256;

/// A source port, and the account of what went through it.
#[derive(Debug)]
pub(super) struct Flow {
    pub(super) socket: UdpSocket,
    pub(super) ledger: Ledger,
    nonce: u64,
    number: u16,
}

/// A datagram that answers one of ours.
pub(super) struct Answer {
    pub(super) sequence: u32,
    /// What only a Smoker says; a plain echo returns the request.
    pub(super) reply: Option<series_protocol::Reply>,
}

impl Flow {
    pub(super) fn open(peer: SocketAddr, nonce: u64, number: u16) -> io::Result<Self> {
        let socket = stamped::connected(peer)?;
        // A full send buffer is one more reason why a datagram cannot be sent, and not one to wait.
        socket.set_nonblocking(true)?;
        Ok(Self { socket, ledger: Ledger::default(), nonce, number })
    }

    /// Sends one datagram.
    pub(super) fn send(&mut self, sequence: u32, batch: &mut Batch) {
        let id = Id { nonce: self.nonce, sequence, flow: self.number };
        let request = Request::Probe(id).encode();
        let mut moment = Instant::now();
        let mut sent = self.socket.send(&request);
        if sent.is_err() && self.hear_errors(batch) {
            // That was an ICMP error about a datagram before, which says nothing of this one.
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

    /// Hears what has come.
    pub(super) fn hear(&mut self, batch: &mut Batch) {
        let clocks = Clocks::read();
        // One more than a reply has: what the kernel cut to fit would look like one.
        let mut datagram = [0; series_protocol::LEN + 1];
        for _ in 0..HEARD_AT_ONCE {
            let (len, stamp) = match stamped::receive_now(&self.socket, &mut datagram) {
                Ok(received) => received,
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(_) => {
                    self.hear_errors(batch);
                    continue;
                }
            };
            let Some(answer) = self.answer(&datagram[..len]) else { continue };
            match self.ledger.hear(answer.sequence, answer.count()) {
                Heard::First => {
                    let arrived = stamp.and_then(|stamp| clocks.instant_of(stamp, &batch.clocks));
                    batch.note_answer(&answer, arrived);
                }
                Heard::Duplicate => batch.duplicate += 1,
                Heard::Late => batch.late += 1,
                Heard::Nothing => {}
            }
        }
    }

    /// Takes the ICMP errors out of the socket's queue, if there are any. Each quotes the datagram that it is
    /// about, or a part.
    fn hear_errors(&mut self, batch: &mut Batch) -> bool {
        let mut quoted = [0; series_protocol::LEN];
        for nth in 0..HEARD_AT_ONCE {
            let Some((len, error)) = stamped::next_error(&self.socket, &mut quoted) else { return nth > 0 };
            self.ledger.refuse(self.answer(&quoted[..len]).map(|quoted| quoted.sequence));
            batch.refused = Some(error);
            batch.refusals += 1;
        }
        true
    }

    /// Reads a reply, or a request that a plain echo has returned; `None` of all else.
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

impl Answer {
    fn count(&self) -> Option<Count> {
        let reply = self.reply?;
        Some(Count { instance: reply.instance, received: reply.received? })
    }
}
