//! Parts of the open conversation that are not on this device yet, and going to a place in it.

use diario_protocol::{Seq, Timestamp};
use diario_web_api::{Anchor, Ask, Connection, Edge, Problem};
use leptos::prelude::*;

use super::{Then, Thread};
use crate::actions::{self, Page};
use crate::model::window::Window;
use crate::state::Notice;

/// Messages that are fetched after a place that somebody wants to see, so that it does not stand at the very end.
const AROUND: u64 = 50;

impl Thread {
    /// Goes to what was said at that time, or next after it.
    pub(crate) fn go_to_time(self, at: Timestamp) {
        leptos::task::spawn_local(async move {
            match actions::seek(self.state, self.id, at).await {
                Ok(Some(seq)) => self.go_to(seq),
                Ok(None) => self.state.toast(Notice::Text("jump-nothing")),
                Err(problem) => self.state.problem(problem),
            }
        });
    }

    /// Goes to a place; if it is not on this device yet, as soon as it is.
    pub(crate) fn go_to(self, seq: Seq) {
        // The view may be gone by now.
        if self.phase.try_get_untracked().is_some() {
            self.goal.set_value(Some(seq));
            self.load(Anchor::Around(seq), Then::At(seq));
        }
    }

    /// Takes a page in place of what is loaded. `more_before`: whether there are older ones, if that is known.
    pub(super) fn put(self, page: Page, more_before: Option<bool>) {
        let (first, missing) = self.window.with_value(|w| (w.first(), w.missing_before()));
        let here = page.messages.iter().any(|m| m.seq >= self.goal.get_value());
        let mut window = Window::of(page.messages, more_before.unwrap_or(page.more_before), page.more_after);
        // A page after a place does not tell what is before it; it is known from the time when that was loaded.
        let known = missing.filter(|_| more_before.is_some() && window.first() == first);
        window.set_missing_before(page.missing_before.or(known));
        window.set_missing_after(page.missing_after);
        if here || (window.missing_before().is_none() && window.missing_after().is_none()) {
            self.goal.set_value(None);
        }
        self.window.set_value(window);
    }

    /// Fetches what is missing on this device at the ends that are near; first of all the place that somebody wants to
    /// see.
    pub(super) fn fetch_missing(self, before: bool, after: bool) {
        let (above, below) = self.window.with_value(|w| (w.missing_before(), w.missing_after()));
        let edge = match (self.goal.get_value(), above, below) {
            (Some(goal), Some(seq), _) => Edge::Before(seq.min(Seq(goal.0.saturating_add(AROUND)))),
            (_, Some(seq), _) if before => Edge::Before(seq),
            (_, _, Some(seq)) if after => Edge::After(seq),
            _ => return,
        };
        let live = self.state.status.read_untracked().connection == Connection::Live;
        if !live || self.wanted.get_value() == Some(edge) {
            return;
        }
        self.wanted.set_value(Some(edge));
        leptos::task::spawn_local(async move {
            let asked = actions::done(self.state, Ask::Fetch { conversation: self.id, edge }).await;
            let Err(problem) = asked else { return };
            // When there is a connection again, it is tried again.
            self.wanted.try_update_value(|wanted| *wanted = None);
            if problem != Problem::Offline {
                self.state.problem(problem);
            }
        });
    }

    /// A part of the past is on this device now.
    pub(super) fn filled(self, first: Seq, last: Seq) {
        self.wanted.set_value(None);
        if let Some(goal) = self.goal.get_value() {
            if (first..=last).contains(&goal) {
                self.go_to(goal);
            }
            return;
        }
        let (preview, (before, after)) = self.window.with_value(|w| (w.is_preview(), w.grows(first, last)));
        if before && preview {
            self.begin();
        } else if before || after {
            self.fetch(before);
        }
    }
}
