//! A UDP socket that answers each datagram from the address it was sent to.
//!
//! A socket bound to all addresses otherwise answers from the address that the route back prefers, and a
//! client behind a connected socket, or a NAT, throws such an answer away. `IP_PKTINFO` (ip(7)) and
//! `IPV6_PKTINFO` (RFC 3542, 6.2) give the address with each datagram and take it with the reply.

use std::ffi::{c_int, c_void};
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::os::fd::AsRawFd;
use std::ptr;
use std::time::Duration;

use super::address::RawAddress;
use super::checked_len;
use super::control::{Control, HEADER, Message};
use super::options::{IPPROTO_IPV6, set_option};
use super::socket::{MSG_DONTWAIT, SOCK_DGRAM, bound};
use super::stamp::{self, Stamp};

pub(super) const IPPROTO_IP: c_int = 0;
const IP_PKTINFO: c_int = 8;
pub(super) const IP_RECVERR: c_int = 11;
pub(super) const IPV6_RECVERR: c_int = 25;
const IPV6_RECVPKTINFO: c_int = 49;
const IPV6_PKTINFO: c_int = 50;

/// One control message: `struct cmsghdr`, then `in_pktinfo` (12 bytes) or `in6_pktinfo` (20 bytes).
#[derive(Clone, Copy)]
#[repr(C)]
struct PacketInfo {
    len: usize,
    level: c_int,
    kind: c_int,
    data: [u8; 24],
}

#[repr(C)]
struct IoSlice {
    base: *mut c_void,
    len: usize,
}

#[repr(C)]
struct MessageHeader {
    name: *mut c_void,
    name_len: u32,
    slices: *mut IoSlice,
    slice_count: usize,
    control: *mut c_void,
    control_len: usize,
    flags: c_int,
}

unsafe extern "C" {
    fn recvmsg(fd: c_int, message: *mut MessageHeader, flags: c_int) -> isize;
    fn sendmsg(fd: c_int, message: *const MessageHeader, flags: c_int) -> isize;
}

/// A socket with a port of its own that receives from `peer` alone, and every ICMP error about its datagrams.
///
/// By default it would receive only the errors that are fatal to TCP too, and a router without a route would
/// look like a loss (`IP_RECVERR` in ip(7), `IPV6_RECVERR` in ipv6(7)). Its port is not the peer's, if there
/// is another: Smoker's server takes a datagram from its own port for its own echo.
pub fn connected(peer: SocketAddr) -> io::Result<UdpSocket> {
    let (any, level, name): (SocketAddr, _, _) = match peer {
        SocketAddr::V4(_) => ((Ipv4Addr::UNSPECIFIED, 0).into(), IPPROTO_IP, IP_RECVERR),
        SocketAddr::V6(_) => ((Ipv6Addr::UNSPECIFIED, 0).into(), IPPROTO_IPV6, IPV6_RECVERR),
    };
    let mut socket = UdpSocket::bind(any)?;
    if socket.local_addr()?.port() == peer.port() {
        // The first socket keeps the port while the second is given another.
        socket = UdpSocket::bind(any).unwrap_or(socket);
    }
    socket.connect(peer)?;
    set_option(&socket, level, name, 1)?;
    Ok(socket)
}

/// A bound UDP socket that knows, of each datagram, the address it was sent to and when it arrived.
pub struct DatagramSocket(UdpSocket);

/// Where a datagram came from, the address it was sent to, and when it arrived.
#[derive(Clone, Copy)]
pub struct Origin {
    peer: RawAddress,
    asked: Option<PacketInfo>,
    stamp: Option<Stamp>,
}

impl DatagramSocket {
    /// Binds to `address`; to IPv4 as well where it is `[::]`.
    pub fn bind(address: SocketAddr) -> io::Result<Self> {
        let socket = bound(address, SOCK_DGRAM)?;
        match address {
            SocketAddr::V4(_) => set_option(&socket, IPPROTO_IP, IP_PKTINFO, 1)?,
            SocketAddr::V6(_) => set_option(&socket, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1)?,
        }
        stamp::enable(&socket)?;
        Ok(Self(socket.into()))
    }

    /// The address it is bound to.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.0.local_addr()
    }

    /// Waits for a datagram and returns its length and origin. What does not fit the buffer is lost.
    pub fn receive(&self, buffer: &mut [u8]) -> io::Result<(usize, Origin)> {
        let mut peer = RawAddress::empty();
        let mut control = Control::empty();
        let received = receive_message(&self.0, buffer, Some(&mut peer), &mut control, 0)?;
        let asked = control.messages().find_map(|message| PacketInfo::of(&message));
        Ok((received, Origin { peer, asked, stamp: Stamp::within(&control) }))
    }

    /// Sends `datagram` back to `origin`, from the address that it was sent to. Does not wait: a peer whose
    /// link address is not known yet may have filled the send buffer, and must not delay the replies to
    /// others.
    pub fn reply(&self, datagram: &[u8], origin: &Origin) -> io::Result<()> {
        let mut origin = *origin;
        let mut slice = IoSlice { base: datagram.as_ptr().cast_mut().cast(), len: datagram.len() };
        let (control, control_len) = match &mut origin.asked {
            Some(asked) => ((&raw mut *asked).cast(), size_of::<PacketInfo>()),
            None => (ptr::null_mut(), 0),
        };
        let message = MessageHeader {
            name: origin.peer.bytes.as_mut_ptr().cast(),
            name_len: origin.peer.len,
            slices: &raw mut slice,
            slice_count: 1,
            control,
            control_len,
            flags: 0,
        };
        // SAFETY: every pointer in `message` is to memory of the length beside it, valid until it returns,
        // and sendmsg writes through none of them.
        checked_len(unsafe { sendmsg(self.0.as_raw_fd(), &raw const message, MSG_DONTWAIT) }).map(drop)
    }
}

impl AsRawFd for DatagramSocket {
    fn as_raw_fd(&self) -> c_int {
        self.0.as_raw_fd()
    }
}

impl Origin {
    /// The sender. `None` where the kernel named none.
    pub fn peer(&self) -> Option<SocketAddr> {
        self.peer.decode()
    }

    /// How long ago it arrived; zero without the kernel's stamp.
    pub fn age(&self) -> Duration {
        self.stamp.map_or(Duration::ZERO, Stamp::age)
    }
}

impl PacketInfo {
    /// The message to send with a reply, if this one has the address that the datagram was sent to.
    fn of(message: &Message) -> Option<Self> {
        let interface = match (message.level, message.kind) {
            (IPPROTO_IP, IP_PKTINFO) => 0..4,
            (IPPROTO_IPV6, IPV6_PKTINFO) => 16..20,
            _ => return None,
        };
        let mut data = [0; 24];
        data.get_mut(..message.data.len())?.copy_from_slice(message.data);
        // The reply takes the route that the host has for it, not the interface that the request came in by:
        // routing is not always symmetric.
        data[interface].fill(0);
        Some(Self { len: HEADER + message.data.len(), level: message.level, kind: message.kind, data })
    }
}

/// Receives one datagram, or, with the flag for it, one error; returns its length.
pub(super) fn receive_message(
    socket: &impl AsRawFd,
    buffer: &mut [u8],
    peer: Option<&mut RawAddress>,
    control: &mut Control,
    flags: c_int,
) -> io::Result<usize> {
    let mut slice = IoSlice { base: buffer.as_mut_ptr().cast(), len: buffer.len() };
    let mut ignored = RawAddress::empty();
    let peer = peer.unwrap_or(&mut ignored);
    let mut message = MessageHeader {
        name: peer.bytes.as_mut_ptr().cast(),
        name_len: peer.len,
        slices: &raw mut slice,
        slice_count: 1,
        control: control.bytes.as_mut_ptr().cast(),
        control_len: control.len,
        flags: 0,
    };
    // SAFETY: every pointer in `message` is to memory of the length beside it, valid until it returns.
    let received = checked_len(unsafe { recvmsg(socket.as_raw_fd(), &raw mut message, flags) })?;
    peer.len = message.name_len;
    control.len = message.control_len;
    Ok(received)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// All of 127/8 is local, so one machine has addresses enough.
    #[test]
    fn replies_come_from_the_address_that_the_datagram_was_sent_to() {
        for bind in ["0.0.0.0:0", "[::]:0"] {
            let server = DatagramSocket::bind(bind.parse().unwrap()).unwrap();
            let port = server.local_addr().unwrap().port();
            let client = UdpSocket::bind("127.0.0.1:0").unwrap();
            client.send_to(b"PING", ("127.0.0.42", port)).unwrap();
            let mut buffer = [0; 16];
            let (len, origin) = server.receive(&mut buffer).unwrap();
            assert_eq!(origin.peer(), Some(client.local_addr().unwrap()), "{bind}");
            server.reply(&buffer[..len], &origin).unwrap();
            let (len, from) = client.recv_from(&mut buffer).unwrap();
            assert_eq!((&buffer[..len], from), (&b"PING"[..], SocketAddr::from(([127, 0, 0, 42], port))));
        }
    }

    #[test]
    fn a_waiting_receive_is_woken() {
        let socket = DatagramSocket::bind("127.0.0.1:0".parse().unwrap()).unwrap();
        std::thread::scope(|scope| {
            let waiting =
                scope.spawn(|| socket.receive(&mut [0; 16]).map(|(len, origin)| (len, origin.peer())));
            super::super::socket::wake(&socket);
            assert_eq!(waiting.join().unwrap().unwrap(), (0, None));
        });
    }
}
