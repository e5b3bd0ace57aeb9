//! `LOG_FORMAT=json`: the same events as in text, one object a line, each field of its type.

use std::process::Command;

use super::{client, client_of};
use crate::names::server_on;
use crate::support::child::{self, Server};
use crate::support::isolated::{etc, isolated};
use crate::support::line::{Json, Line, object};
use crate::support::nameserver::{NAME_ERROR, NO_ERROR, nameserver};
use crate::support::peer::{GET, ask};
use crate::support::running::{Ended, Running, port_flags};
use crate::support::scripted::Refused;
use crate::support::smoker;
use crate::support::starved::unless_starved;

const JSON: &str = "--log-format=json";

/// What `command` prints in each form, in brief and by the keys of the fields, in their order.
fn both(command: impl Fn() -> Command) -> [Vec<(String, Vec<&'static str>)>; 2] {
    let lines = |form: &str, read: fn(&str) -> Line| {
        let mut command = command();
        let ended = Running::start(command.args(["--log-format", form])).ended();
        let lines = ended.lines.iter().map(|line| read(line));
        lines.filter(|line| line.kind != "CLIENT").map(|line| (line.brief(), line.keys())).collect()
    };
    [lines("text", Line::of), lines("json", Line::of_json)]
}

#[test]
fn a_client_tells_the_same_in_both_forms() {
    unless_starved(|| {
        let server = Server::start(&["--log-level=error", "--pod-name=server-a"]);
        let [text, json] = both(|| client_of(&server, &["--count=2"]));
        assert_eq!(text, json);
        let kinds = ["TCP", "UDP", "UDP_SERIES", "HTTP", "MTU", "VERDICT", "SUMMARY"];
        for kind in kinds {
            assert!(json.iter().any(|(brief, _)| brief.split(' ').next() == Some(kind)), "{kind}: {json:?}");
        }
        let closed = Refused::ports();
        let [text, json] = both(|| {
            let mut command = client("127.0.0.2", &["--count=1", "--protocols=tcp,udp", "--mtu-interval=0"]);
            command.args(port_flags(closed.tcp.port(), closed.udp.port(), 1));
            command
        });
        assert_eq!(text, json);
        let briefs: Vec<&str> = json.iter().map(|(brief, _)| &**brief).collect();
        let expected =
            ["TCP refused connect", "UDP refused receive", "UDP_SERIES refused receive", "VERDICT server"];
        assert_eq!(briefs[..4], expected);
    });
}

#[test]
#[ignore = "needs root: its own nameserver"]
fn names_and_replicas_are_the_same_in_both_forms() {
    isolated(|| {
        etc(&[("resolv.conf", "nameserver 127.0.0.1\n")]);
        nameserver("127.0.0.1", |question| match &*question.name {
            "server." => vec![question.reply(NO_ERROR, &["127.0.0.2", "127.0.0.3"])],
            "replicas." => vec![question.reply(NO_ERROR, &["127.0.0.2"])],
            _ => vec![question.reply(NAME_ERROR, &[])],
        });
        let _server = server_on("127.0.0.2");
        for (host, expected) in [("server", "DNS SUCCESS"), ("absent", "DNS dns_not_found resolve")] {
            let [text, json] = both(|| client(host, &["--count=1", "--endpoints-host=replicas"]));
            assert_eq!(text, json);
            assert_eq!(json[0].0, expected);
            let is_logged = json.iter().any(|(brief, _)| brief == "ENDPOINT SUCCESS");
            assert_eq!(is_logged, host == "server", "{json:?}");
        }
    });
}

/// Words that a client's lines hold, and a shell, a terminal or JSON might act upon.
#[test]
fn every_text_is_escaped() {
    let server = Server::start(&["--log-level=error"]);
    let flags = ["--count=1", "--protocols=tcp", JSON, "--node-name=a.b'<>&{},:"];
    let ended = Running::start(client_of(&server, &flags)).ended();
    for line in &ended.lines {
        let members = object(line).unwrap_or_else(|| panic!("{line}"));
        assert_eq!(members[2], ("node".into(), Json::Text("a.b'<>&{},:".into())), "{line}");
    }
    assert_eq!(Line::of_json(&ended.lines[0]).brief(), "TCP SUCCESS");
}

/// The members of each line, but for a server's address, which is another each time.
fn members(ended: &Ended) -> Vec<Vec<(String, Json)>> {
    ended.lines.iter().map(|line| object(line).unwrap_or_else(|| panic!("{line}"))).collect()
}

#[test]
fn a_server_s_lines_are_objects_as_well() {
    let mut command = smoker();
    command.args(["local", "--count=1", "--node-name=n", "--log-level=debug", JSON]);
    let all = members(&Running::start(command).ended());
    let text = |text: &str| Json::Text(text.into());
    let of = |key: &str, line: &[(String, Json)]| {
        line.iter().find(|(name, _)| name == key).map(|(_, value)| value.clone())
    };
    let by_server: Vec<_> = all.iter().filter(|line| of("speaker", line) == Some(text("server"))).collect();
    for (kind, event) in [("TCP", "LISTENING"), ("HTTP", "LISTENING"), ("TCP", "ECHO"), ("HTTP", "REQUEST")] {
        let is_it =
            |line: &&&Vec<_>| of("kind", line) == Some(text(kind)) && of("event", line) == Some(text(event));
        let line = by_server.iter().find(is_it).unwrap_or_else(|| panic!("no {kind} {event}: {by_server:?}"));
        assert_eq!(line[0].0, "time");
        assert_eq!(of("node", line), None);
        if event == "ECHO" {
            assert_eq!(of("bytes", line), Some(Json::Number("4".into())));
        }
        if event == "REQUEST" {
            let request = ["method", "path", "status"].map(|key| of(key, line).unwrap());
            assert_eq!(request, [text("GET"), text("/"), Json::Number("200".into())]);
        }
    }
}

#[test]
fn a_server_reads_the_form_from_its_environment_too() {
    let mut command = child::command(&["--bind=127.0.0.1", "--log-level=info"]);
    let server = Running::start(command.env("LOG_FORMAT", "json"));
    let mut http = None;
    for _ in 0..3 {
        let line = object(&server.line()).unwrap();
        assert_eq!(line[1], ("speaker".into(), Json::Text("server".into())));
        let (Some((_, Json::Text(kind))), Some((key, Json::Text(address)))) = (line.get(2), line.get(4))
        else {
            panic!("{line:?}")
        };
        assert_eq!(key, "address");
        if kind == "HTTP" {
            http = address.parse().ok();
        }
    }
    assert_eq!(ask(http.unwrap(), GET).status, 200);
    let request = object(&server.line()).unwrap();
    assert_eq!(request[3], ("event".into(), Json::Text("REQUEST".into())));
}
