//! The page's end of the line to the worker that holds the engine.
//!
//! A browser profile has one leader: the page that holds the Web Lock `diario-leader` starts the worker. The others
//! reach it through a port that the service worker hands on. When the leader goes, another page takes over; what was
//! asked and not answered is asked again, under the same number.
//!
//! The start script of the page gives `diario.startEngine()`, which starts the worker: a script's URL must come from
//! a Trusted Types policy, and this file knows none.

mod js;
mod line;
mod place;

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use diario_web_api::{Answer, Ask, Problem, Snapshot, Tell, ToPage};
use wasm_bindgen::prelude::*;
use web_sys::{AbortController, BroadcastChannel, MessageEvent, MessagePort, ServiceWorker};

pub(crate) use js::sleep;
use line::Line;
use place::Place;

/// Where a new leader makes itself known. Never carries content: every page of the origin hears it.
const LEAD: &str = "diario-lead";

/// What the page does with what comes.
#[expect(clippy::struct_field_names, reason = "that is how handlers are called")]
#[derive(Clone)]
pub(crate) struct Handlers {
    /// Something happened.
    pub(crate) on_tell: Rc<dyn Fn(Tell)>,
    /// A leader was reached, at first or anew: this is everything there is to show.
    pub(crate) on_start: Rc<dyn Fn(Snapshot)>,
    /// This page's place among the tabs changed.
    pub(crate) on_role: Rc<dyn Fn(Role)>,
}

/// A page's place among the tabs of its browser.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Role {
    /// Its worker holds the engine.
    Leader,
    /// Another tab's worker does.
    Follower,
    /// Another tab's worker does, and it cannot be reached; this page takes over when that one is closed.
    ElsewhereOnly,
    /// The worker has failed, and in English why. Loading the page anew goes on from what is stored.
    Broken(String),
}

/// Why there is no line at all.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BridgeError {
    /// The browser lacks something that cannot be done without.
    #[error("this browser lacks {0}")]
    Missing(&'static str),
}

/// The line to the engine; cheap to clone.
#[derive(Clone)]
pub(crate) struct Bridge(Rc<Inner>);

struct Inner {
    handlers: Handlers,
    /// This page's name, and that of the lock by which the worker sees that it is there.
    page: String,
    line: RefCell<Line>,
    place: RefCell<Place>,
    role: RefCell<Option<Role>>,
    lead: BroadcastChannel,
    /// Ends the waiting for locks when the page is put aside.
    abort: RefCell<AbortController>,
    /// Counts the times this page was put aside or sought a leader: what an earlier time began is then void.
    turn: Cell<u64>,
}

impl Bridge {
    /// Takes a place among the tabs and reaches the engine.
    pub(crate) fn start(handlers: Handlers) -> Result<Self, BridgeError> {
        if !js::has_locks() {
            return Err(BridgeError::Missing("Web Locks"));
        }
        let lead = BroadcastChannel::new(LEAD).map_err(|_| BridgeError::Missing("BroadcastChannel"))?;
        let abort = AbortController::new().map_err(|_| BridgeError::Missing("AbortController"))?;
        let inner = Rc::new(Inner {
            handlers,
            page: js::random_name(),
            line: RefCell::new(Line::new()),
            place: RefCell::new(Place::None),
            role: RefCell::new(None),
            lead,
            abort: RefCell::new(abort),
            turn: Cell::new(0),
        });
        inner.listen();
        inner.take_place();
        Ok(Self(inner))
    }

    /// Asks the engine. Never lost: it waits while there is no leader, and is asked again when the leader changed.
    pub(crate) async fn ask(&self, ask: Ask) -> Result<Answer, Problem> {
        let broken = match &*self.0.role.borrow() {
            Some(Role::Broken(why)) => Some(why.clone()),
            _ => None,
        };
        if let Some(why) = broken {
            return Err(Problem::Other(why));
        }
        let answered = self.0.line.borrow_mut().ask(ask);
        answered.await.unwrap_or_else(|_| Err(Problem::Other("the page is closing".into())))
    }
}

impl Inner {
    /// What this page hears for as long as it lives.
    fn listen(self: &Rc<Self>) {
        let this = self.clone();
        js::on(&self.lead, "message", move |_| this.leader_changed());
        if let Some(container) = js::service_workers() {
            let this = self.clone();
            js::on(&container, "message", move |event| this.hear_broker(event.unchecked_ref()));
        }
        let Some(window) = web_sys::window() else { return };
        let this = self.clone();
        // Also when the page is only kept for the way back: a page at rest must not hold the engine.
        js::on(&window, "pagehide", move |_| this.put_aside());
        let this = self.clone();
        js::on(&window, "pageshow", move |event| {
            if js::get(&event, "persisted").is_truthy() {
                this.take_place();
            }
        });
        let Some(document) = window.document() else { return };
        let this = self.clone();
        js::on(&document, "freeze", move |_| this.put_aside());
        let this = self.clone();
        js::on(&document, "resume", move |_| this.take_place());
        let this = self.clone();
        js::on(&document, "visibilitychange", move |_| {
            let visible = web_sys::window()
                .and_then(|w| w.document())
                .is_some_and(|d| d.visibility_state() == web_sys::VisibilityState::Visible);
            if visible && this.line.borrow().is_started() {
                // Who looks at the page wants to see what is new; the answer says nothing.
                drop(this.line.borrow_mut().ask(Ask::Reconnect));
            }
        });
    }

    /// What the service worker brings: who leads, and ports of pages that follow.
    fn hear_broker(&self, event: &MessageEvent) {
        let data = event.data();
        match js::kind(&data).as_str() {
            "leader?" => {
                let asked = event.source().and_then(|source| source.dyn_into::<ServiceWorker>().ok());
                let reply = event.ports().get(0);
                if self.place.borrow().leads() && asked.is_some() && !reply.is_undefined() {
                    // Unanswered, the other page tries again.
                    let _ = reply.unchecked_into::<MessagePort>().post_message(&js::message("leader"));
                }
            }
            "port" => {
                let port = js::get(&data, "port");
                let page = js::get(&data, "page").as_string();
                if let (Some(page), Ok(port)) = (page, port.dyn_into::<MessagePort>()) {
                    self.place.borrow().hand_on(&page, &port);
                }
            }
            _ => {}
        }
    }

    /// Something came over the port of this turn.
    fn hear(self: &Rc<Self>, data: &JsValue) {
        let Some(bytes) = line::bytes(data) else { return };
        let message = match diario_protocol::decode::<ToPage>(&bytes, bytes.len()) {
            Ok(message) => message,
            Err(e) => {
                web_sys::console::error_1(&format!("a message of the worker's cannot be read: {e}").into());
                return;
            }
        };
        match message {
            ToPage::Answer(line::START, Answer::Snapshot(snapshot)) => {
                self.line.borrow_mut().set_started();
                if !self.place.borrow().leads() {
                    self.set_role(Role::Follower);
                }
                (self.handlers.on_start)(*snapshot);
            }
            ToPage::Problem(line::START, problem) => self.broken(&problem.to_string()),
            ToPage::Answer(id, answer) => self.line.borrow_mut().answer(id, Ok(answer)),
            ToPage::Problem(id, problem) => self.line.borrow_mut().answer(id, Err(problem)),
            ToPage::Tell(tell) => (self.handlers.on_tell)(tell),
        }
    }

    fn set_role(&self, role: Role) {
        let before = self.role.replace(Some(role.clone()));
        if before.as_ref() != Some(&role) {
            (self.handlers.on_role)(role);
        }
    }
}
