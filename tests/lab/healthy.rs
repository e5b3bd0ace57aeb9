//! Where nothing is broken no verdict but `healthy` is told, not once in hundreds of rounds, however busy the
//! machine is.

use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::CORES;
use crate::world::World;

const ROUNDS: usize = 200;

/// Far longer than [`ROUNDS`] take.
const PATIENCE: Duration = Duration::from_secs(100);

/// A process that never waits. It is killed when this is dropped.
struct BusyLoop(Child);

impl BusyLoop {
    fn start() -> Self {
        Self(Command::new("bash").args(["-c", "while :; do :; done"]).stdin(Stdio::null()).spawn().unwrap())
    }
}

impl Drop for BusyLoop {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Asserts that a client has nothing to complain of in [`ROUNDS`] rounds.
fn assert_healthy() {
    let mut world = World::up();
    let flags = "--endpoints-host smoker-server-endpoints --interval 200ms --timeout 1s --udp-spacing 2ms";
    world.start_client(&format!("{flags} --count {ROUNDS}"));
    let (mark, deadline) = (world.mark(), Instant::now() + PATIENCE);
    let (mut rounds, mut verdicts) = (0, Vec::new());
    while rounds < ROUNDS {
        let heard = world.next(deadline).unwrap_or_else(|| panic!("{rounds} rounds\n{}", world.since(mark)));
        rounds += usize::from(heard.line.contains("] [DNS] "));
        verdicts.extend(heard.line.split_once("] [VERDICT] ").map(|(_, verdict)| verdict.to_owned()));
    }
    world.end_of_round();
    let healthy = verdicts.len() == 1 && verdicts[0].starts_with("healthy evidence=");
    assert!(healthy, "{verdicts:#?}\n{}", world.since(mark));
}

#[test]
#[ignore = "needs root: network namespaces"]
fn nothing_is_wrong_where_nothing_is_broken() {
    assert_healthy();
}

#[test]
#[ignore = "needs root: network namespaces"]
fn nothing_is_wrong_where_every_core_is_busy() {
    let _cores = CORES.lock();
    let cores = thread::available_parallelism().unwrap().get();
    let _busy: Vec<BusyLoop> = (0..cores).map(|_| BusyLoop::start()).collect();
    assert_healthy();
}
