//! The ledger of one flow: which datagrams were sent, which were answered, and in which direction the others
//! were lost, by what the server counted. Pure.
//!
//! A server numbers the datagrams of a flow as they arrive, and each reply has its number. The numbers
//! missing between two replies are replies that were lost on the way back; the other unanswered datagrams
//! were lost on the way there. For what was lost after the last reply the direction is open until the next.

use std::collections::VecDeque;
use std::num::NonZeroU32;
use std::ops::AddAssign;

use super::counts::Lost;

/// How many datagrams of a flow are remembered, and so may be explained or come late: about five minutes of
/// one flow at one series in 30 s and a keep-alive every 10 s. It takes half a kilobyte.
pub(super) const HISTORY: usize = 64;

/// A flow is dead when as many of its datagrams, one after the other, had no answer: one or two are loss.
const DEAD_AFTER: u32 = 3;

/// What one flow has sent and received.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    sent: VecDeque<Sent>,
    /// How many at the end of `sent` have not been closed.
    open: usize,
    base: Base,
    /// The replies since the last close, in the order of arrival.
    replies: Vec<(u32, Option<Count>)>,
    /// Since the last close: earlier losses whose direction has become known, or never will.
    settled: Lost,
    /// How many in a row, up to the last one closed, had no answer.
    silent: u32,
}

/// What a server had counted on a flow when it replied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Count {
    pub(super) instance: u64,
    pub(super) received: NonZeroU32,
}

/// What a reply answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Received {
    /// A datagram that was not answered yet.
    First,
    /// One of a series that had been answered.
    Duplicate,
    /// One of a series, after it was counted as lost.
    Late,
    /// An unknown datagram, or a keep-alive again.
    Uncounted,
}

/// What became of the datagrams that were closed, and of lost ones before them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Closed {
    /// Datagrams that were answered, of those closed.
    pub(super) answered: u64,
    /// Datagrams of a series that were not, of those closed.
    pub(super) lost: u64,
    /// Datagrams of the current series that are known to have been lost on the way there.
    pub(super) forward: u64,
    /// … and on the way back.
    pub(super) return_: u64,
    /// Losses of earlier series whose direction was unknown and is known now. `unknown`: it never will be
    /// (another server replies, or one that does not count); this has losses of the current series too.
    pub(super) settled: Lost,
}

#[derive(Debug)]
struct Sent {
    sequence: u32,
    in_series: bool,
    fate: Fate,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Waiting,
    Answered,
    /// An ICMP error reported that it did not arrive.
    Refused,
    /// Lost, and the direction is open.
    Unexplained,
    /// Lost, and the direction is known, or never will be.
    Explained,
}

/// The server's count up to which every loss is explained or never will be.
#[derive(Clone, Copy, Debug, Default)]
enum Base {
    /// No reply yet: the count begins at 0.
    #[default]
    Start,
    At(Count),
    /// The last replies had no count.
    Unknown,
}

impl Ledger {
    /// Notes that a datagram went out, of a series or not.
    pub(super) fn sent(&mut self, sequence: u32, in_series: bool) {
        if self.sent.len() == HISTORY
            && let Some(Sent { in_series: true, fate: Fate::Unexplained, .. }) = self.sent.pop_front()
        {
            self.settled.unknown += 1;
        }
        self.sent.push_back(Sent { sequence, in_series, fate: Fate::Waiting });
        self.open = (self.open + 1).min(HISTORY);
    }

    /// Notes a reply to `sequence`.
    pub(super) fn receive(&mut self, sequence: u32, count: Option<Count>) -> Received {
        let Some(sent) = self.sent.iter_mut().rev().find(|sent| sent.sequence == sequence) else {
            return Received::Uncounted;
        };
        let received = match (sent.fate, sent.in_series) {
            (Fate::Waiting | Fate::Refused, _) => Received::First,
            (Fate::Answered, true) => Received::Duplicate,
            (Fate::Unexplained | Fate::Explained, true) => Received::Late,
            (_, false) => Received::Uncounted,
        };
        if matches!(sent.fate, Fate::Unexplained | Fate::Explained) {
            self.silent = 0;
        }
        sent.fate = Fate::Answered;
        // A reply to each datagram and as many duplicates; a server that sends more is not explained further.
        if self.replies.len() < 2 * HISTORY {
            self.replies.push((sequence, count));
        }
        received
    }

    /// Notes an ICMP error about this datagram, or, where it does not quote enough of it, about the oldest
    /// that is not answered.
    pub(super) fn refuse(&mut self, sequence: Option<u32>) {
        let mut sent = self.sent.iter_mut();
        let about = match sequence {
            Some(sequence) => sent.find(|sent| sent.sequence == sequence),
            None => sent.find(|sent| sent.fate == Fate::Waiting),
        };
        match about {
            Some(sent) if sent.fate == Fate::Waiting => sent.fate = Fate::Refused,
            Some(sent) if sent.fate == Fate::Unexplained => {
                sent.fate = Fate::Explained;
                self.settled.forward += u64::from(sent.in_series);
            }
            _ => {}
        }
    }

    /// Whether a reply may still arrive.
    pub(super) fn waits(&self) -> bool {
        self.sent.iter().rev().take(self.open).any(|sent| sent.fate == Fate::Waiting)
    }

    /// Whether the last datagram that was closed had no answer.
    pub(super) fn is_silent(&self) -> bool {
        self.silent > 0
    }

    /// Whether the last three datagrams that were closed had no answer.
    pub(super) fn is_dead(&self) -> bool {
        self.silent >= DEAD_AFTER
    }

    /// Whether a datagram of a series was lost in a direction that is still open.
    pub(super) fn has_unexplained(&self) -> bool {
        self.sent.iter().any(|sent| sent.in_series && sent.fate == Fate::Unexplained)
    }

    /// Counts as lost what has no answer now. The current series begins with the sequence number `series`.
    pub(super) fn close(&mut self, series: u32) -> Closed {
        let mut closed = Closed::default();
        let before = self.sent.len() - self.open;
        for sent in self.sent.iter_mut().skip(before) {
            let lost = u64::from(sent.in_series);
            match sent.fate {
                Fate::Waiting => sent.fate = Fate::Unexplained,
                Fate::Refused => {
                    sent.fate = Fate::Explained;
                    closed.forward += lost;
                }
                Fate::Answered | Fate::Unexplained | Fate::Explained => {
                    closed.answered += 1;
                    self.silent = 0;
                    continue;
                }
            }
            closed.lost += lost;
            self.silent = self.silent.saturating_add(1);
        }
        self.open = 0;
        self.explain(series, &mut closed);
        closed.settled += std::mem::take(&mut self.settled);
        closed
    }

    /// Explains what was lost before the latest datagram that was answered.
    fn explain(&mut self, series: u32, closed: &mut Closed) {
        let replies = std::mem::take(&mut self.replies);
        let Some(&(latest, count)) = replies.iter().max_by_key(|(sequence, _)| *sequence) else { return };
        let mut lost_replies = missing_replies(self.base, &replies);
        let lost = self.sent.iter_mut().take_while(|sent| sent.sequence <= latest);
        for sent in lost.filter(|sent| sent.fate == Fate::Unexplained) {
            sent.fate = Fate::Explained;
            let (one, is_current) = (u64::from(sent.in_series), sent.sequence >= series);
            match &mut lost_replies {
                None => closed.settled.unknown += one,
                // Which of several it was cannot be known; the sums are right.
                Some(1..) if is_current => closed.return_ += one,
                Some(1..) => closed.settled.return_ += one,
                Some(0) if is_current => closed.forward += one,
                Some(0) => closed.settled.forward += one,
            }
            lost_replies = lost_replies.map(|left| left.saturating_sub(1));
        }
        let counts = replies.iter().filter_map(|(_, count)| *count);
        let same = counts.filter(|other| count.is_some_and(|count| count.instance == other.instance));
        self.base = same.max_by_key(|count| count.received).map_or(Base::Unknown, Base::At);
    }
}

/// How many of the server's numbers, from `base` to the highest received, are missing. `None` where they
/// cannot be compared: not all replies have one, not all are of one instance, or it began again.
fn missing_replies(base: Base, replies: &[(u32, Option<Count>)]) -> Option<u32> {
    let counts: Vec<Count> = replies.iter().map(|(_, count)| *count).collect::<Option<_>>()?;
    let instance = counts.first()?.instance;
    let from = match base {
        Base::Start => 0,
        Base::At(count) if count.instance == instance => count.received.get(),
        Base::At(_) | Base::Unknown => return None,
    };
    if counts.iter().any(|count| count.instance != instance) {
        return None;
    }
    let mut numbers: Vec<u32> = Vec::new();
    for number in counts.iter().map(|count| count.received.get()) {
        // Late replies have earlier numbers, and a reply that arrived twice has one number.
        if number > from && !numbers.contains(&number) {
            numbers.push(number);
        }
    }
    let highest = *numbers.iter().max()?;
    (highest - from).checked_sub(u32::try_from(numbers.len()).ok()?)
}

impl Closed {
    /// The lost datagrams of the current series.
    pub(super) fn lost_by_direction(&self) -> Lost {
        let Self { lost, forward, return_, .. } = *self;
        Lost { forward, return_, unknown: lost - forward - return_ }
    }
}

impl AddAssign for Closed {
    fn add_assign(&mut self, other: Self) {
        self.answered += other.answered;
        self.lost += other.lost;
        self.forward += other.forward;
        self.return_ += other.return_;
        self.settled += other.settled;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a datagram was answered with.
    #[derive(Clone, Copy, Debug)]
    enum Back {
        Nothing,
        /// Without a count.
        Plain,
        /// Of an instance, with its count.
        Counted(u64, u32),
    }

    impl Back {
        fn count(self) -> Option<Count> {
            let Self::Counted(instance, received) = self else { return None };
            Some(Count { instance, received: NonZeroU32::new(received).unwrap() })
        }
    }

    /// A series of its own.
    fn series(ledger: &mut Ledger, first: u32, replies: &[Back]) -> Closed {
        for (sequence, _) in (first..).zip(replies) {
            ledger.sent(sequence, true);
        }
        for (sequence, reply) in (first..).zip(replies) {
            if !matches!(reply, Back::Nothing) {
                assert_eq!(ledger.receive(sequence, reply.count()), Received::First);
            }
        }
        ledger.close(first)
    }

    const NONE: Back = Back::Nothing;

    /// A reply of one server, with its count.
    fn counted(received: u32) -> Back {
        Back::Counted(1, received)
    }

    fn settled(forward: u64, return_: u64, unknown: u64) -> Lost {
        Lost { forward, return_, unknown }
    }

    #[test]
    fn what_the_server_did_not_count_was_lost_on_the_way_there() {
        for (replies, lost, forward, return_) in [
            (&[counted(1), NONE, counted(2)][..], 1, 1, 0),
            (&[counted(1), NONE, counted(3)], 1, 0, 1),
            (&[NONE, counted(1)], 1, 1, 0),
            (&[NONE, counted(2)], 1, 0, 1),
            (&[counted(1), NONE, NONE, counted(3)], 2, 1, 1),
            (&[counted(1), counted(2), NONE], 1, 0, 0),
            (&[counted(1), counted(2), counted(3)], 0, 0, 0),
            // The last overtook the one before, and another was lost.
            (&[counted(1), NONE, counted(3), counted(2)], 1, 1, 0),
        ] {
            let closed = series(&mut Ledger::default(), 0, replies);
            assert_eq!((closed.lost, closed.forward, closed.return_), (lost, forward, return_));
            assert_eq!(closed.settled, Lost::default());
        }
    }

    #[test]
    fn a_later_reply_explains_what_was_open() {
        for (received, expected) in [(2, settled(1, 0, 0)), (3, settled(0, 1, 0))] {
            let mut ledger = Ledger::default();
            assert_eq!(series(&mut ledger, 0, &[counted(1), NONE]).lost, 1);
            assert!(ledger.has_unexplained());
            let closed = series(&mut ledger, 2, &[counted(received)]);
            assert_eq!((closed.lost, closed.forward, closed.return_), (0, 0, 0));
            assert_eq!(closed.settled, expected);
            assert!(!ledger.has_unexplained());
        }
    }

    #[test]
    fn counts_that_cannot_be_compared_explain_nothing() {
        let restarted = Back::Counted(2, 1);
        for reply in [restarted, Back::Plain, counted(1), counted(4)] {
            let mut ledger = Ledger::default();
            series(&mut ledger, 0, &[counted(1), counted(2), counted(3), counted(4), NONE]);
            assert_eq!(series(&mut ledger, 5, &[reply]).settled, settled(0, 0, 1), "{reply:?}");
            assert!(!ledger.has_unexplained());
        }
        let mut ledger = Ledger::default();
        assert_eq!(series(&mut ledger, 0, &[counted(1), NONE, restarted]).settled, settled(0, 0, 1));
        // From there on the new instance's counts apply.
        let closed = series(&mut ledger, 3, &[NONE, Back::Counted(2, 2)]);
        assert_eq!((closed.forward, closed.settled), (1, Lost::default()));
    }

    #[test]
    fn duplicates_and_late_replies_are_distinguished_and_their_numbers_used() {
        let mut ledger = Ledger::default();
        ledger.sent(0, true);
        ledger.sent(1, true);
        assert_eq!(ledger.receive(1, counted(2).count()), Received::First);
        assert_eq!(ledger.receive(1, counted(3).count()), Received::Duplicate);
        let closed = ledger.close(0);
        assert_eq!((closed.answered, closed.lost, closed.return_), (1, 1, 1));
        assert_eq!(ledger.receive(0, counted(1).count()), Received::Late);
        assert_eq!(ledger.receive(0, counted(1).count()), Received::Duplicate);
        assert_eq!(ledger.receive(2, counted(1).count()), Received::Uncounted);
        ledger.sent(2, false);
        assert_eq!(ledger.receive(2, counted(4).count()), Received::First);
        assert_eq!(ledger.receive(2, counted(4).count()), Received::Uncounted);
        let closed = ledger.close(2);
        assert_eq!((closed.answered, closed.lost, closed.settled), (1, 0, Lost::default()));
    }

    #[test]
    fn losses_of_keep_alives_do_not_count() {
        let mut ledger = Ledger::default();
        ledger.sent(0, false);
        assert_eq!(ledger.close(0), Closed::default());
        let closed = series(&mut ledger, 1, &[counted(2)]);
        assert_eq!((closed.lost, closed.settled), (0, Lost::default()));
    }

    #[test]
    fn an_icmp_error_reports_that_a_datagram_did_not_arrive() {
        let mut ledger = Ledger::default();
        ledger.sent(0, true);
        ledger.sent(1, true);
        ledger.refuse(Some(1));
        assert!(ledger.waits());
        ledger.refuse(None);
        assert!(!ledger.waits());
        let closed = ledger.close(0);
        assert_eq!((closed.answered, closed.lost, closed.forward), (0, 2, 2));
        // About one that was lost before, and about unknown ones.
        assert_eq!(series(&mut ledger, 2, &[NONE]).lost, 1);
        ledger.refuse(Some(2));
        ledger.refuse(Some(7));
        ledger.refuse(None);
        assert_eq!(ledger.close(3).settled, settled(1, 0, 0));
    }

    #[test]
    fn a_flow_is_dead_after_three_unanswered_datagrams_in_a_row() {
        let mut ledger = Ledger::default();
        series(&mut ledger, 0, &[counted(1), NONE, NONE]);
        assert!(ledger.is_silent() && !ledger.is_dead());
        series(&mut ledger, 3, &[NONE]);
        assert!(ledger.is_dead());
        assert_eq!(ledger.receive(3, counted(2).count()), Received::Late);
        assert!(!ledger.is_silent());
        series(&mut ledger, 4, &[NONE, NONE, NONE, counted(3)]);
        assert!(!ledger.is_silent() && !ledger.is_dead());
    }

    #[test]
    fn what_is_no_longer_remembered_stays_unknown() {
        let mut ledger = Ledger::default();
        series(&mut ledger, 0, &[NONE]);
        let last = u32::try_from(HISTORY).unwrap();
        for sequence in 1..last {
            ledger.sent(sequence, false);
        }
        assert_eq!(ledger.close(1).settled, Lost::default());
        ledger.sent(last, false);
        assert_eq!(ledger.close(last).settled, settled(0, 0, 1));
        assert_eq!((ledger.sent.len(), ledger.receive(0, None)), (HISTORY, Received::Uncounted));
    }

    #[test]
    fn a_bounded_number_of_replies_is_kept() {
        let mut ledger = Ledger::default();
        ledger.sent(0, true);
        for received in 1..1000 {
            ledger.receive(0, counted(received).count());
        }
        assert_eq!(ledger.replies.len(), 2 * HISTORY);
        assert_eq!(ledger.close(0).lost, 0);
    }

    /// A network that loses at random and a server that counts: in the end every loss is explained, and
    /// rightly.
    #[test]
    fn no_loss_is_counted_in_the_wrong_direction() {
        let mut state = 0x5eed_u64;
        let mut one_in = move |parts: u64| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state.is_multiple_of(parts)
        };
        for _ in 0..300 {
            let (mut ledger, mut received, mut sequence) = (Ledger::default(), 0, 0);
            let (mut truth, mut explained, mut lost) = ((0, 0), (0, 0), 0);
            for round in 0..50 {
                let (first, is_last) = (sequence, round == 49);
                for _ in 0..if one_in(2) { 1 } else { 4 } {
                    ledger.sent(sequence, true);
                    if !is_last && one_in(5) {
                        truth.0 += 1;
                    } else {
                        received += 1;
                        if !is_last && one_in(5) {
                            truth.1 += 1;
                        } else {
                            ledger.receive(sequence, counted(received).count());
                        }
                    }
                    sequence += 1;
                }
                let closed = ledger.close(first);
                lost += closed.lost;
                explained.0 += closed.forward + closed.settled.forward;
                explained.1 += closed.return_ + closed.settled.return_;
            }
            assert!(
                explained == truth && truth.0 + truth.1 == lost && lost > 0,
                "{explained:?} {truth:?} {lost}"
            );
        }
    }
}
