//! Whom the rounds probe: the server's addresses, looked up before each round, and remembered for when that
//! fails.

pub(in crate::client) mod path_mtu;
pub(in crate::client) mod protocols;
pub(in crate::client) mod series;

use std::net::IpAddr;
use std::time::{Instant, SystemTime};

use crate::client::journal::accounts::Accounts;
use crate::client::journal::lines::{Field, Lines};
use crate::client::journal::streak::Streak;
use crate::dns::{self, Resolver};
use crate::log::Value;
use crate::probe::{Error, Failure, Phase};
use crate::settings::Host;
use crate::time::Deadline;

/// The most addresses that are tried: each has its share of a probe's time, and a share of less than a
/// sixteenth of it is no fair trial.
const ADDRESSES: usize = 16;

/// The server, by name or address.
pub(in crate::client) struct Target {
    host: Host,
    known: Vec<IpAddr>,
    streak: Streak,
}

/// Where a round's probes go.
#[derive(Clone, Debug)]
pub(in crate::client) struct Aim {
    /// In the order of trying; empty where none was ever learned.
    pub(in crate::client) addresses: Vec<IpAddr>,
    /// Whether they are remembered from a round before.
    pub(in crate::client) is_cached: bool,
    /// What the nameservers said; `None` where none was asked.
    pub(in crate::client) look_up: Option<Result<(), dns::Error>>,
}

impl Target {
    pub(in crate::client) fn new(host: &Host) -> Self {
        let known = match host {
            Host::Address(address) => vec![*address],
            Host::Name(_) => vec![],
        };
        Self { host: host.clone(), known, streak: Streak::default() }
    }

    /// The name that is looked up, if one is.
    pub(in crate::client) fn name(&self) -> Option<&str> {
        match &self.host {
            Host::Name(name) => Some(name),
            Host::Address(_) => None,
        }
    }

    /// The target as it is configured.
    pub(in crate::client) fn words(&self) -> String {
        match &self.host {
            Host::Name(name) => name.clone(),
            Host::Address(address) => address.to_string(),
        }
    }

    /// Looks the name up, and prints the line about it.
    pub(in crate::client) fn aim(
        &mut self,
        resolver: &Resolver,
        deadline: Deadline,
        lines: &mut Lines,
        accounts: &mut Accounts,
    ) -> Aim {
        let Host::Name(name) = self.host.clone() else {
            return Aim { addresses: self.known.clone(), is_cached: false, look_up: None };
        };
        let start = Instant::now();
        let found = resolver.look_up(&name, deadline);
        let latency = start.elapsed();
        let look_up = found.as_ref().map(drop).map_err(|error| *error);
        let nameserver = found.as_ref().ok().and_then(|found| found.resolver).map(|resolver| resolver.ip());
        match found {
            Ok(found) => {
                self.streak.end();
                let addresses: Vec<Value> = found.addresses.iter().copied().map(Value::Ip).collect();
                let mut fields = vec![
                    ("latency", Value::Milliseconds(latency)),
                    ("name", Value::Word(&found.name)),
                    ("addresses", Value::List(&addresses)),
                ];
                fields.push(("resolver", nameserver.map_or(Value::Word("hosts"), Value::Ip)));
                lines.success("DNS", latency, &fields);
                accounts.success("dns", latency, &[]);
                self.known = found.addresses;
                self.known.truncate(ADDRESSES);
            }
            Err(error) => self.tell_failure(&name, error, lines, accounts),
        }
        // What the hosts file says, no nameserver need know.
        let is_by_hosts = look_up.is_ok() && nameserver.is_none();
        Aim {
            addresses: self.known.clone(),
            is_cached: look_up.is_err(),
            look_up: Some(look_up).filter(|_| !is_by_hosts),
        }
    }

    fn tell_failure(&mut self, name: &str, error: dns::Error, lines: &mut Lines, accounts: &mut Accounts) {
        let failure = Failure::new(Error::Dns(error), Phase::Resolve);
        let cached: Vec<Value> = self.known.iter().copied().map(Value::Ip).collect();
        let cached: Option<Field> = (!cached.is_empty()).then_some(("cached", Value::List(&cached)));
        let running = self.streak.fail(SystemTime::now());
        let rest: Vec<Field> = cached.into_iter().collect();
        lines.failure("DNS", &failure, &[("name", Value::Word(name))], running, &rest);
        accounts.failure("dns", failure.error, false);
    }
}
