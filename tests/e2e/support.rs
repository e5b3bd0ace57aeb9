//! Running `smoker`, for the tests of both sides.

use std::process::Command;

/// The flags that leave the three probes of a round alone: no series of datagrams, no path MTU.
pub(crate) const PROBES_ALONE: [&str; 2] = ["--udp-flows=0", "--mtu-interval=0"];

/// The binary under test, without the variables of whoever runs the tests.
pub(crate) fn smoker() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_smoker"));
    command.env_clear();
    command
}
