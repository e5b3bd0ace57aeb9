//! What a verdict means for a fleet: whom to call when some nodes see it, and whom when all do. Pure.

/// How the nodes that failed without a verdict are called.
pub(super) const NO_VERDICT: &str = "no verdict";

/// A verdict, whom to call when some of the nodes see it, and whom when all of them do.
type Row = (&'static str, &'static str, &'static str);

const TABLE: [Row; 16] = [
    (
        "dns_server",
        "the node team: port 53 from these nodes (Service rules, firewall, node-local DNS cache)",
        "the DNS team: CoreDNS pods and the Service kube-dns, then policies on port 53",
    ),
    (
        "dns_record",
        "the DNS team: these nodes get no address for the name (search domains, stale DNS cache)",
        "the DNS team: the name itself (Service and namespace, search domains, CoreDNS' configuration)",
    ),
    (
        "no_replica",
        "the server's owner: no replica is ready (kubectl get pods,endpoints -n smoker)",
        "the server's owner: no replica is ready (kubectl get pods,endpoints -n smoker)",
    ),
    (
        "service",
        "the node team: the Service rules of these nodes (kube-proxy, or what stands in for it)",
        "the network team: the Service itself (ports, selector), then kube-proxy everywhere",
    ),
    (
        "replica",
        "the network team: the way from these nodes to that replica's node, then the replica",
        "the server's owner: that replica, then the node that it runs on",
    ),
    (
        "server",
        "the network team: what answers in the server's place here (proxy, firewall), then the server",
        "the server's owner: it is reached, and refuses or answers wrongly",
    ),
    (
        "pod_network",
        "the network team: the pod network of these nodes (CNI agent, routes, tunnel)",
        "the network team: the pod network everywhere (CNI), or of the nodes with the replicas",
    ),
    (
        "port",
        "the security team: a rule of these nodes for that port (host firewall, security group)",
        "the security team: a rule for that port (NetworkPolicy, firewall before the servers)",
    ),
    (
        "mtu",
        "the network team: the MTU of these nodes' interfaces and tunnels",
        "the network team: the MTU of the overlay, and where ICMP \"too big\" is dropped",
    ),
    (
        "loss",
        "the network team: the links of these nodes (cable, bond, driver, queue drops)",
        "the network team: what all paths share (switches, the nodes with the replicas)",
    ),
    (
        "conntrack",
        "the node team: stale or full connection tracking on these nodes (conntrack -L)",
        "the node team: stale or full connection tracking on every node (conntrack -L)",
    ),
    (
        "flow",
        "the network team: one of several parallel links from these nodes (bond, ECMP)",
        "the network team: one of several parallel paths that all share (ECMP, LAG)",
    ),
    (
        "local",
        "the node team: these nodes have no network at all (interface, routes, the pods' CNI)",
        "the network team: no node has any network (policy on the clients, CNI)",
    ),
    (
        "slow",
        "the node team: load and links of these nodes",
        "the server's owner: the load of the replicas, then what all paths share",
    ),
    (
        "prober",
        "the node team: too little CPU for the prober there; its other findings do not count",
        "the node team: too little CPU for the probers (limits, nodes); their findings do not count",
    ),
    (
        NO_VERDICT,
        "see manifests/README.md, \"Errors\"; for these nodes alone, their network comes first",
        "see manifests/README.md, \"Errors\"; for all nodes, the server, its Service or DNS",
    ),
];

/// For what is not in the table, `unknown` first of all.
const OTHER: &str = "whoever knows this network: no rule fits, so look at the evidence on the VERDICT lines";

/// Whom to call.
pub(super) fn call(verdict: &str, all_nodes: bool) -> &'static str {
    let row = TABLE.iter().find(|(name, ..)| *name == verdict);
    row.map_or(OTHER, |(_, some, all)| if all_nodes { all } else { some })
}
