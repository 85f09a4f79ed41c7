//! Recovering an account in this browser: its recovery key or a passkey, then which of its devices stay.

use std::collections::BTreeSet;

use diario_protocol::{DeviceId, Nonce};
use diario_web_api::{Ask, CheckedWords, LostDevice, Problem, Proof, RecoverStep, RecoveryAsk};
use leptos::ev::SubmitEvent;
use leptos::html;
use leptos::prelude::*;

use super::device_item::{DeviceItem, shown_name};
use super::parts::{Busy, Field};
use super::picture::{Picture, picture};
use super::problem::problem_text;
use super::recovery::fault_text;
use super::welcome::StepHead;
use crate::actions;
use crate::model::username::checked;
use crate::pwa::{device, passkey, storage};
use crate::state::use_state;
use crate::text::{text, tr, tr_args};
use crate::ui::browser;

/// The steps.
#[component]
pub(super) fn Recover() -> impl IntoView {
    let state = use_state();
    state.recover.set(None);
    let busy = RwSignal::new(false);
    let problem = RwSignal::new(None::<String>);
    let device_name = RwSignal::new(device::suggested_name());
    // What was chosen stays chosen when the connection is made anew, and the vault opened again.
    let gone = RwSignal::new(BTreeSet::<DeviceId>::new());
    on_cleanup(move || {
        if !matches!(*state.recover.read_untracked(), Some(RecoverStep::Done)) {
            state.hint(Ask::Recovery(RecoveryAsk::Cancel));
        }
        state.recover.set(None);
    });
    Effect::new(move || match state.recover.get() {
        Some(RecoverStep::Failed(found)) => {
            busy.set(false);
            problem.set(Some(problem_text(&found)));
        }
        Some(RecoverStep::Done) => {
            // Whether it was granted is said in the notices.
            leptos::task::spawn_local(async {
                let _ = storage::ask_persistent().await;
            });
        }
        _ => {}
    });
    let begin = move |by: Proof| {
        busy.set(true);
        problem.set(None);
        state.recover.set(None);
        gone.update(BTreeSet::clear);
        let given = device_name.get_untracked().trim().to_owned();
        let device_name = if given.is_empty() { device::suggested_name() } else { given };
        leptos::task::spawn_local(async move {
            let ask = Ask::Recovery(RecoveryAsk::Begin { by, device_name });
            if let Err(found) = actions::done(state, ask).await {
                busy.try_set(false);
                problem.try_set(Some(problem_text(&found)));
            }
        });
    };
    let by_passkey = move |_| {
        if busy.get_untracked() {
            return;
        }
        busy.set(true);
        problem.set(None);
        leptos::task::spawn_local(async move {
            match passkey::get(None).await {
                Ok(used) => {
                    begin(Proof::Passkey { handle: used.handle.into(), output: Nonce::new(used.output) });
                }
                Err(fault) => {
                    busy.try_set(false);
                    problem.try_set(Some(tr(fault_text(fault))));
                }
            }
        });
    };
    view! {
        <StepHead title=text("recover-title") what=text("recover-what")/>
        {move || match state.recover.get() {
            Some(RecoverStep::Opened { username, devices, most }) => {
                view! { <Choose username devices most gone/> }.into_any()
            }
            Some(RecoverStep::Done) => view! { <Busy what=text("recover-done")/> }.into_any(),
            _ => view! {
                <ByWords busy problem begin device_name/>
                {passkey::is_supported().then(|| view! {
                    <div class="recover-or">
                        <p class="hint">{text("recover-or")}</p>
                        <button type="button" class="button wide" prop:disabled=busy on:click=by_passkey>
                            {picture(Picture::Passkey)}
                            <span>{text("recover-by-passkey")}</span>
                        </button>
                    </div>
                })}
            }
            .into_any(),
        }}
    }
}

#[component]
fn ByWords(
    busy: RwSignal<bool>,
    problem: RwSignal<Option<String>>,
    #[prop(into)] begin: Callback<Proof>,
    device_name: RwSignal<String>,
) -> impl IntoView {
    let state = use_state();
    let name = RwSignal::new(String::new());
    let words = RwSignal::new(String::new());
    let check = RwSignal::new(CheckedWords::default());
    let name_node = NodeRef::<html::Input>::new();
    let words_node = NodeRef::<html::Textarea>::new();
    name_node.on_load(|input| browser::focus(&input));
    Effect::new(move || {
        let text = words.get();
        leptos::task::spawn_local(async move {
            if let Ok(found) = actions::check_words(state, text.clone()).await
                && words.try_get_untracked().is_some_and(|now| now == text)
            {
                check.set(found);
            }
        });
    });
    let complete = move |word: String| {
        words.update(|text| {
            let end = text.trim_end().len();
            text.truncate(end);
            let last = text.rfind(char::is_whitespace).map_or(0, |at| at + 1);
            text.truncate(last);
            text.push_str(&word);
            text.push(' ');
        });
        if let Some(node) = words_node.get_untracked() {
            browser::focus(&node);
        }
    };
    let said = move || {
        let check = check.get();
        match check.unknown.first() {
            Some(number) => tr_args("problem-unknown-word", &[("number", (*number).into())]),
            None if check.good => tr("recover-words-good"),
            None if check.count == 24 => tr("problem-words-wrong"),
            None => tr_args("recover-words-count", &[("count", check.count.into())]),
        }
    };
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        if busy.get_untracked() {
            return;
        }
        let Ok(username) = checked(&name.read_untracked()) else {
            problem.set(Some(problem_text(&Problem::BadName)));
            if let Some(input) = name_node.get_untracked() {
                browser::focus(&input);
            }
            return;
        };
        begin.run(Proof::Words { username: username.to_string(), words: words.get_untracked() });
    };
    view! {
        <form class="step-form" on:submit=submit novalidate=true>
            <Field
                id="recover-name"
                label=text("create-name")
                value=name
                hint=text("recover-name-hint")
                exact=true
                autocomplete="username"
                max=64
                node=name_node
            />
            <div class="field">
                <label for="recover-words">{text("recover-words")}</label>
                <textarea
                    class="input words-input"
                    id="recover-words"
                    rows="4"
                    autocomplete="off"
                    autocapitalize="none"
                    spellcheck="false"
                    dir="ltr"
                    translate="no"
                    maxlength="1000"
                    aria-describedby="recover-words-said"
                    bind:value=words
                    node_ref=words_node
                ></textarea>
                <p class="hint" id="recover-words-said" role="status">{said}</p>
                <div class="completions">
                    <For each=move || check.get().completions key=|word| word.clone() let:word>
                        {
                            let chosen = word.clone();
                            view! {
                                <button type="button" class="button small" on:click=move |_| complete(chosen.clone())>
                                    {word}
                                </button>
                            }
                        }
                    </For>
                </div>
            </div>
            <Field
                id="recover-device"
                label=text("device-name")
                value=device_name
                hint=text("device-name-hint")
                max=64
            />
            <p class="error" role="alert">{move || problem.get()}</p>
            <button type="submit" class="button primary wide" prop:disabled=busy>{text("recover-submit")}</button>
            <Show when=move || busy.get()>
                <Busy what=text("recover-busy")/>
            </Show>
        </form>
    }
}

#[component]
fn Choose(
    username: String,
    devices: Vec<LostDevice>,
    most: u16,
    gone: RwSignal<BTreeSet<DeviceId>>,
) -> impl IntoView {
    let state = use_state();
    let busy = RwSignal::new(false);
    let problem = RwSignal::new(None::<Problem>);
    let total = devices.len();
    let full = move || total.saturating_sub(gone.read().len()) >= usize::from(most);
    let all = StoredValue::new(devices.iter().map(|device| device.id).collect::<BTreeSet<_>>());
    let heading = NodeRef::<html::H2>::new();
    heading.on_load(|heading| browser::focus(&heading));
    let row = move |device: LostDevice| {
        let id = device.id;
        let name = StoredValue::new(device.name);
        let shown = move || name.with_value(|name| shown_name(name));
        view! {
            <DeviceItem name primary=device.primary seen=device.seen>
                <label class="choice">
                    <input
                        type="checkbox"
                        prop:checked=move || !gone.read().contains(&id)
                        on:change:target=move |event| {
                            let stays = event.target().checked();
                            gone.update(|gone| {
                                if stays {
                                    gone.remove(&id);
                                } else {
                                    gone.insert(id);
                                }
                            });
                        }
                        aria-label=move || tr_args("recover-keep-name", &[("name", shown().into())])
                    />
                    <span>{text("recover-keep")}</span>
                </label>
            </DeviceItem>
        }
    };
    let finish = move |_| {
        if busy.get_untracked() {
            return;
        }
        busy.set(true);
        problem.set(None);
        let gone = gone.get_untracked().into_iter().collect();
        leptos::task::spawn_local(async move {
            if let Err(found) = actions::done(state, Ask::Recovery(RecoveryAsk::Finish(gone))).await {
                busy.try_set(false);
                problem.try_set(Some(found));
            }
        });
    };
    let devices_title = if total == 0 { "recover-no-devices" } else { "recover-devices" };
    view! {
        <h2 tabindex="-1" class="key-title" node_ref=heading>
            {move || tr_args("recover-welcome", &[("name", username.clone().into())])}
        </h2>
        <p class="lead">{text(devices_title)}</p>
        <ul class="items">{devices.into_iter().map(row).collect_view()}</ul>
        {(total > 0).then(|| view! {
            <button type="button" class="button quiet" on:click=move |_| gone.set(all.get_value())>
                {text("recover-none-stay")}
            </button>
        })}
        <p class="error" role="alert">
            {move || full().then(|| problem_text(&Problem::DeviceLimit(most.into())))}
            {move || problem.get().map(|problem| problem_text(&problem))}
        </p>
        <button
            type="button"
            class="button primary wide"
            prop:disabled=move || busy.get() || full()
            on:click=finish
        >
            {text("recover-finish")}
        </button>
        <Show when=move || busy.get()>
            <Busy what=text("recover-busy")/>
        </Show>
    }
}
