//! A UDP socket that sends datagrams of any size unfragmented, whatever the kernel has learned about the
//! path, and reports which of them were too big, and for which router.

use std::ffi::c_int;
use std::io;
use std::net::{IpAddr, SocketAddr, UdpSocket};

use super::address::RawAddress;
use super::control::{Control, Message};
use super::datagram::{self, IP_RECVERR, IPPROTO_IP, IPV6_RECVERR, receive_message};
use super::errno::EMSGSIZE;
use super::options::{IPPROTO_IPV6, get_option, set_option};
use super::socket::MSG_DONTWAIT;
use super::stamped::MSG_ERRQUEUE;

const IP_MTU_DISCOVER: c_int = 10;
const IP_MTU: c_int = 14;
const IPV6_MTU_DISCOVER: c_int = 23;
const IPV6_MTU: c_int = 24;
/// Of both families: never fragment, and ignore what has been learned. With `PMTUDISC_DO` a path that
/// has been repaired would stay small for the ten minutes that the kernel remembers.
const PMTUDISC_PROBE: c_int = 3;
/// The origins of `struct sock_extended_err` that are not this host.
const ICMP: [u8; 2] = [2, 3];

/// A report that a datagram was too big.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooBig {
    /// The longest packet that would have passed, headers included; 0 where the report does not have it (RFC
    /// 1191, 4).
    pub mtu: u32,
    /// The router that reports it; `None`: this host, whose interface the datagram did not fit.
    pub by: Option<IpAddr>,
}

/// A socket connected to `peer`, as [`datagram::connected`].
pub fn connected(peer: SocketAddr) -> io::Result<UdpSocket> {
    let socket = datagram::connected(peer)?;
    match peer {
        SocketAddr::V4(_) => set_option(&socket, IPPROTO_IP, IP_MTU_DISCOVER, PMTUDISC_PROBE)?,
        SocketAddr::V6(_) => set_option(&socket, IPPROTO_IPV6, IPV6_MTU_DISCOVER, PMTUDISC_PROBE)?,
    }
    Ok(socket)
}

/// The kernel's path MTU to the peer of `socket`, which its TCP uses too.
pub fn believed(socket: &UdpSocket) -> io::Result<u32> {
    let (level, name) = match socket.peer_addr()? {
        SocketAddr::V4(_) => (IPPROTO_IP, IP_MTU),
        SocketAddr::V6(_) => (IPPROTO_IPV6, IPV6_MTU),
    };
    let mtu: c_int = get_option(socket, level, name)?;
    Ok(u32::try_from(mtu).unwrap_or(0))
}

/// The next such report in the socket's error queue; errors of other kinds before it are dropped.
pub fn next_too_big(socket: &UdpSocket) -> Option<TooBig> {
    loop {
        let mut control = Control::empty();
        receive_message(socket, &mut [], None, &mut control, MSG_DONTWAIT | MSG_ERRQUEUE).ok()?;
        if let Some(report) = control.messages().find_map(|message| too_big(&message)) {
            return Some(report);
        }
    }
}

/// Reads `struct sock_extended_err` (`IP_RECVERR` in ip(7)): the number of the error, origin, type, code and
/// a byte of padding, two numbers of which the first is the MTU, and then the address of the offender.
fn too_big(message: &Message) -> Option<TooBig> {
    let is_error = [(IPPROTO_IP, IP_RECVERR), (IPPROTO_IPV6, IPV6_RECVERR)];
    let (error, offender) = message.data.split_first_chunk::<16>()?;
    let bytes = |at: usize| std::array::from_fn(|byte| error[at + byte]);
    if !is_error.contains(&(message.level, message.kind)) || c_int::from_ne_bytes(bytes(0)) != EMSGSIZE {
        return None;
    }
    let by = if ICMP.contains(&error[4]) { address(offender) } else { None };
    Some(TooBig { mtu: u32::from_ne_bytes(bytes(8)), by })
}

fn address(bytes: &[u8]) -> Option<IpAddr> {
    let mut raw = RawAddress::empty();
    let len = bytes.len().min(raw.bytes.len());
    raw.bytes[..len].copy_from_slice(&bytes[..len]);
    raw.len = u32::try_from(len).ok()?;
    raw.decode().map(|address| address.ip())
}

#[cfg(test)]
mod tests {
    use std::io::ErrorKind;

    use super::*;

    /// A datagram longer than any interface's MTU is refused by this host, in the interface's name.
    #[test]
    fn the_interface_is_the_first_that_finds_a_datagram_too_big() {
        let server = UdpSocket::bind("[::1]:0").unwrap();
        let socket = connected(server.local_addr().unwrap()).unwrap();
        let mtu = believed(&socket).unwrap();
        assert_eq!(next_too_big(&socket), None);
        // The longest that UDP has over IPv6 is longer than the loopback's 65,536.
        let sent = socket.send(&vec![0; 65_527]).unwrap_err();
        assert_eq!(sent.raw_os_error(), Some(EMSGSIZE));
        assert_eq!(next_too_big(&socket), Some(TooBig { mtu, by: None }));
        assert_eq!(next_too_big(&socket), None);
        assert_eq!(socket.send(&[0; 1000]).unwrap(), 1000);
    }

    #[test]
    fn another_error_is_no_report() {
        let closed = UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let socket = connected(closed).unwrap();
        socket.send(b"PING").unwrap();
        let refused = socket.recv(&mut [0; 4]).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
        assert_eq!(next_too_big(&socket), None);
    }

    fn error(number: u32, origin: u8, mtu: u32, offender: &[u8]) -> Vec<u8> {
        let rest = [&[origin, 3, 4, 0][..], &mtu.to_ne_bytes(), &[0; 4], offender].concat();
        [&number.to_ne_bytes()[..], &rest].concat()
    }

    #[test]
    fn a_report_names_its_router() {
        let router = RawAddress::from(SocketAddr::from(([10, 0, 0, 1], 0)));
        let of = |data: &[u8]| too_big(&Message { level: IPPROTO_IP, kind: IP_RECVERR, data });
        let by = Some(IpAddr::from([10, 0, 0, 1]));
        assert_eq!(of(&error(90, 2, 1400, &router.bytes[..16])), Some(TooBig { mtu: 1400, by }));
        assert_eq!(of(&error(90, 1, 1500, &router.bytes[..16])), Some(TooBig { mtu: 1500, by: None }));
        assert_eq!(of(&error(111, 2, 1400, &router.bytes[..16])), None);
        let whole = error(90, 2, 1400, &router.bytes[..16]);
        for len in 0..whole.len() {
            let expected = (len >= 16).then_some(TooBig { mtu: 1400, by: None });
            assert_eq!(of(&whole[..len]), expected, "{len} bytes");
        }
        assert_eq!(too_big(&Message { level: IPPROTO_IP, kind: 8, data: &whole }), None);
    }
}
