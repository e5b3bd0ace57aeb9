//! The probe of the replica whose turn it is: over HTTP, which alone names the server that replies.

use std::net::SocketAddr;

use crate::client::finding::Finding;
use crate::client::replicas::ReplicaList;
use crate::probe::Outcome;

/// Remembers what probing the replica at `address` found. What there is to publish of it.
pub(in crate::client) fn learn(outcome: Outcome, address: SocketAddr, replicas: &mut ReplicaList) -> Finding {
    match outcome {
        Outcome::Success(success) => {
            replicas.answered(address.ip(), success.answerer.as_ref());
            let is_replaced = replicas.take_change(address.ip());
            Finding::Endpoint { address, success, is_replaced }
        }
        Outcome::Failure(failure) => {
            replicas.failed(address.ip());
            let excuse = replicas.excuse(address.ip(), true);
            Finding::EndpointFailed { address, failure, excuse }
        }
    }
}
