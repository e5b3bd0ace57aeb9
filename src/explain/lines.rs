//! The lines of clients and servers: kinds and events, when they are printed and with which fields. Pure.

use crate::probe;

/// The kind of a client's line: `[TCP]`.
pub(super) struct Kind {
    pub(super) word: &'static str,
    /// When it is printed, as the README has it.
    pub(super) when: &'static str,
    pub(super) meaning: &'static str,
    /// All that a line of this kind may have, in no particular order.
    pub(super) fields: &'static [&'static str],
}

/// What follows the kind: `SUCCESS`.
pub(super) struct Event {
    pub(super) word: &'static str,
    /// The kinds of a client's lines that have it.
    pub(super) client: &'static [&'static str],
    /// The kinds of a server's lines that have it.
    pub(super) server: &'static [&'static str],
    pub(super) meaning: &'static str,
    /// Those that this event adds to the kind's.
    pub(super) fields: &'static [&'static str],
}

const OTHER_KINDS: [Kind; 5] = [
    Kind {
        word: "VERDICT",
        when: "first round, when it changes, with each summary",
        meaning: "what is broken, or that nothing is; its event is the verdict",
        fields: &["detail", "evidence", "since", "after", "was"],
    },
    Kind {
        word: "SUMMARY",
        when: "every SUMMARY_INTERVAL, and after --count",
        meaning: "totals and percentiles since the last summary; its event is the kind of probe. Percentiles \
                  are at most 3.2 % off",
        fields: &["count", "failures", "min", "p50", "p90", "p99", "max", "jitter"],
    },
    Kind {
        word: "CLIENT",
        when: "as it happens",
        meaning: "the client's own schedule",
        fields: &["skipped"],
    },
    Kind {
        word: "EXPORTER",
        when: "as it happens",
        meaning: "the client's own listener for /health and /metrics (CLIENT_PORT)",
        fields: &["address", "client", "detail", "count"],
    },
    Kind { word: "LOG", when: "as it happens", meaning: "the log itself", fields: &["lines"] },
];

pub(super) const EVENTS: &[Event] = &[
    Event {
        word: "SUCCESS",
        client: &["DNS", "TCP", "UDP", "UDP_SERIES", "HTTP", "ENDPOINT", "MTU"],
        server: &[],
        meaning: "the probe passed",
        fields: &["suspect"],
    },
    Event {
        word: "FAILED",
        client: &["DNS", "TCP", "UDP", "UDP_SERIES", "HTTP", "ENDPOINT", "MTU"],
        server: &[],
        meaning: "the probe failed, and so has no latency; printed at every LOG_LEVEL",
        fields: &["error", "phase", "failures", "since", "detail", "suspect"],
    },
    Event {
        word: "UNMEASURED",
        client: &["MTU"],
        server: &[],
        meaning: "something else prevented the measurement: no statement about the path MTU",
        fields: &["error", "phase", "address", "suspect"],
    },
    Event {
        word: "OVERRUN",
        client: &["CLIENT"],
        server: &[],
        meaning: "a round took so long that the times of others passed; those are skipped",
        fields: &["skipped"],
    },
    Event {
        word: "LOST",
        client: &["LOG"],
        server: &["LOG"],
        meaning: "stdout did not accept so many lines in time: they are not in the log",
        fields: &["lines"],
    },
    Event {
        word: "LISTENING",
        client: &["EXPORTER"],
        server: &["TCP", "UDP", "HTTP"],
        meaning: "the listener accepts from now on; printed at every LOG_LEVEL",
        fields: &["address"],
    },
    Event {
        word: "ECHO",
        client: &[],
        server: &["TCP", "UDP"],
        meaning: "a read, or a datagram, that was sent back",
        fields: &["bytes", "client"],
    },
    Event {
        word: "REPLY",
        client: &[],
        server: &["UDP"],
        meaning: "the reply to a datagram of a client's series; printed with LOG_LEVEL=debug",
        fields: &["bytes", "client"],
    },
    Event {
        word: "GET",
        client: &[],
        server: &["HTTP"],
        meaning: "an HTTP request: its method (another one has its own word here), its path and the status \
                  of the reply. The kubelet's requests of /health every few seconds are among them",
        fields: &["bytes", "client"],
    },
    Event {
        word: "REQUEST",
        client: &[],
        server: &["HTTP"],
        meaning: "an HTTP request in LOG_FORMAT=json; the text form has its method, path and status as words",
        fields: &["method", "path", "status", "bytes", "client"],
    },
    Event {
        word: "REJECTED",
        client: &[],
        server: &["HTTP"],
        meaning: "a request that was malformed, or not complete in time, and the status of the reply",
        fields: &["status", "bytes", "client", "detail"],
    },
    Event {
        word: "ERROR",
        client: &[],
        server: &["TCP", "HTTP"],
        meaning: "a connection that did not end in order: \"timed out\" after IDLE_TIMEOUT, or a client that \
                  disconnected",
        fields: &["client", "detail"],
    },
    Event {
        word: "OPENED",
        client: &[],
        server: &["TCP", "HTTP"],
        meaning: "a connection was accepted; printed with LOG_LEVEL=debug",
        fields: &["client"],
    },
    Event {
        word: "CLOSED",
        client: &[],
        server: &["TCP", "HTTP"],
        meaning: "a connection has ended; printed with LOG_LEVEL=debug",
        fields: &["client"],
    },
    Event {
        word: "REFUSED",
        client: &["EXPORTER"],
        server: &["TCP", "HTTP"],
        meaning: "connections past the limit (MAX_CONNECTIONS) were closed; at most one line a second",
        fields: &["count", "client", "detail"],
    },
    Event {
        word: "OVERLOADED",
        client: &[],
        server: &["HTTP"],
        meaning: "connections past MAX_CONNECTIONS were answered with 503, or truthfully about /health; at \
                  most one line a second",
        fields: &["count", "client", "detail"],
    },
    Event {
        word: "DROPPED",
        client: &[],
        server: &["UDP"],
        meaning: "datagrams that get no echo: from the port of a service, or of the server itself, or forged \
                  ones of a series; at most one line a second",
        fields: &["count", "client", "detail"],
    },
    Event {
        word: "UNSENT",
        client: &[],
        server: &["UDP"],
        meaning: "echoes that the system did not send; at most one line a second",
        fields: &["count", "client", "detail"],
    },
    Event {
        word: "TROUBLE",
        client: &["EXPORTER"],
        server: &["TCP", "UDP", "HTTP"],
        meaning: "the system has run out of something, and the listener waits before it tries again",
        fields: &["count", "detail"],
    },
    Event {
        word: "DRAINING",
        client: &[],
        server: &["STOP"],
        meaning: "a signal to stop was received: /health is 503 for DRAIN_DELAY, everything is still served",
        fields: &["delay"],
    },
    Event {
        word: "STOPPED",
        client: &[],
        server: &["STOP"],
        meaning: "the stop is complete",
        fields: &["cut"],
    },
    Event {
        word: "DESCRIPTORS",
        client: &[],
        server: &["LIMITS"],
        meaning: "the process may open fewer descriptors than MAX_CONNECTIONS needs (ulimit -n)",
        fields: &["limit", "needed", "detail"],
    },
    Event {
        word: "PANIC",
        client: &[],
        server: &["INTERNAL"],
        meaning: "a defect of Smoker ended one connection; please report it with detail=",
        fields: &["detail"],
    },
];

/// The kinds of a client's lines: those of probes, then the others.
pub(super) fn kinds() -> Vec<Kind> {
    let mut kinds: Vec<Kind> = probe::Kind::ALL.map(of_probe).into();
    kinds.extend(OTHER_KINDS);
    kinds
}

fn of_probe(kind: probe::Kind) -> Kind {
    let (when, fields): (_, &[_]) = match kind {
        probe::Kind::Dns => {
            ("each round, if SERVER_HOST is a name", &["latency", "name", "addresses", "resolver", "cached"])
        }
        probe::Kind::Tcp => {
            ("each round", &["latency", "connect", "echo", "retrans", "address", "failed", "name"])
        }
        probe::Kind::Udp => ("each round", &["latency", "address", "failed", "name"]),
        probe::Kind::UdpSeries => (
            "each round",
            &[
                "latency",
                "address",
                "sent",
                "lost",
                "lost_forward",
                "lost_return",
                "lost_unknown",
                "duplicate",
                "reordered",
                "late",
                "jitter",
                "min",
                "p99",
                "dead_flows",
            ],
        ),
        probe::Kind::Http => (
            "each round",
            &["latency", "connect", "ttfb", "retrans", "address", "failed", "name", "pod", "seen_as"],
        ),
        probe::Kind::Endpoint => (
            "each round, while nothing fails",
            &[
                "latency", "connect", "ttfb", "retrans", "address", "protocol", "pod", "seen_as", "instance",
                "excused",
            ],
        ),
        probe::Kind::Mtu => (
            "first round, every MTU_INTERVAL, with a verdict",
            &["mtu", "interface", "body", "told_by", "direction", "address"],
        ),
    };
    Kind { word: kind.word(), when, meaning: kind.meaning(), fields }
}
