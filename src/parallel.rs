//! Works done at the same time, a thread each; what they are, and how many at the most, is left to the
//! callers.

use std::thread;

/// The stack of a thread: no work has more than a few KiB of buffers on it.
const STACK_SIZE: usize = 128 * 1024;

/// Something to do once. What comes of it, it leaves where its maker finds it afterwards.
pub type Work<'a> = Box<dyn FnOnce() + Send + 'a>;

/// Does all of `works` and returns when they are done: the first on this thread, which it need not ask the
/// system for. How many could not be done, because the system had no thread left.
pub fn run(works: Vec<Work>) -> usize {
    run_on(works, STACK_SIZE)
}

fn run_on(works: Vec<Work>, stack_size: usize) -> usize {
    let mut works = works.into_iter();
    let first = works.next();
    thread::scope(|scope| {
        let start = |work| thread::Builder::new().stack_size(stack_size).spawn_scoped(scope, work);
        let not_started = works.map(start).filter(Result::is_err).count();
        if let Some(work) = first {
            work();
        }
        not_started
    })
}

#[cfg(test)]
mod tests {
    use std::panic::{self, AssertUnwindSafe};
    use std::sync::Barrier;
    use std::thread::ThreadId;

    use super::*;

    /// More than an address space has room for.
    const IMPOSSIBLE: usize = 1 << 50;

    /// The threads that `count` works were done on; they wait for each other.
    fn threads(count: usize) -> Vec<Option<ThreadId>> {
        let barrier = &Barrier::new(count);
        let mut threads = vec![None; count];
        let mut works: Vec<Work> = Vec::new();
        for thread in &mut threads {
            works.push(Box::new(move || {
                barrier.wait();
                *thread = Some(thread::current().id());
            }));
        }
        assert_eq!(run(works), 0);
        threads
    }

    #[test]
    fn all_are_done_at_the_same_time_and_the_first_of_them_here() {
        assert_eq!(threads(0), []);
        let mut threads = threads(60);
        assert_eq!(threads[0], Some(thread::current().id()));
        threads.sort_unstable_by_key(|thread| format!("{thread:?}"));
        threads.dedup();
        assert_eq!((threads.len(), threads.contains(&None)), (60, false));
    }

    #[test]
    fn without_a_thread_the_first_is_done_and_the_others_are_counted() {
        let mut done = [false; 3];
        let mut works: Vec<Work> = Vec::new();
        for done in &mut done {
            works.push(Box::new(move || *done = true));
        }
        assert_eq!(run_on(works, IMPOSSIBLE), 2);
        assert_eq!(done, [true, false, false]);
    }

    #[test]
    fn a_panic_is_passed_on_once_all_are_done() {
        let mut is_done = false;
        let works: Vec<Work> =
            vec![Box::new(|| {}), Box::new(|| panic!("on purpose")), Box::new(|| is_done = true)];
        assert!(panic::catch_unwind(AssertUnwindSafe(|| run(works))).is_err());
        assert!(is_done);
    }
}
