//! A histogram in Prometheus' form: for each of 20 bounds, how many durations did not exceed it.

use std::time::Duration;

/// The first bound: about the duration of an echo over loopback.
const FIRST: Duration = Duration::from_micros(50);

/// The number of bounds, each twice the one before: the last, 26.2 s, is above the usual timeouts.
const BOUNDS: usize = 20;

/// Durations, counted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Histogram {
    /// By the first bound that they do not exceed; the last count is of durations above every bound.
    counts: [u64; BOUNDS + 1],
    sum: Duration,
}

impl Histogram {
    /// Counts one more.
    pub fn add(&mut self, duration: Duration) {
        let bound = Self::bounds().position(|bound| duration <= bound).unwrap_or(BOUNDS);
        self.counts[bound] += 1;
        self.sum = self.sum.saturating_add(duration);
    }

    /// Each bound, and how many durations do not exceed it.
    pub fn buckets(&self) -> impl Iterator<Item = (Duration, u64)> {
        let mut count = 0;
        Self::bounds().zip(self.counts).map(move |(bound, more)| {
            count += more;
            (bound, count)
        })
    }

    /// The number of durations.
    pub fn count(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// The sum of the durations.
    pub fn sum(&self) -> Duration {
        self.sum
    }

    fn bounds() -> impl Iterator<Item = Duration> {
        (0..BOUNDS).map(|doublings| FIRST * (1 << doublings))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_double_from_50_microseconds_to_26_seconds() {
        let bounds: Vec<Duration> = Histogram::bounds().collect();
        assert_eq!(bounds[0], Duration::from_micros(50));
        assert_eq!(bounds[BOUNDS - 1], Duration::from_micros(26_214_400));
        assert!(bounds.windows(2).all(|pair| pair[1] == 2 * pair[0]));
    }

    #[test]
    fn a_duration_counts_from_the_bound_that_it_does_not_exceed() {
        let nanosecond = Duration::from_nanos(1);
        for (index, bound) in Histogram::bounds().enumerate() {
            for (duration, first) in [(bound, index), (bound + nanosecond, index + 1)] {
                let mut histogram = Histogram::default();
                histogram.add(duration);
                let counts: Vec<u64> = histogram.buckets().map(|(_, count)| count).collect();
                let expected: Vec<u64> = (0..BOUNDS).map(|bound| u64::from(bound >= first)).collect();
                assert_eq!(counts, expected, "{duration:?}");
                assert_eq!((histogram.count(), histogram.sum()), (1, duration));
            }
        }
    }

    #[test]
    fn the_sum_saturates() {
        let mut histogram = Histogram::default();
        histogram.add(Duration::MAX);
        histogram.add(Duration::MAX);
        assert_eq!((histogram.count(), histogram.sum()), (2, Duration::MAX));
    }
}
