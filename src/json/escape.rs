//! Escapes strings: what the RFC demands, and what a terminal or a reader of lines might act upon.

use std::fmt::{self, Write};

/// Writes `text` in quotes.
pub(super) fn write_string(out: &mut impl Write, text: &str) -> fmt::Result {
    out.write_char('"')?;
    write_escaped(out, text)?;
    out.write_char('"')
}

/// Escapes what is written to it.
pub(super) struct Escaped<'a, W>(pub(super) &'a mut W);

impl<W: Write> Write for Escaped<'_, W> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        write_escaped(self.0, text)
    }
}

/// Nearly every string has nothing to escape, and is written as it is.
fn write_escaped(out: &mut impl Write, text: &str) -> fmt::Result {
    let is_plain = |byte: u8| (b' '..0x7f).contains(&byte) && byte != b'"' && byte != b'\\';
    if text.bytes().all(is_plain) {
        return out.write_str(text);
    }
    text.chars().try_for_each(|character| write_character(out, character))
}

/// Quotes, backslashes and control characters must be escaped (RFC 8259, 7). DEL, the controls from U+0080
/// and Unicode's line and paragraph separators are escaped too. All of these have four digits.
fn write_character(out: &mut impl Write, character: char) -> fmt::Result {
    match character {
        '"' => out.write_str("\\\""),
        '\\' => out.write_str("\\\\"),
        '\n' => out.write_str("\\n"),
        '\u{2028}' | '\u{2029}' => write!(out, "\\u{:04x}", u32::from(character)),
        _ if character.is_control() => write!(out, "\\u{:04x}", u32::from(character)),
        _ => out.write_char(character),
    }
}
