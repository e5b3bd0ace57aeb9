//! Jitter: how much latency changes from one probe to the next, smoothed as in RTP.

use std::time::Duration;

/// A new difference has a weight of one sixteenth (RFC 3550, 6.4.1 and A.8).
const GAIN: u32 = 16;

/// An estimate of the mean difference of successive latencies (RFC 3550, 6.4.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Jitter {
    last: Option<Duration>,
    estimate: Duration,
}

impl Jitter {
    /// Includes one more latency.
    pub fn add(&mut self, latency: Duration) {
        if let Some(last) = self.last.replace(latency) {
            let difference = latency.abs_diff(last);
            self.estimate = self.estimate.saturating_mul(GAIN - 1).saturating_add(difference) / GAIN;
        }
    }

    /// The estimate; zero while there is no second latency.
    pub fn estimate(self) -> Duration {
        self.estimate
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn estimate(milliseconds: impl IntoIterator<Item = u64>) -> Duration {
        let mut jitter = Jitter::default();
        milliseconds.into_iter().for_each(|latency| jitter.add(Duration::from_millis(latency)));
        jitter.estimate()
    }

    #[test]
    fn it_is_the_estimate_of_the_rfc() {
        assert_eq!(estimate([]), Duration::ZERO);
        assert_eq!(estimate([7]), Duration::ZERO);
        assert_eq!(estimate([7; 100]), Duration::ZERO);
        // J = 0 + (16 - 0)/16 = 1 ms; then J = 1 + (16 - 1)/16 ms.
        assert_eq!(estimate([10, 26]), Duration::from_millis(1));
        assert_eq!(estimate([26, 10, 26]), Duration::from_nanos(1_937_500));
    }

    #[test]
    fn it_converges_to_a_constant_difference() {
        let off = estimate((0..200).map(|round| 10 + 5 * (round % 2))).abs_diff(Duration::from_millis(5));
        assert!(off < Duration::from_micros(1), "{off:?}");
    }
}
