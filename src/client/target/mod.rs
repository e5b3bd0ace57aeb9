//! What the rounds probe: the server's addresses, looked up before each round, and remembered for when that
//! fails.

pub(in crate::client) mod path_mtu;
pub(in crate::client) mod protocols;
pub(in crate::client) mod series;

use std::net::IpAddr;
use std::time::Instant;

use crate::client::finding::Finding;
use crate::dns::{self, Resolver};
use crate::probe::Addresses;
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
}

/// Where a round's probes go.
#[derive(Clone, Debug)]
pub(in crate::client) enum Aim {
    /// To these addresses: what `look_up` gave, or where that failed, what an earlier one gave.
    At { addresses: Addresses, look_up: LookUp },
    /// Nowhere: the look-up of `name` failed like this, and so has every one before.
    Nowhere { name: String, error: dns::Error },
}

impl Aim {
    /// The address that is tried first.
    pub(in crate::client) fn first(&self) -> Option<IpAddr> {
        match self {
            Self::At { addresses, .. } => Some(addresses.first),
            Self::Nowhere { .. } => None,
        }
    }

    /// The outcome of the look-up.
    pub(in crate::client) fn look_up(&self) -> LookUp {
        match self {
            Self::At { look_up, .. } => *look_up,
            Self::Nowhere { error, .. } => LookUp::Failed(*error),
        }
    }
}

impl Target {
    pub(in crate::client) fn new(host: &Host) -> Self {
        Self { host: host.clone(), known: None }
    }

    /// The name that is looked up, if one is.
    pub(in crate::client) fn name(&self) -> Option<&str> {
        match &self.host {
            Host::Name(name) => Some(name),
            Host::Address(_) => None,
        }
    }

    /// The target as it is configured.
    pub(in crate::client) fn text(&self) -> String {
        match &self.host {
            Host::Name(name) => name.clone(),
            Host::Address(address) => address.to_string(),
        }
    }

    /// Looks the name up, if it is one. Where the round's probes go, and what there is to publish.
    pub(in crate::client) fn aim(
        &mut self,
        resolver: &Resolver,
        deadline: Deadline,
    ) -> (Aim, Option<Finding>) {
        match &self.host {
            Host::Name(name) => {
                let (aim, finding) = look_up(name, &mut self.known, resolver, deadline);
                (aim, Some(finding))
            }
            Host::Address(address) => {
                let addresses = Addresses { first: *address, others: vec![] };
                (Aim::At { addresses, look_up: LookUp::NotAsked }, None)
            }
        }
    }
}

/// Looks `name` up, and remembers what it gave in `known`.
fn look_up(
    name: &str,
    known: &mut Option<Addresses>,
    resolver: &Resolver,
    deadline: Deadline,
) -> (Aim, Finding) {
    let start = Instant::now();
    let found = resolver.look_up(name, deadline).and_then(|found| {
        let addresses = Addresses::new(&found.addresses, ADDRESSES).ok_or(dns::Error::NotFound)?;
        Ok((found, addresses))
    });
    let took = start.elapsed();
    match found {
        Ok((found, addresses)) => {
            *known = Some(addresses.clone());
            // A name of the hosts file need not be known to any nameserver.
            let look_up = found.resolver.map_or(LookUp::NotAsked, |_| LookUp::Answered);
            (Aim::At { addresses, look_up }, Finding::Found { found, took })
        }
        Err(error) => {
            let remembered = known.clone();
            let aim = match remembered.clone() {
                Some(addresses) => Aim::At { addresses, look_up: LookUp::Failed(error) },
                None => Aim::Nowhere { name: name.to_owned(), error },
            };
            (aim, Finding::NotFound { name: name.to_owned(), error, remembered })
        }
    }
}
