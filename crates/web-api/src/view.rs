//! What a page shows.

use diario_protocol::{
    AccountId, ConversationId, ConversationKind, DeviceId, EntryId, Retention, Seq, Timestamp,
};
use minicbor::{Decode, Encode};

/// The account, and this device's place in it.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Account {
    /// Its name.
    #[n(0)]
    pub username: String,
    /// Its id.
    #[n(1)]
    pub account: AccountId,
    /// This device.
    #[n(2)]
    pub device: DeviceId,
    /// Whether this device may admit others.
    #[n(3)]
    pub primary: bool,
    /// How far this device has come.
    #[n(4)]
    pub stage: Stage,
    /// When this device's time runs out, if that is soon.
    #[n(5)]
    pub ends: Option<Timestamp>,
    /// For how long the server keeps what is said, whatever a conversation's members agreed on.
    #[n(6)]
    pub server_keeps: Retention,
}

/// How far a device has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum Stage {
    /// The server does not have the account yet.
    #[n(0)]
    Registering,
    /// It may act for its account.
    #[n(1)]
    Active,
    /// Its time has run out; a primary device that comes online renews it.
    #[n(2)]
    Expired,
    /// It was removed: what it holds can be read, no more.
    #[n(3)]
    Revoked,
}

/// How it stands with the server.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Status {
    /// The connection.
    #[n(0)]
    pub connection: Connection,
    /// Messages that wait to be sent.
    #[n(1)]
    pub waiting: u64,
}

/// The connection to the server.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub enum Connection {
    /// None is of use: there is no account, or this device was removed.
    #[n(0)]
    Idle,
    /// Being made.
    #[n(1)]
    Connecting,
    /// There, and what was missed comes in.
    #[n(2)]
    CatchingUp,
    /// There, and up to date.
    #[n(3)]
    Live,
    /// None; the next try is then (ms since 1970, this machine's clock).
    #[n(4)]
    Waiting {
        /// When.
        #[n(0)]
        until: Timestamp,
    },
    /// None: the browser says that there is no network. It is tried as soon as there is.
    #[n(5)]
    NoNetwork,
}

/// Where the diary is kept.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub enum StoreKind {
    /// In the browser's private file system.
    #[n(0)]
    Disk,
    /// In memory: gone with the last tab. Why, in English.
    #[n(1)]
    Memory(#[n(0)] String),
}

/// The account's settings, the same on all its devices.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub struct Settings {
    /// Whether others learn what was delivered and read.
    #[n(0)]
    pub receipts: bool,
}

/// A conversation, as it is listed.
#[expect(clippy::struct_excessive_bools, reason = "each says something of its own")]
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct ConversationRow {
    /// Its id.
    #[n(0)]
    pub id: ConversationId,
    /// Its kind.
    #[n(1)]
    pub kind: ConversationKind,
    /// Its name, or that of the other side; empty for the own one and for a group without a name.
    #[n(2)]
    pub title: String,
    /// Names of the other members, at most 4.
    #[n(3)]
    pub others: Vec<String>,
    /// How many are in it.
    #[n(4)]
    pub size: u32,
    /// Its newest message.
    #[n(5)]
    pub last: Option<Preview>,
    /// When something last happened in it; the list is sorted by this.
    #[n(6)]
    pub at: Timestamp,
    /// Messages of others after the read marker.
    #[n(7)]
    pub unread: u64,
    /// How far its messages were delivered and read.
    #[n(8)]
    pub markers: Markers,
    /// Highest sequence that is here.
    #[n(9)]
    pub head: Seq,
    /// At the top of the list.
    #[n(10)]
    pub pinned: bool,
    /// Without notifications.
    #[n(11)]
    pub muted: bool,
    /// What is being written in it, on any own device.
    #[n(12)]
    pub draft: String,
    /// Whether this account is still in it.
    #[n(13)]
    pub open: bool,
    /// Whether part of it is missing here and being fetched.
    #[n(14)]
    pub gap: bool,
    /// The other account of a direct conversation.
    #[n(15)]
    pub peer: Option<AccountId>,
    /// Of a direct conversation, what the user knows of who the other one is; of a group, whether somebody in it has
    /// another account than before.
    #[n(60)]
    pub trust: Trust,
    /// For how long the server keeps what is said in it, as its members agreed.
    #[n(61)]
    pub keep: Retention,
}

/// How far a conversation's messages were delivered and read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Encode, Decode)]
pub struct Markers {
    /// Own messages up to there are on a device of everybody else.
    #[n(0)]
    pub delivered_to_all: Seq,
    /// Own messages up to there were read by everybody else.
    #[n(1)]
    pub read_by_all: Seq,
    /// Others' messages up to there were read by this account.
    #[n(2)]
    pub read_here: Seq,
}

/// The newest message of a conversation, shortened.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Preview {
    /// Who sent it, by name.
    #[n(0)]
    pub sender: String,
    /// Whether it is this account's, and not imported from somebody else.
    #[n(1)]
    pub mine: bool,
    /// Its words, at most 120 characters; empty for a change of the members.
    #[n(2)]
    pub text: String,
    /// Its place, if it has one.
    #[n(3)]
    pub seq: Option<Seq>,
    /// How far it has come.
    #[n(4)]
    pub state: MessageState,
    /// If it is a change of the members: what changed.
    #[n(5)]
    pub membership: Option<Membership>,
}

/// A message.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Message {
    /// Its id.
    #[n(0)]
    pub id: EntryId,
    /// Its place; `None` while it waits to be sent.
    #[n(1)]
    pub seq: Option<Seq>,
    /// Who sent it, by name.
    #[n(2)]
    pub sender: String,
    /// The account that sent it.
    #[n(3)]
    pub account: AccountId,
    /// Whether it is this account's, and not imported from somebody else.
    #[n(4)]
    pub mine: bool,
    /// When, by the sender's clock.
    #[n(5)]
    pub sent_at: Timestamp,
    /// Its words.
    #[n(6)]
    pub text: String,
    /// How far it has come.
    #[n(7)]
    pub state: MessageState,
    /// If it is a change of the members: what changed.
    #[n(8)]
    pub membership: Option<Membership>,
    /// Why it failed or was refused, in English; else empty.
    #[n(9)]
    pub reason: String,
}

/// How far a message has come. Whether one that was sent was delivered and read is for [`Markers`] to say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum MessageState {
    /// Waits to be sent.
    #[n(0)]
    Pending,
    /// In the log: on the server's disk.
    #[n(1)]
    Sent,
    /// Cannot be read yet; its key was asked for.
    #[n(2)]
    Waiting,
    /// Not accepted: `reason` says why.
    #[n(3)]
    Refused,
    /// The server did not take it: `reason` says why.
    #[n(4)]
    Failed,
    /// Erased for everyone.
    #[n(5)]
    Erased,
    /// No longer kept by the server, and never on this device.
    #[n(6)]
    Gone,
}

/// A change of a conversation's members.
#[derive(Debug, Clone, PartialEq, Eq, Default, Encode, Decode)]
pub struct Membership {
    /// Names of who came in.
    #[n(0)]
    pub joined: Vec<String>,
    /// Names of who went out.
    #[n(1)]
    pub left: Vec<String>,
}

/// Somebody in a conversation.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Member {
    /// The account.
    #[n(0)]
    pub account: AccountId,
    /// Its name.
    #[n(1)]
    pub username: String,
    /// Whether it is this account.
    #[n(2)]
    pub me: bool,
    /// What the user knows of who it is.
    #[n(3)]
    pub trust: Trust,
}

/// A device of the own account.
#[expect(clippy::struct_excessive_bools, reason = "each says something of its own")]
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Device {
    /// The device.
    #[n(0)]
    pub id: DeviceId,
    /// What its user calls it; empty while that is not known here.
    #[n(1)]
    pub name: String,
    /// Whether it may admit others.
    #[n(2)]
    pub primary: bool,
    /// Whether it is this one.
    #[n(3)]
    pub this: bool,
    /// When its time runs out; `None` never.
    #[n(4)]
    pub valid_until: Option<Timestamp>,
    /// Whether it has.
    #[n(5)]
    pub expired: bool,
    /// Whether it is connected, as far as known.
    #[n(6)]
    pub online: bool,
    /// When it was last connected, if that is known.
    #[n(7)]
    pub last_seen: Option<Timestamp>,
    /// Whether its time runs out soon.
    #[n(8)]
    pub ends_soon: bool,
    /// Whether it is to be a primary and has not taken the account's key yet.
    #[n(9)]
    pub awaits_key: bool,
    /// When it came into the account, if that is known.
    #[n(10)]
    pub linked_at: Option<Timestamp>,
    /// Which device let it in; empty if it made the account, or that is not known.
    #[n(11)]
    pub linked_by: String,
    /// What it says that it runs on.
    #[n(12)]
    pub platform: String,
}

/// What the user knows of who somebody is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Encode, Decode)]
#[cbor(index_only)]
pub enum Trust {
    /// Nobody has compared anything.
    #[default]
    #[n(0)]
    Unverified,
    /// The user compared the safety number.
    #[n(1)]
    Verified,
    /// The name was known for another account, with another key.
    #[n(2)]
    Changed,
    /// The same, and that account was verified.
    #[n(3)]
    ChangedVerified,
}

impl Trust {
    /// Whether the name means another account than before, and the user has not said that they know.
    pub fn is_changed(self) -> bool {
        matches!(self, Self::Changed | Self::ChangedVerified)
    }
}

/// What two people compare.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct SafetyNumber {
    /// 60 digits, the same on both sides.
    #[n(0)]
    pub digits: String,
    /// Text for a QR code.
    #[n(1)]
    pub code: String,
    /// When they were marked as verified.
    #[n(2)]
    pub verified_at: Option<Timestamp>,
}

/// What a comparison comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum Comparison {
    /// They are the same.
    #[n(0)]
    Match,
    /// They are not.
    #[n(1)]
    Mismatch,
    /// It is no safety number.
    #[n(2)]
    NotACode,
    /// Another version of Diario made it.
    #[n(3)]
    OtherVersion,
}

/// How much is stored here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub struct Usage {
    /// Size of the store, in bytes.
    #[n(0)]
    pub bytes: u64,
    /// Messages in it.
    #[n(1)]
    pub messages: u64,
    /// Conversations in it.
    #[n(2)]
    pub conversations: u64,
}

/// Whether the history is fetched before anybody looks at it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum Fill {
    /// Only what is looked at.
    #[n(0)]
    Never,
    /// While the connection is not known to cost by volume.
    #[n(1)]
    Unmetered,
    /// Whenever there is a connection.
    #[n(2)]
    Always,
}

/// How much of the history is here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub struct Filling {
    /// What was chosen.
    #[n(0)]
    pub fill: Fill,
    /// Stopped for now.
    #[n(1)]
    pub paused: bool,
    /// It goes on, or would with a connection.
    #[n(2)]
    pub active: bool,
    /// Entries that are not here.
    #[n(3)]
    pub missing: u64,
    /// Conversations that they are in.
    #[n(4)]
    pub conversations: u64,
    /// About how many bytes they cost to fetch.
    #[n(5)]
    pub estimate: u64,
    /// Entries that were fetched so far.
    #[n(6)]
    pub fetched: u64,
}
