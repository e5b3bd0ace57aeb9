//! Responses: their heads, read from bytes, and whole ones, read with a bound; what a status or body means is left
//! to the prober.

use std::io::{self, Read};

use super::body::{Decoder, Framing};
use super::buffer::Buffer;
use super::fields::{self, Ends};
use super::scan::{self, DIGIT, Scanner, Stop, TEXT};
use super::{Error, HEAD_LIMIT};

/// The interim (1xx) responses skipped before the real one; a server has a reason to send one, perhaps two.
pub const INTERIM_LIMIT: usize = 8;

/// A response's head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// The status code, 100 to 999: those past 599 are nobody's, but a peer did say them.
    pub status: u16,
    /// How the body of a response to any method but `HEAD` and `CONNECT` is delimited.
    pub framing: Framing,
}

/// Why a response could not be read.
#[derive(Debug)]
pub enum ReadError {
    /// The reader failed.
    Io(io::Error),
    /// The reader ended before the response did.
    Closed,
    /// It is no HTTP response.
    Malformed(Error),
    /// Its body is longer than the limit.
    BodyTooLarge,
}

/// The head that `bytes` begin with and its length, the empty line included; `None` while all of them may begin a
/// head that is not whole yet.
pub fn parse(bytes: &[u8]) -> Result<Option<(Head, usize)>, Error> {
    scan::whole(head(bytes))
}

/// Reads the head of the final response and consumes it; interim ones before it are skipped.
pub fn read_head(buffer: &mut Buffer, reader: &mut impl Read) -> Result<Head, ReadError> {
    for _ in 0..=INTERIM_LIMIT {
        let head = read_any_head(buffer, reader)?;
        if !is_interim(head.status) {
            return Ok(head);
        }
    }
    Err(ReadError::Malformed(Error::TooManyInterim))
}

/// Reads a body of `limit` bytes at most, and nothing that follows it unless it came along.
pub fn read_body(
    buffer: &mut Buffer,
    reader: &mut impl Read,
    framing: Framing,
    limit: u64,
) -> Result<Vec<u8>, ReadError> {
    let mut decoder = Decoder::new(framing, limit)?;
    let mut body = Vec::new();
    loop {
        let step = decoder.decode(buffer.bytes())?;
        body.extend_from_slice(step.payload);
        let (consumed, is_whole) = (step.consumed, step.is_whole);
        buffer.consume(consumed);
        if is_whole {
            return Ok(body);
        }
        if consumed == 0 && buffer.fill(reader)? == 0 {
            return if decoder.may_end() { Ok(body) } else { Err(ReadError::Closed) };
        }
    }
}

impl From<Error> for ReadError {
    fn from(error: Error) -> Self {
        if error == Error::BodyTooLarge { Self::BodyTooLarge } else { Self::Malformed(error) }
    }
}

impl From<io::Error> for ReadError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

fn read_any_head(buffer: &mut Buffer, reader: &mut impl Read) -> Result<Head, ReadError> {
    loop {
        if let Some((head, length)) = parse(buffer.bytes())? {
            buffer.consume(length);
            return Ok(head);
        }
        if buffer.fill(reader)? == 0 {
            return Err(ReadError::Closed);
        }
    }
}

/// After 101 no HTTP follows, so it is final, and wrong, since no upgrade was asked for (RFC 9110 15.2.2).
fn is_interim(status: u16) -> bool {
    status < 200 && status != 101
}

fn head(bytes: &[u8]) -> Result<(Head, usize), Stop> {
    let mut scanner = Scanner::new(bytes, HEAD_LIMIT, Error::HeadTooLarge);
    let version_minor = scanner.version()?;
    scanner.byte(b' ', Error::StatusLine)?;
    let status = status(&mut scanner)?;
    scanner.byte(b' ', Error::StatusLine)?;
    scanner.run(TEXT)?;
    scanner.line_end(Error::ControlByte)?;
    let mut ends = Ends::default();
    fields::read(&mut scanner, |field| ends.note(field))?;
    let framing = match status {
        // Whatever its fields say, it has no body (RFC 9112 6.3).
        100..200 | 204 | 304 => Framing::Length(0),
        _ => ends.framing(version_minor)?.unwrap_or(Framing::UntilClose),
    };
    Ok((Head { status, framing }, scanner.position()))
}

fn status(scanner: &mut Scanner<'_>) -> Result<u16, Stop> {
    let mut status = 0;
    for _ in 0..3 {
        status = 10 * status + u16::from(scanner.one(DIGIT, Error::StatusLine)? - b'0');
    }
    if status < 100 { Err(Error::StatusLine.into()) } else { Ok(status) }
}
