//! Going from place to place: the browser's history is the truth, and plain links work.
//!
//! There is no router crate here: the app has few places, which are shown in panes beside each other, so what is
//! needed is one signal that follows the history.

use js_sys::Array;
use leptos::prelude::*;
use wasm_bindgen::JsCast as _;
use wasm_bindgen::JsValue;

use crate::model::Place;

/// The place where this page is. One per page; copies mean the same.
#[derive(Clone, Copy)]
pub(crate) struct Nav {
    place: RwSignal<Place>,
    /// What lies behind this one.
    trail: StoredValue<Trail>,
}

/// What lies behind a place in the history. It is stored with each entry there, and survives loading anew.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Trail {
    /// How many places of the app.
    depth: u32,
    /// The path of the nearest one; empty if there is none.
    from: String,
}

impl Nav {
    /// Follows the history and the clicks on links from now on.
    pub(crate) fn start() -> Self {
        let nav = Self {
            place: RwSignal::new(Place::of_path(&current_path())),
            trail: StoredValue::new(Trail::here()),
        };
        // What a link may not shift is kept by the page itself: the list and the conversation stand still.
        if let Ok(history) = window().history() {
            let _ = history.set_scroll_restoration(web_sys::ScrollRestoration::Manual);
        }
        window_event_listener(leptos::ev::popstate, move |_| {
            nav.trail.set_value(Trail::here());
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
        let depth = self.trail.with_value(|trail| trail.depth).saturating_add(1);
        self.remember(place, Trail { depth, from: self.place_now().path() }, false);
    }

    /// Goes there in place of where one is: "back" does not come here again.
    pub(crate) fn replace(self, place: Place) {
        if place != self.place_now() {
            self.remember(place, self.trail.get_value(), true);
        }
    }

    /// Goes back; to the place above if nothing of the app lies behind.
    pub(crate) fn back(self) {
        let behind = self.trail.with_value(|trail| trail.depth > 0);
        self.leave(behind);
    }

    /// Goes to the place above, wherever one came from.
    pub(crate) fn up(self) {
        let above = self.place_now().parent().path();
        let behind = self.trail.with_value(|trail| trail.depth > 0 && trail.from == above);
        self.leave(behind);
    }

    /// Takes this place out of the history: by going back in it if what lies `behind` is wanted, else by putting the
    /// place above there instead.
    fn leave(self, behind: bool) {
        let history = window().history().ok().filter(|_| behind);
        if history.is_none_or(|history| history.back().is_err()) {
            self.replace(self.place_now().parent());
        }
    }

    fn remember(self, place: Place, trail: Trail, replace: bool) {
        let state = trail.to_js();
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
        self.trail.set_value(trail);
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

impl Trail {
    /// What was stored with the present entry of the history; nothing where the app was entered.
    fn here() -> Self {
        let state = window().history().ok().and_then(|history| history.state().ok());
        let Some(state) = state.and_then(|state| state.dyn_into::<Array>().ok()) else {
            return Self::default();
        };
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it was a u32")]
        let depth = state.get(0).as_f64().unwrap_or_default().max(0.0) as u32;
        Self { depth, from: state.get(1).as_string().unwrap_or_default() }
    }

    fn to_js(&self) -> JsValue {
        Array::of2(&self.depth.into(), &self.from.as_str().into()).into()
    }
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
