//! How much of the history is on this device, and whether the rest is fetched before anybody looks at it.

use diario_web_api::{Ask, Connection, Fill, Filling};
use leptos::prelude::*;
use wasm_bindgen::JsCast as _;

use super::super::dialog::Confirm;
use super::super::parts::Card;
use super::diary::size;
use crate::actions;
use crate::pwa::metered;
use crate::state::use_state;
use crate::text::{number, text, tr, tr_args};

/// The card.
#[component]
pub(super) fn History() -> impl IntoView {
    let state = use_state();
    leptos::task::spawn_local(async move {
        if let Ok(filling) = actions::filling(state).await {
            state.filling.set(Some(filling));
        }
    });
    let known = move || state.filling.get();
    let whole = Memo::new(move |_| known().is_some_and(|f| f.missing == 0));
    let there = Memo::new(move |_| known().is_some());
    view! {
        <Card title=text("history-title")>
            {move || there.get().then(|| {
                if whole.get() {
                    view! { <p>{text("history-whole")}</p> }.into_any()
                } else {
                    view! { <Progress/> }.into_any()
                }
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

/// How far it has come.
#[component]
fn Progress() -> impl IntoView {
    let state = use_state();
    let now = move || state.filling.get();
    let with = move |of: fn(Filling) -> u64| now().map_or(0, of);
    let begun = Memo::new(move |_| now().is_some_and(|f| f.fill != Fill::Never));
    let live = Memo::new(move |_| state.status.read().connection == Connection::Live);
    let percent = move || match now() {
        Some(f) => f.fetched * 100 / (f.fetched + f.missing).max(1),
        None => 0,
    };
    let figures = move || {
        let (done, all) = (with(|f| f.fetched), with(|f| f.fetched + f.missing));
        let figures =
            [("done", number(done).into()), ("all", number(all).into()), ("percent", percent().into())];
        tr_args("history-figures", &figures)
    };
    let left = move || tr_args("history-left", &[("size", size(with(|f| f.estimate)).into())]);
    let waits = move || {
        let f = now()?;
        if f.paused {
            Some(tr("history-paused"))
        } else if !live.get() {
            Some(tr("history-waits-connection"))
        } else {
            (!f.active).then(|| tr("history-waits-wifi"))
        }
    };
    let paused = Memo::new(move |_| now().is_some_and(|f| f.paused));
    let toggle = move |_| state.fire(Ask::PauseFill(!paused.get_untracked()));
    move || {
        if !begun.get() {
            let count = with(|f| f.missing);
            let words =
                tr_args("history-missing", &[("count", count.into()), ("number", number(count).into())]);
            return view! { <p>{words}</p> }.into_any();
        }
        view! {
            <div class="progress">
                <progress
                    id="history-bar"
                    aria-label=text("history-progress")
                    max="100"
                    prop:value=percent
                ></progress>
                <p class="progress-figures">
                    <span>{figures}</span>
                    <span>{left}</span>
                </p>
                <div class="progress-line">
                    <p class="hint" role="status">{waits}</p>
                    <button type="button" class="button" on:click=toggle>
                        {move || if paused.get() { tr("history-resume") } else { tr("history-pause") }}
                    </button>
                </div>
            </div>
        }
        .into_any()
    }
}
