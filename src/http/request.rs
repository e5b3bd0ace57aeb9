//! Request heads, read from bytes without a copy; what a method and a path mean is left to the server.

use super::body::Framing;
use super::fields::{self, Ends};
use super::scan::{self, REG_NAME, Scanner, Stop, TARGET, TOKEN};
use super::{Error, HEAD_LIMIT};

/// The bytes of a request line with its CRLF. RFC 9112 3 wishes for 8000, but the paths here have at most a
/// dozen bytes, and half a head is left for the fields.
pub const LINE_LIMIT: usize = 4 * 1024;

/// The bytes of a request's body: the largest message that an operator echoes to find an MTU hole, many times over.
pub const BODY_LIMIT: u64 = 1024 * 1024;

/// Empty lines skipped before a request: some old clients end a body with one too many (RFC 9112 2.2).
pub const EMPTY_LINES_LIMIT: usize = 1;

/// A request's head. `method` and `path` hold neither spaces nor quotes nor bytes outside ASCII: a log can take
/// them as they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request<'a> {
    /// The method: a token, whether known or not; case matters.
    pub method: &'a str,
    /// The path of the target without its query, not percent-decoded; `*` of an `OPTIONS *`, and the host and
    /// port of a `CONNECT`.
    pub path: &'a str,
    /// The minor version: 0, or 1 to 9, which are treated alike.
    pub version_minor: u8,
    /// Whether the client wants the connection kept.
    pub keep_alive: bool,
    /// How its body is delimited: never [`Framing::UntilClose`].
    pub framing: Framing,
    /// Whether the client waits for a 100 before it sends its body: false where there is none.
    pub expects_continue: bool,
}

/// The request that `bytes` begin with and the length of its head, the empty line included; `None` while all of
/// them may begin a head that is not whole yet.
pub fn parse(bytes: &[u8]) -> Result<Option<(Request<'_>, usize)>, Error> {
    scan::whole(head(bytes))
}

fn head(bytes: &[u8]) -> Result<(Request<'_>, usize), Stop> {
    let mut scanner = Scanner::new(bytes, HEAD_LIMIT, Error::HeadTooLarge);
    skip_empty_lines(&mut scanner)?;
    scanner.limit(scanner.position() + LINE_LIMIT, Error::LineTooLong);
    let (method, path, version_minor) = request_line(&mut scanner)?;
    scanner.limit(HEAD_LIMIT, Error::HeadTooLarge);
    let mut noted = Noted::default();
    fields::read(&mut scanner, |field| noted.note(field))?;
    let framing = noted.framing(version_minor)?;
    let request = Request {
        method,
        path,
        version_minor,
        keep_alive: noted.ends.keep_alive(version_minor),
        framing,
        expects_continue: noted.expects_continue(version_minor)? && framing != Framing::Length(0),
    };
    Ok((request, scanner.position()))
}

fn skip_empty_lines(scanner: &mut Scanner<'_>) -> Result<(), Stop> {
    for _ in 0..EMPTY_LINES_LIMIT {
        if scanner.peek()? == b'\r' {
            scanner.line_end(Error::Method)?;
        }
    }
    Ok(())
}

fn request_line<'a>(scanner: &mut Scanner<'a>) -> Result<(&'a str, &'a str, u8), Stop> {
    let method = scanner.some(TOKEN, Error::Method)?;
    scanner.byte(b' ', Error::Method)?;
    let target = scanner.some(TARGET, Error::Target)?;
    scanner.byte(b' ', Error::Target)?;
    let version_minor = scanner.version()?;
    scanner.line_end(Error::Version)?;
    let method = str::from_utf8(method).map_err(|_| Error::Method)?;
    let target = str::from_utf8(target).map_err(|_| Error::Target)?;
    Ok((method, path(method, target).ok_or(Error::Target)?, version_minor))
}

/// The path in a target of any of the four forms of RFC 9112 3.2.
fn path<'a>(method: &str, target: &'a str) -> Option<&'a str> {
    match (method, target) {
        ("CONNECT", _) => is_authority(target.as_bytes()).then_some(target),
        ("OPTIONS", "*") => Some(target),
        _ if target.starts_with('/') => Some(without_query(target)),
        _ => absolute_path(target),
    }
}

/// The path of an absolute-form target, `/` where it has none. A host is required (RFC 9110 4.2.1), and what
/// precedes an `@` is refused with it (RFC 9110 4.2.4).
fn absolute_path(target: &str) -> Option<&str> {
    let (scheme, rest) = target.split_once("://")?;
    if !scheme.eq_ignore_ascii_case("http") && !scheme.eq_ignore_ascii_case("https") {
        return None;
    }
    let (authority, tail) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
    if authority.is_empty() || authority.starts_with(':') || !is_authority(authority.as_bytes()) {
        return None;
    }
    Some(if tail.starts_with('/') { without_query(tail) } else { "/" })
}

fn without_query(target: &str) -> &str {
    target.split_once('?').map_or(target, |(path, _)| path)
}

/// Whether `value` is a host with an optional port (RFC 9110 7.2). A registered name may be empty, and so may a
/// `Host`.
fn is_authority(value: &[u8]) -> bool {
    let (is_host, port) = match value {
        [b'[', rest @ ..] => match rest.iter().position(|&byte| byte == b']') {
            Some(end) => (is_ip_literal(&rest[..end]), &rest[end + 1..]),
            None => return false,
        },
        _ => {
            let end = value.iter().position(|&byte| byte == b':').unwrap_or(value.len());
            (scan::all(&value[..end], REG_NAME), &value[end..])
        }
    };
    is_host && matches!(port, [] | [b':', ..]) && port.iter().skip(1).all(u8::is_ascii_digit)
}

/// Whether `address` consists of what IPv6 addresses are made of: which host is meant makes no difference here.
fn is_ip_literal(address: &[u8]) -> bool {
    !address.is_empty() && address.iter().all(|&byte| byte.is_ascii_hexdigit() || matches!(byte, b':' | b'.'))
}

/// What the fields seen so far say.
#[derive(Default)]
struct Noted {
    ends: Ends,
    has_host: bool,
    expects_continue: bool,
    expects_other: bool,
}

impl Noted {
    fn note(&mut self, (name, value): (&[u8], &[u8])) -> Result<(), Error> {
        if name.eq_ignore_ascii_case(b"host") {
            if self.has_host || !is_authority(value) {
                return Err(Error::Host);
            }
            self.has_host = true;
        } else if name.eq_ignore_ascii_case(b"expect") {
            for expectation in fields::elements(value) {
                let is_continue = expectation.eq_ignore_ascii_case(b"100-continue");
                self.expects_continue |= is_continue;
                self.expects_other |= !is_continue;
            }
        }
        self.ends.note((name, value))
    }

    fn framing(&self, version_minor: u8) -> Result<Framing, Error> {
        if version_minor > 0 && !self.has_host {
            return Err(Error::Host);
        }
        Ok(self.ends.framing(version_minor)?.unwrap_or(Framing::Length(0)))
    }

    /// HTTP/1.0 knows no expectations, and a proxy may have passed them on blindly (RFC 9110 10.1.1).
    fn expects_continue(&self, version_minor: u8) -> Result<bool, Error> {
        match version_minor {
            0 => Ok(false),
            _ if self.expects_other => Err(Error::Expectation),
            _ => Ok(self.expects_continue),
        }
    }
}
