//! The client: rounds on a schedule, a line a probe, until told to stop.

mod round;
mod streak;

use std::time::Instant;

use crate::config;
use crate::log::{Level, Log, Value};
use crate::sys::signal::StopSignals;
use crate::time::Schedule;

use round::{Found, Round};

/// How a client ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// It was told to stop; or it was asked for a number of rounds, and every probe of them succeeded.
    Well,
    /// It was asked for a number of rounds, and a probe of them failed or was not made.
    WithFailures,
}

/// Makes rounds until `config.count` is reached or a signal arrives: during a sleep it ends at once, during
/// a probe when the probe has ended.
pub fn run(config: &config::Client, log: &Log, signals: &StopSignals) -> Ending {
    let start = Instant::now();
    let schedule = Schedule::new(start, config.interval, &config.node_name);
    let mut round = Round::new(config, log);
    let (mut due, mut left, mut failures) = (start, config.count, false);
    loop {
        let found = round.probe_all(signals);
        failures |= found != Found::AllWell;
        left = left.map(|left| left - 1);
        if left == Some(0) || found == Found::BrokenOff {
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
    if failures && config.count.is_some() { Ending::WithFailures } else { Ending::Well }
}
