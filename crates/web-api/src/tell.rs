//! What a page is told unasked.

use diario_protocol::{ConversationId, DeviceId, EntryId, Seq, Timestamp};
use minicbor::{Decode, Encode};

use crate::recovery::{RecoverStep, RecoveryMethod};
use crate::view::{Account, ConversationRow, Device, Filling, Message, Settings, Status, StoreKind};

/// Everything that a page shows at first.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Snapshot {
    /// The account; `None` before there is one.
    #[n(0)]
    pub account: Option<Account>,
    /// How it stands with the server.
    #[n(1)]
    pub status: Status,
    /// All conversations, in no order.
    #[n(2)]
    pub conversations: Vec<ConversationRow>,
    /// The account's settings.
    #[n(3)]
    pub settings: Settings,
    /// Where the diary is kept.
    #[n(4)]
    pub store: StoreKind,
}

/// Something happened.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub enum Tell {
    /// Connection or outbox changed.
    #[n(0)]
    Status(#[n(0)] Status),
    /// The account or this device's place in it changed.
    #[n(1)]
    Account(#[n(0)] Option<Account>),
    /// Conversations that are new or changed, whole.
    #[n(2)]
    Conversations(#[n(0)] Vec<ConversationRow>),
    /// Messages of the watched conversation that are new or changed, whole, oldest first. At most
    /// [`crate::MAX_PAGE`]; if more are new, `reload` is set and the page asks for what it shows.
    #[n(3)]
    Messages {
        /// Where.
        #[n(0)]
        conversation: ConversationId,
        /// They.
        #[n(1)]
        messages: Vec<Message>,
        /// Whether these are not all that changed.
        #[n(2)]
        reload: bool,
    },
    /// A message is no longer there: it was discarded.
    #[n(4)]
    Gone {
        /// Where.
        #[n(0)]
        conversation: ConversationId,
        /// Which.
        #[n(1)]
        id: EntryId,
    },
    /// Somebody types.
    #[n(5)]
    Typing {
        /// Where.
        #[n(0)]
        conversation: ConversationId,
        /// Who, by name.
        #[n(1)]
        name: String,
        /// Until when to show it, unless told anew; ms since 1970 by this machine's clock.
        #[n(2)]
        until: Timestamp,
    },
    /// A message of somebody else's came just now: to be announced, and notified unless muted.
    #[n(6)]
    Arrived {
        /// Where.
        #[n(0)]
        conversation: ConversationId,
        /// The conversation's title.
        #[n(1)]
        title: String,
        /// Who, by name.
        #[n(2)]
        sender: String,
        /// What, shortened to 200 characters.
        #[n(3)]
        text: String,
        /// Whether the conversation is muted.
        #[n(4)]
        muted: bool,
    },
    /// The own devices.
    #[n(7)]
    Devices(#[n(0)] Vec<Device>),
    /// The account's settings.
    #[n(8)]
    Settings(#[n(0)] Settings),
    /// A linking went on.
    #[n(9)]
    Link(#[n(0)] LinkStep),
    /// Something was refused that no honest server or member does; in English, for the curious.
    #[n(10)]
    Alarm {
        /// Where, if in a conversation.
        #[n(0)]
        conversation: Option<ConversationId>,
        /// What.
        #[n(1)]
        what: String,
    },
    /// Whether the disk, or what the browser allows of it, is full.
    #[n(13)]
    Full(#[n(0)] bool),
    /// A registration or login was refused.
    #[n(11)]
    Rejected(#[n(0)] crate::Problem),
    /// The store has failed; nothing goes any more until the page is loaded anew.
    #[n(12)]
    Broken(#[n(0)] String),
    /// A recovery went on.
    #[n(60)]
    Recover(#[n(0)] RecoverStep),
    /// What the account can be recovered by.
    #[n(61)]
    RecoveryMethods(#[n(0)] Vec<RecoveryMethod>),
    /// A part of the watched conversation's past is here now, both ends included.
    #[n(20)]
    History {
        /// Where.
        #[n(0)]
        conversation: ConversationId,
        /// Its first place.
        #[n(1)]
        first: Seq,
        /// Its last place.
        #[n(2)]
        last: Seq,
    },
    /// How much of the history is here.
    #[n(21)]
    Filling(#[n(0)] Filling),
}

/// A step of linking a device, on either side.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub enum LinkStep {
    /// New device: show this code.
    #[n(0)]
    Code {
        /// Text for a QR code, or the eight characters to type.
        #[n(0)]
        code: String,
        /// Whether it is meant as a QR code.
        #[n(1)]
        qr: bool,
    },
    /// Primary: a device asks to join; answer with [`crate::Ask::ConfirmLink`].
    #[n(1)]
    Requested {
        /// What its user calls it.
        #[n(0)]
        name: String,
        /// The device.
        #[n(1)]
        device: DeviceId,
    },
    /// Either: it is done.
    #[n(2)]
    Done,
    /// Either: it failed, and the code is worth nothing any more. Why, in English.
    #[n(3)]
    Failed(#[n(0)] String),
}
