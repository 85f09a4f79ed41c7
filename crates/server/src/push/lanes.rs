//! How many pushes go out at once: to all push services together, and to one of them.
//!
//! A push service that hangs keeps its own lanes busy, and not those of the others.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The part of all lanes, and of all that wait, that one host may have.
const PART: usize = 4;

/// The lanes to all push services.
pub(super) struct Lanes {
    all: Arc<Semaphore>,
    hosts: Mutex<HashMap<String, Host>>,
    /// Pushes on their way to one host.
    per_host: usize,
    /// The same, with those that wait for that.
    room: usize,
}

struct Host {
    lanes: Arc<Semaphore>,
    /// Pushes that wait for a lane or have one.
    pushes: usize,
}

/// A push may be on its way for as long as this is held.
pub(super) struct Lane<'a> {
    _of_host: OwnedSemaphorePermit,
    _of_all: OwnedSemaphorePermit,
    _place: Place<'a>,
}

/// A place among the pushes to a host.
struct Place<'a> {
    lanes: &'a Lanes,
    host: &'a str,
}

impl Lanes {
    /// So many at once, of which so many may wait.
    pub(super) fn new(at_once: usize, waiting: usize) -> Self {
        let per_host = (at_once / PART).max(1);
        let room = per_host.saturating_add((waiting / PART).max(1));
        Self { all: Arc::new(Semaphore::new(at_once.max(1))), hosts: Mutex::default(), per_host, room }
    }

    /// Waits for a lane to a host; `None` if too many wait for one to it already.
    pub(super) async fn enter<'a>(&'a self, host: &'a str) -> Option<Lane<'a>> {
        let (place, lanes) = self.place(host)?;
        // In this order: who waits for a host keeps nothing from the others.
        let of_host = lanes.acquire_owned().await.ok()?;
        let of_all = Arc::clone(&self.all).acquire_owned().await.ok()?;
        Some(Lane { _of_host: of_host, _of_all: of_all, _place: place })
    }

    fn place<'a>(&'a self, host: &'a str) -> Option<(Place<'a>, Arc<Semaphore>)> {
        let mut hosts = self.hosts();
        let new = || Host { lanes: Arc::new(Semaphore::new(self.per_host)), pushes: 0 };
        let entry = hosts.entry(host.to_owned()).or_insert_with(new);
        if entry.pushes >= self.room {
            return None;
        }
        entry.pushes += 1;
        Some((Place { lanes: self, host }, Arc::clone(&entry.lanes)))
    }

    fn hosts(&self) -> MutexGuard<'_, HashMap<String, Host>> {
        self.hosts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let mut hosts = self.lanes.hosts();
        if let Some(host) = hosts.get_mut(self.host) {
            host.pushes -= 1;
            if host.pushes == 0 {
                hosts.remove(self.host);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    #[tokio::test]
    async fn a_host_has_a_quarter_and_leaves_the_rest_to_the_others() {
        let lanes = Lanes::new(8, 4);
        let (first, _second) = (lanes.enter("slow").await.unwrap(), lanes.enter("slow").await.unwrap());
        let mut third = Box::pin(lanes.enter("slow"));
        assert!(third.as_mut().now_or_never().is_none(), "it waits");
        assert!(lanes.enter("slow").now_or_never().unwrap().is_none(), "no more than one waits");
        let hosts = ["a", "b", "c"].map(|host| [lanes.enter(host), lanes.enter(host)]);
        let others = futures_util::future::join_all(hosts.into_iter().flatten()).now_or_never().unwrap();
        assert!(others.iter().all(Option::is_some));
        drop(first);
        assert!(third.now_or_never().flatten().is_some());
    }

    #[tokio::test]
    async fn hosts_that_nothing_goes_to_are_forgotten() {
        let lanes = Lanes::new(0, 0);
        let lane = lanes.enter("a").await.unwrap();
        let waiting = lanes.enter("b");
        assert!(waiting.now_or_never().is_none(), "there is one lane in all");
        assert_eq!(lanes.hosts().len(), 1);
        drop(lane);
        assert!(lanes.hosts().is_empty());
        assert!(lanes.enter("b").now_or_never().flatten().is_some());
    }
}
