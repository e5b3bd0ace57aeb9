//! What is answered to a datagram of a series; receiving, sending, counting and logging are left to the
//! callers. Pure.

mod tally;

use std::net::SocketAddr;
use std::time::Duration;

use crate::series_protocol::{self, Datagram, Malformed, Reply, Request};
use tally::Tally;

/// Ports below belong to services, some of which answer whatever they get: echo (7), daytime (13),
/// chargen (19), DNS (53). Two services that answer each other never stop, and one forged datagram is
/// enough to start them (CERT CA-1996-01; CVE-2024-2169).
const FIRST_CLIENT_PORT: u16 = 1024;

/// One port's answers, and how many requests have come on each flow.
pub struct Responder {
    port: u16,
    instance: u64,
    tally: Tally,
}

/// What to do with a datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Send the first `len` bytes of the datagram's memory, which are its reply now.
    Reply {
        /// Never more than came.
        len: usize,
    },
    /// It is not one of Smoker's: a server echoes it.
    Foreign,
    /// Send nothing.
    Refused(Refusal),
}

/// Why a datagram is not answered: the answer might be answered, and so on without end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// It came from a port below 1024, or from the responder's own.
    ServicePort,
    /// It is a reply itself: forged, or its sender does not wait for an answer.
    Reply,
    /// It has Smoker's magic word and breaks the layout.
    Malformed,
}

impl Responder {
    /// For the datagrams that come to `port`, in the name of the process with this `instance`.
    pub fn new(port: u16, instance: u64) -> Self {
        Self { port, instance, tally: Tally::default() }
    }

    /// Answers `datagram` from `client`, and writes a reply over it. `age` is how long ago it arrived, by the
    /// time that it is called.
    pub fn answer(
        &mut self,
        datagram: &mut [u8],
        client: SocketAddr,
        age: impl FnOnce() -> Duration,
    ) -> Answer {
        if client.port() < FIRST_CLIENT_PORT || client.port() == self.port {
            return Answer::Refused(Refusal::ServicePort);
        }
        match series_protocol::decode(datagram) {
            Ok(None) => Answer::Foreign,
            Ok(Some(Datagram::Request(request))) => self.reply(request, datagram, client, age),
            Ok(Some(Datagram::Reply(_))) => Answer::Refused(Refusal::Reply),
            Err(Malformed) => Answer::Refused(Refusal::Malformed),
        }
    }

    fn reply(
        &mut self,
        request: Request,
        datagram: &mut [u8],
        client: SocketAddr,
        age: impl FnOnce() -> Duration,
    ) -> Answer {
        let (id, len) = match request {
            Request::Probe(id) => (id, datagram.len()),
            Request::Size(id) => (id, series_protocol::LEN),
        };
        let reply = Reply {
            id,
            instance: self.instance,
            client,
            length: u16::try_from(datagram.len()).unwrap_or(u16::MAX),
            received: Some(self.tally.count(id)),
            turnaround: age(),
        };
        datagram[..series_protocol::LEN].copy_from_slice(&reply.encode());
        Answer::Reply { len }
    }
}

impl Refusal {
    /// A few words for the log.
    pub fn reason(self) -> &'static str {
        match self {
            Self::ServicePort => "source port of a service",
            Self::Reply => "a reply",
            Self::Malformed => "malformed datagram of a series",
        }
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use super::*;
    use crate::series_protocol::{Id, LEN, MAX_LEN};

    const PORT: u16 = 8081;
    const INSTANCE: u64 = 7;
    const AGE: Duration = Duration::from_micros(30);

    fn client(port: u16) -> SocketAddr {
        SocketAddr::from(([10, 0, 0, 9], port))
    }

    fn answer(responder: &mut Responder, datagram: &mut [u8]) -> Answer {
        responder.answer(datagram, client(40_000), || AGE)
    }

    fn padded(request: Request, len: usize) -> Vec<u8> {
        let mut datagram = vec![0xee; len];
        datagram[..LEN].copy_from_slice(&request.encode());
        datagram
    }

    #[test]
    fn a_probe_is_answered_at_its_length_and_a_size_by_a_small_reply() {
        let id = Id { nonce: 1, sequence: 2, flow: 3 };
        for (request, len, expected) in [
            (Request::Probe(id), LEN, LEN),
            (Request::Probe(id), MAX_LEN, MAX_LEN),
            (Request::Size(id), LEN, LEN),
            (Request::Size(id), MAX_LEN, LEN),
        ] {
            let mut datagram = padded(request, len);
            let answered = answer(&mut Responder::new(PORT, INSTANCE), &mut datagram);
            assert_eq!(answered, Answer::Reply { len: expected }, "{request:?} of {len} bytes");
            let reply = Reply {
                id,
                instance: INSTANCE,
                client: client(40_000),
                length: u16::try_from(len).unwrap(),
                turnaround: AGE,
                received: Some(NonZeroU32::MIN),
            };
            assert_eq!(series_protocol::decode(&datagram), Ok(Some(Datagram::Reply(reply))));
            assert!(datagram[LEN..].iter().all(|byte| *byte == 0xee));
        }
    }

    #[test]
    fn the_requests_of_each_flow_are_counted() {
        let mut responder = Responder::new(PORT, INSTANCE);
        for expected in 1..=3 {
            for flow in [0, 1] {
                let mut datagram = Request::Probe(Id { nonce: 1, sequence: expected, flow }).encode();
                answer(&mut responder, &mut datagram);
                let Ok(Some(Datagram::Reply(reply))) = series_protocol::decode(&datagram) else {
                    panic!("no reply")
                };
                assert_eq!(reply.received, NonZeroU32::new(expected));
            }
        }
    }

    #[test]
    fn a_datagram_that_is_not_smokers_stays_as_it_is() {
        for text in [&b""[..], b"PING", &vec![0; MAX_LEN]] {
            let mut datagram = text.to_vec();
            assert_eq!(answer(&mut Responder::new(PORT, INSTANCE), &mut datagram), Answer::Foreign);
            assert_eq!(datagram, text);
        }
    }

    #[test]
    fn services_and_the_responder_itself_are_not_answered() {
        let request = Request::Probe(Id { nonce: 1, sequence: 2, flow: 3 }).encode();
        for port in [0, 7, FIRST_CLIENT_PORT - 1, FIRST_CLIENT_PORT, PORT, PORT + 1] {
            let is_refused = port < FIRST_CLIENT_PORT || port == PORT;
            for mut datagram in [request.to_vec(), b"PING".to_vec()] {
                let answered = Responder::new(PORT, INSTANCE).answer(&mut datagram, client(port), || AGE);
                let expected = Answer::Refused(Refusal::ServicePort);
                assert_eq!(answered == expected, is_refused, "{port}: {answered:?}");
            }
        }
    }

    #[test]
    fn a_reply_and_a_malformed_datagram_are_not_answered() {
        let mut responder = Responder::new(PORT, INSTANCE);
        let mut datagram = Request::Probe(Id { nonce: 1, sequence: 2, flow: 3 }).encode();
        assert_eq!(answer(&mut responder, &mut datagram), Answer::Reply { len: LEN });
        assert_eq!(answer(&mut responder, &mut datagram), Answer::Refused(Refusal::Reply));
        let truncated = &mut datagram[..LEN - 1];
        assert_eq!(answer(&mut responder, truncated), Answer::Refused(Refusal::Malformed));
    }
}
