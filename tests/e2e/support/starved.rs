//! Tests whose client was starved meanwhile, by the machine's other processes: it says so, and then nothing
//! it found counts. Such a test is tried again.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicU32, Ordering};

use crate::support::line::Line;

/// With two busy loops per core a test that is starved once in ten times fails once in 100,000.
const ATTEMPTS: u32 = 5;

/// The lines so far that say that a client was starved. Those of other tests count too: their clients compete
/// for the same cores.
static STARVED: AtomicU32 = AtomicU32::new(0);

/// Counts the line if it says that its client was starved.
pub(crate) fn note(line: &Line) {
    if line.get("suspect").is_some() || (line.kind == "VERDICT" && line.event == "prober") {
        STARVED.fetch_add(1, Ordering::SeqCst);
    }
}

/// Runs `test`, and again if it failed while a client was starved.
pub(crate) fn unless_starved(test: impl Fn()) {
    for _ in 1..ATTEMPTS {
        let before = STARVED.load(Ordering::SeqCst);
        let Err(failure) = catch_unwind(AssertUnwindSafe(&test)) else { return };
        if STARVED.load(Ordering::SeqCst) == before && !says_so(&*failure) {
            resume_unwind(failure);
        }
        eprintln!("a client was starved meanwhile: once more");
    }
    test();
}

/// Whether the message of a panic has a client's output that says so.
fn says_so(failure: &(dyn Any + Send)) -> bool {
    let text = failure.downcast_ref::<String>();
    text.is_some_and(|text| ["suspect", "prober"].iter().any(|word| text.contains(word)))
}
