//! Errors and refusals that come in floods: waits that keep a loop from turning them into heat, and few lines
//! that tell of them all.

use std::io;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use crate::log::{Level, Log, Value};
use crate::stop::Stop;
use crate::sys;

/// The first wait after an error that only time can mend, such as having no descriptors left.
pub const FIRST_WAIT: Duration = Duration::from_millis(5);

/// The longest wait, after doublings.
pub const LONGEST_WAIT: Duration = Duration::from_secs(1);

/// How often a complaint may be logged, however often there is reason for it.
pub const COMPLAINT_INTERVAL: Duration = Duration::from_secs(1);

/// A loop's errors: waits that double from one to the next, and a line in the log at most once a second.
pub struct Trouble {
    log: Log,
    kind: &'static str,
    next_wait: Duration,
    complaints: Complaints,
}

impl Trouble {
    /// No trouble yet in the loop that lines of `kind` come from.
    pub fn new(log: Log, kind: &'static str) -> Self {
        Self { log, kind, next_wait: FIRST_WAIT, complaints: Complaints::default() }
    }

    /// Forgets the waits, since something has succeeded.
    pub fn is_over(&mut self) {
        self.next_wait = FIRST_WAIT;
    }

    /// Logs `error` and waits, or until the stop.
    pub fn wait(&mut self, error: &io::Error, stop: &Stop) {
        if let Some(count) = self.complaints.count(Instant::now()) {
            let detail = sys::describe(error);
            let fields = [("count", Value::Count(count)), ("detail", Value::Text(&detail))];
            self.log.line(Level::Error, self.kind, "TROUBLE", &fields);
        }
        stop.sleep(self.next_wait);
        self.next_wait = (2 * self.next_wait).min(LONGEST_WAIT);
    }
}

/// Counts what happens often and says when it is time to speak of it.
#[derive(Debug, Default)]
pub struct Complaints {
    last: Option<Instant>,
    count: u64,
}

impl Complaints {
    /// Counts one more at `now`. Where a line may be logged: how many there were since the last.
    pub fn count(&mut self, now: Instant) -> Option<u64> {
        self.count += 1;
        if self.last.is_some_and(|last| now.duration_since(last) < COMPLAINT_INTERVAL) {
            return None;
        }
        self.last = Some(now);
        Some(std::mem::take(&mut self.count))
    }

    /// Logs what has been counted and not been told, once there is no more to come.
    pub fn rest(self, log: &Log, kind: &str, event: &str) {
        if self.count > 0 {
            log.line(Level::Warn, kind, event, &[("count", Value::Count(self.count))]);
        }
    }

    /// Counts `event`, which `client` is the cause of, and logs it where a line may be logged.
    pub fn line(&mut self, log: &Log, kind: &str, event: &str, client: SocketAddr, detail: &str) {
        if let Some(count) = self.count(Instant::now()) {
            let told = [
                ("count", Value::Count(count)),
                ("client", Value::Address(client)),
                ("detail", Value::Text(detail)),
            ];
            log.line(Level::Warn, kind, event, &told);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::serve::testing::silent_log;
    use crate::stop::Phase;

    #[test]
    fn waits_double_up_to_the_longest_and_begin_again_after_a_success() {
        let mut trouble = Trouble::new(silent_log(), "TCP");
        let stopped = Stop::default();
        stopped.advance(Phase::Stopping);
        let error = io::Error::from_raw_os_error(24);
        let mut waits = Vec::new();
        for _ in 0..10 {
            waits.push(trouble.next_wait.as_millis());
            trouble.wait(&error, &stopped);
        }
        assert_eq!(waits, [5, 10, 20, 40, 80, 160, 320, 640, 1000, 1000]);
        trouble.is_over();
        assert_eq!(trouble.next_wait, FIRST_WAIT);
    }

    #[test]
    fn complaints_come_once_a_second_and_miss_nothing() {
        let mut complaints = Complaints::default();
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        assert_eq!(complaints.count(at(0)), Some(1));
        assert_eq!(complaints.count(at(1)), None);
        assert_eq!(complaints.count(at(999)), None);
        assert_eq!(complaints.count(at(1000)), Some(3));
        assert_eq!(complaints.count(at(1001)), None);
    }
}
