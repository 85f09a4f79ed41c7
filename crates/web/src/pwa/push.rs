//! Notifications and Web Push: whether the user wants them, and where the server wakes this browser.

use diario_web_api::{Ask, PushSubscription, Stage};
use js_sys::{Promise, Uint8Array};
use leptos::prelude::*;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::{
    Notification, NotificationPermission, PushEncryptionKeyName, PushManager, PushSubscriptionOptionsInit,
};

use super::{Pwa, reach, storage};
use crate::actions;
use crate::bridge::Role;

/// Where "off" is kept in this browser: a permission once given cannot be given back by a page.
const STORED: &str = "diario.notifications";
/// How long the browser has to make a subscription. Without a push service it would take for ever.
const SUBSCRIBE_MS: u32 = 20_000;
/// How long it has to end one.
const UNSUBSCRIBE_MS: u32 = 5_000;

/// How it stands with notifications.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Notifications {
    /// This browser shows none.
    Unsupported,
    /// The user has forbidden them in the browser.
    Blocked,
    /// They are not wanted, or were not asked for yet.
    Off,
    /// While Diario is open.
    WhileOpen,
    /// Also when it is closed.
    Always,
}

impl Notifications {
    /// Whether any are shown.
    pub(crate) fn is_on(self) -> bool {
        matches!(self, Self::WhileOpen | Self::Always)
    }
}

/// How it stands, as far as that is known at once.
pub(super) fn standing() -> Notifications {
    let supported = !reach::get(&window(), "Notification").is_undefined() && reach::container().is_some();
    if !supported {
        return Notifications::Unsupported;
    }
    match (Notification::permission(), storage::kept(STORED).as_deref()) {
        (NotificationPermission::Denied, _) => Notifications::Blocked,
        (NotificationPermission::Granted, Some("always")) => Notifications::Always,
        (NotificationPermission::Granted, Some("open")) => Notifications::WhileOpen,
        _ => Notifications::Off,
    }
}

impl Pwa {
    /// Asks the user, then the browser, then tells the server. Says how it stands then.
    pub(crate) async fn enable_notifications(self) -> Notifications {
        let granted = match Notification::request_permission() {
            Ok(asked) => JsFuture::from(asked).await.is_ok_and(|answer| answer == "granted"),
            Err(_) => false,
        };
        if granted {
            storage::keep(STORED, "open");
            self.notifications.set(Notifications::WhileOpen);
            if self.subscribe().await.is_some() {
                storage::keep(STORED, "always");
            }
        }
        self.notifications.set(standing());
        self.notifications.get_untracked()
    }

    /// No notifications any more.
    pub(crate) async fn disable_notifications(self) {
        storage::forget(STORED);
        self.notifications.set(standing());
        // Both, since either may fail: the server sends nothing more, and what it sends yet reaches nobody.
        let _ = actions::done(self.state, Ask::Push(None)).await;
        unsubscribe().await;
    }

    /// Once at each start: the server hears where this browser is to be woken, if that has changed.
    pub(super) fn keep_subscription(self) {
        let state = self.state;
        let done = StoredValue::new(false);
        Effect::new(move || {
            if state.ready.get() && state.account.read().is_none() {
                // Nothing is stored here, or not any more: whom a push would wake is gone, and so is who wanted it.
                done.set_value(false);
                self.forget_all();
                return;
            }
            let active = state.account.read().as_ref().is_some_and(|account| account.stage == Stage::Active);
            let leads = matches!(*state.role.read(), Some(Role::Leader));
            if active && leads && !done.get_value() {
                done.set_value(true);
                self.renew_subscription();
            }
        });
    }

    /// Tells the server where this browser is to be woken, if it is to be.
    pub(super) fn renew_subscription(self) {
        // As it is kept: another tab may have changed it.
        if standing() == Notifications::Always {
            leptos::task::spawn_local(async move {
                // It is tried again at the next start.
                let _ = self.subscribe().await;
            });
        }
    }

    /// Takes away what notifications have left in this browser.
    fn forget_all(self) {
        storage::forget(STORED);
        self.notifications.set(standing());
        leptos::task::spawn_local(async {
            if reach::registered().await.is_some() {
                reach::tell(&[("type", "forget")]);
                unsubscribe().await;
            }
        });
    }

    async fn subscribe(self) -> Option<()> {
        let key = actions::push_key(self.state).await.ok().flatten()?;
        let manager = manager().await?;
        let subscription = match subscribed(&manager).await {
            Some(subscription) if is_for(&subscription, &key) => subscription,
            other => {
                if let Some(old) = other
                    && let Ok(ended) = old.unsubscribe()
                {
                    // If it cannot be ended, making a new one fails and says so.
                    let _ = JsFuture::from(ended).await;
                }
                let options = PushSubscriptionOptionsInit::new();
                options.set_user_visible_only(true);
                options.set_application_server_key_opt_u8_array(Some(&Uint8Array::from(&key[..])));
                let made = manager.subscribe_with_options(&options).ok()?;
                let made = JsFuture::from(in_time(&made, SUBSCRIBE_MS)).await.ok()?;
                made.dyn_into().ok()?
            }
        };
        let told = PushSubscription {
            endpoint: subscription.endpoint(),
            p256dh: secret(&subscription, PushEncryptionKeyName::P256dh)?.into(),
            auth: secret(&subscription, PushEncryptionKeyName::Auth)?.into(),
        };
        actions::done(self.state, Ask::Push(Some(told))).await.ok()
    }
}

async fn manager() -> Option<PushManager> {
    reach::registration().await?.push_manager().ok()
}

/// Ends the subscription, if there is one.
async fn unsubscribe() {
    let Some(manager) = reach::registered().await.and_then(|found| found.push_manager().ok()) else { return };
    if let Some(subscription) = subscribed(&manager).await
        && let Ok(ended) = subscription.unsubscribe()
    {
        // A push service answers later that there is no such subscription; the server forgets it then.
        let _ = JsFuture::from(in_time(&ended, UNSUBSCRIBE_MS)).await;
    }
}

async fn subscribed(manager: &PushManager) -> Option<web_sys::PushSubscription> {
    let found = JsFuture::from(manager.get_subscription().ok()?).await.ok()?;
    found.dyn_into().ok()
}

/// Whether a subscription is for this key of the server's.
fn is_for(subscription: &web_sys::PushSubscription, key: &[u8]) -> bool {
    let held = reach::get(&subscription.options(), "applicationServerKey");
    !held.is_null() && !held.is_undefined() && Uint8Array::new(&held).to_vec() == key
}

fn secret(subscription: &web_sys::PushSubscription, name: PushEncryptionKeyName) -> Option<Vec<u8>> {
    let buffer = subscription.get_key(name).ok()??;
    Some(Uint8Array::new(&buffer).to_vec())
}

/// What comes of a promise, or a failure when it takes too long.
fn in_time(promise: &Promise, ms: u32) -> Promise {
    let late = Promise::new(&mut |_, reject| {
        let timer = window();
        // A timer that is not to be had is one that never runs out.
        let _ = timer.set_timeout_with_callback_and_timeout_and_arguments_0(&reject, ms.cast_signed());
    });
    Promise::race(&js_sys::Array::of2(promise, &late))
}
