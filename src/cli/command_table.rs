//! The table of commands: name, sentence, argument, settings, and what each asks the process to do. Pure.

use super::command::{Argument, Command};
use super::{Run, usage};
use crate::client::settings as client;
use crate::explain::explain;
use crate::local::settings as local;
use crate::server::settings as server;
use crate::settings::{Invalid, LOGGING};

/// All commands, in the order of the usage text.
pub static COMMANDS: [Command; 8] = [
    Command {
        name: "server",
        about: "answers TCP, UDP and HTTP echo requests until stopped",
        argument: Argument::None,
        notes: &[],
        tables: || vec![server::SERVER.entries(), LOGGING.entries()],
        read: |line| Ok(Run::Server(server::read(&line.given)?, LOGGING.read(&line.given)?)),
    },
    Command {
        name: "client",
        about: "probes a server at an interval until stopped",
        argument: Argument::None,
        notes: &[],
        tables: || vec![client::CLIENT.entries(), LOGGING.entries()],
        read: |line| Ok(Run::Client(client::CLIENT.read(&line.given)?, LOGGING.read(&line.given)?)),
    },
    Command {
        name: "check",
        about: "probes HOST once and reports what is wrong",
        argument: Argument::Setting { name: "HOST", flag: "--server-host" },
        notes: &["Exit status 0 if everything is well, 1 if not."],
        tables: || vec![client::CHECK.entries(), LOGGING.entries()],
        read: |line| Ok(Run::Client(client::read_check(&line.given)?, LOGGING.read(&line.given)?)),
    },
    Command {
        name: "local",
        about: "a server and a client in one process: a first look",
        argument: Argument::None,
        notes: &[],
        tables: || vec![local::SERVER.entries(), local::CLIENT.entries(), LOGGING.entries()],
        read: |line| Ok(Run::Local(local::read(&line.given)?, LOGGING.read(&line.given)?)),
    },
    Command {
        name: "report",
        about: "summarises client logs from stdin: all nodes on one screen",
        argument: Argument::None,
        notes: &[
            "  kubectl logs -n smoker -l app=smoker-client --prefix --tail=-1 | smoker report",
            "",
            "Lines may be text or JSON, with any prefix. Exit status 0 if every node is",
            "healthy, 1 if not.",
        ],
        tables: Vec::new,
        read: |_| Ok(Run::Report),
    },
    Command {
        name: "explain",
        about: "explains a word of a log line, and what to do about it",
        argument: Argument::Words { name: "WORD", most: 1 },
        notes: &[
            "  smoker explain conntrack",
            "  smoker explain lost_forward=3",
            "",
            "WORD is a verdict, an error code, a word of evidence, a kind of line, an event,",
            "a field or a metric, as copied from a line; without one all are listed.",
        ],
        tables: Vec::new,
        read: |line| match explain(line.words.first().map(String::as_str)) {
            Ok(text) => Ok(Run::Print(text)),
            Err(unknown) => Err(Invalid::new(unknown.to_string())),
        },
    },
    Command {
        name: "help",
        about: "describes a command and its settings",
        argument: Argument::Words { name: "COMMAND", most: 2 },
        notes: &[],
        tables: Vec::new,
        read: |line| usage::help(line.commands, line.words).map(Run::Print),
    },
    Command {
        name: "version",
        about: "prints the version",
        argument: Argument::None,
        notes: &[],
        tables: Vec::new,
        read: |_| Ok(Run::Print(format!("smoker {}\n", env!("CARGO_PKG_VERSION")))),
    },
];
