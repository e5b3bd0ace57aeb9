//! Everything that a diagnosing pass probes, at the same time: a thread each, some sixty at the most.

use std::net::{IpAddr, SocketAddr};
use std::panic;
use std::thread::{self, Scope, ScopedJoinHandle};
use std::time::Duration;

use super::path::Measured;
use super::services::Prober;
use crate::probe::series::{self, Burst, Dead, Flows, Times};
use crate::probe::{Answerer, Error, Outcome, Phase};
use crate::time::Deadline;
use crate::verdict::{Protocol, Symptom, Tries};

/// How often a probe is tried again, one try after another: of a Service of which one of two rules leads
/// astray, at least one fails fifteen times in sixteen.
const TRIES: u32 = 4;

/// The time between the datagrams of another series.
const SPACING: Duration = Duration::from_millis(1);

/// The stack of a thread: none has more than a few KiB of buffers on it.
const STACK_SIZE: usize = 128 * 1024;

/// A protocol at an address.
pub(super) type Subject = (Protocol, SocketAddr);

/// What to try.
#[derive(Default)]
pub(super) struct Plan<'a> {
    /// Probes to try again and again.
    pub(super) subjects: Vec<Subject>,
    /// Bursts: to whom, from how many new source ports, and how many datagrams from each.
    pub(super) bursts: Vec<(SocketAddr, usize, usize)>,
    /// Measures the path MTU.
    pub(super) path: Option<&'a (dyn Fn(Deadline) -> Option<Measured> + Sync)>,
    /// Whether the latency is to be measured again, by another series.
    pub(super) times: bool,
}

/// What came of a plan, in its order.
#[derive(Default)]
pub(super) struct Results {
    pub(super) tries: Vec<Tries>,
    /// Who answered over HTTP at which address.
    pub(super) answerers: Vec<(IpAddr, Answerer)>,
    pub(super) bursts: Vec<Burst>,
    pub(super) path: Option<Measured>,
    pub(super) flows: Option<Dead>,
    pub(super) times: Option<Times>,
    /// The system had no thread left for some of it.
    pub(super) is_short: bool,
}

/// Carries `plan` out, all of it at once, before `deadline`; the silent ones of `flows` are asked again
/// meanwhile.
pub(super) fn carry_out(
    plan: &Plan,
    flows: Option<&mut Flows>,
    prober: Prober,
    deadline: Deadline,
) -> Results {
    thread::scope(|scope| {
        let tries =
            plan.subjects.iter().map(|subject| start(scope, move || try_again(*subject, prober, deadline)));
        let tries: Vec<_> = tries.collect();
        let bursts = plan.bursts.iter().map(|(peer, ports, each)| {
            let (peer, ports, each) = (*peer, *ports, *each);
            start(scope, move || series::burst(peer, ports, each, deadline))
        });
        let bursts: Vec<_> = bursts.collect();
        let path = plan.path.map(|measure| start(scope, move || measure(deadline)));
        let mut results = Results::default();
        if let Some(flows) = flows {
            results.flows = Some(flows.confirm(deadline));
            results.times = plan.times.then(|| flows.series(SPACING, deadline).times).flatten();
        }
        for ((_, address), handle) in plan.subjects.iter().zip(tries) {
            let (tries, answerer) = results.join(handle).unwrap_or((NOT_TRIED, None));
            results.tries.push(tries);
            results.answerers.extend(answerer.map(|answerer| (address.ip(), answerer)));
        }
        for handle in bursts {
            let burst = results.join(handle).unwrap_or_default();
            results.bursts.push(burst);
        }
        results.path = path.and_then(|handle| results.join(handle).flatten());
        results
    })
}

/// A try for which there was no thread: the prober's own failure.
const NOT_TRIED: Tries =
    Tries { made: 1, failed: 1, symptom: Some(Symptom { error: Error::Io, phase: Phase::Connect }) };

/// A running thread; `None` where this host has none left.
type Handle<'scope, T> = Option<ScopedJoinHandle<'scope, T>>;

fn start<'scope, T: Send + 'scope>(
    scope: &'scope Scope<'scope, '_>,
    work: impl FnOnce() -> T + Send + 'scope,
) -> Handle<'scope, T> {
    thread::Builder::new().stack_size(STACK_SIZE).spawn_scoped(scope, work).ok()
}

impl Results {
    fn join<T>(&mut self, handle: Handle<T>) -> Option<T> {
        self.is_short |= handle.is_none();
        handle.map(|handle| handle.join().unwrap_or_else(|panic| panic::resume_unwind(panic)))
    }
}

/// Probes again and again, each time with an equal share of the time left.
fn try_again((protocol, address): Subject, prober: Prober, deadline: Deadline) -> (Tries, Option<Answerer>) {
    let (mut tries, mut answerer) = (Tries::default(), None);
    for left in (1..=TRIES).rev() {
        tries.made += 1;
        match prober.probe(protocol, address, deadline.share(left)) {
            Outcome::Success(success) => answerer = success.answerer.or(answerer),
            Outcome::Failure(failure) => {
                tries.failed += 1;
                tries.symptom =
                    Some(telling(tries.symptom, Symptom { error: failure.error, phase: failure.phase }));
            }
        }
    }
    (tries, answerer)
}

/// The more telling of two symptoms: silence says the least. ICMP messages are limited to about one a second
/// (`icmp_ratelimit` in ip-sysctl), so that what was refused once looks silent when it is asked again.
pub(super) fn telling(before: Option<Symptom>, now: Symptom) -> Symptom {
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
