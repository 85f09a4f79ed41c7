//! The language of this page, and texts in it that change when it does.

use std::cell::RefCell;

use js_sys::Promise;
use leptos::prelude::*;
use leptos::reactive::graph::Observer;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;

use super::{Catalogue, FluentValue, Language, negotiate};

/// Where the choice is kept in this browser; absent while the browser's own languages decide.
const STORED: &str = "diario.language";

#[wasm_bindgen]
extern "C" {
    /// The language that the start script has chosen, and its words.
    #[wasm_bindgen(thread_local_v2, js_namespace = diario, js_name = first)]
    static FIRST: First;

    type First;

    #[wasm_bindgen(method, getter)]
    fn language(this: &First) -> String;

    #[wasm_bindgen(method, getter)]
    fn text(this: &First) -> String;

    /// Fetches the words of a language.
    #[wasm_bindgen(js_namespace = diario, js_name = words)]
    fn fetch_words(tag: &str) -> Promise;
}

thread_local! {
    static LIVE: Live = FIRST.with(|first| {
        let language = Language::of_tag(&first.language()).unwrap_or_default();
        Live {
            language: ArcRwSignal::new(language),
            catalogue: RefCell::new(Catalogue::new(language, first.text())),
        }
    });
}

struct Live {
    language: ArcRwSignal<Language>,
    catalogue: RefCell<Catalogue>,
}

impl Live {
    /// The language; followed where something follows, and simply read in an event or a task.
    fn now(&self) -> Language {
        if Observer::get().is_some() { self.language.get() } else { self.language.get_untracked() }
    }
}

/// Lets the document say its language. To be called once, before anything is shown.
pub fn start() {
    mark_document(language());
}

/// The language of this page; what reads it in a closure follows it.
pub fn language() -> Language {
    LIVE.with(Live::now)
}

/// The language that was set in this browser; `None`: whatever the browser speaks.
pub fn chosen() -> Option<Language> {
    let stored = storage()?.get_item(STORED).ok().flatten()?;
    Language::of_tag(&stored)
}

/// Sets the language, as soon as its words are here, and for the next time; `None`: whatever the browser speaks.
/// Whether that could be done: without a network there are only the words of languages that were wanted before.
pub async fn choose(language: Option<Language>) -> bool {
    let now = current(language);
    if now != LIVE.with(|live| live.language.get_untracked()) {
        let words = JsFuture::from(fetch_words(now.tag())).await;
        let Some(words) = words.ok().and_then(|words| words.as_string()) else { return false };
        LIVE.with(|live| {
            live.catalogue.replace(Catalogue::new(now, words));
            mark_document(now);
            live.language.set(now);
        });
    }
    if let Some(storage) = storage() {
        // Without storage the choice lasts as long as the page.
        let _ = match language {
            Some(language) => storage.set_item(STORED, language.tag()),
            None => storage.remove_item(STORED),
        };
    }
    true
}

/// The text of a key, as a signal: for what takes one.
pub fn text(key: &'static str) -> Signal<String> {
    Signal::derive(move || tr(key))
}

/// The text of a key.
pub fn tr(key: &str) -> String {
    tr_args(key, &[])
}

/// The text of a key with its arguments.
pub fn tr_args(key: &str, args: &[(&'static str, FluentValue<'_>)]) -> String {
    LIVE.with(|live| {
        // Only to follow it: the catalogue is that of the language.
        let _ = live.now();
        live.catalogue.borrow().text(key, args)
    })
}

/// A number as it is written in the language of this page.
pub fn number(value: u64) -> String {
    #[expect(clippy::cast_precision_loss, reason = "for people")]
    let value = js_sys::Number::from(value as f64);
    value.to_locale_string(language().tag()).into()
}

fn current(chosen: Option<Language>) -> Language {
    chosen.unwrap_or_else(|| {
        let wanted: Vec<String> =
            window().navigator().languages().iter().filter_map(|tag| tag.as_string()).collect();
        negotiate(wanted.iter().map(String::as_str))
    })
}

fn mark_document(language: Language) {
    if let Some(root) = document().document_element() {
        // Setting an attribute of an element that is there cannot fail.
        let _ = root.set_attribute("lang", language.tag());
        let _ = root.set_attribute("dir", language.direction());
    }
}

fn storage() -> Option<web_sys::Storage> {
    window().local_storage().ok().flatten()
}
