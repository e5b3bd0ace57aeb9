//! Reading responses: heads from bytes, heads and bodies from a reader, within limits; what a status or a
//! body means is left to the callers.

use std::io::{self, Read};

use super::body::Decoder;
use super::buffer::Buffer;
use super::error::Error;
use super::framing::{Framing, MessageEnd};
use super::headers::{self, HEAD_LIMIT, Headers};
use super::scan::{self, DIGIT, Scanner, Stop, TEXT};
use super::status::StatusCode;

/// The interim (1xx) responses skipped before the final one; a server has reason to send one, perhaps two.
pub const INTERIM_LIMIT: usize = 8;

/// A response's head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ResponseHead {
    /// The status code.
    pub status: StatusCode,
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
    /// It is not an HTTP response.
    Malformed(Error),
    /// Its body is longer than the limit.
    BodyTooLarge,
}

/// The head that `bytes` begin with and its length, the empty line included; `None` while all of them may
/// begin a head that is not whole yet.
pub fn parse(bytes: &[u8]) -> Result<Option<(ResponseHead, usize)>, Error> {
    scan::whole(head(bytes))
}

/// Reads the head of the final response and consumes it; interim ones before it are skipped.
pub fn read_head(buffer: &mut Buffer, reader: &mut impl Read) -> Result<ResponseHead, ReadError> {
    read_head_and_headers(buffer, reader, |_| ())
}

/// As [`read_head`], and shows the head's fields to `inspect`.
pub fn read_head_and_headers(
    buffer: &mut Buffer,
    reader: &mut impl Read,
    inspect: impl FnOnce(Headers<'_>),
) -> Result<ResponseHead, ReadError> {
    for _ in 0..=INTERIM_LIMIT {
        let (head, length) = wait_for_head(buffer, reader)?;
        if !head.status.is_interim() {
            inspect(headers_of(&buffer.bytes()[..length]));
            buffer.consume(length);
            return Ok(head);
        }
        buffer.consume(length);
    }
    Err(ReadError::Malformed(Error::TooManyInterim))
}

/// Reads the next head, interim or final, and consumes it.
pub fn read_next_head(buffer: &mut Buffer, reader: &mut impl Read) -> Result<ResponseHead, ReadError> {
    let (head, length) = wait_for_head(buffer, reader)?;
    buffer.consume(length);
    Ok(head)
}

/// Reads a body of `limit` bytes at most. Bytes after it stay in the buffer as far as they were received with
/// it; the reader is not read further.
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
            return if decoder.ends_at_close() { Ok(body) } else { Err(ReadError::Closed) };
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

/// The next head of any kind, which stays in the buffer, and its length.
fn wait_for_head(buffer: &mut Buffer, reader: &mut impl Read) -> Result<(ResponseHead, usize), ReadError> {
    loop {
        if let Some(whole) = parse(buffer.bytes())? {
            return Ok(whole);
        }
        if buffer.fill(reader)? == 0 {
            return Err(ReadError::Closed);
        }
    }
}

/// The fields of a whole head.
fn headers_of(head: &[u8]) -> Headers<'_> {
    let end = head.iter().position(|&byte| byte == b'\n').map_or(head.len(), |end| end + 1);
    Headers::new(&head[end..])
}

fn head(bytes: &[u8]) -> Result<(ResponseHead, usize), Stop> {
    let mut scanner = Scanner::new(bytes, HEAD_LIMIT, Error::HeadTooLarge);
    let (version_minor, status) = status_line(&mut scanner)?;
    let mut end = MessageEnd::default();
    headers::read(&mut scanner, |field| end.note(field))?;
    let framing = match status.as_u16() {
        // Whatever its fields say, it has no body (RFC 9112, 6.3).
        100..200 | 204 | 304 => Framing::None,
        _ => end.framing(version_minor)?.unwrap_or(Framing::UntilClose),
    };
    Ok((ResponseHead { status, framing }, scanner.position()))
}

/// Passes the status line, and returns the minor version and the status.
fn status_line(scanner: &mut Scanner<'_>) -> Result<(u8, StatusCode), Stop> {
    let version_minor = scanner.version()?;
    scanner.byte(b' ', Error::StatusLine)?;
    let status = status(scanner)?;
    scanner.byte(b' ', Error::StatusLine)?;
    scanner.run(TEXT)?;
    scanner.line_end(Error::ControlByte)?;
    Ok((version_minor, status))
}

fn status(scanner: &mut Scanner<'_>) -> Result<StatusCode, Stop> {
    let mut code = 0;
    for _ in 0..3 {
        code = 10 * code + u16::from(scanner.one(DIGIT, Error::StatusLine)? - b'0');
    }
    StatusCode::new(code).ok_or(Error::StatusLine.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::headers::FIELDS_LIMIT;

    /// A final head and its body of 100 bytes at most, read from `bytes` and then the end.
    fn read(mut bytes: &[u8]) -> Result<(u16, Vec<u8>), ReadError> {
        let mut buffer = Buffer::new();
        let head = read_head(&mut buffer, &mut bytes)?;
        Ok((head.status.as_u16(), read_body(&mut buffer, &mut bytes, head.framing, 100)?))
    }

    fn refusal(text: &str) -> Error {
        match read(text.as_bytes()) {
            Err(ReadError::Malformed(error)) => error,
            other => panic!("{text:?}: {other:?}"),
        }
    }

    #[test]
    fn a_body_of_any_framing_is_read_to_its_end() {
        for (text, status, body) in [
            ("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOK", 200, "OK"),
            ("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOK and more", 200, "OK"),
            ("HTTP/1.1 200 \r\nContent-Length: 0\r\n\r\n", 200, ""),
            ("HTTP/1.0 200 Fine\r\n\r\nOK", 200, "OK"),
            ("HTTP/1.1 200 Fine, \t\u{e9}\r\n\r\n", 200, ""),
            ("HTTP/1.9 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nO\r\n1\r\nK\r\n0\r\n\r\n", 200, "OK"),
            ("HTTP/1.1 503 Busy\r\nContent-Length: 4\r\n\r\nlate", 503, "late"),
            ("HTTP/1.1 204 No\r\nContent-Length: 5\r\n\r\n", 204, ""),
            ("HTTP/1.1 304 No\r\nContent-Length: 5\r\n\r\n", 304, ""),
            ("HTTP/1.1 304 No\r\nTransfer-Encoding: chunked\r\n\r\n", 304, ""),
            ("HTTP/1.1 101 Up\r\nUpgrade: x\r\n\r\n", 101, ""),
            ("HTTP/1.1 999 Odd\r\nContent-Length: 0\r\n\r\n", 999, ""),
            ("HTTP/1.1 100 \r\n\r\nHTTP/1.1 103 \r\nLink: x\r\n\r\nHTTP/1.1 200 \r\n\r\nOK", 200, "OK"),
        ] {
            assert_eq!(read(text.as_bytes()).unwrap(), (status, body.into()), "{text:?}");
        }
    }

    #[test]
    fn what_is_not_a_response_is_malformed() {
        for (text, error) in [
            ("SSH-2.0-x\r\n", Error::Version),
            ("HTTP/2.0 200 OK\r\n\r\n", Error::UnsupportedVersion),
            ("HTTP/0.9 200 OK\r\n\r\n", Error::UnsupportedVersion),
            ("http/1.1 200 OK\r\n\r\n", Error::Version),
            ("\r\nHTTP/1.1 200 OK\r\n\r\n", Error::Version),
            (" HTTP/1.1 200 OK\r\n\r\n", Error::Version),
            ("HTTP/1.1  200 OK\r\n\r\n", Error::StatusLine),
            ("HTTP/1.10 200 OK\r\n\r\n", Error::StatusLine),
            ("HTTP/1.1 20 OK\r\n\r\n", Error::StatusLine),
            ("HTTP/1.1 2000 OK\r\n\r\n", Error::StatusLine),
            ("HTTP/1.1 099 OK\r\n\r\n", Error::StatusLine),
            ("HTTP/1.1 -20 OK\r\n\r\n", Error::StatusLine),
            ("HTTP/1.1 2x0 OK\r\n\r\n", Error::StatusLine),
            ("HTTP/1.1 200\r\n\r\n", Error::StatusLine),
            ("HTTP/1.1 200 OK\n\r\n", Error::BareLf),
            ("HTTP/1.1 200 O\rK\r\n\r\n", Error::BareCr),
            ("HTTP/1.1 200 O\0K\r\n\r\n", Error::ControlByte),
            ("HTTP/1.1 200 OK\r\nA : b\r\n\r\n", Error::FieldName),
            ("HTTP/1.1 200 OK\r\n A: b\r\n\r\n", Error::Folded),
            ("HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n", Error::Folded),
            ("HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", Error::ContentLength),
            ("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", Error::ContentLength),
            (
                "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
                Error::TwoFramings,
            ),
            ("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n", Error::UnsupportedCoding),
            ("HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", Error::TransferEncoding),
            ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nOK", Error::Chunk),
        ] {
            assert_eq!(refusal(text), error, "{text:?}");
        }
    }

    #[test]
    fn what_ends_early_is_closed_not_malformed() {
        for whole in [
            "HTTP/1.1 100 \r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOK",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nOK\r\n0\r\nA: b\r\n\r\n",
        ] {
            for end in 0..whole.len() {
                let read = read(&whole.as_bytes()[..end]);
                assert!(matches!(read, Err(ReadError::Closed)), "{end} bytes of {whole:?}: {read:?}");
            }
            assert_eq!(read(whole.as_bytes()).unwrap(), (200, b"OK".to_vec()));
        }
    }

    #[test]
    fn the_status_is_known_before_the_body_is_read() {
        let mut reader = b"HTTP/1.1 500 Oh\r\nContent-Length: 9\r\n\r\n".chain(Failing);
        let head = read_head(&mut Buffer::new(), &mut reader).unwrap();
        assert_eq!((head.status.as_u16(), head.framing), (500, Framing::Length(9)));
    }

    #[test]
    fn nothing_is_read_past_a_body_that_is_whole() {
        let mut reader = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOK".chain(Failing);
        let mut buffer = Buffer::new();
        let head = read_head(&mut buffer, &mut reader).unwrap();
        assert_eq!(read_body(&mut buffer, &mut reader, head.framing, 2).unwrap(), b"OK");
        let failed = read_head(&mut buffer, &mut reader).unwrap_err();
        assert!(matches!(failed, ReadError::Io(error) if error.kind() == io::ErrorKind::TimedOut));
    }

    #[test]
    fn a_body_may_be_as_long_as_the_limit_and_no_longer() {
        for length in [100, 101] {
            let body = "b".repeat(length);
            for text in [
                format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n{body}"),
                format!(
                    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{length:x}\r\n{body}\r\n0\r\n\r\n"
                ),
                format!("HTTP/1.1 200 OK\r\n\r\n{body}"),
            ] {
                match read(text.as_bytes()) {
                    Ok((200, read)) if length == 100 => assert_eq!(read, body.as_bytes()),
                    Err(ReadError::BodyTooLarge) if length == 101 => {}
                    other => panic!("{text:?}: {other:?}"),
                }
            }
        }
        let mut endless = b"HTTP/1.1 200 OK\r\n\r\n".chain(io::repeat(b'a'));
        let mut buffer = Buffer::new();
        let head = read_head(&mut buffer, &mut endless).unwrap();
        let read = read_body(&mut buffer, &mut endless, head.framing, 10_000);
        assert!(matches!(read, Err(ReadError::BodyTooLarge)));
    }

    #[test]
    fn interim_responses_are_skipped_up_to_the_limit() {
        let after = |count| "HTTP/1.1 102 \r\n\r\n".repeat(count) + "HTTP/1.1 200 \r\n\r\n";
        assert_eq!(read(after(INTERIM_LIMIT).as_bytes()).unwrap().0, 200);
        assert_eq!(refusal(&after(INTERIM_LIMIT + 1)), Error::TooManyInterim);
    }

    #[test]
    fn a_head_may_be_as_large_as_the_limits_and_no_larger() {
        let head = |length: usize| {
            let frame = "HTTP/1.1 200 OK\r\nA: \r\n\r\n";
            frame.replace("A: ", &format!("A: {}", "b".repeat(length - frame.len())))
        };
        assert_eq!(read(head(HEAD_LIMIT).as_bytes()).unwrap().0, 200);
        assert_eq!(refusal(&head(HEAD_LIMIT + 1)), Error::HeadTooLarge);
        assert_eq!(refusal(&("HTTP/1.1 200 ".to_owned() + &"a".repeat(HEAD_LIMIT))), Error::HeadTooLarge);
        let fields = |count| format!("HTTP/1.1 200 OK\r\n{}\r\n", "A:\r\n".repeat(count));
        assert_eq!(read(fields(FIELDS_LIMIT).as_bytes()).unwrap().0, 200);
        assert_eq!(refusal(&fields(FIELDS_LIMIT + 1)), Error::TooManyFields);
    }

    #[test]
    fn the_fields_of_the_final_head_are_shown_once_each_however_the_bytes_arrive() {
        let text = "HTTP/1.1 103 Early\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nA: b\r\nc:  d \r\nA:\r\n\r\nOK";
        for piece in [1, 2, 7, text.len()] {
            let (mut buffer, mut shown) = (Buffer::new(), Vec::new());
            let mut reader = Pieces(text.as_bytes(), piece);
            let head = read_head_and_headers(&mut buffer, &mut reader, |headers| {
                shown.extend(headers.iter().map(|(name, value)| [name, b"=", value].concat()));
            });
            assert_eq!(head.unwrap().status, StatusCode::OK);
            assert_eq!(shown, [&b"A=b"[..], b"c=d", b"A="], "in pieces of {piece}");
            assert!(b"OK".starts_with(buffer.bytes()), "the head is consumed");
        }
    }

    /// A reader of at most so many bytes at a time.
    struct Pieces<'a>(&'a [u8], usize);

    impl Read for Pieces<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            (&mut self.0).take(self.1 as u64).read(buffer)
        }
    }

    /// A connection that stays open without a byte.
    struct Failing;

    impl Read for Failing {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::ErrorKind::TimedOut.into())
        }
    }
}
