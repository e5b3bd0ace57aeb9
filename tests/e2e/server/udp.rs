//! The UDP echo: datagrams of every size, the address of the answer, loops between services, peers that left;
//! and the datagrams of a series, which are answered with what the server knows.

use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::num::NonZeroU32;
use std::thread;
use std::time::Duration;

use smoker::series_protocol::{self, Datagram, Id, Reply, Request};

use crate::support::child::{Server, command, event, eventually, not_run};
use crate::support::isolated::{filter, isolated};
use crate::support::peer::{Random, assert_returns, datagrams, own_address};
use crate::support::running::PATIENCE;

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

/// One loop serves everyone, so a reply to a later sender shows that `from` gets none.
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

/// Logged once a second, every datagram counted. Each sender has its own address, by which a line says how
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
    let logged = lines.iter().map(|line| {
        let (count, rest) = line.split_once(" DROPPED count=").unwrap().1.split_once(" client=").unwrap();
        let client: SocketAddr = rest.split_once(' ').unwrap().0.parse().unwrap();
        let IpAddr::V4(address) = client.ip() else { panic!("{line}") };
        (count.parse::<u32>().unwrap(), u32::from(address) - SENDERS)
    });
    let logged: Vec<(u32, u32)> = logged.collect();
    assert_eq!((logged[0], logged[1]), ((1, 1), (logged[1].1 - 1, logged[1].1)), "{lines:#?}");
    assert!(logged[1].0 > 1, "{lines:#?}");
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

fn id(nonce: u64, flow: u16) -> Id {
    Id { nonce, sequence: 0, flow }
}

/// Sends a request, padded with `padding` bytes, and gives the reply and its length.
fn ask(socket: &UdpSocket, request: Request, padding: usize) -> (Reply, usize) {
    let mut datagram = request.encode().to_vec();
    datagram.resize(series_protocol::LEN + padding, 7);
    socket.send(&datagram).unwrap();
    let len = socket.recv(&mut datagram).unwrap();
    let Ok(Some(Datagram::Reply(reply))) = series_protocol::decode(&datagram[..len]) else {
        panic!("no reply")
    };
    (reply, len)
}

#[test]
fn a_probe_of_a_series_is_answered_in_its_length_and_a_size_in_the_least() {
    let server = Server::start(&["--log-level", "warn"]);
    let socket = datagrams(server.udp);
    for padding in [0, 1, 1000, 60_000] {
        let (probe, probe_len) = ask(&socket, Request::Probe(id(1, 2)), padding);
        assert_eq!(
            (probe_len, usize::from(probe.length)),
            (series_protocol::LEN + padding, series_protocol::LEN + padding)
        );
        let (size, size_len) = ask(&socket, Request::Size(id(1, 2)), padding);
        assert_eq!(
            (size_len, usize::from(size.length)),
            (series_protocol::LEN, series_protocol::LEN + padding)
        );
    }
}

#[test]
fn a_reply_tells_who_answers_whom_it_saw_and_how_many_have_come() {
    let [first, second] = [(); 2].map(|()| Server::start(&["--log-level", "warn"]));
    let socket = datagrams(first.udp);
    let (reply, _) = ask(&socket, Request::Probe(id(1, 2)), 0);
    assert_eq!((reply.id, reply.client), (id(1, 2), socket.local_addr().unwrap()));
    assert!(reply.turnaround < PATIENCE);
    for received in 2..5 {
        let (again, _) = ask(&datagrams(first.udp), Request::Probe(id(1, 2)), 0);
        assert_eq!((again.instance, again.received), (reply.instance, NonZeroU32::new(received)));
    }
    // Each flow of each run has a count of its own, and so has each server.
    for (server, id) in [(&first, id(1, 3)), (&first, id(2, 2)), (&second, id(1, 2))] {
        let (other, _) = ask(&datagrams(server.udp), Request::Probe(id), 0);
        assert_eq!(other.received, NonZeroU32::new(1));
        assert_eq!(other.instance == reply.instance, server.udp == first.udp);
    }
}

/// What waits in the server's own socket is no fault of the network's.
#[test]
fn the_turnaround_covers_the_wait_in_the_server() {
    const FROZEN: Duration = Duration::from_millis(50);
    let server = Server::start(&["--log-level", "warn"]);
    let socket = datagrams(server.udp);
    server.freeze();
    socket.send(&Request::Probe(id(1, 2)).encode()).unwrap();
    thread::sleep(FROZEN);
    server.signal("CONT");
    let mut datagram = [0; series_protocol::LEN];
    assert_eq!(socket.recv(&mut datagram).unwrap(), series_protocol::LEN);
    let Ok(Some(Datagram::Reply(reply))) = series_protocol::decode(&datagram) else { panic!("no reply") };
    assert!(reply.turnaround >= FROZEN, "{reply:?}");
}

#[test]
fn replies_and_nonsense_are_dropped_and_never_echoed() {
    let server = Server::start(&["--log-level", "warn"]);
    let (socket, good) = (datagrams(server.udp), datagrams(server.udp));
    let request = Request::Probe(id(1, 2)).encode();
    let (reply, _) = ask(&good, Request::Probe(id(1, 2)), 0);
    let mut random = Random(5);
    let mut dropped =
        vec![reply.encode().to_vec(), request[..8].to_vec(), request[..series_protocol::LEN - 1].to_vec()];
    dropped.extend((0..50).map(|_| [&request[..8], &random.bytes(300)].concat()));
    socket.set_nonblocking(true).unwrap();
    for datagram in &dropped {
        socket.send(datagram).unwrap();
        assert_returns(&good, b"PING");
        assert_eq!(socket.recv(&mut [0; 512]).unwrap_err().kind(), ErrorKind::WouldBlock, "{datagram:?}");
    }
    assert!(server.line("DROPPED").ends_with(" detail=\"a reply\""));
    // One byte less, and it is an echo like any other.
    assert_returns(&good, &request[..7]);
}

/// Loops end here even if the other end answers everything: a reply is never answered.
#[test]
fn a_reply_never_has_more_bytes_than_its_request() {
    let server = Server::start(&["--log-level", "warn"]);
    let socket = datagrams(server.udp);
    let mut random = Random(6);
    for _ in 0..300 {
        let padding = random.below(1500);
        let request = if random.below(2) == 0 { Request::Probe(id(1, 2)) } else { Request::Size(id(1, 2)) };
        assert!(ask(&socket, request, padding).1 <= series_protocol::LEN + padding);
    }
}

/// The flows that a server remembers are as many as are said (`REMEMBERED` in its `tally`), twice at the
/// most.
#[test]
fn forged_runs_take_no_more_memory_than_the_table_of_runs() {
    let server = Server::start(&["--log-level", "warn"]);
    let socket = datagrams(server.udp);
    let before = server.resident_kib();
    for nonce in 0..300_000 {
        // Slowed down by every hundredth reply, so that none is lost in the server's socket.
        socket.send(&Request::Size(id(nonce, 0)).encode()).unwrap();
        if nonce % 100 == 99 {
            for _ in 0..100 {
                socket.recv(&mut [0; series_protocol::LEN]).unwrap();
            }
        }
    }
    let grown = server.resident_kib() - before;
    assert!(grown < 7 * 1024, "{grown} KiB");
}
