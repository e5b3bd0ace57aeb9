//! The accept loop, which no failed accept ends.

use std::io::{self, ErrorKind};
use std::net::{SocketAddr, TcpListener, TcpStream};

use super::backoff::Backoff;
use crate::stop::{Phase, Stop};
use crate::sys::address::unmapped;

/// Accepts connections and passes each to `serve` until the stop has begun and the listener was woken.
/// An error of `serve` means that the system ran out of something.
pub fn run(
    listener: &TcpListener,
    stop: &Stop,
    mut backoff: Backoff,
    mut serve: impl FnMut(TcpStream, SocketAddr) -> io::Result<()>,
) {
    while !stop.has_reached(Phase::Stopping) {
        let served = listener.accept().and_then(|(stream, peer)| serve(stream, unmapped(peer)));
        match served {
            Ok(()) => backoff.reset(),
            Err(_) if stop.has_reached(Phase::Stopping) => return,
            // The peer has closed before it was accepted (accept(2)).
            Err(error) if matches!(error.kind(), ErrorKind::ConnectionAborted | ErrorKind::Interrupted) => {}
            Err(error) => backoff.wait(&error, stop),
        }
    }
}
