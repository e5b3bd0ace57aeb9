//! Writing a body whose length is not known beforehand: in chunks (RFC 9112, 7.1), or as it is where the
//! connection's end is also the body's.

use std::io::{self, Write};

use super::framing::Framing;

/// The payload of a chunk: what an encoder holds in memory, and enough that few system calls are made.
pub const CHUNK_SIZE: usize = 8 * 1024;

/// A body being written. It is whole only after [`finish`](Self::finish).
#[derive(Debug)]
pub struct Encoder<W> {
    out: W,
    is_chunked: bool,
    /// The payload of the next chunk, less than [`CHUNK_SIZE`].
    held: Vec<u8>,
    length: u64,
}

impl<W: Write> Encoder<W> {
    /// An encoder of a body that is chunked if `framing` is, and else written as it is.
    pub fn new(out: W, framing: Framing) -> Self {
        let is_chunked = framing == Framing::Chunked;
        Self { out, is_chunked, held: Vec::with_capacity(CHUNK_SIZE), length: 0 }
    }

    /// Writes the rest, and the last chunk. Returns the length of the payload, and where it was written.
    pub fn finish(mut self) -> io::Result<(u64, W)> {
        self.flush()?;
        if self.is_chunked {
            self.out.write_all(b"0\r\n\r\n")?;
        }
        Ok((self.length, self.out))
    }
}

impl<W: Write> Write for Encoder<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let taken = bytes.len().min(CHUNK_SIZE - self.held.len());
        self.held.extend_from_slice(&bytes[..taken]);
        self.length += taken as u64;
        if self.held.len() == CHUNK_SIZE {
            self.flush()?;
        }
        Ok(taken)
    }

    /// Writes what is held, in one piece: a socket without delay sends each piece as a packet of its own.
    /// An empty chunk would be the last one, so there is none.
    fn flush(&mut self) -> io::Result<()> {
        if self.held.is_empty() {
            return Ok(());
        }
        if self.is_chunked {
            let size_line = format!("{:x}\r\n", self.held.len());
            self.held.splice(0..0, size_line.into_bytes());
            self.held.extend_from_slice(b"\r\n");
        }
        self.out.write_all(&self.held)?;
        self.held.clear();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::buffer::Buffer;
    use crate::http::response::read_body;

    fn encoded(framing: Framing, pieces: &[&[u8]]) -> Vec<u8> {
        let mut encoder = Encoder::new(Vec::new(), framing);
        for piece in pieces {
            encoder.write_all(piece).unwrap();
        }
        let (length, bytes) = encoder.finish().unwrap();
        assert_eq!(length, pieces.iter().map(|piece| piece.len() as u64).sum::<u64>());
        bytes
    }

    #[test]
    fn pieces_are_joined_to_chunks_and_the_last_is_empty() {
        assert_eq!(encoded(Framing::Chunked, &[]), b"0\r\n\r\n");
        assert_eq!(encoded(Framing::Chunked, &[b"hello", b"", b" world"]), b"b\r\nhello world\r\n0\r\n\r\n");
        assert_eq!(encoded(Framing::UntilClose, &[b"hello", b" world"]), b"hello world");
    }

    #[test]
    fn what_is_encoded_is_read_back_at_every_length() {
        for length in [1, CHUNK_SIZE - 1, CHUNK_SIZE, CHUNK_SIZE + 1, 5 * CHUNK_SIZE + 7] {
            let body: Vec<u8> = (0..=250).cycle().take(length).collect();
            for size in [1, 1000, CHUNK_SIZE, length] {
                for framing in [Framing::Chunked, Framing::UntilClose] {
                    let pieces: Vec<&[u8]> = body.chunks(size).collect();
                    let bytes = encoded(framing, &pieces);
                    let read = read_body(&mut Buffer::new(), &mut &bytes[..], framing, length as u64);
                    assert!(read.unwrap() == body, "{length} in pieces of {size}");
                }
            }
        }
    }

    #[test]
    fn no_more_than_a_chunk_is_held() {
        let mut encoder = Encoder::new(io::sink(), Framing::Chunked);
        for _ in 0..1000 {
            encoder.write_all(&[7; 1000]).unwrap();
            assert!(encoder.held.len() < CHUNK_SIZE);
        }
        assert!(encoder.held.capacity() <= 2 * CHUNK_SIZE);
    }
}
