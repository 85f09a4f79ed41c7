//! Token buckets.

use std::time::Duration;

use tokio::time::Instant;

/// A bucket that holds `burst` tokens and gets `per_second` new ones.
#[derive(Debug, Clone)]
pub(crate) struct Bucket {
    per_second: f64,
    burst: f64,
    tokens: f64,
    at: Instant,
}

impl Bucket {
    pub(crate) fn new(per_second: f64, burst: f64, now: Instant) -> Self {
        Self { per_second, burst: burst.max(1.0), tokens: burst.max(1.0), at: now }
    }

    /// Takes `cost` tokens if they are there; else tells when they will be. Without a rate there is no limit.
    pub(crate) fn take(&mut self, now: Instant, cost: f64) -> Result<(), Duration> {
        self.fill(now);
        // What costs more than the bucket holds must still be possible, when it is full.
        let cost = cost.min(self.burst);
        if self.per_second <= 0.0 || self.tokens >= cost {
            self.tokens -= cost;
            return Ok(());
        }
        Err(Duration::from_secs_f64((cost - self.tokens) / self.per_second))
    }

    /// Puts back what was taken for nothing.
    pub(crate) fn give(&mut self, cost: f64) {
        self.tokens = (self.tokens + cost).min(self.burst);
    }

    /// Takes one token that may be owed; gives how long to wait until it is paid back.
    pub(crate) fn owe(&mut self, now: Instant) -> Option<Duration> {
        if self.per_second <= 0.0 {
            return None;
        }
        self.fill(now);
        self.tokens -= 1.0;
        (self.tokens < 0.0).then(|| Duration::from_secs_f64(-self.tokens / self.per_second))
    }

    /// Whether nothing was taken for long.
    pub(crate) fn is_full(&self, now: Instant) -> bool {
        let since = now.saturating_duration_since(self.at).as_secs_f64();
        self.tokens + since * self.per_second >= self.burst
    }

    fn fill(&mut self, now: Instant) {
        let since = now.saturating_duration_since(self.at).as_secs_f64();
        self.tokens = (self.tokens + since * self.per_second).min(self.burst);
        self.at = now;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_empties_and_fills() {
        let now = Instant::now();
        let mut bucket = Bucket::new(2.0, 4.0, now);
        assert!((0..4).all(|_| bucket.take(now, 1.0).is_ok()));
        assert_eq!(bucket.take(now, 1.0), Err(Duration::from_millis(500)));
        assert!(bucket.take(now + Duration::from_millis(500), 1.0).is_ok());
        assert!(bucket.is_full(now + Duration::from_secs(9)));
    }

    #[test]
    fn a_debt_is_paid_by_waiting() {
        let now = Instant::now();
        let mut bucket = Bucket::new(10.0, 1.0, now);
        assert_eq!(bucket.owe(now), None);
        assert_eq!(bucket.owe(now), Some(Duration::from_millis(100)));
        assert_eq!(bucket.owe(now + Duration::from_millis(300)), None);
        assert_eq!(Bucket::new(0.0, 1.0, now).owe(now), None, "no rate, no limit");
    }
}
