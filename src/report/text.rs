//! The text form of a line, read back. Pure.

use std::borrow::Cow;

use super::line::Line;
use crate::time;

/// `2025-11-13 10:30:00`
const STAMP: usize = 19;

/// Whether `text` begins as a line does.
pub(super) fn is_stamped(text: &str) -> bool {
    text.as_bytes().get(1 + STAMP) == Some(&b']') && stamp(text).is_some()
}

/// `[stamp] [SPEAKER] [KIND] EVENT key=value …`
pub(super) fn line(text: &str) -> Option<Line<'_>> {
    let time = time::moment(stamp(text)?)?;
    let (speaker, rest) = bracketed(text.get(1 + STAMP + "] ".len()..)?)?;
    let node = match speaker.strip_prefix("NODE:") {
        Some(name) => Some(name).filter(|name| !name.is_empty()),
        None => None,
    };
    if node.is_none() && speaker != "SERVER" {
        return None;
    }
    let (kind, rest) = bracketed(rest)?;
    let (event, rest) = rest.split_once(' ').unwrap_or((rest, ""));
    let is_word = |text: &str| !text.is_empty() && !text.contains('"');
    if !is_word(kind) || !is_word(event) {
        return None;
    }
    Some(Line {
        time,
        node: node.map(Cow::Borrowed),
        kind: kind.into(),
        event: event.into(),
        fields: fields(rest)?,
    })
}

fn stamp(text: &str) -> Option<&str> {
    text.strip_prefix('[')?.get(..STAMP).filter(|stamp| stamp.as_bytes()[STAMP - 3] == b':')
}

/// What is between brackets, and what follows after a space.
fn bracketed(text: &str) -> Option<(&str, &str)> {
    text.strip_prefix('[')?.split_once("] ")
}

/// Words without `=` are skipped: `/` and `200` of a server's `GET / 200`.
fn fields(mut rest: &str) -> Option<Vec<(Cow<'_, str>, Cow<'_, str>)>> {
    let mut fields = Vec::new();
    while !rest.is_empty() {
        let end = rest.find([' ', '"']).unwrap_or(rest.len());
        let (word, behind) = rest.split_at(end);
        if let Some(quoted) = behind.strip_prefix('"') {
            let key = word.strip_suffix('=')?;
            let (value, behind) = unquoted(quoted)?;
            fields.push((key.into(), value));
            rest = behind;
        } else {
            fields.extend(word.split_once('=').map(|(key, value)| (key.into(), value.into())));
            rest = behind;
        }
        if !rest.is_empty() {
            rest = rest.strip_prefix(' ')?;
        }
    }
    Some(fields)
}

/// The text up to its closing quote, without escapes, and what follows.
fn unquoted(quoted: &str) -> Option<(Cow<'_, str>, &str)> {
    let end = quoted.find(['"', '\\'])?;
    if let Some(behind) = quoted[end..].strip_prefix('"') {
        return Some((quoted[..end].into(), behind));
    }
    let (mut text, mut rest) = (String::new(), quoted);
    loop {
        let plain = rest.find(['"', '\\'])?;
        text.push_str(&rest[..plain]);
        rest = &rest[plain..];
        match rest.strip_prefix('\\') {
            Some(escape) => {
                let (character, behind) = escaped(escape)?;
                text.push(character);
                rest = behind;
            }
            None => return Some((text.into(), &rest[1..])),
        }
    }
}

/// The character that `\n`, `\"` or `\u{1b}` means, given what follows the backslash.
fn escaped(text: &str) -> Option<(char, &str)> {
    let (code, behind) = text.split_at_checked(1)?;
    let character = match code {
        "n" => '\n',
        "r" => '\r',
        "t" => '\t',
        "\"" | "\\" => char::from(code.as_bytes()[0]),
        "u" => {
            let (digits, behind) = behind.strip_prefix('{')?.split_once('}')?;
            let code = u32::from_str_radix(digits, 16).ok()?;
            return Some((char::from_u32(code)?, behind));
        }
        _ => return None,
    };
    Some((character, behind))
}
