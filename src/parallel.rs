//! Jobs done at the same time, a thread each; what they do, and how many they are, is left to the callers.

use std::thread;

/// The stack of a thread: no job has more than a few KiB of buffers on it.
const STACK_SIZE: usize = 128 * 1024;

/// Something to do once. A job writes its result through the reference it captured.
pub type Job<'a> = Box<dyn FnOnce() + Send + 'a>;

/// Runs all of `jobs` and returns when they have ended: the first on the calling thread, which saves one.
/// Returns how many did not run, because the system had no thread left.
pub fn run(jobs: Vec<Job>) -> usize {
    run_on(jobs, STACK_SIZE)
}

fn run_on(jobs: Vec<Job>, stack_size: usize) -> usize {
    let mut jobs = jobs.into_iter();
    let first = jobs.next();
    thread::scope(|scope| {
        let start = |job| thread::Builder::new().stack_size(stack_size).spawn_scoped(scope, job);
        let not_started = jobs.map(start).filter(Result::is_err).count();
        if let Some(job) = first {
            job();
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

    /// The threads that `count` jobs ran on; they wait for each other.
    fn threads(count: usize) -> Vec<Option<ThreadId>> {
        let barrier = &Barrier::new(count);
        let mut threads = vec![None; count];
        let mut jobs: Vec<Job> = Vec::new();
        for thread in &mut threads {
            jobs.push(Box::new(move || {
                barrier.wait();
                *thread = Some(thread::current().id());
            }));
        }
        assert_eq!(run(jobs), 0);
        threads
    }

    #[test]
    fn all_run_at_the_same_time_and_the_first_on_the_calling_thread() {
        assert_eq!(threads(0), []);
        let mut threads = threads(60);
        assert_eq!(threads[0], Some(thread::current().id()));
        threads.sort_unstable_by_key(|thread| format!("{thread:?}"));
        threads.dedup();
        assert_eq!((threads.len(), threads.contains(&None)), (60, false));
    }

    #[test]
    fn without_a_thread_the_first_runs_and_the_others_are_counted() {
        let mut done = [false; 3];
        let mut jobs: Vec<Job> = Vec::new();
        for done in &mut done {
            jobs.push(Box::new(move || *done = true));
        }
        assert_eq!(run_on(jobs, IMPOSSIBLE), 2);
        assert_eq!(done, [true, false, false]);
    }

    #[test]
    fn a_panic_is_passed_on_once_all_have_ended() {
        let mut is_done = false;
        let jobs: Vec<Job> =
            vec![Box::new(|| {}), Box::new(|| panic!("on purpose")), Box::new(|| is_done = true)];
        assert!(panic::catch_unwind(AssertUnwindSafe(|| run(jobs))).is_err());
        assert!(is_done);
    }
}
