//! A server and a client against it in one process: the whole of Smoker without any set-up.

use crate::client::{self, Ending};
use crate::log::Log;
use crate::server;
use crate::settings;
use crate::sys::signal::StopSignals;

/// Serves on free loopback ports and probes them as `client` says, until it is done or a signal arrives.
pub fn run(
    server: settings::Server,
    mut client: settings::Client,
    server_log: &Log,
    client_log: &Log,
    signals: &StopSignals,
) -> Result<Ending, String> {
    let server = server::start(server, server_log)?;
    let server::Addresses { tcp, udp, http } = server.addresses;
    client.ports = settings::Ports { tcp: tcp.port(), udp: udp.port(), http: http.port() };
    let ending = client::run(&client, client_log, signals);
    server.stop(signals);
    ending
}
