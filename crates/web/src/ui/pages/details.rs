//! Who is in a conversation, and what can be done with it.

use diario_protocol::{AccountId, ConversationId, ConversationKind};
use diario_web_api::{Ask, ConversationRow, Member, Problem, Trust};
use leptos::ev::SubmitEvent;
use leptos::prelude::*;

use super::dialog::Confirm;
use super::export::ExportCard;
use super::key_changed::KeyChanged;
use super::members::{Gather, Person};
use super::parts::{Busy, Card, Field, Page, Switch};
use super::problem::problem_text;
use super::retention::RetentionCard;
use crate::actions;
use crate::model::Place;
use crate::state::{State, use_state};
use crate::text::{text, tr, tr_args};
use crate::ui::icons::{Icon, icon};
use crate::ui::{avatar, naming};

/// The page.
#[component]
pub(crate) fn Details(
    /// Of which conversation.
    id: ConversationId,
) -> impl IntoView {
    let state = use_state();
    let row = Memo::new(move |_| state.row(id).map(|row| row.get()));
    let known = Memo::new(move |_| row.read().is_some());
    let group =
        Memo::new(move |_| row.read().as_ref().is_some_and(|row| row.kind == ConversationKind::Group));
    let own = Memo::new(move |_| {
        row.read().as_ref().is_some_and(|row| row.kind == ConversationKind::SelfConversation)
    });
    let open = Memo::new(move |_| row.read().as_ref().is_some_and(|row| row.open));
    view! {
        <Page title=text("details-title") below=true>
            {move || if known.get() {
                view! {
                    <div class="details-head">
                        {move || row.read().as_ref().map(avatar::conversation)}
                        <h2><bdi>{move || row.read().as_ref().map(naming::title)}</bdi></h2>
                        {move || own.get().then(|| view! { <p class="hint">{text("details-self")}</p> })}
                    </div>
                    <SafetyCard id row/>
                    <ListCard id row/>
                    <Show when=move || group.get() && open.get()>
                        <TitleCard id row/>
                    </Show>
                    <Show when=move || !own.get()>
                        <MembersCard id group open/>
                    </Show>
                    <RetentionCard id row/>
                    <ExportCard of=Some(id) name=Signal::derive(move || {
                        row.read().as_ref().map(naming::title).unwrap_or_default()
                    })/>
                    <Show when=move || group.get() && open.get()>
                        <LeaveCard id row/>
                    </Show>
                }
                .into_any()
            } else {
                view! { <p class="note">{text("problem-unknown")}</p> }.into_any()
            }}
        </Page>
    }
}

/// The way to the safety number of a direct conversation.
#[component]
fn SafetyCard(id: ConversationId, row: Memo<Option<ConversationRow>>) -> impl IntoView {
    let peer = Memo::new(move |_| {
        let row = row.read();
        row.as_ref().and_then(|row| Some((row.peer?, row.title.clone(), row.trust)))
    });
    move || {
        let (account, name, trust) = peer.get()?;
        let key = if trust == Trust::Verified { "safety-is-verified" } else { "safety-not-verified" };
        Some(view! {
            <Card title=text("safety-title")>
                {if trust.is_changed() {
                    view! { <KeyChanged account name trust done=|()| {}/> }.into_any()
                } else {
                    view! { <p class="hint">{text(key)}</p> }.into_any()
                }}
                <a class="button" href=Place::Safety(id).path()>{icon(Icon::Shield)}<span>{text("safety-open")}</span></a>
            </Card>
        })
    }
}

#[component]
fn ListCard(id: ConversationId, row: Memo<Option<ConversationRow>>) -> impl IntoView {
    let state = use_state();
    let pinned = Memo::new(move |_| row.read().as_ref().is_some_and(|row| row.pinned));
    let muted = Memo::new(move |_| row.read().as_ref().is_some_and(|row| row.muted));
    let arrange = move |pinned, muted| state.fire(Ask::Arrange { conversation: id, pinned, muted });
    view! {
        <Card title=text("details-list")>
            <Switch
                id="pin"
                label=text("details-pin")
                hint=text("details-pin-hint")
                on=pinned
                change=move |on| arrange(on, muted.get_untracked())
            />
            <Switch
                id="mute"
                label=text("details-mute")
                hint=text("details-mute-hint")
                on=muted
                change=move |on| arrange(pinned.get_untracked(), on)
            />
        </Card>
    }
}

#[component]
fn TitleCard(id: ConversationId, row: Memo<Option<ConversationRow>>) -> impl IntoView {
    let state = use_state();
    let now = move || row.read().as_ref().map(|row| row.title.clone()).unwrap_or_default();
    let title = RwSignal::new(untrack(now));
    let error = RwSignal::new(None::<String>);
    let save = move |event: SubmitEvent| {
        event.prevent_default();
        let wanted = title.get_untracked().trim().to_owned();
        if wanted.is_empty() {
            error.set(Some(tr("group-needs-name")));
            return;
        }
        error.set(None);
        leptos::task::spawn_local(async move {
            if let Err(problem) = actions::done(state, Ask::Rename { conversation: id, title: wanted }).await
            {
                error.try_set(Some(problem_text(&problem)));
            }
        });
    };
    let unchanged = move || title.read().trim() == now();
    view! {
        <Card title=text("group-title")>
            <form class="gather" on:submit=save novalidate=true>
                <Field id="details-name" label=text("group-rename") value=title error=error max=100/>
                <button type="submit" class="button" prop:disabled=unchanged>{text("rename-save")}</button>
            </form>
        </Card>
    }
}

#[component]
fn MembersCard(id: ConversationId, group: Memo<bool>, open: Memo<bool>) -> impl IntoView {
    let state = use_state();
    let members = RwSignal::new(None::<Vec<Member>>);
    let people = RwSignal::new(Vec::<Person>::new());
    let error = RwSignal::new(None::<String>);
    let adding = RwSignal::new(false);
    let removing = RwSignal::new(None::<(AccountId, String)>);
    let asked = RwSignal::new(false);
    let fetch = move || {
        leptos::task::spawn_local(async move {
            match actions::members(state, id).await {
                Ok(found) => drop(members.try_set(Some(found))),
                Err(problem) => drop(error.try_set(Some(problem_text(&problem)))),
            }
        });
    };
    // A change of the members is a new entry: the row changes with it.
    let changed =
        Memo::new(move |_| state.row(id).map(|row| (row.read().size, row.read().head, row.read().trust)));
    Effect::new(move || {
        // A memo that nobody reads follows nothing itself.
        let _ = changed.get();
        fetch();
    });
    let settle = move |done: Result<(), Problem>| {
        adding.try_set(false);
        match done {
            Ok(()) => {
                error.try_set(None);
                fetch();
            }
            Err(problem) => drop(error.try_set(Some(problem_text(&problem)))),
        }
    };
    let add = move |_| {
        let accounts: Vec<_> = people.read_untracked().iter().map(|person| person.account).collect();
        if accounts.is_empty() || adding.get_untracked() {
            return;
        }
        adding.set(true);
        leptos::task::spawn_local(async move {
            let done = actions::done(state, Ask::AddMembers { conversation: id, accounts }).await;
            if done.is_ok() {
                people.try_set(Vec::new());
            }
            settle(done);
        });
    };
    let remove = move |()| {
        if let Some((account, _)) = removing.get_untracked() {
            leptos::task::spawn_local(async move {
                settle(actions::done(state, Ask::RemoveMember { conversation: id, account }).await);
            });
        }
    };
    let there = Signal::derive(move || {
        let members = members.read();
        members.as_deref().unwrap_or_default().iter().map(|member| member.account).collect::<Vec<_>>()
    });
    let may = Memo::new(move |_| group.get() && open.get());
    let asked_name = move || removing.get().map(|(_, name)| name).unwrap_or_default();
    view! {
        <Card title=text("details-members")>
            <Show when=move || members.read().is_none() && error.read().is_none()>
                <Busy what=text("details-loading")/>
            </Show>
            <ul class="items">
                <For each=move || members.get().unwrap_or_default() key=|member| (member.account, member.trust) let:member>
                    <MemberRow id member group may on_remove=move |who| {
                        removing.set(Some(who));
                        asked.set(true);
                    }/>
                </For>
            </ul>
            <p class="error" role="alert">{move || error.get()}</p>
            <Show when=move || may.get()>
                <Gather id="details-member" people there/>
                <Show when=move || !people.read().is_empty()>
                    <button type="button" class="button primary" prop:disabled=adding on:click=add>
                        {move || {
                            let count = people.read().len();
                            tr_args("details-add", &[("count", count.into())])
                        }}
                    </button>
                </Show>
            </Show>
            <Confirm
                id="remove-member"
                open=asked
                danger=true
                title=Signal::derive(move || tr_args("remove-title", &[("name", asked_name().into())]))
                yes=text("remove-yes")
                on_yes=remove
            >
                <p>{text("remove-what")}</p>
            </Confirm>
        </Card>
    }
}

#[component]
fn MemberRow(
    id: ConversationId,
    member: Member,
    group: Memo<bool>,
    may: Memo<bool>,
    #[prop(into)] on_remove: Callback<(AccountId, String)>,
) -> impl IntoView {
    let Member { account, username, me, trust } = member;
    let name = StoredValue::new(username.clone());
    view! {
        <li class="item">
            {avatar::person(account, &username)}
            <p class="item-words item-title">
                <bdi>{username}</bdi>
                {me.then(|| view! { <span class="badge here">{text("details-you")}</span> })}
                {(trust == Trust::Verified).then(|| view! { <span class="badge">{text("row-verified")}</span> })}
                {trust.is_changed().then(|| view! { <span class="badge grave">{text("row-key-changed")}</span> })}
            </p>
            <Show when=move || group.get() && !me>
                <a
                    class="icon-button"
                    href=Place::SafetyOf(id, account).path()
                    aria-label=move || tr_args("safety-of", &[("name", name.get_value().into())])
                    title=move || tr_args("safety-of", &[("name", name.get_value().into())])
                >
                    {icon(if trust.is_changed() { Icon::Alert } else { Icon::Shield })}
                </a>
            </Show>
            <Show when=move || may.get() && !me>
                <button
                    type="button"
                    class="button small quiet"
                    aria-label=move || tr_args("details-remove-name", &[("name", name.get_value().into())])
                    on:click=move |_| on_remove.run((account, name.get_value()))
                >
                    {text("details-remove")}
                </button>
            </Show>
        </li>
    }
}

#[component]
fn LeaveCard(id: ConversationId, row: Memo<Option<ConversationRow>>) -> impl IntoView {
    let state = use_state();
    let asked = RwSignal::new(false);
    let title = move || row.read().as_ref().map(naming::title).unwrap_or_default();
    view! {
        <Card title=text("leave-title") kind="grave">
            <p>{text("leave-hint")}</p>
            <button type="button" class="button danger" on:click=move |_| asked.set(true)>{text("leave-open")}</button>
            <Confirm
                id="leave"
                open=asked
                danger=true
                title=Signal::derive(move || tr_args("leave-ask", &[("title", title().into())]))
                yes=text("leave-yes")
                on_yes=move |()| leave(state, id)
            >
                <p>{text("leave-what")}</p>
            </Confirm>
        </Card>
    }
}

fn leave(state: State, id: ConversationId) {
    leptos::task::spawn_local(async move {
        match actions::done(state, Ask::Leave(id)).await {
            Ok(()) if state.nav.place_now() == Place::Details(id) => {
                state.nav.replace(Place::Conversation(id));
            }
            Ok(()) => {}
            Err(problem) => state.problem(problem),
        }
    });
}
