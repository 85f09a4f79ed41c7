//! What stands across the page while something is wrong that lasts.

use diario_web_api::{Stage, StoreKind};
use leptos::prelude::*;

use crate::bridge::Role;
use crate::model::Place;
use crate::pwa::storage;
use crate::state::{State, use_state};
use crate::text::{text, tr};
use crate::ui::icons::{Icon, icon};
use crate::ui::pages::ConfirmWipe;

/// What is wrong, the worst first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wrong {
    Broken,
    Elsewhere,
    Revoked,
    Full,
    Expired,
    Alarm,
    Ends,
    Memory,
}

fn wrong(state: State) -> Option<Wrong> {
    if state.broken.read().is_some() {
        return Some(Wrong::Broken);
    }
    if matches!(*state.role.read(), Some(Role::ElsewhereOnly)) {
        return Some(Wrong::Elsewhere);
    }
    let life = state.account.read().as_ref().map(|account| account.stage);
    if life == Some(Stage::Revoked) {
        return Some(Wrong::Revoked);
    }
    if state.full.get() {
        return Some(Wrong::Full);
    }
    if life == Some(Stage::Expired) {
        return Some(Wrong::Expired);
    }
    if !state.alarms.read().is_empty() {
        return Some(Wrong::Alarm);
    }
    if state.account.read().as_ref().is_some_and(|account| account.ends.is_some()) {
        return Some(Wrong::Ends);
    }
    matches!(*state.store.read(), StoreKind::Memory(_)).then_some(Wrong::Memory)
}

/// The banner, if something is wrong.
#[component]
pub(crate) fn Banner() -> impl IntoView {
    let state = use_state();
    let put_away = RwSignal::new(false);
    let wrong = Memo::new(move |_| {
        wrong(state).filter(|wrong| !matches!(wrong, Wrong::Memory | Wrong::Ends) || !put_away.get())
    });
    move || {
        let wrong = wrong.get()?;
        let text = match wrong {
            Wrong::Broken => "banner-broken",
            Wrong::Elsewhere => "banner-elsewhere",
            Wrong::Revoked => "banner-revoked",
            Wrong::Full => "problem-storage-full",
            Wrong::Expired => "banner-expired",
            Wrong::Alarm => "banner-alarm",
            Wrong::Ends => "banner-ends",
            Wrong::Memory => "banner-memory",
        };
        let grave = matches!(wrong, Wrong::Broken | Wrong::Revoked | Wrong::Full);
        let action = match wrong {
            Wrong::Broken => Some(view! { <FromBroken/> }.into_any()),
            Wrong::Revoked => Some(
                view! { <a class="button small" href=Place::Settings.path()>{move || tr("ways-settings")}</a> }
                    .into_any(),
            ),
            Wrong::Memory | Wrong::Ends => Some(
                view! {
                    <button type="button" class="button small" on:click=move |_| put_away.set(true)>
                        {move || tr("banner-understood")}
                    </button>
                }
                .into_any(),
            ),
            Wrong::Alarm => Some(
                view! {
                    <button type="button" class="button small" on:click=move |_| state.alarms.update(Vec::clear)>
                        {move || tr("banner-understood")}
                    </button>
                }
                .into_any(),
            ),
            Wrong::Elsewhere | Wrong::Full | Wrong::Expired => None,
        };
        let why = move || match wrong {
            Wrong::Broken => state.broken.get(),
            Wrong::Alarm => state.alarms.read().last().map(|(_, what)| what.clone()),
            _ => None,
        };
        Some(view! {
            <div class="banner" class:grave=grave role="alert">
                {icon(Icon::Alert)}
                <p>
                    {move || tr(text)}
                    {move || why().map(|why| view! { <span class="banner-why" lang="en">{why}</span> })}
                </p>
                {action}
            </div>
        })
    }
}

/// What can be done when the engine cannot be used.
#[component]
fn FromBroken() -> impl IntoView {
    let asked = RwSignal::new(false);
    let held = RwSignal::new(false);
    let reload = || {
        // If the browser refuses, the person can still do it.
        let _ = window().location().reload();
    };
    let remove = move |()| {
        leptos::task::spawn_local(async move {
            let gone = storage::remove_diary().await;
            held.set(!gone);
            if gone {
                reload();
            }
        });
    };
    view! {
        <span class="choices">
            <button type="button" class="button small" on:click=move |_| reload()>{text("banner-reload")}</button>
            <button type="button" class="button small" on:click=move |_| asked.set(true)>{text("wipe-open")}</button>
        </span>
        <Show when=move || held.get()>
            <p>{text("banner-held")}</p>
        </Show>
        <ConfirmWipe id="remove" open=asked on_yes=remove>
            <p>{text("banner-broken-reload")}</p>
        </ConfirmWipe>
    }
}
