//! How long this thread has waited for a processor: what a busy machine does to a prober without any limit.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::time::Duration;

use crate::digits;

/// Three numbers (Documentation/scheduler/sched-stats.rst).
const FILE_LIMIT: usize = 64;

/// The scheduler's account of one thread: the first that calls [`waited`](RunQueue::waited).
#[derive(Debug, Default)]
pub struct RunQueue {
    file: Option<File>,
    waited: Option<Duration>,
}

impl RunQueue {
    /// How long the thread waited since the last call; `None` at the first, and where the kernel does not
    /// count it.
    pub fn waited(&mut self) -> Option<Duration> {
        if self.file.is_none() {
            self.file = File::open("/proc/thread-self/schedstat").ok();
        }
        let mut bytes = [0; FILE_LIMIT];
        let len = self.file.as_ref()?.read_at(&mut bytes, 0).ok()?;
        let waited = total(&bytes[..len]);
        let before = std::mem::replace(&mut self.waited, waited);
        waited.zip(before).map(|(now, before)| now.saturating_sub(before))
    }
}

/// The second number: nanoseconds on a run queue.
fn total(schedstat: &[u8]) -> Option<Duration> {
    let text = str::from_utf8(schedstat).ok()?;
    digits::number(text.split_ascii_whitespace().nth(1)?.as_bytes()).map(Duration::from_nanos)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proc::cgroup::garble;

    #[test]
    fn the_second_number_is_the_wait() {
        assert_eq!(total(b"123 4567 89\n"), Some(Duration::from_nanos(4567)));
        for text in [&b""[..], b"1", b"1 x 2", b"1 -2 3", b"\xff 1 2", b"1 99999999999999999999999"] {
            assert_eq!(total(text), None, "{text:?}");
        }
        garble(&[b"123 4567 89\n"], |text| {
            let _ = total(text);
        });
    }

    #[test]
    fn nothing_is_known_at_first() {
        let mut queue = RunQueue::default();
        assert_eq!(queue.waited(), None);
        let known = std::path::Path::new("/proc/thread-self/schedstat").exists();
        assert_eq!(queue.waited().is_some(), known);
    }
}
