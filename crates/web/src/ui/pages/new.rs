//! Beginning a conversation.

use leptos::ev::SubmitEvent;
use leptos::html;
use leptos::prelude::*;

use super::members::find;
use super::new_group::NewGroup;
use super::parts::{Field, Page};
use super::problem::problem_text;
use crate::actions;
use crate::model::Place;
use crate::state::use_state;
use crate::text::{text, tr};
use crate::ui::browser;

/// The page: with one person, or a group.
#[component]
pub(crate) fn NewConversation() -> impl IntoView {
    let group = RwSignal::new(false);
    view! {
        <Page title=text("new-title")>
            <div class="tabs" role="group" aria-label=text("new-kind")>
                <button
                    type="button"
                    aria-pressed=move || (!group.get()).to_string()
                    on:click=move |_| group.set(false)
                >
                    {text("new-person")}
                </button>
                <button type="button" aria-pressed=move || group.get().to_string() on:click=move |_| group.set(true)>
                    {text("new-group")}
                </button>
            </div>
            {move || if group.get() {
                view! { <NewGroup/> }.into_any()
            } else {
                view! { <NewDirect/> }.into_any()
            }}
        </Page>
    }
}

#[component]
fn NewDirect() -> impl IntoView {
    let state = use_state();
    let typed = RwSignal::new(String::new());
    let error = RwSignal::new(None::<String>);
    let finding = RwSignal::new(false);
    let node = NodeRef::<html::Input>::new();
    node.on_load(|input| browser::focus(&input));
    Effect::new(move || {
        typed.track();
        error.set(None);
    });
    let open = move |event: SubmitEvent| {
        event.prevent_default();
        if finding.get_untracked() {
            return;
        }
        finding.set(true);
        let name = typed.get_untracked();
        leptos::task::spawn_local(async move {
            let opened = async {
                let person = find(state, &name).await?;
                let own = state.account.read_untracked().as_ref().map(|account| account.account);
                if own == Some(person.account) {
                    return Err(tr("find-self"));
                }
                actions::direct(state, person.account).await.map_err(|problem| problem_text(&problem))
            };
            let opened = opened.await;
            finding.try_set(false);
            match opened {
                // Whoever has gone elsewhere meanwhile stays there.
                Ok(id) if state.nav.place_now() == Place::New => state.nav.replace(Place::Conversation(id)),
                Ok(_) => {}
                Err(why) => {
                    error.try_set(Some(why));
                    if let Some(input) = node.try_get_untracked().flatten() {
                        browser::focus(&input);
                    }
                }
            }
        });
    };
    view! {
        <form class="step-form" on:submit=open novalidate=true>
            <Field
                id="new-name"
                label=text("new-name")
                value=typed
                hint=text("new-name-hint")
                error=error
                exact=true
                max=64
                node=node
            />
            <button type="submit" class="button primary" prop:disabled=finding>
                {move || tr(if finding.get() { "new-finding" } else { "new-open" })}
            </button>
        </form>
    }
}
