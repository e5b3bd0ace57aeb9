//! Everything that recurs: when each turn is due, which ticks were skipped, the sleep between two turns, and
//! the pulse by which others see that the turns go on. What a turn does, and what ends the job, are left to
//! the callers.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// A job that has a turn at each tick of a schedule:
///
/// ```text
/// loop {
///     turn(periodic.due());
///     report_overrun(periodic.end_turn());
///     if periodic.wait(KEEP_ALIVE, is_stopped, keep_alive).is_break() { break; }
/// }
/// ```
#[derive(Debug)]
pub struct Periodic {
    schedule: Schedule,
    longest_turn: Duration,
    pulse: Arc<Pulse>,
    due: Instant,
}

/// When turns are due: the first at once, all later ones on a grid that never drifts.
///
/// The grid's phase comes from the node's name, so that a fleet whose clients start together spreads its
/// traffic over the interval. Only the monotonic clock is read: steps of the wall clock do not matter.
#[derive(Clone, Copy, Debug)]
pub struct Schedule {
    start: Instant,
    interval: Duration,
    phase: Duration,
}

/// When the turn after another is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NextTurn {
    /// When it is due.
    pub due: Instant,
    /// How many ticks passed while the turn before went on, and had no turn.
    pub skipped: u64,
}

/// Whether the turns of a job go on: each beat sets when the next one is due.
#[derive(Debug)]
pub struct Pulse {
    start: Instant,
    grace: Duration,
    /// When the next beat is due, in nanoseconds from the start.
    due: AtomicU64,
}

impl Periodic {
    /// The job whose first turn begins now. No turn should take longer than `longest_turn`: the pulse is due
    /// again by then.
    pub fn start(schedule: Schedule, longest_turn: Duration, pulse: Arc<Pulse>) -> Self {
        pulse.beat(schedule.start + longest_turn);
        Self { due: schedule.start, schedule, longest_turn, pulse }
    }

    /// When the present turn was due, or the next one is.
    pub fn due(&self) -> Instant {
        self.due
    }

    /// Ends the present turn; the next one is due at the next tick. How many ticks it has overrun.
    pub fn end_turn(&mut self) -> u64 {
        let next = self.schedule.after(self.due, Instant::now());
        self.due = next.due;
        self.pulse.beat(self.due);
        next.skipped
    }

    /// Sleeps until the next turn is due, and calls `meanwhile` after each `every`. `is_stopped` does the
    /// sleeping: it returns `true`, and ends this, as soon as there is to be no other turn.
    pub fn wait(
        &self,
        every: Duration,
        is_stopped: impl Fn(Duration) -> bool,
        mut meanwhile: impl FnMut(),
    ) -> ControlFlow<()> {
        loop {
            let left = self.due.saturating_duration_since(Instant::now());
            if is_stopped(left.min(every)) {
                return ControlFlow::Break(());
            }
            if left <= every {
                self.pulse.beat(self.due + self.longest_turn);
                return ControlFlow::Continue(());
            }
            meanwhile();
        }
    }
}

impl Schedule {
    /// The schedule of the node `name` whose process began at `start`. `interval` is not zero.
    pub fn new(start: Instant, interval: Duration, name: &str) -> Self {
        let nanoseconds = (interval.as_nanos() * u128::from(spread(name))) >> 64;
        Self { start, interval, phase: Duration::from_nanos(u64::try_from(nanoseconds).unwrap_or(u64::MAX)) }
    }

    /// The first tick of the grid after `now`, when the turn that was due at `due` has ended.
    pub fn after(&self, due: Instant, now: Instant) -> NextTurn {
        let ticks = self.ticks_until(now);
        let from_phase = u64::try_from(u128::from(ticks) * self.interval.as_nanos()).unwrap_or(u64::MAX);
        NextTurn {
            due: self.start + self.phase + Duration::from_nanos(from_phase),
            skipped: ticks - self.ticks_until(due),
        }
    }

    /// How many ticks there have been by `now`.
    fn ticks_until(&self, now: Instant) -> u64 {
        match now.checked_duration_since(self.start + self.phase) {
            Some(since) => u64::try_from(since.as_nanos() / self.interval.as_nanos()).unwrap_or(u64::MAX) + 1,
            None => 0,
        }
    }
}

impl Pulse {
    /// Due at `start`, and lost `grace` after it was due.
    pub fn new(start: Instant, grace: Duration) -> Self {
        Self { start, grace, due: AtomicU64::new(0) }
    }

    /// The job goes on; the next beat is due at `due`.
    pub fn beat(&self, due: Instant) {
        let due = due.saturating_duration_since(self.start).as_nanos();
        self.due.store(u64::try_from(due).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// Whether the last beat's successor is overdue by more than the grace.
    pub fn is_lost(&self, now: Instant) -> bool {
        let due = Duration::from_nanos(self.due.load(Ordering::Relaxed));
        now.saturating_duration_since(self.start) > due.saturating_add(self.grace)
    }
}

/// A number that similar names share no digits of: FNV-1a, then the finaliser of splitmix64, because the
/// high bits of FNV alone hardly differ between `node-1` and `node-2`.
fn spread(name: &str) -> u64 {
    let fnv = name.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    let mixed = (fnv ^ (fnv >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;

    const INTERVAL: Duration = Duration::from_secs(30);

    #[test]
    fn turns_stay_on_the_grid_however_long_each_takes() {
        let start = Instant::now();
        let schedule = Schedule::new(start, INTERVAL, "node-1");
        let mut due = start;
        for round in 0_u32..1000 {
            let took = Duration::from_millis(u64::from(round) * 29);
            let next = schedule.after(due, due + took);
            let off = next.due.duration_since(start + schedule.phase).as_nanos() % INTERVAL.as_nanos();
            assert_eq!(off, 0, "round {round}");
            assert_eq!(next.skipped, 0, "round {round}");
            assert!(next.due > due + took && next.due <= due + took + INTERVAL, "round {round}");
            due = next.due;
        }
    }

    #[test]
    fn a_turn_that_overruns_skips_ticks_and_counts_them() {
        let start = Instant::now();
        let schedule = Schedule::new(start, INTERVAL, "node-1");
        let due = start + schedule.phase + INTERVAL;
        for (took, skipped) in [(0, 0), (29_999, 0), (30_000, 1), (59_999, 1), (60_000, 2), (95_000, 3)] {
            let next = schedule.after(due, due + Duration::from_millis(took));
            assert_eq!(next.skipped, skipped, "{took} ms");
            assert_eq!(next.due, due + INTERVAL * (u32::try_from(skipped).unwrap() + 1), "{took} ms");
        }
    }

    #[test]
    fn the_first_turn_too_counts_the_ticks_that_it_skips() {
        let start = Instant::now();
        let schedule = Schedule::new(start, INTERVAL, "node-1");
        for (took, skipped) in [
            (Duration::ZERO, 0),
            (schedule.phase.checked_sub(Duration::from_nanos(1)).unwrap(), 0),
            (schedule.phase, 1),
            (schedule.phase + INTERVAL, 2),
        ] {
            let next = schedule.after(start, start + took);
            assert_eq!(next.skipped, skipped, "{took:?}");
            assert_eq!(next.due, start + schedule.phase + INTERVAL * u32::try_from(skipped).unwrap());
        }
    }

    #[test]
    fn a_fleet_spreads_over_the_interval() {
        let mut tenths = [0; 10];
        for node in 0..1000 {
            let schedule = Schedule::new(Instant::now(), INTERVAL, &format!("node-{node}"));
            assert!(schedule.phase < INTERVAL);
            tenths[usize::try_from(schedule.phase.as_secs() / 3).unwrap()] += 1;
        }
        assert!(tenths.iter().all(|&nodes| (60..140).contains(&nodes)), "{tenths:?}");
    }

    /// A job whose next turn is due `ahead` from now.
    fn due_in(ahead: Duration) -> Periodic {
        let start = Instant::now();
        let pulse = Arc::new(Pulse::new(start, Duration::ZERO));
        let mut periodic = Periodic::start(Schedule::new(start, INTERVAL, "node-1"), INTERVAL, pulse);
        periodic.due = start + ahead;
        periodic
    }

    #[test]
    fn a_sleep_is_cut_into_parts_and_ends_when_the_turn_is_due() {
        let periodic = due_in(Duration::from_mins(1));
        let slept = RefCell::new(Vec::new());
        let mut between = 0;
        let is_stopped = |duration| {
            slept.borrow_mut().push(duration);
            slept.borrow().len() == 3
        };
        let every = Duration::from_secs(5);
        assert_eq!(periodic.wait(every, is_stopped, || between += 1), ControlFlow::Break(()));
        assert_eq!((slept.take(), between), (vec![every; 3], 2));
        let ended = due_in(Duration::ZERO).wait(every, |left| !left.is_zero(), || panic!("it is due"));
        assert_eq!(ended, ControlFlow::Continue(()));
    }

    #[test]
    fn the_pulse_is_due_at_the_next_turn_and_at_the_longest_end_of_the_present_one() {
        let start = Instant::now();
        let pulse = Arc::new(Pulse::new(start, Duration::ZERO));
        let schedule = Schedule::new(start, INTERVAL, "node-1");
        let longest = Duration::from_secs(100);
        let mut periodic = Periodic::start(schedule, longest, Arc::clone(&pulse));
        let nanosecond = Duration::from_nanos(1);
        let is_due_at = |at: Instant| !pulse.is_lost(at) && pulse.is_lost(at + nanosecond);
        assert!(periodic.due() == start && is_due_at(start + longest));
        assert_eq!(periodic.end_turn(), 0);
        assert!(is_due_at(periodic.due()) && periodic.due() > start);
        periodic.due = Instant::now();
        assert!(periodic.wait(INTERVAL, |_| false, || ()).is_continue());
        assert!(is_due_at(periodic.due() + longest));
    }

    #[test]
    fn the_pulse_is_lost_after_its_grace_and_comes_back() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let pulse = Pulse::new(start, Duration::from_secs(90));
        let nanosecond = Duration::from_nanos(1);
        for (now, is_lost) in [(start, false), (at(90), false), (at(90) + nanosecond, true)] {
            assert_eq!(pulse.is_lost(now), is_lost, "{now:?}");
        }
        pulse.beat(at(120));
        for (now, is_lost) in [(at(91), false), (at(210), false), (at(210) + nanosecond, true)] {
            assert_eq!(pulse.is_lost(now), is_lost, "{now:?}");
        }
    }

    #[test]
    fn a_due_moment_before_the_start_counts_as_the_start() {
        let start = Instant::now();
        let pulse = Pulse::new(start + Duration::from_secs(10), Duration::ZERO);
        pulse.beat(start);
        assert!(!pulse.is_lost(start + Duration::from_secs(10)));
        assert!(pulse.is_lost(start + Duration::from_secs(11)));
    }
}
