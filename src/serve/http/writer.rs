//! Writing responses to a connection, with memory that the connection's next response uses again.

use std::io;
use std::net::{SocketAddr, TcpStream};
use std::time::{SystemTime, UNIX_EPOCH};

use super::Fields;
use crate::http::StatusCode;
use crate::http::write::{HeadWriter, push_line};
use crate::serve::identity::Identity;
use crate::serve::stream::{Patience, write_all};

/// Up to here a response's content goes out in one piece with its head.
const ONE_PIECE_LIMIT: usize = 1024;

/// What the head of a response says, but for the time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Said {
    pub(super) status: StatusCode,
    pub(super) fields: Fields,
    pub(super) content_type: &'static str,
    /// The bytes of the content, also where it is only measured.
    pub(super) length: usize,
    /// The HTTP/1.x that the client spoke.
    pub(super) version_minor: u8,
    pub(super) keep_alive: bool,
    /// Whether the peers are asked to go elsewhere.
    pub(super) draining: bool,
}

/// One connection's responses. Within a second most are like the one before, and have its head.
pub(super) struct Writer {
    /// The lines of each head that say who speaks to whom.
    who: Vec<u8>,
    out: Vec<u8>,
    head_len: usize,
    head_of: Option<(Said, u64)>,
}

impl Writer {
    /// The responses of `identity` to `peer`.
    pub(super) fn new(identity: &Identity, peer: SocketAddr) -> Self {
        let mut who = identity.lines().to_vec();
        push_line(&mut who, "Smoker-Client", &peer.to_string());
        Self { who, out: Vec::new(), head_len: 0, head_of: None }
    }

    /// Writes a head that says `said`, and `content`, which is empty for a HEAD: how many bytes in all.
    pub(super) fn write(
        &mut self,
        said: Said,
        content: &[u8],
        stream: &TcpStream,
        patience: Patience,
    ) -> io::Result<usize> {
        let seconds = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        if self.head_of != Some((said, seconds)) {
            self.make_head(said, seconds);
        }
        self.out.truncate(self.head_len);
        if content.len() <= ONE_PIECE_LIMIT {
            self.out.extend_from_slice(content);
            write_all(stream, &self.out, patience)?;
        } else {
            write_all(stream, &self.out, patience)?;
            write_all(stream, content, patience)?;
        }
        Ok(self.head_len + content.len())
    }

    fn make_head(&mut self, said: Said, seconds: u64) {
        self.out.clear();
        let mut head = HeadWriter::new(&mut self.out, said.status, seconds);
        for (name, value) in said.fields {
            head = head.field(name, value);
        }
        head = head.field("Content-Type", said.content_type).lines(&self.who);
        if said.draining {
            head = head.field("Smoker-State", "draining");
        }
        head.length(said.length).connection(said.version_minor, said.keep_alive).end();
        self.head_len = self.out.len();
        self.head_of = Some((said, seconds));
    }
}
