//! What was typed and what surrounds the process: raw text, read only where a command asks for it. Pure.

use super::value::Text;

/// What a command line does not contain. Each is asked only where a setting needs it.
#[derive(Clone, Copy)]
pub struct Sources<'a> {
    /// Looks a variable up in the environment.
    pub environment: &'a dyn Fn(&str) -> Option<String>,
    /// The host's name; empty where it has none.
    pub host_name: &'a dyn Fn() -> String,
    /// Reads a file that contains a secret; an error says what could not be done.
    pub file: &'a dyn Fn(&str) -> Result<String, String>,
}

/// A flag as it was typed, unread.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Typed {
    /// The flag of the setting.
    pub flag: &'static str,
    /// What refusals call it: the flag, or the argument that stands for it (`HOST`).
    pub origin: &'static str,
    /// Its value.
    pub value: String,
}

/// The variable and the flag of a setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Names {
    pub(super) environment: Option<&'static str>,
    pub(super) flag: &'static str,
}

/// An exception of one command, for the setting with the flag that comes first.
#[derive(Clone, Copy, Debug)]
pub enum Override {
    /// The command sets this value itself: it has neither flag nor variable.
    Fixed(&'static str, &'static str),
    /// The command has no use for it, and reads neither flag nor variable.
    Unused(&'static str),
    /// Another default.
    Default(&'static str, &'static str),
}

/// All texts that the settings of one command are read from.
#[derive(Clone, Copy)]
pub struct Given<'a> {
    typed: &'a [Typed],
    sources: &'a Sources<'a>,
    overrides: &'static [Override],
}

impl<'a> Given<'a> {
    /// What was typed, in the order of the command line, and the rest.
    pub fn new(typed: &'a [Typed], sources: &'a Sources<'a>) -> Self {
        Self { typed, sources, overrides: &[] }
    }

    /// As a command with these exceptions has it.
    pub(super) fn overridden(self, overrides: &'static [Override]) -> Self {
        Self { overrides, ..self }
    }

    /// The text of a setting and its origin, where it is given: the last flag, else the environment, where an
    /// empty variable counts as unset. A command's own exceptions come before or after these.
    pub(super) fn text(&self, names: Names) -> Option<Text> {
        let exception = self.overrides.iter().find(|exception| exception.flag() == names.flag);
        let own = |text: &str| Some(Text { origin: names.flag.into(), text: text.into() });
        match exception {
            Some(Override::Fixed(_, text)) => own(text),
            Some(Override::Unused(_)) => None,
            Some(Override::Default(_, text)) => self.typed_or_set(names).or_else(|| own(text)),
            None => self.typed_or_set(names),
        }
    }

    pub(super) fn host_name(&self) -> String {
        (self.sources.host_name)()
    }

    /// The value of a variable; an empty one counts as unset.
    pub(super) fn variable(&self, name: &str) -> Option<String> {
        (self.sources.environment)(name).filter(|text| !text.is_empty())
    }

    pub(super) fn file(&self, path: &str) -> Result<String, String> {
        (self.sources.file)(path)
    }

    fn typed_or_set(&self, names: Names) -> Option<Text> {
        if let Some(typed) = self.typed.iter().rev().find(|typed| typed.flag == names.flag) {
            return Some(Text { origin: typed.origin.into(), text: typed.value.clone() });
        }
        let variable = names.environment?;
        let text = self.variable(variable)?;
        Some(Text { origin: variable.into(), text })
    }
}

impl Names {
    /// What to call the setting: its variable, else its flag.
    pub(super) fn origin(self) -> &'static str {
        self.environment.unwrap_or(self.flag)
    }
}

impl Override {
    /// The flag of the setting that it is about.
    pub fn flag(&self) -> &'static str {
        match self {
            Self::Fixed(flag, _) | Self::Unused(flag) | Self::Default(flag, _) => flag,
        }
    }
}
