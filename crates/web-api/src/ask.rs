//! What a page asks, and what it is answered.

use diario_protocol::{AccountId, Bin, ConversationId, DeviceId, EntryId, Nonce, Retention, Seq, Timestamp};
use minicbor::{Decode, Encode};

use crate::recovery::{RecoveryAnswer, RecoveryAsk};
use crate::search::{Export, Exported, Hits, Search};
use crate::tell::Snapshot;
use crate::view::{Comparison, Device, Fill, Filling, Member, Message, SafetyNumber, Usage};

/// Most messages of one [`Answer::Messages`].
pub const MAX_PAGE: u16 = 200;

/// Where a part of a conversation begins or ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub enum Anchor {
    /// The newest messages, those that wait to be sent too.
    #[n(0)]
    Newest,
    /// Those right before a sequence.
    #[n(1)]
    Before(#[n(0)] Seq),
    /// Those right after a sequence; at the end, those that wait to be sent too.
    #[n(2)]
    After(#[n(0)] Seq),
    /// Those around the first unread one; the newest if none is unread.
    #[n(3)]
    Unread,
    /// Those around a sequence.
    #[n(4)]
    Around(#[n(0)] Seq),
}

/// A side of a part of a conversation, to fetch what is missing there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub enum Edge {
    /// What comes right before a sequence.
    #[n(0)]
    Before(#[n(0)] Seq),
    /// What comes right after a sequence.
    #[n(1)]
    After(#[n(0)] Seq),
}

/// What a page asks of the worker.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub enum Ask {
    /// Everything there is to show at first; from now on this page is told. Answer: `Snapshot`.
    #[n(0)]
    Start,
    /// Make an account on the server that this app comes from.
    #[n(1)]
    Register {
        /// The name of the account, as typed.
        #[n(0)]
        username: String,
        /// What the user calls this device.
        #[n(1)]
        device_name: String,
        /// The invite, if the server wants one.
        #[n(2)]
        invite: Option<String>,
    },
    /// Join an account: shows a code, by [`crate::Tell::Link`]. Asked anew it makes a new code.
    #[n(2)]
    Link {
        /// What the user calls this device.
        #[n(0)]
        device_name: String,
        /// A QR code, else eight characters.
        #[n(1)]
        qr: bool,
    },
    /// Let another device join: the text of its QR code, or its eight characters.
    #[n(3)]
    Approve {
        /// The code, as scanned or typed.
        #[n(0)]
        code: String,
    },
    /// Answers [`crate::LinkStep::Requested`].
    #[n(4)]
    ConfirmLink {
        /// Whether the device may join.
        #[n(0)]
        admit: bool,
        /// Whose place it takes, if the account has as many devices as its server allows.
        #[n(1)]
        instead_of: Option<DeviceId>,
    },
    /// Ends a linking, on either side.
    #[n(5)]
    CancelLink,

    /// The conversation that this page shows; its messages are told. `None`: none.
    #[n(6)]
    Watch(#[n(0)] Option<ConversationId>),
    /// Part of a conversation. Answer: `Messages`.
    #[n(7)]
    History {
        /// Which.
        #[n(0)]
        conversation: ConversationId,
        /// Which part.
        #[n(1)]
        anchor: Anchor,
        /// How many at most, up to [`MAX_PAGE`].
        #[n(2)]
        limit: u16,
    },
    /// Says something.
    #[n(8)]
    Send {
        /// Where.
        #[n(0)]
        conversation: ConversationId,
        /// What.
        #[n(1)]
        text: String,
        /// Random; the same one again is the same message.
        #[n(2)]
        salt: Nonce,
    },
    /// Sends anew what had failed.
    #[n(9)]
    Resend {
        /// Where.
        #[n(0)]
        conversation: ConversationId,
        /// Which.
        #[n(1)]
        id: EntryId,
    },
    /// Drops what had failed, or still waits to be sent.
    #[n(10)]
    Discard {
        /// Where.
        #[n(0)]
        conversation: ConversationId,
        /// Which.
        #[n(1)]
        id: EntryId,
    },
    /// Read up to there.
    #[n(11)]
    MarkRead {
        /// Where.
        #[n(0)]
        conversation: ConversationId,
        /// Up to which.
        #[n(1)]
        seq: Seq,
    },
    /// The user types; told again every few seconds while it lasts.
    #[n(12)]
    Typing(#[n(0)] ConversationId),
    /// Keeps what is being written; empty: nothing. Own devices see it.
    #[n(13)]
    Draft {
        /// Where.
        #[n(0)]
        conversation: ConversationId,
        /// What.
        #[n(1)]
        text: String,
    },
    /// How a conversation is listed, on all own devices.
    #[n(14)]
    Arrange {
        /// Which.
        #[n(0)]
        conversation: ConversationId,
        /// At the top of the list.
        #[n(1)]
        pinned: bool,
        /// Without notifications.
        #[n(2)]
        muted: bool,
    },

    /// Whose name it is, by the server. Answer: `Found`.
    #[n(15)]
    LookUp {
        /// The name, as typed.
        #[n(0)]
        username: String,
    },
    /// The conversation with an account, begun if there is none. Answer: `Conversation`.
    #[n(16)]
    Direct(#[n(0)] AccountId),
    /// Begins a group. Answer: `Conversation`.
    #[n(17)]
    CreateGroup {
        /// Its name.
        #[n(0)]
        title: String,
        /// Who is in it, besides the own account.
        #[n(1)]
        members: Vec<AccountId>,
        /// Random; the same one again is the same group.
        #[n(2)]
        nonce: Nonce,
    },
    /// Names a group.
    #[n(18)]
    Rename {
        /// Which.
        #[n(0)]
        conversation: ConversationId,
        /// Its name.
        #[n(1)]
        title: String,
    },
    /// Who is in a conversation. Answer: `Members`.
    #[n(19)]
    Members(#[n(0)] ConversationId),
    /// Takes accounts into a group.
    #[n(20)]
    AddMembers {
        /// Which.
        #[n(0)]
        conversation: ConversationId,
        /// Who.
        #[n(1)]
        accounts: Vec<AccountId>,
    },
    /// Puts an account out of a group.
    #[n(21)]
    RemoveMember {
        /// Which.
        #[n(0)]
        conversation: ConversationId,
        /// Who.
        #[n(1)]
        account: AccountId,
    },
    /// Leaves a group.
    #[n(22)]
    Leave(#[n(0)] ConversationId),

    /// The own devices; when they were last connected follows as a [`crate::Tell::Devices`]. Answer: `Devices`.
    #[n(23)]
    Devices,
    /// Names a device.
    #[n(24)]
    RenameDevice {
        /// Which.
        #[n(0)]
        device: DeviceId,
        /// What to call it.
        #[n(1)]
        name: String,
    },
    /// Removes a device from the account.
    #[n(25)]
    Revoke(#[n(0)] DeviceId),

    /// Whether others learn what was delivered and read.
    #[n(26)]
    SetReceipts(#[n(0)] bool),
    /// How much is stored here. Answer: `Usage`.
    #[n(27)]
    Usage,
    /// Drops what is only a copy of the server's, and fetches it again.
    #[n(28)]
    Rebuild,
    /// Deletes everything that this browser holds of the account. The worker then begins anew, without an account.
    #[n(29)]
    Wipe,
    /// Connects at once, without waiting for the next try.
    #[n(30)]
    Reconnect,

    /// The server's key for push subscriptions: a P-256 point, uncompressed, 65 bytes. Answer: `PushKey`.
    #[n(31)]
    PushKey,
    /// This browser's push subscription (RFC 8030 and 8291), or none any more.
    #[n(32)]
    Push(#[n(0)] Option<PushSubscription>),

    /// The text of a QR code in a picture, if there is one. Answer: `Scanned`.
    #[n(33)]
    Scan {
        /// In pixels.
        #[n(0)]
        width: u32,
        /// In pixels.
        #[n(1)]
        height: u32,
        /// Brightness of each, row by row: `width * height` bytes.
        #[n(2)]
        luma: Bin,
    },

    /// About recovery.
    #[n(80)]
    Recovery(#[n(0)] RecoveryAsk),
    /// Vouches for a linked device anew.
    #[n(70)]
    Renew(#[n(0)] DeviceId),
    /// Makes a linked device a primary.
    #[n(71)]
    MakePrimary {
        /// Which.
        #[n(0)]
        device: DeviceId,
        /// Whether this device gives up its own role to it.
        #[n(1)]
        hand_over: bool,
    },
    /// Makes a primary a linked device.
    #[n(72)]
    MakeLinked(#[n(0)] DeviceId),
    /// What the user and somebody else compare. Answer: `Safety`.
    #[n(73)]
    Safety(#[n(0)] AccountId),
    /// Compares what the other side shows: the text of its code, or its digits. Answer: `Compared`.
    #[n(74)]
    CompareSafety {
        /// Who.
        #[n(0)]
        account: AccountId,
        /// What is shown there.
        #[n(1)]
        shown: String,
    },
    /// Marks somebody as verified, or not, on all own devices.
    #[n(75)]
    SetVerified {
        /// Who.
        #[n(0)]
        account: AccountId,
        /// Whether.
        #[n(1)]
        verified: bool,
    },
    /// Fetches a part of a conversation that is not here; [`crate::Tell::History`] tells when it is. Refused without a
    /// connection.
    #[n(40)]
    Fetch {
        /// Where.
        #[n(0)]
        conversation: ConversationId,
        /// Which part.
        #[n(1)]
        edge: Edge,
    },
    /// Where the first message stands that was said at that time or later. Answer: `Place`.
    #[n(41)]
    Seek {
        /// Where.
        #[n(0)]
        conversation: ConversationId,
        /// The time.
        #[n(1)]
        at: Timestamp,
    },
    /// How much of the history is here. Answer: `Filling`; from then on this is told.
    #[n(42)]
    Filling,
    /// Whether the history is fetched before anybody looks at it.
    #[n(43)]
    SetFill(#[n(0)] Fill),
    /// Stops fetching the history for now, or goes on.
    #[n(44)]
    PauseFill(#[n(0)] bool),
    /// Whether this connection is known to cost by volume, as the browser tells the page.
    #[n(45)]
    Metered(#[n(0)] bool),

    /// For how long the server keeps what is said in a conversation. Done when the server has said so.
    #[n(46)]
    SetRetention {
        /// Which.
        #[n(0)]
        conversation: ConversationId,
        /// For how long.
        #[n(1)]
        keep: Retention,
    },

    /// Looks for messages. Answer: `Hits`.
    #[n(60)]
    Search(#[n(0)] Box<Search>),
    /// Begins an export in place of any other. Answer: `Exported`, as to `ExportMore`.
    #[n(61)]
    Export(#[n(0)] Box<Export>),
    /// The piece of this number, from 1, which is the next. Answer: `Exported`.
    #[n(62)]
    ExportMore(#[n(0)] u32),
    /// The user knows that a name means this account now, and not another one as before.
    #[n(76)]
    AcceptKey(#[n(0)] AccountId),
}

/// Where and how to wake this browser.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct PushSubscription {
    /// The push service's URL.
    #[n(0)]
    pub endpoint: String,
    /// The browser's key: a P-256 point, uncompressed, 65 bytes.
    #[n(1)]
    pub p256dh: Bin,
    /// The browser's authentication secret, 16 bytes.
    #[n(2)]
    pub auth: Bin,
}

/// What a page is answered.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub enum Answer {
    /// It is done, and stored.
    #[n(0)]
    Done,
    /// To `Start`.
    #[n(1)]
    Snapshot(#[n(0)] Box<Snapshot>),
    /// To `History`: oldest first.
    #[n(2)]
    Messages {
        /// They; those that wait to be sent come last.
        #[n(0)]
        messages: Vec<Message>,
        /// Whether there are older ones.
        #[n(1)]
        more_before: bool,
        /// Whether there are newer ones.
        #[n(2)]
        more_after: bool,
        /// Something is missing right before them: the sequence before which to fetch it.
        #[n(3)]
        missing_before: Option<Seq>,
        /// Something is missing right after them: the sequence after which to fetch it.
        #[n(4)]
        missing_after: Option<Seq>,
    },
    /// To `LookUp`: whose name it is, if anybody's.
    #[n(3)]
    Found(#[n(0)] Option<AccountId>),
    /// To `Direct` and `CreateGroup`.
    #[n(4)]
    Conversation(#[n(0)] ConversationId),
    /// To `Members`.
    #[n(5)]
    Members(#[n(0)] Vec<Member>),
    /// To `Devices`.
    #[n(6)]
    Devices(#[n(0)] Vec<Device>),
    /// To `Usage`.
    #[n(7)]
    Usage(#[n(0)] Usage),
    /// To `PushKey`; `None` if the server sends no pushes.
    #[n(8)]
    PushKey(#[n(0)] Option<Bin>),
    /// To `Scan`.
    #[n(9)]
    Scanned(#[n(0)] Option<String>),
    /// To `Send`: the message's id.
    #[n(10)]
    Sent(#[n(0)] EntryId),
    /// To `Recovery`.
    #[n(80)]
    Recovery(#[n(0)] RecoveryAnswer),
    /// To `Safety`; `None` while the other one's key is not known here.
    #[n(70)]
    Safety(#[n(0)] Option<SafetyNumber>),
    /// To `CompareSafety`.
    #[n(71)]
    Compared(#[n(0)] Comparison),
    /// To `Seek`: `None` if nothing was said in it.
    #[n(20)]
    Place(#[n(0)] Option<Seq>),
    /// To `Filling`.
    #[n(21)]
    Filling(#[n(0)] Filling),
    /// To `Search`.
    #[n(60)]
    Hits(#[n(0)] Hits),
    /// To `Export` and `ExportMore`.
    #[n(61)]
    Exported(#[n(0)] Exported),
}
