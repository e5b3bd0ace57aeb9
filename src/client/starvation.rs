//! Self-doubt: whether a round was measured by a prober that could measure.

use std::time::{Duration, Instant};

use crate::proc::group::{ControlGroup, Denied, Scope, Stall};
use crate::proc::run_queue::RunQueue;
use crate::verdict::Starved;

/// The latest that a round may begin, or a wait within it end. Timers end within a millisecond; with both
/// processors of a machine kept busy 20 ms were seen.
const LATE: Duration = Duration::from_millis(100);

/// The longest that all threads of the control group together may be kept from running in a round: less than
/// one period of the scheduler's bandwidth control, which is 100 ms.
const THROTTLED: Duration = Duration::from_millis(50);

/// The longest that the prober may wait for a processor in a round, in the sixty times or so that it wakes;
/// in a round of more than two and a half seconds, a tenth of it.
const QUEUED: Duration = Duration::from_millis(250);
const QUEUED_SHARE: u32 = 10;

/// The longest that the control group may wait for memory in a round.
const STALLED: Duration = Duration::from_millis(100);

/// What speaks against the prober in the round at hand.
#[derive(Default)]
pub(super) struct Doubt {
    group: ControlGroup,
    queue: RunQueue,
    began: Option<Instant>,
    late: Duration,
    throttled: Duration,
    stalled: Duration,
    queued: Duration,
    short: bool,
}

impl Doubt {
    /// Begins a round that was due at `due`. How late it is.
    pub(super) fn begin(&mut self, due: Instant) -> Duration {
        let late = due.elapsed();
        // What happened during the sleep before it is nobody's latency.
        let (group, queue) = (std::mem::take(&mut self.group), std::mem::take(&mut self.queue));
        *self = Self { group, queue, began: Some(Instant::now()), late, ..Self::default() };
        self.group.denied();
        self.queue.waited();
        late
    }

    /// A wait that was to end after `timeout` took so long.
    pub(super) fn waited(&mut self, took: Duration, timeout: Duration) {
        self.late = self.late.max(took.saturating_sub(timeout));
    }

    /// This host has not enough of something for the prober.
    pub(super) fn is_short(&mut self) {
        self.short = true;
    }

    /// Why the round was in doubt when it was last looked into, if it was.
    pub(super) fn known(&self) -> Option<Starved> {
        self.reason()
    }

    /// Why the round so far is in doubt, if it is.
    pub(super) fn starved(&mut self) -> Option<Starved> {
        let Denied { processor, memory } = self.group.denied();
        self.throttled += processor.unwrap_or_default();
        // A wait of the whole machine may be somebody else's.
        if let Some(Stall { time, scope: Scope::Group }) = memory {
            self.stalled += time;
        }
        self.queued += self.queue.waited().unwrap_or_default();
        self.reason()
    }

    /// How long the round has lasted.
    fn lasted(&self) -> Duration {
        self.began.map_or(Duration::ZERO, |began| began.elapsed())
    }

    fn reason(&self) -> Option<Starved> {
        if self.throttled > THROTTLED {
            Some(Starved::Throttled)
        } else if self.late > LATE || self.queued > QUEUED.max(self.lasted() / QUEUED_SHARE) {
            Some(Starved::Late)
        } else if self.stalled > STALLED {
            Some(Starved::Memory)
        } else if self.short {
            Some(Starved::Local)
        } else {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A limit of a doubt, and the reason past it.
    type Limit = (fn(&mut Doubt, Duration), Duration, Starved);

    #[test]
    fn each_limit_is_passed_by_a_nanosecond() {
        let limits: [Limit; 4] = [
            (|doubt, duration| doubt.throttled = duration, THROTTLED, Starved::Throttled),
            (|doubt, duration| doubt.waited(duration, Duration::ZERO), LATE, Starved::Late),
            (|doubt, duration| doubt.queued = duration, QUEUED, Starved::Late),
            (|doubt, duration| doubt.stalled = duration, STALLED, Starved::Memory),
        ];
        for (set, limit, starved) in limits {
            let mut doubt = Doubt::default();
            set(&mut doubt, limit);
            assert_eq!(doubt.reason(), None, "{limit:?}");
            set(&mut doubt, limit + Duration::from_nanos(1));
            assert_eq!(doubt.reason(), Some(starved), "{limit:?}");
        }
        let mut doubt = Doubt::default();
        doubt.is_short();
        assert_eq!(doubt.reason(), Some(Starved::Local));
    }

    #[test]
    fn a_wait_that_ends_in_time_is_none() {
        let mut doubt = Doubt::default();
        doubt.waited(Duration::from_secs(5), Duration::from_secs(5));
        assert_eq!(doubt.reason(), None);
        doubt.waited(Duration::from_secs(7), Duration::from_secs(5));
        doubt.waited(Duration::ZERO, Duration::from_secs(5));
        assert_eq!(doubt.reason(), Some(Starved::Late));
    }

    #[test]
    fn a_round_does_not_answer_for_the_one_before() {
        let mut doubt = Doubt::default();
        let due = Instant::now().checked_sub(Duration::from_secs(2)).unwrap();
        assert!(doubt.begin(due) >= Duration::from_secs(2));
        assert_eq!(doubt.starved(), Some(Starved::Late));
        doubt.begin(Instant::now());
        assert_eq!(doubt.starved(), None);
    }
}
