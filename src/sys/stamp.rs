//! When a datagram arrived: the kernel's stamp, by the wall clock, and what it is by the monotonic one.

use std::ffi::c_int;
use std::io;
use std::os::fd::AsRawFd;
use std::time::{Duration, Instant};

use super::control::Control;
use super::options::{SOL_SOCKET, set_option};

/// Also the kind of its control message, a `struct timespec` (socket(7)).
const SO_TIMESTAMPNS: c_int = 35;
const CLOCK_REALTIME: c_int = 0;

/// How far the wall clock may run from the monotonic one before it has been set: adjtime(3) slews by 500
/// millionths, which is this much in a second.
pub(super) const SLEW: Duration = Duration::from_micros(500);

/// How far apart the two readings of the monotonic clock may lie. Half of it is the most that a time computed
/// from them is wrong by; undisturbed, three readings take a tenth of it.
const NARROW: Duration = Duration::from_micros(1);

/// How often the clocks are read until a bracket is narrow: a thread that just lost its processor has a whole
/// time slice ahead, so one reading more nearly always does. Where each is a system call, none is narrow.
const READINGS: usize = 8;

#[repr(C)]
struct TimeSpec {
    seconds: i64,
    nanoseconds: i64,
}

unsafe extern "C" {
    fn clock_gettime(clock: c_int, time: *mut TimeSpec) -> c_int;
}

/// When a datagram arrived, by the wall clock, which is the kernel's for this: time since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp(Duration);

/// Both clocks, read at the same moment.
#[derive(Clone, Copy, Debug)]
pub struct Clocks {
    pub(super) monotonic: Instant,
    wall: Duration,
}

/// One reading of the wall clock between two of the monotonic one.
#[derive(Clone, Copy)]
struct Bracket {
    before: Instant,
    wall: Duration,
    after: Instant,
}

/// From now on what `socket` receives is stamped.
pub(super) fn enable(socket: &impl AsRawFd) -> io::Result<()> {
    set_option(socket, SOL_SOCKET, SO_TIMESTAMPNS, 1)
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
    use super::*;

    #[test]
    fn the_clocks_are_read_until_the_bracket_is_narrow_but_not_without_limit() {
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
    fn after_the_clock_was_set_no_time_is_known() {
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
}
