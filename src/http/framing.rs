//! Where a message and its connection end, by the fields of its head (RFC 9112, 6 and 9).

use super::error::Error;
use super::headers::{Field, elements, trim};
use super::scan::{self, TOKEN};
use crate::digits;

/// How a body is delimited (RFC 9112, 6.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// There is no body: a request whose head declares none, and responses that never have one.
    None,
    /// This many bytes.
    Length(u64),
    /// Chunks, the last of them empty.
    Chunked,
    /// Everything until the server closes: responses alone.
    UntilClose,
}

/// What the fields read so far say about the end of the message and of the connection.
#[derive(Default)]
pub(super) struct MessageEnd {
    length: Option<u64>,
    is_chunked: bool,
    has_other_coding: bool,
    connection: Connection,
}

/// What `Connection` asks for; of several options the last variant here wins.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
enum Connection {
    #[default]
    Unspecified,
    KeepAlive,
    Close,
}

impl MessageEnd {
    /// Notes one field; most are of no interest.
    pub(super) fn note(&mut self, (name, value): Field<'_>) -> Result<(), Error> {
        if name.eq_ignore_ascii_case(b"content-length") {
            self.note_length(value)
        } else if name.eq_ignore_ascii_case(b"transfer-encoding") {
            self.note_codings(value)
        } else {
            if name.eq_ignore_ascii_case(b"connection") {
                self.note_connection(value);
            }
            Ok(())
        }
    }

    /// How the body is delimited; `None` where no field says so.
    ///
    /// `Transfer-Encoding` beside `Content-Length` or on HTTP/1.0 is how requests are smuggled past a proxy
    /// that reads the other one (RFC 9112, 6.1 and 6.3).
    pub(super) fn framing(&self, version_minor: u8) -> Result<Option<Framing>, Error> {
        if !self.is_chunked && !self.has_other_coding {
            Ok(self.length.map(Framing::Length))
        } else if self.length.is_some() {
            Err(Error::TwoFramings)
        } else if version_minor == 0 {
            Err(Error::TransferEncoding)
        } else if self.has_other_coding {
            Err(Error::UnsupportedCoding)
        } else {
            Ok(Some(Framing::Chunked))
        }
    }

    /// Whether the connection outlives this exchange (RFC 9112, 9.3).
    pub(super) fn keep_alive(&self, version_minor: u8) -> bool {
        match self.connection {
            Connection::Unspecified => version_minor > 0,
            Connection::KeepAlive => true,
            Connection::Close => false,
        }
    }

    /// Of the choices that RFC 9110, 8.6, leaves, the stricter: equal repeats and lists of equal numbers are
    /// refused too, since no correct client sends them.
    fn note_length(&mut self, value: &[u8]) -> Result<(), Error> {
        if self.length.is_some() {
            return Err(Error::ContentLength);
        }
        self.length = Some(digits::number(value).ok_or(Error::ContentLength)?);
        Ok(())
    }

    /// `chunked` must be the last coding, once and without parameters (RFC 9112, 6.1 and 7.1).
    fn note_codings(&mut self, value: &[u8]) -> Result<(), Error> {
        let mut is_empty = true;
        for element in elements(value) {
            let coding = trim(element.split(|&byte| byte == b';').next().unwrap_or(element));
            let is_chunked = coding.eq_ignore_ascii_case(b"chunked");
            let is_valid =
                !coding.is_empty() && scan::all(coding, TOKEN) && !(is_chunked && coding != element);
            if self.is_chunked || !is_valid {
                return Err(Error::TransferEncoding);
            }
            self.is_chunked = is_chunked;
            self.has_other_coding |= !is_chunked;
            is_empty = false;
        }
        if is_empty { Err(Error::TransferEncoding) } else { Ok(()) }
    }

    fn note_connection(&mut self, value: &[u8]) {
        for option in elements(value) {
            if option.eq_ignore_ascii_case(b"close") {
                self.connection = Connection::Close;
            } else if option.eq_ignore_ascii_case(b"keep-alive") {
                self.connection = self.connection.max(Connection::KeepAlive);
            }
        }
    }
}
