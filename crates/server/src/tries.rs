//! Recovery keys that were tried: few wrong ones in a minute, of one address and for one account.
//!
//! A key has 256 bits, which nobody guesses; but somebody may have seen most of its words. Nobody is locked out: tries
//! come back with time, and a key that was right costs none.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use diario_protocol::{AccountRef, Refusal};
use tokio::time::Instant;

use crate::app::network;
use crate::config::Settings;
use crate::rate::Bucket;

/// Whose tries are counted.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Who {
    Address(IpAddr),
    Account(AccountRef),
}

/// A try under way.
#[derive(Debug)]
pub(crate) struct Tried([Who; 2]);

/// The tries of late.
pub(crate) struct Tries {
    per_second: f64,
    burst: f64,
    inner: Mutex<HashMap<Who, Bucket>>,
}

/// Addresses and accounts remembered. Beyond them nothing more is tried until some are forgotten.
const MOST: usize = 100_000;

impl Tries {
    pub(crate) fn new(settings: &Settings) -> Self {
        Self {
            per_second: f64::from(settings.recovery_tries_per_minute) / 60.0,
            burst: f64::from(settings.recovery_tries_burst),
            inner: Mutex::default(),
        }
    }

    /// Counts a try as wrong, or refuses it.
    pub(crate) fn begin(&self, address: IpAddr, account: &AccountRef) -> Result<Tried, Refusal> {
        let tried = Tried([Who::Address(network(address)), Who::Account(account.clone())]);
        if self.per_second == 0.0 {
            return Ok(tried);
        }
        let now = Instant::now();
        let mut inner = self.lock();
        if inner.len() >= MOST {
            inner.retain(|_, bucket| !bucket.is_full(now));
            if inner.len() >= MOST {
                return Err(Refusal::RateLimited(60_000));
            }
        }
        for (i, who) in tried.0.iter().enumerate() {
            let fresh = || Bucket::new(self.per_second, self.burst, now);
            let taken = inner.entry(who.clone()).or_insert_with(fresh).take(now, 1.0);
            if let Err(wait) = taken {
                for earlier in &tried.0[..i] {
                    inner.entry(earlier.clone()).and_modify(|bucket| bucket.give(1.0));
                }
                return Err(Refusal::RateLimited(ms(wait)));
            }
        }
        Ok(tried)
    }

    /// The key was right.
    pub(crate) fn forgive(&self, tried: &Tried) {
        let mut inner = self.lock();
        for who in &tried.0 {
            inner.entry(who.clone()).and_modify(|bucket| bucket.give(1.0));
        }
    }

    /// Forgets who tried nothing for long.
    pub(crate) fn sweep(&self) {
        let now = Instant::now();
        self.lock().retain(|_, bucket| !bucket.is_full(now));
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Who, Bucket>> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn ms(wait: Duration) -> u64 {
    u64::try_from(wait.as_millis()).unwrap_or(u64::MAX).max(1)
}

#[cfg(test)]
mod tests {
    use diario_protocol::AccountId;

    use super::*;

    #[test]
    fn wrong_keys_use_up_tries_of_address_and_account_and_right_ones_do_not() {
        let settings =
            Settings { recovery_tries_per_minute: 1, recovery_tries_burst: 2, ..Settings::default() };
        let tries = Tries::new(&settings);
        let address = |n| IpAddr::from([10, 0, 0, n]);
        let account = |n| AccountRef::Id(AccountId::new([n; 16]));
        for _ in 0..5 {
            let right = tries.begin(address(1), &account(1)).unwrap();
            tries.forgive(&right);
        }
        tries.begin(address(1), &account(1)).unwrap();
        tries.begin(address(1), &account(1)).unwrap();
        assert!(matches!(tries.begin(address(1), &account(1)), Err(Refusal::RateLimited(1..=60_000))));
        assert!(tries.begin(address(1), &account(2)).is_err(), "the address has none left");
        assert!(tries.begin(address(2), &account(1)).is_err(), "the account has none left");
        tries.begin(address(2), &account(2)).unwrap();
        tries.begin(address(2), &account(2)).unwrap();
    }
}
