//! Errors, sorted by whose fault they are.

use diario_protocol::device_list::DeviceListError;
use diario_protocol::{AccountId, ConversationId, DecodeError, Epoch, Refusal, Seq};

use crate::content::ContentError;
use crate::crypto::seal::OpenError;
use crate::group::GroupError;
use crate::store::StoreError;

/// The input could not be handled; nothing of it was kept. The driver closes the connection and may go on.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The local store failed: disk full, file broken, or made by a newer Diario.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The platform gave no randomness.
    #[error("no secure randomness from this system")]
    Randomness,
    /// OpenMLS could not do what it must be able to do.
    #[error(transparent)]
    Group(#[from] GroupError),
    /// The server sent a frame that cannot be read.
    #[error("the server does not speak Diario's protocol: {0}")]
    Frame(#[from] DecodeError),
    /// A defect of Diario.
    #[error("internal error: {0}; please report it")]
    Internal(&'static str),
}

impl From<crate::store::mls::MlsStoreError> for EngineError {
    fn from(e: crate::store::mls::MlsStoreError) -> Self {
        Self::Store(e.into())
    }
}

impl From<rusqlite::Error> for EngineError {
    fn from(e: rusqlite::Error) -> Self {
        Self::Store(e.into())
    }
}

/// What the user asked cannot be done; nothing was changed. `Display` says what to do.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    /// No account here yet.
    #[error("no account here yet: use `diario register` to make one, or `diario link` to join yours")]
    NoAccount,
    /// There is an account here already.
    #[error("this folder already belongs to the account {0}; use another --home for a second one")]
    HasAccount(String),
    /// The device was removed from its account.
    #[error(
        "this device was removed from its account. What it holds can still be read; link it again in a new folder to write"
    )]
    Revoked,
    /// Only primary devices may do this.
    #[error("only a primary device may do this; `diario devices` shows which of yours are")]
    NotPrimary,
    /// The username breaks the rules.
    #[error(transparent)]
    Username(#[from] diario_protocol::UsernameError),
    /// There is no such conversation here.
    #[error("no such conversation: {0}; `diario conversations` lists them")]
    NoConversation(String),
    /// There is no such device.
    #[error("no such device: {0}; `diario devices` lists them")]
    NoDevice(String),
    /// The account is out of the conversation.
    #[error("you are no longer in this conversation")]
    Left,
    /// Members of this conversation cannot change.
    #[error("only groups have members that can be added, removed, or leave")]
    NotAGroup,
    /// The account is or is not a member already.
    #[error("{0}")]
    Membership(&'static str),
    /// A device without a name.
    #[error("a device needs a name")]
    NoName,
    /// The last primary cannot be revoked.
    #[error("this is the account's only primary device; make another device a primary first")]
    LastPrimary,
    /// A primary cannot take itself out.
    #[error("a primary device cannot revoke itself; do it from another primary device")]
    RevokesItself,
    /// The device is a primary already.
    #[error("that device is a primary already")]
    IsPrimary,
    /// The device is no primary.
    #[error("that device is no primary")]
    NotAPrimary,
    /// A primary's time does not run out.
    #[error("that device is a primary, and its time does not run out")]
    NeverExpires,
    /// Another linking waits for its end.
    #[error("another device is being linked at this moment; finish that first, or give it up")]
    LinkingUnderWay,
    /// The contact's key is not known here.
    #[error("that person's key is not known here yet; look their name up first")]
    NoKey,
    /// No recovery key was made just now.
    #[error("no recovery key waits to be confirmed; make one first")]
    NoRecoveryKey,
    /// A word that was asked for is another.
    #[error("word {0} is another one; look at what you wrote down and try again")]
    WrongWord(u8),
    /// There is no such recovery method.
    #[error("no such recovery method: {0}; `diario recovery-methods` lists them")]
    NoRecoveryMethod(String),
    /// The words are no recovery key.
    #[error(transparent)]
    Words(#[from] crate::recovery::WordsError),
    /// No recovery is under way.
    #[error("no recovery is under way; begin one with the recovery key")]
    NoRecovery,
    /// The account has as many devices as the server allows.
    #[error(
        "the account has as many devices as its server allows ({0}); revoke one of them in the same step"
    )]
    DeviceLimit(usize),
    /// There is nothing to send.
    #[error("the message is empty")]
    Empty,
    /// Longer than one entry may be.
    #[error("the message is {size} bytes long, more than the {limit} that fit into one; send it in parts")]
    TooLong {
        /// Its size in bytes.
        size: usize,
        /// The most that fits.
        limit: usize,
    },
    /// There is no such message here, or it is not one of this device's that wait.
    #[error("no such message waits here")]
    NoMessage,
    /// The message was given to a connection: the server may have it.
    #[error("the message is on its way, or there already; it cannot be taken back")]
    OnItsWay,
    /// It needs the server, and there is no connection.
    #[error("this needs the server, and there is no connection at the moment")]
    Offline,
    /// The device does not have the account's first key yet, or it is being recovered.
    #[error("this device has not caught up yet; run `diario sync` first")]
    NotYet,
    /// The linking code or its use is wrong.
    #[error(transparent)]
    Linking(#[from] crate::linking::LinkingError),
    /// The text is not a code from a QR.
    #[error(transparent)]
    LinkCode(#[from] crate::linking::LinkCodeError),
    /// The eight characters are not a pairing code.
    #[error(transparent)]
    PairingCode(#[from] crate::linking::PairingCodeError),
    /// The content cannot be encoded.
    #[error(transparent)]
    Content(#[from] ContentError),
    /// The engine failed.
    #[error(transparent)]
    Engine(#[from] EngineError),
}

impl From<rusqlite::Error> for CommandError {
    fn from(e: rusqlite::Error) -> Self {
        Self::Engine(e.into())
    }
}

impl From<GroupError> for CommandError {
    fn from(e: GroupError) -> Self {
        Self::Engine(e.into())
    }
}

/// Something that an honest server and honest members never do. It was refused; the user is told.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Misbehaviour {
    /// Another server answers under this address.
    #[error("another server answers than the one this device knows")]
    OtherServer,
    /// The server speaks another version of the protocol.
    #[error("the server speaks version {0} of the protocol, this device {ours}", ours = diario_protocol::PROTOCOL_VERSION)]
    OtherProtocol(u16),
    /// An entry that does not open: forged, changed, or moved from another place.
    #[error("a message was refused: {0}")]
    Forged(OpenError),
    /// An entry whose content is not what its id says, or is malformed.
    #[error("a message was refused: its content is malformed or not what its id says")]
    BadContent,
    /// An entry of another epoch than the log's at its place.
    #[error("a message was refused: it belongs to epoch {found}, not {expected}")]
    WrongEpoch {
        /// The log's epoch at that place.
        expected: Epoch,
        /// The entry's.
        found: Epoch,
    },
    /// An entry that is in the log already.
    #[error("a message was refused: it is in the conversation already, at {0}")]
    Replayed(Seq),
    /// The log at a place is not what it was.
    #[error("the server shows another message at {0} than before")]
    Rewritten(Seq),
    /// The sender of an entry has seen another log than this device.
    #[error("a message was refused: its sender was shown another order of messages, up to {0}")]
    Forked(Seq),
    /// A device list that is forged or older than one seen.
    #[error("a device list was refused: {0}")]
    DeviceList(DeviceListError),
    /// Two different device lists of one version.
    #[error("a device list was refused: its account signed another one of the same version")]
    DeviceListFork,
    /// A change of the group that breaks the rules: a phantom device or member, or a forged commit.
    #[error("a change of the conversation was refused: {0}")]
    Commit(String),
    /// A key package that is not the device's.
    #[error("a key package was refused: {0}")]
    KeyPackage(String),
    /// A group that must not be entered.
    #[error("a way into a conversation was refused: {0}")]
    Join(String),
    /// A slot that does not open or goes back to an older version.
    #[error("a setting was refused: {0}")]
    Slot(String),
    /// A member that was asked for a key gave one that opens nothing.
    #[error("a wrong key was answered by account {0}; another member is asked")]
    WrongKey(AccountId),
    /// An entry for a conversation that this account is not in.
    #[error("something was sent for a conversation that this account is not in: {0}")]
    UnknownConversation(ConversationId),
    /// The account's diary at the server is shorter than it was.
    #[error(
        "the server has lost what it had: it was set back to an older copy; messages since may be missing"
    )]
    WentBack,
    /// A recovery vault that is not what it must be.
    #[error("the server showed a recovery vault that cannot be right: {0}; nothing was recovered from it")]
    Vault(&'static str),
    /// The recovery vault was older than the account's own conversation.
    #[error(
        "the server showed an old recovery vault (epoch {sealed} of {found}); what was kept since may stay unreadable here until another of your devices is online"
    )]
    OldVault {
        /// The epoch of the vault.
        sealed: Epoch,
        /// The epoch of the self conversation.
        found: Epoch,
    },
    /// A frame that makes no sense at this moment.
    #[error("the server answered out of turn: {0}")]
    OutOfTurn(&'static str),
    /// A refusal that an honest server has no reason for.
    #[error("the server refused: {0}")]
    Refused(Refusal),
}
