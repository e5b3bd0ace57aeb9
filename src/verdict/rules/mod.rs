//! The verdicts, each with its rule. A new verdict is a new rule in the file of its layer, and a line here.
//! Pure.

mod dns;
mod latency;
mod mtu;
mod node;
mod none;
mod paths;
mod port;
mod prober;
mod replicas;
mod service;

use super::rule::Rule;

/// Declares the enum, its list and the way to each rule, all in the order of the lines.
macro_rules! verdicts {
    ($($verdict:ident => $layer:ident::$rule:ident,)+) => {
        /// What is broken. [`meaning`](Verdict::meaning) says what each of them means.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Verdict {
            $(#[doc = concat!("See `rules/", stringify!($layer), ".rs`.")] $verdict,)+
        }

        impl Verdict {
            /// All of them, in the order in which their rules are tried.
            pub const ALL: [Self; [$(stringify!($verdict)),+].len()] = [$(Self::$verdict),+];

            pub(super) fn rule(self) -> &'static Rule {
                match self {
                    $(Self::$verdict => &$layer::$rule,)+
                }
            }
        }
    };
}

// The first rule that holds decides. The prober is doubted before the network. What fails at random or by
// source port comes before what fails always: single probes that meet such a fault look like a dead replica
// or a blocked port. What names a cause comes before what only names the symptom, and `healthy`, which always
// holds, is last.
verdicts! {
    Prober => prober::PROBER,
    Conntrack => node::CONNTRACK,
    Local => node::LOCAL,
    DnsRecord => dns::DNS_RECORD,
    NoReplica => service::NO_REPLICA,
    Flow => paths::FLOW,
    Loss => paths::LOSS,
    Replica => replicas::REPLICA,
    Service => service::SERVICE,
    PodNetwork => replicas::POD_NETWORK,
    Port => port::PORT,
    Server => replicas::SERVER,
    DnsServer => dns::DNS_SERVER,
    Mtu => mtu::MTU,
    Transient => none::TRANSIENT,
    Unknown => none::UNKNOWN,
    Slow => latency::SLOW,
    Healthy => none::HEALTHY,
}
