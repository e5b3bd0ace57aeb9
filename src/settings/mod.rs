//! The settings of each command: read from flags and environment, validated, typed. Pure.
//!
//! Where settings come from is the caller's business (`cli` for flags, `main` for the environment).

mod table;
mod value;

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use crate::log::{Form, Level};
use value::Text;

pub use table::{Command, Fallback, SETTINGS, Setting};
pub use value::{Host, Invalid, MAX_DURATION, MAX_NODE_NAME, Percent, Protocols};

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
    /// The node that its replies name.
    pub node_name: String,
    /// The pod that its replies name, if any.
    pub pod_name: Option<String>,
}

/// What `smoker client` and `smoker check` need to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Client {
    /// Whom to probe.
    pub host: Host,
    /// Whose addresses are the replicas behind `host`, where that is known.
    pub endpoints_host: Option<Host>,
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
    /// How many source ports a series of datagrams is sent from; 0 for no series.
    pub udp_flows: usize,
    /// The time between two datagrams of a series.
    pub udp_spacing: Duration,
    /// The share of lost datagrams above which a verdict says so.
    pub loss_threshold: Percent,
    /// How many rounds lie between two measurements of the path MTU; 0 for none at all.
    pub mtu_interval: u64,
    /// From one summary to the next; zero for none but the one at the end.
    pub summary_interval: Duration,
    /// Where the client's own `/health` and `/metrics` are, if anywhere; 0 for a free port.
    pub client_port: Option<u16>,
    /// Whether somebody waits for the answer: each round is diagnosed, well or not.
    pub is_check: bool,
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
        let bind = self.text(&table::BIND_ADDRESS).map(|text| value::address(&text)).transpose()?;
        let ports = self.ports(0)?;
        self.refuse_shared_port(ports)?;
        self.server_at(bind, ports)
    }

    /// The settings of `smoker client`.
    pub fn client(&self) -> Result<Client, Invalid> {
        let client_port = self.text(&table::CLIENT_PORT).map(|text| value::port(&text, 0)).transpose()?;
        let client = self.aimed_client(self.duration(&table::TEST_INTERVAL)?)?;
        Ok(Client { client_port, summary_interval: self.duration(&table::SUMMARY_INTERVAL)?, ..client })
    }

    /// The settings of `smoker check`: a client that makes one round, or a few with a second between.
    pub fn check(&self) -> Result<Client, Invalid> {
        let client = self.aimed_client(CHECK_INTERVAL)?;
        Ok(Client { count: client.count.or(Some(1)), is_check: true, ..client })
    }

    /// The settings of `smoker local`: a server on free loopback ports, and a client that has still to be
    /// told them.
    pub fn local(&self) -> Result<(Server, Client), Invalid> {
        let (loopback, free) = (IpAddr::V4(Ipv4Addr::LOCALHOST), Ports { tcp: 0, udp: 0, http: 0 });
        let interval = match self.text(&table::TEST_INTERVAL) {
            Some(text) => value::duration(&text, table::SHORTEST)?,
            None => LOCAL_INTERVAL,
        };
        let client = self.client_of(Host::Address(loopback), free, interval)?;
        let summary_interval = self.duration(&table::SUMMARY_INTERVAL)?;
        Ok((self.server_at(Some(loopback), free)?, Client { summary_interval, ..client }))
    }

    /// How much to log, the same setting for all commands.
    pub fn log_level(&self) -> Result<Level, Invalid> {
        value::level(&self.required(&table::LOG_LEVEL))
    }

    /// The form of the log's lines, the same setting for all commands.
    pub fn log_form(&self) -> Result<Form, Invalid> {
        value::form(&self.required(&table::LOG_FORMAT))
    }

    fn server_at(&self, bind: Option<IpAddr>, ports: Ports) -> Result<Server, Invalid> {
        Ok(Server {
            bind,
            ports,
            max_connections: value::connections(&self.required(&table::MAX_CONNECTIONS))?,
            idle_timeout: self.duration(&table::IDLE_TIMEOUT)?,
            drain_delay: self.duration(&table::DRAIN_DELAY)?,
            shutdown_timeout: self.duration(&table::SHUTDOWN_TIMEOUT)?,
            node_name: self.node_name()?,
            pod_name: self.text(&table::POD_NAME).map(|text| value::pod_name(&text)).transpose()?,
        })
    }

    /// A client of the host and ports that are given.
    fn aimed_client(&self, interval: Duration) -> Result<Client, Invalid> {
        let endpoints_host = self.text(&table::ENDPOINTS_HOST).map(|text| value::host(&text)).transpose()?;
        let client = self.client_of(self.host()?, self.ports(1)?, interval)?;
        Ok(Client { endpoints_host, ..client })
    }

    /// A client without what not every command has: no replicas, no summaries on the way, no port of its own.
    fn client_of(&self, host: Host, ports: Ports, interval: Duration) -> Result<Client, Invalid> {
        Ok(Client {
            host,
            endpoints_host: None,
            ports,
            interval,
            timeout: self.duration(&table::TEST_TIMEOUT)?,
            node_name: self.node_name()?,
            protocols: value::protocols(&self.required(&table::PROTOCOLS))?,
            udp_flows: value::flows(&self.required(&table::UDP_FLOWS))?,
            udp_spacing: self.duration(&table::UDP_SPACING)?,
            loss_threshold: value::percent(&self.required(&table::LOSS_THRESHOLD))?,
            mtu_interval: value::rounds(&self.required(&table::MTU_INTERVAL), 0)?,
            summary_interval: Duration::ZERO,
            client_port: None,
            is_check: false,
            count: self.text(&table::COUNT).map(|text| value::rounds(&text, 1)).transpose()?,
        })
    }

    fn node_name(&self) -> Result<String, Invalid> {
        value::node_name(&self.required(&table::NODE_NAME))
    }

    fn host(&self) -> Result<Host, Invalid> {
        value::host(&self.required(&table::SERVER_HOST))
    }

    fn ports(&self, lowest: u16) -> Result<Ports, Invalid> {
        Ok(Ports {
            tcp: value::port(&self.required(&table::TCP_PORT), lowest)?,
            udp: value::port(&self.required(&table::UDP_PORT), lowest)?,
            http: value::port(&self.required(&table::HTTP_PORT), lowest)?,
        })
    }

    fn duration(&self, setting: &'static Setting) -> Result<Duration, Invalid> {
        value::duration(&self.required(setting), setting.shortest)
    }

    fn refuse_shared_port(&self, ports: Ports) -> Result<(), Invalid> {
        if ports.tcp != ports.http || ports.tcp == 0 {
            return Ok(());
        }
        let [tcp, http] = [&table::TCP_PORT, &table::HTTP_PORT].map(|setting| self.required(setting));
        let (blamed, other) = if self.text(&table::HTTP_PORT).is_some() { (http, tcp) } else { (tcp, http) };
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

/// Someone waits for a check: its rounds follow each other as fast as a rate limit of ICMP messages, one a
/// second, lets each of them see what it should.
const CHECK_INTERVAL: Duration = Duration::from_secs(1);
