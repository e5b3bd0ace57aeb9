//! Which room may use which: the map of src/lib.rs, and what it does not show.

use super::{Complaints, Source, assert_finds, assert_kept, product, read, words_that};
use crate::support::rust::{rooms_used, without_tests};

/// Arrows that the map allows and the design does not: a room, and those that it never uses.
const NEVER: [(&str, &[&str]); 6] = [
    ("server", &["client"]),
    ("client", &["server"]),
    ("verdict", &["log", "settings"]),
    ("probe", &["log", "settings"]),
    ("dns", &["log", "settings"]),
    ("fetch", &["log", "settings"]),
];

fn uses_what_it_never_may(source: &Source) -> Complaints {
    if source.is_test() {
        return vec![];
    }
    let used = rooms_used(without_tests(&source.code));
    let of_this = NEVER.iter().filter(|(room, _)| *room == source.room());
    let forbidden = of_this.flat_map(|(_, rooms)| rooms.iter()).filter(|room| used.contains(room));
    forbidden.map(|room| format!("{}: uses crate::{room}", source.path)).collect()
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

/// The groups of `pub mod` lines in src/lib.rs, which empty lines part.
fn map_of(lib: &str) -> Vec<Vec<String>> {
    let groups = lib.split("\n\n").map(|group| {
        let rooms = group.lines().filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';'));
        rooms.map(str::to_owned).collect::<Vec<_>>()
    });
    groups.filter(|group| !group.is_empty()).collect()
}

#[test]
fn rooms_that_must_not_meet_do_not() {
    assert_kept(uses_what_it_never_may);
    assert_finds(
        uses_what_it_never_may,
        &[
            ("src/server/a.rs", "use crate::client::run;", 1),
            ("src/client/mod.rs", "use crate::{log, server::Server};", 1),
            ("src/client/mod.rs", "use crate::log; // crate::server", 0),
            ("src/local.rs", "use crate::client;\nuse crate::server;", 0),
            ("src/probe/tcp.rs", "use crate::{dns, log::escape};", 1),
            ("src/dns/mod.rs", "fn f(setting: crate::settings::A, log: &crate::log::Log) {}", 2),
            ("src/fetch.rs", "use crate::http;", 0),
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
        let found = product().iter().filter(|source| source.room() == room).count();
        assert!(found > 0, "{room}");
    }
}
