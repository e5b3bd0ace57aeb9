//! Reads numbers and strings: their grammar, escapes and limits.

use std::borrow::Cow;

use super::error::{Error, Problem};
use super::reader::{Reader, Result};
use super::value::Number;

impl<'a> Reader<'a, '_> {
    /// Reads a number, whose first character is next.
    pub(super) fn number(&mut self) -> Result<Number<'a>> {
        let start = self.at;
        self.skip_one_of(b"-");
        if !self.skip_one_of(b"0") {
            self.digits()?;
        }
        if self.skip_one_of(b".") {
            self.digits()?;
        }
        if self.skip_one_of(b"eE") {
            self.skip_one_of(b"+-");
            self.digits()?;
        }
        let text = &self.text[start..self.at];
        if text.len() > self.limits.number {
            return Err(Error { offset: start, problem: Problem::NumberTooLong(self.limits.number) });
        }
        Ok(Number(text))
    }

    /// Skips digits, of which there has to be one.
    fn digits(&mut self) -> Result<()> {
        let start = self.at;
        while self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
        }
        if self.at > start { Ok(()) } else { Err(self.expected("a digit")) }
    }

    fn skip_one_of(&mut self, bytes: &[u8]) -> bool {
        let is_next = self.peek().is_some_and(|byte| bytes.contains(&byte));
        self.at += usize::from(is_next);
        is_next
    }

    /// Reads a string, whose opening quote is next.
    pub(super) fn string(&mut self) -> Result<Cow<'a, str>> {
        let start = self.at;
        self.at += 1;
        let plain = self.plain()?;
        let text = match self.peek() {
            Some(b'"') => Cow::Borrowed(plain),
            _ => Cow::Owned(self.unescaped(plain.to_owned(), start)?),
        };
        self.at += 1;
        self.within_limit(&text, start)?;
        Ok(text)
    }

    /// The rest of a string that begins with `text`, up to its closing quote.
    fn unescaped(&mut self, mut text: String, start: usize) -> Result<String> {
        while self.peek() == Some(b'\\') {
            text.push(self.escape()?);
            text.push_str(self.plain()?);
            self.within_limit(&text, start)?;
        }
        Ok(text)
    }

    fn within_limit(&self, text: &str, start: usize) -> Result<()> {
        let limit = self.limits.string;
        let is_within = text.len() <= limit;
        is_within.then_some(()).ok_or(Error { offset: start, problem: Problem::StringTooLong(limit) })
    }

    /// The characters up to the next quote or backslash.
    fn plain(&mut self) -> Result<&'a str> {
        let start = self.at;
        let is_special = |byte: &u8| *byte < b' ' || *byte == b'"' || *byte == b'\\';
        let rest = &self.text.as_bytes()[start..];
        self.at += rest.iter().position(is_special).unwrap_or(rest.len());
        match self.peek() {
            Some(b'"' | b'\\') => Ok(&self.text[start..self.at]),
            Some(_) => Err(self.error(Problem::ControlCharacter)),
            None => Err(self.expected("the closing quote of a string")),
        }
    }

    /// Reads an escape, whose backslash is next.
    fn escape(&mut self) -> Result<char> {
        self.at += 1;
        let character = match self.peek() {
            Some(b'u') => return self.code_point(),
            Some(b'n') => '\n',
            Some(b't') => '\t',
            Some(b'r') => '\r',
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(byte @ (b'"' | b'\\' | b'/')) => char::from(byte),
            _ => return Err(self.expected("one of \" \\ / b f n r t u after the backslash")),
        };
        self.at += 1;
        Ok(character)
    }

    /// Reads one escaped code unit, whose `u` is next, or two where they are a surrogate pair.
    fn code_point(&mut self) -> Result<char> {
        let unit = self.code_unit()?;
        let is_high = (0xd800..0xdc00).contains(&unit);
        let after_high = self.at;
        if is_high && self.text[self.at..].starts_with("\\u") {
            self.at += 1;
            let low = self.code_unit()?;
            if (0xdc00..0xe000).contains(&low) {
                let pair = 0x1_0000 + ((unit - 0xd800) << 10) + (low - 0xdc00);
                return Ok(char::from_u32(pair).unwrap_or(char::REPLACEMENT_CHARACTER));
            }
            self.at = after_high;
        }
        Ok(char::from_u32(unit).unwrap_or(char::REPLACEMENT_CHARACTER))
    }

    /// Reads the `u` and four digits.
    fn code_unit(&mut self) -> Result<u32> {
        self.at += 1;
        let mut unit = 0;
        for _ in 0..4 {
            let digit = self.peek().and_then(|byte| char::from(byte).to_digit(16));
            unit = unit * 16 + digit.ok_or_else(|| self.expected("a hexadecimal digit"))?;
            self.at += 1;
        }
        Ok(unit)
    }
}
