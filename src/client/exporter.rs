//! The client's own listener: `/health`, which shows whether its rounds keep to their schedule, and
//! `/metrics`. What the rounds find does not affect the health: a client is needed most when the network
//! fails.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::journal::metrics::Metrics;
use crate::client::settings;
use crate::log::{Level, Log, Value};
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

/// How many rounds may be missed before the client reports itself unhealthy: as many failures as a kubelet
/// waits for.
const ROUNDS_MISSED: u32 = 3;

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
    pulse: Pulse,
    metrics: Arc<Mutex<Metrics>>,
}

impl Exporter {
    /// Listens on `port` of all addresses, and serves `metrics`. An error names what failed.
    pub(super) fn start(
        port: u16,
        config: &settings::Client,
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
            pulse: Pulse::new(Instant::now(), config.interval * ROUNDS_MISSED),
            metrics: Arc::clone(metrics),
        });
        let identity = Identity::new(&config.node_name, None);
        let accepting = spawn(&shared, identity, log).map_err(sys::cannot("start a thread"))?;
        log.line(Level::Error, KIND, "LISTENING", &[("address", Value::Address(address))]);
        Ok(Self { shared, accepting: Some(accepting) })
    }

    /// Reports that the rounds go on, and that the next report is due at `due`: when the next round begins,
    /// or the current work must have ended.
    pub(super) fn beat(&self, due: Instant) {
        self.shared.pulse.beat(due);
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
    Routes::new(vec![web::health::route(health), web::metrics::route(page)], &RequestCounts::default())
}

/// Whether reports that are due again and again still come.
struct Pulse {
    start: Instant,
    grace: Duration,
    /// When the next report is due, in nanoseconds from the start.
    due: AtomicU64,
}

impl Pulse {
    /// The first report is due at `start`, and the pulse is lost `grace` after a report was due.
    fn new(start: Instant, grace: Duration) -> Self {
        Self { start, grace, due: AtomicU64::new(0) }
    }

    fn beat(&self, due: Instant) {
        let due = due.saturating_duration_since(self.start).as_nanos();
        self.due.store(u64::try_from(due).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    fn is_lost(&self, now: Instant) -> bool {
        let due = Duration::from_nanos(self.due.load(Ordering::Relaxed));
        now.saturating_duration_since(self.start) > due.saturating_add(self.grace)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pulse_is_lost_when_as_many_rounds_are_missed_as_the_limit_and_comes_back() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let pulse = Pulse::new(start, Duration::from_secs(30) * ROUNDS_MISSED);
        let nanosecond = Duration::from_nanos(1);
        for (now, is_lost) in [(start, false), (at(90), false), (at(90) + nanosecond, true)] {
            assert_eq!(pulse.is_lost(now), is_lost, "{now:?}");
        }
        pulse.beat(at(120));
        for (now, is_lost) in [(at(91), false), (at(210), false), (at(210) + nanosecond, true)] {
            assert_eq!(pulse.is_lost(now), is_lost, "{now:?}");
        }
    }

    #[test]
    fn a_due_moment_before_the_start_counts_as_the_start() {
        let start = Instant::now();
        let pulse = Pulse::new(start + Duration::from_secs(10), Duration::ZERO);
        pulse.beat(start);
        assert!(!pulse.is_lost(start + Duration::from_secs(10)));
        assert!(pulse.is_lost(start + Duration::from_secs(11)));
    }
}
