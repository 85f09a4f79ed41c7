//! The clock, and waiting.

use std::cell::Cell;

use diario_protocol::Timestamp;
use js_sys::{Function, Promise};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::{MessageChannel, MessagePort};

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_namespace = globalThis, js_name = setTimeout)]
    fn set_timeout(then: &Function, ms: u32) -> i32;

    #[wasm_bindgen(js_namespace = globalThis, js_name = clearTimeout)]
    fn clear_timeout(timer: i32);
}

/// The time by this machine's clock.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the clock is positive and small"
)]
pub fn now() -> Timestamp {
    Timestamp(js_sys::Date::now() as u64)
}

/// Enough to spread tries in time.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and a million")]
pub(super) fn random() -> u64 {
    (js_sys::Math::random() * 1e6) as u64
}

/// Waits.
pub async fn sleep(ms: u32) {
    let waited = Promise::new(&mut |resolve, _| {
        set_timeout(&resolve, ms);
    });
    // A timer does not fail.
    let _ = JsFuture::from(waited).await;
}

/// A timer that is set anew as often as wanted, and runs its body each time it goes off.
pub struct Timer {
    body: Closure<dyn FnMut()>,
    set: Cell<Option<i32>>,
}

impl Timer {
    /// A timer that is not set yet.
    pub fn new(body: impl FnMut() + 'static) -> Self {
        Self { body: Closure::new(body), set: Cell::new(None) }
    }

    /// Goes off in so many milliseconds, and not when it was to go off before.
    pub fn set(&self, ms: u32) {
        self.clear();
        self.set.set(Some(set_timeout(self.body.as_ref().unchecked_ref(), ms)));
    }

    /// Does not go off.
    pub fn clear(&self) {
        if let Some(set) = self.set.take() {
            clear_timeout(set);
        }
    }
}

impl Drop for Timer {
    fn drop(&mut self) {
        self.clear();
    }
}

/// Runs a body soon, after what else the worker has heard by then: timers would wait for milliseconds.
pub(super) struct Soon {
    port: MessagePort,
    other: MessagePort,
    _body: Closure<dyn FnMut()>,
}

impl Soon {
    pub(super) fn new(channel: &MessageChannel, body: impl FnMut() + 'static) -> Self {
        let body = Closure::<dyn FnMut()>::new(body);
        channel.port1().set_onmessage(Some(body.as_ref().unchecked_ref()));
        Self { port: channel.port1(), other: channel.port2(), _body: body }
    }

    pub(super) fn run(&self) {
        // Only what cannot be copied cannot be posted.
        let _ = self.other.post_message(&JsValue::NULL);
    }
}

impl Drop for Soon {
    fn drop(&mut self) {
        self.port.set_onmessage(None);
        self.port.close();
    }
}
