//! One conversation in the list.

use diario_protocol::{ConversationId, ConversationKind};
use diario_web_api::{ConversationRow, Trust};
use leptos::prelude::*;
use wasm_bindgen::JsCast as _;
use web_sys::HtmlElement;

use crate::model::Place;
use crate::model::thread::{Tick, tick};
use crate::state::{State, use_state};
use crate::text::{tr, tr_args};
use crate::ui::icons::{Icon, icon, spoken_icon};
use crate::ui::menu::MenuAt;
use crate::ui::press::Press;
use crate::ui::{avatar, naming, when};

/// One conversation. Its parts change by themselves; its place in the list is the list's.
#[component]
pub(crate) fn Row(
    /// Which.
    id: ConversationId,
    /// Its place in the list, from 1: not all of the list is in the page.
    position: Signal<usize>,
    /// How many there are in the list.
    count: Memo<usize>,
    /// The menu of a row, opened there.
    menu: RwSignal<Option<MenuAt>, LocalStorage>,
) -> impl IntoView {
    let state = use_state();
    let signal = state.row_untracked(id)?;
    let row = RwSignal::from(signal);
    let title = Memo::new(move |_| naming::title(&row.read()));
    let mark = Memo::new(move |_| (row.read().peer, row.read().title.clone()));
    let here = Memo::new(move |_| state.nav.place().conversation() == Some(id));
    let open_menu = move |x: i32, y: i32, opener: Option<HtmlElement>| {
        menu.set(Some(MenuAt { conversation: id, x, y, opener }));
    };
    let press = Press::new();
    Some(view! {
        <li
            class="row"
            class:here=here
            class:unread=move || { row.read().unread > 0 }
            aria-setsize=move || count.get().to_string()
            aria-posinset=move || position.get().to_string()
            on:contextmenu=move |event| {
                event.prevent_default();
                open_menu(event.client_x(), event.client_y(), link_of(&event));
            }
            on:pointerdown=move |event| {
                let (x, y, link) = (event.client_x(), event.client_y(), link_of(&event));
                if event.pointer_type() == "touch" {
                    press.begin(x, y, move || open_menu(x, y, link.clone()));
                }
            }
            on:pointermove=move |event| press.moved(event.client_x(), event.client_y())
            on:pointerup=move |_| press.end()
            on:pointercancel=move |_| press.end()
            on:click=move |event| {
                if press.was_long() {
                    event.prevent_default();
                }
            }
        >
            <a class="row-link" href=Place::Conversation(id).path() aria-current=move || here.get().then_some("page")>
                {move || {
                    // To read it, not only to follow it: a memo that nobody reads follows nothing itself.
                    mark.with(|_| avatar::conversation(&row.read_untracked()))
                }}
                <span class="row-words">
                    <span class="row-line">
                        <span class="row-title" dir="auto">{title}</span>
                        <Signs row/>
                        <time class="row-time">
                            {move || row.read().last.is_some().then(|| when::listed(state, row.read().at))}
                        </time>
                    </span>
                    <span class="row-line">
                        <Below state row here/>
                        <Badge row/>
                    </span>
                </span>
            </a>
            <button
                type="button"
                class="icon-button row-more"
                aria-haspopup="menu"
                aria-label=move || tr_args("row-more", &[("title", title.get().into())])
                on:click=move |event| {
                    let button = event.current_target().and_then(|target| target.dyn_into::<HtmlElement>().ok());
                    let (x, y) = button.as_ref().map_or((0, 0), below);
                    open_menu(x, y, button);
                }
            >
                {icon(Icon::More)}
            </button>
        </li>
    })
}

fn link_of(event: &web_sys::MouseEvent) -> Option<HtmlElement> {
    let row = event.current_target()?.dyn_into::<HtmlElement>().ok()?;
    row.query_selector("a").ok().flatten()?.dyn_into().ok()
}

#[expect(clippy::cast_possible_truncation, reason = "pixels of a screen")]
fn below(button: &HtmlElement) -> (i32, i32) {
    let place = button.get_bounding_client_rect();
    (place.left() as i32, place.bottom() as i32)
}

/// Verified, pinned, muted.
#[component]
fn Signs(row: RwSignal<ConversationRow>) -> impl IntoView {
    let pinned = Memo::new(move |_| row.read().pinned);
    let muted = Memo::new(move |_| row.read().muted);
    let verified = Memo::new(move |_| row.read().trust == Trust::Verified);
    let changed = Memo::new(move |_| row.read().trust.is_changed());
    view! {
        <span class="row-signs">
            {move || changed.get().then(|| spoken_icon(Icon::Alert, Signal::derive(|| tr("row-key-changed"))))}
            {move || verified.get().then(|| spoken_icon(Icon::Shield, Signal::derive(|| tr("row-verified"))))}
            {move || muted.get().then(|| spoken_icon(Icon::Mute, Signal::derive(|| tr("row-muted"))))}
            {move || pinned.get().then(|| spoken_icon(Icon::Pin, Signal::derive(|| tr("row-pinned"))))}
        </span>
    }
}

/// What is said below the title: who types, else a draft, else the newest message.
#[component]
fn Below(state: State, row: RwSignal<ConversationRow>, here: Memo<bool>) -> impl IntoView {
    let id = row.read_untracked().id;
    let typists = Memo::new(move |_| state.typists(id));
    let own = Memo::new(move |_| {
        let row = row.read();
        let last = row.last.as_ref().filter(|last| last.mine && last.membership.is_none())?;
        (row.kind != ConversationKind::SelfConversation).then(|| tick(last.state, last.seq, row.markers))
    });
    let words = Memo::new(move |_| {
        let row = row.read();
        row.last.as_ref().map(|last| naming::preview(&row, last)).unwrap_or_default()
    });
    let draft = Memo::new(move |_| {
        let draft = row.read().draft.trim().to_owned();
        (!draft.is_empty() && !here.get()).then_some(draft)
    });
    move || {
        let typists = typists.get();
        if !typists.is_empty() {
            let words = naming::typing(&row.read_untracked(), &typists);
            return view! { <span class="row-below typing" dir="auto">{words}</span> }.into_any();
        }
        if let Some(draft) = draft.get() {
            return view! {
                <span class="row-below" dir="auto">
                    <span class="row-draft">{tr("draft")}</span>
                    {draft}
                </span>
            }
            .into_any();
        }
        view! {
            {own.get().map(tick_icon)}
            <span class="row-below" dir="auto">{words}</span>
        }
        .into_any()
    }
}

/// A tick, with its words.
pub(crate) fn tick_icon(tick: Tick) -> impl IntoView {
    let (which, key, class) = match tick {
        Tick::Clock => (Icon::Clock, "tick-clock", "tick"),
        Tick::Sent => (Icon::Tick, "tick-sent", "tick"),
        Tick::Delivered => (Icon::Ticks, "tick-delivered", "tick"),
        Tick::Read => (Icon::Ticks, "tick-read", "tick read"),
        Tick::Failed => (Icon::Alert, "tick-failed", "tick failed"),
    };
    view! { <span class=class>{spoken_icon(which, Signal::derive(move || tr(key)))}</span> }
}

/// How many are unread.
#[component]
fn Badge(row: RwSignal<ConversationRow>) -> impl IntoView {
    let unread = Memo::new(move |_| row.read().unread);
    let muted = Memo::new(move |_| row.read().muted);
    move || {
        let unread = unread.get();
        (unread > 0).then(|| {
            let shown = if unread > 999 { "999+".to_owned() } else { unread.to_string() };
            view! {
                <span class="count" class:muted=muted>
                    <span aria-hidden="true">{shown}</span>
                    <span class="visually-hidden">{tr_args("row-unread", &[("count", unread.into())])}</span>
                </span>
            }
        })
    }
}
