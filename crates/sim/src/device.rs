//! One device: a real engine, and the frames between it and the server held one by one.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use diario_engine::recovery::{Keep, RecoveryKey, RecoverySecret, WordLanguage};
use diario_engine::{Engine, EngineConfig, EngineError, Event, LinkingStep, MessageView};
use diario_protocol::{
    AccountId, AccountRef, ClientFrame, ConversationId, EntryId, ServerFrame, Timestamp, WEBSOCKET_PATH,
};
use futures_util::{FutureExt, SinkExt, StreamExt};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

use crate::{ManualClock, World};

/// How long nothing may happen before everything is held to be at rest, if every device says so.
const QUIET: Duration = Duration::from_millis(40);
/// The same, if a device still waits for something: a lying server may never give it.
const STUCK: Duration = Duration::from_secs(2);
/// A deadline nearer than this is waited for, in milliseconds.
const SOON_MS: u64 = 1_500;
/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(30);

type Tamper = Box<dyn FnMut(ServerFrame) -> Vec<ServerFrame> + Send>;

/// A device under a test's control.
pub struct SimDevice {
    /// The engine itself.
    pub engine: Engine,
    /// What happened and was not looked at yet.
    pub events: Vec<Event>,
    /// What a test calls it.
    pub name: String,
    server: String,
    clock: Arc<ManualClock>,
    socket: Option<WebSocketStream<MaybeTlsStream<TcpStream>>>,
    to_server: VecDeque<Vec<u8>>,
    from_server: VecDeque<Vec<u8>>,
    tamper: Option<Tamper>,
    record: Option<Vec<ClientFrame>>,
}

impl SimDevice {
    /// A device with its store in memory.
    pub fn new(world: &World, name: &str) -> Result<Self> {
        Self::with_config(world, name, EngineConfig::default())
    }

    /// A device with its store in memory and settings of the test's.
    pub fn with_config(world: &World, name: &str, config: EngineConfig) -> Result<Self> {
        Self::over(world, name, rusqlite::Connection::open_in_memory()?, config)
    }

    /// A device with its store in a file, which is never synced.
    pub fn at(world: &World, name: &str, store: &Path) -> Result<Self> {
        Self::in_file(world, name, store, "OFF")
    }

    /// A device with its store in a file, synced as applications do.
    pub fn synced_at(world: &World, name: &str, store: &Path) -> Result<Self> {
        Self::in_file(world, name, store, "FULL")
    }

    fn in_file(world: &World, name: &str, store: &Path, sync: &str) -> Result<Self> {
        let db = rusqlite::Connection::open(store)?;
        db.execute_batch(&format!("PRAGMA journal_mode = WAL; PRAGMA synchronous = {sync};"))?;
        Self::over(world, name, db, EngineConfig::default())
    }

    fn over(world: &World, name: &str, db: rusqlite::Connection, mut config: EngineConfig) -> Result<Self> {
        config.platform = "a test".into();
        Ok(Self {
            engine: Engine::open(db, config)?,
            events: Vec::new(),
            name: name.to_owned(),
            server: world.url(),
            clock: world.clock(),
            socket: None,
            to_server: VecDeque::new(),
            from_server: VecDeque::new(),
            tamper: None,
            record: None,
        })
    }

    /// The time that the engine is given.
    pub fn now(&self) -> Timestamp {
        self.clock.time()
    }

    /// Lets `tamper` change every frame of the server before the engine sees it.
    pub fn tamper(&mut self, tamper: impl FnMut(ServerFrame) -> Vec<ServerFrame> + Send + 'static) {
        self.tamper = Some(Box::new(tamper));
    }

    /// Remembers every frame sent from now on, for [`Self::recorded`].
    pub fn record(&mut self) {
        self.record = Some(Vec::new());
    }

    /// What was sent since [`Self::record`].
    pub fn recorded(&self) -> &[ClientFrame] {
        self.record.as_deref().unwrap_or_default()
    }

    /// Lets frames through as they are again.
    pub fn trust(&mut self) {
        self.tamper = None;
    }

    /// The newest events, for messages of failed tests.
    pub fn last_events(&self) -> &[Event] {
        &self.events[self.events.len().saturating_sub(8)..]
    }

    /// Whether there is a connection.
    pub fn is_connected(&self) -> bool {
        self.socket.is_some()
    }

    /// Connects to the server.
    pub async fn connect(&mut self) -> Result<()> {
        let url = format!("{}{WEBSOCKET_PATH}", self.server.replace("http://", "ws://"));
        let (socket, _) = tokio_tungstenite::connect_async(url).await?;
        self.socket = Some(socket);
        self.engine.connected(self.now());
        self.collect();
        Ok(())
    }

    /// Tears the connection: whatever is on its way is lost.
    pub fn disconnect(&mut self) {
        self.socket = None;
        self.to_server.clear();
        self.from_server.clear();
        self.engine.disconnected(self.now());
        self.collect();
    }

    fn collect(&mut self) {
        while let Some(frame) = self.engine.poll_transmit() {
            self.to_server.push_back(frame);
        }
        while let Some(event) = self.engine.poll_event() {
            self.events.push(event);
        }
    }

    /// Sends the next frame that waits, if one does.
    pub async fn send_one(&mut self) -> Result<bool> {
        self.collect();
        let Some(frame) = self.to_server.pop_front() else { return Ok(false) };
        if let Some(record) = &mut self.record {
            record.push(diario_protocol::decode(&frame, usize::MAX)?);
        }
        if let Some(socket) = &mut self.socket
            && socket.send(Message::Binary(frame.into())).await.is_err()
        {
            self.disconnect();
        }
        self.engine.sync()?;
        Ok(true)
    }

    /// Takes one frame off the network, waiting for it so long at most.
    pub async fn fetch_one(&mut self, wait: Duration) -> bool {
        let Some(socket) = &mut self.socket else { return false };
        let next = if wait.is_zero() {
            // Only what is there: the timer is a thousand times coarser than loopback.
            socket.next().now_or_never().ok_or(())
        } else {
            tokio::time::timeout(wait, socket.next()).await.map_err(drop)
        };
        match next {
            Err(()) => false,
            Ok(Some(Ok(Message::Binary(frame)))) => {
                self.from_server.push_back(frame.into());
                true
            }
            Ok(Some(Ok(Message::Close(_)) | Err(_)) | None) => {
                // What came before the end is still to be taken.
                while self.deliver_one().is_ok_and(|delivered| delivered) {}
                self.disconnect();
                true
            }
            Ok(Some(Ok(_))) => true,
        }
    }

    /// Gives the engine the next frame that was fetched, if there is one.
    pub fn deliver_one(&mut self) -> Result<bool> {
        let Some(frame) = self.from_server.pop_front() else { return Ok(false) };
        let frames = match &mut self.tamper {
            None => vec![frame],
            Some(tamper) => {
                let read = diario_protocol::decode(&frame, diario_protocol::limits::SERVER_FRAME)?;
                tamper(read).iter().map(diario_protocol::encode).collect()
            }
        };
        if !frames.is_empty() {
            match self.engine.receive(&frames, self.clock.time()) {
                Ok(()) | Err(EngineError::Frame(_)) => {}
                Err(e) => return Err(e).context(self.name.clone()),
            }
        }
        self.collect();
        if self.engine.must_disconnect() {
            self.disconnect();
        }
        Ok(true)
    }

    fn tick(&mut self) -> Result<()> {
        if self.engine.deadline().is_some_and(|at| at <= self.now()) {
            self.engine.tick(self.now())?;
            self.collect();
        }
        Ok(())
    }

    /// Forgets the events so far and gives them.
    pub fn take_events(&mut self) -> Vec<Event> {
        self.collect();
        std::mem::take(&mut self.events)
    }

    /// Makes an account and is live with it.
    pub async fn register(&mut self, username: &str) -> Result<()> {
        let server = self.server.clone();
        self.engine.register(&server, username, &self.name, None, self.clock.time())?;
        self.connect().await?;
        settle(&mut [self]).await?;
        if !self.engine.is_live() {
            bail!("{} is not live: {:?}", self.name, self.last_events());
        }
        Ok(())
    }

    /// Links this device to the account of `primary`, by QR code or by the eight characters.
    pub async fn link_to(&mut self, primary: &mut Self, qr: bool) -> Result<()> {
        let server = self.server.clone();
        self.engine.link(&server, &self.name, qr, self.clock.time())?;
        self.connect().await?;
        settle(&mut [self]).await?;
        let code = self.shown_code().context("no code was shown")?;
        primary.engine.approve(&code, primary.now())?;
        settle(&mut [self, primary]).await?;
        let asked = primary.events.iter().any(|e| matches!(e, Event::Linking(LinkingStep::Requested { .. })));
        if !asked {
            bail!("the primary was not asked: {:?} {:?}", primary.last_events(), self.last_events());
        }
        primary.engine.confirm_link(true, primary.now())?;
        settle(&mut [self, primary]).await?;
        if !self.engine.is_live() {
            bail!("the linked device is not live: {:?} {:?}", primary.last_events(), self.last_events());
        }
        Ok(())
    }

    /// The newest code that it shows to be linked.
    pub fn shown_code(&self) -> Option<String> {
        self.events.iter().rev().find_map(|e| match e {
            Event::Linking(LinkingStep::Code { code, .. }) => Some(code.clone()),
            _ => None,
        })
    }

    /// Makes a recovery key, and confirms it; gives its words.
    pub async fn make_recovery_key(&mut self, language: WordLanguage) -> Result<String> {
        let key = self.engine.make_recovery_key(language, self.now())?;
        self.engine.confirm_recovery_key(&asked_words(&key), self.now())?;
        settle(&mut [self]).await?;
        Ok(key.words.join(" "))
    }

    /// Opens the vault of an account; the user's choice comes next.
    pub async fn open_vault(&mut self, username: &str, secret: &RecoverySecret) -> Result<()> {
        let (server, account) = (self.server.clone(), AccountRef::Name(username.parse()?));
        self.engine.begin_recovery(&server, &account, secret, &self.name, self.clock.time())?;
        self.connect().await?;
        settle(&mut [self]).await
    }

    /// Recovers an account by the words of its recovery key.
    pub async fn recover(&mut self, username: &str, words: &str, keep: &Keep) -> Result<()> {
        self.open_vault(username, &RecoverySecret::from_words(words)?).await?;
        self.engine.finish_recovery(keep, self.now())?;
        settle(&mut [self]).await?;
        if !self.engine.is_live() {
            bail!("{} is not live: {:?}", self.name, self.last_events());
        }
        Ok(())
    }

    /// Nothing is under way, or somebody else is to do something.
    fn rests(&self) -> bool {
        self.engine.at_rest() || self.engine.awaits_link() || self.engine.awaits_recovery_choice()
    }

    /// The conversation with the account of `other`.
    pub fn direct(&mut self, other: AccountId) -> Result<ConversationId> {
        Ok(self.engine.direct(other, self.now())?)
    }

    /// Says something.
    pub fn say(&mut self, conversation: ConversationId, text: &str) -> Result<EntryId> {
        let draft = diario_engine::Draft::Text(text.to_owned());
        let id = self.engine.send(conversation, &draft, self.now())?;
        self.collect();
        Ok(id)
    }

    /// The account.
    pub fn account(&self) -> Result<AccountId> {
        Ok(self.engine.whoami().context("no account")?.1)
    }

    /// Whose a name is, asked from the server.
    pub async fn find(&mut self, username: &str) -> Result<AccountId> {
        let username = username.parse()?;
        self.engine.look_up(&username, self.now())?;
        settle(&mut [self]).await?;
        self.engine.account_named(&username)?.context("nobody of that name")
    }

    /// All messages of a conversation, without its notices.
    pub fn messages(&self, conversation: ConversationId) -> Result<Vec<MessageView>> {
        let all = self.engine.log(conversation, u32::MAX, None)?;
        Ok(all.into_iter().filter(|m| !m.is_notice()).collect())
    }

    /// Words of all messages of a conversation.
    pub fn texts(&self, conversation: ConversationId) -> Result<Vec<String>> {
        Ok(self.messages(conversation)?.into_iter().map(|m| m.text).collect())
    }
}

/// The words of a recovery key that its user is asked for.
pub fn asked_words(key: &RecoveryKey) -> Vec<String> {
    key.asked.iter().map(|n| key.words[usize::from(*n) - 1].clone()).collect()
}

/// Lets frames flow between all devices and the server until nothing has happened for a while.
pub async fn settle(devices: &mut [&mut SimDevice]) -> Result<()> {
    let begun = tokio::time::Instant::now();
    let mut last = begun;
    loop {
        let rests = devices.iter().all(|d| !d.is_connected() || d.rests());
        if last.elapsed() >= if rests { QUIET } else { STUCK } {
            return Ok(());
        }
        if begun.elapsed() > PATIENCE {
            let names: Vec<_> =
                devices.iter().map(|d| format!("{}: {:?}", d.name, d.last_events())).collect();
            bail!("no rest within {} s: {names:#?}", PATIENCE.as_secs());
        }
        let mut moved = false;
        for device in devices.iter_mut() {
            // Something small is due in a moment; of a device at rest that is nothing that others see.
            moved |= device.is_connected()
                && !device.engine.at_rest()
                && device.engine.deadline().is_some_and(|at| at.ms_since(device.now()) < SOON_MS);
            device.tick()?;
            while device.send_one().await? {
                moved = true;
            }
            moved |= device.fetch_one(Duration::from_millis(1)).await;
            while device.deliver_one()? {
                moved = true;
            }
        }
        if moved {
            last = tokio::time::Instant::now();
        }
    }
}
