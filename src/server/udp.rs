//! The UDP echo: one loop that sends each datagram back as it came, answers those of a series with what their
//! prober wants to know, and breaks the loops of echo services.

use std::io::ErrorKind;
use std::net::SocketAddr;

use super::metrics::Datagrams;
use super::tally::Tally;
use super::{Listeners, Shared};
use crate::log::{Level, Log, Value};
use crate::series_protocol::{self, Datagram, Malformed, Reply, Request};
use crate::serve::trouble::{Complaints, Trouble};
use crate::stop::Phase;
use crate::sys;
use crate::sys::datagram::{DatagramSocket, Origin};

/// The longest datagram: 65,507 bytes over IPv4 and 65,527 over IPv6.
const BUFFER_SIZE: usize = 64 * 1024;

/// Ports below belong to services, some of which answer whatever they get: echo (7), daytime (13),
/// chargen (19), DNS (53). Two services that answer each other never stop, and one forged datagram is
/// enough to set them going (CERT CA-1996-01; CVE-2024-2169).
const FIRST_CLIENT_PORT: u16 = 1024;

/// What the loop answers with, and what it has to complain about.
struct Echo<'a> {
    socket: &'a DatagramSocket,
    own_port: u16,
    instance: u64,
    tally: Tally,
    datagrams: &'a Datagrams,
    log: &'a Log,
    trouble: Trouble,
    dropped: Complaints,
    unsent: Complaints,
}

/// What goes back: the datagram as it came, or the reply that a Smoker asked for.
#[derive(Clone, Copy)]
enum Answer {
    Echo,
    Reply,
}

/// Echoes until the stop.
pub(super) fn run(shared: &Shared, listeners: &Listeners) {
    let Shared { stop, log, .. } = shared;
    let mut echo = Echo::new(shared, &listeners.udp);
    let mut buffer = vec![0; BUFFER_SIZE];
    loop {
        let received = echo.socket.receive(&mut buffer);
        if stop.has_reached(Phase::Stopping) {
            break;
        }
        match received {
            Ok((len, origin)) => echo.answer(&mut buffer[..len], &origin),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => echo.trouble.wait(&error, stop),
        }
    }
    echo.dropped.rest(log, "UDP", "DROPPED");
    echo.unsent.rest(log, "UDP", "UNSENT");
}

impl<'a> Echo<'a> {
    fn new(shared: &'a Shared, socket: &'a DatagramSocket) -> Self {
        Self {
            socket,
            own_port: socket.local_addr().map_or(0, |address| address.port()),
            instance: shared.instance,
            tally: Tally::default(),
            datagrams: &shared.metrics.udp,
            log: &shared.log,
            trouble: Trouble::new(shared.log.clone(), "UDP"),
            dropped: Complaints::default(),
            unsent: Complaints::default(),
        }
    }

    fn answer(&mut self, datagram: &mut [u8], origin: &Origin) {
        self.datagrams.received_bytes.add(datagram.len() as u64);
        if answers_itself(origin.port(), self.own_port) {
            return self.drop(origin, "source port of a service");
        }
        match series_protocol::decode(datagram) {
            Ok(None) => self.send(datagram, origin, Answer::Echo),
            Ok(Some(Datagram::Request(request))) => {
                let len = self.reply(request, datagram, origin);
                self.send(&datagram[..len], origin, Answer::Reply);
            }
            // Whoever sent this does not wait for an answer, or was forged: two servers would go on for ever.
            Ok(Some(Datagram::Reply(_))) => self.drop(origin, "a reply"),
            Err(Malformed) => self.drop(origin, "malformed datagram of a series"),
        }
    }

    /// Writes the reply to `request` over it, and returns the length to send: never more than came.
    fn reply(&mut self, request: Request, datagram: &mut [u8], origin: &Origin) -> usize {
        let (id, len) = match request {
            Request::Probe(id) => (id, datagram.len()),
            Request::Size(id) => (id, series_protocol::LEN),
        };
        let reply = Reply {
            id,
            instance: self.instance,
            client: client(origin),
            length: u16::try_from(datagram.len()).unwrap_or(u16::MAX),
            received: Some(self.tally.count(id)),
            turnaround: origin.age(),
        };
        datagram[..series_protocol::LEN].copy_from_slice(&reply.encode());
        len
    }

    fn send(&mut self, datagram: &[u8], origin: &Origin, answer: Answer) {
        match self.socket.reply(datagram, origin) {
            Ok(()) => {
                self.trouble.is_over();
                self.count_and_log(datagram.len(), origin, answer);
            }
            Err(error) => {
                self.datagrams.unsent.add(1);
                self.unsent.line(self.log, "UDP", "UNSENT", client(origin), &sys::describe(&error));
            }
        }
    }

    fn drop(&mut self, origin: &Origin, why: &str) {
        self.datagrams.dropped.add(1);
        self.dropped.line(self.log, "UDP", "DROPPED", client(origin), why);
    }

    fn count_and_log(&self, len: usize, origin: &Origin, answer: Answer) {
        let (count, event, level) = match answer {
            Answer::Echo => (&self.datagrams.echo, "ECHO", Level::Info),
            // A line for each would be 16 lines a round for each node.
            Answer::Reply => (&self.datagrams.reply, "REPLY", Level::Debug),
        };
        count.add(1);
        self.datagrams.sent_bytes.add(len as u64);
        if self.log.prints(level) {
            let fields = [("bytes", Value::Count(len as u64)), ("client", Value::Address(client(origin)))];
            self.log.line(level, "UDP", event, &fields);
        }
    }
}

/// Whether the sender is, or may be, a service that would answer the answer.
fn answers_itself(port: u16, own_port: u16) -> bool {
    port < FIRST_CLIENT_PORT || port == own_port
}

/// The kernel names a sender with every datagram that it hands over.
fn client(origin: &Origin) -> SocketAddr {
    origin.peer().unwrap_or(SocketAddr::from(([0, 0, 0, 0], 0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn services_and_the_server_itself_are_not_answered() {
        for (port, dropped) in
            [(0, true), (7, true), (1023, true), (1024, false), (8081, true), (8082, false)]
        {
            assert_eq!(answers_itself(port, 8081), dropped, "{port}");
        }
    }
}
