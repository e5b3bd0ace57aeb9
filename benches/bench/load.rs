//! The load: one thread that keeps a fixed number of questions open and times each answer.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream, UdpSocket};
use std::time::{Duration, Instant};

use crate::server::{Protocol, Server};

/// After this the server is taken to be broken, and the benchmark ends.
const PATIENCE: Duration = Duration::from_secs(10);

/// What is asked, over how many connections, and whether they last.
#[derive(Clone, Copy)]
pub(crate) struct Exchange {
    pub(crate) protocol: Protocol,
    /// How many questions are open at a time, each on a connection of its own.
    pub(crate) open: usize,
    /// Whether a connection is used again, or each question is asked on a new one.
    pub(crate) lasting: bool,
}

/// An exchange with one server, ready to be had for a while, again and again.
pub(crate) struct Load {
    exchange: Exchange,
    target: SocketAddr,
    peers: Vec<Peer>,
}

/// What was got through in one stretch of time.
pub(crate) struct Slice {
    pub(crate) elapsed: Duration,
    pub(crate) latencies: Vec<Duration>,
}

impl Load {
    /// Connects. `number` distinguishes the loads of one exchange.
    pub(crate) fn open(exchange: Exchange, server: &Server, number: u8) -> io::Result<Self> {
        // A closed connection keeps its pair of addresses for a minute, so new ones get a loopback address a
        // load and never run out of ports. A datagram's sender may expect the answer from where it sent to.
        let host = if exchange.lasting { Ipv4Addr::LOCALHOST } else { Ipv4Addr::new(127, 0, 1, number) };
        let target = SocketAddr::from((host, server.port(exchange.protocol)));
        let peers = (0..exchange.open).map(|_| Peer::connect(exchange.protocol, target));
        Ok(Self { exchange, target, peers: peers.collect::<io::Result<_>>()? })
    }

    /// Always as many questions open as there are peers: the answer to the oldest is read, then its successor
    /// asked. So a server that is slower than the load never waits for it.
    pub(crate) fn run(&mut self, length: Duration) -> io::Result<Slice> {
        let start = Instant::now();
        let mut asked = Vec::new();
        for peer in &mut self.peers {
            asked.push(Instant::now());
            peer.ask()?;
        }
        let mut latencies = Vec::new();
        let mut now = start;
        while now - start < length {
            for (peer, asked) in self.peers.iter_mut().zip(&mut asked) {
                peer.receive()?;
                now = Instant::now();
                latencies.push(now - *asked);
                *asked = now;
                if !self.exchange.lasting {
                    *peer = Peer::connect(self.exchange.protocol, self.target)?;
                }
                peer.ask()?;
            }
        }
        for (peer, asked) in self.peers.iter_mut().zip(&asked) {
            peer.receive()?;
            latencies.push(asked.elapsed());
        }
        Ok(Slice { elapsed: start.elapsed(), latencies })
    }
}

/// One connection, or for UDP one connected socket.
pub(crate) struct Peer {
    socket: Socket,
    question: &'static [u8],
    /// What the answer ends with.
    end: &'static [u8],
}

enum Socket {
    Stream(TcpStream),
    Datagram(UdpSocket),
}

impl Peer {
    /// Connects, with a limit on every later wait.
    pub(crate) fn connect(protocol: Protocol, target: SocketAddr) -> io::Result<Self> {
        let socket = if protocol == Protocol::Udp {
            let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0))?;
            socket.connect(target)?;
            socket.set_read_timeout(Some(PATIENCE))?;
            Socket::Datagram(socket)
        } else {
            let stream = TcpStream::connect(target)?;
            stream.set_read_timeout(Some(PATIENCE))?;
            Socket::Stream(stream)
        };
        let (question, end): (&[u8], &[u8]) = match protocol {
            Protocol::Tcp | Protocol::Udp => (b"PING", b"PING"),
            Protocol::Http => (b"GET / HTTP/1.1\r\nHost: smoker-server:8082\r\n\r\n", b"\r\n\r\nOK"),
        };
        Ok(Self { socket, question, end })
    }

    /// Asks, and waits for the whole answer: how long it is.
    pub(crate) fn exchange(&mut self) -> io::Result<usize> {
        self.ask()?;
        self.receive()
    }

    fn ask(&mut self) -> io::Result<()> {
        match &mut self.socket {
            Socket::Stream(stream) => stream.write_all(self.question),
            Socket::Datagram(socket) => socket.send(self.question).map(drop),
        }
    }

    fn receive(&mut self) -> io::Result<usize> {
        let mut answer = [0; 512];
        let mut length = 0;
        while !answer[..length].ends_with(self.end) {
            let read = match &mut self.socket {
                Socket::Stream(stream) => stream.read(&mut answer[length..])?,
                Socket::Datagram(socket) => socket.recv(&mut answer[length..])?,
            };
            if read == 0 {
                return Err(io::Error::other("a server answered something else"));
            }
            length += read;
        }
        Ok(length)
    }
}
