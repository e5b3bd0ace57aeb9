//! A response before it is written: a status, fields, and content that it owns or will stream.

use std::borrow::Cow;
use std::io::{self, Write};

use super::body_budget::Body;
use crate::http::StatusCode;

/// The name and value of a field.
pub type Field = (&'static str, Cow<'static, str>);

/// A response to one request.
pub struct Response {
    pub(super) status: StatusCode,
    /// The fields of this response beside those that every response has.
    pub(super) fields: Cow<'static, [Field]>,
    pub(super) content: Content,
}

/// What a response carries.
pub(super) enum Content {
    /// Nothing: a 204.
    Empty,
    /// A fixed `text/plain`. In a refusal it is also the reason in the log.
    Text(&'static str),
    Bytes {
        media_type: &'static str,
        bytes: Vec<u8>,
    },
    /// The request's own body, sent back as `application/octet-stream`; empty until
    /// [`returning`](Response::returning) has put it in.
    Echo(Body),
    Stream {
        media_type: &'static str,
        write: Stream,
    },
}

/// Writes a document piece by piece; an error ends the connection, so that the document is seen to be cut
/// off.
pub(super) type Stream = Box<dyn FnOnce(&mut dyn Write) -> io::Result<()>>;

impl Response {
    /// A response with a fixed text.
    pub const fn text(status: StatusCode, text: &'static str) -> Self {
        Self { status, fields: Cow::Borrowed(&[]), content: Content::Text(text) }
    }

    /// A response with a document of `media_type`.
    pub fn document(status: StatusCode, media_type: &'static str, bytes: impl Into<Vec<u8>>) -> Self {
        let content = Content::Bytes { media_type, bytes: bytes.into() };
        Self { status, fields: Cow::Borrowed(&[]), content }
    }

    /// A 200 with a document of `media_type` that `write` writes piece by piece, for example row by row: in
    /// chunks (RFC 9112, 7.1), to a client of HTTP/1.0 up to the connection's end. A chunk at a time is held
    /// in memory. For a HEAD `write` is not called.
    pub fn stream(
        media_type: &'static str,
        write: impl FnOnce(&mut dyn Write) -> io::Result<()> + 'static,
    ) -> Self {
        let content = Content::Stream { media_type, write: Box::new(write) };
        Self { status: StatusCode::OK, fields: Cow::Borrowed(&[]), content }
    }

    /// A 200 that returns the request's body.
    pub fn echo() -> Self {
        // The bytes are the peer's own, and no browser shall take them for a page.
        const NO_SNIFFING: &[Field] = &[("X-Content-Type-Options", Cow::Borrowed("nosniff"))];
        Self {
            status: StatusCode::OK,
            fields: Cow::Borrowed(NO_SNIFFING),
            content: Content::Echo(Body::default()),
        }
    }

    /// The same response with `body`, if it is an echo of the request's body.
    pub(super) fn returning(mut self, body: Body) -> Self {
        if let Content::Echo(content) = &mut self.content {
            *content = body;
        }
        self
    }

    /// A 204.
    pub(super) const fn no_content() -> Self {
        Self { status: StatusCode::NO_CONTENT, fields: Cow::Borrowed(&[]), content: Content::Empty }
    }

    /// Adds a field. Control bytes of `value` are not sent.
    #[must_use]
    pub fn field(mut self, name: &'static str, value: impl Into<Cow<'static, str>>) -> Self {
        self.fields.to_mut().push((name, value.into()));
        self
    }
}

impl From<crate::http::Error> for Response {
    /// The refusal of a malformed request.
    fn from(error: crate::http::Error) -> Self {
        Self::text(error.status(), error.reason())
    }
}
