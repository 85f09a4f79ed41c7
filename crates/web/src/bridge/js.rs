//! What the line needs of the browser and what `web-sys` does not give, or not conveniently.

use futures_channel::oneshot;
use js_sys::{Function, Object, Promise, Reflect, Uint8Array};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::{
    AbortSignal, EventTarget, MessagePort, ServiceWorkerContainer, ServiceWorkerRegistration, Worker,
};

#[wasm_bindgen]
extern "C" {
    /// Starts the worker; made by the start script, which alone may name the URLs of scripts.
    #[wasm_bindgen(js_namespace = diario, js_name = startEngine, catch)]
    pub(super) fn start_engine() -> Result<Worker, JsValue>;

    #[wasm_bindgen(js_namespace = ["navigator", "locks"], js_name = request, catch)]
    fn request_lock(name: &str, options: &JsValue, granted: &Function) -> Result<Promise, JsValue>;

    #[wasm_bindgen(js_namespace = globalThis, js_name = setTimeout)]
    fn set_timeout(then: &Function, ms: u32) -> i32;
}

/// A Web Lock that is held until this is dropped.
#[derive(Debug)]
pub(super) struct Held(Function);

impl Drop for Held {
    fn drop(&mut self) {
        // Resolving a promise cannot fail.
        let _ = self.0.call0(&JsValue::UNDEFINED);
    }
}

/// How to wait for a lock.
pub(super) enum Wait<'a> {
    /// Not at all.
    No,
    /// Until it is free, or the signal aborts the waiting.
    Until(&'a AbortSignal),
}

/// Takes a Web Lock; `None` if it is not to be had.
pub(super) async fn lock(name: &str, wait: Wait<'_>) -> Option<Held> {
    let options = Object::new();
    match wait {
        Wait::No => set(&options, "ifAvailable", &JsValue::TRUE),
        Wait::Until(signal) => set(&options, "signal", signal),
    }
    let (tell, told) = oneshot::channel();
    let granted = Closure::once_into_js(move |lock: JsValue| -> Promise {
        if lock.is_null() {
            return Promise::resolve(&JsValue::UNDEFINED);
        }
        let mut release = None;
        let held = Promise::new(&mut |resolve, _| release = Some(resolve));
        if let Some(release) = release {
            // Nobody waits any more: the lock is freed at once, by being dropped.
            let _ = tell.send(Held(release));
        }
        held
    });
    let ended = request_lock(name, &options, granted.unchecked_ref()).ok()?;
    // The waiting ends by the lock or, if that is refused or aborted, by the request's own promise.
    let refused = Box::pin(JsFuture::from(ended));
    match futures_util::future::select(told, refused).await {
        futures_util::future::Either::Left((held, _)) => held.ok(),
        futures_util::future::Either::Right(_) => None,
    }
}

/// Whether this browser has Web Locks.
pub(super) fn has_locks() -> bool {
    web_sys::window().is_some_and(|window| !get(&window.navigator(), "locks").is_undefined())
}

/// The service workers, if the browser has them here.
pub(super) fn service_workers() -> Option<ServiceWorkerContainer> {
    let container = get(&web_sys::window()?.navigator(), "serviceWorker");
    (!container.is_undefined()).then(|| container.unchecked_into())
}

/// The service worker's registration once it is active.
pub(super) async fn registration() -> Option<ServiceWorkerRegistration> {
    let ready = service_workers()?.ready().ok()?;
    JsFuture::from(ready).await.ok().map(JsCast::unchecked_into)
}

/// Waits.
pub(crate) async fn sleep(ms: u32) {
    let waited = Promise::new(&mut |resolve, _| {
        set_timeout(&resolve, ms);
    });
    // A timer does not fail.
    let _ = JsFuture::from(waited).await;
}

/// Runs `body` whenever `target` has an event of this name, for as long as the page lives.
pub(super) fn on(target: &EventTarget, event: &str, body: impl FnMut(JsValue) + 'static) {
    let listener = Closure::<dyn FnMut(JsValue)>::new(body).into_js_value();
    // The only failure is a listener that is no function.
    let _ = target.add_event_listener_with_callback(event, listener.unchecked_ref());
}

/// Runs a body whenever a target has an event, until this is dropped.
pub(super) struct Listener {
    target: EventTarget,
    event: &'static str,
    body: Closure<dyn FnMut(JsValue)>,
}

impl Listener {
    pub(super) fn new(
        target: &EventTarget,
        event: &'static str,
        body: impl FnMut(JsValue) + 'static,
    ) -> Self {
        let listener = Self { target: target.clone(), event, body: Closure::new(body) };
        // The only failure is a listener that is no function.
        let _ = target.add_event_listener_with_callback(event, listener.body.as_ref().unchecked_ref());
        listener
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        // It was added.
        let _ =
            self.target.remove_event_listener_with_callback(self.event, self.body.as_ref().unchecked_ref());
    }
}

/// A property; `undefined` if there is none.
pub(super) fn get(object: &JsValue, name: &str) -> JsValue {
    Reflect::get(object, &name.into()).unwrap_or(JsValue::UNDEFINED)
}

/// Sets a property of an object made here.
pub(super) fn set(object: &Object, name: &str, value: &JsValue) {
    // Fails for frozen objects only.
    let _ = Reflect::set(object, &name.into(), value);
}

/// An object `{type: kind}`.
pub(super) fn message(kind: &str) -> Object {
    let object = Object::new();
    set(&object, "type", &kind.into());
    object
}

/// The `type` of a message.
pub(super) fn kind(data: &JsValue) -> String {
    get(data, "type").as_string().unwrap_or_default()
}

/// An object `{type, page, port}`, which brings a page's port to the worker.
pub(super) fn port_message(kind: &str, page: &str, port: &MessagePort) -> Object {
    let object = message(kind);
    set(&object, "page", &page.into());
    set(&object, "port", port);
    object
}

/// Posts bytes, giving their memory away.
pub(super) fn post(port: &MessagePort, bytes: &[u8]) {
    let bytes = Uint8Array::from(bytes);
    let transfer = js_sys::Array::of1(&bytes.buffer());
    // What cannot be posted is asked again at the next leader.
    let _ = port.post_message_with_transferable(&bytes, &transfer);
}

/// A name for this page that no other has.
pub(super) fn random_name() -> String {
    let high = js_sys::Math::random().to_bits();
    let low = js_sys::Math::random().to_bits();
    format!("{high:016x}{low:016x}")
}
