//! The benchmark: Smoker against the smallest server and the smallest prober that do the same, side by side.
//!
//! `cargo bench --bench bench` measures everything in seven minutes or so and prints the tables of benches/
//! README.md. `SMOKER_BENCH=quick` goes through all of it too fast for the numbers to mean anything;
//! `SMOKER_BENCH=floor` compares the floor with itself, which shows the error of the harness;
//! `SMOKER_BIN=path` names the binary.

mod binary;
mod client;
mod cluster;
mod connections;
mod exchanges;
mod floor;
mod load;
mod namespaces;
mod passes;
mod pcap;
mod process;
mod report;
mod rooms;
mod rounds;
mod scrape;
mod series;
mod server;
mod wire;

use std::env;
use std::io;
use std::time::Duration;

use binary::Binary;
use cluster::Cluster;
use process::{Busy, Cores};
use report::{RESULTS, Table};
use server::Subject;

/// How much of everything is measured.
struct Plan {
    /// How often new processes meet in an exchange, with how many pairs of slices, and how long a slice is.
    matches: u8,
    pairs: u32,
    slice: Duration,
    starts: u32,
    bursts: u32,
    rounds: u32,
    traced_rounds: u32,
    /// Whole rounds as fast as may be, and with the datagrams of their series as far apart as by default.
    whole_rounds: u32,
    spaced_rounds: u32,
    scrapes: u32,
    checks: u32,
    series: u32,
}

const FULL: Plan = Plan {
    matches: 32,
    pairs: 16,
    slice: Duration::from_millis(20),
    starts: 40,
    bursts: 10,
    rounds: 1000,
    traced_rounds: 100,
    whole_rounds: 10_000,
    spaced_rounds: 100,
    scrapes: 200,
    checks: 20,
    series: 2000,
};

const QUICK: Plan = Plan {
    matches: 2,
    pairs: 2,
    starts: 3,
    bursts: 1,
    rounds: 40,
    traced_rounds: 10,
    whole_rounds: 200,
    spaced_rounds: 10,
    scrapes: 40,
    checks: 2,
    series: 100,
    ..FULL
};

fn main() -> io::Result<()> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    match arguments.first().map(String::as_str) {
        Some("floor") => floor::run(),
        // Without `--bench` this is `cargo test --benches`, which only wants to know that it starts.
        _ if !arguments.iter().any(|argument| argument == "--bench") => Ok(()),
        _ if namespaces::run_again()? => Ok(()),
        _ => match env::var("SMOKER_BENCH").as_deref() {
            Ok("quick") => bench(&QUICK),
            Ok("floor") => compare_the_floor_with_itself(),
            Ok("") | Err(_) => bench(&FULL),
            Ok(other) => Err(io::Error::other(format!("SMOKER_BENCH: {other:?} is not quick or floor"))),
        },
    }
}

fn bench(plan: &Plan) -> io::Result<()> {
    let binary = Binary::choose(env::var_os("SMOKER_BIN").map(Into::into))?;
    let smoker = Subject::Smoker(binary.path.clone());
    let descriptors = process::raise_descriptor_limit()?;
    let before = Busy::now()?;
    let mut results = Table::new(&RESULTS);
    binary.measure(&mut results)?;
    // Before anything is pinned: a process that starts has the whole machine.
    connections::first_echo(&smoker, plan.starts, &mut results)?;
    let cores = Cores::pin_load();
    let exchanges = exchanges::compare(&smoker, cores, plan)?;
    if descriptors < connections::DESCRIPTORS {
        results.not_measured("bursts and idle connections", "too few descriptors (ulimit -Hn)");
    } else {
        connections::bursts(&smoker, cores, plan.bursts, &mut results)?;
        connections::idle(&smoker, &mut results)?;
    }
    series::cost(&smoker, cores, plan.series, &mut results)?;
    client::cost(&binary.path, cores, plan.rounds, &mut results)?;
    client::system_calls(&binary.path, cores, plan.traced_rounds, &mut results)?;
    client::honesty(&binary.path, cores, plan.rounds, &mut results)?;
    let cluster = Cluster::start(&binary.path, cores)?;
    for pace in [rounds::spaced(plan.spaced_rounds), rounds::fast(plan.whole_rounds)] {
        rounds::cost(&binary.path, &cluster, &pace, &mut results)?;
    }
    scrape::latency(&binary.path, cores, &cluster, plan.scrapes, &mut results)?;
    passes::cost(&binary.path, &cluster, plan.checks, &mut results)?;
    println!("Measured: {}\n", binary.describe());
    print!("{exchanges}\n{results}\n{}", report::notes(cores, before)?);
    print!("\n{}", rooms::measure()?);
    Ok(())
}

fn compare_the_floor_with_itself() -> io::Result<()> {
    let before = Busy::now()?;
    let cores = Cores::pin_load();
    let exchanges = exchanges::compare(&Subject::Floor, cores, &FULL)?;
    print!("The floor against itself\n\n{exchanges}\n{}", report::notes(cores, before)?);
    Ok(())
}
