//! The candidates of a name, asked of one nameserver after another until the answer is known; the time is
//! shared out here.

use std::mem;
use std::net::{IpAddr, SocketAddr};

use super::exchange::{self, Failure, GRACE, Queries};
use super::message::{Family, Question, Reply};
use super::resolv_conf::ResolvConf;
use super::{Error, Found, Name};
use crate::time::Deadline;

/// The first of `candidates` that has addresses, and those.
///
/// Where the answer for a candidate is not known, a later one may still be found, but absence is no longer
/// certain: the first failure is the error. The search continues only past a candidate to which the servers
/// replied (SERVFAIL, a malformed reply), as glibc's does; servers that do not reply or cannot be reached end
/// it, because the next candidate would fail too, and a wildcard further down the list might answer for the
/// wrong host.
pub(super) fn look_up(candidates: &[Name], conf: &ResolvConf, deadline: Deadline) -> Result<Found, Error> {
    let mut servers: Vec<Server> = conf.nameservers.iter().map(|address| Server::new(*address)).collect();
    let mut first_failure = None;
    for name in candidates {
        match ask_servers(name, &mut servers, conf, deadline) {
            Ok((addresses, _)) if addresses.is_empty() => {}
            Ok((addresses, server)) => {
                return Ok(Found { addresses, name: name.to_string(), resolver: Some(server) });
            }
            Err(failure) if is_no_evidence(failure, name, candidates) => {}
            Err(failure) => {
                first_failure = first_failure.or(Some(failure));
                if failure.is_loss() {
                    break;
                }
            }
        }
    }
    Err(first_failure.map_or(Error::NotFound, Error::from))
}

/// Whether the failure is no evidence about `name`, so that the other candidates decide: the name as it was
/// typed, without a dot, comes after the search domains, and no server has authority over it. A forwarder
/// that refuses such names does not make uncertain what every domain has denied.
pub(super) fn is_no_evidence(failure: Failure, name: &Name, candidates: &[Name]) -> bool {
    failure == Failure::Declined && name.dots() == 0 && candidates.len() > 1
}

/// Asks the servers in turn, as often as resolv.conf says, until both families are answered, or one with
/// addresses; none at all where the name is absent. With them comes the server that completed the answer.
///
/// Each exchange gets `timeout`, but no more than an equal share of the time left with those that may follow
/// it for this name. Later candidates need no share of their own: a candidate answered at once leaves its
/// time to them, and one without a reply is the last. A server that did not reply is moved to the end of the
/// list, for later candidates too, so that a dead one costs its share once. Further attempts are for lost
/// packets, each from a new port, by which kube-proxy chooses a replica anew; a server that refused is not
/// asked again.
fn ask_servers<'a>(
    name: &'a Name,
    servers: &mut [Server<'a>],
    conf: &ResolvConf,
    deadline: Deadline,
) -> Result<(Vec<IpAddr>, SocketAddr), Failure> {
    let mut questions = vec![Question { name, family: Family::V4 }, Question { name, family: Family::V6 }];
    for server in &mut *servers {
        server.late.clear();
    }
    let mut failure = Failure::Unreachable;
    for attempts_left in (0..conf.attempts).rev() {
        let mut replied = 0;
        for unasked in (1..=servers.len()).rev() {
            if deadline.has_passed() {
                return Err(failure.max(Failure::Silent));
            }
            let exchanges_left = attempts_left * servers.len() + unasked;
            let share = deadline.share(u32::try_from(exchanges_left).unwrap_or(u32::MAX));
            let until = Deadline::after(conf.timeout).no_later_than(share);
            let (addresses, worst) = servers[replied].answers(&mut questions, until);
            if questions.is_empty() || !addresses.is_empty() {
                return Ok((addresses, servers[replied].address));
            }
            failure = failure.max(worst);
            if worst.is_loss() {
                servers[replied..].rotate_left(1);
            } else {
                replied += 1;
            }
        }
        if failure == Failure::Declined {
            break;
        }
    }
    Err(failure)
}

/// A nameserver and what this look-up has learnt about it.
struct Server<'a> {
    address: SocketAddr,
    understands_edns: bool,
    /// The unanswered attempts at the current name, which may still be answered: without them two attempts
    /// would halve the time that a slow server has.
    late: Vec<Queries<'a>>,
}

impl<'a> Server<'a> {
    fn new(address: SocketAddr) -> Self {
        Self { address, understands_edns: true, late: Vec::new() }
    }

    /// The addresses that answer `questions`, and the worst failure; the questions that stay open are left.
    fn answers(&mut self, questions: &mut Vec<Question<'a>>, deadline: Deadline) -> (Vec<IpAddr>, Failure) {
        let replies = self.ask(questions, deadline);
        let mut has_addresses = replies.iter().any(|reply| matches!(reply, Ok(Reply::Addresses(_))));
        let mut addresses = Vec::new();
        let mut worst = Failure::Unreachable;
        for (question, reply) in mem::take(questions).into_iter().zip(replies) {
            let grace = if has_addresses { deadline.no_later_than(Deadline::after(GRACE)) } else { deadline };
            match self.settle(question, reply, grace) {
                Ok(found) => {
                    has_addresses |= !found.is_empty();
                    for address in found {
                        super::add(&mut addresses, address);
                    }
                }
                Err(failure) => {
                    worst = worst.max(failure);
                    questions.push(question);
                }
            }
        }
        (addresses, worst)
    }

    /// Asks all `questions` over UDP, and once more without EDNS where that was not understood (RFC 6891, 7).
    fn ask(&mut self, questions: &[Question<'a>], deadline: Deadline) -> Vec<Result<Reply, Failure>> {
        let replies = exchange::udp(self.address, questions, self.understands_edns, &mut self.late, deadline);
        if !self.understands_edns || !replies.contains(&Ok(Reply::NotUnderstood)) {
            return replies;
        }
        self.understands_edns = false;
        exchange::udp(self.address, questions, false, &mut self.late, deadline)
    }

    /// What the reply to `question` comes to: its addresses, none where they are absent.
    fn settle(
        &self,
        question: Question,
        reply: Result<Reply, Failure>,
        deadline: Deadline,
    ) -> Result<Vec<IpAddr>, Failure> {
        let reply = match reply? {
            Reply::Truncated => exchange::tcp(self.address, question, self.understands_edns, deadline)?,
            whole => whole,
        };
        match reply {
            Reply::Addresses(addresses) => Ok(addresses),
            Reply::Absent => Ok(Vec::new()),
            Reply::Failed | Reply::NotUnderstood | Reply::Truncated => Err(Failure::Declined),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, UdpSocket};
    use std::thread;
    use std::time::{Duration, Instant};

    use super::super::test_nameserver::{Asked, Nameserver, RECURSION_AVAILABLE, TRUNCATED, record};
    use super::*;
    use crate::proc::starved::unless_starved;

    /// Long enough never to be waited for by a test that passes.
    const NEVER: Duration = Duration::from_mins(1);
    /// How late a busy machine may be.
    const SLACK: Duration = Duration::from_millis(200);

    const SERVFAIL: u16 = 2;
    const NXDOMAIN: u16 = 3;

    fn conf(nameservers: &[SocketAddr]) -> ResolvConf {
        ResolvConf { nameservers: nameservers.into(), ..ResolvConf::parse(b"", &|_| 0) }
    }

    fn addresses_of(servers: &[SocketAddr], names: &str, timeout: Duration) -> Result<Vec<String>, Error> {
        look_up(&conf(servers), names, timeout)
    }

    fn look_up(conf: &ResolvConf, names: &str, timeout: Duration) -> Result<Vec<String>, Error> {
        let names: Vec<Name> = names.split(' ').map(|name| Name::parse(name).unwrap()).collect();
        let found = super::look_up(&names, conf, Deadline::after(timeout))?;
        Ok(found.addresses.iter().map(ToString::to_string).collect())
    }

    fn is_found(result: &Result<Vec<String>, Error>) -> bool {
        *result == Ok(vec!["10.0.0.1".to_owned(), "fd00::1".to_owned()])
    }

    /// Knows `found.` alone.
    fn healthy(asked: &Asked) -> Vec<Vec<u8>> {
        match asked.name.to_lowercase().as_str() {
            "found." => vec![asked.addresses(&["fd00::1", "10.0.0.1"])],
            _ => vec![asked.code(NXDOMAIN)],
        }
    }

    fn failing(asked: &Asked) -> Vec<Vec<u8>> {
        vec![asked.code(SERVFAIL)]
    }

    fn malformed(asked: &Asked) -> Vec<Vec<u8>> {
        vec![asked.reply(RECURSION_AVAILABLE, &[record(&[0xc0, 0xff], 1, &[10, 0, 0, 1])])]
    }

    /// An address that refuses datagrams, as long as the socket is kept: see `exchange`.
    fn refused() -> (UdpSocket, SocketAddr) {
        let held = UdpSocket::bind((Ipv4Addr::new(127, 0, 0, 2), 0)).unwrap();
        let port = held.local_addr().unwrap().port();
        (held, (Ipv4Addr::LOCALHOST, port).into())
    }

    #[test]
    fn the_candidates_are_asked_for_in_order_until_one_is_found() {
        let server = Nameserver::start(healthy);
        assert!(is_found(&addresses_of(&[server.address], "x y z found late", NEVER)));
        assert_eq!(server.names(), ["x.", "y.", "z.", "found."]);
        assert_eq!(server.asked().len(), 8);
    }

    #[test]
    fn names_the_candidate_and_the_server_that_had_it() {
        let failing = Nameserver::start(failing);
        let healthy = Nameserver::start(healthy);
        let names = ["x", "Found"].map(|name| Name::parse(name).unwrap());
        let conf = conf(&[failing.address, healthy.address]);
        let found = super::look_up(&names, &conf, Deadline::after(NEVER)).unwrap();
        assert_eq!((found.name.as_str(), found.resolver), ("Found", Some(healthy.address)));
    }

    #[test]
    fn an_alias_keeps_the_name_that_was_asked_for() {
        let server = Nameserver::start(|asked| {
            let alias = record(&[0xc0, 12], 5, b"\x05other\0");
            vec![asked.reply(RECURSION_AVAILABLE, &[alias, record(b"\x05other\0", 1, &[10, 0, 0, 1])])]
        });
        let names = [Name::parse("a").unwrap()];
        let found = super::look_up(&names, &conf(&[server.address]), Deadline::after(NEVER)).unwrap();
        assert_eq!(found.name, "a");
        assert_eq!(found.addresses, ["10.0.0.1".parse::<IpAddr>().unwrap()]);
    }

    #[test]
    fn what_no_candidate_has_is_not_found_and_asked_for_once() {
        let server = Nameserver::start(|asked| match asked.name.as_str() {
            "nodata." => vec![asked.code(0)],
            _ => vec![asked.code(NXDOMAIN)],
        });
        assert_eq!(addresses_of(&[server.address], "x nodata y", NEVER), Err(Error::NotFound));
        assert_eq!(server.asked().len(), 6);
    }

    #[test]
    fn one_family_is_enough() {
        for (known, other) in
            [(Family::V4, 0), (Family::V6, 0), (Family::V4, SERVFAIL), (Family::V6, NXDOMAIN)]
        {
            let server = Nameserver::start(move |asked| {
                if asked.family == known {
                    vec![asked.addresses(&["10.0.0.1", "fd00::1"])]
                } else {
                    vec![asked.code(other)]
                }
            });
            let expected = if known == Family::V4 { "10.0.0.1" } else { "fd00::1" };
            assert_eq!(addresses_of(&[server.address], "found", NEVER), Ok(vec![expected.to_owned()]));
            assert_eq!(server.asked().len(), 2);
        }
    }

    #[test]
    fn an_absence_is_not_reported_while_the_other_family_is_unknown() {
        unless_starved(|| {
            for code in [0, NXDOMAIN] {
                let server = Nameserver::start(move |asked| match asked.family {
                    Family::V4 => vec![asked.code(code)],
                    Family::V6 => vec![],
                });
                let timeout = Duration::from_millis(100);
                assert_eq!(addresses_of(&[server.address], "x y", timeout), Err(Error::Timeout));
                // What is known is not asked for again.
                assert_eq!(server.names(), ["x."]);
            }
        });
    }

    #[test]
    fn a_dead_server_costs_its_share_once() {
        unless_starved(|| {
            let dead = Nameserver::silent();
            let healthy = Nameserver::start(healthy);
            let start = Instant::now();
            let conf = ResolvConf { attempts: 1, ..conf(&[dead.address, healthy.address]) };
            let timeout = Duration::from_millis(300);
            assert!(is_found(&look_up(&conf, "x y z found", timeout)));
            let elapsed = start.elapsed();
            assert!(elapsed >= timeout / 2 && elapsed < timeout / 2 + SLACK, "{elapsed:?}");
            assert_eq!((dead.names().len(), healthy.names().len()), (1, 4));
        });
    }

    #[test]
    fn the_third_server_is_reached_within_a_deadline_as_long_as_one_timeout() {
        unless_starved(|| {
            let first = Nameserver::silent();
            let second = Nameserver::silent();
            let third = Nameserver::start(healthy);
            let conf = conf(&[first.address, second.address, third.address]);
            let timeout = Duration::from_millis(300);
            assert!(conf.timeout > timeout);
            assert!(is_found(&look_up(&conf, "x found", timeout)));
            assert_eq!((first.names().len(), second.names().len()), (1, 1));
        });
    }

    #[test]
    fn no_server_is_waited_for_longer_than_its_timeout() {
        let dead = Nameserver::silent();
        let healthy = Nameserver::start(healthy);
        let conf =
            ResolvConf { timeout: Duration::from_millis(50), ..conf(&[dead.address, healthy.address]) };
        let start = Instant::now();
        assert!(is_found(&look_up(&conf, "found", NEVER)));
        let elapsed = start.elapsed();
        assert!(elapsed >= conf.timeout && elapsed < conf.timeout + SLACK, "{elapsed:?}");
    }

    #[test]
    fn a_lost_datagram_is_made_up_for_by_the_next_attempt() {
        let mut lost = 0;
        let server = Nameserver::start(move |asked| {
            lost += 1;
            if lost <= 2 { vec![] } else { healthy(asked) }
        });
        assert!(is_found(&addresses_of(&[server.address], "found", Duration::from_millis(400))));
        assert_eq!(server.names().len(), 2);
    }

    #[test]
    fn a_late_answer_to_an_earlier_attempt_counts() {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        socket.set_read_timeout(Some(NEVER)).unwrap();
        let address = socket.local_addr().unwrap();
        // Once the second attempt has begun, the first is answered.
        let late = thread::spawn(move || {
            let mut query = [0; 512];
            let asked = [(); 3].map(|()| {
                let (length, peer) = socket.recv_from(&mut query).unwrap();
                Asked::read(&query[..length], peer, false)
            });
            for asked in &asked[..2] {
                socket.send_to(&asked.addresses(&["10.0.0.1", "fd00::1"]), asked.peer).unwrap();
            }
            // Kept, so that the second attempt is met with silence.
            (socket, asked[0].peer != asked[2].peer)
        });
        assert!(is_found(&addresses_of(&[address], "found", Duration::from_millis(400))));
        assert!(late.join().unwrap().1);
    }

    #[test]
    fn silence_ends_the_search_at_the_deadline() {
        let server = Nameserver::silent();
        let timeout = Duration::from_millis(100);
        let start = Instant::now();
        assert_eq!(addresses_of(&[server.address], "x found", timeout), Err(Error::Timeout));
        let elapsed = start.elapsed();
        assert!(elapsed >= timeout && elapsed < timeout + SLACK, "{elapsed:?}");
        assert_eq!(server.names(), ["x.", "x."]);
    }

    #[test]
    fn attempts_that_are_used_up_end_the_search_before_the_deadline() {
        let server = Nameserver::silent();
        let timeout = Duration::from_millis(20);
        let conf = ResolvConf { timeout, attempts: 3, ..conf(&[server.address]) };
        assert_eq!(look_up(&conf, "x found", NEVER), Err(Error::Timeout));
        assert_eq!(server.names(), ["x."; 3]);
    }

    #[test]
    fn after_the_deadline_no_server_is_asked() {
        let server = Nameserver::start(healthy);
        assert_eq!(addresses_of(&[server.address], "found", Duration::ZERO), Err(Error::Timeout));
        assert!(server.asked().is_empty());
    }

    #[test]
    fn a_server_that_fails_or_talks_rubbish_leaves_it_to_the_next() {
        for bad in [failing, malformed] {
            let first = Nameserver::start(bad);
            let second = Nameserver::start(healthy);
            assert!(is_found(&addresses_of(&[first.address, second.address], "x found", NEVER)));
            assert_eq!((first.names().len(), second.names().len()), (2, 2));
        }
        let (_held, first) = refused();
        let second = Nameserver::start(healthy);
        assert!(is_found(&addresses_of(&[first, second.address], "found", NEVER)));
    }

    #[test]
    fn a_server_is_asked_again_only_for_what_it_left_open() {
        let first = Nameserver::start(|asked| match asked.family {
            Family::V4 => failing(asked),
            Family::V6 => vec![asked.code(0)],
        });
        let second = Nameserver::start(|asked| vec![asked.addresses(&["10.0.0.1", "fd00::1"])]);
        let found = addresses_of(&[first.address, second.address], "x", NEVER);
        assert_eq!(found, Ok(vec!["10.0.0.1".to_owned()]));
        assert_eq!(second.asked().len(), 1);
    }

    #[test]
    fn a_failed_candidate_does_not_hide_a_later_one_but_is_never_not_found() {
        let server = Nameserver::start(|asked| match asked.name.as_str() {
            "fails.b." | "bare." => failing(asked),
            "garbled." => malformed(asked),
            _ => healthy(asked),
        });
        let servers = [server.address];
        assert!(is_found(&addresses_of(&servers, "x fails.b garbled found", NEVER)));
        for (names, error) in [
            ("x fails.b y", Error::ServerFailure),
            ("fails.b garbled", Error::ServerFailure),
            ("garbled fails.b x", Error::Malformed),
        ] {
            assert_eq!(addresses_of(&servers, names, NEVER), Err(error), "{names}");
        }
    }

    #[test]
    fn a_refusal_of_a_name_without_a_dot_leaves_the_answers_of_the_domains() {
        let server =
            Nameserver::start(|asked| if asked.name == "bare." { failing(asked) } else { healthy(asked) });
        let servers = [server.address];
        assert_eq!(addresses_of(&servers, "bare.b bare", NEVER), Err(Error::NotFound));
        assert_eq!(addresses_of(&servers, "bare", NEVER), Err(Error::ServerFailure));
    }

    #[test]
    fn the_first_failure_in_the_search_list_is_the_one_reported() {
        let server =
            Nameserver::start(|asked| if asked.name == "fails.b." { failing(asked) } else { vec![] });
        let timeout = Duration::from_millis(100);
        assert_eq!(addresses_of(&[server.address], "fails.b x found", timeout), Err(Error::ServerFailure));
        assert_eq!(addresses_of(&[server.address], "x fails.b", timeout), Err(Error::Timeout));
    }

    #[test]
    fn of_different_failures_the_most_telling_is_reported() {
        unless_starved(|| {
            let (_held, refused) = refused();
            let failing = Nameserver::start(failing);
            let garbled = Nameserver::start(malformed);
            let silent = Nameserver::silent();
            let timeout = Duration::from_millis(60);
            for (servers, error) in [
                (vec![refused], Error::ServerFailure),
                (vec![refused, refused], Error::ServerFailure),
                (vec![refused, garbled.address], Error::Malformed),
                (vec![garbled.address, silent.address], Error::Timeout),
                (vec![refused, silent.address], Error::Timeout),
                (vec![silent.address, failing.address], Error::ServerFailure),
                (vec![failing.address, garbled.address, refused], Error::ServerFailure),
            ] {
                assert_eq!(addresses_of(&servers, "x", timeout), Err(error), "{servers:?}");
            }
        });
    }

    #[test]
    fn unreachable_servers_end_the_search_at_once() {
        unless_starved(|| {
            let (_held, refused) = refused();
            let start = Instant::now();
            assert_eq!(addresses_of(&[refused], "x y z", NEVER), Err(Error::ServerFailure));
            assert!(start.elapsed() < SLACK);
        });
    }

    #[test]
    fn a_refusal_is_not_asked_for_twice() {
        let server = Nameserver::start(failing);
        assert_eq!(addresses_of(&[server.address], "x", NEVER), Err(Error::ServerFailure));
        assert_eq!(server.asked().len(), 2);
    }

    #[test]
    fn edns_that_is_not_understood_is_left_out_from_then_on() {
        for code in [1, 4] {
            let server = Nameserver::start(move |asked| {
                if asked.edns { vec![asked.code(code)[..12].to_vec()] } else { healthy(asked) }
            });
            assert!(is_found(&addresses_of(&[server.address], "x found", NEVER)));
            let edns: Vec<bool> = server.asked().iter().map(|asked| asked.edns).collect();
            assert_eq!(edns, [true, true, false, false, false, false]);
        }
        let server = Nameserver::start(|asked| vec![asked.code(1)]);
        assert_eq!(addresses_of(&[server.address], "x", NEVER), Err(Error::ServerFailure));
        assert_eq!(server.asked().len(), 4);
    }

    #[test]
    fn what_is_truncated_is_asked_for_over_tcp() {
        unless_starved(|| {
            let server = Nameserver::start(|asked| match (asked.over_tcp, asked.family) {
                (true, _) => healthy(asked),
                (false, Family::V4) => vec![asked.reply(TRUNCATED, &[])],
                // Parts of a truncated reply are not used.
                (false, Family::V6) => {
                    let mut reply = asked.addresses(&["fd66::6"]);
                    reply[2] |= 2;
                    vec![reply]
                }
            });
            assert!(is_found(&addresses_of(&[server.address], "found", NEVER)));
            assert_eq!(server.asked().iter().filter(|asked| asked.over_tcp).count(), 2);
        });
    }

    #[test]
    fn a_truncated_family_is_waited_for_no_longer_than_the_grace_once_the_other_is_there() {
        unless_starved(|| {
            let server = Nameserver::start(|asked| match (asked.over_tcp, asked.family) {
                (true, _) => vec![],
                (false, Family::V4) => vec![asked.reply(TRUNCATED, &[])],
                (false, Family::V6) => healthy(asked),
            });
            let start = Instant::now();
            assert_eq!(addresses_of(&[server.address], "found", NEVER), Ok(vec!["fd00::1".to_owned()]));
            let elapsed = start.elapsed();
            assert!(elapsed >= GRACE && elapsed < GRACE + SLACK, "{elapsed:?}");
        });
    }

    #[test]
    fn a_truncated_reply_without_tcp_is_no_absence() {
        let server =
            Nameserver::start(
                |asked| if asked.over_tcp { vec![] } else { vec![asked.reply(TRUNCATED, &[])] },
            );
        let timeout = Duration::from_millis(100);
        assert_eq!(addresses_of(&[server.address], "x", timeout), Err(Error::Timeout));
    }
}
