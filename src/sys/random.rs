//! Numbers that cannot be guessed. std offers none, but seeds its hash maps with the kernel's.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};

/// Another number each time.
pub fn number() -> u64 {
    RandomState::new().build_hasher().finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_numbers_are_the_same() {
        let mut numbers: Vec<u64> = (0..100).map(|_| number()).collect();
        numbers.sort_unstable();
        numbers.dedup();
        assert_eq!(numbers.len(), 100);
    }
}
