//! SIGTERM and SIGINT, blocked and waited for: no handler ever runs, so nothing has to be async-signal-safe.
//!
//! A blocked signal stays pending even for PID 1, for which the kernel discards unblocked signals that
//! have no handler (signal(7), `sig_ignored` in kernel/signal.c).

use std::ffi::c_int;
use std::io;
use std::ptr;
use std::time::Duration;

use super::checked;
use crate::time::Deadline;

const SIGINT: c_int = 2;
const SIGTERM: c_int = 15;
const SIG_BLOCK: c_int = 0;

/// `sigset_t`: 1024 bits with glibc and musl alike.
#[repr(C)]
struct SignalSet([u64; 16]);

#[repr(C)]
struct Timespec {
    seconds: i64,
    nanoseconds: i64,
}

unsafe extern "C" {
    fn sigemptyset(set: *mut SignalSet) -> c_int;
    fn sigaddset(set: *mut SignalSet, signal: c_int) -> c_int;
    fn pthread_sigmask(how: c_int, set: *const SignalSet, old: *mut SignalSet) -> c_int;
    fn sigtimedwait(set: *const SignalSet, info: *mut u8, timeout: *const Timespec) -> c_int;
}

/// The signals that ask Smoker to stop.
pub struct StopSignals(SignalSet);

impl StopSignals {
    /// Blocks them for this thread and for every thread it starts from now on. Call it before any is started.
    pub fn block() -> io::Result<Self> {
        let mut set = SignalSet([0; 16]);
        // SAFETY: `set` is a whole sigset_t; a null `old` is allowed.
        unsafe {
            checked(sigemptyset(&raw mut set))?;
            checked(sigaddset(&raw mut set, SIGINT))?;
            checked(sigaddset(&raw mut set, SIGTERM))?;
            match pthread_sigmask(SIG_BLOCK, &raw const set, ptr::null_mut()) {
                0 => Ok(Self(set)),
                error => Err(io::Error::from_raw_os_error(error)),
            }
        }
    }

    /// Sleeps until one arrives (`true`) or `timeout` has passed (`false`). Takes the signal that it reports.
    pub fn wait(&self, timeout: Duration) -> bool {
        let deadline = Deadline::after(timeout);
        loop {
            let left = deadline.left().unwrap_or_default();
            let timeout = Timespec {
                seconds: i64::try_from(left.as_secs()).unwrap_or(i64::MAX),
                nanoseconds: i64::from(left.subsec_nanos()),
            };
            // SAFETY: both pointers are to whole values; a null `info` is allowed.
            let signal = unsafe { sigtimedwait(&raw const self.0, ptr::null_mut(), &raw const timeout) };
            if signal > 0 {
                return true;
            }
            // EINTR: the process was stopped and continued (signal(7)), the time may not be over.
            if left.is_zero() {
                return false;
            }
        }
    }

    /// Whether one has arrived and was not taken yet. Takes it.
    pub fn arrived(&self) -> bool {
        self.wait(Duration::ZERO)
    }
}
