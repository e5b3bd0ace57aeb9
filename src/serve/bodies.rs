//! The memory that request bodies may take, all connections together.

use std::sync::atomic::{AtomicUsize, Ordering};

/// What may be held at once: 32 bodies of the longest kind, a quarter of the memory that the manifests give
/// the server.
pub const ALL_BODIES_LIMIT: usize = 32 * 1024 * 1024;

/// What a body takes first; it doubles from there. Memory is taken as bytes arrive, not as they are
/// announced, or 32 peers that announce and send nothing would shut everyone else out.
const FIRST_SHARE: usize = 4 * 1024;

/// The account of all bodies.
#[derive(Debug, Default)]
pub struct Bodies {
    held: AtomicUsize,
}

/// A body in memory, on the account until it is dropped.
pub struct Body<'a> {
    bodies: &'a Bodies,
    bytes: Vec<u8>,
    share: usize,
}

/// There is no memory left for this body.
#[derive(Debug, PartialEq, Eq)]
pub struct Full;

impl Bodies {
    /// An empty body.
    pub fn begin(&self) -> Body<'_> {
        Body { bodies: self, bytes: Vec::new(), share: 0 }
    }

    fn take(&self, more: usize) -> Result<(), Full> {
        let fits = |held: usize| Some(held + more).filter(|held| *held <= ALL_BODIES_LIMIT);
        self.held.fetch_update(Ordering::Relaxed, Ordering::Relaxed, fits).map(drop).map_err(|_| Full)
    }
}

impl Body<'_> {
    /// Appends `bytes` if the account has room for them.
    pub fn extend(&mut self, bytes: &[u8]) -> Result<(), Full> {
        let len = self.bytes.len() + bytes.len();
        if len > self.share {
            let share = len.next_power_of_two().max(FIRST_SHARE);
            self.bodies.take(share - self.share)?;
            self.share = share;
            self.bytes.reserve_exact(share - self.bytes.len());
        }
        self.bytes.extend_from_slice(bytes);
        Ok(())
    }

    /// What has been appended.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

impl Drop for Body<'_> {
    fn drop(&mut self) {
        // Most requests have no body, and all threads share the account.
        if self.share > 0 {
            self.bodies.held.fetch_sub(self.share, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_fill_the_account_to_its_limit_and_not_one_past() {
        let bodies = Bodies::default();
        let longest = vec![7; 1024 * 1024];
        let mut held: Vec<Body> = (0..32).map(|_| bodies.begin()).collect();
        for body in &mut held {
            for part in longest.chunks(10_000) {
                assert_eq!(body.extend(part), Ok(()));
            }
            assert_eq!(body.bytes(), longest);
        }
        assert_eq!(bodies.begin().extend(b"x"), Err(Full));
        held.pop();
        assert_eq!(bodies.begin().extend(b"x"), Ok(()));
        drop(held);
        assert_eq!(bodies.held.load(Ordering::Relaxed), 0);
    }
}
