//! What is looked for in messages, and what was found: it stays while one reads a message and comes back.

use diario_protocol::ConversationId;
use diario_web_api::{Hits, MAX_PAGE, Problem, Search};
use leptos::prelude::*;

use crate::actions;
use crate::model::Place;
use crate::state::State;
use crate::ui::when;

/// Hits that are fetched at a time.
const PAGE: u16 = 40;
/// A search begins so many milliseconds after the last letter.
const AFTER_MS: u64 = 180;
/// What is not findable yet is looked for again after so many milliseconds.
const AGAIN_MS: u64 = 700;
/// While the history comes in, what is looked for is looked for again so often.
const GROW_MS: u64 = 1_000;

/// What is looked for, and what was found. Copies mean the same.
#[derive(Clone, Copy)]
pub(crate) struct Finding {
    /// The words, as typed.
    pub(crate) words: RwSignal<String>,
    /// Only in this conversation.
    pub(crate) conversation: RwSignal<Option<ConversationId>>,
    /// Only what somebody of this name said; empty: anybody.
    pub(crate) from: RwSignal<String>,
    /// Only from this day on; empty, or as `2026-11-27`.
    pub(crate) since: RwSignal<String>,
    /// Only up to this day.
    pub(crate) until: RwSignal<String>,
    /// What was found; `None` before anything was looked for.
    pub(crate) found: RwSignal<Option<Result<Hits, Problem>>>,
    /// Whether more is being fetched.
    pub(crate) busy: RwSignal<bool>,
    /// How far the page was scrolled.
    pub(crate) scrolled: StoredValue<i32>,
    /// What was looked for last: asked for anew only if it is something else.
    last: StoredValue<Option<Search>>,
    /// Counts what makes earlier answers void.
    turn: StoredValue<u32>,
    /// Whether it is about to be looked for again, since more of what is searched came in.
    growing: StoredValue<bool>,
}

impl Finding {
    /// Nothing is looked for.
    pub(crate) fn new() -> Self {
        Self {
            words: RwSignal::default(),
            conversation: RwSignal::new(None),
            from: RwSignal::default(),
            since: RwSignal::default(),
            until: RwSignal::default(),
            found: RwSignal::new(None),
            busy: RwSignal::new(false),
            scrolled: StoredValue::new(0),
            last: StoredValue::new(None),
            turn: StoredValue::new(0),
            growing: StoredValue::new(false),
        }
    }

    /// Opens the page, to look in one conversation or in all.
    pub(crate) fn open(self, state: State, conversation: Option<ConversationId>) {
        self.conversation.set(conversation);
        state.go(Place::Search);
    }

    /// Nothing is looked for any more.
    pub(crate) fn forget(self) {
        self.words.set(String::new());
        self.conversation.set(None);
        self.from.set(String::new());
        self.since.set(String::new());
        self.until.set(String::new());
        self.found.set(None);
        self.last.set_value(None);
        self.turn.update_value(|turn| *turn += 1);
    }

    /// Whether anything but words is asked for.
    pub(crate) fn is_filtered(self) -> bool {
        let any = |text: RwSignal<String>| !text.read().is_empty();
        any(self.from) || any(self.since) || any(self.until)
    }

    /// Looks for what is asked now, in a moment, unless that is what was found.
    pub(crate) fn look(self, state: State) {
        let search = Search {
            words: self.words.get(),
            conversation: self.conversation.get(),
            from: self.from.get(),
            since: when::of_day(&self.since.read(), false),
            until: when::of_day(&self.until.read(), true),
            after: None,
            limit: PAGE,
        };
        if self.last.with_value(|last| last.as_ref() == Some(&search)) {
            return;
        }
        let first = self.last.with_value(Option::is_none);
        self.last.set_value(Some(search.clone()));
        self.scrolled.set_value(0);
        self.begin(state, search, if first { 0 } else { AFTER_MS });
    }

    /// Looks again for the same, if more of what is searched may be here by now.
    pub(crate) fn again_if_incomplete(self, state: State) {
        let incomplete =
            self.found.with_untracked(|found| matches!(found, Some(Ok(hits)) if hits.incomplete > 0));
        let shown = self.found.with_untracked(|found| match found {
            Some(Ok(hits)) => hits.hits.len(),
            _ => 0,
        });
        // As many as are shown, if one answer holds them: nothing that is read goes away.
        let limit = u16::try_from(shown).unwrap_or(MAX_PAGE).clamp(PAGE, MAX_PAGE);
        if let Some(search) = self.last.get_value().filter(|_| incomplete) {
            self.begin(state, Search { limit, ..search }, 0);
        }
    }

    /// More of what is searched is here: looks again soon, once for all that comes in meanwhile.
    pub(crate) fn grow(self, state: State) {
        if self.growing.get_value() {
            return;
        }
        self.growing.set_value(true);
        set_timeout(
            move || {
                self.growing.set_value(false);
                if self.busy.get_untracked() {
                    // What is under way is not to be lost.
                    self.grow(state);
                } else {
                    self.again_if_incomplete(state);
                }
            },
            std::time::Duration::from_millis(GROW_MS),
        );
    }

    fn begin(self, state: State, search: Search, wait_ms: u64) {
        let turn = self.turn.get_value() + 1;
        self.turn.set_value(turn);
        if search.words.trim().is_empty() {
            self.busy.set(false);
            self.found.set(None);
            return;
        }
        self.busy.set(true);
        let ask = move || {
            if self.turn.get_value() != turn {
                return;
            }
            leptos::task::spawn_local(async move {
                let found = actions::search(state, search.clone()).await;
                if self.turn.get_value() != turn {
                    return;
                }
                self.busy.set(false);
                let unindexed = found.as_ref().is_ok_and(|hits| hits.unindexed > 0);
                let found = Some(found);
                // The same again is not drawn again.
                if self.found.with_untracked(|before| *before != found) {
                    self.found.set(found);
                }
                if unindexed {
                    self.begin(state, search, AGAIN_MS);
                }
            });
        };
        set_timeout(ask, std::time::Duration::from_millis(wait_ms));
    }

    /// Fetches the next hits.
    pub(crate) fn more(self, state: State) {
        let more = self.found.with_untracked(|found| match found {
            Some(Ok(hits)) => hits.more,
            _ => None,
        });
        let (Some(more), Some(search)) = (more, self.last.get_value()) else { return };
        if self.busy.get_untracked() {
            return;
        }
        let turn = self.turn.get_value();
        self.busy.set(true);
        leptos::task::spawn_local(async move {
            let next = actions::search(state, Search { after: Some(more), ..search }).await;
            if self.turn.get_value() != turn {
                return;
            }
            self.busy.set(false);
            match next {
                Ok(next) => self.found.update(|found| {
                    if let Some(Ok(hits)) = found {
                        hits.hits.extend(next.hits);
                        hits.more = next.more;
                    }
                }),
                Err(problem) => state.problem(problem),
            }
        });
    }
}
