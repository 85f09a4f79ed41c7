//! Keys that work everywhere. Only such as browsers leave to pages.

use diario_protocol::ConversationId;
use leptos::prelude::*;
use web_sys::KeyboardEvent;

use crate::model::Place;
use crate::state::State;
use crate::ui::browser;

/// Listens to them for as long as the page lives. `shown`: the list, in its order.
pub(crate) fn listen(state: State, shown: RwSignal<Vec<ConversationId>>, help: RwSignal<bool>) {
    window_event_listener(leptos::ev::keydown, move |event| {
        let busy = event.default_prevented() || event.is_composing() || help.get_untracked();
        let account = state.account.read_untracked().is_some();
        if !busy && account && pressed(state, shown, help, &event) {
            event.prevent_default();
        }
    });
}

/// Whether the key was one of them.
fn pressed(
    state: State,
    shown: RwSignal<Vec<ConversationId>>,
    help: RwSignal<bool>,
    event: &KeyboardEvent,
) -> bool {
    let key = event.key();
    let command = event.ctrl_key() || event.meta_key();
    let dialog = browser::find("dialog[open]").is_some();
    match (key.as_str(), command, event.alt_key()) {
        _ if dialog => return false,
        ("k" | "K", true, false) => search(state),
        ("f" | "F", true, false) if event.shift_key() => {
            state.finding.open(state, state.nav.place_now().conversation());
        }
        ("ArrowUp", false, true) => beside(state, shown, -1),
        ("ArrowDown", false, true) => beside(state, shown, 1),
        // By its place on the keyboard: with Alt some layouts make another letter of it.
        (_, false, true) if event.code() == "KeyN" => state.go(Place::New),
        ("Escape", false, false) => return escape(state),
        // With a modifier: a single letter would be in the way of who speaks to the machine.
        ("/", true, false) => help.set(true),
        _ => return false,
    }
    true
}

/// Into the search box; on a phone the list has to come into sight first.
fn search(state: State) {
    if !browser::is_wide() {
        state.go(Place::List);
    }
    request_animation_frame(|| {
        if let Some(field) = browser::find("#search") {
            browser::focus(&field);
        }
    });
}

/// To the conversation before or after the open one.
fn beside(state: State, shown: RwSignal<Vec<ConversationId>>, by: isize) {
    let shown = shown.read_untracked();
    let open = state.nav.place_now().conversation();
    let now = open.and_then(|open| shown.iter().position(|id| *id == open));
    let next = match now {
        Some(now) => now.checked_add_signed(by),
        None if by > 0 => Some(0),
        None => shown.len().checked_sub(1),
    };
    if let Some(id) = next.and_then(|next| shown.get(next)) {
        let place = Place::Conversation(*id);
        // Going through the list leaves no trail behind.
        if open.is_some() { state.nav.replace(place) } else { state.nav.go(place) }
    }
}

/// Back to the list, step by step.
fn escape(state: State) -> bool {
    match state.nav.place_now() {
        Place::List | Place::Welcome | Place::Create | Place::Join => false,
        Place::Details(_) | Place::Safety(_) => {
            state.nav.up();
            true
        }
        _ => {
            state.nav.back();
            true
        }
    }
}
