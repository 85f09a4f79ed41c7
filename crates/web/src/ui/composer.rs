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
    kept: StoredValue<String>,
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
        let Some(text) = self.text.try_get_untracked() else { return };
        let text = if text.trim().is_empty() { String::new() } else { text };
        if self.kept.get_value() != text {
            self.kept.set_value(text.clone());
            self.state.hint(Ask::Draft { conversation: self.conversation, text });
        }
    }

    /// Another device, or another tab, has written: it is taken over unless something else is being written here.
    fn came(self, draft: String) {
        if self.kept.get_value() == draft {
            return;
        }
        let untouched = self.text.with_untracked(|text| text.is_empty() || *text == self.kept.get_value());
        self.kept.set_value(draft.clone());
        if untouched {
            self.text.set(draft);
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
        kept: StoredValue::new(first),
        timer: StoredValue::new(None),
        typed: StoredValue::new(0),
    };
    let came = Memo::new(move |_| row.read().draft.clone());
    Effect::new(move |_| draft.came(came.get()));
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
        let Some(text) = draft.text.try_get_untracked().filter(|text| !text.trim().is_empty()) else {
            return;
        };
        let text = text.trim().to_owned();
        let salt = actions::random();
        draft.text.set(String::new());
        draft.typed.set_value(0);
        draft.keep();
        thread.to_newest();
        leptos::task::spawn_local(async move {
            if let Err(problem) = actions::send(state, conversation, text.clone(), salt).await {
                // It is not lost: it is in the box again, unless something else is there by now.
                if draft.text.try_with_untracked(String::is_empty) == Some(true) {
                    draft.text.set(text);
                    draft.touched();
                }
                state.problem(problem);
            }
        });
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
