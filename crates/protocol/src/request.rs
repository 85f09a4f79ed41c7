//! What a device says to the server.

use minicbor::{Decode, Encode};

use crate::device_list::SignedDeviceList;
use crate::{
    AccountId, Bin, ConversationId, ConversationKind, DeviceId, EntryId, Epoch, HeadsRange, MailboxId, Nonce,
    OpenVault, Position, PushSubscription, PutVault, Recover, RequestId, Retention, Seq, ServerId, Signature,
    SlotKey, SlotVersion, Timestamp, Username, VaultSeal,
};

/// One frame of a device.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct ClientFrame {
    /// Pairs the reply with the request; the device's choice, unique among those under way.
    #[n(0)]
    pub id: RequestId,
    /// What is asked.
    #[n(1)]
    pub request: Request,
}

/// What a device may ask.
///
/// Before login only `Register`, `Login`, `Lookup` by name, `OpenVault`, `Recover` and the mailbox requests of a
/// candidate (`OpenMailbox`, `PutMailbox`, `CloseMailbox`) are answered; on a connection that has opened a vault also
/// `DeviceListHistory` of that account and `Slots` of its self conversation.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub enum Request {
    /// Make an account. Answered by `Registered`.
    #[n(0)]
    Register(#[n(0)] Box<Register>),
    /// Prove to be a device. Answered by `LoggedIn`.
    #[n(1)]
    Login(#[n(0)] Login),
    /// Stream what comes after a position of the diary, and keep the stream open. Answered by `Done`.
    #[n(2)]
    Subscribe(#[n(0)] Position),
    /// Make a conversation. Answered by `Done`, again if it exists and this account made it.
    #[n(3)]
    Create(#[n(0)] Box<CreateConversation>),
    /// Put an entry at the end of a log. Answered by `Appended`.
    #[n(4)]
    Append(#[n(0)] Append),
    /// End an epoch. Answered by `Appended`.
    #[n(5)]
    Commit(#[n(0)] Box<Commit>),
    /// Write slots. Answered by `SlotsPut`.
    #[n(6)]
    PutSlots(#[n(0)] PutSlots),
    /// Tell the connected devices of a conversation something that is not kept. No answer unless refused.
    #[n(7)]
    Signal(#[n(0)] Signal),
    /// A part of a log. Answered by `Log`.
    #[n(8)]
    Log(#[n(0)] LogRange),
    /// Slots of a conversation by key. Answered by `Slots` with those that exist.
    #[n(9)]
    Slots(#[n(0)] ConversationId, #[n(1)] Vec<SlotKey>),
    /// The newest state of the account's conversations, page by page. Answered by `Heads`.
    #[n(10)]
    Heads(#[n(0)] HeadsRange),
    /// The state that an external joiner needs. Answered by `GroupState`.
    #[n(11)]
    GroupState(#[n(0)] ConversationId),
    /// The welcome kept for this device. Answered by `Welcome`.
    #[n(12)]
    Welcome(#[n(0)] ConversationId),
    /// The welcome of that epoch was used or is of no use: forget it. Answered by `Done`.
    #[n(13)]
    DropWelcome(#[n(0)] ConversationId, #[n(1)] Epoch),
    /// Store key packages of this device. Answered by `Done`.
    #[n(14)]
    PutKeyPackages(#[n(0)] PutKeyPackages),
    /// Take one key package for each device. Answered by `KeyPackages`.
    #[n(15)]
    ClaimKeyPackages(#[n(0)] Vec<DeviceRef>),
    /// Find accounts. Answered by `Accounts`.
    #[n(16)]
    Lookup(#[n(0)] Vec<AccountRef>),
    /// Every device list that an account ever signed, oldest first. Answered by `DeviceLists`.
    #[n(17)]
    DeviceListHistory(#[n(0)] AccountId),
    /// Replace the account's device list; devices that it lacks are cut off. Answered by `Done`.
    #[n(18)]
    PutDeviceList(#[n(0)] SignedDeviceList),
    /// Open a linking mailbox as the candidate. Answered by `Done`.
    #[n(19)]
    OpenMailbox(#[n(0)] MailboxId),
    /// Enter a linking mailbox as the approver; once only. Answered by `Done`.
    #[n(20)]
    JoinMailbox(#[n(0)] MailboxId),
    /// Put a message for the other side. Answered by `Done`.
    #[n(21)]
    PutMailbox(#[n(0)] MailboxId, #[n(1)] Bin),
    /// Forget a mailbox. Answered by `Done`.
    #[n(22)]
    CloseMailbox(#[n(0)] MailboxId),
    /// When the devices of this account were last connected. Answered by `LastSeen`.
    #[n(23)]
    LastSeen,
    /// Wake this device by Web Push while it is not connected, from now on so and not as before; `None`: no more.
    /// Answered by `Done`.
    #[n(24)]
    PutPush(#[n(0)] Option<PushSubscription>),
    /// The key that a push subscription of this server's devices names. Answered by `PushKey`.
    #[n(25)]
    PushKey,
    /// The first entry of a log, of those that the account may read, that the server took at or after a time; else
    /// the last. Answered by `SeqAt`.
    #[n(26)]
    SeqAt(#[n(0)] ConversationId, #[n(1)] Timestamp),
    /// Open an account's recovery vault; before login. Answered by `Vault`.
    #[n(27)]
    OpenVault(#[n(0)] OpenVault),
    /// Become a primary device of the account whose vault this connection has opened. Answered by `LoggedIn`; asked
    /// again after a lost answer, log in.
    #[n(28)]
    Recover(#[n(0)] Box<Recover>),
    /// Write to the account's recovery vault. Answered by `Done`.
    #[n(29)]
    PutVault(#[n(0)] PutVault),
    /// The recovery methods that the account's vault has. Answered by `VaultMethods`.
    #[n(30)]
    VaultMethods,
    /// For how long the server keeps what is said in a conversation. Answered by `Done`.
    #[n(31)]
    SetRetention(#[n(0)] ConversationId, #[n(1)] Retention),
    /// This device has its diary for good up to a position. No answer unless refused.
    #[n(32)]
    Ack(#[n(0)] Position),
}

/// Makes an account with its first device.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Register {
    /// The name wanted.
    #[n(0)]
    pub username: Username,
    /// Version 1 of the device list; its one device is this one, a primary.
    #[n(1)]
    pub list: SignedDeviceList,
    /// Key packages of the device.
    #[n(2)]
    pub key_packages: PutKeyPackages,
    /// The self conversation.
    #[n(3)]
    pub self_conversation: CreateConversation,
    /// Invite, where the server wants one.
    #[n(4)]
    pub invite: Option<String>,
    /// Like [`Login::signature`].
    #[n(5)]
    pub signature: Signature,
}

/// Proves to be a device of an account.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Login {
    /// The account.
    #[n(0)]
    pub account: AccountId,
    /// The device.
    #[n(1)]
    pub device: DeviceId,
    /// Ed25519 by the device key over [`Login::challenge`].
    #[n(2)]
    pub signature: Signature,
}

impl Login {
    /// What the device signs: bound to the server's installation and to this connection's nonce.
    pub fn challenge(server: &ServerId, nonce: &Nonce, account: &AccountId, device: &DeviceId) -> Vec<u8> {
        [
            b"diario login v1".as_slice(),
            server.as_bytes(),
            nonce.as_bytes(),
            account.as_bytes(),
            device.as_bytes(),
        ]
        .concat()
    }
}

/// Makes a conversation with an MLS group at epoch 0, whose one leaf is this device.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct CreateConversation {
    /// Its id and MLS group id.
    #[n(0)]
    pub conversation: ConversationId,
    /// Its kind, as in the group's [`crate::roster::Participants`].
    #[n(1)]
    pub kind: ConversationKind,
    /// `MLSMessage` with the `GroupInfo` of epoch 0.
    #[n(2)]
    pub group_info: Bin,
    /// The ratchet tree (RFC 9420 section 7.8).
    #[n(3)]
    pub tree: Bin,
}

/// One sealed entry for a log.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Append {
    /// Where to.
    #[n(0)]
    pub conversation: ConversationId,
    /// Idempotence: the same id again is answered with the same sequence.
    #[n(1)]
    pub id: EntryId,
    /// The epoch that seals it; must be the conversation's newest.
    #[n(2)]
    pub epoch: Epoch,
    /// The entry that it is about.
    #[n(3)]
    pub annotates: Option<Seq>,
    /// `COSE_Encrypt0`.
    #[n(4)]
    pub body: Bin,
}

/// Ends an epoch with an MLS commit.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Commit {
    /// The conversation.
    #[n(0)]
    pub conversation: ConversationId,
    /// Idempotence, as in [`Append::id`].
    #[n(1)]
    pub id: EntryId,
    /// The epoch that it ends; must be the conversation's newest.
    #[n(2)]
    pub epoch: Epoch,
    /// A [`crate::roster::CommitBundle`], encoded.
    #[n(3)]
    pub bundle: Bin,
    /// `MLSMessage` with the `Welcome` for all devices added, if any are.
    #[n(4)]
    pub welcome: Option<Bin>,
    /// `MLSMessage` with the `GroupInfo` of the new epoch.
    #[n(5)]
    pub group_info: Bin,
    /// Slots that appear together with the new epoch, sealed under it: the self chain.
    #[n(6)]
    pub slots: Vec<SlotWrite>,
    /// The self conversation only: the new epoch's key, sealed for the account's recovery methods. Methods that the
    /// vault does not have are passed over.
    #[cbor(n(7), default)]
    pub vault: Vec<VaultSeal>,
}

/// Writes some slots of one conversation.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct PutSlots {
    /// The conversation.
    #[n(0)]
    pub conversation: ConversationId,
    /// The epoch that seals them; must be the conversation's newest.
    #[n(1)]
    pub epoch: Epoch,
    /// What to write; each succeeds or fails alone.
    #[n(2)]
    pub writes: Vec<SlotWrite>,
}

/// One value for a slot.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct SlotWrite {
    /// Which slot.
    #[n(0)]
    pub key: SlotKey,
    /// Taken only if higher than the stored version, by [`crate::limits::SLOT_LEAP`] at most: version 1 is
    /// put-if-absent.
    #[n(1)]
    pub version: SlotVersion,
    /// Whether `Heads` brings it along.
    #[n(2)]
    pub head: bool,
    /// `COSE_Encrypt0`.
    #[n(3)]
    pub body: Bin,
}

/// Something that is told and not kept: typing, presence.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Signal {
    /// The conversation.
    #[n(0)]
    pub conversation: ConversationId,
    /// The epoch that seals it.
    #[n(1)]
    pub epoch: Epoch,
    /// `COSE_Encrypt0`.
    #[n(2)]
    pub body: Bin,
}

/// A part of a log, oldest first.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct LogRange {
    /// The conversation.
    #[n(0)]
    pub conversation: ConversationId,
    /// First sequence wanted.
    #[n(1)]
    pub from: Seq,
    /// Last sequence wanted; the server may stop earlier, see [`crate::LogPage::entries`].
    #[n(2)]
    pub to: Seq,
    /// Commits only.
    #[n(3)]
    pub commits_only: bool,
    /// Of what does not fit into one answer, the newest comes and not the oldest.
    #[n(4)]
    pub newest: bool,
    /// Entries after the page and up to this sequence that annotate one of the page's are wanted too.
    #[n(5)]
    pub about: Option<Seq>,
}

/// A device of an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Encode, Decode)]
pub struct DeviceRef {
    /// The account.
    #[n(0)]
    pub account: AccountId,
    /// The device.
    #[n(1)]
    pub device: DeviceId,
}

/// How an account is looked for.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Encode, Decode)]
pub enum AccountRef {
    /// By name.
    #[n(0)]
    Name(#[n(0)] Username),
    /// By id.
    #[n(1)]
    Id(#[n(0)] AccountId),
}

/// Key packages (RFC 9420 section 10) of this device, each an `MLSMessage`.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct PutKeyPackages {
    /// Each given out once.
    #[n(0)]
    pub one_time: Vec<Bin>,
    /// Given out when no other is left; replaces the one before.
    #[n(1)]
    pub last_resort: Option<Bin>,
}
