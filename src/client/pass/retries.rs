//! Everything that a diagnosing pass probes, at the same time: some sixty works at the most.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use crate::client::target::path_mtu::Measured;
use crate::client::target::protocols::Prober;
use crate::parallel::{self, Job};
use crate::probe::series::{self, Burst, Dead, Flows, Times};
use crate::probe::{Answerer, Error, Outcome, Phase, Protocol};
use crate::time::Deadline;
use crate::verdict::{Symptom, Tries};

/// The time between the datagrams of another series.
const SPACING: Duration = Duration::from_millis(1);

/// A protocol at an address.
pub(in crate::client) type Subject = (Protocol, SocketAddr);

/// What to try.
#[derive(Default)]
pub(in crate::client) struct Plan<'a> {
    /// Probes to try again and again.
    pub(in crate::client) subjects: Vec<Subject>,
    /// Bursts: to whom, from how many new source ports, and how many datagrams from each.
    pub(in crate::client) bursts: Vec<(SocketAddr, usize, usize)>,
    /// Measures the path MTU.
    pub(in crate::client) path: Option<&'a (dyn Fn(Deadline) -> Option<Measured> + Sync)>,
    /// Whether the latency is to be measured again, by another series.
    pub(in crate::client) times: bool,
}

/// What came of a plan, in its order.
#[derive(Default)]
pub(in crate::client) struct Results {
    pub(in crate::client) tries: Vec<Tries>,
    /// Who answered over HTTP at which address.
    pub(in crate::client) answerers: Vec<(IpAddr, Answerer)>,
    pub(in crate::client) bursts: Vec<Burst>,
    pub(in crate::client) path: Option<Measured>,
    pub(in crate::client) flows: Option<Dead>,
    pub(in crate::client) times: Option<Times>,
    /// The system had no thread left for some of it.
    pub(in crate::client) is_short: bool,
}

/// Carries `plan` out, all of it at once, before `deadline`; the silent ones of `flows` are asked again
/// meanwhile.
pub(in crate::client) fn carry_out(
    plan: &Plan,
    flows: Option<&mut Flows>,
    prober: Prober,
    deadline: Deadline,
) -> Results {
    let mut results = Results { bursts: vec![Burst::default(); plan.bursts.len()], ..Results::default() };
    let mut tried = vec![(NOT_TRIED, None); plan.subjects.len()];
    let Results { bursts, path, flows: dead, times, .. } = &mut results;
    let mut works: Vec<Job> = Vec::new();
    if let Some(flows) = flows {
        works.push(Box::new(move || {
            *dead = Some(flows.confirm(deadline));
            *times = plan.times.then(|| flows.series(SPACING, deadline).times).flatten();
        }));
    }
    for (subject, tried) in plan.subjects.iter().zip(&mut tried) {
        works.push(Box::new(move || *tried = try_again(*subject, prober, deadline)));
    }
    for ((peer, ports, each), burst) in plan.bursts.iter().zip(bursts) {
        works.push(Box::new(move || *burst = series::burst(*peer, *ports, *each, deadline)));
    }
    if let Some(measure) = plan.path {
        works.push(Box::new(move || *path = measure(deadline)));
    }
    results.is_short = parallel::run(works) > 0;
    for ((_, address), (tries, answerer)) in plan.subjects.iter().zip(tried) {
        results.tries.push(tries);
        results.answerers.extend(answerer.map(|answerer| (address.ip(), answerer)));
    }
    results
}

/// A try for which there was no thread: the prober's own failure.
const NOT_TRIED: Tries =
    Tries { made: 1, failed: 1, symptom: Some(Symptom { error: Error::Io, phase: Phase::Connect }) };

/// Probes again and again. The first try has half of the time, and with the usual five seconds enough of it
/// for two SYNs to be lost; the others share the rest. Where one has passed, no other is given less than
/// twice its time: what is slow is not dead.
///
/// Four tries are enough: of a Service of which one of two rules leads astray, at least two fail eleven times
/// in sixteen.
fn try_again((protocol, address): Subject, prober: Prober, deadline: Deadline) -> (Tries, Option<Answerer>) {
    let (mut tries, mut answerer) = (Tries::default(), None);
    let mut slowest = Duration::ZERO;
    for parts in [2, 3, 2, 1] {
        let share = deadline.share(parts);
        if share.left().map_or(true, |left| left < slowest * 2) {
            break;
        }
        tries.made += 1;
        match prober.probe(protocol, address, share) {
            Outcome::Success(success) => {
                slowest = slowest.max(success.latency);
                answerer = success.answerer.or(answerer);
            }
            Outcome::Failure(failure) => {
                tries.failed += 1;
                let symptom = Symptom { error: failure.error, phase: failure.phase };
                tries.symptom = Some(telling(tries.symptom, symptom));
            }
        }
    }
    (tries, answerer)
}

/// The more telling of two symptoms: silence says the least. ICMP messages are limited to about one a second
/// (`icmp_ratelimit` in ip-sysctl), so that what was refused once looks silent when it is asked again.
pub(in crate::client) fn telling(before: Option<Symptom>, now: Symptom) -> Symptom {
    before.filter(|_| now.error == Error::Timeout).unwrap_or(now)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn silence_does_not_hide_what_was_heard_before() {
        let symptom = |error| Symptom { error, phase: Phase::Receive };
        let [silent, refused, reset] = [Error::Timeout, Error::Refused, Error::Reset].map(symptom);
        assert_eq!(telling(None, silent), silent);
        assert_eq!(telling(Some(refused), silent), refused);
        assert_eq!(telling(Some(silent), refused), refused);
        assert_eq!(telling(Some(refused), reset), reset);
    }
}
