//! The app: what is known, the line to the worker, and the shell.

use leptos::prelude::*;
use wasm_bindgen::prelude::wasm_bindgen;

use crate::nav::Nav;
use crate::state::State;
use crate::ui::shell::Shell;

/// Shows the app in the page. Called by the start script once the module is there.
#[wasm_bindgen(start)]
pub fn start() {
    console_error_panic_hook::set_once();
    crate::text::start();
    mount_to_body(App);
}

#[component]
fn App() -> impl IntoView {
    let state = State::new(Nav::start());
    provide_context(state);
    view! { <Shell/> }
}
