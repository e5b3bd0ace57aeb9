//! Where a body ends: a decoder that is given bytes as they arrive and separates payload from framing.
//! Reading the bytes and keeping the payload are left to the callers.

use super::error::Error;
use super::framing::Framing;
use super::headers;
use super::scan::{self, BLANK, HEX, QUOTED, Scanner, Stop, TEXT, TOKEN};

/// The digits of a chunk's size: a 64-bit number, leading zeros included.
pub const SIZE_DIGITS_LIMIT: usize = 16;

/// The bytes of all chunk extensions of a body: hardly any program sends them, and their total needs a bound
/// (RFC 9112, 7.1.1).
pub const EXTENSIONS_LIMIT: usize = 1024;

/// The bytes of a body's trailers with the empty line: they are checked and discarded.
pub const TRAILERS_LIMIT: usize = 2 * 1024;

/// What one call of [`Decoder::decode`] found.
#[derive(Debug, PartialEq, Eq)]
pub struct Step<'a> {
    /// How many bytes were used, payload included. 0 in a body that is not whole: more bytes are needed.
    pub consumed: usize,
    /// The next part of the body, often empty.
    pub payload: &'a [u8],
    /// Whether the body is whole: whatever follows `consumed` belongs to the next message.
    pub is_whole: bool,
}

/// The state of a body that is being received.
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
            Framing::None => State::Whole,
            Framing::Length(length) if length > limit => return Err(Error::BodyTooLarge),
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

    /// Whether the peer ends this body by closing, so that an end of the connection is no error.
    pub fn ends_at_close(&self) -> bool {
        self.state == State::UntilClose
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
        #[expect(clippy::cast_possible_truncation, reason = "at most the length of a slice")]
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
        if headers::next(&mut scanner)?.is_none() {
            self.state = State::Whole;
        }
        self.trailers -= scanner.position();
        Ok(scanner.position())
    }
}

/// Passes `;name`, `;name=token` and `;name="quoted"`, with white space around `;` and `=` but not at the end
/// of the line (RFC 9112, 7.1.1, and RFC 9110, 5.6.3).
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

#[cfg(test)]
mod tests {
    use super::*;

    /// What `decoder` makes of `bytes` at once: the body if it is whole, and how many bytes were consumed.
    fn decode(mut decoder: Decoder, bytes: &[u8]) -> Result<(Option<Vec<u8>>, usize), Error> {
        let (mut body, mut at) = (Vec::new(), 0);
        loop {
            let step = decoder.decode(&bytes[at..])?;
            at += step.consumed;
            body.extend_from_slice(step.payload);
            if step.is_whole || step.consumed == 0 {
                return Ok((step.is_whole.then_some(body), at));
            }
        }
    }

    fn chunked(bytes: impl AsRef<[u8]>) -> Result<(Option<Vec<u8>>, usize), Error> {
        decode(Decoder::new(Framing::Chunked, 100).unwrap(), bytes.as_ref())
    }

    #[test]
    fn a_body_of_known_length_ends_there() {
        let length = |length| Decoder::new(Framing::Length(length), 100).unwrap();
        assert_eq!(decode(length(0), b"next"), Ok((Some(vec![]), 0)));
        assert_eq!(decode(Decoder::new(Framing::None, 0).unwrap(), b"next"), Ok((Some(vec![]), 0)));
        assert_eq!(decode(length(2), b"OKnext"), Ok((Some(b"OK".to_vec()), 2)));
        assert_eq!(decode(length(3), b"OK"), Ok((None, 2)));
        assert!(!length(3).ends_at_close());
    }

    #[test]
    fn a_body_until_close_never_ends_by_itself() {
        let mut decoder = Decoder::new(Framing::UntilClose, 100).unwrap();
        assert_eq!(decoder.decode(b"OK"), Ok(Step { consumed: 2, payload: b"OK", is_whole: false }));
        assert!(decoder.ends_at_close());
    }

    #[test]
    fn chunks_are_joined_and_trailers_dropped() {
        for text in [
            "5\r\nhello\r\n0\r\n\r\n",
            "2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n",
            "00005\r\nhello\r\n000\r\n\r\n",
            "5;a\r\nhello\r\n0;b=c;d=\"e\\\";\\\\ \u{e9}\"\r\n\r\n",
            "5 ; a = b\t;c\r\nhello\r\n0\r\n\r\n",
            "5\r\nhello\r\n0\r\nExpires: never\r\nA:\r\n\r\n",
        ] {
            let pipelined = format!("{text}GET / HTTP/1.1\r\n");
            assert_eq!(chunked(pipelined), Ok((Some(b"hello".to_vec()), text.len())), "{text:?}");
        }
        assert_eq!(chunked("A\r\n\r\n0123456\r\r\n0\r\n\r\n").unwrap().0.unwrap(), b"\r\n0123456\r");
        assert_eq!(chunked("a\r\n0\r\n\r\n01234\r\n0\r\n\r\n").unwrap().0.unwrap(), b"0\r\n\r\n01234");
    }

    #[test]
    fn malformed_chunks_are_refused() {
        for (text, error) in [
            ("\r\n", Error::Chunk),
            ("g\r\n", Error::Chunk),
            ("-5\r\n", Error::Chunk),
            ("+5\r\n", Error::Chunk),
            (" 5\r\n", Error::Chunk),
            ("0x5\r\n", Error::Chunk),
            ("5 \r\n", Error::Chunk),
            ("5;a \r\n", Error::Chunk),
            ("5 6\r\n", Error::Chunk),
            ("5;\r\n", Error::Chunk),
            ("5;=b\r\n", Error::Chunk),
            ("5;a=\r\n", Error::Chunk),
            ("5;a==\r\n", Error::Chunk),
            ("5;a b\r\n", Error::Chunk),
            ("5;a=\"b\r\n", Error::Chunk),
            ("5;a=\"b\"c\r\n", Error::Chunk),
            ("5;a=\"b\\\r\n", Error::Chunk),
            ("5;a=\"\0\"\r\n", Error::ControlByte),
            ("5;a=\"\\\x7f\"\r\n", Error::ControlByte),
            ("5;\0\r\n", Error::ControlByte),
            ("5\n", Error::BareLf),
            ("5;a\n", Error::BareLf),
            ("5\rh", Error::BareCr),
            ("1\r\nab", Error::Chunk),
            ("1\r\na\n", Error::BareLf),
            ("1\r\na\rb", Error::BareCr),
            ("0\r\n\n", Error::BareLf),
            ("0\r\n\rx", Error::BareCr),
            ("0\r\nA\r\n", Error::FieldName),
            ("0\r\nA : b\r\n", Error::FieldName),
            ("0\r\n a: b\r\n", Error::Folded),
            ("0\r\na: b\r\n c\r\n", Error::Folded),
            ("0\r\na: \x01\r\n", Error::ControlByte),
        ] {
            assert_eq!(chunked(text), Err(error), "{text:?}");
        }
    }

    #[test]
    fn a_chunk_size_may_have_as_many_digits_as_the_limit_and_no_more() {
        let zeros = "0".repeat(SIZE_DIGITS_LIMIT - 1);
        assert_eq!(chunked(format!("{zeros}1\r\na\r\n0\r\n\r\n")).unwrap().0.unwrap(), b"a");
        assert_eq!(chunked(format!("{zeros}01\r\na\r\n0\r\n\r\n")), Err(Error::Chunk));
        let digits = "f".repeat(SIZE_DIGITS_LIMIT);
        assert_eq!(chunked(format!("{digits}\r\n")), Err(Error::BodyTooLarge));
        assert_eq!(chunked("0".repeat(SIZE_DIGITS_LIMIT + EXTENSIONS_LIMIT + 2)), Err(Error::Chunk));
    }

    #[test]
    fn all_extensions_of_a_body_share_one_limit() {
        let half = ";".to_owned() + &"e".repeat(EXTENSIONS_LIMIT / 2 - 1);
        let body = |last: &str| chunked(format!("1{half}\r\na\r\n1{half}\r\nb\r\n0{last}\r\n\r\n"));
        assert_eq!(body("").unwrap().0.unwrap(), b"ab");
        assert_eq!(body(";e"), Err(Error::Chunk));
        let whole = ";".to_owned() + &"e".repeat(EXTENSIONS_LIMIT - 1);
        let digits = "0".repeat(SIZE_DIGITS_LIMIT);
        assert_eq!(chunked(format!("{digits}{whole}\r\n\r\n")).unwrap().0.unwrap(), b"");
        assert_eq!(chunked(format!("0{whole}e\r\n\r\n")), Err(Error::Chunk));
        assert_eq!(
            chunked(format!("0;{}", "e".repeat(SIZE_DIGITS_LIMIT + EXTENSIONS_LIMIT))),
            Err(Error::Chunk)
        );
    }

    #[test]
    fn trailers_may_be_as_long_as_the_limit_and_no_longer() {
        let trailers = |length: usize| {
            let last = length - "a: b\r\n".len() - "c: \r\n\r\n".len();
            chunked(format!("0\r\na: b\r\nc: {}\r\n\r\n", "d".repeat(last)))
        };
        assert!(trailers(TRAILERS_LIMIT).unwrap().0.is_some());
        assert_eq!(trailers(TRAILERS_LIMIT + 1), Err(Error::TrailersTooLarge));
        assert_eq!(chunked(format!("0\r\n{}", "a".repeat(TRAILERS_LIMIT - 1))), Ok((None, 3)));
        assert_eq!(chunked(format!("0\r\n{}", "a".repeat(TRAILERS_LIMIT))), Err(Error::TrailersTooLarge));
    }

    #[test]
    fn a_body_may_be_as_long_as_its_limit_and_no_longer() {
        let body = |framing, bytes: &[u8]| decode(Decoder::new(framing, 5)?, bytes).map(|(_, at)| at);
        assert_eq!(body(Framing::Length(5), b"hello"), Ok(5));
        assert_eq!(body(Framing::Length(6), b""), Err(Error::BodyTooLarge));
        assert_eq!(body(Framing::Length(u64::MAX), b""), Err(Error::BodyTooLarge));
        assert_eq!(body(Framing::UntilClose, b"hello"), Ok(5));
        assert_eq!(body(Framing::UntilClose, b"hello!"), Err(Error::BodyTooLarge));
        assert_eq!(body(Framing::Chunked, b"5\r\nhello\r\n0\r\n\r\n"), Ok(15));
        assert_eq!(body(Framing::Chunked, b"6\r\n"), Err(Error::BodyTooLarge));
        assert_eq!(body(Framing::Chunked, b"2\r\nhe\r\n4\r\n"), Err(Error::BodyTooLarge));
        assert_eq!(body(Framing::Chunked, b"2\r\nhe\r\nffffffffffffffff\r\n"), Err(Error::BodyTooLarge));
    }
}
