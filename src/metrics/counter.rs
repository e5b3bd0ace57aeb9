//! A counter that many threads increment.

use std::sync::atomic::{AtomicU64, Ordering};

/// A count since the start. Relaxed operations suffice: the count is exact, and orders no other access.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    /// Adds `more`.
    pub fn add(&self, more: u64) {
        self.0.fetch_add(more, Ordering::Relaxed);
    }

    /// The current count.
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}
