//! What every Smoker tells of itself, server or client: its version, and what the kernel says of its process
//! under the names that are usual for it.

use super::{Number, Page};
use crate::proc::process::Process;

/// Adds them to `page`; what the kernel does not say is left out.
pub fn write_own(page: &mut Page) {
    let version = [("version", env!("CARGO_PKG_VERSION"))];
    page.gauge("smoker_build_info", "The version that runs.").sample(&version, Number::Whole(1));
    write_process(page, &Process::read());
}

fn write_process(page: &mut Page, process: &Process) {
    let seconds = |duration: Option<_>| duration.map(Number::Seconds);
    let whole = |number: Option<_>| number.map(Number::Whole);
    if let Some(number) = seconds(process.cpu) {
        let help = "Processor time used, user and system.";
        page.counter("process_cpu_seconds_total", help).sample(&[], number);
    }
    for (name, help, number) in [
        (
            "process_start_time_seconds",
            "When the process began, since the Unix epoch.",
            seconds(process.start),
        ),
        ("process_resident_memory_bytes", "Resident memory.", whole(process.resident)),
        ("process_virtual_memory_bytes", "Virtual memory.", whole(process.virtual_size)),
        ("process_open_fds", "Open descriptors.", whole(process.descriptors)),
        ("process_max_fds", "Descriptors that may be open.", whole(process.max_descriptors)),
        ("process_threads", "Threads.", whole(process.threads)),
    ] {
        if let Some(number) = number {
            page.gauge(name, help).sample(&[], number);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn what_is_not_known_is_not_told() {
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
}
