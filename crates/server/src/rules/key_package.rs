//! Key packages (RFC 9420 section 10) that a device puts for others.

use diario_protocol::{Bin, Refusal};
use openmls::prelude::tls_codec::DeserializeBytes as _;
use openmls::prelude::{MlsMessageBodyIn, MlsMessageIn, ProtocolVersion};
use openmls_rust_crypto::RustCrypto;

use super::roster::Leaf;

/// Checks that a key package is sound and `owner`'s.
pub(crate) fn check(crypto: &RustCrypto, bytes: &Bin, owner: &Leaf) -> Result<(), Refusal> {
    let refused = |why: &str| Refusal::Invalid(format!("a key package {why}"));
    let message = MlsMessageIn::tls_deserialize_exact_bytes(bytes).map_err(|_| refused("cannot be read"))?;
    let MlsMessageBodyIn::KeyPackage(package) = message.extract() else {
        return Err(refused("is another message"));
    };
    let package = package
        .validate(crypto, ProtocolVersion::Mls10)
        .map_err(|e| refused(&format!("is not sound: {e}")))?;
    if package.ciphersuite() != super::group::SUITE {
        return Err(refused("has another ciphersuite"));
    }
    let leaf = package.leaf_node();
    let found = super::group::read_leaf(leaf.credential(), leaf.signature_key().as_slice());
    let named = found == Some(*owner);
    if named { Ok(()) } else { Err(refused("is another device's")) }
}
