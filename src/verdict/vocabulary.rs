//! The words of the evidence: what stands before the colon, what it means and how to read its values. Pure.

use super::Verdict;
use super::fact::Fact;

/// A word of evidence, or several that mean the same of different protocols.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EvidenceWord {
    /// What stands before the colon.
    pub words: &'static [&'static str],
    /// As they are printed.
    pub examples: &'static [&'static str],
    /// What it counts: lower case, no full stop, as the README has it.
    pub meaning: &'static str,
    /// How to read its values.
    pub reading: &'static str,
}

/// All words of evidence, each with the verdicts that show it.
pub fn evidence_words() -> Vec<(EvidenceWord, Vec<Verdict>)> {
    let mut words: Vec<(EvidenceWord, Vec<Verdict>)> = Vec::new();
    for verdict in Verdict::ALL {
        for word in verdict.rule().shows.iter().flat_map(|fact| fact.vocabulary()) {
            match words.iter_mut().find(|(known, _)| known == word) {
                Some((_, verdicts)) => verdicts.push(verdict),
                None => words.push((*word, vec![verdict])),
            }
        }
    }
    words
}

impl Fact {
    /// The words that it is printed with.
    pub(super) fn vocabulary(self) -> &'static [EvidenceWord] {
        match self {
            Self::Probes => &[PROTOCOLS],
            Self::Replicas => &[ENDPOINT],
            Self::LookUp => &[DNS],
            Self::Nameservers => &[NAMESERVER],
            Self::Series => &[SERIES],
            Self::Flows => &[FLOWS],
            Self::Burst => &[BURST, PORTS],
            Self::Direct => &[DIRECT],
            Self::Path => &[MTU],
            Self::Latency => &[LATENCY],
            Self::Prober => &[PROBER],
        }
    }
}

const PROTOCOLS: EvidenceWord = EvidenceWord {
    words: &["tcp", "udp", "http"],
    examples: &["tcp:ok", "udp:timeout", "http:refused/3of4"],
    meaning: "a protocol of the Service, repeated where it failed",
    reading: "An error alone: it failed each time that it was tried. 3of4: in three of four tries. 0of4: \
              each retry passed.",
};

const ENDPOINT: EvidenceWord = EvidenceWord {
    words: &["endpoint"],
    examples: &["endpoint:1/2"],
    meaning: "replicas that reply over each protocol, of those listed",
    reading: "A replica that drains, starts or has left the list is not counted; nor, for 35 s, one that the \
              Service does not need, because DNS may still list a replica that has left. 1untried: \
              one of them could not be tried.",
};

const DNS: EvidenceWord = EvidenceWord {
    words: &["dns"],
    examples: &["dns:ok", "dns:timeout"],
    meaning: "the round's look-up",
    reading: "ok, or the error code without its dns_.",
};

const NAMESERVER: EvidenceWord = EvidenceWord {
    words: &["nameserver"],
    examples: &["nameserver:10.96.0.10/4of8"],
    meaning: "source ports that had a reply over UDP",
    reading: "8of8 is in order, about half is one of two replicas behind that address, 0of8 is UDP blocked \
              on port 53, 0of8/no_tcp is gone altogether.",
};

const SERIES: EvidenceWord = EvidenceWord {
    words: &["series"],
    examples: &["series:3of16"],
    meaning: "datagrams of the round's series that were lost",
    reading: "All of them lost: long-lived flows are dead, or nothing answers.",
};

const FLOWS: EvidenceWord = EvidenceWord {
    words: &["flows"],
    examples: &["flows:3of16"],
    meaning: "long-lived flows that stayed silent, of those that were silent in the series",
    reading: "Each was probed four times more. While new source ports pass, connection tracking is stale.",
};

const BURST: EvidenceWord = EvidenceWord {
    words: &["burst"],
    examples: &["burst:12of256"],
    meaning: "datagrams lost from new source ports",
    reading: "Four datagrams from each of 64 new source ports to the Service.",
};

const PORTS: EvidenceWord = EvidenceWord {
    words: &["ports"],
    examples: &["ports:0of64"],
    meaning: "source ports that lost all of their datagrams",
    reading: "Two or more, while the others lose next to nothing: one of several paths or replicas.",
};

const DIRECT: EvidenceWord = EvidenceWord {
    words: &["direct"],
    examples: &["direct:10.244.1.7/8of64"],
    meaning: "the same ports of a burst straight to a replica",
    reading: "As many as towards the Service: the path, not the Service, drops by source port.",
};

const MTU: EvidenceWord = EvidenceWord {
    words: &["mtu"],
    examples: &["mtu:1400of1500"],
    meaning: "the largest packet that passes, of what the interface allows",
    reading: "unknown: large packets are dropped, and the size that passes was not measured.",
};

const LATENCY: EvidenceWord = EvidenceWord {
    words: &["latency"],
    examples: &["latency:52.104ms/0.412ms"],
    meaning: "the median of the series now, and the usual one",
    reading: "The usual one is the median of this node's last 240 rounds.",
};

const PROBER: EvidenceWord = EvidenceWord {
    words: &["prober"],
    examples: &["prober:throttled"],
    meaning: "why the prober's own measurements are in doubt",
    reading: "throttled: by a CPU limit. late: it woke late or waited for a processor. memory: its control \
              group is short of memory. local: this host is short of descriptors, ports or buffers.",
};
