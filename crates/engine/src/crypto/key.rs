//! The conversation key: the secret of one epoch, which seals that epoch's entries, slots and signals.

use chacha20poly1305::Key;
use diario_protocol::{AccountId, DeviceId};
use hkdf::Hkdf;
use sha2::{Digest, Sha256};
use zeroize::{Zeroize, ZeroizeOnDrop};

/// Label of the MLS exporter (RFC 9420 section 8.5) that gives the key; context empty, 32 bytes.
pub(crate) const EXPORTER_LABEL: &str = "diario conversation key";

/// Secret of one epoch of one conversation, 32 bytes.
#[derive(Clone, PartialEq, Eq, Zeroize, ZeroizeOnDrop)]
pub(crate) struct ConversationKey([u8; 32]);

/// Names a conversation key beside its epoch: 4 bytes of its hash. A wrong key is noticed before it is tried.
pub(crate) type KeyId = [u8; 4];

impl ConversationKey {
    pub(crate) fn from_slice(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    pub(crate) fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    pub(crate) fn id(&self) -> KeyId {
        let digest = Sha256::new().chain_update(b"diario key id v1").chain_update(self.0).finalize();
        [digest[0], digest[1], digest[2], digest[3]]
    }

    /// The AEAD key of one sending device: random nonces of two devices never meet under one key.
    pub(crate) fn sender_key(&self, account: &AccountId, device: &DeviceId) -> Key {
        let mut key = Key::default();
        let info = [b"diario sender key v1".as_slice(), account.as_bytes(), device.as_bytes()];
        // The exporter's output is uniform, so only HKDF's second half is needed (RFC 5869 section 3.3).
        if let Ok(hkdf) = Hkdf::<Sha256>::from_prk(&self.0) {
            let expanded = hkdf.expand_multi_info(&info, &mut key);
            debug_assert!(expanded.is_ok(), "32 bytes are within HKDF's limit");
        }
        key
    }
}

impl std::fmt::Debug for ConversationKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ConversationKey(..)")
    }
}
