//! The settings of each command: read from flags and environment, validated, typed. Pure.
//!
//! Where settings come from is the caller's business (`cli` for flags, `main` for the environment).

mod settings;
mod value;

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use crate::log::Level;
use value::Text;

pub use settings::{Command, Fallback, SETTINGS, Setting};
pub use value::{Host, Invalid, MAX_DURATION, MAX_NODE_NAME, Protocols};

/// The ports of the three protocols.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ports {
    /// Of the TCP echo.
    pub tcp: u16,
    /// Of the UDP echo.
    pub udp: u16,
    /// Of the HTTP responder.
    pub http: u16,
}

/// What `smoker server` needs to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Server {
    /// The address to listen on; `None` for all of them.
    pub bind: Option<IpAddr>,
    /// Where to listen; 0 for a free port.
    pub ports: Ports,
    /// How many connections may be open at once, TCP and HTTP together.
    pub max_connections: usize,
    /// How long a connection may stay silent.
    pub idle_timeout: Duration,
    /// How long everything is still served once asked to stop.
    pub drain_delay: Duration,
    /// How long requests under way may take once the listeners are closed.
    pub shutdown_timeout: Duration,
}

/// What `smoker client` and `smoker check` need to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Client {
    /// Whom to probe.
    pub host: Host,
    /// On which ports.
    pub ports: Ports,
    /// From one round to the next.
    pub interval: Duration,
    /// How long one probe may take, and one look-up.
    pub timeout: Duration,
    /// The node that the log lines name.
    pub node_name: String,
    /// Over which protocols.
    pub protocols: Protocols,
    /// After how many rounds to end; `None` for never.
    pub count: Option<u64>,
}

/// A setting, what the user typed for it (`--tcp-port`, or `HOST`), and the value.
pub type Flag = (&'static Setting, &'static str, String);

/// What was typed and what the environment holds: raw, and read only where a command asks for it.
pub struct Given<'a> {
    /// The flags in the order of the command line.
    pub flags: &'a [Flag],
    /// Looks a variable up in the environment.
    pub environment: &'a dyn Fn(&str) -> Option<String>,
    /// The host's name, the default of `NODE_NAME`.
    pub host_name: &'a dyn Fn() -> String,
}

impl Given<'_> {
    /// The settings of `smoker server`.
    pub fn server(&self) -> Result<Server, Invalid> {
        let bind = self.text(&settings::BIND_ADDRESS).map(|text| value::address(&text)).transpose()?;
        let ports = self.ports(0)?;
        self.refuse_shared_port(ports)?;
        self.server_at(bind, ports)
    }

    /// The settings of `smoker client`.
    pub fn client(&self) -> Result<Client, Invalid> {
        let count = self.count()?;
        self.client_of(self.host()?, self.ports(1)?, self.duration(&settings::TEST_INTERVAL)?, count)
    }

    /// The settings of `smoker check`: a client that makes one round, and so never waits for the next.
    pub fn check(&self) -> Result<Client, Invalid> {
        self.client_of(self.host()?, self.ports(1)?, MAX_DURATION, Some(1))
    }

    /// The settings of `smoker local`: a server on free loopback ports, and a client that has still to be
    /// told them.
    pub fn local(&self) -> Result<(Server, Client), Invalid> {
        let (loopback, free) = (IpAddr::V4(Ipv4Addr::LOCALHOST), Ports { tcp: 0, udp: 0, http: 0 });
        let interval = match self.text(&settings::TEST_INTERVAL) {
            Some(text) => value::duration(&text, settings::SHORTEST)?,
            None => LOCAL_INTERVAL,
        };
        let client = self.client_of(Host::Address(loopback), free, interval, self.count()?)?;
        Ok((self.server_at(Some(loopback), free)?, client))
    }

    /// How much to log, the same setting for all commands.
    pub fn log_level(&self) -> Result<Level, Invalid> {
        value::level(&self.required(&settings::LOG_LEVEL))
    }

    fn server_at(&self, bind: Option<IpAddr>, ports: Ports) -> Result<Server, Invalid> {
        Ok(Server {
            bind,
            ports,
            max_connections: value::connections(&self.required(&settings::MAX_CONNECTIONS))?,
            idle_timeout: self.duration(&settings::IDLE_TIMEOUT)?,
            drain_delay: self.duration(&settings::DRAIN_DELAY)?,
            shutdown_timeout: self.duration(&settings::SHUTDOWN_TIMEOUT)?,
        })
    }

    fn client_of(
        &self,
        host: Host,
        ports: Ports,
        interval: Duration,
        count: Option<u64>,
    ) -> Result<Client, Invalid> {
        Ok(Client {
            host,
            ports,
            interval,
            count,
            timeout: self.duration(&settings::TEST_TIMEOUT)?,
            node_name: value::node_name(&self.required(&settings::NODE_NAME))?,
            protocols: value::protocols(&self.required(&settings::PROTOCOLS))?,
        })
    }

    fn host(&self) -> Result<Host, Invalid> {
        value::host(&self.required(&settings::SERVER_HOST))
    }

    fn ports(&self, lowest: u16) -> Result<Ports, Invalid> {
        Ok(Ports {
            tcp: value::port(&self.required(&settings::TCP_PORT), lowest)?,
            udp: value::port(&self.required(&settings::UDP_PORT), lowest)?,
            http: value::port(&self.required(&settings::HTTP_PORT), lowest)?,
        })
    }

    fn duration(&self, setting: &'static Setting) -> Result<Duration, Invalid> {
        value::duration(&self.required(setting), setting.shortest)
    }

    fn count(&self) -> Result<Option<u64>, Invalid> {
        self.text(&settings::COUNT).map(|text| value::rounds(&text)).transpose()
    }

    fn refuse_shared_port(&self, ports: Ports) -> Result<(), Invalid> {
        if ports.tcp != ports.http || ports.tcp == 0 {
            return Ok(());
        }
        let [tcp, http] = [&settings::TCP_PORT, &settings::HTTP_PORT].map(|setting| self.required(setting));
        let (blamed, other) =
            if self.text(&settings::HTTP_PORT).is_some() { (http, tcp) } else { (tcp, http) };
        Err(blamed.invalid(&format!("is the port of {} too (each needs its own)", other.origin)))
    }

    /// The value and its origin: the last flag, else the environment, else the default.
    fn required(&self, setting: &'static Setting) -> Text {
        self.text(setting).unwrap_or_else(|| match setting.fallback {
            Fallback::Text(text) => Text { origin: setting.name(), text: text.into() },
            Fallback::Said(_) => Text { origin: "the host name (set NODE_NAME)", text: (self.host_name)() },
        })
    }

    /// The value and its origin where one was given. An empty environment variable counts as unset.
    fn text(&self, setting: &'static Setting) -> Option<Text> {
        let typed = self.flags.iter().rev().find(|(flagged, ..)| std::ptr::eq(*flagged, setting));
        if let Some((_, origin, text)) = typed {
            return Some(Text { origin, text: text.clone() });
        }
        let origin = setting.environment?;
        (self.environment)(origin).filter(|text| !text.is_empty()).map(|text| Text { origin, text })
    }
}

/// A new user watches `smoker local`: two seconds show that it goes on, and can be read.
const LOCAL_INTERVAL: Duration = Duration::from_secs(2);
