//! The verdict that stands, since when, and what of it is news. Pure.

use std::time::{Duration, Instant, SystemTime};

use crate::verdict::Verdict;

/// What was judged last.
#[derive(Debug, Default)]
pub(super) struct Standing {
    fault: Option<Fault>,
    is_known: bool,
}

/// A fault that has not ended. It may have changed its verdict on the way.
#[derive(Clone, Copy, Debug)]
struct Fault {
    verdict: Verdict,
    since: Moment,
}

/// A moment by both clocks: one to tell, one to measure.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moment {
    pub(super) wall: SystemTime,
    pub(super) monotonic: Instant,
}

/// What there is to tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum News {
    /// Nothing: it is as it was.
    None,
    /// The first verdict of all, and a good one; or a transient failure, which is over.
    Told,
    /// A fault, and since when there is one.
    Fault { since: SystemTime },
    /// No fault any more: how long there was one, and what it was at the end.
    Recovered { after: Duration, was: Verdict },
}

impl Moment {
    pub(super) fn now() -> Self {
        Self { wall: SystemTime::now(), monotonic: Instant::now() }
    }
}

impl Standing {
    /// Whether something is broken.
    pub(super) fn is_faulty(&self) -> bool {
        self.fault.is_some()
    }

    /// The verdict that stands after `verdict` on the round that began at `round`, and what is new about it.
    /// A failure that passes at once ends no fault: nobody knows yet whether the next one will. Nor does a
    /// round in which the prober was starved: what was found before has not become untrue.
    pub(super) fn judge(&mut self, verdict: Verdict, round: Moment) -> (Verdict, News) {
        let is_first = !std::mem::replace(&mut self.is_known, true);
        match (verdict, self.fault) {
            (Verdict::Healthy, None) => (verdict, if is_first { News::Told } else { News::None }),
            (Verdict::Healthy, Some(fault)) => {
                self.fault = None;
                let after = round.monotonic.saturating_duration_since(fault.since.monotonic);
                (verdict, News::Recovered { after, was: fault.verdict })
            }
            (Verdict::Transient, None) => (verdict, News::Told),
            (Verdict::Transient | Verdict::Prober, Some(fault)) => (fault.verdict, News::None),
            (_, Some(fault)) if fault.verdict == verdict => (verdict, News::None),
            (_, before) => {
                let since = before.map_or(round, |fault| fault.since);
                self.fault = Some(Fault { verdict, since });
                (verdict, News::Fault { since: since.wall })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_new_is_told_once() {
        use Verdict::{Healthy, Prober, Replica, Service, Transient};
        let start = Moment::now();
        let at = |seconds| {
            let later = Duration::from_secs(seconds);
            Moment { wall: start.wall + later, monotonic: start.monotonic + later }
        };
        let since = at(60).wall;
        let after = |seconds, was| News::Recovered { after: Duration::from_secs(seconds), was };
        let mut standing = Standing::default();
        for (seconds, verdict, stands, news) in [
            (0, Healthy, Healthy, News::Told),
            (10, Healthy, Healthy, News::None),
            (20, Transient, Transient, News::Told),
            (30, Transient, Transient, News::Told),
            (40, Healthy, Healthy, News::None),
            (60, Service, Service, News::Fault { since }),
            (70, Service, Service, News::None),
            (80, Transient, Service, News::None),
            (85, Prober, Service, News::None),
            (90, Replica, Replica, News::Fault { since }),
            (100, Service, Service, News::Fault { since }),
            (390, Healthy, Healthy, after(330, Service)),
            (400, Healthy, Healthy, News::None),
            (410, Replica, Replica, News::Fault { since: at(410).wall }),
            (420, Healthy, Healthy, after(10, Replica)),
            (430, Prober, Prober, News::Fault { since: at(430).wall }),
            (440, Service, Service, News::Fault { since: at(430).wall }),
        ] {
            assert_eq!(standing.judge(verdict, at(seconds)), (stands, news), "after {seconds} s");
            assert_eq!(standing.is_faulty(), ![Healthy, Transient].contains(&stands), "after {seconds} s");
        }
    }

    #[test]
    fn a_fault_in_the_first_round_is_told_as_one() {
        let now = Moment::now();
        assert_eq!(
            Standing::default().judge(Verdict::Local, now),
            (Verdict::Local, News::Fault { since: now.wall })
        );
        assert_eq!(Standing::default().judge(Verdict::Transient, now), (Verdict::Transient, News::Told));
    }
}
