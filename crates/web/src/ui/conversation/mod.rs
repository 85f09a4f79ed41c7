//! A conversation: its head, what was said, and what is being written.

mod bubble;
mod head;
mod log;
mod place;
mod thread;

use diario_protocol::ConversationId;
use leptos::prelude::*;

use crate::model::Place;
use crate::state::use_state;
use crate::text::tr;
use crate::ui::composer::Composer;

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
    let thread = Thread::open(state, id, row);
    Some(view! {
        <section class="talk" aria-labelledby="talk-title">
            <Head thread row/>
            <Log thread row/>
            <Composer row thread/>
        </section>
    })
}

pub(crate) use thread::Thread as OpenThread;
