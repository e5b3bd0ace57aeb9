//! The settings of the log, which every command that logs has. Pure.

use super::value::{form, level};
use super::{Table, declare, setting};
use crate::log::{Form, Level};

declare! {
    /// How a command logs.
    pub struct Logging {
        /// How much to log: error, warn, info or debug.
        pub level: Level = setting("LOG_LEVEL", "--log-level", level()).default("info"),
        /// Format of log lines: text or json.
        pub form: Form = setting("LOG_FORMAT", "--log-format", form()).default("text"),
    }
}

/// The same for all commands.
pub const LOGGING: Table<Logging> = Table::new(Logging::SETTINGS, &[]);
