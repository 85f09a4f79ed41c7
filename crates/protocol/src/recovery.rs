//! Recovery: the vault that a server keeps for those who lose every device.
//!
//! A *recovery method* is a secret of 32 bytes (24 words, or what a passkey gives). From it come an Ed25519 key, by which
//! the server knows who may open the vault, and an HPKE key pair, for which its content is sealed. The server holds
//! neither secret, nor the HPKE public key.

use minicbor::{Decode, Encode};

use crate::device_list::SignedDeviceList;
use crate::{AccountRef, Bin, DeviceId, Epoch, Nonce, PublicKey, RecoveryId, Seen, ServerId, Signature};

/// The longest sealed value of a vault, in bytes.
pub const VAULT_VALUE: usize = 1024;

/// Opens the vault of an account; possible before login only.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct OpenVault {
    /// Whose.
    #[n(0)]
    pub account: AccountRef,
    /// By which method.
    #[n(1)]
    pub method: RecoveryId,
    /// Ed25519 by the method's key over [`OpenVault::challenge`].
    #[n(2)]
    pub signature: Signature,
}

impl OpenVault {
    /// What is signed: bound to the server's installation and to this connection's nonce. The method names its key.
    pub fn challenge(server: &ServerId, nonce: &Nonce, method: &RecoveryId) -> Vec<u8> {
        [b"diario recovery v1".as_slice(), server.as_bytes(), nonce.as_bytes(), method.as_bytes()].concat()
    }
}

/// Makes the device of this connection a primary of the account whose vault it has opened.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Recover {
    /// The account's next device list, with the device as a primary. Devices that it lacks are cut off.
    #[n(0)]
    pub list: SignedDeviceList,
    /// The device.
    #[n(1)]
    pub device: DeviceId,
    /// Like [`crate::Login::signature`].
    #[n(2)]
    pub signature: Signature,
}

/// Writes to the account's vault, all or none.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct PutVault {
    /// The epoch of the self conversation that the seals are of; must be its newest.
    #[n(0)]
    pub epoch: Epoch,
    /// New methods; by a primary only. One that is there already stays as it is.
    #[n(1)]
    pub add: Vec<NewMethod>,
    /// Methods to forget; by a primary only. `Ok` if there is none.
    #[n(2)]
    pub remove: Vec<RecoveryId>,
    /// The newest self key, for methods that are there (those of `add` too) with an older one.
    #[n(3)]
    pub seals: Vec<VaultSeal>,
}

/// A method that is new to the vault.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct NewMethod {
    /// The key that opens; [`RecoveryId::of_key`] gives the method.
    #[n(0)]
    pub key: PublicKey,
    /// The account identity key's secret, sealed for the method.
    #[n(1)]
    pub identity: Bin,
}

/// The newest self key, sealed for one method.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct VaultSeal {
    /// The method.
    #[n(0)]
    pub method: RecoveryId,
    /// See `docs/protocol.md`.
    #[n(1)]
    pub newest: Bin,
}

/// A vault, as its method opens it.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct OpenedVault {
    /// The account's name.
    #[n(0)]
    pub username: crate::Username,
    /// The account's newest device list.
    #[n(1)]
    pub list: SignedDeviceList,
    /// See [`NewMethod::identity`].
    #[n(2)]
    pub identity: Bin,
    /// See [`VaultSeal::newest`].
    #[n(3)]
    pub newest: Bin,
    /// When the account's devices were last connected.
    #[n(4)]
    pub seen: Vec<Seen>,
}

/// A method that a vault has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Encode, Decode)]
pub struct VaultMethod {
    /// The method.
    #[n(0)]
    pub method: RecoveryId,
    /// The epoch of the self conversation whose key is sealed for it.
    #[n(1)]
    pub epoch: Epoch,
}
