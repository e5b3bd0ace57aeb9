//! Which bytes a message may contain in which place, and a scanner over them that separates "incomplete" from
//! "malformed"; what the bytes mean is left to the callers.

use super::error::Error;

/// The bytes of a token (RFC 9110, 5.6.2).
pub(super) const TOKEN: u8 = 1;
/// The bytes of a field value or reason phrase: HTAB, space, visible ASCII, obs-text (RFC 9110, 5.5).
pub(super) const TEXT: u8 = 1 << 1;
/// The bytes of a URI without a fragment (RFC 3986, 2): what a request target is made of.
pub(super) const TARGET: u8 = 1 << 2;
/// The bytes of a registered name (RFC 3986, 3.2.2).
pub(super) const REG_NAME: u8 = 1 << 3;
/// Hexadecimal digits.
pub(super) const HEX: u8 = 1 << 4;
/// Decimal digits.
pub(super) const DIGIT: u8 = 1 << 5;
/// Space and HTAB (RFC 9110, 5.6.3).
pub(super) const BLANK: u8 = 1 << 6;
/// What may be unescaped in a quoted string (RFC 9110, 5.6.4).
pub(super) const QUOTED: u8 = 1 << 7;

/// Why a scan ended before its end.
#[derive(Clone, Copy)]
pub(super) enum Stop {
    /// Everything so far is well formed, and more is needed.
    Incomplete,
    /// No continuation can make it right.
    Refused(Error),
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Refused(error)
    }
}

/// The result of a scan for callers outside this room: `None` is [`Stop::Incomplete`].
pub(super) fn whole<T>(scanned: Result<T, Stop>) -> Result<Option<T>, Error> {
    match scanned {
        Ok(value) => Ok(Some(value)),
        Err(Stop::Incomplete) => Ok(None),
        Err(Stop::Refused(error)) => Err(error),
    }
}

/// Whether `bytes` are all of `class`.
pub(super) fn all(bytes: &[u8], class: u8) -> bool {
    bytes.iter().all(|&byte| is(byte, class))
}

/// What follows the bytes of `class` that `bytes` begin with.
pub(super) fn after(bytes: &[u8], class: u8) -> &[u8] {
    &bytes[bytes.iter().position(|&byte| !is(byte, class)).unwrap_or(bytes.len())..]
}

/// A position in bytes that may still be arriving, and the limit within which they must be whole.
pub(super) struct Scanner<'a> {
    bytes: &'a [u8],
    at: usize,
    end: usize,
    at_end: Stop,
}

// Scanning is most of what a request costs, and at opt-level "s" small functions are inlined where they are
// asked to be: without that it takes a fifth more instructions to read and answer one.
impl<'a> Scanner<'a> {
    /// A scanner at the start of `bytes`, of which it looks at `limit` at most.
    pub(super) fn new(bytes: &'a [u8], limit: usize, past_limit: Error) -> Self {
        let mut scanner = Self { bytes, at: 0, end: 0, at_end: Stop::Incomplete };
        scanner.limit(limit, past_limit);
        scanner
    }

    /// From now on looks at the first `limit` bytes at most; to need more is `past_limit`.
    pub(super) fn limit(&mut self, limit: usize, past_limit: Error) {
        self.end = limit.min(self.bytes.len());
        self.at_end = if self.bytes.len() < limit { Stop::Incomplete } else { past_limit.into() };
    }

    /// How many bytes have been passed.
    pub(super) fn position(&self) -> usize {
        self.at
    }

    /// The bytes passed since `start`, a former [`position`](Self::position).
    pub(super) fn passed_since(&self, start: usize) -> &'a [u8] {
        &self.bytes[start..self.at]
    }

    /// The next byte, without passing it.
    #[inline]
    pub(super) fn peek(&self) -> Result<u8, Stop> {
        if self.at < self.end { Ok(self.bytes[self.at]) } else { Err(self.at_end) }
    }

    /// Passes the bytes of `class` up to the first that is not: only that one shows that the run is whole.
    #[inline]
    pub(super) fn run(&mut self, class: u8) -> Result<&'a [u8], Stop> {
        let rest = &self.bytes[self.at..self.end];
        let length = rest.iter().position(|&byte| !is(byte, class)).ok_or(self.at_end)?;
        self.at += length;
        Ok(&rest[..length])
    }

    /// A [`run`](Self::run) of at least one byte; an empty one is `otherwise`.
    #[inline]
    pub(super) fn some(&mut self, class: u8, otherwise: Error) -> Result<&'a [u8], Stop> {
        let run = self.run(class)?;
        if run.is_empty() { Err(refusal(self.peek()?, otherwise).into()) } else { Ok(run) }
    }

    /// Passes one byte of `class` and returns it; anything else is `otherwise`.
    pub(super) fn one(&mut self, class: u8, otherwise: Error) -> Result<u8, Stop> {
        let byte = self.peek()?;
        if !is(byte, class) {
            return Err(refusal(byte, otherwise).into());
        }
        self.at += 1;
        Ok(byte)
    }

    /// Passes `expected`; anything else is `otherwise`.
    #[inline]
    pub(super) fn byte(&mut self, expected: u8, otherwise: Error) -> Result<(), Stop> {
        if self.skip(expected)? { Ok(()) } else { Err(refusal(self.peek()?, otherwise).into()) }
    }

    /// Passes `byte` if it is next, and returns whether it was.
    #[inline]
    pub(super) fn skip(&mut self, byte: u8) -> Result<bool, Stop> {
        let is_next = self.peek()? == byte;
        self.at += usize::from(is_next);
        Ok(is_next)
    }

    /// Passes a CRLF; a byte other than its CR is `otherwise`.
    #[inline]
    pub(super) fn line_end(&mut self, otherwise: Error) -> Result<(), Stop> {
        // The usual case, in one step.
        if self.bytes[self.at..self.end].starts_with(b"\r\n") {
            self.at += 2;
            return Ok(());
        }
        self.byte(b'\r', otherwise)?;
        if self.skip(b'\n')? { Ok(()) } else { Err(Error::BareCr.into()) }
    }

    /// Passes `HTTP/1.` and a digit, which it returns: a higher minor version means the same message format
    /// (RFC 9110, 2.5).
    pub(super) fn version(&mut self) -> Result<u8, Stop> {
        // The usual case, in one step.
        if self.bytes[self.at..self.end].starts_with(b"HTTP/1.1") {
            self.at += 8;
            return Ok(1);
        }
        for expected in *b"HTTP/" {
            self.byte(expected, Error::Version)?;
        }
        let major = self.one(DIGIT, Error::Version)?;
        self.byte(b'.', Error::Version)?;
        let minor = self.one(DIGIT, Error::Version)?;
        if major == b'1' { Ok(minor - b'0') } else { Err(Error::UnsupportedVersion.into()) }
    }
}

/// The error for `byte` where it is not allowed. Control bytes are named; a CR is not, since it may begin a
/// CRLF that merely comes too early.
fn refusal(byte: u8, otherwise: Error) -> Error {
    match byte {
        b'\n' => Error::BareLf,
        b'\r' | b'\t' => otherwise,
        0..b' ' | 0x7f => Error::ControlByte,
        _ => otherwise,
    }
}

fn is(byte: u8, class: u8) -> bool {
    CLASSES[usize::from(byte)] & class != 0
}

/// The classes of each byte.
static CLASSES: [u8; 256] = {
    let mut classes = [0; 256];
    let mut byte = 0;
    while byte < 128 {
        classes[byte as usize] = classes_of_ascii(byte);
        classes[byte as usize + 128] = TEXT | QUOTED;
        byte += 1;
    }
    classes
};

const fn classes_of_ascii(byte: u8) -> u8 {
    let unreserved = byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~');
    let sub_delimiter = matches!(byte, b'!' | b'$' | b'&'..=b',' | b';' | b'=');
    let reg_name = unreserved || sub_delimiter || byte == b'%';
    let blank = matches!(byte, b' ' | b'\t');
    let text = blank || byte.is_ascii_graphic();
    choose(unreserved || matches!(byte, b'!' | b'#'..=b'\'' | b'*' | b'+' | b'^' | b'`' | b'|'), TOKEN)
        | choose(text, TEXT)
        | choose(reg_name || matches!(byte, b':' | b'/' | b'?' | b'[' | b']' | b'@'), TARGET)
        | choose(reg_name, REG_NAME)
        | choose(byte.is_ascii_hexdigit(), HEX)
        | choose(byte.is_ascii_digit(), DIGIT)
        | choose(blank, BLANK)
        | choose(text && !matches!(byte, b'"' | b'\\'), QUOTED)
}

const fn choose(is_member: bool, class: u8) -> u8 {
    if is_member { class } else { 0 }
}
