//! The control messages that recvmsg(2) hands over beside a datagram (cmsg(3)), taken apart. Pure.

use std::ffi::c_int;

/// `struct cmsghdr`: the length of the whole message in 8 bytes, level and kind in 4 each.
pub(super) const HEADER: usize = 16;

/// Room for what the sockets here ask for, aligned as the kernel's.
#[repr(C, align(8))]
pub(super) struct Control {
    pub(super) bytes: [u8; 128],
    pub(super) len: usize,
}

/// One control message.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Message<'a> {
    pub(super) level: c_int,
    pub(super) kind: c_int,
    pub(super) data: &'a [u8],
}

impl Control {
    /// An empty one for the kernel to fill.
    pub(super) fn empty() -> Self {
        let bytes = [0; 128];
        Self { len: bytes.len(), bytes }
    }

    /// What it holds; it ends where a length does not fit the room.
    pub(super) fn messages(&self) -> impl Iterator<Item = Message<'_>> {
        let mut rest = &self.bytes[..self.len.min(self.bytes.len())];
        std::iter::from_fn(move || {
            let (header, _) = rest.split_first_chunk::<HEADER>()?;
            let len = usize::from_ne_bytes(*header.first_chunk()?);
            let data = rest.get(HEADER..len)?;
            let number = |at: usize| c_int::from_ne_bytes(std::array::from_fn(|byte| header[at + byte]));
            let message = Message { level: number(8), kind: number(12), data };
            // The next one begins at a multiple of 8.
            rest = rest.get(len.next_multiple_of(8)..).unwrap_or_default();
            Some(message)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn control(messages: &[(usize, c_int, c_int, &[u8])]) -> Control {
        let mut bytes = Vec::new();
        for (len, level, kind, data) in messages {
            bytes.extend(len.to_ne_bytes());
            bytes.extend(level.to_ne_bytes());
            bytes.extend(kind.to_ne_bytes());
            bytes.extend(*data);
            bytes.resize(bytes.len().next_multiple_of(8), 0);
        }
        let mut control = Control::empty();
        control.len = bytes.len();
        control.bytes[..bytes.len()].copy_from_slice(&bytes);
        control
    }

    #[test]
    fn messages_are_taken_apart_in_their_order() {
        let control = control(&[(16 + 3, 1, 2, b"abc"), (16, 3, 4, b""), (16 + 8, 5, 6, b"defghijk")]);
        let messages: Vec<Message> = control.messages().collect();
        let expected = [(1, 2, &b"abc"[..]), (3, 4, b""), (5, 6, b"defghijk")];
        assert_eq!(messages, expected.map(|(level, kind, data)| Message { level, kind, data }));
    }

    #[test]
    fn a_length_that_lies_ends_them() {
        for len in [0, 15, 16 + 9, usize::MAX] {
            let control = control(&[(16, 1, 2, b""), (len, 3, 4, b"abcdefgh")]);
            assert_eq!(control.messages().count(), 1, "{len}");
        }
        let mut short = control(&[(16, 1, 2, b"")]);
        short.len = 15;
        assert_eq!(short.messages().count(), 0);
        short.len = usize::MAX;
        assert_eq!(short.messages().count(), 1);
    }
}
