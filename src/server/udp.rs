//! The UDP echo: one loop that sends each datagram back as it came, and breaks the loops of echo services.

use std::io::ErrorKind;
use std::net::SocketAddr;

use super::{Listeners, Shared};
use crate::log::{Level, Log, Value};
use crate::serve::stop::Phase;
use crate::serve::trouble::{Complaints, Trouble};
use crate::sys;
use crate::sys::datagram::Origin;

/// The longest datagram: 65,507 bytes over IPv4 and 65,527 over IPv6.
const BUFFER_SIZE: usize = 64 * 1024;

/// Ports below belong to services, some of which answer whatever they get: echo (7), daytime (13),
/// chargen (19), DNS (53). Two services that answer each other never stop, and one forged datagram is
/// enough to set them going (CERT CA-1996-01; CVE-2024-2169).
const FIRST_CLIENT_PORT: u16 = 1024;

/// Echoes until the stop.
pub(super) fn run(shared: &Shared, listeners: &Listeners) {
    let (Shared { stop, log, .. }, Listeners { udp: socket, .. }) = (shared, listeners);
    let own_port = socket.local_addr().map_or(0, |address| address.port());
    let mut buffer = vec![0; BUFFER_SIZE];
    let mut trouble = Trouble::new(log.clone(), "UDP");
    let mut dropped = Complaints::default();
    let mut unsent = Complaints::default();
    loop {
        let received = socket.receive(&mut buffer);
        if stop.has_reached(Phase::Stopping) {
            break;
        }
        match received {
            Ok((_, origin)) if answers_itself(origin.port(), own_port) => {
                dropped.line(log, "UDP", "DROPPED", client(&origin), "source port of a service");
            }
            Ok((len, origin)) => match socket.reply(&buffer[..len], &origin) {
                Ok(()) => {
                    trouble.is_over();
                    log_echo(log, len, &origin);
                }
                Err(error) => unsent.line(log, "UDP", "UNSENT", client(&origin), &sys::describe(&error)),
            },
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => trouble.wait(&error, stop),
        }
    }
    dropped.rest(log, "UDP", "DROPPED");
    unsent.rest(log, "UDP", "UNSENT");
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
