//! The form of the client's lines, taken apart strictly: what deviates by a byte is refused.

use std::fmt;

/// A line about one probe.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Line {
    pub(crate) stamp: String,
    pub(crate) node: String,
    pub(crate) kind: String,
    pub(crate) outcome: Outcome,
    /// The addresses that were tried in vain before the one that decided.
    pub(crate) failed: Option<String>,
    /// The TCP segments that were sent again; not told where none were.
    pub(crate) retrans: Option<u64>,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Outcome {
    Success {
        latency_ms: f64,
        /// The parts of the latency, by name.
        phases: Vec<(&'static str, f64)>,
        address: Option<String>,
    },
    Failed {
        error: String,
        phase: String,
        tried: Tried,
        failures: u64,
        since: String,
        detail: Option<String>,
    },
}

/// What a failed probe was aimed at.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Tried {
    Address(String),
    Name(String),
}

/// The words after `phase=`, in the order of a probe.
const PHASES: [&str; 4] = ["resolve", "connect", "send", "receive"];

/// The words after `error=`, but for `http_NNN`.
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
    "io",
    "http_NNN",
];

impl Line {
    /// Takes `text` apart; a panic says what is wrong with it.
    pub(crate) fn of(text: &str) -> Self {
        parse(text).unwrap_or_else(|| panic!("not a client's line: {text:?}"))
    }

    /// `TCP SUCCESS`, `UDP timeout receive`: what most tests compare.
    pub(crate) fn brief(&self) -> String {
        match &self.outcome {
            Outcome::Success { .. } => format!("{} SUCCESS", self.kind),
            Outcome::Failed { error, phase, .. } => format!("{} {error} {phase}", self.kind),
        }
    }

    pub(crate) fn latency_ms(&self) -> f64 {
        match self.outcome {
            Outcome::Success { latency_ms, .. } => latency_ms,
            Outcome::Failed { .. } => panic!("a failure: {self}"),
        }
    }

    /// How long `phase` took.
    pub(crate) fn phase_ms(&self, phase: &str) -> f64 {
        let Outcome::Success { phases, .. } = &self.outcome else { panic!("a failure: {self}") };
        phases.iter().find(|(name, _)| *name == phase).unwrap_or_else(|| panic!("no {phase}: {self}")).1
    }

    /// How many failures in a row, and since when.
    pub(crate) fn row(&self) -> (u64, &str) {
        match &self.outcome {
            Outcome::Success { .. } => panic!("a success: {self}"),
            Outcome::Failed { failures, since, .. } => (*failures, since),
        }
    }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:?}")
    }
}

fn parse(text: &str) -> Option<Line> {
    let (stamp, rest) = text.strip_prefix('[')?.split_once("] [NODE:")?;
    let (node, rest) = rest.split_once("] [")?;
    let (kind, rest) = rest.split_once("] ")?;
    let well_formed = has_form(stamp, "dddd-dd-dd dd:dd:dd")
        && !node.is_empty()
        && node.bytes().all(|byte| byte.is_ascii_graphic() && !b"[]".contains(&byte))
        && ["TCP", "UDP", "HTTP"].contains(&kind);
    let (outcome, failed, retrans) = match rest.split_once(' ')? {
        ("SUCCESS", fields) => success(kind, fields)?,
        ("FAILED", fields) => failure(kind, fields)?,
        _ => return None,
    };
    let (stamp, node, kind) = (stamp.into(), node.into(), kind.into());
    well_formed.then_some(Line { stamp, node, kind, outcome, failed, retrans })
}

/// What a line says of its outcome, of the addresses before, and of segments sent again.
type Said = (Outcome, Option<String>, Option<u64>);

/// The parts of a latency, by protocol.
fn phases_of(kind: &str) -> &'static [&'static str] {
    match kind {
        "TCP" => &["connect", "echo"],
        "HTTP" => &["connect", "ttfb"],
        _ => &[],
    }
}

fn success(kind: &str, text: &str) -> Option<Said> {
    let mut fields = Fields(Some(text));
    let latency_ms = milliseconds(fields.take("latency")?)?;
    let mut phases = Vec::new();
    // Lines that were printed before there were phases are lines still; one phase alone never was.
    if fields.0.is_some_and(|rest| rest.starts_with("connect=")) {
        for phase in phases_of(kind) {
            phases.push((*phase, milliseconds(fields.take(phase)?)?));
        }
    }
    let retrans = retrans(kind, &mut fields)?;
    let address = fields.take("address").map(str::to_owned);
    let failed = fields.take("failed").map(str::to_owned);
    let well_formed = fields.0.is_none()
        && address.iter().all(|address| is_address(address))
        // Each is rounded to the next microsecond.
        && phases.iter().map(|(_, took)| took).sum::<f64>() <= latency_ms + 0.0015;
    well_formed.then_some((Outcome::Success { latency_ms, phases, address }, failed, retrans))
}

fn failure(kind: &str, text: &str) -> Option<Said> {
    let mut fields = Fields(Some(text));
    let (error, phase) = (fields.take("error")?, fields.take("phase")?);
    let tried = match fields.take("address") {
        Some(address) => Tried::Address(address.into()),
        None => Tried::Name(fields.take("name")?.into()),
    };
    let failed = fields.take("failed").map(str::to_owned);
    let (failures, since) = (fields.take("failures")?, fields.take("since")?);
    let detail = match fields.0.and_then(|rest| rest.strip_prefix("detail=")) {
        Some(rest) => Some(fields.take_quoted(rest)?),
        None => None,
    };
    let retrans = retrans(kind, &mut fields)?;
    let known = ERRORS.contains(&error) || has_form(error, "http_ddd");
    let resolving = error.starts_with("dns_");
    let address_is_one = !matches!(&tried, Tried::Address(address) if !is_address(address));
    let well_formed = known
        && error != "http_NNN"
        && PHASES.contains(&phase)
        && resolving == (phase == "resolve")
        && resolving == matches!(tried, Tried::Name(_))
        && address_is_one
        && is_number(failures)
        && failures != "0"
        && has_form(since, "dddd-dd-ddTdd:dd:ddZ")
        && detail.is_some() == (error == "io")
        && fields.0.is_none();
    let (error, phase, since) = (error.into(), phase.into(), since.into());
    let failure = Outcome::Failed { error, phase, tried, failures: failures.parse().ok()?, since, detail };
    well_formed.then_some((failure, failed, retrans))
}

/// The segments that were sent again: a number that is not 0, of TCP and what is above it alone; `None` where
/// there is something else.
#[expect(clippy::option_option, reason = "whether it is there, and whether that is right")]
fn retrans(kind: &str, fields: &mut Fields) -> Option<Option<u64>> {
    match fields.take("retrans") {
        None => Some(None),
        Some(number) => (is_number(number) && number != "0" && kind != "UDP").then(|| number.parse().ok()),
    }
}

/// The value of `0.412ms`.
fn milliseconds(text: &str) -> Option<f64> {
    let text = text.strip_suffix("ms")?;
    let (whole, decimals) = text.split_once('.')?;
    let well_formed =
        is_number(whole) && decimals.len() == 3 && decimals.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| well_formed)
}

/// What is left of `key=value key=value`; `None` once all is taken.
struct Fields<'a>(Option<&'a str>);

impl<'a> Fields<'a> {
    /// The value of the next field if it is that of `key`.
    fn take(&mut self, key: &str) -> Option<&'a str> {
        let value = self.0?.strip_prefix(key)?.strip_prefix('=')?;
        let (value, rest) = match value.split_once(' ') {
            Some((value, rest)) => (value, Some(rest)),
            None => (value, None),
        };
        self.0 = rest;
        Some(value).filter(|value| !value.is_empty())
    }

    /// The text in quotes that `rest` begins with: up to a quote that a field, or nothing, follows.
    fn take_quoted(&mut self, rest: &'a str) -> Option<String> {
        let (text, rest) = match rest.rsplit_once("\" retrans=") {
            Some((text, _)) => rest.split_at(text.len() + 1),
            None => (rest, ""),
        };
        self.0 = rest.strip_prefix(' ');
        quoted(text)
    }
}

/// The text between the quotes that `text` is in: no quote or control byte within unless escaped.
fn quoted(text: &str) -> Option<String> {
    let inner = text.strip_prefix('"')?.strip_suffix('"')?;
    let mut escaped = false;
    for character in inner.chars() {
        if character.is_control() || (character == '"' && !escaped) {
            return None;
        }
        escaped = character == '\\' && !escaped;
    }
    (!escaped).then(|| inner.to_owned())
}

fn is_address(text: &str) -> bool {
    text.parse::<std::net::SocketAddr>().is_ok()
}

/// Digits without a leading zero.
fn is_number(text: &str) -> bool {
    text.parse::<u64>().is_ok_and(|number| number.to_string() == text)
}

/// Whether `text` is `form` with a digit for each `d`.
fn has_form(text: &str, form: &str) -> bool {
    text.len() == form.len()
        && text.bytes().zip(form.bytes()).all(|(byte, wanted)| match wanted {
            b'd' => byte.is_ascii_digit(),
            _ => byte == wanted,
        })
}

const SUCCESS: &str = "[2025-11-13 10:30:00] [NODE:node-1] [TCP] SUCCESS latency=0.412ms connect=0.210ms \
                       echo=0.202ms";
const FAILED: &str = "[2025-11-13 10:30:30] [NODE:node-2] [HTTP] FAILED error=timeout phase=connect \
                      address=10.0.0.1:8082 failures=3 since=2025-11-13T10:29:30Z";
const UNRESOLVED: &str = "[2025-11-13 10:30:30] [NODE:node-2] [UDP] FAILED error=dns_not_found phase=resolve \
                          name=smoker-server failures=1 since=2025-11-13T10:30:30Z";

#[test]
fn the_form_accepts_what_the_issue_shows() {
    assert_eq!(Line::of(SUCCESS).brief(), "TCP SUCCESS");
    assert!((Line::of(SUCCESS).latency_ms() - 0.412).abs() < f64::EPSILON);
    assert_eq!(Line::of(FAILED).brief(), "HTTP timeout connect");
    assert_eq!(Line::of(FAILED).row(), (3, "2025-11-13T10:29:30Z"));
    assert_eq!(Line::of(UNRESOLVED).brief(), "UDP dns_not_found resolve");
    assert!((Line::of(SUCCESS).phase_ms("echo") - 0.202).abs() < f64::EPSILON);
    let several = format!("{SUCCESS} retrans=2 address=[::1]:8080 failed=10.0.0.1:8080/refused");
    assert_eq!(Line::of(&several).failed.as_deref(), Some("10.0.0.1:8080/refused"));
    assert_eq!(Line::of(&several).retrans, Some(2));
    assert_eq!(Line::of(&format!("{FAILED} retrans=2")).retrans, Some(2));
    let detailed = FAILED.replace("=timeout", "=io") + " detail=\"no \\\"such\\\" thing\"";
    assert_eq!(Line::of(&detailed).brief(), "HTTP io connect");
    assert_eq!(Line::of(&format!("{detailed} retrans=1")).retrans, Some(1));
    let of_udp = "[2025-11-13 10:30:00] [NODE:node-1] [UDP] SUCCESS latency=0.412ms";
    assert_eq!(Line::of(of_udp).brief(), "UDP SUCCESS");
    assert_eq!(Line::of(&FAILED.replace("timeout", "http_503")).brief(), "HTTP http_503 connect");
}

#[test]
fn the_form_refuses_what_differs_by_little() {
    for (line, part, instead) in [
        (SUCCESS, "[2025", "2025"),
        (SUCCESS, "11-13 ", "11-13T"),
        (SUCCESS, "10:30:00]", "10:30:00Z]"),
        (SUCCESS, "NODE:node-1", "NODE:"),
        (SUCCESS, "node-1", "no de"),
        (SUCCESS, "NODE:", "SERVER:"),
        (SUCCESS, "TCP", "tcp"),
        (SUCCESS, "SUCCESS ", "SUCCESS  "),
        (SUCCESS, "SUCCESS", "Success"),
        (SUCCESS, "0.412ms", "0.41ms"),
        (SUCCESS, "0.412ms", "00.412ms"),
        (SUCCESS, "0.412ms", "0.412"),
        (SUCCESS, "0.412ms", "-0.412ms"),
        (SUCCESS, "0.202ms", "0.202ms "),
        (SUCCESS, "0.202ms", "0.202ms error=timeout"),
        (SUCCESS, "0.202ms", "0.202ms retrans=0"),
        (SUCCESS, "0.202ms", "0.202"),
        (SUCCESS, "0.202ms", "0.302ms"),
        (SUCCESS, " echo=0.202ms", ""),
        (SUCCESS, "connect=0.210ms echo=0.202ms", "echo=0.202ms connect=0.210ms"),
        (SUCCESS, "echo", "ttfb"),
        (SUCCESS, "[TCP]", "[UDP]"),
        (FAILED, "failures=3", "retrans=1 failures=3"),
        (FAILED, "timeout", "slow"),
        (FAILED, "timeout", "http_NNN"),
        (FAILED, "timeout", "http_9"),
        (FAILED, "timeout", "dns_timeout"),
        (FAILED, "timeout", "io"),
        (FAILED, "error=timeout phase=connect", "phase=connect error=timeout"),
        (FAILED, "phase=connect ", ""),
        (FAILED, "phase=connect", "phase=resolve"),
        (FAILED, "phase=connect", "phase=latency"),
        (FAILED, "phase=", "latency=0.412ms phase="),
        (FAILED, "address=10.0.0.1:8082 ", ""),
        (FAILED, ":8082", ""),
        (FAILED, "failures=3", "failures=0"),
        (FAILED, "failures=3 ", ""),
        (FAILED, "T10:29:30Z", " 10:29:30"),
        (FAILED, "30Z", "30Z detail=\"x\""),
        (UNRESOLVED, "name=smoker-server", "address=10.0.0.1:8081"),
        (UNRESOLVED, "phase=resolve", "phase=connect"),
    ] {
        assert!(line.contains(part), "{part:?} is not in {line:?}");
        let line = line.replace(part, instead);
        assert_eq!(parse(&line), None, "{line:?}");
    }
    let detail =
        |text: &str| parse(&format!("{} detail={text}", FAILED.replace("=timeout", "=io"))).is_some();
    for (text, accepted) in
        [("\"x\"", true), ("x", false), ("\"a\"b\"", false), ("\"a\\\"", false), ("\"a\u{1b}\"", false)]
    {
        assert_eq!(detail(text), accepted, "{text}");
    }
}
