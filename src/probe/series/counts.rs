//! How many datagrams were sent, and what became of them: declared once for series, bursts, evidence and
//! metrics. Pure.

use std::ops::AddAssign;

/// Datagrams, by what became of them. Those sent are answered or lost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Datagrams that went out.
    pub sent: u64,
    /// Datagrams that this host itself could not send; not among those sent, and not lost.
    pub unsent: u64,
    /// Datagrams that had a reply in time.
    pub answered: u64,
    /// Datagrams that had no reply in time.
    pub lost: Lost,
    /// Replies beyond the first to a datagram; some may be to datagrams of the series before.
    pub duplicate: u64,
    /// Replies that arrived after one to a later datagram.
    pub reordered: u64,
    /// Replies to datagrams that a series before had counted as lost.
    pub late: u64,
}

/// Lost datagrams, by the direction in which they were lost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Lost {
    /// On the way to the server, as its count or an ICMP error shows.
    pub forward: u64,
    /// On the way back, as the server's count shows.
    pub return_: u64,
    /// In an unknown direction.
    pub unknown: u64,
}

impl Lost {
    /// In whatever direction.
    pub fn total(&self) -> u64 {
        self.forward + self.return_ + self.unknown
    }
}

impl AddAssign for Lost {
    fn add_assign(&mut self, other: Self) {
        self.forward += other.forward;
        self.return_ += other.return_;
        self.unknown += other.unknown;
    }
}

impl AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.sent += other.sent;
        self.unsent += other.unsent;
        self.answered += other.answered;
        self.lost += other.lost;
        self.duplicate += other.duplicate;
        self.reordered += other.reordered;
        self.late += other.late;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_add_up_field_by_field() {
        let lost = Lost { forward: 1, return_: 2, unknown: 4 };
        assert_eq!(lost.total(), 7);
        let once = Counts { sent: 16, unsent: 3, answered: 9, lost, duplicate: 5, reordered: 6, late: 8 };
        let mut sum = Counts::default();
        sum += once;
        assert_eq!(sum, once);
        sum += once;
        let lost = Lost { forward: 2, return_: 4, unknown: 8 };
        let twice =
            Counts { sent: 32, unsent: 6, answered: 18, lost, duplicate: 10, reordered: 12, late: 16 };
        assert_eq!(sum, twice);
    }
}
