//! The start: where it listens and says so, what it does where it cannot, the limits it raises.

use std::fs;
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::process::{Command, Output};

use crate::support::child::{Server, after, command, event, not_run};
use crate::support::isolated::isolated;
use crate::support::peer::{assert_echoes, assert_returns, connect, datagrams, get, own_address};
use crate::support::running::PATIENCE;

#[test]
fn each_listener_says_where_it_is_at_every_log_level() {
    for level in ["error", "warn", "info", "debug"] {
        let server = Server::start(&["--log-level", level]);
        assert_eq!(server.early, Vec::<String>::new());
        for address in [server.tcp, server.udp, server.http] {
            assert!(address.ip().to_string() == "127.0.0.1" && address.port() > 0, "{address}");
        }
        assert_serves(&server, server.tcp.ip());
    }
}

#[test]
fn without_a_bind_address_all_addresses_are_served() {
    let server = Server::of(&mut command(&[]));
    for address in ["127.0.0.1", "127.1.2.3"] {
        assert_serves(&server, address.parse().unwrap());
    }
    if TcpListener::bind("[::1]:0").is_err() {
        return not_run("all addresses of IPv6", "this host has no ::1");
    }
    assert_serves(&server, "::1".parse().unwrap());
    assert!(server.tcp.ip().is_unspecified() && server.tcp.is_ipv6(), "{}", server.tcp);
    // A client of IPv4 is shown as one.
    assert_echoes(&connect(at(server.tcp, "127.0.0.1".parse().unwrap())), b"PING");
    let line = server.line("[TCP] ECHO bytes=4 client=");
    assert!(event(&line).contains(" client=127.0.0.1:"), "{line}");
}

#[test]
fn a_bind_address_is_the_only_one_that_is_served() {
    let own = own_address().to_string();
    for address in [own.as_str(), "::1"] {
        if TcpListener::bind((address, 0)).is_err() {
            not_run("BIND_ADDRESS=::1", "this host has no ::1");
            continue;
        }
        let server = Server::of(command(&[]).env("BIND_ADDRESS", address));
        assert_eq!(server.http.ip().to_string(), address);
        assert_serves(&server, server.http.ip());
        for listener in [server.tcp, server.http] {
            // Where no other test listens.
            let elsewhere = at(listener, "127.1.2.3".parse().unwrap());
            assert!(TcpStream::connect(elsewhere).is_err(), "{elsewhere}");
        }
    }
}

/// Switched off, that is: a kernel that knows nothing of it cannot be had here.
#[test]
#[ignore = "needs root: a network of its own"]
fn without_ipv6_all_addresses_are_those_of_ipv4() {
    isolated(|| {
        fs::write("/proc/sys/net/ipv6/conf/all/disable_ipv6", "1").unwrap();
        assert!(TcpListener::bind("[::1]:0").is_err());
        let server = Server::of(&mut command(&[]));
        for address in ["127.0.0.1", "127.1.2.3"] {
            assert_serves(&server, address.parse().unwrap());
        }
    });
}

/// `address` with another host.
fn at(address: SocketAddr, host: IpAddr) -> SocketAddr {
    SocketAddr::new(host, address.port())
}

fn assert_serves(server: &Server, host: IpAddr) {
    assert_echoes(&connect(at(server.tcp, host)), b"PING");
    assert_returns(&datagrams(at(server.udp, host)), b"PING");
    assert_eq!(get(at(server.http, host), "/health"), (200, "healthy".into()));
}

/// Nothing is served, and no address is printed, before all three are bound.
#[test]
fn a_port_in_use_on_all_addresses_ends_the_start() {
    let (tcp, udp) = (TcpListener::bind("[::]:0"), UdpSocket::bind("[::]:0"));
    let (Ok(tcp), Ok(udp)) = (tcp, udp) else {
        return not_run("ports in use on all addresses", "this host has no IPv6");
    };
    let (tcp_port, udp_port) = (tcp.local_addr().unwrap().port(), udp.local_addr().unwrap().port());
    for (flag, kind, port) in
        [("--tcp-port", "TCP", tcp_port), ("--udp-port", "UDP", udp_port), ("--http-port", "HTTP", tcp_port)]
    {
        let output = refused(command(&[flag, &port.to_string()]));
        let line = format!("smoker: cannot listen on {kind} port {port}: address already in use\n");
        assert_eq!(String::from_utf8(output.stderr).unwrap(), line);
        assert_eq!((output.status.code(), output.stdout.as_slice()), (Some(1), &b""[..]), "{kind}");
    }
}

#[test]
fn a_port_or_address_that_cannot_be_had_ends_the_start() {
    let own = own_address();
    let taken = TcpListener::bind((own, 0)).unwrap();
    let port = taken.local_addr().unwrap().port();
    let output = refused(command(&["--bind", &own.to_string(), "--http-port", &port.to_string()]));
    let line = format!("smoker: cannot listen on HTTP port {port}: address already in use\n");
    assert_eq!((output.status.code(), String::from_utf8(output.stderr).unwrap()), (Some(1), line));
    // Of a range that is kept for documentation (RFC 5737).
    let output = refused(command(&["--bind", "203.0.113.77"]));
    let line = "smoker: cannot listen on 203.0.113.77: cannot assign requested address\n";
    assert_eq!((output.status.code(), &*String::from_utf8(output.stderr).unwrap()), (Some(1), line));
}

fn refused(command: Command) -> Output {
    assert_cmd::Command::from_std(command).timeout(PATIENCE).output().unwrap()
}

/// The server has closed a connection first, and so its port stays in `TIME_WAIT` for a minute.
#[test]
fn a_restart_may_listen_where_the_last_one_did() {
    let own = own_address().to_string();
    let first = Server::of(&mut command(&["--bind", &own]));
    let (mut stream, ports) = (connect(first.tcp), [first.tcp, first.udp, first.http]);
    assert_echoes(&stream, b"PING");
    first.signal("TERM");
    assert_eq!(crate::support::peer::rest(&mut stream), b"");
    drop(stream);
    assert_eq!(first.ended().status, Some(0));
    let [tcp, udp, http] = ports.map(|address| address.port().to_string());
    let mut second = command(&["--bind", &own, "--tcp-port", &tcp, "--udp-port", &udp, "--http-port", &http]);
    let second = Server::of(&mut second);
    assert_eq!([second.tcp, second.udp, second.http], ports);
    assert_serves(&second, own_address().into());
}

#[test]
fn the_soft_limit_of_descriptors_becomes_the_hard_one() {
    let server = Server::of(&mut after("ulimit -S -n 64 && ulimit -H -n 3000", &command(&[])));
    let limits = server.proc("limits");
    let line = limits.lines().find(|line| line.starts_with("Max open files")).unwrap();
    assert_eq!(line.split_whitespace().nth(3), Some("3000"), "{line}");
    assert_eq!(server.early, Vec::<String>::new());
}

#[test]
fn too_low_a_limit_of_descriptors_is_logged_and_no_reason_to_end() {
    // 1024 connections, 16 in reserve, 16 for everything else: enough, and one too few.
    for (limit, is_logged) in [(1056, false), (1055, true)] {
        let server = Server::of(&mut after(&format!("ulimit -n {limit}"), &command(&[])));
        let line = format!("[LIMITS] DESCRIPTORS limit={limit} needed=1056 detail=");
        assert_eq!(server.early.iter().any(|early| event(early).starts_with(&line)), is_logged, "{limit}");
        assert_serves(&server, "127.0.0.1".parse().unwrap());
    }
}
