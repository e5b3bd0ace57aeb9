//! The HTTP responder: its paths, and what it answers when it is full.

use std::sync::Arc;
use std::time::Duration;

use super::{Listeners, RESERVE_TIMEOUT, Shared};
use crate::http::request::Request;
use crate::serve::accept;
use crate::serve::connections::Admitted;
use crate::serve::http::{Content, Refusal, Reply, Requests, Service, converse};
use crate::serve::stop::{Phase, Stop};
use crate::serve::trouble::{Complaints, Trouble};
use crate::serve::workers::Workers;

const TEXT: &[(&str, &str)] = &[("Content-Type", "text/plain")];

/// The request's own bytes come back, whoever wrote them: `nosniff` keeps a browser from running them.
const ECHO: &[(&str, &str)] =
    &[("Content-Type", "application/octet-stream"), ("X-Content-Type-Options", "nosniff")];

/// Accepts connections, each answered by a thread, until the stop. Past the limit a few more are answered,
/// briefly, and the rest are closed at once.
pub(super) fn run(shared: &Shared, listeners: &Listeners) {
    let served = Workers::new(conversation(shared, shared.config.idle_timeout, Requests::Many));
    let brief = shared.config.idle_timeout.min(RESERVE_TIMEOUT);
    let turned_away = Workers::new(conversation(shared, brief, Requests::One));
    let mut refused = Complaints::default();
    let trouble = Trouble::new(shared.log.clone(), "HTTP");
    accept::run(&listeners.http, &shared.stop, trouble, |stream, peer| {
        let stream = match shared.connections.admit(stream, peer) {
            Ok(connection) => return served.hand(connection),
            Err(stream) => stream,
        };
        refused.line(&shared.log, "HTTP", "REFUSED", peer, "too many connections");
        match shared.reserve.admit(stream, peer) {
            Ok(connection) => turned_away.hand(connection),
            Err(_closed) => Ok(()),
        }
    });
    refused.rest(&shared.log, "HTTP", "REFUSED");
}

fn conversation(shared: &Shared, idle_timeout: Duration, requests: Requests) -> impl Fn(Admitted) + use<> {
    let stop = Arc::clone(&shared.stop);
    let bodies = Arc::clone(&shared.bodies);
    let service =
        Service { idle_timeout, requests, stop: Arc::clone(&stop), bodies, log: shared.log.clone() };
    move |connection| {
        converse(&connection, &service, &|request| match requests {
            Requests::Many => Ok(route(request, &stop)),
            Requests::One => route_when_busy(request, &stop),
        });
    }
}

/// What the server replies to `request`.
fn route(request: &Request<'_>, stop: &Stop) -> Reply {
    let is_read = matches!(request.method, "GET" | "HEAD");
    match request.path {
        "/" if is_read => Reply { status: 200, fields: TEXT, content: Content::Text("OK") },
        "/" if request.method == "POST" => Reply { status: 200, fields: ECHO, content: Content::Echo },
        "/" => not_allowed(&[("Content-Type", "text/plain"), ("Allow", "GET, HEAD, POST")]),
        "/health" if is_read && stop.has_reached(Phase::Draining) => {
            Reply { status: 503, fields: TEXT, content: Content::Text("draining") }
        }
        "/health" if is_read => Reply { status: 200, fields: TEXT, content: Content::Text("healthy") },
        "/health" => not_allowed(&[("Content-Type", "text/plain"), ("Allow", "GET, HEAD")]),
        _ => Reply { status: 404, fields: TEXT, content: Content::Text("not found") },
    }
}

/// What a server replies that has no place left: the truth about its health, because being busy is no reason
/// to be restarted, and else when to come back.
fn route_when_busy(request: &Request<'_>, stop: &Stop) -> Result<Reply, Refusal> {
    if request.path == "/health" {
        return Ok(route(request, stop));
    }
    Err(Refusal { status: 503, reason: "too many connections", fields: &[("Retry-After", "1")] })
}

fn not_allowed(fields: &'static [(&'static str, &'static str)]) -> Reply {
    Reply { status: 405, fields, content: Content::Text("method not allowed") }
}
