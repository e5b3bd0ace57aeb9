# shellcheck shell=bash disable=SC2154
# The faults of the laboratory (lab.sh): what each is called, what smoker should say of it, and how it is made. To be
# sourced by lab.sh, whose words these are.

# What each of them breaks is in the function break_NAME.
list() {
    cat <<'end'
syn_once                transient    one SYN to the Service's TCP port is lost, and no other
ping_once               transient    one PING to the Service over UDP is lost, and no other
get_once                transient    one SYN to the Service's HTTP port is lost, and no other
nameserver_silent       dns_server   what is sent to dns1 is lost
nameserver_stopped      dns_server   nothing listens on dns2
nameserver_half_dead    dns_server   every second flow to 10.96.0.10 leads to a dead address
nameservers_stopped     dns_server   nothing listens on dns1 and dns2
nameservers_udp         dns_server   UDP to port 53 is lost, TCP passes
record_removed          dns_record   the Service's name is gone
record_refused          dns_record   the nameservers refuse the Service's name
record_failing          dns_record   the nameservers answer SERVFAIL for the Service's name
nothing_refusing        no_replica   no replica runs or is listed, and the Service refuses
nothing_silent          no_replica   no replica runs or is listed, and the Service is silent
service_untranslated    service      the Service address is not translated
service_to_dead         service      the Service address is translated to a dead one
service_port_to_dead    service      one port of the Service is translated to a dead address
service_half_stale      service      one of the Service's two addresses is one that n1 has no way to
service_refusing        service      the Service refuses, although replicas run and are listed
replica_stopped         replica      nothing listens on r2
replica_frozen          replica      r2 is stopped by SIGSTOP
replica_cut_off         replica      what n2 forwards to r2 is lost
replica_no_way          replica      n1 loses what it has translated for r2
servers_stopped         server       nothing listens on r1 and r2
servers_frozen          server       r1 and r2 are stopped by SIGSTOP
servers_wrong           server       something else than smoker answers on r1's and r2's ports
http_reset              server       each HTTP request is answered by a reset
pods_dropped            pod_network  what n1 forwards from the client to pods is lost
pods_blackholed         pod_network  n1's route from the client to pods is a black hole
pods_unreachable        pod_network  n1 says that pods are unreachable
udp_dropped             port         UDP to port 8081 is lost
tcp_dropped             port         TCP to port 8080 is lost
http_prohibited         port         TCP to port 8082 is refused as administratively prohibited
mtu_forward             mtu          towards pods, more than 1400 bytes are lost without a word
mtu_return              mtu          towards the client, more than 1400 bytes are lost without a word
mtu_both                mtu          both of these
mtu_between_nodes       mtu          between n1 and n2, more than 1400 bytes are lost without a word
loss_forward            loss         5 % of what n1 forwards from the client to pods are lost
loss_return             loss         5 % of what n1 forwards from pods to the client are lost
flow_eighth             flow         UDP from one source port in eight is lost
flow_quarter            flow         UDP from one source port in four is lost
conntrack_dead_pod      conntrack    r2 is gone, and the flows that it had are still translated to it
conntrack_all_moved     conntrack    r1 and r2 have other addresses, and all flows are translated to the old ones
connections_full        conntrack    n1 loses what begins a connection of the client's
no_route                local        the client has no default route
link_down               local        the client's link is down
client_dropped          local        what n1 forwards from the client is lost
slow_download           slow         a download fills the link to the client, 10 Mbit/s
slow_upload             slow         an upload fills the link from the client, 30 Mbit/s
client_throttled        prober       the client's control group has 1 % of a core, and a busy loop in it
client_stopped          prober       the client is stopped for two seconds, again and again
target_silent           unknown      the Service is silent, and the client knows no replicas (no --endpoints-host)
target_unreachable      unknown      the Service is unreachable, and the client knows no replicas
end
}

# rule WHERE CHAIN RULE
rule() { nft_at "$1" <<<"add rule ip lab $2 $3"; }

# lose RULE: of what n1 forwards, that which matches.
lose() { rule n1 forward "$1 drop"; }

break_syn_once() { lose_one 'tcp dport 8080 tcp flags & (syn | ack) == syn'; }
break_get_once() { lose_one 'tcp dport 8082 tcp flags & (syn | ack) == syn'; }
# Four bytes behind eight of UDP's own.
break_ping_once() { lose_one 'udp dport 8081 udp length 12'; }
lose_one() { lose "ct original ip daddr $service $1 limit rate 1/day burst 1 packets"; }

break_nameserver_silent() { lose 'ip daddr 10.0.3.2'; }
break_nameserver_stopped() { stop dns2; }
break_nameservers_stopped() { stop dns1; stop dns2; }
break_nameservers_udp() { lose 'udp dport 53'; }
break_nameserver_half_dead() {
    nft_at n1 <<<"insert rule ip lab nameservers ip daddr 10.96.0.10 meta l4proto {tcp, udp} \
        dnat to numgen inc mod 2 map { 0 : 10.0.3.2, 1 : $dead_host }"
}

break_record_removed() { records "$other_records"; }
break_record_refused() { records "$other_records" '#'; }
break_record_failing() {
    disturb failing1 dns1 perl -e "$failing_nameserver"
    disturb failing2 dns2 perl -e "$failing_nameserver"
    records "$other_records" 127.0.0.1#5353
}
other_records=$(sed 1d <<<"$healthy_records")

# Every query gets its own question back, with QR, RD, RA and RCODE 2.
# shellcheck disable=SC2016 # for perl
failing_nameserver='use IO::Select; use IO::Socket::INET;
    my %at = (LocalAddr => "127.0.0.1", LocalPort => 5353, ReuseAddr => 1);
    my $udp = IO::Socket::INET->new(%at, Proto => "udp") or die;
    my $tcp = IO::Socket::INET->new(%at, Listen => 9) or die;
    sub failure { $_[0] =~ /^(..).{10}(.*?\0.{4})/s and $1 . pack("n5", 0x8182, 1, 0, 0, 0) . $2 }
    for (;;) {
        for my $ready (IO::Select->new($udp, $tcp)->can_read) {
            if ($ready == $udp) { $udp->recv(my $query, 512) // next; $udp->send(failure($query)); next }
            my $client = $tcp->accept or next;
            sysread($client, my $query, 512);
            print $client pack("n/a*", failure(substr($query, 2)));
        }
    }'

break_nothing_refusing() { nothing_runs 'reject with icmp port-unreachable'; }
break_nothing_silent() { nothing_runs drop; }
# nothing_runs FATE: that of packets to the Service.
nothing_runs() {
    translate
    rule n1 forward "ip daddr $service $1"
    records "$(grep -v endpoints <<<"$healthy_records")"
    stop r1
    stop r2
}

break_service_untranslated() { translate; }
break_service_to_dead() { translate 8080,8081,8082 "$dead_pod"; }
break_service_port_to_dead() { translate 8080 "$dead_pod" 8081,8082 "$replicas"; }
break_service_half_stale() {
    translate 8080,8081,8082 "numgen random mod 2 map { 0 : 10.244.1.2, 1 : $dead_pod }"
    rule n1 forward "ip daddr $dead_pod drop"
}
break_service_refusing() { translate; rule n1 forward "ip daddr $service reject with icmp port-unreachable"; }

break_replica_stopped() { stop r2; }
break_replica_frozen() { freeze r2; }
break_replica_cut_off() { rule n2 forward 'ip daddr 10.244.2.2 drop'; }
break_replica_no_way() { rule n1 forward 'ip daddr 10.244.2.2 drop'; }

break_servers_stopped() { stop r1; stop r2; }
break_servers_frozen() { freeze r1; freeze r2; }
break_servers_wrong() {
    stop r1
    stop r2
    disturb wrong1 r1 perl -e "$wrong_server"
    disturb wrong2 r2 perl -e "$wrong_server"
}
# Over TCP a greeting as of a mail server, over HTTP a status, over UDP nothing.
# shellcheck disable=SC2016 # for perl
wrong_server='use IO::Select; use IO::Socket::INET;
    my %answer = (8080 => "220 ready\r\n", 8082 => "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n");
    my $listeners = IO::Select->new(
        map { IO::Socket::INET->new(LocalPort => $_, Listen => 99, ReuseAddr => 1) or die } keys %answer);
    for (;;) {
        for my $listener ($listeners->can_read) {
            my $client = $listener->accept or next;
            sysread($client, my $request, 4096);
            print $client $answer{$listener->sockport};
        }
    }'
# A device in between can do that as well: from here the two look the same.
break_http_reset() { rule n1 forward 'tcp dport 8082 tcp flags & psh == psh reject with tcp reset'; }
freeze() { kill -STOP "$(cat "$state/$1.pid")"; }

break_pods_dropped() { lose "iif client $to_pods"; }
break_pods_blackholed() { ip -n lab-n1 rule add pref "$fault_rule" iif client to 10.244.0.0/16 blackhole; }
break_pods_unreachable() { ip -n lab-n1 rule add pref "$fault_rule" iif client to 10.244.0.0/16 unreachable; }
to_pods='ip daddr 10.244.0.0/16'

break_udp_dropped() { lose 'udp dport 8081'; }
break_tcp_dropped() { lose 'tcp dport 8080'; }
break_http_prohibited() { rule n1 forward 'tcp dport 8082 reject with icmp admin-prohibited'; }

break_mtu_forward() { shrink n1 '10.244.1.2 dev r1' '10.244.2.0/24 via 10.0.1.1'; }
break_mtu_return() { shrink n1 '10.244.1.9 dev client'; }
break_mtu_both() { break_mtu_forward; break_mtu_return; }
break_mtu_between_nodes() { shrink mid '10.244.1.0/24 via 10.0.1.2' '10.244.2.0/24 via 10.0.2.2'; }
# shrink ROUTER ROUTE…: they take 1400 bytes, and no ICMP error is sent.
shrink() {
    rule "$1" output 'icmp type destination-unreachable icmp code frag-needed drop'
    printf 'route replace %s mtu lock 1400\n' "${@:2}" | ip -n "lab-$1" -batch -
}

break_loss_forward() { lose "iif client $to_pods numgen random mod 100 < 5"; }
break_loss_return() { lose "oif client ip saddr 10.244.0.0/16 numgen random mod 100 < 5"; }

break_flow_eighth() { lose 'udp dport 8081 udp sport & 7 == 3'; }
break_flow_quarter() { lose 'udp dport 8081 udp sport & 3 == 1'; }

break_conntrack_dead_pod() {
    translate 8080,8081,8082 10.244.1.2
    records "$(grep -v 10.244.2.2 <<<"$healthy_records")"
    lose 'ip daddr 10.244.2.2'
}
break_conntrack_all_moved() {
    translate 8080,8081,8082 'numgen random mod 2 map { 0 : 10.244.1.3, 1 : 10.244.2.3 }'
    records "$(sed '/endpoints/s/\.2 /.3 /' <<<"$healthy_records")"
    lose 'ip daddr { 10.244.1.2, 10.244.2.2 }'
}

break_connections_full() { rule n1 forward 'iif client ct state new drop'; }

break_no_route() { ip -n lab-client route delete default; }
break_link_down() { ip -n lab-n1 link set client down; }
break_client_dropped() { lose 'iif client'; }

# narrow WHERE LINK RATE: with a queue that a transfer with a small buffer fills by a tenth or so, and none overflows.
narrow() { at "$1" tc qdisc replace dev "$2" root tbf rate "$3" burst 4kb limit 1mb; }

break_slow_download() {
    narrow n1 client 10mbit
    # shellcheck disable=SC2016 # for perl
    disturb sink client perl -e 'use IO::Socket::INET;
        my $listener = IO::Socket::INET->new(LocalPort => 9, Listen => 1, ReuseAddr => 1) or die;
        my $download = $listener->accept;
        while (sysread($download, my $data, 65536)) {}'
    # shellcheck disable=SC2016 # for perl
    disturb source r1 perl -e 'use IO::Socket::INET;
        my $download;
        until ($download = IO::Socket::INET->new("10.244.1.9:9")) { select(undef, undef, undef, 0.01) }
        setsockopt($download, SOL_SOCKET, SO_SNDBUF, 262144);
        while (syswrite($download, "\0" x 65536)) {}'
}
break_slow_upload() {
    lose 'udp dport 9'
    narrow client eth0 30mbit
    # shellcheck disable=SC2016 # for perl
    disturb upload client perl -e 'use IO::Socket::INET;
        my $socket = IO::Socket::INET->new(PeerAddr => "10.0.3.2:9", Proto => "udp") or die;
        setsockopt($socket, SOL_SOCKET, SO_SNDBUF, 65536);
        for (;;) { $socket->send("\0" x 1400) }'
}

# Alone the client would need little more than that.
break_client_throttled() {
    throttle 1000
    # shellcheck disable=SC2016 # for the shell in the background
    disturb hog client bash -c 'echo 0 >"$0/cgroup.procs"; while :; do :; done' "$group"
}
# In the time between, a round begins that does not end in it.
break_client_stopped() {
    # shellcheck disable=SC2016 # for the shell in the background
    disturb stopper mid bash -c 'while kill -STOP $(ip netns pids lab-client); do
            sleep 2
            kill -CONT $(ip netns pids lab-client)
            sleep 0.1
        done'
}

break_target_silent() { lose "ct original ip daddr $service"; }
break_target_unreachable() { translate; }
