//! Notifications: what the browser allows, and what the user wants.

use leptos::prelude::*;

use super::super::parts::{Busy, Card};
use crate::pwa::{Notifications, is_installed, use_pwa};
use crate::text::{text, tr};

/// How it stands with notifications, and what can be done.
#[component]
pub(super) fn NotificationsCard() -> impl IntoView {
    let pwa = use_pwa();
    let asking = RwSignal::new(false);
    let enable = move |_| {
        if !asking.get_untracked() {
            asking.set(true);
            leptos::task::spawn_local(async move {
                pwa.enable_notifications().await;
                asking.try_set(false);
            });
        }
    };
    let disable = move |_| {
        leptos::task::spawn_local(async move { pwa.disable_notifications().await });
    };
    let says = move || {
        tr(match pwa.notifications.get() {
            Notifications::Unsupported => "notify-unsupported",
            Notifications::Blocked => "notify-blocked",
            Notifications::Off => "notify-off",
            Notifications::WhileOpen => "notify-while-open",
            Notifications::Always => "notify-always",
        })
    };
    let how = move || match pwa.notifications.get() {
        Notifications::Blocked => Some(tr("notify-unblock")),
        Notifications::WhileOpen => Some(tr("notify-while-open-why")),
        Notifications::Unsupported if !is_installed() => Some(tr("notify-install")),
        Notifications::Always => Some(tr("notify-no-content")),
        Notifications::Unsupported | Notifications::Off => None,
    };
    view! {
        <Card title=text("notify-title")>
            <p role="status" id="notify-state">{says}</p>
            {move || how().map(|how| view! { <p class="hint">{how}</p> })}
            {move || match (asking.get(), pwa.notifications.get()) {
                (true, _) => view! { <Busy what=text("notify-asking")/> }.into_any(),
                (false, Notifications::Off) => view! {
                    <button type="button" class="button primary" on:click=enable>{text("notify-enable")}</button>
                }
                .into_any(),
                (false, Notifications::WhileOpen | Notifications::Always) => view! {
                    <button type="button" class="button" on:click=disable>{text("notify-disable")}</button>
                }
                .into_any(),
                (false, Notifications::Unsupported | Notifications::Blocked) => ().into_any(),
            }}
        </Card>
    }
}
