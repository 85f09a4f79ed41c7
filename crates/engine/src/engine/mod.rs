//! The engine: one input, one transaction.

mod about;
mod apply;
mod ask;
#[cfg(feature = "bench")]
pub mod bench;
mod bootstrap;
mod commands;
mod commit;
mod devices;
mod diagnosis;
mod durability;
mod entries;
mod facts;
#[cfg(any(test, feature = "fuzz"))]
pub(crate) mod fuzz;
mod identity;
mod import;
mod index;
mod join;
mod keyring;
mod letter;
mod link;
mod names;
mod older;
mod past;
mod people;
mod preferences;
mod primary;
mod pump;
mod push;
mod receipts;
mod recover;
mod recover_names;
mod replies;
mod requests;
mod retention;
mod roster;
mod safety;
mod sending;
mod slots;
mod snapshot;
mod vault;

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};

use crate::crypto::provider::RustCrypto;
use diario_protocol::{AccountId, ConversationId, DeviceId, Epoch, ServerFrame, Timestamp};
use ed25519_dalek::VerifyingKey;
use rusqlite::Connection;

pub use ask::WaitingFor;
pub use commands::GroupChange;
pub use diagnosis::Diagnosis;
pub(crate) use facts::facts_of;
pub use import::ImportItem;
pub use names::KeyChange;
pub use older::{Fill, FillView};
pub(crate) use preferences::Arranged;
pub use preferences::{Arrangement, Settings};
pub(crate) use primary::WARNING_MS;
pub(crate) use safety::changed as changed_keys;
pub use safety::{SafetyNumber, Trust};
pub use sending::Draft;

use crate::crypto::key::ConversationKey;
use crate::error::{CommandError, EngineError, Misbehaviour};
use crate::event::{ConnectionState, Event};
use crate::group::{Group, Member, Provider};
use crate::store;
use crate::store::conversation::Conversation;
use crate::store::people::{Me, Stage};
use durability::{Durability, Durable};
use requests::Session;

/// What may be tuned.
#[derive(Debug, Clone)]
pub struct EngineConfig {
    /// For how long a primary vouches for a linked device, in milliseconds (default 14 days).
    pub link_validity_ms: u64,
    /// An epoch ends with the first entry after this many milliseconds (default 7 days).
    pub epoch_age_ms: u64,
    /// An epoch ends after this many entries (default 10,000).
    pub epoch_entries: u64,
    /// One-time key packages kept at the server (default 20).
    pub key_packages: u16,
    /// Whether others learn what was delivered and read here (default true).
    pub receipts: bool,
    /// What this device runs on, for the account's other devices, like "Firefox on Linux" (default: nothing).
    pub platform: String,
    /// Whether this device fetches its whole history by itself, until its user chooses (default always).
    pub fill: Fill,
}

impl Default for EngineConfig {
    fn default() -> Self {
        const DAY: u64 = 24 * 60 * 60 * 1000;
        Self {
            link_validity_ms: 14 * DAY,
            epoch_age_ms: 7 * DAY,
            epoch_entries: 10_000,
            key_packages: 20,
            receipts: true,
            platform: String::new(),
            fill: Fill::Always,
        }
    }
}

/// A Diario device.
///
/// The driver's loop, in this order:
/// 1. an input: [`connected`](Self::connected), [`receive`](Self::receive), [`disconnected`](Self::disconnected),
///    [`tick`](Self::tick) or a command;
/// 2. every [`poll_transmit`](Self::poll_transmit) is written to the connection. What it gives was stored before:
///    persist, then send; [`sync`](Self::sync) waits for the disk where that was put off, before a command's caller is
///    answered;
/// 3. every [`poll_event`](Self::poll_event) is shown to the user;
/// 4. if [`must_disconnect`](Self::must_disconnect), the connection is closed and `disconnected` told;
/// 5. wait for the next input, at the latest until [`deadline`](Self::deadline), then `tick`.
///
/// Each input is one transaction of the store. If one fails, nothing of it remains, and the connection must be
/// made anew; killed at any instruction, the engine goes on from the last input. After a power cut, live frames that
/// nothing has left the device since may have to come once more.
pub struct Engine {
    db: Connection,
    durability: Durability,
    crypto: RustCrypto,
    config: EngineConfig,
    me: Option<Me>,
    groups: HashMap<ConversationId, Group>,
    conversations: HashMap<ConversationId, Conversation>,
    keys: HashMap<(ConversationId, Epoch), ConversationKey>,
    verifying: HashMap<DeviceId, VerifyingKey>,
    session: Session,
    linking: link::Linking,
    recovery: recover::Recovery,
    push: push::Push,
    /// The server says that this device's time has run out.
    told_expired: bool,
    now: Timestamp,
    /// The server's clock minus this device's, in milliseconds.
    clock_offset: i64,
    /// Conversations to look at in the next pump, besides those with something in the outbox.
    attention: BTreeSet<ConversationId>,
    /// Deadlines by what they are for.
    timers: BTreeMap<Timer, Timestamp>,
    /// Frames and events of the present input; they leave once it is stored.
    staged: Staged,
    transmits: VecDeque<Vec<u8>>,
    events: VecDeque<Event>,
    must_disconnect: bool,
    /// Messages whose sender's name was asked for: told when it is there.
    held: Vec<Event>,
    /// The connection is known to cost by volume.
    metered: bool,
}

#[derive(Debug, Default)]
struct Staged {
    transmits: Vec<Vec<u8>>,
    /// Some of them are neither entries nor slots, which the server gives back to a device that forgot them.
    binding: bool,
    events: Vec<Event>,
    cursor_moved: bool,
}

/// What a deadline is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Timer {
    /// Try again what was refused for a while.
    Retry,
    /// Tell what was delivered.
    Receipts,
    /// Look at the devices' validity.
    Validity,
    /// Make messages findable.
    Index,
    /// Ask for keys, or answer who asks.
    Asks,
    /// Tell the server what is here for good.
    Ack,
}

type Result<T> = std::result::Result<T, EngineError>;

impl Engine {
    /// Opens the device that lives in `db`, or an empty one.
    pub fn open(db: Connection, config: EngineConfig) -> Result<Self> {
        store::prepare(&db)?;
        let me = Me::load(&db)?;
        let durability = Durability::of(&db)?;
        // The time is not known yet: this one is over.
        let unindexed = store::search::waits(&db)?.then_some((Timer::Index, Timestamp(0)));
        Ok(Self {
            db,
            durability,
            crypto: RustCrypto::default(),
            config,
            me,
            groups: HashMap::new(),
            conversations: HashMap::new(),
            keys: HashMap::new(),
            verifying: HashMap::new(),
            session: Session::default(),
            linking: link::Linking::default(),
            recovery: recover::Recovery::default(),
            push: push::Push::default(),
            told_expired: false,
            now: Timestamp(0),
            clock_offset: 0,
            attention: BTreeSet::new(),
            timers: unindexed.into_iter().collect(),
            staged: Staged::default(),
            transmits: VecDeque::new(),
            events: VecDeque::new(),
            must_disconnect: false,
            held: Vec::new(),
            metered: false,
        })
    }

    /// The connection to the server stands; the server speaks first.
    pub fn connected(&mut self, now: Timestamp) {
        self.clock_is(now);
        self.forget_session();
        self.session.await_hello();
        self.must_disconnect = false;
    }

    /// The connection is gone; what was under way is derived anew at the next one.
    pub fn disconnected(&mut self, now: Timestamp) {
        self.clock_is(now);
        self.forget_session();
        self.must_disconnect = false;
        self.linking_lost_its_connection();
        self.events.push_back(Event::Connection(ConnectionState::Offline));
    }

    /// Takes frames of the server, in the order in which they came, in one transaction.
    ///
    /// Frames that are at hand together should be given together: each call that gives frames to send ends with a sync of
    /// the store.
    pub fn receive<B: AsRef<[u8]>>(&mut self, frames: &[B], now: Timestamp) -> Result<()> {
        let take = |engine: &mut Self| {
            for frame in frames {
                match diario_protocol::decode::<ServerFrame>(
                    frame.as_ref(),
                    diario_protocol::limits::SERVER_FRAME,
                ) {
                    Ok(frame) => engine.handle(frame)?,
                    Err(e) => return Err(e.into()),
                }
            }
            Ok(())
        };
        // Before it is live, every page asks for the next.
        let durable = if self.session.is_live() { Durable::IfAnythingLeaves } else { Durable::Always };
        self.transact(now, durable, take, |_| true)
    }

    /// Does what is due at `now`.
    pub fn tick(&mut self, now: Timestamp) -> Result<()> {
        self.input(now, |engine| {
            let (due, later) =
                std::mem::take(&mut engine.timers).into_iter().partition(|(_, due)| *due <= now);
            engine.timers = later;
            let due: BTreeMap<Timer, Timestamp> = due;
            if due.contains_key(&Timer::Index) {
                engine.index_step()?;
                if due.len() == 1 {
                    return Ok(());
                }
            }
            let awake = engine.session.wake(now);
            engine.attention.extend(awake);
            // One timer stands for all that is tried again, and rang for the first of them.
            if let Some(next) = engine.session.waits().min().copied() {
                engine.set_timer(Timer::Retry, next);
            }
            if due.contains_key(&Timer::Retry) {
                engine.retry_arrivals()?;
            }
            if due.contains_key(&Timer::Validity) { engine.look_at_validity() } else { Ok(()) }
        })
    }

    /// The next frame to write to the connection.
    pub fn poll_transmit(&mut self) -> Option<Vec<u8>> {
        self.transmits.pop_front()
    }

    /// The next thing that happened.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// When to call [`tick`](Self::tick) at the latest.
    pub fn deadline(&self) -> Option<Timestamp> {
        self.timers.values().copied().min()
    }

    /// Whether the driver has to close the connection: the server misbehaved, or an input failed.
    pub fn must_disconnect(&self) -> bool {
        self.must_disconnect
    }

    /// Whether a connection is of use: there is an account, or a linking or recovery under way, and the device was not
    /// removed.
    pub fn wants_connection(&self) -> bool {
        self.linking.needs_connection()
            || self.recovery.is_coming()
            || self.me.as_ref().is_some_and(|me| me.stage != Stage::Revoked)
    }

    /// The server's URL, as the user gave it.
    pub fn server(&self) -> Option<&str> {
        self.linking.server().or(self.recovery.server()).or(self.me.as_ref().map(|me| me.server.as_str()))
    }

    /// Whether the diary's stream is live.
    pub fn is_live(&self) -> bool {
        self.session.is_live()
    }

    /// This device, for the views.
    pub(crate) fn identity(&self) -> Option<&Me> {
        self.me.as_ref()
    }

    /// The store, for the views.
    pub(crate) fn db(&self) -> &Connection {
        &self.db
    }

    /// The time by which devices are valid, for the views, at `now` by this device's clock.
    pub(crate) fn time_of_server(&self, now: Timestamp) -> Timestamp {
        Timestamp(now.0.saturating_add_signed(self.clock_offset))
    }

    /// Whether the server said, last it said anything, that this device's time has run out.
    pub(crate) fn is_told_expired(&self) -> bool {
        self.told_expired
    }

    /// Runs one input in one transaction: all of it is stored, or nothing, and only then frames and events leave.
    fn input<T>(&mut self, now: Timestamp, body: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        self.transact(now, Durable::Always, body, |_| true)
    }

    /// A command of the user's: what it refuses leaves everything as it was, the connection too.
    fn command<T>(
        &mut self,
        now: Timestamp,
        body: impl FnOnce(&mut Self) -> std::result::Result<T, CommandError>,
    ) -> std::result::Result<T, CommandError> {
        self.transact(now, Durable::Always, body, |e| matches!(e, CommandError::Engine(_)))
    }

    /// Something is said: its entry may leave before it is on disk.
    fn utterance<T>(
        &mut self,
        now: Timestamp,
        body: impl FnOnce(&mut Self) -> std::result::Result<T, CommandError>,
    ) -> std::result::Result<T, CommandError> {
        let durable = if self.session.is_live() { Durable::OnceSent } else { Durable::Always };
        self.transact(now, durable, body, |e| matches!(e, CommandError::Engine(_)))
    }

    fn transact<T, E: From<EngineError>>(
        &mut self,
        now: Timestamp,
        durable: Durable,
        body: impl FnOnce(&mut Self) -> std::result::Result<T, E>,
        is_broken: impl FnOnce(&E) -> bool,
    ) -> std::result::Result<T, E> {
        self.clock_is(now);
        self.durability.begin(&self.db, durable)?;
        self.run("BEGIN IMMEDIATE")?;
        let outcome = body(self).and_then(|value| {
            self.pump()?;
            self.save()?;
            self.plan_indexing()?;
            self.run("COMMIT")?;
            self.durability.committed(&self.db);
            Ok(value)
        });
        let staged = std::mem::take(&mut self.staged);
        match outcome {
            Ok(value) => {
                self.events.extend(staged.events);
                if durable == Durable::OnceSent && !staged.transmits.is_empty() && !staged.binding {
                    self.durability.owe();
                } else if (durable == Durable::OnceSent || !staged.transmits.is_empty())
                    && let Err(e) = self.durability.sync(&self.db)
                {
                    self.recover(true)?;
                    return Err(e.into());
                }
                self.transmits.extend(staged.transmits);
                Ok(value)
            }
            Err(e) => {
                // The store may have rolled back by itself, as it does when the disk is full.
                if !self.db.is_autocommit() {
                    self.run("ROLLBACK")?;
                }
                self.recover(is_broken(&e))?;
                Err(e)
            }
        }
    }

    /// Runs a statement of every input, prepared once.
    fn run(&self, sql: &str) -> Result<()> {
        self.db.prepare_cached(sql)?.execute([])?;
        Ok(())
    }

    /// Goes back to what the store says, after an input that failed; if the engine is what failed, the connection too.
    fn recover(&mut self, broken: bool) -> Result<()> {
        self.groups.clear();
        self.conversations.clear();
        self.keys.clear();
        self.me = Me::load(&self.db)?;
        if broken {
            self.must_disconnect = self.session.is_connected();
            self.forget_session();
        }
        Ok(())
    }

    fn forget_session(&mut self) {
        self.events.extend(std::mem::take(&mut self.held));
        self.session = Session::default();
        self.push.begin();
        self.transmits.clear();
        // The index has nothing to do with the connection.
        self.timers.retain(|timer, _| *timer == Timer::Index);
        self.attention.clear();
    }

    fn save(&mut self) -> Result<()> {
        for conversation in self.conversations.values_mut().filter(|c| c.dirty) {
            conversation.save(&self.db)?;
            conversation.dirty = false;
        }
        if std::mem::take(&mut self.staged.cursor_moved)
            && let Some(me) = &self.me
        {
            me.save_cursor(&self.db)?;
        }
        Ok(())
    }

    fn emit(&mut self, event: Event) {
        self.staged.events.push(event);
    }

    fn misbehaved(&mut self, conversation: Option<ConversationId>, what: Misbehaviour) {
        self.emit(Event::Misbehaviour { conversation, what });
    }

    fn provider(&self) -> Provider<'_> {
        Provider::new(&self.crypto, &self.db)
    }

    /// This device, which has an account.
    fn me(&self) -> Result<&Me> {
        self.me.as_ref().ok_or(EngineError::Internal("no account"))
    }

    fn member(&self) -> Result<Member> {
        let me = self.me()?;
        Ok(Member {
            leaf: diario_protocol::roster::LeafIdentity { account: me.account, device: me.device },
            key: me.key.clone(),
        })
    }

    /// The server's time, by which devices are valid.
    fn server_now(&self) -> Timestamp {
        self.time_of_server(self.now)
    }

    fn conversation(&mut self, id: ConversationId) -> Result<Option<&mut Conversation>> {
        if !self.conversations.contains_key(&id) {
            match Conversation::load(&self.db, id)? {
                Some(conversation) => self.conversations.insert(id, conversation),
                None => return Ok(None),
            };
        }
        Ok(self.conversations.get_mut(&id))
    }

    /// The conversation, to be changed: it is saved at the end of the input.
    fn change(&mut self, id: ConversationId) -> Result<&mut Conversation> {
        let conversation = self.conversation(id)?.ok_or(EngineError::Internal("an unknown conversation"))?;
        conversation.dirty = true;
        Ok(conversation)
    }

    /// Takes the time. A clock that was set back takes the deadlines back with it: nothing waits longer for that.
    fn clock_is(&mut self, now: Timestamp) {
        let back = self.now.0.saturating_sub(now.0);
        if back > 0 {
            let earlier = |due: &mut Timestamp| due.0 = due.0.saturating_sub(back);
            self.timers.values_mut().chain(self.session.waits()).for_each(earlier);
            self.session.asks.times().for_each(earlier);
        }
        self.now = now;
    }

    fn set_timer(&mut self, timer: Timer, due: Timestamp) {
        let entry = self.timers.entry(timer).or_insert(due);
        *entry = due.min(*entry);
    }

    fn random<const N: usize>(&self) -> Result<[u8; N]> {
        use openmls_traits::random::OpenMlsRand;
        self.crypto.random_array().map_err(|_| EngineError::Randomness)
    }
}

/// Who joined and who left, from the row of a commit.
pub(crate) fn membership_note(content: &[u8]) -> (Vec<AccountId>, Vec<AccountId>) {
    let note: commit::MembershipNote = diario_protocol::decode(content, content.len()).unwrap_or_default();
    (note.joined, note.left)
}

/// Who said a message before it was imported, from its encoded content.
pub(crate) fn origin_of(content: &[u8]) -> Option<String> {
    import::origin(&crate::content::MimiContent::decode(content).ok()?)
}
