//! The pages that are served, and what they wait for. Knows no ports: what goes out is given to the caller.

use std::collections::{BTreeMap, BTreeSet};

use diario_engine::{ConnectionState, Engine, EngineError, Event};
use diario_protocol::{ConversationId, Refusal, Timestamp};
use diario_web_api::{Answer, Ask, Connection, Problem, Snapshot, Status, StoreKind, Tell, ToPage, ToWorker};

use crate::ask::{self, Awaited, Outcome};
use crate::gather::Gather;
use crate::view;

/// The name that a page gave itself.
pub(crate) type PageName = String;

/// What goes out, and to whom.
pub(crate) type Out = Vec<(PageName, ToPage)>;

/// What the worker has to do itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Wish {
    /// Connect at once.
    Hurry,
    /// Make the connection anew.
    Anew,
    /// Delete everything and begin anew; then answer this question of this page.
    Wipe(PageName, u64),
    /// End: the store has failed.
    Break(String),
}

/// A page.
#[derive(Debug, Default)]
struct Page {
    /// It has everything there was to show, and is told what happens.
    started: bool,
    /// The conversation that it shows.
    watches: Option<ConversationId>,
}

/// A question that the server has to answer.
#[derive(Debug)]
struct Waiting {
    page: PageName,
    id: u64,
    awaited: Awaited,
}

/// The pages that are served.
#[derive(Debug)]
pub(crate) struct Hub {
    pages: BTreeMap<PageName, Page>,
    waiting: Vec<Waiting>,
    gather: Gather,
    /// The server's address.
    server: String,
    store: StoreKind,
}

impl Hub {
    pub(crate) fn new(server: String, store: StoreKind) -> Self {
        Self { pages: BTreeMap::new(), waiting: Vec::new(), gather: Gather::default(), server, store }
    }

    /// Where the diary is kept.
    pub(crate) fn set_store(&mut self, store: StoreKind) {
        self.store = store;
    }

    /// A page came, or came again over another port.
    pub(crate) fn enter(&mut self, page: PageName) {
        self.waiting.retain(|waiting| waiting.page != page);
        self.pages.insert(page, Page::default());
    }

    /// A page is gone.
    pub(crate) fn leave(&mut self, page: &str) {
        self.waiting.retain(|waiting| waiting.page != page);
        self.pages.remove(page);
    }

    /// Everything was deleted: nothing that was told is true any more.
    pub(crate) fn forget(&mut self) -> Out {
        self.gather = Gather::default();
        let waiting = std::mem::take(&mut self.waiting);
        waiting.into_iter().map(|w| (w.page, ToPage::Problem(w.id, Problem::NoAccount))).collect()
    }

    /// A page asks.
    pub(crate) fn ask(
        &mut self,
        page: &str,
        asked: ToWorker,
        device: &mut Engine,
        connection: Connection,
        now: Timestamp,
    ) -> (Out, Option<Wish>) {
        let ToWorker { id, ask } = asked;
        let mut wish = None;
        let rebuilds = ask == Ask::Rebuild;
        let outcome = match ask {
            Ask::Start => match self.snapshot(device, connection, now) {
                Ok(snapshot) => {
                    self.pages.entry(page.to_owned()).or_default().started = true;
                    Outcome::Answer(Answer::Snapshot(Box::new(snapshot)))
                }
                Err(e) => e.into(),
            },
            Ask::Watch(conversation) => {
                self.pages.entry(page.to_owned()).or_default().watches = conversation;
                Outcome::Answer(Answer::Done)
            }
            Ask::Reconnect => {
                wish = Some(Wish::Hurry);
                Outcome::Answer(Answer::Done)
            }
            Ask::Wipe => return (Out::new(), Some(Wish::Wipe(page.to_owned(), id))),
            ask => ask::run(device, ask, &self.server, &mut self.gather, now),
        };
        if rebuilds && matches!(outcome, Outcome::Answer(_)) {
            let watched = self.watched();
            self.gather.everything(&watched);
        }
        let answer = match outcome {
            Outcome::Answer(answer) => ToPage::Answer(id, answer),
            Outcome::Anew(answer) => {
                wish = Some(Wish::Anew);
                ToPage::Answer(id, answer)
            }
            Outcome::Refused(problem) => ToPage::Problem(id, problem),
            Outcome::Broken(why) => {
                wish = Some(Wish::Break(why.clone()));
                ToPage::Problem(id, Problem::Other(why))
            }
            Outcome::Wait(awaited) => {
                self.waiting.push(Waiting { page: page.to_owned(), id, awaited });
                return (Out::new(), wish);
            }
        };
        (vec![(page.to_owned(), answer)], wish)
    }

    /// What happened in the engine; some of it answers questions.
    pub(crate) fn events(
        &mut self,
        events: impl IntoIterator<Item = Event>,
        device: &Engine,
    ) -> Result<Out, EngineError> {
        let mut out = Out::new();
        for event in events {
            self.gather.event(device, &event)?;
            match event {
                Event::Resolved { username, account } => {
                    self.answer(&Awaited::Name(username), &Ok(Answer::Found(account)), &mut out);
                }
                Event::LookUpRefused { username, refusal } => {
                    self.answer(
                        &Awaited::Name(username),
                        &Err(crate::problem::of_refusal(&refusal)),
                        &mut out,
                    );
                }
                Event::PushKey(key) => {
                    let key = Answer::PushKey(key.map(Into::into));
                    self.answer(&Awaited::PushKey, &Ok(key), &mut out);
                }
                Event::Sought { conversation, at, seq } => {
                    let place = Answer::Place(Some(seq).filter(|seq| seq.0 > 0));
                    self.answer(&Awaited::Place(conversation, at), &Ok(place), &mut out);
                }
                Event::Conversation(id) => {
                    let waits = |w: &Waiting| matches!(w.awaited, Awaited::Retention(of, _) if of == id);
                    if self.waiting.iter().any(waits) {
                        let (agreed, _) = device.retention(id)?;
                        self.answer(&Awaited::Retention(id, agreed), &Ok(Answer::Done), &mut out);
                    }
                }
                Event::Failed { conversation, id: None, refusal } => {
                    self.retention_refused(conversation, &refusal, &mut out);
                }
                Event::Connection(ConnectionState::Offline) => self.give_up_waiting(device, &mut out)?,
                _ => {}
            }
        }
        Ok(out)
    }

    /// What is to be told now.
    pub(crate) fn tells(
        &mut self,
        device: &Engine,
        connection: Connection,
        now: Timestamp,
    ) -> Result<Out, EngineError> {
        let watched = self.watched();
        let mut out = Out::new();
        for tell in self.gather.take(device, connection, &watched, now)? {
            for (name, page) in &self.pages {
                let meant = match &tell {
                    Tell::Messages { conversation, .. } | Tell::History { conversation, .. } => {
                        page.watches == Some(*conversation)
                    }
                    _ => true,
                };
                if page.started && meant {
                    out.push((name.clone(), ToPage::Tell(tell.clone())));
                }
            }
        }
        Ok(out)
    }

    /// Says something to all pages.
    pub(crate) fn say(&mut self, tell: Tell) {
        self.gather.news(tell);
    }

    fn watched(&self) -> BTreeSet<ConversationId> {
        self.pages.values().filter_map(|page| page.watches).collect()
    }

    fn answer(&mut self, awaited: &Awaited, answer: &Result<Answer, Problem>, out: &mut Out) {
        let (answered, waiting) = std::mem::take(&mut self.waiting)
            .into_iter()
            .partition::<Vec<_>, _>(|waiting| waiting.awaited == *awaited);
        self.waiting = waiting;
        out.extend(answered.into_iter().map(|waiting| {
            let answer = match answer.clone() {
                Ok(answer) => ToPage::Answer(waiting.id, answer),
                Err(problem) => ToPage::Problem(waiting.id, problem),
            };
            (waiting.page, answer)
        }));
    }

    /// The server refused something about a conversation that is no message.
    fn retention_refused(&mut self, conversation: ConversationId, refusal: &Refusal, out: &mut Out) {
        let asked = self.waiting.iter().map(|waiting| waiting.awaited.clone());
        let asked: Vec<_> =
            asked.filter(|a| matches!(a, Awaited::Retention(of, _) if *of == conversation)).collect();
        for awaited in asked {
            self.answer(&awaited, &Err(crate::problem::of_refusal(refusal)), out);
        }
    }

    /// The connection on which the server was asked is gone.
    fn give_up_waiting(&mut self, device: &Engine, out: &mut Out) -> Result<(), EngineError> {
        let awaited: Vec<Awaited> = self.waiting.iter().map(|waiting| waiting.awaited.clone()).collect();
        for awaited in awaited {
            let known = match &awaited {
                Awaited::Name(username) => device.account_named(username)?,
                Awaited::PushKey | Awaited::Place(..) | Awaited::Retention(..) => None,
            };
            let answer = known.map_or(Err(Problem::Offline), |account| Ok(Answer::Found(Some(account))));
            self.answer(&awaited, &answer, out);
        }
        Ok(())
    }

    fn snapshot(
        &self,
        device: &Engine,
        connection: Connection,
        now: Timestamp,
    ) -> Result<Snapshot, EngineError> {
        Ok(Snapshot {
            account: view::account(device, now)?,
            status: Status { connection, waiting: device.outgoing_total()? },
            conversations: device.conversation_rows()?.into_iter().map(view::row).collect(),
            settings: view::settings(device)?,
            store: self.store.clone(),
        })
    }
}

#[cfg(test)]
mod tests;
