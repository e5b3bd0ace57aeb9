//! What is probed: each kind with its word in lines and its label in metrics, and the protocols among them.
//! Pure.

/// A kind of probe.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// The look-up of the target's name.
    Dns,
    /// The TCP echo.
    Tcp,
    /// The UDP echo of one datagram.
    Udp,
    /// A series of datagrams from long-lived source ports.
    UdpSeries,
    /// `GET /` over HTTP.
    Http,
    /// The largest packet that passes.
    Mtu,
    /// One replica behind the target, asked directly over HTTP.
    Endpoint,
}

/// What can be probed at an address and a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Protocol {
    /// `tcp`
    Tcp,
    /// `udp`
    Udp,
    /// `http`
    Http,
}

/// A part of a probe that is timed by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// The TCP handshake.
    Connect,
    /// From then to the last byte of the echo.
    Echo,
    /// From the handshake to the first byte of the response.
    FirstByte,
}

impl Kind {
    /// All of them, in the order of the metrics.
    pub const ALL: [Self; 7] =
        [Self::Dns, Self::Tcp, Self::Udp, Self::UdpSeries, Self::Http, Self::Mtu, Self::Endpoint];

    /// The word in lines.
    pub fn word(self) -> &'static str {
        match self {
            Self::Dns => "DNS",
            Self::Tcp => "TCP",
            Self::Udp => "UDP",
            Self::UdpSeries => "UDP_SERIES",
            Self::Http => "HTTP",
            Self::Mtu => "MTU",
            Self::Endpoint => "ENDPOINT",
        }
    }

    /// The label in metrics.
    pub fn label(self) -> &'static str {
        match self {
            Self::Dns => "dns",
            Self::Tcp => "tcp",
            Self::Udp => "udp",
            Self::UdpSeries => "udp_series",
            Self::Http => "http",
            Self::Mtu => "mtu",
            Self::Endpoint => "endpoint",
        }
    }

    /// What its probe does, in one sentence: lower case, no full stop.
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Dns => {
                "the look-up of the server's name; after a failure the round continues with the addresses of \
                 cached="
            }
            Self::Tcp => "a connection and an echo of PING over TCP",
            Self::Udp => "an echo of one PING over UDP, from a new source port",
            Self::UdpSeries => {
                "datagrams from long-lived source ports (UDP_FLOWS), which show loss, its direction, jitter \
                 and dead flows"
            }
            Self::Http => "GET / over HTTP on a new connection",
            Self::Mtu => {
                "the path MTU to the Service and to the replica in turn; below the interface's without an \
                 error a router has reported the smaller size (told_by=), which is no fault"
            }
            Self::Endpoint => "one replica in turn, probed directly over HTTP and not through the Service",
        }
    }
}

impl Protocol {
    /// The kind of its probe.
    pub fn kind(self) -> Kind {
        match self {
            Self::Tcp => Kind::Tcp,
            Self::Udp => Kind::Udp,
            Self::Http => Kind::Http,
        }
    }

    /// The word in evidence and in the details of verdicts.
    pub fn name(self) -> &'static str {
        self.kind().label()
    }
}

impl Part {
    /// The key in lines, and the label in metrics.
    pub fn name(self) -> &'static str {
        match self {
            Self::Connect => "connect",
            Self::Echo => "echo",
            Self::FirstByte => "ttfb",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_is_its_word_in_small_letters() {
        for kind in Kind::ALL {
            assert_eq!(kind.label().to_ascii_uppercase(), kind.word());
        }
    }

    #[test]
    fn all_kinds_are_listed_once_and_in_order() {
        assert!(Kind::ALL.is_sorted_by(|before, after| before < after));
    }
}
