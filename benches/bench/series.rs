//! What a server's answer to a datagram of a series costs it, beside that to any other of the same length.

use std::io;
use std::net::{Ipv4Addr, UdpSocket};
use std::time::Duration;

use smoker::series_protocol::{Id, LEN, Request};

use crate::process::{self, Cores};
use crate::report::{Table, micros};
use crate::server::{Protocol, Server, Subject};

/// Datagrams of a series, each from a port of its own.
const FLOWS: u16 = 16;
/// After this a datagram is lost, and the benchmark ends.
const PATIENCE: Duration = Duration::from_secs(10);
/// How many series of a kind before it is the other's turn.
const TURN: u32 = 50;

/// CPU time for one, over `series` of each kind.
pub(crate) fn cost(subject: &Subject, cores: Cores, series: u32, table: &mut Table) -> io::Result<()> {
    let server = subject.start_pinned(cores)?;
    let flows = (0..FLOWS).map(|_| flow(&server)).collect::<io::Result<Vec<_>>>()?;
    let (mut answered, mut echoed) = (Duration::ZERO, Duration::ZERO);
    for turn in 0..series / TURN {
        answered += send(&server, &flows, |at, flow| {
            Request::Probe(Id { nonce: 1, sequence: turn * TURN + at, flow }).encode()
        })?;
        echoed += send(&server, &flows, |_, _| [b'.'; LEN])?;
    }
    let one = |cpu| micros(cpu) / f64::from(series * u32::from(FLOWS));
    let value = format!("{:.2} µs (plain echo {:.2} µs)", one(answered), one(echoed));
    table.measured(&format!("server, CPU time for a datagram of a series, {series} series"), value);
    Ok(())
}

fn flow(server: &Server) -> io::Result<UdpSocket> {
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0))?;
    socket.connect(server.address(Protocol::Udp))?;
    socket.set_read_timeout(Some(PATIENCE))?;
    Ok(socket)
}

/// The server's CPU time for a turn of series, each answered before the next.
fn send(
    server: &Server,
    flows: &[UdpSocket],
    datagram: impl Fn(u32, u16) -> [u8; LEN],
) -> io::Result<Duration> {
    let before = process::cpu(server.pid())?;
    let mut answer = [0; LEN];
    for series in 0..TURN {
        for (flow, number) in flows.iter().zip(0..) {
            flow.send(&datagram(series, number))?;
        }
        for flow in flows {
            flow.recv(&mut answer)?;
        }
    }
    Ok(process::cpu(server.pid())?.saturating_sub(before))
}
