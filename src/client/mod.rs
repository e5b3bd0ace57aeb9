//! The client: rounds on a schedule, a line a probe, until told to stop.

mod rounds;
mod streak;

use std::time::Instant;

use crate::config;
use crate::log::{Level, Log, Value};
use crate::sys::signal::StopSignals;
use crate::time::Schedule;
use rounds::Rounds;

/// How a client ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// It was told to stop; or it was asked for a number of rounds, and every probe it made succeeded.
    Well,
    /// It was asked for a number of rounds, and a probe failed or not even one round was whole.
    WithFailures,
}

/// Makes rounds until `config.count` is reached, a signal arrives, or nobody reads the log any more. A signal
/// during a sleep ends it at once, one during a probe when the probe has ended.
pub fn run(config: &config::Client, log: &Log, signals: &StopSignals) -> Ending {
    let start = Instant::now();
    let schedule = Schedule::new(start, config.interval, &config.node_name);
    let mut rounds = Rounds::new(config, log);
    let (mut due, mut left) = (start, config.count);
    while rounds.make_one(signals).is_continue() && !log.is_unread() {
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
    let all_well = rounds.made > 0 && !rounds.any_failure;
    if config.count.is_none() || all_well { Ending::Well } else { Ending::WithFailures }
}
