//! No circle between the files and folders of a folder: of two neighbours one is the lower one.

use std::collections::{BTreeMap, BTreeSet};

use super::{Source, product};
use crate::support::rust::{paths, without_tests};

/// The arrows between the neighbours of each folder, a `mod.rs` apart: it is its folder.
type Arrows = BTreeMap<String, BTreeSet<(String, String)>>;

/// `client::journal` for `src/client/journal/mod.rs`, `client::rounds` for `src/client/rounds.rs`.
fn module(path: &str) -> Vec<&str> {
    let path = path.trim_start_matches("src/").trim_end_matches(".rs");
    path.trim_end_matches("/mod").split('/').collect()
}

/// The modules that a `mod.rs` declares for tests alone.
fn for_tests(code: &str) -> impl Iterator<Item = &str> {
    let declared = code.split("#[cfg(test)]").skip(1).filter_map(|rest| rest.split_once(';'));
    declared.filter_map(|(declaration, _)| declaration.trim().rsplit_once("mod ").map(|(_, name)| name))
}

/// Where a path leads from the file of `module`: from the root of the crate, segment by segment.
fn absolute<'a>(module: &[&'a str], path: &[&'a str]) -> Vec<&'a str> {
    let ups = path.iter().take_while(|segment| **segment == "super").count();
    match path[0] {
        "crate" => path[1..].to_vec(),
        "self" => [module, &path[1..]].concat(),
        "super" => [&module[..module.len().saturating_sub(ups)], &path[ups..]].concat(),
        _ => vec![],
    }
}

/// The child of a folder that its `mod.rs` takes `name` from: `use child::name`.
fn child_of<'a>(folder: &str, name: &'a str, sources: &'a [Source]) -> Option<&'a str> {
    let is_child = |child: &str| {
        let path = format!("src/{folder}/{child}");
        sources
            .iter()
            .any(|source| source.path == format!("{path}.rs") || source.path == format!("{path}/mod.rs"))
    };
    if is_child(name) {
        return Some(name);
    }
    let parent = sources.iter().find(|source| source.path == format!("src/{folder}/mod.rs"))?;
    let imported = paths(without_tests(&parent.code)).into_iter().map(|path| match path[0] {
        "self" => path[1..].to_vec(),
        _ => path,
    });
    imported
        .filter(|path| path.len() > 1 && path.last() == Some(&name))
        .map(|path| path[0])
        .find(|child| is_child(child))
}

fn arrows(sources: &[Source]) -> Arrows {
    let mut arrows = Arrows::new();
    for source in sources.iter().filter(|source| !source.is_test()) {
        let from = module(&source.path);
        for path in paths(without_tests(&source.code)) {
            let to = absolute(&from, &path);
            let common = from.iter().zip(&to).take_while(|(a, b)| a == b).count();
            let (Some(user), Some(name)) = (from.get(common), to.get(common)) else { continue };
            let folder = from[..common].join("/");
            let Some(target) = child_of(&folder, name, sources).filter(|target| common > 0 && target != user)
            else {
                continue;
            };
            arrows.entry(folder).or_default().insert(((*user).to_owned(), target.to_owned()));
        }
    }
    for source in sources.iter().filter(|source| source.path.ends_with("/mod.rs")) {
        let folder = module(&source.path).join("/");
        for name in for_tests(&source.code) {
            arrows.entry(folder.clone()).or_default().retain(|(user, _)| user != name);
        }
    }
    arrows
}

/// Whether arrows lead from one to the other.
fn leads(arrows: &BTreeSet<(String, String)>, from: &str, to: &str) -> bool {
    let mut reached = BTreeSet::from([from]);
    loop {
        let next =
            arrows.iter().filter(|(user, _)| reached.contains(user.as_str())).map(|(_, used)| used.as_str());
        let grown: BTreeSet<&str> = reached.iter().copied().chain(next).collect();
        if grown.contains(to) || grown.len() == reached.len() {
            return grown.contains(to);
        }
        reached = grown;
    }
}

/// The arrows that are part of a circle.
fn circles(sources: &[Source]) -> Vec<String> {
    let mut circles = Vec::new();
    for (folder, arrows) in arrows(sources) {
        let closed = arrows.iter().filter(|(user, used)| leads(&arrows, used, user));
        circles
            .extend(closed.map(|(user, used)| format!("src/{folder}: {user} uses {used}, which leads back")));
    }
    circles
}

#[test]
fn neighbours_use_each_other_in_one_direction() {
    let circles = circles(product());
    assert!(circles.is_empty(), "{circles:#?}");
}

#[test]
fn a_circle_is_found_in_every_form() {
    let found = |files: &[(&str, &str)]| {
        let sources: Vec<Source> = files.iter().map(|(path, text)| Source::new(path, text)).collect();
        circles(&sources).len()
    };
    let parent = ("src/a/mod.rs", "mod b;\nmod c;\npub use b::B;\nuse c::{self, C};");
    for (b, c, circles) in [
        ("use super::c::C;", "", 0),
        ("use super::c::C;", "use super::b::B;", 2),
        ("use crate::a::c::C;", "fn f() { super::b::g() }", 2),
        ("use super::{C, d};", "use super::B;", 2),
        ("use super::c;", "//! super::b::B\n", 0),
        ("use super::c;", "\n#[cfg(test)]\nmod tests {\nuse super::super::b::B;\n}", 0),
        ("pub(in crate::a::c) fn f() {}", "use super::b;", 0),
    ] {
        assert_eq!(found(&[parent, ("src/a/b.rs", b), ("src/a/c.rs", c)]), circles, "{b} {c}");
    }
    let three = [
        ("src/a/mod.rs", "mod b;\nmod c;\nmod d;"),
        ("src/a/b.rs", "use super::c::x::X;"),
        ("src/a/c/mod.rs", ""),
        ("src/a/c/x.rs", "use super::super::d::D;"),
        ("src/a/d.rs", "use super::b::B;"),
    ];
    assert_eq!(found(&three), 3);
    let test_tool = [
        ("src/a/mod.rs", "mod b;\n#[cfg(test)]\npub(crate) mod c;"),
        ("src/a/b.rs", "use super::c::C;"),
        ("src/a/c.rs", "use super::b::B;"),
    ];
    assert_eq!(found(&test_tool), 0);
}
