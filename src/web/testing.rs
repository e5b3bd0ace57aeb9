//! For the tests alone: a service with given routes.

use std::sync::Arc;
use std::time::Duration;

use super::counts::RequestCounts;
use super::identity::Identity;
use super::routes::{Route, Routes};
use super::service::{Requests, Service};
use crate::log::Level;
use crate::serve::testing::silent_log;

/// A service that answers as `routes` say.
pub(super) fn service(routes: Vec<Route>, idle_timeout: Duration) -> Service {
    Service {
        routes: Routes::new(routes, &RequestCounts::default()),
        idle_timeout,
        requests: Requests::Many,
        stop: Arc::default(),
        bodies: Arc::default(),
        traffic: Arc::default(),
        identity: Identity::default(),
        log: silent_log(),
        level: Level::Info,
        kind: "HTTP",
    }
}
