//! One setting: its names, its kind of value, and what applies where it is not given. Pure.

use std::fmt;

use super::given::{Given, Names};
use super::value::{Invalid, Kind, Text};

/// What of a setting does not depend on its type: a row of the usage texts and of the README's table.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    /// Its environment variable, where it has one.
    pub environment: Option<&'static str>,
    /// Its flag, dashes included, where it has one.
    pub flag: Option<&'static str>,
    /// What usage texts call the flag's value.
    pub metavariable: &'static str,
    /// What applies where nothing is given.
    pub default: Default,
    /// What it is for, in a sentence.
    pub about: &'static str,
}

/// What applies where a setting is not given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Default {
    /// This text, read as if it had been given.
    Value(&'static str),
    /// The name of the host.
    HostName,
    /// No value; this is what that means.
    None(&'static str),
}

impl fmt::Display for Default {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Value(text) | Self::None(text) => text,
            Self::HostName => "the host name",
        })
    }
}

/// A setting whose default is not chosen yet.
pub struct Named<T> {
    names: Names,
    kind: Kind<T>,
}

/// A setting that always has a value.
#[derive(Clone, Copy)]
pub struct Setting<T> {
    names: Names,
    kind: Kind<T>,
    default: Standard,
}

/// The default of a [`Setting`].
#[derive(Clone, Copy)]
enum Standard {
    Value(&'static str),
    HostName,
}

/// A setting that may have no value.
pub struct Optional<T> {
    names: Names,
    kind: Kind<T>,
    /// What it means that there is none.
    none: &'static str,
}

/// A field that a command sets itself: it has no variable and no flag.
pub struct Internal<T>(pub T);

/// A setting that is read from the variable `environment` and the flag `flag`.
pub const fn setting<T>(environment: &'static str, flag: &'static str, kind: Kind<T>) -> Named<T> {
    Named { names: Names { environment: Some(environment), flag }, kind }
}

/// A setting that only a flag sets.
pub const fn flag<T>(flag: &'static str, kind: Kind<T>) -> Named<T> {
    Named { names: Names { environment: None, flag }, kind }
}

impl<T> Named<T> {
    /// With the value that `text` stands for where none is given.
    pub const fn default(self, text: &'static str) -> Setting<T> {
        Setting { names: self.names, kind: self.kind, default: Standard::Value(text) }
    }

    /// With the host's name where none is given.
    pub const fn default_host_name(self) -> Setting<T> {
        Setting { names: self.names, kind: self.kind, default: Standard::HostName }
    }

    /// Without a value where none is given, which means `none`.
    pub const fn optional(self, none: &'static str) -> Optional<T> {
        Optional { names: self.names, kind: self.kind, none }
    }
}

impl<T> Setting<T> {
    /// The row of the tables, with this sentence.
    pub fn entries(&self, about: &'static str) -> Vec<Entry> {
        let default = match self.default {
            Standard::Value(text) => Default::Value(text),
            Standard::HostName => Default::HostName,
        };
        vec![entry(self.names, &self.kind, default, about)]
    }

    /// The value, given or not.
    pub fn read(&self, given: &Given) -> Result<T, Invalid> {
        self.kind.read(&self.text(given))
    }

    /// The text of the value, given or not.
    pub fn text(&self, given: &Given) -> Text {
        self.given_text(given).unwrap_or_else(|| match self.default {
            Standard::Value(text) => Text { origin: self.names.origin().into(), text: text.into() },
            Standard::HostName => Text {
                origin: format!("the host name (set {})", self.names.origin()),
                text: given.host_name(),
            },
        })
    }

    /// The text of the value where it is given.
    pub fn given_text(&self, given: &Given) -> Option<Text> {
        given.text(self.names)
    }
}

impl<T> Optional<T> {
    /// The row of the tables, with this sentence.
    pub fn entries(&self, about: &'static str) -> Vec<Entry> {
        vec![entry(self.names, &self.kind, Default::None(self.none), about)]
    }

    /// The value, if one is given.
    pub fn read(&self, given: &Given) -> Result<Option<T>, Invalid> {
        given.text(self.names).map(|text| self.kind.read(&text)).transpose()
    }
}

impl<T: Clone> Internal<T> {
    /// No row of the tables.
    pub fn entries(&self, _about: &'static str) -> Vec<Entry> {
        vec![]
    }

    /// The value that the command's own code replaces where it has another.
    pub fn read(&self, _given: &Given) -> Result<T, Invalid> {
        Ok(self.0.clone())
    }
}

fn entry<T>(names: Names, kind: &Kind<T>, default: Default, about: &'static str) -> Entry {
    let Names { environment, flag } = names;
    Entry { environment, flag: Some(flag), metavariable: kind.metavariable, default, about: about.trim() }
}
