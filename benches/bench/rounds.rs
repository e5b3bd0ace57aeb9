//! Whole rounds of a client, with everything on: what one costs, and what many leave in memory.

use std::io;
use std::path::Path;
use std::time::Duration;

use crate::client::{Client, unwell};
use crate::cluster::Cluster;
use crate::report::{Table, millis};
use crate::scrape::Scraper;
use crate::server::smoker;

/// How many rounds, and how fast.
pub(crate) struct Pace {
    pub(crate) rounds: u32,
    pub(crate) interval: Duration,
    /// Between the datagrams of a series.
    pub(crate) spacing: Duration,
}

/// As fast as may be: the time between datagrams would be all that many rounds take.
pub(crate) const fn fast(rounds: u32) -> Pace {
    Pace { rounds, interval: Duration::from_millis(5), spacing: Duration::ZERO }
}

/// Datagrams 10 ms apart, as they are by default: the prober sleeps and wakes for each.
pub(crate) const fn spaced(rounds: u32) -> Pace {
    Pace { rounds, interval: Duration::from_millis(200), spacing: Duration::from_millis(10) }
}

/// CPU time a round, and memory at the end, of a client that looks up names, probes a replica in turn, sends
/// its series, measures the path MTU in each tenth round, sums up and is scraped each second.
pub(crate) fn cost(binary: &Path, cluster: &Cluster, pace: &Pace, table: &mut Table) -> io::Result<()> {
    let mut command = smoker(binary, "client");
    cluster.aim(&mut command);
    command.envs([("LOG_LEVEL", "info"), ("CLIENT_PORT", "0"), ("SUMMARY_INTERVAL", "10s")]);
    command.args(["--count", &pace.rounds.to_string()]);
    command.args(["--interval", &format!("{}ms", pace.interval.as_millis())]);
    command.args(["--udp-spacing", &format!("{}ms", pace.spacing.as_millis())]);
    let mut client = Client::start(command)?;
    let exporter = client.exporter()?;
    let used = client.watch(|| {
        // Between the last look at it and this one it may have ended.
        let _ = Scraper::connect(exporter).and_then(|mut scraper| scraper.scrape());
    })?;
    let round = millis(used.cpu) / f64::from(pace.rounds);
    let (rounds, spacing) = (pace.rounds, pace.spacing.as_millis());
    let name = format!("client, CPU time of a whole round, {rounds} rounds, datagrams {spacing} ms apart");
    let value = format!("{round:.3} ms, {}{}", cluster.names, unwell(&client.log()?));
    table.result(&name, value, "≤ 5 ms", round <= 5.0);
    let name = format!("client, resident after {rounds} whole rounds");
    let value = format!("{} KiB, at most {} KiB", used.resident_kib, used.peak_kib);
    table.result(&name, value, "≤ 3 MiB", used.resident_kib <= 3.0 * 1024.0);
    Ok(())
}
