//! Response heads, written into the caller's bytes without the formatting machinery; bodies and when to send
//! are left to the server.

use super::date;

/// The interim response that invites a client to send its body (RFC 9110, 15.2.1).
pub const CONTINUE: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\n";

/// The statuses that Smoker replies with, and their phrases.
pub const STATUSES: [(u16, &str); 12] = [
    (200, "OK"),
    (400, "Bad Request"),
    (404, "Not Found"),
    (405, "Method Not Allowed"),
    (408, "Request Timeout"),
    (413, "Content Too Large"),
    (414, "URI Too Long"),
    (417, "Expectation Failed"),
    (431, "Request Header Fields Too Large"),
    (501, "Not Implemented"),
    (503, "Service Unavailable"),
    (505, "HTTP Version Not Supported"),
];

/// A response head being appended to a `Vec`. Names and values are the program's own, or of a form that
/// was checked: nothing from outside can add a line.
#[derive(Debug)]
#[must_use = "a head ends with `end`"]
pub struct Head<'a> {
    out: &'a mut Vec<u8>,
}

impl<'a> Head<'a> {
    /// Begins a response with `status`, three digits, at `now`, in seconds since the Unix epoch
    /// (RFC 9110, 6.6.1).
    pub fn new(out: &'a mut Vec<u8>, status: u16, now: u64) -> Self {
        out.extend_from_slice(b"HTTP/1.1 ");
        push_decimal(out, status.into());
        out.push(b' ');
        out.extend_from_slice(phrase(status).as_bytes());
        out.extend_from_slice(b"\r\nDate: ");
        out.extend_from_slice(&date::imf_fixdate(now));
        out.extend_from_slice(b"\r\n");
        Self { out }
    }

    /// Adds any field.
    pub fn field(self, name: &'static str, value: &str) -> Self {
        push_line(self.out, name, value);
        self
    }

    /// Adds lines that [`push_line`] has made.
    pub fn lines(self, lines: &[u8]) -> Self {
        self.out.extend_from_slice(lines);
        self
    }

    /// Adds the length of the body: for `HEAD` that which `GET` would have (RFC 9110, 9.3.2).
    pub fn length(self, bytes: usize) -> Self {
        self.out.extend_from_slice(b"Content-Length: ");
        push_decimal(self.out, bytes as u64);
        self.out.extend_from_slice(b"\r\n");
        self
    }

    /// Says whether the connection is kept, where a client that spoke HTTP/1.`version_minor` would not assume
    /// it (RFC 9112, 9.3).
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

/// Appends the line of a field.
pub fn push_line(out: &mut Vec<u8>, name: &str, value: &str) {
    for part in [name, ": ", value, "\r\n"] {
        out.extend_from_slice(part.as_bytes());
    }
}

/// A phrase may be empty (RFC 9112, 4).
fn phrase(status: u16) -> &'static str {
    STATUSES.iter().find(|(known, _)| *known == status).map_or("", |(_, phrase)| phrase)
}

fn push_decimal(out: &mut Vec<u8>, number: u64) {
    if number > 9 {
        push_decimal(out, number / 10);
    }
    out.push(last_digit(number));
}

/// The last decimal digit of `number`, as it is written.
pub(super) fn last_digit(number: u64) -> u8 {
    b'0' + (number % 10) as u8
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::body::Framing;
    use crate::http::response;

    const NOW: u64 = 784_111_777;

    fn written(write: impl FnOnce(&mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        write(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_head_is_written_byte_for_byte() {
        let head = written(|out| {
            Head::new(out, 405, NOW)
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
            let head = written(|out| Head::new(out, 200, NOW).connection(version_minor, keep_alive).end());
            let expected = format!("HTTP/1.1 200 OK\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n{line}\r\n");
            assert_eq!(head, expected);
        }
    }

    #[test]
    fn lengths_are_plain_decimal_numbers() {
        for length in [0, 9, 10, 99, 100, 1_048_576, usize::MAX] {
            let head = written(|out| Head::new(out, 200, NOW).length(length).end());
            assert!(head.contains(&format!("\r\nContent-Length: {length}\r\n")), "{head}");
        }
    }

    #[test]
    fn what_is_written_can_be_read_back() {
        for status in STATUSES.map(|(status, _)| status).into_iter().chain([999]) {
            let head = written(|out| Head::new(out, status, NOW).length(2).connection(1, false).end());
            let parsed = response::Head { status, framing: Framing::Length(2) };
            assert_eq!(response::parse(head.as_bytes()), Ok(Some((parsed, head.len()))));
            assert_eq!(phrase(status).is_empty(), status == 999);
        }
        let interim = response::Head { status: 100, framing: Framing::Length(0) };
        assert_eq!(response::parse(CONTINUE), Ok(Some((interim, CONTINUE.len()))));
    }
}
