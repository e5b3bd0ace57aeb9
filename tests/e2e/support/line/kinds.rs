//! The table of a client's lines: of each kind and event, the fields in their order.

use super::form::Form::{
    self, Address, AddressOrCached, Count, Error, Evidence, FailedBefore, Ip, IpOrHosts, Ips, Milliseconds,
    Moment, Name, Positive, Seconds, Text, Word,
};

/// A field of a line.
#[derive(Clone, Copy, Debug)]
pub(super) struct Field {
    pub(super) key: &'static str,
    pub(super) form: Form,
    /// Whether no line of its kind is without it.
    pub(super) always: bool,
}

const fn always(key: &'static str, form: Form) -> Field {
    Field { key, form, always: true }
}

const fn at_times(key: &'static str, form: Form) -> Field {
    Field { key, form, always: false }
}

/// The verdicts that tell of something wrong.
pub(super) const FAULTS: [&str; 16] = [
    "dns_server",
    "dns_record",
    "no_replica",
    "service",
    "replica",
    "server",
    "pod_network",
    "port",
    "mtu",
    "loss",
    "conntrack",
    "flow",
    "local",
    "slow",
    "prober",
    "unknown",
];

/// What summaries are about.
const SUMMED_UP: [&str; 7] = ["DNS", "TCP", "UDP", "UDP_SERIES", "HTTP", "MTU", "ENDPOINT"];

const PHASES: Form = Word(&["resolve", "connect", "send", "receive"]);
const DETAIL: Field = at_times("detail", Text);
const RETRANS: Field = at_times("retrans", Positive);
const ANSWERER: [Field; 2] = [at_times("pod", Name), at_times("seen_as", Address)];
const SUSPECT: Field = at_times("suspect", Word(&["throttled", "late", "memory", "local"]));

/// What became of a series' datagrams: of one that could not even begin there is nothing to tell.
const DATAGRAMS: [&str; 7] =
    ["sent", "lost", "lost_forward", "lost_return", "duplicate", "reordered", "late"];
const UNKNOWN: Field = at_times("lost_unknown", Positive);

/// The fields of a line; `None` where there is no such line.
pub(super) fn fields(kind: &str, event: &str) -> Option<Vec<Field>> {
    match event {
        "SUCCESS" => success(kind).map(|fields| [fields, vec![SUSPECT]].concat()),
        "FAILED" => failed(kind).map(|fields| [fields, vec![SUSPECT]].concat()),
        _ => other(kind, event),
    }
}

/// Every line that there is: its kind, its event and the keys of its fields.
pub(super) fn all() -> impl Iterator<Item = (&'static str, &'static str, Vec<&'static str>)> {
    let others = ["VERDICT", "SUMMARY", "CLIENT", "EXPORTER"];
    let results = ["SUCCESS", "FAILED", "UNMEASURED", "OVERRUN", "LISTENING", "healthy", "transient"];
    let events = move || results.into_iter().chain(FAULTS).chain(SUMMED_UP);
    let lines =
        SUMMED_UP.into_iter().chain(others).flat_map(move |kind| events().map(move |event| (kind, event)));
    lines.filter_map(|(kind, event)| {
        let fields = fields(kind, event)?;
        Some((kind, event, fields.into_iter().map(|field| field.key).collect()))
    })
}

/// Of what succeeded.
fn success(kind: &str) -> Option<Vec<Field>> {
    let latency = always("latency", Milliseconds);
    // Lines that were printed before there were phases are lines still.
    let phases = |second| [latency, at_times("connect", Milliseconds), at_times(second, Milliseconds)];
    let where_to = [at_times("address", AddressOrCached), at_times("failed", FailedBefore)];
    Some(match kind {
        "DNS" => vec![latency, always("name", Name), always("addresses", Ips), always("resolver", IpOrHosts)],
        "TCP" => [&phases("echo")[..], &[RETRANS], &where_to].concat(),
        "UDP" => [&[latency][..], &where_to].concat(),
        "HTTP" => [&phases("ttfb")[..], &[RETRANS], &where_to, &ANSWERER].concat(),
        "UDP_SERIES" => {
            let times = ["jitter", "min", "p99"].map(|key| always(key, Milliseconds));
            let counts = DATAGRAMS.map(|key| always(key, Count));
            [&[latency][..], &counts, &times, &[always("dead_flows", Count), UNKNOWN]].concat()
        }
        "MTU" => {
            let sizes = ["mtu", "interface", "body"].map(|key| at_times(key, Positive));
            [&sizes[..], &[at_times("told_by", Ip)]].concat()
        }
        "ENDPOINT" => {
            let changed = at_times("instance", Word(&["changed"]));
            let [latency, connect, ttfb] = phases("ttfb");
            let where_to = [latency, always("address", Ip)];
            [&where_to[..], &ANSWERER, &[connect, ttfb, RETRANS, changed]].concat()
        }
        _ => return None,
    })
}

/// Of what failed: why, what was tried, how often in a row, and what else there is to say.
fn failed(kind: &str) -> Option<Vec<Field>> {
    let address = [at_times("address", AddressOrCached), at_times("failed", FailedBefore)];
    let name = always("name", Name);
    let counts = DATAGRAMS.map(|key| at_times(key, Count));
    let (tried, rest): (Vec<Field>, Vec<Field>) = match kind {
        "DNS" => (vec![name], vec![at_times("cached", Ips)]),
        "TCP" | "HTTP" => ([&address[..], &[at_times("name", Name)]].concat(), vec![RETRANS]),
        "UDP" => ([&address[..], &[at_times("name", Name)]].concat(), vec![]),
        "UDP_SERIES" => (vec![always("address", Address)], [&counts[..], &[UNKNOWN]].concat()),
        "MTU" => {
            let sizes = ["mtu", "interface"].map(|key| at_times(key, Positive));
            let direction = at_times("direction", Word(&["forward", "return"]));
            ([&sizes[..], &[direction]].concat(), vec![always("address", Ip)])
        }
        "ENDPOINT" => {
            let protocol = always("protocol", Word(&["tcp", "udp", "http"]));
            let excused = at_times("excused", Word(&["draining", "starting", "leaving"]));
            (vec![always("address", Address)], vec![RETRANS, protocol, excused])
        }
        _ => return None,
    };
    let why = [always("error", Error), at_times("phase", PHASES)];
    let row = [always("failures", Positive), always("since", Moment), DETAIL];
    Some([&why[..], &tried, &row, &rest].concat())
}

/// Of what is no probe's.
fn other(kind: &str, event: &str) -> Option<Vec<Field>> {
    let evidence = always("evidence", Evidence);
    let (detail, since) = (always("detail", Text), always("since", Moment));
    Some(match (kind, event) {
        ("VERDICT", "healthy") => {
            vec![at_times("evidence", Evidence), at_times("after", Seconds), at_times("was", Word(&FAULTS))]
        }
        ("VERDICT", "transient") => vec![detail, evidence],
        ("VERDICT", fault) if FAULTS.contains(&fault) => vec![detail, evidence, since],
        ("SUMMARY", protocol) if SUMMED_UP.contains(&protocol) => {
            let counts = ["count", "failures"].map(|key| always(key, Count));
            let times = ["min", "p50", "p90", "p99", "max", "jitter"].map(|key| at_times(key, Milliseconds));
            [&counts[..], &times].concat()
        }
        ("MTU", "UNMEASURED") => {
            vec![always("error", Error), always("phase", PHASES), always("address", Ip), SUSPECT]
        }
        ("CLIENT", "OVERRUN") => vec![always("skipped", Positive)],
        ("EXPORTER", "LISTENING") => vec![always("address", Address)],
        _ => return None,
    })
}
