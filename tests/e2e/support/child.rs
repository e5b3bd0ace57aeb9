//! A `smoker server` as a child process: where it listens, what it logs, how it ends, what /proc says of it.

use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{ChildStdout, Command};
use std::sync::mpsc::channel;
use std::thread;
use std::time::{Duration, Instant};

use crate::support::running::{Ended, PATIENCE, Running, port_flags};
use crate::support::smoker;

/// A server that listens, killed when it is dropped.
pub(crate) struct Server {
    pub(crate) tcp: SocketAddr,
    pub(crate) udp: SocketAddr,
    pub(crate) http: SocketAddr,
    /// What it printed before it said where it listens.
    pub(crate) early: Vec<String>,
    running: Running,
}

/// `smoker server` on free ports of all addresses.
pub(crate) fn command(flags: &[&str]) -> Command {
    let mut command = smoker();
    command.arg("server").args(port_flags(0, 0, 0)).args(flags);
    command
}

/// What `command` starts, started by a shell that has run `first`, and become the same process.
pub(crate) fn after(first: &str, command: &Command) -> Command {
    let mut shell = Command::new("sh");
    shell.env_clear().arg("-c").arg(format!("{first} && exec \"$@\"")).arg("sh");
    shell.arg(command.get_program()).args(command.get_args());
    shell
}

impl Server {
    /// Starts one on free ports of 127.0.0.1.
    pub(crate) fn start(flags: &[&str]) -> Self {
        Self::of(command(&["--bind", "127.0.0.1"]).args(flags))
    }

    /// Starts `command`, and waits until it says where it listens.
    pub(crate) fn of(command: &mut Command) -> Self {
        let (mut server, stdout) = Self::unread(command);
        server.running.read(stdout);
        server
    }

    /// As [`of`](Self::of), with all that follows on its stdout left unread.
    pub(crate) fn unread(command: &mut Command) -> (Self, ChildStdout) {
        let (running, mut stdout) = Running::unread(command);
        let (sender, listening) = channel();
        thread::spawn(move || {
            let early = lines_until_listening(&mut stdout);
            sender.send((early, stdout)).unwrap();
        });
        let (mut early, stdout) = listening.recv_timeout(PATIENCE).expect("no LISTENING line");
        let listening = early.split_off(early.len() - 3);
        let [tcp, udp, http] = ["TCP", "UDP", "HTTP"].map(|kind| {
            let start = format!("[{kind}] LISTENING address=");
            let address = listening.iter().find_map(|line| event(line).strip_prefix(&start));
            address.unwrap_or_else(|| panic!("no {kind} in {listening:?}")).parse().unwrap()
        });
        (Self { tcp, udp, http, early, running }, stdout)
    }

    /// Starts `command`, whose stdout goes elsewhere, and waits until it listens on `addresses`.
    pub(crate) fn unread_on(command: &mut Command, addresses: [SocketAddr; 3]) -> Self {
        let running = Running::start(command);
        let [tcp, udp, http] = addresses;
        // HTTP is bound last.
        eventually("it listens", || TcpStream::connect(http).ok());
        Self { tcp, udp, http, early: Vec::new(), running }
    }

    /// Begins to read the stdout that was left unread.
    pub(crate) fn read(&mut self, stdout: ChildStdout) {
        self.running.read(stdout);
    }

    /// The next line that contains `mark`; those before it are passed over.
    pub(crate) fn line(&self, mark: &str) -> String {
        let mut lines = std::iter::repeat_with(|| self.running.line());
        lines.find(|line| line.contains(mark)).unwrap()
    }

    /// The lines that have come and were not asked for yet.
    pub(crate) fn lines_so_far(&self) -> Vec<String> {
        self.running.lines_so_far()
    }

    /// Sends it a signal: `TERM`, `INT`, `STOP` or `CONT`.
    pub(crate) fn signal(&self, name: &str) {
        self.running.signal(name);
    }

    /// Stops it from running, in the middle of whatever it does, until `CONT`.
    pub(crate) fn freeze(&self) {
        self.signal("STOP");
        eventually("the server freezes", || (self.status("State") == "T (stopped)").then_some(()));
    }

    /// Waits for its end.
    pub(crate) fn ended(self) -> Ended {
        self.running.ended()
    }

    /// The number of its process.
    pub(crate) fn id(&self) -> u32 {
        self.running.id()
    }

    pub(crate) fn threads(&self) -> usize {
        self.status("Threads").parse().unwrap()
    }

    pub(crate) fn descriptors(&self) -> usize {
        fs::read_dir(format!("/proc/{}/fd", self.id())).unwrap().count()
    }

    pub(crate) fn resident_kib(&self) -> u64 {
        self.status("VmRSS").trim_end_matches(" kB").parse().unwrap()
    }

    /// The processor time it has used, in the kernel's ticks of 10 ms.
    pub(crate) fn processor_ticks(&self) -> u64 {
        let stat = self.proc("stat");
        // The command's name, in parentheses, may hold anything; state is the first field after it.
        let fields: Vec<&str> = stat.rsplit_once(')').unwrap().1.split_whitespace().collect();
        fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap()
    }

    /// A file of its /proc directory.
    pub(crate) fn proc(&self, file: &str) -> String {
        fs::read_to_string(format!("/proc/{}/{file}", self.id())).unwrap()
    }

    fn status(&self, key: &str) -> String {
        let status = self.proc("status");
        let value = status.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(':'));
        value.unwrap().trim().to_owned()
    }
}

/// What a line says behind its stamp and `[SERVER]`, whose form is checked on the way.
pub(crate) fn event(line: &str) -> &str {
    let digits = line.bytes().map(|byte| if byte.is_ascii_digit() { b'0' } else { byte });
    let start: Vec<u8> = digits.take("[0000-00-00 00:00:00] [SERVER] ".len()).collect();
    assert!(start == b"[0000-00-00 00:00:00] [SERVER] ", "{line:?}");
    &line[start.len()..]
}

/// Looks again and again for what no event announces, such as a number in /proc.
pub(crate) fn eventually<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < deadline, "waited too long: {what}");
        thread::sleep(Duration::from_millis(2));
    }
}

/// Says on the test's own stderr, which the test harness does not swallow, what could not be tested here.
pub(crate) fn not_run(what: &str, why: &str) {
    let _ = writeln!(std::io::stderr(), "NOT RUN: {what}: {why}");
}

/// Reads no byte more than the third LISTENING line.
fn lines_until_listening(stdout: &mut ChildStdout) -> Vec<String> {
    let (mut lines, mut line, mut byte) = (Vec::new(), Vec::new(), [0]);
    while lines.iter().filter(|line: &&String| line.contains("] LISTENING ")).count() < 3 {
        stdout.read_exact(&mut byte).expect("the server has ended");
        if byte == [b'\n'] {
            lines.push(String::from_utf8(std::mem::take(&mut line)).unwrap().trim_end().to_owned());
        } else {
            line.extend(byte);
        }
    }
    lines
}
