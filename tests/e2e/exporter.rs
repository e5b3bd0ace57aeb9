//! The client's own listener: its health, its page of metrics, its limits.

use std::io::Read;
use std::net::{SocketAddr, TcpListener};
use std::process::{ChildStdout, Command};

use crate::metrics::{assert_promtool_has_no_complaint, assert_well_formed, sample};
use crate::support::child::{Server, eventually};
use crate::support::peer::{GET, Http, ask, connect, get, rest};
use crate::support::running::{Running, port_flags};
use crate::support::smoker;

/// As many connections as the client has places for.
const PLACES: usize = 16;

/// A client of `server` that listens on a free port.
pub(crate) fn command(server: &Server, flags: &[&str]) -> Command {
    let mut command = smoker();
    command.args(["client", "--server-host", "127.0.0.1", "--client-port", "0", "--node-name", "node-1"]);
    command.args(port_flags(server.tcp.port(), server.udp.port(), server.http.port())).args(flags);
    command
}

/// Starts `command` and waits until it says where it listens.
pub(crate) fn start(mut command: Command) -> (Running, SocketAddr) {
    let running = Running::start(&mut command);
    let address = listening(&running.line());
    (running, address)
}

/// The address in the line that says so, on the loopback.
fn listening(line: &str) -> SocketAddr {
    let address = line.split_once("] [NODE:node-1] [EXPORTER] LISTENING address=").expect(line).1;
    let address: SocketAddr = address.parse().unwrap();
    assert!(address.ip().is_unspecified(), "{line}");
    ([127, 0, 0, 1], address.port()).into()
}

/// The first line, and not a byte more.
fn first_line(stdout: &mut ChildStdout) -> String {
    let (mut line, mut byte) = (Vec::new(), [0]);
    while stdout.read_exact(&mut byte).is_ok() && byte != [b'\n'] {
        line.extend(byte);
    }
    String::from_utf8(line).unwrap()
}

#[test]
fn a_client_answers_for_itself() {
    let server = Server::start(&[]);
    let (client, address) = start(command(&server, &["--interval", "1h"]));
    for (request, status, allow, body) in [
        ("GET /health", 200, None, "healthy"),
        ("GET /health?verbose", 200, None, "healthy"),
        ("GET /", 404, None, "not found"),
        ("POST /health", 405, Some("GET, HEAD"), "method not allowed"),
        ("POST /metrics", 405, Some("GET, HEAD"), "method not allowed"),
    ] {
        let reply = ask(address, format!("{request} HTTP/1.1\r\nHost: a\r\n\r\n"));
        assert_eq!((reply.status, reply.field("Allow"), reply.text()), (status, allow, body), "{request}");
        assert_eq!(reply.field("Smoker-Node"), Some("node-1"));
        let of_server = ask(server.http, GET);
        assert_ne!(reply.field("Smoker-Instance"), of_server.field("Smoker-Instance"));
    }
    client.signal("TERM");
    let ended = client.ended();
    assert_eq!((ended.status, &*ended.stderr), (Some(0), ""));
    // The three probes of its one round, and no word of the requests.
    assert!(ended.lines.iter().all(|line| !line.contains("EXPORTER")), "{:?}", ended.lines);
}

#[test]
fn requests_are_logged_at_debug_under_a_kind_of_their_own() {
    let server = Server::start(&[]);
    let (client, address) = start(command(&server, &["--interval", "1h", "--log-level", "debug"]));
    get(address, "/health");
    let mut lines = std::iter::repeat_with(|| client.line());
    let line = lines.find(|line| line.contains("/health")).unwrap();
    assert!(line.contains("[NODE:node-1] [EXPORTER] GET /health 200 bytes=7 client="), "{line}");
}

#[test]
fn its_page_counts_what_its_lines_say() {
    let server = Server::start(&[]);
    let (client, address) = start(command(&server, &["--interval", "1h"]));
    while !client.line().contains("[HTTP] SUCCESS") {}
    let page = eventually("a round is counted", || {
        let page = get(address, "/metrics").1;
        (sample(&page, "smoker_rounds_total") == Some("1")).then_some(page)
    });
    assert_well_formed(&page);
    for (name, value) in [
        ("smoker_probe_total{protocol=\"tcp\",result=\"success\"}", "1"),
        ("smoker_probe_total{protocol=\"tcp\",result=\"timeout\"}", "0"),
        ("smoker_probe_total{protocol=\"udp\",result=\"success\"}", "1"),
        ("smoker_probe_total{protocol=\"http\",result=\"success\"}", "1"),
        ("smoker_probe_duration_seconds_count{protocol=\"tcp\",phase=\"total\"}", "1"),
        ("smoker_probe_duration_seconds_count{protocol=\"tcp\",phase=\"echo\"}", "1"),
        ("smoker_probe_duration_seconds_count{protocol=\"http\",phase=\"ttfb\"}", "1"),
        ("smoker_suspect_rounds_total{reason=\"throttled\"}", "0"),
    ] {
        assert_eq!(sample(&page, name), Some(value), "{name}");
    }
    assert!(sample(&page, "smoker_round_late_seconds").is_some());
    assert!(sample(&page, "process_resident_memory_bytes").is_some());
}

#[test]
fn its_health_is_not_its_servers() {
    let server = Server::start(&[]);
    let gone = command(&server, &["--interval", "200ms", "--timeout", "10s"]);
    drop(server);
    let (_client, address) = start(gone);
    let failed = eventually("rounds fail", || {
        let page = get(address, "/metrics").1;
        let failed = sample(&page, "smoker_probe_total{protocol=\"tcp\",result=\"refused\"}")?;
        (failed.parse::<u64>().unwrap() > 3).then_some(page)
    });
    assert_eq!(sample(&failed, "smoker_probe_total{protocol=\"tcp\",result=\"success\"}"), Some("0"));
    assert_eq!(get(address, "/health"), (200, "healthy".into()));
}

/// A client waits for the reader of its lines, for a second a line: far longer than these rounds may take.
#[test]
fn a_client_whose_rounds_are_overdue_says_so_until_they_go_on() {
    let server = Server::start(&[]);
    // Short rounds soon have more to say than a pipe takes.
    let flags = ["--interval", "20ms", "--timeout", "100ms", "--udp-flows=0", "--mtu-interval=0"];
    let (mut client, mut stdout) = Running::unread(command(&server, &flags));
    let address = listening(&first_line(&mut stdout));
    eventually("rounds are overdue", || {
        (get(address, "/health") == (503, "rounds are overdue".into())).then_some(())
    });
    client.read(stdout);
    eventually("rounds go on", || (get(address, "/health") == (200, "healthy".into())).then_some(()));
}

#[test]
fn connections_up_to_the_limit_are_served_and_one_past_it_is_closed() {
    let server = Server::start(&[]);
    let (client, address) = start(command(&server, &["--interval", "1h"]));
    let mut held: Vec<Http> = (0..PLACES).map(|_| Http::connect(address)).collect();
    for http in &mut held {
        http.send("GET /health HTTP/1.1\r\nHost: a\r\n\r\n");
        assert_eq!(http.reply().status, 200);
    }
    assert!(rest(&mut connect(address)).is_empty());
    let mut lines = std::iter::repeat_with(|| client.line());
    assert!(lines.any(|line| line.contains("[EXPORTER] REFUSED count=1 client=")));
    // With all of them open it ends all the same.
    client.signal("TERM");
    assert_eq!(client.ended().status, Some(0));
    assert!(held.iter_mut().all(Http::is_over));
}

#[test]
fn a_port_that_is_taken_ends_the_command() {
    let taken = TcpListener::bind("[::]:0").or_else(|_| TcpListener::bind("0.0.0.0:0")).unwrap();
    let port = taken.local_addr().unwrap().port();
    let mut client = smoker();
    client.args(["client", "--server-host", "127.0.0.1", "--client-port", &port.to_string()]);
    let ended = Running::start(client).ended();
    let expected = format!("smoker: cannot listen on client port {port}: address already in use\n");
    assert_eq!((ended.status, ended.stderr), (Some(1), expected));
    assert_eq!(ended.lines, Vec::<String>::new());
}

#[test]
#[ignore = "needs promtool: `.ci/promtool path` says where it is"]
fn promtool_has_no_complaint_about_a_clients_page() {
    let server = Server::start(&[]);
    let (client, address) = start(command(&server, &["--interval", "1h"]));
    assert_promtool_has_no_complaint(&get(address, "/metrics").1);
    while !client.line().contains("[HTTP] SUCCESS") {}
    assert_promtool_has_no_complaint(&get(address, "/metrics").1);
}
