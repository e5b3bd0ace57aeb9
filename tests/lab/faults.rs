//! Every fault of the laboratory, and what became of each: several at a time, and a table at the end.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::process::Command;
use std::sync::Mutex;
use std::thread;
use std::time::Instant;

use crate::CORES;
use crate::trial::{Finding, trial};

/// Laboratories at a time. They wait most of the time: with two cores, each is still as quick as it is alone.
const AT_A_TIME: usize = 6;

/// A fault, as `scripts/lab.sh list` has it.
#[derive(Clone, Debug)]
pub(crate) struct Fault {
    pub(crate) name: String,
    pub(crate) verdict: String,
}

impl Fault {
    /// How many rounds may pass before the verdict.
    pub(crate) fn rounds(&self) -> usize {
        match &*self.name {
            // Of 16 flows none may lose its datagram: where 5 % are lost, in 44 of 100 rounds; where a port in
            // eight loses everything, the same 12 of 100 clients in every round, but for the PING's new port.
            "loss_forward" | "loss_return" | "flow_eighth" => 10,
            _ => 1,
        }
    }

    /// How many rounds may pass after the mending.
    pub(crate) fn rounds_to_recover(&self) -> usize {
        1
    }

    /// How many healthy rounds it takes before: `slow` is told by a history.
    pub(crate) fn rounds_before(&self) -> usize {
        if self.verdict == "slow" { 12 } else { 2 }
    }

    /// Whether nothing is left to be mended.
    pub(crate) fn passes_by_itself(&self) -> bool {
        self.verdict == "transient"
    }

    /// The client's flags.
    pub(crate) fn flags(&self) -> &'static str {
        match (&*self.name, &*self.verdict) {
            ("target_silent", _) => "",
            // What only large datagrams show is looked for in every tenth round otherwise.
            (_, "mtu") => "--endpoints-host smoker-server-endpoints --mtu-interval 1",
            _ => "--endpoints-host smoker-server-endpoints",
        }
    }
}

/// The faults that there are.
fn list() -> Vec<Fault> {
    let mut command = Command::new("scripts/lab.sh");
    let output = command.arg("list").current_dir(env!("CARGO_MANIFEST_DIR")).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let list = String::from_utf8(output.stdout).unwrap();
    let fault = |line: &str| {
        let mut words = line.split_whitespace().map(str::to_owned);
        Fault { name: words.next().unwrap(), verdict: words.next().unwrap() }
    };
    list.lines().map(fault).collect()
}

/// What became of `faults`, in their order.
fn trials(faults: Vec<Fault>) -> Vec<Finding> {
    let count = faults.len();
    let (queue, findings) = (Mutex::new(faults.into_iter().enumerate()), Mutex::new(BTreeMap::new()));
    thread::scope(|scope| {
        for _ in 0..AT_A_TIME.min(count) {
            scope.spawn(|| {
                loop {
                    let Some((place, fault)) = queue.lock().unwrap().next() else { return };
                    let finding = trial(fault);
                    findings.lock().unwrap().insert(place, finding);
                }
            });
        }
    });
    findings.into_inner().unwrap().into_values().collect()
}

/// A line a fault.
fn table(findings: &[Finding]) -> String {
    let mut table = String::from("fault                  expected     got          rounds    after   mended after\n");
    for Finding { fault, got, rounds, took, healthy_after, complaints, .. } in findings {
        let got = got.as_deref().unwrap_or("nothing");
        let healthy = healthy_after.map_or("-".into(), |after| format!("{:.1} s", after.as_secs_f64()));
        let _ = write!(table, "{:22} {:12} {got:12} {rounds:6} {:6.1} s {healthy:>14}", fault.name, fault.verdict, took.as_secs_f64());
        let _ = writeln!(table, "{}", complaints.iter().map(|complaint| format!("\n    {complaint}")).collect::<String>());
    }
    table
}

#[test]
#[ignore = "needs root: network namespaces"]
fn every_fault_has_its_verdict() {
    let _cores = CORES.lock();
    let start = Instant::now();
    let mut faults = list();
    // For a person: SMOKER_LAB="replica_frozen no_route" runs these alone, and shows what was heard.
    let chosen = std::env::var("SMOKER_LAB").ok();
    if let Some(chosen) = &chosen {
        faults.retain(|fault| chosen.split_whitespace().any(|name| fault.name == name || fault.verdict == name));
    }
    let findings = trials(faults);
    let mut report = table(&findings);
    for finding in &findings {
        if chosen.is_some() || !finding.complaints.is_empty() {
            let _ = write!(report, "\n{}\n{}", finding.fault.name, finding.transcript);
        }
    }
    let _ = writeln!(report, "{} faults in {:.0} s", findings.len(), start.elapsed().as_secs_f64());
    // Seen even where the test passes: what is printed otherwise is not shown then.
    io::stderr().write_all(report.as_bytes()).unwrap();
    let wrong: Vec<_> = findings.iter().filter(|finding| !finding.complaints.is_empty()).collect();
    assert!(wrong.is_empty(), "{} of {} faults", wrong.len(), findings.len());
}

/// Each verdict but `healthy` is of at least two faults.
#[test]
fn every_verdict_has_its_faults() {
    let mut faults: BTreeMap<String, usize> = BTreeMap::new();
    for fault in list() {
        *faults.entry(fault.verdict).or_default() += 1;
    }
    assert!(faults.values().all(|count| *count >= 2), "{faults:?}");
}
