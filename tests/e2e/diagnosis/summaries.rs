//! Summaries: when they come, and that they sum up the lines before them.

use super::{client_of, of_kinds};
use crate::support::child::Server;
use crate::support::line::Line;
use crate::support::running::{Ended, Running, port_flags};
use crate::support::scripted::Refused;
use crate::support::smoker;

/// The bound of a percentile's error that the issue states.
const ERROR: f64 = 0.05;

/// A microsecond, the last digit of a line's number, in ms.
const DIGIT_MS: f64 = 0.001;

fn latencies(ended: &Ended, kind: &str) -> Vec<f64> {
    of_kinds(ended, &[kind]).iter().map(|line| line.ms("latency")).collect()
}

/// The summary of `kind`.
fn summary(ended: &Ended, kind: &str) -> Line {
    of_kinds(ended, &["SUMMARY"]).into_iter().find(|line| line.event == kind).unwrap()
}

#[test]
fn a_count_of_rounds_ends_with_a_summary_of_them() {
    let server = Server::start(&["--log-level=error"]);
    let ended = Running::start(client_of(&server, &["--count=12", "--mtu-interval=0"])).ended();
    let at_the_end: Vec<String> =
        ended.lines[ended.lines.len() - 4..].iter().map(|line| Line::of(line).brief()).collect();
    assert_eq!(at_the_end, ["SUMMARY TCP", "SUMMARY UDP", "SUMMARY UDP_SERIES", "SUMMARY HTTP"]);
    for kind in ["TCP", "UDP", "UDP_SERIES", "HTTP"] {
        let (summary, reported) = (summary(&ended, kind), latencies(&ended, kind));
        assert_eq!((summary.count("count"), summary.count("failures")), (12, 0), "{summary}");
        let suspect = of_kinds(&ended, &[kind]).iter().any(|line| line.get("suspect").is_some());
        if suspect {
            continue;
        }
        let jitter =
            reported.windows(2).fold(0.0, |jitter, two| jitter + ((two[1] - two[0]).abs() - jitter) / 16.0);
        let mut sorted = reported;
        sorted.sort_by(f64::total_cmp);
        for (key, rank) in [("min", 1), ("p50", 6), ("p90", 11), ("p99", 12), ("max", 12)] {
            let (found, true_one) = (summary.ms(key), sorted[rank - 1]);
            let error = if ["min", "max"].contains(&key) { 0.0 } else { true_one * ERROR };
            assert!((found - true_one).abs() <= error + DIGIT_MS, "{key}: {summary} of {sorted:?}");
        }
        // RFC 3550, 6.4.1. Each latency in the lines is rounded.
        assert!((summary.ms("jitter") - jitter).abs() <= 2.0 * DIGIT_MS, "{jitter}: {summary}");
    }
}

#[test]
fn what_failed_is_counted_and_has_no_latency() {
    let closed = Refused::ports();
    let mut command = smoker();
    command.args(["client", "--server-host=127.0.0.2", "--node-name=n", "--count=2", "--interval=10ms"]);
    command.args(["--protocols=tcp,udp", "--mtu-interval=0"]).args(port_flags(
        closed.tcp.port(),
        closed.udp.port(),
        1,
    ));
    let ended = Running::start(command).ended();
    for kind in ["TCP", "UDP", "UDP_SERIES"] {
        let summary = summary(&ended, kind);
        assert_eq!((summary.count("count"), summary.count("failures")), (2, 2), "{summary}");
        assert_eq!(summary.get("min"), None, "{summary}");
    }
}

#[test]
fn between_summaries_is_the_interval_and_each_begins_anew() {
    let server = Server::start(&["--log-level=error"]);
    let flags = ["--count=4", "--protocols=tcp", "--summary-interval"];
    let summaries = |interval: &str| {
        let ended = Running::start(client_of(&server, &[&flags[..], &[interval]].concat())).ended();
        of_kinds(&ended, &["SUMMARY"]).iter().map(|line| line.count("count")).collect::<Vec<_>>()
    };
    // After every round, but for those that end within a millisecond of the last summary.
    let short = summaries("1ms");
    assert!(short.len() > 1 && short.iter().sum::<u64>() == 4, "{short:?}");
    assert_eq!(summaries("0"), [4]);
    assert_eq!(summaries("1h"), [4]);
}

#[test]
fn a_single_check_has_none_and_several_end_with_one() {
    let server = Server::start(&["--log-level=error"]);
    let check = |count: Option<&str>| {
        let mut command = smoker();
        command.args(["check", "127.0.0.1", "--node-name=n", "--protocols=tcp"]).args(count);
        command.args(port_flags(server.tcp.port(), server.udp.port(), server.http.port()));
        let ended = Running::start(command).ended();
        ended.lines.iter().map(|line| Line::of(line).brief()).collect::<Vec<_>>()
    };
    let once = ["TCP SUCCESS", "VERDICT healthy"];
    assert_eq!(check(None), once);
    assert_eq!(check(Some("--count=1")), once);
    let twice: Vec<String> =
        check(Some("--count=2")).into_iter().filter(|line| !line.contains("CLIENT")).collect();
    assert_eq!(twice, ["TCP SUCCESS", "VERDICT healthy", "TCP SUCCESS", "SUMMARY TCP"]);
}
