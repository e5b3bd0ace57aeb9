//! A cluster on the loopback device: two replicas of a server, the name of their Service and of themselves.

use std::io;
use std::path::Path;
use std::process::Command;

use crate::namespaces;
use crate::process::{Cores, run_quietly};
use crate::server::{Protocol, Server, Subject, smoker};

/// What a client is given to probe.
pub(crate) struct Cluster {
    /// The first is what the Service's name leads to.
    replicas: Vec<Server>,
    service: &'static str,
    headless: &'static str,
    /// Where the names come from.
    pub(crate) names: &'static str,
}

impl Cluster {
    /// Starts the replicas, on the core kept for servers, and what knows their names. Where there can be no
    /// nameserver both names are `localhost`, which has an address or two, all of one server.
    pub(crate) fn start(binary: &Path, cores: Cores) -> io::Result<Self> {
        if let Err(why) = namespaces::serve_names(cores) {
            eprintln!("no nameserver: {why}");
            let replicas = vec![Subject::Smoker(binary.into()).start_pinned(cores)?];
            let (service, names) = ("localhost", "names from /etc/hosts");
            return Ok(Self { replicas, service, headless: service, names });
        }
        let first = replica(binary, "127.0.0.1", |_| 0)?;
        let second = replica(binary, "127.0.0.2", |protocol| first.port(protocol))?;
        cores.pin_server(first.pid());
        cores.pin_server(second.pid());
        let replicas = vec![first, second];
        let (service, headless) = ("smoker-server", "smoker-server-endpoints");
        Ok(Self { replicas, service, headless, names: "names from dnsmasq" })
    }

    /// Has `prober` probe it.
    pub(crate) fn aim(&self, prober: &mut Command) {
        self.replicas[0].aim(prober);
        prober.envs([("SERVER_HOST", self.service), ("ENDPOINTS_HOST", self.headless)]);
    }

    /// Stops the second replica in the middle of whatever it does: whether there is one.
    pub(crate) fn freeze_one(&self) -> bool {
        let stop = |pid: u32| run_quietly(Command::new("kill").args(["-s", "STOP", &pid.to_string()]));
        self.replicas.get(1).is_some_and(|second| stop(second.pid()))
    }
}

fn replica(binary: &Path, address: &str, port: impl Fn(Protocol) -> u16) -> io::Result<Server> {
    let mut command = smoker(binary, "server");
    command.envs([("BIND_ADDRESS", address), ("POD_NAME", address)]);
    command.envs(Protocol::ALL.map(|protocol| (protocol.setting(), port(protocol).to_string())));
    Server::start(command)
}
