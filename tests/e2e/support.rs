//! Running `smoker` as a child process, and ending it whatever happens to the test.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, ChildStdout, Command, Stdio};

/// The binary under test, without the variables of whoever runs the tests.
pub(crate) fn smoker() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_smoker"));
    command.env_clear();
    command
}

/// A `smoker server` on free ports.
pub(crate) struct Server {
    pub(crate) child: Child,
    pub(crate) lines: BufReader<ChildStdout>,
    pub(crate) tcp: SocketAddr,
    pub(crate) udp: SocketAddr,
    pub(crate) http: SocketAddr,
}

impl Server {
    /// Starts one with these flags beside `--…-port 0`, and waits until it says where it listens.
    pub(crate) fn start(flags: &[&str]) -> Self {
        let mut command = smoker();
        command.args(["server", "--bind", "127.0.0.1"]);
        command.args(["--tcp-port", "0", "--udp-port", "0", "--http-port", "0"]);
        let mut child = command.args(flags).stdout(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap());
        let [tcp, udp, http] = ["TCP", "UDP", "HTTP"].map(|kind| {
            let mut line = String::new();
            lines.read_line(&mut line).unwrap();
            let (before, address) = line.trim_end().rsplit_once(" LISTENING address=").unwrap();
            assert!(before.ends_with(&format!("[SERVER] [{kind}]")), "{line}");
            address.parse().unwrap()
        });
        Self { child, lines, tcp, udp, http }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
