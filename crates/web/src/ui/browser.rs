//! Small questions to the browser.

use leptos::prelude::*;
use wasm_bindgen::JsCast as _;
use wasm_bindgen::closure::Closure;
use web_sys::{HtmlElement, VisibilityState};

/// Whether a media query holds.
pub(crate) fn media(query: &str) -> bool {
    window().match_media(query).ok().flatten().is_some_and(|list| list.matches())
}

/// Whether people touch this screen and have no keyboard at hand.
pub(crate) fn is_touch() -> bool {
    media("(hover: none) and (pointer: coarse)")
}

/// Whether the list and what is open stand beside each other.
pub(crate) fn is_wide() -> bool {
    media("(min-width: 45rem)")
}

/// Whether the details lie upon the conversation instead of standing beside it; the style sheet says the same.
pub(crate) fn is_covered_by_details() -> bool {
    !media("(min-width: 68.75rem)")
}

/// Whether somebody looks at this page.
pub(crate) fn is_looked_at() -> bool {
    let document = document();
    document.visibility_state() == VisibilityState::Visible && document.has_focus().unwrap_or(true)
}

/// Moves the focus there without scrolling.
pub(crate) fn focus(element: &HtmlElement) {
    let options = web_sys::FocusOptions::new();
    options.set_prevent_scroll(true);
    // What cannot take the focus leaves it where it is.
    let _ = element.focus_with_options(&options);
}

/// The first element that a selector finds.
pub(crate) fn find(selector: &str) -> Option<HtmlElement> {
    document().query_selector(selector).ok().flatten()?.dyn_into().ok()
}

/// The element that has the focus.
pub(crate) fn focused() -> Option<HtmlElement> {
    document().active_element()?.dyn_into().ok()
}

/// How many pixels a rem has: people choose it.
pub(crate) fn rem() -> f64 {
    document()
        .document_element()
        .and_then(|root| window().get_computed_style(&root).ok().flatten())
        .and_then(|style| style.get_property_value("font-size").ok())
        .and_then(|size| size.trim_end_matches("px").parse().ok())
        .unwrap_or(16.0)
}

/// Calls when the size of elements changes, for as long as the view lives.
pub(crate) fn on_resize(elements: &[&web_sys::Element], call: impl Fn() + 'static) {
    let callback = Closure::<dyn FnMut()>::new(call);
    let Ok(observer) = web_sys::ResizeObserver::new(callback.as_ref().unchecked_ref()) else { return };
    for element in elements {
        observer.observe(element);
    }
    let kept = StoredValue::new_local(Some((observer, callback)));
    on_cleanup(move || {
        if let Some((observer, _)) = kept.try_update_value(Option::take).flatten() {
            observer.disconnect();
        }
    });
}
