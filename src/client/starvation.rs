//! Whether the prober itself was starved during a round: late, throttled, or short of something.

use std::time::{Duration, Instant};

use crate::proc::cgroup::{ControlGroup, Denied, Scope, Stall};
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

/// What the prober lacked so far in this round.
#[derive(Default)]
pub(super) struct Starvation {
    group: ControlGroup,
    queue: RunQueue,
    began: Option<Instant>,
    late: Duration,
    throttled: Duration,
    stalled: Duration,
    queued: Duration,
    is_short: bool,
}

impl Starvation {
    /// Begins a round that was due at `due`. How late it is.
    pub(super) fn begin(&mut self, due: Instant) -> Duration {
        let late = due.elapsed();
        // What the prober lacked while it slept has delayed no probe.
        let group = std::mem::take(&mut self.group);
        let queue = std::mem::take(&mut self.queue);
        *self = Self { group, queue, began: Some(Instant::now()), late, ..Self::default() };
        self.group.denied();
        self.queue.waited();
        late
    }

    /// Notes that a wait which was to end after `timeout` took so long.
    pub(super) fn waited(&mut self, took: Duration, timeout: Duration) {
        self.late = self.late.max(took.saturating_sub(timeout));
    }

    /// Notes that this host had not enough of something for the prober.
    pub(super) fn is_short(&mut self) {
        self.is_short = true;
    }

    /// Reads the kernel's counters. Why the prober was starved in the round so far, if it was.
    pub(super) fn check(&mut self) -> Option<Starved> {
        let Denied { processor, memory } = self.group.denied();
        self.throttled += processor.unwrap_or_default();
        // A wait of the whole machine may be another group's.
        if let Some(Stall { time, scope: Scope::Group }) = memory {
            self.stalled += time;
        }
        self.queued += self.queue.waited().unwrap_or_default();
        self.known()
    }

    /// Why the prober was starved, as far as the last check and the notes since show it.
    pub(super) fn known(&self) -> Option<Starved> {
        if self.throttled > THROTTLED {
            Some(Starved::Throttled)
        } else if self.late > LATE || self.queued > QUEUED.max(self.lasted() / QUEUED_SHARE) {
            Some(Starved::Late)
        } else if self.stalled > STALLED {
            Some(Starved::Memory)
        } else if self.is_short {
            Some(Starved::Local)
        } else {
            None
        }
    }

    /// How long the round has lasted.
    fn lasted(&self) -> Duration {
        self.began.map_or(Duration::ZERO, |began| began.elapsed())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Brings one of the measurements to a value; the limit of it; and the reason past the limit.
    type Limit = (fn(&mut Starvation, Duration), Duration, Starved);

    #[test]
    fn each_limit_is_passed_by_a_nanosecond() {
        let limits: [Limit; 4] = [
            (|starvation, duration| starvation.throttled = duration, THROTTLED, Starved::Throttled),
            (|starvation, duration| starvation.waited(duration, Duration::ZERO), LATE, Starved::Late),
            (|starvation, duration| starvation.queued = duration, QUEUED, Starved::Late),
            (|starvation, duration| starvation.stalled = duration, STALLED, Starved::Memory),
        ];
        for (set, limit, starved) in limits {
            let mut starvation = Starvation::default();
            set(&mut starvation, limit);
            assert_eq!(starvation.known(), None, "{limit:?}");
            set(&mut starvation, limit + Duration::from_nanos(1));
            assert_eq!(starvation.known(), Some(starved), "{limit:?}");
        }
        let mut starvation = Starvation::default();
        starvation.is_short();
        assert_eq!(starvation.known(), Some(Starved::Local));
    }

    #[test]
    fn a_wait_that_ends_in_time_is_not_late() {
        let mut starvation = Starvation::default();
        starvation.waited(Duration::from_secs(5), Duration::from_secs(5));
        assert_eq!(starvation.known(), None);
        starvation.waited(Duration::from_secs(7), Duration::from_secs(5));
        starvation.waited(Duration::ZERO, Duration::from_secs(5));
        assert_eq!(starvation.known(), Some(Starved::Late));
    }

    #[test]
    fn a_round_is_judged_apart_from_the_one_before() {
        let mut starvation = Starvation::default();
        let due = Instant::now().checked_sub(Duration::from_secs(2)).unwrap();
        assert!(starvation.begin(due) >= Duration::from_secs(2));
        assert_eq!(starvation.check(), Some(Starved::Late));
        starvation.begin(Instant::now());
        assert_eq!(starvation.check(), None);
    }
}
