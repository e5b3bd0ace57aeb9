//! For the tests alone: both ends of a connection, and a log without a reader.

use std::fs::File;
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use super::connections::{Admitted, Connections};
use crate::log::{Form, Level, Log, Output, Speaker};

/// The client's and the server's end of a connection.
pub(crate) fn pair() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    (client, listener.accept().unwrap().0)
}

/// The same, with the server's end admitted.
pub(crate) fn admitted(connections: &Arc<Connections>) -> (TcpStream, Admitted) {
    let (client, stream) = pair();
    let peer = client.local_addr().unwrap();
    (client, connections.admit(stream, peer).ok().unwrap())
}

/// A server's log of every level, to /dev/null.
pub(crate) fn silent_log() -> Log {
    let nowhere = File::options().write(true).open("/dev/null").unwrap();
    Log::new(Speaker::Server, Level::Debug, Form::Text, Output::file(nowhere, Duration::ZERO))
}
