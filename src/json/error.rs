//! Why a document was refused, and at which byte.

use std::fmt;

/// Why a document was refused. Its text completes a sentence for the author of the document:
/// `expected "," or "}" at byte 17`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    /// The first byte that cannot be as it is, counted from zero.
    pub offset: usize,
    pub(super) problem: Problem,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Problem {
    /// Something else was expected at the offset.
    Expected(&'static str),
    /// The document ends at the offset, where something was expected.
    Ended(&'static str),
    NotUtf8,
    ByteOrderMark,
    /// An unescaped character below U+0020 within a string.
    ControlCharacter,
    DuplicateKey(String),
    /// The bytes that a document may have.
    DocumentTooLong(usize),
    /// The bytes that a string may have, unescaped.
    StringTooLong(usize),
    /// The characters that a number may have.
    NumberTooLong(usize),
    /// The arrays and objects that may be open at once.
    TooDeep(u8),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let offset = self.offset;
        match &self.problem {
            Problem::Expected(what) => write!(f, "expected {what} at byte {offset}"),
            Problem::Ended(what) => write!(f, "expected {what}, but the document ends at byte {offset}"),
            Problem::NotUtf8 => write!(f, "not UTF-8 at byte {offset}"),
            Problem::ByteOrderMark => write!(f, "byte order mark at byte {offset}"),
            Problem::ControlCharacter => {
                write!(f, "unescaped control character in a string at byte {offset}")
            }
            Problem::DuplicateKey(key) => write!(f, "duplicate key {key:?} at byte {offset}"),
            Problem::DocumentTooLong(limit) => write!(f, "document longer than {limit} bytes"),
            Problem::StringTooLong(limit) => write!(f, "string longer than {limit} bytes at byte {offset}"),
            Problem::NumberTooLong(limit) => {
                write!(f, "number longer than {limit} characters at byte {offset}")
            }
            Problem::TooDeep(limit) => write!(f, "nested deeper than {limit} levels at byte {offset}"),
        }
    }
}

impl std::error::Error for Error {}
