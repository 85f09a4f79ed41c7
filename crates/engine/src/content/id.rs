//! Message ids, and the URIs that go into them (section 3.3 of the draft).

use std::fmt;

use diario_protocol::hex;
use sha2::{Digest as _, Sha256};

use super::ContentError;

/// SHA-256 in the IANA registry of named-information hash algorithms (RFC 6920).
const HASH_ALGORITHM_SHA256: u8 = 1;

/// Names a message: a hash of what it says, who says it and where; the same on every device.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct MessageId([u8; 32]);

impl MessageId {
    /// The id of an encoded content, sent by `sender_uri` to `room_uri`.
    ///
    /// `message` must be the bytes as sent; `salt` is the content's own.
    pub fn derive(
        message: &[u8],
        salt: &[u8; 16],
        sender_uri: &str,
        room_uri: &str,
    ) -> Result<Self, ContentError> {
        let mut hash = Sha256::new();
        for uri in [sender_uri, room_uri] {
            let len = u16::try_from(uri.len()).map_err(|_| ContentError::UriTooLong)?;
            hash.update(len.to_be_bytes());
            hash.update(uri.as_bytes());
        }
        hash.update(message);
        // The salt ends the input so that nobody can extend the hashed message (section 3.3).
        hash.update(salt);
        let digest = hash.finalize();

        let mut id = [0; 32];
        id[0] = HASH_ALGORITHM_SHA256;
        id[1..].copy_from_slice(&digest[..31]);
        Ok(Self(id))
    }

    /// From its bytes; refused if they begin with an unknown hash algorithm.
    pub fn from_bytes(bytes: [u8; 32]) -> Result<Self, ContentError> {
        match bytes[0] {
            HASH_ALGORITHM_SHA256 => Ok(Self(bytes)),
            unknown => Err(ContentError::UnknownHashAlgorithm(unknown)),
        }
    }

    /// Its bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        hex::write(&self.0, f)
    }
}

impl fmt::Debug for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MessageId({self})")
    }
}

/// The URI of an account, as a sender and as a mention.
pub fn account_uri(account: &[u8]) -> String {
    format!("mimi://diario/u/{}", hex::Shown(account))
}

/// The URI of a conversation, the draft's room.
pub fn conversation_uri(conversation: &[u8]) -> String {
    format!("mimi://diario/r/{}", hex::Shown(conversation))
}
