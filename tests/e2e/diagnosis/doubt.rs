//! Self-doubt: a round in which the prober itself was held up is marked, is no fault, and reports no
//! latency.

use std::io::Write;
use std::net::SocketAddr;
use std::sync::Mutex;
use std::sync::mpsc::channel;
use std::thread;
use std::time::{Duration, Instant};

use smoker::periodic::Schedule;

use super::{client, client_of, lines, next};
use crate::metrics::sample;
use crate::support::child::{Server, eventually};
use crate::support::line::Line;
use crate::support::peer::get;
use crate::support::running::{PATIENCE, Running, port_flags};
use crate::support::scripted::{closes_within, hold, read_ping, tcp};

/// How much too late a client is when it goes on: its limit is 100 ms.
const HELD_UP: Duration = Duration::from_millis(400);

/// Keeps `client` from running for `time`: that it sleeps meanwhile is what is tested.
fn hold_up(client: &Running, time: Duration) {
    client.signal("STOP");
    thread::sleep(time);
    client.signal("CONT");
}

/// Where a client that has just said so listens.
fn listening(client: &Running) -> SocketAddr {
    let line = next(client, "EXPORTER");
    let address: SocketAddr = line.get("address").unwrap().parse().unwrap();
    ([127, 0, 0, 1], address.port()).into()
}

/// A probe that ends long after its time says more of who waited than of what he waited for.
#[test]
fn a_prober_that_was_stopped_during_a_probe_doubts_itself() {
    let timeout = Duration::from_millis(300);
    let (sender, accepted) = channel();
    let mute = tcp(move |stream| {
        let _ = sender.send(());
        hold(stream);
    });
    let flags = ["--protocols=tcp", "--timeout=300ms", "--interval=1h", "--count=1"];
    let client = Running::start(client("127.0.0.1", &flags).args(port_flags(mute.port(), 1, 2)));
    accepted.recv_timeout(PATIENCE).unwrap();
    hold_up(&client, timeout + HELD_UP);
    let ended = client.ended();
    let lines: Vec<Line> = ended.lines.iter().map(|line| Line::of(line)).collect();
    let briefs: Vec<String> = lines.iter().map(Line::brief).collect();
    assert_eq!(briefs, ["TCP timeout receive", "VERDICT prober", "SUMMARY TCP"]);
    assert_eq!(lines[0].get("suspect"), Some("late"));
    // There was no pass, whose tries the server would have received.
    assert_eq!(lines[1].list("evidence"), ["prober:late", "tcp:timeout"]);
    assert_eq!((accepted.try_iter().count(), ended.status), (0, Some(1)));
}

/// The latencies of a round that began late stay out of summary and histograms; its probes are counted.
#[test]
fn a_prober_that_wakes_late_tells_no_latency() {
    let server = Server::start(&["--log-level=error"]);
    let interval = Duration::from_secs(3);
    // Its second round is due less than a second after the first.
    let soon = |name: &String| {
        let start = Instant::now();
        let phase = Schedule::new(start, interval, name).after(start, start).due - start;
        (Duration::from_millis(600)..Duration::from_millis(900)).contains(&phase)
    };
    let name = (0..1000).map(|number| format!("node-{number}")).find(soon).unwrap();
    let name = format!("--node-name={name}");
    let flags = ["--protocols=tcp,http", "--mtu-interval=0", "--interval=3s", "--client-port=0", &name];
    let client = Running::start(client_of(&server, &flags));
    let address = listening(&client);
    assert_eq!(next(&client, "VERDICT").brief(), "VERDICT healthy");
    let before = counted(address, 1);
    hold_up(&client, Duration::from_secs(1) + HELD_UP);
    let probes: Vec<Line> = lines(&client).filter(Line::is_probe).take(2).collect();
    for line in &probes {
        assert_eq!((&*line.event, line.get("suspect")), ("SUCCESS", Some("late")), "{line}");
    }
    let printed = next(&client, "VERDICT");
    assert_eq!((printed.brief(), printed.list("evidence")[0]), ("VERDICT prober".into(), "prober:late"));
    let after = counted(address, 2);
    for (name, more) in [
        ("smoker_probe_total{protocol=\"tcp\",result=\"success\"}", 1),
        ("smoker_probe_duration_seconds_count{protocol=\"tcp\",phase=\"total\"}", 0),
        ("smoker_probe_duration_seconds_count{protocol=\"http\",phase=\"ttfb\"}", 0),
        ("smoker_suspect_rounds_total{reason=\"late\"}", 1),
        ("smoker_suspect_rounds_total{reason=\"throttled\"}", 0),
        ("smoker_verdict{verdict=\"prober\"}", 1),
        ("smoker_verdict{verdict=\"healthy\"}", -1),
    ] {
        let value = |page| sample(page, name).unwrap().parse::<i64>().unwrap();
        assert_eq!(value(&after) - value(&before), more, "{name}");
    }
    let late = sample(&after, "smoker_round_late_seconds").unwrap().parse::<f64>().unwrap();
    assert!(late > 0.1, "{late}");
    // The next round is in time, and all is well.
    let recovered = next(&client, "VERDICT");
    assert_eq!((recovered.brief(), recovered.get("was")), ("VERDICT healthy".into(), Some("prober")));
}

/// The page, once so many rounds are counted.
fn counted(address: SocketAddr, rounds: u64) -> String {
    eventually("rounds are counted", || {
        let page = get(address, "/metrics").1;
        (sample(&page, "smoker_rounds_total") == Some(&*rounds.to_string())).then_some(page)
    })
}

/// A round that waits for a server, however long, is no reason to doubt.
#[test]
fn a_slow_server_is_no_reason_to_doubt() {
    let (sender, asked) = channel();
    let (go_on, may_answer) = channel::<()>();
    let may_answer = Mutex::new(may_answer);
    let slow = tcp(move |mut stream| {
        read_ping(&mut stream);
        sender.send(()).unwrap();
        let _ = may_answer.lock().unwrap().recv();
        assert!(!closes_within(&mut stream, HELD_UP));
        stream.write_all(b"PING").unwrap();
    });
    let flags = ["--protocols=tcp", "--timeout=1m", "--interval=1h", "--count=1"];
    let client = Running::start(client("127.0.0.1", &flags).args(port_flags(slow.port(), 1, 2)));
    asked.recv_timeout(PATIENCE).unwrap();
    go_on.send(()).unwrap();
    let line = next(&client, "TCP");
    assert!(line.ms("latency") >= 400.0 && line.get("suspect").is_none(), "{line}");
    assert_eq!(next(&client, "VERDICT").brief(), "VERDICT healthy");
}
