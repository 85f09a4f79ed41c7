//! Finding people by their exact names, and gathering them.

use diario_protocol::AccountId;
use diario_web_api::{Connection, Problem};
use leptos::ev::SubmitEvent;
use leptos::html;
use leptos::prelude::*;

use super::parts::{Field, pause};
use super::problem::problem_text;
use crate::actions;
use crate::model::username::checked;
use crate::state::{State, use_state};
use crate::text::{text, tr, tr_args};
use crate::ui::icons::{Icon, icon};
use crate::ui::{avatar, browser};

/// How often a name is looked up again while a connection is being made, and after how long.
const TRIES: u32 = 10;
const TRY_AFTER_MS: u64 = 400;

/// Somebody who was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Person {
    /// The account.
    pub(super) account: AccountId,
    /// Its name.
    pub(super) name: String,
}

/// Whose name it is; else what to tell the user.
pub(super) async fn find(state: State, typed: &str) -> Result<Person, String> {
    let name = checked(typed).map_err(|_| problem_text(&Problem::BadName))?.to_string();
    let mut found = actions::look_up(state, name.clone()).await;
    // A page that was just opened is still about to be connected.
    for _ in 0..TRIES {
        let coming = matches!(
            state.status.read_untracked().connection,
            Connection::Connecting | Connection::CatchingUp
        );
        if !coming || !matches!(found, Err(Problem::Offline | Problem::NotYet)) {
            break;
        }
        pause(TRY_AFTER_MS).await;
        found = actions::look_up(state, name.clone()).await;
    }
    match found {
        Ok(Some(account)) => Ok(Person { account, name }),
        Ok(None) => Err(tr_args("find-nobody", &[("name", name.into())])),
        Err(Problem::Offline) => Err(tr("find-offline")),
        Err(problem) => Err(problem_text(&problem)),
    }
}

/// A field for names; who is found is added to `people` and shown as a chip that can be taken away again.
#[component]
pub(super) fn Gather(
    /// Of which the ids are made.
    id: &'static str,
    /// Who was found.
    people: RwSignal<Vec<Person>>,
    /// Who is there already, so that nobody is added twice.
    #[prop(into)]
    there: Signal<Vec<AccountId>>,
) -> impl IntoView {
    let state = use_state();
    let typed = RwSignal::new(String::new());
    let error = RwSignal::new(None::<String>);
    let finding = RwSignal::new(false);
    let node = NodeRef::<html::Input>::new();
    Effect::new(move || {
        typed.track();
        error.set(None);
    });
    let add = move |event: SubmitEvent| {
        event.prevent_default();
        let name = typed.get_untracked();
        if name.trim().is_empty() || finding.get_untracked() {
            return;
        }
        finding.set(true);
        leptos::task::spawn_local(async move {
            let found = find(state, &name).await;
            // Gone elsewhere meanwhile: there is nobody to tell.
            if finding.try_set(false).is_some() {
                return;
            }
            let own = state.account.read_untracked().as_ref().map(|account| account.account);
            let refused = match found {
                Ok(person) if own == Some(person.account) => Some(tr("find-self")),
                Ok(person)
                    if there.try_get_untracked().unwrap_or_default().contains(&person.account)
                        || people.try_get_untracked().unwrap_or_default().contains(&person) =>
                {
                    Some(tr_args("find-twice", &[("name", person.name.into())]))
                }
                Ok(person) => {
                    people.try_update(|people| people.push(person));
                    typed.try_set(String::new());
                    None
                }
                Err(why) => Some(why),
            };
            if let Some(why) = refused {
                // After the field's own change was told.
                request_animation_frame(move || drop(error.try_set(Some(why))));
            }
            if let Some(input) = node.try_get_untracked().flatten() {
                browser::focus(&input);
            }
        });
    };
    let take_away = move |account: AccountId| {
        people.update(|people| people.retain(|person| person.account != account));
        if let Some(input) = node.get_untracked() {
            browser::focus(&input);
        }
    };
    view! {
        <form class="gather" on:submit=add novalidate=true>
            <Field
                id=id
                label=text("gather-label")
                value=typed
                hint=text("gather-hint")
                error=error
                exact=true
                max=64
                node=node
            />
            <button type="submit" class="button" prop:disabled=finding>{text("gather-add")}</button>
        </form>
        <ul class="chips" aria-label=text("gather-chosen")>
            <For each=move || people.get() key=|person| person.account let:person>
                <li class="chip">
                    {avatar::person(person.account, &person.name)}
                    <bdi>{person.name.clone()}</bdi>
                    <button
                        type="button"
                        class="chip-away"
                        aria-label=move || tr_args("gather-remove", &[("name", person.name.as_str().into())])
                        on:click=move |_| take_away(person.account)
                    >
                        {icon(Icon::Close)}
                    </button>
                </li>
            </For>
        </ul>
    }
}
