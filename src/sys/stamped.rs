//! UDP sockets whose datagrams the kernel stamps as they arrive, so that a reader who comes late knows how
//! late; heard without waiting, many at once.

use std::ffi::{c_int, c_short};
use std::io::{self, ErrorKind};
use std::net::{SocketAddr, UdpSocket};
use std::os::fd::AsRawFd;
use std::ptr;
use std::time::{Duration, Instant};

use super::checked;
use super::control::Control;
use super::datagram::{self, IP_RECVERR, IPPROTO_IP, IPV6_RECVERR, receive_message};
use super::socket::{IPPROTO_IPV6, MSG_DONTWAIT, PollDescriptor, SOL_SOCKET, set_option};

/// Also the kind of its control message, a `struct timespec` (socket(7)).
const SO_TIMESTAMPNS: c_int = 35;
pub(super) const MSG_ERRQUEUE: c_int = 0x2000;
const POLLIN: c_short = 1;
const CLOCK_REALTIME: c_int = 0;

/// How far the wall clock may run from the monotonic one before it has been set: adjtime(3) slews by 500
/// millionths, which is this much in a second.
const SLEW: Duration = Duration::from_micros(500);

#[derive(Clone, Copy)]
#[repr(C)]
struct TimeSpec {
    seconds: i64,
    nanoseconds: i64,
}

/// How far apart the two readings of the monotonic clock may lie. Half of it is the most that a time computed
/// from them is wrong by; undisturbed, three readings take a tenth of it.
const NARROW: Duration = Duration::from_micros(1);

/// How often the clocks are read until a bracket is narrow: a thread that just lost its processor has a whole
/// time slice ahead, so one reading more nearly always does. Where each is a system call, none is narrow.
const READINGS: usize = 8;

unsafe extern "C" {
    fn clock_gettime(clock: c_int, time: *mut TimeSpec) -> c_int;
    fn ppoll(
        descriptors: *mut PollDescriptor,
        count: u64,
        timeout: *const TimeSpec,
        signals: *const u8,
    ) -> c_int;
}

/// When a datagram arrived, by the wall clock, which is the kernel's for this: time since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp(Duration);

/// Both clocks, read at the same moment.
#[derive(Clone, Copy, Debug)]
pub struct Clocks {
    monotonic: Instant,
    wall: Duration,
}

/// One reading of the wall clock between two of the monotonic one.
#[derive(Clone, Copy)]
struct Bracket {
    before: Instant,
    wall: Duration,
    after: Instant,
}

/// As [`datagram::connected`], and what it receives is stamped.
///
/// The kernel stamps datagrams only while some socket of the host wants it, and turns that on from a work
/// queue (`net_enable_timestamp` in net/core/dev.c): to the first such socket of a busy host datagrams may
/// come before that, and are stamped when they are read.
pub fn connected(peer: SocketAddr) -> io::Result<UdpSocket> {
    let socket = datagram::connected(peer)?;
    stamp(&socket)?;
    Ok(socket)
}

/// From now on what `socket` receives is stamped.
pub(super) fn stamp(socket: &impl AsRawFd) -> io::Result<()> {
    set_option(socket, SOL_SOCKET, SO_TIMESTAMPNS, 1)
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
    // SAFETY: as many pollfds as are said, a whole timespec, and no set of signals.
    let ready = unsafe { ppoll(wanted.as_mut_ptr(), wanted.len() as u64, &raw const timeout, ptr::null()) };
    match checked(ready) {
        Err(error) if error.kind() != ErrorKind::Interrupted => return Err(error),
        _ => {}
    }
    let ready = wanted.iter().enumerate().filter(|(_, descriptor)| descriptor.revents != 0);
    Ok(ready.map(|(nth, _)| nth).collect())
}

impl Stamp {
    pub(super) fn within(control: &Control) -> Option<Self> {
        let mut messages = control.messages();
        let stamp = messages.find(|message| (message.level, message.kind) == (SOL_SOCKET, SO_TIMESTAMPNS))?;
        let (seconds, rest) = stamp.data.split_first_chunk()?;
        let nanoseconds = u32::try_from(i64::from_ne_bytes(*rest.first_chunk()?)).ok()?;
        let seconds = u64::try_from(i64::from_ne_bytes(*seconds)).ok()?;
        Some(Self(Duration::new(seconds, nanoseconds)))
    }

    /// How long ago it was. Zero where the wall clock has been set back since.
    pub fn age(self) -> Duration {
        wall_time().saturating_sub(self.0)
    }
}

impl Clocks {
    /// Reads both. A thread that loses its processor between the two readings would put its wait into every
    /// time computed from them, so the wall clock is read between two readings of the monotonic one, and read
    /// again while these lie too far apart. The narrowest bracket counts.
    pub fn read() -> Self {
        narrowest(Bracket::read).middle()
    }

    /// When `stamp` was made, by the monotonic clock, if the wall clock has not been set since `earlier`.
    pub fn instant_of(&self, stamp: Stamp, earlier: &Self) -> Option<Instant> {
        let monotonic = self.monotonic.saturating_duration_since(earlier.monotonic);
        let slew = SLEW * u32::try_from(1 + monotonic.as_secs()).ok()?;
        if self.wall.checked_sub(earlier.wall)?.abs_diff(monotonic) > slew {
            return None;
        }
        match self.wall.checked_sub(stamp.0) {
            Some(age) => self.monotonic.checked_sub(age),
            None => Some(self.monotonic + stamp.0.saturating_sub(self.wall)),
        }
    }
}

/// The first of at most [`READINGS`] brackets that is [`NARROW`], else the narrowest.
fn narrowest(mut read: impl FnMut() -> Bracket) -> Bracket {
    let mut narrowest = read();
    for _ in 1..READINGS {
        if narrowest.width() <= NARROW {
            break;
        }
        let other = read();
        if other.width() < narrowest.width() {
            narrowest = other;
        }
    }
    narrowest
}

impl Bracket {
    fn read() -> Self {
        Self { before: Instant::now(), wall: wall_time(), after: Instant::now() }
    }

    fn width(&self) -> Duration {
        self.after.saturating_duration_since(self.before)
    }

    /// Both clocks, the wall clock read in the middle of the bracket.
    fn middle(&self) -> Clocks {
        Clocks { monotonic: self.before + self.width() / 2, wall: self.wall }
    }
}

fn wall_time() -> Duration {
    let mut time = TimeSpec { seconds: 0, nanoseconds: 0 };
    // SAFETY: one whole timespec. There is no kernel without this clock.
    unsafe { clock_gettime(CLOCK_REALTIME, &raw mut time) };
    let [seconds, nanoseconds] =
        [time.seconds, time.nanoseconds].map(|part| u64::try_from(part).unwrap_or(0));
    Duration::from_secs(seconds) + Duration::from_nanos(nanoseconds)
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

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
    fn the_clocks_are_read_until_the_bracket_is_narrow_and_not_for_ever() {
        let start = Instant::now();
        let bracket = |nanoseconds: u64| {
            let after = start + Duration::from_nanos(nanoseconds);
            Bracket { before: start, wall: Duration::from_nanos(nanoseconds), after }
        };
        let narrow = u64::try_from(NARROW.as_nanos()).unwrap();
        for (widths, readings, expected) in [
            (&[narrow, 0, 0][..], 1, narrow),
            (&[narrow + 1, narrow, 0], 2, narrow),
            (&[4 * narrow, 2 * narrow, 3 * narrow], READINGS, 2 * narrow),
        ] {
            let mut read = 0;
            let clocks = narrowest(|| {
                read += 1;
                bracket(*widths.get(read - 1).unwrap_or(&(5 * narrow)))
            });
            assert_eq!(read, readings, "{widths:?}");
            assert_eq!(clocks.wall, Duration::from_nanos(expected), "{widths:?}");
            assert_eq!(clocks.middle().monotonic, start + Duration::from_nanos(expected / 2), "{widths:?}");
        }
    }

    #[test]
    fn a_clock_that_was_set_tells_no_time() {
        let earlier = Clocks { monotonic: Instant::now(), wall: Duration::from_secs(100) };
        let at = |monotonic_us: u64, wall_us: u64| Clocks {
            monotonic: earlier.monotonic + Duration::from_micros(monotonic_us),
            wall: earlier.wall + Duration::from_micros(wall_us),
        };
        let stamp = Stamp(Duration::from_micros(100_000_100));
        let arrived = Some(earlier.monotonic + Duration::from_micros(100));
        assert_eq!(at(300, 300).instant_of(stamp, &earlier), arrived);
        assert_eq!(at(50, 50).instant_of(stamp, &earlier), arrived);
        assert!(at(300, 800).instant_of(stamp, &earlier).is_some());
        assert_eq!(at(300, 801).instant_of(stamp, &earlier), None);
        let set_back = Clocks { wall: Duration::from_secs(99), ..at(300, 0) };
        assert_eq!(set_back.instant_of(stamp, &earlier), None);
    }

    #[test]
    fn an_icmp_error_is_taken_from_its_queue() {
        // Held on another address of the host, the port is nobody's here.
        let held = UdpSocket::bind((Ipv4Addr::new(127, 0, 0, 2), 0)).unwrap();
        let nobody = (Ipv4Addr::LOCALHOST, held.local_addr().unwrap().port()).into();
        let socket = connected(nobody).unwrap();
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
