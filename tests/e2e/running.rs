//! A running `smoker`: its lines with the moment each came, signals to it, and its end. Every wait has a limit,
//! so that a product that hangs fails the test instead of hanging it.

use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use crate::support::smoker;

/// Far longer than anything here takes on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// The flags for these ports of TCP, UDP and HTTP.
pub(crate) fn port_flags(tcp: u16, udp: u16, http: u16) -> [String; 3] {
    [format!("--tcp-port={tcp}"), format!("--udp-port={udp}"), format!("--http-port={http}")]
}

/// A child process. It is killed when this is dropped.
pub(crate) struct Running {
    child: Child,
    lines: Receiver<(Instant, String)>,
}

/// A server on free ports of 127.0.0.1 that says no more than where it listens.
pub(crate) struct Server {
    pub(crate) tcp: SocketAddr,
    pub(crate) udp: SocketAddr,
    pub(crate) http: SocketAddr,
    _running: Running,
}

impl Server {
    pub(crate) fn start() -> Self {
        let mut command = smoker();
        command.args(["server", "--bind=127.0.0.1", "--log-level=error"]).args(port_flags(0, 0, 0));
        let running = Running::start(command);
        let [tcp, udp, http] = ["TCP", "UDP", "HTTP"].map(|kind| {
            let line = running.line();
            let (_, address) = line.split_once(&format!("[SERVER] [{kind}] LISTENING address=")).unwrap();
            address.parse().unwrap()
        });
        Self { tcp, udp, http, _running: running }
    }
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
    pub(crate) fn start(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let (sender, lines) = channel();
        thread::spawn(move || {
            for line in stdout.lines() {
                let _ = sender.send((Instant::now(), line.unwrap()));
            }
        });
        Self { child, lines }
    }

    /// The next line on stdout.
    pub(crate) fn line(&self) -> String {
        self.timed_line().1
    }

    /// The next line on stdout, and when it came.
    pub(crate) fn timed_line(&self) -> (Instant, String) {
        self.lines.recv_timeout(PATIENCE).expect("a line on stdout")
    }

    /// Sends `signal`, such as `TERM`.
    pub(crate) fn signal(&self, signal: &str) {
        let kill = Command::new("kill").args([&format!("-{signal}"), &self.child.id().to_string()]).status();
        assert!(kill.unwrap().success());
    }

    /// Waits for the end.
    pub(crate) fn ended(mut self) -> Ended {
        let deadline = Instant::now() + PATIENCE;
        let mut lines = Vec::new();
        // The sender is dropped with the end of stdout, which is that of the process.
        while let Ok((_, line)) = self.lines.recv_timeout(deadline.saturating_duration_since(Instant::now()))
        {
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
