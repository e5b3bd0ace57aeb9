//! Packets out of a capture file: when each was seen, from which port to which, and how much it carried.
//!
//! The classic pcap format in the byte order of this machine, with times in nanoseconds, Ethernet and IPv4:
//! what `tcpdump` writes here when asked for that. Other packets are passed over, other files refused.

use std::time::Duration;

/// The first word of such a file: fractions of a second are nanoseconds.
const NANOSECOND_MAGIC: u32 = 0xa1b2_3c4d;
const FILE_HEADER: usize = 24;
const PACKET_HEADER: usize = 16;
/// `LINKTYPE_ETHERNET`, and the length of that header. The loopback device has one too, with zeros in it.
const ETHERNET: u32 = 1;
const ETHERNET_HEADER: usize = 14;
const ETHERTYPE_IPV4: u16 = 0x0800;
const UDP_HEADER: usize = 8;
/// TCP's SYN and ACK, and the first of them alone: a connection begins.
const SYN_ACK: u8 = 0x12;
const SYN: u8 = 0x02;

/// A TCP segment or a UDP datagram.
pub(crate) struct Packet {
    /// Since 1970.
    pub(crate) seen: Duration,
    pub(crate) udp: bool,
    pub(crate) source: u16,
    pub(crate) destination: u16,
    /// Whether it may be the first of an exchange: a connecting SYN, or any datagram.
    pub(crate) opens: bool,
    /// Bytes behind the headers, whether or not the capture kept them.
    pub(crate) payload: usize,
}

/// The packets of a capture, or nothing if it is not one of the kind above. A last packet that is still being
/// written is left out.
pub(crate) fn packets(capture: &[u8]) -> Option<Vec<Packet>> {
    let (header, mut rest) = capture.split_at_checked(FILE_HEADER)?;
    if native_word(header, 0)? != NANOSECOND_MAGIC || native_word(header, 20)? != ETHERNET {
        return None;
    }
    let mut packets = Vec::new();
    while let Some((seen, frame, behind)) = record(rest) {
        packets.extend(packet(seen, frame));
        rest = behind;
    }
    Some(packets)
}

/// The first record: its time, its frame as far as it was kept, and what follows.
fn record(bytes: &[u8]) -> Option<(Duration, &[u8], &[u8])> {
    let (header, rest) = bytes.split_at_checked(PACKET_HEADER)?;
    let seen = Duration::new(native_word(header, 0)?.into(), native_word(header, 4)?);
    let kept = usize::try_from(native_word(header, 8)?).ok()?;
    let (frame, behind) = rest.split_at_checked(kept)?;
    Some((seen, frame, behind))
}

fn packet(seen: Duration, frame: &[u8]) -> Option<Packet> {
    if network_half(frame, 12)? != ETHERTYPE_IPV4 {
        return None;
    }
    let ip = &frame[ETHERNET_HEADER..];
    let ip_header = 4 * usize::from(ip.first()? & 0x0f);
    let total = usize::from(network_half(ip, 2)?);
    let transport = ip.get(ip_header..)?;
    let (udp, opens, transport_header) = match ip.get(9)? {
        6 => {
            let flags = transport.get(13)?;
            (false, flags & SYN_ACK == SYN, 4 * usize::from(transport.get(12)? >> 4))
        }
        17 => (true, true, UDP_HEADER),
        _ => return None,
    };
    Some(Packet {
        seen,
        udp,
        source: network_half(transport, 0)?,
        destination: network_half(transport, 2)?,
        opens,
        payload: total.checked_sub(ip_header + transport_header)?,
    })
}

fn native_word(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_ne_bytes(*bytes.get(at..)?.first_chunk()?))
}

fn network_half(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_be_bytes(*bytes.get(at..)?.first_chunk()?))
}
