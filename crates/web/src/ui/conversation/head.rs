//! The head of a conversation: whose it is, and the ways back and to its details.

use diario_protocol::{ConversationKind, Timestamp};
use diario_web_api::{ConversationRow, Trust};
use leptos::prelude::*;

use crate::model::Place;
use crate::state::use_state;
use crate::text::{text, tr, tr_args};
use crate::ui::icons::{Icon, icon};
use crate::ui::pages::Confirm;
use crate::ui::status::{standing_now, words};
use crate::ui::{avatar, naming, when};

use super::thread::Thread;

/// The head.
#[component]
pub(super) fn Head(thread: Thread, row: RwSignal<ConversationRow>) -> impl IntoView {
    let state = use_state();
    let id = row.read_untracked().id;
    let title = Memo::new(move |_| naming::title(&row.read()));
    let mark = Memo::new(move |_| (row.read().peer, row.read().title.clone()));
    let typists = Memo::new(move |_| state.typists(id));
    let standing = standing_now(state);
    let below = Memo::new(move |_| {
        let typists = typists.get();
        if !typists.is_empty() {
            return (true, naming::typing(&row.read(), &typists));
        }
        let row = row.read();
        let words = match row.kind {
            ConversationKind::Group => tr_args("members-count", &[("count", row.size.into())]),
            ConversationKind::SelfConversation => tr("self-hint"),
            ConversationKind::Direct => String::new(),
        };
        (false, words)
    });
    let opened = Memo::new(move |_| state.nav.place().is_beside());
    let verified = Memo::new(move |_| row.read().trust == Trust::Verified);
    view! {
        <header class="talk-head">
            <button
                type="button"
                class="icon-button talk-back"
                aria-label=move || tr("back")
                on:click=move |_| state.nav.back()
            >
                {icon(Icon::Back)}
            </button>
            <a class="talk-who" href=Place::Details(id).path() tabindex="-1">
                {move || {
                    // To read it, not only to follow it: a memo that nobody reads follows nothing itself.
                    mark.with(|_| avatar::conversation(&row.read_untracked()))
                }}
                <span class="talk-names">
                    {move || {
                        // One heading of the first rank: the details have it while they are open.
                        if opened.get() {
                            view! { <p class="talk-title serif" id="talk-title" dir="auto">{title}</p> }.into_any()
                        } else {
                            view! {
                                <h1 class="talk-title" id="talk-title" tabindex="-1" dir="auto">{title}</h1>
                            }
                            .into_any()
                        }
                    }}
                    {move || verified.get().then(|| view! {
                        <span class="talk-verified">
                            {icon(Icon::Shield)}
                            {move || tr("row-verified")}
                        </span>
                    })}
                    <span class="talk-below" class:typing=move || below.read().0 dir="auto">
                        {move || below.read().1.clone()}
                    </span>
                    {move || standing.get().is_cut_off().then(|| view! {
                        <span class="talk-standing">{move || words(state, standing.get())}</span>
                    })}
                </span>
            </a>
            <ToDate thread/>
            <button
                type="button"
                class="icon-button"
                aria-label=move || tr("find-in")
                title=move || tr("find-in")
                on:click=move |_| state.finding.open(state, Some(id))
            >
                {icon(Icon::Search)}
            </button>
            {move || (row.read().kind != ConversationKind::SelfConversation).then(|| view! {
                <button
                    type="button"
                    class="icon-button talk-info"
                    aria-label=move || tr("details")
                    title=move || tr("details")
                    aria-expanded=move || opened.get().to_string()
                    on:click=move |_| {
                        if opened.get_untracked() {
                            state.nav.up();
                        } else {
                            state.go(Place::Details(id));
                        }
                    }
                >
                    {icon(Icon::Info)}
                </button>
            })}
        </header>
    }
}

/// The way to a day.
#[component]
fn ToDate(thread: Thread) -> impl IntoView {
    let open = RwSignal::new(false);
    let date = RwSignal::new(String::new());
    let go = move |()| {
        if let Some(at) = when::local_midnight(&date.read_untracked()) {
            thread.go_to_time(Timestamp(at));
        }
    };
    let today = move || when::local_date(Timestamp(crate::state::clock()));
    view! {
        <button
            type="button"
            class="icon-button"
            aria-label=move || tr("jump")
            title=move || tr("jump")
            aria-haspopup="dialog"
            on:click=move |_| {
                if date.read_untracked().is_empty() {
                    date.set(today());
                }
                open.set(true);
            }
        >
            {icon(Icon::Calendar)}
        </button>
        <Confirm id="jump" open title=text("jump-title") yes=text("jump-go") on_yes=go>
            <label class="jump-date">
                <span>{text("jump-date")}</span>
                <input class="input" type="date" required=true max=today() bind:value=date/>
            </label>
        </Confirm>
    }
}
