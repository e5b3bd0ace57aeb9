//! The client over networks that are broken in a known way: network namespaces, links between them, and
//! nftables. A server in the namespace `far` listens on its default ports; the tests' own process is `near`.

use std::fmt::Write as _;
use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use crate::support::checking::{check, found, probed};
use crate::support::isolated::{filter, ip, isolated, ruleset, run};
use crate::support::line::Line;
use crate::support::running::{PATIENCE, Running};
use crate::support::scripted;
use crate::support::{PROBES_ALONE, smoker};

const ALL_WELL: [&str; 3] = ["TCP SUCCESS", "UDP SUCCESS", "HTTP SUCCESS"];

/// Of `far`; each family's second address is the next one.
const FAR: [&str; 2] = ["10.83.0.2", "fd83::2"];

/// Writes a sysctl of the network that the caller, or `namespace`, is in.
pub(crate) fn sysctl(namespace: Option<&str>, path: &str, value: &str) {
    let script = format!("echo {value} > /proc/sys/net/{path}");
    let within = namespace.map_or(vec![], |namespace| vec!["ip", "netns", "exec", namespace]);
    run(&[&within[..], &["sh", "-c", &script]].concat(), "");
}

/// Has new network namespaces of these names, which no other process sees.
pub(crate) fn add_namespaces(names: &[&str]) {
    run(&["mkdir", "-p", "/run/netns"], "");
    run(&["mount", "-t", "tmpfs", "none", "/run/netns"], "");
    for name in names {
        ip(&format!("netns add {name}"));
    }
}

/// Does what each line says in `namespace`.
pub(crate) fn ip_in(namespace: &str, lines: &str) {
    run(&["ip", "-n", namespace, "-batch", "-"], lines);
}

/// Joins this network with a new one, called `far`. This end goes up last, and finds the other one ready.
fn join_far() {
    add_namespaces(&["far"]);
    ip("link add near type veth peer name far netns far");
    ip_in(
        "far",
        "link set lo up\naddr add 10.83.0.2/24 dev far\naddr add 10.83.0.3/24 dev far\n\
         addr add fd83::2/64 dev far nodad\naddr add fd83::3/64 dev far nodad\nlink set far up",
    );
    ip("addr add 10.83.0.1/24 dev near\naddr add fd83::1/64 dev near nodad\nlink set near up");
    // Every refusal is to be sent, not one a second.
    sysctl(Some("far"), "ipv4/icmp_ratelimit", "0");
    sysctl(Some("far"), "ipv6/icmp/ratelimit", "0");
}

fn filter_far(rules: &str) {
    run(&["ip", "netns", "exec", "far", "nft", "-f", "-"], &ruleset("input", rules));
}

/// A server in `namespace`, with its default settings.
pub(crate) fn server_in(namespace: &str) -> Running {
    let mut command = Command::new("ip");
    command.args(["netns", "exec", namespace, smoker().get_program().to_str().unwrap(), "server"]);
    let server = Running::start(command);
    for (kind, port) in [("TCP", 8080), ("UDP", 8081), ("HTTP", 8082)] {
        let line = server.line();
        assert!(line.ends_with(&format!("[SERVER] [{kind}] LISTENING address=[::]:{port}")), "{line}");
    }
    server
}

/// Does this with each of `items`, all at the same time.
pub(crate) fn at_once<T: Send>(items: impl IntoIterator<Item = T>, test: impl Fn(T) + Sync) {
    thread::scope(|scope| {
        for item in items {
            scope.spawn(|| test(item));
        }
    });
}

#[test]
#[ignore = "needs root: network namespaces"]
fn all_is_well_where_nothing_is_broken() {
    isolated(|| {
        join_far();
        let _server = server_in("far");
        for address in ["10.83.0.2", "10.83.0.3", "fd83::2", "fd83::3"] {
            // UDP too is answered from the address that was asked, or a connected socket drops the reply.
            assert_eq!(found(address, &["--timeout=3s"]), ALL_WELL, "{address}");
        }
    });
}

#[test]
#[ignore = "needs root: network namespaces"]
fn a_black_hole_is_a_timeout_at_the_deadline() {
    isolated(|| {
        join_far();
        let _server = server_in("far");
        filter_far("tcp dport {8080, 8082} drop; udp dport 8081 drop");
        let timeout = Duration::from_millis(400);
        at_once(FAR, |address| {
            let start = Instant::now();
            let lines = found(address, &["--timeout=400ms"]);
            assert_eq!(lines, ["TCP timeout connect", "UDP timeout receive", "HTTP timeout connect"]);
            let took = start.elapsed();
            assert!(took >= 3 * timeout && took < 3 * timeout + Duration::from_millis(600), "{took:?}");
        });
    });
}

#[test]
#[ignore = "needs root: network namespaces"]
fn a_connection_whose_data_vanish_is_a_timeout_of_receive() {
    isolated(|| {
        join_far();
        let _server = server_in("far");
        filter_far("tcp flags & psh == psh drop; udp dport 8081 drop");
        at_once(FAR, |address| {
            let lines = found(address, &["--timeout=800ms"]);
            assert_eq!(lines, ["TCP timeout receive", "UDP timeout receive", "HTTP timeout receive"]);
        });
    });
}

/// How a rule rejects, what the probes call it, and the last digit of an address of `far` that does it so.
const REFUSALS: [(&str, &str, u8); 4] = [
    ("port-unreachable", "refused", 4),
    ("host-unreachable", "unreachable", 5),
    ("no-route", "unreachable", 6),
    ("admin-prohibited", "unreachable", 7),
];

/// Gives `far` an address of each family for each of the [`REFUSALS`]; the addresses, and what is called.
fn refusing_addresses() -> Vec<(String, &'static str)> {
    let (mut rules, mut addresses) = (String::new(), Vec::new());
    for (how, word, last) in REFUSALS {
        let (v4, v6) = (format!("10.83.0.{last}"), format!("fd83::{last}"));
        let lines = format!("addr add {v4}/24 dev far\naddr add {v6}/64 dev far nodad");
        ip_in("far", &lines);
        for daddr in [format!("ip daddr {v4}"), format!("ip6 daddr {v6}")] {
            let _ = writeln!(rules, "{daddr} meta l4proto {{tcp, udp}} reject with icmpx type {how}");
        }
        addresses.extend([(v4, word), (v6, word)]);
    }
    filter_far(&rules);
    addresses
}

#[test]
#[ignore = "needs root: network namespaces"]
fn a_rule_that_rejects_is_reported_by_its_error() {
    isolated(|| {
        join_far();
        let _server = server_in("far");
        at_once(refusing_addresses(), |(address, word)| {
            let expected = [("TCP", "connect"), ("UDP", "receive"), ("HTTP", "connect")]
                .map(|(kind, phase)| format!("{kind} {word} {phase}"));
            let start = Instant::now();
            assert_eq!(found(&address, &["--timeout=20s"]), expected, "{address}");
            assert!(start.elapsed() < Duration::from_secs(10), "{address}: not at the deadline");
        });
        filter_far("meta l4proto tcp reject with tcp reset");
        for address in FAR {
            let lines = found(address, &["--timeout=20s"]);
            assert_eq!(lines, ["TCP refused connect", "UDP SUCCESS", "HTTP refused connect"]);
        }
    });
}

/// The answer to a SYN over a veth comes while connect(2) still holds the socket: the kernel notes it, and
/// wakes the caller at the next SYN, a second later. A probe with less time than that has to ask for it.
#[test]
#[ignore = "needs root: network namespaces"]
fn a_rule_that_rejects_is_reported_even_when_the_time_is_short() {
    isolated(|| {
        join_far();
        at_once(refusing_addresses(), |(address, word)| {
            // The neighbour's address has to be known, or the SYN waits for it and its answer comes later.
            let _ = found(&address, &["--protocols=udp", "--timeout=3s"]);
            let lines = found(&address, &["--protocols=tcp", "--timeout=300ms"]);
            assert_eq!(lines, [format!("TCP {word} connect")], "{address}");
        });
    });
}

#[test]
#[ignore = "needs root: network namespaces"]
fn where_no_way_leads_is_unreachable() {
    isolated(|| {
        join_far();
        // `far` is a router without a route to these.
        ip("route add 198.51.100.0/24 via 10.83.0.2\nroute add 2001:db8:1::/48 via fd83::2\n\
            route add prohibit 203.0.113.1\nroute add unreachable 203.0.113.2\n\
            route add prohibit 2001:db8:2::1\nroute add unreachable 2001:db8:2::2");
        sysctl(Some("far"), "ipv4/ip_forward", "1");
        sysctl(Some("far"), "ipv6/conf/all/forwarding", "1");
        // A neighbour that is not there is asked for three times, a second apart if nothing else is said.
        for family in ["ipv4", "ipv6"] {
            sysctl(None, &format!("{family}/neigh/near/retrans_time_ms"), "50");
        }
        let without_a_route = ["192.0.2.1", "2001:db8:9::1"];
        let by_local_rule = ["203.0.113.1", "203.0.113.2", "2001:db8:2::1", "2001:db8:2::2"];
        let by_a_routers_word = ["198.51.100.1", "2001:db8:1::1"];
        let absent_neighbours = ["10.83.0.99", "fd83::99"];
        let addresses =
            [&without_a_route[..], &by_local_rule, &by_a_routers_word, &absent_neighbours].concat();
        at_once(addresses, |address| {
            // A router says so to one host once a second, and the pass waits for more of it.
            let (ended, lines) = check(address, &["--timeout=3s"]);
            assert_eq!((ended.status, lines.len()), (Some(1), 3), "{address}");
            for (line, kind) in lines.iter().zip(["TCP", "UDP", "HTTP"]) {
                assert!(line.brief().starts_with(&format!("{kind} unreachable ")), "{line}");
            }
        });
    });
}

/// What only this host can know has the system's own words, those that the README explains.
#[test]
#[ignore = "needs root: network namespaces"]
fn what_this_host_refuses_itself_is_io() {
    isolated(|| {
        join_far();
        let _server = server_in("far");
        let assert_says = |protocol: &str, brief: &str, words: &str| {
            let lines = probed(FAR[0], &[&format!("--protocols={protocol}")]);
            assert_eq!(lines[0].brief(), brief);
            assert_eq!(lines[0].get("detail"), Some(&*format!("\"{words}\"")));
        };
        filter("output", "udp dport 8081 drop");
        assert_says("udp", "UDP io send", "operation not permitted");
        filter("output", "");
        // One port for two connections to one place.
        sysctl(None, "ipv4/ip_local_port_range", "\"40000 40000\"");
        let _taken = TcpStream::connect((FAR[0], 8080)).unwrap();
        assert_says("tcp", "TCP io connect", "cannot assign requested address");
        ip("route add blackhole 10.83.0.2/32");
        assert_says("udp", "UDP io connect", "invalid argument");
    });
}

#[test]
#[ignore = "needs root: network namespaces"]
fn random_loss_shows_as_failures_among_successes() {
    isolated(|| {
        join_far();
        let _server = server_in("far");
        filter_far("udp dport 8081 numgen random mod 100 < 50 drop");
        let mut command = smoker();
        command.args(["client", "--server-host=10.83.0.2", "--node-name=n", "--protocols=udp", "--count=40"]);
        command.args(["--interval=1ms", "--timeout=60ms"]).args(PROBES_ALONE);
        let ended = Running::start(command).ended();
        let lines: Vec<Line> = ended.lines.iter().map(|line| Line::of(line)).collect();
        let lost = lines.iter().filter(|line| line.brief() == "UDP timeout receive").count();
        let answered = lines.iter().filter(|line| line.brief() == "UDP SUCCESS").count();
        // All or none of 40 is lost once in 2 to the power of 39 runs.
        assert!(lost > 0 && answered > 0 && lost + answered == 40, "{lost} lost, {answered} answered");
        assert_eq!(ended.status, Some(1));
    });
}

/// The first SYN is lost, and the kernel sends another a second later: that second is the user's too.
#[test]
#[ignore = "needs root: network namespaces"]
fn latency_covers_the_handshake() {
    isolated(|| {
        join_far();
        let _server = server_in("far");
        filter_far("tcp flags & (syn | ack) == syn numgen inc mod 2 == 0 drop");
        let lines = probed(FAR[0], &["--timeout=10s", "--protocols=tcp,http"]);
        assert_eq!(lines.len(), 2);
        for line in lines {
            assert!(line.ms("latency") >= 900.0 && line.ms("connect") >= 900.0, "{line}");
            assert_eq!(line.get("retrans"), Some("1"), "{line}");
        }
    });
}

/// A second is time for the first SYN and one more, whatever becomes of that one.
#[test]
#[ignore = "needs root: network namespaces"]
fn a_failed_handshake_says_how_often_it_was_tried() {
    isolated(|| {
        join_far();
        // The other half meets ports without a listener.
        filter_far("tcp flags & (syn | ack) == syn numgen inc mod 2 == 0 drop; udp dport 8081 drop");
        let retrans = |timeout: &str| {
            let lines = probed(FAR[0], &["--timeout", timeout, "--protocols=tcp,http"]);
            lines
                .iter()
                .map(|line| (line.brief(), line.get("retrans").map(str::to_owned)))
                .collect::<Vec<_>>()
        };
        let line = |brief: &str, retrans: Option<&str>| (brief.to_owned(), retrans.map(str::to_owned));
        let refused = [line("TCP refused connect", Some("1")), line("HTTP refused connect", Some("1"))];
        assert_eq!(retrans("20s"), refused);
        filter_far("meta l4proto tcp drop");
        let silent = |times| [line("TCP timeout connect", times), line("HTTP timeout connect", times)];
        assert_eq!(retrans("500ms"), silent(None));
        assert_eq!(retrans("1500ms"), silent(Some("1")));
    });
}

/// Data lost once a connection is established: retransmissions are reported with success and failure alike.
#[test]
#[ignore = "needs root: network namespaces"]
fn data_that_were_sent_again_are_counted() {
    isolated(|| {
        join_far();
        let _server = server_in("far");
        filter_far("tcp flags & psh == psh numgen inc mod 2 == 0 drop");
        let lines = probed(FAR[0], &["--timeout=10s", "--protocols=tcp"]);
        assert_eq!((lines[0].brief(), lines[0].get("retrans")), ("TCP SUCCESS".into(), Some("1")));
        filter_far("tcp flags & psh == psh drop");
        let lines = probed(FAR[0], &["--timeout=2s", "--protocols=tcp"]);
        assert_eq!(lines[0].brief(), "TCP timeout receive");
        assert!(lines[0].count("retrans") > 1, "{}", lines[0]);
    });
}

/// near – router – far, where the router may send 1300 bytes in one packet, and its neighbours 1500.
#[test]
#[ignore = "needs root: network namespaces"]
fn a_megabyte_comes_back_through_a_small_mtu_in_the_middle() {
    const MIB: usize = 1 << 20;
    isolated(|| {
        add_namespaces(&["router", "far"]);
        ip("link add near type veth peer name left netns router");
        ip_in(
            "router",
            "link add right type veth peer name far netns far\naddr add 10.83.1.2/24 dev left\n\
             addr add 10.83.2.2/24 dev right\nlink set left up\nlink set right up\n\
             route replace 10.83.1.0/24 dev left mtu lock 1300\n\
             route replace 10.83.2.0/24 dev right mtu lock 1300",
        );
        ip_in("far", "addr add 10.83.2.1/24 dev far\nlink set far up\nroute add 10.83.1.0/24 via 10.83.2.2");
        ip("addr add 10.83.1.1/24 dev near\nlink set near up\nroute add 10.83.2.0/24 via 10.83.1.2");
        sysctl(Some("router"), "ipv4/ip_forward", "1");
        let _server = server_in("far");
        let body: Vec<u8> = (0_u8..=250).cycle().take(MIB).collect();
        let mut stream = TcpStream::connect("10.83.2.1:8082").unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        let head =
            format!("POST / HTTP/1.1\r\nHost: far\r\nContent-Length: {MIB}\r\nConnection: close\r\n\r\n");
        stream.write_all(&[head.as_bytes(), &body].concat()).unwrap();
        let head = scripted::read_head(&mut stream);
        assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
        let mut echoed = Vec::new();
        stream.read_to_end(&mut echoed).unwrap();
        assert!(echoed == body, "{} bytes, or others, came back", echoed.len());
        // The small MTU was there, and both ends have been informed of it.
        for (within, peer) in [(&[][..], "10.83.2.1"), (&["-n", "far"], "10.83.1.1")] {
            let route = run(&[&["ip"], within, &["route", "get", peer]].concat(), "");
            assert!(route.contains("mtu 1300"), "{route}");
        }
    });
}

/// One ephemeral port is left, and it is the one that is asked: the kernel connects the socket to itself.
#[test]
#[ignore = "needs root: network namespaces"]
fn who_talks_to_itself_is_refused() {
    isolated(|| {
        sysctl(None, "ipv4/ip_local_port_range", "\"40000 40000\"");
        let port_flags = crate::support::running::port_flags(40000, 40000, 40000);
        let flags: Vec<&str> = port_flags.iter().map(String::as_str).collect();
        // That it would, a plain socket shows.
        let mut own = TcpStream::connect("127.0.0.1:40000").unwrap();
        own.write_all(b"PING").unwrap();
        let mut echo = [0; 4];
        own.read_exact(&mut echo).unwrap();
        assert_eq!((own.local_addr().unwrap(), &echo), (own.peer_addr().unwrap(), b"PING"));
        // Closed by itself it stays in TIME_WAIT, which would keep the port from the others.
        sysctl(None, "ipv4/tcp_max_tw_buckets", "0");
        drop(own);
        for address in ["127.0.0.1", "::1", "0.0.0.0", "::", "::ffff:127.0.0.1"] {
            let lines = found(address, &flags);
            let expected = ["TCP refused connect", "UDP refused connect", "HTTP refused connect"];
            assert_eq!(lines, expected, "{address}");
        }
    });
}

/// A client's own listener is no server, whatever it answers, and least of all when it is asked by itself.
#[test]
#[ignore = "needs root: a port that is free"]
fn a_client_that_meets_its_own_listener_is_refused() {
    isolated(|| {
        let client = |own_port: &str| {
            let mut command = smoker();
            command.args(["client", "--server-host=127.0.0.1", "--node-name=n", "--protocols=http"]);
            command.args(["--http-port=6100", "--count=1", "--client-port", own_port]);
            let ended = Running::start(command).ended();
            let mut lines = ended.lines.iter().map(|line| Line::of(line));
            lines.find(Line::is_probe).unwrap().brief()
        };
        assert_eq!(client("6100"), "HTTP refused receive");
        let mut other = smoker();
        other.args(["client", "--server-host=127.0.0.1", "--node-name=n", "--client-port=6100"]);
        let other = Running::start(other);
        assert!(other.line().contains("[EXPORTER] LISTENING"));
        assert_eq!(client("6101"), "HTTP http_404 receive");
    });
}

#[test]
#[ignore = "needs root: a host name"]
fn a_host_name_that_is_no_node_name_is_refused() {
    isolated(|| {
        fs::write("/proc/sys/kernel/hostname", "a node").unwrap();
        let mut command = smoker();
        command.args(["check", "127.0.0.1"]);
        let ended = Running::start(command).ended();
        let line = "smoker: the host name (set NODE_NAME): \"a node\" is not a node name \
                    (1 to 253 visible ASCII characters, no brackets, quotes or backslashes)\n";
        assert_eq!((ended.status, ended.lines.len(), &*ended.stderr), (Some(2), 0, line));
        fs::write("/proc/sys/kernel/hostname", "node-7.example").unwrap();
        let mut command = smoker();
        command.args(["check", "127.0.0.1", "--protocols=udp"]);
        assert_eq!(Line::of(&Running::start(command).line()).node, "node-7.example");
    });
}
