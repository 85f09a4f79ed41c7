//! In the browser: the ports of the pages, the store, and when what is told.

mod js;

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;

use diario_client::web::{self, Kept, OpenError, Store, Timer, WebClient, now};
use diario_engine::{Engine, EngineConfig, Fill};
use diario_protocol::{Timestamp, encode};
use diario_web_api::{Answer, Connection, StoreKind, Tell, ToPage, ToWorker};
use js_sys::Uint8Array;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::spawn_local;
use web_sys::{DedicatedWorkerGlobalScope, MessageEvent, MessagePort};

use crate::hub::{Hub, Out, PageName, Wish};

/// Held for as long as this worker may have the store open.
const STORE: &str = "diario-store";
/// A page's own lock; whoever gets it knows that the page is gone.
const PAGE: &str = "diario-page-";
/// Pages are told what happened so often at most, in milliseconds.
const TELL_MS: u64 = 50;
/// And so often while much comes in.
const TELL_IN_BULK_MS: u64 = 300;

/// What a page is served over.
struct Port {
    port: MessagePort,
    _heard: Closure<dyn FnMut(MessageEvent)>,
}

/// The engine, once it is open.
struct Open {
    client: WebClient,
    store: Store,
}

struct Worker {
    scope: DedicatedWorkerGlobalScope,
    hub: RefCell<Hub>,
    open: RefCell<Option<Open>>,
    ports: RefCell<BTreeMap<PageName, Port>>,
    /// What was asked before the store was open.
    early: RefCell<Vec<(PageName, ToWorker)>>,
    flush: Timer,
    flush_is_set: Cell<bool>,
    flushed: Cell<Timestamp>,
    told_full: Cell<bool>,
}

/// Begins.
#[wasm_bindgen(start)]
pub(crate) fn start() -> Result<(), JsValue> {
    let scope: DedicatedWorkerGlobalScope = js_sys::global().unchecked_into();
    js::report_panics();
    let server = scope.location().origin();
    let worker = Rc::new_cyclic(|me: &std::rc::Weak<Worker>| {
        let me = me.clone();
        let flush = Timer::new(move || {
            if let Some(worker) = me.upgrade() {
                worker.flush_is_set.set(false);
                worker.flush();
            }
        });
        Worker {
            hub: RefCell::new(Hub::new(server, StoreKind::Disk)),
            scope: scope.clone(),
            open: RefCell::new(None),
            ports: RefCell::default(),
            early: RefCell::default(),
            flush,
            flush_is_set: Cell::new(false),
            flushed: Cell::new(Timestamp(0)),
            told_full: Cell::new(false),
        }
    });
    let to = worker.clone();
    js::listen(&scope, "message", move |event| to.hear_page(&event.unchecked_into::<MessageEvent>().data()))?;
    spawn_local(async move {
        // The worker before this one may be at its last words. Held until this one ends.
        js::hold(STORE).await;
        match Store::open(diario_web_api::STORE_FOLDER).await {
            Ok(store) => worker.run(store),
            Err(e) => worker.fail(&e.to_string()),
        }
    });
    Ok(())
}

impl Worker {
    /// Opens the engine and answers what was asked meanwhile.
    fn run(self: &Rc<Self>, store: Store) {
        let kind = match store.kept() {
            Kept::Disk => StoreKind::Disk,
            Kept::Memory(why) => StoreKind::Memory(why.clone()),
        };
        self.hub.borrow_mut().set_store(kind);
        match self.client(&store) {
            Ok(client) => {
                self.open.replace(Some(Open { client, store }));
            }
            Err(why) => return self.fail(&why),
        }
        for (page, asked) in self.early.take() {
            self.ask(&page, asked);
        }
    }

    fn client(self: &Rc<Self>, store: &Store) -> Result<WebClient, String> {
        // A browser's storage is small, and its user was not asked yet.
        let config = EngineConfig { fill: Fill::Never, ..EngineConfig::default() };
        let engine: Engine = store.engine(config).map_err(|e: OpenError| e.to_string())?;
        let to = Rc::downgrade(self);
        let notify = move || {
            if let Some(worker) = to.upgrade() {
                worker.flush_soon();
            }
        };
        WebClient::new(engine, notify).map_err(|e| js::describe(&e))
    }

    /// The page of this worker brings ports: its own, and those of the pages that follow.
    fn hear_page(self: &Rc<Self>, data: &JsValue) {
        let (Some(page), Some(port)) = (js::text(data, "page"), js::port(data)) else { return };
        let to = Rc::downgrade(self);
        let name = page.clone();
        let heard = Closure::<dyn FnMut(MessageEvent)>::new(move |event: MessageEvent| {
            let (Some(worker), Ok(bytes)) = (to.upgrade(), event.data().dyn_into::<Uint8Array>()) else {
                return;
            };
            let bytes = bytes.to_vec();
            match diario_protocol::decode::<ToWorker>(&bytes, bytes.len()) {
                Ok(asked) => worker.ask(&name, asked),
                // A page of another version of the app: it is told to load itself anew by who serves it.
                Err(e) => web_sys::console::error_1(&format!("a page's frame cannot be read: {e}").into()),
            }
        });
        port.set_onmessage(Some(heard.as_ref().unchecked_ref()));
        self.hub.borrow_mut().enter(page.clone());
        let before = self.ports.borrow_mut().insert(page.clone(), Port { port, _heard: heard });
        if let Some(before) = before {
            // The page connected anew; it is waited for already.
            before.port.set_onmessage(None);
            before.port.close();
            return;
        }
        let this = self.clone();
        spawn_local(async move {
            js::wait_for(&format!("{PAGE}{page}")).await;
            this.hub.borrow_mut().leave(&page);
            if let Some(gone) = this.ports.borrow_mut().remove(&page) {
                gone.port.set_onmessage(None);
                gone.port.close();
            }
        });
    }

    fn ask(self: &Rc<Self>, page: &str, asked: ToWorker) {
        let Some(client) = self.client_now() else {
            self.early.borrow_mut().push((page.to_owned(), asked));
            return;
        };
        if asked.ask == diario_web_api::Ask::Start {
            // What the others were not told yet is told before the newcomer sees how things stand.
            self.flush();
        }
        let connection = connection(client.connection());
        let done = client.with(|device, now| self.hub.borrow_mut().ask(page, asked, device, connection, now));
        let Ok((out, wish)) = done else { return };
        self.post(out);
        match wish {
            None => {}
            Some(Wish::Hurry) => client.hurry(),
            Some(Wish::Anew) => client.restart(),
            Some(Wish::Wipe(page, id)) => self.wipe(page, id),
            Some(Wish::Break(why)) => self.fail(&why),
        }
    }

    /// Deletes everything and begins anew.
    fn wipe(self: &Rc<Self>, page: PageName, id: u64) {
        let Some(Open { client, store }) = self.open.take() else { return };
        client.stop();
        drop(client);
        let begun = store.wipe().map_err(|e| e.to_string()).and_then(|()| self.client(&store));
        match begun {
            Ok(client) => {
                self.open.replace(Some(Open { client, store }));
            }
            Err(why) => return self.fail(&why),
        }
        let forgotten = self.hub.borrow_mut().forget();
        self.post(forgotten);
        self.post(vec![(page, ToPage::Answer(id, Answer::Done))]);
        js::tell_page(&self.scope, "anew", "");
    }

    /// Tells the pages soon: at once after quiet, else when it is time again.
    fn flush_soon(&self) {
        if self.flush_is_set.replace(true) {
            return;
        }
        let every = match self.client_now().map(|client| client.connection()) {
            Some(web::Connection::CatchingUp) => TELL_IN_BULK_MS,
            _ => TELL_MS,
        };
        let wait = every.saturating_sub(now().ms_since(self.flushed.get()));
        self.flush.set(u32::try_from(wait).unwrap_or(0));
    }

    fn flush(&self) {
        let Some(client) = self.client_now() else { return };
        self.flushed.set(now());
        if let Some(why) = client.broken() {
            return self.fail(&why);
        }
        let is_full = client.is_full();
        if self.told_full.replace(is_full) != is_full {
            self.hub.borrow_mut().say(Tell::Full(is_full));
        }
        let events = client.take_events();
        let connection = connection(client.connection());
        let told = client.view(|device| {
            let mut hub = self.hub.borrow_mut();
            let mut out = hub.events(events, device)?;
            out.extend(hub.tells(device, connection, now())?);
            Ok::<Out, diario_engine::EngineError>(out)
        });
        match told {
            Ok(Ok(out)) => self.post(out),
            Ok(Err(e)) => self.fail(&e.to_string()),
            Err(web::Stopped) => {}
        }
    }

    fn post(&self, out: Out) {
        let ports = self.ports.borrow();
        for (page, message) in out {
            if let Some(port) = ports.get(&page) {
                js::post(&port.port, &encode(&message));
            }
        }
    }

    fn client_now(&self) -> Option<WebClient> {
        self.open.borrow().as_ref().map(|open| open.client.clone())
    }

    /// Nothing goes any more: the page that started this worker ends it, and another one may try.
    fn fail(&self, why: &str) {
        if let Some(open) = self.open.take() {
            open.client.stop();
        }
        js::tell_page(&self.scope, "failed", why);
    }
}

fn connection(connection: web::Connection) -> Connection {
    match connection {
        web::Connection::Idle => Connection::Idle,
        web::Connection::Connecting => Connection::Connecting,
        web::Connection::CatchingUp => Connection::CatchingUp,
        web::Connection::Live => Connection::Live,
        web::Connection::Waiting { until } => Connection::Waiting { until },
        web::Connection::NoNetwork => Connection::NoNetwork,
    }
}
