//! An HTTP connection: requests in, replies out, over a handler that knows the paths; all limits of time.

use std::io::{self, ErrorKind, Read};
use std::net::Shutdown;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::bodies::{Bodies, Full};
use super::connections::Connection;
use super::stop::{Phase, Stop};
use super::stream::{Patience, write_all};
use crate::http::body::{Decoder, Framing};
use crate::http::buffer::Buffer;
use crate::http::reply::{self, Head};
use crate::http::request::{self, BODY_LIMIT, Request};
use crate::log::{Level, Log, Value, escape};
use crate::sys::socket::TimedReader;
use crate::time::Deadline;

/// After a refusal, what the peer still sends is read for so long, so that a reset does not overtake the
/// reply (RFC 9112, 9.6).
pub const LINGER: Duration = Duration::from_secs(2);

/// And so much of it: a body that is one byte too long, and what was under way behind it.
pub const LINGER_LIMIT: usize = 2 * 1024 * 1024;

/// Up to here a reply's body goes out in one piece with its head.
const ONE_PIECE_LIMIT: usize = 1024;

/// What all connections of a listener share.
pub struct Service {
    /// How long a peer may be silent, and a head take; a body, or a reply, twice that.
    pub idle_timeout: Duration,
    /// How many requests a connection may make.
    pub requests: Requests,
    /// How far a stop has come.
    pub stop: Arc<Stop>,
    /// The account of request bodies.
    pub bodies: Arc<Bodies>,
    /// Where requests are logged.
    pub log: Log,
}

/// How many requests a connection may make.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Requests {
    /// One, and then it is closed.
    One,
    /// As many as it likes.
    Many,
}

/// A reply, chosen when the request's head is known.
pub struct Reply {
    /// The status code.
    pub status: u16,
    /// The fields that describe the content, and others of this reply alone.
    pub fields: &'static [(&'static str, &'static str)],
    /// The content.
    pub content: Content,
}

/// The content of a reply.
pub enum Content {
    /// A text.
    Text(&'static str),
    /// The request's own body.
    Echo,
}

/// A reply that ends the connection, without the request's body being read.
pub struct Refusal {
    /// The status code.
    pub status: u16,
    /// Why, for the log and as the content.
    pub reason: &'static str,
    /// The fields of this reply alone.
    pub fields: &'static [(&'static str, &'static str)],
}

/// Why a conversation ended before its time.
enum End {
    /// The peer has no more to ask, or has been silent for too long, or a stop has begun.
    Over,
    Refused(Refusal),
    Failed(io::Error),
}

/// A request's head, as far as it matters once the handler has seen it.
struct Asked {
    reply: Reply,
    /// `GET /path`, where it will be logged.
    line: String,
    head_only: bool,
    version_minor: u8,
    keep_alive: bool,
    framing: Framing,
    expects_continue: bool,
}

struct Conversation<'a> {
    connection: &'a Connection,
    service: &'a Service,
    buffer: Buffer,
    out: Vec<u8>,
    /// Whether the socket's read timeout is the idle timeout, as it was set at first.
    times_idleness: bool,
}

/// Answers requests with what `handle` says to each, until the connection ends.
pub fn converse(
    connection: &Connection,
    service: &Service,
    handle: &dyn Fn(&Request<'_>) -> Result<Reply, Refusal>,
) {
    let (buffer, out, times_idleness) = (Buffer::new(), Vec::new(), false);
    let mut conversation = Conversation { connection, service, buffer, out, times_idleness };
    super::log_connection(&service.log, "HTTP", "OPENED", connection.peer);
    match conversation.run(handle) {
        Ok(()) | Err(End::Over) => {}
        Err(End::Refused(refusal)) => conversation.refuse(&refusal),
        Err(End::Failed(error)) => super::log_error(&service.log, "HTTP", &error, connection.peer),
    }
    super::log_connection(&service.log, "HTTP", "CLOSED", connection.peer);
}

impl Conversation<'_> {
    fn run(&mut self, handle: &dyn Fn(&Request<'_>) -> Result<Reply, Refusal>) -> Result<(), End> {
        self.connection.stream.set_nodelay(true)?;
        loop {
            let asked = self.read_head(handle)?;
            let may_go_on = self.service.requests == Requests::Many;
            let keep_alive = asked.keep_alive && may_go_on && !self.service.stop.has_reached(Phase::Stopping);
            self.answer(&asked, keep_alive)?;
            if !keep_alive {
                // Bytes that nobody reads would turn the close into a reset, and that may overtake the reply.
                if !self.buffer.bytes().is_empty() {
                    self.linger();
                }
                return Ok(());
            }
        }
    }

    fn read_head(&mut self, handle: &dyn Fn(&Request<'_>) -> Result<Reply, Refusal>) -> Result<Asked, End> {
        if self.buffer.bytes().is_empty() {
            self.wait_for_request()?;
        }
        let mut deadline = None;
        loop {
            if let Some((request, len)) = request::parse(self.buffer.bytes())? {
                let asked = Asked::of(&request, handle(&request)?, &self.service.log);
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
        if self.service.stop.has_reached(Phase::Stopping) {
            return Err(End::Over);
        }
        match self.buffer.fill(&mut stream) {
            Ok(0) => Err(End::Over),
            Ok(_) => {
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
            Ok(_) => Ok(()),
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                Err(Refusal::of(408, too_late).into())
            }
            Err(error) => Err(error.into()),
        }
    }

    fn answer(&mut self, asked: &Asked, keep_alive: bool) -> Result<(), End> {
        let decoder = Decoder::new(asked.framing, BODY_LIMIT)?;
        if asked.expects_continue && self.buffer.bytes().is_empty() {
            if asked.reply.status >= 400 {
                let Reply { status, fields, .. } = asked.reply;
                return Err(Refusal { status, reason: "not asked to continue", fields }.into());
            }
            write_all(&self.connection.stream, reply::CONTINUE, self.patience())?;
        }
        let service = self.service;
        let mut body = service.bodies.begin();
        self.read_body(decoder, |payload| match asked.reply.content {
            Content::Echo => body.extend(payload),
            Content::Text(_) => Ok(()),
        })?;
        let content = match asked.reply.content {
            Content::Echo => body.bytes(),
            Content::Text(text) => text.as_bytes(),
        };
        self.send(asked, content, keep_alive)?;
        if service.log.prints(Level::Info) {
            let sent = if asked.head_only { 0 } else { content.len() };
            let fields =
                [("bytes", Value::Count(sent as u64)), ("client", Value::Address(self.connection.peer))];
            service.log.line(Level::Info, "HTTP", &format!("{} {}", asked.line, asked.reply.status), &fields);
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
            keep(step.payload).map_err(|Full| Refusal::of(503, "too many bodies at once"))?;
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

    fn send(&mut self, asked: &Asked, content: &[u8], keep_alive: bool) -> io::Result<()> {
        self.out.clear();
        let mut head = Head::new(&mut self.out, asked.reply.status, now());
        for (name, value) in asked.reply.fields {
            head = head.field(name, value);
        }
        head.length(content.len()).connection(asked.version_minor, keep_alive).end();
        let content = if asked.head_only { &[] } else { content };
        if content.len() <= ONE_PIECE_LIMIT {
            self.out.extend_from_slice(content);
            return write_all(&self.connection.stream, &self.out, self.patience());
        }
        write_all(&self.connection.stream, &self.out, self.patience())?;
        write_all(&self.connection.stream, content, self.patience())
    }

    /// Sends the refusal, and reads on for a while so that it arrives.
    fn refuse(&mut self, refusal: &Refusal) {
        let Refusal { status, reason, fields } = *refusal;
        let log = &self.service.log;
        let told = [
            ("status", Value::Count(status.into())),
            ("client", Value::Address(self.connection.peer)),
            ("detail", Value::Text(reason)),
        ];
        log.line(Level::Info, "HTTP", "REFUSED", &told);
        let asked = Asked {
            reply: Reply { status, fields, content: Content::Text(reason) },
            line: String::new(),
            head_only: false,
            version_minor: 1,
            keep_alive: false,
            framing: Framing::Length(0),
            expects_continue: false,
        };
        if self.send(&asked, reason.as_bytes(), false).is_ok() {
            self.linger();
        }
    }

    /// Ends the writing side and reads what still comes, within bounds.
    fn linger(&mut self) {
        let stream = &self.connection.stream;
        // From here on a stop need not wait for it.
        self.connection.set_idle(true);
        if stream.shutdown(Shutdown::Write).is_err() || self.service.stop.has_reached(Phase::Stopping) {
            return;
        }
        let mut reader = TimedReader { stream, deadline: Deadline::after(LINGER) }.take(LINGER_LIMIT as u64);
        let _ = io::copy(&mut reader, &mut io::sink());
    }

    fn patience(&self) -> Patience {
        Patience { idle: self.service.idle_timeout, whole: Some(2 * self.service.idle_timeout) }
    }
}

impl Asked {
    fn of(request: &Request<'_>, reply: Reply, log: &Log) -> Self {
        let line = if log.prints(Level::Info) {
            format!("{} {}", escape(request.method), escape(request.path))
        } else {
            String::new()
        };
        Self {
            reply,
            line,
            head_only: request.method == "HEAD",
            version_minor: request.version_minor,
            keep_alive: request.keep_alive,
            framing: request.framing,
            expects_continue: request.expects_continue,
        }
    }
}

impl Refusal {
    fn of(status: u16, reason: &'static str) -> Self {
        Self { status, reason, fields: &[] }
    }
}

impl From<Refusal> for End {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<crate::http::Error> for End {
    fn from(error: crate::http::Error) -> Self {
        Refusal::of(error.status(), error.reason()).into()
    }
}

impl From<io::Error> for End {
    fn from(error: io::Error) -> Self {
        Self::Failed(error)
    }
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}
