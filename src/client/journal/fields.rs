//! The fields of lines that findings share. Pure.

use crate::log::Value;
use crate::probe::path::PathReport;
use crate::probe::series::Counts;
use crate::probe::transfer::{self, Direction};
use crate::probe::{Answerer, Report, Success};

/// A key with its value.
pub(super) type Field<'a> = (&'a str, Value<'a>);

/// The latency, its parts, and how many segments were sent again.
pub(super) fn durations(success: &Success) -> Vec<Field<'_>> {
    let mut fields = vec![("latency", Value::Milliseconds(success.latency))];
    fields.extend(success.parts.iter().map(|(part, took)| (part.name(), Value::Milliseconds(*took))));
    fields.extend(retransmits(success.retransmits));
    fields
}

/// `retrans=N`, where there were any.
pub(super) fn retransmits(count: u32) -> Option<Field<'static>> {
    (count > 0).then_some(("retrans", Value::Count(count.into())))
}

/// The pod that replied, and the client's address where it was translated on the way.
pub(super) fn answerer(answerer: &Answerer) -> Vec<Field<'_>> {
    let mut fields = Vec::new();
    if !answerer.pod.is_empty() {
        fields.push(("pod", Value::Word(&answerer.pod)));
    }
    if let Some(seen) = answerer.client.filter(|seen| *seen != answerer.own) {
        fields.push(("seen_as", Value::Address(seen)));
    }
    fields
}

/// `10.0.0.1:8080/refused,10.0.0.2:8080/timeout`: the addresses that failed before the one in the line.
pub(super) fn failed_before(report: &Report) -> String {
    let entries: Vec<String> =
        report.failed.iter().map(|(address, error)| format!("{address}/{error}")).collect();
    entries.join(",")
}

/// What became of the datagrams of a series.
pub(super) fn counts(counts: &Counts) -> Vec<Field<'static>> {
    let fields = [
        ("sent", counts.sent),
        ("lost", counts.lost.total()),
        ("lost_forward", counts.lost.forward),
        ("lost_return", counts.lost.return_),
        ("duplicate", counts.duplicate),
        ("reordered", counts.reordered),
        ("late", counts.late),
    ];
    fields.map(|(key, count)| (key, Value::Count(count))).to_vec()
}

/// The path MTU and the interface's, as far as they were measured.
pub(super) fn sizes(report: &PathReport) -> Vec<Field<'static>> {
    let sizes = [("mtu", report.mtu), ("interface", report.interface)];
    sizes.into_iter().filter_map(|(key, bytes)| Some((key, Value::Count(bytes?.into())))).collect()
}

/// The size of the body that passed: without datagrams no other size is known.
pub(super) fn body() -> Field<'static> {
    ("body", Value::Count(transfer::LENGTH as u64))
}

/// In which direction large packets vanish.
pub(super) fn direction(direction: Direction) -> Field<'static> {
    let word = match direction {
        Direction::Forward => "forward",
        Direction::Return => "return",
    };
    ("direction", Value::Word(word))
}
