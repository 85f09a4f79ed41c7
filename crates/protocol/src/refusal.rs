//! Why a server refuses a request.

use minicbor::{Decode, Encode};

use crate::{Epoch, Seq};

/// Why a request was refused; nothing was changed. `Display` is a sentence for the user, with what to do.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, thiserror::Error)]
pub enum Refusal {
    /// Sealed or committed under an epoch that is over: catch up, then seal again.
    #[error("the conversation is already in epoch {}", .0.0)]
    #[n(0)]
    StaleEpoch(#[n(0)] Epoch),
    /// The device lists have changed: commit the change first.
    #[error("the conversation's devices have changed; the change must be committed first")]
    #[n(1)]
    RosterStale,
    /// This account is not in the conversation.
    #[error("this account is not in the conversation")]
    #[n(2)]
    NotMember,
    /// There is no such thing.
    #[error("there is no such {0}")]
    #[n(3)]
    NotFound(#[n(0)] String),
    /// Somebody has this name.
    #[error("that name is taken; choose another")]
    #[n(4)]
    NameTaken,
    /// The server takes no new accounts.
    #[error("this server takes no new accounts; ask who runs it")]
    #[n(5)]
    RegistrationClosed,
    /// The server wants an invite that is good.
    #[error(
        "this server wants an invite, and that one is missing, used up or wrong; ask who runs it for one"
    )]
    #[n(6)]
    InviteNeeded,
    /// Larger than the server takes.
    #[error("larger than the {0} bytes that this server takes")]
    #[n(7)]
    TooLarge(#[n(0)] u64),
    /// More than the server allows of something.
    #[error("more {0} than this server allows ({1})")]
    #[n(8)]
    TooMany(#[n(0)] String, #[n(1)] u64),
    /// Too often: again after this many milliseconds.
    #[error("too many requests; try again in {} s", .0.div_ceil(1000))]
    #[n(9)]
    RateLimited(#[n(0)] u64),
    /// A signature is wrong.
    #[error("the signature is wrong")]
    #[n(10)]
    BadSignature,
    /// The device is not in the account's list (any more).
    #[error("this device was removed from its account; link it again")]
    #[n(11)]
    DeviceRevoked,
    /// The device's time has run out.
    #[error("this device's time has run out; renew it on a primary device. Nothing stored here is lost")]
    #[n(12)]
    DeviceExpired,
    /// Asked before login, or twice.
    #[error("not possible in this state of the connection: {0}")]
    #[n(13)]
    WrongState(#[n(0)] String),
    /// The request makes no sense.
    #[error("the server does not accept this request: {0}")]
    #[n(14)]
    Invalid(#[n(0)] String),
    /// A commit that MLS or the rules of rosters refuse.
    #[error("the server does not accept this change of the conversation: {0}")]
    #[n(15)]
    InvalidCommit(#[n(0)] String),
    /// It exists already.
    #[error("it exists already")]
    #[n(16)]
    Exists,
    /// A device list that is not newer than the server's.
    #[error("the account already has version {0} of the device list")]
    #[n(17)]
    OldDeviceList(#[n(0)] u64),
    /// The mailbox is closed, full, expired, or was entered by somebody before.
    #[error("that code is no longer good; make a new one")]
    #[n(18)]
    MailboxGone,
    /// The part of the log is no longer kept or was never this account's.
    #[error("the log begins at {}", .0.0)]
    #[n(19)]
    BeforeStart(#[n(0)] Seq),
    /// The server's disk is full or broken; try again later, nothing was lost.
    #[error("the server cannot store anything at the moment; your message waits and will be sent later")]
    #[n(20)]
    StorageUnavailable,
    /// The server stops.
    #[error("the server is restarting")]
    #[n(21)]
    Draining,
    /// No account of that name has a vault that this recovery method opens.
    #[error(
        "this recovery key is not one of that account's; check the name and every word, and whether a newer recovery key was made since"
    )]
    #[n(22)]
    WrongRecoveryKey,
    /// The list names more devices than the server allows, and more than the one before.
    #[error("the account has as many devices as this server allows ({0}); revoke one first")]
    #[n(23)]
    DeviceLimit(#[n(0)] u64),
}

impl Refusal {
    /// Whether the same request may succeed later without anybody doing anything.
    pub fn is_temporary(&self) -> bool {
        matches!(self, Self::RateLimited(_) | Self::StorageUnavailable | Self::Draining)
    }
}
