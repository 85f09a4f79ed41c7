//! The signed device list: which devices are an account's, by the word of its identity key.

use std::collections::BTreeSet;

use coset::{CborSerializable, CoseSign1, CoseSign1Builder, HeaderBuilder, iana};
use ed25519_dalek::{Signer, SigningKey, VerifyingKey};
use minicbor::{Decode, Encode};

use crate::{AccountId, Bin, DeviceId, PublicKey, Timestamp, codec};

/// What a device may do for its account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Encode, Decode)]
#[cbor(index_only)]
pub enum DeviceRole {
    /// Holds the account identity key; may admit and revoke devices.
    #[n(0)]
    Primary,
    /// Admitted by a primary, for a limited time.
    #[n(1)]
    Linked,
}

/// One device of a list.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct ListedDevice {
    /// Its Ed25519 key, for login and as MLS leaf signature key; [`DeviceId::of_key`] gives the id.
    #[n(0)]
    pub key: PublicKey,
    /// What it may do.
    #[n(1)]
    pub role: DeviceRole,
    /// After this moment it is no longer the account's; `None` never ends.
    #[n(2)]
    pub valid_until: Option<Timestamp>,
}

impl ListedDevice {
    /// The device's id.
    pub fn id(&self) -> DeviceId {
        DeviceId::of_key(&self.key)
    }

    /// Whether it is valid at `now`.
    pub fn is_valid_at(&self, now: Timestamp) -> bool {
        self.valid_until.is_none_or(|until| now < until)
    }
}

/// The devices of an account, in one version of the list.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct DeviceList {
    /// The account identity key; [`AccountId::of_key`] gives the account.
    #[n(0)]
    pub identity_key: PublicKey,
    /// Grows by at least one with every list.
    #[n(1)]
    pub version: u64,
    /// When it was signed.
    #[n(2)]
    pub issued_at: Timestamp,
    /// The devices, at least one, each once.
    #[n(3)]
    pub devices: Vec<ListedDevice>,
}

/// A [`DeviceList`] as it travels: `COSE_Sign1` (RFC 9052 section 4.2) by the account identity key.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(transparent)]
pub struct SignedDeviceList(#[n(0)] pub Bin);

/// A list whose signature and content were checked, with the bytes that prove it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ValidatedDeviceList {
    account: AccountId,
    list: DeviceList,
    signed: SignedDeviceList,
}

/// A device list that must not be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DeviceListError {
    /// Not a `COSE_Sign1` around a list.
    #[error("not a device list: {0}")]
    Malformed(String),
    /// The signature does not fit the identity key in it.
    #[error("the device list's signature is wrong")]
    BadSignature,
    /// No device, too many, or one twice.
    #[error("the device list names no device, too many, or one of them twice")]
    BadDevices,
    /// Signed by another account's key.
    #[error("the device list belongs to account {found}, not {expected}")]
    WrongAccount {
        /// Whose list was wanted.
        expected: AccountId,
        /// Whose it is.
        found: AccountId,
    },
    /// Older than one already seen: somebody tries to bring back a revoked device.
    #[error("the device list has version {offered}, but version {held} was seen already")]
    Rollback {
        /// Version already held.
        held: u64,
        /// Version offered.
        offered: u64,
    },
}

fn envelope() -> CoseSign1Builder {
    CoseSign1Builder::new().protected(HeaderBuilder::new().algorithm(iana::Algorithm::EdDSA).build())
}

const CONTEXT: &[u8] = b"diario device list v1";
/// More devices than any server admits; keeps a hostile list cheap.
const MOST_DEVICES: usize = 256;

impl DeviceList {
    /// The account whose list it is.
    pub fn account(&self) -> AccountId {
        AccountId::of_key(&self.identity_key)
    }

    /// The device of that id, if listed.
    pub fn device(&self, id: DeviceId) -> Option<&ListedDevice> {
        self.devices.iter().find(|d| d.id() == id)
    }

    /// Signs the list with the account identity key, which must be the one it names.
    pub fn sign(&self, identity_key: &SigningKey) -> SignedDeviceList {
        let sign1 = envelope()
            .payload(codec::encode(self))
            .create_signature(CONTEXT, |bytes| identity_key.sign(bytes).to_bytes().to_vec())
            .build();
        SignedDeviceList(Bin(sign1.to_vec().unwrap_or_default()))
    }
}

impl SignedDeviceList {
    /// Checks the signature and the content, and gives the list.
    pub fn validate(&self) -> Result<ValidatedDeviceList, DeviceListError> {
        let malformed = |e: &dyn std::fmt::Display| DeviceListError::Malformed(e.to_string());
        let sign1 = CoseSign1::from_slice(&self.0).map_err(|e| malformed(&e))?;
        let payload = sign1.payload.as_deref().ok_or_else(|| malformed(&"no payload"))?;
        let list: DeviceList = codec::decode(payload, 64 * 1024).map_err(|e| malformed(&e))?;
        // One list has one encoding: else the same signature would stand under many byte strings.
        let again = envelope().payload(codec::encode(&list)).signature(sign1.signature.clone()).build();
        if again.to_vec().map_err(|e| malformed(&e))? != self.0.0 {
            return Err(malformed(&"not in its one encoding"));
        }
        let key = VerifyingKey::from_bytes(list.identity_key.as_bytes())
            .map_err(|_| DeviceListError::BadSignature)?;
        sign1
            .verify_signature(CONTEXT, |signature, bytes| {
                let signature = ed25519_dalek::Signature::from_slice(signature)?;
                key.verify_strict(bytes, &signature)
            })
            .map_err(|_| DeviceListError::BadSignature)?;
        let distinct: BTreeSet<_> = list.devices.iter().map(|d| d.key).collect();
        if distinct.len() != list.devices.len() || distinct.is_empty() || distinct.len() > MOST_DEVICES {
            return Err(DeviceListError::BadDevices);
        }
        Ok(ValidatedDeviceList { account: list.account(), list, signed: self.clone() })
    }

    /// [`Self::validate`], for a list that must be `account`'s.
    pub fn validate_for(&self, account: AccountId) -> Result<ValidatedDeviceList, DeviceListError> {
        let valid = self.validate()?;
        if valid.account == account {
            Ok(valid)
        } else {
            Err(DeviceListError::WrongAccount { expected: account, found: valid.account })
        }
    }
}

impl ValidatedDeviceList {
    /// Whose devices they are.
    pub fn account(&self) -> AccountId {
        self.account
    }

    /// The list's content.
    pub fn list(&self) -> &DeviceList {
        &self.list
    }

    /// The signed bytes.
    pub fn signed(&self) -> &SignedDeviceList {
        &self.signed
    }

    /// Refuses this list if version `held` was seen and is higher.
    pub fn refuse_rollback(&self, held: u64) -> Result<(), DeviceListError> {
        if self.list.version < held {
            Err(DeviceListError::Rollback { held, offered: self.list.version })
        } else {
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(key: &SigningKey, version: u64) -> DeviceList {
        let device = SigningKey::from_bytes(&[9; 32]).verifying_key().to_bytes();
        DeviceList {
            identity_key: PublicKey::new(key.verifying_key().to_bytes()),
            version,
            issued_at: Timestamp(1),
            devices: vec![ListedDevice {
                key: PublicKey::new(device),
                role: DeviceRole::Primary,
                valid_until: None,
            }],
        }
    }

    #[test]
    fn a_signed_list_validates_and_a_touched_one_does_not() {
        let key = SigningKey::from_bytes(&[1; 32]);
        let signed = list(&key, 1).sign(&key);
        let valid = signed.validate().unwrap();
        assert_eq!(valid.list().version, 1);
        for i in 0..signed.0.len() {
            let mut touched = signed.clone();
            touched.0.0[i] ^= 1;
            assert!(touched.validate().is_err(), "byte {i}");
        }
    }

    #[test]
    fn another_key_or_account_is_refused() {
        let (key, other) = (SigningKey::from_bytes(&[1; 32]), SigningKey::from_bytes(&[2; 32]));
        assert_eq!(list(&key, 1).sign(&other).validate(), Err(DeviceListError::BadSignature));
        let account = AccountId::new([0; 16]);
        assert!(matches!(
            list(&key, 1).sign(&key).validate_for(account),
            Err(DeviceListError::WrongAccount { .. })
        ));
    }

    #[test]
    fn a_list_with_a_device_twice_or_without_any_is_refused() {
        let key = SigningKey::from_bytes(&[1; 32]);
        let mut doubled = list(&key, 1);
        doubled.devices.push(doubled.devices[0].clone());
        assert_eq!(doubled.sign(&key).validate(), Err(DeviceListError::BadDevices));
        doubled.devices.clear();
        assert_eq!(doubled.sign(&key).validate(), Err(DeviceListError::BadDevices));
    }

    #[test]
    fn an_older_version_is_a_rollback() {
        let key = SigningKey::from_bytes(&[1; 32]);
        let valid = list(&key, 4).sign(&key).validate().unwrap();
        assert_eq!(valid.refuse_rollback(5), Err(DeviceListError::Rollback { held: 5, offered: 4 }));
        assert!(valid.refuse_rollback(4).is_ok());
    }
}
