//! Every fault of the laboratory, and what became of each: several at a time, and a table at the end.

use std::collections::BTreeMap;
use std::env;
use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::process::Command;
use std::sync::Mutex;
use std::thread;
use std::time::Instant;

use smoker::verdict::Verdict;

use crate::CORES;
use crate::trial::{Finding, trial};

/// Laboratories at a time. They wait most of the time: on two cores each is as quick as it is alone.
const AT_A_TIME: usize = 7;

/// A fault, as `scripts/lab.sh list` has it.
#[derive(Clone, Debug)]
pub(crate) struct Fault {
    pub(crate) name: String,
    pub(crate) verdict: String,
}

impl Fault {
    /// How many rounds may pass before the verdict.
    pub(crate) fn rounds(&self) -> usize {
        // Of 16 flows none may lose a datagram where 5 % are lost, which happens in 44 of 100 rounds, and
        // none may have the port in eight that loses all, which happens to 12 of 100 clients. What is lost
        // between the nodes only, no round sees that measures the replica on the client's own node.
        let by_chance = [
            "loss_forward",
            "loss_return",
            "flow_eighth",
            "flow_quarter",
            "mtu_between_nodes",
            "service_half_stale",
        ];
        if by_chance.contains(&&*self.name) { 10 } else { 1 }
    }

    /// How many healthy rounds it takes before: `slow` needs a history.
    pub(crate) fn rounds_before(&self) -> usize {
        if self.verdict == "slow" { 12 } else { 1 }
    }

    /// Whether there is no fault left to undo.
    pub(crate) fn passes_by_itself(&self) -> bool {
        self.verdict == "transient"
    }

    /// The client's flags.
    pub(crate) fn flags(&self) -> &'static str {
        match &*self.verdict {
            "unknown" => "",
            // What only large datagrams show is looked for in every tenth round otherwise.
            "mtu" => "--endpoints-host smoker-server-endpoints --mtu-interval 1",
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
fn trials(faults: &[Fault]) -> Vec<Finding> {
    let mut queue: Vec<(usize, &Fault)> = faults.iter().enumerate().collect();
    // The longest are to be the first, which are the last of a stack.
    queue.sort_by_key(|(_, fault)| fault.rounds_before());
    let (queue, findings) = (Mutex::new(queue), Mutex::new(BTreeMap::new()));
    let work = || {
        let next = || queue.lock().unwrap().pop();
        while let Some((place, fault)) = next() {
            let mut finding = trial(fault);
            // Other people keep this machine busy.
            if finding.is_in_doubt(fault) {
                finding = Finding { is_second: true, ..trial(fault) };
            }
            findings.lock().unwrap().insert(place, finding);
        }
    };
    thread::scope(|scope| {
        for _ in 0..AT_A_TIME {
            scope.spawn(work);
        }
    });
    findings.into_inner().unwrap().into_values().collect()
}

/// A line a fault, and under it what is wrong.
fn table(faults: &[Fault], findings: &[Finding]) -> String {
    let mut table =
        String::from("fault                  expected     got          rounds     after    recovered\n");
    for (Fault { name, verdict }, finding) in faults.iter().zip(findings) {
        let (got, rounds) = (finding.got.as_deref().unwrap_or("-"), finding.rounds);
        let recovered = finding.recovered.map_or("-".into(), |after| format!("{:.1} s", after.as_secs_f64()));
        let took = finding.took.as_secs_f64();
        let second = if finding.is_second { "  at the second trial" } else { "" };
        let _ = writeln!(
            table,
            "{name:22} {verdict:12} {got:12} {rounds:6} {took:7.1} s {recovered:>12}{second}"
        );
        for complaint in &finding.complaints {
            let _ = writeln!(table, "    {complaint}");
        }
    }
    table
}

#[test]
#[ignore = "needs root: network namespaces"]
fn every_fault_has_its_verdict() {
    let _cores = CORES.lock();
    let start = Instant::now();
    let mut faults = list();
    // For a person: of these names or verdicts alone, and with every line that was received.
    let chosen = env::var("SMOKER_LAB").ok();
    if let Some(chosen) = &chosen {
        let words: Vec<&str> = chosen.split_whitespace().collect();
        faults.retain(|fault| words.contains(&&*fault.name) || words.contains(&&*fault.verdict));
    }
    let findings = trials(&faults);
    let mut report = table(&faults, &findings);
    for (fault, finding) in faults.iter().zip(&findings) {
        if chosen.is_some() || !finding.complaints.is_empty() {
            let _ = write!(report, "\n{}\n{}", fault.name, finding.transcript);
        }
    }
    let _ = writeln!(report, "{} faults in {:.0} s", faults.len(), start.elapsed().as_secs_f64());
    // Past the test harness, which shows what is printed of failed tests alone.
    io::stderr().write_all(report.as_bytes()).unwrap();
    let wrong = findings.iter().filter(|finding| !finding.complaints.is_empty()).count();
    assert_eq!(wrong, 0, "of {} faults", faults.len());
}

/// Two are the least, and `healthy` is none.
#[test]
fn every_verdict_has_its_faults() {
    let faults = list();
    let of = |verdict: &str| faults.iter().filter(|fault| fault.verdict == verdict).count();
    for verdict in Verdict::ALL.map(Verdict::name) {
        assert!(if verdict == "healthy" { of(verdict) == 0 } else { of(verdict) >= 2 }, "{verdict}");
    }
    let known = |fault: &Fault| Verdict::ALL.iter().any(|verdict| verdict.name() == fault.verdict);
    assert!(faults.iter().all(known), "{faults:?}");
}
