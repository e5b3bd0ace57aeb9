//! What a command is: how it is called, what it takes, and how its settings are read. Pure.

use super::{Line, Run};
use crate::settings::{Entry, Invalid};

/// One command.
#[derive(Debug)]
pub struct Command {
    /// Its words after `smoker`: one, or two with a space between (`monitor collect`).
    pub name: &'static str,
    /// What it does, in a line.
    pub about: &'static str,
    /// What it takes beside flags.
    pub argument: Argument,
    /// What its usage text says after the sentence: a line each, indented where it is an example.
    pub notes: &'static [&'static str],
    /// The tables of its settings.
    pub(super) tables: fn() -> Vec<Vec<Entry>>,
    /// Reads its settings.
    pub(super) read: fn(&Line) -> Result<Run, Invalid>,
}

/// What a command takes beside flags.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Argument {
    /// Nothing.
    None,
    /// The value of a setting, which has this flag too.
    Setting {
        /// What usage texts and refusals call it.
        name: &'static str,
        /// The flag.
        flag: &'static str,
    },
    /// Up to so many words.
    Words {
        /// What usage texts call them.
        name: &'static str,
        /// How many there may be.
        most: usize,
    },
}

impl Command {
    /// Its settings. One that two of its tables have is listed once.
    pub fn settings(&self) -> Vec<Entry> {
        let mut settings: Vec<Entry> = Vec::new();
        for entry in (self.tables)().into_iter().flatten() {
            if !settings
                .iter()
                .any(|listed| (listed.flag, listed.environment) == (entry.flag, entry.environment))
            {
                settings.push(entry);
            }
        }
        settings
    }
}
