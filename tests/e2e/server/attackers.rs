//! Peers that mean harm: slow, silent, flooding, garbage, cut short, cut in pieces. The server outlives all.

use std::io::{ErrorKind, Write};
use std::net::{Shutdown, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use crate::support::child::{Server, eventually};
use crate::support::peer::{
    GET, Http, Random, Reply, assert_echoes, assert_returns, connect, datagrams, get, is_reset, reset, rest,
    send_without_end,
};
use crate::support::running::PATIENCE;

/// The reply that comes while a byte of `bytes` goes out every 20 ms.
fn reply_to_trickle(http: &mut Http, mut bytes: impl Iterator<Item = u8>) -> Reply {
    http.0.get_ref().set_read_timeout(Some(Duration::from_millis(20))).unwrap();
    let silence = |error: std::io::Error| error.kind() == ErrorKind::WouldBlock;
    while http.0.get_ref().peek(&mut [0]).is_err_and(silence) {
        http.send([bytes.next().expect("no reply")]);
    }
    http.0.get_ref().set_read_timeout(Some(PATIENCE)).unwrap();
    http.reply()
}

const IDLE: Duration = Duration::from_millis(200);
const IDLE_FLAGS: [&str; 4] = ["--idle-timeout", "200ms", "--log-level", "warn"];

/// A whole head has `IDLE_TIMEOUT`, however slowly it trickles, and a whole body twice that. What is more
/// than that here is for a busy machine.
#[test]
fn a_head_or_body_that_trickles_is_given_up() {
    let server = Server::start(&IDLE_FLAGS);
    for (at_once, trickled, at_least) in [
        ("G", "ET / HTTP/1.1\r\nHost: a\r\n\r\n", IDLE),
        ("GET / HTTP/1.1\r\nHost: a\r\n", "a:\r\n", IDLE),
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n", "x", 2 * IDLE),
        ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n", "1\r\nx\r\n", 2 * IDLE),
    ] {
        let mut http = Http::connect(server.http);
        let began = Instant::now();
        http.send(at_once);
        let reply = reply_to_trickle(&mut http, trickled.bytes().cycle().take(1000));
        let took = began.elapsed();
        assert_eq!((reply.status, reply.field("Connection")), (408, Some("close")), "{trickled:?}");
        assert!(took >= at_least && took < at_least + Duration::from_secs(5), "{took:?}");
    }
}

#[test]
fn a_head_or_body_that_never_ends_is_given_up() {
    let server = Server::start(&IDLE_FLAGS);
    for (start, at_least) in [
        ("G", IDLE),
        ("GET / HTTP/1.1\r\nHost: a\r\n", IDLE),
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nx", 2 * IDLE),
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\nx", 2 * IDLE),
        ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n", 2 * IDLE),
    ] {
        let mut http = Http::connect(server.http);
        let began = Instant::now();
        http.send(start);
        assert_eq!(http.reply().status, 408, "{start}");
        assert!(began.elapsed() >= at_least, "{start}: {:?}", began.elapsed());
        assert!(http.is_over());
    }
}

#[test]
fn an_http_peer_that_never_reads_is_given_up() {
    let server = Server::start(&IDLE_FLAGS);
    let mut http = Http::connect(server.http);
    let stream = http.0.get_mut();
    let body = vec![7; 1024 * 1024];
    let request =
        [b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1048576\r\n\r\n", body.as_slice()].concat();
    let error = (0..64).find_map(|_| stream.write_all(&request).err()).expect("an end");
    assert!(is_reset(&error), "{error}");
    assert_eq!(get(server.http, "/"), (200, "OK".into()));
}

/// The reply is there, and then: a peer that sends without end, and one that never closes its side.
#[test]
fn a_refused_peer_is_not_read_without_end() {
    let server = Server::start(&["--log-level", "warn"]);
    let before = server.descriptors();
    let mut endless = Http::connect(server.http);
    let mut silent = Http::connect(server.http);
    for http in [&mut endless, &mut silent] {
        http.send("nonsense\r\n\r\n");
        assert_eq!(http.reply().status, 400);
    }
    // 2 MiB are read; the rest is what the kernel takes in at both ends.
    let (error, _) = send_without_end(endless.0.get_mut());
    assert!(is_reset(&error), "{error}");
    eventually("the silent one is let go", || (server.descriptors() == before).then_some(()));
    assert!(silent.is_over());
}

/// Those inside lose nothing, and those outside cost neither threads nor descriptors.
#[test]
fn floods_past_the_limit_do_not_reach_those_inside() {
    const LIMIT: usize = 8;
    let server = Server::start(&["--max-connections", "8", "--log-level", "warn"]);
    let tcp: Vec<TcpStream> = (0..LIMIT / 2).map(|_| connect(server.tcp)).collect();
    for stream in &tcp {
        assert_echoes(stream, b"PING");
    }
    let mut http: Vec<Http> = (0..LIMIT / 2).map(|_| Http::admitted(server.http)).collect();
    thread::scope(|scope| {
        let floods = [
            scope.spawn(|| (0..1000).for_each(|_| assert_eq!(rest(&mut connect(server.tcp)), b""))),
            scope.spawn(|| {
                let crowd = || (0..50).map(|_| connect(server.tcp)).collect::<Vec<TcpStream>>();
                (0..20).for_each(|_| drop(crowd()));
            }),
            scope.spawn(|| {
                for _ in 0..500 {
                    let mut http = Http::connect(server.http);
                    // It may be over before all was sent.
                    let _ = http.0.get_mut().write_all(GET.as_bytes());
                    assert!(http.reply_if_any().is_none_or(|reply| reply.status == 503));
                }
            }),
        ];
        let mut random = Random(11);
        while floods.iter().any(|flood| !flood.is_finished()) {
            for http in &mut http {
                http.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello");
                assert_eq!(http.reply().text(), "hello");
            }
            let len = random.below(30_000);
            let bytes = random.bytes(len);
            for stream in &tcp {
                assert_echoes(stream, &bytes);
            }
            // Its own four, those inside, 16 in reserve and as many as may wait for the next of them.
            assert!(server.threads() <= 4 + LIMIT + 16 + 32, "{}", server.threads());
        }
    });
    drop((tcp, http));
    eventually("a new connection is served", || (get(server.http, "/").0 == 200).then_some(()));
}

#[test]
fn garbage_datagrams_come_back_or_vanish_and_the_loop_goes_on() {
    let server = Server::start(&["--log-level", "warn"]);
    let (socket, mut random) = (datagrams(server.udp), Random(13));
    for _ in 0..2000 {
        let len = random.below(1500);
        assert_returns(&socket, &random.bytes(len));
    }
}

const REQUESTS: [&str; 4] = [
    "GET /health?a=b HTTP/1.1\r\nHost: smoker-server:8082\r\nAccept: */*\r\nConnection: close\r\n\r\n",
    "POST / HTTP/1.1\r\nHost: [::1]\r\nContent-Length: 11\r\nConnection: close\r\n\r\nhello world",
    "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n\
     5;a=\"b\"\r\nhello\r\n6\r\n world\r\n0\r\nX: y\r\n\r\n",
    "GET http://a/ HTTP/1.0\r\n\r\n",
];

const BODIES: [&str; 4] = ["healthy", "hello world", "hello world", "OK"];

#[test]
fn every_beginning_of_a_request_is_no_request() {
    let server = Server::start(&["--log-level", "warn"]);
    for request in REQUESTS {
        for len in 0..request.len() {
            let mut stream = connect(server.http);
            stream.write_all(&request.as_bytes()[..len]).unwrap();
            stream.shutdown(Shutdown::Write).unwrap();
            assert_eq!(rest(&mut stream), b"", "{:?}", &request[..len]);
        }
    }
}

#[test]
fn requests_in_pieces_are_the_same_requests() {
    let server = Server::start(&["--log-level", "warn"]);
    for (request, body) in REQUESTS.iter().zip(BODIES) {
        let answer = |pieces: &mut dyn Iterator<Item = &[u8]>| {
            let mut http = Http::connect(server.http);
            pieces.for_each(|piece| http.send(piece));
            let reply = http.reply();
            assert_eq!((reply.status, reply.text()), (200, body), "{request:?}");
            assert!(http.is_over());
        };
        for middle in 1..request.len() {
            let (first, second) = request.as_bytes().split_at(middle);
            answer(&mut [first, second].into_iter());
        }
        answer(&mut request.as_bytes().chunks(1));
    }
}

/// Each gets whole replies or none, of the statuses that a request can be to blame for.
#[test]
fn mutated_requests_get_whole_replies_or_none() {
    let server = Server::start(&["--log-level", "warn"]);
    let mut random = Random(17);
    for _ in 0..1000 {
        let mut request = REQUESTS[random.below(REQUESTS.len())].as_bytes().to_vec();
        for _ in 0..=random.below(4) {
            mutate(&mut request, &mut random);
        }
        let mut http = Http::connect(server.http);
        http.send(&request);
        http.0.get_ref().shutdown(Shutdown::Write).unwrap();
        while let Some(reply) = http.reply_if_any() {
            let expected = [200, 400, 404, 405, 413, 414, 417, 431, 501, 505];
            let shown = String::from_utf8_lossy(&request);
            assert!(expected.contains(&reply.status), "{}: {shown:?}", reply.status);
        }
    }
    assert_eq!(get(server.http, "/"), (200, "OK".into()));
}

fn mutate(bytes: &mut Vec<u8>, random: &mut Random) {
    let at = random.below(bytes.len());
    match random.below(5) {
        0 => bytes[at] ^= 1 << random.below(8),
        1 => bytes[at] = b"\r\n\0 \t:;,-+0a"[random.below(12)],
        2 => bytes.insert(at, random.bytes(1)[0]),
        3 if bytes.len() > 1 => drop(bytes.remove(at)),
        _ => bytes.extend_from_within(at..),
    }
}

#[test]
fn a_good_request_before_a_bad_one_is_answered() {
    let server = Server::start(&["--log-level", "warn"]);
    let mut http = Http::connect(server.http);
    http.send(format!("{GET}GET / HTTP/1.1\nHost: a\n\n{GET}"));
    let statuses: Vec<u16> = std::iter::from_fn(|| http.reply_if_any()).map(|reply| reply.status).collect();
    assert_eq!(statuses, [200, 400]);
}

#[test]
fn resets_end_nothing_but_their_own_connection() {
    let server = Server::start(&["--log-level", "warn"]);
    let (tcp, mut http) = (connect(server.tcp), Http::admitted(server.http));
    assert_echoes(&tcp, b"PING");
    let before = server.descriptors();
    for half in ["", "GET / HTTP/1.1\r\n", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nhalf"] {
        for _ in 0..20 {
            reset(connect(server.tcp), b"PING");
            reset(connect(server.http), format!("{GET}{half}").as_bytes());
        }
    }
    assert_echoes(&tcp, b"PING");
    http.send(GET);
    assert_eq!(http.reply().text(), "OK");
    eventually("their descriptors are given back", || (server.descriptors() == before).then_some(()));
}
