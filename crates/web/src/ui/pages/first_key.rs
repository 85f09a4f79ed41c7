//! The last step of making an account: a way back to it, for when every device is lost.

use diario_web_api::Stage;
use leptos::html;
use leptos::prelude::*;

use super::dialog::Confirm;
use super::notices::put_reminder_away;
use super::picture::{Picture, picture};
use super::recovery::key::NewKey;
use super::recovery::make_passkey;
use crate::model::Place;
use crate::pwa::passkey;
use crate::state::use_state;
use crate::text::text;
use crate::ui::browser;

/// The page.
#[component]
pub(crate) fn FirstKey() -> impl IntoView {
    let state = use_state();
    let making = RwSignal::new(false);
    let go_on = move || state.nav.replace(Place::List);
    // Who comes here otherwise may have no key to make.
    Effect::new(move || {
        let account = state.account.read();
        if account.as_ref().is_some_and(|account| !account.primary || account.stage != Stage::Active) {
            go_on();
        }
    });
    view! {
        <div class="welcome scroll">
            <div class="welcome-body">
                <Show when=move || making.get() fallback=move || view! { <Offer making go_on=move |()| go_on()/> }>
                    <NewKey alone=true done=move |made| if made { go_on() } else { making.set(false) }/>
                </Show>
            </div>
        </div>
    }
}

/// What it is good for, and the ways to have it or go without.
#[component]
fn Offer(making: RwSignal<bool>, #[prop(into)] go_on: Callback<()>) -> impl IntoView {
    let state = use_state();
    let skipping = RwSignal::new(false);
    let busy = RwSignal::new(false);
    let heading = NodeRef::<html::H1>::new();
    heading.on_load(|heading| browser::focus(&heading));
    let by_passkey = move |_| {
        busy.set(true);
        leptos::task::spawn_local(async move {
            let made = make_passkey(state).await;
            busy.try_set(false);
            if made {
                let _ = go_on.try_run(());
            }
        });
    };
    let skip = move |()| {
        put_reminder_away();
        go_on.run(());
    };
    view! {
        <div class="outcome begin">
            <span class="outcome-picture good">{picture(Picture::Words)}</span>
            <h1 tabindex="-1" node_ref=heading>{text("begin-title")}</h1>
            <p class="lead">{text("begin-what")}</p>
        </div>
        <ul class="begin-facts">
            <li>{text("begin-fact-paper")}</li>
            <li>{text("begin-fact-nobody")}</li>
            <li>{text("begin-fact-minutes")}</li>
        </ul>
        <div class="begin-ways">
            <button type="button" class="button primary wide" on:click=move |_| making.set(true)>
                {text("recovery-make-key")}
            </button>
            {passkey::is_supported().then(|| view! {
                <button type="button" class="button wide" prop:disabled=busy on:click=by_passkey>
                    {text("begin-passkey")}
                </button>
            })}
            <button type="button" class="button quiet wide" on:click=move |_| skipping.set(true)>
                {text("begin-skip")}
            </button>
        </div>
        <Confirm
            id="skip-key"
            open=skipping
            danger=true
            title=text("begin-skip-title")
            yes=text("begin-skip-yes")
            no=text("begin-skip-no")
            on_yes=skip
        >
            <p>{text("begin-skip-what")}</p>
            <p>{text("begin-skip-later")}</p>
        </Confirm>
    }
}
