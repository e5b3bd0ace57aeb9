//! Smoker against the floor, exchange by exchange, in many short slices in turn; medians of pairs.

use std::io;
use std::time::Duration;

use crate::Plan;
use crate::load::{Exchange, Load, Peer};
use crate::process::{self, Cores};
use crate::report::{Bound, Spread, Table, median, micros};
use crate::server::{Protocol, Server, Subject};

/// An exchange, and how near to the floor Smoker means to be.
struct Goal {
    name: &'static str,
    exchange: Exchange,
    /// At least this share of the floor's operations a second.
    rate: f64,
    /// At most this many times the floor's CPU time an operation, where that is promised.
    cpu: Option<f64>,
}

const fn goal(
    name: &'static str,
    protocol: Protocol,
    open: usize,
    lasting: bool,
    rate: f64,
    cpu: Option<f64>,
) -> Goal {
    Goal { name, exchange: Exchange { protocol, open, lasting }, rate, cpu }
}

const GOALS: [Goal; 8] = [
    goal("TCP ping-pong, 1 connection", Protocol::Tcp, 1, true, 0.97, Some(1.05)),
    goal("TCP ping-pong, 64 connections", Protocol::Tcp, 64, true, 0.95, None),
    goal("TCP, a new connection each", Protocol::Tcp, 1, false, 0.85, None),
    goal("TCP, a new connection each, 8 at once", Protocol::Tcp, 8, false, 0.85, None),
    goal("UDP", Protocol::Udp, 1, true, 0.97, Some(1.05)),
    goal("HTTP keep-alive, 1 connection", Protocol::Http, 1, true, 0.97, Some(1.05)),
    goal("HTTP keep-alive, 64 connections", Protocol::Http, 64, true, 0.95, None),
    goal("HTTP, a new connection each", Protocol::Http, 1, false, 0.85, None),
];

/// One server's part in a match.
struct Side {
    server: Server,
    load: Load,
    cpu_before: Duration,
    rates: Vec<f64>,
    latencies: Vec<Duration>,
}

/// What one server did in a match.
struct Numbers {
    rate: f64,
    p50: f64,
    p99: f64,
    cpu: f64,
}

/// Both servers loaded in turn: what they did, and the median ratio of neighbouring slices.
struct Match {
    ours: Numbers,
    floor: Numbers,
    rate_ratio: f64,
}

const COLUMNS: [&str; 11] = [
    "",
    "op/s",
    "floor",
    "ratio",
    "target",
    "p50 / p99 µs",
    "floor",
    "CPU µs/op",
    "floor",
    "ratio",
    "target",
];

/// A row for every exchange.
pub(crate) fn compare(subject: &Subject, cores: Cores, plan: &Plan) -> io::Result<Table> {
    for protocol in Protocol::ALL {
        compare_answers(subject, protocol)?;
    }
    let mut table = Table::new(&COLUMNS);
    for goal in &GOALS {
        eprintln!("{} ...", goal.name);
        let matches = (1..=plan.matches).map(|number| play(goal.exchange, subject, cores, plan, number));
        table.row(row(goal, &matches.collect::<io::Result<Vec<_>>>()?));
    }
    Ok(table)
}

/// A floor whose answers are shorter is none.
fn compare_answers(subject: &Subject, protocol: Protocol) -> io::Result<()> {
    let length = |server: Server| Peer::connect(protocol, server.address(protocol))?.exchange();
    let (ours, floor) = (length(subject.start()?)?, length(Subject::Floor.start()?)?);
    if ours == floor {
        return Ok(());
    }
    let name = protocol.name();
    Err(io::Error::other(format!("{name}: answers of {ours} bytes, but the floor's have {floor}")))
}

/// One match, in processes of its own so that no lucky or unlucky memory layout lasts. Slices are short and
/// take turns (ABBA), so that what else disturbs the machine falls on both.
fn play(exchange: Exchange, subject: &Subject, cores: Cores, plan: &Plan, number: u8) -> io::Result<Match> {
    let mut ours = Side::start(exchange, subject, cores, plan, number)?;
    let mut floor = Side::start(exchange, &Subject::Floor, cores, plan, number)?;
    for pair in 0..plan.pairs {
        if pair % 2 == 0 {
            ours.slice(plan)?;
            floor.slice(plan)?;
        } else {
            floor.slice(plan)?;
            ours.slice(plan)?;
        }
    }
    let rate_ratio = median(ours.rates.iter().zip(&floor.rates).map(|(ours, floor)| ours / floor));
    Ok(Match { ours: ours.finish()?, floor: floor.finish()?, rate_ratio })
}

impl Side {
    fn start(
        exchange: Exchange,
        subject: &Subject,
        cores: Cores,
        plan: &Plan,
        number: u8,
    ) -> io::Result<Self> {
        let server = subject.start_pinned(cores)?;
        let mut load = Load::open(exchange, &server, number)?;
        load.run(plan.slice)?;
        let cpu_before = process::cpu(server.pid())?;
        Ok(Self { server, load, cpu_before, rates: Vec::new(), latencies: Vec::new() })
    }

    fn slice(&mut self, plan: &Plan) -> io::Result<()> {
        let slice = self.load.run(plan.slice)?;
        self.rates.push(count(&slice.latencies) / slice.elapsed.as_secs_f64());
        self.latencies.extend(slice.latencies);
        Ok(())
    }

    fn finish(mut self) -> io::Result<Numbers> {
        let cpu = process::cpu(self.server.pid())?.saturating_sub(self.cpu_before);
        self.latencies.sort_unstable();
        Ok(Numbers {
            rate: median(self.rates.iter().copied()),
            p50: micros(self.latencies[self.latencies.len() / 2]),
            p99: micros(self.latencies[self.latencies.len() * 99 / 100]),
            cpu: micros(cpu) / count(&self.latencies),
        })
    }
}

fn count(latencies: &[Duration]) -> f64 {
    f64::from(u32::try_from(latencies.len()).unwrap_or(u32::MAX))
}

fn row(goal: &Goal, matches: &[Match]) -> Vec<String> {
    let ours = |of: fn(&Numbers) -> f64| median(matches.iter().map(|it| of(&it.ours)));
    let floor = |of: fn(&Numbers) -> f64| median(matches.iter().map(|it| of(&it.floor)));
    let rate = Spread::of(matches.iter().map(|it| it.rate_ratio));
    let cpu = Spread::of(matches.iter().map(|it| it.ours.cpu / it.floor.cpu));
    vec![
        goal.name.to_string(),
        format!("{:.0}", ours(|numbers| numbers.rate)),
        format!("{:.0}", floor(|numbers| numbers.rate)),
        rate.to_string(),
        Bound::AtLeast(goal.rate).judge(&rate),
        format!("{:.1} / {:.1}", ours(|numbers| numbers.p50), ours(|numbers| numbers.p99)),
        format!("{:.1} / {:.1}", floor(|numbers| numbers.p50), floor(|numbers| numbers.p99)),
        format!("{:.2}", ours(|numbers| numbers.cpu)),
        format!("{:.2}", floor(|numbers| numbers.cpu)),
        cpu.to_string(),
        goal.cpu.map_or(String::new(), |bound| Bound::AtMost(bound).judge(&cpu)),
    ]
}
