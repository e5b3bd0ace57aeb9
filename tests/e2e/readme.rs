//! The READMEs against the code: settings, error codes, verdicts and whom to call, metrics and alerts, the
//! commands and the lines that they show; and their form: length, width of cells, links.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use smoker::cli::{self, COMMANDS};
use smoker::explain::explain;
use smoker::probe::Error;
use smoker::report;
use smoker::settings::Sources;
use smoker::verdict::{Verdict, evidence_words};

use crate::monitoring::pages;
use crate::support::line::Line;

/// The introduction, and the page of each folder that has one.
const READMES: [&str; 5] =
    ["README.md", "manifests/README.md", "scripts/README.md", "benches/README.md", "src/README.md"];

/// An introduction is read in one sitting.
const README_LINES: usize = 200;

/// A wider cell makes a table that no screen shows whole.
const CELL_CHARACTERS: usize = 100;

/// The introduction: what Smoker is, what it looks like, the verdicts.
fn introduction() -> String {
    read("README.md")
}

/// The operator's reference.
fn reference() -> String {
    read("manifests/README.md")
}

/// All of them, one after the other.
fn all() -> String {
    READMES.map(read).concat()
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

/// The lines of `text` outside fenced blocks.
fn prose(text: &str) -> Vec<&str> {
    let mut inside = false;
    let outside = |line: &&str| {
        let fence = line.starts_with("```");
        inside ^= fence;
        !inside && !fence
    };
    text.lines().filter(outside).collect()
}

/// The cells of tables that have too many characters.
fn wide_cells(text: &str) -> Vec<String> {
    let rows = prose(text).into_iter().filter(|line| line.starts_with('|'));
    rows.flat_map(cells).filter(|cell| cell.chars().count() > CELL_CHARACTERS).collect()
}

/// Where the links of `text` lead, external ones apart.
fn links(text: &str) -> Vec<String> {
    // A link's text may be broken into two lines, its target never is.
    let starts = text.match_indices("](").map(|(at, start)| &text[at + start.len()..]);
    let targets = starts.filter_map(|rest| rest.split_once(')')).map(|(target, _)| target.to_owned());
    targets.filter(|target| !target.contains("://")).collect()
}

/// The anchors of the headings of `text` on a page: lower case, spaces as hyphens, punctuation dropped.
fn anchors(text: &str) -> Vec<String> {
    let headings = prose(text).into_iter().filter(|line| line.starts_with('#'));
    let anchor = |heading: &str| {
        let kept = heading.trim_start_matches('#').trim().to_lowercase();
        let kept = kept.chars().filter(|&c| c.is_alphanumeric() || c == ' ' || c == '-');
        kept.map(|c| if c == ' ' { '-' } else { c }).collect()
    };
    headings.map(anchor).collect()
}

/// What is wrong with the link to `target` from the file at `path`.
fn broken(path: &str, target: &str) -> Option<String> {
    let (file, anchor) = target.split_once('#').unwrap_or((target, ""));
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    let linked = if file.is_empty() { folder } else { folder.parent()?.join(file) };
    let Ok(text) = fs::read_to_string(&linked) else { return Some(format!("{path}: no file {target}")) };
    let found = anchor.is_empty() || anchors(&text).iter().any(|known| known == anchor);
    (!found).then(|| format!("{path}: no heading {target}"))
}

/// What the table of settings says of each: environment, flag, default, commands.
fn settings_of(text: &str) -> Vec<Vec<String>> {
    table(text, "environment").into_iter().map(|row| row.into_iter().take(4).collect()).collect()
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
        let verdict = if node == 0 { verdict.name() } else { "healthy" };
        format!("[2025-11-13 10:30:00] [NODE:node-{node}] [VERDICT] {verdict} detail=\"\" evidence=tcp:ok\n")
    };
    let lines: String = (0..nodes).map(line).collect();
    let report = report::read(lines.as_bytes()).unwrap().to_string();
    let (_, call) = report.split_once("  call: ").unwrap_or_else(|| panic!("no team to call: {report}"));
    call.split_once(": ").unwrap_or_else(|| panic!("{call}")).0.to_owned()
}

/// The rows that the commands' own tables make, sorted: environment, flag, default, commands. A command's own
/// default follows that of the first command: `30s (local: 2s)`.
fn settings_of_the_commands() -> Vec<Vec<String>> {
    let mut users: BTreeMap<[&str; 2], Vec<(String, &str)>> = BTreeMap::new();
    for command in &COMMANDS {
        for setting in command.settings() {
            let names = [setting.environment.unwrap_or(""), setting.flag.unwrap_or("")];
            users.entry(names).or_default().push((setting.default.to_string(), command.name));
        }
    }
    let row = |([environment, flag], users): ([&str; 2], Vec<(String, &str)>)| {
        let default = users[0].0.clone();
        let others = users.iter().filter(|(own, _)| *own != default);
        let others: Vec<String> = others.map(|(own, command)| format!(" ({command}: {own})")).collect();
        let commands: Vec<&str> = users.iter().map(|(_, command)| *command).collect();
        vec![environment.to_owned(), flag.to_owned(), default + &others.concat(), commands.join(", ")]
    };
    users.into_iter().map(row).collect()
}

#[test]
fn the_table_of_settings_is_the_code_s() {
    let mut shown = settings_of(&reference());
    shown.sort();
    assert_eq!(shown, settings_of_the_commands());
}

#[test]
fn the_table_of_errors_has_every_code_with_its_meaning_and_no_other() {
    let rows = table(&reference(), "error").into_iter();
    let described: BTreeSet<(String, String)> =
        rows.map(|row| (row[0].clone(), row[1].replace('`', ""))).collect();
    let codes = Error::ALL.map(|error| (error.code().word.to_owned(), error.code().meaning.to_owned()));
    assert_eq!(described, codes.into());
}

/// Documentation has an order of its own; the program's is that of the rules.
fn assert_each_verdict_once<'a>(described: impl Iterator<Item = &'a str>) {
    let mut described: Vec<&str> = described.collect();
    let mut names = Verdict::ALL.map(Verdict::name);
    described.sort_unstable();
    names.sort_unstable();
    assert_eq!(described, names);
}

#[test]
fn the_table_of_verdicts_has_each_of_them_with_its_meaning_and_no_other() {
    let rows = table(&introduction(), "verdict");
    assert_each_verdict_once(rows.iter().map(|row| &*row[0]));
    for row in rows {
        let verdict = Verdict::of(&row[0]).unwrap();
        assert_eq!(row[1], verdict.meaning(), "{verdict}");
    }
}

#[test]
fn the_table_of_verdicts_calls_whom_the_report_calls() {
    let without_a_team = [Verdict::Healthy, Verdict::Transient, Verdict::Unknown];
    for row in table(&introduction(), "verdict") {
        let verdict = Verdict::of(&row[0]).unwrap();
        for nodes in [1, 2].into_iter().filter(|_| !without_a_team.contains(&verdict)) {
            let team = called(verdict, nodes);
            assert!(row[2].contains(&format!("**{team}**")), "{verdict}: {team}");
        }
    }
}

#[test]
fn every_verdict_has_its_evidence_and_its_first_steps() {
    let reference = reference();
    let items = reference.lines().filter_map(|line| line.strip_prefix("- **`")?.split_once("`** needs "));
    assert_each_verdict_once(items.map(|(verdict, _)| verdict));
}

#[test]
fn the_table_of_evidence_has_every_word_with_its_meaning_and_no_other() {
    let rows = table(&reference(), "word").into_iter();
    let described: BTreeSet<(String, String)> = rows.map(|row| (row[0].clone(), row[1].clone())).collect();
    let declared = evidence_words().into_iter().map(|(evidence, _)| evidence);
    let declared = declared.map(|word| (word.examples.join("` `"), word.meaning.to_owned()));
    assert_eq!(described, declared.collect());
}

/// What `smoker explain` says of a word, on one line.
fn explained(word: &str) -> String {
    let text = explain(Some(word)).unwrap_or_else(|unknown| panic!("{unknown}"));
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn every_kind_and_field_of_the_tables_is_explained() {
    for row in table(&reference(), "kind") {
        for kind in words(&row[0]) {
            let when = row[1].replace('`', "");
            assert!(explained(kind).contains(&format!("when {when} fields")), "{kind}: {when}");
        }
    }
    for row in table(&reference(), "field") {
        for key in words(&row[0]).filter_map(|key| Some(key.split_once('=')?.0)) {
            assert!(explained(key).contains(&format!("{key} (field) ")), "{key}");
        }
    }
}

#[test]
fn the_table_of_metrics_has_every_name_with_its_type_and_labels_and_no_other() {
    let reference = reference();
    let pages = pages();
    let mut listed = BTreeSet::new();
    for row in table(&reference, "of | metric") {
        let [_, names, kind, labels] = &row[..] else { panic!("{row:?}") };
        for name in words(names) {
            listed.insert(name.to_owned());
            let (_, of_page) = pages.split_once(&format!("# TYPE {name} ")).expect(name);
            assert!(kind.starts_with(of_page.lines().next().unwrap()), "{name}: {kind}");
            for label in labels_of(&pages, name) {
                assert!(format!("`{labels}`").contains(&format!("`{label}`")), "{name} has a label {label}");
            }
        }
    }
    let types = pages.lines().filter_map(|line| line.strip_prefix("# TYPE "));
    let shown: BTreeSet<String> = types.map(|kind| kind.split(' ').next().unwrap().to_owned()).collect();
    assert_eq!(listed, shown);
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
    let rows = table(&reference(), "alert");
    let listed: BTreeSet<&str> = rows.iter().flat_map(|row| words(&row[0])).collect();
    assert_eq!(listed, alerts.collect());
}

#[test]
fn every_fault_that_they_break_is_one_of_the_laboratory() {
    let readmes = all();
    let faults = read("scripts/faults.sh");
    let broken =
        fenced(&readmes, "sh").into_iter().filter_map(|line| line.strip_prefix("scripts/lab.sh break "));
    let broken: Vec<&str> = broken.collect();
    assert!(!broken.is_empty());
    for fault in broken {
        assert!(faults.contains(&format!("\nbreak_{fault}() {{")), "{fault}");
    }
}

#[test]
fn every_command_that_they_show_is_understood() {
    let readmes = all();
    let commands: Vec<Vec<String>> = fenced(&readmes, "sh").into_iter().flat_map(arguments).collect();
    assert!(commands.len() >= 8, "{commands:?}");
    for command in commands {
        let sources = Sources {
            environment: &|_| None,
            host_name: &|| "node-1".to_owned(),
            file: &crate::support::no_file,
        };
        let understood = cli::parse(&command, &sources);
        assert!(understood.is_ok(), "{command:?}: {}", understood.unwrap_err());
    }
}

#[test]
fn every_line_that_they_show_is_one_that_a_client_prints() {
    let readmes = all();
    let lines: Vec<&str> =
        fenced(&readmes, "").into_iter().filter(|line| line.contains("] [NODE:")).collect();
    assert!(lines.len() >= 4, "{lines:?}");
    for line in lines {
        Line::of(line);
    }
    let objects = fenced(&readmes, "json");
    assert!(!objects.is_empty());
    for line in objects {
        Line::of_json(line);
    }
}

#[test]
fn the_introduction_is_read_in_one_sitting() {
    let lines = introduction().lines().count();
    assert!(lines <= README_LINES, "{lines}");
}

#[test]
fn no_cell_of_a_table_is_wider_than_a_screen_shows() {
    for path in READMES {
        assert_eq!(wide_cells(&read(path)), [""; 0], "{path}");
    }
    let cell = |characters: usize| format!("| a | {} |\n", "µ".repeat(characters));
    assert_eq!(wide_cells(&cell(CELL_CHARACTERS)).len(), 0);
    assert_eq!(wide_cells(&cell(CELL_CHARACTERS + 1)).len(), 1);
    assert_eq!(wide_cells(&format!("```\n{}```\n", cell(CELL_CHARACTERS + 1))).len(), 0);
}

#[test]
fn every_link_leads_somewhere_and_every_page_is_linked() {
    for path in READMES {
        let broken: Vec<String> =
            links(&read(path)).iter().filter_map(|target| broken(path, target)).collect();
        assert!(broken.is_empty(), "{broken:#?}");
    }
    let linked = links(&introduction());
    for path in &READMES[1..] {
        assert!(linked.iter().any(|target| target == path), "{path}");
    }
    assert_eq!(links("[a](b#c), [d\ne](#f) [g](https://h)"), ["b#c", "#f"]);
    assert_eq!(anchors("## A `b`-c: D's\n```\n# e\n```\n"), ["a-b-c-ds"]);
    assert!(broken("README.md", "manifests/README.md#settings").is_none());
    assert!(broken("README.md", "manifests/README.md#nothing").is_some());
    assert!(broken("manifests/README.md", "nothing.md").is_some());
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
