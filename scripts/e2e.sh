#!/usr/bin/env bash
# Proves the whole on the cluster that kubectl points at, and leaves nothing behind. The nodes must have the image
# (scripts/load.sh). It applies the manifests as they stand, sees every node's client succeed through the Service's
# name, reads the logs, takes the server away and gives it back, restarts it by a rolling update while a fast client
# counts what gets lost, breaks one thing after the other and demands its verdict and its alert, and deletes
# everything. It refuses to start where a namespace smoker exists already.
#
#   scripts/e2e.sh
#
# From the environment:
#   E2E_DNS_HOOK   a command to run after each change to Services or their endpoints, for a cluster whose DNS server
#                  does not follow by itself (default: none)
#   E2E_GONE       the error codes, as an extended regular expression, that are right while the Service has no
#                  server; kube-proxy rejects, other data planes may drop (default: refused|unreachable|timeout)
#
# Without these a fault, or what Prometheus makes of it, is skipped, which is said in the end:
#   E2E_NODE_HOOK        runs a command on a node as root: HOOK NODE COMMAND… (`ssh`; for kind `docker exec`)
#   E2E_NAMESERVER_HOOK  HOOK break: no answer from the pods' nameserver; HOOK heal: as before
#   E2E_RECORD_HOOK      HOOK break NAME: the nameserver no longer knows NAME; HOOK heal NAME: as before
#   E2E_PROMETHEUS       the directory of the programs prometheus and promtool; pods must be reachable from here
set -euo pipefail
. "$(dirname "$0")/common.sh"
. scripts/e2e-faults.sh
takes_nothing "$@"
need kubectl "see https://kubernetes.io/docs/tasks/tools"

# A client probes every 30 s: each must have ended a round in this time, a slow cluster's hiccups included.
round_seconds=75
# The fast client's rounds, ten a second: longer than a rolling update takes (a new pod, then DRAIN_DELAY, 5 s, twice).
rolling_rounds=300

main() {
    if kubectl get namespace smoker >/dev/null 2>&1; then
        fail "the cluster has a namespace smoker already; this test would delete it"
    fi
    kubectl get nodes >/dev/null || fail "kubectl reaches no cluster"
    trap leave EXIT
    trap 'exit 130' INT TERM

    step "apply the manifests and wait for the rollouts"
    kubectl apply -f manifests/
    dns_changed
    scripts/deploy.sh
    every_node_has_a_client

    step "every node's client succeeds over all three protocols"
    within $round_seconds "SUCCESS from every client" every_client_says 'SUCCESS latency=[0-9]+\.[0-9]{3}ms'

    step "the logs and an ad-hoc check, as the README has them"
    smoker exec ds/smoker-client -- /smoker check
    logs_have client '\] \[HTTP\] SUCCESS '
    logs_have server '\] \[SERVER\] \[TCP\] ECHO bytes=4 client='
    logs_have server '\] \[SERVER\] \[UDP\] ECHO bytes=4 client='
    logs_have server '\] \[SERVER\] \[HTTP\] GET / 200 bytes=2 client='

    step "no server: FAILED with the right codes"
    smoker scale deployment/smoker-server --replicas=0
    within 60 "a Service without endpoints" no_endpoints smoker-server
    dns_changed
    mark_logs
    within $round_seconds "FAILED from every client" every_client_says "FAILED error=(${E2E_GONE:-refused|unreachable|timeout}) "
    new_lines | grep -oE '\[(TCP|UDP|HTTP)\] (FAILED error=\S+ phase=\S+|SUCCESS)' | sort | uniq -c
    if smoker exec ds/smoker-client -- /smoker check >"$work/check"; then fail "check succeeded without a server"; fi
    grep FAILED "$work/check"

    within 90 "a headless Service without endpoints" no_endpoints smoker-server-endpoints
    dns_changed
    within $round_seconds "[VERDICT] no_replica from every client" clients_say '\[VERDICT\] no_replica '

    step "the server is back: SUCCESS"
    smoker scale deployment/smoker-server --replicas=2
    smoker rollout status deployment/smoker-server --timeout=120s
    dns_changed
    mark_logs
    within $round_seconds "SUCCESS from every client" every_client_says 'SUCCESS '
    within $round_seconds "healthy again from every client" clients_say '\[VERDICT\] healthy after='

    step "a rolling update under a client of ten rounds a second"
    rolling_update

    faults

    step "delete"
    scripts/clean.sh
    if kubectl get namespace smoker >/dev/null 2>&1; then fail "the namespace is still there"; fi
    dns_changed
    done=yes
}

rolling_update() {
    local seen=$work/rolling client protocol lost
    # The Service over the three protocols alone: a series takes longer than this interval, and a replica that is gone
    # and still listed a timeout.
    timeout 120 kubectl exec -n smoker ds/smoker-client -- /smoker client --interval 100ms --timeout 2s \
        --count $rolling_rounds --udp-flows 0 --mtu-interval 0 --endpoints-host smoker-server >"$seen" &
    client=$!
    within 20 "the first round of the fast client" grep -q '\[HTTP\] SUCCESS' "$seen"
    smoker rollout restart deployment/smoker-server
    smoker rollout status deployment/smoker-server --timeout=120s
    kill -0 "$client" || fail "the fast client ended before the rolling update"
    wait "$client" || true # its status says that a probe failed; how many, its lines say
    for protocol in TCP UDP HTTP; do
        lost=$(grep -c "\[$protocol\] FAILED" "$seen") || true
        say "rolling update: $protocol: $(grep -c "\[$protocol\] SUCCESS" "$seen") succeeded, $lost lost"
    done
    dns_changed
    grep -m 20 FAILED "$seen" || true
    [ "$(grep -c '\[HTTP\] SUCCESS' "$seen")" = $rolling_rounds ] || fail "lost over HTTP"
}

# Sees that the DaemonSet has a pod on every Linux node.
every_node_has_a_client() {
    local nodes clients
    nodes=$(kubectl get nodes -l kubernetes.io/os=linux -o name | wc -l)
    clients=$(client_pods | wc -l)
    say "$clients clients on $nodes nodes"
    [ "$clients" = "$nodes" ]
}

client_pods() {
    smoker get pods -l app=smoker-client -o jsonpath='{range .items[*]}{.metadata.name} {.spec.nodeName}{"\n"}{end}'
}

# Whether every client has said, in its lines since the mark, [NODE:its node] [PROTOCOL] and then REGEX, three times.
every_client_says() { # REGEX
    local pods pod node protocol lines
    pods=$(client_pods) && [ -n "$pods" ] || return
    while read -r pod node; do
        lines=$(pod_lines "$pod")
        for protocol in TCP UDP HTTP; do
            grep -qE "^\[[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9:]{8}\] \[NODE:$node\] \[$protocol\] $1" <<<"$lines" || return
        done
    done <<<"$pods"
}

# The pod itself, and with it its address in the headless Service, may take a minute longer to disappear: old kubelets
# are slow to clean up.
no_endpoints() { # SERVICE
    [ -z "$(smoker get endpoints "$1" -o jsonpath='{.subsets[*].addresses[*].ip}{.subsets[*].notReadyAddresses[*].ip}')" ]
}

# Log lines are counted, not timed: the clocks of the nodes need not agree with this machine's.
declare -A mark
mark_logs() {
    local pod node
    while read -r pod node; do mark[$pod]=$(smoker logs "$pod" | wc -l); done < <(client_pods)
}
pod_lines() { smoker logs "$1" | tail -n "+$((${mark[$1]:-0} + 1))"; }
new_lines() {
    local pod node
    while read -r pod node; do pod_lines "$pod"; done < <(client_pods)
}

logs_have() { # server|client REGEX
    local lines
    lines=$(scripts/logs.sh "$1")
    grep -E -m 1 "$2" <<<"$lines" || fail "the $1's log has no line like $2"
}

dns_changed() { if [ -n "${E2E_DNS_HOOK-}" ]; then sh -c "$E2E_DNS_HOOK"; fi; }

within() { # SECONDS WHAT COMMAND…
    local end=$((SECONDS + $1)) what=$2
    shift 2
    until "$@"; do
        [ $SECONDS -lt $end ] || fail "not seen in time: $what"
        sleep 1
    done
}

# Also until those that were replaced are gone, and with them their addresses.
rollouts() {
    smoker rollout status deployment/smoker-server --timeout=120s
    smoker rollout status daemonset/smoker-client --timeout=120s
    within 120 "two servers and no more" two_servers
    dns_changed
}
two_servers() { [ "$(smoker get pods -l app=smoker-server -o name | wc -l)" = 2 ]; }
smoker() { kubectl --namespace=smoker "$@"; }
say() { printf 'e2e: %s\n' "$*"; }
step() { say "[$SECONDS s] $*"; }

skip() {
    say "SKIPPED: $1"
    skipped+=("$1")
}

done=no skipped=()
work=$(mktemp -d)
leave() {
    trap - EXIT
    heal_and_stop
    if [ $done = no ]; then
        say "FAILED; what the cluster says:"
        smoker get pods,services,endpoints -o wide || true
        smoker get events --sort-by=.lastTimestamp | tail -n 30 || true
        for app in smoker-server smoker-client; do smoker logs -l app=$app --tail=40 --prefix || true; done
        scripts/clean.sh || true
    fi
    rm -rf "$work"
    [ $done = yes ] || exit 1
}

main
[ ${#skipped[@]} = 0 ] || printf 'e2e: skipped: %s\n' "${skipped[@]}"
say "[$SECONDS s] all is well"
