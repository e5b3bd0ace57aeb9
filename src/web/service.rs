//! What all connections of a listener share.

use std::sync::Arc;
use std::time::Duration;

use super::body_budget::BodyBudget;
use super::identity::Identity;
use super::routes::Routes;
use crate::log::{Level, Log};
use crate::serve::stream::Patience;
use crate::serve::traffic::Traffic;
use crate::stop::{Phase, Stop};

/// What all connections of a listener share.
pub struct Service {
    /// What is answered.
    pub routes: Routes,
    /// How long a peer may be silent, and a head take; a body, or a response, twice that.
    pub idle_timeout: Duration,
    /// How many requests a connection may make.
    pub requests: Requests,
    /// How far a stop has come.
    pub stop: Arc<Stop>,
    /// The memory for request bodies.
    pub bodies: Arc<BodyBudget>,
    /// Counts of bytes and connections.
    pub traffic: Arc<Traffic>,
    /// The process that every response names.
    pub identity: Identity,
    /// Where requests are logged.
    pub log: Log,
    /// The level of their lines.
    pub level: Level,
    /// The kind of their lines.
    pub kind: &'static str,
}

/// How many requests a connection may make.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Requests {
    /// One; then it is closed.
    One,
    /// Any number.
    Many,
}

impl Service {
    /// The time within which a body must have been read, and a response been written.
    pub(super) fn message_timeout(&self) -> Duration {
        2 * self.idle_timeout
    }

    /// How long to wait for a peer that does not read.
    pub(super) fn patience(&self) -> Patience {
        Patience { idle: self.idle_timeout, whole: Some(self.message_timeout()) }
    }

    pub(super) fn is_draining(&self) -> bool {
        self.stop.has_reached(Phase::Draining)
    }

    pub(super) fn is_stopping(&self) -> bool {
        self.stop.has_reached(Phase::Stopping)
    }
}
