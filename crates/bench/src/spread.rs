//! Percentiles.

use std::time::Duration;

/// Durations, sorted.
pub(crate) struct Spread(Vec<Duration>);

impl Spread {
    pub(crate) fn new(mut times: Vec<Duration>) -> Self {
        times.sort_unstable();
        Self(times)
    }

    /// The time that so many of a hundred do not exceed, in milliseconds.
    pub(crate) fn ms(&self, percent: usize) -> f64 {
        let at = (self.0.len() * percent).div_ceil(100).clamp(1, self.0.len().max(1)) - 1;
        self.0.get(at).map_or(f64::NAN, |t| t.as_secs_f64() * 1e3)
    }
}

/// A count as a number to calculate with.
pub(crate) fn number(count: usize) -> f64 {
    // Nothing here is counted beyond 2^32.
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_of_the_sorted_times() {
        let spread = Spread::new((1..=100).rev().map(Duration::from_millis).collect());
        assert_eq!([1, 50, 99, 100].map(|p| format!("{:.0}", spread.ms(p))), ["1", "50", "99", "100"]);
        assert!(Spread::new(Vec::new()).ms(50).is_nan());
    }
}
