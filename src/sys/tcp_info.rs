//! The kernel's data on a TCP connection: `TCP_INFO` (tcp(7)); what it means is left to the probes.

use std::ffi::c_int;
use std::io;
use std::os::fd::AsRawFd;
use std::time::Duration;

use super::options::{WholeNumbers, get_option};

const IPPROTO_TCP: c_int = 6;
const TCP_INFO: c_int = 11;

/// `struct tcp_info` of include/uapi/linux/tcp.h up to its last field that is read here. The kernel writes as
/// much of it as it knows and as there is room for; Linux 4.6 knew all of this.
#[derive(Clone, Copy)]
#[repr(C)]
struct Raw {
    small: [u8; 8],
    before_snd_mss: [u32; 2],
    snd_mss: u32,
    before_unacked: u32,
    unacked: u32,
    sacked: u32,
    before_last_data_recv: [u32; 5],
    last_data_recv: u32,
    last_ack_recv: u32,
    before_total_retrans: [u32; 10],
    total_retrans: u32,
    before_bytes_acked: [u64; 2],
    bytes_acked: u64,
    bytes_received: u64,
    before_notsent_bytes: [u32; 2],
    notsent_bytes: u32,
    min_rtt: u32,
    data_segs_in: u32,
    after_data_segs_in: u32,
}

/// A connection as the kernel sees it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TcpInfo {
    /// Segments sent again since the first SYN, that one included.
    pub retransmits: u32,
    /// The bytes of a full segment, as far as the path is known and as the peer takes them.
    pub full_segment: u32,
    /// Segments sent and not acknowledged, or out of order at most.
    pub unacked: u32,
    /// Those of them that were acknowledged out of order (RFC 2018).
    pub sacked: u32,
    /// Bytes that have not been sent for the first time.
    pub unsent_bytes: u32,
    /// Bytes that the peer has acknowledged, and one for the SYN.
    pub acked_bytes: u64,
    /// Bytes that have come, in order and whole.
    pub received_bytes: u64,
    /// Segments with data that have come, out of order too.
    pub received_segments: u32,
    /// The shortest round-trip time of late.
    pub round_trip: Duration,
    /// How long ago an acknowledgement came, of whatever.
    pub since_ack: Duration,
    /// How long ago data came, in order.
    pub since_data: Duration,
}

// SAFETY: whole numbers alone, each where the one before it ends.
unsafe impl WholeNumbers for Raw {}

/// The kernel's data on `socket`, connected or not. Fields that an old kernel does not have are 0.
pub fn of(socket: &impl AsRawFd) -> io::Result<TcpInfo> {
    let raw: Raw = get_option(socket, IPPROTO_TCP, TCP_INFO)?;
    let millis = |ago: u32| Duration::from_millis(ago.into());
    Ok(TcpInfo {
        retransmits: raw.total_retrans,
        full_segment: raw.snd_mss,
        unacked: raw.unacked,
        sacked: raw.sacked,
        unsent_bytes: raw.notsent_bytes,
        acked_bytes: raw.bytes_acked,
        received_bytes: raw.bytes_received,
        received_segments: raw.data_segs_in,
        round_trip: Duration::from_micros(raw.min_rtt.into()),
        since_ack: millis(raw.last_ack_recv),
        since_data: millis(raw.last_data_recv),
    })
}

/// The segments that were sent again on `socket`; none where that is not known.
pub fn retransmits(socket: &impl AsRawFd) -> u32 {
    of(socket).map_or(0, |info| info.retransmits)
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::mem::offset_of;
    use std::net::{TcpListener, TcpStream};
    use std::time::Instant;

    use super::*;

    /// The offsets of the kernel's header.
    #[test]
    fn the_layout_is_the_kernels() {
        let offsets = [
            (offset_of!(Raw, snd_mss), 16),
            (offset_of!(Raw, unacked), 24),
            (offset_of!(Raw, sacked), 28),
            (offset_of!(Raw, last_data_recv), 52),
            (offset_of!(Raw, last_ack_recv), 56),
            (offset_of!(Raw, total_retrans), 100),
            (offset_of!(Raw, bytes_acked), 120),
            (offset_of!(Raw, bytes_received), 128),
            (offset_of!(Raw, notsent_bytes), 144),
            (offset_of!(Raw, min_rtt), 148),
            (offset_of!(Raw, data_segs_in), 152),
        ];
        for (ours, kernels) in offsets {
            assert_eq!(ours, kernels);
        }
        assert_eq!(size_of::<Raw>(), 160);
    }

    #[test]
    fn bytes_are_counted_each_way() {
        let start = Instant::now();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let mut server = listener.accept().unwrap().0;
        client.write_all(&[1; 100]).unwrap();
        server.read_exact(&mut [0; 100]).unwrap();
        server.write_all(&[2; 40]).unwrap();
        client.read_exact(&mut [0; 40]).unwrap();
        let info = of(&client).unwrap();
        assert_eq!((info.acked_bytes, info.received_bytes, info.received_segments), (101, 40, 1));
        assert_eq!((info.retransmits, info.unacked, info.sacked, info.unsent_bytes), (0, 0, 0, 0));
        // The loopback takes far more than Ethernet, and answers in no time, but in some.
        assert!(info.full_segment > 1500 && !info.round_trip.is_zero(), "{info:?}");
        let age = start.elapsed() + Duration::from_millis(20);
        assert!(info.since_ack < age && info.since_data < age, "{info:?}");
        assert_eq!(retransmits(&client), 0);
    }

    #[test]
    fn without_a_connection_there_are_no_retransmits() {
        assert_eq!(retransmits(&std::net::UdpSocket::bind("127.0.0.1:0").unwrap()), 0);
    }
}
