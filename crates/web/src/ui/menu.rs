//! What can be done with a conversation from the list.

use diario_protocol::ConversationId;
use diario_web_api::Ask;
use leptos::html;
use leptos::prelude::*;
use wasm_bindgen::JsCast as _;
use web_sys::HtmlElement;

use crate::model::Place;
use crate::state::use_state;
use crate::text::tr;
use crate::ui::browser;
use crate::ui::icons::{Icon, icon};

/// An open menu: of which conversation, where, and who gets the focus back.
#[derive(Debug, Clone)]
pub(crate) struct MenuAt {
    /// Which conversation.
    pub(crate) conversation: ConversationId,
    /// Where, in pixels of the page.
    pub(crate) x: i32,
    /// Where, in pixels of the page.
    pub(crate) y: i32,
    /// Who opened it.
    pub(crate) opener: Option<HtmlElement>,
}

/// The menu, when it is open.
#[component]
pub(crate) fn Menu(
    /// Where it is open.
    at: RwSignal<Option<MenuAt>, LocalStorage>,
) -> impl IntoView {
    move || at.get().map(|open| view! { <Opened at open/> })
}

#[component]
fn Opened(at: RwSignal<Option<MenuAt>, LocalStorage>, open: MenuAt) -> impl IntoView {
    let state = use_state();
    let node = NodeRef::<html::Div>::new();
    let id = open.conversation;
    let opener = open.opener;
    let close = move |back: bool| {
        at.set(None);
        if let Some(opener) = opener.as_ref().filter(|_| back) {
            browser::focus(opener);
        }
    };
    let (x, y) = (open.x, open.y);
    node.on_load(move |menu| {
        place(&menu, x, y);
        step(&menu, 0);
    });
    let row = state.row_now(id);
    let (pinned, muted) = row.map_or((false, false), |row| (row.pinned, row.muted));
    let arrange = {
        let close = close.clone();
        move |pinned, muted| {
            state.fire(Ask::Arrange { conversation: id, pinned, muted });
            close(true);
        }
    };
    let (pin, mute) = (arrange.clone(), arrange);
    // It closes with the click: were it gone before, the click would meet what lies below. And the finger that opened
    // it by staying is not one that closes it.
    let touched = StoredValue::new(false);
    let (on_key, away, details) = (close.clone(), close.clone(), close);
    view! {
        <div
            class="menu-shade"
            on:pointerdown=move |_| touched.set_value(true)
            // The menu keeps the focus until it is closed.
            on:mousedown=|event| event.prevent_default()
            on:click=move |_| {
                if touched.get_value() {
                    away(true);
                }
            }
            on:contextmenu=|event| event.prevent_default()
        ></div>
        <div
            class="menu"
            role="menu"
            aria-label=move || tr("menu")
            node_ref=node
            on:keydown=move |event| {
                let Some(menu) = node.get_untracked() else { return };
                match event.key().as_str() {
                    "ArrowDown" => step(&menu, 1),
                    "ArrowUp" => step(&menu, -1),
                    "Escape" | "Tab" => on_key(true),
                    _ => return,
                }
                event.prevent_default();
                event.stop_propagation();
            }
        >
            <button type="button" role="menuitem" tabindex="-1" on:click=move |_| pin(!pinned, muted)>
                {icon(Icon::Pin)}
                <span>{move || tr(if pinned { "menu-unpin" } else { "menu-pin" })}</span>
            </button>
            <button type="button" role="menuitem" tabindex="-1" on:click=move |_| mute(pinned, !muted)>
                {icon(Icon::Mute)}
                <span>{move || tr(if muted { "menu-unmute" } else { "menu-mute" })}</span>
            </button>
            <button type="button" role="menuitem" tabindex="-1" on:click=move |_| {
                details(false);
                state.go(Place::Details(id));
            }>
                {icon(Icon::Info)}
                <span>{move || tr("menu-details")}</span>
            </button>
        </div>
    }
}

/// Puts the menu there, but whole within the window.
fn place(menu: &HtmlElement, x: i32, y: i32) {
    let size = |value: Result<wasm_bindgen::JsValue, _>| {
        value.ok().and_then(|value| value.as_f64()).unwrap_or_default()
    };
    let within = |at: i32, length: i32, room: f64| f64::from(at).min(room - f64::from(length) - 8.0).max(8.0);
    let left = within(x, menu.offset_width(), size(window().inner_width()));
    let top = within(y, menu.offset_height(), size(window().inner_height()));
    // By CSSOM; without it the menu stands in its corner.
    let style = menu.style();
    let _ = style.set_property("left", &format!("{left}px"));
    let _ = style.set_property("top", &format!("{top}px"));
}

/// Moves the focus by so many items; around at the ends.
fn step(menu: &HtmlElement, by: i32) {
    let Ok(items) = menu.query_selector_all("[role=menuitem]") else { return };
    let count = i32::try_from(items.length()).unwrap_or(0);
    let focused = browser::focused();
    let item = |at: i32| {
        let at = u32::try_from(at).ok()?;
        items.item(at)?.dyn_into::<HtmlElement>().ok()
    };
    let now = (0..count).find(|at| item(*at) == focused && focused.is_some()).unwrap_or(0);
    if let Some(next) = (count > 0).then(|| (now + by).rem_euclid(count)).and_then(item) {
        browser::focus(&next);
    }
}
