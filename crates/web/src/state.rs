//! What the page knows: signals that the worker's tellings change, and what can be asked of the worker.
//!
//! [`State`] is one handle, free to copy, given by context: `let state = use_state();`. What it holds is only
//! changed here; views read the signals and ask through [`State::ask`] or, where nobody waits for the answer,
//! [`State::fire`]. Names of what can be asked are in `crate::actions`.

use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use diario_protocol::{ConversationId, Seq, Timestamp};
use diario_web_api::{
    Account, Answer, Ask, Connection, ConversationRow, Device, Filling, LinkStep, Message, Problem,
    RecoverStep, RecoveryMethod, Settings, Snapshot, Status, StoreKind, Tell,
};
use futures_util::future::LocalBoxFuture;
use leptos::prelude::*;

use crate::bridge::Role;
use crate::finding::Finding;
use crate::model::{Place, order};
use crate::nav::Nav;

/// How an ask reaches the worker.
pub(crate) type Line = Rc<dyn Fn(Ask) -> LocalBoxFuture<'static, Result<Answer, Problem>>>;

/// What happened to the conversation that is shown.
#[derive(Debug, Clone)]
pub(crate) enum Told {
    /// These messages are new or changed; whether there are more that did.
    Messages(Vec<Message>, bool),
    /// This message is gone.
    Gone(diario_protocol::EntryId),
    /// A part of its past is here now, from one place to another.
    History(Seq, Seq),
    /// Another worker holds the engine: what is shown may be out of date.
    Anew,
}

/// Who listens to what happens to the conversation that is shown.
type Listener = Rc<dyn Fn(Told)>;

/// A short notice at the edge of the page.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Toast {
    /// Its number.
    pub(crate) id: u64,
    /// What it says.
    pub(crate) what: Notice,
}

/// What a toast says.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Notice {
    /// Something could not be done.
    Problem(Problem),
    /// The text of this key.
    Text(&'static str),
}

/// Who types in a conversation: names, and until when to say so.
pub(crate) type Typists = Vec<(String, Timestamp)>;

/// What the page knows. Copies mean the same.
#[derive(Clone, Copy)]
pub(crate) struct State(&'static Known);

impl std::ops::Deref for State {
    type Target = Known;

    fn deref(&self) -> &Known {
        self.0
    }
}

/// The signals of a [`State`]; made once, they live as long as the page.
pub(crate) struct Known {
    /// Where in the app one is.
    pub(crate) nav: Nav,
    /// Whether the worker has told everything there is to show at first.
    pub(crate) ready: RwSignal<bool>,
    /// The account; `None` before there is one.
    pub(crate) account: RwSignal<Option<Account>>,
    /// How it stands with the server.
    pub(crate) status: RwSignal<Status>,
    /// The account's settings.
    pub(crate) settings: RwSignal<Settings>,
    /// Where the diary is kept.
    pub(crate) store: RwSignal<StoreKind>,
    /// This page's place among the tabs of its browser; `None` until it is known.
    pub(crate) role: RwSignal<Option<Role>>,
    /// Why nothing goes any more, if the store has failed.
    pub(crate) broken: RwSignal<Option<String>>,
    /// The conversations in the order of the list: pinned ones first, then the newest.
    pub(crate) order: RwSignal<Vec<ConversationId>>,
    /// Changes whenever a conversation is called otherwise, or others are in it.
    pub(crate) named: RwSignal<u64>,
    /// Unread messages of conversations that are not muted.
    pub(crate) unread: RwSignal<u64>,
    rows: RwSignal<HashMap<ConversationId, ArcRwSignal<ConversationRow>>>,
    typing: RwSignal<HashMap<ConversationId, Typists>>,
    /// The own devices; `None` until they were asked for.
    pub(crate) devices: RwSignal<Option<Vec<Device>>>,
    /// How much of the history is here; `None` until it was asked for.
    pub(crate) filling: RwSignal<Option<Filling>>,
    /// The newest step of a linking.
    pub(crate) link: RwSignal<Option<LinkStep>>,
    /// The newest step of a recovery.
    pub(crate) recover: RwSignal<Option<RecoverStep>>,
    /// What the account can be recovered by; `None` until it was asked for.
    pub(crate) methods: RwSignal<Option<Vec<RecoveryMethod>>>,
    /// Why the server refused to register or log in, if it did.
    pub(crate) rejected: RwSignal<Option<Problem>>,
    /// What was refused that no honest server or member does; newest last, the last 50.
    pub(crate) alarms: RwSignal<Vec<(Option<ConversationId>, String)>>,
    /// The newest message of somebody else's, to be announced and notified.
    pub(crate) arrived: RwSignal<Option<Arrived>>,
    /// Whether the disk, or what the browser allows of it, is full.
    pub(crate) full: RwSignal<bool>,
    /// Notices at the edge of the page.
    pub(crate) toasts: RwSignal<Vec<Toast>>,
    /// What is looked for in messages.
    pub(crate) finding: Finding,
    /// This machine's clock, ms since 1970, moved on about three times a minute: for "5 minutes ago" and for days.
    pub(crate) now: RwSignal<u64>,
    /// The same, moved on every second while something counts down.
    pub(crate) second: RwSignal<u64>,
    line: StoredValue<Option<Line>, LocalStorage>,
    listener: StoredValue<Option<Listener>, LocalStorage>,
    toasted: StoredValue<u64>,
}

/// A message of somebody else's that came just now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Arrived {
    /// Where.
    pub(crate) conversation: ConversationId,
    /// The conversation's title.
    pub(crate) title: String,
    /// Who, by name.
    pub(crate) sender: String,
    /// What, shortened.
    pub(crate) text: String,
    /// Whether the conversation is muted.
    pub(crate) muted: bool,
}

/// The state of this page. Only within views.
pub(crate) fn use_state() -> State {
    expect_context()
}

/// This machine's clock.
pub(crate) fn clock() -> u64 {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a date after 1970")]
    let now = js_sys::Date::now().max(0.0) as u64;
    now
}

impl State {
    /// Nothing is known yet.
    pub(crate) fn new(nav: Nav) -> Self {
        let known = Known {
            nav,
            ready: RwSignal::new(false),
            account: RwSignal::new(None),
            status: RwSignal::new(Status { connection: Connection::Connecting, waiting: 0 }),
            settings: RwSignal::new(Settings { receipts: true }),
            store: RwSignal::new(StoreKind::Disk),
            role: RwSignal::new(None),
            broken: RwSignal::new(None),
            order: RwSignal::default(),
            named: RwSignal::new(0),
            unread: RwSignal::new(0),
            rows: RwSignal::default(),
            typing: RwSignal::default(),
            devices: RwSignal::new(None),
            filling: RwSignal::new(None),
            link: RwSignal::new(None),
            recover: RwSignal::new(None),
            methods: RwSignal::new(None),
            rejected: RwSignal::new(None),
            alarms: RwSignal::default(),
            full: RwSignal::new(false),
            arrived: RwSignal::new(None),
            toasts: RwSignal::default(),
            finding: Finding::new(),
            now: RwSignal::new(clock()),
            second: RwSignal::new(clock()),
            line: StoredValue::new_local(None),
            listener: StoredValue::new_local(None),
            toasted: StoredValue::new(0),
        };
        let state = Self(Box::leak(Box::new(known)));
        set_interval(
            move || {
                let now = clock();
                let counting = matches!(state.status.read_untracked().connection, Connection::Waiting { .. });
                if counting {
                    state.second.set(now);
                }
                if now.abs_diff(state.now.get_untracked()) >= 20_000 {
                    state.now.set(now);
                }
                state.forget_typists(now);
            },
            std::time::Duration::from_secs(1),
        );
        state
    }

    /// From now on asks go this way.
    pub(crate) fn set_line(self, line: Line) {
        self.line.set_value(Some(line));
    }

    /// Asks the worker, and waits for its answer. An ask outlives the worker: the bridge asks again.
    pub(crate) async fn ask(self, ask: Ask) -> Result<Answer, Problem> {
        match self.line.get_value() {
            Some(line) => line(ask).await,
            None => Err(Problem::Offline),
        }
    }

    /// Asks the worker; nobody waits, but a problem is shown.
    pub(crate) fn fire(self, ask: Ask) {
        leptos::task::spawn_local(async move {
            if let Err(problem) = self.ask(ask).await {
                self.problem(problem);
            }
        });
    }

    /// Asks the worker; nobody waits, and a problem is nobody's: for what is told again soon anyway.
    pub(crate) fn hint(self, ask: Ask) {
        leptos::task::spawn_local(async move {
            let _ = self.ask(ask).await;
        });
    }

    /// Shows that something could not be done.
    pub(crate) fn problem(self, problem: Problem) {
        self.toast(Notice::Problem(problem));
    }

    /// Shows a notice for some seconds. The same one twice is shown once.
    pub(crate) fn toast(self, what: Notice) {
        let id = self.toasted.get_value() + 1;
        self.toasted.set_value(id);
        self.toasts.update(|toasts| {
            toasts.retain(|toast| toast.what != what);
            toasts.push(Toast { id, what });
        });
        set_timeout(move || self.dismiss(id), std::time::Duration::from_secs(8));
    }

    /// Takes a notice away.
    pub(crate) fn dismiss(self, id: u64) {
        if self.toasts.read_untracked().iter().any(|toast| toast.id == id) {
            self.toasts.update(|toasts| toasts.retain(|toast| toast.id != id));
        }
    }

    /// Goes to a place.
    pub(crate) fn go(self, place: Place) {
        self.nav.go(place);
    }

    /// A conversation's row; `None` if there is no such conversation. Follows its coming and going.
    pub(crate) fn row(self, id: ConversationId) -> Option<ArcRwSignal<ConversationRow>> {
        self.rows.read().get(&id).cloned()
    }

    /// A conversation's row, without following its coming and going.
    pub(crate) fn row_untracked(self, id: ConversationId) -> Option<ArcRwSignal<ConversationRow>> {
        self.rows.read_untracked().get(&id).cloned()
    }

    /// A conversation's row as it is now.
    pub(crate) fn row_now(self, id: ConversationId) -> Option<ConversationRow> {
        self.rows.read_untracked().get(&id).map(GetUntracked::get_untracked)
    }

    /// Goes through all rows as they are now.
    pub(crate) fn each_row(self, mut with: impl FnMut(&ConversationRow)) {
        for row in self.rows.read_untracked().values() {
            with(&row.read_untracked());
        }
    }

    /// Who types in a conversation.
    pub(crate) fn typists(self, id: ConversationId) -> Vec<String> {
        self.typing.with(|typing| {
            typing.get(&id).map(|who| who.iter().map(|(name, _)| name.clone()).collect()).unwrap_or_default()
        })
    }

    /// Whose turn it is to hear what happens to the conversation that is shown; `None`: nobody's.
    pub(crate) fn listen(self, listener: Option<Listener>) {
        self.listener.set_value(listener);
    }

    /// The worker told everything there is.
    pub(crate) fn on_start(self, snapshot: Snapshot) {
        let Snapshot { account, status, conversations, settings, store } = snapshot;
        if account.is_none() && self.account.read_untracked().is_some() {
            self.forget();
        }
        self.account.set(account);
        self.status.set(status);
        self.settings.set(settings);
        self.store.set(store);
        let known: HashSet<_> = conversations.iter().map(|row| row.id).collect();
        if self.rows.read_untracked().keys().any(|id| !known.contains(id)) {
            self.rows.update(|rows| rows.retain(|id, _| known.contains(id)));
        }
        self.put_rows(conversations);
        let again = self.ready.get_untracked();
        self.ready.set(true);
        if again {
            self.tell_listener(Told::Anew);
        }
    }

    /// The account is not in this browser any more: nor is what was known by it. The rows go with the list.
    fn forget(self) {
        self.devices.set(None);
        self.filling.set(None);
        self.typing.update(HashMap::clear);
        self.alarms.update(Vec::clear);
        self.link.set(None);
        self.recover.set(None);
        self.methods.set(None);
        self.arrived.set(None);
        self.finding.forget();
    }

    /// The worker told something.
    pub(crate) fn on_tell(self, tell: Tell) {
        match tell {
            Tell::Status(status) => {
                self.second.set(clock());
                self.status.set(status);
            }
            Tell::Account(account) => self.account.set(account),
            Tell::Conversations(rows) => self.put_rows(rows),
            Tell::Messages { conversation, messages, reload } => {
                if self.nav.place_now().conversation() == Some(conversation) {
                    self.tell_listener(Told::Messages(messages, reload));
                }
            }
            Tell::Gone { conversation, id } => {
                if self.nav.place_now().conversation() == Some(conversation) {
                    self.tell_listener(Told::Gone(id));
                }
            }
            Tell::Typing { conversation, name, until } => self.typing.update(|typing| {
                let who = typing.entry(conversation).or_default();
                who.retain(|(other, _)| *other != name);
                who.push((name, until));
            }),
            Tell::Arrived { conversation, title, sender, text, muted } => {
                // Who has just said something does not type any more.
                self.typing.update(|typing| {
                    if let Some(who) = typing.get_mut(&conversation) {
                        who.retain(|(name, _)| *name != sender);
                    }
                });
                self.arrived.set(Some(Arrived { conversation, title, sender, text, muted }));
            }
            Tell::Devices(devices) => self.devices.set(Some(devices)),
            Tell::Settings(settings) => self.settings.set(settings),
            Tell::Link(step) => self.link.set(Some(step)),
            Tell::Recover(step) => self.recover.set(Some(step)),
            Tell::RecoveryMethods(methods) => self.methods.set(Some(methods)),
            Tell::Alarm { conversation, what } => self.alarms.update(|alarms| {
                alarms.push((conversation, what));
                let more = alarms.len().saturating_sub(50);
                alarms.drain(..more);
            }),
            Tell::Full(full) => self.full.set(full),
            Tell::Rejected(problem) => self.rejected.set(Some(problem)),
            Tell::Broken(why) => self.broken.set(Some(why)),
            Tell::History { conversation, first, last } => {
                if self.nav.place_now().conversation() == Some(conversation) {
                    self.tell_listener(Told::History(first, last));
                }
            }
            Tell::Filling(filling) => self.filling.set(Some(filling)),
        }
    }

    /// This page's place among the tabs changed.
    pub(crate) fn on_role(self, role: Role) {
        if let Role::Broken(why) = &role {
            self.broken.set(Some(why.clone()));
        }
        self.role.set(Some(role));
    }

    fn tell_listener(self, told: Told) {
        if let Some(listener) = self.listener.get_value() {
            listener(told);
        }
    }

    fn put_rows(self, new: Vec<ConversationRow>) {
        let mut added = Vec::new();
        let (mut moved, mut renamed) = (false, false);
        {
            let rows = self.rows.read_untracked();
            for row in new {
                match rows.get(&row.id) {
                    Some(signal) => {
                        let differs = {
                            let old = signal.read_untracked();
                            moved |= (old.pinned, old.at) != (row.pinned, row.at);
                            renamed |= old.title != row.title || old.others != row.others;
                            *old != row
                        };
                        if differs {
                            signal.set(row);
                        }
                    }
                    None => added.push((row.id, ArcRwSignal::new(row))),
                }
            }
        }
        if !added.is_empty() {
            moved = true;
            self.rows.update(|rows| rows.extend(added));
        }
        if moved || self.order.read_untracked().len() != self.rows.read_untracked().len() {
            let order = {
                let rows = self.rows.read_untracked();
                order::listed(rows.values().map(|row| {
                    let row = row.read_untracked();
                    (row.id, row.pinned, row.at)
                }))
            };
            if *self.order.read_untracked() != order {
                self.order.set(order);
            }
        }
        if renamed {
            self.named.update(|named| *named += 1);
        }
        self.count_unread();
    }

    fn count_unread(self) {
        let mut unread = 0_u64;
        self.each_row(|row| {
            if !row.muted {
                unread = unread.saturating_add(row.unread);
            }
        });
        if unread != self.unread.get_untracked() {
            self.unread.set(unread);
        }
    }

    fn forget_typists(self, now: u64) {
        let over = |who: &Typists| who.iter().any(|(_, until)| until.0 <= now);
        if self.typing.read_untracked().values().any(over) {
            self.typing.update(|typing| {
                for who in typing.values_mut() {
                    who.retain(|(_, until)| until.0 > now);
                }
                typing.retain(|_, who| !who.is_empty());
            });
        }
    }
}
