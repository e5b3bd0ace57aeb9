//! For the tests alone: a nameserver on a loopback port of its own that answers as each test defines.

use std::io::{self, Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};

use super::message::Family;
use crate::proc::starved::Waits;

pub(super) const RECURSION_AVAILABLE: u16 = 0x8180;
pub(super) const TRUNCATED: u16 = RECURSION_AVAILABLE | 0x0200;

/// A question as it arrived.
#[derive(Clone)]
pub(super) struct Asked {
    pub(super) over_tcp: bool,
    pub(super) edns: bool,
    pub(super) name: String,
    pub(super) family: Family,
    pub(super) peer: SocketAddr,
    query: Vec<u8>,
}

impl Asked {
    pub(super) fn read(query: &[u8], peer: SocketAddr, over_tcp: bool) -> Self {
        let mut at = 12;
        let mut name = String::new();
        while query[at] != 0 {
            let end = at + 1 + usize::from(query[at]);
            name += str::from_utf8(&query[at + 1..end]).unwrap();
            name.push('.');
            at = end;
        }
        let family = if query[at + 2] == 28 { Family::V6 } else { Family::V4 };
        Self { over_tcp, edns: query[11] == 1, name, family, peer, query: query.into() }
    }

    pub(super) fn id(&self) -> u16 {
        u16::from_be_bytes([self.query[0], self.query[1]])
    }

    /// A reply with these flags and answers; the question comes back.
    pub(super) fn reply(&self, flags: u16, answers: &[Vec<u8>]) -> Vec<u8> {
        let question_end = 12 + self.name.len() + 1 + 4;
        let mut reply = self.query[..question_end].to_vec();
        reply[2..4].copy_from_slice(&flags.to_be_bytes());
        reply[6..8].copy_from_slice(&u16::try_from(answers.len()).unwrap().to_be_bytes());
        reply[8..12].fill(0);
        reply.extend(answers.concat());
        reply
    }

    /// A reply of this response code and nothing else.
    pub(super) fn code(&self, code: u16) -> Vec<u8> {
        self.reply(RECURSION_AVAILABLE | code, &[])
    }

    /// Those of `addresses` that are of the family asked for; there may be none.
    pub(super) fn addresses(&self, addresses: &[&str]) -> Vec<u8> {
        let addresses = addresses.iter().map(|text| text.parse().unwrap());
        let records: Vec<_> = addresses
            .filter(|address: &IpAddr| address.is_ipv6() == (self.family == Family::V6))
            .map(|address| match address {
                IpAddr::V4(v4) => record(&[0xc0, 12], 1, &v4.octets()),
                IpAddr::V6(v6) => record(&[0xc0, 12], 28, &v6.octets()),
            })
            .collect();
        self.reply(RECURSION_AVAILABLE, &records)
    }
}

/// A resource record of class IN.
pub(super) fn record(owner: &[u8], kind: u16, data: &[u8]) -> Vec<u8> {
    let length = u16::try_from(data.len()).unwrap();
    [owner, &kind.to_be_bytes(), &[0, 1, 0, 0, 0, 30], &length.to_be_bytes(), data].concat()
}

/// Runs until it is dropped.
pub(super) struct Nameserver {
    pub(super) address: SocketAddr,
    asked: Arc<Mutex<Vec<Asked>>>,
    stopping: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

impl Nameserver {
    /// Answers each question with the messages, if any, that `behave` returns.
    pub(super) fn start(behave: impl FnMut(&Asked) -> Vec<Vec<u8>> + Send + 'static) -> Self {
        let (udp, tcp) = sockets();
        let address = udp.local_addr().unwrap();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let stopping = Arc::new(AtomicBool::new(false));
        let behave = Arc::new(Mutex::new({
            let asked = asked.clone();
            let mut behave = behave;
            move |question: Asked| {
                let replies = behave(&question);
                asked.lock().unwrap().push(question);
                replies
            }
        }));
        let threads = vec![
            thread::spawn({
                let (behave, stopping) = (behave.clone(), stopping.clone());
                move || serve_udp(&udp, &stopping, |asked| (behave.lock().unwrap())(asked))
            }),
            thread::spawn({
                let stopping = stopping.clone();
                move || serve_tcp(&tcp, &stopping, move |asked| (behave.lock().unwrap())(asked))
            }),
        ];
        Self { address, asked, stopping, threads }
    }

    /// One that never replies.
    pub(super) fn silent() -> Self {
        Self::start(|_| Vec::new())
    }

    /// What was asked so far.
    pub(super) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }

    /// The names asked for so far over UDP, a pair of questions counted once.
    pub(super) fn names(&self) -> Vec<String> {
        let asked = self.asked().into_iter();
        asked.filter(|asked| asked.family == Family::V4 && !asked.over_tcp).map(|asked| asked.name).collect()
    }
}

impl Drop for Nameserver {
    fn drop(&mut self) {
        self.stopping.store(true, Ordering::SeqCst);
        let udp = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        udp.send_to(&[], self.address).unwrap();
        drop(TcpStream::connect(self.address));
        for thread in self.threads.drain(..) {
            thread.join().unwrap();
        }
    }
}

/// A UDP and a TCP socket on one port.
fn sockets() -> (UdpSocket, TcpListener) {
    loop {
        let udp = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        if let Ok(tcp) = TcpListener::bind(udp.local_addr().unwrap()) {
            return (udp, tcp);
        }
    }
}

fn serve_udp(udp: &UdpSocket, stopping: &AtomicBool, mut answer: impl FnMut(Asked) -> Vec<Vec<u8>>) {
    let _waits = Waits::begin();
    let mut query = [0; 512];
    loop {
        let (length, peer) = udp.recv_from(&mut query).unwrap();
        if stopping.load(Ordering::SeqCst) {
            return;
        }
        for reply in answer(Asked::read(&query[..length], peer, false)) {
            udp.send_to(&reply, peer).unwrap();
        }
    }
}

fn serve_tcp(
    tcp: &TcpListener,
    stopping: &AtomicBool,
    answer: impl FnMut(Asked) -> Vec<Vec<u8>> + Clone + Send + 'static,
) {
    let _waits = Waits::begin();
    loop {
        let (stream, peer) = tcp.accept().unwrap();
        if stopping.load(Ordering::SeqCst) {
            return;
        }
        let answer = answer.clone();
        // Ends when the peer closes.
        thread::spawn(move || converse(&stream, peer, answer));
    }
}

/// Writes in two pieces, so that the reader has to put them together; the connection stays open.
fn converse(
    mut stream: &TcpStream,
    peer: SocketAddr,
    mut answer: impl FnMut(Asked) -> Vec<Vec<u8>>,
) -> io::Result<()> {
    stream.set_nodelay(true)?;
    loop {
        let mut length = [0; 2];
        stream.read_exact(&mut length)?;
        let mut query = vec![0; u16::from_be_bytes(length).into()];
        stream.read_exact(&mut query)?;
        for reply in answer(Asked::read(&query, peer, true)) {
            let length = u16::try_from(reply.len()).unwrap().to_be_bytes();
            let whole = [&length, reply.as_slice()].concat();
            let (first, second) = whole.split_at(whole.len() / 3);
            stream.write_all(first)?;
            stream.write_all(second)?;
        }
    }
}
