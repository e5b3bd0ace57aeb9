//! Diagnosing passes: what `smoker check`, which always makes one, costs where all is well, and where one of
//! two replicas is frozen.

use std::io;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use crate::client::unwell;
use crate::cluster::Cluster;
use crate::process;
use crate::report::{Table, millis};
use crate::server::smoker;

/// A frozen replica is waited for as long as that.
const TIMEOUT: &str = "1s";

/// CPU time of a check, its start and its one round included.
pub(crate) fn cost(binary: &Path, cluster: &Cluster, checks: u32, table: &mut Table) -> io::Result<()> {
    let (cpu, lines) = check(binary, cluster, checks)?;
    let name = format!("check of what is well, CPU time, {checks} checks");
    table.measured(&name, format!("{:.2} ms, {}{}", millis(cpu), cluster.names, unwell(&lines)));
    let name = format!("check with a frozen replica, CPU time, {checks} checks");
    if !cluster.freeze_one() {
        table.not_measured(&name, "no second replica here");
        return Ok(());
    }
    let (cpu, lines) = check(binary, cluster, checks)?;
    let right = lines.lines().filter(|line| line.contains("[VERDICT] replica ")).count();
    table.measured(&name, format!("{:.2} ms, the verdict right in {right}", millis(cpu)));
    Ok(())
}

/// What one of `checks` took, and all that they said.
fn check(binary: &Path, cluster: &Cluster, checks: u32) -> io::Result<(Duration, String)> {
    let mut lines = String::new();
    let before = process::cpu_of_ended_children()?;
    for _ in 0..checks {
        let mut command = smoker(binary, "check");
        cluster.aim(&mut command);
        command.envs([("LOG_LEVEL", "info"), ("TEST_TIMEOUT", TIMEOUT)]);
        let output = command.stdin(Stdio::null()).output()?;
        lines += &String::from_utf8_lossy(&output.stdout);
    }
    let cpu = process::cpu_of_ended_children()?.saturating_sub(before);
    Ok((cpu / checks, lines))
}
