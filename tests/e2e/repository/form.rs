//! The form of files: how they open, how long they are, how wide.

use super::{Complaints, Source, all_sources, assert_finds, assert_kept, assert_kept_by, read};
use crate::support::rust::{functions, without_tests};

/// A function longer than a screen is read in pieces.
const FUNCTION_LINES: usize = 70;

/// A file is read in one sitting, its tests apart.
const FILE_LINES: usize = 300;

/// rustfmt's `max_width`, which it holds code to, but neither comments nor literals.
const LINE_WIDTH: usize = 110;

fn opens_with_a_sentence(source: &Source) -> Complaints {
    let first = source.text.lines().next().unwrap_or("");
    let opens = first.starts_with("//! ") && first.len() > "//! ".len();
    if opens { vec![] } else { vec![format!("{}: does not open with //!", source.path)] }
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
