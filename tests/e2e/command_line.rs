//! The commands themselves: what they print, what they refuse, and with which exit status they end.

use std::fs::File;
use std::net::{TcpListener, UdpSocket};
use std::process::Stdio;

use assert_cmd::Command;
use smoker::cli::COMMANDS;

use crate::support;
use crate::support::child::Server;
use crate::support::running::{PATIENCE, port_flags};
use crate::support::starved::unless_starved;

fn smoker(arguments: &[&str]) -> Command {
    let mut command = Command::from_std(support::smoker());
    command.args(arguments).timeout(PATIENCE);
    command
}

/// What `smoker` prints on stdout with exit status 0 and nothing on stderr.
fn printed(arguments: &[&str]) -> String {
    let assert = smoker(arguments).assert().code(0).stderr("");
    String::from_utf8(assert.get_output().stdout.clone()).unwrap()
}

fn assert_refused(arguments: &[&str], line: &str) {
    smoker(arguments).assert().code(2).stdout("").stderr(format!("smoker: {line}\n"));
}

#[test]
fn version() {
    for word in ["version", "--version", "-V"] {
        assert_eq!(printed(&[word]), format!("smoker {}\n", env!("CARGO_PKG_VERSION")));
    }
}

#[test]
fn help_names_every_command() {
    let usage = printed(&["help"]);
    assert_eq!(printed(&["--help"]), usage);
    assert_eq!(printed(&["-h"]), usage);
    for command in &COMMANDS {
        let rows = usage.lines().filter(|line| {
            line.starts_with(&format!("  {} ", command.name))
                && line.ends_with(&format!("  {}", command.about))
        });
        assert_eq!(rows.count(), 1, "{}: {usage}", command.name);
    }
}

#[test]
fn help_of_a_command_lists_its_settings_and_no_others() {
    for command in &COMMANDS {
        let usage = printed(&["help", command.name]);
        for words in [[command.name, "--help"], [command.name, "-h"], ["--help", command.name]] {
            assert_eq!(printed(&words), usage);
        }
        let rows = usage.lines().zip(usage.lines().skip(1)).filter(|(row, _)| row.starts_with("  --"));
        let listed: Vec<Vec<String>> = rows.map(|(row, about)| columns(&format!("{row}  {about}"))).collect();
        let expected: Vec<Vec<String>> = command
            .settings()
            .into_iter()
            .map(|setting| {
                let default = setting.default.to_string();
                let row =
                    [setting.flag.unwrap_or(""), setting.environment.unwrap_or(""), &default, setting.about];
                row.into_iter().filter(|column| !column.is_empty()).map(str::to_owned).collect()
            })
            .collect();
        assert_eq!(listed, expected, "{}", command.name);
    }
}

/// The columns of a line of help, the flag's without its metavariable.
fn columns(line: &str) -> Vec<String> {
    let columns = line.split("  ").map(str::trim).filter(|column| !column.is_empty());
    let flag = |column: &str| column.split(' ').next().unwrap().to_owned();
    columns.enumerate().map(|(at, column)| if at == 0 { flag(column) } else { column.to_owned() }).collect()
}

#[test]
fn help_fits_on_a_terminal() {
    let commands = COMMANDS.iter().map(|command| printed(&["help", command.name]));
    for line in commands
        .chain([printed(&["help"])])
        .flat_map(|usage| usage.lines().map(str::to_owned).collect::<Vec<_>>())
    {
        assert!(line.chars().count() <= 80, "{line}");
    }
}

#[test]
fn help_does_not_mind_a_wrong_environment() {
    smoker(&["server", "--help"]).env("TCP_PORT", "eighty").assert().code(0).stderr("");
    smoker(&["help", "server"]).env("TCP_PORT", "eighty").assert().code(0).stderr("");
    smoker(&["version"]).env("LOG_LEVEL", "loud").assert().code(0).stderr("");
}

#[test]
fn help_that_cannot_be_written_is_an_error() {
    let full = File::options().write(true).open("/dev/full").unwrap();
    let output = support::smoker().arg("help").stdout(full).stderr(Stdio::piped()).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let refusal = "smoker: cannot write to stdout: no space left on device\n";
    assert_eq!(String::from_utf8(output.stderr).unwrap(), refusal);
}

#[test]
fn wrong_usage_is_refused_with_one_line() {
    let commands = "(server, client, check, local, report, explain, help or version)";
    for (arguments, line) in [
        (&[][..], &*format!("no command given {commands}")),
        (&[""], &format!("\"\": unknown command {commands}")),
        (&["frob"], &format!("frob: unknown command {commands}")),
        (&["--tcp-port", "1"], &format!("--tcp-port: unknown command {commands}")),
        (&["a\"b\nc"], &format!("\"a\\\"b\\nc\": unknown command {commands}")),
        (&["help", "frob"], &format!("frob: unknown command {commands}")),
        (&["help", "server", "client"], "client: unexpected argument (see smoker help server)"),
        (&["version", "x"], "x: unexpected argument (see smoker help version)"),
        (&["version", "-V"], "-V: unknown flag (see smoker help version)"),
        (&["server", "8080"], "8080: unexpected argument (see smoker help server)"),
        (&["client", "10.0.0.1"], "10.0.0.1: unexpected argument (see smoker help client)"),
        (&["local", "here"], "here: unexpected argument (see smoker help local)"),
        (&["report", "file"], "file: unexpected argument (see smoker help report)"),
        (&["report", "--json"], "--json: unknown flag (see smoker help report)"),
        (&["explain", "contrack"], "\"contrack\": unknown word; did you mean conntrack?"),
        (&["explain", "tcp", "udp"], "udp: unexpected argument (see smoker help explain)"),
        (&["check", "a", "b"], "b: unexpected argument (see smoker help check)"),
        (&["check", "a", "--server-host=b"], "a: HOST is given by --server-host too (give one of them)"),
        (&["check", ""], "HOST: \"\" is not a host name or IP address (such as smoker-server or 10.0.0.5)"),
        (&["check", "-"], "-: unknown flag (see smoker help check)"),
        (&["check", "--", "a"], "--: unknown flag (see smoker help check)"),
        (&["server", "--frob=1"], "--frob: unknown flag (see smoker help server)"),
        (&["server", "--tcp-port"], "--tcp-port: no value given (--tcp-port PORT)"),
        (&["client", "--count"], "--count: no value given (--count ROUNDS)"),
        (&["server", "--tcp-port", "--bind"], "--tcp-port: \"--bind\" is not a port number (0 to 65535)"),
    ] {
        assert_refused(arguments, line);
    }
}

#[test]
fn a_misspelling_is_answered_with_the_nearest_right_word() {
    assert_refused(&["serve"], "serve: unknown command; did you mean server?");
    assert_refused(&["Server"], "Server: unknown command; did you mean server?");
    assert_refused(&["help", "chek"], "chek: unknown command; did you mean check?");
    assert_refused(&["client", "--intervall", "1"], "--intervall: unknown flag; did you mean --interval?");
    assert_refused(&["server", "-tcp-port=1"], "-tcp-port: unknown flag; did you mean --tcp-port?");
    assert_refused(&["explain", "dns_timeot"], "\"dns_timeot\": unknown word; did you mean dns_timeout?");
}

#[test]
fn explain_prints_one_word_or_lists_them() {
    assert!(printed(&["explain"]).contains("dns_timeout"));
    assert!(printed(&["explain", "dns_timeout"]).starts_with("dns_timeout"));
    assert_refused(&["explain", "a", "b"], "b: unexpected argument (see smoker help explain)");
}

#[test]
fn a_refusal_is_one_line_however_long_the_value() {
    let output = smoker(&["server", "--tcp-port", &"9\n".repeat(50_000)]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(stderr.lines().count(), 1);
    assert!(stderr.len() < 1000, "{} bytes", stderr.len());
}

#[test]
fn exit_status_0_if_every_probe_succeeded_and_1_if_one_failed() {
    unless_starved(|| {
        let server = Server::start(&["--log-level=error"]);
        let [tcp, udp, http] = [server.tcp, server.udp, server.http].map(|address| address.port());
        for more in [&["check"][..], &["client", "--count=1"], &["client", "--count=3", "--interval=10ms"]] {
            let assert = |http_port, status| {
                let ports = port_flags(tcp, udp, http_port);
                smoker(more)
                    .args(ports)
                    .args(["--server-host", "127.0.0.1"])
                    .assert()
                    .code(status)
                    .stderr("");
            };
            assert(http, 0);
            // An echo is no HTTP: TCP and UDP succeed, and that is not enough.
            assert(tcp, 1);
        }
        smoker(&["local", "--count", "2", "--interval", "10ms"]).assert().code(0).stderr("");
    });
}

#[test]
fn check_takes_its_host_as_an_argument_anywhere() {
    unless_starved(|| {
        let server = Server::start(&["--log-level=error"]);
        let flags = port_flags(server.tcp.port(), server.udp.port(), server.http.port());
        smoker(&["check", "127.0.0.1"]).args(&flags).assert().code(0);
        smoker(&["check"]).args(&flags).arg("127.0.0.1").env("SERVER_HOST", "a b").assert().code(0);
        smoker(&["check"]).args(&flags).env("SERVER_HOST", "127.0.0.1").assert().code(0);
    });
}

#[test]
fn a_report_reads_what_the_others_print() {
    unless_starved(|| {
        for format in ["text", "json"] {
            let flags = ["--count=2", "--interval=10ms", "--node-name=node-1", "--log-format", format];
            let lines = String::from_utf8(smoker(&["local"]).args(flags).output().unwrap().stdout).unwrap();
            let count = lines.lines().count();
            let assert = smoker(&["report"]).write_stdin(lines).assert().code(0).stderr("");
            let page = String::from_utf8(assert.get_output().stdout.clone()).unwrap();
            assert!(page.starts_with("the one node is healthy\n"), "{page}");
            assert!(page.contains(&format!("\n{count} lines from ")), "{format}: {page}");
        }
    });
}

#[test]
fn a_report_of_a_fault_or_of_nothing_ends_with_1() {
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let flags = port_flags(closed, closed, closed);
    let lines = smoker(&["check", "127.0.0.1", "--node-name=node-1"]).args(flags).output().unwrap().stdout;
    let assert = smoker(&["report"]).write_stdin(lines).assert().code(1).stderr("");
    let page = String::from_utf8(assert.get_output().stdout.clone()).unwrap();
    assert!(page.starts_with("the one node sees a fault: "), "{page}");
    let nothing = "nothing is known: there is no line of a client\n\n0 lines\n";
    smoker(&["report"]).write_stdin("").assert().code(1).stdout(nothing).stderr("");
}

#[test]
fn help_of_the_report_is_that_of_a_command_without_settings() {
    let usage = printed(&["report", "--help"]);
    assert!(usage.starts_with("usage: smoker report\n\n"), "{usage}");
    for words in [&["report", "-h"], &["help", "report"]] {
        assert_eq!(printed(words), usage);
    }
}

#[test]
fn a_report_of_an_stdin_that_cannot_be_read_is_an_error() {
    let folder = File::open(env!("CARGO_MANIFEST_DIR")).unwrap();
    let output = support::smoker().arg("report").stdin(folder).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(String::from_utf8(output.stderr).unwrap(), "smoker: cannot read stdin: is a directory\n");
}

#[test]
fn a_port_that_is_taken_is_a_run_time_error_and_nothing_is_served() {
    let tcp = TcpListener::bind("127.0.0.1:0").unwrap();
    let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
    let (tcp, udp) = (tcp.local_addr().unwrap().port(), udp.local_addr().unwrap().port());
    for (kind, flag, port) in
        [("TCP", "--tcp-port", tcp), ("UDP", "--udp-port", udp), ("HTTP", "--http-port", tcp)]
    {
        let line = format!("smoker: cannot listen on {kind} port {port}: address already in use\n");
        smoker(&["server", "--bind", "127.0.0.1", "--tcp-port=0", "--udp-port=0", "--http-port=0"])
            .args([flag, &port.to_string()])
            .assert()
            .code(1)
            .stdout("")
            .stderr(line);
    }
}
