//! A field's value, typed, and its form in a line of text.

use std::fmt;
use std::net::SocketAddr;
use std::time::{Duration, SystemTime};

use super::escape;
use crate::time::Utc;

/// A field's value, and by it its form in the line.
#[derive(Clone, Copy, Debug)]
pub enum Value<'a> {
    /// A whole number.
    Count(u64),
    /// A duration in milliseconds with three decimals: `0.412ms`.
    Milliseconds(Duration),
    /// A word of Smoker's own vocabulary, as it is.
    Word(&'a str),
    /// Text from anywhere, quoted and escaped.
    Text(&'a str),
    /// An address and port.
    Address(SocketAddr),
    /// A moment in UTC: `2025-11-13T10:30:30Z`.
    Moment(SystemTime),
}

impl fmt::Display for Value<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Value::Count(count) => write!(f, "{count}"),
            Value::Milliseconds(duration) => {
                // Rounded to the nearest microsecond, without floating point.
                let microseconds = (duration.as_nanos() + 500) / 1000;
                write!(f, "{}.{:03}ms", microseconds / 1000, microseconds % 1000)
            }
            Value::Word(word) => f.write_str(word),
            Value::Text(text) => write!(f, "\"{}\"", escape(text)),
            Value::Address(address) => write!(f, "{address}"),
            Value::Moment(moment) => f.write_str(&Utc::from(moment).rfc3339()),
        }
    }
}

#[cfg(test)]
mod tests {
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
}
