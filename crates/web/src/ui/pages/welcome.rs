//! Before there is an account in this browser.

use diario_web_api::Stage;
use leptos::prelude::*;

use super::create::Create;
use super::link::LinkHere;
use super::parts::mark;
use super::picture::{Picture, picture};
use crate::model::Place;
use crate::state::use_state;
use crate::text::tr;

/// How far one is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// Which way.
    Choice,
    /// A new account.
    Create,
    /// An account that there is.
    Link,
}

/// The first page: what Diario is, and the two ways in.
#[component]
pub(crate) fn Welcome() -> impl IntoView {
    let state = use_state();
    let step = RwSignal::new(Step::Choice);
    Effect::new(move || {
        let inside = state.account.read().as_ref().is_some_and(|account| account.stage != Stage::Registering);
        if inside && state.nav.place_now() == Place::Welcome {
            state.nav.replace(Place::List);
        }
    });
    view! {
        <div class="welcome scroll">
            <div class="welcome-body">
                {move || match step.get() {
                    Step::Choice => view! { <Choice step/> }.into_any(),
                    Step::Create => view! { <Create step/> }.into_any(),
                    Step::Link => view! { <LinkHere step/> }.into_any(),
                }}
            </div>
        </div>
    }
}

#[component]
fn Choice(step: RwSignal<Step>) -> impl IntoView {
    let way = move |to: Step, which: Picture, title: &'static str, hint: &'static str| {
        view! {
            <button type="button" class="way" class:chosen=to == Step::Create on:click=move |_| step.set(to)>
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
            {way(Step::Create, Picture::Person, "welcome-create", "welcome-create-hint")}
            {way(Step::Link, Picture::Phone, "welcome-link", "welcome-link-hint")}
        </div>
        <p class="hint welcome-foot">{move || tr("welcome-foot")}</p>
    }
}

/// The head of a step, with the way back to the choice.
#[component]
pub(super) fn StepHead(
    step: RwSignal<Step>,
    #[prop(into)] title: Signal<String>,
    #[prop(into)] what: Signal<String>,
) -> impl IntoView {
    use crate::ui::browser;
    use crate::ui::icons::{Icon, icon};
    let heading = NodeRef::<leptos::html::H1>::new();
    heading.on_load(|heading| browser::focus(&heading));
    view! {
        <div class="step-head">
            <button
                type="button"
                class="icon-button"
                aria-label=move || tr("page-back")
                on:click=move |_| step.set(Step::Choice)
            >
                {icon(Icon::Back)}
            </button>
            <h1 tabindex="-1" node_ref=heading>{title}</h1>
            <p class="step-what">{what}</p>
        </div>
    }
}
