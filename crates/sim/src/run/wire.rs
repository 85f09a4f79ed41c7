//! A connection: a WebSocket over a stream in memory. Frames are handed over at once; when they arrive is decided by
//! the world.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use diario_protocol::WEBSOCKET_PATH;
use futures_util::{SinkExt as _, StreamExt as _};
use tokio::io::DuplexStream;
use tokio::sync::mpsc;
use tokio::task::AbortHandle;
use tokio::time::Instant;
use tokio_tungstenite::tungstenite::Message;

/// A reader that reads nothing looks so often whether it may again.
pub(crate) const STALL: Duration = Duration::from_millis(200);
/// Bytes that the stream holds before the writer has to wait.
pub(crate) const BUFFER: usize = 64 * 1024;

/// What the server's side of a connection brought.
#[derive(Debug)]
pub(crate) enum Arrival {
    /// The connection stands.
    Open,
    /// A frame.
    Frame(Vec<u8>),
    /// It is over.
    Closed,
}

/// A device's end of a connection.
#[derive(Debug)]
pub(crate) struct Wire {
    /// Of all connections of a run, this one.
    pub(crate) number: u64,
    /// The engine knows of it.
    pub(crate) open: bool,
    /// Nothing that was sent arrives before these: a connection keeps its order.
    pub(crate) up: Instant,
    pub(crate) down: Instant,
    /// Frames come to harm on it.
    pub(crate) wild: bool,
    /// One did.
    pub(crate) harmed: bool,
    /// It reads again since then.
    pub(crate) reads_since: Option<Instant>,
    out: mpsc::UnboundedSender<Vec<u8>>,
    stalled: Arc<AtomicBool>,
    task: AbortHandle,
}

impl Wire {
    /// Speaks on `stream`; what comes is told to `arrivals` with the number.
    pub(crate) fn open(
        number: u64,
        stream: DuplexStream,
        arrivals: mpsc::UnboundedSender<(u64, Arrival)>,
    ) -> Self {
        let (out, outgoing) = mpsc::unbounded_channel();
        let stalled = Arc::new(AtomicBool::new(false));
        let task = tokio::spawn(speak(number, stream, outgoing, arrivals, Arc::clone(&stalled)));
        let now = Instant::now();
        let task = task.abort_handle();
        Self {
            number,
            open: false,
            up: now,
            down: now,
            wild: false,
            harmed: false,
            reads_since: None,
            out,
            stalled,
            task,
        }
    }

    /// Hands a frame to the server.
    pub(crate) fn send(&self, frame: Vec<u8>) {
        // A connection that is over is told as such.
        let _ = self.out.send(frame);
    }

    /// Reads nothing, or goes on reading.
    pub(crate) fn stall(&self, stalled: bool) {
        self.stalled.store(stalled, Ordering::Relaxed);
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn speak(
    number: u64,
    stream: DuplexStream,
    mut outgoing: mpsc::UnboundedReceiver<Vec<u8>>,
    arrivals: mpsc::UnboundedSender<(u64, Arrival)>,
    stalled: Arc<AtomicBool>,
) {
    let url = format!("ws://server{WEBSOCKET_PATH}");
    if let Ok((mut socket, _)) = tokio_tungstenite::client_async(url, stream).await {
        let _ = arrivals.send((number, Arrival::Open));
        loop {
            if stalled.load(Ordering::Relaxed) {
                tokio::time::sleep(STALL).await;
                continue;
            }
            tokio::select! {
                biased;
                Some(frame) = outgoing.recv() => {
                    if socket.send(Message::Binary(frame.into())).await.is_err() {
                        break;
                    }
                }
                message = socket.next() => match message {
                    Some(Ok(Message::Binary(frame))) => {
                        let _ = arrivals.send((number, Arrival::Frame(frame.into())));
                    }
                    Some(Ok(Message::Close(_)) | Err(_)) | None => break,
                    Some(Ok(_)) => {}
                },
            }
        }
    }
    let _ = arrivals.send((number, Arrival::Closed));
}
