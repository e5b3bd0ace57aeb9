//! How often probes of one kind have failed in a row, and since when. Pure.

use std::time::SystemTime;

/// The failures in a row of one kind of probe.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Streak {
    current: Option<Failures>,
}

/// A row of failures that goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Failures {
    /// How many, 1 or more.
    pub(super) count: u64,
    /// When the first was found.
    pub(super) since: SystemTime,
}

impl Streak {
    /// A success ends the row.
    pub(super) fn end(&mut self) {
        self.current = None;
    }

    /// A failure at `now` goes on with the row, or begins one.
    pub(super) fn fail(&mut self, now: SystemTime) -> Failures {
        let before = self.current.unwrap_or(Failures { count: 0, since: now });
        *self.current.insert(Failures { count: before.count + 1, ..before })
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
        assert_eq!(streak.fail(at(10)), Failures { count: 1, since: at(10) });
        assert_eq!(streak.fail(at(40)), Failures { count: 2, since: at(10) });
        streak.end();
        assert_eq!(streak.fail(at(100)), Failures { count: 1, since: at(100) });
    }
}
