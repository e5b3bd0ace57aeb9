//! The forms of the values in a line.

use std::net::{IpAddr, SocketAddr};

/// The form of a value.
#[derive(Clone, Copy, Debug)]
pub(super) enum Form {
    /// `0.412ms`
    Milliseconds,
    /// `330s`
    Seconds,
    /// `0`
    Count,
    /// `1`, never `0`: a field that is there only where there is something to count.
    Positive,
    /// One of these.
    Word(&'static [&'static str]),
    /// An error code.
    Error,
    /// Of visible characters: a name of a host or a pod.
    Name,
    /// `10.0.0.1:8080`
    Address,
    /// The same, or that it is remembered.
    AddressOrCached,
    /// `10.0.0.1`
    Ip,
    /// `10.0.0.1`, or the hosts file.
    IpOrHosts,
    /// `10.0.0.1,10.0.0.2`
    Ips,
    /// `10.0.0.1:8080/refused,10.0.0.2:8080/timeout`
    FailedBefore,
    /// `tcp:ok,endpoint:2/2`
    Evidence,
    /// `2025-11-13T10:30:30Z`
    Moment,
    /// `"of anything"`
    Text,
}

/// The words after `error=`, beside `http_NNN`.
const ERRORS: [&str; 14] = [
    "timeout",
    "refused",
    "reset",
    "unreachable",
    "closed",
    "mismatch",
    "http_malformed",
    "dns_not_found",
    "dns_timeout",
    "dns_server_failure",
    "dns_malformed",
    "dns_local",
    "black_hole",
    "io",
];

impl Form {
    /// The length of the value that `text` begins with.
    pub(super) fn end(self, text: &str) -> Option<usize> {
        match self {
            Self::Text => quoted(text),
            _ => Some(text.find(' ').unwrap_or(text.len())),
        }
    }

    /// Whether `value` has this form.
    pub(super) fn holds(self, value: &str) -> bool {
        let all = |holds: fn(&str) -> bool| value.split(',').all(holds);
        match self {
            Self::Milliseconds => milliseconds(value).is_some(),
            Self::Seconds => value.strip_suffix('s').is_some_and(is_number),
            Self::Count => is_number(value),
            Self::Positive => is_number(value) && value != "0",
            Self::Word(words) => words.contains(&value),
            Self::Error => is_error(value),
            Self::Name => is_visible(value),
            Self::Address => is_address(value),
            Self::AddressOrCached => value == "cached" || is_address(value),
            Self::Ip => is_ip(value),
            Self::IpOrHosts => value == "hosts" || is_ip(value),
            Self::Ips => all(is_ip),
            Self::FailedBefore => all(is_failed_address),
            Self::Evidence => all(is_evidence),
            Self::Moment => has_digits(value, "dddd-dd-ddTdd:dd:ddZ"),
            Self::Text => quoted(value) == Some(value.len()) && !value.chars().any(char::is_control),
        }
    }
}

/// The value of `0.412ms`.
pub(super) fn milliseconds(text: &str) -> Option<f64> {
    let text = text.strip_suffix("ms")?;
    let (whole, decimals) = text.split_once('.')?;
    (is_number(whole) && has_digits(decimals, "ddd")).then(|| text.parse().ok())?
}

/// Whether `text` is `form` with a digit for each `d`.
pub(super) fn has_digits(text: &str, form: &str) -> bool {
    text.len() == form.len()
        && text.bytes().zip(form.bytes()).all(|(byte, wanted)| match wanted {
            b'd' => byte.is_ascii_digit(),
            _ => byte == wanted,
        })
}

/// The length of the text in quotes that `text` begins with: no quote within unless escaped.
fn quoted(text: &str) -> Option<usize> {
    let mut escaped = false;
    for (at, character) in text.strip_prefix('"')?.char_indices() {
        match character {
            '"' if !escaped => return Some(at + 2),
            _ => escaped = character == '\\' && !escaped,
        }
    }
    None
}

/// Digits without a leading zero.
fn is_number(text: &str) -> bool {
    text.parse::<u64>().is_ok_and(|number| number.to_string() == text)
}

fn is_visible(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic())
}

fn is_address(text: &str) -> bool {
    text.parse::<SocketAddr>().is_ok()
}

fn is_ip(text: &str) -> bool {
    text.parse::<IpAddr>().is_ok()
}

fn is_error(text: &str) -> bool {
    ERRORS.contains(&text) || has_digits(text, "http_ddd")
}

fn is_failed_address(text: &str) -> bool {
    text.split_once('/').is_some_and(|(address, error)| is_address(address) && is_error(error))
}

/// A word of evidence: what, and what was found of it.
fn is_evidence(text: &str) -> bool {
    text.split_once(':').is_some_and(|(fact, found)| FACTS.contains(&fact) && is_visible(found))
}

/// What evidence is about.
const FACTS: [&str; 14] = [
    "tcp",
    "udp",
    "http",
    "dns",
    "endpoint",
    "nameserver",
    "flows",
    "series",
    "burst",
    "ports",
    "direct",
    "mtu",
    "latency",
    "prober",
];
