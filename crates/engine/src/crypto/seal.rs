//! Sealing: `COSE_Encrypt0` around `COSE_Sign1` around padded content (RFC 9052).

use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{ChaCha20Poly1305, Nonce};
use coset::{
    CborSerializable, CoseEncrypt0, CoseEncrypt0Builder, CoseSign1, CoseSign1Builder, HeaderBuilder, iana,
};
use diario_protocol::{AccountId, ConversationId, DeviceId, EntryId, Epoch, Seq, SlotKey, SlotVersion};
use ed25519_dalek::VerifyingKey;
use openmls_traits::random::OpenMlsRand;

use super::identity::KeyPair;
use super::key::ConversationKey;
use crate::content::{pad, unpad};

/// What a seal is for: authenticated, so nothing can be moved to another place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Subject {
    Entry { id: EntryId, annotates: Option<Seq> },
    Slot { key: SlotKey, version: SlotVersion },
    Signal,
}

/// Where and by whom something is sealed: authenticated too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) conversation: ConversationId,
    pub(crate) epoch: Epoch,
    pub(crate) account: AccountId,
    pub(crate) device: DeviceId,
    pub(crate) subject: Subject,
}

/// Why a seal does not open.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// Not `COSE_Encrypt0` around `COSE_Sign1`.
    #[error("it is not sealed as Diario seals")]
    Malformed,
    /// Sealed under a key that is not the one held for the epoch.
    #[error("it is sealed under another key than the epoch's")]
    OtherKey,
    /// Changed, or moved from its place.
    #[error("it was changed on its way, or moved from another place")]
    Broken,
    /// Not signed by the device that it names.
    #[error("it is not signed by the device it names")]
    BadSignature,
}

impl Place {
    fn authenticated(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(128);
        let mut e = minicbor::Encoder::new(&mut out);
        let (purpose, subject, number): (_, &[u8], u64) = match &self.subject {
            Subject::Entry { id, annotates } => {
                ("diario entry v1", id.as_bytes(), annotates.unwrap_or_default().0)
            }
            Subject::Slot { key, version } => ("diario slot v1", key.as_bytes(), version.0),
            Subject::Signal => ("diario signal v1", &[], 0),
        };
        let written = e
            .array(7)
            .and_then(|e| e.str(purpose))
            .and_then(|e| e.bytes(self.conversation.as_bytes()))
            .and_then(|e| e.u64(self.epoch.0))
            .and_then(|e| e.bytes(self.account.as_bytes()))
            .and_then(|e| e.bytes(self.device.as_bytes()))
            .and_then(|e| e.bytes(subject))
            .and_then(|e| e.u64(number))
            .is_ok();
        debug_assert!(written, "writing into memory");
        out
    }
}

/// Seals `content` under the epoch's key, signed by the device.
pub(crate) fn seal(
    place: &Place,
    key: &ConversationKey,
    device: &KeyPair,
    content: Vec<u8>,
    random: &impl OpenMlsRand,
) -> Result<Vec<u8>, crate::EngineError> {
    let aad = place.authenticated();
    let signed = CoseSign1Builder::new()
        .protected(HeaderBuilder::new().algorithm(iana::Algorithm::EdDSA).build())
        .payload(pad(content))
        .create_signature(&aad, |bytes| device.sign(bytes).as_bytes().to_vec())
        .build()
        .to_vec()
        .map_err(|_| crate::EngineError::Internal("COSE_Sign1 did not encode"))?;
    // Random, not counted: a store that was restored from a copy must not use one twice.
    let nonce: [u8; 12] = random.random_array().map_err(|_| crate::EngineError::Randomness)?;
    let cipher = ChaCha20Poly1305::new(&key.sender_key(&place.account, &place.device));
    let sealed = CoseEncrypt0Builder::new()
        .protected(
            HeaderBuilder::new()
                .algorithm(iana::Algorithm::ChaCha20Poly1305)
                .key_id(key.id().to_vec())
                .build(),
        )
        .unprotected(HeaderBuilder::new().iv(nonce.to_vec()).build())
        .try_create_ciphertext(&signed, &aad, |msg, aad| {
            cipher.encrypt(Nonce::from_slice(&nonce), Payload { msg, aad })
        })
        .map_err(|_| crate::EngineError::Internal("sealing failed"))?
        .build();
    sealed.to_vec().map_err(|_| crate::EngineError::Internal("COSE_Encrypt0 did not encode"))
}

/// Whether `key` is the one under which something was sealed at `place`; who signed it is not looked at.
pub(crate) fn fits(place: &Place, key: &ConversationKey, sealed: &[u8]) -> bool {
    decrypt(place, &place.authenticated(), key, sealed).is_ok()
}

/// Opens what [`seal`] sealed at `place`, and checks the signature by `device`.
pub(crate) fn open(
    place: &Place,
    key: &ConversationKey,
    device: &VerifyingKey,
    sealed: &[u8],
) -> Result<Vec<u8>, OpenError> {
    let aad = place.authenticated();
    let signed = decrypt(place, &aad, key, sealed)?;
    let inner = CoseSign1::from_slice(&signed).map_err(|_| OpenError::Malformed)?;
    inner.verify_signature(&aad, |signature, bytes| {
        let signature =
            ed25519_dalek::Signature::from_slice(signature).map_err(|_| OpenError::BadSignature)?;
        device.verify_strict(bytes, &signature).map_err(|_| OpenError::BadSignature)
    })?;
    let padded = inner.payload.ok_or(OpenError::Malformed)?;
    unpad(&padded).map(<[u8]>::to_vec).map_err(|_| OpenError::Malformed)
}

fn decrypt(place: &Place, aad: &[u8], key: &ConversationKey, sealed: &[u8]) -> Result<Vec<u8>, OpenError> {
    let outer = CoseEncrypt0::from_slice(sealed).map_err(|_| OpenError::Malformed)?;
    if outer.protected.header.key_id != key.id() {
        return Err(OpenError::OtherKey);
    }
    let nonce: [u8; 12] = outer.unprotected.iv.as_slice().try_into().map_err(|_| OpenError::Malformed)?;
    let cipher = ChaCha20Poly1305::new(&key.sender_key(&place.account, &place.device));
    outer.decrypt_ciphertext(
        aad,
        || OpenError::Malformed,
        |msg, aad| {
            cipher.decrypt(Nonce::from_slice(&nonce), Payload { msg, aad }).map_err(|_| OpenError::Broken)
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::provider::RustCrypto;

    fn place() -> Place {
        Place {
            conversation: ConversationId::new([1; 16]),
            epoch: Epoch(4),
            account: AccountId::new([2; 16]),
            device: DeviceId::new([3; 16]),
            subject: Subject::Entry { id: EntryId::new([5; 16]), annotates: Some(Seq(9)) },
        }
    }

    #[test]
    fn what_is_sealed_opens_at_its_place_only() {
        let random = RustCrypto::default();
        let key = ConversationKey::from_slice(&[7; 32]).unwrap();
        let device = KeyPair::generate(&random).unwrap();
        let verifying = device.signing().verifying_key();
        let sealed = seal(&place(), &key, &device, b"ciao".to_vec(), &random).unwrap();
        assert_eq!(open(&place(), &key, &verifying, &sealed).unwrap(), b"ciao");

        let moved = [
            Place { conversation: ConversationId::new([9; 16]), ..place() },
            Place { epoch: Epoch(5), ..place() },
            Place { account: AccountId::new([9; 16]), ..place() },
            Place { device: DeviceId::new([9; 16]), ..place() },
            Place { subject: Subject::Entry { id: EntryId::new([5; 16]), annotates: None }, ..place() },
            Place { subject: Subject::Signal, ..place() },
        ];
        for wrong in moved {
            assert_eq!(open(&wrong, &key, &verifying, &sealed), Err(OpenError::Broken));
        }
        let other = ConversationKey::from_slice(&[8; 32]).unwrap();
        assert_eq!(open(&place(), &other, &verifying, &sealed), Err(OpenError::OtherKey));
        assert!(fits(&place(), &key, &sealed) && !fits(&place(), &other, &sealed));
        let stranger = KeyPair::generate(&random).unwrap().signing().verifying_key();
        assert_eq!(open(&place(), &key, &stranger, &sealed), Err(OpenError::BadSignature));
    }

    #[test]
    fn every_flipped_bit_is_noticed() {
        let random = RustCrypto::default();
        let key = ConversationKey::from_slice(&[7; 32]).unwrap();
        let device = KeyPair::generate(&random).unwrap();
        let sealed = seal(&place(), &key, &device, b"ciao".to_vec(), &random).unwrap();
        for i in 0..sealed.len() {
            let mut touched = sealed.clone();
            touched[i] ^= 1;
            let opened = open(&place(), &key, &device.signing().verifying_key(), &touched);
            assert!(opened.is_err(), "byte {i}");
        }
    }
}
