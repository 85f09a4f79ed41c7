//! What goes into the storage and comes out of it.

use std::time::Duration;

use diario_protocol::device_list::{DeviceRole, ValidatedDeviceList};
use diario_protocol::{
    AccountId, Bin, ConversationId, ConversationKind, DeviceRef, Digest, EntryId, Epoch, NewMethod,
    OpenedVault, Position, PublicKey, RecoveryId, Retention, Seq, SlotWrite, Timestamp, Username, VaultSeal,
};

/// Settings of a storage, see [`crate::Settings`] for what they mean.
#[derive(Debug, Clone)]
pub struct StorageSettings {
    /// See [`crate::Settings::writer_batch`].
    pub writer_batch: usize,
    /// See [`crate::Settings::writer_queue`].
    pub writer_queue: usize,
    /// See [`crate::Settings::readers`].
    pub readers: usize,
    /// See [`crate::Settings::cache_mib`].
    pub cache_mib: u32,
    /// See [`crate::Settings::conversation_cache`].
    pub conversation_cache: usize,
    /// See [`crate::Settings::checkpoint_pages`].
    pub checkpoint_pages: u32,
    /// See [`crate::Settings::max_database_pages`].
    pub max_database_pages: u32,
    /// Whose threads do the work.
    pub threads: Threads,
}

/// Whose threads do the work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Threads {
    /// The storage's own, and the runtime's for blocking work.
    Own,
    /// Nobody's: everything is done by tasks of the runtime, in an order that is the same whenever what they are asked
    /// is. A simulation needs that. A transaction takes so long, so that others are asked for meanwhile.
    None(Duration),
}

impl From<&crate::Settings> for StorageSettings {
    fn from(s: &crate::Settings) -> Self {
        Self {
            writer_batch: s.writer_batch,
            writer_queue: s.writer_queue,
            readers: s.readers,
            cache_mib: s.cache_mib,
            conversation_cache: s.conversation_cache,
            checkpoint_pages: s.checkpoint_pages,
            max_database_pages: s.max_database_pages,
            threads: Threads::Own,
        }
    }
}

/// An account to be made.
#[derive(Debug, Clone)]
pub struct NewAccount {
    /// Its name.
    pub username: Username,
    /// Its first device list.
    pub list: ValidatedDeviceList,
    /// Key packages of its device.
    pub key_packages: NewKeyPackages,
    /// Its self conversation.
    pub self_conversation: NewConversation,
    /// The invite to use up; `None` where none is needed.
    pub invite: Option<String>,
    /// The code by which who runs the server gives the name away, though another account has it.
    pub release: Option<String>,
}

/// A conversation to be made.
#[derive(Debug, Clone)]
pub struct NewConversation {
    /// Its id.
    pub conversation: ConversationId,
    /// Its kind.
    pub kind: ConversationKind,
    /// The device that makes it, its one leaf.
    pub creator: DeviceRef,
    /// Who is in it.
    pub participants: Vec<AccountId>,
    /// For external joiners.
    pub group_info: Bin,
    /// The ratchet tree.
    pub tree: Bin,
    /// The server's MLS state.
    pub public_state: Vec<u8>,
    /// When.
    pub now: Timestamp,
}

/// An entry to be put into a log.
#[derive(Debug, Clone)]
pub struct NewEntry {
    /// Where to.
    pub conversation: ConversationId,
    /// Its id.
    pub id: EntryId,
    /// The epoch that seals it.
    pub epoch: Epoch,
    /// Who sends it.
    pub sender: DeviceRef,
    /// The entry that it is about.
    pub annotates: Option<Seq>,
    /// The sealed bytes.
    pub body: Bin,
    /// SHA-256 of the body.
    pub digest: Digest,
    /// When it came.
    pub now: Timestamp,
}

/// A commit that was checked against its group.
#[derive(Debug, Clone)]
pub struct NewCommit {
    /// Its log entry; its epoch is the one that it ends.
    pub entry: NewEntry,
    /// Everybody in the conversation after it.
    pub participants: Vec<AccountId>,
    /// Every leaf after it.
    pub leaves: Vec<DeviceRef>,
    /// Devices that the welcome is for.
    pub welcomed: Vec<DeviceRef>,
    /// The welcome.
    pub welcome: Option<Bin>,
    /// For external joiners.
    pub group_info: Bin,
    /// The ratchet tree.
    pub tree: Bin,
    /// The server's MLS state.
    pub public_state: Vec<u8>,
    /// Slots under the new epoch.
    pub slots: Vec<SlotWrite>,
    /// The new epoch's key, for the vault of the sender's account.
    pub vault: Vec<VaultSeal>,
}

/// What is to be written to a vault.
#[derive(Debug, Clone)]
pub struct NewVault {
    /// Who writes it.
    pub sender: DeviceRef,
    /// See [`diario_protocol::PutVault::epoch`].
    pub epoch: Epoch,
    /// See [`diario_protocol::PutVault::add`].
    pub add: Vec<NewMethod>,
    /// See [`diario_protocol::PutVault::remove`].
    pub remove: Vec<RecoveryId>,
    /// See [`diario_protocol::PutVault::seals`].
    pub seals: Vec<VaultSeal>,
    /// Methods that a vault may have.
    pub most: usize,
    /// When.
    pub now: Timestamp,
}

/// A vault, and who may open it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredVault {
    /// The account.
    pub account: AccountId,
    /// The key that opens it.
    pub key: PublicKey,
    /// What is given to whoever has the key.
    pub opened: OpenedVault,
}

/// Slots to be written.
#[derive(Debug, Clone)]
pub struct NewSlots {
    /// Whose slots.
    pub conversation: ConversationId,
    /// The epoch that seals them.
    pub epoch: Epoch,
    /// Who writes them.
    pub sender: DeviceRef,
    /// What to write.
    pub writes: Vec<SlotWrite>,
    /// When.
    pub now: Timestamp,
}

/// Key packages to be kept.
#[derive(Debug, Clone)]
pub struct NewKeyPackages {
    /// Given out once each.
    pub one_time: Vec<Bin>,
    /// Replaces the last resort.
    pub last_resort: Option<Bin>,
    /// One-time packages kept at most.
    pub most: usize,
}

/// A device of a newest list, with its account's state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceState {
    /// Its key.
    pub key: PublicKey,
    /// Its role.
    pub role: DeviceRole,
    /// Until when it is valid.
    pub valid_until: Option<Timestamp>,
    /// The account's diary ends here.
    pub head: Position,
    /// Version of the newest list.
    pub list_version: u64,
    /// One-time key packages left.
    pub key_packages: u32,
    /// The account's name.
    pub username: Username,
}

/// What a commit is checked against.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CommitBasis {
    /// The same commit was taken before.
    Done(Seq),
    /// The server's MLS state at the epoch that the commit ends.
    State(Vec<u8>),
}

/// Limits of linking mailboxes.
#[derive(Debug, Clone, Copy)]
pub struct MailboxLimits {
    /// Milliseconds that one lives.
    pub lifetime_ms: u64,
    /// Messages of each side.
    pub messages: u32,
    /// Open at the same time.
    pub open: usize,
}

/// What is kept, and for how long.
#[derive(Debug, Clone, Copy)]
pub struct RetentionRules {
    /// The server's rule, besides that of each conversation.
    pub server: Retention,
    /// A device that was not connected for so many milliseconds holds nothing back.
    pub absent_ms: u64,
}

/// Bodies to be dropped: those of a part of a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Erasure {
    /// The log.
    pub conversation: ConversationId,
    /// The first entry; every body before it is gone already.
    pub from: Seq,
    /// The last one.
    pub to: Seq,
}
