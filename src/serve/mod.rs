//! What every listener shares: binding, the accept loop, admission up to a limit, threads, writing to slow
//! peers, back-off and rate-limited logging. The protocol on a connection is left to its server.

pub mod accept;
pub mod backoff;
pub mod bind;
pub mod connections;
pub mod rate_limit;
pub mod stream;
#[cfg(test)]
pub(crate) mod testing;
pub mod traffic;
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

/// Logs, for debugging Smoker itself, that a connection was opened or closed.
pub fn log_connection(log: &Log, kind: &str, event: &str, client: SocketAddr) {
    log.line(Level::Debug, kind, event, &[("client", Value::Address(client))]);
}
