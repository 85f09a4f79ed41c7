//! What is stored in this browser: how much, how safely, and how to fetch it anew or delete it.

use diario_web_api::{Ask, Connection, StoreKind, Usage};
use leptos::prelude::*;

use super::super::dialog::{Confirm, ConfirmWipe};
use super::super::parts::{Busy, Card};
use super::super::size::size;
use crate::actions;
use crate::pwa::{storage, use_pwa};
use crate::state::{Notice, use_state};
use crate::text::{text, tr, tr_args};

/// The stored diary.
#[component]
pub(super) fn Diary() -> impl IntoView {
    let state = use_state();
    let usage = RwSignal::new(None::<Usage>);
    let persistent = RwSignal::new(None::<bool>);
    let refused = RwSignal::new(false);
    let rebuilding = RwSignal::new(false);
    let asked = RwSignal::new(false);
    let count = move || {
        leptos::task::spawn_local(async move {
            if let Ok(found) = actions::usage(state).await {
                usage.try_set(Some(found));
            }
        });
    };
    count();
    leptos::task::spawn_local(async move {
        let promised = storage::is_persistent().await;
        persistent.try_set(promised);
    });
    // A rebuild is over when everything was fetched again.
    Effect::new(move |was: Option<bool>| {
        let live = matches!(state.status.read().connection, Connection::Live);
        if live && was == Some(false) {
            count();
        }
        live
    });
    let ask_again = move |_| {
        leptos::task::spawn_local(async move {
            let promised = storage::ask_persistent().await;
            refused.try_set(promised != Some(true));
            persistent.try_set(promised);
        });
    };
    let rebuild = move |()| {
        rebuilding.set(true);
        leptos::task::spawn_local(async move {
            match actions::done(state, Ask::Rebuild).await {
                Ok(()) => state.toast(Notice::Text("rebuild-begun")),
                Err(problem) => state.problem(problem),
            }
            rebuilding.try_set(false);
            count();
        });
    };
    let catching_up = move || matches!(state.status.read().connection, Connection::CatchingUp);
    let live = move || matches!(state.status.read().connection, Connection::Live);
    let says = move || {
        let in_memory = matches!(*state.store.read(), StoreKind::Memory(_));
        match persistent.get() {
            _ if in_memory => tr("storage-memory"),
            Some(true) => tr("storage-kept"),
            Some(false) | None => tr("storage-not-kept"),
        }
    };
    view! {
        <Card title=text("storage-title")>
            <dl class="facts">
                <div>
                    <dt>{text("storage-used")}</dt>
                    <dd id="storage-used">{move || usage.get().map(|usage| size(usage.bytes))}</dd>
                </div>
                <div>
                    <dt>{text("storage-holds")}</dt>
                    <dd>{move || usage.get().map(|usage| {
                        let messages = tr_args("storage-messages", &[("count", usage.messages.into())]);
                        let conversations =
                            tr_args("storage-conversations", &[("count", usage.conversations.into())]);
                        tr_args(
                            "storage-both",
                            &[("messages", messages.into()), ("conversations", conversations.into())],
                        )
                    })}</dd>
                </div>
            </dl>
            <p>{says}</p>
            <Show when=move || persistent.get() != Some(true)>
                <Show when=move || refused.get()>
                    <p class="note" role="status">{text("storage-refused")}</p>
                </Show>
                <button type="button" class="button" on:click=ask_again>{text("storage-ask")}</button>
            </Show>
            <p class="hint ruled">{text("rebuild-hint")}</p>
            {move || if rebuilding.get() || catching_up() {
                view! { <Busy what=text("rebuild-busy")/> }.into_any()
            } else {
                view! {
                    <button
                        type="button"
                        class="button"
                        prop:disabled=move || !live()
                        on:click=move |_| asked.set(true)
                    >
                        {text("rebuild-yes")}
                    </button>
                }
                .into_any()
            }}
            <Confirm
                id="rebuild"
                open=asked
                title=text("rebuild-title")
                yes=text("rebuild-yes")
                on_yes=rebuild
            >
                <p>{text("rebuild-what")}</p>
                <p>{text("rebuild-safe")}</p>
            </Confirm>
        </Card>
    }
}

/// Deleting everything from this browser.
#[component]
pub(super) fn Leaving() -> impl IntoView {
    let state = use_state();
    let asked = RwSignal::new(false);
    let pwa = use_pwa();
    let waiting = move || state.status.read().waiting;
    let wipe = move |()| {
        leptos::task::spawn_local(async move {
            // While there still is who can tell the server.
            pwa.disable_notifications().await;
            if let Err(problem) = actions::done(state, Ask::Wipe).await {
                state.problem(problem);
            }
        });
    };
    view! {
        <Card title=text("wipe-title") kind="grave">
            <p>{text("wipe-hint")}</p>
            <button type="button" class="button danger" on:click=move |_| asked.set(true)>{text("wipe-open")}</button>
            <ConfirmWipe id="wipe" open=asked on_yes=wipe>
                {move || (waiting() > 0).then(|| view! {
                    <p class="note grave">{move || tr_args("wipe-unsent", &[("count", waiting().into())])}</p>
                })}
            </ConfirmWipe>
        </Card>
    }
}
