//! The memory for request bodies: a budget that all connections of a listener share.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The bytes of a body that is echoed or discarded: far more than shows that large messages pass, few enough
/// to be held whole.
pub const BODY_LIMIT: u64 = 1024 * 1024;

/// The bytes of all bodies held at once: 32 of the longest, a quarter of the memory that the manifests give
/// the server.
pub const BUDGET: usize = 32 * 1024 * 1024;

/// The first share of a body, in bytes: most bodies are shorter. It doubles from there. Memory is taken as
/// bytes arrive, not as they are announced, or 32 peers that announce bodies and send nothing would lock
/// everyone else out.
const FIRST_SHARE: usize = 1024;

/// How much of the budget is in use.
#[derive(Debug, Default)]
pub struct BodyBudget {
    used: AtomicUsize,
}

/// A request's body, charged to the budget until it is dropped.
#[derive(Debug, Default)]
pub struct Body {
    bytes: Vec<u8>,
    share: Option<Share>,
}

/// The part of a budget that a body holds. An empty body holds none, so that most requests do not touch the
/// counter that all threads share.
#[derive(Debug)]
struct Share {
    budget: Arc<BodyBudget>,
    bytes: usize,
}

/// The budget has no room for these bytes.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct OverBudget;

impl BodyBudget {
    fn take(&self, more: usize) -> Result<(), OverBudget> {
        let fits = |used: usize| Some(used + more).filter(|used| *used <= BUDGET);
        self.used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, fits).map(drop).map_err(|_| OverBudget)
    }
}

impl Body {
    /// The bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Appends `bytes` if `budget`, the same for all parts of a body, has room for them.
    pub(super) fn extend(&mut self, bytes: &[u8], budget: &Arc<BodyBudget>) -> Result<(), OverBudget> {
        let length = self.bytes.len() + bytes.len();
        let held = self.share.as_ref().map_or(0, |share| share.bytes);
        if length > held {
            let wanted = length.next_power_of_two().max(FIRST_SHARE);
            budget.take(wanted - held)?;
            self.share.get_or_insert_with(|| Share { budget: Arc::clone(budget), bytes: 0 }).bytes = wanted;
            self.bytes.reserve_exact(wanted - self.bytes.len());
        }
        self.bytes.extend_from_slice(bytes);
        Ok(())
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.budget.used.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_use_the_budget_to_its_limit_and_not_one_past() {
        let budget = Arc::new(BodyBudget::default());
        let longest = vec![7; 1024 * 1024];
        let mut held: Vec<Body> = (0..32).map(|_| Body::default()).collect();
        for body in &mut held {
            for part in longest.chunks(10_000) {
                assert_eq!(body.extend(part, &budget), Ok(()));
            }
            assert_eq!(body.bytes(), longest);
        }
        assert_eq!(Body::default().extend(b"x", &budget), Err(OverBudget));
        held.pop();
        assert_eq!(Body::default().extend(b"x", &budget), Ok(()));
        drop(held);
        assert_eq!(budget.used.load(Ordering::Relaxed), 0);
    }
}
