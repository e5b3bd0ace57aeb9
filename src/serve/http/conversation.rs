//! One connection's conversation: reading requests and their bodies, and replying, all in bounded time.

use std::io::{self, ErrorKind, Read};
use std::mem;
use std::net::Shutdown;
use std::time::Duration;

use super::end::{End, refused};
use super::writer::{Said, Writer};
use super::{Content, Handler, Refusal, Reply, Requests, Service};
use crate::http::Framing;
use crate::http::body::Decoder;
use crate::http::buffer::Buffer;
use crate::http::request::{self, RequestHead};
use crate::http::{StatusCode, write};
use crate::log::{Event, Value};
use crate::metrics;
use crate::serve::bodies::Full;
use crate::serve::connections::Connection;
use crate::serve::stream::{Patience, write_all};
use crate::stop::Phase;
use crate::sys::socket::TimedReader;
use crate::time::Deadline;

/// After a refusal, what the peer still sends is read for so long, so that a reset does not overtake the
/// reply (RFC 9112, 9.6).
const LINGER: Duration = Duration::from_secs(2);

/// And so much of it: a body that is one byte too long, and what was under way behind it.
const LINGER_LIMIT: u64 = 2 * 1024 * 1024;

/// The bytes of a request's body: far more than shows that large messages pass, few enough to be held whole.
const BODY_LIMIT: u64 = 1024 * 1024;

/// What texts are sent as.
const TEXT: &str = "text/plain";

pub(super) struct Conversation<'a> {
    connection: &'a Connection,
    service: &'a Service,
    buffer: Buffer,
    writer: Writer,
    /// Whether the socket's read timeout is the idle timeout, so that it need not be set again.
    times_idleness: bool,
    /// Of the request at hand: whether it is a HEAD, whose reply has no content (RFC 9110, 9.3.2).
    head_only: bool,
    /// And `GET /path`, for the log; empty while it is not known or not logged.
    line: String,
}

/// What of a request's head matters once the handler has seen it.
struct Asked {
    reply: Reply,
    version_minor: u8,
    keep_alive: bool,
    framing: Framing,
    expects_continue: bool,
}

impl<'a> Conversation<'a> {
    pub(super) fn new(connection: &'a Connection, service: &'a Service) -> Self {
        let (buffer, writer) = (Buffer::new(), Writer::new(&service.identity, connection.peer));
        Self {
            connection,
            service,
            buffer,
            writer,
            times_idleness: false,
            head_only: false,
            line: String::new(),
        }
    }

    /// Answers requests until one of them, or the service, wants no more.
    pub(super) fn run(&mut self, handle: &Handler) -> Result<(), End> {
        self.connection.stream.set_nodelay(true)?;
        loop {
            let asked = self.read_head(handle)?;
            if !self.answer(&asked)? {
                // Bytes that nobody reads would turn the close into a reset, and that may overtake the reply.
                if !self.buffer.bytes().is_empty() {
                    self.linger();
                }
                return Ok(());
            }
        }
    }

    fn read_head(&mut self, handle: &Handler) -> Result<Asked, End> {
        if self.buffer.bytes().is_empty() {
            self.wait_for_request()?;
        }
        let mut deadline = None;
        self.head_only = false;
        self.line.clear();
        loop {
            if let Some((request, len)) = request::parse(self.buffer.bytes())? {
                self.head_only = request.method == "HEAD";
                if self.service.log.prints(self.service.level) {
                    self.line = format!("{} {}", request.method, request.path);
                }
                let asked = Asked::of(&request, handle(&request)?);
                self.buffer.consume(len);
                return Ok(asked);
            }
            let deadline = *deadline.get_or_insert_with(|| Deadline::after(self.service.idle_timeout));
            self.read_more(deadline, "head took too long")?;
        }
    }

    /// Waits for the first bytes of a request, as an idle connection that a stop closes at once.
    fn wait_for_request(&mut self) -> Result<(), End> {
        let mut stream = &self.connection.stream;
        if !self.times_idleness {
            stream.set_read_timeout(Some(self.service.idle_timeout))?;
            self.times_idleness = true;
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
    fn read_more(&mut self, deadline: Deadline, too_late: &'static str) -> Result<(), End> {
        self.times_idleness = false;
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

    /// Reads the request's body and replies. Whether the connection is kept after that.
    fn answer(&mut self, asked: &Asked) -> Result<bool, End> {
        let service = self.service;
        let mut body = service.bodies.begin();
        let decoder = Decoder::new(asked.framing, BODY_LIMIT)?;
        if asked.expects_continue {
            self.invite_body(&asked.reply)?;
        }
        self.read_body(decoder, |payload| match asked.reply.content {
            Content::Echo => body.extend(payload),
            Content::Text(_) | Content::Metrics(_) => Ok(()),
        })?;
        let (content_type, content) = match &asked.reply.content {
            Content::Echo => ("application/octet-stream", body.bytes()),
            Content::Text(text) => (TEXT, text.as_bytes()),
            Content::Metrics(page) => (metrics::CONTENT_TYPE, page.as_bytes()),
        };
        let said = Said {
            status: asked.reply.status,
            fields: asked.reply.fields,
            content_type,
            length: content.len(),
            version_minor: asked.version_minor,
            // Known only now: a stop may have begun while the body was read.
            keep_alive: asked.keep_alive && service.requests == Requests::Many && !self.is_stopping(),
            draining: self.is_draining(),
        };
        self.send(said, content)?;
        self.log(said, None);
        Ok(said.keep_alive)
    }

    /// Answers `Expect: 100-continue` (RFC 9110, 10.1.1): asks for the body, unless it has begun to arrive,
    /// or refuses it where the reply will not be a good one anyway.
    fn invite_body(&self, reply: &Reply) -> Result<(), End> {
        if let Reply { status, fields, content: Content::Text(reason) } = *reply
            && status.is_error()
        {
            return Err(Refusal { status, reason, fields }.into());
        }
        if self.buffer.bytes().is_empty() {
            write_all(&self.connection.stream, write::CONTINUE, self.patience())?;
        }
        Ok(())
    }

    fn read_body(
        &mut self,
        mut decoder: Decoder,
        mut keep: impl FnMut(&[u8]) -> Result<(), Full>,
    ) -> Result<(), End> {
        let mut deadline = None;
        loop {
            let step = decoder.decode(self.buffer.bytes())?;
            keep(step.payload)
                .map_err(|Full| refused(StatusCode::SERVICE_UNAVAILABLE, "too many bodies at once"))?;
            let (consumed, is_whole) = (step.consumed, step.is_whole);
            self.buffer.consume(consumed);
            if is_whole {
                return Ok(());
            }
            if consumed == 0 {
                let deadline =
                    *deadline.get_or_insert_with(|| Deadline::after(2 * self.service.idle_timeout));
                self.read_more(deadline, "body took too long")?;
            }
        }
    }

    /// Sends the refusal, and reads on for a while so that it arrives.
    pub(super) fn refuse(&mut self, refusal: &Refusal) {
        let said = Said {
            status: refusal.status,
            fields: refusal.fields,
            content_type: TEXT,
            length: refusal.reason.len(),
            version_minor: 1,
            keep_alive: false,
            draining: self.is_draining(),
        };
        self.log(said, Some(refusal.reason));
        if self.send(said, refusal.reason.as_bytes()).is_ok() {
            self.linger();
        }
    }

    fn send(&mut self, said: Said, content: &[u8]) -> io::Result<()> {
        let content = if self.head_only { &[] } else { content };
        self.service.traffic.reply(said.status);
        let sent = self.writer.write(said, content, &self.connection.stream, self.patience())?;
        self.service.traffic.sent.add(sent as u64);
        Ok(())
    }

    /// Logs the reply, with the request where it was understood, and with what was wrong.
    fn log(&mut self, said: Said, detail: Option<&str>) {
        let Service { log, level, kind, .. } = self.service;
        if !log.prints(*level) {
            return;
        }
        let line = mem::take(&mut self.line);
        let event = match line.split_once(' ') {
            Some((method, path)) => Event::Request { method, path, status: said.status.as_u16() },
            None => Event::Rejected(said.status.as_u16()),
        };
        let bytes = if self.head_only { 0 } else { said.length as u64 };
        let mut told = vec![("bytes", Value::Count(bytes)), ("client", Value::Address(self.connection.peer))];
        told.extend(detail.map(|detail| ("detail", Value::Text(detail))));
        log.line(*level, kind, event, &told);
    }

    /// Ends the writing side and reads on within bounds, as a connection that a stop may close.
    fn linger(&self) {
        let stream = &self.connection.stream;
        self.connection.set_idle(true);
        if stream.shutdown(Shutdown::Write).is_err() {
            return;
        }
        let reader = TimedReader { stream, deadline: Deadline::after(LINGER.min(self.service.idle_timeout)) };
        // However it ends: the reply has had its time.
        let _ = io::copy(&mut reader.take(LINGER_LIMIT), &mut io::sink());
    }

    fn is_draining(&self) -> bool {
        self.service.stop.has_reached(Phase::Draining)
    }

    fn is_stopping(&self) -> bool {
        self.service.stop.has_reached(Phase::Stopping)
    }

    fn patience(&self) -> Patience {
        Patience { idle: self.service.idle_timeout, whole: Some(2 * self.service.idle_timeout) }
    }
}

impl Asked {
    fn of(request: &RequestHead<'_>, reply: Reply) -> Self {
        Self {
            reply,
            version_minor: request.version_minor,
            keep_alive: request.keep_alive,
            framing: request.framing,
            expects_continue: request.expects_continue,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::thread;
    use std::time::Instant;

    use super::*;
    use crate::log::Level;
    use crate::serve::connections::Connections;
    use crate::serve::identity::Identity;
    use crate::serve::testing::{admitted, silent_log};

    fn service(idle_timeout: Duration) -> Service {
        Service {
            idle_timeout,
            requests: Requests::Many,
            stop: Arc::default(),
            bodies: Arc::default(),
            traffic: Arc::default(),
            identity: Identity::default(),
            log: silent_log(),
            level: Level::Info,
            kind: "HTTP",
        }
    }

    #[test]
    fn a_refused_peer_is_read_up_to_the_limit_and_no_further() {
        let service = service(Duration::from_mins(1));
        for past in [0, 1] {
            let (mut client, connection) = admitted(&Connections::new(1));
            let sent = vec![7; usize::try_from(LINGER_LIMIT).unwrap() + past];
            thread::scope(|scope| {
                scope.spawn(move || client.write_all(&sent).unwrap());
                Conversation::new(&connection, &service).linger();
                let mut left = Vec::new();
                (&connection.stream).read_to_end(&mut left).unwrap();
                assert_eq!(left.len(), past);
            });
        }
    }

    #[test]
    fn a_refused_peer_is_read_no_longer_than_others_may_be_silent() {
        const IDLE: Duration = Duration::from_millis(100);
        let service = service(IDLE);
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
                Conversation::new(&connection, &service).linger();
                let took = start.elapsed();
                is_over.store(true, Ordering::Relaxed);
                assert!(took >= IDLE && took < LINGER, "{took:?}");
            });
        }
    }
}
