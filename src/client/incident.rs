//! The verdict that stands, since when, and what of it is news. Pure.

use std::time::{Duration, Instant, SystemTime};

use crate::verdict::{Ruling, Subject, Verdict};

/// What was judged last.
#[derive(Debug, Default)]
pub(super) struct Standing {
    fault: Option<Fault>,
    is_known: bool,
}

/// A fault that has not ended.
#[derive(Clone, Debug)]
struct Fault {
    verdict: Verdict,
    /// What exactly is blamed.
    subject: Subject,
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
    /// A fault, and since when there is this one.
    Fault { since: SystemTime },
    /// No fault any more: how long there was this one.
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

    /// What there is to tell of the verdict that stands, to whoever has not heard it.
    pub(super) fn repeated(&self) -> News {
        match &self.fault {
            Some(fault) => News::Fault { since: fault.since.wall },
            None => News::Told,
        }
    }

    /// The verdict that stands after `ruling` on the round that began at `round`, and what is new about it.
    /// A failure that passes at once ends no fault: nobody knows yet whether the next one will. Nor does a
    /// round in which the prober was starved: what was found before has not become untrue. A fault that
    /// nobody could name has begun when it was first seen, and every other when it was first named.
    pub(super) fn judge(&mut self, ruling: &Ruling, round: Moment) -> (Verdict, News) {
        let (verdict, is_first) = (ruling.verdict, !self.is_known);
        self.is_known |= verdict != Verdict::Transient;
        match (verdict, self.fault.take()) {
            (Verdict::Healthy, None) => (verdict, if is_first { News::Told } else { News::None }),
            (Verdict::Transient, None) => (verdict, News::Told),
            (Verdict::Healthy, Some(fault)) => {
                let after = round.monotonic.saturating_duration_since(fault.since.monotonic);
                (verdict, News::Recovered { after, was: fault.verdict })
            }
            (Verdict::Transient | Verdict::Prober, Some(fault)) => {
                (self.fault.insert(fault).verdict, News::None)
            }
            (_, before) => {
                let is_same = before.as_ref().is_some_and(|fault| fault.verdict == verdict);
                let is_news = before.as_ref().is_none_or(|fault| !is_same || fault.subject != ruling.subject);
                let begun = before.filter(|fault| is_same || fault.verdict == Verdict::Unknown);
                let since = begun.map_or(round, |fault| fault.since);
                self.fault = Some(Fault { verdict, subject: ruling.subject.clone(), since });
                (verdict, if is_news { News::Fault { since: since.wall } } else { News::None })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ruling(verdict: Verdict, about: &[u8]) -> Ruling {
        let replicas = about.iter().map(|last| [10, 244, 1, *last].into()).collect();
        let subject = if about.is_empty() { Subject::Implied } else { Subject::Replicas(replicas) };
        Ruling { verdict, detail: String::new(), evidence: vec![], subject }
    }

    #[test]
    fn what_is_new_is_told_once() {
        use Verdict::{Healthy, Prober, Replica, Service, Transient, Unknown};
        let start = Moment::now();
        let at = |seconds| {
            let later = Duration::from_secs(seconds);
            Moment { wall: start.wall + later, monotonic: start.monotonic + later }
        };
        let fault = |since| News::Fault { since: at(since).wall };
        let after = |seconds, was| News::Recovered { after: Duration::from_secs(seconds), was };
        let mut standing = Standing::default();
        for (seconds, verdict, about, stands, news) in [
            (0, Healthy, &[][..], Healthy, News::Told),
            (10, Healthy, &[], Healthy, News::None),
            (20, Transient, &[], Transient, News::Told),
            (30, Transient, &[], Transient, News::Told),
            (40, Healthy, &[], Healthy, News::None),
            (60, Unknown, &[], Unknown, fault(60)),
            (70, Service, &[], Service, fault(60)),
            (80, Service, &[], Service, News::None),
            (90, Transient, &[], Service, News::None),
            (100, Prober, &[], Service, News::None),
            (110, Replica, &[1], Replica, fault(110)),
            (120, Replica, &[1, 2], Replica, fault(110)),
            (130, Replica, &[1, 2], Replica, News::None),
            (440, Healthy, &[], Healthy, after(330, Replica)),
            (450, Healthy, &[], Healthy, News::None),
            (460, Prober, &[], Prober, fault(460)),
            (470, Service, &[], Service, fault(470)),
        ] {
            assert_eq!(standing.judge(&ruling(verdict, about), at(seconds)), (stands, news), "{seconds} s");
            assert_eq!(standing.is_faulty(), ![Healthy, Transient].contains(&stands), "{seconds} s");
        }
        assert_eq!(standing.repeated(), fault(470));
    }

    #[test]
    fn a_fault_in_the_first_round_is_told_as_one() {
        let now = Moment::now();
        let (local, transient) = (ruling(Verdict::Local, &[]), ruling(Verdict::Transient, &[]));
        let fault = News::Fault { since: now.wall };
        assert_eq!(Standing::default().judge(&local, now), (Verdict::Local, fault));
        assert_eq!(Standing::default().judge(&transient, now), (Verdict::Transient, News::Told));
        assert_eq!(Standing::default().repeated(), News::Told);
    }
}
