//! The client: what a round of three probes costs, and how far its latencies are above the wire's.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::load::Peer;
use crate::process::{self, Cores};
use crate::report::{Table, judged, median, millis};
use crate::server::{Protocol, Server, Subject, announced_port, smoker};
use crate::wire::Capture;

/// Rounds follow each other this fast: a prober that sleeps in between, as in life, only not as long.
const INTERVAL: Duration = Duration::from_millis(5);
/// Under strace everything is slower, and no round may overrun.
const TRACED_INTERVAL: Duration = Duration::from_millis(30);

/// How often it is looked at, and how many looks are a second.
const LOOK: Duration = Duration::from_millis(20);
const LOOKS_A_SECOND: u32 = 50;
/// After this an exporter that has not said where it listens is taken to be broken.
const PATIENCE: Duration = Duration::from_secs(10);

/// A client that runs by itself, with its log in a file: a pipe would wake a reader in the middle of a round.
pub(crate) struct Client {
    child: Child,
    log: PathBuf,
}

/// What a client had used when it was looked at for the last time.
#[derive(Default)]
pub(crate) struct Used {
    pub(crate) cpu: Duration,
    pub(crate) peak_kib: u64,
    pub(crate) resident_kib: f64,
}

impl Client {
    pub(crate) fn start(mut command: Command) -> io::Result<Self> {
        let log = Path::new(env!("CARGO_TARGET_TMPDIR")).join("client.log");
        let child = command.stdin(Stdio::null()).stdout(File::create(&log)?).spawn()?;
        Ok(Self { child, log })
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The port of its exporter, once that listens.
    pub(crate) fn exporter(&self) -> io::Result<u16> {
        let start = Instant::now();
        while start.elapsed() < PATIENCE {
            let log = self.log()?;
            // A line that is still being written has no end yet.
            let (lines, _) = log.rsplit_once('\n').unwrap_or_default();
            if let Some(port) = lines.lines().find_map(announced_port) {
                return Ok(port);
            }
            thread::sleep(LOOK);
        }
        Err(io::Error::other("the client does not say where its exporter listens"))
    }

    /// Looks at it until it has ended, because the kernel forgets everything at that moment, and does
    /// `each_second` what is to be done meanwhile.
    pub(crate) fn watch(&mut self, each_second: impl Fn()) -> io::Result<Used> {
        let mut used = Used::default();
        let mut looks = 0;
        while self.child.try_wait()?.is_none() {
            let pid = self.pid();
            used.peak_kib = process::peak_kib(pid).map_or(used.peak_kib, |now| now.max(used.peak_kib));
            used.cpu = process::cpu(pid).map_or(used.cpu, |now| now.max(used.cpu));
            used.resident_kib = process::resident_kib(pid).unwrap_or(used.resident_kib);
            thread::sleep(LOOK);
            looks += 1;
            if looks % LOOKS_A_SECOND == 0 {
                each_second();
            }
        }
        Ok(used)
    }

    /// What it has said so far.
    pub(crate) fn log(&self) -> io::Result<String> {
        fs::read_to_string(&self.log)
    }

    /// Its log, once it has ended with every probe a success. That it was starved at times, which makes its
    /// exit status one, is no error here.
    fn finish(mut self) -> io::Result<String> {
        let status = self.child.wait()?;
        let log = self.log()?;
        if matches!(status.code(), Some(0 | 1)) && !log.contains(" FAILED ") {
            Ok(log)
        } else {
            Err(io::Error::other(format!("the client ended with {status}, see {}", self.log.display())))
        }
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        // Most have ended by themselves: there is no process left to signal.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// For a row: how many verdicts in a log were other than healthy, where there are any. On a busy machine a
/// prober is starved now and then, and says so.
pub(crate) fn unwell(log: &str) -> String {
    let verdicts = log.lines().filter(|line| line.contains(" [VERDICT] "));
    match verdicts.filter(|line| !line.contains(" [VERDICT] healthy")).count() {
        0 => String::new(),
        count => format!(", {count} verdicts of disturbances"),
    }
}

/// Has `command`, which runs a client, make rounds of three probes and nothing else.
fn three_probes(mut command: Command, server: &Server, rounds: u32, interval: Duration) -> Command {
    server.aim(&mut command);
    command.args(["--count", &rounds.to_string(), "--interval", &format!("{}ms", interval.as_millis())]);
    command.args(["--udp-flows", "0", "--mtu-interval", "0", "--log-level", "info"]);
    command
}

/// CPU time and peak memory over `rounds`.
pub(crate) fn cost(binary: &Path, cores: Cores, rounds: u32, table: &mut Table) -> io::Result<()> {
    let server = Subject::Smoker(binary.into()).start_pinned(cores)?;
    let mut client = Client::start(three_probes(smoker(binary, "client"), &server, rounds, INTERVAL))?;
    let used = client.watch(|| ())?;
    let unwell = unwell(&client.finish()?);
    let round = millis(used.cpu) / f64::from(rounds);
    table.result(
        &format!("client, CPU time of a round of three probes, {rounds} rounds"),
        format!("{round:.3} ms{unwell}"),
        "≤ 0.5 ms",
        round <= 0.5,
    );
    let (name, peak) = ("client, peak resident with three probes", used.peak_kib);
    table.result(name, format!("{peak} KiB"), "≤ 1.2 MiB", peak <= 1229);
    Ok(())
}

/// System calls a round, by strace: what `rounds` more of them add, so that the start does not count.
pub(crate) fn system_calls(binary: &Path, cores: Cores, rounds: u32, table: &mut Table) -> io::Result<()> {
    let name = "client, system calls of a round of three probes";
    if Command::new("strace").arg("-V").stdout(Stdio::null()).status().is_err() {
        table.not_measured(name, "no strace here");
        return Ok(());
    }
    let server = Subject::Smoker(binary.into()).start_pinned(cores)?;
    let one = count_calls(binary, &server, 1)?;
    let all = count_calls(binary, &server, 1 + rounds)?;
    let round = f64::from(all - one) / f64::from(rounds);
    table.result(name, format!("{round:.1}"), "≤ 40", round <= 40.0);
    Ok(())
}

fn count_calls(binary: &Path, server: &Server, rounds: u32) -> io::Result<u32> {
    let counts = Path::new(env!("CARGO_TARGET_TMPDIR")).join("strace");
    let client = smoker(binary, "client");
    let mut strace = Command::new("strace");
    strace.args(["-f", "-c", "-o"]).arg(&counts).arg(client.get_program()).args(client.get_args());
    Client::start(three_probes(strace, server, rounds, TRACED_INTERVAL))?.finish()?;
    // "100.00  0.001  3  321  12 total": the fourth column is the number of calls.
    let counts = fs::read_to_string(counts)?;
    let total = counts.lines().find(|line| line.ends_with("total"));
    let calls = total.and_then(|line| line.split_whitespace().nth(3)?.parse().ok());
    calls.ok_or_else(|| io::Error::other("strace printed no total"))
}

/// Latencies beside the time that the same probes took on the wire: Smoker's, and the smallest prober's.
///
/// Once with the server on the client's own core, which is what the prober itself adds, and once on another,
/// where the client's core falls asleep meanwhile and its waking is in the latency.
pub(crate) fn honesty(binary: &Path, cores: Cores, rounds: u32, table: &mut Table) -> io::Result<()> {
    let smoker = Subject::Smoker(binary.into());
    honesty_against(&smoker.start()?, "one core", binary, rounds, table)?;
    honesty_against(&smoker.start_pinned(cores)?, "two cores", binary, rounds, table)
}

fn honesty_against(
    server: &Server,
    on: &str,
    binary: &Path,
    rounds: u32,
    table: &mut Table,
) -> io::Result<()> {
    let name = &format!("client, latency above the wire's, {on}");
    let capture = match Capture::start(server) {
        Ok(capture) => capture,
        Err(why) => {
            table.not_measured(name, &why.to_string());
            return Ok(());
        }
    };
    let log = Client::start(three_probes(smoker(binary, "client"), server, rounds, INTERVAL))?.finish()?;
    let mut latencies = reported(&log);
    let ours = latencies.len();
    latencies.extend(probe(server, rounds)?);
    match capture.excess(&latencies, server) {
        Ok(excess) => judge(on, &excess[..ours], &excess[ours..], table),
        Err(why) => table.not_measured(name, &why.to_string()),
    }
    Ok(())
}

/// The smallest prober: the same exchanges in the same rhythm, the clock read before the first packet and
/// after the last byte.
fn probe(server: &Server, rounds: u32) -> io::Result<Vec<(Protocol, Duration)>> {
    let mut latencies = Vec::new();
    for _ in 0..rounds {
        for protocol in Protocol::ALL {
            let mut start = Instant::now();
            let mut peer = Peer::connect(protocol, server.address(protocol))?;
            if protocol == Protocol::Udp {
                start = Instant::now();
            }
            peer.exchange()?;
            latencies.push((protocol, start.elapsed()));
        }
        thread::sleep(INTERVAL);
    }
    Ok(latencies)
}

fn judge(on: &str, ours: &[(Protocol, f64)], smallest: &[(Protocol, f64)], table: &mut Table) {
    for (protocol, limit) in [(Protocol::Tcp, 130.0), (Protocol::Udp, 30.0), (Protocol::Http, 40.0)] {
        let of = |excess: &[(Protocol, f64)]| {
            median(excess.iter().filter(|(of, _)| *of == protocol).map(|(_, us)| *us))
        };
        let (ours, smallest) = (of(ours), of(smallest));
        // How long a sleeping core takes to wake is in both, and no prober that sleeps can change that.
        let excuse = if ours.min(smallest) > limit { ", by the smallest prober too" } else { "" };
        table.row(vec![
            format!("client, {} latency above the wire's, {on}", protocol.name()),
            format!("{ours:.1} µs (smallest prober {smallest:.1} µs)"),
            judged(&format!("≤ {limit} µs"), ours <= limit) + excuse,
        ]);
    }
}

/// What a client's log reports: `[TCP] SUCCESS latency=0.412ms`.
fn reported(log: &str) -> Vec<(Protocol, Duration)> {
    let latency =
        |line: &str| -> Option<f64> { line.split_once("latency=")?.1.split_once("ms")?.0.parse().ok() };
    let probe = |line| Some((Protocol::in_line(line)?, Duration::from_secs_f64(latency(line)? / 1e3)));
    log.lines().filter_map(probe).collect()
}
