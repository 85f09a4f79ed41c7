//! Making an account.

use diario_web_api::{Ask, Problem, Stage};
use leptos::ev::SubmitEvent;
use leptos::html;
use leptos::prelude::*;

use super::parts::{Busy, Field};
use super::problem::problem_text;
use super::welcome::StepHead;
use crate::actions;
use crate::model::username::{NameFault, checked};
use crate::pwa::{device, storage};
use crate::state::use_state;
use crate::text::{text, tr};
use crate::ui::browser;

/// The form for a new account.
#[component]
pub(super) fn Create() -> impl IntoView {
    let state = use_state();
    let name = RwSignal::new(String::new());
    let device_name = RwSignal::new(device::suggested_name());
    let invite = RwSignal::new(String::new());
    let wants_invite = RwSignal::new(false);
    // Nobody is told that a name is too short while typing it.
    let left_name = RwSignal::new(false);
    let problem = RwSignal::new(None::<Problem>);
    let asking = RwSignal::new(false);
    let name_node = NodeRef::<html::Input>::new();
    let invite_node = NodeRef::<html::Input>::new();
    name_node.on_load(|input| browser::focus(&input));

    // What was refused is not refused any more once it is written anew.
    Effect::new(move || {
        name.track();
        if matches!(*problem.read_untracked(), Some(Problem::NameTaken | Problem::BadName)) {
            problem.set(None);
        }
    });
    // The server's word on a registration can come later than the answer to the ask.
    let settle = move |found: Problem| {
        // Gone elsewhere meanwhile: there is nobody to tell.
        if asking.try_set(false).is_some() {
            return;
        }
        // Who begins their own name anew has a code for it, on any server.
        wants_invite.update(|wants| {
            *wants |=
                matches!(found, Problem::InviteNeeded | Problem::NameTaken | Problem::RegistrationClosed);
        });
        match found {
            Problem::InviteNeeded => {
                request_animation_frame(move || {
                    if let Some(input) = invite_node.try_get_untracked().flatten() {
                        browser::focus(&input);
                    }
                });
            }
            Problem::NameTaken | Problem::BadName => {
                if let Some(input) = name_node.get_untracked() {
                    browser::focus(&input);
                }
            }
            _ => {}
        }
        problem.set(Some(found));
    };
    state.rejected.set(None);
    Effect::new(move || {
        if let Some(found) = state.rejected.get() {
            settle(found);
        }
    });
    let registering = Memo::new(move |_| {
        state.account.read().as_ref().is_some_and(|account| account.stage == Stage::Registering)
            && problem.read().is_none()
    });
    let busy = Memo::new(move |_| asking.get() || registering.get());

    let name_error = move || {
        if let Some(found @ (Problem::NameTaken | Problem::BadName)) = &*problem.read() {
            return Some(problem_text(found));
        }
        match checked(&name.read()) {
            Ok(_) => None,
            Err(NameFault::TooShort) => left_name.get().then(|| tr("create-name-short")),
            Err(NameFault::TooLong) => Some(tr("create-name-long")),
            Err(NameFault::Start) => Some(tr("create-name-start")),
            Err(NameFault::Letters) => Some(tr("create-name-letters")),
        }
    };
    let invite_error = move || match &*problem.read() {
        Some(Problem::InviteNeeded) => Some(tr("create-invite-needed")),
        _ => None,
    };
    let other_error = move || match &*problem.read() {
        None | Some(Problem::NameTaken | Problem::BadName | Problem::InviteNeeded) => None,
        Some(found) => Some(problem_text(found)),
    };
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        left_name.set(true);
        let Ok(username) = checked(&name.read_untracked()) else {
            if let Some(input) = name_node.get_untracked() {
                browser::focus(&input);
            }
            return;
        };
        if asking.get_untracked() {
            return;
        }
        asking.set(true);
        problem.set(None);
        state.rejected.set(None);
        let given = device_name.get_untracked().trim().to_owned();
        let ask = Ask::Register {
            username: username.to_string(),
            device_name: if given.is_empty() { device::suggested_name() } else { given },
            invite: Some(invite.get_untracked().trim().to_owned()).filter(|invite| !invite.is_empty()),
        };
        leptos::task::spawn_local(async move {
            match actions::done(state, ask).await {
                Ok(()) => {
                    // Now that there is something to lose. Whether it was granted is said in the notices.
                    storage::ask_persistent().await;
                    asking.try_set(false);
                }
                Err(found) => settle(found),
            }
        });
    };
    view! {
        <StepHead title=text("create-title") what=text("create-what")/>
        <form class="step-form" on:submit=submit novalidate=true>
            <Field
                id="create-name"
                label=text("create-name")
                value=name
                hint=text("create-name-hint")
                error=Signal::derive(name_error)
                exact=true
                autocomplete="username"
                max=64
                on_leave=move |()| left_name.set(!name.read_untracked().is_empty())
                node=name_node
            />
            <Show when=move || wants_invite.get()>
                <Field
                    id="create-invite"
                    label=text("create-invite")
                    value=invite
                    hint=text("create-invite-hint")
                    error=Signal::derive(invite_error)
                    exact=true
                    node=invite_node
                />
            </Show>
            <Field
                id="create-device"
                label=text("device-name")
                value=device_name
                hint=text("device-name-hint")
                max=64
            />
            <p class="error" role="alert">{other_error}</p>
            <button type="submit" class="button primary wide" prop:disabled=busy>{text("create-submit")}</button>
            <Show when=move || busy.get()>
                <Busy what=text("create-busy")/>
            </Show>
        </form>
    }
}
