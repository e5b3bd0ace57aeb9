//! The probes of the target's protocols, at all addresses of the target.

use std::net::SocketAddr;
use std::time::Duration;

use crate::client::finding::{Finding, Source};
use crate::client::settings;
use crate::client::target::Aim;
use crate::probe::{self, Outcome, Protocol};
use crate::time::Deadline;

/// One protocol at its port.
#[derive(Clone, Copy, Debug)]
pub(in crate::client) struct Service {
    pub(in crate::client) protocol: Protocol,
    pub(in crate::client) port: u16,
}

/// The process that probes.
#[derive(Clone, Copy)]
pub(in crate::client) struct Prober {
    /// This process's own number, where it serves HTTP too: it is no peer of itself.
    pub(in crate::client) own: Option<u64>,
}

/// Those that `config` has probed, in the order of a round.
pub(in crate::client) fn all(config: &settings::Client) -> Vec<Service> {
    let settings::Client { protocols, ports, .. } = config;
    let wanted = [
        (protocols.tcp, Protocol::Tcp, ports.tcp),
        (protocols.udp, Protocol::Udp, ports.udp),
        (protocols.http, Protocol::Http, ports.http),
    ];
    let wanted = wanted.into_iter().filter(|(is_wanted, ..)| *is_wanted);
    wanted.map(|(_, protocol, port)| Service { protocol, port }).collect()
}

impl Prober {
    pub(in crate::client) fn probe(
        self,
        protocol: Protocol,
        address: SocketAddr,
        deadline: Deadline,
    ) -> Outcome {
        match protocol {
            Protocol::Tcp => probe::tcp(address, deadline),
            Protocol::Udp => probe::udp(address, deadline),
            Protocol::Http => probe::http(address, deadline, self.own),
        }
    }
}

impl Service {
    /// Probes the addresses of `aim`, one after another until one replies.
    pub(in crate::client) fn probe(self, aim: &Aim, prober: Prober, timeout: Duration) -> Finding {
        let Self { protocol, port } = self;
        match aim {
            Aim::At { addresses, look_up } => {
                let source = match (look_up.error(), addresses.are_several()) {
                    (Some(_), _) => Source::Remembered,
                    (None, true) => Source::OneOfSeveral,
                    (None, false) => Source::Only,
                };
                let probe = |address, deadline| prober.probe(protocol, address, deadline);
                let report = probe::each(addresses, port, Deadline::after(timeout), probe);
                Finding::Probed { protocol, report, source }
            }
            Aim::Nowhere { name, error } => {
                Finding::NotProbed { protocol, port, name: name.clone(), error: *error }
            }
        }
    }
}
