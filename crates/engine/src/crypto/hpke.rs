//! Sealing for one holder of a key, with HPKE (RFC 9180, base mode): X25519, HKDF-SHA256, ChaCha20-Poly1305.
//!
//! Who sealed is not shown by it: what is sealed travels in something signed, or speaks for itself.

use crate::crypto::provider::RustCrypto;
use minicbor::{Decode, Encode};
use openmls_traits::crypto::OpenMlsCrypto;
use openmls_traits::random::OpenMlsRand;
use openmls_traits::types::{HpkeAeadType, HpkeCiphertext, HpkeConfig, HpkeKdfType, HpkeKemType};
use zeroize::{Zeroize, ZeroizeOnDrop};

const CONFIG: HpkeConfig =
    HpkeConfig(HpkeKemType::DhKem25519, HpkeKdfType::HkdfSha256, HpkeAeadType::ChaCha20Poly1305);

/// The public half, X25519, 32 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Encode, Decode)]
#[cbor(transparent)]
pub(crate) struct HpkePublic(#[cbor(n(0), with = "minicbor::bytes")] pub(crate) [u8; 32]);

/// The secret half: 32 uniform bytes, from which RFC 9180 section 7.1.3 derives the key pair.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub(crate) struct HpkeSecret([u8; 32]);

/// What only the holder of a secret opens.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub(crate) struct HpkeSealed {
    /// The encapsulated key, 32 bytes.
    #[cbor(n(0), with = "minicbor::bytes")]
    enc: Vec<u8>,
    /// 16 bytes longer than what was sealed.
    #[cbor(n(1), with = "minicbor::bytes")]
    ciphertext: Vec<u8>,
}

/// Not sealed to this key, for this purpose and place; or changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("it is not sealed for this key, or was changed")]
pub(crate) struct NotForThisKey;

impl HpkeSecret {
    /// A new one from the crypto provider's randomness.
    pub(crate) fn generate(random: &impl OpenMlsRand) -> Result<Self, crate::EngineError> {
        random.random_array().map(Self).map_err(|_| crate::EngineError::Randomness)
    }

    /// From 32 uniform secret bytes.
    pub(crate) fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// To be stored.
    pub(crate) fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The public half.
    pub(crate) fn public(&self, crypto: &RustCrypto) -> Result<HpkePublic, crate::EngineError> {
        let pair = crypto.derive_hpke_keypair(CONFIG, &self.0).map_err(|_| broken())?;
        pair.public.as_slice().try_into().map(HpkePublic).map_err(|_| broken())
    }

    /// Opens what was sealed for this key, `purpose` and `place`.
    pub(crate) fn open(
        &self,
        purpose: &str,
        place: &[u8],
        sealed: &HpkeSealed,
        crypto: &RustCrypto,
    ) -> Result<Vec<u8>, NotForThisKey> {
        let pair = crypto.derive_hpke_keypair(CONFIG, &self.0).map_err(|_| NotForThisKey)?;
        let input = HpkeCiphertext {
            kem_output: sealed.enc.clone().into(),
            ciphertext: sealed.ciphertext.clone().into(),
        };
        crypto.hpke_open(CONFIG, &input, &pair.private, purpose.as_bytes(), place).map_err(|_| NotForThisKey)
    }
}

impl HpkePublic {
    /// Seals `content` for the holder of the secret half. `purpose` is a label of the use, `place` what else is
    /// authenticated.
    pub(crate) fn seal(
        &self,
        purpose: &str,
        place: &[u8],
        content: &[u8],
        crypto: &RustCrypto,
    ) -> Result<HpkeSealed, crate::EngineError> {
        let sealed =
            crypto.hpke_seal(CONFIG, &self.0, purpose.as_bytes(), place, content).map_err(|_| broken())?;
        Ok(HpkeSealed {
            enc: sealed.kem_output.as_slice().to_vec(),
            ciphertext: sealed.ciphertext.as_slice().to_vec(),
        })
    }
}

impl std::fmt::Debug for HpkeSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("HpkeSecret(..)")
    }
}

fn broken() -> crate::EngineError {
    crate::EngineError::Internal("HPKE failed")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_holder_opens_and_only_for_its_purpose_and_place() {
        let crypto = RustCrypto::default();
        let secret = HpkeSecret::generate(&crypto).unwrap();
        let sealed = secret.public(&crypto).unwrap().seal("vault", b"here", b"key", &crypto).unwrap();
        let same = HpkeSecret::from_bytes(*secret.as_bytes());
        assert_eq!(same.open("vault", b"here", &sealed, &crypto).unwrap(), b"key");
        assert_eq!(same.open("other", b"here", &sealed, &crypto), Err(NotForThisKey));
        assert_eq!(same.open("vault", b"there", &sealed, &crypto), Err(NotForThisKey));
        let other = HpkeSecret::generate(&crypto).unwrap();
        assert_eq!(other.open("vault", b"here", &sealed, &crypto), Err(NotForThisKey));
    }
}
