//! The control group of this process: how long it had to wait for processor time that its limit denied it,
//! and how long for memory.
//!
//! The files stay open and are read again from their beginning: three system calls a round.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::time::Duration;

use super::cgroup_path::Places;
use super::{number, read};
use crate::digits;

/// Each of the files has less than 1 KiB.
const FILE_LIMIT: usize = 4 * 1024;

/// Some thousand mounts; a container sees some dozens.
const MOUNTS_LIMIT: usize = 1024 * 1024;

/// What was denied to the group since the last call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Denied {
    /// How long its threads were kept from running because the processor time of a period was used up;
    /// `None` where the kernel does not report it, or the group is another one than at the last call.
    pub processor: Option<Duration>,
    /// How long at least one thread had to wait for memory; `None` as above.
    pub memory: Option<Stall>,
}

/// A wait for memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stall {
    /// How long.
    pub time: Duration,
    /// Whose threads waited.
    pub scope: Scope,
}

/// What a wait is reported for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// The group.
    Group,
    /// The whole machine: the kernel reports no group's, and another one may have waited.
    Machine,
}

/// The control group, watched.
#[derive(Debug, Default)]
pub struct ControlGroup {
    /// /proc/self/cgroup, which shows when the process was moved to another group.
    membership: Option<File>,
    membership_was: Vec<u8>,
    processor: Option<File>,
    memory: Option<(File, Scope)>,
    processor_was: Option<Duration>,
    memory_was: Option<Duration>,
}

impl ControlGroup {
    /// What the group was denied since the last call; unknown at the first.
    pub fn denied(&mut self) -> Denied {
        self.follow();
        let processor = self.processor.as_ref().and_then(contents).and_then(|text| throttled(&text));
        let memory = self.memory.as_ref().and_then(|(file, _)| stalled(&contents(file)?));
        let processor_was = std::mem::replace(&mut self.processor_was, processor);
        let memory_was = std::mem::replace(&mut self.memory_was, memory);
        let time = memory.zip(memory_was).map(|(now, before)| now.saturating_sub(before));
        let scope = self.memory.as_ref().map(|(_, scope)| *scope);
        Denied {
            processor: processor.zip(processor_was).map(|(now, before)| now.saturating_sub(before)),
            memory: time.zip(scope).map(|(time, scope)| Stall { time, scope }),
        }
    }

    /// Opens the group's files, at first and whenever the process is in another group than before.
    fn follow(&mut self) {
        if self.membership.is_none() {
            self.membership = File::open("/proc/self/cgroup").ok();
        }
        let membership = self.membership.as_ref().and_then(contents).unwrap_or_default();
        if membership == self.membership_was {
            return;
        }
        let mounts = read("/proc/self/mountinfo", MOUNTS_LIMIT).unwrap_or_default();
        let Places { cpu, unified } = Places::find(&membership, &mounts);
        let open = |path: &Path| File::open(path).ok();
        self.processor = cpu.and_then(|path| open(&path.join("cpu.stat")));
        // The root of all groups, which alone has no type, is the machine.
        let pressure = unified.filter(|path| path.join("cgroup.type").exists());
        self.memory = pressure
            .and_then(|path| Some((open(&path.join("memory.pressure"))?, Scope::Group)))
            .or_else(|| Some((open(Path::new("/proc/pressure/memory"))?, Scope::Machine)));
        self.membership_was = membership;
        self.processor_was = None;
        self.memory_was = None;
    }
}

/// The beginning of a file that is open; `None` where its group is gone.
fn contents(file: &File) -> Option<Vec<u8>> {
    let mut bytes = vec![0; FILE_LIMIT];
    let len = file.read_at(&mut bytes, 0).ok()?;
    bytes.truncate(len);
    Some(bytes)
}

/// Of cpu.stat: microseconds in version 2, nanoseconds in version 1. Not there where no limit can be set.
fn throttled(stat: &[u8]) -> Option<Duration> {
    let microseconds = number(stat, "throttled_usec").map(Duration::from_micros);
    microseconds.or_else(|| number(stat, "throttled_time").map(Duration::from_nanos))
}

/// Of memory.pressure: `some avg10=0.00 avg60=0.00 avg300=0.00 total=12345`, in microseconds.
fn stalled(pressure: &[u8]) -> Option<Duration> {
    let text = str::from_utf8(pressure).ok()?;
    let some = text.lines().find_map(|line| line.strip_prefix("some "))?;
    let total = some.split(' ').find_map(|word| word.strip_prefix("total="))?;
    digits::number(total.as_bytes()).map(Duration::from_micros)
}

/// Hands `look` every beginning of each text, and texts with bytes changed at random (xorshift64).
#[cfg(test)]
pub(super) fn garble(texts: &[&[u8]], look: impl Fn(&[u8])) {
    const EACH: usize = 30_000;
    let mut state = 88_172_645_463_325_252_u64;
    let mut below = |limit: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state % limit as u64).unwrap()
    };
    for text in texts {
        (0..=text.len()).for_each(|end| look(&text[..end]));
        for _ in 0..EACH {
            let mut garbled = text.to_vec();
            for _ in 0..=below(4) {
                garbled[below(text.len())] = b" \n:/.\\-,0789\xff"[below(13)];
            }
            look(&garbled);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: &[u8] = b"usage_usec 1\nuser_usec 1\nsystem_usec 0\nnr_periods 9\nnr_throttled 3\n\
        throttled_usec 1500\nnr_bursts 0\nburst_usec 0\n";
    const PRESSURE: &[u8] = b"some avg10=0.00 avg60=0.02 avg300=0.00 total=12345\n\
        full avg10=0.00 avg60=0.00 avg300=0.00 total=99\n";

    #[test]
    fn both_versions_report_how_long_a_group_was_throttled() {
        assert_eq!(throttled(SECOND), Some(Duration::from_micros(1500)));
        let first = b"nr_periods 9\nnr_throttled 3\nthrottled_time 1500000\n";
        assert_eq!(throttled(first), Some(Duration::from_micros(1500)));
        // The root of version 2, and any group whose controller is off.
        assert_eq!(throttled(b"usage_usec 1\nuser_usec 1\nsystem_usec 0\n"), None);
    }

    #[test]
    fn the_time_that_some_waited_for_memory_is_found() {
        assert_eq!(stalled(PRESSURE), Some(Duration::from_micros(12_345)));
        assert_eq!(stalled(&PRESSURE[51..]), None);
        assert_eq!(stalled(b""), None);
    }

    #[test]
    fn no_content_of_the_files_is_a_panic() {
        garble(&[SECOND, PRESSURE], |bytes| {
            let _ = (throttled(bytes), stalled(bytes));
        });
    }

    #[test]
    fn the_first_call_knows_nothing_and_later_ones_what_was_added() {
        let mut group = ControlGroup::default();
        assert_eq!(group.denied(), Denied::default());
        let [processor, memory] = [(&group.processor_was), (&group.memory_was)].map(Option::is_some);
        let denied = group.denied();
        assert_eq!([denied.processor.is_some(), denied.memory.is_some()], [processor, memory]);
        // As if the process had come from another group.
        group.membership_was.clear();
        assert_eq!(group.denied(), Denied::default());
    }
}
