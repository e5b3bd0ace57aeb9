//! Counts of a listener's connections and bytes since its start.

use crate::metrics::Counter;

/// One listener's counts.
#[derive(Debug, Default)]
pub struct Traffic {
    /// Bytes read from peers.
    pub received: Counter,
    /// Bytes sent to peers.
    pub sent: Counter,
    /// Connections closed at once, because the limit was reached.
    pub refused: Counter,
    opened: Counter,
    closed: Counter,
}

/// A connection that counts as open until this is dropped.
pub struct Open<'a>(&'a Traffic);

impl Traffic {
    /// Counts a connection.
    pub fn open(&self) -> Open<'_> {
        self.opened.add(1);
        Open(self)
    }

    /// How many connections there have been, and how many of them are open.
    pub fn connections(&self) -> (u64, u64) {
        // In this order: one that opens in between must not make the difference negative.
        let closed = self.closed.get();
        let opened = self.opened.get();
        (opened, opened.saturating_sub(closed))
    }
}

impl Drop for Open<'_> {
    fn drop(&mut self) {
        self.0.closed.add(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_are_open_until_they_are_dropped() {
        let traffic = Traffic::default();
        let (first, second) = (traffic.open(), traffic.open());
        assert_eq!(traffic.connections(), (2, 2));
        drop(first);
        assert_eq!(traffic.connections(), (2, 1));
        drop(second);
        assert_eq!(traffic.connections(), (2, 0));
    }
}
