//! The lines of a round: one a probe, marked where the prober itself is in doubt.

use std::time::Duration;

use crate::client::journal::streak::Running;
use crate::client::starvation::Doubt;
use crate::log::{Level, Log, Value};
use crate::probe::{Error, Failure, Kind};

/// A latency from which on the prober may have had a part in it.
const DOUBTFUL: Duration = Duration::from_millis(10);

/// A field of a line.
pub(in crate::client) type Field<'a> = (&'a str, Value<'a>);

/// Prints lines.
pub(in crate::client) struct Lines<'a> {
    pub(in crate::client) log: &'a Log,
    pub(in crate::client) doubt: Doubt,
}

impl Lines<'_> {
    /// A success that took so long. What was quick needs no look into what was denied to the prober.
    pub(in crate::client) fn success(&mut self, kind: Kind, took: Duration, fields: &[Field]) {
        if took >= DOUBTFUL {
            self.doubt.starved();
        }
        self.print(Level::Info, kind, "SUCCESS", fields);
    }

    /// A failure of what `tried` names, with what else there is to say of it.
    pub(in crate::client) fn failure(
        &mut self,
        kind: Kind,
        failure: &Failure,
        tried: &[Field],
        running: Running,
        rest: &[Field],
    ) {
        if failure.is_shortage {
            self.doubt.is_short();
        }
        let (error, phase) = (failure.error.to_string(), failure.phase.to_string());
        let mut fields = vec![("error", Value::Word(&error))];
        // A black hole is what several exchanges come to, and no phase of one.
        if failure.error != Error::BlackHole {
            fields.push(("phase", Value::Word(&phase)));
        }
        fields.extend(tried);
        fields.push(("failures", Value::Count(running.failures)));
        fields.push(("since", Value::Moment(running.since)));
        if let Some(detail) = &failure.detail {
            fields.push(("detail", Value::Text(detail)));
        }
        fields.extend(retransmits(failure.retransmits));
        fields.extend(rest);
        self.doubt.starved();
        self.print(Level::Error, kind, "FAILED", &fields);
    }

    /// What could not be measured, and so has neither succeeded nor failed.
    pub(in crate::client) fn unmeasured(&mut self, kind: Kind, failure: &Failure, tried: Field) {
        let (error, phase) = (failure.error.to_string(), failure.phase.to_string());
        let fields = [("error", Value::Word(&error)), ("phase", Value::Word(&phase)), tried];
        self.print(Level::Info, kind, "UNMEASURED", &fields);
    }

    fn print(&self, level: Level, kind: Kind, event: &str, fields: &[Field]) {
        match self.doubt.known() {
            None => self.log.line(level, kind.word(), event, fields),
            Some(starved) => {
                let mark = [("suspect", Value::Word(starved.name()))];
                self.log.line(level, kind.word(), event, &[fields, &mark].concat());
            }
        }
    }
}

/// `retrans=N`, where there were any.
pub(in crate::client) fn retransmits(count: u32) -> Option<Field<'static>> {
    (count > 0).then_some(("retrans", Value::Count(count.into())))
}
