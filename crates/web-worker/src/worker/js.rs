//! What the worker needs of the browser and what `web-sys` does not give, or not conveniently.

use js_sys::{Function, Object, Promise, Reflect, Uint8Array};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::{DedicatedWorkerGlobalScope, EventTarget, MessagePort};

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_namespace = ["navigator", "locks"], js_name = request, catch)]
    fn request_lock(name: &str, granted: &Function) -> Result<Promise, JsValue>;
}

/// Waits for a lock and keeps it until the worker ends. Without locks there is nothing to wait for.
pub(super) async fn hold(name: &str) {
    let granted = Promise::new(&mut |resolve, _| {
        let body = Closure::once_into_js(move |_lock: JsValue| -> Promise {
            // Resolving a promise cannot fail.
            let _ = resolve.call0(&JsValue::UNDEFINED);
            Promise::new(&mut |_, _| {})
        });
        if request_lock(name, body.unchecked_ref()).is_err() {
            web_sys::console::warn_1(&"no Web Locks here".into());
        }
    });
    // It is only ever resolved.
    let _ = JsFuture::from(granted).await;
}

/// Waits until nobody holds a lock any more.
pub(super) async fn wait_for(name: &str) {
    let body = Closure::once_into_js(move |_lock: JsValue| {});
    if let Ok(granted) = request_lock(name, body.unchecked_ref()) {
        // Refused only when the worker ends.
        let _ = JsFuture::from(granted).await;
    }
}

/// Runs `body` whenever `target` has an event of this name, for as long as the worker lives.
pub(super) fn listen(
    target: &EventTarget,
    event: &str,
    body: impl FnMut(JsValue) + 'static,
) -> Result<(), JsValue> {
    let listener = Closure::<dyn FnMut(JsValue)>::new(body).into_js_value();
    target.add_event_listener_with_callback(event, listener.unchecked_ref())
}

/// A panic ends the worker: its page hears of it.
pub(super) fn report_panics() {
    std::panic::set_hook(Box::new(move |panic| {
        console_error_panic_hook::hook(panic);
        let scope: DedicatedWorkerGlobalScope = js_sys::global().unchecked_into();
        tell_page(&scope, "failed", &panic.to_string());
    }));
}

/// Says something to the page that started this worker.
pub(super) fn tell_page(scope: &DedicatedWorkerGlobalScope, kind: &str, why: &str) {
    let message = Object::new();
    for (name, value) in [("type", kind), ("why", why)] {
        // Fails for frozen objects only.
        let _ = Reflect::set(&message, &name.into(), &value.into());
    }
    // Only what cannot be copied cannot be posted.
    let _ = scope.post_message(&message);
}

/// Posts bytes, giving their memory away.
pub(super) fn post(port: &MessagePort, bytes: &[u8]) {
    let bytes = Uint8Array::from(bytes);
    let transfer = js_sys::Array::of1(&bytes.buffer());
    // A page that is gone needs nothing.
    let _ = port.post_message_with_transferable(&bytes, &transfer);
}

/// A text among a message's properties.
pub(super) fn text(data: &JsValue, name: &str) -> Option<String> {
    Reflect::get(data, &name.into()).ok()?.as_string()
}

/// The port that a message brings.
pub(super) fn port(data: &JsValue) -> Option<MessagePort> {
    Reflect::get(data, &"port".into()).ok()?.dyn_into().ok()
}

/// What a thrown value says.
pub(super) fn describe(e: &JsValue) -> String {
    text(e, "message").unwrap_or_else(|| format!("{e:?}"))
}
