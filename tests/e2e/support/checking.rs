//! `smoker check`, and its lines about the three probes.

use std::process::Command;

use crate::support::line::Line;
use crate::support::running::{Ended, Running};
use crate::support::{PROBES_ALONE, smoker};

fn command(host: &str, flags: &[&str]) -> Command {
    let mut command = smoker();
    command.args(["check", host, "--node-name=n"]).args(PROBES_ALONE).args(flags);
    command
}

/// `smoker check HOST` with these flags, ended, and its lines about the three probes. Unless the flags say
/// otherwise it sends no series and measures no path.
pub(crate) fn check(host: &str, flags: &[&str]) -> (Ended, Vec<Line>) {
    let ended = Running::start(command(host, flags)).ended();
    let lines = ended.lines.iter().map(|line| Line::of(line)).filter(Line::is_probe).collect();
    (ended, lines)
}

/// The same lines as they come, one for each of `--protocols`. The verdict behind them, and the time that it
/// may take where a probe has failed, is not waited for.
pub(crate) fn probed(host: &str, flags: &[&str]) -> Vec<Line> {
    let protocols = flags.iter().rev().find_map(|flag| flag.strip_prefix("--protocols="));
    let count = protocols.map_or(3, |protocols| protocols.split(',').count());
    let check = Running::start(command(host, flags));
    let lines = std::iter::repeat_with(|| Line::of(&check.line()));
    lines.filter(Line::is_probe).take(count).collect()
}

/// Those in brief.
pub(crate) fn found(host: &str, flags: &[&str]) -> Vec<String> {
    probed(host, flags).iter().map(Line::brief).collect()
}
