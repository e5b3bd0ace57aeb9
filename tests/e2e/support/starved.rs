//! Tests whose client was starved meanwhile, by the machine's other processes: it says so, and then nothing
//! it found counts. Such a test is tried again.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicU32, Ordering};

use crate::support::isolated;
use crate::support::line::Line;

/// With two busy loops per core a long test is starved in half of its attempts: all of them fail once in a
/// million.
const ATTEMPTS: u32 = 20;

/// What a test in namespaces of its own prints if it failed while a client was starved.
const MARK: &str = "a client was starved meanwhile";

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
///
/// Namespaces of its own are within `test`: each attempt has new ones, and prints whether it was starved.
pub(crate) fn unless_starved(test: impl Fn()) {
    for attempt in 1.. {
        let before = STARVED.load(Ordering::SeqCst);
        let Err(failure) = catch_unwind(AssertUnwindSafe(&test)) else { return };
        let starved = STARVED.load(Ordering::SeqCst) > before || says_so(&*failure);
        if starved {
            eprintln!("{MARK}: attempt {attempt}");
        }
        if !starved || isolated::is_inside() || attempt == ATTEMPTS {
            resume_unwind(failure);
        }
    }
}

/// Whether the message of a panic has a client's output that says so.
fn says_so(failure: &(dyn Any + Send)) -> bool {
    let text = failure.downcast_ref::<String>();
    text.is_some_and(|text| ["suspect", "prober", MARK].iter().any(|word| text.contains(word)))
}
