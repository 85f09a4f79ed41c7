//! Taking a place among the tabs, and giving it up.

use std::rc::Rc;

use futures_util::future::{Either, select};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::spawn_local;
use web_sys::{AbortController, MessageChannel, MessagePort, Worker};

use super::js::{self, Held, Listener, Wait};
use super::{Inner, Role};

/// Held by the page whose worker holds the engine.
const LEADER: &str = "diario-leader";
/// A page's own lock; the worker waits for it, and gets it when the page is gone.
const PAGE: &str = "diario-page-";
/// How long a leader has to answer before it is sought again, in milliseconds; doubled each time.
const PATIENCE_MS: u32 = 2000;
/// The longest of these pauses.
const LONGEST_PATIENCE_MS: u32 = 16_000;
/// After so many tries without an answer this page says that it cannot reach the leader.
const SILENT_TRIES: u32 = 2;
/// How long a service worker has to become active before this page says that it cannot reach the leader.
const BROKER_MS: u32 = 5000;

/// Where this page stands.
pub(super) enum Place {
    /// Nowhere: at the beginning, put aside, or broken.
    None,
    /// There, known by its lock.
    Follower(Held),
    /// Leading.
    Leader(Leader),
}

/// What a leader holds.
pub(super) struct Leader {
    worker: Worker,
    _heard: [Listener; 2],
    _page: Option<Held>,
    _lead: Held,
}

impl Drop for Leader {
    fn drop(&mut self) {
        // Before the lock goes: the next one must find the files free.
        self.worker.terminate();
    }
}

impl Place {
    pub(super) fn leads(&self) -> bool {
        matches!(self, Self::Leader(_))
    }

    /// Gives a page's port to the worker.
    pub(super) fn hand_on(&self, page: &str, port: &MessagePort) {
        let Self::Leader(leader) = self else {
            // It was this page a moment ago; the other one tries again.
            port.close();
            return;
        };
        let message = js::port_message("port", page, port);
        // A port that cannot be handed on is asked for again by its page.
        let _ = leader.worker.post_message_with_transfer(&message, &js_sys::Array::of1(port));
    }
}

impl Inner {
    /// Begins, at first or after having been put aside.
    pub(super) fn take_place(self: &Rc<Self>) {
        if !matches!(*self.place.borrow(), Place::None)
            || matches!(*self.role.borrow(), Some(Role::Broken(_)))
        {
            return;
        }
        let turn = self.next_turn();
        let this = self.clone();
        spawn_local(async move {
            let abort = this.abort.borrow().signal();
            let Some(page) = js::lock(&format!("{PAGE}{}", this.page), Wait::Until(&abort)).await else {
                return;
            };
            if !this.is_turn(turn) {
                return;
            }
            this.place.replace(Place::Follower(page));
            let lead = match js::lock(LEADER, Wait::No).await {
                Some(lead) => Some(lead),
                None if !abort.aborted() => {
                    this.follow();
                    js::lock(LEADER, Wait::Until(&abort)).await
                }
                None => None,
            };
            if let Some(lead) = lead
                && !abort.aborted()
            {
                this.lead(lead);
            }
        });
    }

    /// Gives everything up: the page goes, or is kept aside without running.
    pub(super) fn put_aside(&self) {
        self.next_turn();
        self.abort.borrow().abort();
        if let Ok(abort) = AbortController::new() {
            self.abort.replace(abort);
        }
        self.line.borrow_mut().disconnect();
        self.place.replace(Place::None);
    }

    /// The worker is dead or nothing goes in it: another page may try.
    pub(super) fn broken(&self, why: &str) {
        self.put_aside();
        self.set_role(Role::Broken(why.to_owned()));
        self.line.borrow_mut().fail(why);
    }

    /// This page leads from now on.
    fn lead(self: &Rc<Self>, lead: Held) {
        let turn = self.next_turn();
        let worker = match js::start_engine() {
            Ok(worker) => worker,
            Err(e) => {
                self.broken(&format!("the worker cannot be started: {}", describe(&e)));
                return;
            }
        };
        let this = self.clone();
        let failed = Listener::new(&worker, "error", move |event| {
            if this.is_turn(turn) {
                let what = js::get(&event, "message").as_string();
                this.broken(&what.unwrap_or_else(|| "the worker could not be loaded".into()));
            }
        });
        let this = self.clone();
        let heard = Listener::new(&worker, "message", move |event| {
            if this.is_turn(turn) {
                this.hear_worker(&js::get(&event, "data"));
            }
        });
        let page = match self.place.replace(Place::None) {
            Place::Follower(page) => Some(page),
            Place::None | Place::Leader(_) => None,
        };
        self.place.replace(Place::Leader(Leader {
            worker,
            _heard: [failed, heard],
            _page: page,
            _lead: lead,
        }));
        let Some((own, other)) = channel() else { return };
        self.place.borrow().hand_on(&self.page, &other);
        self.connect(own, turn);
        self.set_role(Role::Leader);
        self.tell_others();
    }

    /// What the worker says to its own page, besides what it says to all.
    fn hear_worker(self: &Rc<Self>, data: &JsValue) {
        match js::kind(data).as_str() {
            "failed" => {
                let why = js::get(data, "why").as_string();
                self.broken(&why.unwrap_or_else(|| "the worker has failed".into()));
            }
            // The diary was deleted and begun anew: everybody shows that.
            "anew" => {
                self.line.borrow().start_again();
                self.tell_others();
            }
            _ => {}
        }
    }

    /// Others hear that there is somebody to connect to.
    fn tell_others(&self) {
        // Whoever does not hear it tries again by itself.
        let _ = self.lead.post_message(&JsValue::TRUE);
    }

    /// Another page leads now.
    pub(super) fn leader_changed(self: &Rc<Self>) {
        if matches!(*self.place.borrow(), Place::Follower(_)) {
            self.follow();
        }
    }

    /// Seeks the leader until it answers.
    fn follow(self: &Rc<Self>) {
        let turn = self.next_turn();
        self.line.borrow_mut().disconnect();
        let this = self.clone();
        spawn_local(async move {
            let broker = match select(Box::pin(js::registration()), Box::pin(js::sleep(BROKER_MS))).await {
                Either::Left((broker, _)) => broker,
                Either::Right(((), coming)) if this.is_turn(turn) => {
                    this.set_role(Role::ElsewhereOnly);
                    coming.await
                }
                Either::Right(_) => return,
            };
            let Some(broker) = broker else {
                if this.is_turn(turn) {
                    this.set_role(Role::ElsewhereOnly);
                }
                return;
            };
            let mut patience = PATIENCE_MS;
            let mut tries = 0;
            while this.is_turn(turn) && !this.line.borrow().is_started() {
                if let (Some(active), Some((own, other))) = (broker.active(), channel()) {
                    let message = js::port_message("leader", &this.page, &other);
                    let sent = active.post_message_with_transferable(&message, &js_sys::Array::of1(&other));
                    if sent.is_ok() {
                        this.connect(own, turn);
                    }
                }
                js::sleep(patience).await;
                tries += 1;
                if tries == SILENT_TRIES && this.is_turn(turn) && !this.line.borrow().is_started() {
                    // It is sought all the same.
                    this.set_role(Role::ElsewhereOnly);
                }
                patience = (patience * 2).min(LONGEST_PATIENCE_MS);
            }
        });
    }

    /// Speaks over this port from now on.
    fn connect(self: &Rc<Self>, port: MessagePort, turn: u64) {
        let this = self.clone();
        let heard = Listener::new(&port, "message", move |event| {
            if this.is_turn(turn) {
                this.hear(&js::get(&event, "data"));
            }
        });
        let this = self.clone();
        // Where browsers tell it; else the next leader makes itself known.
        let closed = Listener::new(&port, "close", move |_| {
            if this.is_turn(turn) && this.line.borrow().is_started() {
                this.leader_changed();
            }
        });
        self.line.borrow_mut().connect(port, [heard, closed]);
    }

    /// Makes void what was begun before.
    fn next_turn(&self) -> u64 {
        self.turn.set(self.turn.get() + 1);
        self.turn.get()
    }

    fn is_turn(&self, turn: u64) -> bool {
        self.turn.get() == turn
    }
}

fn channel() -> Option<(MessagePort, MessagePort)> {
    let channel = MessageChannel::new().ok()?;
    Some((channel.port1(), channel.port2()))
}

fn describe(e: &JsValue) -> String {
    js::get(e, "message").as_string().unwrap_or_else(|| format!("{e:?}"))
}
