//! The JSON form of a line: one object (RFC 8259) with the fields of the text form, each of its type, and a
//! duration's unit in its key: `{"time":"2025-11-13T10:30:00Z","speaker":"client","node":"node-1",…}`.

use std::fmt;

use super::escape::cut;
use super::output::MAX_LINE;
use super::record::{Event, Record, Speaker, Value};
use crate::json::{self, ObjectWriter, ValueWriter};
use crate::time::microseconds;

/// The initial capacity of a line: most fit, so that the string is not reallocated.
const USUAL_LEN: usize = 320;

/// The longest line, without its newline and the member that says that something was cut.
const ROOM: usize = MAX_LINE - "\n".len() - ",\"cut\":true".len();

/// The line, without its newline, never longer than `MAX_LINE`: where it would be, a string is cut, with `…`
/// at its end, or a whole field is left out.
pub(super) fn line(record: &Record) -> String {
    let mut line = String::with_capacity(USUAL_LEN);
    written(
        json::write(&mut line)
            .object(|object| for_each_field(record, |key, value| write_member(object, key, value))),
    );
    if line.len() > ROOM { cut_line(record) } else { line }
}

/// The line with the fields that have room.
fn cut_line(record: &Record) -> String {
    let (mut line, mut left) = (String::new(), ROOM - "{}".len() + ",".len());
    written(json::write(&mut line).object(|object| {
        for_each_field(record, |key, value| {
            if let Some(rest) = left.checked_sub(len(key, value)) {
                left = rest;
                write_member(object, key, value)
            } else if let Some(text) = shortened(key, value, left) {
                left -= len(key, Value::Word(&text));
                write_member(object, key, Value::Word(&text))
            } else {
                Ok(())
            }
        })?;
        object.member("cut").bool(true)
    }));
    line
}

/// Calls `visit` with the fields of the line in their order.
fn for_each_field<'a>(
    record: &Record<'a>,
    mut visit: impl FnMut(&'a str, Value<'a>) -> fmt::Result,
) -> fmt::Result {
    visit("time", Value::Moment(record.time))?;
    match record.speaker {
        Speaker::Server => visit("speaker", Value::Word("server"))?,
        Speaker::Node(name) => {
            visit("speaker", Value::Word("client"))?;
            visit("node", Value::Word(name))?;
        }
    }
    visit("kind", Value::Word(record.kind))?;
    match record.event {
        Event::Word(word) => visit("event", Value::Word(word))?,
        Event::Request { method, path, status } => {
            visit("event", Value::Word("REQUEST"))?;
            visit("method", Value::Text(method))?;
            visit("path", Value::Text(path))?;
            visit("status", Value::Count(status.into()))?;
        }
        Event::Rejected(status) => {
            visit("event", Value::Word("REJECTED"))?;
            visit("status", Value::Count(status.into()))?;
        }
    }
    record.fields.iter().try_for_each(|(key, value)| visit(key, *value))
}

/// A number of a duration has its unit in its key.
fn write_member(object: &mut ObjectWriter<String>, key: &str, value: Value) -> fmt::Result {
    match value {
        Value::Milliseconds(_) => write_value(object.member(&format!("{key}_ms")), value),
        Value::Seconds(_) => write_value(object.member(&format!("{key}_s")), value),
        _ => write_value(object.member(key), value),
    }
}

fn write_value(out: ValueWriter<String>, value: Value) -> fmt::Result {
    match value {
        Value::Word(word) => out.text(word),
        Value::Text(text) => match cut(text) {
            (text, "") => out.text(text),
            (text, mark) => out.display(format_args!("{text}{mark}")),
        },
        Value::Count(count) => out.u64(count),
        Value::Seconds(duration) => out.u64(duration.as_secs()),
        Value::Milliseconds(duration) => out.thousandths(microseconds(duration)),
        Value::Address(_) | Value::Ip(_) | Value::Moment(_) => out.display(value),
        Value::List(values) => {
            out.array(|array| values.iter().try_for_each(|value| write_value(array.item(), *value)))
        }
    }
}

/// The bytes of a member, with a comma.
fn len(key: &str, value: Value) -> usize {
    let mut alone = String::new();
    written(json::write(&mut alone).object(|object| write_member(object, key, value)));
    alone.len() - "{}".len() + ",".len()
}

/// As much of a string as has room in a member of `left` bytes, with `…` at its end; `None` where there is no
/// room at all, or no string.
fn shortened(key: &str, value: Value, left: usize) -> Option<String> {
    let text = match value {
        Value::Word(word) => word,
        Value::Text(text) => cut(text).0,
        _ => return None,
    };
    let shortened = |end: usize| format!("{}…", &text[..end]);
    let ends: Vec<usize> = text.char_indices().map(|(end, _)| end).collect();
    let fitting = ends.partition_point(|end| len(key, Value::Word(&shortened(*end))) <= left);
    ends[..fitting].last().map(|end| shortened(*end))
}

/// Writing into a string does not fail.
fn written(result: fmt::Result) {
    debug_assert!(result.is_ok());
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use super::*;
    use crate::log::Level;

    const TIME: SystemTime = SystemTime::UNIX_EPOCH;

    const LIMITS: json::Limits =
        json::Limits { document: MAX_LINE - 1, depth: 2, string: MAX_LINE, number: 20 };

    fn line_of(event: Event, fields: &[(&str, Value)]) -> String {
        let speaker = Speaker::Node("node-1".into());
        let line =
            line(&Record { time: TIME, speaker: &speaker, level: Level::Info, kind: "TCP", event, fields });
        assert!(json::read(line.as_bytes(), &LIMITS).is_ok(), "{line}");
        assert!(line.len() < MAX_LINE, "{} bytes", line.len());
        line
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
            let record = Record {
                time: TIME,
                speaker: &Speaker::Server,
                level: Level::Info,
                kind: "HTTP",
                event,
                fields: &[],
            };
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
        let room = ROOM - line_of(Event::Word(""), &[]).len();
        for (word, whole) in [
            ("e".repeat(room), true),
            ("e".repeat(room + 1), false),
            ("é".to_owned() + &"e".repeat(room - "é".len()), true),
            ("é".to_owned() + &"e".repeat(room - "é".len() + 1), false),
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
