//! What the replies of a series show of time: percentiles, jitter, order. Pure.

use std::time::{Duration, Instant};

use crate::metrics::Jitter;

/// The round-trip times of a series.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Times {
    /// The shortest.
    pub min: Duration,
    /// The one that half of them do not exceed; of an even number, the lower of the two in the middle.
    pub median: Duration,
    /// The one that 99 % of them do not exceed: the longest, where there are fewer than 100.
    pub p99: Duration,
    /// The running estimate of RFC 3550, 6.4.1, over all series of these flows.
    pub jitter: Duration,
    /// The median without the time that the server took. `None` where a reply does not state it.
    pub network: Option<Duration>,
}

/// A reply, and when it arrived.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sample {
    pub(super) sequence: u32,
    pub(super) sent: Instant,
    pub(super) arrived: Instant,
    /// As the server measured it.
    pub(super) turnaround: Option<Duration>,
}

impl Sample {
    pub(super) fn latency(&self) -> Duration {
        self.arrived.saturating_duration_since(self.sent)
    }

    fn network(&self) -> Option<Duration> {
        self.latency().checked_sub(self.turnaround?)
    }
}

impl Times {
    /// Of `samples` in the order of their arrival; `None` where there are none.
    pub(super) fn of(samples: &[Sample], jitter: &mut Jitter) -> Option<Self> {
        // The difference of two transit times of the RFC is that of two round trips here.
        for sample in samples {
            jitter.add(sample.latency());
        }
        let mut latencies: Vec<Duration> = samples.iter().map(Sample::latency).collect();
        let networks: Option<Vec<Duration>> = samples.iter().map(Sample::network).collect();
        latencies.sort_unstable();
        Some(Self {
            min: *latencies.first()?,
            median: percentile(&latencies, 50)?,
            p99: percentile(&latencies, 99)?,
            jitter: jitter.estimate(),
            network: networks.and_then(|mut networks| {
                networks.sort_unstable();
                percentile(&networks, 50)
            }),
        })
    }
}

/// How many arrived after one that was sent later.
pub(super) fn reordered(samples: &[Sample]) -> u64 {
    let mut latest = 0;
    let mut count = 0;
    for sample in samples {
        count += u64::from(sample.sequence < latest);
        latest = latest.max(sample.sequence);
    }
    count
}

/// The nearest rank of `sorted`.
fn percentile(sorted: &[Duration], percent: usize) -> Option<Duration> {
    sorted.get((sorted.len() * percent).div_ceil(100).checked_sub(1)?).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sent 10 ms apart, with these latencies in milliseconds, in the order of their arrival.
    fn samples(latencies: &[u64]) -> Vec<Sample> {
        let start = Instant::now();
        let sent = (0..).map(|nth| (nth, start + Duration::from_millis(10) * nth));
        let mut samples: Vec<Sample> = sent
            .zip(latencies)
            .map(|((sequence, sent), &ms)| {
                let turnaround = Some(Duration::from_millis(1));
                Sample { sequence, sent, arrived: sent + Duration::from_millis(ms), turnaround }
            })
            .collect();
        samples.sort_by_key(|sample| sample.arrived);
        samples
    }

    fn times(latencies: &[u64]) -> Times {
        Times::of(&samples(latencies), &mut Jitter::default()).unwrap()
    }

    #[test]
    fn percentiles_are_ranks() {
        let ms = Duration::from_millis;
        for (latencies, min, median, p99) in
            [(&[5][..], 5, 5, 5), (&[9, 1], 1, 1, 9), (&[3, 1, 2], 1, 2, 3), (&[4, 4, 1, 8], 1, 4, 8)]
        {
            let times = times(latencies);
            assert_eq!((times.min, times.median, times.p99), (ms(min), ms(median), ms(p99)));
            assert_eq!(times.network, Some(ms(median - 1)));
        }
        for (count, p99) in [(99, 99), (100, 99), (101, 100), (200, 198)] {
            let latencies: Vec<u64> = (1..=count).rev().collect();
            assert_eq!(times(&latencies).p99, ms(p99), "{count}");
        }
        assert_eq!(Times::of(&[], &mut Jitter::default()), None);
    }

    #[test]
    fn the_network_time_is_known_where_each_reply_states_how_long_the_server_took() {
        for turnaround in [None, Some(Duration::from_millis(6))] {
            let mut samples = samples(&[5, 5]);
            samples[1].turnaround = turnaround;
            assert_eq!(Times::of(&samples, &mut Jitter::default()).unwrap().network, None);
        }
    }

    #[test]
    fn jitter_goes_on_from_series_to_series() {
        let mut jitter = Jitter::default();
        let of = |latencies, jitter: &mut Jitter| Times::of(&samples(latencies), jitter).unwrap().jitter;
        assert_eq!(of(&[5, 5, 5], &mut jitter), Duration::ZERO);
        assert_eq!(of(&[21, 21], &mut jitter), Duration::from_nanos(937_500));
        assert_eq!(of(&[21], &mut jitter), Duration::from_nanos(878_906));
    }

    #[test]
    fn what_was_overtaken_is_reordered() {
        for (latencies, expected) in
            [(&[1, 1, 1][..], 0), (&[15, 1, 1], 1), (&[25, 1, 1], 1), (&[25, 14, 1], 2), (&[], 0)]
        {
            assert_eq!(reordered(&samples(latencies)), expected, "{latencies:?}");
        }
    }
}
