//! The lines that a client prints, in either form, taken apart strictly: what deviates by a byte is refused.
//! Which kinds of lines there are is in `kinds`, and what the fields of one line owe each other in `sense`.

mod form;
mod json;
mod kinds;
mod sense;
mod tests;

use std::fmt;

pub(crate) use json::{Json, object};

use form::has_digits;
use kinds::Field;

use crate::support::starved;

/// One line.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Line {
    pub(crate) stamp: String,
    pub(crate) node: String,
    pub(crate) kind: String,
    /// `SUCCESS`, `FAILED`, a verdict, or the protocol of a summary.
    pub(crate) event: String,
    /// As the text form has them, in their order.
    fields: Vec<(&'static str, String)>,
}

/// Every line that a client may print: its kind, its event and the keys of its fields.
pub(crate) fn known() -> impl Iterator<Item = (&'static str, &'static str, Vec<&'static str>)> {
    kinds::all()
}

impl Line {
    /// Takes `text` apart; a panic says that it is no line of a client.
    pub(crate) fn of(text: &str) -> Self {
        let line = parse(text).unwrap_or_else(|| panic!("not a client's line: {text:?}"));
        starved::note(&line);
        line
    }

    /// The same of a line in JSON.
    pub(crate) fn of_json(text: &str) -> Self {
        json::parse(text).unwrap_or_else(|| panic!("not a client's line in JSON: {text:?}"))
    }

    /// `TCP SUCCESS`, `UDP timeout receive`, `VERDICT healthy`: what most tests compare.
    pub(crate) fn brief(&self) -> String {
        let words = [self.get("error"), self.get("phase")];
        let words: Vec<&str> = words.into_iter().flatten().collect();
        match &*self.event {
            "FAILED" => format!("{} {}", self.kind, words.join(" ")),
            event => format!("{} {event}", self.kind),
        }
    }

    /// Whether it is about one of the three probes of the target.
    pub(crate) fn is_probe(&self) -> bool {
        ["TCP", "UDP", "HTTP"].contains(&&*self.kind)
    }

    /// The value of a field, as the text form has it; `None` where the line has no such field.
    pub(crate) fn get(&self, key: &str) -> Option<&str> {
        self.fields.iter().find(|(name, _)| *name == key).map(|(_, value)| &**value)
    }

    /// The value of a field that is a duration in milliseconds.
    pub(crate) fn ms(&self, key: &str) -> f64 {
        let value = self.get(key).and_then(form::milliseconds);
        value.unwrap_or_else(|| panic!("no {key} in ms: {self}"))
    }

    /// The value of a field that is a number.
    pub(crate) fn count(&self, key: &str) -> u64 {
        let value = self.get(key).and_then(|value| value.parse().ok());
        value.unwrap_or_else(|| panic!("no number {key}: {self}"))
    }

    /// The values of a field that is a list.
    pub(crate) fn list(&self, key: &str) -> Vec<&str> {
        self.get(key).unwrap_or_else(|| panic!("no {key}: {self}")).split(',').collect()
    }

    /// Which fields it has.
    pub(crate) fn keys(&self) -> Vec<&'static str> {
        self.fields.iter().map(|(key, _)| *key).collect()
    }

    /// How many failures in a row, and since when.
    pub(crate) fn row(&self) -> (u64, &str) {
        (self.count("failures"), self.get("since").unwrap())
    }

    /// The stamp in the form of `since=`.
    pub(crate) fn moment(&self) -> String {
        format!("{}Z", self.stamp.replace(' ', "T"))
    }
}

/// What a failure of `of` shows of it.
impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:?}")
    }
}

fn parse(text: &str) -> Option<Line> {
    let (stamp, rest) = text.strip_prefix('[')?.split_once("] [NODE:")?;
    let (node, rest) = rest.split_once("] [")?;
    let (kind, rest) = rest.split_once("] ")?;
    let (event, mut rest) = match rest.split_once(' ') {
        Some((event, fields)) => (event, Some(fields)),
        None => (rest, None),
    };
    let mut fields = Vec::new();
    for field in kinds::fields(kind, event)? {
        match rest.and_then(|rest| take(rest, &field)) {
            Some((value, behind)) => {
                fields.push((field.key, value.to_owned()));
                rest = behind;
            }
            None if field.always => return None,
            None => {}
        }
    }
    let line =
        Line { stamp: stamp.into(), node: node.into(), kind: kind.into(), event: event.into(), fields };
    (rest.is_none() && is_line(&line)).then_some(line)
}

/// The value of `field` and what is behind it, if `text` begins with it.
fn take<'a>(text: &'a str, field: &Field) -> Option<(&'a str, Option<&'a str>)> {
    let value = text.strip_prefix(field.key)?.strip_prefix('=')?;
    let end = field.form.end(value)?;
    let (value, behind) = value.split_at(end);
    let behind = match behind {
        "" => None,
        behind => Some(behind.strip_prefix(' ')?),
    };
    field.form.holds(value).then_some((value, behind))
}

/// Whether what stands before the fields has its form, and the fields make sense together.
fn is_line(line: &Line) -> bool {
    has_digits(&line.stamp, "dddd-dd-dd dd:dd:dd")
        && !line.node.is_empty()
        && line.node.bytes().all(|byte| byte.is_ascii_graphic() && !b"[]".contains(&byte))
        && sense::makes_sense(line)
}
