//! The UDP echo: one loop that sends each datagram back as it came, and replies to those of a series with
//! what their prober wants to know.

use std::io::ErrorKind;
use std::net::SocketAddr;

use super::metrics::Datagrams;
use super::{Listeners, Shared};
use crate::log::{Level, Log, Value};
use crate::responder::{Answer, Refusal, Responder};
use crate::serve::backoff::Backoff;
use crate::serve::rate_limit::RateLimit;
use crate::stop::Phase;
use crate::sys;
use crate::sys::datagram::{DatagramSocket, Origin};

/// The longest datagram: 65,507 bytes over IPv4 and 65,527 over IPv6.
const BUFFER_SIZE: usize = 64 * 1024;

/// The loop's socket, its answers, and where it counts and logs them.
struct Echo<'a> {
    socket: &'a DatagramSocket,
    responder: Responder,
    datagrams: &'a Datagrams,
    log: &'a Log,
    backoff: Backoff,
    dropped: RateLimit,
    unsent: RateLimit,
}

/// What is sent: the datagram as it came, or the reply to a Smoker.
#[derive(Clone, Copy)]
enum Sent {
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
            Err(error) => echo.backoff.wait(&error, stop),
        }
    }
    echo.dropped.log_rest(log, "UDP", "DROPPED");
    echo.unsent.log_rest(log, "UDP", "UNSENT");
}

impl<'a> Echo<'a> {
    fn new(shared: &'a Shared, socket: &'a DatagramSocket) -> Self {
        let port = socket.local_addr().map_or(0, |address| address.port());
        Self {
            socket,
            responder: Responder::new(port, shared.instance),
            datagrams: &shared.metrics.udp,
            log: &shared.log,
            backoff: Backoff::new(shared.log.clone(), "UDP"),
            dropped: RateLimit::default(),
            unsent: RateLimit::default(),
        }
    }

    fn answer(&mut self, datagram: &mut [u8], origin: &Origin) {
        self.datagrams.received_bytes.add(datagram.len() as u64);
        match self.responder.answer(datagram, client(origin), || origin.age()) {
            Answer::Foreign => self.send(datagram, origin, Sent::Echo),
            Answer::Reply { len } => self.send(&datagram[..len], origin, Sent::Reply),
            Answer::Refused(refusal) => self.drop(origin, refusal),
        }
    }

    fn send(&mut self, datagram: &[u8], origin: &Origin, sent: Sent) {
        match self.socket.reply(datagram, origin) {
            Ok(()) => {
                self.backoff.reset();
                self.count_and_log(datagram.len(), origin, sent);
            }
            Err(error) => {
                self.datagrams.unsent.add(1);
                self.unsent.log(self.log, "UDP", "UNSENT", client(origin), &sys::describe(&error));
            }
        }
    }

    fn drop(&mut self, origin: &Origin, refusal: Refusal) {
        self.datagrams.dropped.add(1);
        self.dropped.log(self.log, "UDP", "DROPPED", client(origin), refusal.reason());
    }

    fn count_and_log(&self, len: usize, origin: &Origin, sent: Sent) {
        let (count, event, level) = match sent {
            Sent::Echo => (&self.datagrams.echo, "ECHO", Level::Info),
            // A line for each would be 16 lines a round for each node.
            Sent::Reply => (&self.datagrams.reply, "REPLY", Level::Debug),
        };
        count.add(1);
        self.datagrams.sent_bytes.add(len as u64);
        if self.log.prints(level) {
            let fields = [("bytes", Value::Count(len as u64)), ("client", Value::Address(client(origin)))];
            self.log.line(level, "UDP", event, &fields);
        }
    }
}

/// The sender, which the kernel names with every datagram that it hands over. Port 0, if it did not, is never
/// answered.
fn client(origin: &Origin) -> SocketAddr {
    origin.peer().unwrap_or(SocketAddr::from(([0, 0, 0, 0], 0)))
}
