//! The engine with its driver, its user and its clock.

use diario_engine::recovery::RecoveryKey;
use diario_engine::{Anchor, Engine, EngineConfig, EngineError, Event, Misbehaviour};
use diario_protocol::{
    ClientFrame, ConversationId, DeviceRef, EntryId, Seq, ServerFrame, Timestamp, decode, encode,
};

use super::lies::Liar;
use super::tape::Tape;
use super::world::{World, friend};

/// The engine with its driver, its user and its clock.
pub(crate) struct Stage {
    pub(crate) engine: Engine,
    pub(crate) world: World,
    pub(crate) now: Timestamp,
    pub(crate) connected: bool,
    /// Whether the connection was refused for good: the account is lost, or it pinned another server.
    pub(crate) lost: bool,
    /// What the engine told of the server's misbehaviour.
    pub(crate) told: Vec<Misbehaviour>,
    /// The recovery key that was shown last.
    pub(super) shown: Option<RecoveryKey>,
}

/// The greatest number of frames that a quiet device has reason to send.
const MOST_FRAMES: usize = 2_000;
/// How often a device may try again until it is at rest.
const ROUNDS: usize = 30;

impl Stage {
    pub(crate) fn new() -> Self {
        let db = rusqlite::Connection::open_in_memory().unwrap();
        let config = EngineConfig { key_packages: 2, epoch_entries: 3, ..EngineConfig::default() };
        let engine = Engine::open(db, config).unwrap();
        let now = Timestamp(1_700_000_000_000);
        Self {
            engine,
            world: World::default(),
            now,
            connected: false,
            lost: false,
            told: Vec::new(),
            shown: None,
        }
    }

    fn me(&self) -> Option<DeviceRef> {
        self.engine.whoami().map(|(_, account, device)| DeviceRef { account, device })
    }

    pub(crate) fn connect(&mut self) {
        self.engine.connected(self.now);
        self.world.greet(self.now);
        self.connected = true;
    }

    pub(crate) fn disconnect(&mut self) {
        self.engine.disconnected(self.now);
        self.connected = false;
    }

    /// What happens next, by the tape.
    pub(crate) fn step(&mut self, tape: &mut Tape<'_>) {
        match tape.below(16) {
            0..=5 => {
                let most = 1 + tape.below(8);
                self.hear_honestly(most);
            }
            6..=8 => self.hear_lies(tape),
            9..=12 => self.command(tape),
            13 => self.pass_time(tape),
            14 => {
                if tape.yes() || !self.connected {
                    self.connect();
                } else {
                    self.disconnect();
                }
            }
            _ => {
                // A frame is lost, or comes before another.
                let front = self.world.ready.pop_front();
                if let (true, Some(front)) = (tape.yes(), front) {
                    self.world.ready.push_back(front);
                }
            }
        }
        self.after();
    }

    /// The next frames of an honest server.
    pub(crate) fn hear_honestly(&mut self, most: usize) {
        if !self.connected {
            self.connect();
        }
        let most = most.min(self.world.ready.len());
        let frames: Vec<_> = self.world.ready.drain(..most).map(|frame| encode(&frame)).collect();
        self.receive(&frames);
    }

    fn hear_lies(&mut self, tape: &mut Tape<'_>) {
        let me = self.me();
        let mut frames = Vec::new();
        for _ in 0..=tape.below(2) {
            frames.push(Liar { tape, world: &self.world, me, now: self.now }.frame());
        }
        self.receive(&frames);
    }

    /// Frames that somebody says, honest or not.
    pub(crate) fn hear(&mut self, frames: impl IntoIterator<Item = ServerFrame>) {
        let frames: Vec<_> = frames.into_iter().map(|frame| encode(&frame)).collect();
        self.receive(&frames);
        self.after();
    }

    fn receive(&mut self, frames: &[Vec<u8>]) {
        if let Err(e) = self.engine.receive(frames, self.now) {
            Self::is_no_defect(&e);
            assert!(self.engine.must_disconnect() || !self.connected, "{e}");
            self.after();
            // Whatever it was: a new connection works.
            self.connect();
            let hello: Vec<_> = self.world.ready.drain(..).map(|frame| encode(&frame)).collect();
            self.engine.receive(&hello, self.now).unwrap();
        }
    }

    /// Errors that ask the user to report a defect are none that a server may bring about.
    pub(super) fn is_no_defect(e: &EngineError) {
        assert!(!matches!(e, EngineError::Internal(_) | EngineError::Store(_)), "{e:?}");
    }

    fn pass_time(&mut self, tape: &mut Tape<'_>) {
        self.now = match tape.below(6) {
            0 => Timestamp(tape.number()),
            1 => Timestamp(self.now.0.saturating_sub(1 << tape.below(48))),
            2 => self.engine.deadline().unwrap_or(self.now),
            _ => self.now.plus_ms(1 << tape.below(36)),
        };
        self.tick();
    }

    fn tick(&mut self) {
        if let Err(e) = self.engine.tick(self.now) {
            Self::is_no_defect(&e);
        }
    }

    /// What the driver does after every input, and what holds then.
    pub(crate) fn after(&mut self) {
        while let Some(bytes) = self.engine.poll_transmit() {
            let frame: ClientFrame = decode(&bytes, bytes.len()).unwrap();
            let me = self.me();
            if self.connected {
                self.world.answer(frame, me, self.now);
            }
        }
        while let Some(event) = self.engine.poll_event() {
            match event {
                Event::Rejected(_) | Event::Revoked => self.lost = true,
                Event::Misbehaviour { what, .. } => {
                    self.lost |= what == Misbehaviour::OtherServer;
                    self.told.push(what);
                }
                Event::Ready(_) => self.lost = false,
                _ => {}
            }
        }
        if self.engine.must_disconnect() {
            self.disconnect();
        }
        self.answers();
    }

    /// The user's face can ask everything at any time.
    fn answers(&self) {
        let engine = &self.engine;
        engine.devices(self.now).unwrap();
        engine.stage(self.now).unwrap();
        engine.usage().unwrap();
        engine.outgoing_total().unwrap();
        engine.settings().unwrap();
        for conversation in engine.conversation_rows().unwrap() {
            let id = conversation.id;
            assert_eq!(engine.conversation_row(id).unwrap().as_ref(), Some(&conversation));
            for anchor in [Anchor::Newest, Anchor::Unread, Anchor::After(Seq(0))] {
                for message in engine.history(id, anchor, 20).unwrap().messages {
                    assert!(engine.message(id, message.id).unwrap().is_some());
                    engine.history(id, Anchor::Before(message.seq.unwrap_or_default()), 2).unwrap();
                }
            }
            engine.log(id, 20, None).unwrap();
            engine.members(id).unwrap();
            engine.log_state(id).unwrap();
            engine.has_outgoing(id).unwrap();
            engine.outgoing_in(id).unwrap();
            engine.draft(id).unwrap();
            engine.markers(id).unwrap();
            engine.retention(id).unwrap();
        }
        engine.recovery_methods().unwrap();
        engine.fill_state().unwrap();
        engine.key_changes().unwrap();
        engine.trust(friend().account).unwrap();
        assert!(engine.message(ConversationId::new([0; 16]), EntryId::new([0; 16])).unwrap().is_none());
        engine.deadline();
    }

    /// Everything that an honest server has to say, and what it answers to that.
    pub(crate) fn hear_everything(&mut self) -> usize {
        let mut frames = 0;
        while !self.world.ready.is_empty() && frames < MOST_FRAMES {
            let ready: Vec<_> = self.world.ready.drain(..).map(|frame| encode(&frame)).collect();
            frames += ready.len();
            self.engine.receive(&ready, self.now).unwrap();
            self.after();
        }
        frames
    }

    /// From here on the server is honest: an engine that has an account comes to be live, whatever was before.
    pub(crate) fn come_to_rest(&mut self) {
        self.after();
        self.lost = false;
        self.told.clear();
        // A clock that is beyond all reason is put right by its user.
        self.now = Timestamp(1_800_000_000_000);
        self.connect();
        let mut frames = 0;
        for _ in 0..ROUNDS {
            frames += self.hear_everything();
            self.now = self.now.plus_ms(5_000);
            self.engine.tick(self.now).unwrap();
            self.after();
            if !self.connected {
                self.connect();
            }
        }
        frames += self.hear_everything();
        assert!(frames < MOST_FRAMES, "it never comes to rest");
        if self.engine.whoami().is_some() && !self.lost {
            assert!(self.engine.is_live(), "connected: {}, told: {:?}", self.connected, self.told);
        }
        assert!(self.engine.diagnose().unwrap().damage.is_empty());
    }
}
