//! A server and a client against it in one process: the whole of Smoker without any set-up.

pub mod settings;

use crate::client::settings::Ports;
use crate::client::{self, Ending};
use crate::log::Log;
use crate::server;
use crate::sys::signal::StopSignals;
use settings::Local;

/// Serves on free loopback ports and probes them, until the client has ended or a signal arrives.
pub fn run(
    settings: Local,
    server_log: &Log,
    client_log: &Log,
    signals: &StopSignals,
) -> Result<Ending, String> {
    let Local { server, mut client } = settings;
    let server = server::start(server, server_log)?;
    let server::Addresses { tcp, udp, http } = server.addresses;
    client.ports = Ports { tcp: tcp.port(), udp: udp.port(), http: http.port() };
    let ending = client::run(&client, client_log, signals);
    server.stop(signals);
    ending
}
