//! The loop between an engine and its server, turned by the browser's events.
//!
//! All runs on one thread: a caller's closure runs on the engine at once, between two of its other inputs. What the
//! server sends is taken in small transactions, with the browser's other events in between, so that whoever asks
//! waits for one of them at most.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::{Rc, Weak};

use diario_engine::{Engine, EngineError, Event, StoreError};
use diario_protocol::{Timestamp, WEBSOCKET_PATH};
use wasm_bindgen::prelude::*;
use web_sys::{MessageChannel, WorkerGlobalScope};

use super::socket::{Listener, Socket};
use super::timer::{Soon, Timer, now, random};
use crate::inbox::Inbox;
use crate::line::{Action, Connection, Line};

/// The longest timer, in milliseconds. One that goes off much later than it should shows that the machine slept.
const LONGEST_TIMER_MS: u64 = 15_000;
/// So much later.
const SLEPT_MS: u64 = 20_000;

/// What a worker hears when the network comes or goes.
const NETWORK: [&str; 2] = ["online", "offline"];

/// The engine is no longer there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the engine has stopped")]
pub struct Stopped;

/// Handle to a running engine; cheap to clone. Dropping the last one ends it.
#[derive(Clone)]
pub struct WebClient(Rc<Shared>);

struct Shared {
    machine: RefCell<Machine>,
    /// Says that there may be something to see: events, another state of the connection, a broken store.
    notify: Box<dyn Fn()>,
    soon: Soon,
    timer: Timer,
    me: Weak<Shared>,
    scope: WorkerGlobalScope,
    network: Closure<dyn FnMut()>,
}

enum Ending {
    /// It is over. Why.
    Lost(String),
    /// More came than could be taken: the rest is asked for over a new connection.
    Overrun,
}

struct Machine {
    engine: Option<Engine>,
    events: VecDeque<Event>,
    line: Line,
    socket: Option<Socket>,
    is_open: bool,
    sockets: u64,
    inbox: Inbox,
    /// How the connection ends when the inbox is empty.
    ending: Option<Ending>,
    /// A turn is on its way.
    turning: bool,
    /// When the timer was to go off.
    alarm: Option<Timestamp>,
    full: bool,
    trouble: Option<String>,
    broken: Option<String>,
}

impl WebClient {
    /// Runs `engine`. `notify` is called whenever there may be something to see; it must not call back at once.
    pub fn new(engine: Engine, notify: impl Fn() + 'static) -> Result<Self, JsValue> {
        let scope: WorkerGlobalScope = js_sys::global().unchecked_into();
        let machine = Machine {
            engine: Some(engine),
            events: VecDeque::new(),
            line: Line::new(scope.navigator().on_line()),
            socket: None,
            is_open: false,
            sockets: 0,
            inbox: Inbox::default(),
            ending: None,
            turning: false,
            alarm: None,
            full: false,
            trouble: None,
            broken: None,
        };
        let channel = MessageChannel::new()?;
        let shared = Rc::new_cyclic(|me: &Weak<Shared>| {
            let to = |body: fn(&Shared)| {
                let me = me.clone();
                move || {
                    if let Some(shared) = me.upgrade() {
                        body(&shared);
                    }
                }
            };
            Shared {
                machine: RefCell::new(machine),
                notify: Box::new(notify),
                soon: Soon::new(&channel, to(Shared::turn)),
                timer: Timer::new(to(Shared::alarm)),
                network: Closure::new(to(Shared::network_changed)),
                me: me.clone(),
                scope: scope.clone(),
            }
        });
        for event in NETWORK {
            scope.add_event_listener_with_callback(event, shared.network.as_ref().unchecked_ref())?;
        }
        shared.settle();
        Ok(Self(shared))
    }

    /// Runs `body` on the engine, between its other inputs.
    pub fn with<T>(&self, body: impl FnOnce(&mut Engine, Timestamp) -> T) -> Result<T, Stopped> {
        let value = {
            let mut machine = self.0.machine.borrow_mut();
            let engine = machine.engine.as_mut().ok_or(Stopped)?;
            body(engine, now())
        };
        self.0.settle();
        Ok(value)
    }

    /// Looks at the engine; nothing of it may change.
    pub fn view<T>(&self, body: impl FnOnce(&Engine) -> T) -> Result<T, Stopped> {
        self.0.machine.borrow().engine.as_ref().map(body).ok_or(Stopped)
    }

    /// What happened since this was called last.
    pub fn take_events(&self) -> VecDeque<Event> {
        std::mem::take(&mut self.0.machine.borrow_mut().events)
    }

    /// How it stands with the server.
    pub fn connection(&self) -> Connection {
        self.0.machine.borrow().line.connection()
    }

    /// Why there is no connection at the moment.
    pub fn trouble(&self) -> Option<String> {
        self.0.machine.borrow().trouble.clone()
    }

    /// Connects at once instead of at the next try; a connection that there is, is put to the test.
    pub fn hurry(&self) {
        let action = self.0.machine.borrow_mut().line.hurry(now());
        self.0.act(action);
    }

    /// Makes the connection anew, if there is one.
    pub fn restart(&self) {
        let action = self.0.machine.borrow_mut().line.restart(now());
        self.0.act(action);
    }

    /// Whether what the server sent could not be stored, because there is no room. It is tried again.
    pub fn is_full(&self) -> bool {
        self.0.machine.borrow().full
    }

    /// Why nothing goes any more, if so.
    pub fn broken(&self) -> Option<String> {
        self.0.machine.borrow().broken.clone()
    }

    /// Ends it, and closes the store.
    pub fn stop(&self) {
        let mut machine = self.0.machine.borrow_mut();
        machine.close();
        machine.engine = None;
        self.0.timer.clear();
    }
}

impl Shared {
    /// After an input: what the engine has to say goes out, and the timer is set anew.
    fn settle(&self) {
        let action = self.machine.borrow_mut().speak();
        self.act(action);
    }

    /// Does what the line says, and what follows from that.
    fn act(&self, action: Option<Action>) {
        let mut next = action;
        let mut machine = self.machine.borrow_mut();
        while let Some(action) = next {
            match action {
                Action::Connect => self.connect(&mut machine),
                Action::Close => machine.lost("given up"),
                Action::Probe => machine.probe(),
            }
            next = machine.speak();
        }
        self.set_alarm(&mut machine);
        drop(machine);
        (self.notify)();
    }

    fn connect(&self, machine: &mut Machine) {
        machine.close();
        machine.sockets += 1;
        let number = machine.sockets;
        let Some(server) = machine.engine.as_ref().and_then(|engine| engine.server()) else { return };
        let url = format!("{}{WEBSOCKET_PATH}", server.replacen("http", "ws", 1));
        match Socket::connect(&url, number, &self.me) {
            Ok(socket) => machine.socket = Some(socket),
            Err(_) => machine.lost("the browser makes no connection to this address"),
        }
    }

    fn set_alarm(&self, machine: &mut Machine) {
        let engine = machine.engine.as_ref().and_then(Engine::deadline);
        let Some(due) = [machine.line.deadline(), engine].into_iter().flatten().min() else {
            machine.alarm = None;
            self.timer.clear();
            return;
        };
        let now = now();
        let wait = due.ms_since(now).min(LONGEST_TIMER_MS);
        machine.alarm = Some(now.plus_ms(wait));
        self.timer.set(u32::try_from(wait).unwrap_or(u32::MAX));
    }

    /// The timer went off.
    fn alarm(&self) {
        let now = now();
        let action = {
            let mut machine = self.machine.borrow_mut();
            let late = machine.alarm.take().map_or(0, |due| now.ms_since(due));
            if machine.engine.as_ref().and_then(Engine::deadline).is_some_and(|due| due <= now) {
                machine.input(|engine| engine.tick(now));
            }
            let line = &mut machine.line;
            if late > SLEPT_MS { line.slept(now).or_else(|| line.tick(now)) } else { line.tick(now) }
        };
        let said = self.machine.borrow_mut().speak();
        self.act(action);
        self.act(said);
    }

    /// Takes what the server sent.
    fn turn(&self) {
        let action = {
            let mut machine = self.machine.borrow_mut();
            machine.turning = false;
            machine.take_frames();
            let anew = if machine.inbox.is_empty() { machine.end() } else { None };
            anew.or_else(|| machine.speak())
        };
        self.act(action);
        let mut machine = self.machine.borrow_mut();
        if !machine.inbox.is_empty() {
            self.turn_soon(&mut machine);
        }
    }

    fn turn_soon(&self, machine: &mut Machine) {
        if !std::mem::replace(&mut machine.turning, true) {
            self.soon.run();
        }
    }

    fn network_changed(&self) {
        let online = self.scope.navigator().on_line();
        let action = self.machine.borrow_mut().line.online(online, now());
        self.act(action);
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        for event in NETWORK {
            // It was added.
            let _ =
                self.scope.remove_event_listener_with_callback(event, self.network.as_ref().unchecked_ref());
        }
    }
}

impl Listener for Shared {
    fn opened(&self, number: u64) {
        let action = {
            let mut machine = self.machine.borrow_mut();
            if !machine.is_current(number) {
                return;
            }
            machine.is_open = true;
            machine.trouble = None;
            machine.line.opened(now());
            if let Some(engine) = &mut machine.engine {
                engine.connected(now());
            }
            machine.speak()
        };
        self.act(action);
    }

    fn frame(&self, number: u64, frame: Vec<u8>) {
        let mut machine = self.machine.borrow_mut();
        if machine.is_current(number) {
            machine.line.heard(now());
            if machine.inbox.put(frame) {
                machine.ending = Some(Ending::Overrun);
                machine.socket = None;
            }
            self.turn_soon(&mut machine);
        }
    }

    fn closed(&self, number: u64, why: String) {
        let mut machine = self.machine.borrow_mut();
        if machine.is_current(number) {
            // What came before the end is taken first.
            machine.ending = Some(Ending::Lost(why));
            self.turn_soon(&mut machine);
        }
    }
}

impl Machine {
    fn is_current(&self, number: u64) -> bool {
        self.socket.as_ref().is_some_and(|socket| socket.number == number)
    }

    /// Gives the engine frames that are at hand.
    fn take_frames(&mut self) {
        let frames = self.inbox.batch();
        if !frames.is_empty() {
            self.input(|engine| engine.receive(&frames, now()));
            // While there is still something to take, silence says nothing.
            self.line.heard(now());
        }
    }

    /// What came was taken: the connection ends if it has to.
    fn end(&mut self) -> Option<Action> {
        match self.ending.take()? {
            Ending::Lost(why) => {
                self.lost(&why);
                None
            }
            Ending::Overrun => {
                self.close();
                self.line.restart(now())
            }
        }
    }

    /// An input of the engine that can fail.
    fn input(&mut self, body: impl FnOnce(&mut Engine) -> Result<(), EngineError>) {
        let Some(engine) = &mut self.engine else { return };
        match body(engine) {
            Ok(()) => self.full = false,
            Err(EngineError::Store(StoreError::Full)) => {
                // Nothing of it was kept: it comes again at the next connection.
                self.full = true;
                self.lost("there is no room to store it");
            }
            Err(e @ (EngineError::Frame(_) | EngineError::Group(_))) => self.lost(&e.to_string()),
            Err(
                e @ (EngineError::Store(
                    StoreError::Newer { .. }
                    | StoreError::Sqlite(_)
                    | StoreError::Mls(_)
                    | StoreError::Damaged(_),
                )
                | EngineError::Randomness
                | EngineError::Internal(_)),
            ) => {
                self.lost(&e.to_string());
                self.broken = Some(e.to_string());
                self.engine = None;
            }
        }
    }

    /// Sends and tells what the engine has to send and to tell; says what is to be done about the connection.
    fn speak(&mut self) -> Option<Action> {
        loop {
            let engine = self.engine.as_mut()?;
            let mut refused = false;
            // The engine has stored what led to these frames.
            while let Some(frame) = engine.poll_transmit() {
                if let Some(socket) = self.socket.as_ref().filter(|_| self.is_open) {
                    refused |= socket.send(&frame).is_err();
                }
            }
            // A browser's store is synced by then, always; should that change, what was said must not be forgotten.
            refused |= engine.sync().is_err();
            while let Some(event) = engine.poll_event() {
                if let Event::Connection(state) = &event {
                    self.line.engine_is(*state);
                }
                self.events.push_back(event);
            }
            let wanted = engine.wants_connection() && engine.server().is_some();
            self.line.set_patient(engine.whoami().is_none());
            if !(refused || engine.must_disconnect()) || !self.is_open {
                return self.line.wanted(wanted, now());
            }
            self.lost("the connection was given up");
        }
    }

    /// Asks the server for a sign of life.
    fn probe(&mut self) {
        // Before the login there is nothing to ask; then the answer to what was asked has to come in time.
        if let Some(engine) = &mut self.engine {
            let _ = engine.ask_last_seen(now());
        }
    }

    /// The connection, or the try to make one, is over.
    fn lost(&mut self, why: &str) {
        self.close();
        self.trouble = Some(why.to_owned());
        self.line.lost(now(), random());
    }

    fn close(&mut self) {
        self.socket = None;
        self.inbox.clear();
        self.ending = None;
        if std::mem::take(&mut self.is_open)
            && let Some(engine) = &mut self.engine
        {
            engine.disconnected(now());
        }
    }
}
