//! The other end of a server's connections: sockets whose every wait has an end, and HTTP replies read whole.

use std::io::{BufRead, BufReader, Error, ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream, UdpSocket};
use std::thread;
use std::time::Instant;

use crate::support::running::PATIENCE;

/// A connection.
pub(crate) fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect_timeout(&address, PATIENCE).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.set_write_timeout(Some(PATIENCE)).unwrap();
    stream.set_nodelay(true).unwrap();
    stream
}

/// Sends `bytes`, however many, and compares what comes back.
pub(crate) fn assert_echoes(stream: &TcpStream, bytes: &[u8]) {
    thread::scope(|scope| {
        scope.spawn(|| (&*stream).write_all(bytes).unwrap());
        let mut back = vec![0; bytes.len()];
        (&*stream).read_exact(&mut back).unwrap();
        assert!(back == bytes, "other bytes came back");
    });
}

/// What comes until the server ends the connection. A reset is an end too, a silence is none.
pub(crate) fn rest(stream: &mut impl Read) -> Vec<u8> {
    let (mut bytes, mut some) = (Vec::new(), [0; 16 * 1024]);
    loop {
        match stream.read(&mut some) {
            Ok(0) => return bytes,
            Ok(count) => bytes.extend_from_slice(&some[..count]),
            Err(error) if error.kind() == ErrorKind::ConnectionReset => return bytes,
            Err(error) => panic!("neither bytes nor an end: {error}"),
        }
    }
}

/// Sends and never reads, until the connection, or its write timeout, ends that: how, and when the last bytes
/// went out. 256 MiB are more than the kernel takes in at both ends.
pub(crate) fn send_without_end(stream: &mut impl Write) -> (Error, Instant) {
    let (some, mut last) = (vec![7; 64 * 1024], Instant::now());
    for _ in 0..4096 {
        match stream.write_all(&some) {
            Ok(()) => last = Instant::now(),
            Err(error) => return (error, last),
        }
    }
    panic!("256 MiB were taken");
}

/// One end of a connection, by the column of /proc/net/tcp that has the server's address then.
#[derive(Clone, Copy)]
pub(crate) enum End {
    Server = 1,
    Client = 2,
}

/// The bytes that wait in the kernel, to be sent or to be read, at this end of each connection of `server`.
pub(crate) fn waiting(server: SocketAddr, end: End) -> Vec<u64> {
    let port = format!(":{:04X}", server.port());
    let table = std::fs::read_to_string("/proc/net/tcp").unwrap();
    // Number, local and remote address, state (1: established), bytes to be sent and to be read.
    let rows = table.lines().map(|line| line.split_whitespace().collect::<Vec<&str>>());
    let rows = rows.filter(|row| row[end as usize].ends_with(&port) && row[3] == "01");
    let bytes = |digits| u64::from_str_radix(digits, 16).unwrap();
    rows.filter_map(|row| row[4].split_once(':').map(|(sent, read)| bytes(sent) + bytes(read))).collect()
}

/// Whether the server has ended a connection that there was still something to read on.
pub(crate) fn is_reset(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::ConnectionReset | ErrorKind::BrokenPipe)
}

/// Sends what will be answered and ends the connection with a reset: that is what the kernel makes of a close
/// while bytes are unread.
pub(crate) fn reset(stream: TcpStream, bytes: &[u8]) {
    (&stream).write_all(bytes).unwrap();
    assert_eq!(stream.peek(&mut [0]).unwrap(), 1);
    drop(stream);
}

/// A socket that talks to `server` alone.
pub(crate) fn datagrams(server: SocketAddr) -> UdpSocket {
    let any = if server.is_ipv4() { "127.0.0.1:0" } else { "[::1]:0" };
    let socket = UdpSocket::bind(any).unwrap();
    socket.connect(server).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    socket
}

/// Sends one datagram and compares what comes back.
pub(crate) fn assert_returns(socket: &UdpSocket, datagram: &[u8]) {
    let mut back = vec![0; 65_536];
    assert_eq!(socket.send(datagram).unwrap(), datagram.len());
    let len = socket.recv(&mut back).unwrap();
    assert!(&back[..len] == datagram, "{} other bytes came back instead of {}", len, datagram.len());
}

/// A loopback address of this process alone, where ports are free that others use elsewhere.
pub(crate) fn own_address() -> Ipv4Addr {
    let [_, high, middle, low] = std::process::id().to_be_bytes();
    Ipv4Addr::new(127, 64 | high, middle, low)
}

/// The request that there is most of.
pub(crate) const GET: &str = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

/// An HTTP client.
pub(crate) struct Http(pub(crate) BufReader<TcpStream>);

/// A reply, whole.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    fields: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Http {
    pub(crate) fn connect(address: SocketAddr) -> Self {
        Self(BufReader::new(connect(address)))
    }

    /// A connection within the limit, as its being kept shows.
    pub(crate) fn admitted(address: SocketAddr) -> Self {
        let mut http = Self::connect(address);
        http.send(GET);
        let reply = http.reply();
        assert_eq!((reply.status, reply.field("Connection")), (200, None));
        http
    }

    /// Sends a request, or any part of one.
    pub(crate) fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.0.get_mut().write_all(bytes.as_ref()).unwrap();
    }

    /// The reply to any method but `HEAD`.
    pub(crate) fn reply(&mut self) -> Reply {
        self.reply_if_any().expect("no reply")
    }

    /// Or `None` where the connection ends instead.
    pub(crate) fn reply_if_any(&mut self) -> Option<Reply> {
        let mut reply = self.head()?;
        // A 204 has neither content nor a length (RFC 9110, 8.6).
        let length = if reply.status == 204 { "0" } else { reply.field("Content-Length").expect("a length") };
        reply.body = vec![0; length.parse().unwrap()];
        self.0.read_exact(&mut reply.body).unwrap();
        Some(reply)
    }

    /// The head of a reply: all of it, to `HEAD`.
    pub(crate) fn head(&mut self) -> Option<Reply> {
        let line = self.line()?;
        let (status, phrase) = line.strip_prefix("HTTP/1.1 ").expect(&line).split_once(' ').expect(&line);
        assert!(status.len() == 3 && !phrase.is_empty(), "{line}");
        let mut reply = Reply { status: status.parse().unwrap(), fields: Vec::new(), body: Vec::new() };
        loop {
            let line = self.line().expect("a whole head");
            if line.is_empty() {
                return Some(reply);
            }
            let (name, value) = line.split_once(": ").expect(&line);
            reply.fields.push((name.to_owned(), value.to_owned()));
        }
    }

    /// Whether the connection has ended, with nothing more said.
    pub(crate) fn is_over(&mut self) -> bool {
        rest(&mut self.0).is_empty()
    }

    fn line(&mut self) -> Option<String> {
        let mut line = Vec::new();
        match self.0.read_until(b'\n', &mut line) {
            Ok(0) => return None,
            Err(error) if error.kind() == ErrorKind::ConnectionReset => return None,
            read => read.unwrap(),
        };
        let line = String::from_utf8(line).unwrap();
        Some(line.strip_suffix("\r\n").expect("a whole line").to_owned())
    }
}

impl Reply {
    /// The value of a field that there is at most one of.
    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        let mut values = self.fields.iter().filter(|(other, _)| other.eq_ignore_ascii_case(name));
        let value = values.next().map(|(_, value)| value.as_str());
        assert!(values.next().is_none(), "{name} twice");
        value
    }

    pub(crate) fn text(&self) -> &str {
        str::from_utf8(&self.body).unwrap()
    }
}

/// The reply to one request on a connection of its own.
pub(crate) fn ask(address: SocketAddr, request: impl AsRef<[u8]>) -> Reply {
    let mut http = Http::connect(address);
    http.send(request);
    http.reply()
}

/// `GET path` on a connection of its own: status and body.
pub(crate) fn get(address: SocketAddr, path: &str) -> (u16, String) {
    let reply = ask(address, format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n"));
    (reply.status, reply.text().to_owned())
}

/// Numbers that look random and are the same in every run (xorshift64, Marsaglia 2003).
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    /// A number below `limit`.
    pub(crate) fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next() % limit as u64).unwrap()
    }

    pub(crate) fn bytes(&mut self, len: usize) -> Vec<u8> {
        (0..len).map(|_| self.next().to_le_bytes()[0]).collect()
    }
}
