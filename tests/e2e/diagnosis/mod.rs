//! What the client measures and reports beside its three probes: names, series, paths, replicas, verdicts,
//! doubts, summaries. A module a subject.

mod doubt;
mod endpoints;
mod formats;
mod look_ups;
mod paths;
mod series;
mod summaries;
mod totals;
mod verdicts;

use std::process::Command;

use crate::support::child::Server;
use crate::support::line::Line;
use crate::support::running::{Ended, Running, port_flags};
use crate::support::smoker;

/// `smoker client`, with what tests want to wait for made short.
fn client(host: &str, flags: &[&str]) -> Command {
    let mut command = smoker();
    command.args(["client", "--server-host", host, "--node-name=n", "--interval=30ms", "--udp-spacing=0"]);
    command.args(flags);
    command
}

/// The same of `server`.
fn client_of(server: &Server, flags: &[&str]) -> Command {
    let mut command = client("127.0.0.1", flags);
    command.args(port_flags(server.tcp.port(), server.udp.port(), server.http.port()));
    command
}

/// The lines of a client as they come.
fn lines(client: &Running) -> impl Iterator<Item = Line> {
    std::iter::repeat_with(|| Line::of(&client.line()))
}

/// The next line of this kind; those before it are passed over.
fn next(client: &Running, kind: &str) -> Line {
    lines(client).find(|line| line.kind == kind).unwrap()
}

/// The next lines of this kind up to one that is, in brief, `last`.
fn until(client: &Running, kind: &str, last: &str) -> Vec<Line> {
    let mut all = Vec::new();
    while all.last().is_none_or(|line: &Line| line.brief() != last) {
        all.push(next(client, kind));
    }
    all
}

/// The lines of a client that has ended, of these kinds alone.
fn of_kinds(ended: &Ended, kinds: &[&str]) -> Vec<Line> {
    let lines = ended.lines.iter().map(|line| Line::of(line));
    lines.filter(|line| kinds.contains(&&*line.kind)).collect()
}

fn briefs<'a>(lines: impl IntoIterator<Item = &'a Line>) -> Vec<String> {
    lines.into_iter().map(Line::brief).collect()
}

/// The lines of each round, but for what is printed between rounds: each begins with a line of `first`.
fn rounds(ended: &Ended, first: &str) -> Vec<Vec<Line>> {
    let mut rounds: Vec<Vec<Line>> = Vec::new();
    for line in ended.lines.iter().map(|line| Line::of(line)) {
        if line.kind == first {
            rounds.push(Vec::new());
        }
        if !["CLIENT", "SUMMARY", "EXPORTER"].contains(&&*line.kind) {
            rounds.last_mut().unwrap().push(line);
        }
    }
    rounds
}
