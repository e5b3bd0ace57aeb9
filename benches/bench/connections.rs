//! Connections in numbers: how fast the first is answered, bursts of them, and what idle ones weigh.

use std::io;
use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

use crate::load::Peer;
use crate::process::{self, Cores};
use crate::report::{Table, median, millis};
use crate::server::{Protocol, Server, Subject};

/// How many clients knock at once.
const BURST: usize = 1000;
/// A lost SYN is sent again after a second: a client that waited that long was refused at first.
const BURST_LIMIT: Duration = Duration::from_secs(1);
/// More idle connections than a busy echo server would have, and as many as its memory limit is made for.
const IDLE: [usize; 2] = [1000, 5000];
/// The descriptors that this process needs for them, with a few to spare.
pub(crate) const DESCRIPTORS: usize = IDLE[1] + 100;
/// A number of threads that stays for this long is final: longer than any waits for another connection.
const SETTLED: Duration = Duration::from_millis(1500);

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
            floor = floor.max(burst(&Subject::Floor.start_pinned(cores)?, protocol)?);
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
        let answered = Peer::connect(protocol, server.address(protocol)).and_then(|mut peer| {
            peer.exchange()?;
            Ok((start.elapsed(), peer))
        });
        exit.wait();
        answered.map(|(took, _)| took)
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

/// Memory and threads with no connection, with many that are idle after one exchange, and after them.
pub(crate) fn idle(subject: &Subject, table: &mut Table) -> io::Result<()> {
    let server = subject.start()?;
    for protocol in Protocol::ALL {
        Peer::connect(protocol, server.address(protocol))?.exchange()?;
    }
    let threads = settled_threads(&server)?;
    let resident = process::resident_kib(server.pid())?;
    let label = format!("resident with no connection, {threads} threads");
    table.result(&label, format!("{resident} KiB"), "≤ 700 KiB", resident <= 700.0);
    for protocol in [Protocol::Tcp, Protocol::Http] {
        hold(&server, protocol, table)?;
    }
    Ok(())
}

fn hold(server: &Server, protocol: Protocol, table: &mut Table) -> io::Result<()> {
    let name = protocol.name();
    let empty = process::resident_kib(server.pid())?;
    let mut peers = Vec::new();
    for count in IDLE {
        while peers.len() < count {
            let mut peer = Peer::connect(protocol, server.address(protocol))?;
            peer.exchange()?;
            peers.push(peer);
        }
        let full = process::resident_kib(server.pid())?;
        let each = (full - empty) / f64::from(u32::try_from(count).unwrap_or(u32::MAX));
        let threads = process::threads(server.pid())?;
        let label = format!("resident with {count} idle {name} connections, {threads} threads");
        let value = format!("{:.1} MiB, {each:.1} KiB for each", full / 1024.0);
        table.result(&label, value, "≤ 56 MiB, ≤ 10 KiB", full <= 56.0 * 1024.0 && each <= 10.0);
    }
    drop(peers);
    let threads = settled_threads(server)?;
    let after = process::resident_kib(server.pid())?;
    let label = format!("resident after {name} connections, {threads} threads");
    table.result(&label, format!("{after} KiB"), "given back (≤ 1 MiB)", after <= 1024.0);
    Ok(())
}

/// The number of threads once it stays the same: some wait for another connection when theirs is over.
fn settled_threads(server: &Server) -> io::Result<u64> {
    let mut threads = process::threads(server.pid())?;
    let (start, mut since) = (Instant::now(), Instant::now());
    while since.elapsed() < SETTLED && start.elapsed() < 10 * SETTLED {
        thread::sleep(Duration::from_millis(20));
        let now = process::threads(server.pid())?;
        if now != threads {
            (threads, since) = (now, Instant::now());
        }
    }
    Ok(threads)
}
