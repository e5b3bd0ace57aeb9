//! HTTP/1.1 (RFC 9110, 9112) heads and bodies over bytes and `impl Read`, for servers and clients alike;
//! sockets, deadlines and what a path means are left to them.
//!
//! In scope: what a head says about its own end, its body's end and the connection's end. Out of scope:
//! proxying, upgrades, content codings, trailers' contents, percent-decoding.
//!
//! | to | use |
//! |---|---|
//! | read a request's head | [`request::parse`] |
//! | read a response | [`response::read_head`], then [`response::read_body`] with its framing |
//! | look a field up | [`Headers::only`], [`Headers::list`] |
//! | write a response's head | [`head_writer::HeadWriter`] |
//! | decode a body piece by piece | [`body::Decoder`] |
//! | write a body piece by piece | [`chunked::Encoder`] |

mod decimal;
mod error;
mod framing;
mod headers;
mod scan;
mod status;

pub mod body;
pub mod buffer;
pub mod chunked;
pub mod date;
pub mod head_writer;
pub mod request;
pub mod response;

#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;

pub use error::Error;
pub use framing::Framing;
pub use headers::{FIELDS_LIMIT, HEAD_LIMIT, Headers};
pub use request::RequestHead;
pub use response::ResponseHead;
pub use status::StatusCode;
