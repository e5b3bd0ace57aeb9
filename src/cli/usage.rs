//! The usage texts, derived from the tables of commands and settings; 80 columns wide. Pure.

use std::fmt::Write as _;

use super::command_name::{self, Found};
use super::{Argument, Command};
use crate::settings::Invalid;

/// The text of `smoker help` with these words after it.
pub(super) fn help(commands: &[Command], words: &[String]) -> Result<String, Invalid> {
    if words.is_empty() {
        return Ok(overview(commands));
    }
    match command_name::find(commands, words)? {
        Found::Command(command, []) => Ok(of_command(command)),
        Found::Command(command, [word, ..]) => Err(command_name::unexpected(command, word)),
        Found::Family(first) => Ok(of_family(commands, first)),
    }
}

/// The usage text of a command.
pub(super) fn of_command(command: &Command) -> String {
    let settings = command.settings();
    let flags = if settings.is_empty() { "" } else { " [--flag value]..." };
    let mut text = format!("usage: smoker {}{flags}\n\n{}\n", synopsis(command), capitalised(command.about));
    for (at, note) in command.notes.iter().enumerate() {
        let gap = if at == 0 { "\n" } else { "" };
        let _ = writeln!(text, "{gap}{note}");
    }
    if settings.is_empty() {
        return text;
    }
    text.push_str("\n  flag                         environment       default\n");
    for setting in settings {
        let flag = format!("{} {}", setting.flag.unwrap_or(""), setting.metavariable);
        let environment = setting.environment.unwrap_or("");
        let _ = writeln!(text, "  {flag:<29}{environment:<18}{}\n      {}", setting.default, setting.about);
    }
    text.push_str("\nA flag overrides the environment, which overrides the default.\n");
    text.push_str("Durations: 30 (seconds), 0.5, 500ms, 2m, 1h.\n");
    text
}

/// The usage text of the commands of two words that begin with `first`.
pub(super) fn of_family(commands: &[Command], first: &str) -> String {
    let family: Vec<&Command> = command_name::family(commands, first).collect();
    format!("usage: smoker {first} COMMAND\n\n{}", rows(&family))
}

fn overview(commands: &[Command]) -> String {
    let commands: Vec<&Command> = commands.iter().collect();
    format!(
        "Smoker reports what is broken in a cluster's network.\n\n\
         usage: smoker COMMAND [--flag value]...\n\n{}",
        rows(&commands)
    )
}

/// A line for each command.
fn rows(commands: &[&Command]) -> String {
    let width = commands.iter().map(|command| synopsis(command).len()).max().unwrap_or(0);
    let row = |command: &&Command| format!("  {:<width$}  {}\n", synopsis(command), command.about);
    commands.iter().map(row).collect()
}

fn synopsis(command: &Command) -> String {
    match command.argument {
        Argument::None => command.name.to_owned(),
        Argument::Setting { name, .. } | Argument::Words { name, .. } => format!("{} [{name}]", command.name),
    }
}

/// A sentence from the line of a table.
fn capitalised(about: &str) -> String {
    let (first, rest) = about.split_at(1);
    format!("{}{rest}.", first.to_ascii_uppercase())
}
