//! A client's own `/metrics`: how soon it is answered while the client makes its rounds.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use crate::client::Client;
use crate::cluster::Cluster;
use crate::process::Cores;
use crate::report::{Table, millis, percentile};
use crate::server::smoker;

const QUESTION: &[u8] = b"GET /metrics HTTP/1.1\r\nHost: smoker-client:9090\r\n\r\n";
/// After this the exporter is taken to be broken, and the benchmark ends.
const PATIENCE: Duration = Duration::from_secs(10);
/// So far apart, scrapes meet all parts of a round.
const PAUSE: Duration = Duration::from_millis(5);

/// A Prometheus.
pub(crate) struct Scraper {
    stream: TcpStream,
    page: Vec<u8>,
}

impl Scraper {
    pub(crate) fn connect(port: u16) -> io::Result<Self> {
        let stream = TcpStream::connect(SocketAddr::from((Ipv4Addr::LOCALHOST, port)))?;
        stream.set_read_timeout(Some(PATIENCE))?;
        Ok(Self { stream, page: vec![0; 256 * 1024] })
    }

    /// Reads the whole page: how many bytes it has.
    pub(crate) fn scrape(&mut self) -> io::Result<usize> {
        self.stream.write_all(QUESTION)?;
        let mut length = 0;
        loop {
            match self.stream.read(&mut self.page[length..])? {
                0 => return Err(io::Error::other("/metrics ended in the middle, or is too long")),
                read => length += read,
            }
            let text = String::from_utf8_lossy(&self.page[..length]);
            if let Some((head, content)) = text.split_once("\r\n\r\n") {
                let promised = head.lines().find_map(|line| line.strip_prefix("Content-Length: "));
                if !head.starts_with("HTTP/1.1 200 ") || promised.is_none() {
                    return Err(io::Error::other(format!("/metrics says {head}")));
                }
                if promised.and_then(|length| length.parse().ok()) == Some(content.len()) {
                    return Ok(content.len());
                }
            }
        }
    }
}

/// The times of `scrapes` over one connection, and of as many over a new one each.
pub(crate) fn latency(
    binary: &Path,
    cores: Cores,
    cluster: &Cluster,
    scrapes: u32,
    table: &mut Table,
) -> io::Result<()> {
    let mut command = smoker(binary, "client");
    cluster.aim(&mut command);
    command.envs([("LOG_LEVEL", "info"), ("CLIENT_PORT", "0"), ("TEST_INTERVAL", "500ms")]);
    let client = Client::start(command)?;
    cores.pin_server(client.pid());
    let port = client.exporter()?;
    let mut lasting = Scraper::connect(port)?;
    let length = lasting.scrape()?;
    let mut judge = |over: &str, scrape: &mut dyn FnMut() -> io::Result<usize>| -> io::Result<()> {
        let mut times = Vec::new();
        for _ in 0..scrapes {
            let start = Instant::now();
            scrape()?;
            times.push(millis(start.elapsed()));
            thread::sleep(PAUSE);
        }
        let [median, p99] = [50, 99].map(|percent| percentile(&times, percent));
        let name = format!("client, /metrics over {over}, {scrapes} scrapes");
        let value = format!("{median:.3} ms, p99 {p99:.3} ms, {} KiB", length / 1024);
        table.result(&name, value, "median < 1 ms", median < 1.0);
        Ok(())
    };
    judge("one connection", &mut || lasting.scrape())?;
    judge("a new connection each", &mut || Scraper::connect(port)?.scrape())
}
