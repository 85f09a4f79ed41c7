//! OpenMLS's crypto provider, narrowed to the one ciphersuite that Diario speaks.
//!
//! Nothing is computed here: every call goes on to the RustCrypto provider, with the suite's algorithm named by a
//! constant. So another algorithm is refused before it is tried, and the compiler sees that the curves, ciphers and
//! hashes of other suites are never reached and leaves them out; that is a tenth of what a browser downloads.

use hpke_rs::{Hpke, Mode};
use hpke_rs_crypto::HpkeCrypto;
use hpke_rs_crypto::error::Error as HpkeCryptoError;
use hpke_rs_crypto::types::{AeadAlgorithm, KdfAlgorithm, KemAlgorithm};
use hpke_rs_rust_crypto::HpkeRustCrypto;
use openmls::prelude::tls_codec::SecretVLBytes;
use openmls_traits::crypto::OpenMlsCrypto;
use openmls_traits::random::OpenMlsRand;
use openmls_traits::types::{
    AeadType, Ciphersuite, CryptoError, ExporterSecret, HashType, HpkeAeadType, HpkeCiphertext, HpkeConfig,
    HpkeKdfType, HpkeKemType, HpkeKeyPair, KemOutput, SignatureScheme,
};

use crate::group::SUITE;

type Result<T> = std::result::Result<T, CryptoError>;

/// The provider that all of the engine draws on; its randomness too.
#[derive(Debug, Default)]
pub(crate) struct RustCrypto(openmls_rust_crypto::RustCrypto);

fn sha256(hash: HashType) -> Result<()> {
    if hash == HashType::Sha2_256 { Ok(()) } else { Err(CryptoError::UnsupportedHashAlgorithm) }
}

fn chacha20(cipher: AeadType) -> Result<()> {
    if cipher == AeadType::ChaCha20Poly1305 { Ok(()) } else { Err(CryptoError::UnsupportedAeadAlgorithm) }
}

fn ed25519(scheme: SignatureScheme) -> Result<()> {
    if scheme == SignatureScheme::ED25519 { Ok(()) } else { Err(CryptoError::UnsupportedSignatureScheme) }
}

fn hpke(config: &HpkeConfig) -> Result<Hpke<OneSuite>> {
    let HpkeConfig(HpkeKemType::DhKem25519, HpkeKdfType::HkdfSha256, HpkeAeadType::ChaCha20Poly1305) = config
    else {
        return Err(CryptoError::UnsupportedCiphersuite);
    };
    Ok(Hpke::new(
        Mode::Base,
        KemAlgorithm::DhKem25519,
        KdfAlgorithm::HkdfSha256,
        AeadAlgorithm::ChaCha20Poly1305,
    ))
}

impl OpenMlsCrypto for RustCrypto {
    fn supports(&self, ciphersuite: Ciphersuite) -> Result<()> {
        if ciphersuite == SUITE { Ok(()) } else { Err(CryptoError::UnsupportedCiphersuite) }
    }

    fn supported_ciphersuites(&self) -> Vec<Ciphersuite> {
        vec![SUITE]
    }

    fn hkdf_extract(&self, hash: HashType, salt: &[u8], ikm: &[u8]) -> Result<SecretVLBytes> {
        sha256(hash)?;
        self.0.hkdf_extract(HashType::Sha2_256, salt, ikm)
    }

    fn hmac(&self, hash: HashType, key: &[u8], message: &[u8]) -> Result<SecretVLBytes> {
        sha256(hash)?;
        self.0.hmac(HashType::Sha2_256, key, message)
    }

    fn hkdf_expand(&self, hash: HashType, prk: &[u8], info: &[u8], len: usize) -> Result<SecretVLBytes> {
        sha256(hash)?;
        self.0.hkdf_expand(HashType::Sha2_256, prk, info, len)
    }

    fn hash(&self, hash: HashType, data: &[u8]) -> Result<Vec<u8>> {
        sha256(hash)?;
        self.0.hash(HashType::Sha2_256, data)
    }

    fn aead_encrypt(
        &self,
        cipher: AeadType,
        key: &[u8],
        data: &[u8],
        nonce: &[u8],
        aad: &[u8],
    ) -> Result<Vec<u8>> {
        chacha20(cipher)?;
        self.0.aead_encrypt(AeadType::ChaCha20Poly1305, key, data, nonce, aad)
    }

    fn aead_decrypt(
        &self,
        cipher: AeadType,
        key: &[u8],
        ct_tag: &[u8],
        nonce: &[u8],
        aad: &[u8],
    ) -> Result<Vec<u8>> {
        chacha20(cipher)?;
        self.0.aead_decrypt(AeadType::ChaCha20Poly1305, key, ct_tag, nonce, aad)
    }

    fn signature_key_gen(&self, scheme: SignatureScheme) -> Result<(Vec<u8>, Vec<u8>)> {
        ed25519(scheme)?;
        self.0.signature_key_gen(SignatureScheme::ED25519)
    }

    fn verify_signature(
        &self,
        scheme: SignatureScheme,
        data: &[u8],
        pk: &[u8],
        signature: &[u8],
    ) -> Result<()> {
        ed25519(scheme)?;
        self.0.verify_signature(SignatureScheme::ED25519, data, pk, signature)
    }

    fn sign(&self, scheme: SignatureScheme, data: &[u8], key: &[u8]) -> Result<Vec<u8>> {
        ed25519(scheme)?;
        self.0.sign(SignatureScheme::ED25519, data, key)
    }

    fn hpke_seal(
        &self,
        config: HpkeConfig,
        pk_r: &[u8],
        info: &[u8],
        aad: &[u8],
        ptxt: &[u8],
    ) -> Result<HpkeCiphertext> {
        let (kem_output, ciphertext) = hpke(&config)?
            .seal(&pk_r.into(), info, aad, ptxt, None, None, None)
            .map_err(|_| CryptoError::HpkeEncryptionError)?;
        Ok(HpkeCiphertext { kem_output: kem_output.into(), ciphertext: ciphertext.into() })
    }

    fn hpke_open(
        &self,
        config: HpkeConfig,
        input: &HpkeCiphertext,
        sk_r: &[u8],
        info: &[u8],
        aad: &[u8],
    ) -> Result<Vec<u8>> {
        let (kem_output, ciphertext) = (input.kem_output.as_slice(), input.ciphertext.as_slice());
        hpke(&config)?
            .open(kem_output, &sk_r.into(), info, aad, ciphertext, None, None, None)
            .map_err(|_| CryptoError::HpkeDecryptionError)
    }

    fn hpke_setup_sender_and_export(
        &self,
        config: HpkeConfig,
        pk_r: &[u8],
        info: &[u8],
        exporter_context: &[u8],
        exporter_length: usize,
    ) -> Result<(KemOutput, ExporterSecret)> {
        let (kem_output, context) = hpke(&config)?
            .setup_sender(&pk_r.into(), info, None, None, None)
            .map_err(|_| CryptoError::SenderSetupError)?;
        let secret =
            context.export(exporter_context, exporter_length).map_err(|_| CryptoError::ExporterError)?;
        Ok((kem_output, secret.into()))
    }

    fn hpke_setup_receiver_and_export(
        &self,
        config: HpkeConfig,
        enc: &[u8],
        sk_r: &[u8],
        info: &[u8],
        exporter_context: &[u8],
        exporter_length: usize,
    ) -> Result<ExporterSecret> {
        let context = hpke(&config)?
            .setup_receiver(enc, &sk_r.into(), info, None, None, None)
            .map_err(|_| CryptoError::ReceiverSetupError)?;
        let secret =
            context.export(exporter_context, exporter_length).map_err(|_| CryptoError::ExporterError)?;
        Ok(secret.into())
    }

    fn derive_hpke_keypair(&self, config: HpkeConfig, ikm: &[u8]) -> Result<HpkeKeyPair> {
        let pair = hpke(&config)?.derive_key_pair(ikm).map_err(|_| CryptoError::CryptoLibraryError)?;
        let (private, public) = pair.into_keys();
        Ok(HpkeKeyPair { private: private.as_slice().into(), public: public.as_slice().into() })
    }
}

impl OpenMlsRand for RustCrypto {
    type Error = <openmls_rust_crypto::RustCrypto as OpenMlsRand>::Error;

    fn random_array<const N: usize>(&self) -> std::result::Result<[u8; N], Self::Error> {
        self.0.random_array()
    }

    fn random_vec(&self, len: usize) -> std::result::Result<Vec<u8>, Self::Error> {
        self.0.random_vec(len)
    }
}

/// What HPKE may use: X25519, HKDF-SHA256 and ChaCha20-Poly1305, as `HpkeRustCrypto` has them.
#[derive(Debug)]
struct OneSuite;

type HpkeResult<T> = std::result::Result<T, HpkeCryptoError>;

fn x25519(kem: KemAlgorithm) -> HpkeResult<()> {
    if kem == KemAlgorithm::DhKem25519 { Ok(()) } else { Err(HpkeCryptoError::UnknownKemAlgorithm) }
}

fn hkdf_sha256(kdf: KdfAlgorithm) -> HpkeResult<()> {
    if kdf == KdfAlgorithm::HkdfSha256 { Ok(()) } else { Err(HpkeCryptoError::UnknownKdfAlgorithm) }
}

fn chacha20_poly1305(aead: AeadAlgorithm) -> HpkeResult<()> {
    if aead == AeadAlgorithm::ChaCha20Poly1305 { Ok(()) } else { Err(HpkeCryptoError::UnknownAeadAlgorithm) }
}

impl HpkeCrypto for OneSuite {
    type HpkePrng = <HpkeRustCrypto as HpkeCrypto>::HpkePrng;

    fn name() -> String {
        HpkeRustCrypto::name()
    }

    fn supports_kdf(kdf: KdfAlgorithm) -> HpkeResult<()> {
        hkdf_sha256(kdf)
    }

    fn supports_kem(kem: KemAlgorithm) -> HpkeResult<()> {
        x25519(kem)
    }

    fn supports_aead(aead: AeadAlgorithm) -> HpkeResult<()> {
        chacha20_poly1305(aead)
    }

    fn prng() -> Self::HpkePrng {
        HpkeRustCrypto::prng()
    }

    fn kdf_extract(kdf: KdfAlgorithm, salt: &[u8], ikm: &[u8]) -> HpkeResult<Vec<u8>> {
        hkdf_sha256(kdf)?;
        HpkeRustCrypto::kdf_extract(KdfAlgorithm::HkdfSha256, salt, ikm)
    }

    fn kdf_expand(kdf: KdfAlgorithm, prk: &[u8], info: &[u8], len: usize) -> HpkeResult<Vec<u8>> {
        hkdf_sha256(kdf)?;
        HpkeRustCrypto::kdf_expand(KdfAlgorithm::HkdfSha256, prk, info, len)
    }

    fn dh(kem: KemAlgorithm, pk: &[u8], sk: &[u8]) -> HpkeResult<Vec<u8>> {
        x25519(kem)?;
        HpkeRustCrypto::dh(KemAlgorithm::DhKem25519, pk, sk)
    }

    fn secret_to_public(kem: KemAlgorithm, sk: &[u8]) -> HpkeResult<Vec<u8>> {
        x25519(kem)?;
        HpkeRustCrypto::secret_to_public(KemAlgorithm::DhKem25519, sk)
    }

    fn kem_key_gen(kem: KemAlgorithm, prng: &mut Self::HpkePrng) -> HpkeResult<(Vec<u8>, Vec<u8>)> {
        x25519(kem)?;
        HpkeRustCrypto::kem_key_gen(KemAlgorithm::DhKem25519, prng)
    }

    // What follows is for KEMs that are no Diffie-Hellman: X25519 is never asked for it.

    fn kem_key_gen_derand(_: KemAlgorithm, _: &[u8]) -> HpkeResult<(Vec<u8>, Vec<u8>)> {
        Err(HpkeCryptoError::UnsupportedKemOperation)
    }

    fn kem_encaps(_: KemAlgorithm, _: &[u8], _: &mut Self::HpkePrng) -> HpkeResult<(Vec<u8>, Vec<u8>)> {
        Err(HpkeCryptoError::UnsupportedKemOperation)
    }

    fn kem_decaps(_: KemAlgorithm, _: &[u8], _: &[u8]) -> HpkeResult<Vec<u8>> {
        Err(HpkeCryptoError::UnsupportedKemOperation)
    }

    /// Only the curves of NIST have scalars that are none.
    fn dh_validate_sk(_: KemAlgorithm, _: &[u8]) -> HpkeResult<Vec<u8>> {
        Err(HpkeCryptoError::UnknownKemAlgorithm)
    }

    fn aead_seal(
        cipher: AeadAlgorithm,
        key: &[u8],
        nonce: &[u8],
        aad: &[u8],
        msg: &[u8],
    ) -> HpkeResult<Vec<u8>> {
        chacha20_poly1305(cipher)?;
        HpkeRustCrypto::aead_seal(AeadAlgorithm::ChaCha20Poly1305, key, nonce, aad, msg)
    }

    fn aead_open(
        cipher: AeadAlgorithm,
        key: &[u8],
        nonce: &[u8],
        aad: &[u8],
        msg: &[u8],
    ) -> HpkeResult<Vec<u8>> {
        chacha20_poly1305(cipher)?;
        HpkeRustCrypto::aead_open(AeadAlgorithm::ChaCha20Poly1305, key, nonce, aad, msg)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONFIG: HpkeConfig =
        HpkeConfig(HpkeKemType::DhKem25519, HpkeKdfType::HkdfSha256, HpkeAeadType::ChaCha20Poly1305);

    #[test]
    fn it_seals_what_the_whole_provider_opens_and_the_other_way_round() {
        let (ours, theirs) = (RustCrypto::default(), openmls_rust_crypto::RustCrypto::default());
        let pair = ours.derive_hpke_keypair(CONFIG, &[7; 32]).unwrap();
        let same = theirs.derive_hpke_keypair(CONFIG, &[7; 32]).unwrap();
        assert_eq!((&pair.public, &*pair.private), (&same.public, &*same.private));
        let sealed = ours.hpke_seal(CONFIG, &pair.public, b"info", b"aad", b"text").unwrap();
        assert_eq!(theirs.hpke_open(CONFIG, &sealed, &pair.private, b"info", b"aad").unwrap(), b"text");
        let sealed = theirs.hpke_seal(CONFIG, &pair.public, b"info", b"aad", b"text").unwrap();
        assert_eq!(ours.hpke_open(CONFIG, &sealed, &pair.private, b"info", b"aad").unwrap(), b"text");
        assert!(ours.hpke_open(CONFIG, &sealed, &pair.private, b"info", b"other").is_err());
        let (enc, sent) = ours.hpke_setup_sender_and_export(CONFIG, &pair.public, b"i", b"c", 32).unwrap();
        let read =
            theirs.hpke_setup_receiver_and_export(CONFIG, &enc, &pair.private, b"i", b"c", 32).unwrap();
        assert_eq!(*sent, *read);
    }

    #[test]
    fn another_suite_is_refused() {
        let crypto = RustCrypto::default();
        assert_eq!(crypto.supported_ciphersuites(), [SUITE]);
        let p256 = Ciphersuite::MLS_128_DHKEMP256_AES128GCM_SHA256_P256;
        assert!(crypto.supports(p256).is_err());
        assert!(crypto.hash(HashType::Sha2_512, b"").is_err());
        assert!(crypto.aead_encrypt(AeadType::Aes128Gcm, &[0; 16], b"", &[0; 12], b"").is_err());
        assert!(crypto.signature_key_gen(SignatureScheme::ECDSA_SECP256R1_SHA256).is_err());
        assert!(crypto.derive_hpke_keypair(p256.hpke_config(), &[7; 32]).is_err());
    }
}
