//! What every listener shares: admitting connections, threads for them, the accept loop, HTTP over a
//! handler, and how all of it stops. What is said on a connection is the server's.

pub mod accept;
pub mod bind;
pub mod bodies;
pub mod connections;
pub mod http;
pub mod identity;
pub mod stream;
#[cfg(test)]
mod testing;
pub mod traffic;
pub mod trouble;
pub mod workers;

use std::io;
use std::net::SocketAddr;

use crate::log::{Level, Log, Value};
use crate::sys;

/// Logs the error that ended a connection.
pub fn log_error(log: &Log, level: Level, kind: &str, error: &io::Error, client: SocketAddr) {
    if log.prints(level) {
        let detail = sys::describe(error);
        let fields = [("client", Value::Address(client)), ("detail", Value::Text(&detail))];
        log.line(level, kind, "ERROR", &fields);
    }
}

/// Logs that a connection was opened or closed, for who looks for a fault in Smoker itself.
pub fn log_connection(log: &Log, kind: &str, event: &str, client: SocketAddr) {
    log.line(Level::Debug, kind, event, &[("client", Value::Address(client))]);
}
