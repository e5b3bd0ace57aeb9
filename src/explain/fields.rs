//! The fields of lines: what each key says. Pure.

/// A key of `key=value`.
pub(super) struct Field {
    pub(super) key: &'static str,
    /// In lower case and without a full stop, as the README has it.
    pub(super) meaning: &'static str,
}

const fn field(key: &'static str, meaning: &'static str) -> Field {
    Field { key, meaning }
}

pub(super) const FIELDS: &[Field] = &[
    field(
        "latency",
        "from the first packet sent (the TCP handshake included) to the last byte of the reply \
                      checked, without the look-up of the name; of a series: the median. A failure has none",
    ),
    field("connect", "the TCP handshake; a connect of 1 s or 3 s is a lost SYN (see retrans)"),
    field("echo", "from the established connection to the last byte of the echo"),
    field("ttfb", "from the established connection to the first byte of the HTTP reply"),
    field("error", "what went wrong: an error code, see smoker explain CODE"),
    field("phase", "what the probe was doing: resolve, connect, send or receive"),
    field(
        "address",
        "the address that was probed; cached if the look-up failed. Of LISTENING: the address \
           that is bound",
    ),
    field(
        "failed",
        "the addresses of the same name that were tried before it, each with its error. Success \
           on the second hides a broken first",
    ),
    field("failures", "number of failures in a row of this kind; of a summary: all since the last"),
    field(
        "since",
        "when the first failure of the row ended; of a verdict: the start of the round that found it",
    ),
    field("detail", "of a verdict: what is broken, in words; otherwise the system's own words"),
    field("retrans", "TCP segments sent again. A connect of 1 s or 3 s with it is a lost SYN, not slowness"),
    field("name", "the server's name: on success as it was found, with its search domain"),
    field("addresses", "the addresses of the name, IPv4 first"),
    field("resolver", "the nameserver that replied, or hosts for /etc/hosts"),
    field("cached", "the addresses of an earlier look-up, with which the round continues"),
    field("pod", "the pod that replied, where it is a Smoker that knows its pod"),
    field("seen_as", "the client's address as the server saw it, where it was translated on the way"),
    field("instance", "changed: the server process at this address is another one than before"),
    field("excused", "draining, starting or leaving: the replica is not counted as a fault"),
    field("protocol", "the protocol over which the replica failed: tcp, udp or http"),
    field(
        "suspect",
        "the prober itself was starved: throttled, late, memory or local. Latencies of the \
           round do not count",
    ),
    field("sent", "datagrams of the series that were sent"),
    field(
        "lost",
        "datagrams of the series without a reply 250 ms after the last one was sent, or later \
           where replies are slow",
    ),
    field("lost_forward", "lost on the way to the server"),
    field("lost_return", "lost on the way back"),
    field("lost_unknown", "direction not known yet, or not at all; printed where it is not 0"),
    field("duplicate", "replies beyond the first"),
    field("reordered", "replies after one to a later datagram"),
    field("late", "replies to datagrams that the series before had counted as lost"),
    field("jitter", "RFC 3550's mean change of the latency from one to the next"),
    field("min", "the least latency of a series or summary"),
    field("p50", "the median latency since the last summary"),
    field("p90", "the latency that nine of ten did not exceed since the last summary"),
    field("p99", "the latency that 99 of 100 did not exceed; of a series of fewer, the most"),
    field("max", "the greatest latency since the last summary"),
    field(
        "dead_flows",
        "long-lived source ports whose last three datagrams, keep-alives included, had no reply",
    ),
    field("mtu", "the largest packet that passes unfragmented, in bytes with the IP header"),
    field("interface", "the largest packet that this host's interface allows; a loopback has 65535"),
    field("body", "the bytes of the HTTP body that passed, where no datagrams were sent to measure sizes"),
    field("told_by", "the router that reported the smaller MTU"),
    field("direction", "the direction in which large packets are dropped: forward or return"),
    field("evidence", "what the verdict is based on: words that smoker explain knows"),
    field("after", "how long the fault lasted, from since= to the first healthy round"),
    field("was", "the verdict that has ended"),
    field("count", "probes since the last summary; of a line about many events: how many since the last"),
    field("skipped", "rounds that were skipped because one took too long"),
    field("lines", "lines that stdout did not accept"),
    field("bytes", "bytes that were sent back, or of the reply's content"),
    field("client", "the address of the peer"),
    field("cut", "connections that were closed before their request was complete"),
    field("delay", "how long the server goes on serving: DRAIN_DELAY"),
    field("limit", "descriptors that the process may open"),
    field("needed", "descriptors that MAX_CONNECTIONS needs"),
    field("method", "the method of the HTTP request"),
    field("path", "the path of the HTTP request, without its query"),
    field("status", "the status of the HTTP reply"),
];
