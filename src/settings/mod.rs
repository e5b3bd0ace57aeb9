//! The mechanism of settings: declared in one place, read from flags and environment, validated, typed. Pure.
//!
//! It knows no command: each command declares its settings in a `settings.rs` of its own.

mod given;
mod logging;
mod secret;
mod setting;
mod table;
pub mod value;

pub use given::{Given, Override, Sources, Typed};
pub use logging::{LOGGING, Logging};
pub use secret::{MAX_SECRET, Secret, SecretSetting, secret};
pub use setting::{Default, Entry, Internal, Named, Optional, Setting, flag, setting};
pub(crate) use table::declare;
pub use table::{Group, Table};
pub use value::{Host, Invalid, Percent, Protocols, Text};
