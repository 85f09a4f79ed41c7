//! Why something cannot be done.

use minicbor::{Decode, Encode};

/// Why something cannot be done; nothing was changed. The page says it in the user's language.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, thiserror::Error)]
pub enum Problem {
    /// There is no account here yet.
    #[error("no account here yet")]
    #[n(0)]
    NoAccount,
    /// There is one already.
    #[error("there is an account here already")]
    #[n(1)]
    HasAccount,
    /// This device was removed from its account.
    #[error("this device was removed from its account")]
    #[n(2)]
    Revoked,
    /// Only a primary device may do this.
    #[error("only a primary device may do this")]
    #[n(3)]
    NotPrimary,
    /// The account's only primary device cannot be removed.
    #[error("the only primary device cannot be removed")]
    #[n(4)]
    LastPrimary,
    /// The name breaks the rules of names.
    #[error("a name has 1 to 32 of a-z, 0-9, dot, dash and underscore")]
    #[n(5)]
    BadName,
    /// Somebody else has the name.
    #[error("the name is taken")]
    #[n(6)]
    NameTaken,
    /// The server wants an invite, or this one is not good.
    #[error("an invite is needed")]
    #[n(7)]
    InviteNeeded,
    /// The server takes no new accounts.
    #[error("the server takes no new accounts")]
    #[n(8)]
    RegistrationClosed,
    /// There is no such conversation, message or device here.
    #[error("not here")]
    #[n(9)]
    Unknown,
    /// The account is no longer in the conversation.
    #[error("no longer in this conversation")]
    #[n(10)]
    Left,
    /// Who is in this conversation cannot change so.
    #[error("its members cannot change so")]
    #[n(11)]
    Membership,
    /// There is nothing to send.
    #[error("nothing to send")]
    #[n(12)]
    Empty,
    /// The text is too long for one message.
    #[error("too long: at most {0} bytes")]
    #[n(13)]
    TooLong(#[n(0)] u64),
    /// It needs the server, and there is no connection.
    #[error("no connection")]
    #[n(14)]
    Offline,
    /// This device has not caught up far enough yet.
    #[error("not caught up yet")]
    #[n(15)]
    NotYet,
    /// What was typed or scanned is no code of a device.
    #[error("not a linking code")]
    #[n(16)]
    BadCode,
    /// The code has run out, was used, or was wrong.
    #[error("the code is not good any more")]
    #[n(17)]
    CodeRefused,
    /// The disk, or what the browser allows of it, is full.
    #[error("the storage is full")]
    #[n(18)]
    StorageFull,
    /// The server asks to wait so many milliseconds.
    #[error("wait for {0} ms")]
    #[n(19)]
    Wait(#[n(0)] u64),
    /// The message is on its way to the server, or there already: it cannot be taken back.
    #[error("the message is on its way already")]
    #[n(21)]
    OnItsWay,
    /// No account of that name has this recovery key.
    #[error("not a recovery key of that account")]
    #[n(40)]
    WrongRecoveryKey,
    /// The account has as many devices as the server allows.
    #[error("the account has {0} devices, as many as the server allows")]
    #[n(41)]
    DeviceLimit(#[n(0)] u64),
    /// A recovery key has 24 words, not so many.
    #[error("24 words, and these are {0}")]
    #[n(42)]
    WordCount(#[n(0)] u64),
    /// This word, counted from 1, is in no list.
    #[error("word {0} is no word of a recovery key")]
    #[n(43)]
    UnknownWord(#[n(0)] u64),
    /// The words do not belong together.
    #[error("the words do not belong together")]
    #[n(44)]
    WordsWrong,
    /// This word, counted from 1, is another one in the recovery key.
    #[error("word {0} is another one")]
    #[n(45)]
    WrongWord(#[n(0)] u64),
    /// The recovery key that was shown does not wait for its words any more.
    #[error("no recovery key waits to be confirmed")]
    #[n(46)]
    NoRecoveryKey,
    /// The recovery that was under way is over: it has to be begun anew.
    #[error("the recovery was interrupted")]
    #[n(47)]
    Interrupted,
    /// What the server gave is not the account's.
    #[error("the server gave something that is not the account's")]
    #[n(48)]
    Lie,
    /// This device's time ran out: a primary has to renew it.
    #[error("this device's time ran out")]
    #[n(49)]
    Expired,
    /// The server cannot store anything at the moment.
    #[error("the server cannot store anything")]
    #[n(50)]
    ServerFull,
    /// Anything else, in English.
    #[error("{0}")]
    #[n(20)]
    Other(#[n(0)] String),
}
