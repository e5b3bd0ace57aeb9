//! Questions to one nameserver over one transport, within a deadline; which nameserver is asked next, and
//! what, is left to `look_up` and `nameservers`.

use std::io::{self, ErrorKind, Read};
use std::net::{SocketAddr, TcpStream, UdpSocket};
use std::time::Duration;

use super::message::{self, Question, Reply, UDP_PAYLOAD};
use super::reader::Malformed;
use crate::sys::socket::{self, TimedReader};
use crate::sys::{self, datagram, random};
use crate::time::Deadline;

/// How long the question still open is waited for once another has been answered with something to go on.
/// Both were sent together, so what is later than this is lost, or dropped by one of the servers that ignore
/// AAAA (RFC 4074, 4.1). Twice the 50 ms that RFC 8305, 3, recommends: a look-up a round has no user waiting.
pub(super) const GRACE: Duration = Duration::from_millis(100);

/// Why a nameserver gave no reply, the least specific first: of several failures the greatest is reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Failure {
    /// Nothing could be sent there, or an ICMP error came back.
    Unreachable,
    /// Nothing listens there (an ICMP error or a reset), or the connection was ended too early.
    Refused,
    /// What came back breaks the rules of the format.
    Malformed,
    /// Nothing came back in time.
    Silent,
    /// The server replied that it cannot answer.
    Declined,
    /// This host had no socket to send from: nothing is known about the server.
    Local,
}

/// Questions to one nameserver, from one socket with a port of its own.
pub(super) struct Queries<'a> {
    socket: UdpSocket,
    list: Vec<Query<'a>>,
}

/// A question that is asked.
struct Query<'a> {
    id: u16,
    question: Question<'a>,
    outcome: Option<Result<Reply, Failure>>,
}

/// A connection over which questions are asked one after another (RFC 7766, 6.2.1).
pub(super) struct Connection(TcpStream);

/// Asks `server` all `questions` at the same time, from one socket with a port of its own; the outcomes are
/// in their order. What answers none of them is ignored, and cannot prolong the wait.
///
/// The questions in `late` were sent to the same server before and not answered: an answer that arrives now
/// is as good. Those that stay unanswered are added to them.
pub(super) fn udp<'a>(
    server: SocketAddr,
    questions: &[Question<'a>],
    edns: bool,
    late: &mut Vec<Queries<'a>>,
    deadline: Deadline,
) -> Vec<Result<Reply, Failure>> {
    match Queries::start(server, questions, edns) {
        Ok(queries) => late.push(queries),
        Err(error) => return vec![Err(error.into()); questions.len()],
    }
    let mut deadline = deadline;
    while questions.iter().any(|question| outcome(late, *question).is_none()) {
        if receive(late, deadline).is_err() {
            break;
        }
        if late.iter().any(Queries::has_addresses) {
            deadline = deadline.no_later_than(Deadline::after(GRACE));
        }
    }
    let outcomes = questions.iter().map(|question| outcome(late, *question).cloned());
    let outcomes = outcomes.map(|came| came.unwrap_or(Err(Failure::Silent))).collect();
    for queries in late.iter_mut() {
        queries.list.retain(|query| query.outcome.is_none());
    }
    late.retain(Queries::is_pending);
    outcomes
}

/// Waits for the next datagrams to any of `pending`, and reads those. An error of kind `TimedOut` at the
/// deadline.
pub(super) fn receive(pending: &mut [Queries], deadline: Deadline) -> io::Result<()> {
    deadline.wait(|timeout| {
        let open = pending.iter().filter(|queries| queries.is_pending());
        socket::wait_readable(open.map(|queries| &queries.socket), timeout)
    })?;
    pending.iter_mut().filter(|queries| queries.is_pending()).for_each(Queries::read);
    Ok(())
}

/// Asks `server` one question over a TCP connection of its own (RFC 7766).
pub(super) fn tcp(
    server: SocketAddr,
    question: Question,
    edns: bool,
    deadline: Deadline,
) -> Result<Reply, Failure> {
    Connection::open(server, deadline)?.ask(question, edns, deadline)
}

impl<'a> Queries<'a> {
    /// Asks `server` these questions.
    pub(super) fn start(server: SocketAddr, questions: &[Question<'a>], edns: bool) -> io::Result<Self> {
        let socket = datagram::connected(server)?;
        socket.set_nonblocking(true)?;
        let mut queries = Self { socket, list: Vec::new() };
        queries.ask(questions, edns)?;
        Ok(queries)
    }

    /// Asks these questions; answers to earlier ones are ignored from now on.
    pub(super) fn ask(&mut self, questions: &[Question<'a>], edns: bool) -> io::Result<()> {
        self.list = questions.iter().map(|question| Query::new(*question)).collect();
        self.send(edns)
    }

    /// Sends what is not answered, once more as it was: a reply to either will do.
    pub(super) fn send(&self, edns: bool) -> io::Result<()> {
        // A few such datagrams always fit the send buffer: no wait that a deadline would have to end.
        for Query { id, question, .. } in self.list.iter().filter(|query| query.outcome.is_none()) {
            self.socket.send(&message::encode(*id, *question, edns))?;
        }
        Ok(())
    }

    /// Whether a question is waiting for its answer.
    pub(super) fn is_pending(&self) -> bool {
        self.list.iter().any(|query| query.outcome.is_none())
    }

    /// The outcome of `question`, if there is one.
    pub(super) fn outcome(&self, question: Question) -> Option<&Result<Reply, Failure>> {
        self.list.iter().find(|query| query.question == question)?.outcome.as_ref()
    }

    /// Whether an answer promises addresses, so that those of the other family are not essential.
    fn has_addresses(&self) -> bool {
        let promises =
            |query: &Query| matches!(query.outcome, Some(Ok(Reply::Addresses(_) | Reply::Truncated)));
        self.list.iter().any(promises)
    }

    /// Reads one datagram, or error, if there is one.
    fn read(&mut self) {
        let mut datagram = [0; UDP_PAYLOAD as usize];
        let received = self.socket.recv(&mut datagram);
        for query in self.list.iter_mut().filter(|query| query.outcome.is_none()) {
            match &received {
                Ok(length) => query.receive(&datagram[..*length]),
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => {}
                Err(error) => query.outcome = Some(Err(error.into())),
            }
        }
    }
}

impl<'a> Query<'a> {
    fn new(question: Question<'a>) -> Self {
        Self { id: random_id(), question, outcome: None }
    }

    /// Takes `message` as the answer, if it is one.
    fn receive(&mut self, message: &[u8]) {
        self.outcome = match message::decode(message, self.id, self.question) {
            Ok(reply) => reply.map(Ok),
            Err(Malformed) => Some(Err(Failure::Malformed)),
        };
    }
}

impl Connection {
    pub(super) fn open(server: SocketAddr, deadline: Deadline) -> io::Result<Self> {
        let stream = socket::stream(server)?;
        socket::connect(&stream, server, deadline)?;
        Ok(Self(stream))
    }

    /// Asks one question, all earlier ones being answered.
    pub(super) fn ask(&self, question: Question, edns: bool, deadline: Deadline) -> Result<Reply, Failure> {
        let id = random_id();
        let message = self.converse(&message::encode(id, question, edns), deadline)?;
        match message::decode(&message, id, question) {
            Ok(Some(reply)) if reply != Reply::Truncated => Ok(reply),
            // Only this server can have sent it, so here a reply to something else is malformed too.
            _ => Err(Failure::Malformed),
        }
    }

    /// The reply to `query`, each with its length in two bytes before it (RFC 1035, 4.2.2): at most 64 KiB.
    fn converse(&self, query: &[u8], deadline: Deadline) -> io::Result<Vec<u8>> {
        // In one write, which an empty send buffer takes whole: a length that travels alone may wait for its
        // acknowledgement.
        let length = u16::try_from(query.len()).map_err(io::Error::other)?.to_be_bytes();
        socket::send_at_once(&self.0, &[&length, query].concat())?;
        let mut reader = TimedReader { stream: &self.0, deadline };
        let mut length = [0; 2];
        reader.read_exact(&mut length)?;
        let mut reply = vec![0; u16::from_be_bytes(length).into()];
        reader.read_exact(&mut reply)?;
        Ok(reply)
    }
}

impl Failure {
    /// Whether another attempt may succeed, because a packet may have been lost.
    pub(super) fn is_loss(self) -> bool {
        !matches!(self, Self::Malformed | Self::Declined)
    }
}

/// Whether this host is short of memory, descriptors or ports. `EPERM` is not among them: a packet filter on
/// the way out causes it, which is the network's fault and not the prober's.
fn is_local(error: &io::Error) -> bool {
    sys::is_shortage(error) || error.kind() == ErrorKind::AddrInUse
}

impl From<&io::Error> for Failure {
    fn from(error: &io::Error) -> Self {
        match error.kind() {
            ErrorKind::TimedOut => Self::Silent,
            ErrorKind::ConnectionRefused
            | ErrorKind::ConnectionReset
            | ErrorKind::BrokenPipe
            | ErrorKind::UnexpectedEof => Self::Refused,
            _ if is_local(error) => Self::Local,
            _ => Self::Unreachable,
        }
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::from(&error)
    }
}

/// The reply to `question`, else the outcome of sending it last, if there is one.
fn outcome<'a>(pending: &'a [Queries], question: Question) -> Option<&'a Result<Reply, Failure>> {
    let replied = pending.iter().filter_map(|queries| queries.outcome(question)).find(|came| came.is_ok());
    replied.or_else(|| pending.last()?.outcome(question))
}

/// An id that cannot be guessed.
fn random_id() -> u16 {
    let [low, high, ..] = random::number().to_le_bytes();
    u16::from_le_bytes([low, high])
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::net::{Ipv4Addr, TcpListener, UdpSocket};
    use std::thread;
    use std::time::Instant;

    use super::super::Name;
    use super::super::message::Family;
    use super::super::test_nameserver::{Asked, Nameserver, RECURSION_AVAILABLE, TRUNCATED, record};
    use super::*;

    /// Long enough never to be waited for by a test that passes.
    const NEVER: Duration = Duration::from_mins(1);
    const SHORT: Duration = Duration::from_millis(150);
    /// How late a busy machine may be.
    const SLACK: Duration = Duration::from_millis(200);

    fn name() -> Name {
        Name::parse("a.b").unwrap()
    }

    /// Asks for both families; what came and how long it took.
    fn both(server: SocketAddr, timeout: Duration) -> (Vec<Result<Reply, Failure>>, Duration) {
        let name = name();
        let questions = [Family::V4, Family::V6].map(|family| Question { name: &name, family });
        let start = Instant::now();
        let replies = udp(server, &questions, true, &mut Vec::new(), Deadline::after(timeout));
        (replies, start.elapsed())
    }

    fn stream(server: SocketAddr, timeout: Duration) -> Result<Reply, Failure> {
        let name = name();
        tcp(server, Question { name: &name, family: Family::V4 }, true, Deadline::after(timeout))
    }

    fn found(address: &str) -> Reply {
        Reply::Addresses(vec![address.parse().unwrap()])
    }

    fn answer(asked: &Asked) -> Vec<Vec<u8>> {
        vec![asked.addresses(&["10.0.0.1", "fd00::1"])]
    }

    /// Answers the family with an address and drops the other.
    fn drop_other(family: Family) -> impl FnMut(&Asked) -> Vec<Vec<u8>> {
        move |asked| if asked.family == family { answer(asked) } else { vec![] }
    }

    #[test]
    fn both_families_are_asked_at_the_same_time() {
        // Nothing is answered before both questions are here.
        let mut held = Vec::new();
        let server = Nameserver::start(move |asked| {
            held.insert(0, asked.addresses(&["10.0.0.1", "fd00::1"]));
            if held.len() == 2 { held.clone() } else { vec![] }
        });
        assert_eq!(both(server.address, NEVER).0, [Ok(found("10.0.0.1")), Ok(found("fd00::1"))]);
    }

    #[test]
    fn every_exchange_has_a_port_and_ids_of_its_own() {
        let server = Nameserver::start(answer);
        for _ in 0..4 {
            both(server.address, NEVER);
        }
        let asked = server.asked();
        let differ = |key: &dyn Fn(&Asked) -> u16| asked.iter().any(|other| key(other) != key(&asked[0]));
        assert_eq!(asked.len(), 8);
        assert!(differ(&|asked| asked.id()) && differ(&|asked| asked.peer.port()));
    }

    #[test]
    fn one_family_does_not_wait_for_the_other_beyond_the_grace() {
        for (family, expected) in [
            (Family::V4, [Ok(found("10.0.0.1")), Err(Failure::Silent)]),
            (Family::V6, [Err(Failure::Silent), Ok(found("fd00::1"))]),
        ] {
            let server = Nameserver::start(drop_other(family));
            let (replies, elapsed) = both(server.address, NEVER);
            assert_eq!(replies, expected);
            assert!(elapsed >= GRACE && elapsed < GRACE + SLACK, "{elapsed:?}");
        }
    }

    #[test]
    fn a_truncated_reply_waits_for_the_other_no_longer_than_the_grace() {
        let server = Nameserver::start(|asked| match asked.family {
            Family::V4 => vec![asked.reply(TRUNCATED, &[])],
            Family::V6 => vec![],
        });
        let (replies, elapsed) = both(server.address, NEVER);
        assert_eq!(replies, [Ok(Reply::Truncated), Err(Failure::Silent)]);
        assert!(elapsed < GRACE + SLACK, "{elapsed:?}");
    }

    #[test]
    fn an_absence_waits_for_the_other_family_until_the_deadline() {
        let server = Nameserver::start(|asked| match asked.family {
            Family::V4 => vec![asked.code(0)],
            Family::V6 => vec![],
        });
        let (replies, elapsed) = both(server.address, SHORT);
        assert_eq!(replies, [Ok(Reply::Absent), Err(Failure::Silent)]);
        assert!(elapsed >= SHORT && elapsed < SHORT + SLACK, "{elapsed:?}");
    }

    #[test]
    fn a_datagram_that_answers_no_question_is_ignored() {
        let server = Nameserver::start(|asked| {
            let mut other_id = asked.addresses(&["10.6.6.6", "fd66::6"]);
            other_id[0] ^= 1;
            let mut other_name = asked.addresses(&["10.6.6.6", "fd66::6"]);
            other_name[13] = b'x';
            let query = [asked.reply(0, &[])];
            [&[vec![], vec![0; 5], other_id, other_name][..], &query, &answer(asked)].concat()
        });
        assert_eq!(both(server.address, NEVER).0, [Ok(found("10.0.0.1")), Ok(found("fd00::1"))]);
    }

    #[test]
    fn only_datagrams_from_the_server_count() {
        let other = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let server = Nameserver::start(move |asked| {
            other.send_to(&asked.addresses(&["10.6.6.6", "fd66::6"]), asked.peer).unwrap();
            answer(asked)
        });
        assert_eq!(both(server.address, NEVER).0, [Ok(found("10.0.0.1")), Ok(found("fd00::1"))]);
    }

    #[test]
    fn a_flood_cannot_prolong_the_wait() {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = socket.local_addr().unwrap();
        let flood = thread::spawn(move || {
            let (_, peer) = socket.recv_from(&mut [0; 512]).unwrap();
            socket.connect(peer).unwrap();
            // Ends when the port that asked is closed, by an ICMP error.
            let mut sent = 0;
            while socket.send(&[0; 12]).is_ok() {
                sent += 1;
            }
            sent
        });
        let (replies, elapsed) = both(address, SHORT);
        assert_eq!(replies, [Err(Failure::Silent), Err(Failure::Silent)]);
        assert!(elapsed >= SHORT && elapsed < SHORT + SLACK, "{elapsed:?}");
        assert!(flood.join().unwrap() > 100);
    }

    #[test]
    fn an_icmp_error_ends_the_wait() {
        // Held on another address of the host, the port is closed here and cannot become the client's own.
        let held = UdpSocket::bind((Ipv4Addr::new(127, 0, 0, 2), 0)).unwrap();
        let server = (Ipv4Addr::LOCALHOST, held.local_addr().unwrap().port()).into();
        assert_eq!(both(server, NEVER).0, [Err(Failure::Refused), Err(Failure::Refused)]);
    }

    #[test]
    fn a_malformed_reply_is_no_silence() {
        let server = Nameserver::start(|asked| {
            let lying = record(&[0xc0, 12], 1, &[10, 0, 0]);
            vec![asked.reply(RECURSION_AVAILABLE, &[vec![0xc0], lying])]
        });
        assert_eq!(both(server.address, NEVER).0, [Err(Failure::Malformed), Err(Failure::Malformed)]);
    }

    #[test]
    fn a_datagram_of_the_size_asked_for_is_read_whole() {
        let padded = |asked: &Asked, size: usize| {
            let mut reply = asked.addresses(&["10.0.0.1", "fd00::1"]);
            reply[7] = 2;
            let padding = size - reply.len() - 12;
            reply.extend(record(&[0xc0, 12], 16, &vec![0; padding]));
            reply
        };
        let size = usize::from(UDP_PAYLOAD);
        let server = Nameserver::start(move |asked| vec![padded(asked, size)]);
        assert_eq!(both(server.address, NEVER).0, [Ok(found("10.0.0.1")), Ok(found("fd00::1"))]);
        let server = Nameserver::start(move |asked| vec![padded(asked, size + 1)]);
        assert_eq!(both(server.address, NEVER).0, [Err(Failure::Malformed), Err(Failure::Malformed)]);
    }

    #[test]
    fn a_stream_is_read_in_pieces_up_to_64_kib() {
        let server = Nameserver::start(|asked| {
            let mut reply = asked.addresses(&["10.0.0.1"]);
            reply[7] = 2;
            let padding = usize::from(u16::MAX) - reply.len() - 12;
            reply.extend(record(&[0xc0, 12], 16, &vec![0; padding]));
            vec![reply]
        });
        assert_eq!(stream(server.address, NEVER), Ok(found("10.0.0.1")));
        assert!(server.asked()[0].over_tcp);
    }

    #[test]
    fn a_stream_has_no_room_for_other_replies() {
        let server = Nameserver::start(|asked| vec![asked.reply(TRUNCATED, &[])]);
        assert_eq!(stream(server.address, NEVER), Err(Failure::Malformed));
        let server = Nameserver::start(|asked| {
            let mut other = asked.code(0);
            other[0] ^= 1;
            vec![other]
        });
        assert_eq!(stream(server.address, NEVER), Err(Failure::Malformed));
        let server = Nameserver::start(|_| vec![vec![]]);
        assert_eq!(stream(server.address, NEVER), Err(Failure::Malformed));
    }

    #[test]
    fn a_stream_that_ends_early_brings_nothing() {
        for sent in [&[][..], &[0], &[0xff, 0xff, 1, 2, 3]] {
            let server = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
            let address = server.local_addr().unwrap();
            let peer = thread::spawn(move || {
                let (mut peer, _) = server.accept().unwrap();
                peer.read_exact(&mut [0; 2]).unwrap();
                peer.write_all(sent).unwrap();
            });
            assert_eq!(stream(address, NEVER), Err(Failure::Refused), "{sent:?}");
            peer.join().unwrap();
        }
    }

    #[test]
    fn a_silent_stream_ends_at_the_deadline() {
        let server = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let start = Instant::now();
        assert_eq!(stream(server.local_addr().unwrap(), SHORT), Err(Failure::Silent));
        let elapsed = start.elapsed();
        assert!(elapsed >= SHORT && elapsed < SHORT + SLACK, "{elapsed:?}");
    }

    #[test]
    fn a_shortage_of_this_host_is_no_failure_of_the_server() {
        use sys::errno::{EMFILE, ENFILE, ENOBUFS};
        const ENOMEM: i32 = 12;
        const EADDRINUSE: i32 = 98;
        for (errno, expected) in [
            (EMFILE, Failure::Local),
            (ENFILE, Failure::Local),
            (ENOMEM, Failure::Local),
            (ENOBUFS, Failure::Local),
            (EADDRINUSE, Failure::Local),
            (1, Failure::Unreachable),   // EPERM
            (101, Failure::Unreachable), // ENETUNREACH
            (111, Failure::Refused),     // ECONNREFUSED
            (104, Failure::Refused),     // ECONNRESET
        ] {
            assert_eq!(Failure::from(io::Error::from_raw_os_error(errno)), expected, "{errno}");
        }
    }

    #[test]
    fn a_stream_is_refused_where_nothing_listens() {
        let held = TcpListener::bind((Ipv4Addr::new(127, 0, 0, 2), 0)).unwrap();
        let server = (Ipv4Addr::LOCALHOST, held.local_addr().unwrap().port()).into();
        assert_eq!(stream(server, NEVER), Err(Failure::Refused));
    }
}
