//! Request heads, read from bytes without a copy; what a method and a path mean is left to the server.

use super::error::Error;
use super::framing::{Framing, MessageEnd};
use super::headers::{self, HEAD_LIMIT, Headers};
use super::scan::{self, DIGIT, REG_NAME, Scanner, Stop, TARGET, TOKEN};

/// The bytes of a request line with its CRLF. RFC 9112, 3, recommends 8000, but the targets here are far
/// shorter, and half a head is left for the fields.
pub const LINE_LIMIT: usize = 4 * 1024;

/// Empty lines skipped before a request: some old clients end a body with one too many (RFC 9112, 2.2).
pub const EMPTY_LINES_LIMIT: usize = 1;

/// A request's head. `method`, `path` and `query` hold neither spaces nor quotes nor bytes outside ASCII: a
/// log can take them as they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequestHead<'a> {
    /// The method: a token, whether known or not; case matters.
    pub method: &'a str,
    /// The path of the target without its query, not percent-decoded; `*` of an `OPTIONS *`, and the host and
    /// port of a `CONNECT`.
    pub path: &'a str,
    /// The target's query without its `?`, not percent-decoded; empty where there is none.
    pub query: &'a str,
    /// The fields.
    pub headers: Headers<'a>,
    /// The minor version: 0, or 1 to 9, which are treated alike.
    pub version_minor: u8,
    /// Whether the client asks to keep the connection.
    pub keep_alive: bool,
    /// How its body is delimited: never [`Framing::UntilClose`].
    pub framing: Framing,
    /// Whether the client waits for a 100 before it sends its body; false where it sends none.
    pub expects_continue: bool,
}

/// The request that `bytes` begin with and the length of its head, the empty line included; `None` while all
/// of them may begin a head that is not whole yet.
pub fn parse(bytes: &[u8]) -> Result<Option<(RequestHead<'_>, usize)>, Error> {
    scan::whole(head(bytes))
}

fn head(bytes: &[u8]) -> Result<(RequestHead<'_>, usize), Stop> {
    let mut scanner = Scanner::new(bytes, HEAD_LIMIT, Error::HeadTooLarge);
    skip_empty_lines(&mut scanner)?;
    scanner.limit(scanner.position() + LINE_LIMIT, Error::LineTooLong);
    let (method, Target { path, query }, version_minor) = request_line(&mut scanner)?;
    scanner.limit(HEAD_LIMIT, Error::HeadTooLarge);
    let mut noted = Noted::default();
    let headers = headers::read(&mut scanner, |field| noted.note(field))?;
    let framing = noted.framing(version_minor)?;
    let sends_body = !matches!(framing, Framing::None | Framing::Length(0));
    let head = RequestHead {
        method,
        path,
        query,
        headers,
        version_minor,
        keep_alive: noted.end.keep_alive(version_minor),
        framing,
        expects_continue: noted.expects_continue(version_minor)? && sends_body,
    };
    Ok((head, scanner.position()))
}

fn skip_empty_lines(scanner: &mut Scanner<'_>) -> Result<(), Stop> {
    for _ in 0..EMPTY_LINES_LIMIT {
        if scanner.peek()? == b'\r' {
            scanner.line_end(Error::Method)?;
        }
    }
    Ok(())
}

/// The parts of a request target that matter here.
struct Target<'a> {
    path: &'a str,
    query: &'a str,
}

fn request_line<'a>(scanner: &mut Scanner<'a>) -> Result<(&'a str, Target<'a>, u8), Stop> {
    let method = scanner.some(TOKEN, Error::Method)?;
    scanner.byte(b' ', Error::Method)?;
    let target = scanner.some(TARGET, Error::Target)?;
    scanner.byte(b' ', Error::Target)?;
    let version_minor = scanner.version()?;
    scanner.line_end(Error::Version)?;
    let method = str::from_utf8(method).map_err(|_| Error::Method)?;
    let target = str::from_utf8(target).map_err(|_| Error::Target)?;
    Ok((method, parse_target(method, target).ok_or(Error::Target)?, version_minor))
}

/// A target of any of the four forms of RFC 9112, 3.2.
fn parse_target<'a>(method: &str, target: &'a str) -> Option<Target<'a>> {
    match (method, target) {
        ("CONNECT", _) => is_authority(target.as_bytes()).then_some(Target { path: target, query: "" }),
        ("OPTIONS", "*") => Some(Target { path: target, query: "" }),
        _ if target.starts_with('/') => Some(split_query(target)),
        _ => parse_absolute(target),
    }
}

/// A target of the absolute form, whose path is `/` where it has none. A host is required (RFC 9110, 4.2.1),
/// and user information before an `@` is refused (RFC 9110, 4.2.4).
fn parse_absolute(target: &str) -> Option<Target<'_>> {
    let (scheme, rest) = target.split_once("://")?;
    if !scheme.eq_ignore_ascii_case("http") && !scheme.eq_ignore_ascii_case("https") {
        return None;
    }
    let (authority, tail) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
    if authority.is_empty() || authority.starts_with(':') || !is_authority(authority.as_bytes()) {
        return None;
    }
    let target = split_query(tail);
    Some(if target.path.is_empty() { Target { path: "/", ..target } } else { target })
}

fn split_query(target: &str) -> Target<'_> {
    match target.bytes().position(|byte| byte == b'?') {
        Some(end) => Target { path: &target[..end], query: &target[end + 1..] },
        None => Target { path: target, query: "" },
    }
}

/// Whether `value` is a host with an optional port (RFC 9110, 7.2). A registered name may be empty, and so
/// may a `Host`.
fn is_authority(value: &[u8]) -> bool {
    if let Some(literal) = value.strip_prefix(b"[") {
        let (address, rest) = split_before(literal, b']');
        return is_ip_literal(address) && rest.strip_prefix(b"]").is_some_and(is_port);
    }
    is_port(scan::after(value, REG_NAME))
}

/// Whether `address` consists of what IPv6 addresses are made of: which one it is makes no difference here.
fn is_ip_literal(address: &[u8]) -> bool {
    !address.is_empty() && address.iter().all(|&byte| byte.is_ascii_hexdigit() || matches!(byte, b':' | b'.'))
}

fn is_port(suffix: &[u8]) -> bool {
    suffix.is_empty() || suffix.strip_prefix(b":").is_some_and(|digits| scan::all(digits, DIGIT))
}

fn split_before(bytes: &[u8], delimiter: u8) -> (&[u8], &[u8]) {
    bytes.split_at(bytes.iter().position(|&byte| byte == delimiter).unwrap_or(bytes.len()))
}

/// What the fields read so far say.
#[derive(Default)]
struct Noted {
    end: MessageEnd,
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
            for expectation in headers::elements(value) {
                if expectation.eq_ignore_ascii_case(b"100-continue") {
                    self.expects_continue = true;
                } else {
                    self.expects_other = true;
                }
            }
        }
        self.end.note((name, value))
    }

    fn framing(&self, version_minor: u8) -> Result<Framing, Error> {
        if version_minor > 0 && !self.has_host {
            return Err(Error::Host);
        }
        Ok(self.end.framing(version_minor)?.unwrap_or(Framing::None))
    }

    /// HTTP/1.0 has no expectations, and a proxy may have passed them on blindly (RFC 9110, 10.1.1).
    fn expects_continue(&self, version_minor: u8) -> Result<bool, Error> {
        match version_minor {
            0 => Ok(false),
            _ if self.expects_other => Err(Error::Expectation),
            _ => Ok(self.expects_continue),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::headers::FIELDS_LIMIT;

    fn accepted(text: &str) -> RequestHead<'_> {
        match parse(text.as_bytes()) {
            Ok(Some((request, length))) if length == text.len() => request,
            other => panic!("{text:?}: {other:?}"),
        }
    }

    #[track_caller]
    fn assert_refused(text: impl AsRef<[u8]>, error: Error) {
        let text = text.as_ref();
        assert_eq!(parse(text), Err(error), "{:?}", text.escape_ascii().to_string());
    }

    /// A request on HTTP/1.1 with `Host` and these fields, each with its CRLF.
    fn with(fields: &str) -> String {
        format!("POST / HTTP/1.1\r\nHost: a\r\n{fields}\r\n")
    }

    #[test]
    fn a_plain_request_is_read_whole_and_what_follows_is_left() {
        let request = RequestHead {
            method: "GET",
            path: "/health",
            query: "verbose=1",
            headers: Headers::new(b"Host: smoker-server:8082\r\nAccept: */*\r\n\r\n"),
            version_minor: 1,
            keep_alive: true,
            framing: Framing::None,
            expects_continue: false,
        };
        let head = "GET /health?verbose=1 HTTP/1.1\r\nHost: smoker-server:8082\r\nAccept: */*\r\n\r\n";
        let pipelined = format!("{head}GET / HTTP/1.1\r\n");
        assert_eq!(parse(pipelined.as_bytes()), Ok(Some((request, head.len()))));
    }

    #[test]
    fn targets_of_all_four_forms_yield_their_path_and_query() {
        for (line, path, query) in [
            ("GET /", "/", ""),
            ("GET /?", "/", ""),
            ("GET /a/b?c=d?e/f", "/a/b", "c=d?e/f"),
            ("GET //host/x", "//host/x", ""),
            ("GET /%00;a=b,c:@!$&'()*+~", "/%00;a=b,c:@!$&'()*+~", ""),
            ("GET http://host", "/", ""),
            ("GET http://host/", "/", ""),
            ("GET http://host?q=/no", "/", "q=/no"),
            ("GET http://host:80/a?q", "/a", "q"),
            ("GET HTTPS://[::1]:8082/health", "/health", ""),
            ("OPTIONS *", "*", ""),
            ("OPTIONS http://host", "/", ""),
            ("CONNECT host:443", "host:443", ""),
            ("CONNECT [fd00::1]:443", "[fd00::1]:443", ""),
            ("get /", "/", ""),
            ("!#$%&'*+-.^_`|~09azAZ /", "/", ""),
        ] {
            let text = format!("{line} HTTP/1.1\r\nHost: a\r\n\r\n");
            let request = accepted(&text);
            let method = line.split_once(' ').unwrap().0;
            assert_eq!((request.method, request.path, request.query), (method, path, query), "{line}");
        }
    }

    #[test]
    fn lines_that_are_no_request_line_are_refused() {
        for (line, error) in [
            (" GET / HTTP/1.1", Error::Method),
            ("\tGET / HTTP/1.1", Error::Method),
            ("GE(T / HTTP/1.1", Error::Method),
            ("G\u{e9}T / HTTP/1.1", Error::Method),
            ("GET\t/ HTTP/1.1", Error::Method),
            ("GET", Error::Method),
            ("/ HTTP/1.1", Error::Method),
            ("GET /", Error::Target),
            ("GET / ", Error::Version),
            ("GET  / HTTP/1.1", Error::Target),
            ("GET /\tHTTP/1.1", Error::Target),
            ("GET /  HTTP/1.1", Error::Version),
            ("GET / HTTP/1.1 ", Error::Version),
            ("GET / HTTP/1.1 x", Error::Version),
            ("GET /a b HTTP/1.1", Error::Version),
            ("GET /a#b HTTP/1.1", Error::Target),
            ("GET /\"< HTTP/1.1", Error::Target),
            ("GET /\\ HTTP/1.1", Error::Target),
            ("GET /{} HTTP/1.1", Error::Target),
            ("GET /\u{e9} HTTP/1.1", Error::Target),
            ("GET health HTTP/1.1", Error::Target),
            ("GET ?q HTTP/1.1", Error::Target),
            ("GET * HTTP/1.1", Error::Target),
            ("OPTIONS ** HTTP/1.1", Error::Target),
            ("GET http:/a HTTP/1.1", Error::Target),
            ("GET http:// HTTP/1.1", Error::Target),
            ("GET http:///a HTTP/1.1", Error::Target),
            ("GET http://:80/a HTTP/1.1", Error::Target),
            ("GET http://user@host/ HTTP/1.1", Error::Target),
            ("GET http://host:x/ HTTP/1.1", Error::Target),
            ("GET ftp://host/ HTTP/1.1", Error::Target),
            ("CONNECT / HTTP/1.1", Error::Target),
            ("CONNECT http://host/ HTTP/1.1", Error::Target),
            ("GET / http/1.1", Error::Version),
            ("GET / HTTP/1", Error::Version),
            ("GET / HTTP/1.", Error::Version),
            ("GET / HTTP/.1", Error::Version),
            ("GET / HTTP/1.10", Error::Version),
            ("GET / HTTP/11.1", Error::Version),
            ("GET / HTTP/1,1", Error::Version),
            ("GET / HTTP/+1.1", Error::Version),
            ("GET / HTTPS/1.1", Error::Version),
            ("GET / HTTP/0.9", Error::UnsupportedVersion),
            ("GET / HTTP/2.0", Error::UnsupportedVersion),
            ("GET / HTTP/9.9", Error::UnsupportedVersion),
            ("PRI * HTTP/2.0", Error::UnsupportedVersion),
        ] {
            assert_refused(format!("{line}\r\nHost: a\r\n\r\n"), error);
        }
    }

    #[test]
    fn what_is_not_http_is_refused_at_its_first_wrong_byte() {
        for (bytes, error) in [
            (&b"\x16"[..], Error::ControlByte),
            (b"\0", Error::ControlByte),
            (b"\x7f", Error::ControlByte),
            (b"\xff", Error::Method),
            (b"\n", Error::BareLf),
            (b"\rG", Error::BareCr),
            (b"SSH-2.0-OpenSSH_9.2p1\r", Error::Method),
            (b"SSH-2.0-OpenSSH_9.2p1 Debian-2\r", Error::Target),
            (b"*1\r", Error::Method),
            (b"{", Error::Method),
            (b"GET /\r", Error::Target),
            (b"GET /\n", Error::BareLf),
            (b"GET / HTTP/1.1\n", Error::BareLf),
            (b"GET / HTTP/1.1\rH", Error::BareCr),
            (b"GET / HTTP/2.0", Error::UnsupportedVersion),
            (b"GET /\0", Error::ControlByte),
        ] {
            let (last, before) = bytes.split_last().unwrap();
            assert_refused(bytes, error);
            assert_eq!(parse(before), Ok(None), "before {last:#x} of {}", bytes.escape_ascii());
        }
    }

    #[test]
    fn fields_that_are_malformed_are_refused() {
        for (fields, error) in [
            ("A : b\r\n", Error::FieldName),
            ("A\t: b\r\n", Error::FieldName),
            (": b\r\n", Error::FieldName),
            ("A\r\n", Error::FieldName),
            ("A B: c\r\n", Error::FieldName),
            ("A(: b\r\n", Error::FieldName),
            ("\u{e9}: b\r\n", Error::FieldName),
            ("A\0: b\r\n", Error::ControlByte),
            ("A: b\r\n c\r\n", Error::Folded),
            ("A: b\r\n\tc\r\n", Error::Folded),
            ("A: b\r\n \r\n", Error::Folded),
            ("A: b\n", Error::BareLf),
            ("A\n", Error::BareLf),
            ("\n", Error::BareLf),
            ("A: b\rc\r\n", Error::BareCr),
            ("A: b\r\r\n", Error::BareCr),
            ("\r\r\n", Error::BareCr),
            ("A: b\0c\r\n", Error::ControlByte),
            ("A: \x1b[31m\r\n", Error::ControlByte),
            ("A: b\x7f\r\n", Error::ControlByte),
            ("A: b\x0b\r\n", Error::ControlByte),
        ] {
            assert_refused(with(fields), error);
        }
        assert_refused("GET / HTTP/1.1\r\n Host: a\r\n\r\n", Error::Folded);
        accepted(&with("A:\r\nB: \r\nC:d\r\nD: \t e f\t\u{e9}\"\\ \r\n!#$%&'*+-.^_`|~: x\r\n"));
    }

    #[test]
    fn every_byte_is_accepted_where_the_grammar_allows_it_and_nowhere_else() {
        let is_refused = |before: &str, byte: u8, after: &str| {
            let text = [before.as_bytes(), &[byte], after.as_bytes()].concat();
            !matches!(parse(&text), Ok(Some((_, length))) if length == text.len())
        };
        let end = "\r\nHost: a\r\n\r\n";
        for byte in 0..=255_u8 {
            let is_token = byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
            let is_uri = byte.is_ascii_alphanumeric() || b"-._~:/?[]@!$&'()*+,;=%".contains(&byte);
            let is_text = byte == b'\t' || (byte >= b' ' && byte != 0x7f);
            let is_host = byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=%:".contains(&byte);
            assert_eq!(is_refused("G", byte, &format!("T / HTTP/1.1{end}")), !is_token, "method {byte:#x}");
            assert_eq!(is_refused("GET /", byte, &format!("x HTTP/1.1{end}")), !is_uri, "target {byte:#x}");
            assert_eq!(is_refused("GET / HTTP/1.", byte, end), !byte.is_ascii_digit(), "version {byte:#x}");
            let is_colon = byte == b':';
            assert_eq!(
                is_refused("GET / HTTP/1.0\r\nN", byte, "n: v\r\n\r\n"),
                !is_token && !is_colon,
                "name {byte:#x}"
            );
            assert_eq!(
                is_refused("GET / HTTP/1.1\r\nHost: a\r\nN: v", byte, "v\r\n\r\n"),
                !is_text,
                "value {byte:#x}"
            );
            assert_eq!(
                is_refused("GET / HTTP/1.1\r\nHost: a", byte, "1\r\n\r\n"),
                !is_host,
                "host {byte:#x}"
            );
        }
    }

    #[test]
    fn http_1_1_has_exactly_one_host_and_a_well_formed_one() {
        for host in
            ["", "a", "a:80", "a:", ":80", "10.0.0.1:8082", "[::1]", "[fd00::1]:8082", "A-b_c.d~%41,e"]
        {
            accepted(&format!("GET / HTTP/1.1\r\nhOST:{host}\r\n\r\n"));
        }
        for host in [
            "a b",
            "a/b",
            "a@b",
            "a:b",
            "a:80:80",
            "a?",
            "a#",
            "[::1",
            "::1",
            "[]",
            "[::1]x",
            "[::1]80",
            "[g]",
            "[fe80::1%eth0]",
            "\u{e9}",
            "a\"",
        ] {
            assert_refused(format!("GET / HTTP/1.1\r\nHost: {host}\r\n\r\n"), Error::Host);
            assert_refused(format!("GET / HTTP/1.0\r\nHost: {host}\r\n\r\n"), Error::Host);
        }
        assert_refused("GET / HTTP/1.1\r\n\r\n", Error::Host);
        assert_refused("GET / HTTP/1.9\r\nHosts: a\r\n\r\n", Error::Host);
        assert_refused(with("Host: a\r\n"), Error::Host);
        assert_refused("GET http://a/ HTTP/1.1\r\n\r\n", Error::Host);
        assert_refused("GET / HTTP/1.0\r\nHost: a\r\nHost: a\r\n\r\n", Error::Host);
        accepted("GET / HTTP/1.0\r\n\r\n");
    }

    #[test]
    fn the_connection_is_kept_by_default_on_1_1_and_by_request_on_1_0() {
        for (version, connection, is_kept) in [
            ("1.1", "", true),
            ("1.1", "Connection: close\r\n", false),
            ("1.1", "Connection: keep-alive\r\n", true),
            ("1.1", "Connection: CLOSE\r\n", false),
            ("1.1", "Connection: upgrade, , close ,x\r\n", false),
            ("1.1", "Connection: keep-alive\r\nConnection: close\r\n", false),
            ("1.1", "Connection: closed\r\n", true),
            ("1.2", "", true),
            ("1.9", "Connection: close\r\n", false),
            ("1.0", "", false),
            ("1.0", "Connection: Keep-Alive\r\n", true),
            ("1.0", "connection: x,keep-alive\r\n", true),
            ("1.0", "Connection: keep-alive, close\r\n", false),
            ("1.0", "Connection: close\r\nConnection: keep-alive\r\n", false),
            ("1.0", "Keep-Alive: timeout=5\r\n", false),
        ] {
            let text = format!("GET / HTTP/{version}\r\nHost: a\r\n{connection}\r\n");
            assert_eq!(accepted(&text).keep_alive, is_kept, "{text:?}");
        }
    }

    #[test]
    fn the_body_is_delimited_by_one_well_formed_length_or_by_chunks() {
        for (fields, framing) in [
            ("", Framing::None),
            ("Content-Length: 0\r\n", Framing::Length(0)),
            ("content-length:5\r\n", Framing::Length(5)),
            ("Content-Length: 007 \r\n", Framing::Length(7)),
            ("Content-Length: 18446744073709551615\r\n", Framing::Length(u64::MAX)),
            ("Transfer-Encoding: chunked\r\n", Framing::Chunked),
            ("transfer-encoding:CHUNKED\t\r\n", Framing::Chunked),
            ("Transfer-Encoding: , chunked,\r\n", Framing::Chunked),
        ] {
            assert_eq!(accepted(&with(fields)).framing, framing, "{fields:?}");
        }
        for length in [
            "",
            "+5",
            "-5",
            "5 5",
            "5,5",
            "5, 6",
            ",5",
            "0x5",
            "5.0",
            "1e3",
            "five",
            "18446744073709551616",
            "99999999999999999999999",
            "\u{665}",
        ] {
            assert_refused(with(&format!("Content-Length: {length}\r\n")), Error::ContentLength);
        }
        assert_refused(with("Content-Length: 5\r\nContent-Length: 6\r\n"), Error::ContentLength);
        assert_refused(with("Content-Length: 5\r\nContent-Length: 5\r\n"), Error::ContentLength);
    }

    #[test]
    fn transfer_codings_other_than_one_final_chunked_are_refused() {
        for (fields, error) in [
            ("Transfer-Encoding:\r\n", Error::TransferEncoding),
            ("Transfer-Encoding: ,\r\n", Error::TransferEncoding),
            ("Transfer-Encoding: chunked, chunked\r\n", Error::TransferEncoding),
            ("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", Error::TransferEncoding),
            ("Transfer-Encoding: chunked, gzip\r\n", Error::TransferEncoding),
            ("Transfer-Encoding: chunked\r\nTransfer-Encoding: gzip\r\n", Error::TransferEncoding),
            ("Transfer-Encoding: chunked;a=b\r\n", Error::TransferEncoding),
            ("Transfer-Encoding: chunked;\r\n", Error::TransferEncoding),
            ("Transfer-Encoding: chunked chunked\r\n", Error::TransferEncoding),
            ("Transfer-Encoding: \"chunked\"\r\n", Error::TransferEncoding),
            ("Transfer-Encoding: ;\r\n", Error::TransferEncoding),
            ("Transfer-Encoding: gzip\r\n", Error::UnsupportedCoding),
            ("Transfer-Encoding: identity\r\n", Error::UnsupportedCoding),
            ("Transfer-Encoding: xchunked\r\n", Error::UnsupportedCoding),
            ("Transfer-Encoding: gzip, chunked\r\n", Error::UnsupportedCoding),
            ("Transfer-Encoding: gzip;q=\"a\"\r\nTransfer-Encoding: chunked\r\n", Error::UnsupportedCoding),
            ("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", Error::TwoFramings),
            ("Content-Length: 0\r\nTransfer-Encoding: gzip\r\n", Error::TwoFramings),
        ] {
            assert_refused(with(fields), error);
        }
        assert_refused("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", Error::TransferEncoding);
        assert_refused("POST / HTTP/1.0\r\nTransfer-Encoding: gzip\r\n\r\n", Error::TransferEncoding);
    }

    #[test]
    fn expectations_are_for_http_1_1_and_bodies_alone() {
        let expects = |version: &str, fields: &str| {
            let text = format!("POST / HTTP/{version}\r\nHost: a\r\n{fields}\r\n");
            parse(text.as_bytes()).map(|parsed| parsed.unwrap().0.expects_continue)
        };
        assert_eq!(expects("1.1", "Expect: 100-continue\r\nContent-Length: 1\r\n"), Ok(true));
        assert_eq!(expects("1.1", "Transfer-Encoding: chunked\r\nexpect:100-Continue\r\n"), Ok(true));
        assert_eq!(expects("1.1", "Expect: 100-continue\r\n"), Ok(false));
        assert_eq!(expects("1.1", "Expect: 100-continue\r\nContent-Length: 0\r\n"), Ok(false));
        assert_eq!(expects("1.1", "Expect:\r\nContent-Length: 1\r\n"), Ok(false));
        assert_eq!(expects("1.0", "Expect: 100-continue\r\nContent-Length: 1\r\n"), Ok(false));
        assert_eq!(expects("1.0", "Expect: more\r\nContent-Length: 1\r\n"), Ok(false));
        assert_eq!(expects("1.1", "Expect: more\r\nContent-Length: 1\r\n"), Err(Error::Expectation));
        assert_eq!(expects("1.1", "Expect: 100-continue, more\r\n"), Err(Error::Expectation));
        assert_eq!(expects("1.1", "Expect: more\r\nExpect: 100-continue\r\n"), Err(Error::Expectation));
        assert_eq!(expects("1.1", "Expect: 100-continue=yes\r\n"), Err(Error::Expectation));
        assert_eq!(expects("1.1", "Expect: more\r\nA: b\n"), Err(Error::BareLf));
    }

    #[test]
    fn empty_lines_before_a_request_are_skipped_up_to_the_limit() {
        let at_limit = "\r\n".repeat(EMPTY_LINES_LIMIT) + &with("");
        accepted(&at_limit);
        assert_refused(format!("\r\n{at_limit}"), Error::Method);
        assert_eq!(parse(b"\r\n"), Ok(None));
    }

    #[test]
    fn a_request_line_may_be_as_long_as_the_limit_and_no_longer() {
        let line =
            |length: usize| format!("GET /{} HTTP/1.1\r\n", "a".repeat(length - "GET / HTTP/1.1\r\n".len()));
        accepted(&(line(LINE_LIMIT) + "Host: a\r\n\r\n"));
        accepted(&(String::from("\r\n") + &line(LINE_LIMIT) + "Host: a\r\n\r\n"));
        assert_refused(line(LINE_LIMIT + 1) + "Host: a\r\n\r\n", Error::LineTooLong);
        assert_eq!(parse("A".repeat(LINE_LIMIT - 1).as_bytes()), Ok(None));
        assert_refused("A".repeat(LINE_LIMIT), Error::LineTooLong);
    }

    #[test]
    fn a_head_may_be_as_long_as_the_limit_and_no_longer() {
        let head = |length: usize| with(&format!("A: {}\r\n", "b".repeat(length - with("A: \r\n").len())));
        accepted(&head(HEAD_LIMIT));
        assert_refused(head(HEAD_LIMIT + 1), Error::HeadTooLarge);
        assert_eq!(parse(&head(HEAD_LIMIT).as_bytes()[..HEAD_LIMIT - 1]), Ok(None));
        assert_refused(&head(HEAD_LIMIT + 1).as_bytes()[..HEAD_LIMIT], Error::HeadTooLarge);
    }

    #[test]
    fn a_head_may_have_as_many_fields_as_the_limit_and_no_more() {
        accepted(&with(&"A:\r\n".repeat(FIELDS_LIMIT - 1)));
        assert_refused(with(&"A:\r\n".repeat(FIELDS_LIMIT)), Error::TooManyFields);
    }
}
