//! The loop between an engine and its server.

use std::collections::VecDeque;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use diario_engine::{ConnectionState, Engine, EngineError, Event};
use diario_protocol::Timestamp;
use futures_util::{FutureExt, SinkExt, StreamExt};
use tokio::sync::{broadcast, mpsc, oneshot, watch};
use tokio_tungstenite::tungstenite::Message;

use crate::backoff::Backoff;
use crate::socket::{self, Socket};

/// Something to be done with the engine.
type Job = Box<dyn FnOnce(&mut Engine, Timestamp) -> Answer + Send>;
/// Tells whoever wanted it what came of it: not before it is on disk.
type Answer = Box<dyn FnOnce() + Send>;

/// Frames at hand that are taken in one transaction.
const BATCH: usize = 256;
/// About how many bytes of them: one transaction must not keep the user's commands waiting for seconds.
const BATCH_BYTES: usize = 1024 * 1024;
/// A connection on which the server is silent for so long is dead: it pings more often than that.
const SILENCE: Duration = Duration::from_secs(90);

/// The driver has ended, and the engine with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the engine has stopped")]
pub struct Closed;

/// Handle to a running engine; cheap to clone.
#[derive(Clone)]
pub struct Client {
    jobs: mpsc::Sender<Job>,
    events: broadcast::Sender<Event>,
    connection: watch::Receiver<ConnectionState>,
    trouble: watch::Receiver<Option<String>>,
    rest: watch::Receiver<bool>,
}

/// The loop that owns the engine; run it as a task.
pub struct Driver {
    engine: Engine,
    jobs: mpsc::Receiver<Job>,
    events: broadcast::Sender<Event>,
    connection: watch::Sender<ConnectionState>,
    trouble: watch::Sender<Option<String>>,
    rest: watch::Sender<bool>,
}

/// A clock that the engine gets its time from.
fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}

impl Client {
    /// A handle to `engine`, and the loop to be run.
    pub fn new(engine: Engine) -> (Self, Driver) {
        let (jobs, job_queue) = mpsc::channel(64);
        let (events, _) = broadcast::channel(16 * 1024);
        let (state, connection) = watch::channel(ConnectionState::Offline);
        let (told, trouble) = watch::channel(None);
        let (rests, rest) = watch::channel(false);
        let driver = Driver {
            engine,
            jobs: job_queue,
            events: events.clone(),
            connection: state,
            trouble: told,
            rest: rests,
        };
        (Self { jobs, events, connection, trouble, rest }, driver)
    }

    /// Runs `body` on the engine, between its other inputs.
    pub async fn with<T: Send + 'static>(
        &self,
        body: impl FnOnce(&mut Engine, Timestamp) -> T + Send + 'static,
    ) -> Result<T, Closed> {
        let (answer, answered) = oneshot::channel();
        let job: Job = Box::new(move |engine, now| {
            let done = body(engine, now);
            // Whoever asked may have gone; what was done stays done.
            Box::new(move || drop(answer.send(done)))
        });
        self.jobs.send(job).await.map_err(|_| Closed)?;
        answered.await.map_err(|_| Closed)
    }

    /// Events from now on.
    pub fn events(&self) -> broadcast::Receiver<Event> {
        self.events.subscribe()
    }

    /// The connection's state, to be watched.
    pub fn connection(&self) -> watch::Receiver<ConnectionState> {
        self.connection.clone()
    }

    /// Why there is no connection at the moment, to be watched.
    pub fn trouble(&self) -> watch::Receiver<Option<String>> {
        self.trouble.clone()
    }

    /// Whether the device is up to date and has nothing under way, to be watched.
    pub fn rest(&self) -> watch::Receiver<bool> {
        self.rest.clone()
    }
}

/// How a connection ended.
enum Ended {
    /// Try again after a pause.
    Lost(String),
    /// No handle is left.
    Finished,
}

impl Driver {
    /// Runs until every [`Client`] is dropped. An error is the local store's: nothing goes without it.
    pub async fn run(mut self) -> Result<(), EngineError> {
        let mut backoff = Backoff::new();
        loop {
            let Some(server) =
                self.engine.server().map(str::to_owned).filter(|_| self.engine.wants_connection())
            else {
                match self.jobs.recv().await {
                    Some(job) => self.work(job),
                    None => return Ok(()),
                }
                continue;
            };
            let connecting = socket::connect(&server);
            let connected = tokio::select! {
                connected = connecting => connected,
                ended = serve_offline(&mut self.engine, &mut self.jobs, &self.events) => {
                    if ended { return Ok(()) }
                    continue;
                }
            };
            let lost = match connected {
                Err(e) => e.to_string(),
                Ok(socket) => {
                    self.trouble.send_replace(None);
                    let since = tokio::time::Instant::now();
                    let (ended, was_live) = self.attend(socket).await?;
                    backoff.had(since.elapsed(), was_live);
                    match ended {
                        Ended::Finished => return Ok(()),
                        Ended::Lost(why) => why,
                    }
                }
            };
            tracing::debug!(%lost, "no connection");
            self.connection.send_replace(ConnectionState::Offline);
            self.trouble.send_replace(Some(lost));
            let until = tokio::time::Instant::now() + backoff.next(random());
            loop {
                tokio::select! {
                    () = tokio::time::sleep_until(until) => break,
                    job = self.jobs.recv() => match job {
                        Some(job) => self.work(job),
                        None => return Ok(()),
                    },
                }
            }
        }
    }

    /// Runs without ever connecting, until every [`Client`] is dropped: for who only reads what is stored.
    pub async fn run_offline(mut self) {
        while let Some(job) = self.jobs.recv().await {
            self.work(job);
        }
    }

    /// Does a job without a connection.
    fn work(&mut self, job: Job) {
        do_now(&mut self.engine, job);
        self.tell();
    }

    fn tell(&mut self) {
        while let Some(event) = self.engine.poll_event() {
            if let Event::Connection(state) = &event {
                self.connection.send_replace(*state);
            }
            // Nobody listening is fine.
            let _ = self.events.send(event);
        }
        let rests = self.engine.at_rest() && !self.engine.tends_asks_soon();
        self.rest.send_if_modified(|before| std::mem::replace(before, rests) != rests);
    }

    /// One connection, from the first frame to the last; and whether it was up to date at its end.
    async fn attend(&mut self, mut socket: Socket) -> Result<(Ended, bool), EngineError> {
        self.engine.connected(now());
        let ended = self.converse(&mut socket).await;
        let was_live = self.engine.is_live();
        let _ = tokio::time::timeout(Duration::from_secs(1), socket.close(None)).await;
        self.engine.disconnected(now());
        self.tell();
        Ok((ended?, was_live))
    }

    async fn converse(&mut self, socket: &mut Socket) -> Result<Ended, EngineError> {
        let mut last_heard = tokio::time::Instant::now();
        let mut answer: Option<Answer> = None;
        loop {
            if let Err(e) = self.speak(socket, answer.take()).await {
                return Ok(Ended::Lost(e));
            }
            if self.engine.must_disconnect() || !self.engine.wants_connection() {
                return Ok(Ended::Lost("the connection was given up".into()));
            }
            let due = self.engine.deadline().map(|at| Duration::from_millis(at.ms_since(now())));
            tokio::select! {
                message = socket.next() => {
                    last_heard = tokio::time::Instant::now();
                    let mut frames = VecDeque::new();
                    if let Some(why) = take(message, &mut frames) {
                        return Ok(Ended::Lost(why));
                    }
                    // What else is at hand goes into the same transaction.
                    let mut lost = None;
                    while frames.len() < BATCH
                        && frames.iter().map(Vec::len).sum::<usize>() < BATCH_BYTES
                        && lost.is_none()
                    {
                        match socket.next().now_or_never() {
                            Some(message) => lost = take(message, &mut frames),
                            None => break,
                        }
                    }
                    if !frames.is_empty() && let Some(why) = self.receive(&frames)? {
                        return Ok(Ended::Lost(why));
                    }
                    if let Some(why) = lost {
                        self.tell();
                        return Ok(Ended::Lost(why));
                    }
                }
                job = self.jobs.recv() => match job {
                    Some(job) => answer = Some(job(&mut self.engine, now())),
                    None => return Ok(Ended::Finished),
                },
                () = tokio::time::sleep(due.unwrap_or(SILENCE)) => {
                    if last_heard.elapsed() > SILENCE {
                        return Ok(Ended::Lost("the server is silent".into()));
                    }
                    self.engine.tick(now())?;
                }
            }
        }
    }

    /// Sends and tells what the engine has to send and to tell, and answers who asked for it. The engine has stored it;
    /// where the sync was put off until the frames are on their way, it does not wait for a slow connection, nor does
    /// anybody who listens.
    async fn speak(&mut self, socket: &mut Socket, answer: Option<Answer>) -> Result<(), String> {
        let frames: Vec<_> = std::iter::from_fn(|| self.engine.poll_transmit()).collect();
        let mut sending = std::pin::pin!(async {
            let any = !frames.is_empty();
            for frame in frames {
                socket.feed(Message::Binary(frame.into())).await?;
            }
            if any { socket.flush().await } else { Ok(()) }
        });
        let sent = sending.as_mut().now_or_never();
        let synced = self.engine.sync();
        if let Some(answer) = answer {
            answer();
        }
        self.tell();
        synced.map_err(|e| e.to_string())?;
        match sent {
            Some(sent) => sent,
            None => sending.await,
        }
        .map_err(|e| e.to_string())
    }

    /// Gives frames to the engine; what the server did wrong ends the connection, what the store did the driver.
    fn receive(&mut self, frames: &VecDeque<Vec<u8>>) -> Result<Option<String>, EngineError> {
        let frames: Vec<&[u8]> = frames.iter().map(Vec::as_slice).collect();
        match self.engine.receive(&frames, now()) {
            Ok(()) => Ok(None),
            Err(e @ (EngineError::Frame(_) | EngineError::Group(_))) => Ok(Some(e.to_string())),
            Err(e) => Err(e),
        }
    }
}

/// Does a job of which nothing leaves.
fn do_now(engine: &mut Engine, job: Job) {
    let answer = job(engine, now());
    if let Err(error) = engine.sync() {
        tracing::warn!(%error, "the store is not synced");
    }
    answer();
}

/// Jobs that come while a connection is being made; whether no handle is left.
async fn serve_offline(
    engine: &mut Engine,
    jobs: &mut mpsc::Receiver<Job>,
    events: &broadcast::Sender<Event>,
) -> bool {
    let before = engine.server().map(str::to_owned);
    loop {
        let Some(job) = jobs.recv().await else { return true };
        do_now(engine, job);
        while let Some(event) = engine.poll_event() {
            let _ = events.send(event);
        }
        if engine.server() != before.as_deref() || !engine.wants_connection() {
            return false;
        }
    }
}

/// Takes the frame of a message; or says why the connection is over.
fn take(
    message: Option<Result<Message, tokio_tungstenite::tungstenite::Error>>,
    frames: &mut VecDeque<Vec<u8>>,
) -> Option<String> {
    match message {
        Some(Ok(Message::Binary(frame))) => frames.push_back(frame.into()),
        Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => {}
        Some(Ok(Message::Text(_))) => return Some("the server sent text".into()),
        Some(Ok(Message::Close(reason))) => {
            return Some(
                reason.map_or_else(|| "the server closed the connection".into(), |r| r.reason.to_string()),
            );
        }
        Some(Err(e)) => return Some(e.to_string()),
        None => return Some("the connection was lost".into()),
    }
    None
}

/// Enough to spread tries in time.
fn random() -> u64 {
    now().0.wrapping_mul(2_654_435_761) >> 16
}
