//! The kinds of values: what each accepts, and the one line that refuses the rest. Pure.

use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

use crate::digits;
use crate::dns::Name;
use crate::log::{Form, Level, escape};
use crate::node_names;

/// The longest duration a setting takes, 24 hours, in milliseconds: no setting is meant to be longer.
pub const DAY: u64 = 24 * 3_600_000;

/// Why a value, or a command line, was refused: one line that says what would have been accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invalid(String);

impl Invalid {
    /// The refusal with this line.
    pub fn new(line: impl Into<String>) -> Self {
        Self(line.into())
    }
}

impl fmt::Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A value as it was given, and where it came from: the name of a variable or flag, or a description.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text {
    /// Where it came from.
    pub origin: String,
    /// The value, unread.
    pub text: String,
}

impl Text {
    /// The refusal of this value for the reason `why`, which continues the sentence.
    pub fn refused(&self, why: &str) -> Invalid {
        Invalid(format!("{}: \"{}\" {why}", self.origin, escape(&self.text)))
    }
}

/// A kind of value: how its text is read into a `T`.
#[derive(Clone, Copy)]
pub struct Kind<T> {
    /// What usage texts call the value: `PORT`.
    pub(super) metavariable: &'static str,
    /// What a refused text is not: `a port number`.
    noun: &'static str,
    /// Which texts are accepted: `0 to 65535`.
    accepted: fn() -> String,
    parse: fn(&str) -> Option<T>,
}

impl<T> Kind<T> {
    pub(super) fn read(&self, given: &Text) -> Result<T, Invalid> {
        (self.parse)(&given.text)
            .ok_or_else(|| given.refused(&format!("is not {} ({})", self.noun, (self.accepted)())))
    }
}

/// A server or client to connect to.
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
    /// The share in hundredths of a percent.
    pub fn basis_points(self) -> u32 {
        self.0
    }
}

/// A port number from `LEAST`, which is 0 where that means a free port.
pub const fn port<const LEAST: u16>() -> Kind<u16> {
    Kind {
        metavariable: "PORT",
        noun: "a port number",
        accepted: || format!("{LEAST} to {}", u16::MAX),
        parse: |text| {
            let port = u16::try_from(digits::number(text.as_bytes())?).ok()?;
            (port >= LEAST).then_some(port)
        },
    }
}

/// A number of things, from `LEAST` to `MOST`; `noun` names it: `a number of connections`.
pub const fn count<const LEAST: usize, const MOST: usize>(noun: &'static str) -> Kind<usize> {
    Kind {
        metavariable: "N",
        noun,
        accepted: || format!("{LEAST} to {MOST}"),
        parse: |text| {
            let count = usize::try_from(digits::number(text.as_bytes())?).ok()?;
            (LEAST..=MOST).contains(&count).then_some(count)
        },
    }
}

/// A number of rounds, `LEAST` or more.
pub const fn rounds<const LEAST: u64>() -> Kind<u64> {
    Kind {
        metavariable: "ROUNDS",
        noun: "a number of rounds",
        accepted: || format!("{LEAST} or more"),
        parse: |text| digits::number(text.as_bytes()).filter(|rounds| *rounds >= LEAST),
    }
}

/// A share of 0 to 100 percent: `1`, `0.5`, `2.25`, with two decimals at most.
pub const fn percent() -> Kind<Percent> {
    Kind {
        metavariable: "PERCENT",
        noun: "a percentage",
        accepted: || "0 to 100, such as 1 or 0.25".to_owned(),
        parse: parse_percent,
    }
}

/// A duration of `LEAST` to `MOST` milliseconds.
pub const fn duration<const LEAST: u64, const MOST: u64>() -> Kind<Duration> {
    Kind {
        metavariable: "DURATION",
        noun: "a duration",
        accepted: || {
            let [least, most] = [LEAST, MOST].map(in_largest_unit);
            format!("{least} to {most}, such as 30, 0.5, 500ms or 2m")
        },
        parse: |text| {
            let limits = Duration::from_millis(LEAST)..=Duration::from_millis(MOST);
            parse_duration(text).filter(|duration| limits.contains(duration))
        },
    }
}

/// An IP address.
pub const fn address() -> Kind<IpAddr> {
    Kind {
        metavariable: "ADDRESS",
        noun: "an IP address",
        accepted: || "such as 10.0.0.5, 0.0.0.0 or ::".to_owned(),
        parse: |text| text.parse().ok(),
    }
}

/// A host name or an IP address.
pub const fn host() -> Kind<Host> {
    Kind {
        metavariable: "HOST",
        noun: "a host name or IP address",
        accepted: || "such as smoker-server or 10.0.0.5".to_owned(),
        parse: parse_host,
    }
}

/// The name of a node or a pod; `noun` names it: `a node name`.
pub const fn name(noun: &'static str) -> Kind<String> {
    Kind {
        metavariable: "NAME",
        noun,
        accepted: || node_names::ACCEPTED.to_owned(),
        parse: |text| node_names::is_object_name(text).then(|| text.to_owned()),
    }
}

/// A list of protocols.
pub const fn protocols() -> Kind<Protocols> {
    Kind {
        metavariable: "LIST",
        noun: "a list of protocols",
        accepted: || "tcp, udp and http, separated by commas".to_owned(),
        parse: parse_protocols,
    }
}

/// How much to log.
pub const fn level() -> Kind<Level> {
    Kind {
        metavariable: "LEVEL",
        noun: "a log level",
        accepted: || "error, warn, info or debug".to_owned(),
        parse: |text| match text {
            "error" => Some(Level::Error),
            "warn" => Some(Level::Warn),
            "info" => Some(Level::Info),
            "debug" => Some(Level::Debug),
            _ => None,
        },
    }
}

/// The format of log lines.
pub const fn form() -> Kind<Form> {
    Kind {
        metavariable: "FORMAT",
        noun: "a log format",
        accepted: || "text or json".to_owned(),
        parse: |text| match text {
            "text" => Some(Form::Text),
            "json" => Some(Form::Json),
            _ => None,
        },
    }
}

fn parse_percent(text: &str) -> Option<Percent> {
    let (whole, decimals) = text.split_once('.').unwrap_or((text, "0"));
    let hundredths_per_unit = match decimals.len() {
        1 => 10,
        2 => 1,
        _ => return None,
    };
    let whole = digits::number(whole.as_bytes())?.checked_mul(100)?;
    let hundredths = whole.checked_add(digits::number(decimals.as_bytes())? * hundredths_per_unit)?;
    u32::try_from(hundredths).ok().filter(|hundredths| *hundredths <= 10_000).map(Percent)
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
    let whole = u128::from(digits::number(whole.as_bytes())?).checked_mul(nanoseconds_per_unit)?;
    let fraction =
        u128::from(digits::number(fraction.as_bytes())?).checked_mul(nanoseconds_per_unit)? / scale;
    Some(Duration::from_nanos(u64::try_from(whole.checked_add(fraction)?).ok()?))
}

/// A number of milliseconds in the largest unit that divides it.
fn in_largest_unit(milliseconds: u64) -> String {
    let units = [(3_600_000, "h"), (60_000, "m"), (1000, "s"), (1, "ms")];
    let unit = units.iter().find(|(unit, _)| milliseconds > 0 && milliseconds.is_multiple_of(*unit));
    unit.map_or_else(|| "0".to_owned(), |(unit, name)| format!("{}{name}", milliseconds / unit))
}

fn parse_host(text: &str) -> Option<Host> {
    if let Ok(address) = text.parse::<IpAddr>() {
        return Some(Host::Address(address.to_canonical()));
    }
    // A name may not begin with a hyphen (RFC 1123, 2.1); what does was meant for a flag.
    let is_name = Name::parse(text).is_some() && !text.starts_with('-');
    is_name.then(|| Host::Name(text.to_owned()))
}

fn parse_protocols(text: &str) -> Option<Protocols> {
    let mut protocols = Protocols { tcp: false, udp: false, http: false };
    for word in text.split(',') {
        match word {
            "tcp" => protocols.tcp = true,
            "udp" => protocols.udp = true,
            "http" => protocols.http = true,
            _ => return None,
        }
    }
    Some(protocols)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(text: &str) -> Text {
        Text { origin: "NAME".into(), text: text.into() }
    }

    #[test]
    fn durations() {
        let ms = Duration::from_millis;
        for (text, expected) in [
            ("30", ms(30_000)),
            ("0.5", ms(500)),
            ("500ms", ms(500)),
            ("1ms", ms(1)),
            ("0.001", ms(1)),
            ("1.5s", ms(1500)),
            ("2m", ms(120_000)),
            ("0.5h", ms(1_800_000)),
            ("24h", Duration::from_hours(24)),
            ("86400", Duration::from_hours(24)),
        ] {
            assert_eq!(duration::<1, DAY>().read(&given(text)), Ok(expected), "{text}");
        }
        assert_eq!(duration::<0, DAY>().read(&given("0")), Ok(Duration::ZERO));
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
            let error = duration::<1, DAY>().read(&given(text)).unwrap_err().to_string();
            assert!(
                error.ends_with("is not a duration (1ms to 24h, such as 30, 0.5, 500ms or 2m)"),
                "{error}"
            );
        }
    }

    #[test]
    fn ports_counts_and_rounds_at_their_limits_and_one_past() {
        assert_eq!(port::<0>().read(&given("0")), Ok(0));
        assert_eq!(port::<1>().read(&given("65535")), Ok(65535));
        let error = "NAME: \"65536\" is not a port number (1 to 65535)";
        assert_eq!(port::<1>().read(&given("65536")).unwrap_err().to_string(), error);
        for text in ["0", "-1", "+1", "", "eighty", "1.0", "99999999999999999999"] {
            assert!(port::<1>().read(&given(text)).is_err(), "{text}");
        }
        for (text, accepted) in [("0", false), ("1", true), ("8192", true), ("8193", false), ("", false)] {
            assert_eq!(
                count::<1, 8192>("a number of connections").read(&given(text)).is_ok(),
                accepted,
                "{text}"
            );
        }
        for (text, accepted) in [("0", false), ("1", true), ("18446744073709551615", true), ("1x", false)] {
            assert_eq!(rounds::<1>().read(&given(text)).is_ok(), accepted, "{text}");
        }
    }

    #[test]
    fn flows_and_shares_at_their_limits_and_one_past() {
        for (text, accepted) in [("0", true), ("64", true), ("65", false), ("-1", false), ("", false)] {
            assert_eq!(count::<0, 64>("a number of flows").read(&given(text)).is_ok(), accepted, "{text}");
        }
        for (text, hundredths) in
            [("0", 0), ("1", 100), ("0.5", 50), ("0.25", 25), ("2.05", 205), ("100.00", 10_000)]
        {
            assert_eq!(percent().read(&given(text)).map(Percent::basis_points), Ok(hundredths), "{text}");
        }
        for text in ["", ".", "1.", ".5", "-1", "100.01", "101", "0.125", "1%", "1e1", "99999999999999999999"]
        {
            assert!(percent().read(&given(text)).is_err(), "{text}");
        }
    }

    #[test]
    fn hosts() {
        assert_eq!(host().read(&given("::1")), Ok(Host::Address("::1".parse().unwrap())));
        assert_eq!(host().read(&given("10.0.0.1")), Ok(Host::Address("10.0.0.1".parse().unwrap())));
        for name in ["smoker-server", "a.b.svc.cluster.local.", "1a", "_srv.example"] {
            assert_eq!(host().read(&given(name)), Ok(Host::Name(name.into())), "{name}");
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
            assert!(host().read(&given(wrong)).is_err(), "{wrong}");
        }
    }

    #[test]
    fn names_follow_the_rule_of_all_names() {
        assert_eq!(name("a node name").read(&given("node-1")).as_deref(), Ok("node-1"));
        let error = name("a node name").read(&given("node\\1")).unwrap_err().to_string();
        assert_eq!(error, format!("NAME: \"node\\\\1\" is not a node name ({})", node_names::ACCEPTED));
    }

    #[test]
    fn a_refused_duration_names_its_limits_in_their_largest_units() {
        let names = [0, 1, 999, 1000, 1500, 60_000, 3_600_000, 5_400_000, DAY].map(in_largest_unit);
        assert_eq!(names, ["0", "1ms", "999ms", "1s", "1500ms", "1m", "1h", "90m", "24h"]);
    }

    #[test]
    fn protocols_and_levels() {
        let protocols_of = |text| protocols().read(&given(text)).map(|p| (p.tcp, p.udp, p.http));
        assert_eq!(protocols_of("http,tcp"), Ok((true, false, true)));
        assert_eq!(protocols_of("udp"), Ok((false, true, false)));
        for wrong in ["", ",", "tcp,", "icmp", "TCP", "tcp udp"] {
            assert!(protocols_of(wrong).is_err(), "{wrong}");
        }
        assert_eq!(level().read(&given("warn")), Ok(Level::Warn));
        assert!(level().read(&given("verbose")).is_err());
    }

    #[test]
    fn a_refusal_stays_one_line_whatever_was_given() {
        let error = port::<0>().read(&given(&format!("a\nb{}", "x".repeat(10_000)))).unwrap_err().to_string();
        assert!(!error.contains('\n') && error.len() < 400, "{error}");
    }
}
