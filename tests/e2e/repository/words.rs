//! Plain technical English: a short list of words that this project has used where an engineer would not.

use std::fs;
use std::path::Path;

use super::{Complaints, Source, all_sources, assert_finds, assert_kept_by, read, root};

/// Words, and runs of words, that have a plainer one: report, receive, no reply, unused, forever.
const AVOIDED: [&str; 15] = [
    "told",
    "hear",
    "hears",
    "heard",
    "unheard",
    "whoever",
    "nobody",
    "nobodys",
    "somebody",
    "anybody",
    "in vain",
    "at hand",
    "who asks",
    "what comes of",
    "for ever",
];

/// A field of log lines, which programs read.
const FIELDS: [&str; 1] = ["told_by"];

/// The words of a text in lower case, each with its line. Names are taken apart at `_` and at capitals; what
/// is neither letter nor digit separates words, so that a run is found across the lines of a comment.
fn plain_words(text: &str) -> Vec<(usize, String)> {
    let mut words = Vec::new();
    for (line, number) in text.lines().zip(1..) {
        for name in line.split(|c: char| !c.is_alphanumeric() && c != '_') {
            let parts = if FIELDS.contains(&name) { vec![] } else { parts_of(name) };
            words.extend(parts.into_iter().map(|part| (number, part)));
        }
    }
    words
}

/// `is_told` and `IsTold` are `is` and `told`.
fn parts_of(name: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut was_lower = false;
    for character in name.chars() {
        if character == '_' || (character.is_uppercase() && was_lower) {
            parts.push(String::new());
        }
        if character != '_' {
            parts.last_mut().unwrap().extend(character.to_lowercase());
        }
        was_lower = character.is_lowercase();
    }
    parts.retain(|part| !part.is_empty());
    parts
}

fn avoided_words(source: &Source) -> Complaints {
    let words = plain_words(&source.text);
    let mut complaints = Complaints::new();
    for (at, (line, _)) in words.iter().enumerate() {
        for avoided in AVOIDED {
            let run = avoided.split(' ');
            let here = words[at..].iter().map(|(_, word)| word.as_str());
            if run.clone().eq(here.take(run.count())) {
                complaints.push(format!("{}:{line}: {avoided}", source.path));
            }
        }
    }
    complaints
}

/// Every text that people read: sources but for this one, which has the list, pages, manifests, scripts.
fn texts() -> Vec<Source> {
    let mut texts = all_sources();
    texts.retain(|source| !source.path.ends_with("/words.rs"));
    for folder in ["", "src", "benches", "scripts", ".ci", "manifests", "manifests/monitoring"] {
        for entry in fs::read_dir(root().join(folder)).unwrap() {
            let entry = entry.unwrap();
            let path = Path::new(folder).join(entry.file_name());
            let is_read = ["md", "toml", "yaml", "sh"]
                .iter()
                .any(|kind| path.extension().is_some_and(|it| it == *kind));
            if entry.file_type().unwrap().is_file() && (is_read || folder == ".ci") {
                texts.push(Source::new(path.to_str().unwrap(), &read(path.to_str().unwrap())));
            }
        }
    }
    texts
}

#[test]
fn words_are_those_of_an_engineer() {
    let texts = texts();
    for path in ["README.md", "manifests/README.md", "scripts/lab.sh", ".ci/run", "Cargo.toml", "src/lib.rs"]
    {
        assert!(texts.iter().any(|text| text.path == path), "{path}");
    }
    assert_kept_by(&texts, avoided_words);
    assert_finds(
        avoided_words,
        &[
            ("src/a.rs", "/// Told when it changes.", 1),
            ("src/a.rs", "fn is_told(heard: Heard) {}", 3),
            ("src/a.rs", "// asked in\n// vain", 1),
            ("src/a.rs", "/// A threshold, a shoulder, a heart: told_by= is a field.", 0),
            ("README.md", "It tells an operator which layer is broken, in one vain line.", 0),
            ("README.md", "Nobody's, for ever.", 2),
        ],
    );
}
