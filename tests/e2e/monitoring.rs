//! What Prometheus and Grafana are given, against the manifests, the metrics and each other. Whether rules
//! and queries parse, and what fires when, is for promtool to say (`.ci/promtool`).

use std::fs;
use std::path::Path;

use smoker::verdict::Verdict;

use crate::exporter;
use crate::support::child::{Server, eventually};
use crate::support::peer::get;
use crate::support::yaml::{self, Node};

const RULES: &str = "manifests/monitoring/rules.yaml";
/// What Prometheus makes itself.
const OF_PROMETHEUS: [&str; 2] = ["up", "ALERTS"];
const DASHBOARD: &str = "manifests/monitoring/dashboard.json";

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

#[test]
fn every_query_names_metrics_that_exist_with_labels_that_they_have() {
    let pages = pages();
    let recorded: Vec<String> = values_of(&read(RULES), "record").collect();
    for query in dashboard_queries().into_iter().chain(rules_queries()) {
        let selectors = selectors(&query);
        assert!(!selectors.is_empty(), "no metric in {query}");
        for (name, matchers) in selectors.into_iter().filter(|(name, _)| !OF_PROMETHEUS.contains(name)) {
            let named: Vec<&str> = pages.lines().filter(|line| is_sample_of(line, name)).collect();
            assert!(!named.is_empty() || recorded.iter().any(|record| record == name), "no {name}: {query}");
            for value in matchers.iter().filter(|_| !named.is_empty()) {
                assert!(named.iter().any(|sample| sample.contains(value)), "no {name}{{{value}}}: {query}");
            }
        }
    }
}

#[test]
fn every_verdict_is_shown_and_every_fault_has_its_alert() {
    let last = format!(" * {}", Verdict::ALL.len() - 1);
    let timeline = dashboard_queries().into_iter().find(|query| query.contains(&last)).expect("a timeline");
    let rules = rules_queries().join("\n");
    for verdict in Verdict::ALL {
        let name = verdict.name();
        assert!(timeline.contains(&format!("verdict=\"{name}\"")), "{name} is not shown");
        assert!(read(DASHBOARD).contains(&format!("\"text\": \"{name}\"")), "{name} has no word");
        let is_alerted = words_of(&rules).any(|word| word == name);
        let needs_no_alert = [Verdict::Healthy, Verdict::Transient, Verdict::Prober].contains(&verdict);
        assert_eq!(is_alerted, !needs_no_alert, "{name}");
    }
}

#[test]
fn selectors_are_found() {
    let query = "sum by (node) (rate(smoker_a_total{x!~\"b|c\", node=~\"$node\"}[5m])) / smoker:n > 0.5";
    assert_eq!(
        selectors(query),
        [("smoker_a_total", vec!["x=\"b\"".to_owned(), "x=\"c\"".to_owned()]), ("smoker:n", vec![])]
    );
    assert!(is_sample_of("smoker_a_total{x=\"b\"} 1", "smoker_a_total"));
    assert!(!is_sample_of("smoker_a_total_b 1", "smoker_a_total"));
}

/// The metrics of a server and of a client that has ended a round, one page after the other.
pub(crate) fn pages() -> String {
    let server = Server::start(&[]);
    let (_client, address) = exporter::start(exporter::command(&server, &["--interval", "200ms"]));
    let client = eventually("a verdict and a path MTU", || {
        let page = get(address, "/metrics").1;
        ["smoker_verdict{", "smoker_path_mtu_bytes "].iter().all(|name| page.contains(name)).then_some(page)
    });
    client + &get(server.http, "/metrics").1
}

fn dashboard_queries() -> Vec<String> {
    let dashboard = read(DASHBOARD);
    let queries = dashboard.lines().filter_map(|line| line.trim_start().strip_prefix("\"expr\": \""));
    let queries = queries.map(|query| query.trim_end_matches(',').strip_suffix('"').expect("a string"));
    queries.map(|query| query.replace("\\n", "\n").replace("\\\"", "\"")).collect()
}

/// Of the recording and of the alerting rules.
fn rules_queries() -> Vec<String> {
    values_of(&read(RULES), "expr").collect()
}

/// The values of all keys of this name: a plain scalar on the line, or a folded one below it.
fn values_of(yaml: &str, key: &str) -> impl Iterator<Item = String> {
    let lines: Vec<&str> = yaml.lines().collect();
    let key = format!("{key}: ");
    let begins = |line: &str| line.trim_start_matches([' ', '-']).strip_prefix(&key).map(str::to_owned);
    let values = (0..lines.len()).filter_map(|at| {
        let value = begins(lines[at])?;
        let column = lines[at].find(&key)?;
        let folded = lines[at + 1..]
            .iter()
            .take_while(|line| line.len() > column && line[..=column].trim().is_empty());
        Some(if value == ">-" { folded.map(|line| line.trim()).collect::<Vec<_>>().join(" ") } else { value })
    });
    values.collect::<Vec<_>>().into_iter()
}

/// The metrics that a query selects, each with its matchers as a sample has them:
/// `x=~"a|b"` is `x="a"` and `x="b"`. Matchers on what Prometheus or a person adds are left out.
fn selectors(query: &str) -> Vec<(&str, Vec<String>)> {
    let mut found = Vec::new();
    let mut rest = query;
    while let Some(at) = rest.find(|character: char| character.is_ascii_alphabetic()) {
        let word = rest[at..].split(|character| !is_of_a_name(character)).next().unwrap();
        rest = &rest[at + word.len()..];
        if word.starts_with("smoker") || word.starts_with("process_") || OF_PROMETHEUS.contains(&word) {
            let braces = rest.strip_prefix('{').and_then(|inside| inside.split_once('}'));
            found.push((word, braces.map_or_else(Vec::new, |(inside, _)| matchers(inside))));
            rest = braces.map_or(rest, |(_, after)| after);
        } else if rest.starts_with('"') || rest.starts_with("=~\"") {
            rest = rest.split_once('"').and_then(|(_, quoted)| quoted.split_once('"')).unwrap().1;
        }
    }
    found
}

fn matchers(inside: &str) -> Vec<String> {
    let each = inside.split(", ").flat_map(|matcher| {
        let (label, value) = matcher.split_once(['=', '!']).unwrap();
        let values = value.trim_start_matches(['=', '~']).trim_matches('"').split('|');
        values.map(|value| format!("{}=\"{value}\"", label.trim())).collect::<Vec<_>>()
    });
    each.filter(|matcher| !["node=", "job=", "fault="].iter().any(|label| matcher.starts_with(label)))
        .collect()
}

fn is_of_a_name(character: char) -> bool {
    character.is_ascii_alphanumeric() || ['_', ':'].contains(&character)
}

fn words_of(text: &str) -> impl Iterator<Item = &str> {
    text.split(|character| !is_of_a_name(character))
}

fn is_sample_of(line: &str, name: &str) -> bool {
    line.strip_prefix(name).is_some_and(|rest| rest.starts_with(['{', ' ']))
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
