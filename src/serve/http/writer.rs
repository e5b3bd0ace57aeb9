//! Writing responses to a connection, with memory that the connection's next response uses again.

use std::io;
use std::net::TcpStream;
use std::time::{SystemTime, UNIX_EPOCH};

use super::Fields;
use crate::http::date::Date;
use crate::http::reply::Head;
use crate::serve::stream::{Patience, write_all};

/// Up to here a response's content goes out in one piece with its head.
const ONE_PIECE_LIMIT: usize = 1024;

/// A response, ready to be written.
pub(super) struct Response<'a> {
    pub(super) status: u16,
    pub(super) fields: Fields,
    pub(super) content_type: &'static str,
    pub(super) content: &'a [u8],
    /// Whether the content is only measured, and not sent.
    pub(super) head_only: bool,
    /// The HTTP/1.x that the client spoke.
    pub(super) version_minor: u8,
    pub(super) keep_alive: bool,
}

/// One connection's responses.
#[derive(Default)]
pub(super) struct Writer {
    out: Vec<u8>,
    date: Date,
}

impl Writer {
    pub(super) fn write(
        &mut self,
        response: &Response<'_>,
        stream: &TcpStream,
        patience: Patience,
    ) -> io::Result<()> {
        self.out.clear();
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let mut head = Head::new(&mut self.out, response.status, self.date.at(now.as_secs()));
        for (name, value) in response.fields {
            head = head.field(name, value);
        }
        head = head.field("Content-Type", response.content_type);
        let length = response.content.len();
        head.length(length).connection(response.version_minor, response.keep_alive).end();
        let content = if response.head_only { &[] } else { response.content };
        if content.len() <= ONE_PIECE_LIMIT {
            self.out.extend_from_slice(content);
            return write_all(stream, &self.out, patience);
        }
        write_all(stream, &self.out, patience)?;
        write_all(stream, content, patience)
    }
}
