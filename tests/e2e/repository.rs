//! The house's rules as tests over its sources. Each rule is a function from a source to what is wrong with
//! it, and each is shown to find something in a source that breaks it.

use std::fs;
use std::path::Path;

use crate::support::rust::{code_of, functions, rooms_used, without_tests, words};

/// A function longer than a screen is read in pieces.
const FUNCTION_LINES: usize = 70;

/// A file is read in one sitting, its tests apart.
const FILE_LINES: usize = 300;

/// rustfmt's `max_width`, which it holds code to, but neither comments nor literals.
const LINE_WIDTH: usize = 110;

/// One `.rs` file.
struct Source {
    /// From the root of the repository, with slashes.
    path: String,
    text: String,
    /// The text without comments and literals.
    code: String,
}

impl Source {
    fn new(path: &str, text: &str) -> Self {
        Self { path: path.into(), text: text.into(), code: code_of(text) }
    }

    /// The room of a file under `src`: `probe` of `src/probe.rs` and of `src/probe/tcp.rs`.
    fn room(&self) -> &str {
        let path = self.path.strip_prefix("src/").unwrap_or("");
        path.split('/').next().unwrap_or("").trim_end_matches(".rs")
    }

    /// Whether the file stands for its whole room: there `super` is the root of the crate.
    fn is_room_itself(&self) -> bool {
        let room = self.room();
        self.path == format!("src/{room}.rs") || self.path == format!("src/{room}/mod.rs")
    }

    /// Whether the file holds tests alone.
    fn is_test(&self) -> bool {
        self.path.ends_with("/tests.rs") || self.path.contains("/tests/")
    }
}

/// What is wrong, one complaint each.
type Complaints = Vec<String>;

/// Complains about each word of the code that `forbidden` accepts, given what follows it.
fn words_that(source: &Source, forbidden: impl Fn(&str, &str) -> bool) -> Complaints {
    let found = words(&source.code).filter(|(word, after)| forbidden(word, after));
    found.map(|(word, _)| format!("{}: {word}", source.path)).collect()
}

fn opens_with_a_sentence(source: &Source) -> Complaints {
    let first = source.text.lines().next().unwrap_or("");
    let opens = first.starts_with("//! ") && first.len() > "//! ".len();
    if opens { vec![] } else { vec![format!("{}: does not open with //!", source.path)] }
}

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

/// Rooms that say what they found to their caller, and to nobody else.
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

fn server_and_client_meet(source: &Source) -> Complaints {
    let other = match source.room() {
        "server" => "client",
        "client" => "server",
        _ => return vec![],
    };
    let used = rooms_used(&source.code);
    if used.contains(&other) { vec![format!("{}: uses crate::{other}", source.path)] } else { vec![] }
}

/// `map` is that of src/lib.rs: its groups of rooms, from the top.
fn uses_rooms_above(source: &Source, map: &[Vec<String>]) -> Complaints {
    let floor = |room: &str| map.iter().position(|group| group.iter().any(|name| name == room));
    if ["main", "lib"].contains(&source.room()) {
        return vec![];
    }
    let Some(own) = floor(source.room()) else {
        return vec![format!("{}: not a room of src/lib.rs", source.path)];
    };
    let mut complaints = Vec::new();
    for used in rooms_used(&source.code) {
        if used != source.room() && floor(used).is_none_or(|floor| floor <= own) {
            complaints.push(format!("{}: {used} is not below {}", source.path, source.room()));
        }
    }
    // Where `super` is the root of the crate, `crate` says it better, and is what this rule reads.
    let to_the_root = |word: &str, after: &str| word == "super" && after.starts_with("::");
    let product = Source::new(&source.path, without_tests(&source.text));
    if source.is_room_itself() {
        complaints.extend(words_that(&product, to_the_root));
    }
    complaints
}

fn too_long(source: &Source) -> Complaints {
    let mut complaints = Vec::new();
    let lines = without_tests(&source.text).lines().count();
    if !source.is_test() && lines > FILE_LINES {
        complaints.push(format!("{}: {lines} lines before its tests", source.path));
    }
    for (name, lines) in functions(&source.code) {
        if lines > FUNCTION_LINES {
            complaints.push(format!("{}: fn {name} of {lines} lines", source.path));
        }
    }
    complaints
}

fn too_wide(source: &Source) -> Complaints {
    let lines = source.text.lines().zip(1..).filter(|(line, _)| line.chars().count() > LINE_WIDTH);
    lines.map(|(_, number)| format!("{}:{number}: too wide", source.path)).collect()
}

/// The groups of `pub mod` lines in src/lib.rs, which empty lines part.
fn map_of(lib: &str) -> Vec<Vec<String>> {
    let groups = lib.split("\n\n").map(|group| {
        let rooms = group.lines().filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';'));
        rooms.map(str::to_owned).collect::<Vec<_>>()
    });
    groups.filter(|group| !group.is_empty()).collect()
}

/// The names of what Cargo.toml draws in under a heading that ends with `kind`.
fn drawn_in<'a>(manifest: &'a str, kind: &str) -> Vec<&'a str> {
    let mut heading = "";
    let mut names = Vec::new();
    for line in manifest.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
        if let Some(inner) = line.strip_prefix('[') {
            heading = inner.trim_end_matches(']');
            // `[dependencies.name]`
            names.extend(heading.strip_prefix(kind).and_then(|rest| rest.strip_prefix('.')));
        } else if heading == kind || heading.ends_with(&format!(".{kind}")) {
            names.extend(line.split(['=', '.', ' ']).next());
        }
    }
    names
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap()
}

/// Every `.rs` file under `folder`.
fn sources_in(folder: &str) -> Vec<Source> {
    let mut sources = Vec::new();
    for entry in fs::read_dir(root().join(folder)).unwrap() {
        let entry = entry.unwrap();
        let path = format!("{folder}/{}", entry.file_name().to_str().unwrap());
        if entry.file_type().unwrap().is_dir() {
            sources.extend(sources_in(&path));
        } else if Path::new(&path).extension().is_some_and(|extension| extension == "rs") {
            sources.push(Source::new(&path, &read(&path)));
        }
    }
    sources
}

/// Every `.rs` file there is.
fn all_sources() -> Vec<Source> {
    let folders = ["src", "tests", "benches"].into_iter().filter(|folder| root().join(folder).exists());
    folders.flat_map(sources_in).collect()
}

/// Asserts that `rule` finds nothing in `src`.
fn assert_kept(rule: impl Fn(&Source) -> Complaints) {
    assert_kept_by(&sources_in("src"), rule);
}

fn assert_kept_by(sources: &[Source], rule: impl Fn(&Source) -> Complaints) {
    assert!(!sources.is_empty());
    let complaints: Complaints = sources.iter().flat_map(rule).collect();
    assert!(complaints.is_empty(), "{complaints:#?}");
}

/// Asserts that `rule` finds as much as is said in a file of this path and text.
fn assert_finds(rule: impl Fn(&Source) -> Complaints, findings: &[(&str, &str, usize)]) {
    for (path, text, count) in findings {
        let found = rule(&Source::new(path, text));
        assert_eq!(found.len(), *count, "{path} {text:?}: {found:?}");
    }
}

#[test]
fn the_product_depends_on_nothing() {
    let manifest = read("Cargo.toml");
    assert!(manifest.contains("\n[dependencies]\n"));
    assert_eq!(drawn_in(&manifest, "dependencies"), [""; 0]);
    assert_eq!(drawn_in(&manifest, "build-dependencies"), [""; 0]);
    assert_eq!(drawn_in(&manifest, "dev-dependencies"), ["assert_cmd"]);
    assert!(!root().join("build.rs").exists());
}

#[test]
fn what_is_drawn_in_is_found_in_every_form() {
    for (manifest, names) in [
        ("[dependencies]\n# none\n\n[x]\na = 1", &[][..]),
        ("[dependencies]\na = \"1\"\nb.path = \"x\"", &["a", "b"]),
        ("[dependencies.a]\nversion = \"1\"", &["a"]),
        ("[target.'cfg(unix)'.dependencies]\na = \"1\"", &["a"]),
        ("[workspace.dependencies]\na={}", &["a"]),
        ("[dev-dependencies]\na = \"1\"", &[]),
    ] {
        assert_eq!(drawn_in(manifest, "dependencies"), names, "{manifest}");
    }
}

#[test]
fn every_file_opens_with_what_it_is() {
    assert_kept_by(&all_sources(), opens_with_a_sentence);
    assert_finds(
        opens_with_a_sentence,
        &[
            ("src/a.rs", "//! A.\n", 0),
            ("src/a.rs", "use b;\n", 1),
            ("src/a.rs", "//!\n", 1),
            ("src/a.rs", "", 1),
        ],
    );
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
fn server_and_client_do_not_know_each_other() {
    assert_kept(server_and_client_meet);
    assert_finds(
        server_and_client_meet,
        &[
            ("src/server/a.rs", "use crate::client::run;", 1),
            ("src/client/mod.rs", "use crate::{log, server::Server};", 1),
            ("src/client/mod.rs", "use crate::log; // crate::server", 0),
            ("src/local.rs", "use crate::client;\nuse crate::server;", 0),
        ],
    );
}

#[test]
fn arrows_of_dependency_point_downwards() {
    let map = map_of(&read("src/lib.rs"));
    assert_kept(|source| uses_rooms_above(source, &map));
    let map = map_of("//! Map.\n\npub mod a;\n\npub mod b;\npub mod c;\n\npub mod d;\n");
    assert_eq!(map, [vec!["a"], vec!["b", "c"], vec!["d"]]);
    assert_finds(
        |source| uses_rooms_above(source, &map),
        &[
            ("src/a.rs", "use crate::{b, c, d::E};", 0),
            ("src/b.rs", "use crate::a;", 1),
            ("src/b/x.rs", "use crate::c;", 1),
            ("src/b/x.rs", "use crate::b::y;\nuse super::super::y;", 0),
            ("src/d.rs", "fn f() { crate::b::g() }", 1),
            ("src/d.rs", "use crate::{a, b};", 2),
            ("src/d.rs", "use super::a;", 1),
            ("src/d.rs", "fn f() {}\n\n#[cfg(test)]\nmod tests {\nuse super::*;\n}", 0),
            ("src/d.rs", "use crate::e;", 1),
            ("src/e.rs", "", 1),
            ("src/main.rs", "use crate::a;", 0),
        ],
    );
}

#[test]
fn every_room_of_the_map_has_its_files() {
    for room in map_of(&read("src/lib.rs")).into_iter().flatten() {
        let found = sources_in("src").iter().filter(|source| source.room() == room).count();
        assert!(found > 0, "{room}");
    }
}

#[test]
fn files_and_functions_can_be_read_in_one_sitting() {
    assert_kept(too_long);
    let function = |lines: usize| format!("fn f() {{{}}}", "\n".repeat(lines - 1));
    let file = |lines: usize| "use a;\n".repeat(lines);
    assert_finds(
        too_long,
        &[
            ("src/a.rs", &function(FUNCTION_LINES), 0),
            ("src/a.rs", &function(FUNCTION_LINES + 1), 1),
            ("src/a.rs", &file(FILE_LINES), 0),
            ("src/a.rs", &file(FILE_LINES + 1), 1),
            ("src/a.rs", &(file(FILE_LINES) + "\n#[cfg(test)]\nmod tests {\n" + &file(FILE_LINES) + "}"), 0),
            ("src/a/tests.rs", &file(2 * FILE_LINES), 0),
        ],
    );
}

#[test]
fn lines_are_no_wider_than_rustfmt_makes_them() {
    assert!(read("rustfmt.toml").contains(&format!("max_width = {LINE_WIDTH}\n")));
    let mut sources = all_sources();
    sources.push(Source::new("Cargo.toml", &read("Cargo.toml")));
    assert_kept_by(&sources, too_wide);
    let comment = |width: usize| format!("/// {}\nfn f() {{}}\n", "µ".repeat(width - 4));
    assert_finds(
        too_wide,
        &[
            ("src/a.rs", &comment(LINE_WIDTH), 0),
            ("tests/a.rs", &comment(LINE_WIDTH + 1), 1),
            ("src/a.rs", &(comment(LINE_WIDTH + 1) + &comment(LINE_WIDTH + 2)), 2),
        ],
    );
}
