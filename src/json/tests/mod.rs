//! Tests of the reader and the writer: the public suite, limits, errors, mutations, one against the other.

mod suite;

use std::fmt;

use super::*;

const UNBOUNDED: Limits =
    Limits { document: usize::MAX, depth: u8::MAX, string: usize::MAX, number: usize::MAX };

fn read_unbounded(document: &[u8]) -> Result<Value<'_>, Error> {
    read(document, &UNBOUNDED)
}

fn refusal(document: &str, limits: &Limits) -> String {
    read(document.as_bytes(), limits).expect_err(document).to_string()
}

/// With something of everything, and no longer than needed: it is mutated many times.
const DOCUMENTS: [&str; 3] = [
    r#"{"a":[1,-2.5e+3,"x\n\u00e9"],"b":{"é":null},"c":true}"#,
    r#"[{"":0},{"a":"\ud83e\udd80\\"},[],false,18446744073709551615]"#,
    " { \"k\" : [ 0.10 , \"\u{1f980}\" ] } ",
];

/// Writes what was read.
fn rewrite(out: ValueWriter<String>, value: &Value) -> fmt::Result {
    match value {
        Value::Null => out.null(),
        Value::Bool(value) => out.bool(*value),
        Value::Number(number) => out.number(*number),
        Value::Text(text) => out.text(text),
        Value::Array(items) => {
            out.array(|array| items.iter().try_for_each(|item| rewrite(array.item(), item)))
        }
        Value::Object(object) => out
            .object(|writer| object.0.iter().try_for_each(|(key, value)| rewrite(writer.member(key), value))),
    }
}

/// Asserts that `document` is refused, or is the same once it was written and read again.
fn assert_survives(document: &[u8]) {
    if let Ok(value) = read_unbounded(document) {
        let mut text = String::new();
        rewrite(write(&mut text), &value).unwrap();
        assert_eq!(read_unbounded(text.as_bytes()).as_ref(), Ok(&value), "{text}");
    }
}

#[test]
fn values_are_read_as_they_are_written() {
    let Ok(Value::Object(mut object)) = read_unbounded(DOCUMENTS[0].as_bytes()) else { panic!() };
    let Some(Value::Array(items)) = object.take("a") else { panic!() };
    assert_eq!(items[0], Value::Number(Number("1")));
    assert_eq!(items[1], Value::Number(Number("-2.5e+3")));
    assert_eq!(items[2], Value::Text("x\né".into()));
    assert_eq!(object.take("a"), None);
    assert_eq!(object.take("c"), Some(Value::Bool(true)));
    let rest: Vec<_> = object.into_iter().collect();
    assert_eq!(rest, [("b".into(), Value::Object(Object(vec![("é".into(), Value::Null)])))]);
}

#[test]
fn strings_are_unescaped() {
    for (document, text) in [
        (r#""""#, ""),
        (r#""\"\\\/\b\f\n\r\t""#, "\"\\/\u{8}\u{c}\n\r\t"),
        (r#""\u0000\u00e9\uD83E\uDD80x""#, "\0é🦀x"),
        (r#""\ud800""#, "\u{fffd}"),
        (r#""\ud800x""#, "\u{fffd}x"),
        (r#""\udc00\ud800""#, "\u{fffd}\u{fffd}"),
        (r#""\ud83e\ud83e\udd80""#, "\u{fffd}🦀"),
        (r#""\ud83e\u0041""#, "\u{fffd}A"),
        (r#""\ud83e\n""#, "\u{fffd}\n"),
    ] {
        assert_eq!(read_unbounded(document.as_bytes()), Ok(Value::Text(text.into())), "{document}");
    }
}

const TWO_TO_63: f64 = 9_223_372_036_854_775_808.0;

#[test]
fn numbers_are_exact_or_not_given() {
    for (text, unsigned, signed, real) in [
        ("0", Some(0), Some(0), Some(0.0)),
        ("-0", None, Some(0), Some(-0.0)),
        ("-1", None, Some(-1), Some(-1.0)),
        ("9223372036854775807", Some(i64::MAX as u64), Some(i64::MAX), Some(TWO_TO_63)),
        ("9223372036854775808", Some(1 << 63), None, Some(TWO_TO_63)),
        ("-9223372036854775808", None, Some(i64::MIN), Some(-TWO_TO_63)),
        ("-9223372036854775809", None, None, Some(-TWO_TO_63)),
        ("18446744073709551615", Some(u64::MAX), None, Some(2.0 * TWO_TO_63)),
        ("18446744073709551616", None, None, Some(2.0 * TWO_TO_63)),
        ("1.0", None, None, Some(1.0)),
        ("1e2", None, None, Some(100.0)),
        ("1.7976931348623157e308", None, None, Some(f64::MAX)),
        ("1.8e308", None, None, None),
        ("-1e9999", None, None, None),
        ("1e-9999", None, None, Some(0.0)),
    ] {
        let Ok(Value::Number(number)) = read_unbounded(text.as_bytes()) else { panic!("{text}") };
        assert_eq!((number.as_str(), number.u64(), number.i64()), (text, unsigned, signed));
        assert_eq!(number.f64().map(f64::to_bits), real.map(f64::to_bits), "{text}");
    }
}

#[test]
fn an_error_says_what_is_wrong_and_where() {
    for (document, expected) in [
        ("", "expected a value, but the document ends at byte 0"),
        ("{\"a\":1,}", "expected a key in double quotes at byte 7"),
        ("{\"a\":1 \"b\":2}", "expected \",\" or \"}\" at byte 7"),
        ("{\"a\" 1}", "expected \":\" at byte 5"),
        ("[1,2", "expected \",\" or \"]\", but the document ends at byte 4"),
        ("[1,]", "expected a value at byte 3"),
        ("[nul]", "expected \"null\" at byte 1"),
        ("[-x]", "expected a digit at byte 2"),
        ("[1.]", "expected a digit at byte 3"),
        ("1 x", "expected the end of the document at byte 2"),
        ("\"a", "expected the closing quote of a string, but the document ends at byte 2"),
        ("\"\\q\"", "expected one of \" \\ / b f n r t u after the backslash at byte 2"),
        ("\"\\u00g0\"", "expected a hexadecimal digit at byte 5"),
        ("\"a\nb\"", "unescaped control character in a string at byte 2"),
        ("{\"a\":{\"a\":1},\"b\":2,\"\\u0061\":3}", "duplicate key \"a\" at byte 19"),
        // Half a surrogate pair is U+FFFD, whichever it was: different as they were sent, and the same key.
        (r#"{"\ud800":1,"\udfff":2}"#, "duplicate key \"\u{fffd}\" at byte 12"),
        ("\u{feff}{}", "byte order mark at byte 0"),
    ] {
        assert_eq!(refusal(document, &UNBOUNDED), expected, "{document}");
    }
    assert_eq!(read_unbounded(b"[\"\xc3\"]").unwrap_err().to_string(), "not UTF-8 at byte 2");
}

#[test]
fn each_limit_holds_at_its_value_and_one_past_it() {
    let limits = Limits { document: 24, depth: 2, string: 4, number: 3 };
    for (within, past, expected) in [
        ("[                      ]", "[                       ]", "document longer than 24 bytes"),
        ("[{}]", "[{\"a\":[]}]", "nested deeper than 2 levels at byte 6"),
        ("[[1]]", "[[{}]]", "nested deeper than 2 levels at byte 2"),
        ("\"1234\"", "[\"12345\"]", "string longer than 4 bytes at byte 1"),
        ("\"éé\"", "\"ééé\"", "string longer than 4 bytes at byte 0"),
        ("\"12\\u0033\\n\"", "\"\\u00e9\\u00e9x\"", "string longer than 4 bytes at byte 0"),
        ("{\"1234\":0}", "{\"12345\":0}", "string longer than 4 bytes at byte 1"),
        ("[-12]", "[-1.2]", "number longer than 3 characters at byte 1"),
    ] {
        assert!(read(within.as_bytes(), &limits).is_ok(), "{within}");
        assert_eq!(refusal(past, &limits), expected, "{past}");
    }
    let scalars = Limits { depth: 0, ..limits };
    assert!(read(b"1", &scalars).is_ok());
    assert_eq!(refusal("[]", &scalars), "nested deeper than 0 levels at byte 0");
}

#[test]
fn duplicate_keys_are_found_among_few_and_many() {
    for count in [2, 15, 16, 17, 18, 40] {
        let keys = |last: usize| {
            let keys: Vec<String> = (0..count).chain([last]).map(|key| format!("\"{key}\":0")).collect();
            format!("{{{}}}", keys.join(","))
        };
        assert!(read_unbounded(keys(count).as_bytes()).is_ok(), "{count}");
        for duplicate in 0..count {
            let refused = refusal(&keys(duplicate), &UNBOUNDED);
            assert!(refused.starts_with(&format!("duplicate key \"{duplicate}\" at byte ")), "{refused}");
        }
    }
}

/// As an attacker would send them: compared each with each they would take minutes.
#[test]
fn many_keys_take_little_time() {
    let keys: Vec<String> = (0..100_000).map(|key| format!("\"{key}\":0")).collect();
    assert!(read_unbounded(format!("{{{}}}", keys.join(",")).as_bytes()).is_ok());
}

#[test]
fn no_prefix_of_a_document_is_one() {
    for document in DOCUMENTS {
        let whole = document.trim_ascii_end().as_bytes();
        assert!(read_unbounded(whole).is_ok(), "{document}");
        for end in 0..whole.len() {
            assert!(read_unbounded(&whole[..end]).is_err(), "{document} up to {end}");
        }
    }
}

/// Bytes that mean something to the reader.
const LIKELY: &[u8] = b"{}[]\",:\\u0123456789abcdeEf+-. \n\0\x1f\x7f\x80\xc3\xff";

/// Three hundred thousand documents, each with one to three bytes changed, added or left out (xorshift64).
#[test]
fn mutated_documents_are_refused_or_read_alike_twice() {
    let mut state = 88_172_645_463_325_252_u64;
    let mut below = move |limit: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 11) as usize % limit
    };
    let mut document = Vec::new();
    for round in 0..300_000 {
        document.clear();
        document.extend_from_slice(DOCUMENTS[round % DOCUMENTS.len()].as_bytes());
        for _ in 0..=below(3) {
            let (place, byte) = (below(document.len()), LIKELY[below(LIKELY.len())]);
            match below(3) {
                0 => document[place] = byte,
                1 => document.insert(place, byte),
                _ => drop(document.remove(place)),
            }
        }
        assert_survives(&document);
    }
}

#[test]
fn what_is_written_is_read_back() {
    let mut text = String::new();
    let written = write(&mut text).object(|object| {
        object.member("null").null()?;
        object.member("k\"ey\n").bool(false)?;
        object.member("counts").array(|array| {
            array.item().u64(u64::MAX)?;
            array.item().i64(i64::MIN)?;
            array.item().thousandths(12_045)
        })?;
        object.member("none").array(|_| Ok(()))?;
        object.member("nothing").object(|_| Ok(()))?;
        // A place that is not used leaves nothing behind.
        let _ = object.member("unused");
        object.member("address").display(std::net::Ipv4Addr::LOCALHOST)?;
        object.member("text").text("\"\\\n\r\u{1b}\u{7f}\u{85}\u{2028}é🦀")
    });
    assert_eq!(written, Ok(()));
    let expected = [
        r#"{"null":null,"k\"ey\n":false,"counts":[18446744073709551615,-9223372036854775808,12.045],"#,
        r#""none":[],"nothing":{},"address":"127.0.0.1","#,
        r#""text":"\"\\\n\u000d\u001b\u007f\u0085\u2028é🦀"}"#,
    ];
    assert_eq!(text, expected.concat());
    assert_survives(text.as_bytes());
}

#[test]
fn every_character_survives_in_strings_and_keys() {
    for character in ('\0'..=char::MAX).filter(|c| u32::from(*c) < 0x3000 || u32::from(*c) % 251 == 0) {
        let string = format!("a{character}b");
        let mut text = String::new();
        write(&mut text).object(|object| object.member(&string).display(&string)).unwrap();
        assert!(text.bytes().all(|byte| byte >= b' ' && byte != 0x7f), "{text}");
        let expected = Object(vec![(string.as_str().into(), Value::Text(string.as_str().into()))]);
        assert_eq!(read_unbounded(text.as_bytes()), Ok(Value::Object(expected)));
    }
}

#[test]
fn thousandths_keep_their_zeros() {
    for (number, expected) in [(0, "0.000"), (7, "0.007"), (1_000, "1.000"), (999_999, "999.999")] {
        let mut text = String::new();
        write(&mut text).thousandths(number).unwrap();
        assert_eq!(text, expected);
    }
}

/// Counts the writes, and fails once it has taken so many bytes.
struct Output {
    bytes: Vec<u8>,
    longest: usize,
    room: usize,
}

impl std::io::Write for &mut Output {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        if self.bytes.len() + bytes.len() > self.room {
            return Err(std::io::ErrorKind::BrokenPipe.into());
        }
        self.bytes.extend_from_slice(bytes);
        self.longest = self.longest.max(bytes.len());
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_long_document_is_streamed_in_chunks() {
    let rows = |output: &mut Output| {
        stream(output, |value| {
            value.array(|array| {
                (0..10_000).try_for_each(|row| array.item().object(|object| object.member("row").u64(row)))
            })
        })
    };
    let mut output = Output { bytes: Vec::new(), longest: 0, room: usize::MAX };
    rows(&mut output).unwrap();
    assert!(output.longest <= super::stream::CHUNK, "{}", output.longest);
    let Ok(Value::Array(items)) = read_unbounded(&output.bytes) else { panic!() };
    assert_eq!(items.len(), 10_000);
    for room in [0, 1, 100_000, output.bytes.len() - 1] {
        let mut output = Output { bytes: Vec::new(), longest: 0, room };
        assert_eq!(rows(&mut output).unwrap_err().kind(), std::io::ErrorKind::BrokenPipe, "{room}");
    }
}

#[test]
fn an_error_that_is_not_passed_on_ends_the_document_too() {
    let mut output = Output { bytes: Vec::new(), longest: 0, room: 100_000 };
    let written = stream(&mut output, |value| {
        value.array(|array| {
            (0..100_000).for_each(|row| {
                let _ = array.item().u64(row);
            });
            Ok(())
        })
    });
    assert_eq!(written.unwrap_err().kind(), std::io::ErrorKind::BrokenPipe);
}

#[test]
fn a_string_longer_than_a_chunk_is_streamed_whole() {
    let long = "x".repeat(3 * super::stream::CHUNK);
    let mut output = Output { bytes: Vec::new(), longest: 0, room: usize::MAX };
    stream(&mut output, |value| value.text(&long)).unwrap();
    assert_eq!(output.bytes, format!("\"{long}\"").into_bytes());
}

#[test]
fn a_document_that_is_given_up_is_an_error() {
    let mut output = Output { bytes: Vec::new(), longest: 0, room: usize::MAX };
    assert!(stream(&mut output, |value| value.array(|_| Err(fmt::Error))).is_err());
}
