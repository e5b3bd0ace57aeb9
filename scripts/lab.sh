#!/usr/bin/env bash
# A small cluster of network namespaces on this machine, and faults to break it with, so that everything smoker has a
# verdict about can be seen happening; tests/lab proves each verdict here. It takes root, iproute2, nftables,
# conntrack, dnsmasq-base and perl-base, and touches nothing but namespaces called lab-…, /run/smoker-lab and a
# control group of its own.
#
#   scripts/lab.sh up                  bring it up, with nothing broken
#   scripts/lab.sh in WHERE COMMAND…   run a command in a pod or on a node: in client smoker check
#   scripts/lab.sh list                the faults: name, the verdict that is right, what is broken
#   scripts/lab.sh break FAULT         break it
#   scripts/lab.sh mend                undo every fault
#   scripts/lab.sh down                take it away
#
# The places, r1 and r2 being the server's replicas, and the nameservers hosts of the underlay rather than pods:
#
#   client 10.244.1.9 ─┬─ n1 10.0.1.2 ─── mid ─┬─ n2   10.0.2.2 ─── r2 10.244.2.2
#   r1     10.244.1.2 ─┘                       ├─ dns1 10.0.3.2
#                                              └─ dns2 10.0.4.2
#
# The node n1 translates the Service address 10.96.0.12 to r1 or r2 at random, 10.96.0.10 to dns1, 10.96.0.11 to dns2.
#
# From the environment:
#   SMOKER   the binary (default: the first of dist/smoker, target/release/smoker and target/debug/smoker)
set -euo pipefail
. "$(dirname "$0")/common.sh"

places='mid n1 n2 dns1 dns2 client r1 r2'
state=/run/smoker-lab
zone=smoker.svc.cluster.local
service=10.96.0.12
healthy_records="$service smoker-server.$zone
10.244.1.2 smoker-server-endpoints.$zone
10.244.2.2 smoker-server-endpoints.$zone
10.96.0.1 kubernetes.default.svc.cluster.local"
# Where the Service's ports lead, as nft(8) says it.
replicas='numgen random mod 2 map { 0 : 10.244.1.2, 1 : 10.244.2.2 }'
# Unused addresses in the networks of pods and hosts, for which n1 sends no ARP request.
dead_pod=10.244.1.99 dead_host=10.0.3.99
# The priority of a routing rule that a fault makes.
fault_rule=100
. scripts/faults.sh

main() {
    case ${1-}:$# in
        up:1 | list:1 | mend:1 | down:1) "$1" ;;
        in:[3-9] | in:[1-9][0-9]*) shift; within "$@" ;;
        break:2) inject "$2" ;;
        :0) fail "what to do? (see --help)" 2 ;;
        up:* | list:* | mend:* | down:* | in:* | break:*) fail "$1: too many or too few arguments (see --help)" 2 ;;
        *) takes_nothing "$@" ;;
    esac
}

# ---- up and down

up() {
    local tool package place
    [ "$(id -u)" = 0 ] || fail "namespaces take root"
    while read -r tool package; do need "$tool" "install $package"; done <<'    end'
    conntrack conntrack
    dnsmasq dnsmasq-base
    ip iproute2
    nft nftables
    nsenter util-linux
    perl perl-base
    end
    [ ! -e $state ] || fail "the laboratory is up (scripts/lab.sh down takes it away)"
    mkdir $state
    {
        for place in $places; do echo "netns add lab-$place"; done
        join mid n1
        join mid n2
        join mid dns1
        join mid dns2
        join n1 client
        join n1 r1
        join n2 r2
    } | ip -batch -
    for place in $places; do at "$place" sh -c "$kernel"; done
    printf '%s\n' "search $zone svc.cluster.local cluster.local" 'nameserver 10.96.0.10' 'nameserver 10.96.0.11' \
        'options ndots:2' >$state/resolv.conf
    mkdir -p "$group"
    [ ! -e "$group/cgroup.controllers" ] || echo +cpu >/sys/fs/cgroup/cgroup.subtree_control
    mend
    cat <<end
The laboratory is up. For example:

  scripts/lab.sh in client smoker check --timeout 1s --endpoints-host smoker-server-endpoints
  scripts/lab.sh in client smoker client --interval 1s --timeout 1s --endpoints-host smoker-server-endpoints
  scripts/lab.sh break nameserver_silent
  scripts/lab.sh mend
end
}

# Also of one that did not come up whole.
down() {
    local place pids
    [ -e $state ] || fail "the laboratory is not up"
    for place in $places; do
        pids=$(ip netns pids "lab-$place" 2>/dev/null) || true
        # shellcheck disable=SC2086 # one word a process
        [ -z "$pids" ] || kill -KILL $pids
    done
    calm
    for place in $places; do echo "netns delete lab-$place"; done | ip -force -batch - 2>/dev/null || true
    # It is busy until its last process is gone.
    [ ! -e "$group" ] || wait_for "the control group to empty" rmdir "$group"
    rm -r $state
}

# The settings of a router in a cluster; and that every undeliverable packet is refused at once, not once a
# second, which would pass for silence.
# shellcheck disable=SC2016 # for the shell in the namespace
kernel='cd /proc/sys/net/ipv4
for all in conf/*/rp_filter icmp_ratelimit icmp_ratemask; do echo 0 >$all; done
echo 1 >ip_forward'

# join A B: a link, whose end in A is called B, and in B eth0.
join() { echo "link add $2 netns lab-$1 type veth peer name eth0 netns lab-$2"; }

# at WHERE COMMAND…: in the network there.
at() { nsenter --net="/run/netns/lab-$1" -- "${@:2}"; }

# The client's control group, called as no other laboratory's on this machine.
group=cpu/smoker-lab-$(stat --dereference --format %i /proc/self/ns/net)
if [ -e /sys/fs/cgroup/cgroup.controllers ]; then group=${group#cpu/}; fi
group=/sys/fs/cgroup/$group

# within WHERE COMMAND…: with the network, the nameservers and the control group of a pod. `smoker` is the binary.
within() {
    local where=$1
    shift
    [ -e "/run/netns/lab-$where" ] || fail "$where is none of $places, or the laboratory is not up"
    [ "$where" != client ] || echo 0 >"$group/cgroup.procs"
    # shellcheck disable=SC2016 # for the shell in the pod
    PATH=$(dirname "$(binary)"):$PATH exec nsenter --net="/run/netns/lab-$where" -- unshare --mount -- \
        sh -c 'mount --bind "$0" /etc/resolv.conf && exec "$@"' $state/resolv.conf "$@"
}

binary() {
    local candidate
    for candidate in ${SMOKER:-dist/smoker target/release/smoker target/debug/smoker}; do
        [ ! -x "$candidate" ] || { realpath "$candidate"; return; }
    done
    fail "no smoker found: run scripts/build.sh"
}

# wait_for WHAT COMMAND…: until it succeeds.
wait_for() {
    local left=1000
    until "${@:2}" 2>/dev/null; do
        [ $((left -= 1)) -gt 0 ] || fail "still waiting for $1 after ten seconds"
        sleep 0.01
    done
}

# ---- the network as it should be

mend() {
    [ -e $state ] || fail "the laboratory is not up"
    calm
    links
    nameserver dns1
    nameserver dns2
    records "$healthy_records"
    replica r1
    replica r2
    rules
    # As kube-proxy does when a Service changes: who was translated to a dead address is translated anew.
    at n1 conntrack --flush 2>/dev/null
    wake_client
}

# All of it may be there already, or some of it, or more.
links() {
    ip -n lab-n1 rule delete pref $fault_rule 2>/dev/null || true
    ip -n lab-mid -batch - <<'    end'
    addr replace 10.0.1.1/24 dev n1
    addr replace 10.0.2.1/24 dev n2
    addr replace 10.0.3.1/24 dev dns1
    addr replace 10.0.4.1/24 dev dns2
    link set n1 up
    link set n2 up
    link set dns1 up
    link set dns2 up
    route replace 10.244.1.0/24 via 10.0.1.2 onlink dev n1
    route replace 10.244.2.0/24 via 10.0.2.2 onlink dev n2
    end
    host n1 10.0.1
    host n2 10.0.2
    host dns1 10.0.3
    host dns2 10.0.4
    pod n1 client 10.244.1 9
    pod n1 r1 10.244.1 2
    pod n2 r2 10.244.2 2
    ip -n lab-n1 route replace 10.244.2.0/24 via 10.0.1.1
    ip -n lab-n2 route replace 10.244.1.0/24 via 10.0.2.1
    # What a fault moves them to.
    second_address n1 r1 10.244.1.3
    second_address n2 r2 10.244.2.3
}

# host PLACE NETWORK: second in its network, behind mid.
host() {
    printf '%s\n' 'link set lo up' "addr replace $2.2/24 dev eth0" 'link set eth0 up' \
        "route replace default via $2.1 dev eth0 onlink" | ip -n "lab-$1" -batch -
}

# second_address NODE PLACE ADDRESS
second_address() {
    ip -n "lab-$1" route replace "$3/32" dev "$2"
    ip -n "lab-$2" address replace "$3/32" dev eth0
}

# pod NODE PLACE NETWORK HOST: alone at the end of a link, whose other end a route of the node leads to.
pod() {
    printf '%s\n' "addr replace $3.1/32 dev $2" "link set $2 up" "route replace $3.$4/32 dev $2" |
        ip -n "lab-$1" -batch -
    printf '%s\n' 'link set lo up' "addr replace $3.$4/32 dev eth0" 'link set eth0 up' \
        "route replace default via $3.1 dev eth0 onlink" | ip -n "lab-$2" -batch -
}

# records LINES [SERVER]: what both nameservers know, and who they ask for the Service's name, from now on.
records() {
    local place
    [ "$*" != "$(cat $state/records 2>/dev/null)" ] || return 0
    printf '%s\n' "$*" >$state/records
    printf '%s\n' "$1" >$state/hosts
    printf '%s\n' ${2+"server=/smoker-server.$zone/$2"} >$state/servers
    for place in dns1 dns2; do
        : >$state/$place.log
        kill -HUP "$(cat $state/$place.pid)"
        wait_for "$place to read its records" grep -q "read $state/hosts" $state/$place.log
    done
}

# nameserver PLACE: unless it is there. A headless Service without replicas is a name without addresses.
nameserver() {
    ! alive "$1" || return 0
    touch $state/hosts $state/servers
    at "$1" dnsmasq --conf-file=/dev/null --no-resolv --no-hosts --addn-hosts=$state/hosts --user=root \
        --servers-file=$state/servers --local=/cluster.local/ --address=/#/ \
        --txt-record="smoker-server-endpoints.$zone,headless" --pid-file="$state/$1.pid" --log-facility="$state/$1.log"
}

# replica PLACE: unless it is there.
replica() {
    ! alive "$1" || return 0
    start "$1" "$1" env NODE_NAME="n${1#r}" POD_NAME="smoker-server-$1" "$(binary)" server
    wait_for "$1 to listen" listens "$1"
}

listens() { [ "$(grep -c LISTENING "$state/$1.log")" = 3 ]; }

# start NAME WHERE COMMAND…: a process that outlives this script.
start() {
    nsenter --net="/run/netns/lab-$2" -- setsid "${@:3}" >"$state/$1.log" 2>&1 </dev/null &
    echo $! >"$state/$1.pid"
}

# A process that has ended, and whose parent has not waited for it yet, has no program any more.
alive() { [ -e "/proc/$(cat "$state/$1.pid" 2>/dev/null)/exe" ]; }

# stop NAME
stop() {
    ! alive "$1" || kill -KILL "$(cat "$state/$1.pid")"
    wait_for "$1 to end" dead "$1"
}

dead() { ! alive "$1"; }

# All at once: what passes meanwhile meets the old rules or the new ones.
rules() {
    local place
    for place in mid n2; do nft_at $place <<<"flush ruleset; $filter"; done
    nft_at n1 <<end
        flush ruleset
        $filter
        table ip lab {
            chain nameservers {
                type nat hook prerouting priority dstnat;
                ip daddr 10.96.0.10 meta l4proto {tcp, udp} th dport 53 dnat to 10.0.3.2
                ip daddr 10.96.0.11 meta l4proto {tcp, udp} th dport 53 dnat to 10.0.4.2
            }
            chain service { type nat hook prerouting priority dstnat; }
        }
        $(translation 8080,8081,8082 "$replicas")
end
}

# The unused addresses get no ARP reply.
filter="table ip lab {
    chain forward { type filter hook forward priority filter; ip daddr { $dead_pod, $dead_host } drop; }
    chain output { type filter hook output priority filter; }
}"

nft_at() { at "$1" nft -f -; }

# translation PORTS TO: the rule for these ports of the Service.
translation() { echo "add rule ip lab service ip daddr $service meta l4proto {tcp, udp} th dport {$1} dnat to $2"; }

# translate [PORTS TO]…: the Service's, and nothing else of it.
translate() {
    {
        echo flush chain ip lab service
        while [ $# -gt 0 ]; do translation "$1" "$2"; shift 2; done
    } | nft_at n1
}

# ---- faults, and what is left of them

# inject FAULT
inject() {
    [ -e $state ] || fail "the laboratory is not up"
    list | grep -q "^$1 " || fail "no fault is called $1 (see scripts/lab.sh list)" 2
    "break_$1"
}

# disturb NAME WHERE COMMAND…: a process that ends when all is mended.
disturb() {
    start "$@"
    echo "$1" >>$state/disturbances
}

calm() {
    local name place
    touch $state/disturbances
    while read -r name; do stop "$name"; done <$state/disturbances
    : >$state/disturbances
    widen n1 client
    widen client eth0
    for place in r1 r2; do ! alive $place || kill -CONT "$(cat $state/$place.pid)"; done
}

# widen WHERE LINK: what is queued still arrives.
widen() {
    wait_for "the queue of $2 to empty" no_queue "$@"
    at "$1" tc qdisc delete dev "$2" root 2>/dev/null || true
}

no_queue() { ! at "$1" tc -s qdisc show dev "$2" | grep -q 'backlog [^0]'; }

# throttle MICROSECONDS: what the client may run of every 100,000; -1 for all it wants.
throttle() {
    if [ -e "$group/cpu.max" ]; then
        echo "${1/-1/max} 100000" >"$group/cpu.max"
    else
        echo "$1" >"$group/cpu.cfs_quota_us"
    fi
}

# At last, so that it finds all mended.
wake_client() {
    local pids
    throttle -1
    pids=$(ip netns pids lab-client)
    # shellcheck disable=SC2086 # one word a process
    [ -z "$pids" ] || kill -CONT $pids
}

main "$@"
