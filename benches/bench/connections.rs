//! Connections in numbers: how fast the first is answered, bursts of them, and what idle ones weigh.

use std::io;
use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

use crate::load::Peer;
use crate::process::{self, Cores};
use crate::report::{Table, median, millis};
use crate::server::{FLOOR, Protocol, Server, Subject};

/// How many clients knock at once.
const BURST: usize = 1000;
/// A lost SYN is sent again after a second: whoever waited that long was turned away at first.
const BURST_LIMIT: Duration = Duration::from_secs(1);
/// More idle connections than a busy echo server would have, and as many as its memory limit is made for.
const IDLE: [usize; 2] = [1000, 5000];
/// Descriptors that this process has besides.
const SPARE: usize = 100;
/// Longer than any thread should stay after its connection.
const LINGER: Duration = Duration::from_secs(10);

/// The time from the start of the process to the first echo, with the reading of the port that was announced.
pub(crate) fn first_echo(subject: &Subject, starts: u32, table: &mut Table) -> io::Result<()> {
    let mut times = Vec::new();
    for _ in 0..starts {
        let start = Instant::now();
        let server = subject.start()?;
        Peer::connect(Protocol::Tcp, server.address(Protocol::Tcp))?.exchange()?;
        times.push(millis(start.elapsed()));
    }
    let median = median(times.into_iter());
    table.result(
        "first echo after the start of the process",
        format!("{median:.2} ms"),
        "≤ 2 ms",
        median <= 2.0,
    );
    Ok(())
}

/// The slowest of a thousand clients that come at once, Smoker's beside the floor's.
pub(crate) fn bursts(subject: &Subject, cores: Cores, bursts: u32, table: &mut Table) -> io::Result<()> {
    for protocol in [Protocol::Tcp, Protocol::Http] {
        let (mut ours, mut floor) = (Duration::ZERO, Duration::ZERO);
        for _ in 0..bursts {
            ours = ours.max(burst(&subject.start_pinned(cores)?, protocol)?);
            floor = floor.max(burst(&FLOOR.start_pinned(cores)?, protocol)?);
        }
        let name =
            format!("slowest of {BURST} simultaneous new {} clients, {bursts} bursts", protocol.name());
        let value = format!("{:.0} ms (floor {:.0} ms)", millis(ours), millis(floor));
        table.result(&name, value, "< 1000 ms", ours < BURST_LIMIT);
    }
    Ok(())
}

/// All stay until the last is served.
fn burst(server: &Server, protocol: Protocol) -> io::Result<Duration> {
    let (gate, exit) = (Barrier::new(BURST), Barrier::new(BURST));
    let client = || {
        gate.wait();
        let start = Instant::now();
        let served = Peer::connect(protocol, server.address(protocol)).and_then(|mut peer| {
            peer.exchange()?;
            Ok((start.elapsed(), peer))
        });
        exit.wait();
        served.map(|(took, _)| took)
    };
    thread::scope(|scope| {
        let spawn = |_| thread::Builder::new().stack_size(64 * 1024).spawn_scoped(scope, client);
        let clients = (0..BURST).map(spawn).collect::<io::Result<Vec<_>>>()?;
        let mut slowest = Duration::ZERO;
        for client in clients {
            slowest = slowest.max(client.join().map_err(|_| io::Error::other("a client panicked"))??);
        }
        Ok(slowest)
    })
}

/// Memory and threads with no connection, with many that are idle after one exchange, and after they have gone.
pub(crate) fn idle(
    subject: &Subject,
    protocol: Protocol,
    descriptors: usize,
    table: &mut Table,
) -> io::Result<()> {
    let name = protocol.name();
    let server = subject.start()?;
    let threads = process::threads(server.pid())?;
    for protocol in Protocol::ALL {
        Peer::connect(protocol, server.address(protocol))?.exchange()?;
    }
    wait_for_threads(&server, threads)?;
    let empty = resident_kib(&server)?;
    let label = format!("resident, no connection, {threads} threads");
    table.result(&label, format!("{empty} KiB"), "≤ 700 KiB", empty <= 700.0);

    let mut peers = Vec::new();
    for count in IDLE {
        if count + SPARE > descriptors {
            table.not_measured(&format!("resident, {count} idle {name} connections"), "too few descriptors");
            continue;
        }
        while peers.len() < count {
            let mut peer = Peer::connect(protocol, server.address(protocol))?;
            peer.exchange()?;
            peers.push(peer);
        }
        let full = resident_kib(&server)?;
        let each = (full - empty) / f64::from(u32::try_from(count).unwrap_or(u32::MAX));
        let label =
            format!("resident, {count} idle {name} connections, {} threads", process::threads(server.pid())?);
        let value = format!("{:.1} MiB, {each:.1} KiB a connection", full / 1024.0);
        table.result(&label, value, "≤ 56 MiB, ≤ 10 KiB", full <= 56.0 * 1024.0 && each <= 10.0);
    }
    drop(peers);
    wait_for_threads(&server, threads)?;
    let after = resident_kib(&server)?;
    let label = format!("resident, after they have gone, {} threads", process::threads(server.pid())?);
    table.result(&label, format!("{after} KiB"), "given back: ≤ 1 MiB", after <= 1024.0);
    Ok(())
}

/// Waits until `server` has as few threads as at the start, or for [`LINGER`].
fn wait_for_threads(server: &Server, threads: u64) -> io::Result<()> {
    let start = Instant::now();
    while process::threads(server.pid())? > threads && start.elapsed() < LINGER {
        thread::sleep(Duration::from_millis(5));
    }
    Ok(())
}

fn resident_kib(server: &Server) -> io::Result<f64> {
    process::resident_kib(server.pid())
}
