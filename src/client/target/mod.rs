//! Whom the rounds probe: the server's addresses, looked up before each round, and remembered for when that
//! fails.

pub(in crate::client) mod path_mtu;
pub(in crate::client) mod protocols;
pub(in crate::client) mod series;

use std::net::IpAddr;
use std::time::{Duration, Instant, SystemTime};

use crate::client::journal::accounts::Accounts;
use crate::client::journal::lines::{Field, Lines};
use crate::client::journal::streak::Streak;
use crate::dns::{self, Found, Resolver};
use crate::log::Value;
use crate::probe::{Addresses, Error, Failure, Kind, Phase};
use crate::settings::Host;
use crate::time::Deadline;
use crate::verdict::LookUp;

/// The most addresses that are tried: each has its share of a probe's time, and a share of less than a
/// sixteenth of it is no fair trial.
const ADDRESSES: usize = 16;

/// The server, by name or address.
pub(in crate::client) struct Target {
    host: Host,
    /// What the last look-up that succeeded gave.
    known: Option<Addresses>,
    streak: Streak,
}

/// Where a round's probes go.
#[derive(Clone, Debug)]
pub(in crate::client) enum Aim {
    /// To these addresses: what `look_up` gave, or where that failed, what an earlier one gave.
    At { addresses: Addresses, look_up: LookUp },
    /// Nowhere: the look-up failed like this, and so has every one before.
    Nowhere { error: dns::Error },
}

impl Aim {
    /// The address that is tried first.
    pub(in crate::client) fn first(&self) -> Option<IpAddr> {
        match self {
            Self::At { addresses, .. } => Some(addresses.first),
            Self::Nowhere { .. } => None,
        }
    }

    /// What the nameservers said.
    pub(in crate::client) fn look_up(&self) -> LookUp {
        match self {
            Self::At { look_up, .. } => *look_up,
            Self::Nowhere { error } => LookUp::Failed(*error),
        }
    }
}

impl Target {
    pub(in crate::client) fn new(host: &Host) -> Self {
        Self { host: host.clone(), known: None, streak: Streak::default() }
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
        let name = match &self.host {
            Host::Name(name) => name.clone(),
            Host::Address(address) => {
                let addresses = Addresses { first: *address, others: vec![] };
                return Aim::At { addresses, look_up: LookUp::NotAsked };
            }
        };
        let start = Instant::now();
        let found = resolver.look_up(&name, deadline).and_then(|found| {
            let addresses = Addresses::new(&found.addresses, ADDRESSES).ok_or(dns::Error::NotFound)?;
            Ok((found, addresses))
        });
        let latency = start.elapsed();
        match found {
            Ok((found, addresses)) => {
                self.tell_success(&found, latency, lines, accounts);
                self.known = Some(addresses.clone());
                // What the hosts file says, no nameserver need know.
                let look_up = found.resolver.map_or(LookUp::NotAsked, |_| LookUp::Answered);
                Aim::At { addresses, look_up }
            }
            Err(error) => {
                self.tell_failure(&name, error, lines, accounts);
                let at = |addresses| Aim::At { addresses, look_up: LookUp::Failed(error) };
                self.known.clone().map_or(Aim::Nowhere { error }, at)
            }
        }
    }

    fn tell_success(&mut self, found: &Found, latency: Duration, lines: &mut Lines, accounts: &mut Accounts) {
        self.streak.end();
        let addresses: Vec<Value> = found.addresses.iter().copied().map(Value::Ip).collect();
        let resolver = found.resolver.map_or(Value::Word("hosts"), |resolver| Value::Ip(resolver.ip()));
        let fields = [
            ("latency", Value::Milliseconds(latency)),
            ("name", Value::Word(&found.name)),
            ("addresses", Value::List(&addresses)),
            ("resolver", resolver),
        ];
        lines.success(Kind::Dns, latency, &fields);
        accounts.success(Kind::Dns, latency, &[]);
    }

    fn tell_failure(&mut self, name: &str, error: dns::Error, lines: &mut Lines, accounts: &mut Accounts) {
        let failure = Failure::new(Error::Dns(error), Phase::Resolve);
        let cached: Vec<Value> = self.known.iter().flat_map(Addresses::iter).map(Value::Ip).collect();
        let cached: Option<Field> = (!cached.is_empty()).then_some(("cached", Value::List(&cached)));
        let running = self.streak.fail(SystemTime::now());
        let rest: Vec<Field> = cached.into_iter().collect();
        lines.failure(Kind::Dns, &failure, &[("name", Value::Word(name))], running, &rest);
        accounts.failure(Kind::Dns, failure.error, false);
    }
}
