//! What std's sockets lack: listening with a backlog and on both families, waking a blocked listener,
//! connecting and sending before a deadline, reading into memory that was never touched.

use std::ffi::{c_int, c_short, c_void};
use std::io::{self, ErrorKind, Read};
use std::mem::MaybeUninit;
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd};
use std::time::Duration;

use super::address::{AF_INET, AF_INET6, RawAddress};
use super::errno::{EALREADY, EINPROGRESS};
use super::options::{IPPROTO_IPV6, SOL_SOCKET, set_option};
use super::{checked, checked_len, tcp_info};
use crate::time::Deadline;

const SOCK_STREAM: c_int = 1;
pub(super) const SOCK_DGRAM: c_int = 2;
const SOCK_CLOEXEC: c_int = 0o2_000_000;
const SO_REUSEADDR: c_int = 2;
const SO_SNDBUF: c_int = 7;
const SO_RCVBUF: c_int = 8;
const IPV6_V6ONLY: c_int = 26;
const SHUT_RD: c_int = 0;
const MSG_PEEK: c_int = 2;
pub(super) const MSG_DONTWAIT: c_int = 0x40;
const MSG_NOSIGNAL: c_int = 0x4000;
const POLLIN: c_short = 1;
const POLLOUT: c_short = 4;

#[repr(C)]
pub(super) struct PollDescriptor {
    pub(super) fd: c_int,
    pub(super) events: c_short,
    pub(super) revents: c_short,
}

unsafe extern "C" {
    fn socket(domain: c_int, kind: c_int, protocol: c_int) -> c_int;
    fn bind(fd: c_int, address: *const u8, len: u32) -> c_int;
    fn listen(fd: c_int, backlog: c_int) -> c_int;
    #[link_name = "connect"]
    fn connect_(fd: c_int, address: *const u8, len: u32) -> c_int;
    fn shutdown(fd: c_int, how: c_int) -> c_int;
    fn recv(fd: c_int, buffer: *mut c_void, len: usize, flags: c_int) -> isize;
    fn send(fd: c_int, buffer: *const c_void, len: usize, flags: c_int) -> isize;
    fn poll(descriptors: *mut PollDescriptor, count: u64, timeout_ms: c_int) -> c_int;
}

/// Listens on `address`, with IPv4 as well where it is `[::]`. `backlog` is the number of connections that
/// may wait to be accepted; the kernel cuts it to `net.core.somaxconn`. `buffer` is the size of each
/// connection's buffers, one for each direction; the kernel takes twice as much, for its own accounts too
/// (socket(7)).
pub fn listen_tcp(address: SocketAddr, backlog: i32, buffer: i32) -> io::Result<TcpListener> {
    let socket = bound(address, SOCK_STREAM)?;
    // Inherited by the connections; set before listen, because it decides the window that the SYN offers.
    set_option(&socket, SOL_SOCKET, SO_SNDBUF, buffer)?;
    set_option(&socket, SOL_SOCKET, SO_RCVBUF, buffer)?;
    // SAFETY: the descriptor is open.
    checked(unsafe { listen(socket.as_raw_fd(), backlog) })?;
    Ok(socket.into())
}

/// A socket bound to `address`. A TCP port in `TIME_WAIT` counts as free (std does the same).
pub(super) fn bound(address: SocketAddr, kind: c_int) -> io::Result<OwnedFd> {
    let socket = open(address, kind)?;
    if kind == SOCK_STREAM {
        set_option(&socket, SOL_SOCKET, SO_REUSEADDR, 1)?;
    }
    if address.ip().is_unspecified() && address.is_ipv6() {
        // The default is a sysctl of the host (net.ipv6.bindv6only).
        set_option(&socket, IPPROTO_IPV6, IPV6_V6ONLY, 0)?;
    }
    let raw = RawAddress::from(address);
    // SAFETY: `raw` holds `len` bytes of a sockaddr.
    checked(unsafe { bind(socket.as_raw_fd(), raw.bytes.as_ptr(), raw.len) })?;
    Ok(socket)
}

fn open(address: SocketAddr, kind: c_int) -> io::Result<OwnedFd> {
    let family = if address.is_ipv4() { AF_INET } else { AF_INET6 };
    // SAFETY: no pointers; the descriptor is new and has no other owner.
    unsafe { Ok(OwnedFd::from_raw_fd(checked(socket(c_int::from(family), kind | SOCK_CLOEXEC, 0))?)) }
}

/// A new TCP socket for [`connect`].
pub fn stream(address: SocketAddr) -> io::Result<TcpStream> {
    open(address, SOCK_STREAM).map(TcpStream::from)
}

/// Why a connection could not be made, and how many SYNs were sent again.
#[derive(Debug)]
pub struct Unconnected {
    /// The system's error; of kind `TimedOut` at the deadline.
    pub error: io::Error,
    /// What `TCP_INFO` counted.
    pub retransmits: u32,
}

impl From<Unconnected> for io::Error {
    fn from(unconnected: Unconnected) -> Self {
        unconnected.error
    }
}

/// Until the kernel sends the first SYN again, a second after it (`TCP_TIMEOUT_INIT`), there is nothing to
/// count. Nearly every peer that answers at all has answered by then.
const BEFORE_RETRANSMIT: Duration = Duration::from_millis(900);

/// Connects `stream` to `address` before `deadline`. A socket that was connected to itself is refused: the
/// kernel may choose, as the source port, the very port of this host where nothing listens.
///
/// `SO_SNDTIMEO` bounds a blocking connect (socket(7)): half the system calls of std's `connect_timeout`,
/// and no wake-up through poll in the measured time. The send timeout stays set. After a while it is poll all
/// the same, because a connect that returns an error forgets what it had sent (`tcp_disconnect`).
pub fn connect(stream: &TcpStream, address: SocketAddr, deadline: Deadline) -> Result<(), Unconnected> {
    let early = deadline.no_later_than(Deadline::after(BEFORE_RETRANSMIT));
    match connect_blocking(stream, address, early) {
        Err(error) if error.kind() == ErrorKind::TimedOut => connect_late(stream, address, deadline)?,
        connected => connected.map_err(|error| Unconnected { error, retransmits: 0 })?,
    }
    if is_own(stream.local_addr(), address) {
        return Err(Unconnected { error: ErrorKind::ConnectionRefused.into(), retransmits: 0 });
    }
    Ok(())
}

/// Goes on with a connect that has timed out.
fn connect_late(stream: &TcpStream, address: SocketAddr, deadline: Deadline) -> Result<(), Unconnected> {
    let answered = deadline.wait(|timeout| {
        if wait_writable(stream, timeout)? { Ok(()) } else { Err(ErrorKind::WouldBlock.into()) }
    });
    let retransmits = tcp_info::retransmits(stream);
    let connected = match answered {
        Ok(()) => connect_blocking(stream, address, deadline),
        // An ICMP error that came while the SYN was being sent, as over a veth, is noted and kept back until
        // the SYN is sent again, a second later (`sk_err_soft` in net/ipv4/tcp_ipv4.c); SO_ERROR returns it.
        Err(error) => Err(stream.take_error().ok().flatten().unwrap_or(error)),
    };
    connected.map_err(|error| Unconnected { error, retransmits })
}

fn connect_blocking(stream: &TcpStream, address: SocketAddr, deadline: Deadline) -> io::Result<()> {
    let raw = RawAddress::from(address);
    deadline.wait(|timeout| {
        stream.set_write_timeout(Some(timeout))?;
        // SAFETY: `raw` holds `len` bytes of a sockaddr.
        let connected = checked(unsafe { connect_(stream.as_raw_fd(), raw.bytes.as_ptr(), raw.len) });
        match connected {
            Ok(_) => Ok(()),
            // The timeout has ended. Calling again goes on waiting for the same handshake.
            Err(error) if matches!(error.raw_os_error(), Some(EINPROGRESS | EALREADY)) => {
                Err(ErrorKind::WouldBlock.into())
            }
            Err(error) => Err(error),
        }
    })
}

/// Whether a socket talks to itself (over TCP a simultaneous open, RFC 9293, 3.5). The unspecified address is
/// this host's.
pub fn is_own(local: io::Result<SocketAddr>, peer: SocketAddr) -> bool {
    let same_host = |local: SocketAddr| local.ip() == peer.ip() || peer.ip().is_unspecified();
    local.is_ok_and(|local| local.port() == peer.port() && same_host(local))
}

/// Ends every blocked accept or receive on this socket, now and from now on. A listener stops listening.
pub fn wake(socket: &impl AsRawFd) {
    // A datagram socket that is not connected reports ENOTCONN, and wakes its readers all the same.
    // SAFETY: no pointers; the descriptor is open while it is borrowed.
    unsafe { shutdown(socket.as_raw_fd(), SHUT_RD) };
}

/// Reads at most `buffer.len()` bytes into memory that need not be initialised, and returns them; empty at
/// the end of the stream. What the kernel does not write is never touched, and so takes no memory.
pub fn receive<'a>(stream: &TcpStream, buffer: &'a mut [MaybeUninit<u8>]) -> io::Result<&'a [u8]> {
    // SAFETY: the kernel writes at most `len` bytes, and the first `received` of them are initialised then.
    unsafe {
        let received = checked_len(recv(stream.as_raw_fd(), buffer.as_mut_ptr().cast(), buffer.len(), 0))?;
        Ok(std::slice::from_raw_parts(buffer.as_ptr().cast(), received))
    }
}

/// Whether there is something to read now.
pub fn has_unread(stream: &TcpStream) -> bool {
    let mut byte = 0_u8;
    // SAFETY: one byte, and its length.
    let peeked = unsafe { recv(stream.as_raw_fd(), (&raw mut byte).cast(), 1, MSG_PEEK | MSG_DONTWAIT) };
    peeked > 0
}

/// Sends what the socket takes at once, without waiting: `WouldBlock` where that is nothing.
pub fn send_at_once(stream: &TcpStream, bytes: &[u8]) -> io::Result<usize> {
    let flags = MSG_DONTWAIT | MSG_NOSIGNAL;
    // SAFETY: the pointer and length are of one slice.
    checked_len(unsafe { send(stream.as_raw_fd(), bytes.as_ptr().cast(), bytes.len(), flags) })
}

/// Sends all of `bytes` before `deadline`.
pub fn send_all(stream: &TcpStream, bytes: &[u8], deadline: Deadline) -> io::Result<()> {
    let mut rest = bytes;
    while !rest.is_empty() {
        let sent = deadline.wait(|timeout| {
            // An empty send buffer takes a small message at once, without a wait before it.
            let sent = send_at_once(stream, rest);
            if sent.as_ref().is_err_and(|error| error.kind() == ErrorKind::WouldBlock) {
                wait_writable(stream, timeout)?;
            }
            sent
        })?;
        rest = &rest[sent..];
    }
    Ok(())
}

/// Waits until something can be written (`true`) or `timeout` has passed (`false`). An error, a hang-up or
/// an interruption counts as writable: the write reports it.
pub fn wait_writable(descriptor: &impl AsFd, timeout: Duration) -> io::Result<bool> {
    let fd = descriptor.as_fd().as_raw_fd();
    match wait_ready(&mut [PollDescriptor { fd, events: POLLOUT, revents: 0 }], timeout) {
        Err(error) if error.kind() == ErrorKind::Interrupted => Ok(true),
        ready => ready,
    }
}

/// Waits until one of `sockets` has a datagram or an error to read; `WouldBlock` once `timeout` has passed.
pub fn wait_readable<'a>(sockets: impl Iterator<Item = &'a UdpSocket>, timeout: Duration) -> io::Result<()> {
    let wanted = |socket: &UdpSocket| PollDescriptor { fd: socket.as_raw_fd(), events: POLLIN, revents: 0 };
    let ready = wait_ready(&mut sockets.map(wanted).collect::<Vec<_>>(), timeout)?;
    if ready { Ok(()) } else { Err(ErrorKind::WouldBlock.into()) }
}

fn wait_ready(wanted: &mut [PollDescriptor], timeout: Duration) -> io::Result<bool> {
    // Rounded up: a last millisecond that is cut off would end a wait before its time.
    let timeout_ms = c_int::try_from(timeout.as_micros().div_ceil(1000)).unwrap_or(c_int::MAX);
    // SAFETY: the pointer and length are of one slice, which is borrowed mutably.
    let ready = checked(unsafe { poll(wanted.as_mut_ptr(), wanted.len() as u64, timeout_ms) })?;
    Ok(ready > 0)
}

/// A stream whose reads, all together, end at the deadline.
pub struct TimedReader<'a> {
    /// Where to read. Its read timeout is changed.
    pub stream: &'a TcpStream,
    /// When to end, with an error of kind `TimedOut`.
    pub deadline: Deadline,
}

impl Read for TimedReader<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.deadline.wait(|timeout| {
            self.stream.set_read_timeout(Some(timeout))?;
            (&*self.stream).read(buffer)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_socket_that_is_connected_to_itself_is_refused() {
        let own = "127.0.0.1:4711".parse().unwrap();
        for (local, peer, expected) in [
            ("127.0.0.1:4711", "127.0.0.1:4711", true),
            ("127.0.0.1:4711", "0.0.0.0:4711", true),
            ("127.0.0.1:4711", "127.0.0.1:4712", false),
            ("127.0.0.1:4711", "127.0.0.2:4711", false),
        ] {
            assert_eq!(is_own(Ok(local.parse().unwrap()), peer.parse().unwrap()), expected, "{peer}");
        }
        assert!(!is_own(Err(ErrorKind::Other.into()), own));
    }

    #[test]
    fn a_message_longer_than_the_buffers_is_sent_whole_unless_the_deadline_passes() {
        const LEN: usize = 16 << 20;
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let connect = || TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let message = vec![1; LEN];
        // Nothing reads.
        let error = send_all(&connect(), &message, Deadline::after(Duration::from_millis(50))).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TimedOut);
        drop(listener.accept());
        let client = connect();
        let mut peer = listener.accept().unwrap().0;
        std::thread::scope(|scope| {
            let received = scope.spawn(move || {
                let mut bytes = Vec::new();
                peer.read_to_end(&mut bytes).map(|_| bytes)
            });
            send_all(&client, &message, Deadline::after(Duration::from_mins(1))).unwrap();
            drop(client);
            assert!(received.join().unwrap().unwrap() == message);
        });
    }
}
