//! The wire under the client: `tcpdump` on the loopback device, and how far latencies are above what it saw.
//!
//! libpcap shows a loopback packet once, with the time at which the kernel delivers it.

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::load::Peer;
use crate::pcap::{self, Packet};
use crate::report::micros;
use crate::server::{Protocol, Server};

/// The headers of a packet: Ethernet's 14 bytes, and 60 each of IP and TCP with all the options there can be.
const KEPT_BYTES: &str = "134";
/// The kernel's buffer holds all packets of 2000 rounds: none is lost however long tcpdump is kept waiting.
const BUFFER_KIB: &str = "16384";
/// The kernel hands packets over once a second, and on a busy machine tcpdump comes later still. With its
/// `--immediate-mode` every packet would wake it, and a core that is awake answers sooner.
const PATIENCE: Duration = Duration::from_secs(10);

/// What is captured until this is dropped.
pub(crate) struct Capture {
    tcpdump: Child,
    file: PathBuf,
}

/// One exchange as it was on the wire.
struct Exchange {
    protocol: Protocol,
    client: u16,
    /// Its first packet.
    began: Duration,
    /// The last packet so far with bytes of the answer.
    answered: Option<Duration>,
}

impl Capture {
    /// Captures what goes to and from `server`, from now on. The error is why that is not possible here.
    pub(crate) fn start(server: &Server) -> io::Result<Self> {
        let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join("wire.pcap");
        let [tcp, udp, http] = Protocol::ALL.map(|protocol| server.port(protocol));
        let mut tcpdump = Command::new("tcpdump");
        tcpdump.args(["-i", "lo", "-s", KEPT_BYTES, "-B", BUFFER_KIB, "--time-stamp-precision=nano"]);
        // To stdout, because as root it opens a file as another user; and each packet at once when it has it.
        tcpdump.args(["-U", "-w", "-"]);
        tcpdump.arg(format!("ip and (tcp port {tcp} or udp port {udp} or tcp port {http})"));
        tcpdump.stdin(Stdio::null()).stdout(File::create(&file)?).stderr(Stdio::piped());
        let tcpdump = tcpdump.spawn().map_err(|_| io::Error::other("no tcpdump here"))?;
        let mut capture = Self { tcpdump, file };
        capture.wait_until_it_listens()?;
        Ok(capture)
    }

    fn wait_until_it_listens(&mut self) -> io::Result<()> {
        let stderr = self.tcpdump.stderr.take().ok_or(io::ErrorKind::BrokenPipe)?;
        let mut said = Vec::new();
        for line in BufReader::new(stderr).lines() {
            let line = line?;
            if line.contains("listening on ") {
                return Ok(());
            }
            said.push(line);
        }
        Err(io::Error::other(said.join(" ")))
    }

    /// By how many microseconds each of these latencies, of all the probes of `server` since the start,
    /// exceeds the time from the probe's first packet to the one that completes the answer.
    pub(crate) fn excess(
        self,
        reported: &[(Protocol, Duration)],
        server: &Server,
    ) -> io::Result<Vec<(Protocol, f64)>> {
        let exchanges = self.finish(server, reported.len())?;
        let excess = |((protocol, latency), exchange): (&(Protocol, Duration), &Exchange)| {
            let took = exchange.answered?.checked_sub(exchange.began)?;
            (exchange.protocol == *protocol).then(|| (*protocol, micros(*latency) - micros(took)))
        };
        let excess = reported.iter().zip(&exchanges).map(excess).collect::<Option<_>>();
        excess.ok_or_else(|| io::Error::other("other exchanges captured than reported"))
    }

    /// The first `count` exchanges with `server`, in the order of their first packets.
    fn finish(self, server: &Server, count: usize) -> io::Result<Vec<Exchange>> {
        // Packets keep their order on the way: once another exchange is in the file, these are whole.
        Peer::connect(Protocol::Udp, server.address(Protocol::Udp))?.exchange()?;
        let start = Instant::now();
        loop {
            let packets = pcap::packets(&fs::read(&self.file)?);
            let packets = packets.ok_or_else(|| io::Error::other("tcpdump writes an unknown format"))?;
            let mut exchanges = exchanges(&packets, server);
            let whole = exchanges.iter().filter(|exchange| exchange.answered.is_some()).count();
            if whole == count + 1 && exchanges.len() == count + 1 {
                exchanges.truncate(count);
                return Ok(exchanges);
            }
            if start.elapsed() > PATIENCE {
                let error = format!("{whole} exchanges were captured, of {}", count + 1);
                return Err(io::Error::other(error));
            }
            thread::sleep(Duration::from_millis(100));
        }
    }
}

impl Drop for Capture {
    fn drop(&mut self) {
        // It may have ended by itself, and then there is no process left to signal.
        let _ = self.tcpdump.kill();
        let _ = self.tcpdump.wait();
    }
}

/// Puts packets together. A prober has one exchange at a time, so an answer is to the latest of its port.
fn exchanges(packets: &[Packet], server: &Server) -> Vec<Exchange> {
    let mut exchanges: Vec<Exchange> = Vec::new();
    for packet in packets {
        let fits = |of: &Protocol, port| server.port(*of) == port && (*of == Protocol::Udp) == packet.udp;
        let at = |port| Protocol::ALL.into_iter().find(|of| fits(of, port));
        match (at(packet.destination), at(packet.source)) {
            (Some(protocol), _) if packet.opens => {
                let (client, began) = (packet.source, packet.seen);
                exchanges.push(Exchange { protocol, client, began, answered: None });
            }
            (None, Some(protocol)) if packet.payload > 0 => {
                let mut latest = exchanges.iter_mut().rev();
                let of = latest.find(|of| of.protocol == protocol && of.client == packet.destination);
                if let Some(exchange) = of {
                    exchange.answered = Some(packet.seen);
                }
            }
            _ => {}
        }
    }
    exchanges
}
