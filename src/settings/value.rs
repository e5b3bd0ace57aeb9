//! The types of values: what each accepts, and the one line that refuses the rest. Pure.

use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

use crate::dns::Name;
use crate::log::{Form, Level, escape};

/// The longest duration a setting takes: a day is longer than any of them can be meant.
pub const MAX_DURATION: Duration = Duration::from_hours(24);

/// The longest node name, in bytes: that of a Kubernetes object (RFC 1123 subdomain).
pub const MAX_NODE_NAME: usize = 253;

/// The most connections: a thread takes four memory mappings, and a process that runs out of them
/// (`vm.max_map_count`, 65,530) was seen to abort at 18,000 threads.
pub(super) const MAX_CONNECTIONS: usize = 8192;

/// The most source ports of a series: each is a socket, kept open.
pub(super) const MAX_FLOWS: usize = 64;

/// Why a value, or a command line, was refused: one line that says what would have been accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invalid(String);

impl Invalid {
    /// The refusal that says `why`.
    pub fn new(why: impl Into<String>) -> Self {
        Self(why.into())
    }
}

impl fmt::Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Whom to probe.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Host {
    /// An address, which needs no look-up.
    Address(IpAddr),
    /// A name, looked up before each round.
    Name(String),
}

/// What a round probes, always in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Protocols {
    /// Whether TCP is probed.
    pub tcp: bool,
    /// Whether UDP is probed.
    pub udp: bool,
    /// Whether HTTP is probed.
    pub http: bool,
}

/// A share, in hundredths of a percent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Percent(u32);

impl Percent {
    /// Whether `part` of `whole` is more than this share.
    pub fn is_exceeded_by(self, part: u64, whole: u64) -> bool {
        u128::from(part) * 10_000 > u128::from(whole) * u128::from(self.0)
    }
}

/// A value as it was given, and where it came from: a variable, a flag, or the host.
pub(super) struct Text {
    pub(super) origin: &'static str,
    pub(super) text: String,
}

impl Text {
    pub(super) fn invalid(&self, why: &str) -> Invalid {
        Invalid(format!("{}: \"{}\" {why}", self.origin, escape(&self.text)))
    }
}

pub(super) fn port(given: &Text, lowest: u16) -> Result<u16, Invalid> {
    digits(&given.text)
        .and_then(|number| u16::try_from(number).ok())
        .filter(|port| *port >= lowest)
        .ok_or_else(|| given.invalid(&format!("is not a port number ({lowest} to 65535)")))
}

pub(super) fn connections(given: &Text) -> Result<usize, Invalid> {
    digits(&given.text)
        .and_then(|number| usize::try_from(number).ok())
        .filter(|number| (1..=MAX_CONNECTIONS).contains(number))
        .ok_or_else(|| given.invalid(&format!("is not a number of connections (1 to {MAX_CONNECTIONS})")))
}

pub(super) fn rounds(given: &Text, lowest: u64) -> Result<u64, Invalid> {
    digits(&given.text)
        .filter(|number| *number >= lowest)
        .ok_or_else(|| given.invalid(&format!("is not a number of rounds ({lowest} or more)")))
}

pub(super) fn flows(given: &Text) -> Result<usize, Invalid> {
    digits(&given.text)
        .and_then(|number| usize::try_from(number).ok())
        .filter(|number| *number <= MAX_FLOWS)
        .ok_or_else(|| given.invalid(&format!("is not a number of flows (0 to {MAX_FLOWS})")))
}

/// `1`, `0.5`, `2.25`: with two decimals at most.
pub(super) fn percent(given: &Text) -> Result<Percent, Invalid> {
    let (whole, decimals) = given.text.split_once('.').unwrap_or((&given.text, "0"));
    let hundredths = match (digits(whole), digits(decimals), decimals.len()) {
        (Some(whole), Some(tenths), 1) => whole.checked_mul(100).map(|whole| whole + 10 * tenths),
        (Some(whole), Some(hundredths), 2) => whole.checked_mul(100).map(|whole| whole + hundredths),
        _ => None,
    };
    hundredths
        .and_then(|hundredths| u32::try_from(hundredths).ok())
        .filter(|hundredths| *hundredths <= 10_000)
        .map(Percent)
        .ok_or_else(|| given.invalid("is not a percentage (0 to 100, such as 1 or 0.25)"))
}

pub(super) fn duration(given: &Text, shortest: Duration) -> Result<Duration, Invalid> {
    parse_duration(&given.text).filter(|duration| (shortest..=MAX_DURATION).contains(duration)).ok_or_else(
        || {
            let shortest = if shortest.is_zero() { "0" } else { "1ms" };
            given.invalid(&format!("is not a duration ({shortest} to 24h, such as 30, 0.5, 500ms or 2m)"))
        },
    )
}

pub(super) fn address(given: &Text) -> Result<IpAddr, Invalid> {
    given.text.parse().map_err(|_| given.invalid("is not an IP address (such as 10.0.0.5, 0.0.0.0 or ::)"))
}

pub(super) fn host(given: &Text) -> Result<Host, Invalid> {
    if let Ok(address) = given.text.parse::<IpAddr>() {
        return Ok(Host::Address(address.to_canonical()));
    }
    // A name may not begin with a hyphen (RFC 1123, 2.1); what does was meant for a flag.
    if Name::parse(&given.text).is_none() || given.text.starts_with('-') {
        return Err(given.invalid("is neither a host name nor an IP address"));
    }
    Ok(Host::Name(given.text.clone()))
}

/// Refuses what would break the line `[NODE:name] [TCP] …`.
pub(super) fn node_name(given: &Text) -> Result<String, Invalid> {
    object_name(given, "node")
}

/// Refuses what would break a field of a line, or of an HTTP head.
pub(super) fn pod_name(given: &Text) -> Result<String, Invalid> {
    object_name(given, "pod")
}

fn object_name(given: &Text, object: &str) -> Result<String, Invalid> {
    let fits = |byte: u8| byte.is_ascii_graphic() && !b"[]\"".contains(&byte);
    if given.text.is_empty() || given.text.len() > MAX_NODE_NAME || !given.text.bytes().all(fits) {
        let accepted = "(1 to 253 visible ASCII characters, no brackets or quotes)";
        return Err(given.invalid(&format!("is not a {object} name {accepted}")));
    }
    Ok(given.text.clone())
}

pub(super) fn protocols(given: &Text) -> Result<Protocols, Invalid> {
    let mut protocols = Protocols { tcp: false, udp: false, http: false };
    for word in given.text.split(',') {
        let probed = match word {
            "tcp" => &mut protocols.tcp,
            "udp" => &mut protocols.udp,
            "http" => &mut protocols.http,
            _ => {
                return Err(
                    given.invalid("is not a list of protocols (tcp, udp and http, with commas between)")
                );
            }
        };
        *probed = true;
    }
    Ok(protocols)
}

pub(super) fn level(given: &Text) -> Result<Level, Invalid> {
    match given.text.as_str() {
        "error" => Ok(Level::Error),
        "warn" => Ok(Level::Warn),
        "info" => Ok(Level::Info),
        "debug" => Ok(Level::Debug),
        _ => Err(given.invalid("is not a log level (error, warn, info or debug)")),
    }
}

pub(super) fn form(given: &Text) -> Result<Form, Invalid> {
    match given.text.as_str() {
        "text" => Ok(Form::Text),
        "json" => Ok(Form::Json),
        _ => Err(given.invalid("is not a log format (text or json)")),
    }
}

/// Digits alone: `parse` would also take a sign.
fn digits(text: &str) -> Option<u64> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?
}

/// `30`, `0.5`, `500ms`, `2m`: exact, without floating point. A bare number is seconds.
fn parse_duration(text: &str) -> Option<Duration> {
    let (number, unit) = text.split_at(text.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(text.len()));
    let nanoseconds_per_unit: u128 = match unit {
        "ms" => 1_000_000,
        "" | "s" => 1_000_000_000,
        "m" => 60_000_000_000,
        "h" => 3_600_000_000_000,
        _ => return None,
    };
    let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
    let scale = 10_u128.checked_pow(u32::try_from(fraction.len()).ok()?)?;
    let whole = u128::from(digits(whole)?).checked_mul(nanoseconds_per_unit)?;
    let fraction = u128::from(digits(fraction)?).checked_mul(nanoseconds_per_unit)? / scale;
    Some(Duration::from_nanos(u64::try_from(whole.checked_add(fraction)?).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(text: &str) -> Text {
        Text { origin: "NAME", text: text.into() }
    }

    #[test]
    fn durations() {
        let ms = Duration::from_millis;
        for (text, duration) in [
            ("30", ms(30_000)),
            ("0.5", ms(500)),
            ("500ms", ms(500)),
            ("1ms", ms(1)),
            ("0.001", ms(1)),
            ("1.5s", ms(1500)),
            ("2m", ms(120_000)),
            ("0.5h", ms(1_800_000)),
            ("24h", MAX_DURATION),
            ("86400", MAX_DURATION),
        ] {
            assert_eq!(super::duration(&given(text), Duration::from_millis(1)), Ok(duration), "{text}");
        }
        assert_eq!(super::duration(&given("0"), Duration::ZERO), Ok(Duration::ZERO));
        for text in [
            "",
            " ",
            "-1",
            "+1",
            "1 s",
            "s",
            ".",
            "1.",
            ".5",
            "1.2.3",
            "1e3",
            "1S",
            "5d",
            "1ms5",
            "0",
            "0.0009",
            "86400.000000001",
            "24.1h",
            "18446744073709551616",
            "99999999999999999999999999999999h",
            "0.00000000000000000000000000000000000000001",
            "٣",
        ] {
            let error = super::duration(&given(text), Duration::from_millis(1)).unwrap_err().to_string();
            assert!(
                error.ends_with("is not a duration (1ms to 24h, such as 30, 0.5, 500ms or 2m)"),
                "{error}"
            );
        }
    }

    #[test]
    fn ports_connections_and_rounds_at_their_limits_and_one_past() {
        assert_eq!(port(&given("0"), 0), Ok(0));
        assert_eq!(port(&given("65535"), 1), Ok(65535));
        let error = "NAME: \"65536\" is not a port number (1 to 65535)";
        assert_eq!(port(&given("65536"), 1).unwrap_err().to_string(), error);
        for text in ["0", "-1", "+1", "", "eighty", "1.0", "99999999999999999999"] {
            assert!(port(&given(text), 1).is_err(), "{text}");
        }
        for (text, accepted) in [("0", false), ("1", true), ("8192", true), ("8193", false), ("", false)] {
            assert_eq!(connections(&given(text)).is_ok(), accepted, "{text}");
        }
        for (text, accepted) in [("0", false), ("1", true), ("18446744073709551615", true), ("1x", false)] {
            assert_eq!(rounds(&given(text), 1).is_ok(), accepted, "{text}");
        }
    }

    #[test]
    fn flows_and_shares_at_their_limits_and_one_past() {
        for (text, accepted) in [("0", true), ("64", true), ("65", false), ("-1", false), ("", false)] {
            assert_eq!(flows(&given(text)).is_ok(), accepted, "{text}");
        }
        for (text, hundredths) in
            [("0", 0), ("1", 100), ("0.5", 50), ("0.25", 25), ("2.05", 205), ("100.00", 10_000)]
        {
            assert_eq!(percent(&given(text)), Ok(Percent(hundredths)), "{text}");
        }
        for text in ["", ".", "1.", ".5", "-1", "100.01", "101", "0.125", "1%", "1e1", "99999999999999999999"]
        {
            assert!(percent(&given(text)).is_err(), "{text}");
        }
        let one = Percent(100);
        assert!(!one.is_exceeded_by(0, 0) && !one.is_exceeded_by(2, 256) && one.is_exceeded_by(3, 256));
        assert!(!one.is_exceeded_by(1, 100) && Percent(0).is_exceeded_by(1, 1_000_000));
    }

    #[test]
    fn hosts() {
        assert_eq!(host(&given("::1")), Ok(Host::Address("::1".parse().unwrap())));
        assert_eq!(host(&given("10.0.0.1")), Ok(Host::Address("10.0.0.1".parse().unwrap())));
        for name in ["smoker-server", "a.b.svc.cluster.local.", "1a", "_srv.example"] {
            assert_eq!(host(&given(name)), Ok(Host::Name(name.into())), "{name}");
        }
        for wrong in [
            "",
            "10.0.0.256",
            "10.0.0",
            "1.2.3.4.",
            "[::1]",
            "::1::",
            "a b",
            "a..b",
            "http://x",
            "x:80",
            "-x",
        ] {
            assert!(host(&given(wrong)).is_err(), "{wrong}");
        }
    }

    #[test]
    fn node_names_that_would_break_the_line_are_refused() {
        for name in ["node-1", "ip-10-0-0-1.ec2.internal", &"n".repeat(MAX_NODE_NAME)] {
            assert_eq!(node_name(&given(name)).as_deref(), Ok(name));
        }
        for name in ["", "a b", "a]", "[a", "a\n", "a\u{1b}", "é", "a\"", &"n".repeat(MAX_NODE_NAME + 1)] {
            assert!(node_name(&given(name)).is_err(), "{name}");
        }
    }

    #[test]
    fn protocols_and_levels() {
        let protocols_of = |text| protocols(&given(text)).map(|p| (p.tcp, p.udp, p.http));
        assert_eq!(protocols_of("http,tcp"), Ok((true, false, true)));
        assert_eq!(protocols_of("udp"), Ok((false, true, false)));
        for wrong in ["", ",", "tcp,", "icmp", "TCP", "tcp udp"] {
            assert!(protocols_of(wrong).is_err(), "{wrong}");
        }
        assert_eq!(level(&given("warn")), Ok(Level::Warn));
        assert!(level(&given("verbose")).is_err());
    }

    #[test]
    fn a_refusal_stays_one_line_whatever_was_given() {
        let error = port(&given(&format!("a\nb{}", "x".repeat(10_000))), 0).unwrap_err().to_string();
        assert!(!error.contains('\n') && error.len() < 400, "{error}");
    }
}
