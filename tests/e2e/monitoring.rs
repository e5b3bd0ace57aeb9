//! What Prometheus and Grafana are given, against the manifests and against each other. Whether rules and
//! queries parse, and what fires when, is for promtool to say (`.ci/promtool`).

use std::fs;
use std::path::Path;

use crate::yaml::{self, Node};

const RULES: &str = "manifests/monitoring/rules.yaml";

/// The one source is the plain file: its groups are the `spec`, two columns further in.
#[test]
fn the_operators_rules_are_the_plain_ones() {
    let plain = read(RULES);
    let (_, groups) = plain.split_once("\ngroups:\n").expect("groups");
    let operators = read("manifests/monitoring/operator/rules.yaml");
    let (head, copied) = operators.split_once("\n  groups:\n").expect("groups in the spec");
    let expected: Vec<String> = groups.lines().map(|line| indented(line, 2)).collect();
    assert!(copied.lines().eq(&expected), "copy {RULES} again: sed 's/^./  &/'");
    let [rule] = &yaml::documents(&format!("{head}\n  groups: below"))[..] else { panic!("not one object") };
    assert_eq!(rule.text("apiVersion"), "monitoring.coreos.com/v1");
    assert_eq!(rule.text("kind"), "PrometheusRule");
}

#[test]
fn the_operator_scrapes_the_pods_of_the_manifests() {
    let monitors = yaml::documents(&read("manifests/monitoring/operator/scrape.yaml"));
    let [clients, servers] = &monitors[..] else { panic!("not two monitors") };
    for (monitor, kind, endpoint, workload) in [
        (clients, "PodMonitor", "spec podMetricsEndpoints 0", &manifest("20-client", "DaemonSet")),
        (servers, "ServiceMonitor", "spec endpoints 0", &manifest("10-server", "Deployment")),
    ] {
        assert_eq!(monitor.text("apiVersion"), "monitoring.coreos.com/v1");
        assert_eq!(monitor.text("kind"), kind);
        let labels = workload.find("spec template metadata labels").unwrap();
        assert_eq!(monitor.find("metadata labels"), Some(labels));
        assert_eq!(monitor.text("metadata namespace"), workload.text("metadata namespace"));
        assert_eq!(monitor.text("spec selector matchLabels app"), labels.text("app"));
        assert_eq!(monitor.text("spec jobLabel"), "app");
        assert!(ports(workload).contains(&monitor.text(&format!("{endpoint} port"))));
        assert_eq!(monitor.text(&format!("{endpoint} path")), "/metrics");
        names_nodes_and_no_addresses(monitor.list(&format!("{endpoint} relabelings")), "sourceLabels");
    }
    let headless = manifest("10-server", "Deployment");
    assert_eq!(headless.text("metadata name"), servers.text("metadata name"));
    assert_eq!(servers.text("spec endpoints 0 relabelings 0 regex"), "smoker-server-endpoints");
}

#[test]
fn a_plain_prometheus_scrapes_the_pods_of_the_manifests() {
    let config = yaml::documents(&read("manifests/monitoring/scrape.yaml"));
    let [clients, servers] = config[0].list("scrape_configs") else { panic!("not two jobs") };
    for (job, workload) in
        [(clients, manifest("20-client", "DaemonSet")), (servers, manifest("10-server", "Deployment"))]
    {
        let app = workload.text("metadata labels app");
        assert_eq!(job.text("job_name"), app);
        let namespace = job.text("kubernetes_sd_configs 0 namespaces names 0");
        assert_eq!(namespace, workload.text("metadata namespace"));
        let (label, port) = job.text("relabel_configs 0 regex").split_once(';').unwrap();
        assert_eq!(label, app);
        assert!(ports(&workload).contains(&port));
        names_nodes_and_no_addresses(job.list("relabel_configs"), "source_labels");
    }
}

/// The rules go by the job's name, and the operator's `jobLabel` and the plain job agree on it.
#[test]
fn the_rules_name_the_job_of_the_clients() {
    let jobs: Vec<String> =
        read(RULES).split("job=~\"").skip(1).map(|rest| rest.split('"').next().unwrap().to_owned()).collect();
    assert!(!jobs.is_empty());
    assert!(jobs.iter().all(|job| job == "(.*/)?smoker-client"), "{jobs:?}");
}

/// `node` and `instance` are the names of a node or a pod: what else relabelling makes must not be an
/// address.
fn names_nodes_and_no_addresses(relabelings: &[Node], sources: &str) {
    let target = if sources == "sourceLabels" { "targetLabel" } else { "target_label" };
    let made: Vec<(&str, &str)> = relabelings
        .iter()
        .filter(|rule| rule.find(target).is_some())
        .map(|rule| (rule.text(target), rule.text(&format!("{sources} 0"))))
        .collect();
    let [("node", "__meta_kubernetes_pod_node_name"), ("instance", instance)] = made[..] else {
        panic!("{made:?}")
    };
    assert!(["__meta_kubernetes_pod_node_name", "__meta_kubernetes_pod_name"].contains(&instance));
}

/// The names of a workload's ports.
fn ports(workload: &Node) -> Vec<&str> {
    workload.list("spec template spec containers 0 ports").iter().map(|port| port.text("name")).collect()
}

fn manifest(file: &str, kind: &str) -> Node {
    let objects = yaml::documents(&read(&format!("manifests/{file}.yaml")));
    objects.into_iter().find(|object| object.text("kind") == kind).unwrap()
}

fn indented(line: &str, columns: usize) -> String {
    if line.is_empty() { String::new() } else { format!("{:columns$}{line}", "") }
}

fn read(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}
