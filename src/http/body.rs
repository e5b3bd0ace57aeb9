//! Where a body ends: a decoder that is given bytes as they come and tells payload from framing. Reading the bytes
//! and keeping the payload are left to the callers.

use super::scan::{self, BLANK, HEX, QUOTED, Scanner, Stop, TEXT, TOKEN};
use super::{Error, fields};

/// The digits of a chunk's size: a 64-bit number, leading zeros included.
pub const SIZE_DIGITS_LIMIT: usize = 16;

/// The bytes of all chunk extensions of a body, which nobody uses and RFC 9112 7.1.1 asks to bound as a whole.
pub const EXTENSIONS_LIMIT: usize = 1024;

/// The bytes of a body's trailers with the empty line: they are checked and dropped.
pub const TRAILERS_LIMIT: usize = 2 * 1024;

/// How a body is delimited (RFC 9112 6.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// So many bytes; 0 also stands for no body at all.
    Length(u64),
    /// Chunks, the last of them empty.
    Chunked,
    /// Everything until the server closes: responses alone.
    UntilClose,
}

/// What one call of [`Decoder::decode`] found.
#[derive(Debug, PartialEq, Eq)]
pub struct Step<'a> {
    /// How many bytes are done with, payload included. 0 in a body that is not whole: more bytes are needed.
    pub consumed: usize,
    /// The next part of the body, often empty.
    pub payload: &'a [u8],
    /// Whether the body is whole: whatever follows `consumed` belongs to the next message.
    pub is_whole: bool,
}

/// A body on its way.
#[derive(Debug)]
pub struct Decoder {
    state: State,
    room: u64,
    extensions: usize,
    trailers: usize,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum State {
    Length(u64),
    UntilClose,
    Size,
    Chunk(u64),
    ChunkEnd,
    Trailers,
    Whole,
}

impl Decoder {
    /// A decoder of a body of `limit` bytes at most; [`Error::BodyTooLarge`] if more are declared.
    pub fn new(framing: Framing, limit: u64) -> Result<Self, Error> {
        let state = match framing {
            Framing::Length(length) if length > limit => return Err(Error::BodyTooLarge),
            Framing::Length(0) => State::Whole,
            Framing::Length(length) => State::Length(length),
            Framing::Chunked => State::Size,
            Framing::UntilClose => State::UntilClose,
        };
        Ok(Self { state, room: limit, extensions: EXTENSIONS_LIMIT, trailers: TRAILERS_LIMIT })
    }

    /// Takes the next bytes of the connection, beginning with those that the last call did not consume.
    pub fn decode<'a>(&mut self, bytes: &'a [u8]) -> Result<Step<'a>, Error> {
        let mut at = 0;
        while matches!(self.state, State::Size | State::ChunkEnd | State::Trailers) {
            match scan::whole(self.line(&bytes[at..]))? {
                Some(length) => at += length,
                None => return Ok(Step { consumed: at, payload: &[], is_whole: false }),
            }
        }
        let payload = self.payload(&bytes[at..])?;
        Ok(Step { consumed: at + payload.len(), payload, is_whole: self.state == State::Whole })
    }

    /// Whether the body is whole if the peer closes now.
    pub fn may_end(&self) -> bool {
        matches!(self.state, State::UntilClose | State::Whole)
    }

    fn payload<'a>(&mut self, bytes: &'a [u8]) -> Result<&'a [u8], Error> {
        let offered = bytes.len() as u64;
        let (taken, next) = match self.state {
            State::Length(left) if left <= offered => (left, State::Whole),
            State::Length(left) => (offered, State::Length(left - offered)),
            State::Chunk(left) if left <= offered => (left, State::ChunkEnd),
            State::Chunk(left) => (offered, State::Chunk(left - offered)),
            State::UntilClose => {
                self.room = self.room.checked_sub(offered).ok_or(Error::BodyTooLarge)?;
                (offered, State::UntilClose)
            }
            other => (0, other),
        };
        self.state = next;
        #[allow(clippy::cast_possible_truncation, reason = "at most the length of a slice")]
        Ok(&bytes[..taken as usize])
    }

    /// Passes one line of the chunked coding and gives its length.
    fn line(&mut self, bytes: &[u8]) -> Result<usize, Stop> {
        match self.state {
            State::Size => self.size_line(bytes),
            State::ChunkEnd => self.chunk_end(bytes),
            _ => self.trailer(bytes),
        }
    }

    fn size_line(&mut self, bytes: &[u8]) -> Result<usize, Stop> {
        let mut scanner = Scanner::new(bytes, SIZE_DIGITS_LIMIT + self.extensions + 2, Error::Chunk);
        let digits = scanner.some(HEX, Error::Chunk)?;
        let size = hexadecimal(digits).ok_or(Error::Chunk)?;
        pass_extensions(&mut scanner)?;
        scanner.line_end(Error::Chunk)?;
        let extensions = scanner.position() - digits.len() - 2;
        self.extensions = self.extensions.checked_sub(extensions).ok_or(Error::Chunk)?;
        self.room = self.room.checked_sub(size).ok_or(Error::BodyTooLarge)?;
        self.state = if size == 0 { State::Trailers } else { State::Chunk(size) };
        Ok(scanner.position())
    }

    fn chunk_end(&mut self, bytes: &[u8]) -> Result<usize, Stop> {
        let mut scanner = Scanner::new(bytes, 2, Error::Chunk);
        scanner.line_end(Error::Chunk)?;
        self.state = State::Size;
        Ok(scanner.position())
    }

    fn trailer(&mut self, bytes: &[u8]) -> Result<usize, Stop> {
        let mut scanner = Scanner::new(bytes, self.trailers, Error::TrailersTooLarge);
        if fields::next(&mut scanner)?.is_none() {
            self.state = State::Whole;
        }
        self.trailers -= scanner.position();
        Ok(scanner.position())
    }
}

/// Passes `;name`, `;name=token` and `;name="quoted"`, with white space around `;` and `=` but not at the end of the
/// line (RFC 9112 7.1.1, 9110 5.6.3).
fn pass_extensions(scanner: &mut Scanner<'_>) -> Result<(), Stop> {
    let mut blank = scanner.run(BLANK)?;
    while scanner.skip(b';')? {
        scanner.run(BLANK)?;
        scanner.some(TOKEN, Error::Chunk)?;
        blank = scanner.run(BLANK)?;
        if scanner.skip(b'=')? {
            scanner.run(BLANK)?;
            pass_extension_value(scanner)?;
            blank = scanner.run(BLANK)?;
        }
    }
    if blank.is_empty() { Ok(()) } else { Err(Error::Chunk.into()) }
}

fn pass_extension_value(scanner: &mut Scanner<'_>) -> Result<(), Stop> {
    if !scanner.skip(b'"')? {
        return scanner.some(TOKEN, Error::Chunk).map(|_| ());
    }
    scanner.run(QUOTED)?;
    while !scanner.skip(b'"')? {
        scanner.byte(b'\\', Error::Chunk)?;
        scanner.one(TEXT, Error::Chunk)?;
        scanner.run(QUOTED)?;
    }
    Ok(())
}

/// The value of up to [`SIZE_DIGITS_LIMIT`] hexadecimal digits.
fn hexadecimal(digits: &[u8]) -> Option<u64> {
    let digits = str::from_utf8(digits).ok().filter(|digits| digits.len() <= SIZE_DIGITS_LIMIT)?;
    u64::from_str_radix(digits, 16).ok()
}
