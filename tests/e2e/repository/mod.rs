//! The house's rules as tests over its sources. Each rule is a function from a source to what is wrong with
//! it, and each is shown to find something in a source that breaks it.

mod arrows;
mod circles;
mod dependencies;
mod effects;
mod form;
mod words;

use std::fs;
use std::path::Path;
use std::sync::OnceLock;

use crate::support::rust::{code_of, words};

/// One `.rs` file.
pub(super) struct Source {
    /// From the root of the repository, with slashes.
    pub(super) path: String,
    pub(super) text: String,
    /// The text without comments and literals.
    pub(super) code: String,
}

impl Source {
    pub(super) fn new(path: &str, text: &str) -> Self {
        Self { path: path.into(), text: text.into(), code: code_of(text) }
    }

    /// The room of a file under `src`: `probe` of `src/probe.rs` and of `src/probe/tcp.rs`.
    pub(super) fn room(&self) -> &str {
        let path = self.path.strip_prefix("src/").unwrap_or("");
        path.split('/').next().unwrap_or("").trim_end_matches(".rs")
    }

    /// Whether the file stands for its whole room: there `super` is the root of the crate.
    pub(super) fn is_room_itself(&self) -> bool {
        let room = self.room();
        self.path == format!("src/{room}.rs") || self.path == format!("src/{room}/mod.rs")
    }

    /// Whether the file holds tests alone.
    pub(super) fn is_test(&self) -> bool {
        self.path.ends_with("/tests.rs")
            || self.path.ends_with("/testing.rs")
            || self.path.contains("/tests/")
    }
}

/// What is wrong, one complaint each.
pub(super) type Complaints = Vec<String>;

/// Complains about each word of the code that `forbidden` accepts, given what follows it.
pub(super) fn words_that(source: &Source, forbidden: impl Fn(&str, &str) -> bool) -> Complaints {
    let found = words(&source.code).filter(|(word, after)| forbidden(word, after));
    found.map(|(word, _)| format!("{}: {word}", source.path)).collect()
}

pub(super) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

pub(super) fn read(path: &str) -> String {
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
pub(super) fn all_sources() -> Vec<Source> {
    let folders = ["src", "tests", "benches"].into_iter().filter(|folder| root().join(folder).exists());
    folders.flat_map(sources_in).collect()
}

/// Every file of the product, read once for all rules.
pub(super) fn product() -> &'static [Source] {
    static PRODUCT: OnceLock<Vec<Source>> = OnceLock::new();
    PRODUCT.get_or_init(|| sources_in("src"))
}

/// Asserts that `rule` finds nothing in `src`.
pub(super) fn assert_kept(rule: impl Fn(&Source) -> Complaints) {
    assert_kept_by(product(), rule);
}

pub(super) fn assert_kept_by(sources: &[Source], rule: impl Fn(&Source) -> Complaints) {
    assert!(!sources.is_empty());
    let complaints: Complaints = sources.iter().flat_map(rule).collect();
    assert!(complaints.is_empty(), "{complaints:#?}");
}

/// Asserts that `rule` finds as much as is said in a file of this path and text.
pub(super) fn assert_finds(rule: impl Fn(&Source) -> Complaints, findings: &[(&str, &str, usize)]) {
    for (path, text, count) in findings {
        let found = rule(&Source::new(path, text));
        assert_eq!(found.len(), *count, "{path} {text:?}: {found:?}");
    }
}
