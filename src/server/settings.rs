//! The settings of `smoker server`. Pure.

use std::net::IpAddr;
use std::time::Duration;

use crate::settings::value::{DAY, address, count, duration, name, port};
use crate::settings::{Given, Invalid, Setting, Table, declare, setting};

/// The most connections: a thread takes four memory mappings, and a process that runs out of them
/// (`vm.max_map_count`, 65,530) was seen to abort at 18,000 threads.
const MAX_CONNECTIONS: usize = 8192;

const TCP_PORT: Setting<u16> = setting("TCP_PORT", "--tcp-port", port::<0>()).default("8080");
const HTTP_PORT: Setting<u16> = setting("HTTP_PORT", "--http-port", port::<0>()).default("8082");

declare! {
    /// The ports to listen on.
    #[derive(Copy)]
    pub struct Ports {
        /// Port of the TCP echo (0 for a free one).
        pub tcp: u16 = TCP_PORT,
        /// Port of the UDP echo (0 for a free one).
        pub udp: u16 = setting("UDP_PORT", "--udp-port", port::<0>()).default("8081"),
        /// Port of the HTTP server (0 for a free one).
        pub http: u16 = HTTP_PORT,
    }
}

declare! {
    /// The settings of a server.
    pub struct Server {
        /// The ports to listen on.
        pub ports: Ports = Ports::SETTINGS,
        /// Address to listen on.
        pub bind: Option<IpAddr> = setting("BIND_ADDRESS", "--bind", address()).optional("all addresses"),
        /// Connections at once, TCP and HTTP together (1 to 8192).
        pub max_connections: usize = setting(
            "MAX_CONNECTIONS",
            "--max-connections",
            count::<1, MAX_CONNECTIONS>("a number of connections"),
        )
        .default("1024"),
        /// How long a connection may be idle.
        pub idle_timeout: Duration =
            setting("IDLE_TIMEOUT", "--idle-timeout", duration::<1, DAY>()).default("30s"),
        /// How long to continue serving after SIGTERM, while /health answers 503.
        pub drain_delay: Duration =
            setting("DRAIN_DELAY", "--drain-delay", duration::<0, DAY>()).default("0s"),
        /// How long requests may take to finish once the listeners are closed.
        pub shutdown_timeout: Duration =
            setting("SHUTDOWN_TIMEOUT", "--shutdown-timeout", duration::<0, DAY>()).default("5s"),
        /// The node's name, for log lines and replies.
        pub node_name: String =
            setting("NODE_NAME", "--node-name", name("a node name")).default_host_name(),
        /// The pod's name, for replies.
        pub pod_name: Option<String> = setting("POD_NAME", "--pod-name", name("a pod name")).optional("none"),
    }
}

/// Of `smoker server`.
pub const SERVER: Table<Server> = Table::new(Server::SETTINGS, &[]);

/// Reads the settings of `smoker server`.
pub fn read(given: &Given) -> Result<Server, Invalid> {
    let server = SERVER.read(given)?;
    let Ports { tcp, http, .. } = server.ports;
    if tcp == http && tcp != 0 {
        return Err(shared_port(given));
    }
    Ok(server)
}

/// The refusal of one port for TCP and HTTP. It names first what the user set.
fn shared_port(given: &Given) -> Invalid {
    let (tcp, http) = (TCP_PORT.text(given), HTTP_PORT.text(given));
    let is_http_given = HTTP_PORT.given_text(given).is_some();
    let (refused, other) = if is_http_given { (http, tcp) } else { (tcp, http) };
    refused.refused(&format!("is the port of {} too (each needs its own)", other.origin))
}
