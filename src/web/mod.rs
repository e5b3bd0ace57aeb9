//! An HTTP server over a table of routes: what a listener's connections share is a [`Service`], and
//! [`converse`] is one connection's conversation.
//!
//! The router answers what needs no handler: unknown paths (404), other methods (405, OPTIONS), HEAD, tokens
//! (401) and bodies that a route does not take (411, 413, 415). A handler is given a whole [`Request`] and
//! returns a [`Response`]. Accepting connections is left to [`serve`](crate::serve).
//!
//! All that comes from outside is bounded: a head by [`http`](crate::http)'s limits, a body by its route's
//! limit and the listener's [`BodyBudget`], path parameters and queries by limits of their own, and each wait
//! by a deadline.

mod body_budget;
mod conversation;
mod counts;
mod end;
mod identity;
mod pattern;
mod percent;
mod query;
mod receiver;
mod request;
mod response;
mod response_writer;
mod routes;
mod service;
mod token;

pub mod health;
pub mod metrics_page;

#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;

pub use body_budget::{BODY_LIMIT, BUDGET, Body, BodyBudget};
pub use conversation::converse;
pub use counts::RequestCounts;
pub use identity::{Identity, instance};
pub use pattern::{PARAMETER_LIMIT, Parameters};
pub use query::{NAME_LIMIT, PARAMETERS_LIMIT, Query, QueryError, VALUE_LIMIT};
pub use request::Request;
pub use response::{Field, Response};
pub use routes::{Route, Routes, Takes};
pub use service::{Requests, Service};
pub use token::BearerToken;
