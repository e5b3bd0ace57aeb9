//! The fields of a head or trailer, and the few of them that say where a message and its connection end;
//! fields of requests alone are left to `request`.

use super::body::Framing;
use super::scan::{self, Scanner, Stop, TEXT, TOKEN};
use super::{Error, FIELDS_LIMIT};

/// A field's name and its value without the white space around it.
type Field<'a> = (&'a [u8], &'a [u8]);

/// Passes one field; `None` is the empty line that ends the section.
pub(super) fn next<'a>(scanner: &mut Scanner<'a>) -> Result<Option<Field<'a>>, Stop> {
    match scanner.peek()? {
        b'\r' => return scanner.line_end(Error::BareCr).map(|()| None),
        b' ' | b'\t' => return Err(Error::Folded.into()),
        _ => {}
    }
    let name = scanner.some(TOKEN, Error::FieldName)?;
    scanner.byte(b':', Error::FieldName)?;
    let value = scanner.run(TEXT)?;
    scanner.line_end(Error::ControlByte)?;
    Ok(Some((name, trim(value))))
}

/// Passes all fields of a head and shows each to `note`.
pub(super) fn read<'a>(
    scanner: &mut Scanner<'a>,
    mut note: impl FnMut(Field<'a>) -> Result<(), Error>,
) -> Result<(), Stop> {
    let mut count = 0;
    while let Some(field) = next(scanner)? {
        count += 1;
        if count > FIELDS_LIMIT {
            return Err(Error::TooManyFields.into());
        }
        note(field)?;
    }
    Ok(())
}

/// The elements of a comma-separated value; empty ones are skipped (RFC 9110, 5.6.1.2).
pub(super) fn elements(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    value.split(|&byte| byte == b',').map(trim).filter(|element| !element.is_empty())
}

/// What the fields seen so far say about the end of the message and of the connection.
#[derive(Default)]
pub(super) struct Ends {
    length: Option<u64>,
    is_chunked: bool,
    has_other_coding: bool,
    connection: Connection,
}

/// What `Connection` asks for; of several wishes the last variant here wins.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
enum Connection {
    #[default]
    Unsaid,
    KeepAlive,
    Close,
}

impl Ends {
    /// Takes in one field; most are of no interest.
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

    /// How the body is delimited; `None` where no field says it.
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
            Connection::Unsaid => version_minor > 0,
            Connection::KeepAlive => true,
            Connection::Close => false,
        }
    }

    /// Of the choices that RFC 9110, 8.6, leaves, the stricter: equal repeats and lists of equal numbers are
    /// refused too, since no sound client sends them.
    fn note_length(&mut self, value: &[u8]) -> Result<(), Error> {
        if self.length.is_some() {
            return Err(Error::ContentLength);
        }
        self.length = Some(decimal(value).ok_or(Error::ContentLength)?);
        Ok(())
    }

    /// `chunked` must be the last coding, once and without parameters (RFC 9112, 6.1 and 7.1).
    fn note_codings(&mut self, value: &[u8]) -> Result<(), Error> {
        let mut is_empty = true;
        for element in elements(value) {
            let coding = trim(element.split(|&byte| byte == b';').next().unwrap_or(element));
            let is_chunked = coding.eq_ignore_ascii_case(b"chunked");
            let is_sound =
                !coding.is_empty() && scan::all(coding, TOKEN) && !(is_chunked && coding != element);
            if self.is_chunked || !is_sound {
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

/// The value of one or more decimal digits; `None` for anything else and for what 64 bits cannot hold.
fn decimal(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() {
        return None;
    }
    digits.iter().try_fold(0_u64, |number, &byte| {
        let digit = byte.is_ascii_digit().then(|| byte - b'0')?;
        number.checked_mul(10)?.checked_add(digit.into())
    })
}

/// Without the spaces and tabs at both ends (RFC 9110, 5.6.3).
fn trim(mut bytes: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] | [rest @ .., b' ' | b'\t'] = bytes {
        bytes = rest;
    }
    bytes
}
