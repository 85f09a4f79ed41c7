//! What all connections share.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use diario_protocol::{ConversationId, Epoch, Refusal};
use openmls::prelude::PublicGroup;
use openmls_rust_crypto::RustCrypto;
use tokio::sync::Semaphore;
use tokio::time::Instant;

use crate::clock::Clock;
use crate::config::Settings;
use crate::hub::Hub;
use crate::metrics::Metrics;
use crate::push::Vapid;
use crate::rate::Bucket;
use crate::storage::{MailboxLimits, Storage, Threads};
use crate::tries::Tries;
use crate::web::Web;

/// The server's parts.
pub(crate) struct App {
    pub(crate) settings: Settings,
    pub(crate) storage: Arc<dyn Storage>,
    pub(crate) hub: Arc<Hub>,
    /// Set before anything is served, if there is one.
    pub(crate) web: OnceLock<Arc<Web>>,
    /// Signs pushes; none if there are none.
    pub(crate) vapid: Option<Arc<Vapid>>,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) crypto: RustCrypto,
    pub(crate) groups: Groups,
    pub(crate) addresses: Addresses,
    pub(crate) tries: Tries,
    /// Bounds how many signature and MLS checks run at once.
    pub(crate) checks: Semaphore,
    /// Whose threads do them.
    pub(crate) threads: Threads,
    pub(crate) draining: AtomicBool,
    /// Connections that speak HTTP, or wait to.
    pub(crate) sockets: AtomicUsize,
    /// Connections that became a [`crate::session`].
    pub(crate) sessions: AtomicUsize,
    /// Those of them that have not logged in.
    pub(crate) unauthenticated: AtomicUsize,
}

/// Counts something as long as it lives.
pub(crate) struct Counted(Arc<App>, fn(&App) -> &AtomicUsize);

impl Counted {
    pub(crate) fn new(app: &Arc<App>, which: fn(&App) -> &AtomicUsize) -> Self {
        which(app).fetch_add(1, Ordering::SeqCst);
        Self(Arc::clone(app), which)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.1(&self.0).fetch_sub(1, Ordering::SeqCst);
    }
}

impl App {
    pub(crate) fn mailbox_limits(&self) -> MailboxLimits {
        MailboxLimits {
            lifetime_ms: self.settings.mailbox_lifetime_s.saturating_mul(1000),
            messages: self.settings.mailbox_messages,
            open: self.settings.max_mailboxes,
        }
    }

    /// Runs a check that takes processor time, away from the threads that serve sockets.
    pub(crate) async fn check<T, F>(self: &Arc<Self>, work: F) -> Result<T, Refusal>
    where
        F: FnOnce(&Self) -> Result<T, Refusal> + Send + 'static,
        T: Send + 'static,
    {
        let Ok(_permit) = self.checks.acquire().await else { return Err(Refusal::Draining) };
        if self.threads != Threads::Own {
            return work(self);
        }
        let app = Arc::clone(self);
        let done = tokio::task::spawn_blocking(move || work(&app)).await;
        done.unwrap_or_else(|_| Err(Refusal::Invalid("the check failed".into())))
    }
}

/// MLS groups that are ready for the next commit, the least recently used ones dropped.
pub(crate) struct Groups {
    most: usize,
    inner: Mutex<(u64, HashMap<ConversationId, Warm>)>,
}

struct Warm {
    used: u64,
    epoch: Epoch,
    group: PublicGroup,
}

impl Groups {
    pub(crate) fn new(most: usize) -> Self {
        Self { most, inner: Mutex::default() }
    }

    /// Takes the group out, if it is at `epoch`: a commit may fail half-way, then it is read from disk again.
    pub(crate) fn take(&self, id: ConversationId, epoch: Epoch) -> Option<PublicGroup> {
        let mut inner = lock(&self.inner);
        if inner.1.get(&id)?.epoch != epoch {
            return None;
        }
        inner.1.remove(&id).map(|warm| warm.group)
    }

    /// Keeps a group as it is after a commit was stored.
    pub(crate) fn put(&self, id: ConversationId, epoch: Epoch, group: PublicGroup) {
        let mut inner = lock(&self.inner);
        inner.0 += 1;
        let used = inner.0;
        // A slower task may bring an older epoch.
        if self.most > 0 && inner.1.get(&id).is_none_or(|warm| warm.epoch < epoch) {
            inner.1.insert(id, Warm { used, epoch, group });
            if inner.1.len() > self.most
                && let Some(oldest) = inner.1.iter().min_by_key(|(_, w)| w.used).map(|(id, _)| *id)
            {
                inner.1.remove(&oldest);
            }
        }
    }
}

/// Addresses that asked something before login.
pub(crate) struct Addresses {
    per_second: f64,
    burst: f64,
    most_mailboxes: usize,
    inner: Mutex<HashMap<IpAddr, Address>>,
}

struct Address {
    bucket: Bucket,
    mailboxes: usize,
}

/// Addresses remembered; beyond them the ones that asked least are forgotten.
const ADDRESSES: usize = 50_000;

impl Addresses {
    pub(crate) fn new(settings: &Settings) -> Self {
        Self {
            per_second: f64::from(settings.attempts_per_minute) / 60.0,
            burst: f64::from(settings.attempts_burst),
            most_mailboxes: settings.max_mailboxes_per_address,
            inner: Mutex::default(),
        }
    }

    /// Counts an attempt, or refuses it.
    pub(crate) fn attempt(&self, address: IpAddr, cost: f64) -> Result<(), Refusal> {
        if self.per_second == 0.0 {
            return Ok(());
        }
        let now = Instant::now();
        let mut inner = lock(&self.inner);
        let known = self.address(&mut inner, address, now);
        known
            .bucket
            .take(now, cost)
            .map_err(|wait| Refusal::RateLimited(u64::try_from(wait.as_millis()).unwrap_or(u64::MAX).max(1)))
    }

    /// Counts a mailbox as open, or refuses it.
    pub(crate) fn open_mailbox(&self, address: IpAddr) -> Result<(), Refusal> {
        let mut inner = lock(&self.inner);
        let known = self.address(&mut inner, address, Instant::now());
        if known.mailboxes >= self.most_mailboxes {
            return Err(Refusal::TooMany("open mailboxes".into(), self.most_mailboxes as u64));
        }
        known.mailboxes += 1;
        Ok(())
    }

    /// Counts a mailbox as closed.
    pub(crate) fn close_mailbox(&self, address: IpAddr) {
        if let Some(known) = lock(&self.inner).get_mut(&network(address)) {
            known.mailboxes = known.mailboxes.saturating_sub(1);
        }
    }

    /// Forgets addresses that asked nothing for long.
    pub(crate) fn sweep(&self) {
        let now = Instant::now();
        lock(&self.inner).retain(|_, a| a.mailboxes > 0 || !a.bucket.is_full(now));
    }

    fn address<'a>(
        &self,
        inner: &'a mut HashMap<IpAddr, Address>,
        address: IpAddr,
        now: Instant,
    ) -> &'a mut Address {
        let key = network(address);
        if inner.len() >= ADDRESSES && !inner.contains_key(&key) {
            inner.retain(|_, a| a.mailboxes > 0 || !a.bucket.is_full(now));
            if inner.len() >= ADDRESSES {
                inner.retain(|_, a| a.mailboxes > 0);
            }
        }
        inner.entry(key).or_insert_with(|| Address {
            bucket: Bucket::new(self.per_second, self.burst, now),
            mailboxes: 0,
        })
    }
}

/// An IPv4 address, or the /64 network that one user of IPv6 usually has.
pub(crate) fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(v4) => v4.into(),
        IpAddr::V6(v6) => {
            let mut octets = v6.octets();
            octets[8..].fill(0);
            IpAddr::from(octets)
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_runs_out_of_attempts_and_others_do_not() {
        let settings = Settings { attempts_per_minute: 60, attempts_burst: 3, ..Settings::default() };
        let addresses = Addresses::new(&settings);
        let (a, b) = (IpAddr::from([10, 0, 0, 1]), IpAddr::from([10, 0, 0, 2]));
        assert!((0..3).all(|_| addresses.attempt(a, 1.0).is_ok()));
        assert!(matches!(addresses.attempt(a, 1.0), Err(Refusal::RateLimited(1..=1000))));
        assert!(addresses.attempt(b, 1.0).is_ok());
    }

    #[test]
    fn one_network_of_ipv6_is_one_address() {
        let a: IpAddr = "2001:db8::1".parse().unwrap();
        let b: IpAddr = "2001:db8::ffff:2".parse().unwrap();
        assert_eq!(network(a), network(b));
        assert_eq!(network("::ffff:10.0.0.1".parse().unwrap()), IpAddr::from([10, 0, 0, 1]));
    }

    #[test]
    fn mailboxes_of_an_address_are_counted() {
        let settings = Settings { max_mailboxes_per_address: 1, ..Settings::default() };
        let addresses = Addresses::new(&settings);
        let a = IpAddr::from([10, 0, 0, 1]);
        assert!(addresses.open_mailbox(a).is_ok());
        assert!(addresses.open_mailbox(a).is_err());
        addresses.close_mailbox(a);
        assert!(addresses.open_mailbox(a).is_ok());
    }
}
