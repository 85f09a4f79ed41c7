//! Before there is an account in this browser.

use diario_web_api::Stage;
use leptos::prelude::*;

use super::create::Create;
use super::link::LinkHere;
use super::parts::mark;
use super::picture::{Picture, picture};
use super::recover::Recover;
use crate::model::Place;
use crate::state::use_state;
use crate::text::tr;
use crate::ui::browser;
use crate::ui::icons::{Icon, icon};

/// The first page: what Diario is, and the two ways in.
#[component]
pub(crate) fn Welcome() -> impl IntoView {
    let state = use_state();
    let place = Memo::new(move |_| state.nav.place());
    Effect::new(move || {
        let inside = state.account.read().as_ref().is_some_and(|account| account.stage != Stage::Registering);
        match state.nav.place_now() {
            // Whoever has just made it has no way back to it yet.
            Place::Create if inside => state.nav.replace(Place::FirstKey),
            place if inside && place.is_before_account() => state.nav.replace(Place::List),
            _ => {}
        }
    });
    view! {
        <div class="welcome scroll">
            <div class="welcome-body">
                {move || match place.get() {
                    Place::Create => view! { <Create/> }.into_any(),
                    Place::Join => view! { <LinkHere/> }.into_any(),
                    Place::Recover => view! { <Recover/> }.into_any(),
                    _ => view! { <Choice/> }.into_any(),
                }}
            </div>
        </div>
    }
}

#[component]
fn Choice() -> impl IntoView {
    let state = use_state();
    let way = move |to: Place, which: Picture, title: &'static str, hint: &'static str| {
        view! {
            <button type="button" class="way" class:chosen=to == Place::Create on:click=move |_| state.go(to)>
                <span class="way-picture">{picture(which)}</span>
                <span class="way-words">
                    <span class="way-title">{move || tr(title)}</span>
                    <span class="way-hint">{move || tr(hint)}</span>
                </span>
                {picture(Picture::Forward)}
            </button>
        }
    };
    view! {
        <div class="welcome-head">
            {mark()}
            <h1 class="welcome-name">{move || tr("app-name")}</h1>
            <p class="welcome-what">{move || tr("welcome-what")}</p>
        </div>
        <div class="ways">
            {way(Place::Create, Picture::Person, "welcome-create", "welcome-create-hint")}
            {way(Place::Join, Picture::Phone, "welcome-link", "welcome-link-hint")}
            {way(Place::Recover, Picture::Words, "welcome-recover", "welcome-recover-hint")}
        </div>
        <p class="hint welcome-foot">{move || tr("welcome-foot")}</p>
    }
}

/// The head of a step, with the way back to the choice.
#[component]
pub(super) fn StepHead(
    #[prop(into)] title: Signal<String>,
    #[prop(into)] what: Signal<String>,
) -> impl IntoView {
    let state = use_state();
    let heading = NodeRef::<leptos::html::H1>::new();
    heading.on_load(|heading| browser::focus(&heading));
    view! {
        <div class="step-head">
            <button
                type="button"
                class="icon-button"
                aria-label=move || tr("page-back")
                on:click=move |_| state.nav.up()
            >
                {icon(Icon::Back)}
            </button>
            <h1 tabindex="-1" node_ref=heading>{title}</h1>
            <p class="step-what">{what}</p>
        </div>
    }
}
