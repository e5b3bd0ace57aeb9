//! A number that many threads count up.

use std::sync::atomic::{AtomicU64, Ordering};

/// What has been counted since the start. Relaxed: it orders nothing, and is exact all the same.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    /// Counts `more`.
    pub fn add(&self, more: u64) {
        self.0.fetch_add(more, Ordering::Relaxed);
    }

    /// What has been counted by now.
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}
