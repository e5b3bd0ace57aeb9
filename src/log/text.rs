//! The text form of a line: `[2025-11-13 10:30:00] [NODE:node-1] [TCP] SUCCESS latency=0.412ms`.

use std::fmt::{self, Write as _};

use super::escape;
use super::record::{Event, Record, Speaker, Value, milliseconds};
use crate::time::Utc;

/// The initial capacity of a line: most fit, so that the string is not reallocated.
const USUAL_LEN: usize = 160;

/// The line, without its newline. The output cuts it where it is longer than `MAX_LINE`.
pub(super) fn line(record: &Record) -> String {
    let mut line = String::with_capacity(USUAL_LEN);
    let _ = write!(line, "[{}] [{}] [{}] ", Utc::from(record.time), record.speaker, record.kind);
    match record.event {
        Event::Word(word) => line.push_str(word),
        Event::Request { method, path, status } => {
            let _ = write!(line, "{} {} {status}", escape(method), escape(path));
        }
        Event::Rejected(status) => drop(write!(line, "REJECTED {status}")),
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
    use std::time::{Duration, SystemTime};

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
    }

    #[test]
    fn a_request_is_printed_with_its_status_and_without_a_key() {
        for (event, text) in [
            (Event::Request { method: "GET", path: "/a\\b", status: 404 }, "GET /a\\\\b 404"),
            (Event::Rejected(400), "REJECTED 400"),
        ] {
            let (time, speaker) = (SystemTime::UNIX_EPOCH, &Speaker::Server);
            let line = line(&Record { time, speaker, kind: "HTTP", event, fields: &[] });
            assert_eq!(line, format!("[1970-01-01 00:00:00] [SERVER] [HTTP] {text}"));
        }
    }
}
