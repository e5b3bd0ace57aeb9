//! The README against the code: the settings, the error codes, the verdicts and whom to call, the metrics and
//! alerts, the commands and the lines that it shows.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use smoker::cli;
use smoker::dns::Error::{Local, Malformed, NotFound, ServerFailure, Timeout};
use smoker::probe::Error;
use smoker::report;
use smoker::settings::{Fallback, SETTINGS};
use smoker::verdict::Verdict;

use crate::monitoring::pages;
use crate::support::line::Line;

fn readme() -> String {
    read("README.md")
}

fn read(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
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

/// The words of a cell that is a list of them: `` `a` `b` ``.
fn words(cell: &str) -> impl Iterator<Item = &str> {
    cell.split("` `")
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

/// The arguments of each `smoker` that a line of shell calls.
fn arguments(line: &str) -> Vec<Vec<String>> {
    let commands = line.split(" #").next().into_iter().flat_map(|line| line.split(" | "));
    let calls = ["/smoker ", "cargo run --release -- ", "lab.sh in client smoker "];
    let called = commands.filter_map(|command| calls.iter().find_map(|call| command.split_once(call)));
    called.map(|(_, arguments)| arguments.split_whitespace().map(str::to_owned).collect()).collect()
}

/// Whom `smoker report` says to call: of a verdict that one node of `nodes` has and the others have not.
fn called(verdict: Verdict, nodes: usize) -> String {
    let line = |node: usize| {
        let told = if node == 0 { verdict.name() } else { "healthy" };
        format!("[2025-11-13 10:30:00] [NODE:node-{node}] [VERDICT] {told} detail=\"\" evidence=tcp:ok\n")
    };
    let lines: String = (0..nodes).map(line).collect();
    let report = report::read(lines.as_bytes()).unwrap().to_string();
    let (_, call) = report.split_once("  call: ").unwrap_or_else(|| panic!("nobody is called: {report}"));
    call.split_once(": ").unwrap_or_else(|| panic!("{call}")).0.to_owned()
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
fn the_table_of_verdicts_has_each_of_them_and_no_other() {
    let told: Vec<String> = table(&readme(), "verdict").into_iter().map(|row| row[0].clone()).collect();
    assert_eq!(told, Verdict::ALL.map(Verdict::name));
}

#[test]
fn the_table_of_verdicts_calls_whom_the_report_calls() {
    let readme = readme();
    let nobodys = [Verdict::Healthy, Verdict::Transient, Verdict::Unknown];
    for (verdict, row) in Verdict::ALL.into_iter().zip(table(&readme, "verdict")) {
        for nodes in [1, 2].into_iter().filter(|_| !nobodys.contains(&verdict)) {
            let team = called(verdict, nodes);
            assert!(row[3].contains(&format!("**{team}**")), "{verdict}: {team}");
        }
    }
}

#[test]
fn the_table_of_metrics_has_every_name_with_its_type_and_labels_and_no_other() {
    let (readme, pages) = (readme(), pages());
    let mut told = BTreeSet::new();
    for row in table(&readme, "of | metric") {
        let [_, names, kind, labels] = &row[..] else { panic!("{row:?}") };
        for name in words(names) {
            told.insert(name.to_owned());
            let (_, of_page) = pages.split_once(&format!("# TYPE {name} ")).expect(name);
            assert!(kind.starts_with(of_page.lines().next().unwrap()), "{name}: {kind}");
            for label in labels_of(&pages, name) {
                assert!(format!("`{labels}`").contains(&format!("`{label}`")), "{name} has a label {label}");
            }
        }
    }
    let types = pages.lines().filter_map(|line| line.strip_prefix("# TYPE "));
    let shown: BTreeSet<String> = types.map(|kind| kind.split(' ').next().unwrap().to_owned()).collect();
    assert_eq!(told, shown);
}

/// The names of the labels of a metric's first sample, but for a histogram's own.
fn labels_of<'a>(pages: &'a str, name: &str) -> Vec<&'a str> {
    let mut samples = pages.lines().filter_map(|line| line.strip_prefix(name));
    let sample = samples.find_map(|rest| rest.trim_start_matches("_bucket").strip_prefix('{'));
    let labels = sample.into_iter().flat_map(|labels| labels.split(','));
    labels.filter_map(|label| Some(label.split_once("=\"")?.0)).filter(|label| *label != "le").collect()
}

#[test]
fn the_table_of_alerts_has_every_one_and_no_other() {
    let rules = read("manifests/monitoring/rules.yaml");
    let alerts = rules.lines().filter_map(|line| line.trim_start().strip_prefix("- alert: "));
    let rows = table(&readme(), "alert");
    let told: BTreeSet<&str> = rows.iter().flat_map(|row| words(&row[0])).collect();
    assert_eq!(told, alerts.collect());
}

#[test]
fn every_fault_that_it_breaks_is_one_of_the_laboratory() {
    let (readme, faults) = (readme(), read("scripts/faults.sh"));
    let broken =
        fenced(&readme, "sh").into_iter().filter_map(|line| line.strip_prefix("scripts/lab.sh break "));
    let broken: Vec<&str> = broken.collect();
    assert!(!broken.is_empty());
    for fault in broken {
        assert!(faults.contains(&format!("\nbreak_{fault}() {{")), "{fault}");
    }
}

#[test]
fn every_command_that_it_shows_is_understood() {
    let readme = readme();
    let commands: Vec<Vec<String>> = fenced(&readme, "sh").into_iter().flat_map(arguments).collect();
    assert!(commands.len() >= 8, "{commands:?}");
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
    let objects = fenced(&readme, "json");
    assert!(!objects.is_empty());
    for line in objects {
        Line::of_json(line);
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
    assert_eq!(words("a` `b").collect::<Vec<_>>(), ["a", "b"]);
    assert_eq!(arguments("kubectl exec x -- /smoker check a  # why"), [["check", "a"]]);
    assert_eq!(arguments("dist/smoker local | dist/smoker report"), [["local"], ["report"]]);
    assert_eq!(arguments("scripts/logs.sh client"), [[""; 0]; 0]);
    assert_eq!(labels_of("a_bucket{x=\"1\",le=\"2\"} 3\nb{y=\"\"} 1", "a"), ["x"]);
}
