//! A `smoker server` as a child process: where it listens, what it logs, how it ends, what /proc says of it.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

use crate::support::smoker;

/// How long a test waits for what has to happen: far longer than a busy machine needs.
pub(super) const PATIENCE: Duration = Duration::from_secs(20);

/// A server that listens, killed when it is dropped.
pub(super) struct Server {
    pub(super) tcp: SocketAddr,
    pub(super) udp: SocketAddr,
    pub(super) http: SocketAddr,
    /// What it printed before it said where it listens.
    pub(super) early: Vec<String>,
    /// Behind a lock, so that threads may share the server.
    lines: Mutex<Receiver<String>>,
    process: Process,
}

struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// `smoker server` on free ports of all addresses.
pub(super) fn command(flags: &[&str]) -> Command {
    let mut command = smoker();
    command.args(["server", "--tcp-port", "0", "--udp-port", "0", "--http-port", "0"]).args(flags);
    command
}

/// What `command` starts, started by a shell that has run `first`, and become the same process.
pub(super) fn after(first: &str, command: &Command) -> Command {
    let mut shell = Command::new("sh");
    shell.env_clear().arg("-c").arg(format!("{first} && exec \"$@\"")).arg("sh");
    shell.arg(command.get_program()).args(command.get_args());
    shell
}

impl Server {
    /// Starts one on free ports of 127.0.0.1.
    pub(super) fn start(flags: &[&str]) -> Self {
        Self::of(command(&["--bind", "127.0.0.1"]).args(flags))
    }

    /// Starts `command`, and waits until it says where it listens.
    pub(super) fn of(command: &mut Command) -> Self {
        let (mut server, stdout) = Self::unread(command);
        server.read(stdout);
        server
    }

    /// As [`of`](Self::of), with all that follows on its stdout left unread.
    pub(super) fn unread(command: &mut Command) -> (Self, ChildStdout) {
        let mut process = Process(command.stdout(Stdio::piped()).spawn().unwrap());
        let mut stdout = process.0.stdout.take().unwrap();
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
        (Self { tcp, udp, http, early, lines: Mutex::new(channel().1), process }, stdout)
    }

    /// Starts `command`, of which nothing is heard, and waits until it listens on `addresses`.
    pub(super) fn unheard(command: &mut Command, addresses: [SocketAddr; 3]) -> Self {
        let process = Process(command.spawn().unwrap());
        let [tcp, udp, http] = addresses;
        // HTTP is bound last.
        eventually("it listens", || TcpStream::connect(http).ok());
        Self { tcp, udp, http, early: Vec::new(), lines: Mutex::new(channel().1), process }
    }

    /// Begins to read the stdout that was left unread.
    pub(super) fn read(&mut self, stdout: ChildStdout) {
        let (sender, lines) = channel();
        thread::spawn(move || {
            for line in BufReader::new(stdout).lines() {
                if sender.send(line.unwrap()).is_err() {
                    return;
                }
            }
        });
        self.lines = Mutex::new(lines);
    }

    /// The next line that contains `mark`; those before it are passed over.
    pub(super) fn line(&self, mark: &str) -> String {
        let mut passed = Vec::new();
        let deadline = Instant::now() + PATIENCE;
        loop {
            match self.lines.lock().unwrap().recv_timeout(deadline.saturating_duration_since(Instant::now()))
            {
                Ok(line) if line.contains(mark) => return line,
                Ok(line) => passed.push(line),
                Err(error) => panic!("no {mark:?}: {error}: {passed:#?}"),
            }
        }
    }

    /// The lines that have come and were not asked for yet.
    pub(super) fn lines_so_far(&self) -> Vec<String> {
        self.lines.lock().unwrap().try_iter().collect()
    }

    /// Sends it a signal: `TERM`, `INT`, `STOP` or `CONT`.
    pub(super) fn signal(&self, name: &str) {
        signal(self.id(), name);
    }

    /// Stops it from running, in the middle of whatever it does, until `CONT`.
    pub(super) fn freeze(&self) {
        self.signal("STOP");
        eventually("the server freezes", || (self.status("State") == "T (stopped)").then_some(()));
    }

    /// Waits for its end, which its stdout's end announces; also the lines until then.
    pub(super) fn ended(mut self) -> (ExitStatus, Vec<String>) {
        let (deadline, mut lines) = (Instant::now() + PATIENCE, Vec::new());
        loop {
            match self.lines.lock().unwrap().recv_timeout(deadline.saturating_duration_since(Instant::now()))
            {
                Ok(line) => lines.push(line),
                Err(RecvTimeoutError::Disconnected) => return (self.process.0.wait().unwrap(), lines),
                Err(RecvTimeoutError::Timeout) => panic!("the server goes on: {lines:#?}"),
            }
        }
    }

    /// As [`ended`](Self::ended), where stderr was piped: what it printed there.
    pub(super) fn ended_with_stderr(mut self) -> (ExitStatus, String) {
        let (mut stderr, mut text) = (self.process.0.stderr.take().unwrap(), String::new());
        let (sender, receiver) = channel();
        thread::spawn(move || sender.send(stderr.read_to_string(&mut text).map(|_| text)).unwrap());
        let text = receiver.recv_timeout(PATIENCE).expect("the server goes on").unwrap();
        (self.process.0.wait().unwrap(), text)
    }

    /// Its process id.
    pub(super) fn id(&self) -> u32 {
        self.process.0.id()
    }

    pub(super) fn threads(&self) -> usize {
        self.status("Threads").parse().unwrap()
    }

    pub(super) fn descriptors(&self) -> usize {
        fs::read_dir(format!("/proc/{}/fd", self.id())).unwrap().count()
    }

    pub(super) fn resident_kib(&self) -> u64 {
        self.status("VmRSS").trim_end_matches(" kB").parse().unwrap()
    }

    /// The processor time it has used, in the kernel's ticks of 10 ms.
    pub(super) fn processor_ticks(&self) -> u64 {
        let stat = self.proc("stat");
        // The command's name, in parentheses, may hold anything; state is the first field after it.
        let fields: Vec<&str> = stat.rsplit_once(')').unwrap().1.split_whitespace().collect();
        fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap()
    }

    /// A file of its /proc directory.
    pub(super) fn proc(&self, file: &str) -> String {
        fs::read_to_string(format!("/proc/{}/{file}", self.id())).unwrap()
    }

    fn status(&self, key: &str) -> String {
        let status = self.proc("status");
        let value = status.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(':'));
        value.unwrap().trim().to_owned()
    }
}

/// What a line says behind its stamp and `[SERVER]`, whose form is checked on the way.
pub(super) fn event(line: &str) -> &str {
    let digits = line.bytes().map(|byte| if byte.is_ascii_digit() { b'0' } else { byte });
    let start: Vec<u8> = digits.take("[0000-00-00 00:00:00] [SERVER] ".len()).collect();
    assert!(start == b"[0000-00-00 00:00:00] [SERVER] ", "{line:?}");
    &line[start.len()..]
}

/// Sends a signal to any process.
pub(super) fn signal(id: u32, name: &str) {
    let sent = Command::new("sh").arg("-c").arg(format!("kill -{name} {id}")).status().unwrap();
    assert!(sent.success(), "kill -{name}");
}

/// Looks again and again for what no event announces, such as a number in /proc.
pub(super) fn eventually<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < deadline, "in vain: {what}");
        thread::sleep(Duration::from_millis(2));
    }
}

/// Says on the test's own stderr, which the test harness does not swallow, what could not be tested here.
pub(super) fn not_run(what: &str, why: &str) {
    use std::io::Write;
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
