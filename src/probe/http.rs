//! The HTTP probe: `GET /` on a new connection, answered by status 200 and the body `OK`.

use std::net::SocketAddr;

use super::answerer::Fields;
use super::{Error, Failure, Outcome, Part, Phase, Success};
use crate::fetch::{self, Exchange, Request};
use crate::http::StatusCode;
use crate::http::response::ReadError;
use crate::time::Deadline;

/// The longest body that is read to its end before it is called a mismatch: an error page of a proxy that
/// answers 200 fits, an endless body does not.
const BODY_LIMIT: u64 = 64 * 1024;

const REQUEST: Request = Request { method: "GET", target: "/", token: None, body: None };

/// Probes the HTTP server at `address`. Where it turns out to be the process whose instance is `own`, it is
/// refused: nothing listens there but the prober itself.
pub fn probe(address: SocketAddr, deadline: Deadline, own: Option<u64>) -> Outcome {
    let mut fields = Fields::default();
    let started = fetch::start(address, &REQUEST, deadline, |headers| {
        headers.iter().for_each(|(name, value)| fields.note(name, value));
    });
    let mut exchange = match started {
        Ok(exchange) => exchange,
        Err(failed) => return Outcome::Failure(fetch_failure(failed)),
    };
    let outcome = Outcome::of(check(&mut exchange, fields, own));
    outcome.with_retransmits(exchange.retransmits())
}

/// Whether the answer is the one that is due.
fn check(exchange: &mut Exchange, fields: Fields, own: Option<u64>) -> Result<Success, Failure> {
    let answerer = exchange.local_addr().ok().and_then(|local| fields.answerer(local));
    if own.is_some() && answerer.as_ref().map(|answerer| answerer.instance) == own {
        return Err(Failure::new(Error::Refused, Phase::Receive));
    }
    if exchange.status() != StatusCode::OK {
        return Err(Failure::new(Error::HttpStatus(exchange.status().as_u16()), Phase::Receive));
    }
    if exchange.read_body(BODY_LIMIT).map_err(fetch_failure)? != b"OK" {
        return Err(Failure::new(Error::Mismatch, Phase::Receive));
    }
    let times = exchange.times();
    let parts = vec![(Part::Connect, times.connect), (Part::FirstByte, times.first_byte)];
    Ok(Success { parts, answerer, ..Success::new(times.whole) })
}

fn fetch_failure(failed: fetch::Failed) -> Failure {
    let failure = match failed.error {
        fetch::Error::Unsendable => Failure::new(Error::Io, Phase::Send),
        fetch::Error::Connect(error) => Failure::io(&error, Phase::Connect),
        fetch::Error::Send(error) => Failure::io(&error, Phase::Send),
        fetch::Error::Receive(error) => read_failure(error),
    };
    Failure { retransmits: failed.retransmits, ..failure }
}

/// What it means to a probe that an answer could not be read.
pub(super) fn read_failure(error: ReadError) -> Failure {
    let error = match error {
        ReadError::Io(error) => return Failure::io(&error, Phase::Receive),
        ReadError::Closed => Error::Closed,
        ReadError::Malformed(_) => Error::HttpMalformed,
        ReadError::BodyTooLarge => Error::Mismatch,
    };
    Failure::new(error, Phase::Receive)
}
