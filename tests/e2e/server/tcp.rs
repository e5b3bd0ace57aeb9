//! The TCP echo: bytes, half-close, silence, threads, bursts.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use crate::support::child::{Server, eventually};
use crate::support::peer::{End, Random, assert_echoes, connect, is_reset, rest, send_without_end, waiting};
use crate::support::running::PATIENCE;

#[test]
fn bytes_come_back_as_they_came() {
    let server = Server::start(&["--log-level", "warn"]);
    let stream = connect(server.tcp);
    // Around the server's buffer of 16 KiB, and far beyond it.
    for len in [1, 4, 4096, 16_383, 16_384, 16_385, 32_768, 1_000_003] {
        assert_echoes(&stream, &Random(1 + len as u64).bytes(len));
    }
    let every_byte: Vec<u8> = (0..=255).collect();
    assert_echoes(&stream, &every_byte);
}

#[test]
fn connections_do_not_mix() {
    let server = Server::start(&["--log-level", "warn"]);
    thread::scope(|scope| {
        for seed in 1..=32 {
            let stream = connect(server.tcp);
            scope.spawn(move || {
                let mut random = Random(seed);
                for _ in 0..20 {
                    let len = random.below(20_000);
                    assert_echoes(&stream, &random.bytes(len));
                }
            });
        }
    });
}

#[test]
fn all_that_was_sent_before_a_half_close_comes_back_before_the_end() {
    let server = Server::start(&["--log-level", "warn"]);
    for len in [0, 1, 16_384, 4_000_000] {
        let stream = connect(server.tcp);
        let bytes = Random(7).bytes(len);
        thread::scope(|scope| {
            scope.spawn(|| {
                (&stream).write_all(&bytes).unwrap();
                stream.shutdown(Shutdown::Write).unwrap();
            });
            assert!(rest(&mut &stream) == bytes, "{len} bytes");
        });
    }
}

/// With Nagle's algorithm the part of a message that does not fill a segment waits until the one before it is
/// acknowledged, which the peer delays by 40 ms and more.
#[test]
fn messages_longer_than_a_buffer_do_not_wait_for_acknowledgements() {
    let server = Server::start(&["--log-level", "warn"]);
    let stream = connect(server.tcp);
    let message = Random(3).bytes(20_000);
    let mut times: Vec<Duration> = (0..25)
        .map(|_| {
            let start = Instant::now();
            assert_echoes(&stream, &message);
            start.elapsed()
        })
        .collect();
    times.sort();
    assert!(times[times.len() / 2] < Duration::from_millis(30), "{times:?}");
}

#[test]
fn silence_for_the_idle_timeout_ends_a_connection_and_not_before() {
    let idle = Duration::from_millis(300);
    let server = Server::start(&["--idle-timeout", "300ms"]);
    let mut stream = connect(server.tcp);
    // Twice the idle timeout with a byte every third of it: never silent for long.
    stream.set_read_timeout(Some(idle / 3)).unwrap();
    for _ in 0..6 {
        assert_echoes(&stream, b"x");
        assert_eq!(stream.read(&mut [0]).unwrap_err().kind(), ErrorKind::WouldBlock);
    }
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let start = Instant::now();
    assert_echoes(&stream, b"x");
    assert_eq!(rest(&mut stream), b"");
    assert!(start.elapsed() >= idle, "{:?}", start.elapsed());
}

#[test]
fn a_peer_that_never_speaks_is_given_up() {
    let server = Server::start(&["--idle-timeout", "100ms"]);
    let start = Instant::now();
    assert_eq!(rest(&mut connect(server.tcp)), b"");
    assert!(start.elapsed() >= Duration::from_millis(100));
}

/// Its thread waits in a write. That ends by the same timeout, after the last byte that went anywhere; for
/// the peer's own writes, which wait in turn, with a reset.
#[test]
fn a_peer_that_sends_and_never_reads_is_given_up() {
    let server = Server::start(&["--idle-timeout", "300ms", "--log-level", "warn"]);
    let (error, last) = send_without_end(&mut connect(server.tcp));
    assert!(is_reset(&error), "{error}");
    // 300 ms from the issue; the rest is for a busy machine.
    assert!(last.elapsed() < Duration::from_secs(5), "{:?}", last.elapsed());
}

/// 64 KiB each way, which the kernel doubles for its own book-keeping. Left to itself it holds megabytes.
#[test]
fn little_is_held_for_a_peer_that_never_reads() {
    let server = Server::start(&["--log-level", "warn"]);
    let mut stream = connect(server.tcp);
    stream.set_write_timeout(Some(Duration::from_millis(100))).unwrap();
    send_without_end(&mut stream);
    let held: u64 = waiting(server.tcp, End::Server).iter().sum();
    assert!(held > 0 && held <= 2 * (64 + 64) * 1024, "{held} bytes");
}

#[test]
fn peers_that_never_read_do_not_hold_up_others() {
    let server = Server::start(&["--log-level", "warn"]);
    let stuck: Vec<TcpStream> = (0..20).map(|_| connect(server.tcp)).collect();
    thread::scope(|scope| {
        for mut stream in &stuck {
            stream.set_write_timeout(Some(Duration::from_millis(100))).unwrap();
            scope.spawn(move || send_without_end(&mut stream));
        }
    });
    let start = Instant::now();
    assert_echoes(&connect(server.tcp), b"PING");
    // The others stay stuck for the 30 s of the default.
    assert!(start.elapsed() < Duration::from_secs(10));
    drop(stuck);
}

#[test]
fn each_connection_has_a_thread_and_a_stack_of_64_kib() {
    const CONNECTIONS: usize = 20;
    let server = Server::start(&[]);
    eventually("a thread that waits for signals, and one a listener", || {
        (server.threads() == 4).then_some(())
    });
    let stacks = small_stacks(&server);
    let streams: Vec<TcpStream> = (0..CONNECTIONS).map(|_| connect(server.tcp)).collect();
    for stream in &streams {
        assert_echoes(stream, b"PING");
    }
    assert_eq!(server.threads(), 4 + CONNECTIONS);
    assert_eq!(small_stacks(&server) - stacks, CONNECTIONS);
}

/// Mappings that may be written and have the size of such a stack, with a page or two for the thread library.
fn small_stacks(server: &Server) -> usize {
    let hexadecimal = |digits| u64::from_str_radix(digits, 16).unwrap();
    let maps = server.proc("maps");
    let sizes = maps.lines().filter(|line| line.contains(" rw-p ")).map(|line| {
        let (start, end) = line.split_once(' ').unwrap().0.split_once('-').unwrap();
        hexadecimal(end) - hexadecimal(start)
    });
    sizes.filter(|size| (64 * 1024..=72 * 1024).contains(size)).count()
}

/// The server is frozen, so that all of them wait in the kernel at once. With std's backlog of 128 the 130th
/// would get no reply and try again after a second.
#[test]
fn a_burst_of_1000_clients_waits_for_nothing() {
    let backlog = std::fs::read_to_string("/proc/sys/net/core/somaxconn").unwrap().trim().parse().unwrap();
    // The other half is for the tests that run beside this one.
    let descriptors = smoker::sys::limits::raise_descriptor_limit().unwrap() / 2;
    let clients: u64 = descriptors.min(backlog).min(1000);
    assert!(clients > 200, "too few to tell, with {descriptors} descriptors and a backlog of {backlog}");
    let server = Server::start(&["--log-level", "warn"]);
    server.freeze();
    let streams: Vec<TcpStream> = (0..clients)
        .map(|client| {
            let connected = TcpStream::connect_timeout(&server.tcp, Duration::from_millis(950));
            let stream = connected.unwrap_or_else(|error| panic!("client {client}: {error}"));
            stream.set_read_timeout(Some(PATIENCE)).unwrap();
            (&stream).write_all(b"PING").unwrap();
            stream
        })
        .collect();
    server.signal("CONT");
    for mut stream in streams {
        let mut back = [0; 4];
        stream.read_exact(&mut back).unwrap();
        assert_eq!(&back, b"PING");
    }
}
