//! Percentiles of latencies in a fixed amount of memory, for the summaries.
//!
//! Latencies are counted in classes, sixteen of equal width from each power of two nanoseconds to the next. A
//! percentile is the middle of its class, which is off by at most half a class: 1/32 of the true one, 3.2 %.
//! The minimum and the maximum are exact.

use std::time::Duration;

/// The classes between two powers of two: ten would keep the error within 5 %, sixteen are found by a shift.
const CLASSES: usize = 16;

/// 512 ns: shorter latencies count as this one; no network has them.
const FIRST_POWER: u32 = 9;

/// 68.7 s: longer latencies count in the last class; the usual timeouts are shorter.
const LAST_POWER: u32 = 36;

const LEN: usize = (LAST_POWER - FIRST_POWER) as usize * CLASSES;

/// Latencies, counted by class. The count of a class stops at 4,294,967,295.
#[derive(Clone, Debug)]
pub struct Percentiles {
    counts: [u32; LEN],
    range: Option<(Duration, Duration)>,
}

impl Default for Percentiles {
    fn default() -> Self {
        Self { counts: [0; LEN], range: None }
    }
}

impl Percentiles {
    /// Counts one more latency.
    pub fn add(&mut self, latency: Duration) {
        let count = &mut self.counts[class(latency)];
        *count = count.saturating_add(1);
        let (min, max) = self.range.unwrap_or((latency, latency));
        self.range = Some((min.min(latency), max.max(latency)));
    }

    /// The number of latencies.
    pub fn count(&self) -> u64 {
        self.counts.iter().map(|count| u64::from(*count)).sum()
    }

    /// The minimum and the maximum; `None` without a latency.
    pub fn range(&self) -> Option<(Duration, Duration)> {
        self.range
    }

    /// The latency that `percent` of all do not exceed (the nearest rank), at most 3.2 % off; `None` where no
    /// latency was counted.
    pub fn percentile(&self, percent: u64) -> Option<Duration> {
        let (min, max) = self.range?;
        let rank = (self.count() * percent).div_ceil(100).max(1);
        let mut before = 0;
        let class = self.counts.iter().position(|count| {
            before += u64::from(*count);
            before >= rank
        });
        class.map(|class| middle(class).clamp(min, max))
    }
}

/// The class of a latency.
fn class(latency: Duration) -> usize {
    let nanoseconds = u64::try_from(latency.as_nanos()).unwrap_or(u64::MAX);
    let nanoseconds = nanoseconds.clamp(1 << FIRST_POWER, (1 << LAST_POWER) - 1);
    let power = nanoseconds.ilog2();
    // The four bits behind the first.
    let part = (nanoseconds >> (power - CLASSES.ilog2())) as usize % CLASSES;
    (power - FIRST_POWER) as usize * CLASSES + part
}

/// The latency in the middle of a class.
fn middle(class: usize) -> Duration {
    let width = (1 << FIRST_POWER >> CLASSES.ilog2()) << (class / CLASSES);
    let first = width * (CLASSES + class % CLASSES) as u64;
    Duration::from_nanos(first + width / 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Durations from 1 µs to 60 s, each order of magnitude as likely as the others (xorshift64).
    fn random(count: usize) -> Vec<Duration> {
        let mut state = 88_172_645_463_325_252_u64;
        let mut next = move || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state
        };
        let mut duration = || {
            let power = 10 + next() % 26;
            Duration::from_nanos(((1 << power) + next() % (1 << power)).clamp(1_000, 60_000_000_000))
        };
        (0..count).map(|_| duration()).collect()
    }

    /// As the README and the issue promise.
    fn assert_near(found: Duration, exact: Duration) {
        let off = found.abs_diff(exact);
        assert!(off * 100 <= exact * 5, "{found:?} for {exact:?}");
        // And as the head of this file says.
        assert!(off * 32 <= exact, "{found:?} for {exact:?}");
    }

    #[test]
    fn every_class_keeps_within_its_error() {
        for latency in random(200_000) {
            assert_near(middle(class(latency)), latency);
        }
        for power in FIRST_POWER..LAST_POWER {
            for nanoseconds in [1 << power, (1 << power) + 1, (2 << power) - 1] {
                assert_near(
                    middle(class(Duration::from_nanos(nanoseconds))),
                    Duration::from_nanos(nanoseconds),
                );
            }
        }
    }

    #[test]
    fn percentiles_are_near_those_of_the_sorted_values() {
        for count in [1, 2, 3, 10, 99, 100, 101, 5_000] {
            let mut exact = random(count);
            let mut percentiles = Percentiles::default();
            for latency in &exact {
                percentiles.add(*latency);
            }
            exact.sort();
            assert_eq!(percentiles.count(), count as u64);
            assert_eq!(percentiles.range(), Some((exact[0], exact[count - 1])));
            for percent in [1, 50, 90, 99, 100] {
                let rank = (count * percent).div_ceil(100).max(1);
                assert_near(percentiles.percentile(percent as u64).unwrap(), exact[rank - 1]);
            }
        }
    }

    #[test]
    fn equal_latencies_have_exact_percentiles_and_no_latency_has_none() {
        let mut percentiles = Percentiles::default();
        assert_eq!((percentiles.count(), percentiles.range(), percentiles.percentile(50)), (0, None, None));
        for _ in 0..3 {
            percentiles.add(Duration::from_nanos(412_499));
        }
        assert_eq!(percentiles.percentile(50), Some(Duration::from_nanos(412_499)));
    }

    #[test]
    fn latencies_out_of_range_count_in_the_first_or_last_class() {
        for (latency, expected) in [
            (Duration::ZERO, 0),
            (Duration::from_nanos((1 << FIRST_POWER) - 1), 0),
            (Duration::from_nanos(1 << FIRST_POWER), 0),
            (Duration::from_nanos((1 << LAST_POWER) - 1), LEN - 1),
            (Duration::from_nanos(1 << LAST_POWER), LEN - 1),
            (Duration::MAX, LEN - 1),
        ] {
            assert_eq!(class(latency), expected, "{latency:?}");
            let mut percentiles = Percentiles::default();
            percentiles.add(latency);
            assert_eq!(percentiles.percentile(99), Some(latency));
        }
    }

    #[test]
    fn a_class_counts_up_to_its_limit_and_no_further() {
        let mut percentiles = Percentiles::default();
        percentiles.counts[0] = u32::MAX - 1;
        for _ in 0..2 {
            percentiles.add(Duration::ZERO);
            assert_eq!(percentiles.count(), u64::from(u32::MAX));
        }
    }

    #[test]
    fn it_is_small() {
        assert!(size_of::<Percentiles>() < 2048);
    }
}
