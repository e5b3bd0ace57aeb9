//! A document that was read: values that borrow from it where nothing was escaped.

use std::borrow::Cow;

/// One value. In memory it takes up to some 40 times the bytes of its document (`[[1],[1],…]`), so that a
/// limit on the document is one on the memory.
#[derive(Clone, Debug, PartialEq)]
pub enum Value<'a> {
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// A number, as it is written.
    Number(Number<'a>),
    /// A string, unescaped.
    Text(Cow<'a, str>),
    /// The items in their order.
    Array(Vec<Value<'a>>),
    /// Members with distinct keys.
    Object(Object<'a>),
}

/// A number as it is written, valid by the grammar. It is converted when the caller says to what, so that
/// nothing is lost before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Number<'a>(pub(super) &'a str);

/// The members of an object, in the order of the document.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Object<'a>(pub(super) Vec<(Cow<'a, str>, Value<'a>)>);

impl<'a> Number<'a> {
    /// As it is written.
    pub fn as_str(self) -> &'a str {
        self.0
    }

    /// The integer, if it is one and has no more than 64 bits.
    pub fn u64(self) -> Option<u64> {
        self.0.parse().ok()
    }

    /// The integer, if it is one and has no more than 64 bits, of which one is the sign.
    pub fn i64(self) -> Option<i64> {
        self.0.parse().ok()
    }

    /// The nearest `f64`, unless that is infinite.
    pub fn f64(self) -> Option<f64> {
        self.0.parse().ok().filter(|number: &f64| number.is_finite())
    }
}

impl<'a> Object<'a> {
    /// Removes the value of `key`, if there is one. The last member takes its place.
    pub fn take(&mut self, key: &str) -> Option<Value<'a>> {
        let place = self.0.iter().position(|(name, _)| name == key)?;
        Some(self.0.swap_remove(place).1)
    }
}

impl<'a> IntoIterator for Object<'a> {
    type Item = (Cow<'a, str>, Value<'a>);
    type IntoIter = std::vec::IntoIter<Self::Item>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}
