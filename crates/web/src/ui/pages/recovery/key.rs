//! A new recovery key: the words, once; three of them asked; done.

use diario_web_api::{Ask, Problem, RecoveryAsk};
use leptos::ev::SubmitEvent;
use leptos::html;
use leptos::prelude::*;
use wasm_bindgen_futures::JsFuture;

use super::super::parts::{Busy, Field};
use super::super::problem::problem_text;
use super::load;
use crate::actions;
use crate::state::use_state;
use crate::text::{self, Language, text, tr, tr_args};
use crate::ui::browser;

/// A key, as long as it is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Key {
    words: Vec<String>,
    asked: Vec<u8>,
}

/// How far it has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Show,
    Ask,
    Done,
}

/// Makes a key, shows it, and sees that it was written down.
#[component]
pub(crate) fn NewKey(
    /// Called when it is over; whether there is a key now.
    #[prop(into)]
    done: Callback<bool>,
    /// Whether nothing stands above it that says what the page is about.
    #[prop(optional)]
    alone: bool,
) -> impl IntoView {
    let state = use_state();
    let italian = RwSignal::new(text::language() == Language::It);
    let key = RwSignal::new(None::<Key>);
    let step = RwSignal::new(Step::Show);
    let failed = RwSignal::new(None::<Problem>);
    let make = move || {
        key.set(None);
        failed.set(None);
        let italian = italian.get_untracked();
        leptos::task::spawn_local(async move {
            match actions::make_recovery_key(state, italian).await {
                Ok((words, asked)) => drop(key.try_set(Some(Key { words, asked }))),
                Err(problem) => drop(failed.try_set(Some(problem))),
            }
        });
    };
    make();
    let language = move |to: bool| {
        italian.set(to);
        make();
    };
    view! {
        {move || match (step.get(), key.get()) {
            _ if failed.read().is_some() => view! {
                <p class="error" role="alert">{move || failed.get().map(|problem| problem_text(&problem))}</p>
                <button type="button" class="button" on:click=move |_| done.run(false)>{text("dialog-cancel")}</button>
            }
            .into_any(),
            (_, None) => view! { <Busy what=text("recovery-making")/> }.into_any(),
            (Step::Show, Some(key)) => view! {
                <Words alone key next=move |()| step.set(Step::Ask) italian language/>
                <button type="button" class="button quiet" on:click=move |_| done.run(false)>{text("dialog-cancel")}</button>
            }
            .into_any(),
            (Step::Ask, Some(key)) => view! {
                <Asked
                    alone
                    asked=key.asked
                    back=move |()| step.set(Step::Show)
                    next=move |()| {
                        load(state);
                        step.set(Step::Done);
                    }
                />
            }
            .into_any(),
            (Step::Done, Some(_)) => view! { <Finished alone done/> }.into_any(),
        }}
    }
}

/// The heading of a step; `focus`: unless something else in it takes the focus.
fn title(alone: bool, focus: bool, key: &'static str) -> AnyView {
    if alone {
        let heading = NodeRef::<html::H1>::new();
        if focus {
            heading.on_load(|heading| browser::focus(&heading));
        }
        view! { <h1 tabindex="-1" class="key-title" node_ref=heading>{text(key)}</h1> }.into_any()
    } else {
        let heading = NodeRef::<html::H2>::new();
        if focus {
            heading.on_load(|heading| browser::focus(&heading));
        }
        view! { <h2 tabindex="-1" class="key-title" node_ref=heading>{text(key)}</h2> }.into_any()
    }
}

#[component]
fn Words(
    alone: bool,
    key: Key,
    #[prop(into)] next: Callback<()>,
    italian: RwSignal<bool>,
    #[prop(into)] language: Callback<bool>,
) -> impl IntoView {
    let copied = RwSignal::new(false);
    let line = StoredValue::new(key.words.join(" "));
    let copy = move |_| {
        let writing = window().navigator().clipboard().write_text(&line.get_value());
        leptos::task::spawn_local(async move {
            copied.try_set(JsFuture::from(writing).await.is_ok());
        });
    };
    let words = key.words.into_iter().map(|word| view! { <li><span>{word}</span></li> }).collect_view();
    view! {
        {title(alone, true, "key-title")}
        <p class="lead">{text("key-what")}</p>
        <ol class="key-words" dir="ltr" translate="no" aria-label=text("key-title")>{words}</ol>
        <div class="key-buttons">
            <button type="button" class="button" on:click=copy>
                {move || tr(if copied.get() { "key-copied" } else { "key-copy" })}
            </button>
            <button type="button" class="button" on:click=move |_| {
                // Refused where there is no printer to ask for: the words can be written by hand.
                let _ = window().print();
            }>{text("key-print")}</button>
            <button type="button" class="button quiet" on:click=move |_| language.run(!italian.get_untracked())>
                {move || tr(if italian.get() { "key-in-english" } else { "key-in-italian" })}
            </button>
        </div>
        <p class="note">{text("key-keep")}</p>
        <button type="button" class="button primary wide" on:click=move |_| next.run(())>{text("key-written")}</button>
    }
}

#[component]
fn Asked(
    alone: bool,
    asked: Vec<u8>,
    #[prop(into)] back: Callback<()>,
    #[prop(into)] next: Callback<()>,
) -> impl IntoView {
    let state = use_state();
    let values: [RwSignal<String>; 3] = std::array::from_fn(|_| RwSignal::new(String::new()));
    let wrong = RwSignal::new(None::<Problem>);
    let busy = RwSignal::new(false);
    let first = NodeRef::<html::Input>::new();
    first.on_load(|input| browser::focus(&input));
    let numbers: [u8; 3] = std::array::from_fn(|i| asked.get(i).copied().unwrap_or_default());
    let error = move |i: usize| {
        Signal::derive(move || match &*wrong.read() {
            Some(problem @ Problem::WrongWord(n)) if *n == u64::from(numbers[i]) => {
                Some(problem_text(problem))
            }
            _ => None,
        })
    };
    let label = move |i: usize| Signal::derive(move || tr_args("key-word", &[("number", numbers[i].into())]));
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        if busy.get_untracked() {
            return;
        }
        busy.set(true);
        wrong.set(None);
        let words = values.map(|value| value.get_untracked()).to_vec();
        leptos::task::spawn_local(async move {
            let confirmed = actions::done(state, Ask::Recovery(RecoveryAsk::Confirm(words))).await;
            busy.try_set(false);
            match confirmed {
                Ok(()) => drop(next.try_run(())),
                Err(problem) => drop(wrong.try_set(Some(problem))),
            }
        });
    };
    let other = move || match &*wrong.read() {
        None | Some(Problem::WrongWord(_)) => None,
        Some(problem) => Some(problem_text(problem)),
    };
    view! {
        {title(alone, false, "key-ask-title")}
        <p class="lead">{text("key-ask-what")}</p>
        <form class="step-form" on:submit=submit novalidate=true>
            <Field id="key-word-1" label=label(0) value=values[0] error=error(0) exact=true max=20 node=first/>
            <Field id="key-word-2" label=label(1) value=values[1] error=error(1) exact=true max=20/>
            <Field id="key-word-3" label=label(2) value=values[2] error=error(2) exact=true max=20/>
            <p class="error" role="alert">{other}</p>
            <button type="submit" class="button primary wide" prop:disabled=busy>{text("key-confirm")}</button>
            <button type="button" class="button quiet wide" on:click=move |_| back.run(())>{text("key-again")}</button>
        </form>
    }
}

#[component]
fn Finished(alone: bool, #[prop(into)] done: Callback<bool>) -> impl IntoView {
    let state = use_state();
    let ready = move || {
        let methods = state.methods.read();
        methods.as_ref().is_some_and(|methods| methods.iter().any(|m| !m.passkey && m.ready))
    };
    let button = NodeRef::<html::Button>::new();
    button.on_load(|button| browser::focus(&button));
    view! {
        {title(alone, false, "key-done-title")}
        <p class="lead" role="status">{move || tr(if ready() { "key-done" } else { "key-done-soon" })}</p>
        <button type="button" class="button primary" node_ref=button on:click=move |_| done.run(true)>
            {text("key-done-close")}
        </button>
    }
}
