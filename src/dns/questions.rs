//! The questions to one nameserver over one transport: whether it is up, and its answers for two names;
//! asking all of them at once, and combining both transports, is left to `nameservers`.

use std::net::{IpAddr, SocketAddr};
use std::slice;

use super::Name;
use super::exchange::{self, Connection, Failure, Queries};
use super::look_up::is_no_evidence;
use super::message::{Family, Question, Reply};
use super::resolv_conf::ResolvConf;
use crate::time::Deadline;

/// The source ports that each nameserver is asked from over UDP. A nameserver in a cluster is one address
/// before several replicas, and kube-proxy chooses one of them for each port: where one of two is dead, all
/// eight go to the other once in 256 times.
pub const UDP_PORTS: usize = 8;

/// The source ports for a hint: with one of two replicas dead, one of four questions goes there fifteen times
/// in sixteen.
const HINT_PORTS: usize = 4;

/// How far a question over TCP came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reached {
    /// There was a reply, of whatever kind.
    Answered,
    /// The connection was refused, or ended before the reply was whole.
    Refused,
    /// No route, or an ICMP error instead.
    Unreachable,
    /// The reply was no DNS reply.
    Malformed,
    /// The time ran out.
    Silent,
    /// This host had no socket to send from.
    Local,
}

/// A nameserver's answer for a name, over UDP, or over TCP where there is no reply over UDP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It has addresses.
    Found,
    /// There is no such name, or it has no address of either family.
    Absent,
    /// SERVFAIL, REFUSED and like codes.
    Failed,
    /// The reply was no DNS reply.
    Malformed,
    /// The time ran out.
    Silent,
    /// Nothing listens there, there is no route, or the connection was ended too early.
    Unreachable,
    /// This host had no socket to send from.
    Local,
}

/// What every nameserver is asked, always without EDNS: all servers understand that, and what does not fit a
/// datagram then is asked for over TCP.
pub(super) struct Questions<'a> {
    /// Shows whether the server is up: if possible, a name that the nameservers of a cluster answer by
    /// themselves. A server whose own nameservers do not reply is not down.
    opening: Name,
    kubernetes: Option<Name>,
    candidates: &'a [Name],
}

pub(super) struct OverUdp {
    pub(super) ports_asked: usize,
    pub(super) ports_answered: usize,
    pub(super) answers: Answers,
}

pub(super) struct OverTcp {
    pub(super) reached: Reached,
    pub(super) answers: Answers,
}

/// The answers to all but the opening question.
pub(super) struct Answers {
    pub(super) kubernetes: Option<Answer>,
    pub(super) record: Option<Answer>,
    pub(super) addresses: Vec<IpAddr>,
}

impl<'a> Questions<'a> {
    pub(super) fn new(conf: &ResolvConf, candidates: &'a [Name]) -> Self {
        let kubernetes = conf.kubernetes();
        let opening = kubernetes.as_ref().or(candidates.first()).cloned().unwrap_or_else(Name::root);
        Self { opening, kubernetes, candidates }
    }

    fn opening(&self) -> Question<'_> {
        Question { name: &self.opening, family: Family::V4 }
    }

    /// Asks the opening question from all ports, and the others from one that had a reply: kube-proxy sends
    /// the datagrams of one port to one replica, so that these do not reach a dead one.
    pub(super) fn over_udp(&self, nameserver: SocketAddr, deadline: Deadline) -> OverUdp {
        let mut ports = Vec::new();
        let mut failures = Vec::new();
        for _ in 0..UDP_PORTS {
            match Queries::start(nameserver, &[self.opening()], false) {
                Ok(port) => ports.push(port),
                Err(error) => failures.push(error.into()),
            }
        }
        let ports_asked = ports.len();
        receive_with_retry(&mut ports, deadline, 3);
        failures.extend(ports.iter().filter_map(|port| self.failure(port)));
        ports.retain(|port| self.failure(port).is_none());
        let ports_answered = ports.len();
        let answers = match ports.first_mut() {
            Some(port) => self.ask_rest(|question| ask_from(port, nameserver, question, deadline)),
            None => self.fail(failures.into_iter().min().unwrap_or(Failure::Silent)),
        };
        OverUdp { ports_asked, ports_answered, answers }
    }

    /// Whether each of `nameservers` replies to each of a few ports, asked once.
    pub(super) fn are_answered_by(&self, nameservers: &[SocketAddr], deadline: Deadline) -> bool {
        let ask = |nameserver| Queries::start(nameserver, &[self.opening()], false).ok();
        let mut ports: Vec<Queries> =
            nameservers.iter().flat_map(|server| (0..HINT_PORTS).filter_map(|_| ask(*server))).collect();
        receive_all(&mut ports, deadline);
        ports.iter().all(|port| self.failure(port).is_none())
    }

    pub(super) fn over_tcp(&self, nameserver: SocketAddr, deadline: Deadline) -> OverTcp {
        let connection = match Connection::open(nameserver, deadline) {
            Ok(connection) => connection,
            Err(error) => return self.fail_over_tcp(error.into()),
        };
        match connection.ask(self.opening(), false, deadline) {
            Ok(_) => OverTcp {
                reached: Reached::Answered,
                answers: self.ask_rest(|question| connection.ask(question, false, deadline)),
            },
            Err(failure) => self.fail_over_tcp(failure),
        }
    }

    pub(super) fn fail_over_udp(&self, failure: Failure) -> OverUdp {
        OverUdp { ports_asked: 0, ports_answered: 0, answers: self.fail(failure) }
    }

    pub(super) fn fail_over_tcp(&self, failure: Failure) -> OverTcp {
        OverTcp { reached: failure.into(), answers: self.fail(failure) }
    }

    fn fail(&self, failure: Failure) -> Answers {
        self.ask_rest(|_| Err(failure))
    }

    /// Why the opening question brought no reply to this port, if it did not.
    fn failure(&self, port: &Queries) -> Option<Failure> {
        port.outcome(self.opening()).unwrap_or(&Err(Failure::Silent)).as_ref().err().copied()
    }

    /// Asks all but the opening question.
    fn ask_rest<'b>(&'b self, mut ask: impl FnMut(Question<'b>) -> Result<Reply, Failure>) -> Answers {
        let mut answers = Answers { kubernetes: None, record: None, addresses: Vec::new() };
        if let Some(kubernetes) = &self.kubernetes {
            answers.kubernetes = Some(look_for(slice::from_ref(kubernetes), &mut ask).0);
        }
        if !self.candidates.is_empty() {
            let (answer, addresses) = look_for(self.candidates, &mut ask);
            (answers.record, answers.addresses) = (Some(answer), addresses);
        }
        answers
    }
}

/// The answer for the first of `candidates` that is found, and its addresses. As in a look-up, a failure ends
/// the search unless the server replied, and the first one decides if nothing is found.
fn look_for<'a>(
    candidates: &'a [Name],
    ask: &mut impl FnMut(Question<'a>) -> Result<Reply, Failure>,
) -> (Answer, Vec<IpAddr>) {
    let mut first_failure = None;
    for name in candidates {
        for family in [Family::V4, Family::V6] {
            let failure = match ask(Question { name, family }) {
                Ok(Reply::Addresses(addresses)) => return (Answer::Found, addresses),
                Ok(Reply::Absent) => continue,
                Ok(Reply::Failed | Reply::NotUnderstood | Reply::Truncated) => Failure::Declined,
                Err(failure) => failure,
            };
            if is_no_evidence(failure, name, candidates) {
                continue;
            }
            let first = *first_failure.get_or_insert(failure);
            if failure.is_loss() {
                return (first.into(), Vec::new());
            }
        }
    }
    (first_failure.map_or(Answer::Absent, Answer::from), Vec::new())
}

/// Asks `question` from `port`, and over TCP where the reply does not fit a datagram.
fn ask_from<'a>(
    port: &mut Queries<'a>,
    nameserver: SocketAddr,
    question: Question<'a>,
    deadline: Deadline,
) -> Result<Reply, Failure> {
    port.ask(&[question], false)?;
    receive_with_retry(slice::from_mut(port), deadline, 2);
    match port.outcome(question) {
        Some(Ok(Reply::Truncated)) => exchange::tcp(nameserver, question, false, deadline),
        outcome => outcome.cloned().unwrap_or(Err(Failure::Silent)),
    }
}

/// Receives until all is answered, or the first of `shares` equal shares of the time has ended. Unanswered
/// questions are then sent once more, because one lost datagram is no dead server, and have another share.
fn receive_with_retry(ports: &mut [Queries], deadline: Deadline, shares: u32) {
    receive_all(ports, deadline.share(shares));
    for port in ports.iter().filter(|port| port.is_pending()) {
        // What cannot be sent now counts as lost.
        let _ = port.send(false);
    }
    receive_all(ports, deadline.share(shares - 1));
}

fn receive_all(ports: &mut [Queries], deadline: Deadline) {
    while ports.iter().any(Queries::is_pending) && exchange::receive(ports, deadline).is_ok() {}
}

impl Answer {
    /// Whether the nameserver replied.
    pub(super) fn is_reply(self) -> bool {
        matches!(self, Self::Found | Self::Absent | Self::Failed)
    }
}

impl From<Failure> for Answer {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Unreachable | Failure::Refused => Self::Unreachable,
            Failure::Malformed => Self::Malformed,
            Failure::Silent => Self::Silent,
            Failure::Declined => Self::Failed,
            Failure::Local => Self::Local,
        }
    }
}

impl From<Failure> for Reached {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Unreachable => Self::Unreachable,
            Failure::Refused => Self::Refused,
            Failure::Malformed => Self::Malformed,
            Failure::Silent => Self::Silent,
            Failure::Declined => Self::Answered,
            Failure::Local => Self::Local,
        }
    }
}
