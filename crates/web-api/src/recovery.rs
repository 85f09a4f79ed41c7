//! Recovery, as pages see it.

use diario_protocol::{Bin, DeviceId, Nonce, RecoveryId, Timestamp};
use minicbor::{Decode, Encode};

use crate::Problem;

/// What a page asks about recovery.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub enum RecoveryAsk {
    /// A new recovery key, to be shown once. Answer: `Key`.
    #[n(0)]
    Make {
        /// In Italian words, else English ones.
        #[n(0)]
        italian: bool,
    },
    /// The three words asked for, in the order asked.
    #[n(1)]
    Confirm(#[n(0)] Vec<String>),
    /// Makes a passkey a recovery method.
    #[n(2)]
    AddPasskey {
        /// What its PRF gives.
        #[n(0)]
        output: Nonce,
        /// Its credential id.
        #[n(1)]
        credential: Bin,
        /// What to call it.
        #[n(2)]
        label: String,
    },
    /// Removes a recovery method.
    #[n(3)]
    Remove(#[n(0)] RecoveryId),
    /// The account's recovery methods. Answer: `Methods`.
    #[n(4)]
    Methods,
    /// Recovers an account; goes on by [`RecoverStep`].
    #[n(5)]
    Begin {
        /// By what.
        #[n(0)]
        by: Proof,
        /// What the user calls this device.
        #[n(1)]
        device_name: String,
    },
    /// Answers [`RecoverStep::Opened`]: devices to revoke; the others stay.
    #[n(6)]
    Finish(#[n(0)] Vec<DeviceId>),
    /// Gives it up.
    #[n(7)]
    Cancel,
    /// What can be said of words while they are written. Answer: `Checked`.
    #[n(8)]
    Check(#[n(0)] String),
}

/// By what an account is recovered.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub enum Proof {
    /// Its name, and the words of its recovery key.
    #[n(0)]
    Words {
        /// The name.
        #[n(0)]
        username: String,
        /// The words, as typed.
        #[n(1)]
        words: String,
    },
    /// A passkey.
    #[n(1)]
    Passkey {
        /// The user handle of the passkey: the account's id.
        #[n(0)]
        handle: Bin,
        /// What its PRF gives.
        #[n(1)]
        output: Nonce,
    },
}

/// What a page is answered.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub enum RecoveryAnswer {
    /// A new recovery key.
    #[n(0)]
    Key {
        /// The 24 words.
        #[n(0)]
        words: Vec<String>,
        /// Numbers, from 1, of the three that are asked for.
        #[n(1)]
        asked: Vec<u8>,
    },
    /// The account's recovery methods, the oldest first.
    #[n(1)]
    Methods(#[n(0)] Vec<RecoveryMethod>),
    /// What can be said of words.
    #[n(2)]
    Checked(#[n(0)] CheckedWords),
}

/// What can be said of words while they are written.
#[derive(Debug, Clone, PartialEq, Eq, Default, Encode, Decode)]
pub struct CheckedWords {
    /// How many there are.
    #[n(0)]
    pub count: u32,
    /// Numbers, from 1, of those that are no words of a recovery key.
    #[n(1)]
    pub unknown: Vec<u32>,
    /// What the last one may become.
    #[n(2)]
    pub completions: Vec<String>,
    /// Whether they are a recovery key.
    #[n(3)]
    pub good: bool,
}

/// A recovery method.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct RecoveryMethod {
    /// Its id.
    #[n(0)]
    pub id: RecoveryId,
    /// A passkey, else words.
    #[n(1)]
    pub passkey: bool,
    /// What it is called; empty for words.
    #[n(2)]
    pub label: String,
    /// When it was made.
    #[n(3)]
    pub made_at: Timestamp,
    /// Whether the server has it: before that it is worth nothing.
    #[n(4)]
    pub ready: bool,
}

/// A device of an account that is being recovered.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct LostDevice {
    /// The device.
    #[n(0)]
    pub id: DeviceId,
    /// What it is called; empty where that is not known.
    #[n(1)]
    pub name: String,
    /// Whether it is a primary.
    #[n(2)]
    pub primary: bool,
    /// When it was last connected, if that is known.
    #[n(3)]
    pub seen: Option<Timestamp>,
}

/// A step of a recovery.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub enum RecoverStep {
    /// The key was right: the user says which devices stay.
    #[n(0)]
    Opened {
        /// The account's name.
        #[n(0)]
        username: String,
        /// Its devices.
        #[n(1)]
        devices: Vec<LostDevice>,
        /// How many it may have, this one too.
        #[n(2)]
        most: u16,
    },
    /// This device is one of the account.
    #[n(1)]
    Done,
    /// It failed, and nothing is kept.
    #[n(2)]
    Failed(#[n(0)] Problem),
}
