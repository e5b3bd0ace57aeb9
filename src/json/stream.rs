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
    let written = write_value(write(&mut chunks));
    chunks.result?;
    written.map_err(|fmt::Error| io::Error::other("the document could not be written"))?;
    chunks.out.write_all(chunks.waiting.as_bytes())
}

/// Collects text into chunks.
pub struct Chunks<W> {
    out: W,
    waiting: String,
    /// The first error of `out`, for which [`fmt::Error`] has no room. Nothing is written after it: a part
    /// would be missing before.
    result: io::Result<()>,
}

impl<W: io::Write> fmt::Write for Chunks<W> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        if self.result.is_ok() {
            self.result = self.collect(text);
        }
        if self.result.is_ok() { Ok(()) } else { Err(fmt::Error) }
    }
}

impl<W: io::Write> Chunks<W> {
    /// Adds `text` to the chunk. One that it has no room in is passed on first, and so is `text` itself where
    /// it is a chunk of its own.
    fn collect(&mut self, text: &str) -> io::Result<()> {
        if self.waiting.len() + text.len() > CHUNK {
            self.out.write_all(self.waiting.as_bytes())?;
            self.waiting.clear();
        }
        if text.len() > CHUNK {
            return self.out.write_all(text.as_bytes());
        }
        self.waiting.push_str(text);
        Ok(())
    }
}
