//! The language of this page, and texts in it that change when it does.

use std::cell::RefCell;

use leptos::prelude::*;
use leptos::reactive::graph::Observer;

use super::{Catalogue, FluentValue, Language, negotiate};

/// Where the choice is kept in this browser; absent while the browser's own languages decide.
const STORED: &str = "diario.language";

thread_local! {
    static LIVE: Live = Live {
        language: ArcRwSignal::new(current(chosen())),
        catalogue: RefCell::new(None),
    };
}

struct Live {
    language: ArcRwSignal<Language>,
    /// The catalogue that was used last, with its language.
    catalogue: RefCell<Option<(Language, Catalogue)>>,
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

/// Sets the language, at once and for the next time; `None`: whatever the browser speaks.
pub fn choose(language: Option<Language>) {
    if let Some(storage) = storage() {
        // Without storage the choice lasts as long as the page.
        let _ = match language {
            Some(language) => storage.set_item(STORED, language.tag()),
            None => storage.remove_item(STORED),
        };
    }
    let now = current(language);
    mark_document(now);
    LIVE.with(|live| live.language.set(now));
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
        let language = live.now();
        let mut held = live.catalogue.borrow_mut();
        match &*held {
            Some((of, catalogue)) if *of == language => catalogue.text(key, args),
            _ => {
                let catalogue = Catalogue::new(language);
                let text = catalogue.text(key, args);
                *held = Some((language, catalogue));
                text
            }
        }
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
