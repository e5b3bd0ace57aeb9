//! The path MTU within rounds: when it is measured, and its line. What it finds is tested in `path_mtu`.

use super::{client_of, rounds};
use crate::support::child::Server;
use crate::support::line::Line;
use crate::support::running::{Running, port_flags};
use crate::support::scripted::{OK, http, tcp};
use crate::support::smoker;

/// The rounds, from 1, that measured the path.
fn measuring(server: &Server, flags: &[&str]) -> Vec<usize> {
    let ended = Running::start(client_of(server, &[&["--udp-flows=0"], flags].concat())).ended();
    assert_eq!(ended.status, Some(0), "{:?}", ended.lines);
    let rounds = rounds(&ended, "TCP").into_iter().enumerate();
    let measures = |round: &[Line]| round.iter().filter(|line| line.kind == "MTU").count() == 1;
    rounds.filter(|(_, round)| measures(round)).map(|(number, _)| number + 1).collect()
}

#[test]
fn the_path_is_measured_in_the_first_round_and_then_every_so_many() {
    let server = Server::start(&["--log-level=error"]);
    for (flags, expected) in [
        (&["--count=5", "--mtu-interval=2"][..], &[1, 3, 5][..]),
        (&["--count=3", "--mtu-interval=1"], &[1, 2, 3]),
        (&["--count=11"], &[1, 11]),
        (&["--count=3", "--mtu-interval=0"], &[]),
        (&["--count=2", "--mtu-interval=1", "--protocols=tcp"], &[]),
    ] {
        assert_eq!(measuring(&server, flags), expected, "{flags:?}");
    }
}

#[test]
fn the_loopback_takes_all_that_it_can() {
    let server = Server::start(&["--log-level=error"]);
    let ended = Running::start(client_of(&server, &["--count=1"])).ended();
    let line = ended.lines.iter().map(|line| Line::of(line)).find(|line| line.kind == "MTU").unwrap();
    let sizes = ["mtu", "interface"].map(|key| line.count(key));
    assert_eq!((line.brief(), sizes), ("MTU SUCCESS".into(), [65_535; 2]));
    // Without datagrams there is no size but that of the body that passed.
    let ended = Running::start(client_of(&server, &["--count=1", "--protocols=http"])).ended();
    let line = ended.lines.iter().map(|line| Line::of(line)).find(|line| line.kind == "MTU").unwrap();
    assert_eq!((line.brief(), line.keys()), ("MTU SUCCESS".into(), vec!["body"]));
    assert_eq!(line.count("body"), smoker::probe::transfer::LENGTH as u64);
}

/// A server that does not echo bodies says nothing of the path, and is not blamed for it.
#[test]
fn who_does_not_echo_bodies_has_no_line_about_large_ones() {
    let plain = http(OK);
    let mut command = smoker();
    command.args(["check", "127.0.0.1", "--protocols=http", "--node-name=n"]);
    let ended = Running::start(command.args(port_flags(1, 1, plain.port()))).ended();
    let briefs: Vec<String> = ended.lines.iter().map(|line| Line::of(line).brief()).collect();
    assert_eq!((ended.status, briefs), (Some(0), vec!["HTTP SUCCESS".into(), "VERDICT healthy".into()]));
}

/// A body that is taken in and never comes back, on a path that takes every packet.
#[test]
fn a_body_that_never_comes_back_is_reported_as_that() {
    let mute = tcp(|mut stream| {
        use std::io::Write;
        let head = crate::support::scripted::read_head(&mut stream);
        if head.starts_with("GET") {
            stream.write_all(OK.as_bytes()).unwrap();
        } else {
            let mut body = vec![0; smoker::probe::transfer::LENGTH];
            let _ = std::io::Read::read_exact(&mut stream, &mut body);
            crate::support::scripted::hold(stream);
        }
    });
    let mut command = smoker();
    command.args(["check", "127.0.0.1", "--protocols=http", "--node-name=n", "--timeout=400ms"]);
    let ended = Running::start(command.args(port_flags(1, 1, mute.port()))).ended();
    let line = ended.lines.iter().map(|line| Line::of(line)).find(|line| line.kind == "MTU").unwrap();
    let fields = ["error", "phase", "address"].map(|key| line.get(key).unwrap());
    assert_eq!((line.brief(), fields), ("MTU UNMEASURED".into(), ["timeout", "receive", "127.0.0.1"]));
    // The probe has passed; of the path nothing is known, and nothing is said to be wrong.
    assert_eq!(ended.status, Some(0), "{:?}", ended.lines);
}
