//! Where nothing is broken no verdict but `healthy` is printed in hundreds of rounds, however busy the
//! machine is.

use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::CORES;
use crate::world::World;

const ROUNDS: usize = 200;

const CLIENT: &str = "scripts/lab.sh in client smoker client --endpoints-host smoker-server-endpoints \
                      --interval 200ms --timeout 1s --udp-spacing 2ms";

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
    let mark = world.mark();
    world.run(&format!("{CLIENT} --count {ROUNDS} &"));
    let (deadline, mut rounds, mut verdicts) = (Instant::now() + PATIENCE, 0, Vec::new());
    for place in mark.. {
        let received = world.received(place, deadline);
        let line = received.unwrap_or_else(|| panic!("{rounds} rounds\n{}", world.since(mark))).line;
        verdicts.extend(line.split_once("] [VERDICT] ").map(|(_, verdict)| verdict.to_owned()));
        rounds += usize::from(line.contains("] [DNS] "));
        if rounds == ROUNDS {
            break;
        }
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
