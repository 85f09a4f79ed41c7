//! How long to wait before the next try to connect.

use std::time::Duration;

/// The first pause before another try to connect; each failure doubles it.
const FIRST: Duration = Duration::from_millis(200);
/// The longest pause.
const LONGEST: Duration = Duration::from_secs(30);

/// The pauses between tries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Backoff {
    pause: Duration,
}

impl Backoff {
    pub(crate) fn new() -> Self {
        Self { pause: FIRST }
    }

    /// The pause before the next try. `random` spreads it by up to a quarter, so that the devices of a restarted
    /// server do not come back all at once.
    pub(crate) fn next(&mut self, random: u64) -> Duration {
        let spread = u64::try_from(self.pause.as_millis() / 4).unwrap_or(0).max(1);
        let pause = self.pause + Duration::from_millis(random % spread);
        self.pause = (self.pause * 2).min(LONGEST);
        pause
    }

    /// A connection is over that held for so long, and was of use or not. A good one lets the pauses begin anew.
    pub(crate) fn had(&mut self, held: Duration, was_live: bool) {
        if was_live || held > LONGEST {
            self.pause = FIRST;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_longest() {
        let mut backoff = Backoff::new();
        let pauses: Vec<u128> = (0..10).map(|_| backoff.next(0).as_millis()).collect();
        assert_eq!(pauses, [200, 400, 800, 1600, 3200, 6400, 12_800, 25_600, 30_000, 30_000]);
    }

    #[test]
    fn a_pause_is_spread_by_less_than_a_quarter() {
        for random in 0..1000 {
            let pause = Backoff::new().next(random).as_millis();
            assert!((200..250).contains(&pause), "{pause}");
        }
    }

    #[test]
    fn only_a_good_connection_shortens_the_pauses() {
        let mut backoff = Backoff::new();
        for _ in 0..5 {
            backoff.next(0);
        }
        let long = backoff.clone();
        backoff.had(Duration::from_secs(1), false);
        assert_eq!(backoff, long);
        backoff.had(Duration::from_secs(1), true);
        assert_eq!(backoff, Backoff::new());
        let mut held = long;
        held.had(Duration::from_secs(31), false);
        assert_eq!(held, Backoff::new());
    }
}
