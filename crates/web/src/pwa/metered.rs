//! Whether the connection costs by volume, where the browser tells (the Network Information API).

use diario_web_api::Ask;
use js_sys::Reflect;
use leptos::prelude::*;
use wasm_bindgen::prelude::*;

use crate::state::State;

/// Tells the worker, now and whenever it changes.
pub(crate) fn tell(state: State) {
    let Some(connection) = connection() else { return };
    if !is_told() {
        return;
    }
    let say = move || state.hint(Ask::Metered(is_metered()));
    // A worker that begins anew does not know it.
    Effect::new(move || {
        if state.ready.get() && state.role.get().is_some() {
            say();
        }
    });
    let changed = Closure::<dyn FnMut()>::new(say);
    if let Some(target) = connection.dyn_ref::<web_sys::EventTarget>() {
        // Refused by nobody: the name of an event is just that.
        let _ = target.add_event_listener_with_callback("change", changed.as_ref().unchecked_ref());
    }
    // Lives as long as the page.
    changed.forget();
}

/// Whether the browser tells what the connection is.
pub(crate) fn is_told() -> bool {
    kind().is_some()
}

fn is_metered() -> bool {
    let saves = connection().and_then(|c| Reflect::get(&c, &"saveData".into()).ok());
    saves.is_some_and(|saves| saves.is_truthy()) || !matches!(kind().as_deref(), Some("wifi" | "ethernet"))
}

fn connection() -> Option<JsValue> {
    Reflect::get(&window().navigator(), &"connection".into()).ok().filter(JsValue::is_object)
}

fn kind() -> Option<String> {
    Reflect::get(&connection()?, &"type".into()).ok()?.as_string()
}
