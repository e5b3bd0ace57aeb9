//! The HTTP responder: its paths, and what it answers when it is full.

use std::sync::Arc;
use std::time::Duration;

use super::metrics::Metrics;
use super::{Listeners, RESERVE_TIMEOUT, Shared};
use crate::http::{RequestHead, StatusCode};
use crate::log::Level;
use crate::serve::accept;
use crate::serve::connections::Admitted;
use crate::serve::http::{Content, Fields, Refusal, Reply, Requests, Service, converse};
use crate::serve::identity::Identity;
use crate::serve::trouble::{Complaints, Trouble};
use crate::serve::workers::Workers;
use crate::stop::{Phase, Stop};

/// Accepts connections, each answered by a thread, until the stop. Past the limit a few more are answered,
/// briefly, and the rest are closed at once.
pub(super) fn run(shared: &Shared, listeners: &Listeners) {
    let served = Workers::new(conversation(shared, shared.config.idle_timeout, Requests::Many, route));
    let brief = shared.config.idle_timeout.min(RESERVE_TIMEOUT);
    let turned_away = Workers::new(conversation(shared, brief, Requests::One, route_when_busy));
    let (mut overloaded, mut refused) = (Complaints::default(), Complaints::default());
    let trouble = Trouble::new(shared.log.clone(), "HTTP");
    accept::run(&listeners.http, &shared.stop, trouble, |stream, peer| {
        let stream = match shared.connections.admit(stream, peer) {
            Ok(connection) => return served.hand(connection),
            Err(stream) => stream,
        };
        match shared.reserve.admit(stream, peer) {
            Ok(connection) => {
                overloaded.line(&shared.log, "HTTP", "OVERLOADED", peer, "too many connections");
                turned_away.hand(connection)
            }
            Err(_closed) => {
                shared.metrics.http.refused.add(1);
                refused.line(&shared.log, "HTTP", "REFUSED", peer, "too many connections");
                Ok(())
            }
        }
    });
    overloaded.rest(&shared.log, "HTTP", "OVERLOADED");
    refused.rest(&shared.log, "HTTP", "REFUSED");
}

fn conversation(
    shared: &Shared,
    idle_timeout: Duration,
    requests: Requests,
    route: fn(&RequestHead<'_>, &Stop, &Metrics) -> Result<Reply, Refusal>,
) -> impl Fn(Admitted) + use<> {
    let (stop, bodies, log) = (Arc::clone(&shared.stop), Arc::clone(&shared.bodies), shared.log.clone());
    let identity = Identity::new(&shared.config.node_name, shared.config.pod_name.as_deref());
    let (metrics, traffic) = (Arc::clone(&shared.metrics), Arc::clone(&shared.metrics.http));
    let (level, kind) = (Level::Info, "HTTP");
    let service = Service { idle_timeout, requests, stop, bodies, traffic, identity, log, level, kind };
    move |connection| converse(&connection, &service, &|request| route(request, &service.stop, &metrics))
}

/// What the server replies to `request`.
#[expect(clippy::unnecessary_wraps, reason = "one of two handlers, and the other refuses")]
fn route(request: &RequestHead<'_>, stop: &Stop, metrics: &Metrics) -> Result<Reply, Refusal> {
    let is_read = matches!(request.method, "GET" | "HEAD");
    let text = |status, text| Reply { status, fields: &[], content: Content::Text(text) };
    Ok(match request.path {
        "/" if is_read => text(StatusCode::OK, "OK"),
        // The peer's own bytes come back, and no browser shall take them for a page.
        "/" if request.method == "POST" => Reply {
            status: StatusCode::OK,
            fields: &[("X-Content-Type-Options", "nosniff")],
            content: Content::Echo,
        },
        "/" => not_allowed(&[("Allow", "GET, HEAD, POST")]),
        "/health" if is_read && stop.has_reached(Phase::Draining) => {
            text(StatusCode::SERVICE_UNAVAILABLE, "draining")
        }
        "/health" if is_read => text(StatusCode::OK, "healthy"),
        "/metrics" if is_read => {
            Reply { status: StatusCode::OK, fields: &[], content: Content::Metrics(metrics.page()) }
        }
        "/health" | "/metrics" => not_allowed(&[("Allow", "GET, HEAD")]),
        _ => text(StatusCode::NOT_FOUND, "not found"),
    })
}

/// What a server replies that has no place left: the truth about its health, because being busy is no reason
/// to be restarted; its metrics, or being busy would look like being gone; and else when to come back.
fn route_when_busy(request: &RequestHead<'_>, stop: &Stop, metrics: &Metrics) -> Result<Reply, Refusal> {
    if matches!(request.path, "/health" | "/metrics") {
        return route(request, stop, metrics);
    }
    Err(Refusal {
        status: StatusCode::SERVICE_UNAVAILABLE,
        reason: "too many connections",
        fields: &[("Retry-After", "1")],
    })
}

fn not_allowed(fields: Fields) -> Reply {
    Reply { status: StatusCode::METHOD_NOT_ALLOWED, fields, content: Content::Text("method not allowed") }
}
