//! What the server keeps, behind one trait.
//!
//! Every operation is whole: it happens entirely or not at all, and when its future gives `Ok`, what it changed
//! survives a crash of the machine. A refusal changed nothing. Failures of the disk are
//! [`Refusal::StorageUnavailable`]; the storage recovers by itself when the disk does.
//!
//! Signatures and MLS were checked before; what depends on other stored state (epochs, members, lists, counts) is
//! checked by the storage itself, in the same transaction that writes.
//!
//! Changes go to the [`Listener`] in commit order, before the operation that made them is answered.

#[cfg(any(test, feature = "contract"))]
pub mod contract;
pub mod sqlite;
mod types;

use std::path::Path;
use std::sync::Arc;

use diario_protocol::device_list::{SignedDeviceList, ValidatedDeviceList};
use diario_protocol::{
    AccountId, AccountInfo, AccountRef, Bin, Change, ConversationId, DeviceId, DeviceRef, Epoch, GroupState,
    Heads, HeadsRange, LogPage, LogRange, MailboxId, Position, PublicKey, PushSubscription, RecoveryId,
    Refusal, Retention, Seen, Seq, ServerId, Slot, SlotKey, SlotOutcome, Timestamp, Username, VaultMethod,
    Welcome, What,
};
use futures_util::future::BoxFuture;

pub use types::{
    CommitBasis, DeviceState, Erasure, MailboxLimits, NewAccount, NewCommit, NewConversation, NewEntry,
    NewKeyPackages, NewSlots, NewVault, RetentionRules, StorageSettings, StoredVault, Threads,
};

/// What an operation gives, sooner or later. Work begins when the future is first polled.
pub type Answer<T> = BoxFuture<'static, Result<T, Refusal>>;

/// Something that was committed, for connected devices.
#[derive(Debug, Clone)]
pub enum Event {
    /// An account's diary grew. One account's positions come without gaps.
    Change(AccountId, Position, Arc<What>),
    /// An account's newest list: devices that are not in it are cut off, times of the others may have changed.
    Devices(AccountId, Vec<(DeviceId, Option<Timestamp>)>),
    /// A device has a push subscription with these silent conversations now; `None`: has none.
    Push(DeviceRef, Option<Vec<ConversationId>>),
    /// A message for one side of a mailbox.
    Mailbox {
        /// The mailbox.
        mailbox: MailboxId,
        /// Whether it is for the approver; else for the candidate.
        to_approver: bool,
        /// The message.
        body: Bin,
    },
}

/// Hears what was committed.
pub trait Listener: Send + Sync {
    /// Called once after each transaction, in order. Must not block.
    fn committed(&self, events: Vec<Event>);
}

/// The server's storage.
pub trait Storage: Send + Sync {
    /// The installation's id, random, made when the storage was.
    fn server_id(&self) -> ServerId;

    /// Makes an account with its first device list, key packages and self conversation, and uses up its invite.
    /// Refuses [`Refusal::NameTaken`], [`Refusal::InviteNeeded`], [`Refusal::Exists`] (the account).
    fn register(&self, account: NewAccount) -> Answer<()>;

    /// What a device needs to log in; `None` if the account or device is unknown.
    fn device(&self, device: DeviceRef) -> Answer<Option<DeviceState>>;

    /// Keys of devices in their accounts' newest lists that are valid at `now`, in order, and which of the accounts
    /// exist.
    fn known(
        &self,
        devices: Vec<DeviceRef>,
        accounts: Vec<AccountId>,
        now: Timestamp,
    ) -> Answer<(Vec<Option<PublicKey>>, Vec<bool>)>;

    /// Makes a conversation: group state, members, leaf, and `Joined` in the diary of each participant.
    /// Again by the same device is `Ok`; by another one [`Refusal::Exists`].
    fn create(&self, conversation: NewConversation) -> Answer<()>;

    /// Puts an entry at the end of a log and into the diary of each participant.
    /// Idempotent by the entry's id for the same device; [`Refusal::Exists`] for another.
    fn append(&self, entry: NewEntry) -> Answer<Seq>;

    /// What is needed to check a commit of `sender` that ends `epoch` and has entry id `id`.
    fn commit_basis(
        &self,
        conversation: ConversationId,
        sender: DeviceRef,
        id: diario_protocol::EntryId,
        epoch: Epoch,
    ) -> Answer<CommitBasis>;

    /// Ends an epoch, if it is still the newest: log entry, group state, leaves, members, welcomes, slots, diaries.
    /// Of all commits for one epoch one succeeds, the others get [`Refusal::StaleEpoch`].
    fn commit(&self, commit: NewCommit) -> Answer<Seq>;

    /// Writes slots, each if its version is higher than the stored one; replaced diary rows go.
    fn put_slots(&self, slots: NewSlots) -> Answer<Vec<SlotOutcome>>;

    /// The participants of a conversation, if `sender` is one and `epoch` is the newest.
    fn audience(
        &self,
        conversation: ConversationId,
        sender: DeviceRef,
        epoch: Epoch,
    ) -> Answer<Arc<[AccountId]>>;

    /// Changes of a diary after a position, at most about `bytes`, and whether they reach the diary's head.
    fn changes_after(&self, account: AccountId, after: Position, bytes: usize)
    -> Answer<(Vec<Change>, bool)>;

    /// A part of a log, as far as the account may read it, at most about `bytes`.
    fn log(&self, account: AccountId, range: LogRange, bytes: usize) -> Answer<LogPage>;

    /// Slots that exist, of a conversation that the account is in.
    fn slots(
        &self,
        account: AccountId,
        conversation: ConversationId,
        keys: Vec<SlotKey>,
    ) -> Answer<Vec<Slot>>;

    /// Newest state of the account's conversations, of one moment, at most about `bytes`.
    fn heads(&self, account: AccountId, range: HeadsRange, now: Timestamp, bytes: usize) -> Answer<Heads>;

    /// The first entry that the account may read and that came at or after a time; else the last, or 0.
    fn seq_at(&self, account: AccountId, conversation: ConversationId, at: Timestamp) -> Answer<Seq>;

    /// What an external joiner needs, of a conversation that the account is in.
    fn group_state(&self, account: AccountId, conversation: ConversationId) -> Answer<GroupState>;

    /// The welcome kept for a device.
    fn welcome(&self, device: DeviceRef, conversation: ConversationId) -> Answer<Option<Welcome>>;

    /// Forgets the welcome of that epoch for a device.
    fn drop_welcome(&self, device: DeviceRef, conversation: ConversationId, epoch: Epoch) -> Answer<()>;

    /// Keeps key packages.
    fn put_key_packages(&self, device: DeviceRef, packages: NewKeyPackages) -> Answer<()>;

    /// Takes one key package for each device: a one-time one, given out once; else the last resort.
    fn claim_key_packages(&self, devices: Vec<DeviceRef>) -> Answer<Vec<Option<Bin>>>;

    /// Finds accounts.
    fn accounts(&self, refs: Vec<AccountRef>) -> Answer<Vec<Option<AccountInfo>>>;

    /// Every device list of an account, oldest first, as far as they fit into a frame.
    fn device_lists(&self, account: AccountId) -> Answer<Vec<SignedDeviceList>>;

    /// Replaces an account's list, put by `device`, a primary of the list before; tells everybody who shares a
    /// conversation. Refuses [`Refusal::OldDeviceList`].
    fn put_device_list(&self, device: DeviceId, list: ValidatedDeviceList, now: Timestamp) -> Answer<()>;

    /// The vault of an account by one of its methods; `None` if there is no such account or method.
    fn vault(&self, account: AccountRef, method: RecoveryId) -> Answer<Option<StoredVault>>;

    /// The methods that an account's vault has, by id.
    fn vault_methods(&self, account: AccountId) -> Answer<Vec<VaultMethod>>;

    /// Writes to a vault. Refuses [`Refusal::StaleEpoch`] of the self conversation, [`Refusal::TooMany`] methods.
    fn put_vault(&self, vault: NewVault) -> Answer<()>;

    /// Replaces an account's list, by the word of whoever opened its vault with `method`; else like
    /// [`Self::put_device_list`]. Refuses [`Refusal::WrongRecoveryKey`] if the vault has the method no longer.
    fn recover(&self, method: RecoveryId, list: ValidatedDeviceList) -> Answer<()>;

    /// Gives a name to whoever registers with `code` before `until`; the account that has it then gets another name.
    /// Refuses [`Refusal::NotFound`] if nobody has it.
    fn release_name(&self, name: Username, code: String, until: Timestamp) -> Answer<()>;

    /// Whether `code` gives this name at `now`.
    fn is_released(&self, name: Username, code: String, now: Timestamp) -> Answer<bool>;

    /// Notes when a device was connected last.
    fn seen(&self, device: DeviceRef, at: Timestamp) -> Answer<()>;

    /// When the account's devices were connected last; 0 is never.
    fn last_seen(&self, account: AccountId) -> Answer<Vec<Seen>>;

    /// Keeps where a device is to be woken, in place of what was kept before; `None`: nowhere. It goes with the device
    /// when a list lacks it.
    fn put_push(&self, device: DeviceRef, subscription: Option<PushSubscription>) -> Answer<()>;

    /// Forgets a device's subscription, if it is still the one with this endpoint.
    fn drop_push(&self, device: DeviceRef, endpoint: String) -> Answer<()>;

    /// The subscription of a device that is valid at `now`.
    fn push(&self, device: DeviceRef, now: Timestamp) -> Answer<Option<PushSubscription>>;

    /// Every device with a subscription, and its silent conversations.
    fn pushes(&self) -> Answer<Vec<(DeviceRef, Vec<ConversationId>)>>;

    /// A secret of the installation by name: the one that is kept, or else `fresh`, which is kept from now on.
    fn secret(&self, name: &'static str, fresh: Vec<u8>) -> Answer<Vec<u8>>;

    /// Opens a mailbox.
    fn open_mailbox(&self, mailbox: MailboxId, now: Timestamp, limits: MailboxLimits) -> Answer<()>;

    /// Enters a mailbox, once; what was put before comes as [`Event::Mailbox`].
    fn join_mailbox(&self, mailbox: MailboxId, now: Timestamp) -> Answer<()>;

    /// Puts a message for the other side; kept until the approver has come.
    fn put_mailbox(
        &self,
        mailbox: MailboxId,
        by_approver: bool,
        body: Bin,
        now: Timestamp,
        limits: MailboxLimits,
    ) -> Answer<()>;

    /// Forgets a mailbox; `Ok` if there is none.
    fn close_mailbox(&self, mailbox: MailboxId) -> Answer<()>;

    /// Sets for how long a conversation is kept, by a device of a participant; tells all of them.
    fn set_retention(
        &self,
        conversation: ConversationId,
        by: DeviceRef,
        retention: Retention,
        now: Timestamp,
    ) -> Answer<()>;

    /// Notes how far a device has its account's diary for good, and the parts of logs that were told to it as heads.
    fn ack(&self, device: DeviceRef, position: Position) -> Answer<()>;

    /// Notes that a device has no more than what comes up to a position.
    fn lacks(&self, device: DeviceRef, position: Position) -> Answer<()>;

    /// Bodies whose time is over, of some conversations by id that come `after` one, at most one erasure for each; and
    /// the last id looked at, if more follow. A device that is not valid at `now`, or was away for too long, holds
    /// nothing back.
    fn erasable(
        &self,
        rules: RetentionRules,
        after: Option<ConversationId>,
        now: Timestamp,
    ) -> Answer<(Vec<Erasure>, Option<ConversationId>)>;

    /// Drops bodies; digests and hashes stay. Gives how many there were.
    fn erase(&self, erasure: Erasure) -> Answer<u64>;

    /// Forgets what has run out.
    fn sweep(&self, now: Timestamp) -> Answer<()>;

    /// Makes an invite by its code.
    fn create_invite(&self, code: String, uses: u32) -> Answer<()>;

    /// Finishes what was asked, and closes. Anything asked later is refused with [`Refusal::Draining`].
    fn close(&self) -> Answer<()>;
}

/// Opens the default backend in a directory, which is made if it is not there.
pub(crate) fn open(
    dir: &Path,
    settings: &StorageSettings,
    metrics: Arc<crate::metrics::Metrics>,
    listener: Arc<dyn Listener>,
) -> Result<Arc<dyn Storage>, sqlite::OpenError> {
    Ok(Arc::new(sqlite::SqliteStorage::open(dir, settings, metrics, listener)?))
}
