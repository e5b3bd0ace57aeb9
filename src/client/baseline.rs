//! A node's own latencies of late, and when one is far out of them. Pure.

use std::collections::VecDeque;
use std::time::Duration;

/// Two hours of rounds of 30 s. After half of them a latency that stays is the usual one.
const LENGTH: usize = 240;

/// With fewer there is no history to be out of.
const ENOUGH: usize = 10;

/// Less than this nobody suffers from, and a busy node's scheduler may add it.
const LEAST: Duration = Duration::from_millis(5);

/// So many times the distance between the quartiles: what is only noisy stays within.
const SPREADS: u32 = 8;

/// The latencies of rounds.
#[derive(Debug, Default)]
pub(super) struct History {
    latencies: VecDeque<Duration>,
}

impl History {
    /// Takes one in; the oldest goes.
    pub(super) fn add(&mut self, latency: Duration) {
        if self.latencies.len() == LENGTH {
            self.latencies.pop_front();
        }
        self.latencies.push_back(latency);
    }

    /// The median, if `latency` is far above it: by more than 5 ms, by more than the median itself, and by
    /// more than eight times the distance between the quartiles.
    pub(super) fn is_exceeded_by(&self, latency: Duration) -> Option<Duration> {
        if self.latencies.len() < ENOUGH {
            return None;
        }
        let mut sorted: Vec<Duration> = self.latencies.iter().copied().collect();
        sorted.sort_unstable();
        let quarter = |quarters: usize| sorted[sorted.len() * quarters / 4];
        let (median, spread) = (quarter(2), quarter(3).saturating_sub(quarter(1)));
        let margin = LEAST.max(median).max(spread * SPREADS);
        (latency > median + margin).then_some(median)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn history(milliseconds: impl IntoIterator<Item = u64>) -> History {
        let mut history = History::default();
        milliseconds.into_iter().for_each(|latency| history.add(Duration::from_millis(latency)));
        history
    }

    #[test]
    fn far_out_is_more_than_each_of_the_three_margins() {
        let ms = Duration::from_millis;
        // By 5 ms, where latencies are short.
        assert_eq!(history([1; ENOUGH]).is_exceeded_by(ms(6)), None);
        assert_eq!(history([1; ENOUGH]).is_exceeded_by(ms(7)), Some(ms(1)));
        // By the median, where they are long.
        assert_eq!(history([40; ENOUGH]).is_exceeded_by(ms(80)), None);
        assert_eq!(history([40; ENOUGH]).is_exceeded_by(ms(81)), Some(ms(40)));
        // By their spread, where they are anything.
        let noisy = || history((0..20).map(|round| if round % 2 == 0 { 10 } else { 30 }));
        assert_eq!(noisy().is_exceeded_by(ms(30 + 8 * 20)), None);
        assert_eq!(noisy().is_exceeded_by(ms(30 + 8 * 20 + 1)), Some(ms(30)));
    }

    #[test]
    fn there_is_no_history_of_a_few_rounds() {
        let hour = Duration::from_hours(1);
        assert_eq!(history([1; ENOUGH - 1]).is_exceeded_by(hour), None);
        assert!(history([1; ENOUGH]).is_exceeded_by(hour).is_some());
    }

    #[test]
    fn what_stays_becomes_usual() {
        let slow = Duration::from_millis(100);
        let mut history = history([1; LENGTH]);
        let rounds = (1..=LENGTH).find(|_| {
            history.add(slow);
            history.is_exceeded_by(slow).is_none()
        });
        assert!(rounds.is_some_and(|rounds| (LENGTH / 4..=LENGTH / 2 + 1).contains(&rounds)), "{rounds:?}");
        assert_eq!(history.latencies.len(), LENGTH);
    }
}
