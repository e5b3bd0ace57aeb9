//! The client: rounds of probes on a schedule, a line for each probe, until a signal stops it.

mod baseline;
mod exporter;
mod finding;
mod incident;
mod journal;
mod pass;
mod replicas;
mod round;
mod rounds;
pub mod settings;
mod starvation;
mod target;

use std::sync::{Arc, Mutex};
use std::time::Instant;

use crate::log::{Level, Log, Value};
use crate::periodic::{Periodic, Pulse, Schedule};
use crate::sys::signal::StopSignals;
use exporter::Exporter;
use journal::metrics::Metrics;
use rounds::Rounds;
use target::series::KEEP_ALIVE;

pub use journal::metrics::METRICS;

/// How a client ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// A signal stopped it; or it was to make a number of rounds, and nothing was wrong.
    Well,
    /// It was to make a number of rounds, and a probe failed, a verdict was not `healthy`, or not even one
    /// round was whole.
    WithFailures,
}

/// What a round may take, in timeouts: a look-up, the nameservers, three probes and a series, a replica's
/// look-up and probe, the path MTU and the diagnosing pass.
const LONGEST_ROUND: u32 = 10;

/// How many rounds may be missed before `/health` reports the client as failing: as many failures as a
/// kubelet waits for.
const ROUNDS_MISSED: u32 = 3;

/// Makes rounds until `config.count` is reached, a signal arrives, or the reader of the log is gone. A signal
/// during a sleep ends it at once, one during a probe when the probe has ended. An error names what could not
/// be opened or started.
pub fn run(config: &settings::Client, log: &Log, signals: &StopSignals) -> Result<Ending, String> {
    let metrics = Arc::new(Mutex::new(Metrics::default()));
    let pulse = Arc::new(Pulse::new(Instant::now(), config.interval * ROUNDS_MISSED));
    let _exporter =
        config.client_port.map(|port| Exporter::start(port, config, &pulse, &metrics, log)).transpose()?;
    let start = Instant::now();
    let schedule = Schedule::new(start, config.interval, &config.node_name);
    let mut periodic = Periodic::start(schedule, LONGEST_ROUND * config.timeout, pulse);
    let mut rounds = Rounds::new(config, log, &metrics);
    let mut left = config.count;
    let mut summarised = start;
    while rounds.make_one(periodic.due(), signals).is_continue() && !log.reader_is_gone() {
        left = left.map(|left| left - 1);
        if left == Some(0) {
            break;
        }
        if !config.summary_interval.is_zero() && summarised.elapsed() >= config.summary_interval {
            rounds.summarise();
            rounds.repeat_verdict();
            summarised = Instant::now();
        }
        let skipped = periodic.end_turn();
        if skipped > 0 {
            log.line(Level::Warn, "CLIENT", "OVERRUN", &[("skipped", Value::Count(skipped))]);
        }
        if periodic.wait(KEEP_ALIVE, |left| signals.wait(left), || rounds.keep_alive()).is_break() {
            break;
        }
    }
    // The summary of a single check would only repeat its lines.
    if config.count.is_some() && !(config.is_check && rounds.made() < 2) {
        rounds.summarise();
    }
    let is_well = config.count.is_none() || rounds.all_passed();
    Ok(if is_well { Ending::Well } else { Ending::WithFailures })
}
