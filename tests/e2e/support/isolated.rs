//! Tests in namespaces of their own: a network, mounts, a host name and processes that no other test shares
//! and that end with the test's process, however it ends. It takes root, util-linux, iproute2 and nftables.
//!
//! Such tests are marked `#[ignore = "needs root: …"]`: `cargo test` lists each of them with that reason and
//! counts it in its last line, so that they do not count as passed, and `cargo test -- --include-ignored`
//! (CI's way) runs them, and fails where they cannot run.

use std::env;
use std::fs;
use std::io::Write;
use std::process::{Command, Stdio};
use std::thread;

/// Set, to a test's name, in the process within the namespaces.
const INSIDE: &str = "SMOKER_TEST_INSIDE";

/// Whether this process is one of a single test, within its namespaces.
pub(crate) fn is_inside() -> bool {
    env::var_os(INSIDE).is_some()
}

/// Runs `test`, which has called this, in a process of its own in new namespaces.
pub(crate) fn isolated(test: impl FnOnce()) {
    // The test harness names each test's thread after the test.
    let name = thread::current().name().unwrap().to_owned();
    if env::var(INSIDE).is_ok_and(|inside| inside == name) {
        ip("link set lo up");
        return test();
    }
    // A client that is starved says so and finds nothing. Whether it notices has tests of its own (`doubt`);
    // these are ahead of the machine's other processes.
    let mut command = Command::new("nice");
    command.args([
        "-n",
        "-10",
        "unshare",
        "--net",
        "--mount",
        "--uts",
        "--pid",
        "--fork",
        "--kill-child",
        "--mount-proc",
        "--",
    ]);
    command.arg(env::current_exe().unwrap()).args(["--exact", &name, "--include-ignored", "--nocapture"]);
    let output = command.env(INSIDE, &name).output().expect("unshare, of util-linux");
    let [stdout, stderr] = [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap());
    let passed = output.status.success() && stdout.contains("test result: ok. 1 passed");
    assert!(passed, "in namespaces of its own (needs root):\n{stdout}{stderr}");
}

/// Runs `program`, which has to succeed, and gives what it prints.
pub(crate) fn run(program: &[&str], stdin: &str) -> String {
    let mut command = Command::new(program[0]);
    command.args(&program[1..]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap_or_else(|error| panic!("{program:?}: {error}"));
    child.stdin.take().unwrap().write_all(stdin.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{program:?} {stdin}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// Does what each line says, as ip(8) does it in this test's network.
pub(crate) fn ip(lines: &str) {
    run(&["ip", "-batch", "-"], lines);
}

/// Replaces all filter rules of this test's network: `chain` is an nft(8) chain's hook, `rules` its rules.
pub(crate) fn filter(chain: &str, rules: &str) {
    run(&["nft", "-f", "-"], &ruleset(chain, rules));
}

/// The nft script that makes `rules` all there is.
pub(crate) fn ruleset(chain: &str, rules: &str) -> String {
    let hook = format!("type filter hook {chain} priority 0;");
    format!("flush ruleset\ntable inet t {{\nchain c {{\n{hook}\n{rules}\n}}\n}}\n")
}

/// Has these files, and no others, in `/etc`.
pub(crate) fn etc(files: &[(&str, &str)]) {
    run(&["mount", "-t", "tmpfs", "none", "/etc"], "");
    for (name, content) in files {
        fs::write(format!("/etc/{name}"), content).unwrap();
    }
}
