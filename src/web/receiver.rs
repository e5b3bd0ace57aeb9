//! Receiving from a connection in bounded time: the first bytes of a request, the rest of it, its body, and
//! what still arrives after a refusal.

use std::io::{self, ErrorKind, Read};
use std::net::Shutdown;
use std::time::Duration;

use super::end::{End, refused};
use super::service::Service;
use crate::http::StatusCode;
use crate::http::body::Decoder;
use crate::http::buffer::Buffer;
use crate::serve::connections::Connection;
use crate::sys::socket::{self, TimedReader};
use crate::time::Deadline;

/// After a refusal, what the peer still sends is read for this long, so that a reset does not overtake the
/// response (RFC 9112, 9.6).
const LINGER: Duration = Duration::from_secs(2);

/// And this much of it: a body that is one byte too long, and what was in flight behind it.
const LINGER_LIMIT: u64 = 2 * 1024 * 1024;

/// One connection's bytes.
pub(super) struct Receiver<'a> {
    connection: &'a Connection,
    service: &'a Service,
    buffer: Buffer,
    /// Whether the socket's read timeout is the idle timeout, so that it need not be set again.
    has_idle_timeout: bool,
}

impl<'a> Receiver<'a> {
    pub(super) fn new(connection: &'a Connection, service: &'a Service) -> Self {
        Self { connection, service, buffer: Buffer::new(), has_idle_timeout: false }
    }

    /// What has been received and not consumed.
    pub(super) fn bytes(&self) -> &[u8] {
        self.buffer.bytes()
    }

    /// Discards the first `count` of them.
    pub(super) fn consume(&mut self, count: usize) {
        self.buffer.consume(count);
    }

    /// Waits for the first bytes of a request, as an idle connection that a stop closes at once.
    pub(super) fn wait_for_request(&mut self) -> Result<(), End> {
        let mut stream = &self.connection.stream;
        if !self.has_idle_timeout {
            stream.set_read_timeout(Some(self.service.idle_timeout))?;
            self.has_idle_timeout = true;
        }
        self.buffer.shrink();
        self.connection.set_idle(true);
        match self.buffer.fill(&mut stream) {
            Ok(0) => Err(End::Over),
            Ok(received) => {
                self.service.traffic.received.add(received as u64);
                self.connection.set_idle(false);
                Ok(())
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => Err(End::Over),
            Err(error) => Err(error.into()),
        }
    }

    /// Reads on in the middle of a request.
    pub(super) fn read_more(&mut self, deadline: Deadline, too_late: &'static str) -> Result<(), End> {
        self.has_idle_timeout = false;
        match self.buffer.fill(&mut TimedReader { stream: &self.connection.stream, deadline }) {
            Ok(0) => Err(End::Failed(ErrorKind::UnexpectedEof.into())),
            Ok(received) => {
                self.service.traffic.received.add(received as u64);
                Ok(())
            }
            Err(error) if error.kind() == ErrorKind::TimedOut => {
                Err(refused(StatusCode::REQUEST_TIMEOUT, too_late))
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Reads a body to its end, and passes its parts to `keep`.
    pub(super) fn read_body(
        &mut self,
        mut decoder: Decoder,
        mut keep: impl FnMut(&[u8]) -> Result<(), End>,
    ) -> Result<(), End> {
        let mut deadline = None;
        loop {
            let step = decoder.decode(self.buffer.bytes())?;
            keep(step.payload)?;
            let (consumed, is_whole) = (step.consumed, step.is_whole);
            self.buffer.consume(consumed);
            if is_whole {
                return Ok(());
            }
            if consumed == 0 {
                let deadline =
                    *deadline.get_or_insert_with(|| Deadline::after(self.service.message_timeout()));
                self.read_more(deadline, "body took too long")?;
            }
        }
    }

    /// Lingers if the peer has sent more: unread bytes, here or still in the socket, would turn the close
    /// into a reset, and that may overtake the response.
    pub(super) fn linger_if_unread(&self) {
        if !self.bytes().is_empty() || socket::has_unread(&self.connection.stream) {
            self.linger();
        }
    }

    /// Ends the writing side and reads on within limits, as a connection that a stop may close.
    pub(super) fn linger(&self) {
        let stream = &self.connection.stream;
        self.connection.set_idle(true);
        if stream.shutdown(Shutdown::Write).is_err() {
            return;
        }
        let reader = TimedReader { stream, deadline: Deadline::after(LINGER.min(self.service.idle_timeout)) };
        // However it ends: the response has had its time to arrive.
        let _ = io::copy(&mut reader.take(LINGER_LIMIT), &mut io::sink());
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::thread;
    use std::time::Instant;

    use super::*;
    use crate::serve::connections::Connections;
    use crate::serve::testing::admitted;
    use crate::web::testing::service;

    #[test]
    fn a_refused_peer_is_read_up_to_the_limit_and_no_further() {
        let service = service(vec![], Duration::from_mins(1));
        for past in [0, 1] {
            let (mut client, connection) = admitted(&Connections::new(1));
            let sent = vec![7; usize::try_from(LINGER_LIMIT).unwrap() + past];
            thread::scope(|scope| {
                scope.spawn(move || client.write_all(&sent).unwrap());
                Receiver::new(&connection, &service).linger();
                let mut left = Vec::new();
                (&connection.stream).read_to_end(&mut left).unwrap();
                assert_eq!(left.len(), past);
            });
        }
    }

    #[test]
    fn a_refused_peer_is_read_no_longer_than_others_may_be_silent() {
        const IDLE: Duration = Duration::from_millis(100);
        let service = service(vec![], IDLE);
        for sends_on in [false, true] {
            let (client, connection) = admitted(&Connections::new(1));
            let is_over = AtomicBool::new(false);
            thread::scope(|scope| {
                scope.spawn(|| {
                    while sends_on && !is_over.load(Ordering::Relaxed) {
                        (&client).write_all(b"x").unwrap();
                    }
                });
                let start = Instant::now();
                Receiver::new(&connection, &service).linger();
                let took = start.elapsed();
                is_over.store(true, Ordering::Relaxed);
                assert!(took >= IDLE && took < LINGER, "{took:?}");
            });
        }
    }
}
