//! The TCP echo: whatever is received is sent back, byte for byte, until the peer closes or is idle for too
//! long.

use std::io::{self, ErrorKind};
use std::mem::MaybeUninit;
use std::sync::Arc;
use std::time::Duration;

use super::{Listeners, Shared};
use crate::log::{Level, Log, Value};
use crate::serve;
use crate::serve::accept;
use crate::serve::backoff::Backoff;
use crate::serve::connections::Connection;
use crate::serve::rate_limit::RateLimit;
use crate::serve::stream::{Patience, write_all};
use crate::serve::traffic::Traffic;
use crate::serve::workers::Workers;
use crate::sys::socket;

/// What is read at once, as long as messages are small: little enough for the stack of a thread that mostly
/// waits. A larger frame would be touched whole by the probes that guard it against overflow.
const SMALL_BUFFER: usize = 4 * 1024;

/// What is read at once from when a message has filled the small buffer until one comes that does not. Of 4,
/// 16 and 64 KiB, 16 was the fastest.
const LARGE_BUFFER: usize = 16 * 1024;

/// Accepts connections, each echoed by a thread, until the stop. Past the limit they are closed at once.
pub(super) fn run(shared: &Shared, listeners: &Listeners) {
    let (log, idle_timeout) = (shared.log.clone(), shared.config.idle_timeout);
    let traffic = Arc::clone(&shared.metrics.tcp);
    let workers = Workers::new(move |connection| echo(&connection, idle_timeout, &traffic, &log));
    let mut refused = RateLimit::default();
    let backoff = Backoff::new(shared.log.clone(), "TCP");
    accept::run(&listeners.tcp, &shared.stop, backoff, |stream, peer| {
        match shared.connections.admit(stream, peer) {
            Ok(connection) => workers.hand(connection),
            Err(_closed) => {
                shared.metrics.tcp.refused.add(1);
                refused.log(&shared.log, "TCP", "REFUSED", peer, "too many connections");
                Ok(())
            }
        }
    });
    refused.log_rest(&shared.log, "TCP", "REFUSED");
}

/// Echoes until the connection ends, and logs an end by an error.
fn echo(connection: &Connection, idle_timeout: Duration, traffic: &Traffic, log: &Log) {
    let _open = traffic.open();
    serve::log_connection(log, "TCP", "OPENED", connection.peer);
    if let Err(error) = echo_all(connection, idle_timeout, traffic, log) {
        serve::log_error(log, Level::Info, "TCP", &error, connection.peer);
    }
    serve::log_connection(log, "TCP", "CLOSED", connection.peer);
}

fn echo_all(connection: &Connection, idle_timeout: Duration, traffic: &Traffic, log: &Log) -> io::Result<()> {
    let stream = &connection.stream;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(idle_timeout))?;
    let patience = Patience { idle: idle_timeout, whole: None };
    let mut small = [MaybeUninit::uninit(); SMALL_BUFFER];
    let mut large: Vec<u8> = Vec::new();
    loop {
        let buffer = if large.capacity() == 0 { &mut small[..] } else { large.spare_capacity_mut() };
        let bytes = match socket::receive(stream, buffer) {
            Ok([]) => return Ok(()),
            Ok(bytes) => bytes,
            // Stopped and continued (signal(7)).
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Err(ErrorKind::TimedOut.into()),
            Err(error) => return Err(error),
        };
        traffic.received.add(bytes.len() as u64);
        write_all(stream, bytes, patience)?;
        traffic.sent.add(bytes.len() as u64);
        if log.prints(Level::Info) {
            let fields =
                [("bytes", Value::Count(bytes.len() as u64)), ("client", Value::Address(connection.peer))];
            log.line(Level::Info, "TCP", "ECHO", &fields);
        }
        match bytes.len() {
            SMALL_BUFFER => large.reserve_exact(LARGE_BUFFER),
            0..SMALL_BUFFER => large = Vec::new(),
            _ => {}
        }
    }
}
