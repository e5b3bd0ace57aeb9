//! How often something happened, on which nodes, and when last. Pure.

use std::time::SystemTime;

/// The numbers of nodes, one bit each.
#[derive(Clone, Debug, Default)]
pub(super) struct NodeSet(Vec<u64>);

impl NodeSet {
    pub(super) fn insert(&mut self, node: u16) {
        let (word, bit) = (usize::from(node / 64), node % 64);
        if self.0.len() <= word {
            self.0.resize(word + 1, 0);
        }
        self.0[word] |= 1 << bit;
    }

    pub(super) fn len(&self) -> u32 {
        self.0.iter().map(|word| word.count_ones()).sum()
    }

    /// Takes in all of the others.
    pub(super) fn extend(&mut self, others: &Self) {
        self.0.resize(self.0.len().max(others.0.len()), 0);
        for (word, other) in self.0.iter_mut().zip(&others.0) {
            *word |= other;
        }
    }
}

/// One thing that happened.
#[derive(Debug)]
pub(super) struct Tally {
    pub(super) name: String,
    pub(super) count: u64,
    pub(super) nodes: NodeSet,
    pub(super) last: SystemTime,
}

/// Things by their names.
#[derive(Debug, Default)]
pub(super) struct Tallies(Vec<Tally>);

impl Tallies {
    /// Counts `count` more. A name that would be one past `limit` is not counted.
    pub(super) fn add(&mut self, name: &str, count: u64, node: u16, last: SystemTime, limit: usize) {
        let place = self.0.iter().position(|tally| tally.name == name);
        let place = place.unwrap_or_else(|| {
            if self.0.len() < limit {
                self.0.push(Tally { name: name.into(), count: 0, nodes: NodeSet::default(), last });
            }
            self.0.len() - 1
        });
        let Some(tally) = self.0.get_mut(place).filter(|tally| tally.name == name) else { return };
        tally.count += count;
        tally.nodes.insert(node);
        tally.last = tally.last.max(last);
    }

    /// The last first.
    pub(super) fn rows(&self) -> Vec<&Tally> {
        let mut rows = Vec::new();
        for tally in &self.0 {
            insert(&mut rows, tally, |tally| std::cmp::Reverse(tally.last));
        }
        rows
    }
}

/// Puts `row` behind those whose keys are not greater. There are few rows, and so this is as good as sorting.
pub(super) fn insert<T, K: Ord>(rows: &mut Vec<T>, row: T, key: impl Fn(&T) -> K) {
    let place = rows.partition_point(|other| key(other) <= key(&row));
    rows.insert(place, row);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_counts_each_node_once_however_it_came_in() {
        let (mut few, mut many) = (NodeSet::default(), NodeSet::default());
        assert_eq!(few.len(), 0);
        for node in [0, 63, 63] {
            few.insert(node);
        }
        for node in [63, 64, u16::MAX] {
            many.insert(node);
        }
        assert_eq!((few.len(), many.len()), (2, 3));
        few.extend(&many);
        many.extend(&few);
        assert_eq!((few.len(), many.len()), (4, 4));
    }

    #[test]
    fn rows_are_put_in_the_order_of_their_keys_and_equals_in_that_of_their_coming() {
        let mut rows = Vec::new();
        for row in [(2, 'a'), (1, 'b'), (2, 'c'), (0, 'd'), (1, 'e')] {
            insert(&mut rows, row, |row| row.0);
        }
        assert_eq!(rows, [(0, 'd'), (1, 'b'), (1, 'e'), (2, 'a'), (2, 'c')]);
    }
}
