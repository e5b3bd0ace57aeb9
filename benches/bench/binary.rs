//! Which `smoker` is measured: the one that is named, else the deployed one, else the one that cargo built.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::report::Table;

/// Small enough to be pulled to every node of a fleet within seconds.
const LIMIT_BYTES: u64 = 1_500_000;

/// The binary under test, and why it is this one.
pub(crate) struct Binary {
    pub(crate) path: PathBuf,
    pub(crate) chosen: &'static str,
}

impl Binary {
    /// `named` (`SMOKER_BIN`), else `dist/smoker` unless a source is newer, else cargo's own build.
    pub(crate) fn choose(named: Option<PathBuf>) -> io::Result<Self> {
        if let Some(path) = named {
            return Ok(Self { path, chosen: "named by SMOKER_BIN" });
        }
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let sources = newest(&root.join("src"))?.max(modified(&root.join("Cargo.toml"))?);
        let built = root.join("dist/smoker");
        if modified(&built).is_ok_and(|time| time > sources) {
            return Ok(Self { path: built, chosen: "the static binary that is deployed" });
        }
        let chosen =
            "NOT the static dist/smoker, which is missing or older than the sources; memory targets are its";
        Ok(Self { path: env!("CARGO_BIN_EXE_smoker").into(), chosen })
    }

    /// Path and reason in a line.
    pub(crate) fn describe(&self) -> String {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let shown = self.path.strip_prefix(root).unwrap_or(&self.path).display();
        format!("{shown} ({})", self.chosen)
    }

    /// Its size.
    pub(crate) fn measure(&self, table: &mut Table) -> io::Result<()> {
        let bytes = fs::metadata(&self.path)?.len();
        let target = format!("≤ {LIMIT_BYTES} bytes");
        table.result("binary", format!("{bytes} bytes"), &target, bytes <= LIMIT_BYTES);
        Ok(())
    }
}

fn newest(folder: &Path) -> io::Result<SystemTime> {
    let mut newest = modified(folder)?;
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        newest = newest.max(if path.is_dir() { self::newest(&path)? } else { modified(&path)? });
    }
    Ok(newest)
}

fn modified(path: &Path) -> io::Result<SystemTime> {
    fs::metadata(path)?.modified()
}
