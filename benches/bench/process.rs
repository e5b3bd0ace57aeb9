//! What /proc says of a process and of this machine; tools (util-linux) that pin one and raise its limits.

use std::fs;
use std::io;
use std::process::{Command, Stdio};
use std::time::Duration;

/// The two cores that load and servers are kept on.
#[derive(Clone, Copy)]
pub(crate) struct Cores {
    pair: Option<(u32, u32)>,
}

impl Cores {
    /// Pins this process, and whatever it starts from now on, to the first core that it may use.
    pub(crate) fn pin_load() -> Self {
        let pair = allowed_cores().and_then(|cores| Some((*cores.first()?, *cores.get(1)?)));
        let pinned = pair.filter(|&(load, _)| pin(std::process::id(), load));
        Self { pair: pinned }
    }

    /// Pins `pid`, with its threads, to the second.
    pub(crate) fn pin_server(self, pid: u32) {
        if let Some((_, server)) = self.pair {
            pin(pid, server);
        }
    }

    /// What became of it, for the report.
    pub(crate) fn describe(self) -> &'static str {
        match self.pair {
            Some(_) => "load and server pinned to a core each",
            None => "NOT pinned (it takes two cores and taskset from util-linux)",
        }
    }
}

fn pin(pid: u32, core: u32) -> bool {
    run_quietly(Command::new("taskset").args(["-acp", &core.to_string(), &pid.to_string()]))
}

/// Raises this process's soft limit of open descriptors to the hard one, which is returned.
pub(crate) fn raise_descriptor_limit() -> io::Result<usize> {
    let limits = fs::read_to_string("/proc/self/limits")?;
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"));
    let mut values =
        line.unwrap_or_default().split_whitespace().map(|value| value.parse().unwrap_or(usize::MAX));
    let (soft, hard) = (values.next().unwrap_or(0), values.next().unwrap_or(0));
    let pid = std::process::id().to_string();
    let raised =
        run_quietly(Command::new("prlimit").args(["--pid", &pid, &format!("--nofile={hard}:{hard}")]));
    Ok(if raised { hard } else { soft })
}

/// Runs a tool without a word: whether it was there and succeeded.
pub(crate) fn run_quietly(command: &mut Command) -> bool {
    let quiet = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    quiet.status().is_ok_and(|status| status.success())
}

/// The CPU time of `pid`: exact for the threads that it has, within 20 ms where others have ended.
pub(crate) fn cpu(pid: u32) -> io::Result<Duration> {
    // Both are lower bounds: the first leaves ended threads out, the second is cut to ticks of 10 ms.
    let ticks = ticks(&fs::read_to_string(format!("/proc/{pid}/stat"))?, 2);
    Ok(cpu_of_threads(pid)?.max(ticks))
}

/// The CPU time of all children that have ended and were waited for, to ticks of 10 ms.
pub(crate) fn cpu_of_ended_children() -> io::Result<Duration> {
    let stat = fs::read_to_string("/proc/self/stat")?;
    Ok(ticks(&stat, 4).saturating_sub(ticks(&stat, 2)))
}

fn cpu_of_threads(pid: u32) -> io::Result<Duration> {
    let mut used = 0;
    for task in fs::read_dir(format!("/proc/{pid}/task"))? {
        // A thread may end between the listing and the reading.
        if let Ok(schedstat) = fs::read_to_string(task?.path().join("schedstat")) {
            used += number(schedstat.split_whitespace().next());
        }
    }
    Ok(Duration::from_nanos(used))
}

/// The sum of the first `count` of a process's utime, stime, and those of the children that it waited for.
fn ticks(stat: &str, count: usize) -> Duration {
    // They begin at the 14th field. The name, the second, is in brackets and may hold anything.
    let fields = stat.rsplit_once(')').map_or("", |(_, fields)| fields);
    let ticks: u64 = fields.split_whitespace().skip(11).take(count).map(|field| number(Some(field))).sum();
    Duration::from_millis(10 * ticks)
}

/// KiB that `pid` has in memory. Counted page by page: `VmRSS` is an estimate on many kernels.
pub(crate) fn resident_kib(pid: u32) -> io::Result<f64> {
    let kib = field(&format!("/proc/{pid}/smaps_rollup"), "Rss:")?;
    Ok(f64::from(u32::try_from(kib).unwrap_or(u32::MAX)))
}

/// The most KiB that `pid` ever had in memory.
pub(crate) fn peak_kib(pid: u32) -> io::Result<u64> {
    field(&format!("/proc/{pid}/status"), "VmHWM:")
}

/// How many threads `pid` has.
pub(crate) fn threads(pid: u32) -> io::Result<u64> {
    field(&format!("/proc/{pid}/status"), "Threads:")
}

/// The time that all processors together have worked, and what this process and its children had of it.
#[derive(Clone, Copy)]
pub(crate) struct Busy {
    all: Duration,
    own: Duration,
}

impl Busy {
    /// Until now.
    pub(crate) fn now() -> io::Result<Self> {
        let stat = fs::read_to_string("/proc/stat")?;
        let all = stat.lines().next().unwrap_or_default().split_whitespace().enumerate();
        // cpu user nice system idle iowait irq softirq steal: all but waiting; later ones are in the first.
        let busy =
            all.filter(|(field, _)| [1, 2, 3, 6, 7, 8].contains(field)).map(|(_, value)| number(Some(value)));
        let own = ticks(&fs::read_to_string("/proc/self/stat")?, 4);
        Ok(Self { all: Duration::from_millis(10 * busy.sum::<u64>()), own })
    }

    /// How much of the work since then was done for others (a virtual machine's host among them): 0 to 1.
    pub(crate) fn others_share(self) -> io::Result<f64> {
        let now = Self::now()?;
        let (all, own) = (now.all.saturating_sub(self.all), now.own.saturating_sub(self.own));
        Ok(all.saturating_sub(own).as_secs_f64() / all.as_secs_f64().max(0.01))
    }
}

/// The machine in a line: processor, cores, kernel.
pub(crate) fn machine() -> String {
    let cpuinfo = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpuinfo.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let model = model.map_or("unknown processor", |(_, name)| name);
    let cores = cpuinfo.lines().filter(|line| line.starts_with("processor")).count();
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    format!("{model}, {cores} cores, Linux {}", kernel.trim())
}

fn allowed_cores() -> Option<Vec<u32>> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let allowed = status.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:"))?;
    let mut cores = Vec::new();
    for part in allowed.trim().split(',') {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        cores.extend(first.parse::<u32>().ok()?..=last.parse().ok()?);
    }
    Some(cores)
}

fn field(path: &str, name: &str) -> io::Result<u64> {
    let text = fs::read_to_string(path)?;
    let rest = text.lines().find_map(|line| line.strip_prefix(name));
    Ok(number(rest.and_then(|rest| rest.split_whitespace().next())))
}

fn number(text: Option<&str>) -> u64 {
    text.and_then(|text| text.parse().ok()).unwrap_or(0)
}
