//! Which devices can be woken, and whether now is the time.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use diario_protocol::{AccountId, ConversationId, DeviceId, DeviceRef};
use tokio::sync::mpsc;

use crate::metrics::Metrics;

/// Every device with a push subscription; the subscriptions themselves stay in the storage.
pub(crate) struct Wakes {
    sleepers: Mutex<HashMap<AccountId, Vec<Sleeper>>>,
    /// How many there are, so that a server without any does not even lock.
    count: AtomicUsize,
    queue: mpsc::Sender<DeviceRef>,
    metrics: Arc<Metrics>,
}

impl std::fmt::Debug for Wakes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} devices that can be woken", self.count.load(Relaxed))
    }
}

struct Sleeper {
    device: DeviceId,
    /// Sorted.
    silent: Box<[ConversationId]>,
    phase: Phase,
    /// When something that would have woken it went to its connection last. If that connection turns out to have
    /// been dead by then, the device is woken after all.
    told: Option<Instant>,
    /// Since when, and for how many rounds, its push service could not be told.
    failing: Option<Failing>,
}

#[derive(Debug, Clone, Copy)]
struct Failing {
    since: Instant,
    rounds: u32,
}

/// Where the waking of a device is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// It may be woken at once.
    Idle,
    /// A push waits or is under way: no second one. `again`: there was more since. `met`: it has connected since.
    Sending { again: bool, met: bool },
    /// A push was sent a moment ago, or could not be. `again`: there was more since, or the device is still to be told.
    Resting { ticket: u64, again: bool },
}

/// How the attempts to send a push have ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Round {
    /// The push service has it.
    Sent,
    /// It was not sent, and nothing was learned of the push service: nobody wants it, or there was no room.
    Skipped,
    /// Given up. `again`: it may work later. `after`: the push service wants to be left alone that long.
    Failed { again: bool, after: Duration },
}

/// For how long a device is left alone, and when there is no hope any more.
#[derive(Debug, Clone, Copy)]
pub(super) struct Patience {
    /// After a push; four times as long after each that failed.
    pub(super) rest: Duration,
    /// Of failing without a break.
    pub(super) give_up: Duration,
}

/// The longest rest.
const LONGEST_REST: Duration = Duration::from_hours(6);

impl Patience {
    fn after(&self, failed: u32) -> Duration {
        let times = 4_u32.saturating_pow(failed);
        self.rest.saturating_mul(times).min(LONGEST_REST.max(self.rest))
    }
}

/// What follows a push.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum After {
    /// It is over.
    Nothing,
    /// The next one, at once.
    Again,
    /// So long without, then [`Wakes::rested`] with this ticket.
    Rest(u64, Duration),
    /// The subscription is to be dropped.
    GiveUp,
}

/// The devices, locked: for all changes of one transaction.
pub(crate) struct Awaken<'a> {
    sleepers: MutexGuard<'a, HashMap<AccountId, Vec<Sleeper>>>,
    wakes: &'a Wakes,
    now: Instant,
}

impl Wakes {
    /// With room for `waiting` devices in the queue, whose end comes along.
    pub(crate) fn new(waiting: usize, metrics: Arc<Metrics>) -> (Self, mpsc::Receiver<DeviceRef>) {
        let (queue, end) = mpsc::channel(waiting.max(1));
        (Self { sleepers: Mutex::default(), count: AtomicUsize::new(0), queue, metrics }, end)
    }

    /// A device has this subscription from now on; `None`: has none.
    pub(crate) fn put(&self, device: DeviceRef, silent: Option<Vec<ConversationId>>) {
        let mut sleepers = self.lock();
        let of_account = sleepers.entry(device.account).or_default();
        let at = of_account.iter().position(|s| s.device == device.device);
        match (at, silent) {
            (at, Some(mut silent)) => {
                silent.sort_unstable();
                let silent = silent.into_boxed_slice();
                if let Some(known) = at.and_then(|at| of_account.get_mut(at)) {
                    known.silent = silent;
                    // Told anew, it may be elsewhere now: no reason to wait any more.
                    if known.failing.take().is_some() && matches!(known.phase, Phase::Resting { .. }) {
                        known.phase = Phase::Idle;
                    }
                } else {
                    of_account.push(Sleeper {
                        device: device.device,
                        silent,
                        phase: Phase::Idle,
                        told: None,
                        failing: None,
                    });
                    self.counted(1);
                }
            }
            (Some(at), None) => {
                of_account.swap_remove(at);
                self.counted(-1);
            }
            (None, None) => {}
        }
        if of_account.is_empty() {
            sleepers.remove(&device.account);
        }
    }

    /// The account has only these devices from now on.
    pub(crate) fn retain(&self, account: AccountId, listed: impl Fn(DeviceId) -> bool) {
        if self.is_empty() {
            return;
        }
        let mut sleepers = self.lock();
        let Some(of_account) = sleepers.get_mut(&account) else { return };
        let before = of_account.len();
        of_account.retain(|s| listed(s.device));
        for _ in of_account.len()..before {
            self.counted(-1);
        }
        if of_account.is_empty() {
            sleepers.remove(&account);
        }
    }

    /// A device has connected: what it was woken for is done. A push service that fails is left alone all the same.
    pub(crate) fn connected(&self, device: DeviceRef) {
        self.change(device, |sleeper| {
            sleeper.told = None;
            match &mut sleeper.phase {
                Phase::Sending { again, met } => (*again, *met) = (false, true),
                Phase::Resting { again, .. } if sleeper.failing.is_some() => *again = false,
                phase => *phase = Phase::Idle,
            }
        });
    }

    /// A device's connection has ended, of which nothing was heard since `heard`. What it was told after that, it may
    /// never have got.
    pub(crate) fn lost(&self, device: DeviceRef, heard: Instant) {
        let late = self.change(device, |sleeper| sleeper.told.take().is_some_and(|told| told > heard));
        if late == Some(true) {
            self.awaken().wake(device);
        }
    }

    /// Whether nobody can be woken.
    pub(crate) fn is_empty(&self) -> bool {
        self.count.load(Relaxed) == 0
    }

    /// Locks for what one transaction brings.
    pub(crate) fn awaken(&self) -> Awaken<'_> {
        Awaken { sleepers: self.lock(), wakes: self, now: Instant::now() }
    }

    /// Whether a device still waits for the push that is under way.
    pub(super) fn is_wanted(&self, device: DeviceRef) -> bool {
        let wanted = |sleeper: &mut Sleeper| matches!(sleeper.phase, Phase::Sending { met: false, .. });
        self.change(device, wanted) == Some(true)
    }

    /// The attempts to send a push have ended.
    pub(super) fn ended(&self, device: DeviceRef, round: Round, patience: &Patience) -> After {
        let after = self.change(device, |sleeper| {
            let (failed, rest) = match round {
                Round::Sent => {
                    sleeper.failing = None;
                    (false, patience.rest)
                }
                Round::Skipped => (false, patience.rest),
                Round::Failed { after, .. } => {
                    let now = Instant::now();
                    let failing = sleeper.failing.get_or_insert(Failing { since: now, rounds: 0 });
                    failing.rounds = failing.rounds.saturating_add(1);
                    if now.duration_since(failing.since) >= patience.give_up {
                        sleeper.phase = Phase::Idle;
                        return After::GiveUp;
                    }
                    (true, patience.after(failing.rounds).max(after.min(LONGEST_REST)))
                }
            };
            let (phase, after) = match sleeper.phase {
                Phase::Sending { again: true, met: true } if !failed => {
                    (Phase::Sending { again: false, met: false }, After::Again)
                }
                Phase::Sending { again: false, met: true } if !failed => (Phase::Idle, After::Nothing),
                Phase::Sending { again, met } => {
                    let ticket = next_ticket();
                    let untold = !met && matches!(round, Round::Failed { again: true, .. });
                    (Phase::Resting { ticket, again: again || untold }, After::Rest(ticket, rest))
                }
                // The subscription went and came back.
                other => (other, After::Nothing),
            };
            sleeper.phase = phase;
            after
        });
        after.unwrap_or(After::Nothing)
    }

    /// The rest after a push is over; `true` if another one is due.
    pub(super) fn rested(&self, device: DeviceRef, of: u64) -> bool {
        let again = self.change(device, |sleeper| match sleeper.phase {
            Phase::Resting { ticket, again } if ticket == of => {
                sleeper.phase = if again { Phase::Sending { again: false, met: false } } else { Phase::Idle };
                again
            }
            _ => false,
        });
        again == Some(true)
    }

    fn change<T>(&self, device: DeviceRef, change: impl FnOnce(&mut Sleeper) -> T) -> Option<T> {
        if self.is_empty() {
            return None;
        }
        let mut sleepers = self.lock();
        let sleeper = sleepers.get_mut(&device.account)?.iter_mut().find(|s| s.device == device.device)?;
        Some(change(sleeper))
    }

    fn counted(&self, by: isize) {
        if by > 0 {
            self.count.fetch_add(1, Relaxed);
            self.metrics.web_push_subscriptions.fetch_add(1, Relaxed);
        } else {
            self.count.fetch_sub(1, Relaxed);
            self.metrics.web_push_subscriptions.fetch_sub(1, Relaxed);
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<AccountId, Vec<Sleeper>>> {
        self.sleepers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Awaken<'_> {
    /// An entry of somebody else's has come into a conversation of `account`: wakes its devices that are neither
    /// connected nor silent for it.
    pub(crate) fn entry(
        &mut self,
        account: AccountId,
        conversation: ConversationId,
        is_connected: impl Fn(DeviceId) -> bool,
    ) {
        let Some(of_account) = self.sleepers.get_mut(&account) else { return };
        for sleeper in of_account.iter_mut().filter(|s| s.silent.binary_search(&conversation).is_err()) {
            if is_connected(sleeper.device) {
                sleeper.told = Some(self.now);
            } else {
                self.wakes.begin(account, sleeper);
            }
        }
    }

    fn wake(&mut self, device: DeviceRef) {
        let of_account = self.sleepers.get_mut(&device.account);
        let sleeper = of_account.and_then(|all| all.iter_mut().find(|s| s.device == device.device));
        if let Some(sleeper) = sleeper {
            self.wakes.begin(device.account, sleeper);
        }
    }
}

impl Wakes {
    fn begin(&self, account: AccountId, sleeper: &mut Sleeper) {
        match &mut sleeper.phase {
            Phase::Idle => {
                let device = DeviceRef { account, device: sleeper.device };
                if self.queue.try_send(device).is_ok() {
                    sleeper.phase = Phase::Sending { again: false, met: false };
                } else {
                    // The next entry tries again.
                    self.metrics.web_pushes_dropped.fetch_add(1, Relaxed);
                }
            }
            Phase::Sending { again, .. } | Phase::Resting { again, .. } => *again = true,
        }
    }
}

/// A number that no rest had before.
fn next_ticket() -> u64 {
    static NEXT: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(0);
    NEXT.fetch_add(1, Relaxed)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ACCOUNT: AccountId = AccountId::new([1; 16]);
    const DEVICE: DeviceRef = DeviceRef { account: ACCOUNT, device: DeviceId::new([2; 16]) };
    const LOUD: ConversationId = ConversationId::new([3; 16]);
    const SILENT: ConversationId = ConversationId::new([4; 16]);

    const MINUTE: Duration = Duration::from_mins(1);
    const PATIENCE: Patience = Patience { rest: MINUTE, give_up: Duration::from_hours(72) };
    const BUSY: Round = Round::Failed { again: true, after: Duration::ZERO };
    const REFUSED: Round = Round::Failed { again: false, after: Duration::ZERO };

    /// Ends a round, after which the device rests that long; the ticket.
    fn rests(wakes: &Wakes, round: Round, long: Duration) -> u64 {
        match wakes.ended(DEVICE, round, &PATIENCE) {
            After::Rest(ticket, rest) if rest == long => ticket,
            other => panic!("{other:?}"),
        }
    }

    fn with_device() -> (Wakes, mpsc::Receiver<DeviceRef>) {
        let (wakes, queue) = Wakes::new(1, Arc::default());
        wakes.put(DEVICE, Some(vec![SILENT, ConversationId::new([0; 16])]));
        (wakes, queue)
    }

    fn entry(wakes: &Wakes, conversation: ConversationId, connected: bool) {
        wakes.awaken().entry(ACCOUNT, conversation, |_| connected);
    }

    #[test]
    fn a_device_is_woken_at_once_and_then_left_to_rest() {
        let (wakes, mut queue) = with_device();
        entry(&wakes, LOUD, false);
        assert_eq!(queue.try_recv(), Ok(DEVICE));
        entry(&wakes, LOUD, false);
        assert!(queue.try_recv().is_err(), "one is under way");
        let ticket = rests(&wakes, Round::Sent, MINUTE);
        entry(&wakes, LOUD, false);
        assert!(queue.try_recv().is_err(), "it rests");
        assert!(wakes.rested(DEVICE, ticket), "for what came since");
        let ticket = rests(&wakes, Round::Sent, MINUTE);
        assert!(!wakes.rested(DEVICE, ticket), "nothing came since");
        entry(&wakes, LOUD, false);
        assert_eq!(queue.try_recv(), Ok(DEVICE));
    }

    #[test]
    fn who_has_connected_is_woken_at_once_again() {
        let (wakes, mut queue) = with_device();
        entry(&wakes, LOUD, false);
        assert_eq!(queue.try_recv(), Ok(DEVICE));
        let ticket = rests(&wakes, Round::Sent, MINUTE);
        entry(&wakes, LOUD, false);
        wakes.connected(DEVICE);
        assert!(!wakes.rested(DEVICE, ticket), "it has got everything");
        entry(&wakes, LOUD, false);
        assert_eq!(queue.try_recv(), Ok(DEVICE));
        // Connected while a push is under way: never two of them.
        wakes.connected(DEVICE);
        assert!(!wakes.is_wanted(DEVICE));
        entry(&wakes, LOUD, false);
        assert!(queue.try_recv().is_err());
        assert_eq!(wakes.ended(DEVICE, Round::Sent, &PATIENCE), After::Again);
        assert!(wakes.is_wanted(DEVICE));
    }

    #[test]
    fn the_silent_the_connected_and_the_gone_are_left_alone() {
        let (wakes, mut queue) = with_device();
        entry(&wakes, SILENT, false);
        entry(&wakes, LOUD, true);
        wakes.awaken().entry(AccountId::new([9; 16]), LOUD, |_| false);
        assert!(queue.try_recv().is_err());
        wakes.retain(ACCOUNT, |_| true);
        assert!(!wakes.is_empty());
        wakes.retain(ACCOUNT, |_| false);
        assert!(wakes.is_empty());
        wakes.put(DEVICE, Some(Vec::new()));
        wakes.put(DEVICE, None);
        assert!(wakes.is_empty());
        entry(&wakes, LOUD, false);
        assert!(queue.try_recv().is_err());
    }

    #[test]
    fn a_connection_that_was_dead_is_made_up_for() {
        let (wakes, mut queue) = with_device();
        let heard = Instant::now();
        std::thread::sleep(Duration::from_millis(2));
        entry(&wakes, LOUD, true);
        wakes.lost(DEVICE, Instant::now());
        assert!(queue.try_recv().is_err(), "it was heard of after that");
        entry(&wakes, LOUD, true);
        wakes.lost(DEVICE, heard);
        assert_eq!(queue.try_recv(), Ok(DEVICE));
    }

    #[test]
    fn a_push_service_that_fails_is_left_alone_ever_longer() {
        let (wakes, mut queue) = with_device();
        entry(&wakes, LOUD, false);
        assert_eq!(queue.try_recv(), Ok(DEVICE));
        for rest in [4, 16, 64, 256, 360, 360] {
            let ticket = rests(&wakes, BUSY, rest * MINUTE);
            assert!(wakes.rested(DEVICE, ticket), "the device still does not know");
        }
        rests(&wakes, Round::Failed { again: true, after: 999 * MINUTE }, 360 * MINUTE);
        // Neither an entry nor a connection brings the next one nearer.
        entry(&wakes, LOUD, false);
        wakes.connected(DEVICE);
        entry(&wakes, LOUD, false);
        assert!(queue.try_recv().is_err());
        // A new subscription does.
        wakes.put(DEVICE, Some(Vec::new()));
        entry(&wakes, LOUD, false);
        assert_eq!(queue.try_recv(), Ok(DEVICE));
        let ticket = rests(&wakes, Round::Failed { again: true, after: 9 * MINUTE }, 9 * MINUTE);
        assert!(wakes.rested(DEVICE, ticket));
        // So does a push that got through.
        rests(&wakes, Round::Sent, MINUTE);
        wakes.connected(DEVICE);
        entry(&wakes, LOUD, false);
        assert_eq!(queue.try_recv(), Ok(DEVICE));
        rests(&wakes, BUSY, 4 * MINUTE);
    }

    #[test]
    fn what_was_refused_is_not_sent_again_by_itself() {
        let (wakes, mut queue) = with_device();
        entry(&wakes, LOUD, false);
        let ticket = rests(&wakes, REFUSED, 4 * MINUTE);
        assert!(!wakes.rested(DEVICE, ticket));
        assert_eq!(queue.try_recv(), Ok(DEVICE));
        entry(&wakes, LOUD, false);
        assert_eq!(queue.try_recv(), Ok(DEVICE));
        // Whoever has connected meanwhile has got everything.
        wakes.connected(DEVICE);
        let ticket = rests(&wakes, BUSY, 16 * MINUTE);
        assert!(!wakes.rested(DEVICE, ticket));
    }

    #[test]
    fn after_days_of_failing_a_subscription_is_given_up() {
        let (wakes, mut queue) = with_device();
        let patience = Patience { give_up: Duration::from_millis(5), ..PATIENCE };
        entry(&wakes, LOUD, false);
        let After::Rest(ticket, _) = wakes.ended(DEVICE, BUSY, &patience) else { panic!() };
        assert!(wakes.rested(DEVICE, ticket));
        std::thread::sleep(Duration::from_millis(6));
        assert!(matches!(wakes.ended(DEVICE, Round::Skipped, &patience), After::Rest(..)));
        wakes.put(DEVICE, Some(Vec::new()));
        assert_eq!(queue.try_recv(), Ok(DEVICE));
        entry(&wakes, LOUD, false);
        let After::Rest(ticket, _) = wakes.ended(DEVICE, BUSY, &patience) else { panic!("anew") };
        assert!(wakes.rested(DEVICE, ticket));
        std::thread::sleep(Duration::from_millis(6));
        assert_eq!(wakes.ended(DEVICE, BUSY, &patience), After::GiveUp);
    }

    #[test]
    fn what_does_not_fit_into_the_queue_is_dropped() {
        let (wakes, mut queue) = with_device();
        let other = DeviceRef { device: DeviceId::new([5; 16]), ..DEVICE };
        wakes.put(other, Some(Vec::new()));
        entry(&wakes, LOUD, false);
        assert_eq!(queue.try_recv(), Ok(DEVICE));
        assert!(queue.try_recv().is_err());
        assert_eq!(wakes.metrics.web_pushes_dropped.load(Relaxed), 1);
        entry(&wakes, LOUD, false);
        assert_eq!(queue.try_recv(), Ok(other), "the next entry tries again");
    }
}
