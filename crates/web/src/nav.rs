//! Going from place to place: the browser's history is the truth, and plain links work.
//!
//! There is no router crate here: the app has eight places that are shown in panes beside each other, so what is
//! needed is one signal that follows the history.

use leptos::prelude::*;
use wasm_bindgen::JsCast as _;
use wasm_bindgen::JsValue;

use crate::model::Place;

/// The place where this page is. One per page; copies mean the same.
#[derive(Clone, Copy)]
pub(crate) struct Nav {
    place: RwSignal<Place>,
    /// How many places of the app lie behind this one.
    depth: StoredValue<u32>,
}

impl Nav {
    /// Follows the history and the clicks on links from now on.
    pub(crate) fn start() -> Self {
        let nav = Self {
            place: RwSignal::new(Place::of_path(&current_path())),
            depth: StoredValue::new(depth_here()),
        };
        // What a link may not shift is kept by the page itself: the list and the conversation stand still.
        if let Ok(history) = window().history() {
            let _ = history.set_scroll_restoration(web_sys::ScrollRestoration::Manual);
        }
        window_event_listener(leptos::ev::popstate, move |_| {
            nav.depth.set_value(depth_here());
            nav.show(Place::of_path(&current_path()));
        });
        window_event_listener(leptos::ev::click, move |event| {
            if let Some(place) = link_clicked(&event) {
                event.prevent_default();
                nav.go(place);
            }
        });
        nav
    }

    /// Where one is; what reads it in a closure follows it.
    pub(crate) fn place(self) -> Place {
        self.place.get()
    }

    /// Where one is, without following it.
    pub(crate) fn place_now(self) -> Place {
        self.place.get_untracked()
    }

    /// Goes there.
    pub(crate) fn go(self, place: Place) {
        if place == self.place_now() {
            return;
        }
        let depth = self.depth.get_value() + 1;
        self.remember(place, depth, false);
    }

    /// Goes there in place of where one is: "back" does not come here again.
    pub(crate) fn replace(self, place: Place) {
        if place != self.place_now() {
            self.remember(place, self.depth.get_value(), true);
        }
    }

    /// Goes back; to the place above if nothing of the app lies behind.
    pub(crate) fn back(self) {
        let history = window().history().ok().filter(|_| self.depth.get_value() > 0);
        if history.is_none_or(|history| history.back().is_err()) {
            self.replace(self.place_now().parent());
        }
    }

    fn remember(self, place: Place, depth: u32, replace: bool) {
        let state = JsValue::from_f64(f64::from(depth));
        let path = place.path();
        if let Ok(history) = window().history() {
            // Browsers refuse this only when a page calls it hundreds of times in a minute; then the address
            // lags behind, nothing more.
            let _ = if replace {
                history.replace_state_with_url(&state, "", Some(&path))
            } else {
                history.push_state_with_url(&state, "", Some(&path))
            };
        }
        self.depth.set_value(depth);
        self.show(place);
    }

    fn show(self, place: Place) {
        if place != self.place_now() {
            self.place.set(place);
        }
    }
}

fn current_path() -> String {
    window().location().pathname().unwrap_or_default()
}

/// The depth that was stored with this entry of the history; 0 where the app was entered.
fn depth_here() -> u32 {
    let state = window().history().ok().and_then(|history| history.state().ok());
    state.and_then(|state| state.as_f64()).map_or(0, |depth| {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it was a u32")]
        let depth = depth.max(0.0) as u32;
        depth
    })
}

/// The place that a click means to go to, if it is a plain click on a link into the app.
fn link_clicked(event: &web_sys::MouseEvent) -> Option<Place> {
    let plain = event.button() == 0
        && !event.default_prevented()
        && !(event.ctrl_key() || event.meta_key() || event.shift_key() || event.alt_key());
    if !plain {
        return None;
    }
    let link = event.target()?.dyn_into::<web_sys::Element>().ok()?.closest("a[href]").ok()??;
    if link.has_attribute("target") || link.has_attribute("download") {
        return None;
    }
    let href = link.get_attribute("href").filter(|href| href.starts_with('/') && !href.starts_with("//"))?;
    Some(Place::of_path(&href)).filter(|place| *place != Place::Nowhere)
}
