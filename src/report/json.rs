//! The JSON form of a line, read back: one flat object (RFC 8259), as Smoker prints it or a tool such as jq
//! has written it anew. Pure.

use std::borrow::Cow;

use super::line::Line;
use crate::time;

/// An object with `time`, `kind` and `event`, and `node` or `"speaker":"server"`.
pub(super) fn line(text: &str) -> Option<Line<'_>> {
    let mut fields = Reader { rest: text }.object()?;
    let mut take = |name: &str| {
        let at = fields.iter().position(|(key, _)| key == name)?;
        Some(fields.swap_remove(at).1)
    };
    let (time, kind, event) = (take("time")?, take("kind")?, take("event")?);
    let (time, is_server) =
        (time::moment(&time)?, take("speaker").is_some_and(|speaker| speaker == "server"));
    let node = take("node").filter(|name| !name.is_empty() && !is_server);
    (node.is_some() || is_server).then_some(Line { time, node, kind, event, fields })
}

struct Reader<'a> {
    rest: &'a str,
}

impl<'a> Reader<'a> {
    /// The fields of the object that is the whole text.
    fn object(&mut self) -> Option<Vec<(Cow<'a, str>, Cow<'a, str>)>> {
        let mut fields = Vec::new();
        self.token('{')?;
        self.separated('}', |reader| {
            let key = reader.string()?;
            reader.token(':')?;
            let (value, is_number) = reader.value()?;
            fields.push(if is_number { with_unit(key, value) } else { (key, value) });
            Some(())
        })?;
        self.rest.trim_ascii_start().is_empty().then_some(fields)
    }

    /// A value as text, and whether it was a number.
    fn value(&mut self) -> Option<(Cow<'a, str>, bool)> {
        if self.token('[').is_some() {
            return Some((self.list()?.into(), false));
        }
        self.scalar()
    }

    /// With commas between, as in the text form.
    fn list(&mut self) -> Option<String> {
        let mut values = Vec::new();
        self.separated(']', |reader| {
            values.push(reader.scalar()?.0);
            Some(())
        })?;
        Some(values.join(","))
    }

    fn scalar(&mut self) -> Option<(Cow<'a, str>, bool)> {
        self.rest = self.rest.trim_ascii_start();
        if self.rest.starts_with('"') {
            return Some((self.string()?, false));
        }
        let word = |character: char| character.is_ascii_alphanumeric() || "+-.".contains(character);
        let (word, rest) = self.rest.split_at(self.rest.find(|c| !word(c)).unwrap_or(self.rest.len()));
        self.rest = rest;
        // Nobody calculates with it, so what it is made of is enough.
        let is_number = !word.is_empty() && word.bytes().all(|byte| b"0123456789+-.eE".contains(&byte));
        let known = is_number || ["true", "false", "null"].contains(&word);
        known.then_some((word.into(), is_number))
    }

    /// Items with commas between, up to `end`.
    fn separated(&mut self, end: char, mut item: impl FnMut(&mut Self) -> Option<()>) -> Option<()> {
        if self.token(end).is_some() {
            return Some(());
        }
        loop {
            item(self)?;
            if self.token(end).is_some() {
                return Some(());
            }
            self.token(',')?;
        }
    }

    fn token(&mut self, token: char) -> Option<()> {
        self.rest = self.rest.trim_ascii_start();
        self.rest = self.rest.strip_prefix(token)?;
        Some(())
    }

    fn string(&mut self) -> Option<Cow<'a, str>> {
        self.token('"')?;
        let plain = self.plain()?;
        if self.token_here('"') {
            return Some(plain.into());
        }
        let mut text = plain.to_owned();
        while !self.token_here('"') {
            if self.token_here('\\') {
                text.push(self.escaped()?);
            } else {
                text.push_str(self.plain()?);
            }
        }
        Some(text.into())
    }

    /// What comes before the next quote or escape.
    fn plain(&mut self) -> Option<&'a str> {
        let (plain, rest) = self.rest.split_at(self.rest.find(['"', '\\'])?);
        self.rest = rest;
        plain.bytes().all(|byte| byte >= b' ').then_some(plain)
    }

    /// Within a string white space counts.
    fn token_here(&mut self, token: char) -> bool {
        let rest = self.rest.strip_prefix(token);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    fn escaped(&mut self) -> Option<char> {
        let (code, rest) = self.rest.split_at_checked(1)?;
        self.rest = rest;
        Some(match code {
            "b" => '\u{8}',
            "f" => '\u{c}',
            "n" => '\n',
            "r" => '\r',
            "t" => '\t',
            "\"" | "\\" | "/" => char::from(code.as_bytes()[0]),
            "u" => {
                let unit = self.unit()?;
                self.scalar_value(unit)?
            }
            _ => return None,
        })
    }

    /// Four digits of a code unit of UTF-16.
    fn unit(&mut self) -> Option<u32> {
        let (digits, rest) = self.rest.split_at_checked(4)?;
        self.rest = rest;
        digits.bytes().all(|byte| byte.is_ascii_hexdigit()).then(|| u32::from_str_radix(digits, 16).ok())?
    }

    /// Of a pair of surrogates its character, of a lone one the replacement.
    fn scalar_value(&mut self, unit: u32) -> Option<char> {
        let is_high = (0xd800..0xdc00).contains(&unit);
        let second = if is_high { self.rest.strip_prefix("\\u") } else { None };
        let Some(second) = second else {
            return Some(char::from_u32(unit).unwrap_or(char::REPLACEMENT_CHARACTER));
        };
        let low = u32::from_str_radix(second.get(..4)?, 16).ok()?;
        if !(0xdc00..0xe000).contains(&low) {
            return Some(char::REPLACEMENT_CHARACTER);
        }
        self.rest = &second[4..];
        char::from_u32(0x1_0000 + ((unit - 0xd800) << 10) + (low - 0xdc00))
    }
}

/// `latency_ms` and `0.412` as `latency` and `0.412ms`.
fn with_unit<'a>(key: Cow<'a, str>, value: Cow<'a, str>) -> (Cow<'a, str>, Cow<'a, str>) {
    for unit in ["ms", "s"] {
        if let Some(name) = key.strip_suffix(unit).and_then(|key| key.strip_suffix('_')) {
            return (name.to_owned().into(), format!("{value}{unit}").into());
        }
    }
    (key, value)
}
