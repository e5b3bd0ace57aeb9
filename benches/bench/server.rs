//! A server in a child process: started, found by the ports that it announces, pinned, killed.

use std::env;
use std::ffi::OsStr;
use std::io::{self, BufRead, BufReader};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};

use crate::process::Cores;

/// A program that serves all three protocols.
#[derive(Clone)]
pub(crate) enum Subject {
    /// `smoker server` of this binary.
    Smoker(PathBuf),
    /// The smallest server that does the same: this benchmark in another role.
    Floor,
}

/// A running one.
pub(crate) struct Server {
    child: Child,
    stdout: BufReader<ChildStdout>,
    ports: [u16; 3],
}

/// What is served, in the order in which the ports are kept.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Protocol {
    Tcp,
    Udp,
    Http,
}

impl Protocol {
    pub(crate) const ALL: [Self; 3] = [Self::Tcp, Self::Udp, Self::Http];

    /// As in a log line.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Tcp => "TCP",
            Self::Udp => "UDP",
            Self::Http => "HTTP",
        }
    }

    /// The variable of its port.
    pub(crate) fn setting(self) -> &'static str {
        match self {
            Self::Tcp => "TCP_PORT",
            Self::Udp => "UDP_PORT",
            Self::Http => "HTTP_PORT",
        }
    }

    /// The one that a log line is about.
    pub(crate) fn in_line(line: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|protocol| line.contains(&format!("[{}]", protocol.name())))
    }
}

impl Subject {
    /// Starts it and waits until its three listeners are announced.
    pub(crate) fn start(&self) -> io::Result<Server> {
        Server::start(self.command()?)
    }

    /// Starts it on the core kept for servers.
    pub(crate) fn start_pinned(&self, cores: Cores) -> io::Result<Server> {
        let server = self.start()?;
        cores.pin_server(server.pid());
        Ok(server)
    }

    fn command(&self) -> io::Result<Command> {
        match self {
            Self::Floor => {
                let mut command = Command::new(env::current_exe()?);
                command.arg("floor");
                Ok(command)
            }
            Self::Smoker(binary) => Ok(smoker(binary, "server")),
        }
    }
}

/// A `smoker` command on ephemeral ports, on a node whose name is as long as the floor says, and all else at
/// its default whatever this process inherited.
pub(crate) fn smoker(binary: &Path, command: impl AsRef<OsStr>) -> Command {
    let mut smoker = Command::new(binary);
    smoker.arg(command).env_clear();
    smoker.envs([("LOG_LEVEL", "warn"), ("MAX_CONNECTIONS", "8192"), ("NODE_NAME", "bench")]);
    smoker.envs([("TCP_PORT", "0"), ("UDP_PORT", "0"), ("HTTP_PORT", "0")]);
    smoker
}

impl Server {
    /// Starts `command` and waits until its three listeners are announced.
    pub(crate) fn start(mut command: Command) -> io::Result<Self> {
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn()?;
        let stdout = child.stdout.take().map(BufReader::new).ok_or(io::ErrorKind::BrokenPipe)?;
        let mut server = Self { child, stdout, ports: [0; 3] };
        server.read_ports()?;
        Ok(server)
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn port(&self, protocol: Protocol) -> u16 {
        self.ports[protocol as usize]
    }

    /// The server at 127.0.0.1.
    pub(crate) fn address(&self, protocol: Protocol) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.port(protocol)).into()
    }

    /// Has `prober` probe this server.
    pub(crate) fn aim(&self, prober: &mut Command) {
        prober.env("SERVER_HOST", Ipv4Addr::LOCALHOST.to_string());
        prober.envs(Protocol::ALL.map(|protocol| (protocol.setting(), self.port(protocol).to_string())));
    }

    fn read_ports(&mut self) -> io::Result<()> {
        while self.ports.contains(&0) {
            let mut line = String::new();
            if self.stdout.read_line(&mut line)? == 0 {
                return Err(io::Error::other("a server ended before it announced its three ports"));
            }
            if let (Some(protocol), Some(port)) = (Protocol::in_line(&line), announced_port(&line)) {
                self.ports[protocol as usize] = port;
            }
        }
        Ok(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself, and then there is no process left to signal.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The port of `… LISTENING address=[::]:8080`.
pub(crate) fn announced_port(line: &str) -> Option<u16> {
    let (_, rest) = line.split_once(" LISTENING address=")?;
    let address: SocketAddr = rest.split_whitespace().next()?.parse().ok()?;
    Some(address.port())
}
