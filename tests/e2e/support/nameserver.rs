//! A nameserver that answers as a test says, in threads of its own.

use std::io::{Read, Write};
use std::net::{IpAddr, TcpListener, UdpSocket};
use std::sync::mpsc::{Receiver, channel};
use std::thread;

use crate::support::scripted::serve_tcp;

/// A question, as a nameserver receives it.
#[derive(Debug)]
pub(crate) struct Question {
    pub(crate) name: String,
    pub(crate) is_aaaa: bool,
    pub(crate) over_tcp: bool,
    pub(crate) query: Vec<u8>,
}

/// A query for the address of `marker`: what a nameserver received before it, it has noted before it.
pub(crate) const MARKER: &[u8] = b"\x55\xaa\x01\0\0\x01\0\0\0\0\0\0\x06marker\0\0\x01\0\x01";

pub(crate) const NO_ERROR: u8 = 0;
pub(crate) const FORMAT_ERROR: u8 = 1;
pub(crate) const SERVER_FAILURE: u8 = 2;
pub(crate) const NAME_ERROR: u8 = 3;
pub(crate) const REFUSED: u8 = 5;

impl Question {
    /// Reads the first question of a query (RFC 1035, 4.1).
    fn of(query: &[u8], over_tcp: bool) -> Self {
        let (mut name, mut at) = (String::new(), 12);
        while query[at] != 0 {
            let end = at + 1 + usize::from(query[at]);
            name.push_str(std::str::from_utf8(&query[at + 1..end]).unwrap());
            name.push('.');
            at = end;
        }
        let is_aaaa = query[at + 2] == 28;
        Self { name, is_aaaa, over_tcp, query: query[..at + 5].to_vec() }
    }

    /// A reply with this code and those of `addresses` that are of the family asked for.
    pub(crate) fn reply(&self, code: u8, addresses: &[&str]) -> Vec<u8> {
        let addresses = addresses.iter().map(|text| text.parse::<IpAddr>().unwrap());
        let records: Vec<Vec<u8>> = addresses
            .filter(|address| address.is_ipv6() == self.is_aaaa)
            .map(|address| match address {
                IpAddr::V4(ip) => record(1, &ip.octets()),
                IpAddr::V6(ip) => record(28, &ip.octets()),
            })
            .collect();
        self.with(code, &records)
    }

    /// A reply with these records behind the question.
    pub(crate) fn with(&self, code: u8, records: &[Vec<u8>]) -> Vec<u8> {
        let mut reply = self.query.clone();
        let count = u8::try_from(records.len()).unwrap();
        // QR, RD and RA; the code; one question, the answers, and nothing else.
        reply[2..12].copy_from_slice(&[0x81, 0x80 | code, 0, 1, 0, count, 0, 0, 0, 0]);
        reply.extend(records.concat());
        reply
    }

    /// A reply that says that it does not fit.
    pub(crate) fn truncated(&self) -> Vec<u8> {
        let mut reply = self.reply(NO_ERROR, &[]);
        reply[2] |= 2;
        reply
    }
}

/// A record of the name that was asked for.
pub(crate) fn record(kind: u8, data: &[u8]) -> Vec<u8> {
    let head = [0xc0, 12, 0, kind, 0, 1, 0, 0, 0, 5, 0, u8::try_from(data.len()).unwrap()];
    [&head, data].concat()
}

/// A nameserver on port 53 of `address`, over UDP and TCP, that sends what `answer` gives. The names that
/// were asked for, with `A` or `AAAA`, can be received.
pub(crate) fn nameserver(
    address: &str,
    mut answer: impl FnMut(&Question) -> Vec<Vec<u8>> + Clone + Send + Sync + 'static,
) -> Receiver<String> {
    let (sender, asked) = channel();
    let note = move |question: &Question| {
        let family = if question.is_aaaa { "AAAA" } else { "A" };
        let _ = sender.send(format!("{} {family}", question.name));
    };
    let (note_tcp, answer_tcp) = (note.clone(), answer.clone());
    serve_tcp(TcpListener::bind((address, 53)).unwrap(), move |mut stream| {
        let mut length = [0; 2];
        while stream.read_exact(&mut length).is_ok() {
            let mut query = vec![0; usize::from(u16::from_be_bytes(length))];
            stream.read_exact(&mut query).unwrap();
            let question = Question::of(&query, true);
            note_tcp(&question);
            for reply in answer_tcp.clone()(&question) {
                let length = u16::try_from(reply.len()).unwrap().to_be_bytes();
                let _ = stream.write_all(&[&length, &reply[..]].concat());
            }
        }
    });
    let socket = UdpSocket::bind((address, 53)).unwrap();
    thread::spawn(move || {
        let mut query = [0; 1024];
        loop {
            let (len, client) = socket.recv_from(&mut query).unwrap();
            let question = Question::of(&query[..len], false);
            note(&question);
            for reply in answer(&question) {
                socket.send_to(&reply, client).unwrap();
            }
        }
    });
    asked
}
