//! The floor: the smallest blocking servers that give the same answers, written as one would in C.
//!
//! No limit, no time-out, no log, no parser: what Smoker costs above this is the price of its promises.

use std::ffi::{c_int, c_void};
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::os::fd::{AsRawFd, FromRawFd, IntoRawFd};
use std::thread;

use crate::server::Protocol;

/// As long as what Smoker answers to `GET /`: another time, instance and port.
const HTTP_ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n\
    Content-Type: text/plain\r\nSmoker-Instance: 0123456789abcdef\r\nSmoker-Node: bench\r\n\
    Smoker-Client: 127.0.0.1:40000\r\nContent-Length: 2\r\n\r\nOK";

/// Serves until it is killed.
pub(crate) fn run() -> io::Result<()> {
    let (tcp, udp, http) = (listen()?, listen_udp()?, listen()?);
    announce(tcp.local_addr()?, udp.local_addr()?, http.local_addr()?);
    thread::spawn(move || echo_datagrams(&udp));
    thread::spawn(move || each_connection(&http, answer_requests));
    each_connection(&tcp, echo)
}

/// All addresses, as Smoker listens.
fn listen() -> io::Result<TcpListener> {
    TcpListener::bind((Ipv6Addr::UNSPECIFIED, 0)).or_else(|_| TcpListener::bind((Ipv4Addr::UNSPECIFIED, 0)))
}

/// The same for datagrams.
fn listen_udp() -> io::Result<UdpSocket> {
    UdpSocket::bind((Ipv6Addr::UNSPECIFIED, 0)).or_else(|_| UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)))
}

/// Prints a server's addresses the way Smoker does.
fn announce(tcp: SocketAddr, udp: SocketAddr, http: SocketAddr) {
    for (protocol, address) in Protocol::ALL.into_iter().zip([tcp, udp, http]) {
        println!("[SERVER] [{}] LISTENING address={address}", protocol.name());
    }
}

extern "C" fn echo(connection: *mut c_void) -> *mut c_void {
    // A broken connection ends its thread like one that is over.
    let _ = answer_each_read(connection, None);
    std::ptr::null_mut()
}

extern "C" fn answer_requests(connection: *mut c_void) -> *mut c_void {
    let _ = answer_each_read(connection, Some(HTTP_ANSWER));
    std::ptr::null_mut()
}

/// Answers whatever was read with `answer`, or else with itself.
fn answer_each_read(connection: *mut c_void, answer: Option<&[u8]>) -> io::Result<()> {
    let mut stream = posix::stream(connection);
    stream.set_nodelay(true)?;
    let mut buffer = [0; 4096];
    loop {
        match stream.read(&mut buffer)? {
            0 => return Ok(()),
            length => stream.write_all(answer.unwrap_or(&buffer[..length]))?,
        }
    }
}

fn echo_datagrams(udp: &UdpSocket) -> io::Result<()> {
    let mut buffer = vec![0; 65_536];
    loop {
        let (length, peer) = udp.recv_from(&mut buffer)?;
        udp.send_to(&buffer[..length], peer)?;
    }
}

fn each_connection(listener: &TcpListener, serve: posix::Start) -> io::Result<()> {
    posix::widen_backlog(listener);
    let threads = posix::Threads::new();
    loop {
        threads.spawn(listener.accept()?.0, serve);
    }
}

/// Threads without what std adds to each: eight system calls, most of them for its guard against stack
/// overflow. They are a sixth of a short connection's CPU time, and a floor must not have them.
#[expect(unsafe_code, reason = "what a C server would call")]
mod posix {
    use super::{AsRawFd, FromRawFd, IntoRawFd, TcpListener, TcpStream, c_int, c_void};

    /// The code of a thread: a connection in, nothing out.
    pub(super) type Start = extern "C" fn(*mut c_void) -> *mut c_void;

    /// Larger than any libc's `pthread_attr_t`.
    #[repr(C, align(16))]
    struct Attributes([u8; 256]);

    unsafe extern "C" {
        fn listen(socket: c_int, backlog: c_int) -> c_int;
        fn pthread_attr_init(attributes: *mut Attributes) -> c_int;
        fn pthread_attr_setstacksize(attributes: *mut Attributes, bytes: usize) -> c_int;
        fn pthread_create(
            thread: *mut usize,
            attributes: *const Attributes,
            start: Start,
            argument: *mut c_void,
        ) -> c_int;
        fn pthread_detach(thread: usize) -> c_int;
    }

    /// How threads are made: with 64 KiB of stack.
    pub(super) struct Threads(Attributes);

    impl Threads {
        pub(super) fn new() -> Self {
            let mut attributes = Attributes([0; 256]);
            // SAFETY: the attributes are large enough and live as long as the calls.
            let failed = unsafe {
                pthread_attr_init(&raw mut attributes) != 0
                    || pthread_attr_setstacksize(&raw mut attributes, 64 * 1024) != 0
            };
            assert!(!failed, "no thread attributes");
            Self(attributes)
        }

        pub(super) fn spawn(&self, stream: TcpStream, start: Start) {
            let mut thread = 0;
            let descriptor = usize::try_from(stream.into_raw_fd()).expect("descriptors are not negative");
            let argument = std::ptr::without_provenance_mut(descriptor);
            // SAFETY: the attributes were initialised; a `pthread_t` is a word; the thread owns `descriptor`.
            let failed = unsafe {
                pthread_create(&raw mut thread, &raw const self.0, start, argument) != 0
                    || pthread_detach(thread) != 0
            };
            assert!(!failed, "no thread");
        }
    }

    /// The connection that a thread was started with.
    pub(super) fn stream(argument: *mut c_void) -> TcpStream {
        let descriptor = c_int::try_from(argument.addr()).expect("it was a descriptor");
        // SAFETY: `spawn` gave this descriptor to this thread alone.
        unsafe { TcpStream::from_raw_fd(descriptor) }
    }

    /// std listens with 128.
    pub(super) fn widen_backlog(listener: &TcpListener) {
        // SAFETY: two integers; the descriptor is open.
        let _ = unsafe { listen(listener.as_raw_fd(), 4096) };
    }
}
