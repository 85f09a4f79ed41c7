//! Letting another device into the account: scan or type its code, then say yes.

use diario_protocol::DeviceId;
use diario_web_api::{Ask, LinkStep, Problem};
use leptos::ev::SubmitEvent;
use leptos::html;
use leptos::prelude::*;

use super::camera::{Camera, NoCamera};
use super::dialog::Confirm;
use super::full::MakeRoom;
use super::parts::{Busy, Field, Page};
use super::problem::problem_text;
use crate::actions;
use crate::model::Place;
use crate::state::use_state;
use crate::text::{text, tr, tr_args};
use crate::ui::browser;
use crate::ui::icons::{Icon, icon};

/// How the code comes in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Scan,
    Type,
}

/// What goes on after a code came in.
#[derive(Debug, Clone, PartialEq)]
enum Stand {
    /// A code is waited for.
    Code,
    /// The other device is being reached, or this one's user is asked about it.
    Reaching,
    /// The account has so many devices, which is as many as it may: one makes room for it, or it stays out.
    Full(u64),
    /// It is in.
    Done,
    /// It is not; why, in English.
    Failed(String),
}

/// The page.
#[component]
pub(crate) fn AddDevice() -> impl IntoView {
    let state = use_state();
    let may = Memo::new(move |_| state.account.read().as_ref().is_some_and(|account| account.primary));
    view! {
        <Page title=text("add-title") below=true>
            {move || if may.get() {
                view! { <Adding/> }.into_any()
            } else {
                view! { <p class="note">{text("devices-not-primary")}</p> }.into_any()
            }}
        </Page>
    }
}

#[component]
fn Adding() -> impl IntoView {
    let state = use_state();
    let way = RwSignal::new(Way::Scan);
    let no_camera = RwSignal::new(None::<NoCamera>);
    let typed = RwSignal::new(String::new());
    let error = RwSignal::new(None::<String>);
    let stand = RwSignal::new(Stand::Code);
    let confirming = RwSignal::new(false);
    let asker = RwSignal::new(String::new());
    let node = NodeRef::<html::Input>::new();
    state.link.set(None);
    on_cleanup(move || {
        if matches!(*stand.read_untracked(), Stand::Reaching | Stand::Full(_)) {
            state.hint(Ask::CancelLink);
        }
        state.link.set(None);
    });
    Effect::new(move || match state.link.get() {
        Some(LinkStep::Requested { name, .. }) => {
            asker.set(name);
            confirming.set(true);
        }
        Some(LinkStep::Done) => stand.set(Stand::Done),
        Some(LinkStep::Failed(why)) => {
            confirming.set(false);
            stand.set(Stand::Failed(why));
        }
        _ => {}
    });
    let approve = move |code: String| {
        if *stand.read_untracked() == Stand::Reaching {
            return;
        }
        error.set(None);
        stand.set(Stand::Reaching);
        leptos::task::spawn_local(async move {
            if let Err(problem) = actions::done(state, Ask::Approve { code }).await {
                stand.try_set(Stand::Code);
                error.try_set(Some(problem_text(&problem)));
            }
        });
    };
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        let code = typed.get_untracked().trim().to_owned();
        if code.chars().filter(|c| c.is_alphanumeric()).count() < 8 {
            error.set(Some(tr("add-code-short")));
            if let Some(input) = node.get_untracked() {
                browser::focus(&input);
            }
        } else {
            approve(code);
        }
    };
    let answer = move |admit: bool, instead_of: Option<DeviceId>| {
        // The question was taken back, and not answered: the linking has failed meanwhile.
        if !matches!(*stand.read_untracked(), Stand::Reaching | Stand::Full(_)) {
            return;
        }
        stand.set(if admit { Stand::Reaching } else { Stand::Code });
        if !admit {
            state.link.set(None);
        }
        leptos::task::spawn_local(async move {
            match actions::done(state, Ask::ConfirmLink { admit, instead_of }).await {
                Ok(()) => {}
                Err(Problem::DeviceLimit(most)) => {
                    stand.try_set(Stand::Full(most));
                }
                Err(problem) => {
                    // Else the same code could not be tried again.
                    state.hint(Ask::CancelLink);
                    stand.try_set(Stand::Code);
                    error.try_set(Some(problem_text(&problem)));
                }
            }
        });
    };
    let again = move || {
        typed.set(String::new());
        state.link.set(None);
        stand.set(Stand::Code);
    };
    let failed = move |why: NoCamera| {
        no_camera.set(Some(why));
        way.set(Way::Type);
    };
    let choose = move |to: Way| {
        error.set(None);
        no_camera.set(None);
        way.set(to);
    };
    let body = move || {
        match stand.get() {
        Stand::Code => view! {
            <p class="lead">{text("add-what")}</p>
            <div class="tabs" role="group" aria-label=text("add-way")>
                <button
                    type="button"
                    aria-pressed=move || (way.get() == Way::Scan).to_string()
                    on:click=move |_| choose(Way::Scan)
                >
                    {text("add-scan")}
                </button>
                <button
                    type="button"
                    aria-pressed=move || (way.get() == Way::Type).to_string()
                    on:click=move |_| choose(Way::Type)
                >
                    {text("add-type")}
                </button>
            </div>
            {move || no_camera.get().map(|why| view! {
                <p class="note" role="status">{move || tr(match why {
                    NoCamera::Refused => "camera-refused",
                    NoCamera::Missing => "camera-missing",
                })}</p>
            })}
            {move || match way.get() {
                Way::Scan => view! {
                    <Camera on_code=approve on_failure=failed/>
                    <p class="hint centered">{text("add-scan-hint")}</p>
                    <p class="error centered" role="alert">{move || error.get()}</p>
                }
                .into_any(),
                Way::Type => view! {
                    <form class="step-form" on:submit=submit novalidate=true>
                        <Field
                            id="add-code"
                            label=text("add-code")
                            value=typed
                            hint=text("add-code-hint")
                            error=error
                            exact=true
                            node=node
                        />
                        <button type="submit" class="button primary">{text("add-submit")}</button>
                    </form>
                }
                .into_any(),
            }}
        }
        .into_any(),
        Stand::Reaching => view! { <div class="outcome"><Busy what=text("add-reaching")/></div> }.into_any(),
        Stand::Full(most) => view! {
            <MakeRoom
                asker
                most
                choose=move |device| answer(true, Some(device))
                refuse=move |()| answer(false, None)
            />
        }
        .into_any(),
        Stand::Done => view! {
            <div class="outcome" role="status">
                <span class="outcome-picture good">{icon(Icon::Tick)}</span>
                <h2>{move || tr_args("add-done", &[("name", asker.get().into())])}</h2>
                <p>{text("add-done-what")}</p>
                <a class="button primary" href=Place::Devices.path()>{text("add-done-devices")}</a>
            </div>
        }
        .into_any(),
        Stand::Failed(why) => view! {
            <div class="outcome" role="alert">
                <span class="outcome-picture bad">{icon(Icon::Alert)}</span>
                <h2>{text("add-failed")}</h2>
                <p>{text("add-failed-what")}</p>
                <p class="hint" lang="en">{why}</p>
                <button type="button" class="button primary" on:click=move |_| again()>{text("add-again")}</button>
            </div>
        }
        .into_any(),
    }
    };
    view! {
        {body}
        <Confirm
            id="admit"
            open=confirming
            title=Signal::derive(move || tr_args("admit-title", &[("name", asker.get().into())]))
            yes=text("admit-yes")
            no=text("admit-no")
            on_yes=move |()| answer(true, None)
            on_no=move |()| answer(false, None)
        >
            <p>{text("admit-what")}</p>
            <p>{text("admit-warning")}</p>
        </Confirm>
    }
}
