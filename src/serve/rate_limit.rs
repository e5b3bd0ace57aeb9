//! Rate-limited logging: of what happens often, a line a second at the most, with the count of all.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use crate::log::{Level, Log, Value};

/// How often a line may be logged, however often there is reason for it.
pub const LINE_INTERVAL: Duration = Duration::from_secs(1);

/// Counts an event that may come in floods, and says when a line may be logged.
#[derive(Debug, Default)]
pub struct RateLimit {
    last: Option<Instant>,
    count: u64,
}

impl RateLimit {
    /// Counts one more at `now`. Where a line may be logged: how many there were since the last.
    pub fn count(&mut self, now: Instant) -> Option<u64> {
        self.count += 1;
        if self.last.is_some_and(|last| now.duration_since(last) < LINE_INTERVAL) {
            return None;
        }
        self.last = Some(now);
        Some(std::mem::take(&mut self.count))
    }

    /// Counts `event`, caused by `client`, and logs it where a line may be logged.
    pub fn log(&mut self, log: &Log, kind: &str, event: &str, client: SocketAddr, detail: &str) {
        if let Some(count) = self.count(Instant::now()) {
            let fields = [
                ("count", Value::Count(count)),
                ("client", Value::Address(client)),
                ("detail", Value::Text(detail)),
            ];
            log.line(Level::Warn, kind, event, &fields);
        }
    }

    /// Logs what has been counted since the last line, at the end of the loop that counted.
    pub fn log_rest(self, log: &Log, kind: &str, event: &str) {
        if self.count > 0 {
            log.line(Level::Warn, kind, event, &[("count", Value::Count(self.count))]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_come_once_a_second_and_count_everything() {
        let mut limit = RateLimit::default();
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        assert_eq!(limit.count(at(0)), Some(1));
        assert_eq!(limit.count(at(1)), None);
        assert_eq!(limit.count(at(999)), None);
        assert_eq!(limit.count(at(1000)), Some(3));
        assert_eq!(limit.count(at(1001)), None);
    }
}
