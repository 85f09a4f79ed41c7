//! Recovery: opening a vault, coming back by it, and writing to it.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use diario_protocol::device_list::DeviceRole;
use diario_protocol::{
    AccountId, DeviceRef, Nonce, OpenVault, PutVault, Recover, RecoveryId, Refusal, Reply, VAULT_VALUE,
    VaultSeal,
};
use futures_util::FutureExt as _;

use super::{Done, Work, accounts, requests};
use crate::app::App;
use crate::link::Link;
use crate::rules::devices;
use crate::rules::roster::Leaf;
use crate::storage::NewVault;

/// A vault that a connection has opened.
#[derive(Debug, Clone, Copy)]
pub(super) struct Opened {
    pub(super) account: AccountId,
    method: RecoveryId,
}

/// See [`diario_protocol::Request::OpenVault`].
pub(super) async fn open(
    app: Arc<App>,
    nonce: Nonce,
    address: IpAddr,
    open: OpenVault,
) -> Result<Done, Refusal> {
    let OpenVault { account, method, signature } = open;
    let tried = app.tries.begin(address, &account)?;
    // Whether the name is unknown, the method, or the signature wrong, is not told.
    let vault = app.storage.vault(account, method).await?.ok_or(Refusal::WrongRecoveryKey)?;
    let server = app.storage.server_id();
    devices::check_recovery(&vault.key, &server, &nonce, &method, &signature)?;
    app.tries.forgive(&tried);
    let opened = Opened { account: vault.account, method };
    Ok(Done::Opened(opened, Reply::Vault(Box::new(vault.opened))))
}

/// See [`diario_protocol::Request::Recover`].
///
/// The list is signed by the account identity key, which devices that were revoked may still have: only who opened the
/// vault on this very connection gets here.
pub(super) async fn recover(
    app: Arc<App>,
    nonce: Nonce,
    link: Arc<Link>,
    opened: Opened,
    recover: Recover,
) -> Result<Done, Refusal> {
    let Recover { list, device, signature } = recover;
    let (account, server) = (opened.account, app.storage.server_id());
    let (list, key) = app
        .check(move |_| {
            let list = devices::check_new_list(&list, account, device)?;
            let listed = list.list().device(device).filter(|d| d.role == DeviceRole::Primary);
            let key = listed.map(|d| d.key).ok_or_else(|| {
                Refusal::Invalid("a device that recovers an account is a primary of it".into())
            })?;
            devices::check_login(&key, &server, &nonce, &account, &device, &signature)?;
            Ok((list, key))
        })
        .await?;
    accounts::check_length(&app, &list).await?;
    app.storage.recover(opened.method, list).await?;
    app.metrics.recoveries.fetch_add(1, Relaxed);
    let lists = app.hub.lists_replaced();
    let me = Leaf { device: DeviceRef { account, device }, key };
    let state = app.storage.device(me.device).await?.ok_or(Refusal::DeviceRevoked)?;
    let state = accounts::enter(&app, me, state, lists, &link).await?;
    Ok(Done::LoggedIn(me, Reply::LoggedIn(state)))
}

/// See [`diario_protocol::Request::PutVault`].
pub(super) fn put_vault(app: &Arc<App>, me: Leaf, vault: PutVault) -> Result<Work, Refusal> {
    let PutVault { epoch, add, remove, seals } = vault;
    let most = usize::from(app.settings.max_recovery_methods);
    check_seals(app, &seals)?;
    requests::check_batch(add.len() + remove.len(), app.settings.max_batch.into())?;
    for method in &add {
        check_value(method.identity.len())?;
    }
    let new = NewVault { sender: me.device, epoch, add, remove, seals, most, now: app.clock.now() };
    Ok(app.storage.put_vault(new).map(|done| done.map(|()| Done::Reply(Reply::Done))).boxed())
}

pub(super) fn check_seals(app: &App, seals: &[VaultSeal]) -> Result<(), Refusal> {
    requests::check_batch(seals.len(), app.settings.max_batch.into())?;
    seals.iter().try_for_each(|seal| check_value(seal.newest.len()))
}

fn check_value(bytes: usize) -> Result<(), Refusal> {
    if bytes <= VAULT_VALUE { Ok(()) } else { Err(Refusal::TooLarge(VAULT_VALUE as u64)) }
}
