//! What an account comes back by: the secrets of recovery methods, and what is derived from them.

mod keys;
mod words;

pub(crate) use keys::{MethodKeys, MethodRecord, Newest, Sealing};
pub(crate) use words::fold as fold_word;
pub use words::{WordLanguage, WordsCheck, WordsError, check_words, complete_word, is_word};

use diario_protocol::{DeviceId, RecoveryId, Timestamp};
use zeroize::{Zeroize, ZeroizeOnDrop};

/// The secret of a recovery method: 32 uniform bytes.
#[derive(Clone, PartialEq, Eq, Zeroize, ZeroizeOnDrop)]
pub struct RecoverySecret([u8; 32]);

impl RecoverySecret {
    /// From the output of a passkey's PRF.
    pub fn from_passkey(output: [u8; 32]) -> Self {
        Self(output)
    }
}

impl std::fmt::Debug for RecoverySecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("RecoverySecret(..)")
    }
}

/// What a recovery method is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MethodKind {
    /// 24 words on paper.
    Words,
    /// A passkey.
    Passkey,
}

/// A new recovery key, shown once and kept nowhere.
#[derive(Clone, PartialEq, Eq, Zeroize, ZeroizeOnDrop)]
pub struct RecoveryKey {
    /// The 24 words, in order.
    pub words: Vec<String>,
    /// Numbers, from 1, of the three words that are asked for to see that the others were written down.
    pub asked: [u8; 3],
}

/// A recovery method of the account's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecoveryMethod {
    /// The method.
    pub id: RecoveryId,
    /// What it is.
    pub kind: MethodKind,
    /// What it is called; empty for words.
    pub label: String,
    /// When it was made.
    pub made_at: Timestamp,
    /// A passkey's credential id.
    pub credential: Option<Vec<u8>>,
    /// Whether the account can be recovered by it already: the server has its vault.
    pub ready: bool,
}

/// A device of an account that is being recovered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecoverableDevice {
    /// The device.
    pub id: DeviceId,
    /// What it is called; empty where that is not known.
    pub name: String,
    /// Whether it holds the account identity key.
    pub primary: bool,
    /// When its time runs out; `None` never.
    pub valid_until: Option<Timestamp>,
    /// When it was last connected, by the server's word; `None` never or not known.
    pub seen: Option<Timestamp>,
}

/// What becomes of the account's other devices.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Keep {
    /// They stay.
    All,
    /// They are cut off at once.
    None,
    /// These are cut off, the others stay.
    AllBut(Vec<DeviceId>),
}

impl Keep {
    /// Whether a device stays.
    pub(crate) fn keeps(&self, device: DeviceId) -> bool {
        match self {
            Self::All => true,
            Self::None => false,
            Self::AllBut(gone) => !gone.contains(&device),
        }
    }
}
