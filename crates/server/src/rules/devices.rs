//! Registration, login and the change of a device list.

use diario_protocol::device_list::{DeviceRole, SignedDeviceList, ValidatedDeviceList};
use diario_protocol::{
    AccountId, DeviceId, Login, Nonce, OpenVault, PublicKey, RecoveryId, Refusal, ServerId, Signature,
    Timestamp,
};
use ed25519_dalek::VerifyingKey;

/// Checks the first device list of an account; gives it with its one device.
pub(crate) fn check_first_list(
    signed: &SignedDeviceList,
    now: Timestamp,
) -> Result<(ValidatedDeviceList, DeviceId, PublicKey), Refusal> {
    let valid = signed.validate().map_err(|e| Refusal::Invalid(e.to_string()))?;
    let [device] = valid.list().devices.as_slice() else {
        return Err(Refusal::Invalid("the first device list names one device".into()));
    };
    if valid.list().version != 1 || device.role != DeviceRole::Primary || !device.is_valid_at(now) {
        return Err(Refusal::Invalid("the first device list has version 1 and a valid primary".into()));
    }
    let (id, key) = (device.id(), device.key);
    Ok((valid, id, key))
}

/// Checks a new device list of `account`, put by `device`, which may give up its role with it; that its version is
/// newer, and that the device is a primary in the one before, is left to the storage.
pub(crate) fn check_new_list(
    signed: &SignedDeviceList,
    account: AccountId,
    device: DeviceId,
) -> Result<ValidatedDeviceList, Refusal> {
    let valid = signed.validate_for(account).map_err(|e| Refusal::Invalid(e.to_string()))?;
    let list = valid.list();
    let is_primary = |role| role == DeviceRole::Primary;
    if !list.devices.iter().any(|d| is_primary(d.role)) {
        return Err(Refusal::Invalid("a device list needs a primary device".into()));
    }
    if list.device(device).is_none() {
        return Err(Refusal::Invalid("a device list is put by a primary device that stays in it".into()));
    }
    Ok(valid)
}

/// Checks the signature of whoever wants to open a vault by `method`, whose key is `key`.
pub(crate) fn check_recovery(
    key: &PublicKey,
    server: &ServerId,
    nonce: &Nonce,
    method: &RecoveryId,
    signature: &Signature,
) -> Result<(), Refusal> {
    let key = VerifyingKey::from_bytes(key.as_bytes()).map_err(|_| Refusal::WrongRecoveryKey)?;
    let signature = ed25519_dalek::Signature::from_bytes(signature.as_bytes());
    key.verify_strict(&OpenVault::challenge(server, nonce, method), &signature)
        .map_err(|_| Refusal::WrongRecoveryKey)
}

/// Checks the signature of a login or registration.
pub(crate) fn check_login(
    key: &PublicKey,
    server: &ServerId,
    nonce: &Nonce,
    account: &AccountId,
    device: &DeviceId,
    signature: &Signature,
) -> Result<(), Refusal> {
    let key = VerifyingKey::from_bytes(key.as_bytes()).map_err(|_| Refusal::BadSignature)?;
    let signature = ed25519_dalek::Signature::from_bytes(signature.as_bytes());
    key.verify_strict(&Login::challenge(server, nonce, account, device), &signature)
        .map_err(|_| Refusal::BadSignature)
}
