//! What has been read from a connection and not been used yet; when to read and how long to wait is left to the
//! callers.

use std::io::{self, ErrorKind, Read};

use super::HEAD_LIMIT;

/// What a buffer holds at first: the head of a probe or of a browser-less client fits, and thousands of idle
/// connections cost a kilobyte each.
pub const START_SIZE: usize = 1024;

/// The bytes between a reader and a parser: at most [`HEAD_LIMIT`] of them, which is also more than any line of the
/// chunked coding. The memory doubles as it is needed.
#[derive(Debug, Default)]
pub struct Buffer {
    memory: Vec<u8>,
    start: usize,
    end: usize,
}

impl Buffer {
    /// An empty buffer, which owns no memory before it is filled.
    pub fn new() -> Self {
        Self::default()
    }

    /// Reads once and gives the number of bytes that came. 0: the reader has ended, or the buffer is full, which
    /// cannot be where a parser refused or used what it was shown.
    pub fn fill(&mut self, reader: &mut impl Read) -> io::Result<usize> {
        self.make_room();
        loop {
            match reader.read(&mut self.memory[self.end..]) {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Ok(count) => {
                    self.end += count;
                    return Ok(count);
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// What has been read and not been consumed.
    pub fn bytes(&self) -> &[u8] {
        &self.memory[self.start..self.end]
    }

    /// Drops the first `count` bytes.
    pub fn consume(&mut self, count: usize) {
        self.start = self.end.min(self.start + count);
    }

    /// Gives back the memory that a long head or body took, if nothing is held: for before the wait for the next
    /// request.
    pub fn shrink(&mut self) {
        if self.bytes().is_empty() && self.memory.len() > START_SIZE {
            *self = Self::new();
        }
    }

    /// Moves what is held to the front. Memory that is full, or that the last read filled, doubles: more is waiting.
    fn make_room(&mut self) {
        let was_filled = self.end == self.memory.len();
        self.memory.copy_within(self.start..self.end, 0);
        self.end -= self.start;
        self.start = 0;
        if was_filled && self.memory.len() < HEAD_LIMIT {
            let size = (2 * self.memory.len()).clamp(START_SIZE, HEAD_LIMIT);
            self.memory.resize(size, 0);
        }
    }
}
