//! What was asked and not answered yet, and the port to ask it over.

use std::collections::BTreeMap;

use diario_web_api::{Answer, Ask, Problem, ToWorker};
use futures_channel::oneshot;
use js_sys::Uint8Array;
use wasm_bindgen::JsValue;
use web_sys::MessagePort;

use super::js::{self, Listener};

/// The number of `Start`, which every new port begins with.
pub(super) const START: u64 = 0;
/// The number of the `Watch` that is repeated to a new leader.
const WATCH: u64 = 1;

type Answered = Result<Answer, Problem>;

/// A question under way.
struct Asked {
    frame: Vec<u8>,
    answer: oneshot::Sender<Answered>,
}

/// A port, and what is heard over it.
struct Connected {
    port: MessagePort,
    _heard: [Listener; 2],
}

impl Drop for Connected {
    fn drop(&mut self) {
        self.port.close();
    }
}

/// The line to the worker that holds the engine, whichever that is.
pub(super) struct Line {
    port: Option<Connected>,
    /// Whether this port's `Start` was answered.
    started: bool,
    asked: BTreeMap<u64, Asked>,
    next: u64,
    /// What this page shows, to be told to a new leader.
    watch: Option<Vec<u8>>,
}

impl Line {
    pub(super) fn new() -> Self {
        Self { port: None, started: false, asked: BTreeMap::new(), next: WATCH + 1, watch: None }
    }

    /// Asks, now or as soon as there is a leader.
    pub(super) fn ask(&mut self, ask: Ask) -> oneshot::Receiver<Answered> {
        let (answer, answered) = oneshot::channel();
        let id = self.next;
        self.next += 1;
        if matches!(ask, Ask::Watch(_)) {
            self.watch = Some(frame(WATCH, ask.clone()));
        }
        let frame = frame(id, ask);
        if let Some(Connected { port, .. }) = &self.port {
            js::post(port, &frame);
        }
        self.asked.insert(id, Asked { frame, answer });
        answered
    }

    /// Begins anew over another port: everything first, then what was not answered, in the order it was asked.
    pub(super) fn connect(&mut self, port: MessagePort, heard: [Listener; 2]) {
        self.disconnect();
        // What came meanwhile is heard from now on.
        port.start();
        js::post(&port, &frame(START, Ask::Start));
        if let Some(watch) = &self.watch {
            js::post(&port, watch);
        }
        for asked in self.asked.values() {
            js::post(&port, &asked.frame);
        }
        self.port = Some(Connected { port, _heard: heard });
    }

    /// Asks once more for everything, over the same port.
    pub(super) fn start_again(&self) {
        if let Some(Connected { port, .. }) = &self.port {
            js::post(port, &frame(START, Ask::Start));
        }
    }

    /// Lets the port go; what was asked waits for the next.
    pub(super) fn disconnect(&mut self) {
        self.started = false;
        self.port = None;
    }

    /// Whether there is a leader at the other end.
    pub(super) fn is_started(&self) -> bool {
        self.started
    }

    /// The first answer of a port came.
    pub(super) fn set_started(&mut self) {
        self.started = true;
    }

    /// An answer; one that nobody waits for, such as a second one to the same question, is nothing.
    pub(super) fn answer(&mut self, id: u64, answer: Answered) {
        if let Some(asked) = self.asked.remove(&id) {
            // Whoever asked may have gone.
            let _ = asked.answer.send(answer);
        }
    }

    /// Nothing will be answered any more.
    pub(super) fn fail(&mut self, why: &str) {
        self.disconnect();
        for (_, asked) in std::mem::take(&mut self.asked) {
            let _ = asked.answer.send(Err(Problem::Other(why.to_owned())));
        }
    }
}

fn frame(id: u64, ask: Ask) -> Vec<u8> {
    diario_protocol::encode(&ToWorker { id, ask })
}

/// The bytes of a message of the worker's.
pub(super) fn bytes(data: &JsValue) -> Option<Vec<u8>> {
    use wasm_bindgen::JsCast;
    data.dyn_ref::<Uint8Array>().map(Uint8Array::to_vec)
}
