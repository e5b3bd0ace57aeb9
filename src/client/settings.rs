//! The settings of `smoker client` and `smoker check`. Pure.

use std::time::Duration;

use crate::settings::value::{self, DAY, count, duration, name, percent, port, protocols, rounds};
use crate::settings::{Given, Host, Internal, Invalid, Override, Percent, Protocols, Table};
use crate::settings::{declare, flag, setting};

/// The most source ports of a series: each is a socket, kept open.
const MAX_FLOWS: usize = 64;

declare! {
    /// The ports to connect to.
    #[derive(Copy)]
    pub struct Ports {
        /// The server's TCP port.
        pub tcp: u16 = setting("TCP_PORT", "--tcp-port", port::<1>()).default("8080"),
        /// The server's UDP port.
        pub udp: u16 = setting("UDP_PORT", "--udp-port", port::<1>()).default("8081"),
        /// The server's HTTP port.
        pub http: u16 = setting("HTTP_PORT", "--http-port", port::<1>()).default("8082"),
    }
}

declare! {
    /// The settings of a client. Durations below a millisecond would measure the scheduler.
    pub struct Client {
        /// The ports to connect to.
        pub ports: Ports = Ports::SETTINGS,
        /// Name or address of the server to probe.
        pub host: Host = setting("SERVER_HOST", "--server-host", value::host()).default("smoker-server"),
        /// Name whose addresses are the server's replicas (a headless Service).
        pub endpoints_host: Option<Host> =
            setting("ENDPOINTS_HOST", "--endpoints-host", value::host()).optional("none"),
        /// Time from one round to the next.
        pub interval: Duration = setting("TEST_INTERVAL", "--interval", duration::<1, DAY>()).default("30s"),
        /// How long one probe, or one look-up, may take.
        pub timeout: Duration = setting("TEST_TIMEOUT", "--timeout", duration::<1, DAY>()).default("5s"),
        /// The node's name, for log lines.
        pub node_name: String =
            setting("NODE_NAME", "--node-name", name("a node name")).default_host_name(),
        /// What to probe, separated by commas.
        pub protocols: Protocols =
            setting("PROTOCOLS", "--protocols", protocols()).default("tcp,udp,http"),
        /// Source ports of a series of datagrams (0 to 64; 0 for no series).
        pub udp_flows: usize =
            setting("UDP_FLOWS", "--udp-flows", count::<0, MAX_FLOWS>("a number of flows")).default("16"),
        /// Time between datagrams of a series (in all at most half of the timeout).
        pub udp_spacing: Duration =
            setting("UDP_SPACING", "--udp-spacing", duration::<0, DAY>()).default("10ms"),
        /// Datagram loss above which a verdict reports it (0 to 100).
        pub loss_threshold: Percent = setting("LOSS_THRESHOLD", "--loss-threshold", percent()).default("1"),
        /// Rounds from one measurement of the path MTU to the next (0 for none).
        pub mtu_interval: u64 = setting("MTU_INTERVAL", "--mtu-interval", rounds::<0>()).default("10"),
        /// Time from one summary to the next (0 for one at the end alone).
        pub summary_interval: Duration =
            setting("SUMMARY_INTERVAL", "--summary-interval", duration::<0, DAY>()).default("5m"),
        /// Port of the client's own /health and /metrics (0 for a free one).
        pub client_port: Option<u16> = setting("CLIENT_PORT", "--client-port", port::<0>()).optional("off"),
        // Not for the environment: a variable that ends a DaemonSet's client would be a trap.
        /// End after so many rounds, with exit status 1 if anything is wrong.
        pub count: Option<u64> = flag("--count", rounds::<1>()).optional("no end"),
        /// Whether every round is diagnosed, healthy or not, as for `smoker check`.
        pub is_check: bool = Internal(false),
    }
}

/// Of `smoker client`.
pub const CLIENT: Table<Client> = Table::new(Client::SETTINGS, &[]);

/// Of `smoker check`: one round, or a few with a second between. A person waits for a check, so its rounds
/// follow each other as fast as a rate limit of ICMP messages, one a second, lets each of them see what it
/// should.
pub const CHECK: Table<Client> = Table::new(
    Client::SETTINGS,
    &[
        Override::Fixed("--interval", "1s"),
        Override::Fixed("--summary-interval", "0"),
        Override::Unused("--client-port"),
        Override::Default("--count", "1"),
    ],
);

/// Reads the settings of `smoker check`.
pub fn read_check(given: &Given) -> Result<Client, Invalid> {
    Ok(Client { is_check: true, ..CHECK.read(given)? })
}
