//! A conversation: its head, what was said, and what is being written.

mod bubble;
mod head;
mod log;
mod place;
mod thread;

use diario_protocol::{ConversationId, ConversationKind};
use diario_web_api::{Ask, ConversationRow};
use leptos::prelude::*;

use crate::model::Place;
use crate::state::use_state;
use crate::text::tr;
use crate::ui::composer::Composer;
use crate::ui::icons::{Icon, icon};
use crate::ui::pages::key_changed;

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
            {move || {
                let group = row.with_untracked(|row| row.kind == ConversationKind::Group);
                match (changed.get().is_changed(), group) {
                    (true, false) => view! { <KeyChanged id row/> }.into_any(),
                    (true, true) => view! { <SomeKeyChanged id/> <Composer row thread/> }.into_any(),
                    (false, _) => view! { <Composer row thread/> }.into_any(),
                }
            }}
        </section>
    })
}

/// In place of what is being written: the name means another account than before.
#[component]
fn KeyChanged(id: ConversationId, row: RwSignal<ConversationRow>) -> impl IntoView {
    let state = use_state();
    let what = move || key_changed(&row.read().title, row.read().trust);
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

/// Above what is being written to a group: the name of somebody in it means another account than before.
#[component]
fn SomeKeyChanged(id: ConversationId) -> impl IntoView {
    view! {
        <div class="key-changed" role="alert">
            <p>{icon(Icon::Alert)}<span>{move || tr("key-changed-group")}</span></p>
            <div class="choices">
                <a class="button small" href=Place::Details(id).path()>{move || tr("key-changed-who")}</a>
            </div>
        </div>
    }
}

pub(crate) use thread::Thread as OpenThread;
