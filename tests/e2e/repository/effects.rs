//! Which rooms may have which effect: foreign functions, the process, output, logs, clocks.

use super::{Complaints, Source, assert_finds, assert_kept, product, words_that};
use crate::support::rust::{paths, without_tests};

fn unsafe_outside_sys(source: &Source) -> Complaints {
    if source.room() == "sys" { vec![] } else { words_that(source, |word, _| word == "unsafe") }
}

/// The environment, the arguments and the exit are the process's.
fn process_outside_main(source: &Source) -> Complaints {
    if source.room() == "main" {
        return vec![];
    }
    words_that(source, |word, after| match word {
        "env" => !after.starts_with('!'),
        "exit" | "abort" => after.starts_with('('),
        _ => word == "ExitCode",
    })
}

/// Lines are the log's, the texts of `help` and the line that ends a command are the process's.
fn prints(source: &Source) -> Complaints {
    if ["main", "log"].contains(&source.room()) {
        return vec![];
    }
    words_that(source, |word, after| match word {
        "print" | "println" | "eprint" | "eprintln" | "dbg" => after.starts_with('!'),
        _ => ["stdout", "stderr"].contains(&word),
    })
}

/// Processes are started and files written by `nic` alone, which is not built yet; the log reopens stdout.
fn changes_the_host(source: &Source) -> Complaints {
    if source.is_test() || ["nic", "log"].contains(&source.room()) {
        return vec![];
    }
    let product = Source::new(&source.path, without_tests(&source.text));
    let writes = ["write", "create", "remove", "rename", "copy", "set_permissions", "hard_link"];
    let starts = paths(&product.code).into_iter().filter(|path| path.ends_with(&["process", "Command"]));
    let mut complaints: Complaints = starts.map(|_| format!("{}: Command", source.path)).collect();
    complaints.extend(words_that(&product, |word, after| match word {
        "OpenOptions" => true,
        "File" => after.starts_with("::create") || after.starts_with("::options"),
        "fs" => {
            after.strip_prefix("::").is_some_and(|name| writes.iter().any(|write| name.starts_with(write)))
        }
        _ => false,
    }));
    complaints
}

/// Rooms and files that compute alone, sub-rooms included.
const PURE: [&str; 26] = [
    "cli",
    "client/baseline",
    "client/incident",
    "digits",
    "dns/message",
    "dns/name",
    "dns/reader",
    "explain",
    "http",
    "json",
    "log/escape",
    "log/json",
    "log/record",
    "log/text",
    "metrics/histogram",
    "metrics/percentiles",
    "node_names",
    "nearest",
    "probe/mtu/sizes",
    "probe/series/ledger",
    "report/forms",
    "report/json",
    "report/text",
    "series_protocol",
    "settings",
    "verdict",
];

/// Whether a file is `part` of the house, or below it.
fn is_in(source: &Source, part: &str) -> bool {
    let path = source.path.trim_start_matches("src/").trim_end_matches(".rs");
    path.strip_prefix(part).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// No socket, no clock, no file, no thread: what comes out depends on what goes in.
fn has_effects(source: &Source) -> Complaints {
    if source.is_test() || !PURE.iter().any(|part| is_in(source, part)) {
        return vec![];
    }
    let sockets = ["TcpStream", "TcpListener", "UdpSocket", "UnixStream", "UnixListener", "UnixDatagram"];
    let product = Source::new(&source.path, without_tests(&source.text));
    words_that(&product, |word, after| match word {
        "Instant" | "SystemTime" => after.starts_with("::now"),
        "Deadline" => after.starts_with("::after"),
        "elapsed" | "sleep" => after.starts_with('('),
        "crate" => after.starts_with("::sys"),
        "fs" | "File" | "stdin" | "thread" => true,
        _ => sockets.contains(&word),
    })
}

/// Rooms that return what they found to their caller, and write no line.
fn logs(source: &Source) -> Complaints {
    if !["probe", "dns", "http", "settings", "cli"].contains(&source.room()) {
        return vec![];
    }
    words_that(source, |word, _| ["Log", "Output", "Speaker"].contains(&word))
}

/// A latency, a deadline and a time to live are differences of the monotonic clock: the other one has steps.
fn reads_the_wall_clock(source: &Source) -> Complaints {
    if !["probe", "dns", "sys"].contains(&source.room()) {
        return vec![];
    }
    words_that(source, |word, _| word == "SystemTime")
}

#[test]
fn only_sys_is_unsafe() {
    assert_kept(unsafe_outside_sys);
    assert_finds(
        unsafe_outside_sys,
        &[
            ("src/a.rs", "fn f() { unsafe { g() } }", 1),
            ("src/system.rs", "unsafe extern \"C\" {}", 1),
            ("src/sys/a.rs", "unsafe extern \"C\" {}", 0),
            ("src/a.rs", "// unsafe\n#![deny(unsafe_code)]", 0),
        ],
    );
}

#[test]
fn only_main_knows_the_process() {
    assert_kept(process_outside_main);
    assert_finds(
        process_outside_main,
        &[
            ("src/a.rs", "use std::env;", 1),
            ("src/a.rs", "use std::{env, fs};", 1),
            ("src/a.rs", "fn f() { std::env::var(\"A\") }", 1),
            ("src/a.rs", "fn f() { std::process::exit(1) }", 1),
            ("src/a.rs", "fn f() -> ExitCode {}", 1),
            ("src/main.rs", "use std::env;", 0),
            ("src/a.rs", "const A: &str = env!(\"A\"); // env", 0),
        ],
    );
}

#[test]
fn only_main_and_the_log_print() {
    assert_kept(prints);
    assert_finds(
        prints,
        &[
            ("src/a.rs", "fn f() { println!(\"a\") }", 1),
            ("src/a.rs", "fn f() { eprint!(\"a\") }", 1),
            ("src/a.rs", "fn f() { dbg!(1); }", 1),
            ("src/a.rs", "fn f() { std::io::stdout().lock() }", 1),
            ("src/main.rs", "fn f() { println!(\"a\") }", 0),
            ("src/a.rs", "/// println!\nfn print() { output.print() }", 0),
        ],
    );
}

#[test]
fn rooms_that_answer_do_not_log() {
    assert_kept(logs);
    assert_finds(
        logs,
        &[
            ("src/probe/a.rs", "use crate::log::Log;", 1),
            ("src/dns/mod.rs", "fn f(log: &crate::log::Log) {}", 1),
            ("src/settings/a.rs", "use crate::log::{Level, escape};", 0),
            ("src/serve/a.rs", "use crate::log::Log;", 0),
        ],
    );
}

#[test]
fn what_measures_time_does_not_know_the_date() {
    assert_kept(reads_the_wall_clock);
    assert_finds(
        reads_the_wall_clock,
        &[
            ("src/probe/a.rs", "let start = SystemTime::now();", 1),
            ("src/dns/mod.rs", "use std::time::{Instant, SystemTime};", 1),
            ("src/log.rs", "let now = SystemTime::now();", 0),
            ("src/probe/a.rs", "use std::time::Instant; // SystemTime", 0),
        ],
    );
}

#[test]
fn nothing_writes_files_or_starts_processes() {
    assert_kept(changes_the_host);
    assert_finds(
        changes_the_host,
        &[
            ("src/a.rs", "use std::process::Command;", 1),
            ("src/a.rs", "use std::process::{Child, Command};", 1),
            ("src/a/mod.rs", "mod process;\npub use process::{Usage, read};", 0),
            ("src/a.rs", "fn f() { File::create(\"a\") }", 1),
            ("src/a.rs", "fn f() { std::fs::write(\"a\", \"b\") }", 1),
            ("src/a.rs", "fn f() { fs::remove_file(\"a\") }", 1),
            ("src/a.rs", "fn f() { fs::OpenOptions::new() }", 1),
            ("src/a.rs", "use crate::settings::Command;\nfn f() { fs::read(\"a\") }", 0),
            ("src/a.rs", "\n#[cfg(test)]\nmod tests {\nfn f() { fs::write(\"a\", \"b\") }\n}", 0),
            ("src/nic/a.rs", "use std::process::Command;", 0),
        ],
    );
}

#[test]
fn pure_rooms_have_no_effects() {
    for part in PURE {
        assert!(product().iter().any(|source| is_in(source, part)), "no {part}");
    }
    assert_kept(has_effects);
    assert_finds(
        has_effects,
        &[
            ("src/verdict/rules/dns.rs", "let now = Instant::now();", 1),
            ("src/http/a.rs", "use std::net::{IpAddr, TcpStream};", 1),
            ("src/cli.rs", "let text = std::fs::read(path);", 1),
            ("src/series_protocol.rs", "let age = start.elapsed();", 1),
            ("src/settings/a.rs", "let deadline = Deadline::after(timeout);", 1),
            ("src/client/baseline.rs", "use crate::sys::random;", 1),
            ("src/client/baseline.rs", "use std::time::Instant;\nfn f(now: Instant, fsx: u8) {}", 0),
            ("src/http/tests.rs", "let now = Instant::now();", 0),
            ("src/client/rounds.rs", "let now = Instant::now();", 0),
        ],
    );
}
