//! The text form of a line: `[2025-11-13 10:30:00] [NODE:node-1] [TCP] SUCCESS latency=0.412ms`.

use std::fmt::{self, Write as _};

use super::escape;
use super::record::{Event, Record, Speaker, Value, milliseconds};
use crate::time::Utc;

/// The line, without its end. Past the longest it is cut by who prints it.
pub(super) fn line(record: &Record) -> String {
    let Record { time, speaker, kind, event, fields } = record;
    let mut line = format!("[{}] [{speaker}] [{kind}] {event}", Utc::from(*time));
    for (key, value) in *fields {
        let _ = write!(line, " {key}={value}");
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

impl fmt::Display for Event<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Word(word) => f.write_str(word),
            Self::Request { method, path, status } => {
                write!(f, "{} {} {status}", escape(method), escape(path))
            }
            Self::Rejected(status) => write!(f, "REJECTED {status}"),
        }
    }
}

impl fmt::Display for Value<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Value::Count(count) => write!(f, "{count}"),
            Value::Milliseconds(duration) => {
                let (whole, decimals) = milliseconds(duration);
                write!(f, "{whole}.{decimals:03}ms")
            }
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
    use std::time::Duration;

    use super::*;

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
        let request = Event::Request { method: "GET", path: "/a\\b", status: 404 };
        assert_eq!(request.to_string(), "GET /a\\\\b 404");
        assert_eq!(Event::Rejected(400).to_string(), "REJECTED 400");
    }
}
