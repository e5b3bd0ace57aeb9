//! The JSON form of a line: read by the grammar of RFC 8259, without the white space that it allows, and held
//! to the same table as the text form, each field of its type.

use super::form::Form;
use super::{Line, is_line, kinds};

/// A value, as far as lines have any.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Json {
    /// As it is written.
    Number(String),
    Text(String),
    List(Vec<String>),
    True,
}

/// The members of an object, in their order; `None` where `text` is no object.
pub(crate) fn object(text: &str) -> Option<Vec<(String, Json)>> {
    let mut reader = Reader(text);
    let members = reader.all('{', '}', |reader| {
        let key = reader.string()?;
        reader.eat(':')?;
        Some((key, reader.value()?))
    })?;
    let keys: std::collections::HashSet<&String> = members.iter().map(|(key, _)| key).collect();
    (reader.0.is_empty() && keys.len() == members.len()).then_some(members)
}

/// Takes `text` apart.
pub(super) fn parse(text: &str) -> Option<Line> {
    let mut members = object(text)?.into_iter();
    let mut word = |key: &str| match members.next()? {
        (found, Json::Text(text)) if found == key => Some(text),
        _ => None,
    };
    let (time, speaker, node) = (word("time")?, word("speaker")?, word("node")?);
    let (kind, event) = (word("kind")?, word("event")?);
    let mut members = members.peekable();
    let mut fields = Vec::new();
    for field in kinds::fields(&kind, &event)? {
        let key = format!("{}{}", field.key, unit(field.form));
        match members.next_if(|(found, _)| *found == key) {
            Some((_, value)) => fields.push((field.key, text_of(field.form, value)?)),
            None if field.always => return None,
            None => {}
        }
    }
    let stamp = time.strip_suffix('Z')?.replacen('T', " ", 1);
    let line = Line { stamp, node, kind, event, fields };
    (speaker == "client" && members.next().is_none() && is_line(&line)).then_some(line)
}

/// What the unit of a number adds to its key.
fn unit(form: Form) -> &'static str {
    match form {
        Form::Milliseconds => "_ms",
        Form::Seconds => "_s",
        _ => "",
    }
}

/// The value as the text form has it; `None` where it is of another type or form.
fn text_of(form: Form, value: Json) -> Option<String> {
    let text = match (form, value) {
        (Form::Milliseconds, Json::Number(number)) => number + "ms",
        (Form::Seconds, Json::Number(number)) => number + "s",
        (Form::Count | Form::Positive, Json::Number(number)) => number,
        (Form::Ips | Form::Evidence, Json::List(list)) => list.join(","),
        (Form::Text, Json::Text(text)) => format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"")),
        (
            Form::Milliseconds
            | Form::Seconds
            | Form::Count
            | Form::Positive
            | Form::Ips
            | Form::Evidence
            | Form::Text,
            _,
        ) => return None,
        (_, Json::Text(text)) => text,
        _ => return None,
    };
    form.holds(&text).then_some(text)
}

/// What is left to read.
struct Reader<'a>(&'a str);

impl Reader<'_> {
    fn eat(&mut self, character: char) -> Option<()> {
        self.0 = self.0.strip_prefix(character)?;
        Some(())
    }

    /// What `one` reads, with commas between, from `begin` to `end`.
    fn all<T>(&mut self, begin: char, end: char, one: impl Fn(&mut Self) -> Option<T>) -> Option<Vec<T>> {
        self.eat(begin)?;
        let mut all = Vec::new();
        while self.eat(end).is_none() {
            if !all.is_empty() {
                self.eat(',')?;
            }
            all.push(one(self)?);
        }
        Some(all)
    }

    fn value(&mut self) -> Option<Json> {
        Some(match self.0.chars().next()? {
            '"' => Json::Text(self.string()?),
            '[' => Json::List(self.all('[', ']', Self::string)?),
            't' => {
                self.0 = self.0.strip_prefix("true")?;
                Json::True
            }
            _ => Json::Number(self.number()?),
        })
    }

    /// Digits, and at most one point among them; no zero before others.
    fn number(&mut self) -> Option<String> {
        let end = self.0.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(self.0.len());
        let (number, rest) = self.0.split_at(end);
        let (whole, decimals) = number.split_once('.').unwrap_or((number, "0"));
        let is_digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let is_number = is_digits(whole) && is_digits(decimals) && (whole == "0" || !whole.starts_with('0'));
        self.0 = rest;
        is_number.then(|| number.to_owned())
    }

    fn string(&mut self) -> Option<String> {
        self.eat('"')?;
        let mut text = String::new();
        loop {
            let character = self.0.chars().next()?;
            self.0 = &self.0[character.len_utf8()..];
            match character {
                '"' => return Some(text),
                '\\' => text.push(self.escaped()?),
                plain if plain < ' ' => return None,
                plain => text.push(plain),
            }
        }
    }

    fn escaped(&mut self) -> Option<char> {
        let character = self.0.chars().next()?;
        self.0 = &self.0[character.len_utf8()..];
        Some(match character {
            '"' | '\\' | '/' => character,
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'u' => {
                let (digits, rest) = self.0.split_at_checked(4)?;
                self.0 = rest;
                char::from_u32(u32::from_str_radix(digits, 16).ok()?)?
            }
            _ => return None,
        })
    }
}
