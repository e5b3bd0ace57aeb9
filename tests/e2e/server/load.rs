//! The load: 20,000 connections, requests and datagrams, hostile ones among them, and nothing is left.

use std::io::{Read, Write};
use std::net::{Shutdown, UdpSocket};
use std::thread;

use crate::support::child::{Server, eventually};
use crate::support::peer::{
    GET, Http, assert_echoes, assert_returns, connect, datagrams, own_address, reset, rest,
};

/// A turn is one connection, one request and one datagram.
const TURNS: usize = 20_000;

const CLIENTS: usize = 4;

/// What the server may keep: less than 50 bytes of each connection. The first load of all fills the caches of
/// the allocator, the second shows what stays.
const KEPT_KIB: u64 = 1000;

#[test]
fn a_load_leaves_nothing_behind() {
    let server = Server::start(&["--idle-timeout", "5s"]);
    let (_, descriptors) = (at_rest(&server), server.descriptors());
    load(&server, TURNS / 10);
    let before = at_rest(&server);
    load(&server, TURNS);
    let after = at_rest(&server);
    assert_eq!(server.descriptors(), descriptors);
    println!("{before} KiB before, {after} KiB after");
    assert!(after <= before + KEPT_KIB, "{before} KiB before, {after} KiB after");
}

/// The memory that is resident when only the four threads are left that there are without connections.
fn at_rest(server: &Server) -> u64 {
    eventually("all threads end but four", || (server.threads() == 4).then_some(()));
    server.resident_kib()
}

fn load(server: &Server, turns: usize) {
    thread::scope(|scope| {
        for client in 0..CLIENTS {
            scope.spawn(move || {
                let datagrams = datagrams(server.udp);
                for turn in (client..turns).step_by(CLIENTS) {
                    // Half of the connections are of TCP, and so those of HTTP make two requests each.
                    match turn % 2 {
                        0 => tcp(server, turn / 2 % 10),
                        _ => http(server, turn / 2 % 10),
                    }
                    udp(server, &datagrams, turn % 10);
                }
            });
        }
    });
}

fn tcp(server: &Server, kind: usize) {
    let mut stream = connect(server.tcp);
    match kind {
        0 => {}
        1 => stream.write_all(b"gone before the answer").unwrap(),
        2 => reset(stream, b"PING"),
        3 => {
            stream.write_all(b"PING").unwrap();
            stream.shutdown(Shutdown::Write).unwrap();
            assert_eq!(rest(&mut stream), b"PING");
        }
        4 => assert_echoes(&stream, &vec![7; 40_000]),
        _ => assert_echoes(&stream, b"PING"),
    }
}

fn http(server: &Server, kind: usize) {
    let mut http = Http::connect(server.http);
    match kind {
        0 => http.send(format!("{GET}GET / HTT")),
        1 => reset(http.0.into_inner(), GET.repeat(2).as_bytes()),
        2 => {
            http.send(format!("{GET}GET / HTTP/1.1\nHost: a\n\n"));
            assert_eq!((http.reply().status, http.reply().status), (200, 400));
        }
        3 => {
            http.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1048577\r\n\r\nmuch too long");
            assert_eq!(http.reply().status, 413);
            http.0.read_to_end(&mut Vec::new()).unwrap();
        }
        4 => http.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\nhalf of it"),
        5 => {
            http.send(
                "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
            );
            assert_eq!(http.reply().text(), "hello");
            http.send(
                [&b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9000\r\n\r\n"[..], &[7; 9000]].concat(),
            );
            assert_eq!(http.reply().body, [7; 9000]);
        }
        _ => {
            http.send(GET.repeat(2));
            assert_eq!((http.reply().text(), http.reply().text()), ("OK", "OK"));
        }
    }
}

fn udp(server: &Server, socket: &UdpSocket, kind: usize) {
    match kind {
        // Gone before the answer, and from a port that is not answered.
        0 => drop(datagrams(server.udp).send(b"PING").unwrap()),
        1 => {
            if let Ok(own_port) = UdpSocket::bind((own_address(), server.udp.port())) {
                own_port.send_to(b"PING", server.udp).unwrap();
            }
        }
        2 => assert_returns(socket, &[7; 2000]),
        _ => assert_returns(socket, b"PING"),
    }
}
