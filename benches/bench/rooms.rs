//! How many bytes of the binary's code each room of the sources takes, by the symbols of an unstripped build.

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::io;
use std::path::Path;
use std::process::Command;

use crate::report::Table;

/// The columns of the table of rooms.
const COLUMNS: [&str; 3] = ["room", "bytes of code", "share"];

/// Builds the binary once more, with its symbols, and prints into a table what each room takes of its code.
pub(crate) fn measure() -> io::Result<Table> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let target = root.join("target/symbols");
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut build = Command::new(cargo);
    build.args(["build", "--release", "--locked", "--quiet", "--bin", "smoker", "--target-dir"]).arg(&target);
    output(build.env("CARGO_PROFILE_RELEASE_STRIP", "none").current_dir(root))?;
    let mut list = Command::new("nm");
    list.args(["--demangle", "--print-size", "--radix=d"]).arg(target.join("release/smoker"));
    Ok(table(&by_room(&output(&mut list)?, &rooms(&root.join("src"))?)))
}

/// The rooms of the sources, a file or a folder each.
fn rooms(sources: &Path) -> io::Result<Vec<String>> {
    let names = fs::read_dir(sources)?.map(|entry| {
        let path = entry?.path();
        Ok(path.file_stem().unwrap_or_default().to_string_lossy().into_owned())
    });
    names.collect()
}

/// What `command` prints.
fn output(command: &mut Command) -> io::Result<String> {
    let output = command.output()?;
    if !output.status.success() {
        let why = String::from_utf8_lossy(&output.stderr).into_owned();
        return Err(io::Error::other(format!("{command:?}: {}: {why}", output.status)));
    }
    String::from_utf8(output.stdout).map_err(io::Error::other)
}

/// The sizes of code in nm's lines `ADDRESS SIZE TYPE NAME`, summed by room.
fn by_room<'a>(symbols: &'a str, rooms: &[String]) -> BTreeMap<&'a str, u64> {
    let mut sizes = BTreeMap::new();
    for line in symbols.lines() {
        let mut fields = line.splitn(4, ' ');
        let (_, size, kind, name) = (fields.next(), fields.next(), fields.next(), fields.next());
        let (Some(size), Some("t" | "T" | "w" | "W"), Some(name)) = (size, kind, name) else { continue };
        if let Ok(size) = size.parse::<u64>() {
            *sizes.entry(room(name, rooms)).or_default() += size;
        }
    }
    sizes
}

/// The room whose code a symbol is: the first that its name contains, so that code of the standard library
/// for a type of a room counts as the room's. The functions of `main.rs` are directly below the crate.
fn room<'a>(symbol: &'a str, rooms: &[String]) -> &'a str {
    match symbol.split_once("smoker::") {
        Some((_, path)) => {
            let name = path.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or("");
            if rooms.iter().any(|room| room == name) { name } else { "main" }
        }
        None if symbol.contains("::") => "(standard library)",
        None => "(C run time)",
    }
}

fn table(sizes: &BTreeMap<&str, u64>) -> Table {
    let mut sorted: Vec<(&&str, &u64)> = sizes.iter().collect();
    sorted.sort_by_key(|(_, bytes)| std::cmp::Reverse(**bytes));
    let all: u64 = sizes.values().sum();
    let mut table = Table::new(&COLUMNS);
    for (room, bytes) in sorted {
        table.row(vec![(*room).to_owned(), bytes.to_string(), format!("{} %", bytes * 100 / all.max(1))]);
    }
    table.row(vec!["all".to_owned(), all.to_string(), String::new()]);
    table
}
