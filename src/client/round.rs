//! What one round has found before anything is tried again, and whether that calls for a diagnosing pass.
//! Pure.

use std::net::IpAddr;

use super::finding::Finding;
use super::target::Aim;
use crate::probe::Protocol;
use crate::probe::path::MeasuredPath;
use crate::probe::series::Series;
use crate::verdict::{Probe, Slowness, Symptom, Trial};

/// The findings of a round.
pub(super) struct Round {
    /// The target as it is configured.
    pub(super) host: String,
    pub(super) aim: Aim,
    /// The probes of the target, none of them retried.
    pub(super) probes: Vec<Probe>,
    pub(super) series: Option<Series>,
    pub(super) path: Option<MeasuredPath>,
    /// It is a black hole, or smaller than the last one that was measured.
    pub(super) is_path_worse: bool,
    /// The replica that was probed, if it failed without an excuse.
    pub(super) failed_replica: Option<IpAddr>,
    pub(super) is_any_nameserver_silent: bool,
    /// The latency of the series is far above the baseline.
    pub(super) slowness: Option<Slowness>,
}

impl Round {
    pub(super) fn new(host: String, aim: Aim) -> Self {
        Self {
            host,
            aim,
            probes: Vec::new(),
            series: None,
            path: None,
            is_path_worse: false,
            failed_replica: None,
            is_any_nameserver_silent: false,
            slowness: None,
        }
    }

    /// Takes in what a step has found.
    pub(super) fn add(&mut self, finding: Finding) {
        let first = finding.symptom();
        let is_fault = finding.is_fault();
        match finding {
            Finding::Probed { protocol, report, .. } => {
                self.add_probe(protocol, report.address.port(), first);
            }
            Finding::NotProbed { protocol, port, .. } => self.add_probe(protocol, port, first),
            Finding::Series { series, .. } => self.series = Some(series),
            Finding::EndpointFailed { address, .. } => self.failed_replica = is_fault.then_some(address.ip()),
            Finding::Path { path, .. } => self.path = Some(path),
            Finding::Found { .. }
            | Finding::NotFound { .. }
            | Finding::NoFlows { .. }
            | Finding::Endpoint { .. }
            | Finding::Burst(_) => {}
        }
    }

    fn add_probe(&mut self, protocol: Protocol, port: u16, first: Option<Symptom>) {
        self.probes.push(Probe::of_round(protocol, port, first));
    }

    /// Whether a probe of the target, or the look-up of its name, has failed.
    pub(super) fn has_failed(&self) -> bool {
        self.aim.look_up().error().is_some() || self.probes.iter().any(|probe| probe.trial != Trial::Passed)
    }

    /// Whether no probe of the target has passed.
    pub(super) fn all_have_failed(&self) -> bool {
        self.probes.iter().all(|probe| probe.trial != Trial::Passed)
    }

    /// Whether there is something that only a pass can explain.
    pub(super) fn calls_for_pass(&self) -> bool {
        let loses = |series: &Series| {
            series.counts.lost.total() > 0 || series.dead_flows > 0 || series.failure().is_some()
        };
        self.has_failed()
            || self.failed_replica.is_some()
            || self.is_any_nameserver_silent
            || self.slowness.is_some()
            || self.series.as_ref().is_some_and(loses)
            || self.is_path_worse
    }
}
