//! Prometheus' pages: their form, and that they count what was done.

use std::io::Write;
use std::process::{Command, Stdio};

use crate::support::child::{Server, eventually};
use crate::support::peer::{GET, Http, ask, assert_echoes, assert_returns, connect, datagrams, get, rest};

const REQUEST: &str = "GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n";

/// The value of a sample, by its name and labels as they are written.
pub(crate) fn sample<'a>(page: &'a str, name: &str) -> Option<&'a str> {
    let mut values = page.lines().filter_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    let value = values.next();
    assert!(values.next().is_none(), "{name} twice");
    value
}

/// The form that `promtool check metrics` demands, as far as a test can without it: each family's help,
/// type and samples in one piece, and each sample a number.
pub(crate) fn assert_well_formed(page: &str) {
    let mut families: Vec<&str> = Vec::new();
    for line in page.lines() {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            let (name, help) = rest.split_once(' ').unwrap();
            assert!(!families.contains(&name) && help.ends_with('.'), "{line}");
            families.push(name);
        } else if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, kind) = rest.split_once(' ').unwrap();
            assert_eq!(families.last(), Some(&name), "{line}");
            assert_eq!(kind == "counter", name.ends_with("_total"), "{line}");
        } else {
            let (name, value) = line.rsplit_once(' ').unwrap();
            assert!(name.starts_with(families.last().unwrap()), "{line}");
            assert!(value.parse::<f64>().is_ok(), "{line}");
        }
    }
    assert!(page.ends_with('\n'));
}

pub(crate) fn assert_promtool_has_no_complaint(page: &str) {
    let mut promtool = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    promtool.stdin.take().unwrap().write_all(page.as_bytes()).unwrap();
    let said = promtool.wait_with_output().unwrap();
    let words = [said.stdout, said.stderr].map(|bytes| String::from_utf8(bytes).unwrap());
    assert!(said.status.success() && words.iter().all(String::is_empty), "{words:?}\n{page}");
}

#[test]
fn a_servers_page_is_there_from_the_start_with_every_count_at_zero() {
    let server = Server::start(&[]);
    let reply = ask(server.http, REQUEST);
    assert_eq!(reply.status, 200);
    assert_eq!(reply.field("Content-Type"), Some("text/plain; version=0.0.4; charset=utf-8"));
    let page = reply.text();
    assert_well_formed(page);
    for name in [
        "smoker_server_connections{protocol=\"tcp\"}",
        "smoker_server_connections_total{protocol=\"tcp\"}",
        "smoker_server_refused_total{protocol=\"tcp\"}",
        "smoker_server_refused_total{protocol=\"http\"}",
        "smoker_server_bytes_total{protocol=\"udp\",direction=\"received\"}",
        "smoker_server_bytes_total{protocol=\"http\",direction=\"sent\"}",
        "smoker_server_requests_total{code=\"200\"}",
        "smoker_server_requests_total{code=\"503\"}",
        "smoker_server_datagrams_total{outcome=\"echo\"}",
        "smoker_server_datagrams_total{outcome=\"reply\"}",
        "smoker_server_datagrams_total{outcome=\"dropped\"}",
        "smoker_server_datagrams_total{outcome=\"unsent\"}",
    ] {
        assert_eq!(sample(page, name), Some("0"), "{name}");
    }
    assert_eq!(sample(page, "smoker_server_connections{protocol=\"http\"}"), Some("1"));
    let version = format!("smoker_build_info{{version=\"{}\"}}", env!("CARGO_PKG_VERSION"));
    assert_eq!(sample(page, &version), Some("1"));
    for name in [
        "process_cpu_seconds_total",
        "process_resident_memory_bytes",
        "process_virtual_memory_bytes",
        "process_open_fds",
        "process_max_fds",
        "process_start_time_seconds",
        "process_threads",
    ] {
        assert!(sample(page, name).is_some(), "{name}");
    }
}

#[test]
fn a_server_counts_what_it_does() {
    let server = Server::start(&[]);
    let tcp = connect(server.tcp);
    assert_echoes(&tcp, &[7; 1000]);
    assert_returns(&datagrams(server.udp), &[7; 100]);
    let mut http = Http::connect(server.http);
    let requests = [GET, "HEAD /nothing HTTP/1.1\r\nHost: a\r\n\r\n", REQUEST];
    http.send(requests[0]);
    http.reply();
    http.send(requests[1]);
    http.head().unwrap();
    http.send(requests[2]);
    let page = http.reply();
    let page = page.text();
    let received = &requests.concat().len().to_string();
    for (name, expected) in [
        ("smoker_server_connections{protocol=\"tcp\"}", "1"),
        ("smoker_server_connections_total{protocol=\"tcp\"}", "1"),
        ("smoker_server_connections_total{protocol=\"http\"}", "1"),
        ("smoker_server_bytes_total{protocol=\"tcp\",direction=\"received\"}", "1000"),
        ("smoker_server_bytes_total{protocol=\"udp\",direction=\"received\"}", "100"),
        ("smoker_server_bytes_total{protocol=\"http\",direction=\"received\"}", received),
        ("smoker_server_requests_total{code=\"200\"}", "1"),
        ("smoker_server_requests_total{code=\"404\"}", "1"),
    ] {
        assert_eq!(sample(page, name), Some(expected), "{name}");
    }
    // Counted once they have gone out, which the peer may see first.
    eventually("what was sent is counted", || {
        let page = get(server.http, "/metrics").1;
        let sent = ["tcp", "udp"].map(|protocol| {
            sample(&page, &format!("smoker_server_bytes_total{{protocol=\"{protocol}\",direction=\"sent\"}}"))
        });
        let echoes = sample(&page, "smoker_server_datagrams_total{outcome=\"echo\"}");
        (sent == [Some("1000"), Some("100")] && echoes == Some("1")).then_some(())
    });
}

#[test]
fn other_methods_get_no_page() {
    let server = Server::start(&[]);
    let reply = ask(server.http, "POST /metrics HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n");
    assert_eq!((reply.status, reply.field("Allow")), (405, Some("GET, HEAD")));
    let mut http = Http::connect(server.http);
    http.send(REQUEST.replace("GET", "HEAD"));
    let head = http.head().unwrap();
    assert!(head.field("Content-Length").unwrap().parse::<usize>().unwrap() > 1000);
    // Had a body come, it would be taken for the head of this reply.
    http.send(REQUEST);
    assert_well_formed(http.reply().text());
}

#[test]
fn a_server_that_is_full_counts_whom_it_turns_away_and_still_tells() {
    let server = Server::start(&["--max-connections", "1"]);
    let tcp = connect(server.tcp);
    assert_echoes(&tcp, b"PING");
    assert_eq!(get(server.http, "/").0, 503);
    let refused = connect(server.tcp);
    assert!(rest(&mut &refused).is_empty());
    let (status, page) = get(server.http, "/metrics");
    assert_eq!(status, 200);
    assert_eq!(sample(&page, "smoker_server_refused_total{protocol=\"tcp\"}"), Some("1"));
    assert_eq!(sample(&page, "smoker_server_requests_total{code=\"503\"}"), Some("1"));
}

#[test]
#[ignore = "needs promtool: `.ci/promtool path` says where it is"]
fn promtool_has_no_complaint_about_a_servers_page() {
    let server = Server::start(&[]);
    assert_promtool_has_no_complaint(&get(server.http, "/metrics").1);
}
