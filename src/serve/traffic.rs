//! What a listener has had to do since its start, counted beside the system calls that it costs.

use crate::http::StatusCode;
use crate::metrics::Counter;

/// One listener's counts.
#[derive(Debug, Default)]
pub struct Traffic {
    /// Bytes read from peers.
    pub received: Counter,
    /// Bytes sent to peers.
    pub sent: Counter,
    /// Connections closed at once, because there was no place left.
    pub refused: Counter,
    opened: Counter,
    closed: Counter,
    replies: [Counter; StatusCode::SENT.len()],
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

    /// Counts a reply.
    pub fn reply(&self, status: StatusCode) {
        if let Some(index) = StatusCode::SENT.iter().position(|(known, _)| *known == status) {
            self.replies[index].add(1);
        }
    }

    /// How many replies of each status there have been.
    pub fn replies(&self) -> impl Iterator<Item = (StatusCode, u64)> {
        StatusCode::SENT.iter().zip(&self.replies).map(|((status, _), count)| (*status, count.get()))
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

    #[test]
    fn replies_are_counted_by_status_from_zero() {
        let traffic = Traffic::default();
        assert!(traffic.replies().all(|(_, count)| count == 0));
        for status in [200, 503, 200, 999] {
            traffic.reply(StatusCode::new(status).unwrap());
        }
        let counted = traffic.replies().filter(|(_, count)| *count > 0);
        let counted: Vec<(u16, u64)> = counted.map(|(status, count)| (status.as_u16(), count)).collect();
        assert_eq!(counted, [(200, 2), (503, 1)]);
    }
}
