//! Tools of the tests: running `smoker`, scripted peers and nameservers, readers of what it prints.

pub(crate) mod checking;
pub(crate) mod child;
pub(crate) mod isolated;
pub(crate) mod line;
pub(crate) mod nameserver;
pub(crate) mod peer;
pub(crate) mod running;
pub(crate) mod rust;
pub(crate) mod scripted;
pub(crate) mod starved;
pub(crate) mod yaml;

use std::process::Command;

/// The flags that leave the three probes of a round alone: no series of datagrams, no path MTU.
pub(crate) const PROBES_ALONE: [&str; 2] = ["--udp-flows=0", "--mtu-interval=0"];

/// The binary under test, without the environment of the tests.
pub(crate) fn smoker() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_smoker"));
    command.env_clear();
    command
}

/// Reads no file: for command lines without a secret.
pub(crate) fn no_file(path: &str) -> Result<String, String> {
    Err(format!("{path} is not read"))
}
