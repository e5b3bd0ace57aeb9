//! Writes a value into a stream of bytes, in chunks: a document of any length needs the memory of one.

use std::fmt;
use std::io;

use super::writer::{ValueWriter, write};

/// The bytes that are collected before they are passed on: a few packets' worth, and little memory for each
/// of many streams.
pub(super) const CHUNK: usize = 8 * 1024;

/// Writes one value to `out`, as UTF-8. An error is that of `out`.
pub fn stream<W: io::Write>(
    out: W,
    write_value: impl FnOnce(ValueWriter<Chunks<W>>) -> fmt::Result,
) -> io::Result<()> {
    let mut chunks = Chunks { out, waiting: String::with_capacity(CHUNK), result: Ok(()) };
    match write_value(write(&mut chunks)) {
        Ok(()) => chunks.out.write_all(chunks.waiting.as_bytes()),
        Err(fmt::Error) => chunks.result.and(Err(io::Error::other("the document could not be written"))),
    }
}

/// Collects text into chunks.
pub struct Chunks<W> {
    out: W,
    waiting: String,
    /// How the last write ended: [`fmt::Error`] has no room for it.
    result: io::Result<()>,
}

impl<W: io::Write> fmt::Write for Chunks<W> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        if self.waiting.len() + text.len() > CHUNK {
            self.result = self.pass_on(text);
        } else {
            self.waiting.push_str(text);
        }
        if self.result.is_ok() { Ok(()) } else { Err(fmt::Error) }
    }
}

impl<W: io::Write> Chunks<W> {
    /// Passes on what was collected, and `text` with it where that is a chunk of its own.
    fn pass_on(&mut self, text: &str) -> io::Result<()> {
        self.out.write_all(self.waiting.as_bytes())?;
        self.waiting.clear();
        if text.len() < CHUNK {
            self.waiting.push_str(text);
            return Ok(());
        }
        self.out.write_all(text.as_bytes())
    }
}
