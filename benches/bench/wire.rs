//! A server that watches the wire for the answer of every probe, and the smallest prober beside it.
//!
//! It never sleeps, so it sees a connection or a datagram within microseconds of its arrival, and takes the time
//! again right before it sends the answer's last byte. What it saw lies within the time between the first packet and
//! the last byte on the wire: a latency minus that is at least what the prober added.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::thread;
use std::time::{Duration, Instant};

use crate::floor::HTTP_ANSWER;
use crate::load::Peer;
use crate::report::micros;
use crate::server::{Protocol, Server, Subject, announce, listen, listen_udp};

/// This server.
pub(crate) const STAMP: Subject = Subject::Role("stamp");

/// Serves until it is killed, and prints a line an exchange: protocol and nanoseconds. Those of 1000 rounds fit into
/// a pipe, so that nobody has to be awake to read them meanwhile.
pub(crate) fn run() -> io::Result<()> {
    let (tcp, udp, http) = (listen()?, listen_udp()?, listen()?);
    announce(tcp.local_addr()?, udp.local_addr()?, http.local_addr()?);
    tcp.set_nonblocking(true)?;
    udp.set_nonblocking(true)?;
    http.set_nonblocking(true)?;
    loop {
        answer_connection(&tcp, Protocol::Tcp, b"PING", b"PING")?;
        answer_datagram(&udp)?;
        answer_connection(&http, Protocol::Http, b"\r\n\r\n", HTTP_ANSWER)?;
    }
}

fn answer_connection(
    listener: &TcpListener,
    protocol: Protocol,
    end: &[u8],
    answer: &[u8],
) -> io::Result<()> {
    let Ok((mut stream, _)) = listener.accept() else { return Ok(()) };
    let first = Instant::now();
    stream.set_nonblocking(true)?;
    stream.set_nodelay(true)?;
    read_until(&mut stream, end)?;
    let last = Instant::now();
    stream.write_all(answer)?;
    report(protocol, last - first);
    Ok(())
}

fn read_until(stream: &mut TcpStream, end: &[u8]) -> io::Result<()> {
    let mut question = [0; 1024];
    let mut length = 0;
    while !question[..length].ends_with(end) {
        match stream.read(&mut question[length..]) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(read) => length += read,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

fn answer_datagram(udp: &UdpSocket) -> io::Result<()> {
    let mut buffer = [0; 64];
    let received: io::Result<(usize, SocketAddr)> = udp.recv_from(&mut buffer);
    let Ok((length, peer)) = received else { return Ok(()) };
    let first = Instant::now();
    let last = Instant::now();
    udp.send_to(&buffer[..length], peer)?;
    report(Protocol::Udp, last - first);
    Ok(())
}

fn report(protocol: Protocol, view: Duration) {
    println!("[{}] {}", protocol.name(), view.as_nanos());
}

/// The smallest prober: the same exchanges in the same rhythm, the clock read before the first packet and after the
/// last byte.
pub(crate) fn probe(
    server: &Server,
    rounds: u32,
    interval: Duration,
) -> io::Result<Vec<(Protocol, Duration)>> {
    let mut latencies = Vec::new();
    for _ in 0..rounds {
        for protocol in [Protocol::Tcp, Protocol::Udp, Protocol::Http] {
            let mut start = Instant::now();
            let mut peer = Peer::connect_barely(protocol, server.address(protocol))?;
            if protocol == Protocol::Udp {
                start = Instant::now();
            }
            peer.exchange()?;
            latencies.push((protocol, start.elapsed()));
        }
        thread::sleep(interval);
    }
    Ok(latencies)
}

/// By how many microseconds each latency exceeds what the server saw of the same exchange.
pub(crate) fn excess(
    latencies: &[(Protocol, Duration)],
    mut server: Server,
) -> io::Result<Vec<(Protocol, f64)>> {
    let views = server.read_lines(latencies.len())?;
    if views.len() != latencies.len() {
        return Err(io::Error::other(format!(
            "{} exchanges were seen and {} reported",
            views.len(),
            latencies.len()
        )));
    }
    let mut excess = Vec::new();
    for ((protocol, latency), line) in latencies.iter().zip(&views) {
        let nanos = line.rsplit(' ').next().and_then(|nanos| nanos.parse().ok()).map(Duration::from_nanos);
        let view = nanos.filter(|_| Protocol::in_line(line) == Some(*protocol));
        let view =
            view.ok_or_else(|| io::Error::other("exchanges were seen in another order than reported"))?;
        excess.push((*protocol, micros(*latency) - micros(view)));
    }
    Ok(excess)
}
