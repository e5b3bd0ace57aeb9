//! The UDP series: against a Smoker, a plain echo, and peers that lose, double, swap and delay. These peers
//! count as a Smoker does (`smoker::series_protocol`), so that a loss has a direction.

use std::collections::{BTreeSet, HashMap};
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::process::Command;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use smoker::series_protocol::{self, Datagram, Id, Reply, Request};

use super::{briefs, client, client_of, next, of_kinds};
use crate::names::server_on;
use crate::netns::at_once;
use crate::support::child::Server;
use crate::support::isolated::{filter, isolated};
use crate::support::line::Line;
use crate::support::running::{Running, port_flags};
use crate::support::scripted::{Refused, udp};
use crate::support::starved::unless_starved;

/// What becomes of a datagram, and of the answer to it.
#[derive(Clone, Copy, PartialEq)]
enum Fate {
    Answered,
    LostForward,
    LostReturn,
    Twice,
    /// Answered before the next one that has another fate.
    Behind,
    /// Answered before the next datagram of the series' first flow.
    Late,
}

/// A datagram, as a peer sees it.
struct Seen {
    id: Id,
    /// Whether it comes from the long-lived flows, whose run is the first; a burst is a run of its own.
    of_series: bool,
}

/// A peer that deals with datagrams as `fate` says, and echoes all else.
fn peer(mut fate: impl FnMut(&Seen) -> Fate + Send + 'static) -> SocketAddr {
    let mut run = None;
    let mut received: HashMap<(u64, u16), u32> = HashMap::new();
    let (mut behind, mut late): (Vec<Reply>, Vec<Reply>) = (vec![], vec![]);
    udp(move |socket, datagram, client| {
        let Ok(Some(Datagram::Request(Request::Probe(id)))) = series_protocol::decode(datagram) else {
            let _ = socket.send_to(datagram, client);
            return;
        };
        let fate = fate(&Seen { id, of_series: *run.get_or_insert(id.nonce) == id.nonce });
        if fate == Fate::LostForward {
            return;
        }
        let count = received.entry((id.nonce, id.flow)).or_default();
        *count += 1;
        let reply = Reply {
            id,
            instance: 7,
            client,
            length: series_protocol::LEN.try_into().unwrap(),
            turnaround: Duration::ZERO,
            received: NonZeroU32::new(*count),
        };
        let send = |reply: &Reply| drop(socket.send_to(&reply.encode(), reply.client));
        if id.flow == 0 {
            late.drain(..).for_each(|reply| send(&reply));
        }
        match fate {
            Fate::LostForward | Fate::LostReturn => {}
            Fate::Behind => behind.push(reply),
            Fate::Late => late.push(reply),
            Fate::Answered | Fate::Twice => {
                (0..if fate == Fate::Twice { 2 } else { 1 }).for_each(|_| send(&reply));
                behind.drain(..).for_each(|reply| send(&reply));
            }
        }
    })
}

/// A client of `peer` over UDP alone.
fn client_of_peer(peer: SocketAddr, flags: &[&str]) -> Command {
    let mut command = client("127.0.0.1", &["--protocols=udp", "--mtu-interval=0", "--timeout=2s"]);
    command.args(port_flags(1, peer.port(), 2)).args(flags);
    command
}

/// The lines of the series of so many rounds, and of the verdicts.
fn series(peer: SocketAddr, rounds: u32, flags: &[&str]) -> (Vec<Line>, Vec<Line>) {
    let mut command = client_of_peer(peer, flags);
    let ended = Running::start(command.arg(format!("--count={rounds}"))).ended();
    let series = of_kinds(&ended, &["UDP_SERIES"]);
    assert_eq!(series.len(), rounds as usize);
    (series, of_kinds(&ended, &["VERDICT"]))
}

/// The counts of a line that are not 0, but for those that were sent.
fn counts(line: &Line) -> Vec<String> {
    let keys =
        ["lost_forward", "lost_return", "lost_unknown", "duplicate", "reordered", "late", "dead_flows"];
    let counts = keys.iter().filter(|key| line.get(key).is_some_and(|count| count != "0"));
    counts.map(|key| format!("{key}={}", line.get(key).unwrap())).collect()
}

#[test]
fn a_series_is_one_datagram_from_each_flow() {
    let server = Server::start(&["--log-level=error"]);
    for (flags, sent) in [
        (&[][..], 16),
        (&["--udp-flows=1"], 1),
        (&["--udp-flows=64"], 64),
        (&["--udp-flows=3", "--udp-spacing=1ms"], 3),
    ] {
        let ended =
            Running::start(client_of(&server, &[&["--count=2", "--protocols=udp"], flags].concat())).ended();
        let series = of_kinds(&ended, &["UDP_SERIES"]);
        assert_eq!((briefs(&series), ended.status), (vec!["UDP_SERIES SUCCESS".to_owned(); 2], Some(0)));
        for line in series {
            assert_eq!((line.count("sent"), counts(&line)), (sent, vec![]), "{line}");
        }
    }
    for flags in [&["--udp-flows=0"][..], &["--protocols=tcp,http"]] {
        let ended = Running::start(client_of(&server, &[&["--count=1"], flags].concat())).ended();
        assert_eq!(briefs(&of_kinds(&ended, &["UDP_SERIES"])), [""; 0], "{flags:?}");
    }
}

/// The source and the moment of each datagram that has come: whether it is a `PING`, and its run.
fn noted() -> (SocketAddr, Receiver<(Instant, SocketAddr, Option<Id>)>) {
    let (sender, seen) = channel();
    let address = udp(move |socket, datagram, client| {
        let id = match series_protocol::decode(datagram) {
            Ok(Some(Datagram::Request(Request::Probe(id)))) => Some(id),
            _ => None,
        };
        sender.send((Instant::now(), client, id)).unwrap();
        let _ = socket.send_to(datagram, client);
    });
    (address, seen)
}

#[test]
fn flows_are_kept_from_round_to_round_and_pings_are_not() {
    let (address, seen) = noted();
    let (lines, _) = series(address, 3, &["--udp-spacing=10ms"]);
    let seen: Vec<_> = seen.try_iter().collect();
    let pings: BTreeSet<SocketAddr> =
        seen.iter().filter(|(.., id)| id.is_none()).map(|(_, from, _)| *from).collect();
    let flows: Vec<_> = seen.iter().filter_map(|(at, from, id)| Some((at, from, (*id)?))).collect();
    let sources: BTreeSet<(&SocketAddr, u16)> = flows.iter().map(|(_, from, id)| (*from, id.flow)).collect();
    assert_eq!((seen.len(), flows.len(), sources.len()), (3 * 17, 3 * 16, 16));
    assert!(flows.iter().all(|(_, from, id)| id.nonce == flows[0].2.nonce && !pings.contains(from)));
    let sequences: Vec<u32> = flows.iter().map(|(.., id)| id.sequence).collect();
    assert_eq!(sequences, (0..48).collect::<Vec<_>>());
    for round in flows.chunks(16) {
        // Each is sent no earlier than 10 ms after the one before; the first may have come late.
        let took = *round[15].0 - *round[0].0;
        assert!(took >= Duration::from_millis(140), "{took:?}");
    }
    assert!(lines.iter().all(|line| line.count("lost") == 0));
}

#[test]
fn a_plain_echo_is_measured_without_direction() {
    unless_starved(|| {
        let plain = udp(|socket, datagram, client| {
            let _ = socket.send_to(datagram, client);
        });
        let (lines, verdicts) = series(plain, 2, &[]);
        assert!(
            lines.iter().all(|line| line.brief() == "UDP_SERIES SUCCESS" && counts(line).is_empty()),
            "{lines:?}"
        );
        assert_eq!(briefs(&verdicts), ["VERDICT healthy"]);
        // The ninth of the first series; what a plain echo has not returned was lost in an unknown direction.
        let mut left = 9;
        let dropping = udp(move |socket, datagram, client| {
            left -= i32::from(series_protocol::has_magic(datagram));
            if left != 0 {
                let _ = socket.send_to(datagram, client);
            }
        });
        let (lines, verdicts) = series(dropping, 2, &[]);
        assert_eq!([counts(&lines[0]), counts(&lines[1])], [vec!["lost_unknown=1".to_owned()], vec![]]);
        assert_eq!(lines[0].count("lost"), 1);
        assert_eq!(briefs(&verdicts), ["VERDICT healthy"], "no verdict is guessed from one lost datagram");
    });
}

#[test]
fn a_smoker_tells_on_which_way_a_datagram_was_lost() {
    let ways = [(Fate::LostForward, "lost_forward=1"), (Fate::LostReturn, "lost_return=1")];
    at_once(ways.into_iter().flat_map(|way| [0, 5, 15].map(|lost| (way, lost))), |((fate, count), lost)| {
        let is_it = move |seen: &Seen| seen.of_series && seen.id.sequence == lost;
        let peer = peer(move |seen| if is_it(seen) { fate } else { Fate::Answered });
        let (lines, _) = series(peer, 1, &[]);
        assert_eq!(counts(&lines[0]), [count], "{lines:?}");
    });
}

#[test]
fn any_loss_calls_for_a_burst_of_256_from_64_new_ports() {
    unless_starved(|| {
        let (sender, seen) = channel();
        let peer = peer(move |seen| {
            if !seen.of_series {
                sender.send((seen.id.nonce, seen.id.flow)).unwrap();
            }
            if seen.of_series && seen.id.sequence == 3 { Fate::LostForward } else { Fate::Answered }
        });
        let (_, verdicts) = series(peer, 2, &[]);
        assert_eq!(briefs(&verdicts), ["VERDICT healthy"]);
        let burst: Vec<(u64, u16)> = seen.try_iter().collect();
        let ports: BTreeSet<&(u64, u16)> = burst.iter().collect();
        assert_eq!((burst.len(), ports.len()), (256, 64));
    });
}

#[test]
fn answers_that_come_twice_or_out_of_order_are_counted_and_no_fault() {
    unless_starved(|| {
        let twice =
            peer(|seen| if seen.of_series && seen.id.flow == 4 { Fate::Twice } else { Fate::Answered });
        let (lines, verdicts) = series(twice, 2, &[]);
        assert!(lines.iter().all(|line| counts(line) == ["duplicate=1"]), "{lines:?}");
        assert_eq!(briefs(&verdicts), ["VERDICT healthy"]);
        let swapped = peer(|seen| {
            if seen.of_series && [2, 9].contains(&seen.id.flow) { Fate::Behind } else { Fate::Answered }
        });
        let (lines, verdicts) = series(swapped, 2, &[]);
        assert!(lines.iter().all(|line| counts(line) == ["reordered=2"]), "{lines:?}");
        assert_eq!(briefs(&verdicts), ["VERDICT healthy"]);
    });
}

/// The answer of the first series comes with the second: it was lost, and now it is late.
#[test]
fn an_answer_that_comes_with_the_next_series_is_late() {
    let peer = peer(|seen| if seen.of_series && seen.id.sequence == 6 { Fate::Late } else { Fate::Answered });
    let (lines, _) = series(peer, 2, &[]);
    assert_eq!([counts(&lines[0]), counts(&lines[1])], [["lost_return=1"], ["late=1"]], "{lines:?}");
}

#[test]
fn a_reply_to_another_run_is_ignored() {
    let strange = udp(|socket, datagram, client| {
        let mut other_run = datagram.to_vec();
        if series_protocol::has_magic(datagram) {
            other_run[16] ^= 1;
        }
        for answer in [&other_run[..], &datagram[..datagram.len() - 1], &[datagram, &[0]].concat()] {
            let _ = socket.send_to(answer, client);
        }
    });
    let (lines, _) = series(strange, 1, &["--timeout=400ms"]);
    assert_eq!(lines[0].brief(), "UDP_SERIES timeout receive");
    assert_eq!(counts(&lines[0]), ["lost_unknown=16"]);
}

#[test]
fn a_series_fails_only_when_nothing_comes_back() {
    unless_starved(|| {
        let address = |peer: SocketAddr| Some(peer.to_string());
        let silent = udp(|socket, datagram, client| {
            if !series_protocol::has_magic(datagram) {
                let _ = socket.send_to(datagram, client);
            }
        });
        let (lines, _) = series(silent, 2, &["--timeout=400ms"]);
        for (line, failures) in lines.iter().zip([1, 2]) {
            assert_eq!((line.brief(), line.row().0), ("UDP_SERIES timeout receive".into(), failures));
            assert_eq!((line.count("sent"), counts(line)), (16, vec!["lost_unknown=16".to_owned()]));
            assert_eq!(line.get("address").map(str::to_owned), address(silent));
        }
        let one = peer(|seen| if seen.id.flow == 15 { Fate::Answered } else { Fate::LostForward });
        let (lines, _) = series(one, 1, &[]);
        assert_eq!((lines[0].brief(), lines[0].count("lost")), ("UDP_SERIES SUCCESS".into(), 15));
        let closed = Refused::ports();
        let mut command = client("127.0.0.2", &["--protocols=udp", "--mtu-interval=0", "--count=1"]);
        let ended = Running::start(command.args(port_flags(1, closed.udp.port(), 2))).ended();
        let line = of_kinds(&ended, &["UDP_SERIES"]).remove(0);
        // An ICMP error says that it came as far as the other end, and no further.
        assert_eq!(
            (line.brief(), counts(&line)),
            ("UDP_SERIES refused receive".into(), vec!["lost_forward=16".into()])
        );
    });
}

#[test]
fn long_lived_flows_that_die_while_new_ones_work_are_reported() {
    unless_starved(|| {
        let peer = peer(|seen| {
            let dies = seen.of_series && [3, 8].contains(&seen.id.flow) && seen.id.sequence >= 16;
            if dies { Fate::LostForward } else { Fate::Answered }
        });
        let client = Running::start(client_of_peer(peer, &[]));
        assert_eq!(next(&client, "VERDICT").brief(), "VERDICT healthy");
        let verdict = next(&client, "VERDICT");
        assert_eq!(
            (verdict.brief(), verdict.list("evidence")[1]),
            ("VERDICT conntrack".into(), "flows:2of2")
        );
        assert!(verdict.list("evidence").contains(&"burst:0of256"), "{verdict}");
        // Dead are those whose last three datagrams had no answer, those of the pass among them.
        let series =
            std::iter::repeat_with(|| next(&client, "UDP_SERIES")).find(|line| line.count("dead_flows") > 0);
        assert_eq!(series.unwrap().count("dead_flows"), 2);
    });
}

/// Every tenth datagram is lost, of any sender: more than 1 %, and less than 20 %.
#[test]
fn loss_at_random_is_reported_past_its_threshold() {
    unless_starved(|| {
        let ways = [(Fate::LostForward, "on the way there"), (Fate::LostReturn, "on the way back")];
        at_once(ways, |(fate, way)| {
            let lossy = || {
                let mut number = 0;
                peer(move |_| {
                    number += 1;
                    if number % 10 == 3 { fate } else { Fate::Answered }
                })
            };
            let (_, verdicts) = series(lossy(), 1, &[]);
            assert_eq!(briefs(&verdicts), ["VERDICT loss"]);
            let detail = verdicts[0].get("detail").unwrap();
            assert!(detail.contains("% of 256 datagrams lost") && detail.contains(way), "{detail}");
            let (_, verdicts) = series(lossy(), 1, &["--loss-threshold=20"]);
            assert!(verdicts.iter().all(|verdict| verdict.event != "loss"), "{verdicts:?}");
        });
    });
}

/// What this host does not let out is not lost on the way.
#[test]
#[ignore = "needs root: a packet filter"]
fn a_datagram_that_could_not_be_sent_is_not_lost() {
    isolated(|| {
        let _server = server_on("127.0.0.2");
        // Every other one, after the PING, which is let through.
        filter("output", "udp dport 8081 udp length > 60 numgen inc mod 2 == 0 drop");
        let flags = ["--protocols=udp", "--mtu-interval=0", "--count=1"];
        let ended = Running::start(client("127.0.0.2", &flags)).ended();
        let line = of_kinds(&ended, &["UDP_SERIES"]).remove(0);
        assert_eq!((line.brief(), line.count("sent")), ("UDP_SERIES SUCCESS".into(), 8));
        assert_eq!((counts(&line), line.count("lost")), (vec![], 0));
        filter("output", "udp dport 8081 udp length > 60 drop");
        let ended = Running::start(client("127.0.0.2", &flags)).ended();
        let line = of_kinds(&ended, &["UDP_SERIES"]).remove(0);
        assert_eq!(line.brief(), "UDP_SERIES io send");
        assert_eq!(line.get("detail"), Some("\"operation not permitted\""));
        assert_eq!((line.count("sent"), line.count("lost")), (0, 0));
    });
}
