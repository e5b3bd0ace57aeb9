//! One nameserver asked, over one transport, whether anybody is there and what it knows; doing so for all of
//! them at once, and what both transports come to together, is left to `survey`.

use std::net::{IpAddr, SocketAddr};
use std::slice;

use super::Name;
use super::exchange::{self, Asking, Connection, Failure};
use super::message::{Family, Question, Reply};
use super::resolv_conf::ResolvConf;
use super::search::says_nothing;
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
    /// No route, or an ICMP error that says so.
    Unreachable,
    /// The reply was no DNS reply.
    Malformed,
    /// The time ran out.
    Silent,
    /// This host had no socket to ask from.
    Local,
}

/// What a nameserver says of a name, over UDP, or over TCP where it says nothing over UDP.
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
    /// Nobody listens there, there is no route, or the connection was ended too early.
    Unreachable,
    /// This host had no socket to ask from.
    Local,
}

/// What every nameserver is asked, always without EDNS: all servers understand that, and what does not fit a
/// datagram then is asked for over TCP.
pub(super) struct Questions<'a> {
    /// What tells whether anybody is there: if possible, what the nameservers of a cluster answer by
    /// themselves. One whose own nameservers are silent is not dead.
    opening: Name,
    kubernetes: Option<Name>,
    candidates: &'a [Name],
}

pub(super) struct OverUdp {
    pub(super) ports_asked: usize,
    pub(super) ports_answered: usize,
    pub(super) said: Said,
}

pub(super) struct OverTcp {
    pub(super) reached: Reached,
    pub(super) said: Said,
}

/// What was said to all but the opening question.
pub(super) struct Said {
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
    /// what comes from one port to one replica, so that no dead one comes between.
    pub(super) fn over_udp(&self, nameserver: SocketAddr, deadline: Deadline) -> OverUdp {
        let (mut ports, mut failures) = (Vec::new(), Vec::new());
        for _ in 0..UDP_PORTS {
            match Asking::start(nameserver, &[self.opening()], false) {
                Ok(port) => ports.push(port),
                Err(error) => failures.push(error.into()),
            }
        }
        let ports_asked = ports.len();
        hear_twice(&mut ports, deadline, 3);
        failures.extend(ports.iter().filter_map(|port| self.failure(port)));
        ports.retain(|port| self.failure(port).is_none());
        let ports_answered = ports.len();
        let said = match ports.first_mut() {
            Some(port) => self.put(|question| ask_from(port, nameserver, question, deadline)),
            None => self.fail(failures.into_iter().min().unwrap_or(Failure::Silent)),
        };
        OverUdp { ports_asked, ports_answered, said }
    }

    /// Whether each of `nameservers` replies to each of a few ports, asked once.
    pub(super) fn are_answered_by(&self, nameservers: &[SocketAddr], deadline: Deadline) -> bool {
        let ask = |nameserver| Asking::start(nameserver, &[self.opening()], false).ok();
        let mut ports: Vec<Asking> =
            nameservers.iter().flat_map(|server| (0..HINT_PORTS).filter_map(|_| ask(*server))).collect();
        hear_all(&mut ports, deadline);
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
                said: self.put(|question| connection.ask(question, false, deadline)),
            },
            Err(failure) => self.fail_over_tcp(failure),
        }
    }

    pub(super) fn fail_over_udp(&self, failure: Failure) -> OverUdp {
        OverUdp { ports_asked: 0, ports_answered: 0, said: self.fail(failure) }
    }

    pub(super) fn fail_over_tcp(&self, failure: Failure) -> OverTcp {
        OverTcp { reached: failure.into(), said: self.fail(failure) }
    }

    fn fail(&self, failure: Failure) -> Said {
        self.put(|_| Err(failure))
    }

    /// Why the opening question brought no reply to this port, if it did not.
    fn failure(&self, port: &Asking) -> Option<Failure> {
        port.outcome(self.opening()).unwrap_or(&Err(Failure::Silent)).as_ref().err().copied()
    }

    /// Asks all but the opening question.
    fn put<'b>(&'b self, mut ask: impl FnMut(Question<'b>) -> Result<Reply, Failure>) -> Said {
        let mut said = Said { kubernetes: None, record: None, addresses: Vec::new() };
        if let Some(kubernetes) = &self.kubernetes {
            said.kubernetes = Some(look_for(slice::from_ref(kubernetes), &mut ask).0);
        }
        if !self.candidates.is_empty() {
            let (answer, addresses) = look_for(self.candidates, &mut ask);
            (said.record, said.addresses) = (Some(answer), addresses);
        }
        said
    }
}

/// What is known of the first of `candidates` that is found, and its addresses. As in a look-up, a failure
/// ends the search unless the server has spoken, and the first one stands if nothing is found.
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
            if says_nothing(failure, name, candidates) {
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
    port: &mut Asking<'a>,
    nameserver: SocketAddr,
    question: Question<'a>,
    deadline: Deadline,
) -> Result<Reply, Failure> {
    port.ask(&[question], false)?;
    hear_twice(slice::from_mut(port), deadline, 2);
    match port.outcome(question) {
        Some(Ok(Reply::Truncated)) => exchange::tcp(nameserver, question, false, deadline),
        outcome => outcome.cloned().unwrap_or(Err(Failure::Silent)),
    }
}

/// Hears until all is answered, or the first of `shares` equal shares of the time has ended. What is open
/// then is sent once more, because one lost datagram is no dead server, and heard for another such share.
fn hear_twice(ports: &mut [Asking], deadline: Deadline, shares: u32) {
    hear_all(ports, deadline.share(shares));
    for port in ports.iter().filter(|port| port.is_open()) {
        // What cannot be sent now is as silent as if it had been lost.
        let _ = port.send(false);
    }
    hear_all(ports, deadline.share(shares - 1));
}

fn hear_all(ports: &mut [Asking], deadline: Deadline) {
    while ports.iter().any(Asking::is_open) && exchange::hear(ports, deadline).is_ok() {}
}

impl Answer {
    /// Whether the nameserver said it.
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
