//! The table of settings: names, defaults, and which command reads what. Usage texts and README follow it.

use std::time::Duration;

/// A command that has settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command {
    /// `smoker server`
    Server,
    /// `smoker client`
    Client,
    /// `smoker check`
    Check,
    /// `smoker local`
    Local,
}

impl Command {
    /// All of them, in the order of the usage text.
    pub const ALL: [Self; 4] = [Self::Server, Self::Client, Self::Check, Self::Local];

    /// The one of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|command| command.name() == name)
    }

    /// The word on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Server => "server",
            Self::Client => "client",
            Self::Check => "check",
            Self::Local => "local",
        }
    }

    /// What it does, in a line.
    pub fn about(self) -> &'static str {
        match self {
            Self::Server => "echoes over TCP, UDP and HTTP until told to stop",
            Self::Client => "probes the server every interval until told to stop",
            Self::Check => "probes HOST once, and says what is wrong; exit status 0 if all is well, 1 if not",
            Self::Local => "a server and a client in one process: a first look",
        }
    }
}

/// One setting.
pub struct Setting {
    /// Its environment variable, where it has one.
    pub environment: Option<&'static str>,
    /// Its flag, dashes included.
    pub flag: &'static str,
    /// What the flag's value is called in usage texts.
    pub metavariable: &'static str,
    /// What holds where nothing is given.
    pub fallback: Fallback,
    /// What it is for, in a line.
    pub about: &'static str,
    /// The commands that read it.
    pub of: &'static [Command],
    /// The shortest duration it takes, where it is one.
    pub shortest: Duration,
}

/// What holds where a setting is not given.
pub enum Fallback {
    /// This text, read as if it had been given.
    Text(&'static str),
    /// What these words say.
    Said(&'static str),
}

impl Setting {
    /// What to call it: its variable, else its flag.
    pub fn name(&self) -> &'static str {
        self.environment.unwrap_or(self.flag)
    }
}

/// The shortest duration of what must not be zero: under a millisecond, timeouts and intervals would
/// measure the scheduler.
pub(super) const SHORTEST: Duration = Duration::from_millis(1);

const PORTS: &[Command] = &[Command::Server, Command::Client, Command::Check];
const LISTENING: &[Command] = &[Command::Server];
const SERVING: &[Command] = &[Command::Server, Command::Local];
const AIMING: &[Command] = &[Command::Client, Command::Check];
const PROBING: &[Command] = &[Command::Client, Command::Check, Command::Local];
const REPEATING: &[Command] = &[Command::Client, Command::Local];
const WATCHING: &[Command] = &[Command::Client];

pub(super) static TCP_PORT: Setting = setting("TCP_PORT", "--tcp-port", "PORT")
    .of(PORTS)
    .default("8080")
    .about("port of the TCP echo (server: 0 for a free one)");
pub(super) static UDP_PORT: Setting = setting("UDP_PORT", "--udp-port", "PORT")
    .of(PORTS)
    .default("8081")
    .about("port of the UDP echo (server: 0 for a free one)");
pub(super) static HTTP_PORT: Setting = setting("HTTP_PORT", "--http-port", "PORT")
    .of(PORTS)
    .default("8082")
    .about("port of the HTTP responder (server: 0 for a free one)");
pub(super) static BIND_ADDRESS: Setting = setting("BIND_ADDRESS", "--bind", "ADDRESS")
    .of(LISTENING)
    .otherwise("all addresses")
    .about("address to listen on");
pub(super) static MAX_CONNECTIONS: Setting = setting("MAX_CONNECTIONS", "--max-connections", "N")
    .of(SERVING)
    .default("1024")
    .about("connections at once, TCP and HTTP together (1 to 8192)");
pub(super) static IDLE_TIMEOUT: Setting = setting("IDLE_TIMEOUT", "--idle-timeout", "DURATION")
    .of(SERVING)
    .default("30s")
    .not_zero()
    .about("how long a connection may stay silent");
pub(super) static DRAIN_DELAY: Setting = setting("DRAIN_DELAY", "--drain-delay", "DURATION")
    .of(SERVING)
    .default("0s")
    .about("how long to go on serving once told to stop, /health saying 503");
pub(super) static SHUTDOWN_TIMEOUT: Setting = setting("SHUTDOWN_TIMEOUT", "--shutdown-timeout", "DURATION")
    .of(SERVING)
    .default("5s")
    .about("how long requests under way may take to end");
pub(super) static SERVER_HOST: Setting = setting("SERVER_HOST", "--server-host", "HOST")
    .of(AIMING)
    .default("smoker-server")
    .about("name or address of the server to probe");
pub(super) static ENDPOINTS_HOST: Setting = setting("ENDPOINTS_HOST", "--endpoints-host", "HOST")
    .of(AIMING)
    .otherwise("none")
    .about("name whose addresses are the server's replicas (a headless Service)");
pub(super) static TEST_INTERVAL: Setting = setting("TEST_INTERVAL", "--interval", "DURATION")
    .of(REPEATING)
    .default("30s")
    .not_zero()
    .about("time from one round to the next (local: 2s)");
pub(super) static TEST_TIMEOUT: Setting = setting("TEST_TIMEOUT", "--timeout", "DURATION")
    .of(PROBING)
    .default("5s")
    .not_zero()
    .about("how long one probe, or one look-up, may take");
pub(super) static NODE_NAME: Setting = setting("NODE_NAME", "--node-name", "NAME")
    .of(&Command::ALL)
    .otherwise("the host name")
    .about("the node that log lines, and a server's replies, name");
pub(super) static POD_NAME: Setting = setting("POD_NAME", "--pod-name", "NAME")
    .of(SERVING)
    .otherwise("none")
    .about("the pod that a server's replies name");
pub(super) static PROTOCOLS: Setting = setting("PROTOCOLS", "--protocols", "LIST")
    .of(PROBING)
    .default("tcp,udp,http")
    .about("what to probe, with commas between");
pub(super) static UDP_FLOWS: Setting = setting("UDP_FLOWS", "--udp-flows", "N")
    .of(PROBING)
    .default("16")
    .about("source ports that a series of datagrams is sent from (0 to 64; 0 for no series)");
pub(super) static UDP_SPACING: Setting = setting("UDP_SPACING", "--udp-spacing", "DURATION")
    .of(PROBING)
    .default("10ms")
    .about("time between datagrams of a series; all of them take half of TEST_TIMEOUT at most");
pub(super) static LOSS_THRESHOLD: Setting = setting("LOSS_THRESHOLD", "--loss-threshold", "PERCENT")
    .of(PROBING)
    .default("1")
    .about("loss above which a verdict says so (0 to 100)");
pub(super) static MTU_INTERVAL: Setting = setting("MTU_INTERVAL", "--mtu-interval", "ROUNDS")
    .of(PROBING)
    .default("10")
    .about("rounds from one measurement of the path MTU to the next (0 for none)");
pub(super) static SUMMARY_INTERVAL: Setting = setting("SUMMARY_INTERVAL", "--summary-interval", "DURATION")
    .of(REPEATING)
    .default("5m")
    .about("time from one summary to the next (0 for none)");
pub(super) static CLIENT_PORT: Setting = setting("CLIENT_PORT", "--client-port", "PORT")
    .of(WATCHING)
    .otherwise("off")
    .about("port of the client's own /health and /metrics (0 for a free one)");
pub(super) static LOG_LEVEL: Setting = setting("LOG_LEVEL", "--log-level", "LEVEL")
    .of(&Command::ALL)
    .default("info")
    .about("how much to log: error, warn, info or debug");
pub(super) static LOG_FORMAT: Setting = setting("LOG_FORMAT", "--log-format", "FORMAT")
    .of(&Command::ALL)
    .default("text")
    .about("form of the log's lines: text or json");

/// Not for the environment: a variable that ends a `DaemonSet`'s client would be a trap.
pub(super) static COUNT: Setting = flag("--count", "N")
    .of(PROBING)
    .otherwise("no end")
    .about("ends after N rounds (check: 1), with exit status 1 if anything is wrong");

const fn setting(environment: &'static str, flag_: &'static str, metavariable: &'static str) -> Setting {
    Setting { environment: Some(environment), ..flag(flag_, metavariable) }
}

const fn flag(flag: &'static str, metavariable: &'static str) -> Setting {
    let (fallback, shortest) = (Fallback::Said(""), Duration::ZERO);
    Setting { environment: None, flag, metavariable, fallback, about: "", of: &[], shortest }
}

impl Setting {
    const fn of(self, of: &'static [Command]) -> Self {
        Self { of, ..self }
    }

    const fn default(self, text: &'static str) -> Self {
        Self { fallback: Fallback::Text(text), ..self }
    }

    const fn otherwise(self, words: &'static str) -> Self {
        Self { fallback: Fallback::Said(words), ..self }
    }

    const fn not_zero(self) -> Self {
        Self { shortest: SHORTEST, ..self }
    }

    const fn about(self, about: &'static str) -> Self {
        Self { about, ..self }
    }
}

/// All of them, in the order of the usage texts.
pub static SETTINGS: [&Setting; 24] = [
    &TCP_PORT,
    &UDP_PORT,
    &HTTP_PORT,
    &BIND_ADDRESS,
    &MAX_CONNECTIONS,
    &IDLE_TIMEOUT,
    &DRAIN_DELAY,
    &SHUTDOWN_TIMEOUT,
    &SERVER_HOST,
    &ENDPOINTS_HOST,
    &TEST_INTERVAL,
    &TEST_TIMEOUT,
    &NODE_NAME,
    &POD_NAME,
    &PROTOCOLS,
    &UDP_FLOWS,
    &UDP_SPACING,
    &LOSS_THRESHOLD,
    &MTU_INTERVAL,
    &SUMMARY_INTERVAL,
    &CLIENT_PORT,
    &COUNT,
    &LOG_LEVEL,
    &LOG_FORMAT,
];
