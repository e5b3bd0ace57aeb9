//! A command line in, a command with its settings out; usage texts. Pure.

mod command;
mod command_name;
mod command_table;
#[cfg(test)]
mod tests;
mod usage;

use crate::client::settings::Client;
use crate::local::settings::Local;
use crate::server::settings::Server;
use crate::settings::{Entry, Given, Invalid, Logging, Sources, Typed};

pub use command::{Argument, Command};
use command_name::Found;
pub use command_table::COMMANDS;

/// What the process is asked to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Run {
    /// Print this and end.
    Print(String),
    /// `smoker report`
    Report,
    /// `smoker server`
    Server(Server, Logging),
    /// `smoker client`, and `smoker check` as a client that makes one round.
    Client(Client, Logging),
    /// `smoker local`
    Local(Local, Logging),
}

/// A command line whose words are sorted, but not read.
struct Line<'a> {
    /// All commands there are.
    commands: &'a [Command],
    /// What the settings are read from.
    given: Given<'a>,
    /// The arguments of a command that takes words.
    words: &'a [String],
}

/// Reads a command line, without the program's own name.
pub fn parse(arguments: &[String], sources: &Sources) -> Result<Run, Invalid> {
    parse_with(&COMMANDS, arguments, sources)
}

fn parse_with(commands: &[Command], arguments: &[String], sources: &Sources) -> Result<Run, Invalid> {
    let arguments = without_aliases(arguments);
    let (command, rest) = match command_name::find(commands, &arguments)? {
        Found::Command(command, rest) => (command, rest),
        Found::Family(family) => return Ok(Run::Print(usage::of_family(commands, family))),
    };
    if rest.iter().any(|word| is_help(word)) {
        return Ok(Run::Print(usage::of_command(command)));
    }
    let mut typed = Vec::new();
    let mut words = Vec::new();
    let settings = command.settings();
    let mut rest = rest.iter();
    while let Some(word) = rest.next() {
        if word.starts_with('-') {
            typed.push(flag(command, &settings, word, &mut rest)?);
        } else {
            words.push(word.clone());
        }
    }
    typed.extend(argument(command, &typed, &words)?);
    (command.read)(&Line { commands, given: Given::new(&typed, sources), words: &words })
}

/// With a first word that is a flag elsewhere (`smoker --version`) as the command that it stands for.
fn without_aliases(arguments: &[String]) -> Vec<String> {
    let mut arguments = arguments.to_vec();
    match arguments.first_mut() {
        Some(word) if is_help(word) => "help".clone_into(word),
        Some(word) if word == "--version" || word == "-V" => "version".clone_into(word),
        _ => {}
    }
    arguments
}

fn is_help(word: &str) -> bool {
    word == "--help" || word == "-h"
}

/// The flag that begins with `word`, and ends with it or with the next one.
fn flag<'a>(
    command: &Command,
    settings: &[Entry],
    word: &str,
    rest: &mut impl Iterator<Item = &'a String>,
) -> Result<Typed, Invalid> {
    let (name, value) = match word.split_once('=') {
        Some((name, value)) => (name, Some(value.to_owned())),
        None => (word, None),
    };
    let mut known = settings.iter().filter_map(|entry| Some((entry.flag?, entry.metavariable)));
    let Some((flag, metavariable)) = known.find(|(flag, _)| *flag == name) else {
        return Err(command_name::unknown_flag(command, settings, name));
    };
    let Some(value) = value.or_else(|| rest.next().cloned()) else {
        return Err(Invalid::new(format!("{flag}: no value given ({flag} {metavariable})")));
    };
    Ok(Typed { flag, origin: flag, value })
}

/// Refuses more words than the command takes. An argument that stands for a flag is that flag.
fn argument(command: &Command, typed: &[Typed], words: &[String]) -> Result<Option<Typed>, Invalid> {
    let most = match command.argument {
        Argument::None => 0,
        Argument::Setting { .. } => 1,
        Argument::Words { most, .. } => most,
    };
    if let Some(word) = words.get(most) {
        return Err(command_name::unexpected(command, word));
    }
    let (Argument::Setting { name, flag }, Some(word)) = (command.argument, words.first()) else {
        return Ok(None);
    };
    if typed.iter().any(|typed| typed.flag == flag) {
        let line = format!("{}: {name} is given by {flag} too (give one of them)", command_name::shown(word));
        return Err(Invalid::new(line));
    }
    Ok(Some(Typed { flag, origin: name, value: word.clone() }))
}
