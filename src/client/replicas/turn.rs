//! The line of the replica whose turn it was: it is probed over HTTP, which alone names who answers.

use std::net::SocketAddr;
use std::time::SystemTime;

use crate::client::journal::accounts::Accounts;
use crate::client::journal::lines::Lines;
use crate::client::journal::streak::Streak;
use crate::client::replicas::Replicas;
use crate::client::target::protocols::{answerer_fields, durations};
use crate::log::Value;
use crate::probe::{Kind, Outcome, Protocol};

/// Prints what came of probing the replica at `address`. Whether it failed without an excuse.
pub(in crate::client) fn tell(
    outcome: &Outcome,
    address: SocketAddr,
    replicas: &mut Replicas,
    streak: &mut Streak,
    lines: &mut Lines,
    accounts: &mut Accounts,
) -> bool {
    match outcome {
        Outcome::Success(success) => {
            streak.end();
            replicas.answered(address.ip(), success.answerer.as_ref());
            let durations = durations(success);
            let mut fields = vec![durations[0], ("address", Value::Ip(address.ip()))];
            fields.extend(success.answerer.iter().flat_map(answerer_fields));
            fields.extend(&durations[1..]);
            if replicas.take_change(address.ip()) {
                fields.push(("instance", Value::Word("changed")));
            }
            lines.success(Kind::Endpoint, success.latency, &fields);
            accounts.success(Kind::Endpoint, success.latency, &success.parts);
            false
        }
        Outcome::Failure(failure) => {
            replicas.failed(address.ip());
            let excuse = replicas.excuse(address.ip(), true);
            let running = streak.fail(SystemTime::now());
            let mut rest = vec![("protocol", Value::Word(Protocol::Http.name()))];
            rest.extend(excuse.map(|excuse| ("excused", Value::Word(excuse.name()))));
            lines.failure(Kind::Endpoint, failure, &[("address", Value::Address(address))], running, &rest);
            accounts.failure(Kind::Endpoint, failure.error, excuse.is_some());
            excuse.is_none()
        }
    }
}
