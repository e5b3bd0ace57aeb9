//! Running `smoker`, for the tests of both sides.

use std::process::Command;

/// The binary under test, without the variables of whoever runs the tests.
pub(crate) fn smoker() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_smoker"));
    command.env_clear();
    command
}
