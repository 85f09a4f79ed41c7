//! Typed ids and counters.
//!
//! An account's and a device's id is the hash of its public key, so an id vouches for the key: a server
//! cannot show another key under the same id.

use std::fmt;
use std::str::FromStr;

use minicbor::{Decode, Encode};
use sha2::{Digest as _, Sha256};

use crate::bytes::Fixed;
use crate::hex;

/// A text that is not an id of the wanted kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a valid {kind}: expected {digits} hexadecimal digits")]
pub struct IdError {
    kind: &'static str,
    digits: usize,
}

macro_rules! byte_id {
    ($(#[$doc:meta])* $name:ident, $len:literal, $kind:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Encode, Decode)]
        #[cbor(transparent)]
        pub struct $name(#[n(0)] Fixed<$len>);

        impl $name {
            /// Length in bytes.
            pub const LEN: usize = $len;

            /// From its bytes.
            pub const fn new(bytes: [u8; $len]) -> Self {
                Self(Fixed(bytes))
            }

            /// Its bytes.
            pub const fn as_bytes(&self) -> &[u8; $len] {
                &self.0.0
            }

            /// From a slice, if that has the right length.
            pub fn from_slice(bytes: &[u8]) -> Option<Self> {
                bytes.try_into().ok().map(Self::new)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                hex::write(self.as_bytes(), f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self)
            }
        }

        impl FromStr for $name {
            type Err = IdError;
            fn from_str(s: &str) -> Result<Self, IdError> {
                hex::read(s).map(Self::new).ok_or(IdError { kind: $kind, digits: 2 * $len })
            }
        }
    };
}

macro_rules! counter {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Encode, Decode)]
        #[cbor(transparent)]
        pub struct $name(#[n(0)] pub u64);

        impl $name {
            /// The one after; the last one there can be is its own successor.
            #[must_use]
            pub const fn next(self) -> Self {
                Self(self.0.saturating_add(1))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

byte_id!(
    /// A person: the first 16 bytes of SHA-256 over the account identity key.
    AccountId, 16, "account id"
);
byte_id!(
    /// One installation: the first 16 bytes of SHA-256 over the device key.
    DeviceId, 16, "device id"
);
byte_id!(
    /// A conversation, and its MLS group id.
    ConversationId, 16, "conversation id"
);
byte_id!(
    /// One entry of a log, made by its sender: the first 16 bytes of the content's MIMI message id.
    EntryId, 16, "entry id"
);
byte_id!(
    /// A linking mailbox.
    MailboxId, 16, "mailbox id"
);
byte_id!(
    /// A recovery method: the first 16 bytes of SHA-256 over its authentication key.
    RecoveryId, 16, "recovery method"
);
byte_id!(
    /// The opaque key of a slot within its conversation.
    SlotKey, 16, "slot key"
);
byte_id!(
    /// A server's installation, random, made at its first start.
    ServerId, 16, "server id"
);
byte_id!(
    /// An Ed25519 public key (RFC 8032).
    PublicKey, 32, "public key"
);
byte_id!(
    /// An Ed25519 signature (RFC 8032).
    Signature, 64, "signature"
);
byte_id!(
    /// A challenge of the server.
    Nonce, 32, "nonce"
);
byte_id!(
    /// A SHA-256 digest.
    Digest, 32, "digest"
);

counter!(
    /// Place in an account's diary, from 1; 0 is before all.
    Position
);
counter!(
    /// Place in a conversation's log, gapless from 1; 0 is before all.
    Seq
);
counter!(
    /// An MLS epoch (RFC 9420 section 8).
    Epoch
);
counter!(
    /// Version of a slot's value, from 1; 0 is "none yet".
    SlotVersion
);

/// Milliseconds since the Unix epoch, UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Encode, Decode)]
#[cbor(transparent)]
pub struct Timestamp(#[n(0)] pub u64);

impl Timestamp {
    /// Later by `ms` milliseconds.
    #[must_use]
    pub const fn plus_ms(self, ms: u64) -> Self {
        Self(self.0.saturating_add(ms))
    }

    /// Milliseconds from `earlier` to this; 0 if that lies ahead.
    pub const fn ms_since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}

/// Number that pairs a reply with its request on one connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Encode, Decode)]
#[cbor(transparent)]
pub struct RequestId(#[n(0)] pub u32);

/// First 16 bytes of SHA-256 over a domain and parts of fixed length.
fn hash16(domain: &str, parts: &[&[u8]]) -> [u8; 16] {
    let mut hash = Sha256::new();
    hash.update(domain.as_bytes());
    for part in parts {
        hash.update(part);
    }
    let mut out = [0; 16];
    out.copy_from_slice(&hash.finalize()[..16]);
    out
}

impl AccountId {
    /// The account that `identity_key` makes.
    pub fn of_key(identity_key: &PublicKey) -> Self {
        Self::new(hash16("diario account v1", &[identity_key.as_bytes()]))
    }
}

impl DeviceId {
    /// The device that `key` makes.
    pub fn of_key(key: &PublicKey) -> Self {
        Self::new(hash16("diario device v1", &[key.as_bytes()]))
    }
}

impl RecoveryId {
    /// The recovery method that `key` authenticates.
    pub fn of_key(key: &PublicKey) -> Self {
        Self::new(hash16("diario recovery method v1", &[key.as_bytes()]))
    }
}

impl ConversationId {
    /// The self conversation of an account.
    pub fn of_self(account: AccountId) -> Self {
        Self::new(hash16("diario self conversation v1", &[account.as_bytes()]))
    }

    /// The direct conversation of two accounts, whichever of them asks.
    pub fn of_pair(a: AccountId, b: AccountId) -> Self {
        let (low, high) = if a <= b { (a, b) } else { (b, a) };
        Self::new(hash16("diario direct conversation v1", &[low.as_bytes(), high.as_bytes()]))
    }
}

impl ConversationId {
    /// A group of `creator`'s: 8 random bytes, then 8 bytes of a hash that binds them to the creator.
    ///
    /// So nobody can take the id of another's self or direct conversation for a group, and block it.
    pub fn of_group(creator: AccountId, random: [u8; 8]) -> Self {
        let bound = hash16("diario group conversation v1", &[creator.as_bytes(), &random]);
        let mut id = [0; 16];
        id[..8].copy_from_slice(&random);
        id[8..].copy_from_slice(&bound[..8]);
        Self::new(id)
    }

    /// Whether this is the id of a group that `creator` made.
    pub fn is_group_of(&self, creator: AccountId) -> bool {
        let mut random = [0; 8];
        random.copy_from_slice(&self.as_bytes()[..8]);
        *self == Self::of_group(creator, random)
    }
}

impl SlotKey {
    /// The key of the slot that is called `name` in a conversation.
    pub fn of_name(conversation: ConversationId, name: &str) -> Self {
        Self::new(hash16("diario slot v1", &[conversation.as_bytes(), name.as_bytes()]))
    }

    /// The slot with how far an account has a conversation. The server knows this name too: a first screen brings the
    /// reader's own.
    pub fn of_receipts(conversation: ConversationId, account: AccountId) -> Self {
        Self::of_name(conversation, &format!("receipts/{account}"))
    }

    /// The keyring slot for one epoch of `conversation`, in the self conversation of `account`.
    pub fn of_keyring(account: AccountId, conversation: ConversationId, epoch: Epoch) -> Self {
        let own = ConversationId::of_self(account);
        Self::new(hash16(
            "diario keyring slot v1",
            &[own.as_bytes(), conversation.as_bytes(), &epoch.0.to_be_bytes()],
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_reads_back_from_its_text() {
        let id = EntryId::new([0xab; 16]);
        assert_eq!(id.to_string().parse::<EntryId>(), Ok(id));
        assert!("abc".parse::<EntryId>().is_err());
        assert!("zz".repeat(16).parse::<EntryId>().is_err());
    }

    #[test]
    fn a_pair_has_one_conversation_and_it_is_not_the_self_one() {
        let (a, b) = (AccountId::new([1; 16]), AccountId::new([2; 16]));
        assert_eq!(ConversationId::of_pair(a, b), ConversationId::of_pair(b, a));
        assert_ne!(ConversationId::of_pair(a, a), ConversationId::of_self(a));
        let group = ConversationId::of_group(a, [3; 8]);
        assert!(group.is_group_of(a) && !group.is_group_of(b));
        assert!(!ConversationId::of_pair(a, b).is_group_of(a));
    }
}
