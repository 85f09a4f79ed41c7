//! How much of the history is on this device, and whether the rest is fetched before anybody looks at it.

use diario_web_api::{Ask, Fill};
use leptos::prelude::*;
use wasm_bindgen::JsCast as _;

use super::super::dialog::Confirm;
use super::super::filling::{FillProgress, follow};
use super::super::parts::Card;
use super::super::size::size;
use crate::pwa::metered;
use crate::state::use_state;
use crate::text::{number, text, tr_args};

/// The card.
#[component]
pub(super) fn History() -> impl IntoView {
    let state = use_state();
    follow(state);
    let known = Memo::new(move |_| state.filling.get());
    let missing = Memo::new(move |_| known.get().map(|f| f.missing));
    let begun = Memo::new(move |_| known.get().is_some_and(|f| f.fill != Fill::Never));
    let there = Memo::new(move |_| known.get().is_some());
    let figures = move || {
        let count = missing.get().unwrap_or_default();
        tr_args("history-missing", &[("count", count.into()), ("number", number(count).into())])
    };
    let whole = Memo::new(move |_| missing.get() == Some(0));
    view! {
        <Card title=text("history-title")>
            {move || there.get().then(|| match (whole.get(), begun.get()) {
                (true, _) => view! { <p>{text("history-whole")}</p> }.into_any(),
                (false, true) => view! { <FillProgress/> }.into_any(),
                (false, false) => view! { <p>{figures}</p> }.into_any(),
            })}
            {move || there.get().then(|| view! { <Choice/> })}
        </Card>
    }
}

/// What is to be fetched without being asked for.
#[component]
fn Choice() -> impl IntoView {
    let state = use_state();
    let asked = RwSignal::new(false);
    let wish = StoredValue::new(Fill::Never);
    let choose = move |fill: Fill| state.fire(Ask::SetFill(fill));
    let estimate = move || state.filling.get().map_or(0, |f| f.estimate);
    let current = Memo::new(move |_| state.filling.read().as_ref().map(|f| f.fill));
    // The group has moved by itself.
    let show = |fill: Option<Fill>| {
        let shown = fill.and_then(|fill| document().get_element_by_id(id_of(fill)));
        if let Some(shown) = shown.and_then(|shown| shown.dyn_into::<web_sys::HtmlInputElement>().ok()) {
            shown.set_checked(true);
        }
    };
    let choice = move |fill: Fill, label: &'static str| {
        view! {
            <label class="choice">
                <input
                    type="radio"
                    name="history"
                    id=id_of(fill)
                    prop:checked=move || current.get() == Some(fill)
                    on:change=move |_| {
                        // What it shows is what is true: it moves when that has changed.
                        let was = state.filling.get_untracked();
                        let costs = was.is_some_and(|f| f.fill == Fill::Never && f.missing > 0);
                        if fill == Fill::Never || !costs {
                            return choose(fill);
                        }
                        show(current.get_untracked());
                        wish.set_value(fill);
                        asked.set(true);
                    }
                />
                <span>{text(label)}</span>
            </label>
        }
    };
    view! {
        <p class="choices-label" id="history-fetch">{text("history-fetch")}</p>
        <div class="choices" role="radiogroup" aria-labelledby="history-fetch">
            {choice(Fill::Never, "history-never")}
            {metered::is_told().then(|| choice(Fill::Unmetered, "history-wifi"))}
            {choice(Fill::Always, "history-always")}
        </div>
        <Confirm
            id="history-ask"
            open=asked
            title=text("history-ask")
            yes=text("history-ask-yes")
            on_yes=move |()| choose(wish.get_value())
        >
            <p>{move || tr_args("history-ask-what", &[("size", size(estimate()).into())])}</p>
        </Confirm>
    }
}

const fn id_of(fill: Fill) -> &'static str {
    match fill {
        Fill::Never => "history-never",
        Fill::Unmetered => "history-wifi",
        Fill::Always => "history-always",
    }
}
