//! The warning that a name means another account than before.

use diario_protocol::AccountId;
use diario_web_api::{Ask, Trust};
use leptos::prelude::*;

use crate::state::use_state;
use crate::text::{tr, tr_args};
use crate::ui::icons::{Icon, icon};

/// What is to be said about it.
pub(crate) fn key_changed(name: &str, trust: Trust) -> String {
    let key = if trust == Trust::ChangedVerified { "key-changed-verified" } else { "key-changed" };
    tr_args(key, &[("name", name.to_owned().into())])
}

/// The warning, with the way to say that one knows.
#[component]
pub(super) fn KeyChanged(
    /// Who.
    account: AccountId,
    /// By name.
    name: String,
    /// What is known of them.
    trust: Trust,
    /// Called when the user knows.
    #[prop(into)]
    done: Callback<()>,
) -> impl IntoView {
    let state = use_state();
    let accept = move |_| {
        leptos::task::spawn_local(async move {
            match state.ask(Ask::AcceptKey(account)).await {
                Ok(_) => drop(done.try_run(())),
                Err(problem) => state.problem(problem),
            }
        });
    };
    view! {
        <div class="note key-note" role="alert">
            <p class="verdict">{icon(Icon::Alert)}<span>{move || key_changed(&name, trust)}</span></p>
            <button type="button" class="button small" on:click=accept>{move || tr("key-known")}</button>
        </div>
    }
}
