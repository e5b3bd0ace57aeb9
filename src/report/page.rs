//! The report as a screenful: the answer in the first line, then the evidence. Pure.

use std::fmt::{self, Write as _};
use std::time::SystemTime;

use super::Report;
use super::findings::{Fault, Findings};
use super::nodes::MAX_NODES;
use super::replicas::Replica;
use super::tally::Tally;
use crate::time::Utc;

/// The widest line: longer ones are cut.
pub(super) const WIDTH: usize = 100;

/// The rows of each table. With all of them full and every note the page has 40 lines, and 16 where all is
/// well.
const MAX_FAULT_ROWS: usize = 4;
const MAX_REPLICA_ROWS: usize = 4;
const MAX_FAILED_ROWS: usize = 3;
const MAX_PASSED_ROWS: usize = 2;

/// The columns that a node's name always gets behind a detail.
const NAME: usize = 30;

/// Where the names of nodes begin in the table of verdicts.
const NAMES_AT: usize = 42;

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let findings = self.findings();
        let mut lines = answer(&findings);
        for section in [
            faults(&findings.faults),
            self.replica_rows(),
            counted("FAILED, NO VERDICT", &self.failed().rows(), MAX_FAILED_ROWS),
            counted("PASSED", &self.passed.rows(), MAX_PASSED_ROWS),
            self.notes(&findings),
        ] {
            if !section.is_empty() {
                lines.push(String::new());
                lines.extend(section);
            }
        }
        lines.iter().try_for_each(|line| writeln!(f, "{}", cut(line, WIDTH)))
    }
}

/// The answer in one sentence, and further ones where it could be taken for more than it says.
fn answer(findings: &Findings) -> Vec<String> {
    let Findings { total, faulty, without_verdict, .. } = *findings;
    if total == 0 {
        return vec!["nothing is known: there is no line of a client".into()];
    }
    let mut lines = vec![if faulty == 0 { without_fault(findings) } else { with_faults(findings) }];
    if total == 1 && faulty == 1 {
        lines.push("whether other nodes see it too is unknown: there are no lines of another node".into());
    }
    if without_verdict > 0 {
        let of = count(without_verdict as u64, "node");
        let ask = "ask for more, --tail=-1 or --since above SUMMARY_INTERVAL";
        lines.push(format!("no verdict of {of} in these lines: {ask}"));
    }
    lines
}

/// Which faults there are, and on which nodes.
fn with_faults(findings: &Findings) -> String {
    let Findings { total, faulty, .. } = *findings;
    let fleet = fleet(findings);
    let subject = if total == 1 {
        "the one node sees a fault".into()
    } else if faulty == total && !findings.more_nodes {
        format!("all {fleet} see a fault")
    } else {
        format!("{faulty} of {fleet} see{} a fault", if faulty == 1 { "s" } else { "" })
    };
    first_that_fits(&subject, findings)
}

/// That no node sees a fault does not mean that all are well.
fn without_fault(findings: &Findings) -> String {
    let (fleet, healthy) = (fleet(findings), findings.healthy);
    match findings.total {
        1 if findings.all_well() => "the one node is healthy".into(),
        _ if findings.all_well() => format!("all {fleet} are healthy"),
        1 => "the one node is not known to be healthy".into(),
        _ if healthy == 0 => format!("none of {fleet} is known to be healthy"),
        _ => {
            let are = if healthy == 1 { "is" } else { "are" };
            format!("{healthy} of {fleet} {are} healthy, nothing is known of the others now")
        }
    }
}

/// `5 nodes`
fn fleet(findings: &Findings) -> String {
    format!("{}{} nodes", findings.total, if findings.more_nodes { "+" } else { "" })
}

/// The sentence with as much of what and where as one line holds.
fn first_that_fits(subject: &str, findings: &Findings) -> String {
    let every = findings.faults.iter().all(|fault| fault.on_all);
    let sentence = |with_since: bool, with_names: bool| {
        let describe = |fault: &Fault| {
            let mut text = match (every, with_names) {
                (true, _) => fault.problem.to_string(),
                (_, true) => format!("{} on {}", fault.problem, fault.nodes.join(", ")),
                (_, false) => format!("{} on {}", fault.problem, count(fault.nodes.len() as u64, "node")),
            };
            if with_since {
                let _ = write!(text, " (since {})", Utc::from(fault.since));
            }
            text
        };
        let faults: Vec<String> = findings.faults.iter().map(describe).collect();
        format!("{subject}: {}", faults.join(", "))
    };
    let versions = [(true, true), (true, false), (false, true), (false, false)];
    let mut versions = versions.into_iter().map(|(since, names)| sentence(since, names));
    versions
        .find(|text| text.chars().count() <= WIDTH)
        .unwrap_or_else(|| format!("{subject}: {}", count(findings.faults.len() as u64, "different verdict")))
}

/// Three lines a verdict: where and since when, what was seen, whom to call.
fn faults(faults: &[Fault]) -> Vec<String> {
    if faults.is_empty() {
        return Vec::new();
    }
    let mut lines = vec!["VERDICT       NODES  SINCE (UTC)          WHERE".to_owned()];
    for fault in faults.iter().take(MAX_FAULT_ROWS) {
        let (verdict, nodes) = (cut(fault.problem.name(), 12), fault.nodes.len());
        let (since, names) = (Utc::from(fault.since).to_string(), listed(&fault.nodes, WIDTH - NAMES_AT));
        lines.push(format!("{verdict:<14}{nodes:>5}  {since:<19}  {names}"));
        let room = WIDTH - "  seen:  ()".len();
        let by = cut(fault.last_node, NAME.max(room.saturating_sub(fault.detail.chars().count())));
        let by = format!(" ({by})");
        let detail = cut(&fault.detail, WIDTH - "  seen: ".len() - by.chars().count());
        lines.push(format!("  seen: {detail}{by}"));
        lines.push(format!("  call: {}", fault.problem.call(fault.on_all)));
    }
    let others: Vec<&str> = faults.iter().skip(MAX_FAULT_ROWS).map(|fault| fault.problem.name()).collect();
    if !others.is_empty() {
        lines.push(format!("and {}", listed(&others, WIDTH - "and ".len())));
    }
    lines
}

impl Report {
    fn replica_rows(&self) -> Vec<String> {
        let replicas = self.replicas.rows();
        if replicas.is_empty() {
            return Vec::new();
        }
        let address = |replica: &Replica| replica.address.map_or("-".into(), |address| address.to_string());
        let (shown, hidden) = replicas.split_at(replicas.len().min(MAX_REPLICA_ROWS));
        let width =
            shown.iter().map(|replica| address(replica).len()).max().unwrap_or(0).max("REPLICA".len());
        let pod_width = WIDTH - width - 50;
        let mut lines = vec![format!(
            "{:<width$}  {:<pod_width$}  ANSWERED  FAILED  NODES  LAST ANSWER",
            "REPLICA", "POD"
        )];
        for replica in shown {
            let pod = cut(replica.pod.as_deref().unwrap_or("-"), pod_width);
            let last = replica.last_answer.map_or("never".into(), |last| Utc::from(last).to_string());
            lines.push(format!(
                "{:<width$}  {pod:<pod_width$}  {:>8}  {:>6}  {:>5}  {last}",
                address(replica),
                replica.answered,
                replica.failed,
                replica.nodes.len()
            ));
        }
        if !hidden.is_empty() {
            let failing = hidden.iter().filter(|replica| replica.is_failing()).count();
            lines.push(format!("and {} more, {failing} of them failing", hidden.len()));
        }
        lines
    }

    /// What is not known, and why.
    fn notes(&self, findings: &Findings) -> Vec<String> {
        let mut lines = Vec::new();
        let silent: Vec<String> = findings.silent.iter().map(|(name, at)| since(name, *at)).collect();
        if !silent.is_empty() {
            let names: Vec<&str> = silent.iter().map(String::as_str).collect();
            lines.push(format!("silent: {}", listed(&names, WIDTH - "silent: ".len())));
        }
        if !findings.unjudged.is_empty() {
            let room = WIDTH - "no verdict of: ".len();
            lines.push(format!("no verdict of: {}", listed(&findings.unjudged, room)));
        }
        let counts = &self.counts;
        let span = self.span.map_or(String::new(), |(first, last)| {
            format!(" from {} to {} UTC", Utc::from(first), Utc::from(last))
        });
        lines.push(format!("{}{span}", count(counts.understood, "line")));
        let missing: Vec<String> = [
            (counts.not_understood, "not understood"),
            (counts.too_long, "too long"),
            (counts.lost, "lost by who printed them"),
            (self.nodes.left_out, &format!("of nodes past {MAX_NODES}")),
            (self.replicas.left_out, "of replicas past those kept"),
        ]
        .into_iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, what)| format!("{count} {what}"))
        .collect();
        if !missing.is_empty() {
            lines.push(format!("of other lines: {}", missing.join(", ")));
        }
        lines
    }
}

/// A table of what happened how often, on how many nodes, and when last.
fn counted(title: &str, rows: &[&Tally], limit: usize) -> Vec<String> {
    if rows.is_empty() {
        return Vec::new();
    }
    let mut lines = vec![format!("{title:<28}     TIMES  NODES  LAST")];
    for Tally { name, count, nodes, last } in rows.iter().take(limit) {
        let (name, last) = (cut(name, 28), Utc::from(*last).to_string());
        lines.push(format!("{name:<28}  {count:>8}  {:>5}  {last}", nodes.len()));
    }
    if rows.len() > limit {
        lines.push(format!("and {} more", rows.len() - limit));
    }
    lines
}

fn since(name: &str, at: SystemTime) -> String {
    format!("{name} since {}", Utc::from(at))
}

/// `1 node`, `2 nodes`
fn count(number: u64, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}

/// As many names as have room, and how many more there are.
fn listed(names: &[&str], room: usize) -> String {
    let list = |shown: usize| match names.len() - shown {
        0 => names.join(", "),
        more => format!("{} and {more} more", names[..shown].join(", ")),
    };
    let fits = |shown: &usize| list(*shown).chars().count() <= room;
    // No more than one a column.
    let most = names.len().min(room);
    (1..=most).rev().find(fits).map_or_else(|| cut(&list(1.min(names.len())), room), list)
}

/// `text` for a terminal: control characters made visible, and what has no room cut.
fn cut(text: &str, room: usize) -> String {
    let mut shown = String::new();
    for character in text.chars() {
        if character.is_control() {
            shown.extend(character.escape_default());
        } else {
            shown.push(character);
        }
    }
    match shown.char_indices().nth(room) {
        None => shown,
        Some(_) => shown.chars().take(room.saturating_sub(1)).chain(['…']).collect(),
    }
}
