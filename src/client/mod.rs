//! The client: rounds on a schedule, a line a probe, until told to stop.

mod round;
mod streak;

use std::time::Instant;

use crate::config;
use crate::log::{Level, Log, Value};
use crate::sys::signal::StopSignals;
use crate::time::Schedule;

use round::Round;

/// Whether every probe succeeded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Each of them, or none was made.
    AllSucceeded,
    /// At least one failed.
    SomeFailed,
}

/// Makes rounds until `config.count` is reached or a signal arrives: during a sleep it ends at once, during
/// a probe when the probe has ended.
pub fn run(config: &config::Client, log: &Log, signals: &StopSignals) -> Verdict {
    let start = Instant::now();
    let schedule = Schedule::new(start, config.interval, &config.node_name);
    let mut round = Round::new(config, log);
    let mut due = start;
    let mut left = config.count;
    loop {
        if round.probe_all(signals).is_break() {
            break;
        }
        left = left.map(|left| left - 1);
        if left == Some(0) {
            break;
        }
        let next = schedule.after(due, Instant::now());
        if next.skipped > 0 {
            log.line(Level::Warn, "CLIENT", "OVERRUN", &[("skipped", Value::Count(next.skipped))]);
        }
        due = next.due;
        if signals.wait(due.saturating_duration_since(Instant::now())) {
            break;
        }
    }
    round.verdict()
}
