//! The metrics of the process itself, the same for server and client: its version, and what the kernel counts
//! for it, under the names that Prometheus' client libraries use.

use super::{Metric, Number, Page};
use crate::proc::process::Process;

const BUILD: Metric = Metric::gauge("smoker_build_info", "The version that runs.", &["version"]);
const CPU: Metric =
    Metric::counter("process_cpu_seconds_total", "Processor time used, user and system.", &[]);
const START: Metric =
    Metric::gauge("process_start_time_seconds", "When the process began, since the Unix epoch.", &[]);
const RESIDENT: Metric = Metric::gauge("process_resident_memory_bytes", "Resident memory.", &[]);
const VIRTUAL: Metric = Metric::gauge("process_virtual_memory_bytes", "Virtual memory.", &[]);
const OPEN_FDS: Metric = Metric::gauge("process_open_fds", "Open descriptors.", &[]);
const MAX_FDS: Metric = Metric::gauge("process_max_fds", "Descriptors that may be open.", &[]);
const THREADS: Metric = Metric::gauge("process_threads", "Threads.", &[]);

/// All of them, in the order of the page.
pub const OWN: &[Metric] = &[BUILD, CPU, START, RESIDENT, VIRTUAL, OPEN_FDS, MAX_FDS, THREADS];

/// Adds them to `page`; what the kernel does not say is left out.
pub fn write_own(page: &mut Page) {
    page.family(&BUILD).sample(&[env!("CARGO_PKG_VERSION")], Number::Whole(1));
    write_process(page, &Process::read());
}

fn write_process(page: &mut Page, process: &Process) {
    let seconds = |duration: Option<_>| duration.map(Number::Seconds);
    let whole = |number: Option<_>| number.map(Number::Whole);
    for (metric, number) in [
        (&CPU, seconds(process.cpu)),
        (&START, seconds(process.start)),
        (&RESIDENT, whole(process.resident)),
        (&VIRTUAL, whole(process.virtual_size)),
        (&OPEN_FDS, whole(process.descriptors)),
        (&MAX_FDS, whole(process.max_descriptors)),
        (&THREADS, whole(process.threads)),
    ] {
        if let Some(number) = number {
            page.family(metric).sample(&[], number);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::metrics::assert_declares;

    #[test]
    fn what_is_unknown_is_left_out() {
        let mut page = Page::default();
        write_process(&mut page, &Process::default());
        assert_eq!(page.into_text(), "");
        let process =
            Process { cpu: Some(Duration::from_millis(120)), threads: Some(3), ..Process::default() };
        let mut page = Page::default();
        write_process(&mut page, &process);
        let text = page.into_text();
        let samples: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
        assert_eq!(samples, ["process_cpu_seconds_total 0.12", "process_threads 3"]);
    }

    #[test]
    fn the_page_has_the_metrics_of_the_table() {
        let mut page = Page::default();
        write_own(&mut page);
        assert_declares(&page.into_text(), &[OWN]);
    }
}
