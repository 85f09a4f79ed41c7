//! Reaching the service worker, and small things of JavaScript's.

use js_sys::{Object, Reflect};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::{MessageEvent, ServiceWorkerContainer, ServiceWorkerRegistration};

/// A property; `undefined` if there is none.
pub(super) fn get(of: &JsValue, name: &str) -> JsValue {
    Reflect::get(of, &name.into()).unwrap_or(JsValue::UNDEFINED)
}

/// A property that is a text.
pub(super) fn text(of: &JsValue, name: &str) -> Option<String> {
    get(of, name).as_string()
}

/// An object of texts.
pub(super) fn object(entries: &[(&str, &str)]) -> Object {
    let object = Object::new();
    for (name, value) in entries {
        // Fails for frozen objects only.
        let _ = Reflect::set(&object, &(*name).into(), &(*value).into());
    }
    object
}

/// The service workers, if the browser has them here.
pub(super) fn container() -> Option<ServiceWorkerContainer> {
    let container = get(&web_sys::window()?.navigator(), "serviceWorker");
    (!container.is_undefined()).then(|| container.unchecked_into())
}

/// The registration of an active service worker; waits for it.
pub(super) async fn registration() -> Option<ServiceWorkerRegistration> {
    let ready = container()?.ready().ok()?;
    JsFuture::from(ready).await.ok().map(JsCast::unchecked_into)
}

/// The registration, if there is one already; waits for none to be made.
pub(super) async fn registered() -> Option<ServiceWorkerRegistration> {
    let found = JsFuture::from(container()?.get_registration()).await.ok()?;
    found.dyn_into().ok()
}

/// Says something to the service worker, if there is one.
pub(super) fn tell(entries: &[(&str, &str)]) {
    let message = object(entries);
    wasm_bindgen_futures::spawn_local(async move {
        if let Some(worker) = registration().await.and_then(|registration| registration.active()) {
            // What is said is plain data: it can be posted.
            let _ = worker.post_message(&message);
        }
    });
}

/// Hears what the service worker says, for as long as the page lives: the `type` of a message, and the message.
pub(super) fn on_message(mut hear: impl FnMut(&str, &JsValue) + 'static) {
    if let Some(container) = container() {
        on(&container, "message", move |event| {
            let data = event.unchecked_ref::<MessageEvent>().data();
            if let Some(kind) = text(&data, "type") {
                hear(&kind, &data);
            }
        });
    }
}

/// Runs `body` whenever `target` has an event of this name, for as long as the page lives.
pub(super) fn on(target: &web_sys::EventTarget, event: &str, body: impl FnMut(JsValue) + 'static) {
    let listener = Closure::<dyn FnMut(JsValue)>::new(body).into_js_value();
    // The only failure is a listener that is no function.
    let _ = target.add_event_listener_with_callback(event, listener.unchecked_ref());
}
