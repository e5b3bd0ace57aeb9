//! The fields of a head or trailer (RFC 9110, 5; RFC 9112, 5): reading them one by one, and looking them up
//! by name once a head is whole. What a field means is left to the callers.

use super::error::Error;
use super::scan::{Scanner, Stop, TEXT, TOKEN};

/// The bytes of a head, with its start line and the empty line that ends it. The probes of Smoker, Kubernetes
/// and curl take less than 300; the rest is for what a proxy on the way adds.
pub const HEAD_LIMIT: usize = 8 * 1024;

/// The fields of a head: bounds the work that a head of shortest fields (`a:`) makes.
pub const FIELDS_LIMIT: usize = 64;

/// A field's name and its value without the white space around it.
pub(super) type Field<'a> = (&'a [u8], &'a [u8]);

/// The fields of a head that was read whole and found well formed, as the bytes they came in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Headers<'a> {
    lines: &'a [u8],
}

impl<'a> Headers<'a> {
    /// The fields in `lines`, each line with its CRLF, with or without the empty line that ends a head. Lines
    /// that are no fields, which no parsed head has, end the iteration.
    pub fn new(lines: &'a [u8]) -> Self {
        Self { lines }
    }

    /// The lines, each with its CRLF.
    pub fn lines(&self) -> &'a [u8] {
        self.lines
    }

    /// The names and values, in their order.
    pub fn iter(&self) -> impl Iterator<Item = (&'a [u8], &'a [u8])> + use<'a> {
        let mut scanner = Scanner::new(self.lines, HEAD_LIMIT, Error::HeadTooLarge);
        std::iter::from_fn(move || next(&mut scanner).ok().flatten())
    }

    /// The value of the field of this name, in any case of its letters, if it occurs exactly once: of a
    /// repeated field that is no list neither value can be trusted (RFC 9110, 5.3).
    pub fn only(&self, name: &str) -> Option<&'a [u8]> {
        let mut values = self.iter().filter(|(other, _)| other.eq_ignore_ascii_case(name.as_bytes()));
        let (_, value) = values.next()?;
        if values.next().is_none() { Some(value) } else { None }
    }

    /// The elements of all fields of this name, which is that of a list (RFC 9110, 5.6.1).
    pub fn list(&self, name: &str) -> impl Iterator<Item = &'a [u8]> {
        let fields = self.iter().filter(move |(other, _)| other.eq_ignore_ascii_case(name.as_bytes()));
        fields.flat_map(|(_, value)| elements(value))
    }
}

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

/// Passes all fields of a head, the empty line included, and shows each to `note`.
pub(super) fn read<'a>(
    scanner: &mut Scanner<'a>,
    mut note: impl FnMut(Field<'a>) -> Result<(), Error>,
) -> Result<Headers<'a>, Stop> {
    let (start, mut count) = (scanner.position(), 0);
    while let Some(field) = next(scanner)? {
        count += 1;
        if count > FIELDS_LIMIT {
            return Err(Error::TooManyFields.into());
        }
        note(field)?;
    }
    Ok(Headers::new(scanner.passed_since(start)))
}

/// The elements of a comma-separated value; empty ones are skipped (RFC 9110, 5.6.1.2).
pub(super) fn elements(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    value.split(|&byte| byte == b',').map(trim).filter(|element| !element.is_empty())
}

/// Without the spaces and tabs at both ends (RFC 9110, 5.6.3).
pub(super) fn trim(mut bytes: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] | [rest @ .., b' ' | b'\t'] = bytes {
        bytes = rest;
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINES: &[u8] = b"Host: a\r\nAccept: text/html, ,\t*/*;q=0.1\r\nempty:\r\nACCEPT:  x \r\n\r\n";

    #[test]
    fn fields_are_found_by_name_in_any_case() {
        let headers = Headers::new(LINES);
        assert_eq!(headers.only("host"), Some(&b"a"[..]));
        assert_eq!(headers.only("Empty"), Some(&b""[..]));
        assert_eq!(headers.only("Date"), None);
        let accepted: Vec<&[u8]> = headers.list("Accept").collect();
        assert_eq!(accepted, [&b"text/html"[..], b"*/*;q=0.1", b"x"]);
        assert_eq!(headers.iter().count(), 4);
    }

    #[test]
    fn a_repeated_field_has_no_single_value() {
        assert_eq!(Headers::new(LINES).only("accept"), None);
    }

    #[test]
    fn lines_that_are_no_fields_end_the_iteration() {
        for lines in ["a: b\r\nc", "a: b\r\n d\r\n", "a: b\r\n: c\r\n", "a: b\r\n\r\ne: f\r\n"] {
            let fields: Vec<_> = Headers::new(lines.as_bytes()).iter().collect();
            assert_eq!(fields, [(&b"a"[..], &b"b"[..])], "{lines:?}");
        }
    }
}
