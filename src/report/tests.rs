//! The lines that the log prints are read back, the page for fleets of all sorts, and the limits.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, BufReader, Read};
use std::os::fd::OwnedFd;
use std::time::Duration;

use super::input::{self, MAX_INPUT, Next};
use super::line::{Line, MAX_PREFIX};
use super::nodes::{MAX_FAILURES, MAX_NODES, SILENT_AFTER};
use super::page::WIDTH;
use super::passed::MAX_PASSED;
use super::replicas::MAX_REPLICAS;
use super::*;
use crate::log::{Event, Form, Level, Log, Output, Speaker, Value};

/// One of each kind, as clients and servers print them.
const LINES: &str = include_str!("lines.txt");

fn lines() -> impl Iterator<Item = &'static str> {
    LINES.lines()
}

fn report(text: &str) -> Report {
    read(text.as_bytes()).unwrap()
}

/// The page, whose form is checked on the way.
fn page(report: &Report) -> String {
    let page = report.to_string();
    let most = if report.is_healthy() { 24 } else { 40 };
    assert!(page.lines().count() <= most, "{page}");
    for line in page.lines() {
        assert!(line.chars().count() <= WIDTH && !line.contains(char::is_control), "{line}");
    }
    page
}

fn answer(text: &str) -> String {
    page(&report(text)).lines().next().unwrap().to_owned()
}

/// A line of `node`, so many seconds after ten o'clock.
fn line_of(node: &str, second: u64, what: &str) -> String {
    let stamp = format!("{:02}:{:02}:{:02}", 10 + second / 3600, second / 60 % 60, second % 60);
    format!("[2025-11-13 {stamp}] [NODE:{node}] {what}\n")
}

const HEALTHY: &str = "[VERDICT] healthy evidence=tcp:ok";
const SERVICE: &str = "[VERDICT] service detail=\"10.96.0.12:8080 times out\" since=2025-11-13T10:00:00Z";

#[test]
fn every_line_is_understood() {
    for text in lines() {
        let line = forms::line(text).unwrap_or_else(|| panic!("{text}"));
        assert_eq!(line.node.as_deref(), text.contains("[NODE:").then_some("node-2"));
        assert!(text.contains(&format!("[{}] ", line.kind)), "{text}");
        for (key, value) in &line.fields {
            assert!(text.contains(&format!(" {key}={value}")) || key == "detail", "{text}: {key}={value}");
        }
    }
    let last = forms::line(lines().last().unwrap()).unwrap();
    assert_eq!(last.field("detail"), Some("line \"x\" has \u{1b} in it\n"));
    let report = report(LINES);
    assert_eq!((report.counts.understood, report.counts.not_understood), (lines().count() as u64, 0));
    assert_eq!(report.counts.lost, 7);
}

/// What `log` prints of these values in this form.
fn printed(form: Form, speaker: &Speaker, event: Event, fields: &[(&str, Value)]) -> String {
    let (mut reader, writer) = io::pipe().unwrap();
    let output = Output::file(File::from(OwnedFd::from(writer)), Duration::ZERO);
    Log::new(speaker.clone(), Level::Info, form, output).line(Level::Info, "TCP", event, fields);
    let mut text = String::new();
    reader.read_to_string(&mut text).unwrap();
    text
}

#[test]
fn both_forms_read_alike() {
    let words = [Value::Word("tcp:timeout"), Value::Word("endpoint:2/2")];
    let fields = [
        ("latency", Value::Milliseconds(Duration::from_nanos(412_499))),
        ("after", Value::Seconds(Duration::from_secs(330))),
        ("failures", Value::Count(3)),
        ("error", Value::Word("timeout")),
        ("address", Value::Address("[2001:db8::1]:8080".parse().unwrap())),
        ("resolver", Value::Ip("fd00::a".parse().unwrap())),
        ("since", Value::Moment(SystemTime::UNIX_EPOCH)),
        ("evidence", Value::List(&words)),
        ("none", Value::List(&[])),
        ("detail", Value::Text("a \"b\" \\ \n\r\t\u{1b}\u{7f}\u{85}\u{2028} é 🦀 =] [ {")),
        ("empty", Value::Text("")),
        ("last", Value::Count(0)),
    ];
    for speaker in [Speaker::Server, Speaker::Node("node-1".into())] {
        let [text, json] =
            [Form::Text, Form::Json].map(|form| printed(form, &speaker, Event::Word("FAILED"), &fields));
        let (text, json) = (forms::line(&text).unwrap(), forms::line(&json).unwrap());
        let sorted = |line: &Line| {
            let mut fields: Vec<_> =
                line.fields.iter().map(|(key, value)| (key.to_string(), value.to_string())).collect();
            fields.sort();
            fields
        };
        assert_eq!(sorted(&text), sorted(&json));
        assert_eq!(text.fields.len(), fields.len());
        assert_eq!((text.node, text.kind, text.event), (json.node, json.kind, json.event));
        assert!(json.time.duration_since(text.time).is_ok_and(|apart| apart < Duration::from_mins(1)));
    }
}

#[test]
fn prefixes_of_any_kind_are_skipped_up_to_the_limit() {
    let text = lines().next().unwrap();
    let json =
        r#"{"time":"2025-11-13T10:30:00Z","node":"node-2","kind":"TCP","event":"SUCCESS","latency_ms":0.4}"#;
    for line in [text, json] {
        for prefix in [
            "[pod/smoker-client-abcde/smoker-client] ",
            "[pod/smoker-client-abcde/smoker-client] 2025-11-13T10:30:00.123456789Z ",
            "smoker-client-abcde smoker-client ",
            "smoker-1  | ",
            &" ".repeat(MAX_PREFIX),
        ] {
            for end in ["", "\r", "  "] {
                assert_eq!(forms::line(&format!("{prefix}{line}{end}")), forms::line(line), "{prefix}");
            }
        }
        assert_eq!(forms::line(&(" ".repeat(MAX_PREFIX + 1) + line)), None);
    }
}

#[test]
fn objects_of_json_in_any_order_and_with_more_than_ours_are_understood() {
    let text = r#" { "event" : "SUCCESS" , "x":[ 1, "a",null ,true ],"y":-1.5e3, "z":[] ,"kind":"T\u0043P",
        "time":"2025-11-13T10:30:00Z","node":"\ud83e\udd80\ud83e" } "#;
    let line = forms::line(text).unwrap();
    assert_eq!((&*line.kind, line.node.as_deref()), ("TCP", Some("🦀\u{fffd}")));
    assert_eq!(
        (line.field("x"), line.field("y"), line.field("z")),
        (Some("1,a,null,true"), Some("-1.5e3"), Some(""))
    );
}

#[test]
fn what_is_no_line_is_counted_and_not_fatal() {
    let whole = r#"{"time":"2025-11-13T10:30:00Z","node":"a","kind":"TCP","event":"SUCCESS"}"#;
    assert!(forms::line(whole).is_some());
    let wrong = [
        "nonsense",
        "[2025-11-13 10:30:00]",
        "[2025-11-13 10:30:00] [NODE:] [TCP] SUCCESS",
        "[2025-11-13 10:30:00] [POD:a] [TCP] SUCCESS",
        "[2025-11-13 10:30:00] [NODE:a] [TCP]",
        "[2025-11-13 10:30:00] [NODE:a] [TCP] ",
        "[2025-11-13 10:30:00] [NODE:a] TCP SUCCESS",
        "[2025-11-31 10:30:00] [NODE:a] [TCP] SUCCESS",
        "[2025-11-13 10:30:00] [NODE:a] [TCP] FAILED detail=\"cut",
        "[2025-11-13 10:30:00] [NODE:a] [TCP] FAILED detail=\"a\"b",
        "[2025-11-13 10:30:00] [NODE:a] [TCP] FAILED detail=\"\\x\"",
        "{\"log\":\"[2025-11-13 10:30:00] [NODE:a] [TCP] SUCCESS latency=1.000ms\\n\",\"stream\":\"stdout\"}",
        "{}",
        "{",
        r#"{"time":"2025-11-13T10:30:00Z","node":"a","kind":"TCP","event":"SUCCESS"} x"#,
        r#"{"time":"2025-11-13T10:30:00Z","node":"a","kind":"TCP","event":"SUCCESS",}"#,
        r#"{"time":"2025-11-13T10:30:00Z","node":"a","kind":"TCP","event":"SUCCESS","x":{}}"#,
        r#"{"time":"2025-11-13T10:30:00Z","node":"a","kind":"TCP","event":"SUCCESS","x":[[]]}"#,
        r#"{"time":"2025-11-13T10:30:00Z","node":"a","kind":"TCP","event":"SUCCESS","x":yes}"#,
        r#"{"time":"2025-11-13T10:30:00Z","node":"a","kind":"TCP","event":"SUCCESS","x":"\u00g0"}"#,
        r#"{"time":"2025-11-13T10:30:00Z","node":"a","kind":"TCP"}"#,
        r#"{"time":"2025-11-13T10:30:00Z","kind":"TCP","event":"SUCCESS"}"#,
    ];
    for text in wrong {
        assert_eq!(forms::line(text), None, "{text}");
    }
    let read = report(&(wrong.join("\n") + "\n\n" + &line_of("a", 0, HEALTHY)));
    assert_eq!((read.counts.understood, read.counts.not_understood), (1, wrong.len() as u64));
    assert!(page(&read).ends_with(&format!("of other lines: {} not understood\n", wrong.len())));
}

#[test]
fn bytes_that_are_not_utf_8_are_tolerated() {
    let mut bytes = line_of("a", 0, "[VERDICT] port detail=\"x").into_bytes();
    bytes.truncate(bytes.len() - 1);
    bytes.extend(b"\xff\xfe\"\n\xff\n");
    let report = read(&*bytes).unwrap();
    assert_eq!((report.counts.understood, report.counts.not_understood), (1, 1));
    assert!(page(&report).contains("x\u{fffd}\u{fffd}"));
}

#[test]
fn a_line_is_read_up_to_its_limit_and_skipped_past_it() {
    for (extra, next) in [(0, Next::Line), (1, Next::TooLong)] {
        let text = "x".repeat(MAX_INPUT + extra) + "\nrest";
        // However the input comes in pieces.
        for capacity in [1, 100, 8192] {
            let (mut input, mut line) = (BufReader::with_capacity(capacity, text.as_bytes()), Vec::new());
            assert_eq!(input::next(&mut input, &mut line).unwrap(), next);
            assert_eq!(input::next(&mut input, &mut line).unwrap(), Next::Line);
            assert_eq!(line, b"rest");
            assert_eq!(input::next(&mut input, &mut line).unwrap(), Next::End);
        }
    }
    let mut line = Vec::new();
    let mut endless = BufReader::new(io::repeat(b'x').take(10_000_000));
    assert_eq!(input::next(&mut endless, &mut line).unwrap(), Next::TooLong);
    assert!(line.capacity() <= 2 * MAX_INPUT, "{}", line.capacity());
}

#[test]
fn an_empty_line_at_the_end_is_none() {
    for (text, ends) in [("", 0), ("\n", 1), ("a", 1), ("a\n", 1), ("a\n\n", 2)] {
        let (mut input, mut line, mut lines) = (text.as_bytes(), Vec::new(), 0);
        while input::next(&mut input, &mut line).unwrap() != Next::End {
            lines += 1;
        }
        assert_eq!(lines, ends, "{text:?}");
    }
}

#[test]
fn an_input_that_fails_is_an_error() {
    struct Broken;
    impl Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::ErrorKind::IsADirectory.into())
        }
    }
    assert_eq!(read(BufReader::new(Broken)).unwrap_err().kind(), io::ErrorKind::IsADirectory);
}

#[test]
fn one_node_and_all_nodes_are_distinguished() {
    let fleet = |sick: usize, total: usize| -> String {
        (0..total)
            .map(|node| line_of(&format!("node-{node}"), 0, if node < sick { SERVICE } else { HEALTHY }))
            .collect()
    };
    for (sick, total, expected) in [
        (0, 1, "the one node is healthy"),
        (0, 5, "all 5 nodes are healthy"),
        (1, 1, "the one node sees a fault: service (since 2025-11-13 10:00:00)"),
        (1, 5, "1 of 5 nodes sees a fault: service on node-0 (since 2025-11-13 10:00:00)"),
        (2, 5, "2 of 5 nodes see a fault: service on node-0, node-1 (since 2025-11-13 10:00:00)"),
        (5, 5, "all 5 nodes see a fault: service (since 2025-11-13 10:00:00)"),
        (40, 90, "40 of 90 nodes see a fault: service on 40 nodes (since 2025-11-13 10:00:00)"),
    ] {
        assert_eq!(answer(&fleet(sick, total)), expected);
        assert_eq!(report(&fleet(sick, total)).is_healthy(), sick == 0);
    }
    assert!(
        page(&report(&fleet(2, 5))).contains("\n  call: the node team: the Service rules of these nodes")
    );
    assert!(page(&report(&fleet(5, 5))).contains("\n  call: the network team: the Service itself"));
    assert!(page(&report(&fleet(1, 1))).contains("there are no lines of another node"));
    assert_eq!(answer(""), "nothing is known: there is no line of a client");
    assert!(!report("").is_healthy());
}

#[test]
fn the_last_verdict_counts_whatever_the_order_of_the_logs() {
    let (sick, well) =
        (line_of("a", 0, SERVICE), line_of("a", 60, "[VERDICT] healthy after=60s was=service"));
    for text in [sick.clone() + &well, well + &sick] {
        let page = page(&report(&text));
        assert!(page.starts_with("the one node is healthy\n"), "{page}");
        assert!(
            page.contains("\nservice                              1      1  2025-11-13 10:01:00\n"),
            "{page}"
        );
    }
}

#[test]
fn a_transient_fault_is_no_fault_and_counted_once() {
    let text = line_of("a", 0, "[VERDICT] transient detail=\"x\"")
        + &line_of("a", 30, "[VERDICT] healthy after=30s was=transient");
    let page = page(&report(&text));
    assert!(
        page.starts_with("the one node is healthy\n")
            && page.contains("\ntransient                            1 ")
    );
}

#[test]
fn a_verdict_that_is_logged_again_is_the_same() {
    let again = line_of("a", 0, SERVICE) + &line_of("a", 300, SERVICE) + &line_of("a", 600, SERVICE);
    assert_eq!(answer(&again), "the one node sees a fault: service (since 2025-11-13 10:00:00)");
    assert!(!page(&report(&again)).contains("PASSED"));
    let healthy = line_of("a", 0, HEALTHY) + &line_of("a", 300, HEALTHY);
    assert_eq!(answer(&healthy), "the one node is healthy");
}

#[test]
fn without_verdicts_what_lasts_of_the_failures_is_the_fault() {
    let failed = "[TCP] FAILED error=refused phase=connect failures=1 since=2025-11-13T10:00:00Z";
    let lasting = line_of("a", 0, failed)
        + &line_of("a", 1, "[UDP] SUCCESS latency=0.100ms")
        + &line_of("a", 1, "[MTU] UNMEASURED error=timeout phase=receive address=10.96.0.12")
        + &line_of("b", 1, HEALTHY);
    let expected = "1 of 2 nodes sees a fault: no verdict on a (since 2025-11-13 10:00:00)";
    assert_eq!(answer(&lasting), expected);
    assert!(page(&report(&lasting)).contains("\n  seen: TCP refused (a)\n"));
    let other = lasting.clone() + &line_of("a", 30, "[TCP] FAILED error=timeout");
    assert!(page(&report(&other)).contains("\n  seen: TCP timeout (a)\n"));
    assert!(
        page(&report(&other))
            .contains("\nTCP refused                          1      1  2025-11-13 10:00:00\n")
    );
    let over = lasting.clone() + &line_of("a", 30, "[TCP] SUCCESS latency=0.100ms");
    assert_eq!(answer(&over), "1 of 2 nodes is healthy, nothing is known of the others now");
    let judged = lasting + &line_of("a", 30, HEALTHY) + &line_of("a", 60, failed);
    assert_eq!(answer(&judged), "all 2 nodes are healthy");
    assert!(!page(&report(&judged)).contains("TCP refused"));
}

#[test]
fn a_replica_that_fails_does_so_until_it_answers_itself() {
    let failed = "[ENDPOINT] FAILED error=timeout phase=connect address=10.244.1.8:8080 failures=2000 \
        since=2025-11-11T10:00:00Z protocol=http";
    let lasting = line_of("a", 0, "[TCP] SUCCESS latency=0.100ms")
        + &line_of("a", 0, failed)
        + &line_of("a", 0, "[MTU] SUCCESS mtu=1500 interface=1500")
        + &line_of("a", 30, "[ENDPOINT] SUCCESS latency=0.100ms address=10.244.1.7");
    assert_eq!(answer(&lasting), "the one node sees a fault: no verdict (since 2025-11-11 10:00:00)");
    assert!(page(&report(&lasting)).contains("\n  seen: ENDPOINT 10.244.1.8 timeout (a)\n"));
    let over = lasting + &line_of("a", 60, "[ENDPOINT] SUCCESS latency=0.100ms address=10.244.1.8");
    let unknown = "the one node is not known to be healthy";
    assert_eq!(answer(&over), unknown);
    assert_eq!(answer(&line_of("a", 0, &format!("{failed} excused=draining"))), unknown);
}

#[test]
fn a_node_without_a_verdict_is_not_reported_as_healthy() {
    for what in
        ["[TCP] SUCCESS latency=0.100ms", "[MTU] UNMEASURED error=timeout", "[CLIENT] OVERRUN skipped=1"]
    {
        let one = line_of("b", 0, what);
        assert_eq!(answer(&one), "the one node is not known to be healthy");
        assert_eq!(answer(&(line_of("c", 0, what) + &one)), "none of 2 nodes is known to be healthy");
        let two = report(&(line_of("a", 0, HEALTHY) + &one));
        assert!(!two.is_healthy());
        let page = page(&two);
        assert!(page.starts_with(
            "1 of 2 nodes is healthy, nothing is known of the others now\n\
             no verdict of 1 node in these lines: \
             ask for more, --tail=-1 or --since above SUMMARY_INTERVAL\n"
        ));
        assert!(page.contains("\nno verdict of: b\n"), "{page}");
    }
}

#[test]
fn a_fault_is_on_all_nodes_only_if_each_of_them_has_a_verdict() {
    let some = "\n  call: the node team: the Service rules of these nodes";
    let (sick, other) =
        (line_of("a", 0, SERVICE) + &line_of("b", 0, SERVICE), line_of("c", 0, "[TCP] SUCCESS"));
    assert!(!page(&report(&sick)).contains(some));
    assert!(page(&report(&(sick + &other))).contains(some));
}

#[test]
fn a_node_is_silent_past_the_limit_or_three_of_its_own_pauses() {
    let limit = SILENT_AFTER.as_secs();
    for (pause, newest, silent) in
        [(30, 30 + limit, false), (30, 31 + limit, true), (600, 2400, false), (600, 2401, true)]
    {
        let text =
            line_of("a", 0, HEALTHY) + &line_of("a", pause, "[TCP] SUCCESS") + &line_of("b", newest, HEALTHY);
        assert_eq!(report(&text).is_healthy(), !silent, "{pause} {newest}");
        assert_eq!(page(&report(&text)).contains("\nsilent: a since 2025-11-13 10:"), silent);
    }
}

#[test]
fn replicas_are_known_by_address_and_pod() {
    let mut text = String::new();
    for (node, second) in [("a", 0), ("b", 30)] {
        text += &line_of(node, second, "[HTTP] SUCCESS latency=1.000ms pod=p1");
        text += &line_of(node, second, "[HTTP] SUCCESS latency=1.000ms pod=p3");
        text += &line_of(node, second, "[ENDPOINT] SUCCESS latency=1.000ms address=10.244.1.7 pod=p1");
    }
    text += &line_of("a", 60, "[ENDPOINT] FAILED error=timeout address=10.244.1.8:8080 protocol=tcp");
    text += &line_of("a", 60, "[ENDPOINT] FAILED error=timeout address=cached");
    let page = page(&report(&text));
    let rows: Vec<Vec<&str>> =
        page.lines().skip_while(|line| !line.starts_with("REPLICA")).skip(1).take(3).map(columns).collect();
    assert_eq!(
        rows,
        [
            ["10.244.1.8", "-", "0", "1", "0", "never"],
            ["10.244.1.7", "p1", "4", "0", "2", "2025-11-13 10:00:30"],
            ["-", "p3", "2", "0", "2", "2025-11-13 10:00:30"],
        ]
    );
}

#[test]
fn a_replica_known_by_pod_and_by_address_is_one_once_a_line_has_both() {
    let text = line_of("a", 0, "[HTTP] SUCCESS latency=1.000ms pod=p1")
        + &line_of("b", 0, "[ENDPOINT] FAILED error=timeout address=10.244.1.7:8080 protocol=tcp");
    assert_eq!(report(&text).replicas.rows().len(), 2);
    let report =
        report(&(text + &line_of("c", 30, "[ENDPOINT] SUCCESS latency=1.000ms address=10.244.1.7 pod=p1")));
    let rows = report.replicas.rows();
    assert_eq!(rows.len(), 1);
    assert_eq!((rows[0].answered, rows[0].failed, rows[0].nodes.len()), (2, 1, 2));
}

fn columns(line: &str) -> Vec<&str> {
    line.split("  ").map(str::trim).filter(|column| !column.is_empty()).collect()
}

#[test]
fn nodes_are_kept_up_to_the_limit_and_lines_of_others_counted() {
    let fleet =
        |total: usize| (0..total).map(|node| line_of(&format!("n{node}"), 0, HEALTHY)).collect::<String>();
    assert_eq!(answer(&fleet(MAX_NODES)), "all 5000 nodes are healthy");
    let past = fleet(MAX_NODES + 1) + &line_of("n0", 30, HEALTHY);
    assert_eq!(answer(&past), "5000 of 5000+ nodes are healthy, nothing is known of the others now");
    assert!(page(&report(&past)).ends_with("\nof other lines: 1 of nodes past 5000\n"));
    assert!(!report(&past).is_healthy());
    let unjudged: String =
        (0..MAX_NODES).map(|node| line_of(&format!("n{node}"), 0, "[TCP] SUCCESS")).collect();
    let page = page(&report(&unjudged));
    assert!(page.lines().nth(1).is_some_and(|line| line.ends_with("SUMMARY_INTERVAL")), "{page}");
}

#[test]
fn names_are_kept_up_to_the_limit_and_cut_past_it() {
    let fleet = |len: usize| {
        ["x", "y"].map(|end| line_of(&format!("{}{end}", "n".repeat(len - 1)), 0, HEALTHY)).concat()
    };
    assert_eq!(answer(&fleet(MAX_KEPT)), "all 2 nodes are healthy");
    assert_eq!(answer(&fleet(MAX_KEPT + 1)), "the one node is healthy");
}

#[test]
fn failures_replicas_and_passed_faults_are_kept_up_to_their_limits() {
    let failed = |kinds: usize| -> Report {
        report(
            &(0..kinds).map(|kind| line_of("a", 0, &format!("[K{kind}] FAILED error=e"))).collect::<String>(),
        )
    };
    assert!(failed(MAX_FAILURES).failed().rows().iter().all(|failed| failed.name != "others"));
    assert_eq!(
        failed(MAX_FAILURES + 2).failed().rows().iter().find(|failed| failed.name == "others").unwrap().count,
        2
    );
    let replicas = |count: usize| -> Report {
        report(
            &(0..count)
                .map(|n| line_of("a", 0, &format!("[ENDPOINT] SUCCESS address=10.0.{}.{}", n / 256, n % 256)))
                .collect::<String>(),
        )
    };
    for past in [0, 1] {
        let report = replicas(MAX_REPLICAS + past);
        assert_eq!((report.replicas.rows().len(), report.replicas.left_out), (MAX_REPLICAS, past as u64));
        let passed = |n| line_of("a", 0, &format!("[VERDICT] healthy was=v{n}"));
        let report = super::tests::report(&(0..MAX_PASSED + past).map(passed).collect::<String>());
        assert_eq!(report.passed.rows().len(), MAX_PASSED);
    }
}

#[test]
fn the_page_stays_a_screenful_with_every_table_full() {
    let mut text = String::new();
    for node in 0..200 {
        let name = format!("ip-10-0-{node}-1.eu-central-1.compute.internal-{}", "x".repeat(200));
        let what = match node % 10 {
            0 => format!("[K{node}] FAILED error={}", "e".repeat(300)),
            1 => "[CLIENT] OVERRUN skipped=1".to_owned(),
            n => format!("[VERDICT] verdict_of_some_length_{n} detail=\"{}\\u{{1b}}\"", "d".repeat(256)),
        };
        text += &line_of(&name, 0, &what);
        if node % 10 != 1 {
            let what = format!("[ENDPOINT] FAILED error=timeout address=[fd00::{node}]:8080");
            text += &line_of(&name, node, &what);
        }
        text += &line_of("well", 5000, &format!("[VERDICT] healthy was=v{}", node % 7));
        text += &line_of("well", 5000, &format!("[HTTP] SUCCESS pod={}", "p".repeat(250)));
    }
    text += "nonsense\n";
    let page = page(&report(&text));
    assert_eq!(page.lines().next().unwrap(), "180 of 201 nodes see a fault: 9 different verdicts");
    assert_eq!(page.lines().count(), 40, "{page}");
}

#[test]
fn the_page_of_a_healthy_fleet_is_shorter_still() {
    let mut text = String::from("nonsense\n");
    for node in 0..200 {
        let name = format!("n{node}");
        text += &line_of(&name, 0, &format!("[K{}] FAILED error=timeout", node % 7));
        text += &line_of(&name, 1, &format!("[K{}] SUCCESS", node % 7));
        text += &line_of(&name, 1, &format!("[ENDPOINT] SUCCESS address=10.0.0.{node}"));
        text += &line_of(&name, 1, HEALTHY);
        text += &line_of("well", 1, &format!("[VERDICT] healthy was=v{}", node % 7));
    }
    let report = report(&text);
    assert!(report.is_healthy());
    assert_eq!(page(&report).lines().count(), 16, "{report}");
}

/// A generator of numbers that are as good as random: xorshift64.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % limit as u64).unwrap()
    }
}

#[test]
fn every_prefix_and_mutation_of_a_log_is_read() {
    let mut log = LINES.to_owned();
    for line in lines() {
        let line = forms::line(line).unwrap();
        let _ = write!(log, "{{\"time\":\"2025-11-13T10:30:00Z\",\"speaker\":\"client\",\"node\":\"a\"");
        let _ = write!(log, ",\"kind\":\"{}\",\"event\":\"{}\"", line.kind, line.event);
        let _ = writeln!(log, ",\"x_ms\":0.5,\"y\":[\"\\u00e9\",1],\"z\":\"\\ud83e\\udd80\"}}");
    }
    for line in log.lines() {
        for end in (0..=line.len()).filter(|end| line.is_char_boundary(*end)) {
            let _ = forms::line(&line[..end]);
        }
    }
    let mut numbers = Numbers(0x5eed);
    let lines: Vec<&str> = log.lines().collect();
    let mut report = Report::default();
    for _ in 0..200_000 {
        let mut bytes = lines[numbers.below(lines.len())].as_bytes().to_vec();
        for _ in 0..=numbers.below(3) {
            if !bytes.is_empty() {
                let at = numbers.below(bytes.len());
                match numbers.below(3) {
                    0 => bytes[at] = u8::try_from(numbers.below(256)).unwrap(),
                    1 => bytes.truncate(at),
                    _ => bytes.insert(at, b"\"\\[]{}=: ,\n"[numbers.below(11)]),
                }
            }
        }
        report.take(&String::from_utf8_lossy(&bytes));
    }
    assert!(
        report.counts.understood > 20_000 && report.counts.not_understood > 20_000,
        "{:?}",
        report.counts
    );
    page(&report);
}
