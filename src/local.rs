//! A server and a client that probes it in one process: the whole of Smoker without any set-up.

pub mod settings;

use crate::client::settings::Ports;
use crate::client::{self, Ending};
use crate::log::{Level, Log};
use crate::server;
use crate::sys::signal::StopSignals;
use settings::Local;

/// Serves on free loopback ports and probes them, until the client has ended or a signal arrives.
///
/// The client logs each probe, so the server's own lines about them are left out: it logs its addresses and
/// problems alone, except at the level `debug`.
pub fn run(
    settings: Local,
    server_log: &Log,
    client_log: &Log,
    signals: &StopSignals,
) -> Result<Ending, String> {
    let Local { server, mut client } = settings;
    let is_debugged = server_log.prints(Level::Debug);
    let server_log = if is_debugged { server_log.clone() } else { server_log.up_to(Level::Warn) };
    let server = server::start(server, &server_log)?;
    let server::Addresses { tcp, udp, http } = server.addresses;
    client.ports = Ports { tcp: tcp.port(), udp: udp.port(), http: http.port() };
    let ending = client::run(&client, client_log, signals);
    server.stop(signals);
    ending
}
