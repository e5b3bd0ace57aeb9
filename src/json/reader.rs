//! Reads a document: one pass over its bytes, after one that checks that they are UTF-8.

use std::borrow::Cow;
use std::collections::BTreeSet;

use super::error::{Error, Problem};
use super::value::{Object, Value};

/// What a document may have at most.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Bytes of the document.
    pub document: usize,
    /// Arrays and objects open at once: 1 for an object of scalars. The reader calls itself at each level,
    /// which the type limits to what fits any stack.
    pub depth: u8,
    /// Bytes of a string or key, unescaped.
    pub string: usize,
    /// Characters of a number.
    pub number: usize,
}

/// Up to so many keys are compared with each new one; with more of them a set is faster.
const FEW_KEYS: usize = 16;

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

pub(super) type Result<T> = std::result::Result<T, Error>;

/// Reads the one value that is the whole document.
pub fn read<'a>(document: &'a [u8], limits: &Limits) -> Result<Value<'a>> {
    if document.len() > limits.document {
        return Err(Error { offset: limits.document, problem: Problem::DocumentTooLong(limits.document) });
    }
    if document.starts_with(BYTE_ORDER_MARK) {
        return Err(Error { offset: 0, problem: Problem::ByteOrderMark });
    }
    let text = str::from_utf8(document)
        .map_err(|error| Error { offset: error.valid_up_to(), problem: Problem::NotUtf8 })?;
    let mut reader = Reader { text, at: 0, open: 0, limits };
    let value = reader.value()?;
    match reader.next_token() {
        None => Ok(value),
        Some(_) => Err(reader.expected("the end of the document")),
    }
}

pub(super) struct Reader<'a, 'l> {
    pub(super) text: &'a str,
    /// The place of the next byte.
    pub(super) at: usize,
    /// The arrays and objects that are open.
    open: u8,
    pub(super) limits: &'l Limits,
}

impl<'a> Reader<'a, '_> {
    fn value(&mut self) -> Result<Value<'a>> {
        match self.next_token() {
            Some(b'"') => self.string().map(Value::Text),
            Some(b'-' | b'0'..=b'9') => self.number().map(Value::Number),
            Some(b'{') => self.nested(Self::object).map(Value::Object),
            Some(b'[') => self.nested(Self::array).map(Value::Array),
            Some(b't') => self.word("true", "\"true\"").map(|()| Value::Bool(true)),
            Some(b'f') => self.word("false", "\"false\"").map(|()| Value::Bool(false)),
            Some(b'n') => self.word("null", "\"null\"").map(|()| Value::Null),
            _ => Err(self.expected("a value")),
        }
    }

    fn word(&mut self, word: &str, quoted: &'static str) -> Result<()> {
        if !self.text[self.at..].starts_with(word) {
            return Err(self.expected(quoted));
        }
        self.at += word.len();
        Ok(())
    }

    /// Reads an array or object, whose opening bracket is next.
    fn nested<T>(&mut self, read: fn(&mut Self) -> Result<T>) -> Result<T> {
        if self.open == self.limits.depth {
            return Err(self.error(Problem::TooDeep(self.limits.depth)));
        }
        self.open += 1;
        self.at += 1;
        let value = read(self)?;
        self.open -= 1;
        Ok(value)
    }

    fn array(&mut self) -> Result<Vec<Value<'a>>> {
        let mut items = Vec::new();
        if self.next_token() == Some(b']') {
            self.at += 1;
            return Ok(items);
        }
        loop {
            items.push(self.value()?);
            if self.ends(b']', "\",\" or \"]\"")? {
                return Ok(items);
            }
        }
    }

    fn object(&mut self) -> Result<Object<'a>> {
        let mut members = Vec::new();
        if self.next_token() == Some(b'}') {
            self.at += 1;
            return Ok(Object(members));
        }
        let mut many_keys = BTreeSet::new();
        loop {
            let key = self.new_key(&members, &mut many_keys)?;
            if self.next_token() != Some(b':') {
                return Err(self.expected("\":\""));
            }
            self.at += 1;
            members.push((key, self.value()?));
            if self.ends(b'}', "\",\" or \"}\"")? {
                return Ok(Object(members));
            }
        }
    }

    /// The next key, which none of `members` has. Of more than a few members the keys are in `many_keys` too.
    fn new_key(
        &mut self,
        members: &[(Cow<'a, str>, Value<'a>)],
        many_keys: &mut BTreeSet<Cow<'a, str>>,
    ) -> Result<Cow<'a, str>> {
        if self.next_token() != Some(b'"') {
            return Err(self.expected("a key in double quotes"));
        }
        let start = self.at;
        let key = self.string()?;
        let is_known = if members.len() < FEW_KEYS {
            members.iter().any(|(known, _)| *known == key)
        } else {
            if many_keys.is_empty() {
                many_keys.extend(members.iter().map(|(known, _)| known.clone()));
            }
            !many_keys.insert(key.clone())
        };
        if is_known {
            return Err(Error { offset: start, problem: Problem::DuplicateKey(key.into_owned()) });
        }
        Ok(key)
    }

    /// Whether `end` is next; else a comma has to be.
    fn ends(&mut self, end: u8, expected: &'static str) -> Result<bool> {
        let is_end = match self.next_token() {
            Some(b',') => false,
            Some(byte) if byte == end => true,
            _ => return Err(self.expected(expected)),
        };
        self.at += 1;
        Ok(is_end)
    }

    /// The next byte that is no white space.
    fn next_token(&mut self) -> Option<u8> {
        loop {
            match self.peek() {
                Some(b' ' | b'\t' | b'\n' | b'\r') => self.at += 1,
                next => return next,
            }
        }
    }

    pub(super) fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    pub(super) fn expected(&self, what: &'static str) -> Error {
        let is_end = self.at == self.text.len();
        self.error(if is_end { Problem::Ended(what) } else { Problem::Expected(what) })
    }

    pub(super) fn error(&self, problem: Problem) -> Error {
        Error { offset: self.at, problem }
    }
}
