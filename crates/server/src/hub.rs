//! Connected devices, and what is pushed to them.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use bytes::Bytes;
use diario_protocol::limits::PAGE_BYTES;
use diario_protocol::{
    AccountId, Body, ChangesRef, DeviceId, DeviceRef, EntryKind, MailboxId, MailboxItem, Notice, Position,
    ServerFrame, SignalPush, Timestamp, What, WhatRef,
};
use minicbor::Encode;

use crate::link::{Link, Push};
use crate::metrics::Metrics;
use crate::push::Wakes;
use crate::storage::{Event, Listener};

const SHARDS: usize = 64;

/// Every connection of this server.
#[derive(Debug)]
pub(crate) struct Hub {
    /// Connections that are logged in, by account. Locks are held for a look-up, never across a wait.
    shards: Vec<RwLock<HashMap<AccountId, Vec<Member>>>>,
    /// All connections, so that they can be told to go.
    all: Mutex<HashMap<u64, Arc<Link>>>,
    mailboxes: Mutex<HashMap<MailboxId, Sides>>,
    next: AtomicU64,
    /// Grows with every device list that was replaced.
    lists: AtomicU64,
    wakes: Wakes,
    metrics: Arc<Metrics>,
}

#[derive(Debug)]
struct Member {
    device: DeviceId,
    valid_until: Option<Timestamp>,
    link: Arc<Link>,
}

#[derive(Debug, Default)]
struct Sides {
    candidate: Option<Arc<Link>>,
    approver: Option<Arc<Link>>,
}

// A borrowed mirror of `ServerFrame::Changes`, so that an entry is encoded without being copied first.
#[derive(Encode)]
enum FrameRef<'a> {
    #[n(3)]
    Changes(#[n(0)] ChangesRef<'a>),
}

/// One account's part of a transaction.
type Batch = Vec<(Position, Arc<What>)>;

impl Hub {
    pub(crate) fn new(metrics: Arc<Metrics>, wakes: Wakes) -> Self {
        Self {
            shards: (0..SHARDS).map(|_| RwLock::default()).collect(),
            all: Mutex::default(),
            mailboxes: Mutex::default(),
            next: AtomicU64::new(0),
            lists: AtomicU64::new(0),
            wakes,
            metrics,
        }
    }

    /// The devices that can be woken.
    pub(crate) fn wakes(&self) -> &Wakes {
        &self.wakes
    }

    /// Takes a connection in; gives its number.
    pub(crate) fn connect(&self, link: &Arc<Link>) -> u64 {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        lock(&self.all).insert(number, Arc::clone(link));
        number
    }

    /// Forgets a connection.
    pub(crate) fn disconnect(&self, number: u64) {
        lock(&self.all).remove(&number);
    }

    /// Tells every connection to go.
    pub(crate) fn close_all(&self, notice: Notice) {
        for link in lock(&self.all).values() {
            link.close(notice);
        }
    }

    /// Makes a connection a device's, in place of an older one of the same device.
    pub(crate) fn log_in(&self, device: DeviceRef, valid_until: Option<Timestamp>, link: &Arc<Link>) {
        {
            let mut shard = write(self.shard(device.account));
            let members = shard.entry(device.account).or_default();
            let new = Member { device: device.device, valid_until, link: Arc::clone(link) };
            match members.iter_mut().find(|m| m.device == device.device) {
                Some(old) => std::mem::replace(old, new).link.close(Notice::Replaced),
                None => members.push(new),
            }
        }
        // Never under the lock of a shard: whoever is woken is looked up there.
        self.wakes.connected(device);
    }

    /// Undoes [`Self::log_in`], unless another connection took the device over; `true` if the device is gone.
    pub(crate) fn log_out(&self, device: DeviceRef, link: &Arc<Link>) -> bool {
        let mut shard = write(self.shard(device.account));
        let Some(members) = shard.get_mut(&device.account) else { return false };
        let before = members.len();
        members.retain(|m| !(m.device == device.device && Arc::ptr_eq(&m.link, link)));
        let gone = members.len() < before;
        if members.is_empty() {
            shard.remove(&device.account);
        }
        gone
    }

    /// How many device lists were replaced so far.
    ///
    /// A login reads this, then the list, then enters the hub; if the number has changed, it looks at the list
    /// again. So no device slips in while it is being revoked.
    pub(crate) fn lists_replaced(&self) -> u64 {
        self.lists.load(Ordering::SeqCst)
    }

    /// Devices of an account that are connected.
    pub(crate) fn connected(&self, account: AccountId) -> Vec<DeviceId> {
        let shard = read(self.shard(account));
        shard.get(&account).map(|members| members.iter().map(|m| m.device).collect()).unwrap_or_default()
    }

    /// Cuts off devices whose time has run out.
    pub(crate) fn expire(&self, now: Timestamp) {
        for shard in &self.shards {
            for member in read(shard).values().flatten() {
                if member.valid_until.is_some_and(|until| until <= now) {
                    member.link.close(Notice::Expired);
                }
            }
        }
    }

    /// Passes a signal on to the connected devices of `accounts`, except the one that sent it.
    pub(crate) fn signal(&self, accounts: &[AccountId], signal: SignalPush) {
        let sender = signal.device;
        let frame = Bytes::from(diario_protocol::encode(&ServerFrame::Signal(signal)));
        for account in accounts {
            let shard = read(self.shard(*account));
            for member in shard.get(account).into_iter().flatten().filter(|m| m.device != sender) {
                member.link.signal(frame.clone());
            }
        }
    }

    /// Makes a connection one side of a mailbox; `false` if that side is taken.
    pub(crate) fn attach_mailbox(&self, id: MailboxId, approver: bool, link: &Arc<Link>) -> bool {
        let mut mailboxes = lock(&self.mailboxes);
        let sides = mailboxes.entry(id).or_default();
        let side = if approver { &mut sides.approver } else { &mut sides.candidate };
        if side.is_some() {
            return false;
        }
        *side = Some(Arc::clone(link));
        true
    }

    /// Undoes [`Self::attach_mailbox`].
    pub(crate) fn detach_mailbox(&self, id: MailboxId, approver: bool) {
        let mut mailboxes = lock(&self.mailboxes);
        if let Some(sides) = mailboxes.get_mut(&id) {
            *(if approver { &mut sides.approver } else { &mut sides.candidate }) = None;
            if sides.candidate.is_none() && sides.approver.is_none() {
                mailboxes.remove(&id);
            }
        }
    }

    /// Tells the other side of a mailbox that this one's connection was lost: by an empty message.
    pub(crate) fn lost_side(&self, id: MailboxId, approver: bool) {
        self.deliver(id, !approver, diario_protocol::Bin(Vec::new()));
    }

    fn publish(&self, account: AccountId, batch: &Batch) {
        let shard = read(self.shard(account));
        let Some(members) = shard.get(&account) else { return };
        let subscribed: Vec<&Member> = members.iter().filter(|m| m.link.is_subscribed()).collect();
        if subscribed.is_empty() {
            return;
        }
        for part in pages(batch) {
            let whole = encode(part, account, None);
            for member in &subscribed {
                let sent_some = part.iter().any(|(_, what)| is_echo(what, account, member.device));
                // Only the sender's own copy differs.
                let push = if sent_some { encode(part, account, Some(member.device)) } else { whole.clone() };
                self.metrics.changes_pushed.fetch_add(part.len() as u64, Ordering::Relaxed);
                member.link.push(&push);
            }
        }
    }

    fn replace_list(&self, account: AccountId, listed: &[(DeviceId, Option<Timestamp>)]) {
        self.lists.fetch_add(1, Ordering::SeqCst);
        let mut shard = write(self.shard(account));
        for member in shard.get_mut(&account).into_iter().flatten() {
            match listed.iter().find(|(device, _)| *device == member.device) {
                Some((_, valid_until)) => member.valid_until = *valid_until,
                None => member.link.close(Notice::Revoked),
            }
        }
    }

    /// Wakes whoever gets an entry of somebody else's and is not connected.
    ///
    /// Commits wake nobody, nor does what is said about an older entry: there is no new message.
    fn wake(&self, order: &[AccountId], batches: &HashMap<AccountId, Batch>) {
        if self.wakes.is_empty() {
            return;
        }
        let mut awaken = self.wakes.awaken();
        for account in order {
            for (_, what) in batches.get(account).into_iter().flatten() {
                let What::Entry(entry) = &**what else { continue };
                let message = entry.kind == EntryKind::Application && entry.annotates.is_none();
                if message && entry.account != *account {
                    awaken.entry(*account, entry.conversation, |device| self.is_connected(*account, device));
                }
            }
        }
    }

    fn is_connected(&self, account: AccountId, device: DeviceId) -> bool {
        read(self.shard(account))
            .get(&account)
            .is_some_and(|members| members.iter().any(|m| m.device == device))
    }

    fn deliver(&self, mailbox: MailboxId, to_approver: bool, body: diario_protocol::Bin) {
        let link = {
            let mailboxes = lock(&self.mailboxes);
            let sides = mailboxes.get(&mailbox);
            sides.and_then(|s| if to_approver { s.approver.clone() } else { s.candidate.clone() })
        };
        if let Some(link) = link {
            let frame = ServerFrame::Mailbox(MailboxItem { mailbox, body });
            link.signal(diario_protocol::encode(&frame).into());
        }
    }

    fn shard(&self, account: AccountId) -> &RwLock<HashMap<AccountId, Vec<Member>>> {
        // Account ids are hashes: any byte spreads them.
        &self.shards[usize::from(account.as_bytes()[0]) % SHARDS]
    }
}

impl Listener for Hub {
    fn committed(&self, events: Vec<Event>) {
        // Changes of one account go together, in the order in which accounts first appear.
        let mut order: Vec<AccountId> = Vec::new();
        let mut batches: HashMap<AccountId, Batch> = HashMap::new();
        let mut others = Vec::new();
        for event in events {
            match event {
                Event::Change(account, position, what) => {
                    let batch = batches.entry(account).or_default();
                    if batch.is_empty() {
                        order.push(account);
                    }
                    batch.push((position, what));
                }
                other => others.push(other),
            }
        }
        // Revoked devices first: they get nothing of this transaction.
        for event in others {
            match event {
                Event::Devices(account, listed) => {
                    self.wakes.retain(account, |device| listed.iter().any(|(id, _)| *id == device));
                    self.replace_list(account, &listed);
                }
                Event::Push(device, silent) => self.wakes.put(device, silent),
                Event::Mailbox { mailbox, to_approver, body } => self.deliver(mailbox, to_approver, body),
                Event::Change(..) => {}
            }
        }
        for account in &order {
            if let Some(batch) = batches.get(account) {
                self.publish(*account, batch);
            }
        }
        self.wake(&order, &batches);
    }
}

fn is_echo(what: &What, account: AccountId, device: DeviceId) -> bool {
    matches!(what, What::Entry(entry) if entry.account == account && entry.device == device)
}

/// Cuts a batch where a frame becomes too long.
fn pages(batch: &Batch) -> impl Iterator<Item = &[(Position, Arc<What>)]> {
    let mut rest = batch.as_slice();
    std::iter::from_fn(move || {
        let mut size = 0;
        let fits = rest.iter().take_while(|(_, what)| {
            let before = size;
            size += size_of(what);
            before == 0 || size <= PAGE_BYTES
        });
        let (page, left) = rest.split_at(fits.count());
        rest = left;
        (!page.is_empty()).then_some(page)
    })
}

fn size_of(what: &What) -> usize {
    128 + match what {
        What::Entry(entry) => match &entry.body {
            Body::Present(body) => body.len(),
            Body::Erased(_) | Body::Gone(_) => 0,
        },
        What::Slot(slot) => slot.body.len(),
        What::DeviceList(info) => info.list.0.len(),
        What::Joined(membership) => 17 * membership.participants.len(),
        What::Echo(..) | What::Left(..) | What::Welcome(..) | What::Retention(..) => 0,
    }
}

fn encode(part: &[(Position, Arc<What>)], account: AccountId, echo: Option<DeviceId>) -> Push {
    let items = part.iter().map(|(position, what)| {
        let what = match (&**what, echo) {
            (What::Entry(entry), Some(device)) if is_echo(what, account, device) => {
                WhatRef::Echo(entry.conversation, entry.seq, entry.id, entry.body.short_digest())
            }
            (what, _) => WhatRef::Whole(what),
        };
        (*position, what)
    });
    let frame = FrameRef::Changes(ChangesRef { items: items.collect(), live: true });
    let position = |item: Option<&(Position, Arc<What>)>| item.map_or(Position(0), |(p, _)| *p);
    Push {
        first: position(part.first()),
        last: position(part.last()),
        frame: diario_protocol::encode(&frame).into(),
    }
}

// A panic under one of these locks leaves a map that is whole: go on with it.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn read<T>(lock: &RwLock<T>) -> std::sync::RwLockReadGuard<'_, T> {
    lock.read().unwrap_or_else(PoisonError::into_inner)
}

fn write<T>(lock: &RwLock<T>) -> std::sync::RwLockWriteGuard<'_, T> {
    lock.write().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use diario_protocol::{Change, Changes, ConversationId, Entry, EntryId, Epoch, Seq};

    use super::*;
    use crate::link::Bounds;

    fn account() -> AccountId {
        AccountId::new([1; 16])
    }

    fn device(n: u8) -> DeviceRef {
        DeviceRef { account: account(), device: DeviceId::new([n; 16]) }
    }

    fn entry(seq: u64, by: u8, size: usize) -> Arc<What> {
        Arc::new(What::Entry(Entry {
            conversation: ConversationId::new([7; 16]),
            seq: Seq(seq),
            id: EntryId::new([u8::try_from(seq).unwrap(); 16]),
            kind: EntryKind::Application,
            epoch: Epoch(3),
            account: account(),
            device: device(by).device,
            annotates: None,
            received_at: Timestamp(5),
            body: Body::Present(vec![0; size].into()),
        }))
    }

    fn hub() -> Hub {
        Hub::new(Arc::default(), Wakes::new(1, Arc::default()).0)
    }

    fn link() -> Arc<Link> {
        let link = Link::new(Bounds { pushes: 9, push_bytes: 1 << 20, signals: 9 });
        link.subscribe();
        Arc::new(link)
    }

    fn changes(push: &Push) -> Changes {
        match diario_protocol::decode(&push.frame, usize::MAX).unwrap() {
            ServerFrame::Changes(changes) => changes,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_sender_gets_an_echo_and_the_others_the_entry() {
        let hub = hub();
        let (own, other) = (link(), link());
        hub.log_in(device(1), None, &own);
        hub.log_in(device(2), None, &other);
        let what = entry(4, 1, 10);
        let event = |n, what: &Arc<What>| Event::Change(account(), Position(n), Arc::clone(what));
        hub.committed(vec![event(8, &what), event(9, &entry(5, 2, 10))]);
        let (own, other) = (own.take(true).pushes, other.take(true).pushes);
        assert_eq!((own.len(), other.len()), (1, 1), "one frame for one transaction");
        assert_eq!((other[0].first, other[0].last), (Position(8), Position(9)));
        let items = changes(&other[0]).items;
        assert_eq!(items[0], Change { position: Position(8), what: (*what).clone() });
        assert!(matches!(items[1].what, What::Echo(..)));
        let items = changes(&own[0]).items;
        assert!(matches!(items[0].what, What::Echo(_, Seq(4), ..)));
        assert!(matches!(items[1].what, What::Entry(_)));
    }

    #[test]
    fn long_batches_are_cut_into_frames() {
        let batch: Batch = (1..=10).map(|n| (Position(n), entry(n, 1, PAGE_BYTES / 4))).collect();
        let lengths: Vec<usize> = pages(&batch).map(<[_]>::len).collect();
        assert_eq!(lengths.iter().sum::<usize>(), 10);
        assert!(lengths.iter().all(|n| *n == 3 || *n == 1), "{lengths:?}");
    }

    #[test]
    fn a_replaced_list_cuts_off_whoever_it_lacks() {
        let hub = hub();
        let (kept, gone) = (link(), link());
        hub.log_in(device(1), None, &kept);
        hub.log_in(device(2), None, &gone);
        hub.committed(vec![Event::Devices(account(), vec![(device(1).device, Some(Timestamp(50)))])]);
        assert_eq!((kept.take(true).close, gone.take(true).close), (None, Some(Notice::Revoked)));
        assert_eq!(hub.lists_replaced(), 1);
        hub.expire(Timestamp(50));
        assert_eq!(kept.take(true).close, Some(Notice::Expired));
    }

    #[test]
    fn a_second_login_replaces_the_first() {
        let hub = hub();
        let (first, second) = (link(), link());
        hub.log_in(device(1), None, &first);
        hub.log_in(device(1), None, &second);
        assert_eq!(first.take(true).close, Some(Notice::Replaced));
        assert!(!hub.log_out(device(1), &first), "the device is still here");
        assert!(hub.log_out(device(1), &second));
        assert!(hub.connected(account()).is_empty());
    }
}
