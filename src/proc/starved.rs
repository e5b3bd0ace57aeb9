//! For the tests alone: a test of deadlines that failed because its threads waited for a processor is tried
//! again. One that fails without such a wait fails.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::run_queue::RunQueue;

/// A test whose threads waited longer than this for a processor, all waits together, was starved: a reply may
/// have been later than the code under test waits for it.
const STARVED: Duration = Duration::from_millis(50);

/// How often a test is tried that fails because it was starved.
const ATTEMPTS: usize = 5;

/// How long the threads of servers that have ended had waited for a processor, in nanoseconds. Those of other
/// tests count too: they compete for the same processors.
static SERVERS_WAITED: AtomicU64 = AtomicU64::new(0);

/// How long a server's thread waits for a processor, from here to its end.
pub(crate) struct Waits(RunQueue);

impl Waits {
    pub(crate) fn begin() -> Self {
        let mut queue = RunQueue::default();
        queue.waited();
        Self(queue)
    }
}

impl Drop for Waits {
    fn drop(&mut self) {
        let waited = self.0.waited().unwrap_or_default().as_nanos();
        SERVERS_WAITED.fetch_add(u64::try_from(waited).unwrap_or(u64::MAX), Ordering::Relaxed);
    }
}

/// Runs `test`, and again if it failed while its threads were starved.
pub(crate) fn unless_starved(test: impl Fn()) {
    let mut queue = RunQueue::default();
    queue.waited();
    for _ in 1..ATTEMPTS {
        let before = SERVERS_WAITED.load(Ordering::Relaxed);
        let Err(failure) = catch_unwind(AssertUnwindSafe(&test)) else { return };
        let servers = Duration::from_nanos(SERVERS_WAITED.load(Ordering::Relaxed) - before);
        if servers + queue.waited().unwrap_or_default() < STARVED {
            resume_unwind(failure);
        }
    }
    test();
}
