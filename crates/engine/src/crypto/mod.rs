//! Keys and seals. No primitive is written here: Ed25519, HKDF, SHA-256 and ChaCha20-Poly1305 are the
//! RustCrypto crates', COSE is coset's.

pub(crate) mod fingerprint;
pub(crate) mod hpke;
pub(crate) mod identity;
pub(crate) mod key;
pub(crate) mod provider;
pub(crate) mod seal;
