//! The summary of the rounds since the last one, a line for each kind of probe: counts, percentiles, jitter.

use std::time::Duration;

use crate::log::{Level, Log, Value};
use crate::metrics::{Jitter, Percentiles};
use crate::probe::Kind;

/// The probes of one kind since the last summary.
#[derive(Debug)]
struct Account {
    kind: Kind,
    count: u64,
    failures: u64,
    percentiles: Percentiles,
    jitter: Jitter,
}

/// The accounts of all kinds that were probed, in the order in which each came first.
#[derive(Debug, Default)]
pub(in crate::client) struct Summary {
    accounts: Vec<Account>,
}

impl Summary {
    /// Counts a probe: with its latency where it succeeded and the prober was not starved.
    pub(in crate::client) fn add(&mut self, kind: Kind, succeeded: bool, latency: Option<Duration>) {
        let account = self.account(kind);
        account.count += 1;
        account.failures += u64::from(!succeeded);
        if let Some(latency) = latency {
            account.percentiles.add(latency);
            account.jitter.add(latency);
        }
    }

    /// Prints the lines, and begins a new summary.
    pub(in crate::client) fn print(&mut self, log: &Log) {
        for account in self.accounts.drain(..) {
            account.print(log);
        }
    }

    fn account(&mut self, kind: Kind) -> &mut Account {
        let known = self.accounts.iter().position(|account| account.kind == kind);
        let at = known.unwrap_or_else(|| {
            let (percentiles, jitter) = (Percentiles::default(), Jitter::default());
            self.accounts.push(Account { kind, count: 0, failures: 0, percentiles, jitter });
            self.accounts.len() - 1
        });
        &mut self.accounts[at]
    }
}

impl Account {
    fn print(&self, log: &Log) {
        let mut fields = vec![("count", Value::Count(self.count)), ("failures", Value::Count(self.failures))];
        if let Some((min, max)) = self.percentiles.range() {
            let percentile = |percent| self.percentiles.percentile(percent).unwrap_or(max);
            fields.extend(
                [
                    ("min", min),
                    ("p50", percentile(50)),
                    ("p90", percentile(90)),
                    ("p99", percentile(99)),
                    ("max", max),
                    ("jitter", self.jitter.estimate()),
                ]
                .map(|(key, duration)| (key, Value::Milliseconds(duration))),
            );
        }
        log.line(Level::Info, "SUMMARY", self.kind.word(), &fields);
    }
}
