//! The UDP echo: one loop that sends each datagram back as it came, and breaks the loops of echo services.

use std::io::ErrorKind;
use std::net::SocketAddr;

use super::{Listeners, Shared};
use crate::log::{Level, Log, Value};
use crate::serve::stop::Phase;
use crate::serve::trouble::{Complaints, Trouble};
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
    log: &'a Log,
    trouble: Trouble,
    dropped: Complaints,
    unsent: Complaints,
}

/// Echoes until the stop.
pub(super) fn run(shared: &Shared, listeners: &Listeners) {
    let (Shared { stop, log, .. }, Listeners { udp: socket, .. }) = (shared, listeners);
    let mut echo = Echo::new(socket, log);
    let mut buffer = vec![0; BUFFER_SIZE];
    loop {
        let received = socket.receive(&mut buffer);
        if stop.has_reached(Phase::Stopping) {
            break;
        }
        match received {
            Ok((len, origin)) => echo.answer(&buffer[..len], &origin),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => echo.trouble.wait(&error, stop),
        }
    }
    echo.dropped.rest(log, "UDP", "DROPPED");
    echo.unsent.rest(log, "UDP", "UNSENT");
}

impl<'a> Echo<'a> {
    fn new(socket: &'a DatagramSocket, log: &'a Log) -> Self {
        let own_port = socket.local_addr().map_or(0, |address| address.port());
        let trouble = Trouble::new(log.clone(), "UDP");
        Self { socket, own_port, log, trouble, dropped: Complaints::default(), unsent: Complaints::default() }
    }

    fn answer(&mut self, datagram: &[u8], origin: &Origin) {
        if answers_itself(origin.port(), self.own_port) {
            self.dropped.line(self.log, "UDP", "DROPPED", client(origin), "source port of a service");
            return;
        }
        match self.socket.reply(datagram, origin) {
            Ok(()) => {
                self.trouble.is_over();
                log_echo(self.log, datagram.len(), origin);
            }
            Err(error) => {
                self.unsent.line(self.log, "UDP", "UNSENT", client(origin), &sys::describe(&error));
            }
        }
    }
}

/// Whether the sender is, or may be, a service that would answer the answer.
fn answers_itself(port: u16, own_port: u16) -> bool {
    port < FIRST_CLIENT_PORT || port == own_port
}

fn log_echo(log: &Log, len: usize, origin: &Origin) {
    if log.prints(Level::Info) {
        let fields = [("bytes", Value::Count(len as u64)), ("client", Value::Address(client(origin)))];
        log.line(Level::Info, "UDP", "ECHO", &fields);
    }
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
