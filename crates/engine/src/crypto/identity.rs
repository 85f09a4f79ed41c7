//! The two Ed25519 keys: the account identity key and the device key.

use diario_protocol::{AccountId, DeviceId, PublicKey, Signature};
use ed25519_dalek::{Signer, SigningKey};
use openmls_traits::random::OpenMlsRand;

/// A device or account identity key with its secret half.
#[derive(Clone)]
pub(crate) struct KeyPair(SigningKey);

impl KeyPair {
    /// A new key from the crypto provider's randomness.
    pub(crate) fn generate(random: &impl OpenMlsRand) -> Result<Self, crate::EngineError> {
        let secret: [u8; 32] = random.random_array().map_err(|_| crate::EngineError::Randomness)?;
        Ok(Self(SigningKey::from_bytes(&secret)))
    }

    /// From the 32 secret bytes that [`Self::secret`] gave.
    pub(crate) fn from_secret(secret: &[u8; 32]) -> Self {
        Self(SigningKey::from_bytes(secret))
    }

    /// The secret, to be stored.
    pub(crate) fn secret(&self) -> [u8; 32] {
        self.0.to_bytes()
    }

    pub(crate) fn public(&self) -> PublicKey {
        PublicKey::new(self.0.verifying_key().to_bytes())
    }

    pub(crate) fn signing(&self) -> &SigningKey {
        &self.0
    }

    pub(crate) fn sign(&self, message: &[u8]) -> Signature {
        Signature::new(self.0.sign(message).to_bytes())
    }

    pub(crate) fn device_id(&self) -> DeviceId {
        DeviceId::of_key(&self.public())
    }

    pub(crate) fn account_id(&self) -> AccountId {
        AccountId::of_key(&self.public())
    }
}

impl std::fmt::Debug for KeyPair {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "KeyPair({})", self.public())
    }
}

/// OpenMLS signs handshakes with the device key through this.
impl openmls_traits::signatures::Signer for KeyPair {
    fn sign(&self, payload: &[u8]) -> Result<Vec<u8>, openmls_traits::signatures::SignerError> {
        Ok(self.0.sign(payload).to_bytes().to_vec())
    }

    fn signature_scheme(&self) -> openmls_traits::types::SignatureScheme {
        openmls_traits::types::SignatureScheme::ED25519
    }
}
