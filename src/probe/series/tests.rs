//! Series and bursts against scripted servers on loopback.

use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::*;
use crate::probe::{Error, Phase};
use crate::proc::starved::{Waits, unless_starved};
use crate::series_protocol::{self, Datagram, Id, Reply, Request};
use crate::time::Deadline;

/// Long enough never to be waited for by a test that passes.
const NEVER: Duration = Duration::from_mins(1);
/// How long a test waits for what does not arrive.
const SHORT: Duration = Duration::from_millis(150);
const SPACING: Duration = Duration::from_millis(1);

/// A server that counts as Smoker's does, and has a script make the answers to each request.
struct Server {
    address: SocketAddr,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

/// The peer that it is sent to, and its bytes.
type Answer = (SocketAddr, Vec<u8>);

/// A request, with what the server would answer.
struct Asked {
    id: Id,
    peer: SocketAddr,
    request: Vec<u8>,
    counts: HashMap<(u64, u16), u32>,
    instance: u64,
}

impl Server {
    fn start(mut script: impl FnMut(&mut Asked) -> Vec<Answer> + Send + 'static) -> Self {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = socket.local_addr().unwrap();
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread = thread::spawn(move || {
            let _waits = Waits::begin();
            let mut buffer = [0; 2048];
            let (mut counts, mut instance) = (HashMap::new(), 7);
            loop {
                // Also an ICMP error about an answer to a port that has been closed.
                let Ok((len, peer)) = socket.recv_from(&mut buffer) else { continue };
                if stopped.load(Ordering::Relaxed) {
                    break;
                }
                let request = buffer[..len].to_vec();
                let Ok(Some(Datagram::Request(Request::Probe(id)))) = series_protocol::decode(&request)
                else {
                    panic!("not a request")
                };
                let mut asked = Asked { id, peer, request, counts, instance };
                for (to, answer) in script(&mut asked) {
                    let _ = socket.send_to(&answer, to);
                }
                (counts, instance) = (asked.counts, asked.instance);
            }
        });
        Self { address, stop, thread: Some(thread) }
    }

    fn flows(&self, count: usize) -> Flows {
        Flows::open(self.address, count).unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        let waker = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        waker.send_to(b"", self.address).unwrap();
        let ended = self.thread.take().unwrap().join();
        assert!(ended.is_ok() || thread::panicking());
    }
}

impl Asked {
    /// Counts it, and makes the reply.
    fn reply(&mut self) -> Answer {
        let count = self.counts.entry((self.id.nonce, self.id.flow)).or_default();
        *count += 1;
        let reply = Reply {
            id: self.id,
            instance: self.instance,
            client: self.peer,
            length: u16::try_from(self.request.len()).unwrap(),
            turnaround: Duration::from_nanos(1),
            received: NonZeroU32::new(*count),
        };
        (self.peer, reply.encode().to_vec())
    }

    /// Counts it, and answers nothing.
    fn lose_reply(&mut self) -> Vec<Answer> {
        self.reply();
        vec![]
    }
}

fn run(flows: &mut Flows) -> Series {
    flows.series(SPACING, Deadline::after(NEVER))
}

/// What was sent and lost: forward, on the way back, in an unknown direction.
fn losses(series: &Series) -> (u64, u64, [u64; 3]) {
    let Lost { forward, return_, unknown } = series.counts.lost;
    (series.counts.sent, series.counts.lost.total(), [forward, return_, unknown])
}

#[test]
fn every_datagram_is_answered_and_timed() {
    unless_starved(|| {
        let server = Server::start(|asked| vec![asked.reply()]);
        let mut flows = server.flows(16);
        for _ in 0..3 {
            let series = run(&mut flows);
            let times = series.times().unwrap();
            assert!(Duration::ZERO < times.min && times.min <= times.median && times.median <= times.p99);
            assert!(times.network.unwrap() < times.median);
            let counts = Counts { sent: 16, answered: 16, ..Counts::default() };
            let expected = Series { counts, dead_flows: 0, replies: Replies::Timed(times) };
            assert_eq!(series, expected);
            flows.keep_alive();
        }
        assert_eq!((flows.peer(), flows.take_settled()), (server.address, Lost::default()));
        assert_eq!(flows.confirm(Deadline::after(NEVER)), SilentFlows { asked: 0, dead: 0 });
    });
}

/// All replies are read after the last datagram has gone out.
#[test]
fn a_reply_that_waits_to_be_read_takes_no_longer() {
    const APART: Duration = Duration::from_millis(20);
    let server = Server::start(|asked| vec![asked.reply()]);
    let series = server.flows(16).series(APART, Deadline::after(NEVER));
    assert!(series.times().unwrap().median < 4 * APART, "{series:?}");
}

#[test]
fn loss_on_the_way_there_is_distinguished_from_loss_on_the_way_back() {
    let there = Server::start(|asked| if asked.id.sequence == 3 { vec![] } else { vec![asked.reply()] });
    assert_eq!(losses(&run(&mut there.flows(8))), (8, 1, [1, 0, 0]));
    let back =
        Server::start(|asked| if asked.id.sequence == 3 { asked.lose_reply() } else { vec![asked.reply()] });
    assert_eq!(losses(&run(&mut back.flows(8))), (8, 1, [0, 1, 0]));
}

#[test]
fn one_lost_datagram_does_not_hold_the_round_up() {
    let server = Server::start(|asked| if asked.id.flow == 3 { vec![] } else { vec![asked.reply()] });
    let start = Instant::now();
    assert_eq!(losses(&run(&mut server.flows(8))), (8, 1, [0, 0, 1]));
    assert!(start.elapsed() >= GRACE && start.elapsed() < NEVER / 2);
}

#[test]
fn what_was_unknown_is_settled_by_a_later_reply() {
    // Of the first series flow 3 receives nothing, not even in the repetition.
    let server = Server::start(|asked| match (asked.id.flow, asked.id.sequence) {
        (3, ..9) => asked.lose_reply(),
        _ => vec![asked.reply()],
    });
    let mut flows = server.flows(8);
    assert_eq!(losses(&run(&mut flows)), (8, 1, [0, 0, 1]));
    assert_eq!(flows.take_settled(), Lost::default());
    assert_eq!(losses(&run(&mut flows)), (8, 0, [0, 0, 0]));
    assert_eq!(flows.take_settled(), Lost { return_: 1, ..Lost::default() });
    assert_eq!(flows.take_settled(), Lost::default());
}

#[test]
fn another_instance_settles_nothing() {
    // The second series receives nothing on flow 3, the third comes to another server.
    let server = Server::start(|asked| {
        if asked.id.sequence == 17 {
            asked.instance += 1;
            asked.counts.clear();
        }
        let is_lost = asked.id.flow == 3 && (8..17).contains(&asked.id.sequence);
        if is_lost { vec![] } else { vec![asked.reply()] }
    });
    let mut flows = server.flows(8);
    for lost in [0, 1, 0] {
        assert_eq!(losses(&run(&mut flows)), (8, lost, [0, 0, lost]));
    }
    assert_eq!(flows.take_settled(), Lost { unknown: 1, ..Lost::default() });
}

#[test]
fn duplicates_and_overtaken_replies_are_counted() {
    let mut held = None;
    let server = Server::start(move |asked| {
        let reply = asked.reply();
        match asked.id.sequence {
            1 => vec![reply.clone(), reply],
            4 => {
                held = Some(reply);
                vec![]
            }
            5 => vec![reply, held.take().unwrap()],
            _ => vec![reply],
        }
    });
    let series = run(&mut server.flows(8));
    assert_eq!(
        (losses(&series), series.counts.duplicate, series.counts.reordered),
        ((8, 0, [0, 0, 0]), 1, 1)
    );
}

#[test]
fn what_comes_after_its_series_is_late() {
    let mut held = None;
    let server = Server::start(move |asked| {
        let reply = asked.reply();
        match asked.id.sequence {
            3 => {
                held = Some(reply);
                vec![]
            }
            9 => vec![held.take().unwrap(), reply],
            _ => vec![reply],
        }
    });
    let mut flows = server.flows(8);
    let first = run(&mut flows);
    assert_eq!((losses(&first), first.counts.late), ((8, 1, [0, 1, 0]), 0));
    let second = run(&mut flows);
    assert_eq!((losses(&second), second.counts.late, second.counts.duplicate), ((8, 0, [0, 0, 0]), 1, 0));
}

#[test]
fn what_answers_no_datagram_is_ignored() {
    let server = Server::start(|asked| {
        let reply = asked.reply();
        let id = asked.id;
        let altered = |id| (asked.peer, Request::Probe(id).encode().to_vec());
        let longer = (asked.peer, [&reply.1[..], &[0]].concat());
        let mut nonsense = reply.clone();
        nonsense.1[9] = 1;
        vec![
            (asked.peer, vec![]),
            (asked.peer, b"PING".to_vec()),
            (asked.peer, Request::Size(id).encode().to_vec()),
            altered(Id { nonce: id.nonce ^ 1, ..id }),
            altered(Id { flow: id.flow ^ 1, ..id }),
            altered(Id { sequence: id.sequence ^ 64, ..id }),
            longer,
            nonsense,
            reply,
        ]
    });
    let series = run(&mut server.flows(8));
    assert_eq!((losses(&series), series.counts.duplicate, series.counts.late), ((8, 0, [0, 0, 0]), 0, 0));
}

#[test]
fn a_plain_echo_serves_without_direction() {
    let server = Server::start(|asked| {
        if asked.id.sequence == 3 { vec![] } else { vec![(asked.peer, asked.request.clone())] }
    });
    let mut flows = server.flows(8);
    let series = run(&mut flows);
    assert_eq!(losses(&series), (8, 1, [0, 0, 1]));
    assert!(series.times().unwrap().network.is_none());
    assert_eq!(losses(&run(&mut flows)), (8, 0, [0, 0, 0]));
    assert_eq!(flows.take_settled(), Lost { unknown: 1, ..Lost::default() });
}

#[test]
fn a_flood_of_nonsense_cannot_prolong_a_series() {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let mut flows = Flows::open(socket.local_addr().unwrap(), 1).unwrap();
    let flood = thread::spawn(move || {
        let (_, peer) = socket.recv_from(&mut [0; 512]).unwrap();
        socket.connect(peer).unwrap();
        // Ends when the peer's port is closed, and an ICMP error reports that.
        let mut sent = 0;
        while socket.send(&[0; 12]).is_ok() {
            sent += 1;
        }
        sent
    });
    let start = Instant::now();
    let series = flows.series(SPACING, Deadline::after(SHORT));
    flows.keep_alive();
    drop(flows);
    assert_eq!(losses(&series), (1, 1, [0, 0, 1]));
    assert_eq!(series.replies, Replies::Missing(Failure::new(Error::Timeout, Phase::Receive)));
    assert!(start.elapsed() >= SHORT && start.elapsed() < NEVER);
    assert!(flood.join().unwrap() > 100);
}

#[test]
fn a_refused_series_ends_at_once_and_reports_it() {
    // Held on another address of the host, so that no server has the port here.
    let held = UdpSocket::bind((Ipv4Addr::new(127, 0, 0, 2), 0)).unwrap();
    let closed = (Ipv4Addr::LOCALHOST, held.local_addr().unwrap().port()).into();
    let mut flows = Flows::open(closed, 8).unwrap();
    flows.keep_alive();
    for _ in 0..2 {
        let series = run(&mut flows);
        assert_eq!(losses(&series), (8, 8, [8, 0, 0]));
        assert_eq!(series.replies, Replies::Missing(Failure::new(Error::Refused, Phase::Receive)));
        assert_eq!(series.counts.unsent, 0);
    }
    assert_eq!(flows.confirm(Deadline::after(NEVER)), SilentFlows { asked: 8, dead: 8 });
    let burst = burst(closed, 4, 4, Deadline::after(NEVER)).unwrap();
    assert_eq!(
        (burst.counts.sent, burst.counts.lost.total(), burst.counts.lost.forward, burst.counts.unsent),
        (16, 16, 16, 0)
    );
    assert_eq!((burst.ports, burst.dead_ports, burst.lossy_ports), (4, 4, 0));
}

/// A socket without a peer cannot send.
fn without_peer() -> UdpSocket {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    socket.set_nonblocking(true).unwrap();
    socket
}

#[test]
fn what_cannot_be_sent_is_not_lost() {
    let server = Server::start(|asked| vec![asked.reply()]);
    let mut flows = server.flows(8);
    flows.open[3].socket = without_peer();
    let series = run(&mut flows);
    assert_eq!((losses(&series), series.counts.unsent, series.failure()), ((7, 0, [0, 0, 0]), 1, None));
    for flow in &mut flows.open {
        flow.socket = without_peer();
    }
    let series = run(&mut flows);
    assert_eq!((losses(&series), series.counts.unsent), ((0, 0, [0, 0, 0]), 8));
    let failure = series.failure().unwrap();
    assert_eq!((failure.error, failure.phase), (Error::Io, Phase::Send));
    assert_eq!(failure.detail.as_deref().unwrap(), "destination address required");
    assert_eq!(series.dead_flows, 0);
}

#[test]
fn a_flow_that_is_silent_three_times_is_dead_until_it_is_answered_again() {
    let server = Server::start(|asked| match (asked.id.flow, asked.id.sequence) {
        (3, ..30) => vec![],
        _ => vec![asked.reply()],
    });
    let mut flows = server.flows(8);
    // Silent twice: in the series, and in the datagram after it.
    assert_eq!(run(&mut flows).dead_flows, 0);
    assert_eq!(flows.confirm(Deadline::after(NEVER)), SilentFlows { asked: 1, dead: 1 });
    assert_eq!(run(&mut flows).dead_flows, 1);
    while flows.next_sequence < 30 {
        flows.keep_alive();
    }
    assert_eq!(flows.confirm(Deadline::after(NEVER)), SilentFlows { asked: 1, dead: 0 });
    assert_eq!(run(&mut flows).dead_flows, 0);
    assert_eq!(flows.confirm(Deadline::after(NEVER)), SilentFlows { asked: 0, dead: 0 });
}

#[test]
fn silent_flows_on_which_nothing_is_sent_are_not_dead() {
    let server = Server::start(|_| vec![]);
    let mut flows = server.flows(4);
    assert_eq!(flows.series(SPACING, Deadline::after(SHORT)).counts.lost.total(), 4);
    assert_eq!(flows.confirm(Deadline::after(Duration::ZERO)), SilentFlows { asked: 0, dead: 0 });
}

#[test]
fn replies_of_a_silent_server_are_awaited_until_the_deadline() {
    let server = Server::start(|_| vec![]);
    let mut flows = server.flows(4);
    flows.keep_alive();
    flows.keep_alive();
    let start = Instant::now();
    let series = flows.series(SPACING, Deadline::after(SHORT));
    assert!(start.elapsed() >= SHORT);
    assert_eq!((losses(&series), series.dead_flows), ((4, 4, [0, 0, 4]), 4));
    assert_eq!(series.replies, Replies::Missing(Failure::new(Error::Timeout, Phase::Receive)));
    let start = Instant::now();
    assert_eq!(flows.confirm(Deadline::after(SHORT)), SilentFlows { asked: 4, dead: 4 });
    assert!(start.elapsed() >= SHORT);
}

#[test]
fn a_burst_distinguishes_dead_ports_from_lossy_ones_and_directions() {
    unless_starved(|| {
        // Port 0 is dead; port 1 loses its second on the way there, port 2 its last on the way back.
        let server = Server::start(|asked| match (asked.id.flow, asked.id.sequence) {
            (0, _) | (1, 5) => vec![],
            (2, 14) => asked.lose_reply(),
            _ => vec![asked.reply()],
        });
        let burst = burst(server.address, 4, 4, Deadline::after(NEVER)).unwrap();
        let lost = Lost { forward: 1, return_: 1, unknown: 4 };
        let expected = Burst {
            counts: Counts { sent: 16, answered: 10, lost, ..Counts::default() },
            refused: 0,
            ports: 4,
            dead_ports: 1,
            lossy_ports: 2,
        };
        assert_eq!(burst, expected);
    });
}

#[test]
fn a_burst_that_has_no_way_out_is_unsent() {
    // There is no route to class E addresses; and where there is one, there is no reply.
    let burst = burst("255.255.255.255:9".parse().unwrap(), 2, 4, Deadline::after(SHORT)).unwrap();
    assert_eq!(
        (burst.counts.sent, burst.counts.unsent, burst.counts.lost.total(), burst.ports),
        (0, 8, 0, 0)
    );
}

#[test]
fn flows_and_bursts_have_their_limits() {
    let server = Server::start(|asked| vec![asked.reply()]);
    for (asked, opened) in [(0, 0), (MAX_FLOWS, MAX_FLOWS), (MAX_FLOWS + 1, MAX_FLOWS)] {
        assert_eq!(server.flows(asked).open.len(), opened);
    }
    for (each, sent) in [(MAX_EACH, MAX_EACH), (MAX_EACH + 1, MAX_EACH)] {
        let burst = burst(server.address, 1, each, Deadline::after(NEVER)).unwrap();
        assert_eq!((burst.counts.sent, burst.counts.lost.total()), (sent as u64, 0));
    }
    let nothing = Series { counts: Counts::default(), dead_flows: 0, replies: Replies::NotExpected };
    assert_eq!(run(&mut server.flows(0)), nothing);
}

#[test]
fn a_short_deadline_leaves_time_to_receive_the_replies() {
    unless_starved(|| {
        let server = Server::start(|asked| vec![asked.reply()]);
        let series = server.flows(8).series(NEVER, Deadline::after(6 * SHORT));
        assert_eq!(losses(&series), (8, 0, [0, 0, 0]));
    });
}
