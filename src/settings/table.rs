//! Tables of settings: a struct and the settings of its fields, declared together. Pure.

use super::given::{Given, Override};
use super::setting::{Default, Entry};
use super::value::Invalid;

/// Declares a struct whose fields are settings. A field's doc comment is the sentence of its setting. What
/// follows `=` is a [`Setting`](super::Setting), an [`Optional`](super::Optional), an
/// [`Internal`](super::Internal), or the `SETTINGS` of another such struct.
///
/// From one declaration come the struct, its reading (`SETTINGS`), the refusals, the usage texts and the
/// README's rows: to add a setting, add a field.
macro_rules! declare {
    (
        $(#[$doc:meta])*
        pub struct $name:ident {
            $($(#[doc = $about:literal])+ pub $field:ident: $type:ty = $setting:expr,)+
        }
    ) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub struct $name {
            $($(#[doc = $about])+ pub $field: $type,)+
        }

        impl $name {
            /// The settings of its fields, in the order of the usage texts.
            pub const SETTINGS: $crate::settings::Group<Self> = $crate::settings::Group::new(
                || [$($setting.entries(concat!($($about),+)),)+].concat(),
                |given| Ok(Self { $($field: $setting.read(given)?,)+ }),
            );
        }
    };
}

pub(crate) use declare;

/// The settings of a struct's fields.
#[derive(Clone, Copy)]
pub struct Group<T> {
    entries: fn() -> Vec<Entry>,
    read: fn(&Given) -> Result<T, Invalid>,
}

impl<T> Group<T> {
    pub(crate) const fn new(entries: fn() -> Vec<Entry>, read: fn(&Given) -> Result<T, Invalid>) -> Self {
        Self { entries, read }
    }

    /// The rows of the tables. The sentence of a field that is a group itself is not one of them.
    pub fn entries(&self, _about: &'static str) -> Vec<Entry> {
        (self.entries)()
    }

    /// The values of all fields; the first that is refused refuses the whole.
    pub fn read(&self, given: &Given) -> Result<T, Invalid> {
        (self.read)(given)
    }
}

/// A group of settings as one command uses it.
#[derive(Clone, Copy)]
pub struct Table<T> {
    group: Group<T>,
    overrides: &'static [Override],
}

impl<T> Table<T> {
    /// All settings of `group`, with these exceptions.
    pub const fn new(group: Group<T>, overrides: &'static [Override]) -> Self {
        Self { group, overrides }
    }

    /// The settings that a user may give.
    pub fn entries(&self) -> Vec<Entry> {
        let entries = (self.group.entries)().into_iter();
        entries.filter_map(|entry| self.entry(entry)).collect()
    }

    /// The values of all fields.
    pub fn read(&self, given: &Given) -> Result<T, Invalid> {
        self.group.read(&given.overridden(self.overrides()))
    }

    /// The exceptions.
    pub fn overrides(&self) -> &'static [Override] {
        self.overrides
    }

    fn entry(&self, entry: Entry) -> Option<Entry> {
        let exception = self.overrides.iter().find(|exception| Some(exception.flag()) == entry.flag);
        match exception {
            Some(Override::Fixed(..) | Override::Unused(_)) => None,
            Some(Override::Default(_, text)) => Some(Entry { default: Default::Value(text), ..entry }),
            None => Some(entry),
        }
    }
}
