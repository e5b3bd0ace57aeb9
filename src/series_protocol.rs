//! The datagrams of a UDP series and of the path MTU probe, as bytes; sending and answering them is left to
//! the prober and the responder.
//!
//! Numbers are big-endian; a request and its reply have the same layout:
//!
//! | bytes | |
//! |---|---|
//! | 0 to 7 | the magic word |
//! | 8 | the kind: 1 probe, 2 size, 3 reply |
//! | 9 | zero |
//! | 10, 11 | flow: which source port of the run |
//! | 12 to 15 | sequence number within the run |
//! | 16 to 23 | nonce of the run |
//! | 24 to 31 | reply: instance of the server |
//! | 32 to 47 | reply: the client's IP address as the server saw it, an IPv4 one mapped (RFC 4291, 2.5.5.2) |
//! | 48, 49 | reply: the client's port as the server saw it |
//! | 50, 51 | reply: length of the request |
//! | 52 to 55 | reply: nanoseconds from the arrival of the request to its reply; 4.29 s at the most |
//! | 56 to 59 | reply: requests of this run that have come on this flow; zero where they are not counted |
//! | 60 and on | padding, of any bytes |
//!
//! In a request the reply's fields are zero: it has the room for its reply, so that no forged source address
//! can draw more bytes out of a server than were sent to it.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::num::NonZeroU32;
use std::time::Duration;

/// A datagram without padding; what is shorter is none.
pub const LEN: usize = 60;

/// The longest datagram: what a UDP length of 16 bits leaves beside the header of 8 bytes (RFC 768).
pub const MAX_LEN: usize = 65_527;

/// Two bytes that text does not have, so that no text is taken for ours, and the layout's version. A server
/// echoes a datagram of another version like any foreign one, and the series goes on without direction.
const MAGIC: [u8; 8] = *b"\xf5SMOKE\xfa\x01";

const PROBE: u8 = 1;
const SIZE: u8 = 2;
const REPLY: u8 = 3;

/// Whether a datagram is one of ours, whatever follows.
pub fn has_magic(datagram: &[u8]) -> bool {
    datagram.starts_with(&MAGIC)
}

/// One datagram of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Datagram {
    /// To a server.
    Request(Request),
    /// From a server.
    Reply(Reply),
}

/// How a server is to answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Request {
    /// With a reply of the same length.
    Probe(Id),
    /// With a reply of [`LEN`] bytes: large datagrams are to pass one way alone.
    Size(Id),
}

/// Identifies a datagram among all of its client's; a reply has its request's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Id {
    /// Of the run, random: all datagrams that are counted together have it.
    pub nonce: u64,
    /// Of the datagram within the run.
    pub sequence: u32,
    /// Of the source port within the run.
    pub flow: u16,
}

/// What a server reports about a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reply {
    /// The request's.
    pub id: Id,
    /// The server's number, another one after each start.
    pub instance: u64,
    /// The sender of the request, as the server saw it, without a scope id.
    pub client: SocketAddr,
    /// The bytes of the request.
    pub length: u16,
    /// From the arrival of the request to its reply; at most `u32::MAX` nanoseconds.
    pub turnaround: Duration,
    /// How many requests of this run have come on this flow, with this one. `None` where the server does not
    /// count them.
    pub received: Option<NonZeroU32>,
}

/// A datagram with our magic word that breaks the layout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed;

/// Reads a datagram; `None` where it is not one of ours.
pub fn decode(datagram: &[u8]) -> Result<Option<Datagram>, Malformed> {
    if !has_magic(datagram) {
        return Ok(None);
    }
    let Some(layout) = datagram.first_chunk::<LEN>().filter(|_| datagram.len() <= MAX_LEN) else {
        return Err(Malformed);
    };
    let id = Id {
        nonce: u64::from_be_bytes(field(layout, 16)),
        sequence: u32::from_be_bytes(field(layout, 12)),
        flow: u16::from_be_bytes(field(layout, 10)),
    };
    match (layout[8], layout[9], layout[24..] == [0; LEN - 24]) {
        (PROBE, 0, true) => Ok(Some(Datagram::Request(Request::Probe(id)))),
        (SIZE, 0, true) => Ok(Some(Datagram::Request(Request::Size(id)))),
        (REPLY, 0, _) => Ok(Some(Datagram::Reply(reply(id, layout)))),
        _ => Err(Malformed),
    }
}

impl Request {
    /// The request without padding.
    pub fn encode(self) -> [u8; LEN] {
        match self {
            Self::Probe(id) => head(PROBE, id),
            Self::Size(id) => head(SIZE, id),
        }
    }
}

impl Reply {
    /// The reply without padding.
    pub fn encode(&self) -> [u8; LEN] {
        let mut layout = head(REPLY, self.id);
        let ip = match self.client.ip() {
            IpAddr::V4(ip) => ip.to_ipv6_mapped(),
            IpAddr::V6(ip) => ip,
        };
        let turnaround = u32::try_from(self.turnaround.as_nanos()).unwrap_or(u32::MAX);
        let received = self.received.map_or(0, NonZeroU32::get);
        layout[24..32].copy_from_slice(&self.instance.to_be_bytes());
        layout[32..48].copy_from_slice(&ip.octets());
        layout[48..50].copy_from_slice(&self.client.port().to_be_bytes());
        layout[50..52].copy_from_slice(&self.length.to_be_bytes());
        layout[52..56].copy_from_slice(&turnaround.to_be_bytes());
        layout[56..60].copy_from_slice(&received.to_be_bytes());
        layout
    }
}

fn head(kind: u8, id: Id) -> [u8; LEN] {
    let mut layout = [0; LEN];
    layout[..8].copy_from_slice(&MAGIC);
    layout[8] = kind;
    layout[10..12].copy_from_slice(&id.flow.to_be_bytes());
    layout[12..16].copy_from_slice(&id.sequence.to_be_bytes());
    layout[16..24].copy_from_slice(&id.nonce.to_be_bytes());
    layout
}

fn reply(id: Id, layout: &[u8; LEN]) -> Reply {
    let ip = IpAddr::V6(Ipv6Addr::from(field(layout, 32))).to_canonical();
    Reply {
        id,
        instance: u64::from_be_bytes(field(layout, 24)),
        client: SocketAddr::new(ip, u16::from_be_bytes(field(layout, 48))),
        length: u16::from_be_bytes(field(layout, 50)),
        turnaround: Duration::from_nanos(u32::from_be_bytes(field(layout, 52)).into()),
        received: NonZeroU32::new(u32::from_be_bytes(field(layout, 56))),
    }
}

fn field<const N: usize>(layout: &[u8; LEN], start: usize) -> [u8; N] {
    std::array::from_fn(|offset| layout[start + offset])
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: Id = Id { nonce: 0x0102_0304_0506_0708, sequence: 0x090a_0b0c, flow: 0x0d0e };

    fn a_reply(client: &str) -> Reply {
        Reply {
            id: ID,
            instance: 0x1112_1314_1516_1718,
            client: client.parse().unwrap(),
            length: 0x191a,
            turnaround: Duration::from_nanos(0x1b1c_1d1e),
            received: NonZeroU32::new(0x1f20_2122),
        }
    }

    #[test]
    fn the_layout_is_as_it_is_written_down() {
        let request = Request::Probe(ID).encode();
        assert_eq!(request[..12], *b"\xf5SMOKE\xfa\x01\x01\x00\x0d\x0e");
        assert_eq!(request[12..24], [9, 10, 11, 12, 1, 2, 3, 4, 5, 6, 7, 8]);
        assert_eq!(request[24..], [0; 36]);
        assert_eq!(Request::Size(ID).encode()[8], 2);
        let reply = a_reply("10.1.2.3:4660").encode();
        assert_eq!(reply[8], 3);
        assert_eq!(reply[9..24], request[9..24]);
        assert_eq!(reply[24..32], [0x11, 0x12, 0x13, 0x14, 0x15, 0x16, 0x17, 0x18]);
        assert_eq!(reply[32..48], [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, 1, 2, 3]);
        assert_eq!(reply[48..54], [0x12, 0x34, 0x19, 0x1a, 0x1b, 0x1c]);
        assert_eq!(reply[54..], [0x1d, 0x1e, 0x1f, 0x20, 0x21, 0x22]);
    }

    #[test]
    fn what_is_written_is_read() {
        for request in [Request::Probe(ID), Request::Size(ID)] {
            assert_eq!(decode(&request.encode()), Ok(Some(Datagram::Request(request))));
        }
        for client in ["10.1.2.3:4660", "[2001:db8::1]:1", "[::]:0"] {
            for reply in [a_reply(client), Reply { received: None, ..a_reply(client) }] {
                assert_eq!(decode(&reply.encode()), Ok(Some(Datagram::Reply(reply))));
            }
        }
    }

    #[test]
    fn a_turnaround_is_reported_up_to_its_limit() {
        let limit = Duration::from_nanos(u32::MAX.into());
        for turnaround in [limit, limit + Duration::from_nanos(1)] {
            let reply = Reply { turnaround, ..a_reply("10.1.2.3:4660") };
            let Ok(Some(Datagram::Reply(read))) = decode(&reply.encode()) else { panic!("no reply") };
            assert_eq!(read.turnaround, limit);
        }
    }

    #[test]
    fn only_what_has_the_magic_word_is_ours() {
        let request = Request::Probe(ID).encode();
        for at in 0..MAGIC.len() {
            let mut other = request;
            other[at] ^= 1;
            assert_eq!(decode(&other), Ok(None));
        }
        for len in 0..LEN {
            let expected = if len < MAGIC.len() { Ok(None) } else { Err(Malformed) };
            assert_eq!(decode(&request[..len]), expected, "{len}");
        }
    }

    #[test]
    fn padding_is_taken_up_to_the_limit() {
        let request = Request::Size(ID);
        let mut datagram = vec![7; MAX_LEN + 1];
        datagram[..LEN].copy_from_slice(&request.encode());
        for len in [LEN, LEN + 1, MAX_LEN] {
            assert_eq!(decode(&datagram[..len]), Ok(Some(Datagram::Request(request))), "{len}");
        }
        assert_eq!(decode(&datagram), Err(Malformed));
    }

    #[test]
    fn a_broken_layout_behind_the_magic_word_is_malformed() {
        let request = Request::Probe(ID).encode();
        for (at, byte) in [(8, 0), (8, 4), (8, 255), (9, 1), (24, 1), (59, 1)] {
            let mut nonsense = request;
            nonsense[at] = byte;
            assert_eq!(decode(&nonsense), Err(Malformed), "{byte} at {at}");
        }
    }

    /// Whatever is read, is the same when it is written and read again.
    #[test]
    fn no_bytes_are_misread() {
        let seeds = [
            Request::Probe(ID).encode(),
            Request::Size(ID).encode(),
            a_reply("10.1.2.3:4660").encode(),
            a_reply("[2001:db8::1]:1").encode(),
        ];
        let mut state = 0x5eed_u64;
        let mut random = move || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            usize::try_from(state >> 32).unwrap()
        };
        let mut taken = 0;
        for round in 0..300_000 {
            let mut datagram = seeds[round % seeds.len()];
            for _ in 0..=random() % 3 {
                datagram[random() % LEN] = random().to_le_bytes()[0];
            }
            let written = match decode(&datagram[..LEN - random() % 2]) {
                Ok(Some(Datagram::Request(request))) => request.encode(),
                Ok(Some(Datagram::Reply(reply))) => reply.encode(),
                Ok(None) | Err(Malformed) => continue,
            };
            assert_eq!(written, datagram);
            taken += 1;
        }
        assert!(taken > 50_000, "{taken}");
    }
}
