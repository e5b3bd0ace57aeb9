//! The HTTP listener: its routes, and the ones that remain when all places are taken.

use std::sync::Arc;
use std::time::Duration;

use super::{Listeners, RESERVE_TIMEOUT, Shared};
use crate::http::StatusCode;
use crate::log::Level;
use crate::serve::accept;
use crate::serve::backoff::Backoff;
use crate::serve::rate_limit::RateLimit;
use crate::serve::workers::Workers;
use crate::stop::Phase;
use crate::web::{self, Identity, Requests, Response, Route, Routes, Service, Takes};

/// Accepts connections, each answered by a thread, until the stop. Past the limit a few more are answered,
/// briefly, and the rest are closed at once.
pub(super) fn run(shared: &Shared, listeners: &Listeners) {
    let served = workers(shared, shared.config.idle_timeout, Requests::Many, routes(shared));
    let brief = shared.config.idle_timeout.min(RESERVE_TIMEOUT);
    let turned_away = workers(shared, brief, Requests::One, routes_when_full(shared));
    let (mut overloaded, mut refused) = (RateLimit::default(), RateLimit::default());
    let backoff = Backoff::new(shared.log.clone(), "HTTP");
    accept::run(&listeners.http, &shared.stop, backoff, |stream, peer| {
        let stream = match shared.connections.admit(stream, peer) {
            Ok(connection) => return served.hand(connection),
            Err(stream) => stream,
        };
        match shared.reserve.admit(stream, peer) {
            Ok(connection) => {
                overloaded.log(&shared.log, "HTTP", "OVERLOADED", peer, "too many connections");
                turned_away.hand(connection)
            }
            Err(_closed) => {
                shared.metrics.http.refused.add(1);
                refused.log(&shared.log, "HTTP", "REFUSED", peer, "too many connections");
                Ok(())
            }
        }
    });
    overloaded.log_rest(&shared.log, "HTTP", "OVERLOADED");
    refused.log_rest(&shared.log, "HTTP", "REFUSED");
}

/// Threads that answer as `routes` say.
fn workers(shared: &Shared, idle_timeout: Duration, requests: Requests, routes: Routes) -> Arc<Workers> {
    let service = Service {
        routes,
        idle_timeout,
        requests,
        stop: Arc::clone(&shared.stop),
        bodies: Arc::clone(&shared.bodies),
        traffic: Arc::clone(&shared.metrics.http),
        identity: Identity::new(&shared.config.node_name, shared.config.pod_name.as_deref()),
        log: shared.log.clone(),
        level: Level::Info,
        kind: "HTTP",
    };
    Workers::new(move |connection| web::converse(&connection, &service))
}

/// What the server answers.
fn routes(shared: &Shared) -> Routes {
    let mut routes = vec![
        Route::get("/", |_| Response::text(StatusCode::OK, "OK")),
        Route::post("/", Takes::Anything, |_| Response::echo()),
    ];
    routes.extend(own_routes(shared));
    Routes::new(routes, &shared.metrics.requests)
}

/// What is answered past the limit of connections: health, because a full server needs no restart; metrics,
/// because it is not down either; and to all else, when to come back.
fn routes_when_full(shared: &Shared) -> Routes {
    let routes = own_routes(shared).into();
    Routes::new(routes, &shared.metrics.requests).or_refuse(|| {
        Response::text(StatusCode::SERVICE_UNAVAILABLE, "too many connections").field("Retry-After", "1")
    })
}

/// The routes about the server itself.
fn own_routes(shared: &Shared) -> [Route; 2] {
    let (stop, metrics) = (Arc::clone(&shared.stop), Arc::clone(&shared.metrics));
    let health = move || if stop.has_reached(Phase::Draining) { Err("draining") } else { Ok(()) };
    [web::health::route(health), web::metrics_page::route(move || metrics.page())]
}
