//! Writes a value piece by piece, valid by construction.

use std::fmt::{self, Write};

use super::escape::{Escaped, write_string};

/// Writes one value to `out`. An error is the output's: what was written until then is incomplete.
pub fn write<W: Write>(out: &mut W) -> ValueWriter<'_, W> {
    ValueWriter { out, place: Place::Document }
}

/// The place of one value. Each method fills it and uses it up: there is never more than one value.
#[must_use = "nothing is written before one of its methods is called"]
pub struct ValueWriter<'a, W> {
    out: &'a mut W,
    place: Place<'a>,
}

enum Place<'a> {
    Document,
    /// Of an array, and whether it has no item yet.
    Item(&'a mut bool),
    /// Of an object, whether it has no member yet, and the key.
    Member(&'a mut bool, &'a str),
}

/// An object that is being written. Its keys have to be distinct.
pub struct ObjectWriter<'a, W> {
    out: &'a mut W,
    is_empty: bool,
}

/// An array that is being written.
pub struct ArrayWriter<'a, W> {
    out: &'a mut W,
    is_empty: bool,
}

impl<W: Write> ObjectWriter<'_, W> {
    /// The place of the next member's value.
    pub fn member<'a>(&'a mut self, key: &'a str) -> ValueWriter<'a, W> {
        ValueWriter { out: self.out, place: Place::Member(&mut self.is_empty, key) }
    }
}

impl<W: Write> ArrayWriter<'_, W> {
    /// The place of the next item.
    pub fn item(&mut self) -> ValueWriter<'_, W> {
        ValueWriter { out: self.out, place: Place::Item(&mut self.is_empty) }
    }
}

impl<'a, W: Write> ValueWriter<'a, W> {
    /// Writes `null`: unknown, not measured.
    pub fn null(self) -> fmt::Result {
        self.begin()?.write_str("null")
    }

    /// Writes `true` or `false`.
    pub fn bool(self, value: bool) -> fmt::Result {
        self.begin()?.write_str(if value { "true" } else { "false" })
    }

    /// Writes a count.
    pub fn u64(self, number: u64) -> fmt::Result {
        write!(self.begin()?, "{number}")
    }

    /// Writes an integer.
    pub fn i64(self, number: i64) -> fmt::Result {
        write!(self.begin()?, "{number}")
    }

    /// Writes a number with three decimals: 412 thousandths as `0.412`.
    pub fn thousandths(self, number: u128) -> fmt::Result {
        write!(self.begin()?, "{}.{:03}", number / 1000, number % 1000)
    }

    /// Writes a string.
    pub fn text(self, text: &str) -> fmt::Result {
        write_string(self.begin()?, text)
    }

    /// Writes a string: what is displayed of `value`, such as an address or a time.
    pub fn display(self, value: impl fmt::Display) -> fmt::Result {
        let out = self.begin()?;
        out.write_char('"')?;
        write!(Escaped(out), "{value}")?;
        out.write_char('"')
    }

    /// Writes an object with the members that `write_members` adds.
    pub fn object(self, write_members: impl FnOnce(&mut ObjectWriter<'a, W>) -> fmt::Result) -> fmt::Result {
        let out = self.begin()?;
        out.write_char('{')?;
        let mut object = ObjectWriter { out, is_empty: true };
        write_members(&mut object)?;
        object.out.write_char('}')
    }

    /// Writes an array of the items that `write_items` adds.
    pub fn array(self, write_items: impl FnOnce(&mut ArrayWriter<'a, W>) -> fmt::Result) -> fmt::Result {
        let out = self.begin()?;
        out.write_char('[')?;
        let mut array = ArrayWriter { out, is_empty: true };
        write_items(&mut array)?;
        array.out.write_char(']')
    }

    /// Writes a number that was read.
    #[cfg(test)]
    pub(super) fn number(self, number: super::Number) -> fmt::Result {
        self.begin()?.write_str(number.as_str())
    }

    /// Writes what comes before the value: a comma, a key.
    fn begin(self) -> Result<&'a mut W, fmt::Error> {
        let Self { out, place } = self;
        let (is_first, key) = match place {
            Place::Document => return Ok(out),
            Place::Item(is_empty) => (std::mem::take(is_empty), None),
            Place::Member(is_empty, key) => (std::mem::take(is_empty), Some(key)),
        };
        if !is_first {
            out.write_char(',')?;
        }
        if let Some(key) = key {
            write_string(out, key)?;
            out.write_char(':')?;
        }
        Ok(out)
    }
}
