//! What this browser keeps: small choices, and whether it promises to keep the diary.

use leptos::prelude::*;
use wasm_bindgen::JsCast;
use wasm_bindgen_futures::JsFuture;
use web_sys::{FileSystemDirectoryHandle, FileSystemRemoveOptions};

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

/// Deletes the diary's files, whatever is in them, when there is no engine that could. Whether they are gone: another
/// tab may hold them.
pub(crate) async fn remove_diary() -> bool {
    // A worker that is ending lets go of them a moment later.
    for _ in 0..20 {
        if try_remove_diary().await.is_some() {
            return true;
        }
        crate::bridge::sleep(100).await;
    }
    false
}

async fn try_remove_diary() -> Option<()> {
    let root = JsFuture::from(window().navigator().storage().get_directory()).await.ok()?;
    let root: FileSystemDirectoryHandle = root.dyn_into().ok()?;
    let options = FileSystemRemoveOptions::new();
    options.set_recursive(true);
    JsFuture::from(root.remove_entry_with_options(diario_web_api::STORE_FOLDER, &options)).await.ok()?;
    Some(())
}
