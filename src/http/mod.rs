//! HTTP/1.1 (RFC 9110, 9112) heads and bodies over bytes and `impl Read`, for the server and the prober
//! alike; sockets, deadlines and what a path means are left to them.
//!
//! In scope: what a head says about its own end, its body's end and the connection's end. Out of scope:
//! proxying, upgrades, content codings, trailers' contents, percent-decoding.

mod error;
mod fields;
mod scan;

pub mod body;
pub mod buffer;
pub mod date;
pub mod reply;
pub mod request;
pub mod response;

#[cfg(test)]
mod tests;

pub use error::Error;

/// The bytes of a head, with its start line and the empty line that ends it. The probes of Smoker, Kubernetes
/// and curl take less than 300; the rest is for what a proxy on the way adds.
pub const HEAD_LIMIT: usize = 8 * 1024;

/// The fields of a head: bounds the work that a head of shortest fields (`a:`) makes.
pub const FIELDS_LIMIT: usize = 64;
