//! A conversation: its head, what was said, and what is being written.

mod bubble;
mod head;
mod log;
mod place;
mod thread;

use diario_protocol::ConversationId;
use diario_web_api::{Ask, ConversationRow, Trust};
use leptos::prelude::*;

use crate::model::Place;
use crate::state::use_state;
use crate::text::{tr, tr_args};
use crate::ui::composer::Composer;
use crate::ui::icons::{Icon, icon};

use head::Head;
use log::Log;
use thread::Thread;

/// A conversation.
#[component]
pub(crate) fn Conversation(
    /// Which.
    id: ConversationId,
) -> impl IntoView {
    let state = use_state();
    let there = Memo::new(move |_| state.row(id).is_some());
    move || {
        if there.get() {
            return view! { <Talk id/> }.into_any();
        }
        if !state.ready.get() {
            return view! { <p class="nothing" role="status">{tr("opening")}</p> }.into_any();
        }
        view! {
            <div class="nothing-open">
                <h1 class="serif talk-title" tabindex="-1">{tr("conversation-unknown")}</h1>
                <a class="button" href=Place::List.path()>{tr("conversation-to-list")}</a>
            </div>
        }
        .into_any()
    }
}

#[component]
fn Talk(id: ConversationId) -> impl IntoView {
    let state = use_state();
    let row = RwSignal::from(state.row_untracked(id)?);
    let changed = Memo::new(move |_| row.read().trust);
    let thread = Thread::open(state, id, row);
    Some(view! {
        <section class="talk" aria-labelledby="talk-title">
            <Head thread row/>
            <Log thread row/>
            {move || if changed.get().is_changed() {
                view! { <KeyChanged id row/> }.into_any()
            } else {
                view! { <Composer row thread/> }.into_any()
            }}
        </section>
    })
}

/// In place of what is being written: the name means another account than before.
#[component]
fn KeyChanged(id: ConversationId, row: RwSignal<ConversationRow>) -> impl IntoView {
    let state = use_state();
    let what = move || {
        let row = row.read();
        let key = if row.trust == Trust::ChangedVerified { "key-changed-verified" } else { "key-changed" };
        tr_args(key, &[("name", row.title.as_str().into())])
    };
    view! {
        <div class="key-changed" role="alert">
            <p>{icon(Icon::Alert)}<span>{what}</span></p>
            <div class="choices">
                <a class="button small" href=Place::Safety(id).path()>{move || tr("safety-open")}</a>
                <button type="button" class="button small danger" on:click=move |_| {
                    if let Some(account) = row.read_untracked().peer {
                        state.fire(Ask::AcceptKey(account));
                    }
                }>
                    {move || tr("key-accept")}
                </button>
            </div>
        </div>
    }
}

pub(crate) use thread::Thread as OpenThread;
