//! The app itself: its version, installing it, its keys.

use leptos::prelude::*;

use super::super::parts::Card;
use crate::pwa::{is_installed, use_pwa};
use crate::text::{text, tr};
use crate::ui::help::KEYS;

/// About the app.
#[component]
pub(super) fn App() -> impl IntoView {
    let pwa = use_pwa();
    let keys = KEYS.iter().map(|(keys, what)| {
        let caps = keys.iter().map(|key| view! { <kbd>{(*key).to_owned()}</kbd> }).collect_view();
        view! {
            <div>
                <dt>{text(what)}</dt>
                <dd dir="ltr">{caps}</dd>
            </div>
        }
    });
    view! {
        <Card title=text("keys-title") kind="shortcuts">
            <dl class="facts">{keys.collect_view()}</dl>
        </Card>
        <Card title=text("app-title")>
            <p>{move || tr(if is_installed() { "app-installed" } else { "app-not-installed" })}</p>
            <Show when=move || pwa.installable.get()>
                <button type="button" class="button" on:click=move |_| pwa.install()>{text("app-install")}</button>
            </Show>
            <p class="hint">{text("app-version")}" "<span class="mono">{env!("CARGO_PKG_VERSION")}</span></p>
        </Card>
    }
}
