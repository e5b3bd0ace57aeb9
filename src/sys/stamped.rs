//! UDP sockets whose datagrams the kernel stamps as they arrive, so that a late reader knows how late it is;
//! read without waiting, many at once.

use std::ffi::{c_int, c_short};
use std::io::{self, ErrorKind};
use std::net::{SocketAddr, UdpSocket};
use std::os::fd::AsRawFd;
use std::ptr;
use std::time::Duration;

use super::checked;
use super::control::Control;
use super::datagram::{self, IP_RECVERR, IPPROTO_IP, IPV6_RECVERR, receive_message};
use super::options::IPPROTO_IPV6;
use super::socket::{MSG_DONTWAIT, PollDescriptor};
use super::stamp::{self, Stamp};

pub(super) const MSG_ERRQUEUE: c_int = 0x2000;
const POLLIN: c_short = 1;
#[derive(Clone, Copy)]
#[repr(C)]
struct TimeSpec {
    seconds: i64,
    nanoseconds: i64,
}

unsafe extern "C" {
    fn ppoll(
        descriptors: *mut PollDescriptor,
        count: u64,
        timeout: *const TimeSpec,
        signals: *const u8,
    ) -> c_int;
}

/// As [`datagram::connected`], and what it receives is stamped.
///
/// The kernel stamps datagrams only while some socket of the host wants it, and turns that on from a work
/// queue (`net_enable_timestamp` in net/core/dev.c): to the first such socket of a busy host datagrams may
/// come before that, and are stamped when they are read.
pub fn connected(peer: SocketAddr) -> io::Result<UdpSocket> {
    let socket = datagram::connected(peer)?;
    stamp::enable(&socket)?;
    Ok(socket)
}

/// The next datagram that has come, and its stamp; `WouldBlock` where there is none, or the ICMP error that
/// has come instead. What does not fit the buffer is lost.
pub fn receive_now(socket: &UdpSocket, buffer: &mut [u8]) -> io::Result<(usize, Option<Stamp>)> {
    let mut control = Control::empty();
    let received = receive_message(socket, buffer, None, &mut control, MSG_DONTWAIT)?;
    Ok((received, Stamp::within(&control)))
}

/// The next ICMP error in the queue of a socket that keeps one (ip(7), `IP_RECVERR`), and the length of what
/// it quotes of the datagram that it is about. While there is any, [`wait_readable`] does not wait.
pub fn next_error(socket: &UdpSocket, quoted: &mut [u8]) -> Option<(usize, io::Error)> {
    let mut control = Control::empty();
    let len = receive_message(socket, quoted, None, &mut control, MSG_DONTWAIT | MSG_ERRQUEUE).ok()?;
    // `struct sock_extended_err` begins with the number.
    let mut errors = control.messages().filter(|message| {
        matches!((message.level, message.kind), (IPPROTO_IP, IP_RECVERR) | (IPPROTO_IPV6, IPV6_RECVERR))
    });
    Some((len, io::Error::from_raw_os_error(c_int::from_ne_bytes(*errors.next()?.data.first_chunk()?))))
}

/// Waits until one of `sockets` has a datagram or an error, or `timeout` has passed, or a signal has come;
/// which of them have.
pub fn wait_readable(sockets: &[&UdpSocket], timeout: Duration) -> io::Result<Vec<usize>> {
    let descriptor =
        |socket: &&UdpSocket| PollDescriptor { fd: socket.as_raw_fd(), events: POLLIN, revents: 0 };
    let mut wanted: Vec<PollDescriptor> = sockets.iter().map(descriptor).collect();
    let seconds = i64::try_from(timeout.as_secs()).unwrap_or(i64::MAX);
    let timeout = TimeSpec { seconds, nanoseconds: timeout.subsec_nanos().into() };
    // SAFETY: as many pollfds as given, a whole timespec, and no set of signals.
    let ready = unsafe { ppoll(wanted.as_mut_ptr(), wanted.len() as u64, &raw const timeout, ptr::null()) };
    match checked(ready) {
        Err(error) if error.kind() != ErrorKind::Interrupted => return Err(error),
        _ => {}
    }
    let ready = wanted.iter().enumerate().filter(|(_, descriptor)| descriptor.revents != 0);
    Ok(ready.map(|(nth, _)| nth).collect())
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;
    use std::time::Instant;

    use super::super::stamp::{Clocks, SLEW};
    use super::*;

    const NEVER: Duration = Duration::from_mins(1);

    fn peer() -> UdpSocket {
        UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap()
    }

    /// How long the reader of the test below is late.
    const LATE: Duration = Duration::from_millis(30);

    /// What comes before the kernel has turned stamping on is stamped late, and its work queue may be busy:
    /// some datagrams pass until one is stamped as it arrives.
    #[test]
    fn a_datagram_is_stamped_when_it_arrives_and_not_when_it_is_read() {
        const DATAGRAMS: usize = 500;
        let peer = peer();
        let socket = connected(peer.local_addr().unwrap()).unwrap();
        let from = SocketAddr::from((Ipv4Addr::LOCALHOST, socket.local_addr().unwrap().port()));
        let is_stamped_on_arrival = (0..DATAGRAMS).any(|_| {
            let before = Clocks::read();
            peer.send_to(b"PING", from).unwrap();
            let sent = Instant::now();
            assert_eq!(wait_readable(&[], LATE).unwrap(), [0; 0]);
            let mut buffer = [0; 8];
            let (len, stamp) = receive_now(&socket, &mut buffer).unwrap();
            let arrived = Clocks::read().instant_of(stamp.unwrap(), &before).unwrap();
            assert_eq!(&buffer[..len], b"PING");
            assert!(arrived + SLEW >= before.monotonic, "{arrived:?} {before:?}");
            let error = receive_now(&socket, &mut buffer).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::WouldBlock);
            arrived <= sent + SLEW && stamp.unwrap().age() >= LATE
        });
        assert!(is_stamped_on_arrival);
    }

    #[test]
    fn an_icmp_error_is_taken_from_its_queue() {
        // Held on another address of the host, the port is closed on this one.
        let held = UdpSocket::bind((Ipv4Addr::new(127, 0, 0, 2), 0)).unwrap();
        let closed = (Ipv4Addr::LOCALHOST, held.local_addr().unwrap().port()).into();
        let socket = connected(closed).unwrap();
        let mut quoted = [0; 8];
        assert!(next_error(&socket, &mut quoted).is_none());
        socket.send(b"PING").unwrap();
        assert_eq!(wait_readable(&[&socket], NEVER).unwrap(), [0]);
        let (len, error) = next_error(&socket, &mut quoted).unwrap();
        assert_eq!((&quoted[..len], error.kind()), (&b"PING"[..], ErrorKind::ConnectionRefused));
        assert!(next_error(&socket, &mut quoted).is_none());
        let error = receive_now(&socket, &mut [0; 8]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::WouldBlock);
    }

    #[test]
    fn one_of_many_sockets_ends_the_wait() {
        let peer = peer();
        let sockets: Vec<UdpSocket> =
            (0..8).map(|_| connected(peer.local_addr().unwrap()).unwrap()).collect();
        sockets[5].send(b"PING").unwrap();
        let (_, from) = peer.recv_from(&mut [0; 8]).unwrap();
        peer.send_to(b"PONG", from).unwrap();
        let all: Vec<&UdpSocket> = sockets.iter().collect();
        assert_eq!(wait_readable(&all, NEVER).unwrap(), [5]);
        assert_eq!(receive_now(&sockets[5], &mut [0; 8]).unwrap().0, 4);
    }
}
