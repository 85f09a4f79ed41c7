//! What is said aloud of what happens elsewhere: by screen readers, in the title, on the app's icon.

use leptos::prelude::*;
use wasm_bindgen::{JsCast, JsValue};

use crate::state::use_state;
use crate::text::tr_args;
use crate::ui::browser;

/// A region that screen readers read when it changes, and the count in the title and on the icon.
#[component]
pub(crate) fn Announcer() -> impl IntoView {
    let state = use_state();
    let said = RwSignal::new((false, String::new()));
    Effect::new(move |_| {
        let Some(arrived) = state.arrived.get() else {
            // The account went from this browser: nothing that was said in it stays.
            said.update(|(_, text)| text.clear());
            return;
        };
        let open = state.nav.place_now().conversation() == Some(arrived.conversation);
        let words = if open && browser::is_looked_at() {
            tr_args("announce-here", &[("sender", arrived.sender.into()), ("text", arrived.text.into())])
        } else if arrived.muted {
            return;
        } else {
            tr_args(
                "announce",
                &[
                    ("sender", arrived.sender.into()),
                    ("title", arrived.title.into()),
                    ("text", arrived.text.into()),
                ],
            )
        };
        // Two places take turns: the same words twice are a change then.
        said.update(|(second, text)| {
            *second = !*second;
            *text = words;
        });
    });
    Effect::new(move |_| {
        let unread = state.unread.get();
        document().set_title(&if unread > 0 { format!("({unread}) Diario") } else { "Diario".to_owned() });
        badge(unread);
    });
    let turn = move |second: bool| {
        let said = said.read();
        if said.0 == second { said.1.clone() } else { String::new() }
    };
    view! {
        <div class="visually-hidden" aria-live="polite" aria-atomic="true" id="announcer">
            <p>{move || turn(false)}</p>
            <p>{move || turn(true)}</p>
        </div>
    }
}

/// Puts the number on the app's icon, where the browser can.
fn badge(unread: u64) {
    let navigator: JsValue = window().navigator().into();
    let name = if unread > 0 { "setAppBadge" } else { "clearAppBadge" };
    let call = js_sys::Reflect::get(&navigator, &name.into()).ok();
    if let Some(call) = call.and_then(|call| call.dyn_into::<js_sys::Function>().ok()) {
        #[expect(clippy::cast_precision_loss, reason = "a number for people")]
        let count = JsValue::from_f64(unread as f64);
        // A promise; that an app which is not installed has no icon is no problem of anybody's.
        if let Ok(promise) = call.call1(&navigator, &count).and_then(JsCast::dyn_into::<js_sys::Promise>) {
            leptos::task::spawn_local(async move {
                let _ = wasm_bindgen_futures::JsFuture::from(promise).await;
            });
        }
    }
}
