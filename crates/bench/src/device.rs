//! A real engine and its connection.

use std::path::Path;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result, bail};
use diario_engine::{Draft, Engine, EngineConfig, Event, LinkingStep};
use diario_protocol::{ClientFrame, ConversationId, Request, Timestamp};
use futures_util::FutureExt as _;
use futures_util::future::select_all;
use rusqlite::Connection;

use crate::server::ServerProcess;
use crate::socket::Socket;

/// How long any step may take.
const PATIENCE: Duration = Duration::from_mins(2);
/// Frames taken in one transaction, as the driver of [`diario_client`] does.
const BATCH: usize = 256;

/// The time that engines are given.
pub(crate) fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}

/// A store in memory.
pub(crate) fn in_memory() -> Result<Engine> {
    Ok(Engine::open(Connection::open_in_memory()?, EngineConfig::default())?)
}

/// A store in a file, as `sync` says: `FULL` is what devices use.
pub(crate) fn in_file(path: &Path, sync: &str) -> Result<Engine> {
    in_file_with(path, sync, EngineConfig::default())
}

/// The same, with settings.
pub(crate) fn in_file_with(path: &Path, sync: &str, config: EngineConfig) -> Result<Engine> {
    Ok(Engine::open(open(path, sync)?, config)?)
}

/// The same, with 128 KiB of the store kept in memory.
pub(crate) fn in_file_with_small_cache(path: &Path) -> Result<Engine> {
    let db = open(path, "NORMAL")?;
    db.execute_batch("PRAGMA cache_size = -128;")?;
    Ok(Engine::open(db, EngineConfig::default())?)
}

fn open(path: &Path, sync: &str) -> Result<Connection> {
    let db = Connection::open(path)?;
    db.execute_batch(&format!("PRAGMA journal_mode = WAL; PRAGMA synchronous = {sync};"))?;
    Ok(db)
}

/// A device that is connected.
pub(crate) struct Device {
    pub(crate) engine: Engine,
    pub(crate) events: Vec<Event>,
    /// Every frame that came, if they are kept.
    pub(crate) recorded: Option<Vec<Vec<u8>>>,
    socket: Socket,
}

impl Device {
    /// Connects an engine that has an account, or is about to have one.
    pub(crate) async fn connect(server: &ServerProcess, mut engine: Engine) -> Result<Self> {
        let socket = Socket::connect(server.address()).await?;
        engine.connected(now());
        Ok(Self { engine, events: Vec::new(), recorded: None, socket })
    }

    /// Makes an account.
    pub(crate) async fn register(server: &ServerProcess, mut engine: Engine, name: &str) -> Result<Self> {
        engine.register(&server.url(), name, "bench", None, now())?;
        let mut device = Self::connect(server, engine).await?;
        device.until("registered", |d| d.engine.is_live() && d.engine.at_rest()).await?;
        Ok(device)
    }

    /// Links an engine to the account of `primary`, as with a QR code.
    pub(crate) async fn link(server: &ServerProcess, engine: Engine, primary: &mut Self) -> Result<Self> {
        let (mut device, _) = Self::begin_link(server, engine, primary).await?;
        let linked = |d: &[&mut Self]| d.iter().all(|d| d.engine.is_live() && d.engine.at_rest());
        together(&mut [primary, &mut device], "linked", linked).await?;
        Ok(device)
    }

    /// Links an engine up to the moment when `primary` says yes, which comes along.
    pub(crate) async fn begin_link(
        server: &ServerProcess,
        mut engine: Engine,
        primary: &mut Self,
    ) -> Result<(Self, Instant)> {
        engine.link(&server.url(), "bench", true, now())?;
        let mut device = Self::connect(server, engine).await?;
        let code = loop {
            device.turn().await?;
            let shown = device.events.drain(..).find_map(|event| match event {
                Event::Linking(LinkingStep::Code { code, .. }) => Some(code),
                _ => None,
            });
            if let Some(code) = shown {
                break code;
            }
        };
        // The answer to the opening of the mailbox: only now can the primary enter it.
        device.turn().await?;
        primary.engine.approve(&code, now())?;
        primary.events.clear();
        let asked = |d: &[&mut Self]| {
            d[0].events.iter().any(|e| matches!(e, Event::Linking(LinkingStep::Requested { .. })))
        };
        together(&mut [&mut *primary, &mut device], "asked", asked).await?;
        primary.engine.confirm_link(true, now())?;
        Ok((device, Instant::now()))
    }

    /// One input: whatever comes first, a frame or the deadline. May be given up at any time.
    pub(crate) async fn turn(&mut self) -> Result<()> {
        self.collect();
        self.socket.flush().await?;
        self.engine.sync()?;
        let due = self.engine.deadline().map_or(PATIENCE, |at| Duration::from_millis(at.ms_since(now())));
        tokio::select! {
            filled = self.socket.fill() => filled?,
            () = tokio::time::sleep(due) => {
                self.engine.tick(now())?;
                self.collect();
                return Ok(());
            }
        }
        self.socket.drain()?;
        let mut frames = Vec::new();
        self.socket.take(|frame| {
            frames.push(frame.to_vec());
            Ok(())
        })?;
        for batch in frames.chunks(BATCH) {
            self.engine.receive(batch, now())?;
        }
        if let Some(recorded) = &mut self.recorded {
            recorded.append(&mut frames);
        }
        self.collect();
        let failed = |e: &&Event| matches!(e, Event::Linking(LinkingStep::Failed(_)) | Event::Rejected(_));
        if let Some(why) = self.events.iter().find(failed) {
            bail!("refused: {why:?}");
        }
        if self.engine.must_disconnect() {
            bail!("the engine gives the connection up: {:?}", self.events);
        }
        Ok(())
    }

    fn collect(&mut self) {
        while let Some(frame) = self.engine.poll_transmit() {
            self.socket.put(&frame);
        }
        while let Some(event) = self.engine.poll_event() {
            self.events.push(event);
        }
    }

    /// Goes on until `done`.
    pub(crate) async fn until(&mut self, what: &str, done: impl Fn(&Self) -> bool) -> Result<()> {
        together(&mut [self], what, |devices| done(devices[0])).await
    }

    /// Sends many texts, as fast as the server takes them.
    pub(crate) async fn say(&mut self, conversation: ConversationId, texts: usize) -> Result<()> {
        let (mut sent, mut stored) = (0, 0);
        self.events.clear();
        while stored < texts {
            // The engine keeps so many on their way.
            while sent < texts && sent - stored < 32 {
                self.engine.send(conversation, &Draft::Text(text(sent)), now())?;
                sent += 1;
            }
            self.turn().await?;
            stored += self.events.drain(..).filter(|e| matches!(e, Event::Sent { .. })).count();
        }
        Ok(())
    }

    /// Bytes of a sealed text of [`TEXT`](crate::bench::TEXT) bytes in the next `Append` frame.
    pub(crate) fn sealed_length(&mut self, conversation: ConversationId) -> Result<usize> {
        self.engine.send(conversation, &Draft::Text(text(0)), now())?;
        let mut length = None;
        while let Some(frame) = self.engine.poll_transmit() {
            self.socket.put(&frame);
            if let Request::Append(append) =
                diario_protocol::decode::<ClientFrame>(&frame, frame.len())?.request
            {
                length = Some(append.body.len());
            }
        }
        length.context("the engine did not send the text")
    }

    /// Whether the device is in the conversation's group, has its log up to `seq`, and rests.
    pub(crate) fn has(&self, conversation: ConversationId, seq: u64) -> bool {
        let state = self.engine.log_state(conversation).ok().flatten();
        self.engine.at_rest() && state.is_some_and(|s| s.in_group && s.next.0 > seq)
    }

    /// The engine, its connection closed.
    pub(crate) fn disconnect(mut self) -> Engine {
        self.engine.disconnected(now());
        self.engine
    }

    /// The connection, logged in and subscribed.
    pub(crate) fn into_socket(mut self) -> Socket {
        self.collect();
        self.socket
    }
}

/// A text of the size that is sent everywhere, no two alike.
fn text(number: usize) -> String {
    format!("{number:0>length$}", length = crate::bench::TEXT)
}

/// Lets several devices go on until `done`.
pub(crate) async fn together(
    devices: &mut [&mut Device],
    what: &str,
    done: impl Fn(&[&mut Device]) -> bool,
) -> Result<()> {
    let going = async {
        loop {
            // What one of them was just told to do has to leave first.
            for device in devices.iter_mut() {
                device.collect();
                device.socket.flush().await?;
                device.engine.sync()?;
            }
            if done(devices) {
                return Ok(());
            }
            let turns = devices.iter_mut().map(|d| d.turn().boxed_local());
            let (turned, ..) = select_all(turns).await;
            turned?;
        }
    };
    tokio::time::timeout(PATIENCE, going)
        .await
        .unwrap_or_else(|_| bail!("not {what} within {} s", PATIENCE.as_secs()))
}
