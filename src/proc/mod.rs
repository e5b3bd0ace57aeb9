//! The kernel's data on this process and on the control group that it runs in, read from /proc and the
//! group's own files. What it means is left to the client; without /proc nothing is known.

pub mod cgroup;
pub mod process;
pub mod run_queue;

mod cgroup_path;
#[cfg(test)]
pub(crate) mod starved;

use std::fs::File;
use std::io::Read;
use std::time::Duration;

use crate::digits;

/// The number in the line `key number`, of a file with such lines.
fn number(text: &[u8], key: &str) -> Option<u64> {
    text.split(|byte| *byte == b'\n').find_map(|line| {
        let (name, value) = str::from_utf8(line).ok()?.split_once([' ', ':', '\t'])?;
        if name == key { digits::number(value.split_ascii_whitespace().next()?.as_bytes()) } else { None }
    })
}

/// The first `limit` bytes of a file; `None` where it cannot be read. There is room for all of them from the
/// start: these files have no size, and a buffer that grows with them takes a read for each step.
fn read(path: &str, limit: usize) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(limit);
    File::open(path).ok()?.take(limit as u64).read_to_end(&mut bytes).ok()?;
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_found_by_its_whole_key() {
        let text = b"nr_throttled_not 1\nThreads:\t3\nVmRSS:\t  420 kB\nnr_throttled 7\nlast x";
        for (key, expected) in [
            ("nr_throttled", Some(7)),
            ("Threads", Some(3)),
            ("VmRSS", Some(420)),
            ("nr", None),
            ("last", None),
            ("", None),
        ] {
            assert_eq!(number(text, key), expected, "{key}");
        }
    }

    #[test]
    fn a_file_is_read_up_to_the_limit_and_a_missing_one_is_none() {
        assert_eq!(read("/proc/self/stat", 3).unwrap().len(), 3);
        assert_eq!(read("/proc/self/none", 3), None);
    }
}
