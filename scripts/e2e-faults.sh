# shellcheck shell=bash
# What scripts/e2e.sh breaks, one thing after the other, and what has to be said of each: by every client that it
# concerns, by its metrics, and by an alert that fires and clears. To be sourced by scripts/e2e.sh.
# shellcheck disable=SC2034,SC2154 # mark and work are that script's

# Rounds follow each other this fast, so that a fault shows at once; the rules' own waiting stays as it is shipped.
fault_interval_seconds=5
# The kubelet, the Service proxy and DNS may take a while to do what breaks something; then a round and its timeouts.
verdict_seconds=90
# The longest `for` of the alerts awaited here (2m), and as long again as a verdict may take.
alert_seconds=210

faults() {
    step "faults: a round every $fault_interval_seconds s, and a Prometheus with the shipped rules"
    smoker set env daemonset/smoker-client TEST_INTERVAL=${fault_interval_seconds}s
    # The kubelet would restart a frozen replica within a minute, which is before its alert.
    smoker patch deployment/smoker-server --type=json \
        --patch='[{"op": "remove", "path": "/spec/template/spec/containers/0/livenessProbe"}]'
    rollouts
    mark=()
    within $verdict_seconds "healthy from every client" clients_say '\[VERDICT\] healthy '
    start_prometheus

    fault service SmokerServiceBroken selector "a Service whose selector matches no pod"
    fault replica SmokerReplicaBroken replica "one of two replicas stopped with SIGSTOP" E2E_NODE_HOOK
    fault port SmokerPortBlocked udp "UDP dropped on a node by nftables" E2E_NODE_HOOK
    fault dns_server SmokerDNSBroken nameserver "the nameserver taken away" E2E_NAMESERVER_HOOK
    fault dns_record SmokerDNSBroken record "the server's record removed" E2E_RECORD_HOOK
    [ -z "$prometheus" ] || no_alert || fail "an alert is left: $(alerts)"
}

# Breaks and heals by the function KIND, and demands VERDICT and ALERT in between, and neither afterwards.
fault() { # VERDICT ALERT KIND WHAT [HOOK]
    local verdict=$1 alert=$2 kind=$3 what=$4 hook=${5-}
    if [ -n "$hook" ] && [ -z "${!hook-}" ]; then
        skip "$what ($verdict): $hook is not set"
        return
    fi
    step "fault: $what: $verdict"
    concerned=''
    mark_logs
    heal=$kind
    "$kind" break
    within $verdict_seconds "[VERDICT] $verdict" clients_say "\\[VERDICT\\] $verdict "
    if [ -n "$prometheus" ]; then
        within 20 "smoker_verdict of $verdict" holds "smoker_verdict{verdict=\"$verdict\"} == 1"
        within $alert_seconds "the alert $alert" holds "ALERTS{alertname=\"$alert\", alertstate=\"firing\"}"
        say "firing: $(alerts)"
    fi
    no_verdict_but "$verdict"

    mark_logs
    "$kind" heal
    heal=''
    within $verdict_seconds "healthy again" clients_say '\[VERDICT\] healthy after=[0-9]+s was='
    [ -z "$prometheus" ] || within $verdict_seconds "no alert" no_alert
    no_verdict_but "$verdict"
}

# Prints what was said since the mark, and fails where it was blamed on anything else.
no_verdict_but() { # VERDICT
    local pod verdicts
    verdicts=$(concerned_clients | while read -r pod _; do pod_lines "$pod"; done | grep -oE '\[VERDICT\] .*')
    sed -E 's/ since=.*//' <<<"$verdicts" | sort | uniq -c
    ! grep -vE "^\[VERDICT\] (healthy|transient|$1) " <<<"$verdicts" || fail "blamed on something else"
}

selector() { # break|heal
    local app=smoker-server
    [ "$1" = heal ] || app=nothing
    smoker patch service smoker-server --patch="{\"spec\": {\"selector\": {\"app\": \"$app\"}}}"
    dns_changed
}

replica() { # break|heal
    local signal=STOP process
    [ "$1" = break ] || signal=CONT
    if [ "$1" = break ]; then
        # shellcheck disable=SC2046 # two words
        set -- $(smoker get pods -l app=smoker-server \
            -o jsonpath='{.items[0].spec.nodeName} {.items[0].status.containerStatuses[0].containerID}')
        frozen_on=$1 frozen=${2##*/}
    fi
    # Whatever the runtime, a container's control group has its name.
    for process in $(on_node "$frozen_on" sh -c "grep -l $frozen /proc/[0-9]*/cgroup" | cut -d / -f 3); do
        on_node "$frozen_on" kill -s $signal "$process"
    done
}

# On one node, and so only its client is asked. Both what is routed and what a bridge of pods passes on by itself.
udp() { # break|heal
    local family
    read -r _ concerned < <(client_pods)
    if [ "$1" = heal ]; then
        for family in inet bridge; do on_node "$concerned" nft delete table $family smoker_e2e; done
        return
    fi
    for family in inet bridge; do
        on_node "$concerned" nft "table $family smoker_e2e {
            chain input { type filter hook input priority -300; udp dport 8081 drop; }
            chain forward { type filter hook forward priority -300; udp dport 8081 drop; }
        }"
    done
}

nameserver() { hook "$E2E_NAMESERVER_HOOK" "$1"; }
record() { hook "$E2E_RECORD_HOOK" "$1" smoker-server.smoker.svc.cluster.local; }
on_node() { hook "$E2E_NODE_HOOK" "$@"; } # NODE COMMAND…
hook() { sh -c "$1 \"\$@\"" hook "${@:2}"; }

# All of them, or the one on the node that is concerned.
concerned_clients() { client_pods | awk -v node="${concerned-}" 'node == "" || $2 == node'; }

# Whether each of these has said REGEX since the mark.
clients_say() { # REGEX
    local pods pod
    pods=$(concerned_clients) && [ -n "$pods" ] || return
    while read -r pod _; do
        grep -qE "$1" <<<"$(pod_lines "$pod")" || return
    done <<<"$pods"
}

# As scrape.yaml has it, with a list of the pods, under the names that discovery gives them, in discovery's place.
start_prometheus() {
    prometheus='' url=http://127.0.0.1:19090
    if [ -z "${E2E_PROMETHEUS-}" ]; then
        skip "alerts by a real Prometheus: E2E_PROMETHEUS is not set"
        return
    fi
    # shellcheck disable=SC2016 # a template
    smoker get pods -o go-template='{{range .items}}{{$pod := .}}{{range (index .spec.containers 0).ports}}- targets: ["{{$pod.status.podIP}}:{{.containerPort}}"]
  labels:
    __meta_kubernetes_pod_label_app: "{{$pod.metadata.labels.app}}"
    __meta_kubernetes_pod_container_port_name: "{{.name}}"
    __meta_kubernetes_pod_name: "{{$pod.metadata.name}}"
    __meta_kubernetes_pod_node_name: "{{$pod.spec.nodeName}}"
    __meta_kubernetes_pod_phase: "{{$pod.status.phase}}"
{{end}}{{end}}' >"$work/targets.yml"
    {
        echo 'global: {evaluation_interval: 2s}'
        echo "rule_files: [$PWD/manifests/monitoring/rules.yaml]"
        sed -e 's/scrape_interval: .*/scrape_interval: 2s/' \
            -e '/^    kubernetes_sd_configs:/,/^            - smoker$/c\    file_sd_configs: [{files: [targets.yml]}]' \
            manifests/monitoring/scrape.yaml
    } >"$work/prometheus.yml"
    "$E2E_PROMETHEUS/prometheus" --config.file="$work/prometheus.yml" --storage.tsdb.path="$work/tsdb" \
        --web.listen-address="${url#http://}" >"$work/prometheus.log" 2>&1 &
    prometheus=$!
    within 30 "a verdict of every node in Prometheus" holds "smoker:nodes == $(client_pods | wc -l)"
    within 30 "every server in Prometheus" holds 'count(up{job="smoker-server"} == 1) == 2'
    no_alert || fail "an alert without a fault: $(alerts)"
}

query() { "$E2E_PROMETHEUS/promtool" query instant "$url" "$1"; }
holds() { kill -0 "$prometheus" && [ -n "$(query "$1")" ]; }
alerts() { query 'count by (alertname, severity, node) (ALERTS{alertstate="firing"})' | sed 's/ => .*//'; }
no_alert() {
    local firing
    firing=$(alerts) && [ -z "$firing" ]
}

# At the end, and wherever the test ends before.
heal_and_stop() {
    if [ -n "${heal-}" ]; then "$heal" heal || true; fi
    if [ -n "${prometheus-}" ]; then
        kill "$prometheus" || true
        wait "$prometheus" || true
    fi
}
