//! Response heads, written into the caller's bytes without the formatting machinery; bodies and when to send are
//! left to the server.

use super::date;

/// The interim response that invites a client to send its body (RFC 9110 15.2.1).
pub const CONTINUE: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\n";

/// A response head being appended to a `Vec`. Names and values are the program's own: nothing from outside can add
/// a line.
#[derive(Debug)]
#[must_use = "a head ends with `end`"]
pub struct Head<'a> {
    out: &'a mut Vec<u8>,
}

impl<'a> Head<'a> {
    /// Begins a response with `status`, three digits, at `now`, in seconds since the Unix epoch (RFC 9110 6.6.1).
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
    pub fn field(self, name: &'static str, value: &'static str) -> Self {
        self.out.extend_from_slice(name.as_bytes());
        self.out.extend_from_slice(b": ");
        self.out.extend_from_slice(value.as_bytes());
        self.out.extend_from_slice(b"\r\n");
        self
    }

    /// Adds the length of the body: for `HEAD` that which `GET` would have (RFC 9110 9.3.2).
    pub fn length(self, bytes: usize) -> Self {
        self.out.extend_from_slice(b"Content-Length: ");
        push_decimal(self.out, bytes);
        self.out.extend_from_slice(b"\r\n");
        self
    }

    /// Says whether the connection is kept, where a client that spoke HTTP/1.`version_minor` would not assume it
    /// (RFC 9112 9.3).
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

/// The phrase of a status that Smoker replies with; a phrase may be empty (RFC 9112 4).
fn phrase(status: u16) -> &'static str {
    match status {
        200 => "OK",
        400 => "Bad Request",
        404 => "Not Found",
        405 => "Method Not Allowed",
        408 => "Request Timeout",
        413 => "Content Too Large",
        414 => "URI Too Long",
        417 => "Expectation Failed",
        431 => "Request Header Fields Too Large",
        500 => "Internal Server Error",
        501 => "Not Implemented",
        503 => "Service Unavailable",
        505 => "HTTP Version Not Supported",
        _ => "",
    }
}

fn push_decimal(out: &mut Vec<u8>, number: usize) {
    if number > 9 {
        push_decimal(out, number / 10);
    }
    out.push(b'0' + (number % 10) as u8);
}
