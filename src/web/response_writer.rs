//! Writing responses to a connection, with memory that the connection's next response uses again.

use std::borrow::Cow;
use std::io::{self, Write};
use std::time::{SystemTime, UNIX_EPOCH};

use super::response::{Content, Field, Response, Stream};
use super::service::Service;
use crate::http::chunked::Encoder;
use crate::http::head_writer::{CONTINUE, HeadWriter, push_line};
use crate::http::{Framing, StatusCode};
use crate::serve::connections::Connection;
use crate::serve::stream::{Patience, write_all};
use crate::time::Deadline;

/// Up to this many bytes a response's content is sent in one piece with its head.
const ONE_PIECE_LIMIT: usize = 1024;

/// One connection's responses. Within a second most are like the one before, and have its head.
pub(super) struct Writer<'a> {
    connection: &'a Connection,
    service: &'a Service,
    /// The lines of each head that name the server and its client.
    names: Vec<u8>,
    out: Vec<u8>,
    head_length: usize,
    head_of: Option<(Head, u64)>,
}

/// The contents of a response's head, without the time.
#[derive(Debug, PartialEq, Eq)]
struct Head {
    status: StatusCode,
    fields: Cow<'static, [Field]>,
    media_type: Option<&'static str>,
    framing: Framing,
    version_minor: u8,
    keep_alive: bool,
    is_draining: bool,
}

/// What the request asks of the form of its response.
#[derive(Clone, Copy, Debug)]
pub(super) struct Terms {
    /// The HTTP/1.x of the client.
    pub(super) version_minor: u8,
    /// Whether the connection is to be kept.
    pub(super) keep_alive: bool,
    /// Whether the request is a HEAD, whose response has no content (RFC 9110, 9.3.2).
    pub(super) is_head: bool,
}

/// What was sent.
pub(super) struct Sent {
    /// The bytes of the content.
    pub(super) length: u64,
    /// Whether the connection is kept.
    pub(super) keep_alive: bool,
}

impl<'a> Writer<'a> {
    pub(super) fn new(connection: &'a Connection, service: &'a Service) -> Self {
        let mut names = service.identity.lines().to_vec();
        push_line(&mut names, "Smoker-Client", &connection.peer.to_string());
        Self { connection, service, names, out: Vec::new(), head_length: 0, head_of: None }
    }

    /// Invites the client to send its body.
    pub(super) fn invite_body(&self) -> io::Result<()> {
        write_all(&self.connection.stream, CONTINUE, self.service.patience())
    }

    /// Writes `response`, and counts its bytes.
    pub(super) fn write(&mut self, response: Response, terms: Terms) -> io::Result<Sent> {
        let Response { status, fields, content } = response;
        let (version_minor, framing) = (terms.version_minor, framing(&content, terms.version_minor));
        let keep_alive = terms.keep_alive && framing != Framing::UntilClose;
        let (media_type, is_draining) = (media_type(&content), self.service.is_draining());
        self.make_head(Head { status, fields, media_type, framing, version_minor, keep_alive, is_draining });
        let length = match content {
            _ if terms.is_head => self.write_bytes(&[])?,
            Content::Stream { write, .. } => self.write_stream(write, framing)?,
            content => self.write_bytes(bytes(&content))?,
        };
        Ok(Sent { length, keep_alive })
    }

    /// Writes the head and `content`.
    fn write_bytes(&mut self, content: &[u8]) -> io::Result<u64> {
        let (stream, patience) = (&self.connection.stream, self.service.patience());
        self.out.truncate(self.head_length);
        if content.len() <= ONE_PIECE_LIMIT {
            self.out.extend_from_slice(content);
            write_all(stream, &self.out, patience)?;
        } else {
            write_all(stream, &self.out, patience)?;
            write_all(stream, content, patience)?;
        }
        self.service.traffic.sent.add((self.head_length + content.len()) as u64);
        Ok(content.len() as u64)
    }

    /// Writes the head and what `write` writes.
    fn write_stream(&mut self, write: Stream, framing: Framing) -> io::Result<u64> {
        self.write_bytes(&[])?;
        let deadline = Deadline::after(self.service.message_timeout());
        let mut encoder =
            Encoder::new(Sink { service: self.service, connection: self.connection, deadline }, framing);
        write(&mut encoder)?;
        let (length, _) = encoder.finish()?;
        Ok(length)
    }

    /// Has the bytes of `head`, as of now, at the beginning of `out`.
    fn make_head(&mut self, head: Head) {
        let seconds = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        if self.head_of.as_ref().is_some_and(|(other, then)| *then == seconds && *other == head) {
            return;
        }
        self.out.clear();
        let mut writer = HeadWriter::new(&mut self.out, head.status, seconds);
        for (name, value) in &*head.fields {
            writer = writer.field(name, value);
        }
        if let Some(media_type) = head.media_type {
            writer = writer.field("Content-Type", media_type);
        }
        writer = writer.lines(&self.names);
        if head.is_draining {
            writer = writer.field("Smoker-State", "draining");
        }
        writer = match head.framing {
            Framing::Length(length) => writer.length(length),
            Framing::Chunked => writer.chunked(),
            Framing::None | Framing::UntilClose => writer,
        };
        writer.connection(head.version_minor, head.keep_alive).end();
        self.head_length = self.out.len();
        self.head_of = Some((head, seconds));
    }
}

/// What a response's content is sent as.
fn media_type(content: &Content) -> Option<&'static str> {
    match content {
        Content::Empty => None,
        Content::Text(_) => Some("text/plain"),
        Content::Bytes { media_type, .. } | Content::Stream { media_type, .. } => Some(media_type),
        Content::Echo(_) => Some("application/octet-stream"),
    }
}

/// The bytes of content that is not streamed.
fn bytes(content: &Content) -> &[u8] {
    match content {
        Content::Empty | Content::Stream { .. } => &[],
        Content::Text(text) => text.as_bytes(),
        Content::Bytes { bytes, .. } => bytes,
        Content::Echo(body) => body.bytes(),
    }
}

/// How content is delimited for a client of HTTP/1.`version_minor`: HTTP/1.0 has no chunks (RFC 9112, 6.1).
fn framing(content: &Content, version_minor: u8) -> Framing {
    match content {
        Content::Empty => Framing::None,
        Content::Stream { .. } if version_minor == 0 => Framing::UntilClose,
        Content::Stream { .. } => Framing::Chunked,
        content => Framing::Length(bytes(content).len() as u64),
    }
}

/// A connection as the end of a stream: it must take each piece while the idle timeout lasts, and all of them
/// by one deadline.
struct Sink<'a> {
    connection: &'a Connection,
    service: &'a Service,
    deadline: Deadline,
}

impl Write for Sink<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let patience = Patience { whole: Some(self.deadline.left()?), ..self.service.patience() };
        write_all(&self.connection.stream, bytes, patience)?;
        self.service.traffic.sent.add(bytes.len() as u64);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
