//! The README against the code: the settings, the error codes, the commands and the lines that it shows.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use smoker::cli;
use smoker::config::{Fallback, SETTINGS};
use smoker::dns::Error::{Local, Malformed, NotFound, ServerFailure, Timeout};
use smoker::probe::Error;

use crate::line::Line;

fn readme() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The rows of the table of `text` whose header begins with `title`: its cells, without the backquotes.
fn table(text: &str, title: &str) -> Vec<Vec<String>> {
    let mut lines = text.lines().skip_while(|line| !line.starts_with(&format!("| {title} |")));
    assert!(lines.next().is_some(), "no table of | {title} |");
    assert!(lines.next().is_some_and(|line| line.starts_with("|---")), "no table of | {title} |");
    let rows = lines.take_while(|line| line.starts_with('|'));
    rows.map(cells).collect()
}

fn cells(row: &str) -> Vec<String> {
    let inner = row.trim_start_matches('|').trim_end_matches('|');
    inner.split('|').map(|cell| cell.trim().trim_matches('`').to_owned()).collect()
}

/// What the table of settings says of each: environment, flag, default, commands.
fn settings_of(text: &str) -> Vec<Vec<String>> {
    table(text, "environment").into_iter().map(|row| row.into_iter().take(4).collect()).collect()
}

/// The code of an error, as the table has it.
fn code(error: Error) -> String {
    match error {
        Error::HttpStatus(_) => "http_NNN".to_owned(),
        // Each by its name: a new one does not compile here, and then goes into the list below as well.
        Error::Timeout
        | Error::Refused
        | Error::Reset
        | Error::Unreachable
        | Error::Closed
        | Error::Mismatch
        | Error::HttpMalformed
        | Error::BlackHole
        | Error::Dns(NotFound | Timeout | ServerFailure | Malformed | Local)
        | Error::Io => error.to_string(),
    }
}

fn codes() -> BTreeSet<String> {
    let dns = [NotFound, Timeout, ServerFailure, Malformed, Local].map(Error::Dns);
    let others = [
        Error::Timeout,
        Error::Refused,
        Error::Reset,
        Error::Unreachable,
        Error::Closed,
        Error::Mismatch,
        Error::HttpStatus(503),
        Error::HttpMalformed,
        Error::BlackHole,
        Error::Io,
    ];
    dns.into_iter().chain(others).map(code).collect()
}

/// The lines of the fenced blocks of `text` whose fence is followed by `language`.
fn fenced<'a>(text: &'a str, language: &str) -> Vec<&'a str> {
    let mut inside = None;
    let mut lines = Vec::new();
    for line in text.lines() {
        match (line.strip_prefix("```"), inside) {
            (Some(opened), None) => inside = Some(opened),
            (Some(_), Some(_)) => inside = None,
            (None, Some(of)) if of == language => lines.push(line),
            (None, _) => {}
        }
    }
    lines
}

/// The arguments of the `smoker` that a line of shell calls, if it does.
fn arguments(line: &str) -> Option<Vec<String>> {
    let command = line.split(" #").next()?.split(" | ").next()?;
    let (_, arguments) =
        command.split_once("/smoker ").or_else(|| command.split_once("cargo run --release -- "))?;
    Some(arguments.split_whitespace().map(str::to_owned).collect())
}

#[test]
fn the_table_of_settings_is_the_code_s() {
    let expected: Vec<Vec<String>> = SETTINGS
        .iter()
        .map(|setting| {
            let (Fallback::Text(default) | Fallback::Said(default)) = setting.fallback;
            let commands: Vec<&str> = setting.of.iter().map(|command| command.name()).collect();
            [setting.environment.unwrap_or(""), setting.flag, default, &commands.join(", ")]
                .map(str::to_owned)
                .to_vec()
        })
        .collect();
    assert_eq!(settings_of(&readme()), expected);
}

#[test]
fn the_table_of_errors_has_every_code_and_no_other() {
    let told: Vec<String> = table(&readme(), "error").into_iter().map(|row| row[0].clone()).collect();
    assert_eq!(told.len(), codes().len(), "{told:?}");
    assert_eq!(told.into_iter().collect::<BTreeSet<_>>(), codes());
}

#[test]
fn every_command_that_it_shows_is_understood() {
    let readme = readme();
    let commands: Vec<Vec<String>> = fenced(&readme, "sh").into_iter().filter_map(arguments).collect();
    assert!(commands.len() >= 5, "{commands:?}");
    for command in commands {
        let understood = cli::parse(&command, &|_| None, &|| "node-1".to_owned());
        assert!(understood.is_ok(), "{command:?}: {}", understood.unwrap_err());
    }
}

#[test]
fn every_line_that_it_shows_is_one_that_a_client_prints() {
    let readme = readme();
    let lines: Vec<&str> = fenced(&readme, "").into_iter().filter(|line| line.contains("] [NODE:")).collect();
    assert!(lines.len() >= 4, "{lines:?}");
    for line in lines {
        Line::of(line);
    }
}

#[test]
fn what_is_missing_or_different_is_noticed() {
    let text = "| environment | flag | default | of | meaning |\n|---|---|---|---|---|\n\
                | `A` | `--a` | 1 | x | y |\n| | `--b` | no end | x, y | z |\n\n| `C` |\n";
    assert_eq!(settings_of(text), [["A", "--a", "1", "x"], ["", "--b", "no end", "x, y"]]);
    assert_eq!(table("| error | x |\n|---|---|\n| `a` | |\n", "error"), [["a", ""]]);
    assert!(std::panic::catch_unwind(|| table("no table", "error")).is_err());
    assert_eq!(fenced("```sh\na\n```\nb\n```\nc\n```\n```sh\nd\n```", "sh"), ["a", "d"]);
    assert_eq!(arguments("kubectl exec x -- /smoker check a  # why"), Some(vec!["check".into(), "a".into()]));
    assert_eq!(arguments("dist/smoker local | dist/smoker report"), Some(vec!["local".into()]));
    assert_eq!(arguments("scripts/logs.sh client"), None);
}
