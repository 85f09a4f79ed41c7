//! Who sends a push (RFC 8292): the server's key pair, and the tokens that it signs.

use data_encoding::BASE64URL_NOPAD;
use diario_protocol::{Bin, Timestamp};
use web_push_native::p256::ecdsa::{Signature, SigningKey, signature::Signer as _};

/// How long a token is good; push services take a day at most.
const LIFETIME_S: u64 = 12 * 60 * 60;

/// The key pair that push services know this server by.
pub(crate) struct Vapid {
    key: SigningKey,
    subject: String,
}

impl Vapid {
    /// A fresh private key; `None` if the system gives no random bytes.
    pub(crate) fn fresh() -> Option<Vec<u8>> {
        // Not every string of 32 bytes is a key, but nearly every one.
        (0..8).find_map(|_| {
            let mut bytes = [0; 32];
            getrandom::fill(&mut bytes).ok()?;
            SigningKey::from_slice(&bytes).is_ok().then(|| bytes.to_vec())
        })
    }

    /// The key pair of a private key; `None` if the bytes are none.
    pub(crate) fn new(private: &[u8], subject: &str) -> Option<Self> {
        Some(Self { key: SigningKey::from_slice(private).ok()?, subject: subject.to_owned() })
    }

    /// The public key, as devices name it to their push service: 65 bytes.
    pub(crate) fn public(&self) -> Bin {
        Bin(self.key.verifying_key().to_encoded_point(false).as_bytes().to_vec())
    }

    /// The value of `Authorization` for a push service's origin.
    pub(super) fn authorization(&self, origin: &str, now: Timestamp) -> String {
        let expires = now.0 / 1000 + LIFETIME_S;
        // Neither needs escaping: endpoints and settings were checked for that.
        let subject = match self.subject.as_str() {
            "" => String::new(),
            subject => format!(",\"sub\":\"{subject}\""),
        };
        let claims = format!("{{\"aud\":\"{origin}\",\"exp\":{expires}{subject}}}");
        let header = BASE64URL_NOPAD.encode(br#"{"typ":"JWT","alg":"ES256"}"#);
        let signed = format!("{header}.{}", BASE64URL_NOPAD.encode(claims.as_bytes()));
        let signature: Signature = self.key.sign(signed.as_bytes());
        let signature = BASE64URL_NOPAD.encode(&signature.to_bytes());
        format!("vapid t={signed}.{signature}, k={}", BASE64URL_NOPAD.encode(&self.public()))
    }
}
