//! The part of the open conversation that is loaded, and how it is shown.

mod follow;
mod past;

use std::collections::HashMap;
use std::rc::Rc;

use diario_protocol::{ConversationId, Seq};
use diario_web_api::{Anchor, Ask, Connection, ConversationRow, Edge, Problem};
use leptos::html;
use leptos::prelude::*;

use crate::actions;
use crate::model::Place;
use crate::model::thread::{Item, Key, lay_out};
use crate::model::window::{PAGE, Window};
use crate::state::State;
use crate::ui::when;

use super::place;

/// How near to an end of what is loaded the next page is fetched, in pixels.
const AHEAD: i32 = 1_200;

/// How far the first page has come.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Phase {
    /// It is fetched.
    Loading,
    /// It is there.
    Ready,
    /// It cannot be had.
    Failed(Problem),
}

/// Where to scroll after a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Then {
    /// What is seen stays where it is; at the end it follows the end.
    Stay,
    /// To the first unread one, or to the end.
    Begin,
    /// Follows the end, as long as the line above the unread ones stays in sight.
    Line,
    /// To the end.
    End,
    /// To a place, or to what comes next after it.
    At(Seq),
}

/// The open conversation. Copies mean the same.
#[derive(Clone, Copy)]
pub(crate) struct Thread {
    state: State,
    id: ConversationId,
    row: RwSignal<ConversationRow>,
    window: StoredValue<Window>,
    items: StoredValue<HashMap<Key, ArcRwSignal<Item>>>,
    /// What is shown, in order.
    pub(super) keys: RwSignal<Vec<Key>>,
    /// How far the first page has come.
    pub(super) phase: RwSignal<Phase>,
    /// Whether there are older ones than those loaded.
    pub(super) more_before: RwSignal<bool>,
    /// Whether something is missing on this device right before those loaded, and right after.
    pub(super) missing: RwSignal<(bool, bool)>,
    /// What is missing and was asked for.
    wanted: StoredValue<Option<Edge>>,
    /// The place that somebody wants to see, until it is here.
    goal: StoredValue<Option<Seq>>,
    /// Whether the newest are in sight.
    pub(super) at_end: RwSignal<bool>,
    /// The element that is scrolled.
    pub(super) log: NodeRef<html::Div>,
    /// How far one had read when it was opened, or when one looked away, if something was unread then.
    read_before: StoredValue<Option<Seq>>,
    /// Whether `read_before` is of this time that nobody looks: it is set once in it.
    line_is_set: StoredValue<bool>,
    marked: StoredValue<Seq>,
    fetching: StoredValue<bool>,
    /// The message that one wants to see, until it is there.
    aim: StoredValue<Option<Seq>>,
    /// Where to scroll after the next frame's change, if there is one to come.
    then: StoredValue<Option<Then>>,
    /// Counts what makes answers to earlier questions void.
    turn: StoredValue<u32>,
}

impl Thread {
    /// Opens a conversation, for as long as the view lives.
    pub(super) fn open(state: State, id: ConversationId, row: RwSignal<ConversationRow>) -> Self {
        let thread = Self {
            state,
            id,
            row,
            window: StoredValue::new(Window::default()),
            items: StoredValue::new(HashMap::new()),
            keys: RwSignal::default(),
            phase: RwSignal::new(Phase::Loading),
            more_before: RwSignal::new(false),
            missing: RwSignal::new((false, false)),
            wanted: StoredValue::new(None),
            goal: StoredValue::new(None),
            at_end: RwSignal::new(true),
            log: NodeRef::new(),
            read_before: StoredValue::new(None),
            line_is_set: StoredValue::new(false),
            marked: StoredValue::new(Seq(0)),
            fetching: StoredValue::new(false),
            aim: StoredValue::new(None),
            then: StoredValue::new(None),
            turn: StoredValue::new(0),
        };
        let listener = Rc::new(move |told| thread.hear(told));
        state.listen(Some(listener));
        state.hint(Ask::Watch(Some(id)));
        let aim = Memo::new(move |_| match state.nav.place() {
            Place::At(of, seq) if of == id => Some(seq),
            _ => None,
        });
        thread.aim.set_value(aim.get_untracked());
        thread.begin();
        Effect::new(move |before: Option<()>| {
            let aim = aim.get();
            if before.is_some() && aim.is_some() {
                thread.aim.set_value(aim);
                thread.begin();
            }
        });
        let looks = [
            window_event_listener(leptos::ev::focus, move |_| thread.look()),
            window_event_listener(leptos::ev::blur, move |_| thread.looked_away()),
            window_event_listener(leptos::ev::visibilitychange, move |_| {
                thread.looked_away();
                thread.look();
            }),
        ];
        let live = Memo::new(move |_| state.status.read().connection == Connection::Live);
        Effect::new(move |_| {
            let details = state.nav.place().is_beside();
            if details || !live.get() {
                thread.looked_away();
            }
            if !live.get() {
                // What was asked for does not come any more; it is asked for again.
                thread.wanted.set_value(None);
            }
            // What the details covered may be seen now.
            request_animation_frame(move || thread.look());
        });
        on_cleanup(move || {
            looks.into_iter().for_each(WindowListenerHandle::remove);
            // The next conversation, if there is one, has its own turn already.
            if state.nav.place_now().conversation().is_none() {
                state.listen(None);
                state.hint(Ask::Watch(None));
            }
        });
        thread
    }

    /// Shows it from the first unread one on, or around the message that one wants to see.
    fn begin(self) {
        self.goal.set_value(None);
        if let Some(seq) = self.aim.get_value() {
            return self.go_to(seq);
        }
        let read = self.row.with_untracked(|row| (row.unread > 0).then(|| self.read(row)));
        self.read_before.set_value(read);
        self.line_is_set.set_value(read.is_some());
        self.load(Anchor::Unread, Then::Begin);
    }

    /// An item, to be followed.
    pub(super) fn item(self, key: Key) -> Option<ArcRwSignal<Item>> {
        self.items.try_with_value(|items| items.get(&key).cloned()).flatten()
    }

    /// Shows the newest.
    pub(crate) fn to_newest(self) {
        self.goal.set_value(None);
        if self.window.with_value(Window::more_after) {
            self.load(Anchor::Newest, Then::End);
        } else if let Some(log) = self.log.get_untracked() {
            place::to_end(&log);
            self.look();
        }
    }

    /// Tries again what failed.
    pub(super) fn retry(self) {
        self.phase.set(Phase::Loading);
        self.begin();
    }

    /// What happens when it is scrolled, and when what is seen may have changed otherwise.
    pub(super) fn look(self) {
        let Some(log) = self.log.try_get_untracked().flatten() else { return };
        if self.phase.try_get_untracked() != Some(Phase::Ready) {
            return;
        }
        let (more_before, more_after) = self.window.with_value(|w| (w.more_before(), w.more_after()));
        let at_end = place::is_at_end(&log) && !more_after;
        if at_end != self.at_end.get_untracked() {
            self.at_end.set(at_end);
        }
        let (before, after) = (log.scroll_top() < AHEAD, place::below(&log) < AHEAD);
        self.fetch_missing(before, after);
        // Where something is missing there is nothing to show beyond it yet.
        let (above, below) =
            self.window.with_value(|w| (w.missing_before().is_some(), w.missing_after().is_some()));
        if more_before && before && !above {
            self.fetch(true);
        } else if more_after && after && !below {
            self.fetch(false);
        }
        self.mark_read(&log);
    }

    /// Keeps the end in sight when the room changes: a keyboard comes, a line is added below.
    pub(super) fn resized(self) {
        if let Some(log) = self.log.try_get_untracked().flatten()
            && self.at_end.get_untracked()
            && self.phase.get_untracked() == Phase::Ready
        {
            place::to_end(&log);
            self.look();
        }
    }

    fn load(self, anchor: Anchor, then: Then) {
        self.load_part(anchor, PAGE, then, None);
    }

    /// Fetches a page in place of what is loaded. `more_before`: whether there are older ones, if that is known.
    fn load_part(self, anchor: Anchor, limit: u16, then: Then, more_before: Option<bool>) {
        let turn = self.turn.get_value() + 1;
        self.turn.set_value(turn);
        self.fetching.set_value(true);
        leptos::task::spawn_local(async move {
            let page = actions::history(self.state, self.id, anchor, limit).await;
            if self.turn.try_get_value() != Some(turn) {
                return;
            }
            self.fetching.set_value(false);
            match page {
                // Meanwhile one has scrolled up: these would take away what is seen.
                Ok(_) if anchor == Anchor::Newest && then == Then::Stay && !self.at_end.get_untracked() => {
                    self.reload();
                }
                Ok(page) => {
                    self.put(page, more_before);
                    self.phase.set(Phase::Ready);
                    self.show(then);
                }
                Err(problem) if self.phase.get_untracked() == Phase::Ready => self.state.problem(problem),
                Err(problem) => self.phase.set(Phase::Failed(problem)),
            }
        });
    }

    fn fetch(self, before: bool) {
        let edge = self.window.with_value(|w| if before { w.first() } else { w.last() });
        let Some(edge) = edge.filter(|_| !self.fetching.get_value()) else { return };
        self.fetching.set_value(true);
        let turn = self.turn.get_value();
        let anchor = if before { Anchor::Before(edge) } else { Anchor::After(edge) };
        leptos::task::spawn_local(async move {
            let page = actions::history(self.state, self.id, anchor, PAGE).await;
            if self.turn.try_get_value() != Some(turn) {
                return;
            }
            self.fetching.set_value(false);
            match page {
                Ok(page) => {
                    self.window.update_value(|w| {
                        if before {
                            w.put_before(page.messages, page.more_before);
                            w.set_missing_before(page.missing_before);
                        } else {
                            w.put_after(page.messages, page.more_after);
                            w.set_missing_after(page.missing_after);
                        }
                    });
                    self.show(Then::Stay);
                }
                Err(problem) => self.state.problem(problem),
            }
        });
    }

    /// Shows what is loaded at the next frame: however much happens before it, it is laid out once.
    fn show(self, then: Then) {
        let waiting = self.then.get_value();
        // Somebody who goes to a place wants that more than to stay.
        self.then.set_value(Some(waiting.filter(|_| then == Then::Stay).unwrap_or(then)));
        if waiting.is_none() {
            request_animation_frame(move || {
                if let Some(then) = self.then.try_update_value(Option::take).flatten() {
                    self.lay_out(then);
                }
            });
        }
    }

    /// Lays out what is loaded, and scrolls once it is in the page.
    fn lay_out(self, then: Then) {
        let log = self.log.try_get_untracked().flatten();
        let follows_end = self.at_end.get_untracked();
        let anchor = match then {
            Then::Stay if !follows_end => log.as_deref().and_then(place::anchor),
            _ => None,
        };
        let laid_out = self
            .window
            .with_value(|window| lay_out(window.messages(), self.read_before.get_value(), when::local_day));
        let keys: Vec<Key> = laid_out.iter().map(|(key, _)| *key).collect();
        self.items.update_value(|items| {
            let mut old = std::mem::take(items);
            for (key, item) in laid_out {
                let signal = match old.remove(&key) {
                    Some(signal) => {
                        if *signal.read_untracked() != item {
                            signal.set(item);
                        }
                        signal
                    }
                    None => ArcRwSignal::new(item),
                };
                items.insert(key, signal);
            }
        });
        self.more_before.set(self.window.with_value(Window::more_before));
        let missing = self.window.with_value(|w| (w.missing_before().is_some(), w.missing_after().is_some()));
        if *self.missing.read_untracked() != missing {
            self.missing.set(missing);
        }
        if *self.keys.read_untracked() != keys {
            self.keys.set(keys);
        }
        // The page changes right after this, before it is painted; and right after that it is scrolled.
        leptos::task::spawn_local(async move {
            leptos::task::tick().await;
            let Some(log) = self.log.try_get_untracked().flatten() else { return };
            match then {
                Then::Begin if place::to_item(&log, ".unread-line") => {}
                Then::Begin | Then::End => place::to_end(&log),
                Then::At(seq) => {
                    place::to_seq(&log, seq);
                    if self.aim.get_value() == Some(seq) && place::mark(&log, seq) {
                        self.aim.set_value(None);
                    }
                }
                Then::Line => place::to_end_before(&log, ".unread-line"),
                Then::Stay if follows_end => place::to_end(&log),
                Then::Stay => {
                    if let Some(anchor) = anchor {
                        anchor.restore(&log);
                    }
                }
            }
            self.look();
        });
    }
}
