//! The kinds of evidence that rules use, whether each is known, and how it is printed. Pure.

use std::net::IpAddr;

use super::evidence::{Evidence, Listing, LookUp};
use super::examination::{Probe, Trial};
use crate::dns::{Reached, Surveyed};
use crate::probe::Error;
use crate::probe::series::{Burst, Counts};
use crate::time::Milliseconds;

/// A kind of evidence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fact {
    /// The target's protocols: `tcp:timeout,udp:ok,http:ok`.
    Probes,
    /// The replicas that answer, of all: `endpoint:1/2`, or `endpoint:1/2/1untried` where one was not tried.
    Replicas,
    /// The round's look-up: `dns:ok`.
    LookUp,
    /// The source ports that each nameserver answered, of all: `nameserver:10.96.0.10/4of8`.
    Nameservers,
    /// Datagrams of the round's series that were lost, of those sent: `series:3of16`.
    Series,
    /// Long-lived flows that stay silent, of those asked again: `flows:3of16`.
    Flows,
    /// Datagrams lost from new source ports: `burst:12of256`, and ports that lost all: `ports:0of64`.
    Burst,
    /// Ports that lost all on the way to a replica: `direct:10.244.1.7/8of64`.
    Direct,
    /// The path MTU, of the interface's: `mtu:1400of1500`.
    Path,
    /// The latency, and the usual one: `latency:52.1ms/0.4ms`.
    Latency,
    /// Why the prober was starved: `prober:throttled`.
    Prober,
}

impl Fact {
    /// Whether it was measured, and found something that a rule can use.
    pub(super) fn is_known(self, evidence: &Evidence) -> bool {
        match self {
            Self::Probes => !evidence.probes().is_empty(),
            Self::Replicas => matches!(evidence.replicas.listing, Listing::Empty | Listing::Listed),
            Self::LookUp => evidence.look_up != LookUp::NotAsked,
            Self::Nameservers => !evidence.nameservers.is_empty(),
            Self::Series => evidence.series.is_some(),
            Self::Flows => evidence.flows.is_some(),
            Self::Burst => evidence.burst().is_some(),
            Self::Direct => evidence.direct().next().is_some(),
            Self::Path => evidence.black_hole().is_some(),
            Self::Latency => evidence.slowness.is_some(),
            Self::Prober => evidence.starved.is_some(),
        }
    }

    /// As it is printed; nothing where it is not known.
    pub(super) fn words(self, evidence: &Evidence) -> Vec<String> {
        if !self.is_known(evidence) {
            return vec![];
        }
        match self {
            Self::Probes => evidence.probes().iter().map(probe).collect(),
            Self::Replicas => vec![replicas(evidence)],
            Self::LookUp => look_up(evidence.look_up).into_iter().collect(),
            Self::Nameservers => evidence.nameservers.iter().map(nameserver).collect(),
            Self::Series => {
                one(evidence.series, |series| format!("series:{}of{}", series.lost.total(), series.sent))
            }
            Self::Flows => one(evidence.flows, |flows| format!("flows:{}of{}", flows.dead, flows.asked)),
            Self::Burst => evidence.burst().iter().flat_map(burst).collect(),
            Self::Direct => {
                let word = |(to, burst): (IpAddr, &Burst)| {
                    format!("direct:{to}/{}of{}", burst.dead_ports, burst.ports)
                };
                evidence.direct().map(word).collect()
            }
            Self::Path => one(evidence.black_hole(), |(_, report, _)| {
                let [mtu, interface] = [report.mtu, report.interface].map(bytes);
                format!("mtu:{mtu}of{interface}")
            }),
            Self::Latency => one(evidence.slowness, |latency| {
                let [now, usual] = [latency.now, latency.usual].map(Milliseconds);
                format!("latency:{now}/{usual}")
            }),
            Self::Prober => one(evidence.starved, |starved| format!("prober:{}", starved.name())),
        }
    }
}

fn one<T>(value: Option<T>, word: impl Fn(T) -> String) -> Vec<String> {
    value.map(word).into_iter().collect()
}

/// A size, where it was measured.
fn bytes(size: Option<u32>) -> String {
    size.map_or("unknown".into(), |bytes| bytes.to_string())
}

/// `tcp:ok`, `tcp:timeout`, or `tcp:timeout/3of4` where it did not fail each time.
fn probe(probe: &Probe) -> String {
    let name = probe.protocol.name();
    match (probe.trial.symptom(), probe.trial) {
        (None, Trial::NotTried(_)) => format!("{name}:untried"),
        (None, _) => format!("{name}:ok"),
        (Some(symptom), Trial::Retried(retries)) if !probe.trial.all_failed() => {
            format!("{name}:{}/{}of{}", symptom.error, retries.failed(), retries.made())
        }
        (Some(symptom), _) => format!("{name}:{}", symptom.error),
    }
}

fn replicas(evidence: &Evidence) -> String {
    let (up, all) = (evidence.up(), evidence.replicas.all.len());
    match evidence.untried() {
        0 => format!("endpoint:{up}/{all}"),
        untried => format!("endpoint:{up}/{all}/{untried}untried"),
    }
}

fn look_up(look_up: LookUp) -> Option<String> {
    match look_up {
        LookUp::NotAsked => None,
        LookUp::Answered => Some("dns:ok".into()),
        LookUp::Failed(error) => Some(Error::Dns(error).to_string().replacen('_', ":", 1)),
    }
}

fn nameserver(server: &Surveyed) -> String {
    let tcp = if server.tcp == Reached::Answered { "" } else { "/no_tcp" };
    let (answered, asked) = (server.udp_answered, server.udp_asked);
    format!("nameserver:{}/{answered}of{asked}{tcp}", server.nameserver.ip())
}

fn burst(burst: &Burst) -> [String; 2] {
    let Counts { sent, lost, .. } = burst.counts;
    let ports = format!("ports:{}of{}", burst.dead_ports, burst.ports);
    [format!("burst:{}of{sent}", lost.total()), ports]
}
