//! Which command a line names, and what is answered where a name is unknown. Pure.

use super::Command;
use crate::log::escape;
use crate::nearest::nearest;
use crate::settings::{Entry, Invalid};

/// What the first words of a line name.
pub(super) enum Found<'a> {
    /// A command, and the words after its name.
    Command(&'a Command, &'a [String]),
    /// The first word of several commands, without a second.
    Family(&'a str),
}

/// Finds the command that `words` begin with.
pub(super) fn find<'a>(commands: &'a [Command], words: &'a [String]) -> Result<Found<'a>, Invalid> {
    let Some((first, rest)) = words.split_first() else {
        return Err(Invalid::new(format!("no command given ({})", listed(&first_words(commands)))));
    };
    if let Some(command) = commands.iter().find(|command| command.name == first) {
        return Ok(Found::Command(command, rest));
    }
    let mut family = family(commands, first).peekable();
    if family.peek().is_none() {
        return Err(unknown_command(first, &first_words(commands)));
    }
    let Some((second, rest)) = rest.split_first().filter(|(second, _)| !second.starts_with('-')) else {
        return Ok(Found::Family(first));
    };
    let name = format!("{first} {second}");
    if let Some(command) = family.clone().find(|command| command.name == name) {
        return Ok(Found::Command(command, rest));
    }
    let names: Vec<&str> = family.map(|command| command.name).collect();
    Err(unknown_command(&name, &names))
}

/// The commands of two words that begin with `first`.
pub(super) fn family<'a>(commands: &'a [Command], first: &str) -> impl Iterator<Item = &'a Command> + Clone {
    commands.iter().filter(move |command| command.name.split_once(' ').is_some_and(|(word, _)| word == first))
}

/// The refusal of a flag that the command does not have.
pub(super) fn unknown_flag(command: &Command, settings: &[Entry], flag: &str) -> Invalid {
    let known = settings.iter().filter_map(|entry| entry.flag).chain(["--help"]);
    let advice = match nearest(flag, known, 1)[..] {
        [meant] => format!("; did you mean {meant}?"),
        _ => format!(" (see smoker help {})", command.name),
    };
    Invalid::new(format!("{}: unknown flag{advice}", shown(flag)))
}

/// The refusal of an argument that the command does not take.
pub(super) fn unexpected(command: &Command, word: &str) -> Invalid {
    Invalid::new(format!("{}: unexpected argument (see smoker help {})", shown(word), command.name))
}

/// A word of the command line within a message: as it is, or in quotes where it is empty or has other
/// characters than visible ASCII.
pub(super) fn shown(word: &str) -> String {
    let escaped = escape(word);
    let is_plain = !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_graphic());
    if is_plain && escaped == word { escaped } else { format!("\"{escaped}\"") }
}

fn unknown_command(name: &str, known: &[&str]) -> Invalid {
    let advice = match nearest(name, known.iter().copied(), 1)[..] {
        [meant] => format!("; did you mean {meant}?"),
        _ => format!(" ({})", listed(known)),
    };
    Invalid::new(format!("{}: unknown command{advice}", shown(name)))
}

/// The words that a line may begin with, each once.
fn first_words(commands: &[Command]) -> Vec<&str> {
    let mut words: Vec<&str> = commands.iter().filter_map(|command| command.name.split(' ').next()).collect();
    words.dedup();
    words
}

/// `a, b or c`
fn listed(words: &[&str]) -> String {
    match words.split_last() {
        Some((last, [])) => (*last).to_owned(),
        Some((last, others)) => format!("{} or {last}", others.join(", ")),
        None => String::new(),
    }
}
