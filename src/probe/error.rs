//! The closed vocabulary of `error=`: each code with its word, its meaning and where to look.

use std::fmt;

use crate::dns;

/// How a probe failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Error {
    /// No answer, or not the whole answer, before the deadline.
    Timeout,
    /// No socket listens there; or the kernel had turned the packets round to their own sender.
    Refused,
    /// The peer, or something on the path, ended the connection with a reset.
    Reset,
    /// No route, or an ICMP message that says so.
    Unreachable,
    /// The peer ended the connection before its answer was whole.
    Closed,
    /// An answer with other bytes.
    Mismatch,
    /// An HTTP answer with this status.
    HttpStatus(u16),
    /// An answer that is not HTTP/1.x.
    HttpMalformed,
    /// The look-up failed.
    Dns(dns::Error),
    /// Small packets pass, large ones vanish without an error to the sender.
    BlackHole,
    /// Any other error of the system; the failure's `detail` has its text.
    Io,
}

/// What there is to know about an error code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Code {
    /// The word in lines; `http_NNN` for every status.
    pub word: &'static str,
    /// What went wrong, in one sentence: lower case, no full stop, as the README has it.
    pub meaning: &'static str,
    /// Where to look for the cause.
    pub look_at: &'static str,
}

/// Declares the list of all errors and the way from each to its code.
macro_rules! codes {
    ($($error:ident $(($cause:path))? => $code:expr,)+) => {
        impl Error {
            /// One of each code; 503 stands for all statuses of HTTP.
            pub const ALL: [Self; [$(stringify!($error)),+].len() + 1] =
                [$(Self::$error $(($cause))?,)+ Self::HttpStatus(503)];

            /// What there is to know about it.
            pub fn code(self) -> &'static Code {
                match self {
                    $(Self::$error $(($cause))? => &$code,)+
                    Self::HttpStatus(_) => &HTTP_STATUS,
                }
            }
        }
    };
}

codes! {
    Timeout => Code {
        word: "timeout",
        meaning: "no reply, or not the whole reply, within TEST_TIMEOUT",
        look_at: "phase=connect: packets are dropped on the way (NetworkPolicy, security group, CNI routes), \
                  a dead node, or an overloaded server. phase=receive over UDP: the same, or loss. \
                  phase=receive over TCP or HTTP: the connection is established and the reply does not \
                  arrive: a frozen server, or an MTU black hole.",
    },
    Refused => Code {
        word: "refused",
        meaning: "the address replies, but no process listens on the port",
        look_at: "The Service's endpoints (kubectl get endpoints -n smoker smoker-server), a server that is \
                  just starting or stopping, a wrong port, a rule that rejects.",
    },
    Reset => Code {
        word: "reset",
        meaning: "the connection was cut",
        look_at: "A server at MAX_CONNECTIONS (it logs REFUSED) or one that crashed; a firewall or load \
                  balancer on the way that lost its state.",
    },
    Unreachable => Code {
        word: "unreachable",
        meaning: "no route, or an ICMP error, \"administratively prohibited\" included",
        look_at: "The node's routes, CNI, the interface, a rule that rejects with ICMP.",
    },
    Closed => Code {
        word: "closed",
        meaning: "the server closed before its reply was whole",
        look_at: "As for reset; or a server that is stopping, or something that is not Smoker.",
    },
    Mismatch => Code {
        word: "mismatch",
        meaning: "a reply, but with other bytes",
        look_at: "Something else listens there, or a device on the way rewrites.",
    },
    HttpMalformed => Code {
        word: "http_malformed",
        meaning: "a reply that is not HTTP/1",
        look_at: "Another service on the port.",
    },
    BlackHole => Code {
        word: "black_hole",
        meaning: "small packets pass, large ones are dropped without an ICMP error",
        look_at: "A smaller MTU on the way, and a firewall that drops ICMP: direction= and mtu= show which \
                  way and how large.",
    },
    Dns(dns::Error::NotFound) => Code {
        word: "dns_not_found",
        meaning: "the nameservers reply: the name does not exist, or has no address",
        look_at: "The Service's name and namespace, the search line of the pod's /etc/resolv.conf, CoreDNS' \
                  configuration.",
    },
    Dns(dns::Error::Timeout) => Code {
        word: "dns_timeout",
        meaning: "no nameserver replied in time",
        look_at: "CoreDNS pods, the Service kube-dns, policies on port 53, the node's own network.",
    },
    Dns(dns::Error::ServerFailure) => Code {
        word: "dns_server_failure",
        meaning: "a nameserver replied SERVFAIL or REFUSED, or none could be reached",
        look_at: "CoreDNS' log and its upstream, its ready endpoints.",
    },
    Dns(dns::Error::Malformed) => Code {
        word: "dns_malformed",
        meaning: "the replies are not DNS",
        look_at: "Something else on port 53.",
    },
    Dns(dns::Error::Local) => Code {
        word: "dns_local",
        meaning: "the prober had no socket to query from. It shows nothing about DNS",
        look_at: "Descriptors, memory or source ports have run out: as for io.",
    },
    Io => Code {
        word: "io",
        meaning: "the prober's own system refused; detail= has its words",
        look_at: "\"operation not permitted\": the node's own firewall, or its connection table is full \
                  (dmesg: nf_conntrack). \"cannot assign requested address\": no source ports left, or the \
                  node has no address of that family. \"invalid argument\": the node has a blackhole route \
                  for the address.",
    },
}

static HTTP_STATUS: Code = Code {
    word: "http_NNN",
    meaning: "an HTTP reply with status NNN",
    look_at: "503: the server is full. Others: a proxy, or not Smoker.",
};

impl Error {
    /// Its label in metrics, where all statuses of HTTP are one.
    pub fn label(self) -> &'static str {
        match self {
            Self::HttpStatus(_) => "http_status",
            _ => self.code().word,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::HttpStatus(status) => write!(f, "http_{status:03}"),
            _ => f.write_str(self.code().word),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_error_has_a_word_and_a_label_of_its_own() {
        for read in [|error: Error| error.code().word, Error::label] {
            let mut words = Error::ALL.map(read).to_vec();
            words.sort_unstable();
            words.dedup();
            assert_eq!(words.len(), Error::ALL.len(), "{words:?}");
        }
    }

    #[test]
    fn statuses_are_printed_with_three_digits_and_counted_as_one() {
        for (status, word) in [(7, "http_007"), (503, "http_503")] {
            let error = Error::HttpStatus(status);
            assert_eq!((error.to_string(), error.label()), (word.to_owned(), "http_status"));
        }
        assert_eq!(Error::Dns(dns::Error::Timeout).to_string(), "dns_timeout");
    }
}
