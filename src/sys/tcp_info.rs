//! What the kernel knows of a TCP connection: `TCP_INFO` (tcp(7)); what it means is left to the probes.

use std::ffi::c_int;
use std::io;
use std::os::fd::AsRawFd;

use super::socket::{WholeNumbers, get_option};

const IPPROTO_TCP: c_int = 6;
const TCP_INFO: c_int = 11;

/// `struct tcp_info` of include/uapi/linux/tcp.h up to its last field that is read here. The kernel writes as
/// much of it as it knows and as there is room for; Linux 4.6 knew all of this.
#[derive(Clone, Copy)]
#[repr(C)]
struct Raw {
    small: [u8; 8],
    before_unacked: [u32; 4],
    unacked: u32,
    before_total_retrans: [u32; 18],
    total_retrans: u32,
    before_bytes_acked: [u64; 2],
    bytes_acked: u64,
    bytes_received: u64,
    before_notsent_bytes: [u32; 2],
    notsent_bytes: u32,
    min_rtt: u32,
}

/// A connection as the kernel sees it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TcpInfo {
    /// Segments sent again since the first SYN, that one included.
    pub retransmits: u32,
    /// Segments sent and not acknowledged.
    pub unacked: u32,
    /// Bytes that have not been sent for the first time.
    pub unsent_bytes: u32,
    /// Bytes that the peer has acknowledged, and one for the SYN.
    pub acked_bytes: u64,
    /// Bytes that have come, in order and whole.
    pub received_bytes: u64,
}

// SAFETY: whole numbers alone, each where the one before it ends.
unsafe impl WholeNumbers for Raw {}

/// What the kernel says of `socket`, connected or not. What an old kernel does not know is 0.
pub fn of(socket: &impl AsRawFd) -> io::Result<TcpInfo> {
    let raw: Raw = get_option(socket, IPPROTO_TCP, TCP_INFO)?;
    Ok(TcpInfo {
        retransmits: raw.total_retrans,
        unacked: raw.unacked,
        unsent_bytes: raw.notsent_bytes,
        acked_bytes: raw.bytes_acked,
        received_bytes: raw.bytes_received,
    })
}

/// The segments that were sent again on `socket`; none where the kernel does not say.
pub fn retransmits(socket: &impl AsRawFd) -> u32 {
    of(socket).map_or(0, |info| info.retransmits)
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::mem::offset_of;
    use std::net::{TcpListener, TcpStream};

    use super::*;

    /// The offsets of the kernel's header.
    #[test]
    fn the_layout_is_the_kernels() {
        assert_eq!(offset_of!(Raw, unacked), 24);
        assert_eq!(offset_of!(Raw, total_retrans), 100);
        assert_eq!(offset_of!(Raw, bytes_acked), 120);
        assert_eq!(offset_of!(Raw, bytes_received), 128);
        assert_eq!(offset_of!(Raw, notsent_bytes), 144);
        assert_eq!(size_of::<Raw>(), 152);
    }

    #[test]
    fn bytes_are_counted_each_way() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let mut server = listener.accept().unwrap().0;
        client.write_all(&[1; 100]).unwrap();
        server.read_exact(&mut [0; 100]).unwrap();
        server.write_all(&[2; 40]).unwrap();
        client.read_exact(&mut [0; 40]).unwrap();
        let info = of(&client).unwrap();
        let expected =
            TcpInfo { retransmits: 0, unacked: 0, unsent_bytes: 0, acked_bytes: 101, received_bytes: 40 };
        assert_eq!(info, expected);
        assert_eq!(retransmits(&client), 0);
    }

    #[test]
    fn what_is_no_connection_has_none() {
        assert_eq!(retransmits(&std::net::UdpSocket::bind("127.0.0.1:0").unwrap()), 0);
    }
}
