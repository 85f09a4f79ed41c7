//! What this browser keeps: small choices, and whether it promises to keep the diary.

use leptos::prelude::*;
use wasm_bindgen_futures::JsFuture;

/// What is kept under a name.
pub(crate) fn kept(name: &str) -> Option<String> {
    window().local_storage().ok().flatten()?.get_item(name).ok().flatten()
}

/// Keeps something under a name. Without storage it lasts as long as the page.
pub(crate) fn keep(name: &str, value: &str) {
    if let Some(storage) = window().local_storage().ok().flatten() {
        let _ = storage.set_item(name, value);
    }
}

/// Keeps nothing under a name any more.
pub(crate) fn forget(name: &str) {
    if let Some(storage) = window().local_storage().ok().flatten() {
        let _ = storage.remove_item(name);
    }
}

/// Whether the browser promises to keep what is stored here; `None` if it does not say.
pub(crate) async fn is_persistent() -> Option<bool> {
    JsFuture::from(window().navigator().storage().persisted().ok()?).await.ok()?.as_bool()
}

/// Asks the browser to keep what is stored here until the user deletes it.
pub(crate) async fn ask_persistent() -> Option<bool> {
    JsFuture::from(window().navigator().storage().persist().ok()?).await.ok()?.as_bool()
}
