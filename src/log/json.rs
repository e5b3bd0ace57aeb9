//! The JSON form of a line: one object (RFC 8259) with the fields of the text form, each of its type, and a
//! duration's unit in its key: `{"time":"2025-11-13T10:30:00Z","speaker":"client","node":"node-1",…}`.

use std::fmt::{self, Write as _};

use super::escape::cut;
use super::output::MAX_LINE;
use super::record::{Event, Record, Speaker, Value, milliseconds};

/// How an object ends from which something is missing, for want of room.
const CUT: &str = ",\"cut\":true}";

/// The room for its fields: the line's end takes a byte more.
const ROOM: usize = MAX_LINE - 1 - CUT.len();

/// The line, without its end, never longer than the longest: a string is cut, with `…` at its end, or the
/// whole field left out.
pub(super) fn line(record: &Record) -> String {
    let mut object = Object::default();
    object.field("time", Value::Moment(record.time));
    match record.speaker {
        Speaker::Server => object.field("speaker", Value::Word("server")),
        Speaker::Node(name) => {
            object.field("speaker", Value::Word("client"));
            object.field("node", Value::Word(name));
        }
    }
    object.field("kind", Value::Word(record.kind));
    object.event(record.event);
    for (key, value) in record.fields {
        object.field(key, *value);
    }
    object.end()
}

#[derive(Default)]
struct Object {
    text: String,
    cut: bool,
}

impl Object {
    fn event(&mut self, event: Event) {
        let status = match event {
            Event::Word(word) => return self.field("event", Value::Word(word)),
            Event::Request { method, path, status } => {
                self.field("event", Value::Word("REQUEST"));
                self.field("method", Value::Text(method));
                self.field("path", Value::Text(path));
                status
            }
            Event::Rejected(status) => {
                self.field("event", Value::Word("REJECTED"));
                status
            }
        };
        self.field("status", Value::Count(status.into()));
    }

    fn field(&mut self, key: &str, value: Value) {
        let before = self.text.len();
        self.text.push(if before == 0 { '{' } else { ',' });
        self.text.extend(["\"", key, unit(value), "\":"]);
        self.value(value);
        if self.text.len() > ROOM {
            self.text.truncate(before);
            self.cut = true;
        }
    }

    fn value(&mut self, value: Value) {
        match value {
            Value::Word(word) => self.string(word, ""),
            Value::Text(text) => {
                let (text, mark) = cut(text);
                self.string(text, mark);
            }
            Value::Count(count) => self.push(format_args!("{count}")),
            Value::Seconds(duration) => self.push(format_args!("{}", duration.as_secs())),
            Value::Milliseconds(duration) => {
                let (whole, decimals) = milliseconds(duration);
                self.push(format_args!("{whole}.{decimals:03}"));
            }
            // Of digits, letters and `.:[]-%`.
            Value::Address(_) | Value::Ip(_) | Value::Moment(_) => self.push(format_args!("\"{value}\"")),
            Value::List(values) => {
                for (place, value) in values.iter().enumerate() {
                    self.text.push(if place > 0 { ',' } else { '[' });
                    self.value(*value);
                }
                self.text.push_str(if values.is_empty() { "[]" } else { "]" });
            }
        }
    }

    /// Ends with `mark`, or where there is no more room.
    fn string(&mut self, text: &str, mark: &str) {
        self.text.push('"');
        let mark = if is_plain(text) && self.has_room(text.len() + mark.len()) {
            self.text.push_str(text);
            mark
        } else if self.escaped(text) {
            mark
        } else {
            "…"
        };
        self.text.extend([mark, "\""]);
    }

    /// Whether all of `text` had room.
    fn escaped(&mut self, text: &str) -> bool {
        for character in text.chars() {
            let before = self.text.len();
            push_escaped(&mut self.text, character);
            if !self.has_room("…".len()) {
                self.text.truncate(before);
                self.cut = true;
                return false;
            }
        }
        true
    }

    /// Whether so many bytes more, and the quote behind them, have room.
    fn has_room(&self, bytes: usize) -> bool {
        self.text.len() + bytes + "\"".len() <= ROOM
    }

    fn push(&mut self, text: fmt::Arguments) {
        let _ = self.text.write_fmt(text);
    }

    fn end(mut self) -> String {
        self.text.push_str(if self.cut { CUT } else { "}" });
        self.text
    }
}

/// What the unit of a bare number adds to its key.
fn unit(value: Value) -> &'static str {
    match value {
        Value::Milliseconds(_) => "_ms",
        Value::Seconds(_) => "_s",
        _ => "",
    }
}

/// Whether nothing of it is escaped, for which nearly every string need not be looked at twice.
fn is_plain(text: &str) -> bool {
    text.bytes().all(|byte| (b' '..0x7f).contains(&byte) && byte != b'"' && byte != b'\\')
}

/// Escapes what RFC 8259, 7 demands, and beyond it what a terminal or a reader of lines may act upon: delete,
/// the controls from U+0080, and the separators of lines and paragraphs of Unicode.
fn push_escaped(text: &mut String, character: char) {
    match character {
        '"' | '\\' => text.extend(['\\', character]),
        '\n' => text.push_str("\\n"),
        '\u{2028}' | '\u{2029}' => push_code(text, character),
        _ if character.is_control() => push_code(text, character),
        _ => text.push(character),
    }
}

/// All that is escaped by its code has one of four digits.
fn push_code(text: &mut String, character: char) {
    let _ = write!(text, "\\u{:04x}", u32::from(character));
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use super::*;

    const TIME: SystemTime = SystemTime::UNIX_EPOCH;

    fn line_of(event: Event, fields: &[(&str, Value)]) -> String {
        let speaker = Speaker::Node("node-1".into());
        let line = line(&Record { time: TIME, speaker: &speaker, kind: "TCP", event, fields });
        assert!(is_json(&line), "{line}");
        assert!(line.len() < MAX_LINE, "{} bytes", line.len());
        line
    }

    /// What is left of `text` behind one value of JSON, by the grammar of RFC 8259 without white space.
    fn behind_value(text: &str) -> Option<&str> {
        match text.chars().next()? {
            '{' => behind_all(text, '}', |text| behind_value(behind_string(text)?.strip_prefix(':')?)),
            '[' => behind_all(text, ']', behind_value),
            '"' => behind_string(text),
            't' => text.strip_prefix("true"),
            _ => {
                let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
                let whole = digits(text);
                if whole == 0 || (whole > 1 && text.starts_with('0')) {
                    return None;
                }
                match text[whole..].strip_prefix('.') {
                    Some(rest) => Some(&rest[digits(rest)..]).filter(|behind| behind.len() < rest.len()),
                    None => Some(&text[whole..]),
                }
            }
        }
    }

    fn behind_all(text: &str, end: char, behind_one: impl Fn(&str) -> Option<&str>) -> Option<&str> {
        let mut rest = &text[1..];
        if let Some(behind) = rest.strip_prefix(end) {
            return Some(behind);
        }
        loop {
            rest = behind_one(rest)?;
            match rest.strip_prefix(',') {
                Some(more) => rest = more,
                None => return rest.strip_prefix(end),
            }
        }
    }

    fn behind_string(text: &str) -> Option<&str> {
        let mut characters = text.strip_prefix('"')?.chars();
        loop {
            match characters.next()? {
                '"' => return Some(characters.as_str()),
                '\\' => match characters.next()? {
                    'u' => (0..4).try_for_each(|_| characters.next()?.is_ascii_hexdigit().then_some(()))?,
                    escaped => "\"\\/bfnrt".contains(escaped).then_some(())?,
                },
                plain => (plain >= ' ').then_some(())?,
            }
        }
    }

    fn is_json(text: &str) -> bool {
        behind_value(text) == Some("")
    }

    #[test]
    fn what_is_not_json_is_noticed() {
        for text in ["{}", "[]", r#"{"a":0.5,"b":[1,"\u00e9\n"],"c":true}"#, "10"] {
            assert!(is_json(text), "{text}");
        }
        for text in ["", "{", "{}x", r#"{"a"}"#, r#"{"a":1,}"#, "[1,]", "01", "1.", "\"\n\"", r#""\x""#, "a"]
        {
            assert!(!is_json(text), "{text}");
        }
    }

    #[test]
    fn every_field_has_its_type_and_a_duration_its_unit() {
        let words = [Value::Word("tcp:timeout"), Value::Ip("fd00::1".parse().unwrap())];
        let fields = [
            ("latency", Value::Milliseconds(Duration::from_nanos(412_499))),
            ("failures", Value::Count(3)),
            ("address", Value::Address("[2001:db8::1]:8080".parse().unwrap())),
            ("since", Value::Moment(TIME)),
            ("after", Value::Seconds(Duration::from_secs(330))),
            ("evidence", Value::List(&words)),
            ("none", Value::List(&[])),
            ("detail", Value::Text("x \"y\"")),
        ];
        assert_eq!(
            line_of(Event::Word("FAILED"), &fields),
            "{\"time\":\"1970-01-01T00:00:00Z\",\"speaker\":\"client\",\"node\":\"node-1\",\"kind\":\"TCP\",\
             \"event\":\"FAILED\",\"latency_ms\":0.412,\"failures\":3,\"address\":\"[2001:db8::1]:8080\",\
             \"since\":\"1970-01-01T00:00:00Z\",\"after_s\":330,\"evidence\":[\"tcp:timeout\",\"fd00::1\"],\
             \"none\":[],\"detail\":\"x \\\"y\\\"\"}"
        );
    }

    #[test]
    fn a_server_is_a_speaker_and_a_request_is_taken_apart() {
        let end = |event| {
            let record = Record { time: TIME, speaker: &Speaker::Server, kind: "HTTP", event, fields: &[] };
            line(&record).split_off("{\"time\":\"1970-01-01T00:00:00Z\",".len())
        };
        assert_eq!(
            end(Event::Request { method: "GET", path: "/a\\b", status: 404 }),
            "\"speaker\":\"server\",\"kind\":\"HTTP\",\"event\":\"REQUEST\",\"method\":\"GET\",\
             \"path\":\"/a\\\\b\",\"status\":404}"
        );
        let rejected = "\"speaker\":\"server\",\"kind\":\"HTTP\",\"event\":\"REJECTED\",\"status\":400}";
        assert_eq!(end(Event::Rejected(400)), rejected);
    }

    #[test]
    fn every_character_is_valid_within_a_string() {
        for character in ('\0'..=char::MAX).filter(|c| u32::from(*c) < 0x3000 || u32::from(*c) % 251 == 0) {
            let text = String::from(character);
            let line = line_of(Event::Word("X"), &[("detail", Value::Text(&text))]);
            assert!(line.bytes().all(|byte| byte >= b' ' && byte != 0x7f), "{line}");
        }
        let line = line_of(Event::Word("X"), &[("detail", Value::Text("\n\r\u{1b}\u{7f}\u{2028}\\\"é"))]);
        assert!(line.ends_with(r#""detail":"\n\u000d\u001b\u007f\u2028\\\"é"}"#), "{line}");
    }

    #[test]
    fn a_string_is_cut_at_the_room_there_is_and_not_before() {
        let taken = line_of(Event::Word(""), &[]).len() - "}".len();
        let room = ROOM - taken;
        for (word, whole) in [
            ("e".repeat(room), true),
            ("e".repeat(room + 1), false),
            ("é".to_owned() + &"e".repeat(room - "é…".len()), true),
            ("é".to_owned() + &"e".repeat(room - "é…".len() + 1), false),
        ] {
            let line = line_of(Event::Word(&word), &[]);
            assert_eq!(line.contains(&format!("\"event\":\"{word}\"")), whole);
            assert_eq!(line.ends_with("e…\",\"cut\":true}"), !whole, "{line}");
        }
    }

    #[test]
    fn a_field_without_room_is_left_out_and_the_line_says_so() {
        let long = "\u{1}".repeat(256);
        let fields = ["a", "b", "c", "d"].map(|key| (key, Value::Text(&long)));
        let line = line_of(Event::Word("X"), &fields);
        assert!(line.contains("\"c\":") && line.ends_with("…\",\"cut\":true}"), "{line}");
        let many = [Value::Text(&long); 4];
        let line = line_of(Event::Word("X"), &[("list", Value::List(&many)), ("small", Value::Count(1))]);
        assert!(line.ends_with("\"event\":\"X\",\"small\":1,\"cut\":true}"), "{line}");
    }

    #[test]
    fn text_is_cut_as_in_the_other_form() {
        let long = "x".repeat(257);
        let line = line_of(Event::Word("X"), &[("detail", Value::Text(&long))]);
        assert!(line.ends_with(&format!("\"{}…\"}}", &long[1..])), "{line}");
    }
}
