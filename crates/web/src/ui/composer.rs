//! What is being written.

use std::time::Duration;

use diario_protocol::ConversationId;
use diario_web_api::{Ask, ConversationRow};
use leptos::html;
use leptos::leptos_dom::helpers::TimeoutHandle;
use leptos::prelude::*;
use wasm_bindgen::JsCast as _;
use web_sys::{HtmlTextAreaElement, KeyboardEvent};

use crate::actions;
use crate::model::draft::{Kept, given_back};
use crate::state::{State, clock, use_state};
use crate::text::{tr, tr_args};
use crate::ui::conversation::OpenThread;
use crate::ui::icons::{Icon, icon};
use crate::ui::{browser, naming};

/// How long after the last key a draft is kept.
const DRAFT: Duration = Duration::from_millis(700);
/// How often others are told that one types.
const TYPING_MS: u64 = 3_000;

/// The box for writing; a sentence in its place where one can only read.
#[component]
pub(crate) fn Composer(row: RwSignal<ConversationRow>, thread: OpenThread) -> impl IntoView {
    let open = Memo::new(move |_| row.read().open);
    move || {
        if open.get() {
            view! { <Writing row thread/> }.into_any()
        } else {
            view! { <p class="composer closed">{tr("composer-left")}</p> }.into_any()
        }
    }
}

/// The draft of one conversation. Copies mean the same.
#[derive(Clone, Copy)]
struct Draft {
    state: State,
    conversation: ConversationId,
    /// What is in the box.
    text: RwSignal<String>,
    /// What the engine has of it, as far as known here.
    kept: StoredValue<Kept>,
    timer: StoredValue<Option<TimeoutHandle>>,
    typed: StoredValue<u64>,
}

impl Draft {
    /// The box was changed by hand.
    fn touched(self) {
        if let Some(timer) = self.timer.get_value() {
            timer.clear();
        }
        let timer = set_timeout_with_handle(move || self.keep(), DRAFT);
        self.timer.set_value(timer.ok());
        let now = clock();
        let silent = self.text.with_untracked(|text| text.trim().is_empty());
        if !silent && now.abs_diff(self.typed.get_value()) >= TYPING_MS {
            self.typed.set_value(now);
            self.state.hint(Ask::Typing(self.conversation));
        }
    }

    /// Keeps what is in the box, if it is not kept yet.
    fn keep(self) {
        if let Some(timer) = self.timer.try_update_value(Option::take).flatten() {
            timer.clear();
        }
        let asked = self.text.try_with_untracked(|text| self.kept.try_update_value(|kept| kept.keep(text)));
        let Some(text) = asked.flatten().flatten() else { return };
        let Self { state, conversation, .. } = self;
        leptos::task::spawn_local(async move {
            // That a draft is not kept is no problem of anybody's before it is lost; it is tried again with the next key.
            let done = state.ask(Ask::Draft { conversation, text }).await.is_ok();
            self.answered(done);
        });
    }

    /// The engine told what it keeps.
    fn came(self, told: &str) {
        let new = self.kept.try_update_value(|kept| {
            let there = self.text.try_get_untracked().unwrap_or_default();
            kept.told(told, &there)
        });
        if let Some(new) = new.flatten() {
            self.text.set(new);
        }
    }

    fn answered(self, done: bool) {
        let told = self.state.row_now(self.conversation).map(|row| row.draft).unwrap_or_default();
        self.kept.try_update_value(|kept| kept.answered(done, &told));
    }

    /// Sends what is in the box. Whether there was anything.
    fn send(self) -> bool {
        let text = self.text.try_with_untracked(|text| text.trim().to_owned());
        let Some(text) = text.filter(|text| !text.is_empty()) else { return false };
        if let Some(timer) = self.timer.try_update_value(Option::take).flatten() {
            timer.clear();
        }
        self.kept.update_value(Kept::send);
        self.text.set(String::new());
        self.typed.set_value(0);
        let salt = actions::random();
        leptos::task::spawn_local(async move {
            let sent = actions::send(self.state, self.conversation, text.clone(), salt).await;
            self.answered(sent.is_ok());
            if let Err(problem) = sent {
                self.give_back(&text);
                self.state.problem(problem);
            }
        });
        true
    }

    /// What could not be sent is not lost: it is in the box again, or, if the box is gone, in the draft.
    fn give_back(self, failed: &str) {
        let there = self.text.try_get_untracked();
        if let Some(there) = there {
            self.text.set(given_back(failed, &there));
            self.touched();
        } else if let Some(row) = self.state.row_now(self.conversation) {
            let text = given_back(failed, &row.draft);
            self.state.fire(Ask::Draft { conversation: self.conversation, text });
        }
    }
}

#[component]
fn Writing(row: RwSignal<ConversationRow>, thread: OpenThread) -> impl IntoView {
    let state = use_state();
    let field = NodeRef::<html::Textarea>::new();
    let (conversation, first) = row.with_untracked(|row| (row.id, row.draft.clone()));
    let draft = Draft {
        state,
        conversation,
        text: RwSignal::new(first.clone()),
        kept: StoredValue::new(Kept::new(first)),
        timer: StoredValue::new(None),
        typed: StoredValue::new(0),
    };
    let came = Memo::new(move |_| row.read().draft.clone());
    Effect::new(move |_| draft.came(&came.read()));
    Effect::new(move |_| {
        draft.text.track();
        if let Some(field) = field.get() {
            grow(&field);
        }
    });
    let hidden = window_event_listener(leptos::ev::visibilitychange, move |_| draft.keep());
    on_cleanup(move || {
        hidden.remove();
        draft.keep();
    });
    let nothing = Memo::new(move |_| draft.text.read().trim().is_empty());
    let send = move || {
        if draft.send() {
            thread.to_newest();
        }
    };
    view! {
        <form class="composer" on:submit=move |event| {
            event.prevent_default();
            send();
        }>
            <textarea
                class="composer-box scroll"
                id="composer"
                rows="1"
                dir="auto"
                autocomplete="off"
                enterkeyhint=if browser::is_touch() { "enter" } else { "send" }
                aria-label=move || tr_args("composer-label", &[("title", naming::title(&row.read()).into())])
                placeholder=move || tr("composer-placeholder")
                node_ref=field
                bind:value=draft.text
                on:input=move |_| draft.touched()
                on:keydown=move |event| {
                    if sends(&event) {
                        event.prevent_default();
                        send();
                    }
                }
            ></textarea>
            <button
                type="submit"
                class="composer-send"
                aria-label=move || tr("composer-send")
                title=move || tr("composer-send")
                aria-disabled=move || nothing.get().to_string()
                // The field keeps the focus, and the keyboard of a phone stays.
                on:pointerdown=|event| event.prevent_default()
                on:mousedown=|event| event.prevent_default()
            >
                {icon(Icon::Send)}
            </button>
        </form>
    }
}

/// Whether this key sends. Not while an input method composes: its Enter takes what it proposes.
fn sends(event: &KeyboardEvent) -> bool {
    let composing = event.is_composing() || event.key_code() == 229;
    event.key() == "Enter" && !event.shift_key() && !event.alt_key() && !composing && !browser::is_touch()
}

/// Makes the box as high as its text; the style sheet says up to where. Browsers that do it themselves are left to.
fn grow(field: &HtmlTextAreaElement) {
    if css_supports("field-sizing", "content") {
        return;
    }
    // By CSSOM; without it the box scrolls.
    let style = web_sys::HtmlElement::style(field);
    let _ = style.set_property("block-size", "auto");
    let _ = style.set_property("block-size", &format!("{}px", field.scroll_height() + 2));
}

fn css_supports(property: &str, value: &str) -> bool {
    let css = js_sys::Reflect::get(&js_sys::global(), &"CSS".into()).ok();
    let supports = css.as_ref().and_then(|css| js_sys::Reflect::get(css, &"supports".into()).ok());
    let supports = supports.and_then(|supports| supports.dyn_into::<js_sys::Function>().ok());
    match (css, supports) {
        (Some(css), Some(supports)) => {
            supports.call2(&css, &property.into(), &value.into()).is_ok_and(|answer| answer.is_truthy())
        }
        _ => false,
    }
}
