//! Joining an account from this browser: shows a code for a device that is in it already.

use diario_web_api::{Ask, LinkStep};
use leptos::prelude::*;

use super::parts::{Busy, Field};
use super::problem::problem_text;
use super::qr::qr;
use super::welcome::StepHead;
use crate::actions;
use crate::pwa::{device, storage};
use crate::state::use_state;
use crate::text::{text, tr};

/// Shows the code, and what to do with it.
#[component]
pub(super) fn LinkHere() -> impl IntoView {
    let state = use_state();
    let as_qr = RwSignal::new(true);
    let device_name = RwSignal::new(device::suggested_name());
    let asked_as = StoredValue::new(device_name.get_untracked());
    let failed = RwSignal::new(None::<String>);
    state.link.set(None);

    let ask = move || {
        failed.set(None);
        state.link.set(None);
        let given = device_name.get_untracked().trim().to_owned();
        let name = if given.is_empty() { device::suggested_name() } else { given };
        asked_as.set_value(name.clone());
        let qr = as_qr.get_untracked();
        leptos::task::spawn_local(async move {
            if let Err(problem) = actions::done(state, Ask::Link { device_name: name, qr }).await {
                failed.try_set(Some(problem_text(&problem)));
            }
        });
    };
    ask();
    on_cleanup(move || {
        let joined = matches!(*state.link.read_untracked(), Some(LinkStep::Done));
        if !joined {
            state.hint(Ask::CancelLink);
        }
        state.link.set(None);
    });
    Effect::new(move || {
        if matches!(*state.link.read(), Some(LinkStep::Done)) {
            // Whether it was granted is said in the notices.
            leptos::task::spawn_local(async {
                let _ = storage::ask_persistent().await;
            });
        }
    });
    let rename = move |()| {
        if asked_as.get_value() != device_name.get_untracked().trim() {
            ask();
        }
    };
    let code = move || {
        match (failed.get(), state.link.get()) {
        (Some(why), _) => view! {
            <div class="code-box failed">
                <p class="error" role="alert">{why}</p>
                <button type="button" class="button primary" on:click=move |_| ask()>{text("link-again")}</button>
            </div>
        }
        .into_any(),
        (None, Some(LinkStep::Failed(why))) => view! {
            <div class="code-box failed">
                <p class="error" role="alert">{move || tr("link-failed")}</p>
                <p class="hint" lang="en">{why}</p>
                <button type="button" class="button primary" on:click=move |_| ask()>{text("link-again")}</button>
            </div>
        }
        .into_any(),
        (None, Some(LinkStep::Code { code, qr: true })) => {
            let picture = qr(&code, text("link-qr-label"));
            view! { <div class="code-box qr-box">{picture}</div> }.into_any()
        }
        (None, Some(LinkStep::Code { code, qr: false })) => view! {
            <div class="code-box">
                <p class="hint" id="link-code-label">{text("link-code-label")}</p>
                <p class="code-letters" dir="ltr" aria-labelledby="link-code-label" data-code=code.clone()>
                    {spaced(&code)}
                </p>
            </div>
        }
        .into_any(),
        (None, Some(LinkStep::Done)) => {
            view! { <div class="code-box"><Busy what=text("link-done")/></div> }.into_any()
        }
        (None, _) => view! { <div class="code-box"><Busy what=text("link-making")/></div> }.into_any(),
    }
    };
    let way = move |qr: bool| {
        as_qr.set(qr);
        ask();
    };
    view! {
        <StepHead title=text("link-title") what=text("link-what")/>
        <div class="link-body">
            {code}
            <ol class="steps">
                <li>{text("link-step-open")}</li>
                <li>{text("link-step-add")}</li>
                <li>{move || tr(if as_qr.get() { "link-step-scan" } else { "link-step-type" })}</li>
                <li>{text("link-step-confirm")}</li>
            </ol>
        </div>
        <button type="button" class="button quiet" on:click=move |_| way(!as_qr.get_untracked())>
            {move || tr(if as_qr.get() { "link-show-code" } else { "link-show-qr" })}
        </button>
        <Field
            id="link-device"
            label=text("device-name")
            value=device_name
            hint=text("device-name-hint")
            max=64
            on_leave=rename
        />
    }
}

/// The characters in two groups of four, as people read them aloud.
fn spaced(code: &str) -> String {
    let letters: Vec<char> = code.chars().filter(|c| c.is_alphanumeric()).collect();
    letters
        .chunks(4)
        .map(|group| group.iter().collect::<String>())
        .collect::<Vec<_>>()
        .join("\u{2009}\u{2013}\u{2009}")
}
