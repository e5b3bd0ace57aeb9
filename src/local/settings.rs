//! The settings of `smoker local`: those of a server on free loopback ports and of a client against it. Pure.

use crate::client::settings::Client;
use crate::server::settings::Server;
use crate::settings::{Given, Invalid, Override, Table};

/// The settings of a server, and of the client that probes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Local {
    /// A server on free ports.
    pub server: Server,
    /// A client; its ports are replaced by the server's.
    pub client: Client,
}

/// Of the server.
pub const SERVER: Table<Server> = Table::new(
    Server::SETTINGS,
    &[
        Override::Fixed("--tcp-port", "0"),
        Override::Fixed("--udp-port", "0"),
        Override::Fixed("--http-port", "0"),
        Override::Fixed("--bind", "127.0.0.1"),
    ],
);

/// Of the client. A new user watches `smoker local`: two seconds show that it continues, and can be read.
pub const CLIENT: Table<Client> = Table::new(
    Client::SETTINGS,
    &[
        Override::Unused("--tcp-port"),
        Override::Unused("--udp-port"),
        Override::Unused("--http-port"),
        Override::Fixed("--server-host", "127.0.0.1"),
        Override::Unused("--endpoints-host"),
        Override::Unused("--client-port"),
        Override::Default("--interval", "2s"),
    ],
);

/// Reads the settings of `smoker local`.
pub fn read(given: &Given) -> Result<Local, Invalid> {
    Ok(Local { server: SERVER.read(given)?, client: CLIENT.read(given)? })
}
