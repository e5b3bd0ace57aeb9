//! The signal to end, as the threads of a process see it: its phases, and a sleep that it ends.

use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

/// The phases of a stop, in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Phase {
    /// No stop has been requested.
    Serving,
    /// All is served, but `/health` reports that new peers should go elsewhere.
    Draining,
    /// Nothing new is accepted; current requests are finished.
    Stopping,
}

/// The phase that the process is in. It only moves forward.
#[derive(Debug)]
pub struct Stop {
    phase: AtomicU8,
    lock: Mutex<()>,
    moved: Condvar,
}

impl Default for Stop {
    fn default() -> Self {
        Self { phase: AtomicU8::new(Phase::Serving as u8), lock: Mutex::new(()), moved: Condvar::new() }
    }
}

impl Stop {
    /// Moves on to `phase`, and wakes every sleeper.
    pub fn advance(&self, phase: Phase) {
        let _guard = self.lock.lock().unwrap_or_else(PoisonError::into_inner);
        self.phase.fetch_max(phase as u8, Ordering::SeqCst);
        self.moved.notify_all();
    }

    /// Whether `phase` has been reached.
    pub fn has_reached(&self, phase: Phase) -> bool {
        self.phase.load(Ordering::SeqCst) >= phase as u8
    }

    /// Sleeps for `duration`, or until [`Phase::Stopping`].
    pub fn sleep(&self, duration: Duration) {
        let guard = self.lock.lock().unwrap_or_else(PoisonError::into_inner);
        let serving = |(): &mut ()| !self.has_reached(Phase::Stopping);
        drop(self.moved.wait_timeout_while(guard, duration, serving));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phases_only_move_forward() {
        let stop = Stop::default();
        assert!(stop.has_reached(Phase::Serving) && !stop.has_reached(Phase::Draining));
        stop.advance(Phase::Stopping);
        stop.advance(Phase::Draining);
        assert!(stop.has_reached(Phase::Draining) && stop.has_reached(Phase::Stopping));
    }

    #[test]
    fn a_stop_ends_a_sleep_and_every_later_one() {
        let stop = Stop::default();
        std::thread::scope(|scope| {
            scope.spawn(|| stop.sleep(Duration::MAX));
            stop.advance(Phase::Stopping);
        });
        stop.sleep(Duration::MAX);
    }
}
