//! The app: what is known, the line to the worker, and the shell.

use std::rc::Rc;

use leptos::prelude::*;
use wasm_bindgen::prelude::wasm_bindgen;

use crate::bridge::{Bridge, Handlers, Role};
use crate::model::Place;
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
    crate::pwa::start(state);
    connect(state);
    view! { <Shell/> }
}

/// Begins to speak with the worker that holds the engine.
fn connect(state: State) {
    let handlers = Handlers {
        on_tell: Rc::new(move |tell| state.on_tell(tell)),
        on_start: Rc::new(move |snapshot| {
            let known = snapshot.account.is_some();
            state.on_start(snapshot);
            match (known, state.nav.place_now()) {
                (false, place) if !place.is_before_account() => state.nav.replace(Place::Welcome),
                (true, place) if place.is_before_account() || place == Place::Nowhere => {
                    state.nav.replace(Place::List);
                }
                _ => {}
            }
        }),
        on_role: Rc::new(move |role| state.on_role(role)),
    };
    match Bridge::start(handlers) {
        Ok(bridge) => {
            let bridge = Rc::new(bridge);
            state.set_line(Rc::new(move |ask| {
                let bridge = bridge.clone();
                Box::pin(async move { bridge.ask(ask).await })
            }));
        }
        Err(e) => state.on_role(Role::Broken(e.to_string())),
    }
}
