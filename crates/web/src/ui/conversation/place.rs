//! Where the log is scrolled to, kept by hand: not every browser holds its place when something comes in above.

use diario_protocol::Seq;
use wasm_bindgen::JsCast as _;
use web_sys::HtmlElement;

use crate::ui::browser;

/// How far from the end still counts as the end, in pixels.
const NEAR: i32 = 64;

/// An element that is to stay where it is seen.
#[derive(Debug, Clone)]
pub(super) struct Anchor {
    element: HtmlElement,
    /// Pixels below the upper edge of what is seen.
    offset: f64,
}

/// The element that holds the items, one child each.
fn items(log: &HtmlElement) -> Option<HtmlElement> {
    log.query_selector(".log-items").ok().flatten()?.dyn_into().ok()
}

fn child(items: &HtmlElement, at: u32) -> Option<HtmlElement> {
    items.children().item(at)?.dyn_into().ok()
}

/// The first item of which something is below this height of the window.
fn first_below(items: &HtmlElement, height: f64) -> u32 {
    let (mut low, mut high) = (0, items.children().length());
    while low < high {
        let middle = low + (high - low) / 2;
        let above =
            child(items, middle).is_none_or(|item| item.get_bounding_client_rect().bottom() <= height);
        if above {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    low
}

/// What is seen uppermost, to be found there again.
pub(super) fn anchor(log: &HtmlElement) -> Option<Anchor> {
    let items = items(log)?;
    let top = log.get_bounding_client_rect().top();
    let element = child(&items, first_below(&items, top))?;
    let offset = element.get_bounding_client_rect().top() - top;
    Some(Anchor { element, offset })
}

impl Anchor {
    /// Scrolls so that it is where it was.
    pub(super) fn restore(&self, log: &HtmlElement) {
        if !self.element.is_connected() {
            return;
        }
        let now = self.element.get_bounding_client_rect().top() - log.get_bounding_client_rect().top();
        let moved = now - self.offset;
        if moved.abs() >= 1.0 {
            scroll_by(log, moved);
        }
    }
}

#[expect(clippy::cast_possible_truncation, reason = "pixels of a screen")]
fn scroll_by(log: &HtmlElement, pixels: f64) {
    log.set_scroll_top(log.scroll_top() + pixels.round() as i32);
}

/// Whether the end is seen.
pub(super) fn is_at_end(log: &HtmlElement) -> bool {
    below(log) <= NEAR
}

/// How many pixels are below what is seen.
pub(super) fn below(log: &HtmlElement) -> i32 {
    log.scroll_height() - log.scroll_top() - log.client_height()
}

/// Scrolls to the end.
pub(super) fn to_end(log: &HtmlElement) {
    log.set_scroll_top(log.scroll_height());
}

/// Scrolls so that this item stands in the upper part of what is seen. Whether there is such an item.
pub(super) fn to_item(log: &HtmlElement, selector: &str) -> bool {
    let Some(item) = log.query_selector(selector).ok().flatten() else { return false };
    let top = item.get_bounding_client_rect().top() - log.get_bounding_client_rect().top();
    scroll_by(log, top - f64::from(log.client_height()) * 0.2);
    true
}

/// Marks a message and gives it the focus, so that it is read out. Whether it is there.
pub(super) fn mark(log: &HtmlElement, seq: Seq) -> bool {
    if let Ok(marked) = log.query_selector_all(".message.found") {
        for at in 0..marked.length() {
            if let Some(item) = marked.item(at).and_then(|node| node.dyn_into::<HtmlElement>().ok()) {
                let _ = item.class_list().remove_1("found");
            }
        }
    }
    let found = log.query_selector(&format!("[data-seq='{}']", seq.0)).ok().flatten();
    let Some(item) = found.and_then(|item| item.dyn_into::<HtmlElement>().ok()) else { return false };
    // Neither can fail for an element that is there.
    let _ = item.class_list().add_1("found");
    let _ = item.set_attribute("tabindex", "-1");
    browser::focus(&item);
    true
}

/// Scrolls towards the end, until this item stands in the upper part of what is seen; never back.
pub(super) fn to_end_before(log: &HtmlElement, selector: &str) {
    let before = log.scroll_top();
    to_end(log);
    let Some(item) = log.query_selector(selector).ok().flatten() else { return };
    let top = item.get_bounding_client_rect().top() - log.get_bounding_client_rect().top();
    let above = top - f64::from(log.client_height()) * 0.2;
    if above < 0.0 {
        scroll_by(log, above);
        if log.scroll_top() < before {
            log.set_scroll_top(before);
        }
    }
}

/// Scrolls so that this place, or what comes next after it, stands in the upper part of what is seen.
pub(super) fn to_seq(log: &HtmlElement, seq: Seq) {
    let Some(items) = items(log) else { return };
    let place = |at: u32| child(&items, at)?.get_attribute("data-seq")?.parse().ok().map(Seq);
    let count = items.children().length();
    let Some(mut at) = (0..count).find(|at| place(*at).is_some_and(|found| found >= seq)) else {
        return to_end(log);
    };
    // The day that begins with it belongs to it.
    if at > 0 && place(at - 1).is_none() {
        at -= 1;
    }
    if let Some(item) = child(&items, at) {
        let top = item.get_bounding_client_rect().top() - log.get_bounding_client_rect().top();
        scroll_by(log, top - f64::from(log.client_height()) * 0.1);
    }
}

/// The highest sequence of what is seen.
pub(super) fn seen(log: &HtmlElement) -> Option<Seq> {
    let items = items(log)?;
    let count = items.children().length();
    // The one that crosses the lower edge is not seen whole; the one before it is.
    let bottom = log.get_bounding_client_rect().bottom();
    let mut at = (first_below(&items, bottom + 1.0)).min(count);
    while at > 0 {
        at -= 1;
        let seq = child(&items, at).and_then(|item| item.get_attribute("data-seq"));
        if let Some(seq) = seq.and_then(|seq| seq.parse().ok()) {
            return Some(Seq(seq));
        }
    }
    None
}
