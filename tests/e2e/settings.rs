//! Every setting by flag, environment and default, right and wrong: the table, held against the
//! binary and, where only a value can tell, against what its command line is understood as.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use assert_cmd::Command;
use smoker::cli::{self, COMMANDS, Run};
use smoker::settings::Sources;

use crate::support;
use crate::support::running::PATIENCE;

/// One line of the table of settings.
struct Setting {
    variable: &'static str,
    flag: &'static str,
    of: &'static [&'static str],
    /// What it is when nothing is given, where that can be given too.
    default: Option<&'static str>,
    /// Another right value.
    other: &'static str,
    /// Wrong values.
    wrong: &'static [&'static str],
    /// What the refusal says after the value.
    accepted: &'static str,
}

const ALL: &[&str] = &["server", "client", "check", "local"];
const LISTENING: &[&str] = &["server", "client", "check"];
const SERVING: &[&str] = &["server", "local"];
const PROBING: &[&str] = &["client", "check", "local"];
const REPEATING: &[&str] = &["client", "local"];

const NOT_PORTS: &[&str] =
    &["eighty", "70000", "65536", "-1", "+80", "80.0", " 80", "80 ", "0x50", "99999999999999999999"];
const NOT_DURATIONS: &[&str] = &[
    "soon",
    "-1",
    "-1s",
    "+1",
    "1 s",
    "1S",
    "5d",
    "1.2.3",
    "1e3",
    "ms",
    "1,5",
    "99999999999999999999",
    "99999999999999999999999999h",
];
const ACCEPTED_FROM_0: &str = "is not a duration (0 to 24h, such as 30, 0.5, 500ms or 2m)";
const ACCEPTED_FROM_1: &str = "is not a duration (1ms to 24h, such as 30, 0.5, 500ms or 2m)";

const TABLE: [Setting; 23] = [
    port("TCP_PORT", "--tcp-port", "8080"),
    port("UDP_PORT", "--udp-port", "8081"),
    port("HTTP_PORT", "--http-port", "8082"),
    Setting {
        variable: "BIND_ADDRESS",
        flag: "--bind",
        of: &["server"],
        default: None,
        other: "::1",
        wrong: &["localhost", "256.0.0.1", "[::]", "0.0.0.0:80", "*"],
        accepted: "is not an IP address (such as 10.0.0.5, 0.0.0.0 or ::)",
    },
    Setting {
        variable: "MAX_CONNECTIONS",
        flag: "--max-connections",
        of: SERVING,
        default: Some("1024"),
        other: "8192",
        wrong: &["0", "8193", "many", "-1", "1.5", "99999999999999999999"],
        accepted: "is not a number of connections (1 to 8192)",
    },
    duration("IDLE_TIMEOUT", "--idle-timeout", SERVING, "30"),
    Setting { accepted: ACCEPTED_FROM_0, ..duration("DRAIN_DELAY", "--drain-delay", SERVING, "0") },
    Setting { accepted: ACCEPTED_FROM_0, ..duration("SHUTDOWN_TIMEOUT", "--shutdown-timeout", SERVING, "5") },
    Setting {
        variable: "SERVER_HOST",
        flag: "--server-host",
        of: &["client", "check"],
        default: Some("smoker-server"),
        other: "10.0.0.1",
        wrong: &["10.0.0.256", "a b", "http://a", "a:80", "[::1]", "a..b", "a/b", "\u{1b}[2J"],
        accepted: "is not a host name or IP address (such as smoker-server or 10.0.0.5)",
    },
    Setting {
        variable: "ENDPOINTS_HOST",
        flag: "--endpoints-host",
        of: &["client", "check"],
        default: None,
        other: "smoker-server-endpoints",
        wrong: &["10.0.0.256", "a b", "a:80", "a..b"],
        accepted: "is not a host name or IP address (such as smoker-server or 10.0.0.5)",
    },
    duration("TEST_INTERVAL", "--interval", REPEATING, "30"),
    duration("TEST_TIMEOUT", "--timeout", PROBING, "5"),
    Setting {
        variable: "NODE_NAME",
        flag: "--node-name",
        of: ALL,
        default: Some(HOST_NAME),
        other: "node-1",
        wrong: &["node 1", "node]", "[node", "a\nb", "a\u{7f}", "a\\b", "n\u{f6}de", "a\u{1b}[1m"],
        accepted: NOT_A_NODE_NAME,
    },
    Setting {
        variable: "POD_NAME",
        flag: "--pod-name",
        of: SERVING,
        default: None,
        other: "smoker-server-5d8f",
        wrong: &["pod 1", "pod]", "a\nb", "a\"b"],
        accepted: NOT_A_POD_NAME,
    },
    Setting {
        variable: "PROTOCOLS",
        flag: "--protocols",
        of: PROBING,
        default: Some("tcp,udp,http"),
        other: "http",
        wrong: &["icmp", "tcp,icmp", "tcp,", ",", "tcp udp", "TCP", "tcp, udp"],
        accepted: "is not a list of protocols (tcp, udp and http, separated by commas)",
    },
    Setting {
        variable: "UDP_FLOWS",
        flag: "--udp-flows",
        of: PROBING,
        default: Some("16"),
        other: "0",
        wrong: &["65", "-1", "many", "1.5", "99999999999999999999"],
        accepted: "is not a number of flows (0 to 64)",
    },
    Setting { accepted: ACCEPTED_FROM_0, ..duration("UDP_SPACING", "--udp-spacing", PROBING, "10ms") },
    Setting {
        variable: "LOSS_THRESHOLD",
        flag: "--loss-threshold",
        of: PROBING,
        default: Some("1"),
        other: "0.25",
        wrong: &["-1", "100.01", "1%", "some", "0.125", "1."],
        accepted: "is not a percentage (0 to 100, such as 1 or 0.25)",
    },
    Setting {
        variable: "MTU_INTERVAL",
        flag: "--mtu-interval",
        of: PROBING,
        default: Some("10"),
        other: "0",
        wrong: &["-1", "often", "1.5", "99999999999999999999"],
        accepted: "is not a number of rounds (0 or more)",
    },
    Setting {
        accepted: ACCEPTED_FROM_0,
        ..duration("SUMMARY_INTERVAL", "--summary-interval", REPEATING, "5m")
    },
    Setting {
        variable: "CLIENT_PORT",
        flag: "--client-port",
        of: &["client"],
        default: None,
        other: "6100",
        wrong: NOT_PORTS,
        accepted: "is not a port number (0 to 65535)",
    },
    Setting {
        variable: "LOG_FORMAT",
        flag: "--log-format",
        of: ALL,
        default: Some("text"),
        other: "json",
        wrong: &["xml", "JSON", "plain", "0"],
        accepted: "is not a log format (text or json)",
    },
    Setting {
        variable: "LOG_LEVEL",
        flag: "--log-level",
        of: ALL,
        default: Some("info"),
        other: "debug",
        wrong: &["verbose", "INFO", "trace", "0"],
        accepted: "is not a log level (error, warn, info or debug)",
    },
];

const NOT_A_NODE_NAME: &str =
    "is not a node name (1 to 253 visible ASCII characters, no brackets, quotes or backslashes)";
const NOT_A_POD_NAME: &str =
    "is not a pod name (1 to 253 visible ASCII characters, no brackets, quotes or backslashes)";

const COMMAND_NAMES: &str = "server, client, check, local, report, explain, help or version";

const HOST_NAME: &str = "the-host";

const fn port(variable: &'static str, flag: &'static str, default: &'static str) -> Setting {
    let accepted = "is not a port number (0 to 65535)";
    Setting {
        variable,
        flag,
        of: LISTENING,
        default: Some(default),
        other: "65535",
        wrong: NOT_PORTS,
        accepted,
    }
}

const fn duration(
    variable: &'static str,
    flag: &'static str,
    of: &'static [&'static str],
    default: &'static str,
) -> Setting {
    let default = Some(default);
    Setting { variable, flag, of, default, other: "2m", wrong: NOT_DURATIONS, accepted: ACCEPTED_FROM_1 }
}

impl Setting {
    /// What a refusal by `command` says. A client cannot connect to port 0.
    fn accepted(&self, command: &str) -> String {
        match command {
            "server" => self.accepted.to_owned(),
            _ if self.variable == "CLIENT_PORT" => self.accepted.to_owned(),
            _ => self.accepted.replace("number (0 ", "number (1 "),
        }
    }

    /// The value that `command` takes when nothing is given.
    fn default(&self, command: &str) -> Option<&'static str> {
        if command == "local" && self.variable == "TEST_INTERVAL" { Some("2") } else { self.default }
    }
}

/// What `arguments` are understood as where these variables are set.
fn understood(arguments: &[&str], variables: &[(&str, &str)]) -> Result<Run, String> {
    let arguments: Vec<String> = arguments.iter().map(|&word| word.to_owned()).collect();
    let variable =
        |name: &str| variables.iter().find(|(set, _)| *set == name).map(|(_, value)| (*value).to_owned());
    let sources = Sources {
        environment: &variable,
        host_name: &|| HOST_NAME.to_owned(),
        file: &crate::support::no_file,
    };
    cli::parse(&arguments, &sources).map_err(|refusal| refusal.to_string())
}

fn smoker() -> Command {
    Command::from_std(support::smoker())
}

/// Asserts exit status 2, nothing on stdout, and this one line on stderr.
fn assert_refused(command: &mut Command, line: &str) {
    let stderr = format!("smoker: {line}\n");
    command.timeout(PATIENCE).assert().code(2).stdout("").stderr(stderr);
}

#[test]
fn the_table_is_whole() {
    for command in &COMMANDS {
        let of_command = TABLE.iter().filter(|setting| setting.of.contains(&command.name));
        let mut expected: Vec<_> =
            of_command.map(|setting| (Some(setting.variable), Some(setting.flag))).collect();
        if PROBING.contains(&command.name) {
            expected.push((None, Some("--count")));
        }
        let settings = command.settings();
        let mut found: Vec<_> = settings.iter().map(|entry| (entry.environment, entry.flag)).collect();
        expected.sort_unstable();
        found.sort_unstable();
        assert_eq!(found, expected, "{}", command.name);
    }
}

#[test]
fn a_flag_beats_the_environment_which_beats_the_default() {
    for setting in &TABLE {
        for &command in setting.of {
            let Setting { variable, flag, other, .. } = *setting;
            let parsed = |arguments: &[&str], variables: &[(&str, &str)]| {
                let whole = [&[command], arguments].concat();
                understood(&whole, variables).unwrap_or_else(|refusal| panic!("{whole:?}: {refusal}"))
            };
            let nothing = parsed(&[], &[]);
            let by_flag = parsed(&[flag, other], &[]);
            assert_ne!(by_flag, nothing, "{flag}");
            assert_eq!(parsed(&[&format!("{flag}={other}")], &[]), by_flag, "{flag}=");
            assert_eq!(parsed(&[], &[(variable, other)]), by_flag, "{variable}");
            assert_eq!(parsed(&[], &[(variable, "")]), nothing, "an empty {variable}");
            let Some(default) = setting.default(command) else { continue };
            assert_eq!(parsed(&[flag, default], &[]), nothing, "{flag} {default}");
            assert_eq!(parsed(&[flag, default], &[(variable, other)]), nothing, "{flag} over {variable}");
            assert_eq!(parsed(&[flag, other, flag, default], &[]), nothing, "the last {flag}");
        }
    }
}

#[test]
fn what_is_overridden_or_not_used_is_not_read() {
    for setting in &TABLE {
        let Setting { variable, flag, other, wrong, .. } = *setting;
        for &command in ALL {
            let overridden: &[&str] = if setting.of.contains(&command) { &[flag, other] } else { &[] };
            let arguments = [&[command], overridden].concat();
            let right = understood(&arguments, &[]);
            for value in wrong {
                assert_eq!(
                    understood(&arguments, &[(variable, *value)]),
                    right,
                    "{arguments:?} {variable}={value}"
                );
            }
            if !setting.of.contains(&command) {
                let refusal = understood(&[command, flag, other], &[]).unwrap_err();
                assert!(refusal.starts_with(&format!("{flag}: unknown flag")), "{refusal}");
            }
        }
    }
    // The argument of check overrides as a flag does.
    let right = understood(&["check", "10.0.0.1"], &[]);
    assert!(right.is_ok());
    assert_eq!(understood(&["check", "10.0.0.1"], &[("SERVER_HOST", "a b")]), right);
    assert_eq!(understood(&["check"], &[("SERVER_HOST", "10.0.0.1")]), right);
    // A flag that another one of its kind overrides is not read either.
    assert_eq!(understood(&["check", "--server-host", "a b", "--server-host", "10.0.0.1"], &[]), right);
}

#[test]
fn a_wrong_value_is_refused_wherever_it_comes_from() {
    for setting in &TABLE {
        for &command in setting.of {
            for value in setting.wrong {
                let refusal = format!("\"{}\" {}", smoker::log::escape(value), setting.accepted(command));
                let from = |origin: &str| Err(format!("{origin}: {refusal}"));
                let Setting { variable, flag, other, .. } = *setting;
                assert_eq!(understood(&[command], &[(variable, *value)]), from(variable));
                assert_eq!(understood(&[command, flag, value], &[(variable, other)]), from(flag));
                assert_eq!(understood(&[command, &format!("{flag}={value}")], &[]), from(flag));
            }
            // An empty flag is no unset variable: a shell variable is missing.
            let empty = understood(&[command, &format!("{}=", setting.flag)], &[]);
            let refusal = format!("{}: \"\" {}", setting.flag, setting.accepted(command));
            assert_eq!(empty, Err(refusal));
        }
    }
}

#[test]
fn limits_are_reached_and_not_passed() {
    for (command, flag, right, wrong) in [
        ("server", "--tcp-port", "0", "-0"),
        ("server", "--tcp-port", "65535", "65536"),
        ("client", "--tcp-port", "1", "0"),
        ("check", "--udp-port", "1", "0"),
        ("server", "--max-connections", "1", "0"),
        ("server", "--max-connections", "8192", "8193"),
        ("server", "--idle-timeout", "1ms", "0"),
        ("server", "--idle-timeout", "24h", "24.0001h"),
        ("server", "--drain-delay", "0", "0.0.0"),
        ("client", "--interval", "0.001", "0"),
        ("client", "--interval", "86400", "86401"),
        ("client", "--timeout", "1ms", "0.9ms"),
        ("client", "--timeout", "1ms", "0ms"),
        ("client", "--count", "1", "0"),
        ("check", "--count", "1", "0"),
        ("client", "--client-port", "0", "-0"),
        ("client", "--client-port", "65535", "65536"),
        ("client", "--udp-flows", "0", "-0"),
        ("client", "--udp-flows", "64", "65"),
        ("client", "--udp-spacing", "0", "24.0001h"),
        ("client", "--loss-threshold", "0", "0.001"),
        ("client", "--loss-threshold", "100", "100.01"),
        ("client", "--mtu-interval", "0", "-0"),
        ("client", "--summary-interval", "0", "24.0001h"),
        ("client", "--count", "18446744073709551615", "18446744073709551616"),
    ] {
        assert!(understood(&[command, flag, right], &[]).is_ok(), "{flag} {right}");
        assert!(understood(&[command, flag, wrong], &[]).is_err(), "{flag} {wrong}");
    }
    let name = "n".repeat(253);
    assert!(understood(&["client", "--node-name", &name], &[]).is_ok());
    assert!(understood(&["client", "--node-name", &(name + "n")], &[]).is_err());
}

#[test]
fn durations_are_what_they_say() {
    let timeout = |text: &str| understood(&["check", "--timeout", text], &[]).unwrap();
    for (text, same) in [
        ("30", "30s"),
        ("0.5", "500ms"),
        ("1.5m", "90s"),
        ("2m", "120"),
        ("1h", "60m"),
        ("0.25h", "900000ms"),
        ("007", "7s"),
    ] {
        assert_eq!(timeout(text), timeout(same), "{text}");
    }
    assert_ne!(timeout("5"), timeout("5m"));
    // It may exceed the interval.
    assert!(understood(&["client", "--timeout", "2m", "--interval", "1s"], &[]).is_ok());
}

#[test]
fn two_listeners_cannot_share_a_port_of_one_kind() {
    let server = |arguments: &[&str], variables: &[(&str, &str)]| {
        understood(&[&["server"], arguments].concat(), variables).map(drop)
    };
    let refused = |line: &str| Err(line.to_owned());
    let refusal = "--http-port: \"9000\" is the port of --tcp-port too (each needs its own)";
    assert_eq!(server(&["--tcp-port", "9000", "--http-port", "9000"], &[]), refused(refusal));
    let refusal = "HTTP_PORT: \"9000\" is the port of --tcp-port too (each needs its own)";
    assert_eq!(server(&["--tcp-port", "9000"], &[("HTTP_PORT", "9000")]), refused(refusal));
    let refusal = "TCP_PORT: \"8082\" is the port of HTTP_PORT too (each needs its own)";
    assert_eq!(server(&[], &[("TCP_PORT", "8082")]), refused(refusal));
    // UDP's ports are of another kind, free ports are never the same, and clients may probe one port twice.
    assert_eq!(server(&["--tcp-port", "9000", "--udp-port", "9000"], &[]), Ok(()));
    assert_eq!(server(&["--tcp-port", "0", "--http-port", "0"], &[]), Ok(()));
    assert!(understood(&["client", "--tcp-port", "9000", "--http-port", "9000"], &[]).is_ok());
}

/// The rest is about what only a process can show: that the environment and the arguments arrive, and that a
/// refusal is one line on stderr and exit status 2.
#[test]
fn the_process_refuses_a_wrong_value_with_one_line() {
    for (at, setting) in TABLE.iter().enumerate() {
        // Each setting once by flag and once by environment, each command and wrong value in its turn.
        let command = setting.of[at % setting.of.len()];
        let value = setting.wrong[at % setting.wrong.len()];
        let refusal = format!("\"{}\" {}", smoker::log::escape(value), setting.accepted(command));
        let Setting { variable, flag, .. } = setting;
        assert_refused(smoker().arg(command).env(variable, value), &format!("{variable}: {refusal}"));
        assert_refused(smoker().args([command, flag, value]), &format!("{flag}: {refusal}"));
    }
    let example = "TCP_PORT: \"eighty\" is not a port number (0 to 65535)";
    assert_refused(smoker().arg("server").env("TCP_PORT", "eighty"), example);
    let count = "--count: \"0\" is not a number of rounds (1 or more)";
    assert_refused(smoker().args(["client", "--count", "0"]), count);
    assert_refused(smoker().args(["local", "--count=0"]), count);
    let host = "HOST: \"a b\" is not a host name or IP address (such as smoker-server or 10.0.0.5)";
    assert_refused(smoker().args(["check", "a b"]), host);
}

#[test]
fn the_process_reads_its_environment_and_only_what_the_command_uses() {
    let mut command = smoker();
    command.args(["local", "--protocols", "udp", "--log-level=error"]);
    for setting in &TABLE {
        let used = setting.of.contains(&"local") && !["--protocols", "--log-level"].contains(&setting.flag);
        command.env(setting.variable, if used { "" } else { setting.wrong[0] });
    }
    command.args(["--count", "1"]).timeout(PATIENCE).assert().code(0).stderr("");
    let line = format!("IDLE_TIMEOUT: \"never\" {ACCEPTED_FROM_1}");
    assert_refused(command.env("IDLE_TIMEOUT", "never"), &line);
}

#[test]
fn bytes_that_are_no_text_are_refused_by_name() {
    let bytes = OsStr::from_bytes(b"caf\xe9");
    let shown = "\"caf\u{fffd}\"";
    let flag = OsStr::from_bytes(b"--tcp-port\xff=1");
    for (arguments, line) in [
        (&[bytes][..], format!("{shown}: unknown command ({COMMAND_NAMES})")),
        (&["help".as_ref(), bytes], format!("{shown}: unknown command ({COMMAND_NAMES})")),
        (&["version".as_ref(), bytes], format!("{shown}: unexpected argument (see smoker help version)")),
        (
            &["check".as_ref(), bytes],
            format!("HOST: {shown} is not a host name or IP address (such as smoker-server or 10.0.0.5)"),
        ),
        (
            &["check".as_ref(), flag],
            "\"--tcp-port\u{fffd}\": unknown flag; did you mean --tcp-port?".to_owned(),
        ),
    ] {
        assert_refused(smoker().args(arguments), &line);
    }
    for setting in &TABLE {
        let command = setting.of[0];
        let refusal = format!("{shown} {}", setting.accepted(command));
        let Setting { variable, flag, .. } = setting;
        assert_refused(smoker().arg(command).env(variable, bytes), &format!("{variable}: {refusal}"));
        assert_refused(smoker().args([command, flag]).arg(bytes), &format!("{flag}: {refusal}"));
    }
    // Where nothing else uses them, they are accepted.
    let elsewhere = OsStr::from_bytes(b"\xff\xfe");
    smoker().arg("version").env(elsewhere, elsewhere).env("TCP_PORT", bytes).assert().code(0).stderr("");
}
