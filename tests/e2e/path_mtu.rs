//! The path MTU probe over a network whose packets may be smaller in the middle: a router between this
//! process and a server, with and without the ICMP messages that tell of it.

use std::io::{Read, Write};
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::time::Duration;

use smoker::probe::mtu::{self, Large};
use smoker::probe::path::{self, PathFinding, PathReport};
use smoker::probe::transfer::{self, Direction};
use smoker::time::Deadline;

use crate::netns::{add_namespaces, at_once, ip_in, server_in, sysctl};
use crate::support::child::{self, Server};
use crate::support::isolated::{ip, isolated, run};
use crate::support::scripted::{Refused, http, read_head, silent, tcp, udp};

/// How often a path is measured whose server may be late on a busy machine.
const ATTEMPTS: usize = 4;

/// Of `far`, which is behind the router.
const FAR: [&str; 2] = ["10.83.2.1", "fd83:2::1"];

/// Of the router, on this side.
const ROUTER: [&str; 2] = ["10.83.1.2", "fd83:1::2"];

/// The router drops a packet that is too big, and no ICMP error arrives.
const DROP_ICMP: &str = "icmp type destination-unreachable drop\nicmpv6 type packet-too-big drop";

/// near – router – far; this process's network is `near`.
fn join_far_through_a_router() {
    add_namespaces(&["router", "far"]);
    // A router asks for its neighbours from its link-local address, and would first have to find it unique.
    sysctl(Some("router"), "ipv6/conf/default/dad_transmits", "0");
    ip("link add near type veth peer name left netns router");
    ip_in(
        "router",
        "link add right type veth peer name far netns far\n\
         addr add 10.83.1.2/24 dev left\naddr add fd83:1::2/64 dev left nodad noprefixroute\n\
         addr add 10.83.2.2/24 dev right\naddr add fd83:2::2/64 dev right nodad noprefixroute\n\
         link set left up\nlink set right up",
    );
    allow(Direction::Forward, 1500);
    allow(Direction::Return, 1500);
    for forwarding in ["ipv4/ip_forward", "ipv6/conf/all/forwarding"] {
        sysctl(Some("router"), forwarding, "1");
    }
    // Every ICMP error is to be sent, not one a second.
    for limit in ["ipv4/icmp_ratelimit", "ipv6/icmp/ratelimit"] {
        sysctl(Some("router"), limit, "0");
    }
    ip_in(
        "far",
        "addr add 10.83.2.1/24 dev far\naddr add fd83:2::1/64 dev far nodad\nlink set far up\n\
         route add 10.83.1.0/24 via 10.83.2.2\nroute add fd83:1::/64 via fd83:2::2",
    );
    ip("addr add 10.83.1.1/24 dev near\naddr add fd83:1::1/64 dev near nodad\nlink set near up\n\
        route add 10.83.2.0/24 via 10.83.1.2\nroute add fd83:2::/64 via fd83:1::2");
}

/// The largest packets that the router passes on in this direction. The links themselves take 1500.
fn allow(direction: Direction, mtu: u32) {
    let (number, device) = match direction {
        Direction::Forward => (2, "right"),
        Direction::Return => (1, "left"),
    };
    ip_in(
        "router",
        &format!(
            "route replace 10.83.{number}.0/24 dev {device} mtu lock {mtu}\n\
             route replace fd83:{number}::/64 dev {device} mtu lock {mtu}"
        ),
    );
}

/// The rules for what the router sends and passes on.
fn filter_router(rules: &str) {
    let chain = |hook| format!("chain {hook} {{ type filter hook {hook} priority 0;\n{rules}\n}}\n");
    let chains = ["output", "forward"].map(chain).concat();
    let script = format!("flush ruleset\ntable inet t {{\n{chains}}}\n");
    run(&["ip", "netns", "exec", "router", "nft", "-f", "-"], &script);
}

fn at(address: &str, port: u16) -> SocketAddr {
    SocketAddr::new(address.parse().unwrap(), port)
}

/// What is measured of the path to a server that replies. On a busy machine its replies may be later than the
/// probe waits: what could not be measured is measured again.
fn probed(address: &str) -> PathReport {
    let probe = || {
        let deadline = Deadline::after(Duration::from_secs(4));
        path::probe(Some(at(address, 8081)), Some(at(address, 8082)), deadline)
    };
    let mut reports = (0..ATTEMPTS).map(|_| probe());
    let measured = reports.find(|report| !matches!(report.finding, PathFinding::Unmeasured(_)));
    measured.unwrap_or_else(probe)
}

fn ample() -> Deadline {
    Deadline::after(Duration::from_secs(10))
}

/// What becomes of a large body that is posted to `server`.
fn posted(server: SocketAddr, deadline: Deadline) -> (String, Option<Direction>) {
    match transfer::probe(server, deadline) {
        Ok(_) => ("echoed".into(), None),
        Err(stall) => (stall.failure.error.to_string(), stall.direction),
    }
}

/// Reads a body of the transfer's length.
fn read_body(stream: &mut TcpStream) -> Vec<u8> {
    let mut body = vec![0; transfer::LENGTH];
    stream.read_exact(&mut body).unwrap();
    body
}

/// Answers with `body`.
fn reply(stream: &mut TcpStream, body: &[u8]) {
    let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len());
    let _ = stream.write_all(&[head.as_bytes(), body].concat());
}

#[test]
fn the_loopback_takes_what_udp_has() {
    let server = Server::of(&mut child::command(&["--log-level=error"]));
    // The longest datagram over IPv4 makes a packet one byte shorter than the loopback's MTU.
    for (ip, mtu) in [("127.0.0.1", 65_535), ("::ffff:127.0.0.1", 65_535), ("::1", 65_536)] {
        let report = path::probe(Some(at(ip, server.udp.port())), Some(at(ip, server.http.port())), ample());
        let expected = PathReport { interface: Some(mtu), ..found(PathFinding::Whole, mtu, None) };
        assert_eq!(report, expected, "{ip}");
    }
}

#[test]
fn a_plain_echo_server_is_measured_both_ways() {
    let plain = udp(|socket, datagram, client| {
        socket.send_to(datagram, client).unwrap();
    });
    let path = mtu::probe(plain, Large::Requests, ample()).unwrap();
    assert!(path.both_ways && path.mtu == path.interface, "{path:?}");
    let smoker = Server::start(&["--log-level=error"]);
    for (large, both_ways) in [(Large::Requests, false), (Large::Replies, true)] {
        let path = mtu::probe(at("127.0.0.1", smoker.udp.port()), large, ample()).unwrap();
        assert_eq!((path.mtu, path.both_ways), (path.interface, both_ways));
    }
}

#[test]
fn who_does_not_answer_has_no_path_mtu() {
    let refused = mtu::probe(Refused::ports().udp, Large::Requests, ample()).unwrap_err();
    assert_eq!(refused.error.to_string(), "refused");
    // Answers that are none: of other bytes, and of another run.
    let wrong = udp(|socket, datagram, client| {
        let mut other_run = datagram.to_vec();
        other_run[16] ^= 1;
        for answer in [&b"PING"[..], &other_run, &datagram[..20]] {
            socket.send_to(answer, client).unwrap();
        }
    });
    let deadline = Deadline::after(Duration::from_millis(400));
    let silent = mtu::probe(wrong, Large::Requests, deadline).unwrap_err();
    assert_eq!(silent.error.to_string(), "timeout");
}

#[test]
fn a_large_body_comes_back_whole() {
    let uninvited = tcp(|mut stream| {
        read_head(&mut stream);
        let body = read_body(&mut stream);
        reply(&mut stream, &body);
    });
    assert_eq!(posted(uninvited, Deadline::after(Duration::from_secs(2))), ("echoed".into(), None));
    // An echo that begins before the body has ended.
    let at_once = tcp(|mut stream| {
        read_head(&mut stream);
        let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", transfer::LENGTH);
        stream.write_all(format!("HTTP/1.1 100 Continue\r\n\r\n{head}").as_bytes()).unwrap();
        let mut piece = [0; 1000];
        while let Ok(read @ 1..) = stream.read(&mut piece) {
            stream.write_all(&piece[..read]).unwrap();
        }
    });
    assert_eq!(posted(at_once, ample()), ("echoed".into(), None));
}

#[test]
fn who_does_not_echo_is_no_fault_of_the_path() {
    for (status, expected) in [("404 Not Found", "http_404"), ("417 No", "http_417"), ("200 OK", "mismatch")]
    {
        let server = http(format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n"));
        assert_eq!(posted(server, ample()), (expected.into(), None));
    }
    let other_bytes = tcp(|mut stream| {
        read_head(&mut stream);
        stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").unwrap();
        let mut body = read_body(&mut stream);
        *body.last_mut().unwrap() ^= 1;
        reply(&mut stream, &body);
    });
    assert_eq!(posted(other_bytes, ample()), ("mismatch".into(), None));
    assert_eq!(posted(Refused::ports().tcp, ample()), ("refused".into(), None));
    let short = || Deadline::after(Duration::from_millis(400));
    assert_eq!(posted(silent().0, short()), ("timeout".into(), None));
    let falls_silent = tcp(|mut stream| {
        read_head(&mut stream);
        stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").unwrap();
        read_body(&mut stream);
        let _ = stream.read(&mut [0]);
    });
    assert_eq!(posted(falls_silent, short()), ("timeout".into(), None));
}

fn found(finding: PathFinding, mtu: u32, reported_by: Option<IpAddr>) -> PathReport {
    PathReport { finding, mtu: Some(mtu), interface: Some(1500), reported_by }
}

#[test]
#[ignore = "needs root: network namespaces"]
fn a_path_as_wide_as_its_links_is_whole() {
    isolated(|| {
        join_far_through_a_router();
        let _server = server_in("far");
        for address in FAR {
            assert_eq!(probed(address), found(PathFinding::Whole, 1500, None), "{address}");
        }
    });
}

#[test]
#[ignore = "needs root: network namespaces"]
fn a_router_that_says_what_is_too_big_is_no_fault_and_named() {
    isolated(|| {
        join_far_through_a_router();
        let _server = server_in("far");
        allow(Direction::Return, 1400);
        for address in FAR {
            assert_eq!(
                probed(address),
                found(PathFinding::Whole, 1500, None),
                "{address}: the peer's own matter"
            );
        }
        allow(Direction::Forward, 1401);
        for (address, router) in FAR.into_iter().zip(ROUTER) {
            let router = Some(router.parse().unwrap());
            assert_eq!(probed(address), found(PathFinding::Smaller, 1401, router), "{address}");
        }
        // It says so no more, but the kernel remembers, and TCP goes by that.
        filter_router(DROP_ICMP);
        for address in FAR {
            assert_eq!(probed(address), found(PathFinding::Smaller, 1401, None), "{address}");
        }
        // The kernel would remember for ten minutes.
        allow(Direction::Forward, 1500);
        for address in FAR {
            assert_eq!(probed(address), found(PathFinding::Whole, 1500, None), "{address}: repaired");
        }
    });
}

#[test]
#[ignore = "needs root: network namespaces"]
fn a_black_hole_on_the_way_there_is_found_to_the_byte_and_its_repair_at_once() {
    isolated(|| {
        join_far_through_a_router();
        let _server = server_in("far");
        filter_router(DROP_ICMP);
        for mtu in [1280, 1400, 1437, 1499] {
            allow(Direction::Forward, mtu);
            at_once(FAR, |address| {
                let black_hole = PathFinding::BlackHole(Some(Direction::Forward));
                assert_eq!(probed(address), found(black_hole, mtu, None), "{address}");
            });
        }
        allow(Direction::Forward, 1500);
        for address in FAR {
            assert_eq!(probed(address), found(PathFinding::Whole, 1500, None), "{address}: repaired");
        }
    });
}

#[test]
#[ignore = "needs root: network namespaces"]
fn a_black_hole_on_the_way_back_is_distinguished_from_one_on_the_way_there() {
    isolated(|| {
        join_far_through_a_router();
        let _server = server_in("far");
        filter_router(DROP_ICMP);
        allow(Direction::Return, 1400);
        at_once(FAR, |address| {
            let black_hole = PathFinding::BlackHole(Some(Direction::Return));
            assert_eq!(probed(address), found(black_hole, 1400, None), "{address}");
        });
        allow(Direction::Return, 1500);
        for address in FAR {
            assert_eq!(probed(address), found(PathFinding::Whole, 1500, None), "{address}: repaired");
        }
    });
}

/// The body alone tells a black hole, and its direction, where there are no datagrams to tell the size.
#[test]
#[ignore = "needs root: network namespaces"]
fn without_datagrams_the_body_tells_the_direction() {
    isolated(|| {
        join_far_through_a_router();
        let _server = server_in("far");
        filter_router(&format!("{DROP_ICMP}\nmeta l4proto udp drop"));
        for direction in [Direction::Forward, Direction::Return] {
            allow(direction, 1400);
            at_once(FAR, |address| {
                let deadline = Deadline::after(Duration::from_secs(3));
                let report = path::probe(None, Some(at(address, 8082)), deadline);
                assert_eq!(report.finding, PathFinding::BlackHole(Some(direction)), "{address}");
                assert_eq!((report.mtu, report.interface), (None, None));
            });
            allow(direction, 1500);
        }
    });
}

/// Whatever is lost at random is not taken for too large.
#[test]
#[ignore = "needs root: network namespaces"]
fn random_loss_is_no_black_hole() {
    isolated(|| {
        join_far_through_a_router();
        let _server = server_in("far");
        for percent in [5, 20, 50] {
            filter_router(&format!("meta l4proto udp numgen random mod 100 < {percent} drop"));
            at_once(0..12, |probe| {
                let deadline = Deadline::after(Duration::from_secs(3));
                match mtu::probe(at(FAR[probe % 2], 8081), Large::Requests, deadline) {
                    Ok(path) => assert!(!path.is_black_hole(), "{percent} %: {path:?}"),
                    Err(failure) => assert!(percent > 5, "{percent} %: {failure:?}"),
                }
            });
        }
    });
}

/// What still moves when its time is over is slow: 64 KiB take half a second at 1 Mbit/s, and 100 kbit/s are
/// a full segment in 120 ms.
#[test]
#[ignore = "needs root: network namespaces"]
fn a_slow_link_is_no_black_hole() {
    isolated(|| {
        join_far_through_a_router();
        let _server = server_in("far");
        for device in ["right", "left"] {
            for rate in ["1mbit", "100kbit"] {
                shape(&format!("replace dev {device} root tbf rate {rate} burst 4kb limit 1mb"));
                for timeout in [250, 330, 450] {
                    let deadline = Deadline::after(Duration::from_millis(timeout));
                    let body = posted(at(FAR[0], 8082), deadline);
                    assert_eq!(body, ("timeout".into(), None), "{device} {rate} {timeout}");
                }
                shape(&format!("del dev {device} root"));
            }
        }
    });
}

/// Of the router's devices, as tc(8) says it.
fn shape(words: &str) {
    let words: Vec<&str> = words.split(' ').collect();
    run(&[&["tc", "-n", "router", "qdisc"], &words[..]].concat(), "");
}

#[test]
#[ignore = "needs root: network namespaces"]
fn a_body_whose_packets_are_lost_at_random_is_in_no_black_hole() {
    isolated(|| {
        join_far_through_a_router();
        // What the kernel leaves whole for the link to cut up is lost whole between namespaces.
        ip("link set near gso_max_segs 1");
        ip_in("far", "link set far gso_max_segs 1");
        let _server = server_in("far");
        for port in ["dport", "sport"] {
            filter_router(&format!("tcp {port} 8082 numgen random mod 100 < 20 drop"));
            at_once(0..12, |probe| {
                let deadline = Deadline::after(Duration::from_millis(900));
                assert_eq!(posted(at(FAR[probe % 2], 8082), deadline).1, None, "{port}");
            });
        }
    });
}
