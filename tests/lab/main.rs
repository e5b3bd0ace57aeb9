//! The fault laboratory: a small cluster of network namespaces (scripts/lab.sh) is broken in every way that
//! a verdict is about, and each time the client in it has to say so, soon, and nothing else. One binary, a
//! module a subject.
//!
//! Its tests take root and the Debian packages that `scripts/lab.sh --help` names; they are marked
//! `#[ignore]`, and run by `cargo test -- --include-ignored`.

mod faults;
mod healthy;
mod trial;
mod world;

use std::sync::Mutex;

/// Held by the test that uses the machine's cores.
static CORES: Mutex<()> = Mutex::new(());
