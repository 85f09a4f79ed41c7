//! What the engine tells its driver and the user's face.

use diario_protocol::{AccountId, ConversationId, DeviceId, EntryId, Refusal, Seq, Timestamp, Username};

use crate::{Misbehaviour, OpenError};

/// How the device stands to its server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConnectionState {
    /// No connection.
    Offline,
    /// Connected, not yet up to date.
    CatchingUp,
    /// Connected; the diary's stream is live.
    Live,
}

/// Something that happened, after it was stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// The connection's state changed.
    Connection(ConnectionState),
    /// This device is one of an account now.
    Ready(Username),
    /// Registration or login was refused; the driver stops connecting if it is for good.
    Rejected(Refusal),
    /// This device is no longer one of the account.
    Revoked,
    /// This device's time has run out; a primary renews it.
    Expired,
    /// This device became a primary and holds the account's key, or is one no more and has forgotten it.
    Role {
        /// Which of the two.
        primary: bool,
    },
    /// A message is there: a new one, or a placeholder that can be read now. `live` if it came just now.
    Message {
        /// Where.
        conversation: ConversationId,
        /// Which.
        seq: Seq,
        /// Its id.
        id: EntryId,
        /// Whether it was sent just now rather than caught up with.
        live: bool,
    },
    /// A message of this device's has its place in the log: the server has it on disk.
    Sent {
        /// Where.
        conversation: ConversationId,
        /// Which.
        id: EntryId,
        /// Its place.
        seq: Seq,
    },
    /// A message or change of this device's was refused for good.
    Failed {
        /// Where.
        conversation: ConversationId,
        /// Which message, if it is one.
        id: Option<EntryId>,
        /// Why.
        refusal: Refusal,
    },
    /// A conversation is new, or its name, members, markers, draft or arrangement changed.
    Conversation(ConversationId),
    /// The account's settings changed, here or on another device.
    Settings,
    /// An own message that was not sent is no longer there: it was discarded.
    Gone {
        /// Where.
        conversation: ConversationId,
        /// Which.
        id: EntryId,
    },
    /// The server's key for push subscriptions (P-256, uncompressed, 65 bytes); `None` if it sends no pushes.
    PushKey(Option<Vec<u8>>),
    /// Own or others' devices changed.
    Devices(AccountId),
    /// What this account knows of another changed: whether it is verified.
    Contact(AccountId),
    /// Somebody types.
    Typing {
        /// Where.
        conversation: ConversationId,
        /// Who.
        account: AccountId,
        /// Until when to show it, unless told anew.
        until: Timestamp,
    },
    /// Answer to a look-up of a name.
    Resolved {
        /// The name.
        username: Username,
        /// Whose it is, if anybody's.
        account: Option<AccountId>,
    },
    /// A look-up of a name was refused: whose it is, is not known.
    LookUpRefused {
        /// The name.
        username: Username,
        /// Why.
        refusal: Refusal,
    },
    /// When devices were last connected; `None` while they are.
    LastSeen(Vec<(DeviceId, Option<Timestamp>)>),
    /// A step of a linking.
    Linking(LinkingStep),
    /// A step of a recovery, or a change of what the account can be recovered by.
    Recovery(RecoveryStep),
    /// A name means another account than before, with another key: it was begun anew, or somebody lies. Its
    /// conversations are others.
    KeyChanged {
        /// The name.
        username: Username,
        /// The account that it was known for.
        before: AccountId,
        /// The account that it means now.
        now: AccountId,
    },
    /// This account is called otherwise: who runs the server gave its name away.
    Renamed {
        /// What it was called.
        before: Username,
        /// What it is called.
        now: Username,
    },
    /// Something was refused that no honest peer does.
    Misbehaviour {
        /// Where, if in a conversation.
        conversation: Option<ConversationId>,
        /// What.
        what: Misbehaviour,
    },
    /// A part of a conversation's past is here now, from one place to another.
    History {
        /// Where.
        conversation: ConversationId,
        /// Its oldest entry.
        first: Seq,
        /// Its newest entry.
        last: Seq,
    },
    /// Answer to [`crate::Engine::seek`]: the first message of those said at or after a time, or the last one.
    Sought {
        /// Where.
        conversation: ConversationId,
        /// The time.
        at: Timestamp,
        /// Its place; 0 if there is none.
        seq: Seq,
    },
    /// An entry is there, or is another than before, that is no message to tell of: it cannot be read yet (a key or a
    /// device list is missing and was asked for), was refused or erased, or changed who is in the conversation.
    Entry {
        /// Where.
        conversation: ConversationId,
        /// Its place.
        seq: Seq,
    },
}

/// A step of linking a device, on either side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LinkingStep {
    /// Candidate: show this code.
    Code {
        /// Text for a QR code, or the eight characters to type.
        code: String,
        /// Whether it is meant as a QR code.
        qr: bool,
    },
    /// Primary: a device of this name asks to be admitted.
    Requested {
        /// What its user calls it.
        name: String,
        /// The device.
        device: DeviceId,
    },
    /// Either: it is done.
    Done {
        /// The account.
        username: Username,
    },
    /// Either: it failed and the code is worth nothing any more.
    Failed(String),
}

/// A step of recovering an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RecoveryStep {
    /// The key was right: which of the account's devices stay, the user decides.
    Opened {
        /// The account.
        username: Username,
        /// Its devices.
        devices: Vec<crate::recovery::RecoverableDevice>,
        /// How many devices it may have, this one too.
        most: u16,
    },
    /// This device is one of the account now.
    Done {
        /// The account.
        username: Username,
    },
    /// It failed, and nothing is kept.
    Failed(RecoveryFailure),
    /// The account's recovery methods changed, or whether the server has them.
    Methods,
}

/// Why a recovery failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RecoveryFailure {
    /// The server refused it.
    #[error(transparent)]
    Refused(Refusal),
    /// The server showed what cannot be right.
    #[error(transparent)]
    Lie(Misbehaviour),
    /// The process ended before the server had it.
    #[error("it was interrupted before the server took it; begin again")]
    Interrupted,
}

impl From<OpenError> for Misbehaviour {
    fn from(e: OpenError) -> Self {
        Self::Forged(e)
    }
}
