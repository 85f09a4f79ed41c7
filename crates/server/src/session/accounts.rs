//! Registration, login, device lists.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use diario_protocol::device_list::{SignedDeviceList, ValidatedDeviceList};
use diario_protocol::{
    AccountRef, ConversationId, ConversationKind, DeviceRef, LoggedIn, Login, Nonce, Refusal, Register, Reply,
};

use super::{Done, requests};
use crate::app::App;
use crate::config::Registration;
use crate::link::Link;
use crate::rules::roster::Leaf;
use crate::rules::{devices, group};
use crate::storage::{DeviceState, NewAccount};

/// See [`diario_protocol::Request::Register`].
pub(super) async fn register(
    app: Arc<App>,
    nonce: Nonce,
    link: Arc<Link>,
    register: Register,
) -> Result<Done, Refusal> {
    let Register { username, list, key_packages, self_conversation, invite, signature } = register;
    let released = match &invite {
        Some(code) => app.storage.is_released(username.clone(), code.clone(), app.clock.now()).await?,
        None => false,
    };
    let (invite, release) = match app.settings.registration {
        _ if released => (None, invite),
        Registration::Open => (None, None),
        Registration::Invite => (Some(invite.ok_or(Refusal::InviteNeeded)?), None),
        Registration::Closed => return Err(Refusal::RegistrationClosed),
    };
    let (now, server) = (app.clock.now(), app.storage.server_id());
    let (list, me, creation) = app
        .check(move |app| {
            let (list, device, key) = devices::check_first_list(&list, now)?;
            let account = list.account();
            devices::check_login(&key, &server, &nonce, &account, &device, &signature)?;
            let me = Leaf { device: DeviceRef { account, device }, key };
            let creation = group::check_creation(&app.crypto, self_conversation, &me)?;
            if creation.kind != ConversationKind::SelfConversation
                || creation.conversation != ConversationId::of_self(account)
            {
                return Err(Refusal::Invalid("that is not the account's self conversation".into()));
            }
            Ok((list, me, creation))
        })
        .await?;
    let key_packages = requests::check_key_packages(&app, me, key_packages).await?;
    let self_conversation = super::conversations::new_conversation(creation, me, now);
    app.storage
        .register(NewAccount { username, list, key_packages, self_conversation, invite, release })
        .await?;
    app.metrics.registrations.fetch_add(1, Relaxed);
    let lists = app.hub.lists_replaced();
    let state = app.storage.device(me.device).await?.ok_or(Refusal::DeviceRevoked)?;
    let state = enter(&app, me, state, lists, &link).await?;
    Ok(Done::LoggedIn(me, Reply::Registered(state)))
}

/// See [`diario_protocol::Request::Login`].
pub(super) async fn log_in(
    app: Arc<App>,
    nonce: Nonce,
    link: Arc<Link>,
    login: Login,
) -> Result<Done, Refusal> {
    let device = DeviceRef { account: login.account, device: login.device };
    let lists = app.hub.lists_replaced();
    let state = app.storage.device(device).await?.ok_or(Refusal::DeviceRevoked)?;
    let (key, server) = (state.key, app.storage.server_id());
    // About 60 us: cheaper here than the way to another thread.
    devices::check_login(&key, &server, &nonce, &device.account, &device.device, &login.signature)?;
    let me = Leaf { device, key };
    let state = enter(&app, me, state, lists, &link).await?;
    Ok(Done::LoggedIn(me, Reply::LoggedIn(state)))
}

/// Makes a connection a device's whose signature was checked.
pub(super) async fn enter(
    app: &Arc<App>,
    me: Leaf,
    mut state: DeviceState,
    lists: u64,
    link: &Arc<Link>,
) -> Result<LoggedIn, Refusal> {
    check_valid(app, &state)?;
    app.hub.log_in(me.device, state.valid_until, link);
    if app.hub.lists_replaced() != lists {
        // A list was replaced since the device was looked up, perhaps this one.
        let again = app.storage.device(me.device).await;
        let again = again.and_then(|state| state.ok_or(Refusal::DeviceRevoked));
        match again.and_then(|state| check_valid(app, &state).map(|()| state)) {
            Ok(newer) => state = newer,
            Err(refusal) => {
                app.hub.log_out(me.device, link);
                return Err(refusal);
            }
        }
    }
    Ok(LoggedIn {
        head: state.head,
        list_version: state.list_version,
        key_packages: state.key_packages,
        username: state.username,
    })
}

fn check_valid(app: &App, state: &DeviceState) -> Result<(), Refusal> {
    match state.valid_until {
        Some(until) if until <= app.clock.now() => Err(Refusal::DeviceExpired),
        _ => Ok(()),
    }
}

/// See [`diario_protocol::Request::PutDeviceList`].
pub(super) async fn put_device_list(
    app: Arc<App>,
    me: Leaf,
    list: SignedDeviceList,
) -> Result<Done, Refusal> {
    let DeviceRef { account, device } = me.device;
    let list = app.check(move |_| devices::check_new_list(&list, account, device)).await?;
    check_length(&app, &list).await?;
    app.storage.put_device_list(device, list, app.clock.now()).await?;
    Ok(Done::Reply(Reply::Done))
}

/// Refuses a list that is longer than the server allows, unless the account has as many devices already: those above
/// the limit can be revoked one by one.
pub(super) async fn check_length(app: &App, list: &ValidatedDeviceList) -> Result<(), Refusal> {
    let (devices, most) = (list.list().devices.len(), app.settings.max_devices);
    if devices <= usize::from(most) {
        return Ok(());
    }
    let held = app.storage.accounts(vec![AccountRef::Id(list.account())]).await?;
    let held = held.into_iter().flatten().next().and_then(|info| info.list.validate().ok());
    let before = held.map_or(0, |valid| valid.list().devices.len());
    if devices <= before { Ok(()) } else { Err(Refusal::DeviceLimit(most.into())) }
}
