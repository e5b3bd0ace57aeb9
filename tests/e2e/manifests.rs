//! The manifests against the binary: ports, names, environment, labels, times and the version agree with it.
//! Whether they are valid Kubernetes objects is for the schemas to say (`.ci/schemas`).

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use smoker::cli::{self, COMMANDS, Run};
use smoker::client::settings::Client;
use smoker::server::settings::Server;
use smoker::settings::{Host, Sources};

use crate::support::yaml::{self, Node};

const SERVER: &str = "smoker-server";
const CLIENT: &str = "smoker-client";
const ENDPOINTS: &str = "smoker-server-endpoints";

/// Where a workload's pods and their one container are described.
const POD: &str = "spec template spec";
const CONTAINER: &str = "spec template spec containers 0";

#[test]
fn the_version_is_that_of_the_package() {
    let version = env!("CARGO_PKG_VERSION");
    for workload in workloads() {
        assert_eq!(workload.text(&format!("{CONTAINER} image")), format!("localhost/smoker:{version}"));
    }
    for labels in objects().iter().flat_map(labels) {
        assert_eq!(labels.text("app.kubernetes.io/version"), version);
    }
    let containerfile = read(&repository().join("Containerfile"));
    assert!(containerfile.contains(&format!("org.opencontainers.image.version=\"{version}\"")));
}

#[test]
fn the_servers_ports_are_declared_published_and_admitted() {
    let ports = server().ports;
    let expected = [("tcp", "TCP", ports.tcp), ("udp", "UDP", ports.udp), ("http", "TCP", ports.http)];
    let expected = expected.map(|(name, protocol, port)| format!("{name} {protocol} {port}"));
    let listed = |items: &[Node], keys: [&str; 3]| -> Vec<String> {
        items.iter().map(|item| keys.map(|key| item.text(key)).join(" ")).collect()
    };

    let declared = object("Deployment", SERVER);
    let declared = declared.list(&format!("{CONTAINER} ports"));
    assert_eq!(listed(declared, ["name", "protocol", "containerPort"]), expected);
    for service in [SERVER, ENDPOINTS] {
        let service = object("Service", service);
        assert_eq!(listed(service.list("spec ports"), ["name", "protocol", "port"]), expected);
        assert_eq!(listed(service.list("spec ports"), ["targetPort", "protocol", "port"]), expected);
    }

    let numbers = expected.map(|port| port.split_once(' ').unwrap().1.to_owned());
    assert_eq!(admitted(SERVER), numbers);
}

#[test]
fn the_clients_port_is_declared_and_alone_admitted() {
    let number = client().client_port.expect("a CLIENT_PORT").to_string();
    let workload = object("DaemonSet", CLIENT);
    let [port] = workload.list(&format!("{CONTAINER} ports")) else { panic!("not one port") };
    assert_eq!(["name", "protocol", "containerPort"].map(|key| port.text(key)), ["metrics", "TCP", &number]);
    assert_eq!(admitted(CLIENT), [format!("TCP {number}")]);
}

#[test]
fn pods_say_where_they_are_scraped() {
    let ports = [server().ports.http, client().client_port.unwrap()];
    for (workload, port) in workloads().iter().zip(ports) {
        let annotations = workload.entries("spec template metadata annotations");
        let expected = [("scrape", "true"), ("port", &port.to_string()), ("path", "/metrics")]
            .map(|(key, value)| (format!("prometheus.io/{key}"), Node::Scalar(value.to_owned())));
        assert!(annotations.into_iter().eq(expected.iter().map(|(key, value)| (key.as_str(), value))));
    }
}

#[test]
fn replicas_stand_apart_where_they_can() {
    let workload = object("Deployment", SERVER);
    assert_eq!(workload.text("spec replicas"), "2");
    let [constraint] = workload.list(&format!("{POD} topologySpreadConstraints")) else { panic!("not one") };
    assert_eq!(constraint.text("maxSkew"), "1");
    assert_eq!(constraint.text("topologyKey"), "kubernetes.io/hostname");
    assert_eq!(constraint.text("whenUnsatisfiable"), "ScheduleAnyway", "one node has to do");
    assert_eq!(constraint.text("labelSelector matchLabels app"), SERVER);
    assert_eq!(workload.text("spec strategy rollingUpdate maxSurge"), "0", "a third would stand beside one");
    assert_eq!(workload.text("spec strategy rollingUpdate maxUnavailable"), "1");
}

#[test]
fn every_variable_is_a_setting_of_its_command() {
    for workload in workloads() {
        let command = workload.text(&format!("{CONTAINER} args 0"));
        for variable in workload.list(&format!("{CONTAINER} env")) {
            let name = variable.text("name");
            let settings = COMMANDS.iter().find(|known| known.name == command).unwrap().settings();
            let read = settings.iter().any(|setting| setting.environment == Some(name));
            assert!(read, "smoker {command} does not read {name}");
        }
    }
}

#[test]
fn the_clients_probe_the_service_and_its_replicas_and_name_their_node() {
    let client = client();
    let headless = object("Service", ENDPOINTS);
    assert_eq!(client.host, Host::Name(object("Service", SERVER).text("metadata name").to_owned()));
    assert_eq!(client.endpoints_host, Some(Host::Name(headless.text("metadata name").to_owned())));
    assert_eq!(headless.text("spec clusterIP"), "None");
    let (used, served) = (&client.ports, server().ports);
    assert_eq!((used.tcp, used.udp, used.http), (served.tcp, served.udp, served.http));
    assert_eq!(client.node_name, "spec.nodeName");
    assert_eq!(client.count, None);
}

#[test]
fn the_servers_name_their_node_and_pod() {
    let server = server();
    assert_eq!(server.node_name, "spec.nodeName");
    assert_eq!(server.pod_name.as_deref(), Some("metadata.name"));
}

#[test]
fn draining_takes_the_server_out_of_the_service_without_a_restart() {
    let server = server();
    let workload = object("Deployment", SERVER);
    assert!(until_it_acts(&workload, "readinessProbe", "http") < server.drain_delay);
    let stopping = server.drain_delay + server.shutdown_timeout;
    assert!(until_it_acts(&workload, "livenessProbe", "http") > stopping);
    assert!(seconds(&workload, &format!("{POD} terminationGracePeriodSeconds")) > stopping);
}

/// `/health` turns to 503 after three rounds; until it is ended the client has as long again to come back.
#[test]
fn a_client_is_restarted_only_when_its_loop_hangs() {
    let workload = object("DaemonSet", CLIENT);
    assert!(until_it_acts(&workload, "readinessProbe", "metrics") <= client().interval);
    assert!(until_it_acts(&workload, "livenessProbe", "metrics") >= 3 * client().interval);
}

/// The arithmetic of the manifest's comment, with the binary's own limits.
#[test]
fn the_servers_memory_suffices_at_max_connections() {
    const KIB: usize = 1024;
    const MIB: usize = 1024 * KIB;
    let threads = server().max_connections + 16;
    let needed = threads * 89 * KIB + 32 * MIB + 4 * MIB;
    let limit = object("Deployment", SERVER);
    let limit = limit.text(&format!("{CONTAINER} resources limits memory")).strip_suffix("Mi").unwrap();
    assert!(limit.parse::<usize>().unwrap() * MIB > needed);
}

#[test]
fn pods_pass_the_restricted_level_and_are_not_throttled() {
    let user = read(&repository().join("Containerfile"));
    let user = user.lines().find_map(|line| line.strip_prefix("USER ")).unwrap();
    for workload in workloads() {
        let pod = |path: &str| workload.text(&format!("{POD} {path}"));
        assert_eq!(pod("securityContext runAsNonRoot"), "true");
        assert_eq!(
            format!("{}:{}", pod("securityContext runAsUser"), pod("securityContext runAsGroup")),
            user
        );
        assert_eq!(pod("securityContext seccompProfile type"), "RuntimeDefault");
        assert_eq!(pod("automountServiceAccountToken"), "false");
        assert_eq!(pod("enableServiceLinks"), "false");
        assert_eq!(pod("nodeSelector kubernetes.io/os"), "linux");

        assert_eq!(workload.list(&format!("{POD} containers")).len(), 1);
        let container = |path: &str| workload.text(&format!("{CONTAINER} {path}"));
        assert_eq!(container("imagePullPolicy"), "IfNotPresent");
        assert_eq!(container("securityContext allowPrivilegeEscalation"), "false");
        assert_eq!(container("securityContext readOnlyRootFilesystem"), "true");
        assert_eq!(container("securityContext capabilities drop 0"), "ALL");
        assert!(workload.find(&format!("{CONTAINER} resources limits cpu")).is_none());
    }
}

#[test]
fn labels_are_complete_and_selectors_minimal() {
    for object in objects().iter().filter(|object| object.text("kind") != "Namespace") {
        for labels in labels(object) {
            let app = labels.text("app");
            assert_eq!(labels.text("app.kubernetes.io/name"), "smoker");
            assert_eq!(labels.text("app.kubernetes.io/instance"), "smoker");
            assert_eq!(labels.text("app.kubernetes.io/part-of"), "smoker");
            assert_eq!(labels.text("app.kubernetes.io/managed-by"), "kubectl");
            assert_eq!(app, format!("smoker-{}", labels.text("app.kubernetes.io/component")));
            for selector in ["spec selector matchLabels", "spec podSelector matchLabels"] {
                for (key, value) in object.entries(selector) {
                    assert_eq!((key, value), ("app", &Node::Scalar(app.to_owned())));
                }
            }
        }
    }
    for service in [SERVER, ENDPOINTS] {
        let service = object("Service", service);
        assert_eq!(service.entries("spec selector"), [("app", &Node::Scalar(SERVER.to_owned()))]);
    }
}

#[test]
fn the_namespace_comes_first_and_holds_the_rest() {
    let objects = objects();
    let (namespace, rest) = objects.split_first().unwrap();
    assert_eq!(namespace.text("kind"), "Namespace");
    assert_eq!(namespace.text("metadata labels pod-security.kubernetes.io/enforce"), "restricted");
    for object in rest {
        assert_eq!(object.text("metadata namespace"), namespace.text("metadata name"));
    }
}

/// What the binary makes of a workload's arguments and environment.
fn run(workload: &Node) -> Run {
    let arguments = workload.list(&format!("{CONTAINER} args"));
    let arguments: Vec<String> = arguments.iter().map(|argument| argument.text("").to_owned()).collect();
    let variables = workload.list(&format!("{CONTAINER} env"));
    let environment = |name: &str| {
        let variable = variables.iter().find(|variable| variable.text("name") == name)?;
        Some(match variable.find("value") {
            Some(value) => value.text("").to_owned(),
            None => variable.text("valueFrom fieldRef fieldPath").to_owned(),
        })
    };
    let sources = Sources {
        environment: &environment,
        host_name: &|| "the-host-name".to_owned(),
        file: &crate::support::no_file,
    };
    cli::parse(&arguments, &sources).unwrap_or_else(|refusal| panic!("smoker {arguments:?}: {refusal}"))
}

fn server() -> Server {
    let Run::Server(server, _) = run(&object("Deployment", SERVER)) else { panic!("not a server") };
    server
}

fn client() -> Client {
    let Run::Client(client, _) = run(&object("DaemonSet", CLIENT)) else { panic!("not a client") };
    client
}

/// What a policy lets in, from anywhere: a smoker run by hand on a node and Prometheus have no labels to go
/// by.
fn admitted(policy: &str) -> Vec<String> {
    let policy = object("NetworkPolicy", policy);
    let [rule] = policy.list("spec ingress") else { panic!("not one rule") };
    assert!(rule.find("from").is_none());
    rule.list("ports").iter().map(|port| format!("{} {}", port.text("protocol"), port.text("port"))).collect()
}

/// How long `/health` on a port fails before the kubelet acts on a workload's probe.
fn until_it_acts(workload: &Node, probe: &str, port: &str) -> Duration {
    let probe = format!("{CONTAINER} {probe}");
    assert_eq!(workload.text(&format!("{probe} httpGet path")), "/health");
    assert_eq!(workload.text(&format!("{probe} httpGet port")), port);
    let failures: u32 = workload.text(&format!("{probe} failureThreshold")).parse().unwrap();
    seconds(workload, &format!("{probe} periodSeconds")) * failures
}

fn seconds(workload: &Node, path: &str) -> Duration {
    Duration::from_secs(workload.text(path).parse().unwrap())
}

fn workloads() -> [Node; 2] {
    [object("Deployment", SERVER), object("DaemonSet", CLIENT)]
}

/// The labels of an object, and of its pods where it makes some.
fn labels(object: &Node) -> impl Iterator<Item = &Node> {
    ["metadata labels", "spec template metadata labels"].into_iter().filter_map(|path| object.find(path))
}

fn object(kind: &str, name: &str) -> Node {
    let is_it = |object: &Node| object.text("kind") == kind && object.text("metadata name") == name;
    objects().into_iter().find(is_it).unwrap_or_else(|| panic!("no {kind} {name}"))
}

/// Everything that `kubectl apply -f manifests/` creates, in its order.
fn objects() -> Vec<Node> {
    let entries = fs::read_dir(repository().join("manifests")).unwrap();
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "yaml"));
    files.sort();
    files.iter().flat_map(|file| yaml::documents(&read(file))).collect()
}

fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
