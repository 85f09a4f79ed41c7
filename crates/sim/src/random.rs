//! Choices from a seed, or from somebody who steers.

/// `SplitMix64` (Steele, Lea, Flood 2014): small, and the same on every machine. Not for secrets.
#[derive(Debug, Clone)]
pub struct Random {
    state: u64,
    /// What decides before the seed does, the next byte last.
    choices: Vec<u8>,
}

impl Random {
    /// The choices of a seed.
    pub fn new(seed: u64) -> Self {
        Self::steered(seed, &[])
    }

    /// Choices that bytes decide, one byte each, until they are used up; then the seed does. What is drawn as bits, and
    /// not chosen, is the seed's all the time: to change one choice changes none of the others, nor any time.
    pub fn steered(seed: u64, choices: &[u8]) -> Self {
        Self { state: seed, choices: choices.iter().rev().copied().collect() }
    }

    /// The next 64 bits.
    pub fn bits(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `n`, which must not be 0.
    pub fn below(&mut self, n: usize) -> usize {
        if let Some(choice) = self.choices.pop() {
            return usize::from(choice) % n;
        }
        usize::try_from(self.bits() % u64::try_from(n).unwrap_or(1)).unwrap_or(0)
    }

    /// `true` once in `n` times.
    pub fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_choose_and_then_the_seed_does() {
        let (mut seeded, mut steered) = (Random::new(3), Random::steered(3, &[7, 8, 0]));
        assert_eq!((steered.below(100), steered.below(5), steered.one_in(9)), (7, 3, true));
        assert_eq!(steered.bits(), seeded.bits(), "no choice took any of the seed's bits");
        assert_eq!(steered.below(1_000_000), seeded.below(1_000_000));
    }
}
