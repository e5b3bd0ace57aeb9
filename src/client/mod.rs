//! The client: rounds on a schedule, a line a probe, until told to stop.

mod exporter;
mod metrics;
mod rounds;
mod streak;

use std::sync::{Arc, Mutex};
use std::time::Instant;

use crate::config;
use crate::log::{Level, Log, Value};
use crate::sys::signal::StopSignals;
use crate::time::Schedule;
use exporter::Exporter;
use metrics::Metrics;
use rounds::Rounds;

/// How a client ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// It was told to stop; or it was asked for a number of rounds, and every probe it made succeeded.
    Well,
    /// It was asked for a number of rounds, and a probe failed or not even one round was whole.
    WithFailures,
}

/// What a round may take, in timeouts: a look-up and a probe of each protocol.
const LONGEST_ROUND: u32 = 4;

/// Makes rounds until `config.count` is reached, a signal arrives, or nobody reads the log any more. A signal
/// during a sleep ends it at once, one during a probe when the probe has ended. An error says what could not
/// be had.
pub fn run(config: &config::Client, log: &Log, signals: &StopSignals) -> Result<Ending, String> {
    let metrics = Arc::new(Mutex::new(Metrics::new([])));
    let exporter = config.client_port.map(|port| Exporter::start(port, config, &metrics, log)).transpose()?;
    let beat = |due| exporter.iter().for_each(|exporter| exporter.beat(due));
    let start = Instant::now();
    let schedule = Schedule::new(start, config.interval, &config.node_name);
    let mut rounds = Rounds::new(config, log, &metrics);
    let (mut due, mut left) = (start, config.count);
    beat(start + LONGEST_ROUND * config.timeout);
    while rounds.make_one(due, signals).is_continue() && !log.is_unread() {
        left = left.map(|left| left - 1);
        if left == Some(0) {
            break;
        }
        let next = schedule.after(due, Instant::now());
        if next.skipped > 0 {
            log.line(Level::Warn, "CLIENT", "OVERRUN", &[("skipped", Value::Count(next.skipped))]);
        }
        due = next.due;
        beat(due);
        if signals.wait(due.saturating_duration_since(Instant::now())) {
            break;
        }
        beat(due + LONGEST_ROUND * config.timeout);
    }
    let all_well = rounds.made > 0 && !rounds.any_failure;
    Ok(if config.count.is_none() || all_well { Ending::Well } else { Ending::WithFailures })
}
