//! The client's own listener: `/health`, which tells whether its rounds keep to their schedule, and
//! `/metrics`. What the rounds find has no part in the health: a client is there for when the network fails.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::journal::metrics::Metrics;
use crate::client::settings;
use crate::http::{RequestHead, StatusCode};
use crate::log::{Level, Log, Value};
use crate::serve::accept;
use crate::serve::bind::bind;
use crate::serve::connections::{Admitted, Connections};
use crate::serve::http::{Content, Fields, Reply, Requests, Service, converse};
use crate::serve::identity::Identity;
use crate::serve::trouble::{Complaints, Trouble};
use crate::serve::workers::Workers;
use crate::stop::{Phase, Stop};
use crate::sys;

/// Connections at once: a kubelet's two probes, a Prometheus or two, and a few who look.
const MAX_CONNECTIONS: usize = 16;

/// How long one of them may be silent: a kubelet asks and is gone, and to a Prometheus another connection is
/// no matter.
const IDLE_TIMEOUT: Duration = Duration::from_secs(10);

/// Connections that may wait to be accepted: as many as are served, twice over.
const BACKLOG: i32 = 32;

/// The socket buffers of a connection, each way: a page of metrics fits.
const SOCKET_BUFFER: i32 = 64 * 1024;

/// How many rounds may be missed before the client calls itself ill: as many failures as a kubelet waits for.
const ROUNDS_MISSED: u32 = 3;

/// The kind of its lines, which are not to be taken for those of HTTP probes.
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
    /// Listens on `port` of all addresses, and tells of `metrics`. An error says what could not be had.
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

    /// The rounds go on, and say so again by `due`: when the next one begins, or what is under way must have
    /// ended.
    pub(super) fn beat(&self, due: Instant) {
        self.shared.pulse.beat(due);
    }
}

impl Drop for Exporter {
    fn drop(&mut self) {
        self.shared.stop.advance(Phase::Stopping);
        sys::socket::wake(&self.shared.listener);
        // One that panicked has said so.
        let _ = self.accepting.take().map(JoinHandle::join);
        self.shared.connections.close_all();
    }
}

fn spawn(shared: &Arc<Shared>, identity: Identity, log: &Log) -> io::Result<JoinHandle<()>> {
    let workers = Workers::new(conversation(shared, identity, log));
    let (shared, log) = (Arc::clone(shared), log.clone());
    thread::Builder::new().spawn(move || accept_all(&shared, &workers, &log))
}

/// Accepts connections, each answered by a thread, until the stop. Past the limit they are closed at once.
fn accept_all(shared: &Shared, workers: &Arc<Workers>, log: &Log) {
    let mut refused = Complaints::default();
    let trouble = Trouble::new(log.clone(), KIND);
    accept::run(&shared.listener, &shared.stop, trouble, |stream, peer: SocketAddr| {
        match shared.connections.admit(stream, peer) {
            Ok(connection) => workers.hand(connection),
            Err(_closed) => {
                refused.line(log, KIND, "REFUSED", peer, "too many connections");
                Ok(())
            }
        }
    });
    refused.rest(log, KIND, "REFUSED");
}

fn conversation(shared: &Arc<Shared>, identity: Identity, log: &Log) -> impl Fn(Admitted) + use<> {
    let shared = Arc::clone(shared);
    let service = Service {
        idle_timeout: IDLE_TIMEOUT,
        requests: Requests::Many,
        stop: Arc::clone(&shared.stop),
        bodies: Arc::default(),
        traffic: Arc::default(),
        identity,
        log: log.clone(),
        // At every few seconds' request of a kubelet, at info, the lines about the network would be lost.
        level: Level::Debug,
        kind: KIND,
    };
    move |connection| converse(&connection, &service, &|request| Ok(route(request, &shared)))
}

/// What the client replies to `request`.
fn route(request: &RequestHead<'_>, shared: &Shared) -> Reply {
    const NO_FIELDS: Fields = &[];
    let (status, fields, content) = match (request.path, request.method) {
        ("/health", "GET" | "HEAD") if shared.pulse.is_lost(Instant::now()) => {
            (StatusCode::SERVICE_UNAVAILABLE, NO_FIELDS, Content::Text("rounds are overdue"))
        }
        ("/health", "GET" | "HEAD") => (StatusCode::OK, NO_FIELDS, Content::Text("healthy")),
        ("/metrics", "GET" | "HEAD") => {
            let metrics = shared.metrics.lock().unwrap_or_else(PoisonError::into_inner);
            (StatusCode::OK, NO_FIELDS, Content::Metrics(metrics.page()))
        }
        ("/health" | "/metrics", _) => (
            StatusCode::METHOD_NOT_ALLOWED,
            &[("Allow", "GET, HEAD")][..],
            Content::Text("method not allowed"),
        ),
        _ => (StatusCode::NOT_FOUND, NO_FIELDS, Content::Text("not found")),
    };
    Reply { status, fields, content }
}

/// Whether somebody who should be heard of again and again still is.
struct Pulse {
    start: Instant,
    grace: Duration,
    /// When the next beat is due, in nanoseconds from the start.
    due: AtomicU64,
}

impl Pulse {
    /// Due at `start`, and lost `grace` after it was due.
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
