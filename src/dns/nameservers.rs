//! Every nameserver asked separately, over UDP and TCP at the same time; what each is asked is left to
//! `questions`, and the look-up of a name to `look_up`.

use std::net::{IpAddr, SocketAddr};

use super::Name;
use super::exchange::Failure;
use super::questions::{Answer, OverTcp, OverUdp, Questions, Reached};
use super::resolv_conf::ResolvConf;
use crate::parallel::{self, Job};
use crate::time::Deadline;

/// The outcome of asking one nameserver, all by the survey's deadline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Surveyed {
    /// Its address.
    pub nameserver: SocketAddr,
    /// The source ports that a question could be sent from: [`UDP_PORTS`](super::UDP_PORTS), unless this host
    /// has no socket for it, no route, or a packet filter that does not let it out.
    pub udp_asked: usize,
    /// The source ports of these that had a reply: any reply, SERVFAIL included, proves that the server is
    /// up.
    pub udp_answered: usize,
    /// How far a question over TCP came.
    pub tcp: Reached,
    /// Its answer for the name. `None` where no name was given.
    pub record: Option<Answer>,
    /// Its answer for `kubernetes.default`. `None` where no search domain is that of a cluster.
    pub kubernetes: Option<Answer>,
    /// The addresses of the name, by UDP, else by TCP: IPv4, or IPv6 where it has no others. Empty unless
    /// `record` is [`Answer::Found`].
    pub addresses: Vec<IpAddr>,
}

/// Asks all nameservers of `conf` at the same time: two jobs each, and there are at most three of them.
pub(super) fn survey(conf: &ResolvConf, candidates: &[Name], deadline: Deadline) -> Vec<Surveyed> {
    let questions = &Questions::new(conf, candidates);
    let mut asked: Vec<_> = conf.nameservers.iter().map(|nameserver| (*nameserver, None, None)).collect();
    let mut jobs: Vec<Job> = Vec::new();
    for (nameserver, udp, tcp) in &mut asked {
        let nameserver = *nameserver;
        jobs.push(Box::new(move || *udp = Some(questions.over_udp(nameserver, deadline))));
        jobs.push(Box::new(move || *tcp = Some(questions.over_tcp(nameserver, deadline))));
    }
    // A job for which there was no thread leaves its `None`.
    parallel::run(jobs);
    let surveyed = asked.into_iter().map(|(nameserver, udp, tcp)| {
        let udp = udp.unwrap_or_else(|| questions.fail_over_udp(Failure::Local));
        let tcp = tcp.unwrap_or_else(|| questions.fail_over_tcp(Failure::Local));
        Surveyed::of(nameserver, udp, tcp)
    });
    surveyed.collect()
}

impl Surveyed {
    /// Whether this host lacked a socket or a thread for a part of it, which says nothing about the
    /// nameserver.
    pub fn lacks_resources(&self) -> bool {
        let answers = [self.record, self.kubernetes];
        self.tcp == Reached::Local || answers.contains(&Some(Answer::Local))
    }

    fn of(nameserver: SocketAddr, udp: OverUdp, tcp: OverTcp) -> Self {
        let addresses =
            if udp.answers.addresses.is_empty() { tcp.answers.addresses } else { udp.answers.addresses };
        Self {
            nameserver,
            udp_asked: udp.ports_asked,
            udp_answered: udp.ports_answered,
            tcp: tcp.reached,
            record: better(udp.answers.record, tcp.answers.record),
            kubernetes: better(udp.answers.kubernetes, tcp.answers.kubernetes),
            addresses,
        }
    }
}

/// The answer over UDP, or over TCP where only that was a reply.
fn better(udp: Option<Answer>, tcp: Option<Answer>) -> Option<Answer> {
    tcp.filter(|tcp| tcp.is_reply() && !udp.is_some_and(Answer::is_reply)).or(udp)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::io::{Read, Write};
    use std::net::{Ipv4Addr, TcpListener, UdpSocket};
    use std::slice;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::thread;
    use std::time::{Duration, Instant};

    use super::super::message::Family;
    use super::super::questions::UDP_PORTS;
    use super::super::test_nameserver::{Asked, Nameserver, RECURSION_AVAILABLE, TRUNCATED, record};
    use super::*;
    use crate::proc::starved::unless_starved;

    /// Long enough never to be waited for by a test that passes.
    const NEVER: Duration = Duration::from_mins(1);
    const SHORT: Duration = Duration::from_millis(400);
    /// How late a busy machine may be.
    const SLACK: Duration = Duration::from_millis(200);

    const SERVFAIL: u16 = 2;
    const NXDOMAIN: u16 = 3;
    const CLUSTER: &str = "search a.svc.b svc.b b\noptions ndots:5\n";

    /// Asks `nameservers` for `name`, with the options of a resolv.conf.
    fn ask(nameservers: &[SocketAddr], name: &str, text: &str, timeout: Duration) -> Vec<Surveyed> {
        let conf =
            ResolvConf { nameservers: nameservers.into(), ..ResolvConf::parse(text.as_bytes(), &|_| 0) };
        let candidates = Name::parse(name).map(|name| conf.candidates(&name, false)).unwrap_or_default();
        let start = Instant::now();
        let surveyed = survey(&conf, &candidates, Deadline::after(timeout));
        assert!(start.elapsed() < timeout + SLACK, "{:?}", start.elapsed());
        surveyed
    }

    fn ask_one(nameserver: SocketAddr, timeout: Duration) -> Surveyed {
        ask(&[nameserver], "name", CLUSTER, timeout).remove(0)
    }

    fn addresses(texts: &[&str]) -> Vec<IpAddr> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    /// Knows the cluster and `name.svc.b.`.
    fn healthy(asked: &Asked) -> Vec<Vec<u8>> {
        match asked.name.as_str() {
            "kubernetes.default.svc.b." => vec![asked.addresses(&["10.96.0.1"])],
            "name.svc.b." => vec![asked.addresses(&["10.0.0.1", "fd00::1"])],
            _ => vec![asked.code(NXDOMAIN)],
        }
    }

    /// One that had no reply over either transport, for this reason.
    fn without_reply(nameserver: SocketAddr, tcp: Reached, answer: Answer) -> Surveyed {
        Surveyed {
            nameserver,
            udp_asked: UDP_PORTS,
            udp_answered: 0,
            tcp,
            record: Some(answer),
            kubernetes: Some(answer),
            addresses: Vec::new(),
        }
    }

    fn ports(asked: &[Asked], over_tcp: bool) -> HashSet<u16> {
        asked.iter().filter(|asked| asked.over_tcp == over_tcp).map(|asked| asked.peer.port()).collect()
    }

    #[test]
    fn a_healthy_server_is_asked_from_eight_ports_and_over_one_connection() {
        let server = Nameserver::start(healthy);
        let expected = Surveyed {
            nameserver: server.address,
            udp_asked: 8,
            udp_answered: 8,
            tcp: Reached::Answered,
            record: Some(Answer::Found),
            kubernetes: Some(Answer::Found),
            addresses: addresses(&["10.0.0.1"]),
        };
        assert_eq!(ask_one(server.address, NEVER), expected);
        let asked = server.asked();
        assert_eq!((ports(&asked, false).len(), ports(&asked, true).len()), (8, 1));
        // Eight opening questions over UDP and one over TCP; then, each: kubernetes, name.a.svc.b twice,
        // name.svc.b.
        assert_eq!(asked.len(), 9 + 2 * 4);
        assert!(asked.iter().all(|asked| !asked.edns));
    }

    #[test]
    fn the_ports_that_a_dead_replica_serves_have_no_reply() {
        unless_starved(|| {
            let mut known = Vec::new();
            let server = Nameserver::start(move |asked| {
                if !asked.over_tcp && !known.contains(&asked.peer) {
                    known.push(asked.peer);
                }
                let replica = known.iter().position(|peer| *peer == asked.peer);
                if replica.is_some_and(|number| number % 2 == 0) { vec![] } else { healthy(asked) }
            });
            let surveyed = ask_one(server.address, SHORT);
            assert_eq!((surveyed.udp_asked, surveyed.udp_answered), (8, 4));
            assert_eq!((surveyed.record, surveyed.tcp), (Some(Answer::Found), Reached::Answered));
            let mut asked = server.asked();
            asked.retain(|asked| !asked.over_tcp);
            assert_eq!((ports(&asked, false).len(), asked.len()), (8, 8 + 4 + 4));
        });
    }

    #[test]
    fn one_lost_datagram_a_port_is_no_dead_replica() {
        unless_starved(|| {
            let mut received = HashSet::new();
            let server = Nameserver::start(move |asked| {
                let lost = received.insert((asked.peer, asked.name.clone(), asked.family == Family::V4));
                if lost && !asked.over_tcp { vec![] } else { healthy(asked) }
            });
            let surveyed = ask_one(server.address, Duration::from_millis(800));
            assert_eq!((surveyed.udp_answered, surveyed.record), (8, Some(Answer::Found)));
        });
    }

    #[test]
    fn what_udp_loses_tcp_may_find() {
        let server = Nameserver::start(|asked| if asked.over_tcp { healthy(asked) } else { vec![] });
        let expected = Surveyed {
            record: Some(Answer::Found),
            kubernetes: Some(Answer::Found),
            addresses: addresses(&["10.0.0.1"]),
            ..without_reply(server.address, Reached::Answered, Answer::Silent)
        };
        assert_eq!(ask_one(server.address, SHORT), expected);
    }

    #[test]
    fn without_tcp_udp_is_enough() {
        let server = Nameserver::start(|asked| if asked.over_tcp { vec![] } else { healthy(asked) });
        let surveyed = ask_one(server.address, SHORT);
        assert_eq!((surveyed.tcp, surveyed.udp_answered), (Reached::Silent, 8));
        assert_eq!(surveyed.record, Some(Answer::Found));
    }

    #[test]
    fn silent_servers_are_waited_for_at_the_same_time_and_to_the_deadline() {
        let servers = [(); 3].map(|()| Nameserver::silent());
        let addresses: Vec<_> = servers.iter().map(|server| server.address).collect();
        let start = Instant::now();
        let surveyed = ask(&addresses, "name", CLUSTER, SHORT);
        assert!(start.elapsed() >= SHORT);
        let expected = addresses.iter().map(|server| without_reply(*server, Reached::Silent, Answer::Silent));
        assert_eq!(surveyed, expected.collect::<Vec<_>>());
        // Every port twice, and the connection once.
        assert_eq!(servers[0].asked().len(), 2 * 8 + 1);
    }

    #[test]
    fn a_closed_port_is_reported_at_once() {
        let held = UdpSocket::bind((Ipv4Addr::new(127, 0, 0, 2), 0)).unwrap();
        let address = (Ipv4Addr::LOCALHOST, held.local_addr().unwrap().port()).into();
        let expected = without_reply(address, Reached::Refused, Answer::Unreachable);
        let start = Instant::now();
        assert_eq!(ask_one(address, NEVER), expected);
        assert!(start.elapsed() < SLACK);
    }

    #[test]
    fn without_a_route_nothing_is_sent() {
        let address: SocketAddr = "[fe80::1]:53".parse().unwrap();
        let unreachable = without_reply(address, Reached::Unreachable, Answer::Unreachable);
        assert_eq!(ask_one(address, NEVER), Surveyed { udp_asked: 0, ..unreachable });
    }

    #[test]
    fn garbage_is_no_reply() {
        let lying = record(&[0xc0, 0xff], 1, &[10, 0, 0, 1]);
        let server =
            Nameserver::start(move |asked| vec![asked.reply(RECURSION_AVAILABLE, slice::from_ref(&lying))]);
        let expected = without_reply(server.address, Reached::Malformed, Answer::Malformed);
        assert_eq!(ask_one(server.address, NEVER), expected);
    }

    #[test]
    fn a_trickle_over_tcp_and_a_flood_over_udp_end_by_the_deadline() {
        let tcp = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = tcp.local_addr().unwrap();
        let udp = UdpSocket::bind(address).unwrap();
        let trickle = thread::spawn(move || {
            let (mut peer, _) = tcp.accept().unwrap();
            peer.read_exact(&mut [0; 2]).unwrap();
            peer.set_nodelay(true).unwrap();
            peer.set_read_timeout(Some(Duration::from_millis(1))).unwrap();
            // Ends when the connection is closed.
            while peer.write_all(&[0xff]).is_ok() {
                let _ = peer.read(&mut [0; 512]);
            }
        });
        let is_over = AtomicBool::new(false);
        thread::scope(|scope| {
            scope.spawn(|| {
                let (_, peer) = udp.recv_from(&mut [0; 512]).unwrap();
                while !is_over.load(Ordering::Relaxed) {
                    udp.send_to(&[0; 12], peer).unwrap();
                }
            });
            let surveyed = ask_one(address, SHORT);
            is_over.store(true, Ordering::Relaxed);
            assert_eq!(surveyed, without_reply(address, Reached::Silent, Answer::Silent));
        });
        trickle.join().unwrap();
    }

    #[test]
    fn a_server_failure_proves_that_the_server_is_up() {
        let server = Nameserver::start(|asked| vec![asked.code(SERVFAIL)]);
        let expected =
            Surveyed { udp_answered: 8, ..without_reply(server.address, Reached::Answered, Answer::Failed) };
        assert_eq!(ask_one(server.address, NEVER), expected);
    }

    #[test]
    fn a_name_is_absent_when_no_candidate_has_either_family() {
        let server = Nameserver::start(|asked| match asked.name.as_str() {
            "name.b." => vec![asked.code(0)],
            _ => vec![asked.code(NXDOMAIN)],
        });
        let surveyed = ask_one(server.address, NEVER);
        assert_eq!((surveyed.record, surveyed.kubernetes), (Some(Answer::Absent), Some(Answer::Absent)));
        assert!(surveyed.addresses.is_empty());
        // Of name.a.svc.b, name.svc.b, name.b, name and kubernetes both families, over both transports.
        assert_eq!(server.asked().len(), 9 + 2 * 2 * 5);
    }

    #[test]
    fn ipv6_alone_is_found_too() {
        let server = Nameserver::start(|asked| vec![asked.addresses(&["fd00::1"])]);
        let surveyed = ask_one(server.address, NEVER);
        assert_eq!((surveyed.record, surveyed.addresses), (Some(Answer::Found), addresses(&["fd00::1"])));
    }

    #[test]
    fn a_later_candidate_is_found_past_one_that_fails() {
        let server = Nameserver::start(|asked| match asked.name.as_str() {
            "name.a.svc.b." => vec![asked.code(SERVFAIL)],
            _ => healthy(asked),
        });
        assert_eq!(ask_one(server.address, NEVER).record, Some(Answer::Found));
        let server = Nameserver::start(|asked| match asked.name.as_str() {
            "name.a.svc.b." => vec![asked.code(SERVFAIL)],
            _ => vec![asked.code(NXDOMAIN)],
        });
        assert_eq!(ask_one(server.address, NEVER).record, Some(Answer::Failed));
    }

    #[test]
    fn a_server_whose_own_nameservers_are_silent_is_up() {
        let server = Nameserver::start(|asked| match asked.name.as_str() {
            "kubernetes.default.svc.b." => healthy(asked),
            _ => vec![],
        });
        let surveyed = ask_one(server.address, SHORT);
        assert_eq!((surveyed.udp_answered, surveyed.tcp), (8, Reached::Answered));
        assert_eq!((surveyed.record, surveyed.kubernetes), (Some(Answer::Silent), Some(Answer::Found)));
    }

    #[test]
    fn what_does_not_fit_a_datagram_is_found_over_tcp() {
        let server = Nameserver::start(|asked| {
            if asked.over_tcp { healthy(asked) } else { vec![asked.reply(TRUNCATED, &[])] }
        });
        let surveyed = ask_one(server.address, NEVER);
        assert_eq!((surveyed.udp_answered, surveyed.record), (8, Some(Answer::Found)));
    }

    #[test]
    fn outside_a_cluster_the_name_itself_is_asked_for_and_without_a_name_the_root() {
        let server = Nameserver::start(|asked| vec![asked.addresses(&["10.0.0.1"])]);
        for (name, opening, record) in [("name", "name.", Some(Answer::Found)), ("", "", None)] {
            let surveyed = ask(&[server.address], name, "", NEVER).remove(0);
            assert_eq!((surveyed.udp_answered, surveyed.tcp), (8, Reached::Answered));
            assert_eq!((surveyed.record, surveyed.kubernetes), (record, None));
            assert_eq!(server.asked().last().unwrap().name, opening);
        }
    }

    #[test]
    fn after_the_deadline_there_is_no_wait() {
        let server = Nameserver::silent();
        let surveyed = ask_one(server.address, Duration::ZERO);
        assert_eq!((surveyed.udp_answered, surveyed.tcp), (0, Reached::Silent));
    }

    #[test]
    fn the_answer_over_udp_counts_unless_it_is_no_reply() {
        use Answer::{Absent, Failed, Found, Local, Malformed, Silent, Unreachable};
        for reply in [Found, Absent, Failed] {
            for other in [Found, Absent, Failed, Malformed, Silent, Unreachable, Local] {
                assert_eq!(better(Some(reply), Some(other)), Some(reply));
            }
            for missing in [Malformed, Silent, Unreachable, Local] {
                assert_eq!(better(Some(missing), Some(reply)), Some(reply));
            }
        }
        assert_eq!(better(Some(Silent), Some(Unreachable)), Some(Silent));
        assert_eq!(better(None, None), None);
    }

    #[test]
    fn what_this_host_lacked_says_nothing_about_the_nameserver() {
        let nameserver = SocketAddr::from((Ipv4Addr::LOCALHOST, 53));
        assert!(!without_reply(nameserver, Reached::Silent, Answer::Silent).lacks_resources());
        assert!(without_reply(nameserver, Reached::Local, Answer::Silent).lacks_resources());
        assert!(without_reply(nameserver, Reached::Silent, Answer::Local).lacks_resources());
    }
}
