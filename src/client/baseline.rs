//! A node's own recent latencies, and when one is far above them. Pure.

use std::collections::VecDeque;
use std::time::Duration;

use crate::probe::series::Times;
use crate::verdict::Slowness;

/// Two hours of rounds of 30 s. After half of them a latency that stays is the usual one.
const LENGTH: usize = 240;

/// With fewer there is no baseline to compare with.
const ENOUGH: usize = 10;

/// A smaller increase harms no application, and a busy node's scheduler may add it.
const LEAST: Duration = Duration::from_millis(5);

/// So many times the distance between the quartiles: what is only noisy stays below.
const SPREADS: u32 = 8;

/// The latencies of the last rounds.
#[derive(Debug, Default)]
pub(super) struct Baseline {
    latencies: VecDeque<Duration>,
}

impl Baseline {
    /// How slow a series was, where its median is far above the usual one.
    pub(super) fn slowness(&self, times: &Times) -> Option<Slowness> {
        let server = times.network.map(|network| times.median.saturating_sub(network));
        let usual = self.median_exceeded_by(times.median)?;
        Some(Slowness { now: times.median, server, usual })
    }

    /// Adds a latency; the oldest one goes.
    pub(super) fn add(&mut self, latency: Duration) {
        if self.latencies.len() == LENGTH {
            self.latencies.pop_front();
        }
        self.latencies.push_back(latency);
    }

    /// The median, if `latency` is far above it: by more than 5 ms, by more than the median itself, and by
    /// more than eight times the distance between the quartiles.
    fn median_exceeded_by(&self, latency: Duration) -> Option<Duration> {
        if self.latencies.len() < ENOUGH {
            return None;
        }
        let mut sorted: Vec<Duration> = self.latencies.iter().copied().collect();
        sorted.sort_unstable();
        let quartile = |number: usize| sorted[sorted.len() * number / 4];
        let median = quartile(2);
        let spread = quartile(3).saturating_sub(quartile(1));
        let margin = LEAST.max(median).max(spread * SPREADS);
        (latency > median + margin).then_some(median)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn baseline(milliseconds: impl IntoIterator<Item = u64>) -> Baseline {
        let mut baseline = Baseline::default();
        milliseconds.into_iter().for_each(|latency| baseline.add(Duration::from_millis(latency)));
        baseline
    }

    #[test]
    fn far_above_is_more_than_each_of_the_three_margins() {
        let ms = Duration::from_millis;
        // By 5 ms, where latencies are short.
        assert_eq!(baseline([1; ENOUGH]).median_exceeded_by(ms(6)), None);
        assert_eq!(baseline([1; ENOUGH]).median_exceeded_by(ms(7)), Some(ms(1)));
        // By the median, where they are long.
        assert_eq!(baseline([40; ENOUGH]).median_exceeded_by(ms(80)), None);
        assert_eq!(baseline([40; ENOUGH]).median_exceeded_by(ms(81)), Some(ms(40)));
        // By their spread, where they vary.
        let noisy = || baseline((0..20).map(|round| if round % 2 == 0 { 10 } else { 30 }));
        assert_eq!(noisy().median_exceeded_by(ms(30 + 8 * 20)), None);
        assert_eq!(noisy().median_exceeded_by(ms(30 + 8 * 20 + 1)), Some(ms(30)));
    }

    #[test]
    fn a_few_rounds_are_no_baseline() {
        let hour = Duration::from_hours(1);
        assert_eq!(baseline([1; ENOUGH - 1]).median_exceeded_by(hour), None);
        assert!(baseline([1; ENOUGH]).median_exceeded_by(hour).is_some());
    }

    #[test]
    fn what_stays_becomes_usual() {
        let slow = Duration::from_millis(100);
        let mut baseline = baseline([1; LENGTH]);
        let rounds = (1..=LENGTH).find(|_| {
            baseline.add(slow);
            baseline.median_exceeded_by(slow).is_none()
        });
        assert!(rounds.is_some_and(|rounds| (LENGTH / 4..=LENGTH / 2 + 1).contains(&rounds)), "{rounds:?}");
        assert_eq!(baseline.latencies.len(), LENGTH);
    }
}
