//! In the browser.
use wasm_bindgen::prelude::*;

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_namespace = ["navigator", "locks"], js_name = request)]
    fn locks_request(name: &str, f: &Closure<dyn FnMut(JsValue) -> js_sys::Promise>) -> js_sys::Promise;
}

/// Begins.
#[wasm_bindgen(start)]
pub(crate) fn start() {
    console_error_panic_hook::set_once();
}
