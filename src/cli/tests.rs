//! Command lines against a table with commands of two words.

use super::*;
use crate::settings::Override;
use crate::{client, local};

const fn command(
    name: &'static str,
    about: &'static str,
    read: fn(&Line) -> Result<Run, Invalid>,
) -> Command {
    Command { name, about, argument: Argument::None, notes: &[], tables: Vec::new, read }
}

static TABLE: [Command; 4] = [
    command("monitor collect", "collects", |_| Ok(Run::Print("collected".into()))),
    command("monitor serve", "serves", |_| Ok(Run::Print("served".into()))),
    command("top", "shows", |_| Ok(Run::Print("shown".into()))),
    Command {
        argument: Argument::Words { name: "COMMAND", most: 2 },
        ..command("help", "describes", |line| usage::help(line.commands, line.words).map(Run::Print))
    },
];

fn run(commands: &[Command], line: &str) -> Result<Run, String> {
    let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
    let sources = Sources {
        environment: &|_| None,
        host_name: &|| "node-1".to_owned(),
        file: &|path| Err(format!("no file {path}")),
    };
    parse_with(commands, &words, &sources).map_err(|refusal| refusal.to_string())
}

fn printed(line: &str) -> String {
    match run(&TABLE, line) {
        Ok(Run::Print(text)) => text,
        other => panic!("{line}: {other:?}"),
    }
}

#[test]
fn a_command_may_have_two_words() {
    assert_eq!(printed("monitor collect"), "collected");
    assert_eq!(printed("monitor serve"), "served");
    assert_eq!(printed("top"), "shown");
    let refused = "x: unexpected argument (see smoker help monitor serve)";
    assert_eq!(run(&TABLE, "monitor serve x"), Err(refused.into()));
}

#[test]
fn a_first_word_alone_lists_its_commands() {
    let listed = "usage: smoker monitor COMMAND\n\n  monitor collect  collects\n  monitor serve    serves\n";
    for line in ["monitor", "monitor --help", "monitor -h", "help monitor"] {
        assert_eq!(printed(line), listed, "{line}");
    }
    let rows = [
        "  monitor collect  collects\n",
        "  monitor serve    serves\n",
        "  top              shows\n",
        "  help [COMMAND]   describes\n",
    ];
    assert!(printed("help").ends_with(&rows.concat()));
}

#[test]
fn help_describes_a_command_of_two_words() {
    let usage = "usage: smoker monitor collect\n\nCollects.\n";
    for line in ["help monitor collect", "monitor collect --help", "--help monitor collect"] {
        assert_eq!(printed(line), usage, "{line}");
    }
    let refused = "x: unexpected argument (see smoker help monitor collect)";
    assert!(run(&TABLE, "help monitor collect x").is_err());
    assert_eq!(run(&TABLE, "help top x"), Err("x: unexpected argument (see smoker help top)".into()));
    assert_eq!(run(&TABLE, "monitor collect x"), Err(refused.into()));
}

#[test]
fn a_misspelled_word_is_answered_with_the_nearest_right_one() {
    for (line, refusal) in [
        ("monitr", "monitr: unknown command; did you mean monitor?"),
        ("monitor colect", "\"monitor colect\": unknown command; did you mean monitor collect?"),
        ("help monitor srve", "\"monitor srve\": unknown command; did you mean monitor serve?"),
        ("monitor frobnicate", "\"monitor frobnicate\": unknown command (monitor collect or monitor serve)"),
        ("frobnicate", "frobnicate: unknown command (monitor, top or help)"),
        ("", "no command given (monitor, top or help)"),
    ] {
        assert_eq!(run(&TABLE, line), Err(refusal.into()), "{line}");
    }
    for (line, refusal) in [
        ("sever", "sever: unknown command; did you mean server?"),
        ("client --intervall 1", "--intervall: unknown flag; did you mean --interval?"),
        ("client --intervall=1", "--intervall: unknown flag; did you mean --interval?"),
        ("client -count 1", "-count: unknown flag; did you mean --count?"),
        ("local --hepl", "--hepl: unknown flag; did you mean --help?"),
        ("client --frobnicate", "--frobnicate: unknown flag (see smoker help client)"),
    ] {
        assert_eq!(run(&COMMANDS, line), Err(refusal.into()), "{line}");
    }
}

#[test]
fn every_command_has_its_own_name_and_settings_with_names_of_their_own() {
    for (at, command) in COMMANDS.iter().enumerate() {
        assert!(COMMANDS[at + 1..].iter().all(|other| other.name != command.name), "{}", command.name);
        let settings = command.settings();
        for (at, setting) in settings.iter().enumerate() {
            let is_same = |other: &Entry| {
                other.flag == setting.flag
                    || other.environment.is_some_and(|name| Some(name) == setting.environment)
            };
            assert!(!settings[at + 1..].iter().any(is_same), "{}: {setting:?}", command.name);
            assert!(setting.about.ends_with('.'), "{setting:?}");
        }
    }
}

#[test]
fn every_exception_of_a_command_is_of_a_setting() {
    let client = client::settings::Client::SETTINGS.entries("");
    let server = crate::server::settings::Server::SETTINGS.entries("");
    for (overrides, entries) in [
        (client::settings::CHECK.overrides(), &client),
        (local::settings::CLIENT.overrides(), &client),
        (local::settings::SERVER.overrides(), &server),
    ] {
        assert!(!overrides.is_empty());
        let is_known =
            |exception: &Override| entries.iter().any(|entry| entry.flag == Some(exception.flag()));
        assert!(overrides.iter().all(is_known), "{overrides:?}");
    }
}
