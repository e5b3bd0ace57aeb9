//! How often a probe has failed in a row, and since when. Pure.

use std::time::SystemTime;

/// The failures in a row of one protocol.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::client) struct Streak {
    running: Option<Running>,
}

/// A row of failures that has not ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::client) struct Running {
    /// How many, 1 or more.
    pub(in crate::client) failures: u64,
    /// When the first was found.
    pub(in crate::client) since: SystemTime,
}

impl Streak {
    /// A success ends the row.
    pub(in crate::client) fn end(&mut self) {
        self.running = None;
    }

    /// A failure at `now` goes on with it, or begins one.
    pub(in crate::client) fn fail(&mut self, now: SystemTime) -> Running {
        let before = self.running.unwrap_or(Running { failures: 0, since: now });
        *self.running.insert(Running { failures: before.failures + 1, ..before })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn failures_count_from_the_first_of_their_row() {
        let at = |seconds| SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
        let mut streak = Streak::default();
        assert_eq!(streak.fail(at(10)), Running { failures: 1, since: at(10) });
        assert_eq!(streak.fail(at(40)), Running { failures: 2, since: at(10) });
        streak.end();
        assert_eq!(streak.fail(at(100)), Running { failures: 1, since: at(100) });
    }
}
