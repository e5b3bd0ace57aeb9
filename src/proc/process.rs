//! This process: its processor time, memory, descriptors and threads (proc(5)).

use std::fs;
use std::sync::OnceLock;
use std::time::{SystemTime, UNIX_EPOCH};

use super::{Duration, number, read};
use crate::digits;

/// The kernel's ticks in what it reports to programs, whatever it uses internally (`USER_HZ`).
const TICKS_PER_SECOND: u64 = 100;

/// Each of the files has less than 2 KiB, unless the process is in hundreds of groups.
const FILE_LIMIT: usize = 4 * 1024;

/// What is known of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Process {
    /// Processor time, user and system, in steps of 10 ms.
    pub cpu: Option<Duration>,
    /// When it began, since the Unix epoch.
    pub start: Option<Duration>,
    /// Resident memory, in bytes.
    pub resident: Option<u64>,
    /// Virtual memory, in bytes.
    pub virtual_size: Option<u64>,
    /// Open descriptors.
    pub descriptors: Option<u64>,
    /// How many may be open.
    pub max_descriptors: Option<u64>,
    /// Threads.
    pub threads: Option<u64>,
}

impl Process {
    /// What is known now.
    pub fn read() -> Self {
        let [stat, status, limits] = ["stat", "status", "limits"]
            .map(|file| read(&format!("/proc/self/{file}"), FILE_LIMIT).unwrap_or_default());
        let times = Times::parse(&stat);
        Self {
            cpu: times.map(|times| times.cpu),
            start: times.and_then(|times| start(times.start)),
            resident: kibibytes(&status, "VmRSS"),
            virtual_size: kibibytes(&status, "VmSize"),
            descriptors: descriptors(),
            max_descriptors: max_descriptors(&limits),
            threads: number(&status, "Threads"),
        }
    }
}

/// The times in /proc/self/stat.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Times {
    cpu: Duration,
    /// Since the machine started.
    start: Duration,
}

impl Times {
    fn parse(stat: &[u8]) -> Option<Self> {
        // The command's name, in parentheses, may hold anything; the third field is the first after it.
        let behind_name = stat.iter().rposition(|byte| *byte == b')')? + 1;
        let fields = str::from_utf8(&stat[behind_name..]).ok()?;
        let field = |number: usize| {
            digits::number(fields.split_ascii_whitespace().nth(number - 3)?.as_bytes()).map(ticks)
        };
        Some(Self { cpu: field(14)?.saturating_add(field(15)?), start: field(22)? })
    }
}

fn ticks(ticks: u64) -> Duration {
    let (seconds, rest) = (ticks / TICKS_PER_SECOND, ticks % TICKS_PER_SECOND);
    Duration::from_secs(seconds) + Duration::from_secs(rest) / 100
}

/// Computed once: a step of the clock moves no start.
fn start(since_boot: Duration) -> Option<Duration> {
    static START: OnceLock<Option<Duration>> = OnceLock::new();
    *START.get_or_init(|| {
        let uptime = uptime(&read("/proc/uptime", FILE_LIMIT)?)?;
        let now = SystemTime::now().duration_since(UNIX_EPOCH).ok()?;
        now.checked_sub(uptime.checked_sub(since_boot)?)
    })
}

/// `350735.47 234388.90`: seconds since the machine started, and idle ones, with two decimals each.
fn uptime(text: &[u8]) -> Option<Duration> {
    let (seconds, hundredths) = str::from_utf8(text).ok()?.split_once(' ')?.0.split_once('.')?;
    let seconds = digits::number(seconds.as_bytes())?.checked_mul(TICKS_PER_SECOND)?;
    Some(ticks(seconds) + ticks(digits::number(hundredths.as_bytes())?))
}

fn kibibytes(status: &[u8], key: &str) -> Option<u64> {
    number(status, key)?.checked_mul(1024)
}

/// Without the one that looks. Their number is bounded by the process's limit.
fn descriptors() -> Option<u64> {
    Some((fs::read_dir("/proc/self/fd").ok()?.count() as u64).saturating_sub(1))
}

fn max_descriptors(limits: &[u8]) -> Option<u64> {
    let text = str::from_utf8(limits).ok()?;
    let values = text.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    digits::number(values.split_ascii_whitespace().next()?.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    const STAT: &[u8] =
        b"4711 (a b) c) S 1 4711 4711 0 -1 4194560 100 0 0 0 150 27 0 0 20 0 3 0 123456 4096 9 0";

    #[test]
    fn times_are_found_behind_a_name_that_holds_anything() {
        let (cpu, start) = (Duration::from_millis(1770), Duration::from_millis(1_234_560));
        assert_eq!(Times::parse(STAT), Some(Times { cpu, start }));
        assert_eq!(Times::parse(b""), None);
        assert_eq!(Times::parse(b"1 (a) S 1"), None);
    }

    #[test]
    fn uptime_limits_and_sizes_are_read() {
        assert_eq!(uptime(b"350735.47 234388.90\n"), Some(Duration::from_millis(350_735_470)));
        let limits = b"Limit    Soft Limit   Hard Limit   Units\nMax open files   1024   4096   files\n";
        assert_eq!(max_descriptors(limits), Some(1024));
        assert_eq!(max_descriptors(b"Max open files   unlimited   unlimited   files\n"), None);
        assert_eq!(kibibytes(b"VmRSS:\t    1840 kB\n", "VmRSS"), Some(1_884_160));
        assert_eq!(kibibytes(format!("VmRSS: {} kB", u64::MAX).as_bytes(), "VmRSS"), None);
    }

    #[test]
    fn this_process_is_known_whole() {
        let process = Process::read();
        assert!(process.cpu.is_some() && process.threads > Some(0));
        assert!(process.resident > Some(0) && process.resident < process.virtual_size);
        assert!(process.descriptors > Some(0) && process.descriptors < process.max_descriptors);
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        let age = now.checked_sub(process.start.unwrap()).unwrap();
        assert!(age < Duration::from_hours(1), "{age:?}");
        assert_eq!(Process::read().start, process.start);
    }

    #[test]
    fn no_content_of_the_files_is_a_panic() {
        let uptime_text: &[u8] = b"350735.47 234388.90\n";
        super::super::cgroup::garble(&[STAT, uptime_text, b"VmRSS:\t18446744073709551615 kB\n"], |bytes| {
            let _ = (Times::parse(bytes), uptime(bytes), max_descriptors(bytes), kibibytes(bytes, "VmRSS"));
        });
    }
}
