//! The process: arguments and environment in, exit code out. Nothing else reads them.

use std::env;
use std::fs::File;
use std::io::{IsTerminal, Read, Write};
use std::panic;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use smoker::cli::{self, Run};
use smoker::client::settings::Client;
use smoker::client::{self, Ending};
use smoker::local::settings::Local;
use smoker::log::{Colour, Level, Log, Output, Speaker, Value, escape};
use smoker::server::settings::Server;
use smoker::settings::{Logging, MAX_SECRET, Sources};
use smoker::sys;
use smoker::sys::signal::StopSignals;
use smoker::{local, report, server};

/// How long a client waits for the reader of its log.
const CLIENT_PATIENCE: Duration = Duration::from_secs(1);

/// A server serves on, and drops lines, while the reader of its log is slow.
const SERVER_PATIENCE: Duration = Duration::ZERO;

/// As long as the longest secret with a line break, and one byte more.
const MAX_FILE: u64 = MAX_SECRET as u64 + 3;

const FAILED: u8 = 1;
const WRONG_USAGE: u8 = 2;

fn main() -> ExitCode {
    let arguments: Vec<String> =
        env::args_os().skip(1).map(|word| word.to_string_lossy().into_owned()).collect();
    let sources = Sources { environment: &variable, host_name: &host_name, file: &file };
    let ended = match cli::parse(&arguments, &sources) {
        Err(refusal) => return fail(WRONG_USAGE, &refusal.to_string()),
        Ok(Run::Print(text)) => print(&text).map(|()| Ending::Well),
        Ok(Run::Report) => report(),
        Ok(Run::Server(settings, logging)) => serve(settings, &logging),
        Ok(Run::Client(settings, logging)) => probe(&settings, &logging),
        Ok(Run::Local(settings, logging)) => run_local(settings, &logging),
    };
    match ended {
        Ok(Ending::Well) => ExitCode::SUCCESS,
        Ok(Ending::WithFailures) => FAILED.into(),
        Err(message) => fail(FAILED, &message),
    }
}

fn serve(settings: Server, logging: &Logging) -> Result<Ending, String> {
    let signals = block_signals()?;
    let log = log(Speaker::Server, logging, output(SERVER_PATIENCE)?);
    log_panics(&log);
    server::run(settings, &log, &signals).map(|()| Ending::Well)
}

fn probe(settings: &Client, logging: &Logging) -> Result<Ending, String> {
    let signals = block_signals()?;
    let log = log(Speaker::Node(settings.node_name.clone()), logging, output(CLIENT_PATIENCE)?);
    let ending = client::run(settings, &log, &signals)?;
    log.finish().map(|()| ending)
}

fn run_local(settings: Local, logging: &Logging) -> Result<Ending, String> {
    let signals = block_signals()?;
    let output = output(SERVER_PATIENCE)?;
    let server_log = log(Speaker::Server, logging, output.clone());
    log_panics(&server_log);
    let client_log = log(Speaker::Node(settings.client.node_name.clone()), logging, output);
    let ending = local::run(settings, &server_log, &client_log, &signals)?;
    client_log.finish().map(|()| ending)
}

fn block_signals() -> Result<StopSignals, String> {
    StopSignals::block().map_err(sys::cannot("block signals"))
}

fn output(patience: Duration) -> Result<Arc<Output>, String> {
    Output::stdout(patience).map_err(sys::cannot("use stdout"))
}

fn log(speaker: Speaker, logging: &Logging, output: Arc<Output>) -> Log {
    let colour = Colour::of(&variable, std::io::stdout().is_terminal());
    Log::new(speaker, logging.level, logging.form, output).with_colour(colour)
}

fn report() -> Result<Ending, String> {
    let report = report::read(std::io::stdin().lock()).map_err(sys::cannot("read stdin"))?;
    print(&report.to_string())?;
    Ok(if report.is_healthy() { Ending::Well } else { Ending::WithFailures })
}

/// A panic ends one connection of a server, not the server: it is an event like others.
fn log_panics(log: &Log) {
    let log = log.clone();
    panic::set_hook(Box::new(move |panic| {
        log.line(Level::Error, "INTERNAL", "PANIC", &[("detail", Value::Text(&panic.to_string()))]);
    }));
}

fn variable(name: &str) -> Option<String> {
    env::var_os(name).map(|value| value.to_string_lossy().into_owned())
}

/// The content of a file with a secret, and no more than shows that it is too long.
fn file(path: &str) -> Result<String, String> {
    let what = format!("read \"{}\"", escape(path));
    let opened = File::open(path).map_err(sys::cannot(&what))?;
    let mut text = String::new();
    opened.take(MAX_FILE).read_to_string(&mut text).map_err(sys::cannot(&what))?;
    Ok(text)
}

/// Empty where there is none, which is refused like any other wrong node name.
fn host_name() -> String {
    sys::host::name().unwrap_or_default()
}

fn print(text: &str) -> Result<(), String> {
    std::io::stdout().write_all(text.as_bytes()).map_err(sys::cannot("write to stdout"))
}

fn fail(status: u8, message: &str) -> ExitCode {
    // Where stderr is closed, the exit status still shows the failure.
    let _ = writeln!(std::io::stderr(), "smoker: {message}");
    status.into()
}
