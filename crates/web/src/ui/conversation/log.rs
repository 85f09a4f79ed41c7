//! What was said.

use diario_web_api::{Connection, ConversationRow};
use leptos::html;
use leptos::prelude::*;

use crate::model::thread::{Item, Key};
use crate::state::use_state;
use crate::text::{tr, tr_args};
use crate::ui::icons::{Icon, icon};
use crate::ui::pages::problem_text;
use crate::ui::{browser, naming, when};

use super::bubble::Message;
use super::thread::{Phase, Thread};

/// What was said, and the way to the newest.
#[component]
pub(super) fn Log(thread: Thread, row: RwSignal<ConversationRow>) -> impl IntoView {
    let content = NodeRef::<html::Div>::new();
    thread.log.on_load(move |log| {
        if let Some(content) = content.get_untracked() {
            browser::on_resize(&[log.as_ref(), content.as_ref()], move || thread.resized());
        }
    });
    let title = move || naming::title(&row.read());
    let ready = move || thread.phase.get() == Phase::Ready;
    let missing = move |side: fn((bool, bool)) -> bool| ready() && side(thread.missing.get());
    let (before, after) = (Memo::new(move |_| missing(|m| m.0)), Memo::new(move |_| missing(|m| m.1)));
    let empty = move || ready() && thread.keys.read().is_empty() && !before.get() && !after.get();
    let gap = Memo::new(move |_| row.read().gap);
    view! {
        <div class="log-frame">
            <div
                class="log scroll"
                role="log"
                aria-live="off"
                tabindex="0"
                aria-label=move || tr_args("log", &[("title", title().into())])
                aria-busy=move || (thread.phase.get() == Phase::Loading).to_string()
                node_ref=thread.log
                on:scroll=move |_| thread.look()
            >
                <div class="log-content" node_ref=content>
                    {move || match (ready(), before.get()) {
                        (true, true) => view! { <Missing older=true/> }.into_any(),
                        (true, false) if thread.more_before.get() => {
                            view! { <p class="log-note">{move || tr("log-older")}</p> }.into_any()
                        }
                        _ => ().into_any(),
                    }}
                    <Trouble thread/>
                    {move || empty().then(|| view! { <Beginning row/> })}
                    <div class="log-items" class:group=move || {
                        row.read().kind == diario_protocol::ConversationKind::Group
                    }>
                        <For each=move || thread.keys.get() key=|key| *key let(key)>
                            <One thread row key/>
                        </For>
                    </div>
                    {move || after.get().then(|| view! { <Missing older=false/> })}
                    {move || (ready() && gap.get()).then(|| view! {
                        <p class="log-note" role="status">{move || tr("log-gap")}</p>
                    })}
                </div>
            </div>
            <ToNewest thread row/>
        </div>
    }
}

/// A part that is not on this device yet: it is on its way, or waits for a connection.
#[component]
fn Missing(
    /// Whether it lies above what is shown.
    older: bool,
) -> impl IntoView {
    let state = use_state();
    let live = Memo::new(move |_| {
        matches!(state.status.read().connection, Connection::Live | Connection::CatchingUp)
    });
    let words = move || match (live.get(), older) {
        (true, true) => tr("log-missing-older"),
        (true, false) => tr("log-missing-newer"),
        (false, _) => tr("log-missing-offline"),
    };
    let ghost = |kind: &'static str| view! { <div class=format!("ghost {kind}")></div> };
    view! {
        <div class="log-missing" class:older=older class:waits=move || !live.get()>
            <div class="ghosts" aria-hidden=true.to_string()>
                {[ghost("long"), ghost("own"), ghost("short")]}
            </div>
            <p class="log-note" role="status">{words}</p>
        </div>
    }
}

/// One thing in it.
#[component]
fn One(thread: Thread, row: RwSignal<ConversationRow>, key: Key) -> impl IntoView {
    let state = use_state();
    let item = RwSignal::from(thread.item(key)?);
    Some(match key {
        Key::Day(_) => {
            let at = move || match &*item.read() {
                Item::Day(at) => Some(*at),
                _ => None,
            };
            view! {
                <div class="day-line"><span>{move || at().map(|at| when::day(state, at))}</span></div>
            }
            .into_any()
        }
        Key::Unread => {
            view! { <div class="unread-line"><span>{move || tr("unread-line")}</span></div> }.into_any()
        }
        Key::Message(_) => view! { <Message item row/> }.into_any(),
    })
}

/// That it cannot be shown, and trying again.
#[component]
fn Trouble(thread: Thread) -> impl IntoView {
    move || match thread.phase.get() {
        Phase::Failed(problem) => Some(view! {
            <div class="nothing" role="alert">
                <p>{problem_text(&problem)}</p>
                <button type="button" class="button" on:click=move |_| thread.retry()>{tr("retry")}</button>
            </div>
        }),
        _ => None,
    }
}

/// What a conversation begins with, while nothing was said.
#[component]
fn Beginning(row: RwSignal<ConversationRow>) -> impl IntoView {
    view! {
        <div class="nothing beginning">
            {icon(Icon::Lock)}
            <p class="serif">{move || tr("log-empty")}</p>
            <p class="hint">{move || match row.read().kind {
                diario_protocol::ConversationKind::SelfConversation => tr("log-empty-self"),
                _ => tr("log-empty-hint"),
            }}</p>
        </div>
    }
}

/// The way to the newest, with the number of what is unread.
#[component]
fn ToNewest(thread: Thread, row: RwSignal<ConversationRow>) -> impl IntoView {
    let away = Memo::new(move |_| !thread.at_end.get() && thread.phase.get() == Phase::Ready);
    let unread = Memo::new(move |_| row.read().unread);
    move || {
        away.get().then(|| {
            let label = move || match unread.get() {
                0 => tr("to-newest"),
                count => tr_args("to-newest-unread", &[("count", count.into())]),
            };
            view! {
                <button type="button" class="to-newest" aria-label=label on:click=move |_| thread.to_newest()>
                    {icon(Icon::Down)}
                    {move || (unread.get() > 0).then(|| view! {
                        <span class="count">{unread.get().min(999).to_string()}</span>
                    })}
                </button>
            }
        })
    }
}
