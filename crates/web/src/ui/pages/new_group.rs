//! Beginning a group.

use leptos::prelude::*;

use super::members::{Gather, Person};
use super::parts::Field;
use super::problem::problem_text;
use crate::actions;
use crate::model::Place;
use crate::state::use_state;
use crate::text::{text, tr};

/// Its name and its people.
#[component]
pub(super) fn NewGroup() -> impl IntoView {
    let state = use_state();
    let title = RwSignal::new(String::new());
    let title_error = RwSignal::new(None::<String>);
    let people = RwSignal::new(Vec::<Person>::new());
    let error = RwSignal::new(None::<String>);
    let making = RwSignal::new(false);
    // The same one if it is tried again: a group is not made twice.
    let nonce = actions::random();
    Effect::new(move || {
        title.track();
        title_error.set(None);
    });
    let make = move |_| {
        let name = title.get_untracked().trim().to_owned();
        if name.is_empty() {
            title_error.set(Some(tr("group-needs-name")));
            return;
        }
        if making.get_untracked() {
            return;
        }
        making.set(true);
        error.set(None);
        let members = people.read_untracked().iter().map(|person| person.account).collect();
        leptos::task::spawn_local(async move {
            let made = actions::create_group(state, name, members, nonce).await;
            making.try_set(false);
            match made {
                Ok(id) if state.nav.place_now() == Place::New => state.nav.replace(Place::Conversation(id)),
                Ok(_) => {}
                Err(problem) => drop(error.try_set(Some(problem_text(&problem)))),
            }
        });
    };
    view! {
        <div class="step-form">
            <Field id="group-title" label=text("group-title") value=title error=title_error max=100/>
            <Gather id="group-member" people there=Vec::new()/>
            <p class="error" role="alert">{move || error.get()}</p>
            <button type="button" class="button primary" prop:disabled=making on:click=make>
                {move || tr(if making.get() { "group-making" } else { "group-make" })}
            </button>
        </div>
    }
}
