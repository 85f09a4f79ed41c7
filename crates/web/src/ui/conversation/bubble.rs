//! A message.

use diario_protocol::ConversationKind;
use diario_web_api::{Ask, ConversationRow, Message as Told, MessageState};
use leptos::prelude::*;

use crate::model::emoji;
use crate::model::linkify::{Piece, pieces};
use crate::model::thread::{Item, tick};
use crate::state::use_state;
use crate::text::{tr, tr_args};
use crate::ui::icons::{Icon, icon};
use crate::ui::row::tick_icon;
use crate::ui::{avatar, naming, when};

/// A message, or a notice that the members changed.
#[component]
pub(super) fn Message(item: RwSignal<Item>, row: RwSignal<ConversationRow>) -> impl IntoView {
    let told = move || match &*item.read() {
        Item::Message { message, .. } => Some(message.clone()),
        _ => None,
    };
    let place = Memo::new(move |_| match &*item.read() {
        Item::Message { first, last, .. } => (*first, *last),
        _ => (true, true),
    });
    let message = Memo::new(move |_| told());
    let state_of = Memo::new(move |_| message.read().as_ref().map(|message| message.state));
    let seq = Memo::new(move |_| message.read().as_ref().and_then(|message| message.seq));
    let (id, mine, account, sender, notice) = {
        let message = message.read_untracked();
        let message = message.as_ref()?;
        (message.id, message.mine, message.account, message.sender.clone(), message.membership.is_some())
    };
    let data_seq = move || seq.get().map(|seq| seq.to_string());
    if notice {
        let words =
            move || message.read().as_ref().and_then(|m| m.membership.as_ref().map(naming::membership));
        return Some(
            view! { <div class="log-notice" data-seq=data_seq><span dir="auto">{words}</span></div> }
                .into_any(),
        );
    }
    let group = move || row.with(|row| row.kind == ConversationKind::Group);
    let others = move || group() && !mine;
    let name = sender.clone();
    let initials = sender.clone();
    let kind = move || match state_of.get() {
        Some(MessageState::Failed) => "failed",
        Some(MessageState::Waiting) => "waiting",
        Some(MessageState::Refused) => "refused",
        Some(MessageState::Erased | MessageState::Gone) => "erased",
        Some(MessageState::Pending) => "pending",
        _ => "sent",
    };
    Some(
        view! {
            <div
                class="message"
                class:mine=mine
                class:first=move || place.get().0
                class:last=move || place.get().1
                data-kind=kind
                data-seq=data_seq
            >
                <div class="bubble">
                    {move || (others() && place.get().1).then(|| avatar::person(account, &initials))}
                    {
                        let class = format!("sender {}", avatar::hue_class(account));
                        move || (others() && place.get().0).then(|| view! {
                            <p class=class.clone() dir="auto">{name.clone()}</p>
                        })
                    }
                    {
                        // Heard always, seen only where a run begins.
                        let sender = sender.clone();
                        move || (!(others() && place.get().0)).then(|| {
                            let who = if mine {
                                tr("message-you")
                            } else {
                                tr_args("message-of", &[("sender", sender.clone().into())])
                            };
                            view! { <span class="visually-hidden">{who}</span> }
                        })
                    }
                    <div class="said" dir="auto">
                        <Words message/>
                        <Meta message row mine/>
                    </div>
                </div>
                <Trouble message row id/>
            </div>
        }
        .into_any(),
    )
}

/// What it says, or why it says nothing.
#[component]
fn Words(message: Memo<Option<Told>>) -> impl IntoView {
    let words = Memo::new(move |_| {
        let message = message.read();
        let words = message.as_ref().map(|message| (message.state, message.text.clone()));
        words.unwrap_or((MessageState::Sent, String::new()))
    });
    move || {
        let words = words.read();
        let (state, text) = &*words;
        let instead = match state {
            MessageState::Waiting => Some((Icon::Clock, "message-waiting")),
            MessageState::Refused => Some((Icon::Alert, "message-refused")),
            MessageState::Erased => Some((Icon::Erased, "message-erased")),
            MessageState::Gone => Some((Icon::Gone, "message-gone")),
            _ => None,
        };
        if let Some((which, key)) = instead {
            view! { <span class="words instead">{icon(which)}<span>{tr(key)}</span></span> }.into_any()
        } else {
            let large = emoji::few(text).is_some();
            view! { <span class="words" class:large=large>{linked(text)}</span> }.into_any()
        }
    }
}

/// Words as text, web addresses as links.
fn linked(text: &str) -> impl IntoView + use<> {
    pieces(text)
        .into_iter()
        .map(|piece| match piece {
            Piece::Text(text) => text.to_owned().into_any(),
            Piece::Link(link) => view! {
                <a href=link.to_owned() target="_blank" rel="noopener noreferrer">{link.to_owned()}</a>
            }
            .into_any(),
        })
        .collect_view()
}

/// When, and how far it has come.
#[component]
fn Meta(message: Memo<Option<Told>>, row: RwSignal<ConversationRow>, mine: bool) -> impl IntoView {
    let at = Memo::new(move |_| message.read().as_ref().map(|message| message.sent_at));
    let tick = Memo::new(move |_| {
        let message = message.read();
        let message = message.as_ref().filter(|_| mine)?;
        let row = row.read();
        (row.kind != ConversationKind::SelfConversation || message.seq.is_none())
            .then(|| tick(message.state, message.seq, row.markers))
    });
    view! {
        <span class="meta">
            <time title=move || at.get().map(when::exact)>{move || at.get().map(when::time)}</time>
            {move || tick.get().map(tick_icon)}
        </span>
    }
}

/// What can be done about a message that was not sent; why one was not accepted.
#[component]
fn Trouble(
    message: Memo<Option<Told>>,
    row: RwSignal<ConversationRow>,
    id: diario_protocol::EntryId,
) -> impl IntoView {
    let state = use_state();
    let trouble = Memo::new(move |_| {
        let message = message.read();
        let message = message.as_ref()?;
        matches!(message.state, MessageState::Failed | MessageState::Refused)
            .then(|| (message.state, message.reason.clone()))
    });
    let conversation = row.with_untracked(|row| row.id);
    move || {
        let (kind, reason) = trouble.get()?;
        let why = (!reason.is_empty())
            .then(|| view! { <span class="trouble-why" lang="en" dir="auto">{reason}</span> });
        let failed = kind == MessageState::Failed;
        Some(view! {
            <div class="trouble">
                <p>
                    {failed.then(|| view! { <span class="trouble-what">{tr("message-failed")}</span>" " })}
                    {why}
                </p>
                {failed.then(|| view! {
                    <button
                        type="button"
                        class="button small"
                        on:click=move |_| state.fire(Ask::Resend { conversation, id })
                    >{tr("message-resend")}</button>
                    <button
                        type="button"
                        class="button small quiet"
                        on:click=move |_| state.fire(Ask::Discard { conversation, id })
                    >{tr("message-discard")}</button>
                })}
            </div>
        })
    }
}
