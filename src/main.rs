//! The process: arguments and environment in, exit code out. Nothing else reads them.

use std::env;
use std::io::Write;
use std::panic;
use std::process::ExitCode;
use std::time::Duration;

use smoker::cli::{self, Request, Run};
use smoker::client::{self, Ending};
use smoker::log::{Form, Level, Log, Output, Speaker, Value};
use smoker::sys;
use smoker::sys::signal::StopSignals;
use smoker::{local, report, server};

/// How long a client waits for whoever reads its lines. The server does not wait at all.
const CLIENT_PATIENCE: Duration = Duration::from_secs(1);

const FAILED: u8 = 1;
const WRONG_USAGE: u8 = 2;

fn main() -> ExitCode {
    let arguments: Vec<String> =
        env::args_os().skip(1).map(|word| word.to_string_lossy().into_owned()).collect();
    match cli::parse(&arguments, &variable, &host_name) {
        Err(refusal) => fail(WRONG_USAGE, &refusal.to_string()),
        Ok(Request::Print(text)) => print(&text),
        Ok(Request::Report) => report(),
        Ok(Request::Run(run, level, form)) => match execute(*run, level, form) {
            Ok(Ending::Well) => ExitCode::SUCCESS,
            Ok(Ending::WithFailures) => FAILED.into(),
            Err(message) => fail(FAILED, &message),
        },
    }
}

fn execute(run: Run, level: Level, form: Form) -> Result<Ending, String> {
    let signals = StopSignals::block().map_err(sys::cannot("block signals"))?;
    let patience = if matches!(run, Run::Client(_)) { CLIENT_PATIENCE } else { Duration::ZERO };
    let output = Output::stdout(patience).map_err(sys::cannot("use stdout"))?;
    let server_log = Log::new(Speaker::Server, level, form, output.clone());
    let client_log = |node: &str| Log::new(Speaker::Node(node.into()), level, form, output);
    match run {
        Run::Server(config) => {
            log_panics(&server_log);
            server::run(config, &server_log, &signals).map(|()| Ending::Well)
        }
        Run::Client(config) => {
            let log = client_log(&config.node_name);
            let ending = client::run(&config, &log, &signals)?;
            log.finish().map(|()| ending)
        }
        Run::Local(server, client) => {
            log_panics(&server_log);
            let client_log = client_log(&client.node_name);
            let ending = local::run(server, client, &server_log, &client_log, &signals)?;
            client_log.finish().map(|()| ending)
        }
    }
}

fn report() -> ExitCode {
    match report::read(std::io::stdin().lock()).map_err(sys::cannot("read stdin")) {
        Ok(report) => {
            let printed = print(&report.to_string());
            if report.is_healthy() { printed } else { FAILED.into() }
        }
        Err(message) => fail(FAILED, &message),
    }
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

/// Empty where there is none, which is refused as every wrong node name is.
fn host_name() -> String {
    sys::host::name().unwrap_or_default()
}

fn print(text: &str) -> ExitCode {
    match std::io::stdout().write_all(text.as_bytes()).map_err(sys::cannot("write to stdout")) {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => fail(FAILED, &message),
    }
}

fn fail(status: u8, message: &str) -> ExitCode {
    // Where stderr is closed, the exit status still tells.
    let _ = writeln!(std::io::stderr(), "smoker: {message}");
    status.into()
}
