//! A running `smoker`: its lines with the moment each came, signals to it, and its end. Every wait has a
//! limit, so that a product that hangs fails the test instead of hanging it.

use std::borrow::BorrowMut;
use std::io::{BufRead, BufReader, Read};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

/// Far longer than anything here takes on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// The flags for these ports of TCP, UDP and HTTP.
pub(crate) fn port_flags(tcp: u16, udp: u16, http: u16) -> [String; 3] {
    [format!("--tcp-port={tcp}"), format!("--udp-port={udp}"), format!("--http-port={http}")]
}

/// A child process. It is killed when this is dropped.
pub(crate) struct Running {
    child: Child,
    /// Behind a lock, so that threads may share what runs.
    lines: Mutex<Receiver<(Instant, String)>>,
}

/// How a child ended.
pub(crate) struct Ended {
    /// The exit status; `None` after a signal.
    pub(crate) status: Option<i32>,
    /// The lines on stdout that had not been taken before.
    pub(crate) lines: Vec<String>,
    /// All of stderr.
    pub(crate) stderr: String,
    /// When stdout was closed.
    pub(crate) at: Instant,
}

impl Running {
    /// Starts `command`.
    pub(crate) fn start(command: impl BorrowMut<Command>) -> Self {
        let (mut running, stdout) = Self::unread(command);
        running.read(stdout);
        running
    }

    /// Starts `command` and leaves its stdout unread.
    pub(crate) fn unread(mut command: impl BorrowMut<Command>) -> (Self, ChildStdout) {
        let command = command.borrow_mut().stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let stdout = child.stdout.take().unwrap();
        (Self { child, lines: Mutex::new(channel().1) }, stdout)
    }

    /// Begins to read the stdout that was left unread.
    pub(crate) fn read(&mut self, stdout: ChildStdout) {
        let (sender, lines) = channel();
        thread::spawn(move || {
            for line in BufReader::new(stdout).lines() {
                let _ = sender.send((Instant::now(), line.unwrap()));
            }
        });
        self.lines = Mutex::new(lines);
    }

    /// The process's number.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// The next line on stdout.
    pub(crate) fn line(&self) -> String {
        self.timed_line().1
    }

    /// The next line on stdout, and when it came.
    pub(crate) fn timed_line(&self) -> (Instant, String) {
        self.lines.lock().unwrap().recv_timeout(PATIENCE).expect("a line on stdout")
    }

    /// The lines that have come and were not taken yet.
    pub(crate) fn lines_so_far(&self) -> Vec<String> {
        self.lines.lock().unwrap().try_iter().map(|(_, line)| line).collect()
    }

    /// Sends `name`, such as `TERM`.
    pub(crate) fn signal(&self, name: &str) {
        signal(self.id(), name);
    }

    /// Waits for the end.
    pub(crate) fn ended(mut self) -> Ended {
        let deadline = Instant::now() + PATIENCE;
        let (receiver, mut lines) = (self.lines.get_mut().unwrap(), Vec::new());
        // The sender is dropped with the end of stdout, which is that of the process.
        while let Ok((_, line)) = receiver.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            lines.push(line);
        }
        let at = Instant::now();
        assert!(at < deadline, "still running after {PATIENCE:?}: {lines:?}");
        let status = self.child.wait().unwrap().code();
        let mut stderr = String::new();
        self.child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
        Ended { status, lines, stderr, at }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Sends a signal to any process.
pub(crate) fn signal(process: u32, name: &str) {
    let kill = Command::new("kill").args([&format!("-{name}"), &process.to_string()]).status();
    assert!(kill.unwrap().success());
}
