//! What the server says to a device.

use minicbor::{Decode, Encode};

use crate::device_list::SignedDeviceList;
use crate::limits::Limits;
use crate::{
    AccountId, Bin, ConversationId, ConversationKind, DeviceId, Entry, EntryId, Epoch, Fixed, Heads, LogHash,
    MailboxId, Nonce, OpenedVault, Position, Refusal, RequestId, Retention, Seq, ServerId, Slot, SlotVersion,
    Timestamp, Username, VaultMethod,
};

/// One frame of the server.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub enum ServerFrame {
    /// The first frame of a connection.
    #[n(0)]
    Hello(#[n(0)] Hello),
    /// Answer to a request.
    #[n(1)]
    Reply(#[n(0)] RequestId, #[n(1)] Reply),
    /// Refusal of a request; nothing was changed.
    #[n(2)]
    Refused(#[n(0)] RequestId, #[n(1)] Refusal),
    /// The diary's stream.
    #[n(3)]
    Changes(#[n(0)] Changes),
    /// Something not kept, see [`crate::Signal`].
    #[n(4)]
    Signal(#[n(0)] SignalPush),
    /// A message in a linking mailbox of this connection.
    #[n(5)]
    Mailbox(#[n(0)] MailboxItem),
    /// The server tells why it will close the connection.
    #[n(6)]
    Notice(#[n(0)] Notice),
}

/// Opens a connection.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Hello {
    /// [`crate::PROTOCOL_VERSION`] of the server.
    #[n(0)]
    pub protocol: u16,
    /// The server's installation; a device pins it.
    #[n(1)]
    pub server: ServerId,
    /// To be signed at login.
    #[n(2)]
    pub nonce: Nonce,
    /// The server's clock.
    #[n(3)]
    pub now: Timestamp,
    /// What the server takes.
    #[n(4)]
    pub limits: Limits,
}

/// Answer to a request.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub enum Reply {
    /// Done, and durable where it changed something.
    #[n(0)]
    Done,
    /// The account exists; the connection is logged in.
    #[n(1)]
    Registered(#[n(0)] LoggedIn),
    /// The connection is logged in.
    #[n(2)]
    LoggedIn(#[n(0)] LoggedIn),
    /// The entry is on disk at this place.
    #[n(3)]
    Appended(#[n(0)] Seq),
    /// One outcome for each write, in order.
    #[n(4)]
    SlotsPut(#[n(0)] Vec<SlotOutcome>),
    /// A part of a log.
    #[n(5)]
    Log(#[n(0)] LogPage),
    /// Slots.
    #[n(6)]
    Slots(#[n(0)] Vec<Slot>),
    /// Newest state of conversations.
    #[n(7)]
    Heads(#[n(0)] Box<Heads>),
    /// For an external joiner.
    #[n(8)]
    GroupState(#[n(0)] GroupState),
    /// A welcome, if one is kept for this device.
    #[n(9)]
    Welcome(#[n(0)] Option<Welcome>),
    /// One for each device, in order; `None` where the device has none.
    #[n(10)]
    KeyPackages(#[n(0)] Vec<Option<Bin>>),
    /// One for each asked, in order; `None` where there is no such account.
    #[n(11)]
    Accounts(#[n(0)] Vec<Option<AccountInfo>>),
    /// Device lists, oldest first.
    #[n(12)]
    DeviceLists(#[n(0)] Vec<SignedDeviceList>),
    /// When devices were last connected.
    #[n(13)]
    LastSeen(#[n(0)] Vec<Seen>),
    /// The application server key (RFC 8292): a P-256 point, uncompressed, 65 bytes. `None` if this server sends no
    /// pushes.
    #[n(14)]
    PushKey(#[n(0)] Option<Bin>),
    /// A sequence; 0 if the log is empty.
    #[n(15)]
    SeqAt(#[n(0)] Seq),
    /// A recovery vault.
    #[n(16)]
    Vault(#[n(0)] Box<OpenedVault>),
    /// The recovery methods that a vault has, by id.
    #[n(17)]
    VaultMethods(#[n(0)] Vec<VaultMethod>),
}

/// What a device learns at login.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct LoggedIn {
    /// Newest position of the account's diary.
    #[n(0)]
    pub head: Position,
    /// Version of the newest device list.
    #[n(1)]
    pub list_version: u64,
    /// One-time key packages left for this device.
    #[n(2)]
    pub key_packages: u32,
    /// The account's name.
    #[n(3)]
    pub username: Username,
}

/// What became of one slot write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub enum SlotOutcome {
    /// Stored.
    #[n(0)]
    Stored,
    /// Not stored: the slot has this version already.
    #[n(1)]
    Newer(#[n(0)] SlotVersion),
}

/// A part of a log, oldest first.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct LogPage {
    /// The conversation.
    #[n(0)]
    pub conversation: ConversationId,
    /// Running hash before the first of the entries.
    #[n(1)]
    pub hash_before: LogHash,
    /// The entries, gapless unless commits only were asked for. May end before what was asked.
    #[cbor(n(2), with = "crate::row::entries")]
    pub entries: Vec<Entry>,
    /// The log's newest sequence.
    #[n(3)]
    pub head: Seq,
    /// What was said about them later, oldest first, if it was asked for. Of too many, what the authors of the entries
    /// said comes first (edits and deletions are theirs), then what is newest.
    #[cbor(n(4), default)]
    pub about: Vec<Entry>,
}

/// An account's place in a conversation.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Membership {
    /// The conversation.
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
    pub epoch: Epoch,
    /// Running hash before entry `since`.
    #[n(4)]
    pub hash_before: LogHash,
    /// The accounts in it now, by the server's word; a device that is in the group knows better.
    #[n(5)]
    pub participants: Vec<AccountId>,
    /// For how long the server keeps what is said in it, as its members agreed.
    #[n(6)]
    pub retention: Retention,
}

/// What an external joiner needs (RFC 9420 section 12.4.3.2).
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct GroupState {
    /// The conversation.
    #[n(0)]
    pub conversation: ConversationId,
    /// Its epoch.
    #[n(1)]
    pub epoch: Epoch,
    /// `MLSMessage` with the `GroupInfo`.
    #[n(2)]
    pub group_info: Bin,
    /// The ratchet tree.
    #[n(3)]
    pub tree: Bin,
}

/// A welcome with the tree that fits it.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Welcome {
    /// The conversation.
    #[n(0)]
    pub conversation: ConversationId,
    /// The epoch that it leads into.
    #[n(1)]
    pub epoch: Epoch,
    /// The commit's place in the log.
    #[n(2)]
    pub seq: Seq,
    /// `MLSMessage` with the `Welcome`.
    #[n(3)]
    pub welcome: Bin,
    /// The ratchet tree of that epoch.
    #[n(4)]
    pub tree: Bin,
}

/// An account, as the server knows it.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct AccountInfo {
    /// Its name.
    #[n(0)]
    pub username: Username,
    /// Its newest device list, which says the account's id and key too.
    #[n(1)]
    pub list: SignedDeviceList,
}

/// When a device was last connected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub struct Seen {
    /// The device.
    #[n(0)]
    pub device: DeviceId,
    /// When; `None` while it is connected.
    #[n(1)]
    pub at: Option<Timestamp>,
}

/// Some of the diary, in order. Entries that follow each other are said short on the wire.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changes {
    /// The changes.
    pub items: Vec<Change>,
    /// Whether the stream is live after these: nothing older is left to send.
    pub live: bool,
}

/// One change in an account's diary.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Its place in the diary.
    pub position: Position,
    /// What changed.
    pub what: What,
}

/// What changed.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub enum What {
    /// A log grew.
    #[n(0)]
    Entry(#[n(0)] Entry),
    /// A log grew by an entry that this device sent a moment ago. The body is spared; the first 8 bytes of its
    /// SHA-256 tell which of several sealings of one entry it is.
    #[n(1)]
    Echo(#[n(0)] ConversationId, #[n(1)] Seq, #[n(2)] EntryId, #[n(3)] Fixed<8>),
    /// A slot has a new value.
    #[n(2)]
    Slot(#[n(0)] Slot),
    /// An account that shares a conversation with this one has a new device list.
    #[n(3)]
    DeviceList(#[n(0)] AccountInfo),
    /// The account is in a conversation from here on.
    #[n(4)]
    Joined(#[n(0)] Membership),
    /// The account is out of a conversation; the entry is the last that it gets.
    #[n(5)]
    Left(#[n(0)] ConversationId, #[n(1)] Seq),
    /// A welcome waits for a device of the account.
    #[n(6)]
    Welcome(#[n(0)] ConversationId, #[n(1)] DeviceId, #[n(2)] Epoch),
    /// What is said in a conversation is kept for another time from now on.
    #[n(7)]
    Retention(#[n(0)] ConversationId, #[n(1)] Retention),
}

/// A signal that somebody sent.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct SignalPush {
    /// The conversation.
    #[n(0)]
    pub conversation: ConversationId,
    /// The epoch that seals it.
    #[n(1)]
    pub epoch: Epoch,
    /// Who sent it.
    #[n(2)]
    pub account: AccountId,
    /// The device that sent it.
    #[n(3)]
    pub device: DeviceId,
    /// `COSE_Encrypt0`.
    #[n(4)]
    pub body: Bin,
}

/// A message in a linking mailbox.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct MailboxItem {
    /// The mailbox.
    #[n(0)]
    pub mailbox: MailboxId,
    /// What the other side put.
    #[n(1)]
    pub body: Bin,
}

/// Why the server closes a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub enum Notice {
    /// The server stops; connect again after about this many milliseconds.
    #[n(0)]
    Draining(#[n(0)] u32),
    /// The device is no longer in the account's list.
    #[n(1)]
    Revoked,
    /// The device's time has run out; a primary renews it.
    #[n(2)]
    Expired,
    /// The same device logged in on another connection.
    #[n(3)]
    Replaced,
}
