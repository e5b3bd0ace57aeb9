//! The text form of a line: `[2025-11-13 10:30:00] [NODE:node-1] [TCP] SUCCESS latency=0.412ms`.

use std::fmt::{self, Write as _};

use super::record::{Event, Record, Speaker, Value};
use super::{Colour, escape};
use crate::time::{Milliseconds, Utc};

/// The initial capacity of a line: most fit, so that the string is not reallocated.
const USUAL_LEN: usize = 160;

/// The line, without its newline. The output cuts it where it is longer than `MAX_LINE`.
pub(super) fn line(record: &Record, colour: Colour) -> String {
    let mut line = String::with_capacity(USUAL_LEN);
    let _ = write!(line, "[{}] [{}] ", Utc::from(record.time), record.speaker);
    let kind = record.kind;
    match record.event {
        Event::Word(word) => {
            let (before, after) = colour.around(kind, word, record.level);
            // A verdict is coloured with its kind, a result without.
            let _ = match kind {
                "VERDICT" => write!(line, "{before}[{kind}] {word}{after}"),
                _ => write!(line, "[{kind}] {before}{word}{after}"),
            };
        }
        Event::Request { method, path, status } => {
            let _ = write!(line, "[{kind}] {} {} {status}", escape(method), escape(path));
        }
        Event::Rejected(status) => drop(write!(line, "[{kind}] REJECTED {status}")),
    }
    for (key, value) in record.fields {
        line.extend([" ", key, "="]);
        let _ = write!(line, "{value}");
    }
    line
}

impl fmt::Display for Speaker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Server => f.write_str("SERVER"),
            Self::Node(name) => write!(f, "NODE:{name}"),
        }
    }
}

impl fmt::Display for Value<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Value::Count(count) => write!(f, "{count}"),
            Value::Milliseconds(duration) => Milliseconds(duration).fmt(f),
            Value::Seconds(duration) => write!(f, "{}s", duration.as_secs()),
            Value::Word(word) => f.write_str(word),
            Value::Text(text) => write!(f, "\"{}\"", escape(text)),
            Value::Address(address) => write!(f, "{address}"),
            Value::Ip(address) => write!(f, "{address}"),
            Value::Moment(moment) => f.write_str(&Utc::from(moment).rfc3339()),
            Value::List(values) => {
                for (place, value) in values.iter().enumerate() {
                    let comma = if place > 0 { "," } else { "" };
                    write!(f, "{comma}{value}")?;
                }
                Ok(())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use super::*;
    use crate::log::Level;

    #[test]
    fn latencies_are_milliseconds_with_three_decimals() {
        for (nanoseconds, text) in [
            (0, "0.000ms"),
            (499, "0.000ms"),
            (500, "0.001ms"),
            (999_999_999, "1000.000ms"),
            (5_000_000_000, "5000.000ms"),
        ] {
            assert_eq!(Value::Milliseconds(Duration::from_nanos(nanoseconds)).to_string(), text);
        }
    }

    #[test]
    fn each_kind_of_value_has_its_form() {
        let words = [Value::Word("tcp:timeout"), Value::Word("endpoint:2/2")];
        for (value, text) in [
            (Value::Seconds(Duration::from_millis(330_999)), "330s"),
            (Value::Ip("fd00::1".parse().unwrap()), "fd00::1"),
            (Value::List(&words), "tcp:timeout,endpoint:2/2"),
            (Value::List(&[]), ""),
        ] {
            assert_eq!(value.to_string(), text);
        }
    }

    #[test]
    fn a_request_is_printed_with_its_status_and_without_a_key() {
        for (event, text) in [
            (Event::Request { method: "GET", path: "/a\\b", status: 404 }, "GET /a\\\\b 404"),
            (Event::Rejected(400), "REJECTED 400"),
        ] {
            let (time, speaker) = (SystemTime::UNIX_EPOCH, &Speaker::Server);
            let record = Record { time, speaker, level: Level::Info, kind: "HTTP", event, fields: &[] };
            let line = line(&record, Colour::On);
            assert_eq!(line, format!("[1970-01-01 00:00:00] [SERVER] [HTTP] {text}"));
        }
    }

    #[test]
    fn only_the_status_is_coloured() {
        let latency = [("latency", Value::Count(1))];
        for (kind, event, level, expected) in [
            ("TCP", "SUCCESS", Level::Info, "[TCP] \u{1b}[32mSUCCESS\u{1b}[0m latency=1"),
            ("TCP", "FAILED", Level::Error, "[TCP] \u{1b}[1;31mFAILED\u{1b}[0m latency=1"),
            ("VERDICT", "port", Level::Error, "\u{1b}[1;31m[VERDICT] port\u{1b}[0m latency=1"),
            ("VERDICT", "transient", Level::Warn, "\u{1b}[35m[VERDICT] transient\u{1b}[0m latency=1"),
            ("VERDICT", "healthy", Level::Info, "\u{1b}[32m[VERDICT] healthy\u{1b}[0m latency=1"),
            ("TCP", "LISTENING", Level::Error, "[TCP] LISTENING latency=1"),
        ] {
            let (time, speaker) = (SystemTime::UNIX_EPOCH, &Speaker::Server);
            let record = Record { time, speaker, level, kind, event: Event::Word(event), fields: &latency };
            assert_eq!(line(&record, Colour::On), format!("[1970-01-01 00:00:00] [SERVER] {expected}"));
            let plain = line(&record, Colour::Off);
            assert_eq!(plain, format!("[1970-01-01 00:00:00] [SERVER] [{kind}] {event} latency=1"));
        }
    }
}
