//! What each request needs, and what it leads to.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use diario_protocol::limits::PAGE_BYTES;
use diario_protocol::{
    AccountId, Append, ConversationId, Digest, LogRange, PushSubscription, PutKeyPackages, PutSlots, Refusal,
    Reply, Request, RequestId, Seen, Signal, SignalPush,
};
use futures_util::FutureExt as _;
use futures_util::future::ready;
use sha2::Digest as _;

use super::{Done, Session, Work};
use crate::app::App;
use crate::push;
use crate::rules::key_package;
use crate::rules::roster::Leaf;
use crate::storage::{Answer, NewEntry, NewKeyPackages, NewSlots};

/// About how many bytes of heads go into one answer: a first screen is not cut into many.
const HEADS_BYTES: usize = 4 * PAGE_BYTES;

/// A storage operation whose result is the answer.
fn reply<T: Send + 'static>(answer: Answer<T>, to_reply: impl FnOnce(T) -> Reply + Send + 'static) -> Work {
    answer.map(|result| result.map(|value| Done::Reply(to_reply(value)))).boxed()
}

impl Session {
    /// Starts a request; `None` if it is answered later by itself. Refusals are about what the request says.
    pub(super) fn dispatch(&mut self, id: RequestId, request: Request) -> Result<Option<Work>, Refusal> {
        let Some(me) = self.me() else { return self.dispatch_unknown(request).map(Some) };
        let (app, device) = (Arc::clone(&self.app), me.device);
        let storage = Arc::clone(&app.storage);
        let batch = usize::from(app.settings.max_batch);
        let account = device.account;
        Ok(Some(match request {
            Request::Append(append) => append_entry(&app, me, append)?,
            Request::PutSlots(slots) => put_slots(&app, me, slots)?,
            Request::Signal(signal) => send_signal(&app, me, signal)?,
            Request::Commit(commit) => super::conversations::commit(app, me, *commit).boxed(),
            Request::Create(create) => super::conversations::create(app, me, *create).boxed(),
            Request::Subscribe(position) => {
                if self.stream.is_some() {
                    return Err(wrong_state("subscribed already"));
                }
                self.note_lacks(position);
                self.subscribe(id, position);
                return Ok(None);
            }
            Request::Log(range) => {
                check_range(&range)?;
                reply(storage.log(account, range, PAGE_BYTES), Reply::Log)
            }
            Request::Slots(conversation, keys) => {
                check_batch(keys.len(), batch)?;
                reply(storage.slots(account, conversation, keys), Reply::Slots)
            }
            Request::Heads(range) => {
                let heads = storage.heads(account, range, app.clock.now(), HEADS_BYTES);
                reply(heads, |heads| Reply::Heads(Box::new(heads)))
            }
            Request::SeqAt(conversation, at) => {
                reply(storage.seq_at(account, conversation, at), Reply::SeqAt)
            }
            Request::GroupState(conversation) => {
                reply(storage.group_state(account, conversation), Reply::GroupState)
            }
            Request::Welcome(conversation) => reply(storage.welcome(device, conversation), Reply::Welcome),
            Request::DropWelcome(conversation, epoch) => {
                reply(storage.drop_welcome(device, conversation, epoch), |()| Reply::Done)
            }
            Request::PutKeyPackages(packages) => put_key_packages(app, me, packages).boxed(),
            Request::ClaimKeyPackages(devices) => {
                check_batch(devices.len(), batch)?;
                reply(storage.claim_key_packages(devices), Reply::KeyPackages)
            }
            Request::Lookup(refs) => {
                check_batch(refs.len(), batch)?;
                reply(storage.accounts(refs), Reply::Accounts)
            }
            Request::DeviceListHistory(of) => reply(storage.device_lists(of), Reply::DeviceLists),
            Request::PutDeviceList(list) => super::accounts::put_device_list(app, me, list).boxed(),
            Request::OpenMailbox(mailbox) => self.open_mailbox(mailbox)?,
            Request::JoinMailbox(mailbox) => self.join_mailbox(mailbox)?,
            Request::PutMailbox(mailbox, body) => self.put_mailbox(mailbox, body)?,
            Request::CloseMailbox(mailbox) => self.close_mailbox(mailbox)?,
            Request::LastSeen => {
                let hub = Arc::clone(&app.hub);
                reply(storage.last_seen(account), move |seen| {
                    let connected = hub.connected(account);
                    let live = |s: Seen| Seen { at: s.at.filter(|_| !connected.contains(&s.device)), ..s };
                    Reply::LastSeen(seen.into_iter().map(live).collect())
                })
            }
            Request::PutPush(subscription) => {
                check_push(&app, subscription.as_ref())?;
                reply(storage.put_push(device, subscription), |()| Reply::Done)
            }
            Request::PushKey => {
                let key = app.vapid.as_ref().map(|vapid| vapid.public());
                ready(Ok(Done::Reply(Reply::PushKey(key)))).boxed()
            }
            Request::SetRetention(conversation, retention) => {
                if !retention.is_valid() {
                    return Err(Refusal::Invalid("such a number of days".into()));
                }
                let set = storage.set_retention(conversation, device, retention, app.clock.now());
                reply(set, |()| Reply::Done)
            }
            Request::Ack(position) => storage.ack(device, position).map(|r| r.map(|()| Done::Silent)).boxed(),
            Request::PutVault(vault) => super::recovery::put_vault(&app, me, vault)?,
            Request::VaultMethods => reply(storage.vault_methods(account), Reply::VaultMethods),
            Request::Register(_) | Request::Login(_) | Request::OpenVault(_) | Request::Recover(_) => {
                return Err(wrong_state("logged in already"));
            }
        }))
    }

    /// Whether this connection, before login, has opened the vault of that account.
    fn has_opened(&self, account: AccountId) -> bool {
        self.opened.as_deref().is_some_and(|opened| opened.account == account)
    }

    /// What is answered before login.
    fn dispatch_unknown(&mut self, request: Request) -> Result<Work, Refusal> {
        let app = Arc::clone(&self.app);
        let cost = match &request {
            Request::Register(_) => 10.0,
            Request::Login(_)
            | Request::Lookup(_)
            | Request::OpenMailbox(_)
            | Request::OpenVault(_)
            | Request::Recover(_)
            | Request::Slots(..)
            | Request::DeviceListHistory(_) => 1.0,
            // Bounded by the mailbox itself.
            Request::PutMailbox(..) | Request::CloseMailbox(_) => 0.0,
            _ => return Err(wrong_state("log in first")),
        };
        app.addresses.attempt(self.address, cost)?;
        match request {
            Request::Register(_) | Request::Login(_) | Request::Recover(_) if self.logging_in => {
                Err(wrong_state("a login is under way"))
            }
            Request::Register(register) => {
                self.logging_in = true;
                Ok(super::accounts::register(app, self.nonce, Arc::clone(&self.link), *register).boxed())
            }
            Request::Login(login) => {
                self.logging_in = true;
                Ok(super::accounts::log_in(app, self.nonce, Arc::clone(&self.link), login).boxed())
            }
            Request::OpenVault(open) => {
                Ok(super::recovery::open(app, self.nonce, self.address, open).boxed())
            }
            // What its devices are called, for who is to choose among them.
            Request::DeviceListHistory(of) if self.has_opened(of) => {
                Ok(reply(app.storage.device_lists(of), Reply::DeviceLists))
            }
            Request::Slots(conversation, keys) => {
                let opened = self.opened.as_deref().map(|opened| opened.account);
                let own = opened.filter(|account| conversation == ConversationId::of_self(*account));
                let account = own.ok_or_else(|| wrong_state("log in first"))?;
                check_batch(keys.len(), app.settings.max_batch.into())?;
                Ok(reply(app.storage.slots(account, conversation, keys), Reply::Slots))
            }
            Request::Recover(recover) => {
                let Some(opened) = self.opened.as_deref().copied() else {
                    return Err(wrong_state("open the vault first"));
                };
                self.logging_in = true;
                let link = Arc::clone(&self.link);
                Ok(super::recovery::recover(app, self.nonce, link, opened, *recover).boxed())
            }
            Request::Lookup(refs) => {
                check_batch(refs.len(), 1)?;
                Ok(reply(app.storage.accounts(refs), Reply::Accounts))
            }
            Request::OpenMailbox(mailbox) => self.open_mailbox(mailbox),
            Request::PutMailbox(mailbox, body) => self.put_mailbox(mailbox, body),
            Request::CloseMailbox(mailbox) => self.close_mailbox(mailbox),
            _ => Err(wrong_state("log in first")),
        }
    }
}

pub(super) fn wrong_state(why: &str) -> Refusal {
    Refusal::WrongState(why.into())
}

pub(super) fn check_size(bytes: usize, most: u32) -> Result<(), Refusal> {
    if bytes <= most as usize { Ok(()) } else { Err(Refusal::TooLarge(most.into())) }
}

pub(super) fn check_batch(count: usize, most: usize) -> Result<(), Refusal> {
    if count <= most { Ok(()) } else { Err(Refusal::TooMany("items in one request".into(), most as u64)) }
}

fn check_push(app: &App, subscription: Option<&PushSubscription>) -> Result<(), Refusal> {
    let Some(subscription) = subscription else { return Ok(()) };
    if app.vapid.is_none() {
        return Err(Refusal::Invalid("this server sends no pushes".into()));
    }
    push::check(subscription, app.settings.push_allow_local)
}

fn check_range(range: &LogRange) -> Result<(), Refusal> {
    if range.from.0 == 0 || range.from > range.to {
        Err(Refusal::Invalid("a range of a log goes up, from at least 1".into()))
    } else {
        Ok(())
    }
}

fn append_entry(app: &Arc<App>, me: Leaf, append: Append) -> Result<Work, Refusal> {
    check_size(append.body.len(), app.settings.max_entry_bytes)?;
    let digest = Digest::new(sha2::Sha256::digest(&append.body.0).into());
    let entry = NewEntry {
        conversation: append.conversation,
        id: append.id,
        epoch: append.epoch,
        sender: me.device,
        annotates: append.annotates,
        body: append.body,
        digest,
        now: app.clock.now(),
    };
    let metrics = Arc::clone(&app.metrics);
    Ok(reply(app.storage.append(entry), move |seq| {
        metrics.appends.fetch_add(1, Relaxed);
        Reply::Appended(seq)
    }))
}

pub(super) fn check_slots(app: &App, writes: &[diario_protocol::SlotWrite]) -> Result<(), Refusal> {
    check_batch(writes.len(), app.settings.max_batch.into())?;
    for write in writes {
        check_size(write.body.len(), app.settings.max_slot_bytes)?;
        if write.version.0 == 0 || i64::try_from(write.version.0).is_err() {
            return Err(Refusal::Invalid("versions of slots begin at 1 and stay below 2^63".into()));
        }
    }
    Ok(())
}

fn put_slots(app: &Arc<App>, me: Leaf, slots: PutSlots) -> Result<Work, Refusal> {
    check_slots(app, &slots.writes)?;
    let new = NewSlots {
        conversation: slots.conversation,
        epoch: slots.epoch,
        sender: me.device,
        writes: slots.writes,
        now: app.clock.now(),
    };
    let metrics = Arc::clone(&app.metrics);
    Ok(reply(app.storage.put_slots(new), move |outcomes| {
        metrics.slots_written.fetch_add(outcomes.len() as u64, Relaxed);
        Reply::SlotsPut(outcomes)
    }))
}

fn send_signal(app: &Arc<App>, me: Leaf, signal: Signal) -> Result<Work, Refusal> {
    check_size(signal.body.len(), app.settings.max_signal_bytes)?;
    let audience = app.storage.audience(signal.conversation, me.device, signal.epoch);
    let app = Arc::clone(app);
    let work = async move {
        let accounts = audience.await?;
        app.metrics.signals.fetch_add(1, Relaxed);
        let push = SignalPush {
            conversation: signal.conversation,
            epoch: signal.epoch,
            account: me.device.account,
            device: me.device.device,
            body: signal.body,
        };
        app.hub.signal(&accounts, push);
        Ok(Done::Silent)
    };
    Ok(work.boxed())
}

async fn put_key_packages(app: Arc<App>, me: Leaf, packages: PutKeyPackages) -> Result<Done, Refusal> {
    let packages = check_key_packages(&app, me, packages).await?;
    app.storage.put_key_packages(me.device, packages).await?;
    Ok(Done::Reply(Reply::Done))
}

/// Checks key packages that are to be `owner`'s.
pub(super) async fn check_key_packages(
    app: &Arc<App>,
    owner: Leaf,
    packages: PutKeyPackages,
) -> Result<NewKeyPackages, Refusal> {
    let most = usize::from(app.settings.max_key_packages);
    if packages.one_time.len() > most {
        return Err(Refusal::TooMany("key packages".into(), most as u64));
    }
    for package in packages.one_time.iter().chain(&packages.last_resort) {
        check_size(package.len(), app.settings.max_key_package_bytes)?;
    }
    app.check(move |app| {
        for package in packages.one_time.iter().chain(&packages.last_resort) {
            key_package::check(&app.crypto, package, &owner)?;
        }
        Ok(NewKeyPackages { one_time: packages.one_time, last_resort: packages.last_resort, most })
    })
    .await
}
