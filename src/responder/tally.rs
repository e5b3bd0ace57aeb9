//! How many datagrams of a run have come on each of its flows, remembered for the runs that were active last.
//! Pure.

use std::collections::HashMap;
use std::num::NonZeroU32;

use crate::series_protocol::Id;

/// At least how many other flows may send a datagram before a flow is forgotten; at most twice as many are
/// remembered. A fleet of 1000 nodes keeps 16,000 flows open and, where all of them see a fault at once,
/// adds bursts from 64,000 ports. Each takes 17 bytes in tables of a power of two, filled to seven eighths,
/// as this number does: 4.3 MiB for both generations. A flow that is forgotten is counted from one again,
/// which its client sees.
const REMEMBERED: usize = (1 << 17) / 8 * 7;

/// The counts, in two generations: once the younger is full, the older is forgotten at once, which costs
/// nothing a datagram. Empty, it takes no memory.
pub(super) struct Tally {
    younger: Generation,
    older: Generation,
    remembered: usize,
}

type Generation = HashMap<Key, NonZeroU32>;

/// Nonce and flow, without the padding that a tuple of them has.
type Key = [u8; 10];

impl Default for Tally {
    fn default() -> Self {
        Self { younger: Generation::new(), older: Generation::new(), remembered: REMEMBERED }
    }
}

impl Tally {
    /// Counts one more on the flow of `id`: how many it has had.
    pub(super) fn count(&mut self, id: Id) -> NonZeroU32 {
        let key = key(id);
        if let Some(count) = self.younger.get_mut(&key) {
            *count = count.saturating_add(1);
            return *count;
        }
        if self.younger.len() == self.remembered {
            self.older = std::mem::take(&mut self.younger);
        }
        let count = self.older.remove(&key).map_or(NonZeroU32::MIN, |count| count.saturating_add(1));
        self.younger.insert(key, count);
        count
    }
}

fn key(id: Id) -> Key {
    let mut key = [0; 10];
    key[..8].copy_from_slice(&id.nonce.to_ne_bytes());
    key[8..].copy_from_slice(&id.flow.to_ne_bytes());
    key
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(nonce: u64, flow: u16) -> Id {
        Id { nonce, sequence: 0, flow }
    }

    #[test]
    fn each_flow_of_each_run_has_a_count_of_its_own() {
        let mut tally = Tally::default();
        for expected in 1..=3 {
            for (nonce, flow) in [(1, 0), (1, 1), (2, 0)] {
                assert_eq!(tally.count(id(nonce, flow)).get(), expected);
            }
        }
    }

    #[test]
    fn a_flow_is_remembered_while_others_up_to_the_limit_are_counted_and_forgotten_after_twice_as_many() {
        for (others, expected) in [(REMEMBERED as u64, 2), (2 * REMEMBERED as u64, 1)] {
            let mut tally = Tally::default();
            assert_eq!(tally.count(id(0, 0)).get(), 1);
            for nonce in 1..=others {
                tally.count(id(nonce, 0));
            }
            assert_eq!(tally.count(id(0, 0)).get(), expected, "after {others}");
            assert!(tally.younger.len() + tally.older.len() <= 2 * REMEMBERED);
        }
    }

    #[test]
    fn a_flow_that_goes_on_is_never_forgotten() {
        let mut tally = Tally { remembered: 4, ..Tally::default() };
        let mut others = 1..;
        for expected in 1..100 {
            assert_eq!(tally.count(id(0, 0)).get(), expected);
            for nonce in others.by_ref().take(3) {
                tally.count(id(nonce, 0));
            }
        }
    }

    #[test]
    fn a_full_generation_takes_the_documented_memory() {
        let mut generation = Generation::new();
        for nonce in 0..REMEMBERED as u64 {
            generation.insert(key(id(nonce, 0)), NonZeroU32::MIN);
        }
        // The table adds one byte for each (hashbrown, on which std's is built).
        assert_eq!(size_of::<(Key, NonZeroU32)>() + 1, 17);
        assert_eq!(generation.capacity(), REMEMBERED);
    }
}
