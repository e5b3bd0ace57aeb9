//! HTTP over connections: what a listener's connections share, and the replies that a handler who knows the
//! paths may give. How a conversation goes is in `conversation`.

mod conversation;
mod end;
mod writer;

use std::sync::Arc;
use std::time::Duration;

use super::bodies::Bodies;
use super::connections::Connection;
use super::identity::Identity;
use super::traffic::Traffic;
use super::{log_connection, log_error};
use crate::http::{RequestHead, StatusCode};
use crate::log::{Level, Log};
use crate::stop::Stop;
use conversation::Conversation;
use end::End;

/// What all connections of a listener share.
pub struct Service {
    /// How long a peer may be silent, and a head take; a body, or a reply, twice that.
    pub idle_timeout: Duration,
    /// How many requests a connection may make.
    pub requests: Requests,
    /// How far a stop has come.
    pub stop: Arc<Stop>,
    /// The account of request bodies.
    pub bodies: Arc<Bodies>,
    /// What they have carried.
    pub traffic: Arc<Traffic>,
    /// Who answers, as every reply says.
    pub identity: Identity,
    /// Where requests are logged.
    pub log: Log,
    /// As lines of which level.
    pub level: Level,
    /// And of which kind.
    pub kind: &'static str,
}

/// How many requests a connection may make.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Requests {
    /// One, and then it is closed.
    One,
    /// As many as it likes.
    Many,
}

/// A reply, chosen when the request's head is known.
pub struct Reply {
    /// The status code.
    pub status: StatusCode,
    /// Fields of this reply beside those that every reply has.
    pub fields: Fields,
    /// The content.
    pub content: Content,
}

/// Names and values of fields.
pub type Fields = &'static [(&'static str, &'static str)];

/// The content of a reply.
pub enum Content {
    /// A text, sent as `text/plain`.
    Text(&'static str),
    /// A page of metrics, made for this reply.
    Metrics(String),
    /// The request's own body, sent as `application/octet-stream`.
    Echo,
}

/// A reply that ends the connection, without the request's body being read. Its content is the reason.
pub struct Refusal {
    /// The status code.
    pub status: StatusCode,
    /// Why.
    pub reason: &'static str,
    /// Fields of this reply beside those that every reply has.
    pub fields: Fields,
}

/// What to say to a request, by its head alone.
pub type Handler<'a> = dyn Fn(&RequestHead<'_>) -> Result<Reply, Refusal> + 'a;

/// Answers requests with what `handle` says to each, until the connection ends.
pub fn converse(connection: &Connection, service: &Service, handle: &Handler) {
    log_connection(&service.log, service.kind, "OPENED", connection.peer);
    let _open = service.traffic.open();
    let mut conversation = Conversation::new(connection, service);
    match conversation.run(handle) {
        Ok(()) | Err(End::Over) => {}
        Err(End::Refused(refusal)) => conversation.refuse(&refusal),
        Err(End::Failed(error)) => {
            log_error(&service.log, service.level, service.kind, &error, connection.peer);
        }
    }
    log_connection(&service.log, service.kind, "CLOSED", connection.peer);
}
