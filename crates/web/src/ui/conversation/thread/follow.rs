//! How the open conversation follows what happens to it, and what counts as read.

use diario_protocol::Seq;
use diario_web_api::{Anchor, Ask, Connection, ConversationRow, Message};
use leptos::prelude::*;
use web_sys::HtmlElement;

use super::{Phase, Then, Thread};
use crate::actions;
use crate::model::window::{Far, PAGE};
use crate::state::Told;
use crate::ui::browser;
use crate::ui::conversation::place;

impl Thread {
    /// How far it was read, as far as known here: what was marked just now counts.
    pub(super) fn read(self, row: &ConversationRow) -> Seq {
        row.markers.read_here.max(self.marked.get_value())
    }

    /// Whether somebody looks at it: at the page, and at what the details do not cover.
    fn is_seen(self) -> bool {
        let covered = self.state.nav.place_now().is_beside() && browser::is_covered_by_details();
        browser::is_looked_at() && !covered
    }

    /// Whether what comes now is seen as it comes. What was missed is new to who looks at it only now, too.
    fn is_followed(self) -> bool {
        self.is_seen() && self.state.status.read_untracked().connection == Connection::Live
    }

    /// What comes from now on is new to who comes back.
    pub(super) fn looked_away(self) {
        if !self.is_followed() {
            self.line_is_set.set_value(false);
        }
    }

    /// What is seen was read.
    pub(super) fn mark_read(self, log: &HtmlElement) {
        if !self.is_seen() {
            return;
        }
        let (unread, known) = self.row.with_untracked(|row| (row.unread, self.read(row)));
        let Some(seq) = place::seen(log).filter(|seq| unread > 0 && *seq > known) else { return };
        let before = self.marked.get_value();
        self.marked.set_value(seq);
        leptos::task::spawn_local(async move {
            if actions::mark_read(self.state, self.id, seq).await.is_err() {
                // It is tried again with the next look.
                self.marked.try_update_value(|marked| {
                    if *marked == seq {
                        *marked = before;
                    }
                });
            }
        });
    }

    /// Something happened to this conversation.
    pub(super) fn hear(self, told: Told) {
        match self.phase.try_get_untracked() {
            // The view is gone.
            None => return,
            Some(Phase::Ready) => {}
            // What is being fetched has it.
            Some(_) if !matches!(told, Told::Anew) => return,
            Some(_) => {}
        }
        match told {
            Told::Messages(messages, reload) => self.take(messages, reload),
            Told::Gone(id) => {
                if self.window.try_update_value(|window| window.gone(id)) == Some(true) {
                    self.show(Then::Stay);
                }
            }
            Told::History(first, last) => self.filled(first, last),
            Told::Anew => {
                self.wanted.set_value(None);
                self.state.hint(Ask::Watch(Some(self.id)));
                self.reload();
            }
        }
    }

    /// Messages are new or changed; `reload`: and others too, which were not told.
    fn take(self, messages: Vec<Message>, reload: bool) {
        if reload {
            // Between what is loaded and what was told others are missing, and what is loaded may be another.
            return self.reload();
        }
        let at_end = self.at_end.get_untracked();
        let followed = self.is_followed();
        let read = self.row.with_untracked(|row| self.read(row));
        let missed = !followed && self.window.with_value(|window| window.would_be_unread(&messages, read));
        if missed {
            self.set_line(read);
        }
        let far = if missed && at_end { Far::New } else { self.far_end() };
        let changed = self.window.try_update_value(|window| {
            let many = messages.len() >= usize::from(PAGE) && at_end && followed;
            let changed = window.tell(messages, far);
            if many {
                window.keep_newest();
            }
            changed || many
        });
        if changed == Some(true) {
            self.show(if missed && at_end { Then::Line } else { Then::Stay });
        }
    }

    /// The unread ones begin after this, unless some were unread before.
    fn set_line(self, read: Seq) {
        let caught_up = self.window.with_value(|window| !window.more_after() && !window.has_unread(read));
        if caught_up && !self.line_is_set.get_value() {
            self.line_is_set.set_value(true);
            self.read_before.set_value(Some(read));
        }
    }

    /// Asks anew for what is shown: the newest if they are in sight, else the part around what is.
    pub(super) fn reload(self) {
        let Some(phase) = self.phase.try_get_untracked() else { return };
        let at_end = self.at_end.get_untracked();
        if phase != Phase::Ready {
            return self.begin();
        }
        if at_end {
            // What nobody saw come is shown from its beginning.
            let unread = self.row.with_untracked(|row| row.unread > 0);
            if unread && !self.is_followed() {
                self.begin();
            } else {
                self.load(Anchor::Newest, Then::Stay);
            }
            return;
        }
        let seen = self.log.try_get_untracked().flatten().and_then(|log| place::seen(&log));
        let (part, first, more) = self.window.with_value(|w| (w.part(seen), w.first(), w.more_before()));
        match part {
            Some((after, limit)) => {
                let more = more || first.is_some_and(|first| first <= after);
                self.load_part(Anchor::After(after), limit, Then::Stay, Some(more));
            }
            None => self.begin(),
        }
    }

    /// Which end is out of sight.
    fn far_end(self) -> Far {
        match self.log.try_get_untracked().flatten() {
            Some(log) if log.scroll_top() < place::below(&log) => Far::New,
            _ => Far::Old,
        }
    }
}
