//! The keys of a recovery method, its record among the account's slots, and what is sealed for it.

use diario_protocol::{
    AccountId, Bin, Epoch, PublicKey, RecoveryId, Signature, Timestamp, VAULT_VALUE, VaultSeal,
};
use ed25519_dalek::VerifyingKey;
use hkdf::Hkdf;
use minicbor::{Decode, Encode};
use sha2::Sha256;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use super::{MethodKind, RecoverySecret};
use crate::EngineError;
use crate::crypto::hpke::{HpkePublic, HpkeSealed, HpkeSecret};
use crate::crypto::identity::KeyPair;
use crate::crypto::key::ConversationKey;
use crate::crypto::provider::RustCrypto;

const SALT: &[u8] = b"diario recovery v1";
const AUTHENTICATION: &[u8] = b"diario recovery authentication key v1";
const SEALING: &[u8] = b"diario recovery sealing key v1";
const IDENTITY: &str = "diario vault identity v1";
const NEWEST: &str = "diario vault newest v1";
const RECORD: &[u8] = b"diario recovery method v1";

/// What a method's secret is worth.
pub(crate) struct MethodKeys {
    /// Opens the vault at the server.
    pub(crate) authentication: KeyPair,
    /// Opens what is sealed in it.
    sealing: HpkeSecret,
}

impl MethodKeys {
    pub(crate) fn of(secret: &RecoverySecret) -> Self {
        let derive = |label: &[u8]| {
            let mut key = Zeroizing::new([0; 32]);
            let expanded = Hkdf::<Sha256>::new(Some(SALT), &secret.0).expand(label, &mut *key);
            debug_assert!(expanded.is_ok(), "32 bytes are within HKDF's limit");
            key
        };
        Self {
            authentication: KeyPair::from_secret(&derive(AUTHENTICATION)),
            sealing: HpkeSecret::from_bytes(*derive(SEALING)),
        }
    }

    pub(crate) fn id(&self) -> RecoveryId {
        RecoveryId::of_key(&self.authentication.public())
    }

    /// The record by which the account's devices know the method, signed by the account.
    pub(crate) fn record(
        &self,
        kind: MethodKind,
        label: &str,
        credential: Option<Vec<u8>>,
        made_at: Timestamp,
        identity: &KeyPair,
        crypto: &RustCrypto,
    ) -> Result<MethodRecord, EngineError> {
        let terms = Terms {
            kind: matches!(kind, MethodKind::Passkey).into(),
            label: label.to_owned(),
            made_at,
            key: self.authentication.public(),
            sealing: self.sealing.public(crypto)?,
            credential: credential.map(Bin),
            removed: false,
        };
        Ok(MethodRecord::sign(terms, identity))
    }

    /// The account identity key out of the vault, if it is `account`'s.
    pub(crate) fn open_identity(
        &self,
        account: AccountId,
        identity: &[u8],
        crypto: &RustCrypto,
    ) -> Option<KeyPair> {
        let opened = self.open(IDENTITY, account, identity, crypto)?;
        let secret: Zeroizing<[u8; 32]> = Zeroizing::new(opened.as_slice().try_into().ok()?);
        Some(KeyPair::from_secret(&secret)).filter(|key| key.account_id() == account)
    }

    /// What was newest when the vault was sealed.
    pub(crate) fn open_newest(
        &self,
        account: AccountId,
        newest: &[u8],
        crypto: &RustCrypto,
    ) -> Option<Newest> {
        let opened = self.open(NEWEST, account, newest, crypto)?;
        diario_protocol::decode(&opened, VAULT_VALUE).ok()
    }

    fn open(
        &self,
        purpose: &str,
        account: AccountId,
        sealed: &[u8],
        crypto: &RustCrypto,
    ) -> Option<Zeroizing<Vec<u8>>> {
        let sealed: HpkeSealed = diario_protocol::decode(sealed, VAULT_VALUE).ok()?;
        self.sealing.open(purpose, &place(account, self.id()), &sealed, crypto).ok().map(Zeroizing::new)
    }
}

/// Where something is sealed: it opens for no other account and method.
fn place(account: AccountId, method: RecoveryId) -> Vec<u8> {
    [account.as_bytes().as_slice(), method.as_bytes()].concat()
}

/// What a vault holds that changes.
#[derive(Encode, Decode, Zeroize, ZeroizeOnDrop)]
pub(crate) struct Newest {
    #[zeroize(skip)]
    #[n(0)]
    pub(crate) epoch: Epoch,
    #[cbor(n(1), with = "minicbor::bytes")]
    key: Vec<u8>,
    /// Version of the device list when it was sealed: an older one is not believed.
    #[n(2)]
    pub(crate) list_version: u64,
}

impl Newest {
    pub(crate) fn new(epoch: Epoch, key: &ConversationKey, list_version: u64) -> Self {
        Self { epoch, key: key.as_bytes().to_vec(), list_version }
    }

    pub(crate) fn self_key(&self) -> Option<ConversationKey> {
        ConversationKey::from_slice(&self.key)
    }
}

/// What the account says of a method.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
struct Terms {
    #[n(0)]
    kind: u8,
    #[n(1)]
    label: String,
    #[n(2)]
    made_at: Timestamp,
    #[n(3)]
    key: PublicKey,
    #[n(4)]
    sealing: HpkePublic,
    #[n(5)]
    credential: Option<Bin>,
    #[n(6)]
    removed: bool,
}

/// A method as a slot of the self conversation holds it.
///
/// Signed by the account identity key: a linked device can write slots too, and primaries seal the account identity
/// key for whatever is recorded here.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub(crate) struct MethodRecord {
    #[n(0)]
    terms: Terms,
    #[n(1)]
    signature: Signature,
}

/// A method that the account vouches for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Sealing {
    pub(crate) id: RecoveryId,
    pub(crate) record: MethodRecord,
}

impl MethodRecord {
    fn sign(terms: Terms, identity: &KeyPair) -> Self {
        let signature = identity.sign(&Self::signed(&terms));
        Self { terms, signature }
    }

    fn signed(terms: &Terms) -> Vec<u8> {
        [RECORD, &diario_protocol::encode(terms)].concat()
    }

    /// The method, if `identity` signed for it.
    pub(crate) fn verify(self, identity: &PublicKey) -> Option<Sealing> {
        let key = VerifyingKey::from_bytes(identity.as_bytes()).ok()?;
        let signature = ed25519_dalek::Signature::from_bytes(self.signature.as_bytes());
        key.verify_strict(&Self::signed(&self.terms), &signature).ok()?;
        Some(Sealing { id: RecoveryId::of_key(&self.terms.key), record: self })
    }

    /// The same method, removed.
    pub(crate) fn removed(&self, identity: &KeyPair) -> Self {
        Self::sign(Terms { removed: true, ..self.terms.clone() }, identity)
    }

    pub(crate) fn is_removed(&self) -> bool {
        self.terms.removed
    }

    pub(crate) fn kind(&self) -> MethodKind {
        if self.terms.kind == 0 { MethodKind::Words } else { MethodKind::Passkey }
    }

    pub(crate) fn label(&self) -> &str {
        &self.terms.label
    }

    pub(crate) fn made_at(&self) -> Timestamp {
        self.terms.made_at
    }

    pub(crate) fn credential(&self) -> Option<&[u8]> {
        self.terms.credential.as_deref()
    }
}

impl Sealing {
    /// Seals the newest self key.
    pub(crate) fn seal_newest(
        &self,
        account: AccountId,
        newest: &Newest,
        crypto: &RustCrypto,
    ) -> Result<VaultSeal, EngineError> {
        let content = Zeroizing::new(diario_protocol::encode(newest));
        Ok(VaultSeal { method: self.id, newest: self.seal(NEWEST, account, &content, crypto)? })
    }

    /// Seals the account identity key, for a vault that does not have the method.
    pub(crate) fn seal_identity(
        &self,
        identity: &KeyPair,
        crypto: &RustCrypto,
    ) -> Result<diario_protocol::NewMethod, EngineError> {
        let secret = Zeroizing::new(identity.secret());
        let identity = self.seal(IDENTITY, identity.account_id(), &*secret, crypto)?;
        Ok(diario_protocol::NewMethod { key: self.record.terms.key, identity })
    }

    fn seal(
        &self,
        purpose: &str,
        account: AccountId,
        content: &[u8],
        crypto: &RustCrypto,
    ) -> Result<Bin, EngineError> {
        let sealed = self.record.terms.sealing.seal(purpose, &place(account, self.id), content, crypto)?;
        Ok(diario_protocol::encode(&sealed).into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_vault_opens_for_its_method_and_account_only() {
        let crypto = RustCrypto::default();
        let identity = KeyPair::generate(&crypto).unwrap();
        let account = identity.account_id();
        let keys = MethodKeys::of(&RecoverySecret([1; 32]));
        let record = |keys: &MethodKeys| {
            let record = keys.record(MethodKind::Words, "", None, Timestamp(5), &identity, &crypto).unwrap();
            record.verify(&identity.public()).unwrap()
        };
        let method = record(&keys);
        assert_eq!(method.id, keys.id());
        let key = ConversationKey::from_slice(&[9; 32]).unwrap();
        let newest = method.seal_newest(account, &Newest::new(Epoch(3), &key, 7), &crypto).unwrap().newest;
        let sealed = method.seal_identity(&identity, &crypto).unwrap().identity;
        assert!(newest.len() <= VAULT_VALUE && sealed.len() <= VAULT_VALUE);

        let same = MethodKeys::of(&RecoverySecret([1; 32]));
        let opened = same.open_newest(account, &newest, &crypto).unwrap();
        assert_eq!((opened.epoch, opened.list_version, opened.self_key()), (Epoch(3), 7, Some(key)));
        assert_eq!(same.open_identity(account, &sealed, &crypto).unwrap().secret(), identity.secret());

        let other = KeyPair::generate(&crypto).unwrap().account_id();
        assert!(same.open_newest(other, &newest, &crypto).is_none(), "of another account");
        assert!(
            same.open_identity(account, &newest, &crypto).is_none(),
            "one value in the place of the other"
        );
        let another = MethodKeys::of(&RecoverySecret([2; 32]));
        assert!(another.open_identity(account, &sealed, &crypto).is_none(), "by another method");
        assert!(another.open_newest(account, &newest, &crypto).is_none());
    }

    #[test]
    fn a_method_that_the_account_did_not_sign_for_is_none() {
        let crypto = RustCrypto::default();
        let (identity, other) = (KeyPair::generate(&crypto).unwrap(), KeyPair::generate(&crypto).unwrap());
        let keys = MethodKeys::of(&RecoverySecret([1; 32]));
        let record = keys.record(MethodKind::Words, "", None, Timestamp(5), &identity, &crypto).unwrap();
        assert!(record.clone().verify(&identity.public()).is_some());
        assert!(record.clone().verify(&other.public()).is_none());
        let mut touched = record.clone();
        touched.terms.sealing = HpkePublic([3; 32]);
        assert!(touched.verify(&identity.public()).is_none());
        assert!(record.removed(&identity).verify(&identity.public()).unwrap().record.is_removed());
    }
}
