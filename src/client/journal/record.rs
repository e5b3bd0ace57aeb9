//! The line of one finding, and how it is counted.

use std::net::SocketAddr;
use std::time::{Duration, SystemTime};

use super::fields::{self, Field, retransmits};
use super::{Counted, Journal, Timed};
use crate::client::finding::{Excuse, Finding, Source};
use crate::dns::{self, Found};
use crate::log::{Level, Value};
use crate::probe::path::{self, MeasuredPath, PathFinding};
use crate::probe::series::{Counts, Lost, Replies, Series};
use crate::probe::{Addresses, Error, Failure, Kind, Outcome, Part, Phase, Protocol, Report, Success};
use crate::verdict::Starved;

/// A finding that is being written.
pub(super) struct Record<'j, 'log> {
    pub(super) journal: &'j mut Journal<'log>,
    /// Why the prober was starved in the round so far.
    pub(super) starved: Option<Starved>,
}

impl Record<'_, '_> {
    pub(super) fn write(&mut self, finding: &Finding) {
        self.journal.is_any_failure |= finding.is_fault();
        match finding {
            Finding::Found { found, took } => self.found(found, *took),
            Finding::NotFound { name, error, remembered } => {
                self.not_found(name, *error, remembered.as_ref());
            }
            Finding::Probed { protocol, report, source } => self.probed(*protocol, report, *source),
            Finding::NotProbed { protocol, name, error, .. } => {
                self.failure(protocol.kind(), &look_up_failure(*error), &[("name", Value::Word(name))], &[]);
            }
            Finding::Series { peer, series, settled } => self.series(*peer, series, *settled),
            Finding::NoFlows { peer, failure } => {
                self.failure(Kind::UdpSeries, failure, &[("address", Value::Address(*peer))], &[]);
            }
            Finding::Endpoint { address, success, is_replaced } => {
                self.endpoint(*address, success, *is_replaced);
            }
            Finding::EndpointFailed { address, failure, excuse } => {
                self.endpoint_failed(*address, failure, *excuse);
            }
            Finding::Path { path, took } => self.path(path, *took),
            Finding::Burst(burst) => self.journal.metrics().datagrams(burst.counts),
        }
    }

    fn found(&mut self, found: &Found, took: Duration) {
        let addresses: Vec<Value> = found.addresses.iter().copied().map(Value::Ip).collect();
        let resolver = found.resolver.map_or(Value::Word("hosts"), |resolver| Value::Ip(resolver.ip()));
        let fields = [
            ("latency", Value::Milliseconds(took)),
            ("name", Value::Word(&found.name)),
            ("addresses", Value::List(&addresses)),
            ("resolver", resolver),
        ];
        self.success(Kind::Dns, took, &[], &fields);
    }

    fn not_found(&mut self, name: &str, error: dns::Error, remembered: Option<&Addresses>) {
        let cached: Vec<Value> = remembered.into_iter().flat_map(Addresses::iter).map(Value::Ip).collect();
        let cached = (!cached.is_empty()).then_some(("cached", Value::List(&cached)));
        let rest: Vec<Field> = cached.into_iter().collect();
        self.failure(Kind::Dns, &look_up_failure(error), &[("name", Value::Word(name))], &rest);
    }

    fn probed(&mut self, protocol: Protocol, report: &Report, source: Source) {
        let address = match source {
            Source::Only | Source::OneOfSeveral => Value::Address(report.address),
            Source::Remembered => Value::Word("cached"),
        };
        let failed = fields::failed_before(report);
        let failed = (!failed.is_empty()).then_some(("failed", Value::Word(&failed)));
        match &report.outcome {
            Outcome::Success(success) => {
                let mut fields = fields::durations(success);
                if source != Source::Only {
                    fields.push(("address", address));
                }
                fields.extend(failed);
                fields.extend(success.answerer.iter().flat_map(fields::answerer));
                self.success(protocol.kind(), success.latency, &success.parts, &fields);
            }
            Outcome::Failure(failure) => {
                let mut tried = vec![("address", address)];
                tried.extend(failed);
                self.failure(protocol.kind(), failure, &tried, &[]);
            }
        }
    }

    fn series(&mut self, peer: SocketAddr, series: &Series, settled: Lost) {
        // Its own losses of an unknown direction count once that is settled: later, or now as unknown.
        let mut lost = Lost { unknown: 0, ..series.counts.lost };
        lost += settled;
        self.journal.metrics().datagrams(Counts { lost, ..series.counts });
        let mut counts = fields::counts(&series.counts);
        let unknown = series.counts.lost.unknown;
        let unknown = (unknown > 0).then_some(("lost_unknown", Value::Count(unknown)));
        match &series.replies {
            Replies::Missing(failure) => {
                counts.extend(unknown);
                self.failure(Kind::UdpSeries, failure, &[("address", Value::Address(peer))], &counts);
            }
            Replies::Timed(times) => {
                let mut fields = vec![("latency", Value::Milliseconds(times.median))];
                fields.extend(counts);
                let more = [("jitter", times.jitter), ("min", times.min), ("p99", times.p99)];
                fields.extend(more.map(|(key, duration)| (key, Value::Milliseconds(duration))));
                fields.push(("dead_flows", Value::Count(series.dead_flows as u64)));
                fields.extend(unknown);
                self.success(Kind::UdpSeries, times.median, &[], &fields);
            }
            // There is neither a latency nor a failure of the network.
            Replies::Untimed | Replies::NotExpected => {}
        }
    }

    fn endpoint(&mut self, address: SocketAddr, success: &Success, is_replaced: bool) {
        let durations = fields::durations(success);
        let mut fields = vec![durations[0], ("address", Value::Ip(address.ip()))];
        fields.extend(success.answerer.iter().flat_map(fields::answerer));
        fields.extend(&durations[1..]);
        if is_replaced {
            fields.push(("instance", Value::Word("changed")));
        }
        self.success(Kind::Endpoint, success.latency, &success.parts, &fields);
    }

    fn endpoint_failed(&mut self, address: SocketAddr, failure: &Failure, excuse: Option<Excuse>) {
        let mut rest = vec![("protocol", Value::Word(Protocol::Http.name()))];
        rest.extend(excuse.map(|excuse| ("excused", Value::Word(excuse.name()))));
        self.failure(Kind::Endpoint, failure, &[("address", Value::Address(address))], &rest);
    }

    fn path(&mut self, MeasuredPath { address, report }: &MeasuredPath, took: Duration) {
        report.mtu.iter().for_each(|bytes| self.journal.metrics().path_mtu(*bytes));
        let sizes = fields::sizes(report);
        let address = ("address", Value::Ip(*address));
        match &report.finding {
            PathFinding::Whole | PathFinding::Smaller => {
                let told_by = report.reported_by.map(|router| ("told_by", Value::Ip(router)));
                let body = sizes.is_empty().then(fields::body);
                let fields: Vec<Field> = sizes.into_iter().chain(body).chain(told_by).collect();
                self.success(Kind::Mtu, took, &[], &fields);
            }
            PathFinding::BlackHole(direction) => {
                let direction = direction.map(fields::direction);
                let tried: Vec<Field> = sizes.into_iter().chain(direction).collect();
                let failure = Failure::new(Error::BlackHole, Phase::Receive);
                self.failure(Kind::Mtu, &failure, &tried, &[address]);
            }
            // A server that does not echo says nothing of the path.
            PathFinding::Unmeasured(failure) if path::is_unsupported(failure.error) => {}
            PathFinding::Unmeasured(failure) => self.unmeasured(Kind::Mtu, failure, address),
        }
    }

    fn success(&mut self, kind: Kind, latency: Duration, parts: &[(Part, Duration)], fields: &[Field]) {
        self.journal.streaks.entry(kind).or_default().end();
        self.print(Level::Info, kind, "SUCCESS", fields);
        let timed = Timed { latency, parts: parts.to_vec() };
        self.journal.round.push(Counted { kind, result: Ok(timed) });
    }

    /// A failure of what `tried` names, with `rest` at the end of the line.
    fn failure(&mut self, kind: Kind, failure: &Failure, tried: &[Field], rest: &[Field]) {
        let streak = self.journal.streaks.entry(kind).or_default().fail(SystemTime::now());
        let (error, phase) = (failure.error.to_string(), failure.phase.to_string());
        let mut fields = vec![("error", Value::Word(&error))];
        // A black hole is what several exchanges show together, and no phase of one.
        if failure.error != Error::BlackHole {
            fields.push(("phase", Value::Word(&phase)));
        }
        fields.extend(tried);
        fields.push(("failures", Value::Count(streak.count)));
        fields.push(("since", Value::Moment(streak.since)));
        if let Some(detail) = &failure.detail {
            fields.push(("detail", Value::Text(detail)));
        }
        fields.extend(retransmits(failure.retransmits));
        fields.extend(rest);
        self.print(Level::Error, kind, "FAILED", &fields);
        self.journal.round.push(Counted { kind, result: Err(failure.error) });
    }

    /// What could not be measured, and so has neither succeeded nor failed.
    fn unmeasured(&mut self, kind: Kind, failure: &Failure, tried: Field) {
        let (error, phase) = (failure.error.to_string(), failure.phase.to_string());
        let fields = [("error", Value::Word(&error)), ("phase", Value::Word(&phase)), tried];
        self.print(Level::Info, kind, "UNMEASURED", &fields);
    }

    fn print(&self, level: Level, kind: Kind, event: &str, fields: &[Field]) {
        let mark = self.starved.map(|starved| ("suspect", Value::Word(starved.name())));
        let fields: Vec<Field> = fields.iter().copied().chain(mark).collect();
        self.journal.log.line(level, kind.word(), event, &fields);
    }
}

fn look_up_failure(error: dns::Error) -> Failure {
    Failure::new(Error::Dns(error), Phase::Resolve)
}
