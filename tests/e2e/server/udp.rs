//! The UDP echo: datagrams of every size, the address of the answer, loops between services, peers that left.

use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::thread;

use super::child::{Server, command, event, eventually, not_run};
use super::peer::{Random, assert_returns, datagrams, own_address};
use crate::isolated::{filter, isolated};
use crate::running::PATIENCE;

#[test]
fn datagrams_come_back_as_they_came() {
    let server = Server::start(&["--log-level", "warn"]);
    let socket = datagrams(server.udp);
    // Empty, around the size of a frame, the longest that IPv4 has.
    for len in [0, 1, 4, 1472, 1473, 16_384, 65_506, 65_507] {
        assert_returns(&socket, &Random(1 + len as u64).bytes(len));
    }
}

#[test]
fn clients_do_not_mix() {
    let server = Server::start(&["--log-level", "warn"]);
    thread::scope(|scope| {
        for seed in 1..=16 {
            scope.spawn(move || {
                let (socket, mut random) = (datagrams(server.udp), Random(seed));
                for _ in 0..100 {
                    let len = random.below(2000);
                    assert_returns(&socket, &random.bytes(len));
                }
            });
        }
    });
}

/// All of 127/8 is local, and the route back from it prefers 127.0.0.1.
#[test]
fn the_answer_comes_from_the_address_that_was_asked() {
    for server in [Server::of(&mut command(&[])), Server::of(&mut command(&["--bind", "0.0.0.0"]))] {
        let client = UdpSocket::bind("127.0.0.1:0").unwrap();
        client.set_read_timeout(Some(PATIENCE)).unwrap();
        for last in [1, 7, 254] {
            let asked = SocketAddr::from(([127, 0, 0, last], server.udp.port()));
            client.send_to(b"PING", asked).unwrap();
            assert_eq!(client.recv_from(&mut [0; 8]).unwrap(), (4, asked));
        }
    }
}

#[test]
fn ipv6_is_answered_too() {
    let server = Server::of(&mut command(&[]));
    if !server.udp.is_ipv6() || UdpSocket::bind("[::1]:0").is_err() {
        return not_run("UDP over IPv6", "this host has no ::1");
    }
    let socket = datagrams(SocketAddr::new("::1".parse().unwrap(), server.udp.port()));
    for len in [0, 4, 65_507] {
        assert_returns(&socket, &Random(9).bytes(len));
    }
}

#[test]
#[ignore = "needs root: a source port below 1024"]
fn a_sender_with_the_port_of_a_service_is_not_answered() {
    let server = Server::start(&[]);
    assert_drops(&server, &UdpSocket::bind((own_address(), 1023)).unwrap());
}

#[test]
fn the_first_port_that_is_no_service_is_answered() {
    let server = Server::start(&[]);
    let socket = UdpSocket::bind((own_address(), 1024)).unwrap();
    socket.connect(server.udp).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    assert_returns(&socket, b"PING");
}

#[test]
fn a_loop_with_an_echo_on_the_same_port_is_broken() {
    let server = Server::start(&[]);
    assert_drops(&server, &UdpSocket::bind((own_address(), server.udp.port())).unwrap());
}

/// One loop serves everyone, so whoever is answered after `from` shows that `from` never will be.
fn assert_drops(server: &Server, from: &UdpSocket) {
    from.set_nonblocking(true).unwrap();
    let good = datagrams(server.udp);
    for datagram in [&b""[..], b"PING"] {
        from.send_to(datagram, server.udp).unwrap();
        assert_returns(&good, b"PING");
        assert_eq!(from.recv_from(&mut [0; 8]).unwrap_err().kind(), ErrorKind::WouldBlock);
    }
    let line = server.line("DROPPED");
    let client = from.local_addr().unwrap();
    assert!(line.contains(&format!("] [SERVER] [UDP] DROPPED count=1 client={client} ")), "{line}");
}

/// Told once a second, and none is forgotten. Each sender has an address of its own, by which a line says how
/// many were dropped before it was written.
#[test]
fn what_was_dropped_is_counted() {
    const SENDERS: u32 = u32::from_be_bytes([127, 200, 0, 0]);
    let server = Server::start(&["--log-level", "warn"]);
    let good = datagrams(server.udp);
    let (mut sent, mut lines) = (0, Vec::new());
    eventually("two lines about drops", || {
        sent += 1;
        let from = UdpSocket::bind((Ipv4Addr::from(SENDERS + sent), server.udp.port())).unwrap();
        from.send_to(b"PING", server.udp).unwrap();
        assert_returns(&good, b"PING");
        lines.extend(server.lines_so_far());
        (lines.len() >= 2).then_some(())
    });
    let told = lines.iter().map(|line| {
        let (count, rest) = line.split_once(" DROPPED count=").unwrap().1.split_once(" client=").unwrap();
        let client: SocketAddr = rest.split_once(' ').unwrap().0.parse().unwrap();
        let IpAddr::V4(address) = client.ip() else { panic!("{line}") };
        (count.parse::<u32>().unwrap(), u32::from(address) - SENDERS)
    });
    let told: Vec<(u32, u32)> = told.collect();
    assert_eq!((told[0], told[1]), ((1, 1), (told[1].1 - 1, told[1].1)), "{lines:#?}");
    assert!(told[1].0 > 1, "{lines:#?}");
}

/// Frozen, the server answers when the askers have gone: each answer comes back to it as an ICMP error.
#[test]
fn peers_that_have_left_do_not_end_the_loop() {
    let server = Server::of(&mut command(&["--log-level", "warn"]));
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, server.udp.port()));
    for _ in 0..3 {
        server.freeze();
        for _ in 0..50 {
            assert_eq!(datagrams(address).send(b"PING").unwrap(), 4);
        }
        server.signal("CONT");
        for _ in 0..50 {
            assert_returns(&datagrams(address), b"PING");
        }
    }
}

#[test]
#[ignore = "needs root: a network and a firewall of its own"]
fn what_cannot_be_sent_does_not_end_the_loop() {
    isolated(|| {
        let server = Server::start(&["--log-level", "warn"]);
        let socket = datagrams(server.udp);
        let client = socket.local_addr().unwrap();
        filter("output", &format!("udp dport {} drop", client.port()));
        assert_eq!(socket.send(b"PING").unwrap(), 4);
        let line = server.line("UNSENT");
        let expected = format!("[UDP] UNSENT count=1 client={client} detail=\"operation not permitted\"");
        assert_eq!(event(&line), expected);
        assert_returns(&datagrams(server.udp), b"PING");
    });
}
