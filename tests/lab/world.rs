//! A laboratory in namespaces of its own, which end with this process however it ends, and the transcript of
//! what happens in it: the client's lines, and when each command was done.

use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Write as _};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

/// Far longer than anything here takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);

/// With this a round is over: longer than any wait within a round without failures.
const PAUSE: Duration = Duration::from_millis(250);

/// Does what it reads, as a shell does, and says when it is done. It takes the laboratory away at the end of
/// its input: no test is left that could send a command.
const CONSOLE: &str = "
    mount -t tmpfs none /run
    while read -r line; do eval \"$line\" </dev/null 2>&1; echo \"did $? $line\"; done
    scripts/lab.sh down";

/// A line of the transcript, and when it came.
#[derive(Clone)]
pub(crate) struct Received {
    pub(crate) at: Instant,
    pub(crate) line: String,
}

/// A laboratory that is up. It ends when this is dropped.
pub(crate) struct World {
    console: Child,
    commands: Option<ChildStdin>,
    lines: Receiver<Received>,
    transcript: Vec<Received>,
}

impl World {
    /// Brings a laboratory up, with nothing broken in it.
    pub(crate) fn up() -> Self {
        let mut command = Command::new("unshare");
        command.args(["--net", "--mount", "--uts", "--pid", "--fork", "--kill-child", "--mount-proc", "--"]);
        command.args(["bash", "-c", CONSOLE]).current_dir(env!("CARGO_MANIFEST_DIR"));
        command.env("SMOKER", env!("CARGO_BIN_EXE_smoker")).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut console = command.spawn().expect("unshare, of util-linux");
        let (sender, lines) = channel();
        let stdout = console.stdout.take().unwrap();
        thread::spawn(move || {
            for line in BufReader::new(stdout).lines() {
                let _ = sender.send(Received { at: Instant::now(), line: line.unwrap() });
            }
        });
        let commands = console.stdin.take();
        let mut world = Self { console, commands, lines, transcript: Vec::new() };
        world.run("scripts/lab.sh up");
        world
    }

    /// Runs a command, which has to succeed. When it was done.
    pub(crate) fn run(&mut self, command: &str) -> Instant {
        let mark = self.mark();
        writeln!(self.commands.as_mut().unwrap(), "{command}").unwrap();
        let (done, deadline) = (format!("did 0 {command}"), Instant::now() + PATIENCE);
        for place in mark.. {
            let Some(Received { at, line }) = self.received(place, deadline) else { break };
            if line.starts_with("did ") {
                assert_eq!(line, done, "{}", self.since(mark));
                return at;
            }
        }
        panic!("{command}: not done after {PATIENCE:?}\n{}", self.since(mark));
    }

    /// The place in the transcript where it ends now.
    pub(crate) fn mark(&self) -> usize {
        self.transcript.len()
    }

    /// The line at that place of the transcript, if it comes before the deadline.
    pub(crate) fn received(&mut self, place: usize, deadline: Instant) -> Option<Received> {
        while self.transcript.len() <= place {
            match self.lines.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(received) => self.transcript.push(received),
                Err(RecvTimeoutError::Timeout) => return None,
                Err(RecvTimeoutError::Disconnected) => panic!("the laboratory ended\n{}", self.since(0)),
            }
        }
        Some(self.transcript[place].clone())
    }

    /// Waits for the end of the round that is being made, if any.
    pub(crate) fn end_of_round(&mut self) {
        let patience = Instant::now() + PATIENCE;
        while self.received(self.mark(), Instant::now() + PAUSE).is_some() {
            assert!(Instant::now() < patience, "one round without an end\n{}", self.since(0));
        }
    }

    /// The transcript from that place on, with the time since then.
    pub(crate) fn since(&self, mark: usize) -> String {
        let Some(first) = self.transcript.get(mark) else { return String::new() };
        let mut text = String::new();
        for Received { at, line } in &self.transcript[mark..] {
            let _ = writeln!(text, "{:8.3} {line}", at.duration_since(first.at).as_secs_f64());
        }
        text
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.commands = None;
        // The console takes the laboratory away and ends, and with it everything that it started.
        while self.lines.recv_timeout(PATIENCE).is_ok() {}
        let _ = self.console.kill();
        let _ = self.console.wait();
    }
}
