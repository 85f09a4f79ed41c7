//! Bytes as a source of decisions.

/// Bytes as a source of decisions; after its end it decides for 0.
#[derive(Debug)]
pub(crate) struct Tape<'a>(&'a [u8]);

impl<'a> Tape<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub(crate) fn is_over(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn byte(&mut self) -> u8 {
        match self.0.split_first() {
            Some((first, rest)) => {
                self.0 = rest;
                *first
            }
            None => 0,
        }
    }

    pub(crate) fn array<const N: usize>(&mut self) -> [u8; N] {
        std::array::from_fn(|_| self.byte())
    }

    /// A number below `end`, which is at most 256.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        usize::from(self.byte()) % end.max(1)
    }

    pub(crate) fn yes(&mut self) -> bool {
        self.byte() & 1 == 1
    }

    pub(crate) fn pick<T: Clone>(&mut self, from: &[T]) -> Option<T> {
        if from.is_empty() { None } else { from.get(self.below(from.len())).cloned() }
    }

    /// Mostly small, sometimes at an edge.
    pub(crate) fn number(&mut self) -> u64 {
        match self.below(16) {
            0 => u64::MAX,
            1 => i64::MAX.unsigned_abs(),
            2 => i64::MAX.unsigned_abs() - 1,
            3 => u64::from(u32::MAX),
            4 => u64::from_be_bytes(self.array()),
            5 => 1 << self.below(64),
            6 => u64::from(self.byte()),
            small => small as u64 - 7,
        }
    }

    /// A few bytes.
    pub(crate) fn bytes(&mut self) -> Vec<u8> {
        (0..self.below(12)).map(|_| self.byte()).collect()
    }

    /// Flips, removes or inserts some bytes.
    pub(crate) fn touch(&mut self, bytes: &mut Vec<u8>) {
        for _ in 0..=self.below(3) {
            if bytes.is_empty() {
                return;
            }
            let at = usize::from(u16::from_be_bytes(self.array())) % bytes.len();
            match self.below(5) {
                0 | 1 => bytes[at] ^= 1 << self.below(8),
                2 => bytes[at] = self.byte(),
                3 => {
                    bytes.remove(at);
                }
                _ => bytes.insert(at, self.byte()),
            }
        }
    }
}
