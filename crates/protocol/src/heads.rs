//! The newest state of an account's conversations, small enough for a first screen in one answer.
//!
//! What many conversations share (accounts, devices) stands once beside them and is named by its index. Everything
//! here is the server's word until a log page or an entry's `seen` hash proves it.

use minicbor::{Decode, Encode};

use crate::{
    AccountId, AccountInfo, Bin, ConversationId, ConversationKind, DeviceId, EntryId, Epoch, LogHash,
    Position, Seq, SlotKey, SlotVersion, Timestamp,
};

/// Entries of a log that [`ConversationHead::others`] tells about, at most.
pub const HEAD_OTHERS: u64 = 128;

/// Which heads are wanted.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct HeadsRange {
    /// Conversations at most; 0: as many as fit.
    #[n(0)]
    pub most: u16,
    /// Only slots that changed after this position of the diary; those of the self conversation come always.
    #[n(1)]
    pub since: Position,
    /// Where the page before ended.
    #[n(2)]
    pub after: Option<HeadsPlace>,
}

/// Where a page of heads ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub struct HeadsPlace {
    /// When the first page was read. What was said after it moves to the front and is told (again).
    #[n(0)]
    pub began: Timestamp,
    /// When something was last said in the last conversation of that page.
    #[n(1)]
    pub at: Timestamp,
    /// That conversation.
    #[n(2)]
    pub conversation: ConversationId,
}

/// A page of heads: the self conversation first, then by what was said last.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Heads {
    /// The diary's newest position when this was read: all up to it is in what the pages from here on tell.
    #[n(0)]
    pub position: Position,
    /// Accounts that are named below and whose lists or names a list of conversations needs.
    #[n(1)]
    pub accounts: Vec<AccountInfo>,
    /// Accounts, for [`ConversationHead::participants`] and `devices`.
    #[n(2)]
    pub people: Vec<AccountId>,
    /// Devices, each with the index of its account in `people`.
    #[n(3)]
    pub devices: Vec<HeadDevice>,
    /// The conversations.
    #[n(4)]
    pub items: Vec<ConversationHead>,
    /// Where the next page goes on; `None` if this is the last.
    #[n(5)]
    pub next: Option<HeadsPlace>,
}

/// A device that wrote something in a page of heads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub struct HeadDevice {
    /// Its account's index in [`Heads::people`].
    #[n(0)]
    pub account: u32,
    /// Its id.
    #[n(1)]
    pub device: DeviceId,
}

/// A conversation's newest state.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct ConversationHead {
    /// Its id.
    #[n(0)]
    pub conversation: ConversationId,
    /// Its kind.
    #[n(1)]
    pub kind: ConversationKind,
    /// First sequence that the account may read: the commit that added it, or 1.
    #[n(2)]
    pub since: Seq,
    /// The epoch in which entry `since` was sent.
    #[n(3)]
    pub since_epoch: Epoch,
    /// Who is in it now, by index in [`Heads::people`]; empty if the account is not.
    #[n(4)]
    pub participants: Vec<u32>,
    /// Its newest epoch.
    #[n(5)]
    pub epoch: Epoch,
    /// Newest sequence that the account may read.
    #[n(6)]
    pub head: Seq,
    /// Running hash after entry `head`.
    #[n(7)]
    pub hash: LogHash,
    /// Whether the account is out of it: `head` is the last entry that it gets.
    #[n(8)]
    pub left: bool,
    /// One bit for each entry from `head` backwards, the lowest bit of the first byte first: set if it is a message of
    /// another account. Zeros at the end are left out; at most [`HEAD_OTHERS`] bits.
    #[n(9)]
    pub others: Bin,
    /// The newest message.
    #[n(10)]
    pub last: Option<HeadEntry>,
    /// Slots marked as head.
    #[n(11)]
    pub slots: Vec<HeadSlot>,
    /// Of the self conversation: the keyring slots of `epoch` and of the epoch of `last`.
    #[n(12)]
    pub keys: Vec<HeadSlot>,
    /// Running hash before entry `since`, unless the log begins there.
    #[n(13)]
    pub since_hash: Option<LogHash>,
    /// For how long its members agreed to keep it, if not for ever.
    #[n(14)]
    pub retention: Option<crate::Retention>,
}

/// A message, as a head tells it.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct HeadEntry {
    /// See [`crate::Entry::seq`].
    #[n(0)]
    pub seq: Seq,
    /// See [`crate::Entry::id`].
    #[n(1)]
    pub id: EntryId,
    /// See [`crate::Entry::epoch`].
    #[n(2)]
    pub epoch: Epoch,
    /// The device that sent it, by index in [`Heads::devices`].
    #[n(3)]
    pub device: u32,
    /// See [`crate::Entry::received_at`].
    #[n(4)]
    pub received_at: Timestamp,
    /// See [`crate::Entry::body`].
    #[n(5)]
    pub body: Bin,
}

/// A slot, as a head tells it.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct HeadSlot {
    /// See [`crate::Slot::key`].
    #[n(0)]
    pub key: SlotKey,
    /// See [`crate::Slot::version`].
    #[n(1)]
    pub version: SlotVersion,
    /// See [`crate::Slot::epoch`].
    #[n(2)]
    pub epoch: Epoch,
    /// The device that wrote it, by index in [`Heads::devices`].
    #[n(3)]
    pub device: u32,
    /// See [`crate::Slot::body`].
    #[n(4)]
    pub body: Bin,
}
