//! Writing response heads into the caller's bytes, without the formatting machinery; bodies and when to send
//! are left to the callers.

use super::status::StatusCode;
use super::{date, decimal};

/// The interim response that invites a client to send its body (RFC 9110, 15.2.1).
pub const CONTINUE: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\n";

/// A response head being appended to a `Vec`.
#[derive(Debug)]
#[must_use = "a head ends with `end`"]
pub struct HeadWriter<'a> {
    out: &'a mut Vec<u8>,
}

impl<'a> HeadWriter<'a> {
    /// Begins a response with `status` at `now`, in seconds since the Unix epoch (RFC 9110, 6.6.1).
    pub fn new(out: &'a mut Vec<u8>, status: StatusCode, now: u64) -> Self {
        out.extend_from_slice(b"HTTP/1.1 ");
        decimal::push(out, status.as_u16().into());
        out.push(b' ');
        out.extend_from_slice(status.reason_phrase().as_bytes());
        out.extend_from_slice(b"\r\nDate: ");
        out.extend_from_slice(&date::imf_fixdate(now));
        out.extend_from_slice(b"\r\n");
        Self { out }
    }

    /// Adds any field; see [`push_line`] for what its value may hold.
    pub fn field(self, name: &'static str, value: &str) -> Self {
        push_line(self.out, name, value);
        self
    }

    /// Adds lines made by [`push_line`].
    pub fn lines(self, lines: &[u8]) -> Self {
        self.out.extend_from_slice(lines);
        self
    }

    /// Adds the length of the body: for `HEAD` that which `GET` would have (RFC 9110, 9.3.2).
    pub fn length(self, bytes: u64) -> Self {
        self.out.extend_from_slice(b"Content-Length: ");
        decimal::push(self.out, bytes);
        self.out.extend_from_slice(b"\r\n");
        self
    }

    /// Announces a body in chunks (RFC 9112, 7.1).
    pub fn chunked(self) -> Self {
        self.field("Transfer-Encoding", "chunked")
    }

    /// States whether the connection is kept, where a client of HTTP/1.`version_minor` would assume otherwise
    /// (RFC 9112, 9.3).
    pub fn connection(self, version_minor: u8, keep_alive: bool) -> Self {
        match (keep_alive, version_minor) {
            (false, _) => self.field("Connection", "close"),
            (true, 0) => self.field("Connection", "keep-alive"),
            (true, _) => self,
        }
    }

    /// Ends the head; the body follows.
    pub fn end(self) {
        self.out.extend_from_slice(b"\r\n");
    }
}

/// Appends the line of a field. Control bytes of `value` are left out: no value can end its line and begin
/// another one.
pub fn push_line(out: &mut Vec<u8>, name: &'static str, value: &str) {
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b": ");
    out.extend(value.bytes().filter(|byte| !byte.is_ascii_control()));
    out.extend_from_slice(b"\r\n");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::framing::Framing;
    use crate::http::response::{self, ResponseHead};

    const NOW: u64 = 784_111_777;

    fn written(write: impl FnOnce(&mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        write(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_head_is_written_byte_for_byte() {
        let head = written(|out| {
            HeadWriter::new(out, StatusCode::METHOD_NOT_ALLOWED, NOW)
                .field("Allow", "GET, HEAD")
                .field("Content-Type", "text/plain")
                .length(1_048_576)
                .connection(1, false)
                .end();
        });
        let expected = "HTTP/1.1 405 Method Not Allowed\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n\
            Allow: GET, HEAD\r\nContent-Type: text/plain\r\nContent-Length: 1048576\r\n\
            Connection: close\r\n\r\n";
        assert_eq!(head, expected);
    }

    #[test]
    fn the_connection_is_mentioned_where_the_client_would_assume_otherwise() {
        for (version_minor, keep_alive, line) in [
            (0, true, "Connection: keep-alive\r\n"),
            (0, false, "Connection: close\r\n"),
            (1, true, ""),
            (9, true, ""),
            (1, false, "Connection: close\r\n"),
        ] {
            let head = written(|out| {
                HeadWriter::new(out, StatusCode::OK, NOW).connection(version_minor, keep_alive).end();
            });
            let expected = format!("HTTP/1.1 200 OK\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n{line}\r\n");
            assert_eq!(head, expected);
        }
    }

    #[test]
    fn no_value_can_begin_another_line() {
        let head = written(|out| push_line(out, "Location", "/a\r\nSet-Cookie: b\0\n \x7fc"));
        assert_eq!(head, "Location: /aSet-Cookie: b c\r\n");
    }

    #[test]
    fn lengths_are_plain_decimal_numbers() {
        for length in [0, 9, 10, 99, 100, 1_048_576, u64::MAX] {
            let head = written(|out| HeadWriter::new(out, StatusCode::OK, NOW).length(length).end());
            assert!(head.contains(&format!("\r\nContent-Length: {length}\r\n")), "{head}");
        }
    }

    #[test]
    fn what_is_written_can_be_read_back() {
        for status in StatusCode::SENT.map(|(status, _)| status).into_iter().chain(StatusCode::new(999)) {
            let head = written(|out| HeadWriter::new(out, status, NOW).length(2).connection(1, false).end());
            let framing = if status == StatusCode::NO_CONTENT { Framing::None } else { Framing::Length(2) };
            let parsed = ResponseHead { status, framing };
            assert_eq!(response::parse(head.as_bytes()), Ok(Some((parsed, head.len()))));
        }
        let interim = ResponseHead { status: StatusCode::CONTINUE, framing: Framing::None };
        assert_eq!(response::parse(CONTINUE), Ok(Some((interim, CONTINUE.len()))));
    }
}
