//! For the tests alone: random numbers and mutations from fixed seeds.

/// Xorshift: the same numbers on every machine.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).unwrap() % limit
    }

    /// One of `texts` after one to three changes: bytes dropped, repeated or flipped, or
    /// one of `pieces` inserted.
    pub(crate) fn mutation(&mut self, texts: &[&str], pieces: &[&str]) -> Vec<u8> {
        let mut bytes = texts[self.below(texts.len())].as_bytes().to_vec();
        for _ in 0..=self.below(3) {
            let start = self.below(bytes.len() + 1);
            let end = start + self.below((bytes.len() - start).min(12) + 1);
            match self.below(4) {
                0 => drop(bytes.drain(start..end)),
                1 => bytes.extend_from_within(start..end),
                2 => drop(bytes.splice(start..start, pieces[self.below(pieces.len())].bytes())),
                _ => bytes[start..end].iter_mut().for_each(|byte| *byte ^= 1 << self.below(8)),
            }
        }
        bytes
    }
}
