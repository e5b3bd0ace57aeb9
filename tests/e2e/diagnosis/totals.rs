//! The client's page of metrics against its own lines: both count the same.

use std::collections::BTreeMap;
use std::io::Write;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::channel;

use super::{client_of, lines};
use crate::metrics::sample;
use crate::support::child::{Server, eventually};
use crate::support::line::Line;
use crate::support::peer::get;
use crate::support::running::{PATIENCE, Running};
use crate::support::scripted::{hold, read_ping, tcp};
use crate::support::starved::unless_starved;

/// What the lines of whole rounds and the page of a client say, as it waits in the round after them: its TCP
/// server answers `turns` times, as `answer` says, and then no more.
fn run(turns: u32, answer: fn(u32) -> &'static [u8], rounds: u64, flags: &[&str]) -> (Vec<Line>, String) {
    let mut server = Server::start(&["--log-level=error"]);
    let (sender, stuck) = channel();
    let turn = AtomicU32::new(0);
    server.tcp = tcp(move |mut stream| {
        let turn = turn.fetch_add(1, Ordering::SeqCst);
        if turn < turns {
            read_ping(&mut stream);
            stream.write_all(answer(turn)).unwrap();
        } else {
            sender.send(()).unwrap();
            hold(stream);
        }
    });
    let flags = [&["--client-port=0", "--timeout=1m", "--interval=50ms"], flags].concat();
    let client = Running::start(client_of(&server, &flags));
    let exporter = lines(&client).next().unwrap();
    let port = exporter.get("address").unwrap().parse::<SocketAddr>().unwrap().port();
    stuck.recv_timeout(PATIENCE).unwrap();
    let page = get(([127, 0, 0, 1], port).into(), "/metrics").1;
    assert_eq!(sample(&page, "smoker_rounds_total"), Some(&*rounds.to_string()));
    // The reader of the client's lines may be behind.
    let mut all = Vec::new();
    eventually("the lines of these rounds are read", || {
        all.extend(client.lines_so_far().iter().map(|line| Line::of(line)));
        let rounds_logged = all.iter().filter(|line| line.kind == "HTTP").count() as u64;
        (rounds_logged == rounds && all.iter().any(|line| line.kind == "VERDICT")).then_some(())
    });
    (all, page)
}

/// Probes by protocol and result, as lines tell them.
fn results(lines: &[Line]) -> BTreeMap<String, u64> {
    let mut results = BTreeMap::new();
    for line in lines.iter().filter(|line| ["SUCCESS", "FAILED"].contains(&&*line.event)) {
        let result = line.get("error").unwrap_or("success");
        *results.entry(format!("{} {result}", line.kind.to_lowercase())).or_default() += 1;
    }
    results
}

/// The same, as a page does: those that are not 0.
fn counted(page: &str) -> BTreeMap<String, u64> {
    let samples = page.lines().filter_map(|line| {
        let (labels, value) = line.strip_prefix("smoker_probe_total{protocol=\"")?.split_once("\"} ")?;
        let (protocol, result) = labels.split_once("\",result=\"")?;
        Some((format!("{protocol} {result}"), value.parse().ok()?))
    });
    samples.filter(|(_, count)| *count > 0).collect()
}

fn number(page: &str, name: &str) -> u64 {
    sample(page, name).unwrap_or_else(|| panic!("no {name}")).parse().unwrap()
}

fn sum(lines: &[Line], kind: &str, key: &str) -> u64 {
    lines.iter().filter(|line| line.kind == kind).map(|line| line.count(key)).sum()
}

#[test]
fn the_page_counts_what_the_lines_tell() {
    unless_starved(|| {
        let (lines, page) = run(6, |_| b"PING", 6, &["--mtu-interval=2"]);
        let (by_lines, by_page) = (results(&lines), counted(&page));
        assert_eq!(by_lines, by_page);
        assert_eq!(by_page.get("mtu success"), Some(&3));
        for (name, expected) in [
            ("{direction=\"both\",outcome=\"sent\"}", sum(&lines, "UDP_SERIES", "sent")),
            ("{direction=\"both\",outcome=\"received\"}", 6 * 16),
            ("{direction=\"forward\",outcome=\"lost\"}", 0),
            ("{direction=\"return\",outcome=\"lost\"}", 0),
            ("{direction=\"unknown\",outcome=\"lost\"}", 0),
            ("{direction=\"both\",outcome=\"reordered\"}", sum(&lines, "UDP_SERIES", "reordered")),
        ] {
            assert_eq!(number(&page, &format!("smoker_udp_datagrams_total{name}")), expected, "{name}");
        }
        assert_eq!(
            number(&page, "smoker_path_mtu_bytes"),
            lines.iter().find(|line| line.kind == "MTU").unwrap().count("mtu")
        );
        if lines.iter().all(|line| line.get("suspect").is_none()) {
            for (kind, label) in
                [("TCP", "tcp"), ("UDP", "udp"), ("HTTP", "http"), ("UDP_SERIES", "udp_series")]
            {
                let labels = format!("{{protocol=\"{label}\",phase=\"total\"}}");
                let count = number(&page, &format!("smoker_probe_duration_seconds_count{labels}"));
                assert_eq!(count, 6, "{label}");
                let sum = sample(&page, &format!("smoker_probe_duration_seconds_sum{labels}")).unwrap();
                let logged: f64 =
                    lines.iter().filter(|line| line.kind == kind).map(|line| line.ms("latency")).sum();
                // Each of the six is rounded to a microsecond.
                assert!(
                    (sum.parse::<f64>().unwrap() * 1000.0 - logged).abs() < 0.006,
                    "{label}: {sum} s, {logged} ms"
                );
            }
        }
        assert_eq!(verdicts(&page), ["healthy"]);
    });
}

/// The verdicts that the page has at 1.
fn verdicts(page: &str) -> Vec<&str> {
    let at_one =
        page.lines().filter_map(|line| line.strip_prefix("smoker_verdict{verdict=\"")?.strip_suffix("\"} 1"));
    at_one.collect()
}

/// Two rounds well, one whose failure is retried four times without success, and then one more that fails.
#[test]
fn failures_and_the_verdict_are_counted_as_they_are_logged() {
    unless_starved(|| {
        let answer = |turn| if turn < 2 { &b"PING"[..] } else { b"PONG" };
        let (lines, page) = run(2 + 5 + 5, answer, 4, &["--mtu-interval=0"]);
        assert_eq!(results(&lines), counted(&page));
        assert_eq!(counted(&page).get("tcp mismatch"), Some(&2));
        let logged: Vec<&Line> = lines.iter().filter(|line| line.kind == "VERDICT").collect();
        assert_eq!(verdicts(&page), [&*logged.last().unwrap().event]);
        // Two bursts beside the four series.
        assert_eq!(
            number(&page, "smoker_udp_datagrams_total{direction=\"both\",outcome=\"sent\"}"),
            4 * 16 + 2 * 256
        );
        assert_eq!(number(&page, "smoker_probe_duration_seconds_count{protocol=\"tcp\",phase=\"total\"}"), 2);
    });
}
