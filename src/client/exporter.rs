//! The client's own listener: `/health`, which shows whether its rounds keep to their schedule, and
//! `/metrics`. What the rounds find does not affect the health: a client is needed most when the network
//! fails.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::journal::metrics::Metrics;
use crate::client::settings;
use crate::log::{Level, Log, Value};
use crate::periodic::Pulse;
use crate::serve::accept;
use crate::serve::backoff::Backoff;
use crate::serve::bind::bind;
use crate::serve::connections::Connections;
use crate::serve::rate_limit::RateLimit;
use crate::serve::workers::Workers;
use crate::stop::{Phase, Stop};
use crate::sys;
use crate::web::{self, Identity, RequestCounts, Requests, Routes, Service};

/// Connections at once: a kubelet's two probes, a Prometheus or two, and a few curious operators.
const MAX_CONNECTIONS: usize = 16;

/// How long one of them may be idle: a kubelet closes after each request, and a Prometheus can open another
/// connection.
const IDLE_TIMEOUT: Duration = Duration::from_secs(10);

/// Connections that may wait to be accepted: as many as are served, twice over.
const BACKLOG: i32 = 32;

/// The socket buffers of a connection, each way: a page of metrics fits.
const SOCKET_BUFFER: i32 = 64 * 1024;

/// The kind of its lines, which must not be confused with those of HTTP probes.
const KIND: &str = "EXPORTER";

/// A listener that serves, until this is dropped.
pub(super) struct Exporter {
    shared: Arc<Shared>,
    accepting: Option<JoinHandle<()>>,
}

struct Shared {
    listener: TcpListener,
    stop: Arc<Stop>,
    connections: Arc<Connections>,
    pulse: Arc<Pulse>,
    metrics: Arc<Mutex<Metrics>>,
}

impl Exporter {
    /// Listens on `port` of all addresses, and serves `pulse` and `metrics`. An error names what failed.
    pub(super) fn start(
        port: u16,
        config: &settings::Client,
        pulse: &Arc<Pulse>,
        metrics: &Arc<Mutex<Metrics>>,
        log: &Log,
    ) -> Result<Self, String> {
        let listener =
            bind("client", None, port, |address| sys::socket::listen_tcp(address, BACKLOG, SOCKET_BUFFER))?;
        let address = listener.local_addr().map_err(sys::cannot("read the listener's address"))?;
        let shared = Arc::new(Shared {
            listener,
            stop: Arc::default(),
            connections: Connections::new(MAX_CONNECTIONS),
            pulse: Arc::clone(pulse),
            metrics: Arc::clone(metrics),
        });
        let identity = Identity::new(&config.node_name, None);
        let accepting = spawn(&shared, identity, log).map_err(sys::cannot("start a thread"))?;
        log.line(Level::Error, KIND, "LISTENING", &[("address", Value::Address(address))]);
        Ok(Self { shared, accepting: Some(accepting) })
    }
}

impl Drop for Exporter {
    fn drop(&mut self) {
        self.shared.stop.advance(Phase::Stopping);
        sys::socket::wake(&self.shared.listener);
        // A thread that panicked has printed so.
        let _ = self.accepting.take().map(JoinHandle::join);
        self.shared.connections.close_all();
    }
}

fn spawn(shared: &Arc<Shared>, identity: Identity, log: &Log) -> io::Result<JoinHandle<()>> {
    let workers = workers(shared, identity, log);
    let (shared, log) = (Arc::clone(shared), log.clone());
    thread::Builder::new().spawn(move || accept_all(&shared, &workers, &log))
}

/// Accepts connections, each answered by a thread, until the stop. Past the limit they are closed at once.
fn accept_all(shared: &Shared, workers: &Arc<Workers>, log: &Log) {
    let mut refused = RateLimit::default();
    let backoff = Backoff::new(log.clone(), KIND);
    accept::run(&shared.listener, &shared.stop, backoff, |stream, peer: SocketAddr| {
        match shared.connections.admit(stream, peer) {
            Ok(connection) => workers.hand(connection),
            Err(_closed) => {
                refused.log(log, KIND, "REFUSED", peer, "too many connections");
                Ok(())
            }
        }
    });
    refused.log_rest(log, KIND, "REFUSED");
}

/// Threads that answer as the routes say.
fn workers(shared: &Arc<Shared>, identity: Identity, log: &Log) -> Arc<Workers> {
    let service = Service {
        routes: routes(shared),
        idle_timeout: IDLE_TIMEOUT,
        requests: Requests::Many,
        stop: Arc::clone(&shared.stop),
        bodies: Arc::default(),
        traffic: Arc::default(),
        identity,
        log: log.clone(),
        // A kubelet's request every few seconds, at info, would bury the lines about the network.
        level: Level::Debug,
        kind: KIND,
    };
    Workers::new(move |connection| web::converse(&connection, &service))
}

/// What the client answers.
fn routes(shared: &Arc<Shared>) -> Routes {
    let (pulse, metrics) = (Arc::clone(shared), Arc::clone(&shared.metrics));
    let health = move || if pulse.pulse.is_lost(Instant::now()) { Err("rounds are overdue") } else { Ok(()) };
    let page = move || metrics.lock().unwrap_or_else(PoisonError::into_inner).page();
    Routes::new(vec![web::health::route(health), web::metrics_page::route(page)], &RequestCounts::default())
}
