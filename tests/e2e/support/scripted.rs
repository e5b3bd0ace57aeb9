//! Servers that do to a client what a test says, each in threads of its own on a free loopback port.

use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use crate::support::running::PATIENCE;

/// A TCP server that hands each connection to `serve`, in a thread of its own. It lasts as long as the tests.
pub(crate) fn tcp(serve: impl Fn(TcpStream) + Send + Sync + 'static) -> SocketAddr {
    serve_tcp(TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap(), serve)
}

/// The same on a listener that is there already.
pub(crate) fn serve_tcp(
    listener: TcpListener,
    serve: impl Fn(TcpStream) + Send + Sync + 'static,
) -> SocketAddr {
    let address = listener.local_addr().unwrap();
    let serve = Arc::new(serve);
    thread::spawn(move || {
        for stream in listener.incoming() {
            let (stream, serve) = (stream.unwrap(), Arc::clone(&serve));
            stream.set_read_timeout(Some(PATIENCE)).unwrap();
            thread::spawn(move || serve(stream));
        }
    });
    address
}

/// A UDP server that calls `answer` for each datagram.
pub(crate) fn udp(mut answer: impl FnMut(&UdpSocket, &[u8], SocketAddr) + Send + 'static) -> SocketAddr {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = socket.local_addr().unwrap();
    thread::spawn(move || {
        let mut buffer = [0; 2048];
        loop {
            // An error is the ICMP answer to an answer that came too late for its client.
            if let Ok((len, client)) = socket.recv_from(&mut buffer) {
                answer(&socket, &buffer[..len], client);
            }
        }
    });
    address
}

/// A server over HTTP that answers each request's head with `reply` and closes.
pub(crate) fn http(reply: impl AsRef<[u8]> + Send + Sync + 'static) -> SocketAddr {
    tcp(move |mut stream| {
        read_head(&mut stream);
        let _ = stream.write_all(reply.as_ref());
    })
}

/// The answer of a Smoker to `GET /`.
pub(crate) const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOK";

/// Reads up to the empty line.
pub(crate) fn read_head(stream: &mut TcpStream) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        if stream.read(&mut byte).unwrap_or(0) == 0 {
            break;
        }
        head.extend(byte);
    }
    String::from_utf8(head).unwrap()
}

/// Reads the four bytes of a `PING`.
pub(crate) fn read_ping(stream: &mut TcpStream) {
    let mut ping = [0; 4];
    stream.read_exact(&mut ping).unwrap();
    assert_eq!(&ping, b"PING");
}

/// Waits until the peer has closed, or for `time`; gives whether it has closed.
pub(crate) fn closes_within(stream: &mut TcpStream, time: Duration) -> bool {
    stream.set_read_timeout(Some(time)).unwrap();
    match stream.read(&mut [0; 512]) {
        Ok(read) => read == 0,
        Err(error) => !matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut),
    }
}

/// Waits until the peer closes.
pub(crate) fn hold(mut stream: TcpStream) {
    while !closes_within(&mut stream, PATIENCE) {}
}

/// Sends `bytes` one at a time, a pause before each, until the peer has closed.
pub(crate) fn trickle(stream: &mut TcpStream, bytes: impl IntoIterator<Item = u8>, pause: Duration) {
    for byte in bytes {
        if closes_within(stream, pause) || stream.write_all(&[byte]).is_err() {
            return;
        }
    }
}

/// Resets the connection, as Linux does when it is closed with unread bytes (RFC 2525, 2.17).
pub(crate) fn reset(stream: TcpStream) {
    assert_eq!(stream.peek(&mut [0]).unwrap(), 1);
    drop(stream);
}

/// A server that accepts and says nothing, and when each connection came.
pub(crate) fn silent() -> (SocketAddr, Receiver<Instant>) {
    let (sender, accepted) = channel();
    let address = tcp(move |stream| {
        let _ = sender.send(Instant::now());
        hold(stream);
    });
    (address, accepted)
}

/// Ports without a listener, now and later: they are held on 127.0.0.1 and probed on 127.0.0.2.
pub(crate) struct Refused {
    pub(crate) tcp: SocketAddr,
    pub(crate) udp: SocketAddr,
    _held: (TcpListener, UdpSocket),
}

impl Refused {
    pub(crate) fn ports() -> Self {
        let tcp = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let udp = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let elsewhere = |address: SocketAddr| SocketAddr::from(([127, 0, 0, 2], address.port()));
        Self {
            tcp: elsewhere(tcp.local_addr().unwrap()),
            udp: elsewhere(udp.local_addr().unwrap()),
            _held: (tcp, udp),
        }
    }
}
