//! How it stands with the server, in a line that is always true.

use diario_web_api::Ask;
use leptos::prelude::*;

use crate::model::standing::{Standing, standing};
use crate::state::{State, use_state};
use crate::text::{tr, tr_args};

/// How it stands now.
pub(crate) fn standing_now(state: State) -> Memo<Standing> {
    Memo::new(move |_| {
        let status = state.status.read();
        let counting = matches!(status.connection, diario_web_api::Connection::Waiting { .. });
        let now = if counting { state.second.get() } else { 0 };
        standing(&status, now)
    })
}

/// It in words. The seconds of a countdown are for eyes: heard every second they would be a nuisance.
pub(crate) fn words(state: State, standing: Standing) -> String {
    let waiting = state.status.read().waiting;
    match standing {
        Standing::Idle => tr("status-idle"),
        Standing::Connected => tr("status-connected"),
        Standing::Sending(count) => tr_args("status-sending", &[("count", count.into())]),
        Standing::Updating => tr("status-updating"),
        Standing::Connecting => tr("status-connecting"),
        Standing::Reconnecting(seconds) => tr_args("status-reconnecting", &[("seconds", seconds.into())]),
        Standing::Offline if waiting > 0 => tr_args("status-offline-waiting", &[("count", waiting.into())]),
        Standing::Offline => tr("status-offline"),
    }
}

/// A dot and a few words; a button to try at once while it waits.
#[component]
pub(crate) fn StatusLine() -> impl IntoView {
    let state = use_state();
    let now = standing_now(state);
    let kind = Memo::new(move |_| match now.get() {
        Standing::Idle => "idle",
        Standing::Connected => "good",
        Standing::Sending(_) | Standing::Updating => "busy",
        Standing::Connecting | Standing::Reconnecting(_) | Standing::Offline => "off",
    });
    let heard = Memo::new(move |_| match now.get() {
        Standing::Reconnecting(_) | Standing::Connecting => tr("status-connecting"),
        other => words(state, other),
    });
    let waits = Memo::new(move |_| matches!(now.get(), Standing::Reconnecting(_)));
    view! {
        <p class="status" data-kind=kind>
            <span class="status-dot" aria-hidden=true.to_string()></span>
            <span class="status-words" aria-hidden="true">{move || words(state, now.get())}</span>
            <span class="visually-hidden" role="status">{heard}</span>
            {move || waits.get().then(|| view! {
                <button type="button" class="status-try" on:click=move |_| state.hint(Ask::Reconnect)>
                    {tr("status-try")}
                </button>
            })}
        </p>
    }
}
