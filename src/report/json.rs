//! The JSON form of a line, read back: one flat object (RFC 8259), as Smoker prints it or a tool such as jq
//! has rewritten it. Pure.

use std::borrow::Cow;

use super::input::MAX_INPUT;
use super::line::Line;
use crate::json::{self, Limits, Value};
use crate::time;

/// An object whose values are scalars, or arrays of them. A number in 64 bits, with a sign, a fraction and an
/// exponent, has fewer than 64 characters.
const LIMITS: Limits = Limits { document: MAX_INPUT, depth: 2, string: MAX_INPUT, number: 64 };

/// An object with `time`, `kind` and `event`, and `node` or `"speaker":"server"`.
pub(super) fn line(text: &str) -> Option<Line<'_>> {
    let Ok(Value::Object(mut object)) = json::read(text.as_bytes(), &LIMITS) else { return None };
    let mut take = |key| match object.take(key)? {
        Value::Text(text) => Some(text),
        _ => None,
    };
    let (time, kind, event) = (take("time")?, take("kind")?, take("event")?);
    let time = time::moment(&time)?;
    let is_server = take("speaker").is_some_and(|speaker| speaker == "server");
    let node = take("node").filter(|name| !name.is_empty() && !is_server);
    let fields = object.into_iter().map(|(key, value)| field(key, value));
    let fields = fields.collect::<Option<_>>()?;
    (node.is_some() || is_server).then_some(Line { time, node, kind, event, fields })
}

/// A field as the text form has it: `latency` and `0.412ms` of `"latency_ms":0.412`.
fn field<'a>(key: Cow<'a, str>, value: Value<'a>) -> Option<(Cow<'a, str>, Cow<'a, str>)> {
    match value {
        Value::Number(number) => Some(with_unit(key, number.as_str())),
        Value::Array(items) => Some((key, list(items)?.into())),
        scalar => Some((key, text_of(scalar)?)),
    }
}

/// The items with commas between, as in the text form.
fn list(items: Vec<Value>) -> Option<String> {
    let items = items.into_iter().map(text_of);
    Some(items.collect::<Option<Vec<_>>>()?.join(","))
}

/// A scalar as text.
fn text_of(value: Value) -> Option<Cow<str>> {
    match value {
        Value::Text(text) => Some(text),
        Value::Number(number) => Some(number.as_str().into()),
        Value::Bool(true) => Some("true".into()),
        Value::Bool(false) => Some("false".into()),
        Value::Null => Some("null".into()),
        Value::Array(_) | Value::Object(_) => None,
    }
}

/// The unit moves from the key to the number.
fn with_unit<'a>(key: Cow<'a, str>, number: &'a str) -> (Cow<'a, str>, Cow<'a, str>) {
    for unit in ["ms", "s"] {
        if let Some(name) = key.strip_suffix(unit).and_then(|key| key.strip_suffix('_')) {
            return (name.to_owned().into(), format!("{number}{unit}").into());
        }
    }
    (key, number.into())
}
