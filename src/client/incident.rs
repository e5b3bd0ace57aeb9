//! The incident that is open, if one is: a verdict opened, changed, resolved, and which of that is to be
//! logged. Pure.

use std::time::{Duration, Instant, SystemTime};

use crate::verdict::{Ruling, Verdict};

/// What the rulings so far have come to.
#[derive(Debug, Default)]
pub(super) struct Incidents {
    state: State,
    /// The last ruling that described the state, and not a passing failure.
    last: Option<Ruling>,
}

#[derive(Clone, Copy, Debug, Default)]
enum State {
    /// Nothing was judged yet, or only failures that passed at once.
    #[default]
    NotKnown,
    /// Nothing is wrong.
    Clear,
    /// An incident is open, with its verdict, since then.
    Open(Verdict, Moment),
}

/// A moment by both clocks: the wall's for lines, the monotonic one to measure from.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moment {
    pub(super) wall: SystemTime,
    pub(super) monotonic: Instant,
}

/// What a ruling has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    /// Nothing.
    Unchanged,
    /// Nothing, but it is to be logged: the first healthy verdict, or a failure that passed when tried again.
    Noted,
    /// An incident has opened at `since`, or has another verdict or subject from then on.
    Open { since: SystemTime },
    /// The incident is resolved; it has lasted `after`, and its verdict was `was`.
    Resolved { after: Duration, was: Verdict },
}

impl Incidents {
    /// Whether an incident is open.
    pub(super) fn is_open(&self) -> bool {
        matches!(self.state, State::Open(..))
    }

    /// Whether the last ruling, passing failures apart, was `verdict`.
    pub(super) fn is_last(&self, verdict: Verdict) -> bool {
        self.last.as_ref().is_some_and(|ruling| ruling.verdict == verdict)
    }

    /// The last ruling, passing failures apart, and how to log it once more.
    pub(super) fn repeat(&self) -> Option<(&Ruling, Change)> {
        let change = match self.state {
            State::NotKnown | State::Clear => Change::Noted,
            State::Open(_, since) => Change::Open { since: since.wall },
        };
        self.last.as_ref().map(|ruling| (ruling, change))
    }

    /// The verdict after `ruling` on the round that began at `round`, and what that changes.
    ///
    /// A failure that passes when tried again resolves no incident: the next one may not. Nor does a round in
    /// which the prober was starved: what was found before has not become untrue. An incident that was
    /// `unknown` goes on under the verdict that names it; any other verdict is an incident of its own.
    pub(super) fn judge(&mut self, ruling: &Ruling, round: Moment) -> (Verdict, Change) {
        let (state, change) = match (ruling.verdict, self.state) {
            (Verdict::Healthy, State::NotKnown) => (State::Clear, Change::Noted),
            (Verdict::Healthy, State::Clear) => (State::Clear, Change::Unchanged),
            (Verdict::Healthy, State::Open(was, since)) => {
                let after = round.monotonic.saturating_duration_since(since.monotonic);
                (State::Clear, Change::Resolved { after, was })
            }
            (Verdict::Transient, state @ (State::NotKnown | State::Clear)) => (state, Change::Noted),
            (Verdict::Transient | Verdict::Prober, state @ State::Open(..)) => (state, Change::Unchanged),
            (verdict, state) => self.open(verdict, state, ruling, round),
        };
        self.state = state;
        let verdict = match state {
            State::Open(verdict, _) => verdict,
            State::NotKnown | State::Clear => ruling.verdict,
        };
        if verdict == ruling.verdict && verdict != Verdict::Transient {
            self.last = Some(ruling.clone());
        }
        (verdict, change)
    }

    fn open(&self, verdict: Verdict, state: State, ruling: &Ruling, round: Moment) -> (State, Change) {
        let (is_same, since) = match state {
            State::Open(was, since) if was == verdict => (true, since),
            State::Open(Verdict::Unknown, since) => (false, since),
            State::Open(..) | State::NotKnown | State::Clear => (false, round),
        };
        let has_same_subject = self.last.as_ref().is_some_and(|last| last.subject == ruling.subject);
        let is_new = !is_same || !has_same_subject;
        let change = if is_new { Change::Open { since: since.wall } } else { Change::Unchanged };
        (State::Open(verdict, since), change)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verdict::Subject;

    fn ruling(verdict: Verdict, about: &[u8]) -> Ruling {
        let replicas = about.iter().map(|last| [10, 244, 1, *last].into()).collect();
        let subject = if about.is_empty() { Subject::Implied } else { Subject::Replicas(replicas) };
        Ruling { verdict, detail: String::new(), evidence: vec![], subject }
    }

    fn now() -> Moment {
        Moment { wall: SystemTime::now(), monotonic: Instant::now() }
    }

    #[test]
    fn each_change_is_reported_once() {
        use Verdict::{Healthy, Prober, Replica, Service, Transient, Unknown};
        let start = now();
        let at = |seconds| {
            let later = Duration::from_secs(seconds);
            Moment { wall: start.wall + later, monotonic: start.monotonic + later }
        };
        let open = |since| Change::Open { since: at(since).wall };
        let resolved = |seconds, was| Change::Resolved { after: Duration::from_secs(seconds), was };
        let mut incidents = Incidents::default();
        for (seconds, verdict, about, current, change) in [
            (0, Healthy, &[][..], Healthy, Change::Noted),
            (10, Healthy, &[], Healthy, Change::Unchanged),
            (20, Transient, &[], Transient, Change::Noted),
            (30, Transient, &[], Transient, Change::Noted),
            (40, Healthy, &[], Healthy, Change::Unchanged),
            (60, Unknown, &[], Unknown, open(60)),
            (70, Service, &[], Service, open(60)),
            (80, Service, &[], Service, Change::Unchanged),
            (90, Transient, &[], Service, Change::Unchanged),
            (100, Prober, &[], Service, Change::Unchanged),
            (110, Replica, &[1], Replica, open(110)),
            (120, Replica, &[1, 2], Replica, open(110)),
            (130, Replica, &[1, 2], Replica, Change::Unchanged),
            (440, Healthy, &[], Healthy, resolved(330, Replica)),
            (450, Healthy, &[], Healthy, Change::Unchanged),
            (460, Prober, &[], Prober, open(460)),
            (470, Service, &[], Service, open(470)),
        ] {
            let judged = incidents.judge(&ruling(verdict, about), at(seconds));
            assert_eq!(judged, (current, change), "{seconds} s");
            assert_eq!(incidents.is_open(), ![Healthy, Transient].contains(&current), "{seconds} s");
        }
        assert_eq!(incidents.repeat(), Some((&ruling(Service, &[]), open(470))));
        assert!(incidents.is_last(Service));
        assert!(!incidents.is_last(Prober));
    }

    #[test]
    fn an_incident_may_open_in_the_first_round() {
        let now = now();
        let local = ruling(Verdict::Local, &[]);
        let open = Change::Open { since: now.wall };
        assert_eq!(Incidents::default().judge(&local, now), (Verdict::Local, open));
    }

    #[test]
    fn a_passing_failure_is_noted_and_not_repeated() {
        let mut incidents = Incidents::default();
        let transient = ruling(Verdict::Transient, &[]);
        assert_eq!(incidents.judge(&transient, now()), (Verdict::Transient, Change::Noted));
        assert_eq!(incidents.repeat(), None);
        let healthy = ruling(Verdict::Healthy, &[]);
        assert_eq!(incidents.judge(&healthy, now()), (Verdict::Healthy, Change::Noted));
        incidents.judge(&transient, now());
        assert_eq!(incidents.repeat(), Some((&healthy, Change::Noted)));
    }
}
