//! The jobs of a diagnosing pass, some sixty at the most and all at the same time: each fills in one field of
//! a form.

use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::client::target::protocols::Prober;
use crate::parallel::{self, Job};
use crate::probe::Outcome;
use crate::probe::path::MeasuredPath;
use crate::probe::series::{self, Flows, Shortage, Times};
use crate::time::Deadline;
use crate::verdict::{Evidence, Examination, NotTried, Probe, Symptom, Trial};

/// The time between the datagrams of another series.
const SPACING: Duration = Duration::from_millis(1);

/// How many replicas get a burst: their datagrams are on the way at the same time.
const DIRECT_BURSTS: usize = 2;

/// How many new source ports a burst has, and how many datagrams it sends from each.
#[derive(Clone, Copy)]
struct BurstSize {
    ports: usize,
    each: usize,
}

/// The burst to the target: 256 datagrams. With every twentieth lost, one port in a hundred thousand loses
/// all four.
const BURST: BurstSize = BurstSize { ports: 64, each: 4 };

/// The burst to a replica: it distinguishes a fault of some source ports from one of the target.
const DIRECT_BURST: BurstSize = BurstSize { ports: 64, each: 2 };

/// What is measured beside the protocols that are retried.
pub(super) struct Plan<'a> {
    pub(super) prober: Prober,
    /// The port for bursts; `None` where none are sent.
    pub(super) burst_port: Option<u16>,
    /// Whether another series measures the latency again.
    pub(super) repeats_series: bool,
    /// Measures the path MTU; `None` where that is not to be measured.
    pub(super) path: Option<&'a (dyn Fn(Deadline) -> Option<MeasuredPath> + Sync)>,
    pub(super) deadline: Deadline,
}

/// Fills in the forms of `evidence`, and `times` from another series of `flows`. Whether this host had too
/// few threads or sockets for all of it.
pub(super) fn fill_in(
    evidence: &mut Evidence,
    times: &mut Option<Times>,
    flows: Option<&mut Flows>,
    plan: &Plan,
) -> bool {
    let Evidence { target, replicas, flows: silent_flows, path, .. } = evidence;
    let is_short = AtomicBool::new(false);
    let mut jobs: Vec<Job> = Vec::new();
    if let Some(flows) = flows {
        jobs.push(Box::new(move || {
            *silent_flows = Some(flows.confirm(plan.deadline));
            if plan.repeats_series {
                *times = flows.series(SPACING, plan.deadline).times();
            }
        }));
    }
    if let Some(target) = target {
        add_jobs(&mut jobs, target, Some(BURST), plan, &is_short);
    }
    for (nth, replica) in replicas.all.iter_mut().enumerate() {
        let burst = (nth < DIRECT_BURSTS).then_some(DIRECT_BURST);
        add_jobs(&mut jobs, &mut replica.direct, burst, plan, &is_short);
    }
    if let Some(measure) = plan.path {
        jobs.push(Box::new(move || *path = measure(plan.deadline).or(path.take())));
    }
    let not_run = parallel::run(jobs);
    not_run > 0 || is_short.into_inner()
}

/// The jobs of one form: the protocols that have not passed, and a burst.
fn add_jobs<'a>(
    jobs: &mut Vec<Job<'a>>,
    examination: &'a mut Examination,
    burst: Option<BurstSize>,
    plan: &'a Plan,
    is_short: &'a AtomicBool,
) {
    let Examination { address, probes, burst: sent } = examination;
    let address = *address;
    for probe in probes.iter_mut().filter(|probe| probe.trial != Trial::Passed) {
        jobs.push(Box::new(move || retry(probe, address, plan, is_short)));
    }
    if let (Some(BurstSize { ports, each }), Some(port)) = (burst, plan.burst_port) {
        let peer = SocketAddr::new(address, port);
        jobs.push(Box::new(move || match series::burst(peer, ports, each, plan.deadline) {
            Ok(burst) => *sent = Some(burst),
            Err(Shortage) => is_short.store(true, Ordering::Relaxed),
        }));
    }
}

/// Probes again and again. The first try has half of the time, and with the usual five seconds enough of it
/// for two SYNs to be lost; the others share the rest. After one has passed, no other is given less than
/// twice its time: what is slow has not failed.
///
/// Four tries are enough: of a Service with one bad rule of two, at least two fail eleven times in sixteen.
///
/// What fails for want of a socket is no try.
fn retry(probe: &mut Probe, address: IpAddr, plan: &Plan, is_short: &AtomicBool) {
    if let Trial::NotTried(why) = &mut probe.trial {
        *why = NotTried::NoTime;
    }
    let address = SocketAddr::new(address, probe.port);
    let mut slowest = Duration::ZERO;
    for parts in [2, 3, 2, 1] {
        let share = plan.deadline.share(parts);
        if share.left().map_or(true, |left| left < slowest * 2) {
            break;
        }
        match plan.prober.probe(probe.protocol, address, share) {
            Outcome::Success(success) => {
                slowest = slowest.max(success.latency);
                probe.answerer = success.answerer.or(probe.answerer.take());
                probe.trial.add(Ok(()));
            }
            Outcome::Failure(failure) if failure.is_shortage => {
                is_short.store(true, Ordering::Relaxed);
                if let Trial::NotTried(why) = &mut probe.trial {
                    *why = NotTried::Shortage;
                }
                return;
            }
            Outcome::Failure(failure) => {
                probe.trial.add(Err(Symptom { error: failure.error, phase: failure.phase }));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, TcpListener};

    use super::*;
    use crate::client::pass::forms;
    use crate::client::round::Round;
    use crate::client::target::Aim;
    use crate::probe::{Addresses, Error, Phase, Protocol};
    use crate::verdict::{self, Listing, LookUp, Verdict};

    const LOCALHOST: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
    const REPLICA: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2));
    const FAILURE: Symptom = Symptom { error: Error::Timeout, phase: Phase::Connect };

    /// The forms of a pass after a round whose probe of `port` failed, with one listed replica.
    fn forms(port: u16) -> Evidence {
        let addresses = Addresses { first: LOCALHOST, others: vec![] };
        let mut round = Round::new("target".into(), Aim::At { addresses, look_up: LookUp::NotAsked });
        round.probes.push(Probe::of_round(Protocol::Tcp, port, Some(FAILURE)));
        let mut evidence = forms::of_round(&round, 100);
        forms::add_blank(&mut evidence, &round, &[REPLICA]);
        evidence.replicas.listing = Listing::Listed;
        evidence
    }

    fn fill_in_until(evidence: &mut Evidence, deadline: Deadline) {
        let prober = Prober { own: None };
        let plan = Plan { prober, burst_port: None, repeats_series: false, path: None, deadline };
        assert!(!fill_in(evidence, &mut None, None, &plan));
    }

    #[test]
    fn what_no_time_is_left_for_is_not_tried_and_blames_nothing() {
        // Both would answer.
        let target = TcpListener::bind((LOCALHOST, 0)).unwrap();
        let port = target.local_addr().unwrap().port();
        let replica = TcpListener::bind((REPLICA, port)).unwrap();
        let mut evidence = forms(port);
        fill_in_until(&mut evidence, Deadline::after(Duration::ZERO));
        drop((target, replica));
        assert_eq!(evidence.target.as_ref().unwrap().probes[0].trial, Trial::Failed { first: FAILURE });
        let replica = &evidence.replicas.all[0];
        assert_eq!(replica.direct.probes[0].trial, Trial::NotTried(NotTried::NoTime));
        assert!(!replica.answers() && !replica.fails());
        let ruling = verdict::judge(&evidence);
        assert_eq!(ruling.verdict, Verdict::Unknown);
        assert_eq!(ruling.evidence[..2], ["tcp:timeout", "endpoint:0/1/1untried"]);
    }

    #[test]
    fn each_protocol_that_has_not_passed_is_retried() {
        // The listener accepts in its backlog and does not echo.
        let listener = TcpListener::bind((LOCALHOST, 0)).unwrap();
        let mut evidence = forms(listener.local_addr().unwrap().port());
        fill_in_until(&mut evidence, Deadline::after(Duration::from_millis(200)));
        let retries = |trial| match trial {
            Trial::Retried(retries) => retries,
            other => panic!("{other:?}"),
        };
        let target = retries(evidence.target.unwrap().probes[0].trial);
        assert!((1..=4).contains(&target.made()) && target.failed() == target.made());
        let replica = &evidence.replicas.all[0];
        let of_replica = retries(replica.direct.probes[0].trial);
        assert_eq!((of_replica.made(), of_replica.failed()), (4, 4));
        assert!(replica.fails());
    }

    #[test]
    fn a_form_that_no_job_has_filled_in_says_that_this_host_was_short() {
        let evidence = forms(1);
        let trial = evidence.replicas.all[0].direct.probes[0].trial;
        assert_eq!(trial, Trial::NotTried(NotTried::Shortage));
    }
}
