//! Installing the app, where the browser lets a page offer that.

use js_sys::Function;
use leptos::prelude::*;
use wasm_bindgen::prelude::*;

use super::{Pwa, reach};

/// Whether this page runs as an installed app.
pub(crate) fn is_installed() -> bool {
    window().match_media("(display-mode: standalone)").ok().flatten().is_some_and(|query| query.matches())
}

impl Pwa {
    /// Keeps the browser's offer for when the user asks for it.
    pub(super) fn watch_for_offer(self) {
        reach::on(&window(), "beforeinstallprompt", move |event| {
            event.unchecked_ref::<web_sys::Event>().prevent_default();
            self.offer.set_value(Some(event));
            self.installable.set(true);
        });
        reach::on(&window(), "appinstalled", move |_| self.installable.set(false));
    }

    /// Asks the browser to install the app; it asks the user.
    pub(crate) fn install(self) {
        self.installable.set(false);
        let Some(offer) = self.offer.try_update_value(Option::take).flatten() else { return };
        if let Ok(prompt) = reach::get(&offer, "prompt").dyn_into::<Function>() {
            // An offer that has run out is made again by the browser.
            let _ = prompt.call0(&offer);
        }
    }
}
