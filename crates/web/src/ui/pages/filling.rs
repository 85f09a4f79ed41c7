//! Fetching the history that is not here: how far it has come, and beginning it with one tap.

use diario_web_api::{Ask, Connection, Fill, Filling};
use leptos::prelude::*;

use super::parts::Progress;
use super::size::size;
use crate::actions;
use crate::state::{State, use_state};
use crate::text::{number, text, tr, tr_args};

/// Asks how much of the history is here; from then on `state.filling` says so.
pub(super) fn follow(state: State) {
    leptos::task::spawn_local(async move {
        if let Ok(filling) = actions::filling(state).await {
            state.filling.set(Some(filling));
        }
    });
}

/// How far it has come, with the way to stop it for a while.
#[component]
pub(super) fn FillProgress() -> impl IntoView {
    let state = use_state();
    let now = move || state.filling.get();
    let with = move |of: fn(Filling) -> u64| now().map_or(0, of);
    let live = Memo::new(move |_| state.status.read().connection == Connection::Live);
    let percent = Signal::derive(move || with(|f| f.fetched * 100 / (f.fetched + f.missing).max(1)));
    let figures = Signal::derive(move || {
        let (done, all) = (with(|f| f.fetched), with(|f| f.fetched + f.missing));
        let figures =
            [("done", number(done).into()), ("all", number(all).into()), ("percent", percent.get().into())];
        tr_args("history-figures", &figures)
    });
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
    view! {
        <Progress label=text("history-progress") percent figures left=Signal::derive(left)>
            <p class="hint" role="status">{waits}</p>
            <button type="button" class="button" on:click=toggle>
                {move || if paused.get() { tr("history-resume") } else { tr("history-pause") }}
            </button>
        </Progress>
    }
}

/// What the rest costs and the button that fetches it; while it is being fetched, how far that has come.
#[component]
pub(super) fn FetchRest() -> impl IntoView {
    let state = use_state();
    if state.filling.read_untracked().is_none() {
        follow(state);
    }
    let known = Memo::new(move |_| state.filling.get());
    let missing = Memo::new(move |_| known.get().is_some_and(|f| f.missing > 0));
    let goes_on =
        Memo::new(move |_| known.get().is_some_and(|f| f.fill != Fill::Never && f.active && !f.paused));
    let begin = move |_| {
        if known.get_untracked().is_some_and(|f| f.paused) {
            state.fire(Ask::PauseFill(false));
        }
        state.fire(Ask::SetFill(Fill::Always));
    };
    let cost = move || {
        let estimate = known.get().map_or(0, |f| f.estimate);
        tr_args("find-fetch-what", &[("size", size(estimate).into())])
    };
    move || {
        match (missing.get(), goes_on.get()) {
        (false, _) => ().into_any(),
        (true, true) => view! { <FillProgress/> }.into_any(),
        (true, false) => view! {
            <div class="fetch-rest">
                <button type="button" class="button primary small" on:click=begin>{text("find-fetch")}</button>
                <p class="hint">{cost}</p>
            </div>
        }
        .into_any(),
    }
    }
}
