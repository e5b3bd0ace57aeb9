//! The bytes read from a connection and not used yet; when to read, and how long to wait, is left to the
//! callers.

use std::io::{self, ErrorKind, Read};

use super::headers::HEAD_LIMIT;

/// The first size of a buffer: the head of a probe or of a client like curl fits, and thousands of idle
/// connections cost a kilobyte each.
pub const START_SIZE: usize = 1024;

/// The bytes between a reader and a parser: at most [`HEAD_LIMIT`] of them, which is also more than any line
/// of the chunked coding. The memory doubles as it is needed.
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

    /// Reads once and returns the number of bytes read. 0: the reader has ended, or the buffer is full, which
    /// cannot happen where a parser has refused or used what it was given.
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

    /// The bytes that were read and not consumed.
    pub fn bytes(&self) -> &[u8] {
        &self.memory[self.start..self.end]
    }

    /// Drops the first `count` bytes, or all if there are fewer.
    pub fn consume(&mut self, count: usize) {
        self.start = self.end.min(self.start + count);
    }

    /// Frees the memory that a long head or body took, if no bytes are held: for before a wait.
    pub fn shrink(&mut self) {
        if self.bytes().is_empty() && self.memory.len() > START_SIZE {
            *self = Self::new();
        }
    }

    /// Moves the bytes held to the front. Memory that is full, or that the last read filled, doubles.
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

#[cfg(test)]
mod tests {
    use super::*;

    /// A reader made of a closure.
    struct Reader<F>(F);

    impl<F: FnMut(&mut [u8]) -> io::Result<usize>> Read for Reader<F> {
        fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
            self.0(bytes)
        }
    }

    #[test]
    fn bytes_come_out_in_the_order_they_were_read() {
        let mut reader = &b"hello world"[..];
        let mut buffer = Buffer::new();
        assert_eq!(buffer.bytes(), b"");
        assert_eq!(buffer.fill(&mut (&mut reader).take(5)).unwrap(), 5);
        buffer.consume(2);
        assert_eq!(buffer.bytes(), b"llo");
        assert_eq!(buffer.fill(&mut reader).unwrap(), 6);
        assert_eq!(buffer.bytes(), b"llo world");
        buffer.consume(10);
        assert_eq!(buffer.bytes(), b"");
        assert_eq!(buffer.fill(&mut reader).unwrap(), 0);
    }

    #[test]
    fn it_starts_small_and_doubles_up_to_the_limit_and_no_further() {
        let mut buffer = Buffer::new();
        let mut sizes = Vec::new();
        while buffer.fill(&mut io::repeat(b'a')).unwrap() > 0 {
            sizes.push(buffer.memory.len());
        }
        assert_eq!(sizes, [START_SIZE, 2 * START_SIZE, 4 * START_SIZE, HEAD_LIMIT]);
        assert_eq!(buffer.bytes(), [b'a'; HEAD_LIMIT]);
        buffer.consume(1);
        assert_eq!(buffer.fill(&mut io::repeat(b'b')).unwrap(), 1);
        assert_eq!(buffer.bytes()[HEAD_LIMIT - 2..], *b"ab");
    }

    #[test]
    fn small_messages_never_make_it_grow() {
        let mut buffer = Buffer::new();
        for _ in 0..3 * START_SIZE {
            assert_eq!(buffer.fill(&mut &b"a message"[..]).unwrap(), 9);
            buffer.consume(9);
        }
        assert_eq!(buffer.memory.len(), START_SIZE);
    }

    #[test]
    fn it_frees_what_has_grown_but_never_what_is_held() {
        let mut buffer = Buffer::new();
        buffer.fill(&mut &b"a message"[..]).unwrap();
        buffer.consume(9);
        buffer.shrink();
        assert_eq!(buffer.memory.len(), START_SIZE);
        for _ in 0..2 {
            buffer.fill(&mut io::repeat(b'a')).unwrap();
        }
        buffer.consume(2 * START_SIZE - 1);
        buffer.shrink();
        assert_eq!(buffer.bytes(), b"a");
        buffer.consume(1);
        buffer.shrink();
        assert_eq!(buffer.memory.capacity(), 0);
    }

    #[test]
    fn an_interrupted_read_is_repeated_and_another_failure_passed_on() {
        let mut kinds = [ErrorKind::TimedOut, ErrorKind::Interrupted].to_vec();
        let mut reader = Reader(move |_: &mut [u8]| Err(kinds.pop().unwrap().into()));
        assert_eq!(Buffer::new().fill(&mut reader).unwrap_err().kind(), ErrorKind::TimedOut);
    }
}
