//! The echo server: its three listeners, their start and their stop.

mod http;
mod metrics;
pub mod settings;
mod tcp;
mod udp;

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Barrier};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crate::log::{Level, Log, Value};
use crate::serve::bind::bind;
use crate::serve::connections::Connections;
use crate::stop::{Phase, Stop};
use crate::sys;
use crate::sys::datagram::DatagramSocket;
use crate::sys::signal::StopSignals;
use crate::time::Deadline;
use crate::web::{self, BodyBudget};
use metrics::Metrics;

pub use metrics::METRICS;

/// Connections that may wait to be accepted. With std's 128 a burst of 1000 clients lost SYNs, and each
/// lost one waits a second.
const BACKLOG: i32 = 4096;

/// The socket buffers of a connection, each way. Left to itself the kernel was seen to hold 4.4 MiB for a
/// peer that sends and never reads; so it is 231 KiB. With half of this, a body of 1 MiB took half a second
/// over loopback, whose packets are larger than the window then is.
const SOCKET_BUFFER: i32 = 64 * 1024;

/// HTTP connections past the limit that are still answered: a kubelet's probes, and a few clients that should
/// get a reason for the refusal.
pub const RESERVE: usize = 16;

/// How long one of those may be idle, and its head take, and the reading after a refusal: less than a second
/// in all, because a place that it holds is one that a liveness probe may need.
pub const RESERVE_TIMEOUT: Duration = Duration::from_millis(250);

/// Descriptors beside the connections: standard streams, listeners, and a few to spare.
const OTHER_DESCRIPTORS: usize = 16;

/// How often a stop looks for connections that have become idle, and for the end of the last.
const STOP_POLL: Duration = Duration::from_millis(2);

/// How long the wait for a signal takes before it begins anew: any long time.
const SIGNAL_WAIT: Duration = Duration::from_hours(24);

/// A running server.
pub struct Server {
    /// Where it listens.
    pub addresses: Addresses,
    shared: Arc<Shared>,
    listeners: Arc<Listeners>,
    loops: Vec<JoinHandle<()>>,
}

/// The addresses of the listeners, with the ports that the system chose where 0 was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Addresses {
    /// Of the TCP echo.
    pub tcp: SocketAddr,
    /// Of the UDP echo.
    pub udp: SocketAddr,
    /// Of the HTTP responder.
    pub http: SocketAddr,
}

/// What the three loops share, apart from the listeners, which close when the last loop has ended.
struct Shared {
    config: settings::Server,
    instance: u64,
    log: Log,
    stop: Arc<Stop>,
    connections: Arc<Connections>,
    reserve: Arc<Connections>,
    bodies: Arc<BodyBudget>,
    metrics: Arc<Metrics>,
}

struct Listeners {
    tcp: TcpListener,
    udp: DatagramSocket,
    http: TcpListener,
}

/// Serves one listener until the stop.
type Loop = fn(&Shared, &Listeners);

const LOOPS: [Loop; 3] = [tcp::run, udp::run, http::run];

/// Serves until a signal arrives, and then stops. An error names what could not be done.
pub fn run(config: settings::Server, log: &Log, signals: &StopSignals) -> Result<(), String> {
    let server = start(config, log)?;
    while !signals.wait(SIGNAL_WAIT) {}
    server.stop(signals);
    Ok(())
}

/// Binds the three listeners, has a thread for each, logs their addresses, and only then serves: early
/// connections cannot take the threads that the listeners need.
pub fn start(config: settings::Server, log: &Log) -> Result<Server, String> {
    raise_descriptor_limit(&config, log);
    let listeners = Arc::new(Listeners::bind(&config)?);
    let addresses = listeners.addresses().map_err(sys::cannot("read the listeners' addresses"))?;
    let shared = Arc::new(Shared {
        connections: Connections::new(config.max_connections),
        reserve: Connections::new(RESERVE),
        stop: Arc::default(),
        bodies: Arc::default(),
        instance: web::instance(),
        metrics: Arc::default(),
        log: log.clone(),
        config,
    });
    let start = Arc::new(Barrier::new(LOOPS.len() + 1));
    let mut loops = Vec::new();
    for run in LOOPS {
        let spawned = spawn(run, &shared, &listeners, &start);
        loops.push(spawned.map_err(sys::cannot("start a thread"))?);
    }
    for (kind, address) in [("TCP", addresses.tcp), ("UDP", addresses.udp), ("HTTP", addresses.http)] {
        log.line(Level::Error, kind, "LISTENING", &[("address", Value::Address(address))]);
    }
    start.wait();
    Ok(Server { addresses, shared, listeners, loops })
}

/// A thread for `run`, which begins when all threads have reached `start`.
fn spawn(
    run: Loop,
    shared: &Arc<Shared>,
    listeners: &Arc<Listeners>,
    start: &Arc<Barrier>,
) -> io::Result<JoinHandle<()>> {
    let (shared, listeners, start) = (Arc::clone(shared), Arc::clone(listeners), Arc::clone(start));
    thread::Builder::new().spawn(move || {
        start.wait();
        run(&shared, &listeners);
    })
}

impl Server {
    /// Stops: `/health` reports it for the drain delay, the listeners close, idle connections are closed, and
    /// current requests end or are aborted. A signal skips the waiting.
    pub fn stop(self, signals: &StopSignals) {
        let Shared { config, log, stop, connections, reserve, .. } = &*self.shared;
        if !config.drain_delay.is_zero() {
            log.line(Level::Info, "STOP", "DRAINING", &[("delay", Value::Milliseconds(config.drain_delay))]);
        }
        stop.advance(Phase::Draining);
        let hurried = signals.wait(config.drain_delay);
        stop.advance(Phase::Stopping);
        self.listeners.wake();
        for run in self.loops {
            // A loop that panicked has printed so; the others still have to end.
            let _ = run.join();
        }
        drop(self.listeners);
        let deadline = Deadline::after(if hurried { Duration::ZERO } else { config.shutdown_timeout });
        loop {
            // Repeatedly: those that were busy become idle.
            connections.close_idle();
            reserve.close_idle();
            let Ok(left) = deadline.left() else { break };
            if connections.open() + reserve.open() == 0 || signals.wait(left.min(STOP_POLL)) {
                break;
            }
        }
        let cut = (connections.open() + reserve.open()) as u64;
        connections.close_all();
        reserve.close_all();
        log.line(Level::Info, "STOP", "STOPPED", &[("cut", Value::Count(cut))]);
    }
}

/// Each connection needs a descriptor. Too few of them are no reason not to start: the accept loops wait.
fn raise_descriptor_limit(config: &settings::Server, log: &Log) {
    let needed = config.max_connections + RESERVE + OTHER_DESCRIPTORS;
    let Ok(limit) = sys::limits::raise_descriptor_limit() else { return };
    if limit < needed as u64 {
        let detail = "fewer descriptors than MAX_CONNECTIONS needs (ulimit -n)";
        let fields = [
            ("limit", Value::Count(limit)),
            ("needed", Value::Count(needed as u64)),
            ("detail", Value::Text(detail)),
        ];
        log.line(Level::Warn, "LIMITS", "DESCRIPTORS", &fields);
    }
}

impl Listeners {
    fn bind(config: &settings::Server) -> Result<Self, String> {
        let ports = config.ports;
        Ok(Self {
            tcp: bind("TCP", config.bind, ports.tcp, |address| {
                sys::socket::listen_tcp(address, BACKLOG, SOCKET_BUFFER)
            })?,
            udp: bind("UDP", config.bind, ports.udp, DatagramSocket::bind)?,
            http: bind("HTTP", config.bind, ports.http, |address| {
                sys::socket::listen_tcp(address, BACKLOG, SOCKET_BUFFER)
            })?,
        })
    }

    fn addresses(&self) -> io::Result<Addresses> {
        let (tcp, udp, http) = (self.tcp.local_addr()?, self.udp.local_addr()?, self.http.local_addr()?);
        Ok(Addresses { tcp, udp, http })
    }

    /// Ends every wait on them; those of TCP listen no longer.
    fn wake(&self) {
        sys::socket::wake(&self.tcp);
        sys::socket::wake(&self.udp);
        sys::socket::wake(&self.http);
    }
}
