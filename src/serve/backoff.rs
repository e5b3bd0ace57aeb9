//! Back-off after errors: waits that keep a loop from using a processor up while its calls fail.

use std::io;
use std::time::{Duration, Instant};

use super::rate_limit::RateLimit;
use crate::log::{Level, Log, Value};
use crate::stop::Stop;
use crate::sys;

/// The first wait after an error that only time can mend, such as having no descriptors left.
pub const FIRST_WAIT: Duration = Duration::from_millis(5);

/// The longest wait, after doublings.
pub const LONGEST_WAIT: Duration = Duration::from_secs(1);

/// The waits of a loop, which double from one error to the next.
pub struct Backoff {
    log: Log,
    kind: &'static str,
    next_wait: Duration,
    lines: RateLimit,
}

impl Backoff {
    /// The waits of a loop that has not failed yet, and logs lines of `kind`.
    pub fn new(log: Log, kind: &'static str) -> Self {
        Self { log, kind, next_wait: FIRST_WAIT, lines: RateLimit::default() }
    }

    /// Begins with the shortest wait again, since a call has succeeded.
    pub fn reset(&mut self) {
        self.next_wait = FIRST_WAIT;
    }

    /// Logs `error`, at most once a second, and waits, or until the stop.
    pub fn wait(&mut self, error: &io::Error, stop: &Stop) {
        if let Some(count) = self.lines.count(Instant::now()) {
            let detail = sys::describe(error);
            let fields = [("count", Value::Count(count)), ("detail", Value::Text(&detail))];
            self.log.line(Level::Error, self.kind, "TROUBLE", &fields);
        }
        stop.sleep(self.next_wait);
        self.next_wait = (2 * self.next_wait).min(LONGEST_WAIT);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::serve::testing::silent_log;
    use crate::stop::Phase;

    #[test]
    fn waits_double_up_to_the_longest_and_begin_again_after_a_success() {
        let mut backoff = Backoff::new(silent_log(), "TCP");
        let stopped = Stop::default();
        stopped.advance(Phase::Stopping);
        let error = io::Error::from_raw_os_error(24);
        let mut waits = Vec::new();
        for _ in 0..10 {
            waits.push(backoff.next_wait.as_millis());
            backoff.wait(&error, &stopped);
        }
        assert_eq!(waits, [5, 10, 20, 40, 80, 160, 320, 640, 1000, 1000]);
        backoff.reset();
        assert_eq!(backoff.next_wait, FIRST_WAIT);
    }
}
