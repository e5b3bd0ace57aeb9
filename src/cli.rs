//! Arguments and an environment look-up in, a command with its settings out; usage texts. Pure.

use std::fmt::Write as _;

use crate::log::{Form, Level, escape};
use crate::settings::{self, Command, Fallback, Flag, Given, Invalid, SETTINGS, Setting};

/// What was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request {
    /// Print this and be done: usage or version.
    Print(String),
    /// `smoker report`, which has no settings.
    Report,
    /// Run a command with its log at this level, in this form.
    Run(Box<Run>, Level, Form),
}

/// A command and its settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Run {
    /// `smoker server`
    Server(settings::Server),
    /// `smoker client`, and `smoker check` as a client that makes one round.
    Client(settings::Client),
    /// `smoker local`
    Local(settings::Server, settings::Client),
}

/// Understands a command line, without the program's own name.
pub fn parse(
    arguments: &[String],
    environment: &dyn Fn(&str) -> Option<String>,
    host_name: &dyn Fn() -> String,
) -> Result<Request, Invalid> {
    let Some((first, rest)) = arguments.split_first() else {
        return Err(Invalid::new(format!("no command given ({COMMANDS})")));
    };
    match first.as_str() {
        "help" => help(rest),
        "--help" | "-h" => no_more(rest).map(|()| Request::Print(usage())),
        "version" | "--version" | "-V" => no_more(rest).map(|()| Request::Print(version())),
        REPORT => match rest.first().map(String::as_str) {
            None => Ok(Request::Report),
            Some("--help" | "-h") => no_more(&rest[1..]).map(|()| Request::Print(usage_of_report())),
            Some(word) => Err(stray(word)),
        },
        word => match Command::named(word) {
            Some(command) => run(command, rest, environment, host_name),
            None => Err(Invalid::new(format!("\"{}\" is not a command ({COMMANDS})", escape(word)))),
        },
    }
}

const COMMANDS: &str = "server, client, check, local, report, help or version";

/// The command that reads what the others print.
const REPORT: &str = "report";

const ABOUT_REPORT: &str = "what the clients' lines on stdin say, all nodes in a screenful";

fn run(
    command: Command,
    arguments: &[String],
    environment: &dyn Fn(&str) -> Option<String>,
    host_name: &dyn Fn() -> String,
) -> Result<Request, Invalid> {
    let Some(flags) = flags(command, arguments)? else {
        return Ok(Request::Print(usage_of(command)));
    };
    let given = Given { flags: &flags, environment, host_name };
    let run = match command {
        Command::Server => Run::Server(given.server()?),
        Command::Client => Run::Client(given.client()?),
        Command::Check => Run::Client(given.check()?),
        Command::Local => given.local().map(|(server, client)| Run::Local(server, client))?,
    };
    Ok(Request::Run(Box::new(run), given.log_level()?, given.log_form()?))
}

/// The flags of a command line, and its host as one of them; `None` where it asks for help.
fn flags(command: Command, arguments: &[String]) -> Result<Option<Vec<Flag>>, Invalid> {
    let mut flags = Vec::new();
    let mut host = None;
    let mut words = arguments.iter();
    while let Some(word) = words.next() {
        if word == "--help" || word == "-h" {
            return Ok(None);
        }
        if word.starts_with('-') {
            flags.push(flag(command, word, &mut words)?);
        } else if command == Command::Check && host.is_none() {
            host = Some(word);
        } else {
            return Err(stray(word));
        }
    }
    if let Some(host) = host {
        flags.push(host_flag(command, host, &flags)?);
    }
    Ok(Some(flags))
}

/// The flag that begins with `word`, and ends with it or with the next one.
fn flag<'a>(
    command: Command,
    word: &str,
    rest: &mut impl Iterator<Item = &'a String>,
) -> Result<Flag, Invalid> {
    let (name, value) = match word.split_once('=') {
        Some((name, value)) => (name, Some(value.to_owned())),
        None => (word, None),
    };
    let setting = setting_of(command, name)?;
    let Some(value) = value.or_else(|| rest.next().cloned()) else {
        return Err(Invalid::new(format!("{name}: no value given ({name} {})", setting.metavariable)));
    };
    Ok((setting, setting.flag, value))
}

/// The `host` of `smoker check HOST`, unless there is a flag for it among `flags` too.
fn host_flag(command: Command, host: &str, flags: &[Flag]) -> Result<Flag, Invalid> {
    let setting = setting_of(command, "--server-host")?;
    if flags.iter().any(|(flagged, ..)| std::ptr::eq(*flagged, setting)) {
        return Err(Invalid::new(format!("\"{}\" is a second host (beside --server-host)", escape(host))));
    }
    Ok((setting, "HOST", host.to_owned()))
}

fn setting_of(command: Command, flag: &str) -> Result<&'static Setting, Invalid> {
    let known = SETTINGS.into_iter().find(|setting| setting.flag == flag && setting.of.contains(&command));
    known.ok_or_else(|| {
        let name = command.name();
        Invalid::new(format!("\"{}\" is not a flag of smoker {name} (see smoker help {name})", escape(flag)))
    })
}

fn help(topics: &[String]) -> Result<Request, Invalid> {
    let Some((topic, rest)) = topics.split_first() else {
        return Ok(Request::Print(usage()));
    };
    no_more(rest)?;
    if topic == REPORT {
        return Ok(Request::Print(usage_of_report()));
    }
    let command = Command::named(topic).ok_or_else(|| {
        Invalid::new(format!(
            "\"{}\" is not a command with help (server, client, check, local or report)",
            escape(topic)
        ))
    })?;
    Ok(Request::Print(usage_of(command)))
}

fn no_more(rest: &[String]) -> Result<(), Invalid> {
    rest.first().map_or(Ok(()), |word| Err(stray(word)))
}

fn stray(word: &str) -> Invalid {
    Invalid::new(format!("stray argument \"{}\" (see smoker help)", escape(word)))
}

fn version() -> String {
    format!("smoker {}\n", env!("CARGO_PKG_VERSION"))
}

fn usage() -> String {
    let mut text = String::from("smoker tells what is broken in a cluster's network.\n\nusage:\n");
    for command in Command::ALL {
        let _ = writeln!(text, "  {:<38}{}", synopsis(command), command.about());
    }
    let _ = writeln!(text, "  {:<38}{ABOUT_REPORT}", "smoker report");
    text.push_str("  smoker help COMMAND                   the settings of a command\n");
    text.push_str("  smoker version                        the version\n");
    text
}

fn synopsis(command: Command) -> String {
    let host = if command == Command::Check { " [HOST]" } else { "" };
    format!("smoker {}{host} [--flag value]...", command.name())
}

fn usage_of(command: Command) -> String {
    let mut text = format!("usage: {}\n\n{}\n\n", synopsis(command), command.about());
    text.push_str("  flag                         environment       default\n");
    for setting in SETTINGS.into_iter().filter(|setting| setting.of.contains(&command)) {
        let flag = format!("{} {}", setting.flag, setting.metavariable);
        let environment = setting.environment.unwrap_or("");
        let (Fallback::Text(default) | Fallback::Said(default)) = setting.fallback;
        let _ = writeln!(text, "  {flag:<29}{environment:<18}{default:<15}{}", setting.about);
    }
    text.push_str(
        "\nA flag beats the environment, which beats the default. Durations: 30, 0.5, 500ms, 2m, 1h.\n",
    );
    text
}

fn usage_of_report() -> String {
    format!(
        "usage: smoker report\n\n{ABOUT_REPORT}\n\n  \
         kubectl logs -n smoker -l app=smoker-client --prefix --tail=-1 | smoker report\n\n\
         Lines may be text or JSON, with any prefix. It has no settings. Exit status 0 if every node is\n\
         healthy, 1 if not.\n"
    )
}
