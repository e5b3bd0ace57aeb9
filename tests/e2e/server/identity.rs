//! Who answers: the fields of every HTTP reply that name the server, and the client as the server saw it.

use std::collections::HashSet;

use crate::support::child::{Server, eventually};
use crate::support::peer::{GET, Http, Reply, ask, get};

/// Instance, node, pod and state, as far as the reply has them.
fn identity(reply: &Reply) -> [Option<&str>; 4] {
    ["Smoker-Instance", "Smoker-Node", "Smoker-Pod", "Smoker-State"].map(|name| reply.field(name))
}

#[test]
fn every_reply_says_who_answers_and_whom() {
    let server = Server::start(&["--node-name", "node-1", "--pod-name", "server-a"]);
    let mut instances = HashSet::new();
    for (request, status) in [
        (GET, 200),
        ("HEAD /health HTTP/1.1\r\nHost: a\r\n\r\n", 200),
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2000\r\n\r\n", 200),
        ("GET /nothing HTTP/1.1\r\nHost: a\r\n\r\n", 404),
        ("nonsense\r\n\r\n", 400),
    ] {
        let mut http = Http::connect(server.http);
        let client = http.0.get_ref().local_addr().unwrap();
        http.send(request);
        if request.starts_with("POST") {
            http.send([7; 2000]);
        }
        let reply = http.head().unwrap();
        let [instance, node, pod, state] = identity(&reply);
        assert_eq!((reply.status, node, pod, state), (status, Some("node-1"), Some("server-a"), None));
        assert_eq!(reply.field("Smoker-Client"), Some(&*client.to_string()), "{request}");
        instances.insert(instance.unwrap().to_owned());
    }
    let [instance] = Vec::from_iter(instances).try_into().unwrap();
    assert!(instance.len() == 16 && u64::from_str_radix(&instance, 16).is_ok(), "{instance}");
    let other = Server::start(&[]);
    assert_ne!(identity(&ask(other.http, GET))[0], Some(&*instance));
}

#[test]
fn a_pod_that_is_not_known_is_not_named() {
    let server = Server::start(&["--node-name", "node-1"]);
    assert_eq!(identity(&ask(server.http, GET))[1..], [Some("node-1"), None, None]);
}

#[test]
fn a_server_that_is_too_busy_to_serve_says_who_it_is() {
    let server = Server::start(&["--node-name", "node-1", "--max-connections", "1"]);
    let _held = Http::admitted(server.http);
    let reply = ask(server.http, GET);
    assert_eq!((reply.status, identity(&reply)[1]), (503, Some("node-1")));
}

#[test]
fn a_server_that_drains_says_so_in_every_reply() {
    let server = Server::start(&["--node-name", "node-1", "--drain-delay", "1m"]);
    let mut kept = Http::admitted(server.http);
    server.signal("TERM");
    eventually("it drains", || (get(server.http, "/health").0 == 503).then_some(()));
    for request in [GET, "GET /health HTTP/1.1\r\nHost: a\r\n\r\n", "nonsense\r\n\r\n"] {
        kept.send(request);
        assert_eq!(identity(&kept.reply())[3], Some("draining"), "{request}");
    }
    server.signal("TERM");
    assert_eq!(server.ended().status, Some(0));
}
