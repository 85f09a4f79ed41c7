//! The loop of a run: what is due next happens, and every device is looked at after each of its inputs.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use diario_engine::{CommandError, Engine, EngineConfig, EngineError};
use diario_protocol::{ClientFrame, RecoveryId, ServerFrame, Timestamp, What};
use tempfile::TempDir;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};

use super::clock::VirtualClock;
use super::faults::Heal;
use super::frames;
use super::host::Host;
use super::humans::Human;
use super::journal::{Journal, Kind};
use super::marks::Marks;
use super::oracle::Oracle;
use super::peer::{Peer, Purpose};
use super::plan::Plan;
use super::queue::Queue;
use super::wire::{self, Arrival, Wire};
use crate::Random;
use crate::os::Simulated;

/// What devices call the server.
pub(crate) const URL: &str = "http://server.example";
/// The longest pause between two tries to connect.
const LONGEST_PAUSE_MS: u64 = 30_000;

/// Something that is to happen.
#[derive(Debug)]
pub(crate) enum Due {
    /// A frame of a device reaches the server.
    ToServer(u64, Vec<u8>),
    /// Something of the server reaches a device.
    ToDevice(u64, Arrival),
    /// A device's engine wanted to be called.
    Tick(usize),
    /// A device tries to connect.
    Connect(usize),
    /// A device's program starts.
    Start(usize),
    /// The server starts.
    StartServer,
    /// A fault is over.
    Heal(Heal),
    /// Somebody goes on with something.
    Human(Human),
    /// Somebody does something.
    Operate,
}

/// What becomes of a frame.
#[derive(Debug, Clone, Copy)]
enum Fate {
    Well,
    Lost,
    Twice,
    /// Others overtake it.
    Late(Duration),
}

/// Everything that a run consists of.
pub(crate) struct World {
    pub(crate) plan: Plan,
    pub(crate) random: Random,
    pub(crate) os: Simulated,
    pub(crate) clock: Arc<VirtualClock>,
    pub(crate) host: Host,
    pub(crate) peers: Vec<Peer>,
    pub(crate) oracle: Oracle,
    pub(crate) journal: Journal,
    pub(crate) marks: Marks,
    /// Faults may happen.
    pub(crate) hostile: bool,
    pub(crate) server_disk_full: bool,
    pub(crate) operations_left: usize,
    /// Words of recovery keys, by person.
    pub(crate) recovery_words: HashMap<RecoveryId, String>,
    queue: Queue<Due>,
    arrivals: mpsc::UnboundedReceiver<(u64, Arrival)>,
    arrived: mpsc::UnboundedSender<(u64, Arrival)>,
    wires: u64,
    /// Connections of devices that are gone, on which something is under way still.
    abandoned: Vec<Wire>,
    server_ahead_ms: i64,
    folder: TempDir,
}

impl World {
    pub(crate) fn new(random: Random, plan: Plan, os: Simulated) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let (arrived, arrivals) = mpsc::unbounded_channel();
        Ok(Self {
            operations_left: plan.operations,
            plan,
            random,
            os,
            clock: VirtualClock::new(),
            host: Host::new(folder.path()),
            peers: Vec::new(),
            oracle: Oracle::default(),
            journal: Journal::default(),
            marks: Marks::default(),
            hostile: false,
            server_disk_full: false,
            recovery_words: HashMap::new(),
            queue: Queue::new(),
            arrivals,
            arrived,
            wires: 0,
            abandoned: Vec::new(),
            server_ahead_ms: 0,
            folder,
        })
    }

    /// Puts something on record.
    pub(crate) fn note(&mut self, who: &str, kind: Kind, text: String) {
        self.journal.put(self.clock.elapsed_ms(), who, kind, text);
    }

    /// The same, of a device.
    pub(crate) fn note_of(&mut self, peer: usize, kind: Kind, text: String) {
        let ms = self.clock.elapsed_ms();
        self.journal.put(ms, &self.peers[peer].name, kind, text);
    }

    /// Lets something happen in so many milliseconds.
    pub(crate) fn in_ms(&mut self, ms: u64, due: Due) {
        self.queue.put(Instant::now() + Duration::from_millis(ms), due);
    }

    /// Sets the server's clock so far ahead.
    pub(crate) fn set_server_ahead(&mut self, ms: i64) {
        self.server_ahead_ms = ms;
        self.clock.set_server_ahead(ms);
    }

    /// Takes a device in and starts its program.
    pub(crate) fn add_peer(&mut self, name: &str, person: usize, purpose: Purpose) -> Result<usize> {
        let peer = Peer::new(self.folder.path(), name, person, purpose);
        self.peers.push(peer);
        let number = self.peers.len() - 1;
        self.start_peer(number)?;
        Ok(number)
    }

    /// Starts a device's program.
    pub(crate) fn start_peer(&mut self, peer: usize) -> Result<()> {
        if self.peers[peer].engine.is_some() || self.peers[peer].lost {
            return Ok(());
        }
        let config: EngineConfig = self.plan.config.clone();
        if self.peers[peer].disk_full {
            // Its user sees that, and tries again.
            self.in_ms(60_000, Due::Start(peer));
            return Ok(());
        }
        self.os.spare_syncs(true);
        self.peers[peer].start(&config)?;
        self.set_system();
        self.note_of(peer, Kind::Life, "starts".into());
        self.begin_again(peer)?;
        self.after(peer)
    }

    /// Starts the server.
    pub(crate) async fn start_server(&mut self) -> Result<()> {
        if self.server_disk_full {
            // Whoever runs it tries again.
            self.in_ms(10_000, Due::StartServer);
            return Ok(());
        }
        self.set_system();
        self.host.start(&self.plan, &self.clock).await?;
        self.note("server", Kind::Life, "starts".into());
        Ok(())
    }

    /// What the system gives to the world itself, and to the server, whose disk is full only while it runs.
    fn set_system(&self) {
        self.os.set_time(self.clock.ahead(self.server_ahead_ms).0);
        self.os.set_disk_full(false);
        self.os.spare_syncs(false);
    }

    /// Gives a device's engine an input, and looks at what comes of it. `None` if its program does not run.
    pub(crate) fn input<T>(
        &mut self,
        peer: usize,
        input: impl FnOnce(&mut Engine, Timestamp) -> T,
    ) -> Result<Option<T>> {
        let given = self.use_engine(peer, input);
        self.after(peer)?;
        Ok(given)
    }

    /// Uses a device's engine with its clock and its disk.
    fn use_engine<T>(&mut self, peer: usize, with: impl FnOnce(&mut Engine, Timestamp) -> T) -> Option<T> {
        let now = self.clock.ahead(self.peers[peer].ahead_ms);
        self.os.set_time(now.0);
        self.os.set_disk_full(self.peers[peer].disk_full);
        self.os.spare_syncs(true);
        let given = self.peers[peer].engine.as_mut().map(|engine| with(engine, now));
        self.set_system();
        given
    }

    /// What was said has left, and is on disk from here on; or the power is cut in between.
    fn settle(&mut self, peer: usize) -> Result<()> {
        if !self.peers[peer].engine.as_ref().is_some_and(Engine::must_sync) {
            return Ok(());
        }
        if std::mem::take(&mut self.peers[peer].fails_saying) {
            self.note_of(peer, Kind::Fault, "its power is cut before what it said is on disk".into());
            self.marks.hit("a device's power was cut before what it said was on disk");
            // What has left arrives.
            if let Some(wire) = self.peers[peer].wire.take() {
                let end = 2 * self.plan.latency_ms.1 + 1;
                self.in_ms(end, Due::Heal(Heal::Tear(wire.number)));
                self.abandoned.push(wire);
            }
            return self.cut_power(peer);
        }
        match self.use_engine(peer, |engine, _| engine.sync()) {
            Some(Err(e)) => self.engine_failed(peer, &e),
            _ => Ok(()),
        }
    }

    /// Lets a user ask something of a device; gives whether it was taken, and notes what was refused.
    pub(crate) fn command<T>(
        &mut self,
        peer: usize,
        command: impl FnOnce(&mut Engine, Timestamp) -> std::result::Result<T, CommandError>,
    ) -> Result<Option<T>> {
        match self.input(peer, command)? {
            None => Ok(None),
            Some(Ok(value)) => Ok(Some(value)),
            Some(Err(CommandError::Engine(e))) => {
                self.engine_failed(peer, &e)?;
                Ok(None)
            }
            Some(Err(e)) => {
                self.note_of(peer, Kind::Event, format!("is told: {e}"));
                Ok(None)
            }
        }
    }

    /// An engine may fail only where its disk does.
    fn engine_failed(&mut self, peer: usize, error: &EngineError) -> Result<()> {
        self.note_of(peer, Kind::Event, format!("fails: {error}"));
        if !self.peers[peer].disk_full || !matches!(error, EngineError::Store(_) | EngineError::Group(_)) {
            bail!("{}: the engine fails: {error}", self.peers[peer].name);
        }
        self.marks.hit("a device's disk was full");
        Ok(())
    }

    /// Takes what a device gives after an input.
    pub(crate) fn after(&mut self, peer: usize) -> Result<()> {
        loop {
            let Some(engine) = &mut self.peers[peer].engine else { return Ok(()) };
            let (mut frames, mut events) = (Vec::new(), Vec::new());
            while let Some(frame) = engine.poll_transmit() {
                frames.push(frame);
            }
            while let Some(event) = engine.poll_event() {
                events.push(event);
            }
            let ends = engine.must_disconnect();
            if frames.is_empty() && events.is_empty() && !ends {
                break;
            }
            for frame in frames {
                self.transmit(peer, frame)?;
            }
            self.settle(peer)?;
            for event in events {
                self.heard(peer, &event)?;
            }
            if ends {
                self.note_of(peer, Kind::Life, "hangs up".into());
                self.hang_up(peer)?;
            }
        }
        self.look(peer)?;
        self.schedule(peer);
        Ok(())
    }

    /// Arranges for what a device waits for: its deadline, its next try to connect.
    fn schedule(&mut self, peer: usize) {
        let p = &self.peers[peer];
        let Some(engine) = &p.engine else { return };
        let wants = engine.wants_connection() && p.wire.is_none() && !p.connects && !p.away;
        let now = self.clock.ahead(p.ahead_ms);
        let due = engine.deadline().map(|at| at.ms_since(now).min(1 << 40));
        let (tries, tick_at) = (p.tries, p.tick_at);
        if wants {
            let pause = (200u64 << tries.min(8)).min(LONGEST_PAUSE_MS);
            let pause = if tries == 0 { 0 } else { pause + self.random.bits() % (pause / 4 + 1) };
            self.peers[peer].connects = true;
            self.in_ms(pause, Due::Connect(peer));
        }
        if let Some(ms) = due {
            let at = Instant::now() + Duration::from_millis(ms.max(1));
            if tick_at.is_none_or(|earlier| at < earlier) {
                self.peers[peer].tick_at = Some(at);
                self.queue.put(at, Due::Tick(peer));
            }
        }
    }

    fn transmit(&mut self, peer: usize, bytes: Vec<u8>) -> Result<()> {
        let frame: ClientFrame = diario_protocol::decode(&bytes, usize::MAX).context("own frame")?;
        self.note_of(peer, Kind::Send, frames::client(&frame));
        let identity = self.peers[peer].identity();
        self.oracle.sealed(identity, &frame.request)?;
        self.oracle.acked.asked(&frame.request);
        self.mark_request(&frame.request);
        self.peers[peer].asked.insert(frame.id, frame.request);
        // What may still be forgotten binds nobody.
        self.peers[peer].leaves |= !self.peers[peer].engine.as_ref().is_some_and(Engine::must_sync);
        let latency = self.latency();
        let Some(wire) = &mut self.peers[peer].wire else { return Ok(()) };
        wire.up = wire.up.max(Instant::now() + latency);
        let (at, number, wild) = (wire.up, wire.number, wire.wild);
        let fate = if wild { self.fate(peer, None, latency) } else { Fate::Well };
        match fate {
            Fate::Well => {}
            Fate::Lost => return Ok(()),
            Fate::Twice => self.queue.put(at, Due::ToServer(number, bytes.clone())),
            Fate::Late(by) => {
                self.queue.put(at + by, Due::ToServer(number, bytes));
                return Ok(());
            }
        }
        self.queue.put(at, Due::ToServer(number, bytes));
        Ok(())
    }

    /// What becomes of a frame on a wild connection: one of the device's, or one to it.
    fn fate(&mut self, peer: usize, to_device: Option<&[u8]>, latency: Duration) -> Fate {
        if !self.random.one_in(self.plan.wild_one_in) {
            return Fate::Well;
        }
        if let Some(wire) = &mut self.peers[peer].wire {
            wire.harmed = true;
        }
        // The stream is what the cursor counts: no transport loses or reorders it, and a server that leaves something
        // out is another story.
        let kind = if to_device.is_some_and(is_changes) { 1 } else { self.random.below(3) };
        let whose = if to_device.is_some() { "a frame to it" } else { "the frame" };
        let (mark, what) = match kind {
            0 => ("a frame was lost", "is lost"),
            1 => ("a frame came twice", "comes twice"),
            _ => ("a frame overtook another", "is overtaken"),
        };
        self.note_of(peer, Kind::Fault, format!("{whose} {what}"));
        self.marks.hit(mark);
        match kind {
            0 => Fate::Lost,
            1 => Fate::Twice,
            _ => Fate::Late(latency + Duration::from_millis(1 + self.random.bits() % 50)),
        }
    }

    fn latency(&mut self) -> Duration {
        let (least, most) = self.plan.latency_ms;
        Duration::from_millis(least + self.random.bits() % (most - least + 1))
    }

    /// Ends a device's connection, on its side and on the server's.
    pub(crate) fn hang_up(&mut self, peer: usize) -> Result<()> {
        let p = &mut self.peers[peer];
        p.asked.clear();
        if p.wire.take().is_some_and(|wire| wire.open) {
            p.tries = if p.is_live() { 1 } else { p.tries + 1 };
            let now = self.clock.ahead(p.ahead_ms);
            if let Some(engine) = &mut p.engine {
                engine.disconnected(now);
            }
            return self.after(peer);
        }
        p.tries += 1;
        self.schedule(peer);
        Ok(())
    }

    fn connect(&mut self, peer: usize) {
        self.peers[peer].connects = false;
        let p = &self.peers[peer];
        let wants = p.engine.as_ref().is_some_and(Engine::wants_connection);
        if !wants || p.away || p.wire.is_some() {
            return;
        }
        if !self.host.is_running() {
            self.peers[peer].tries += 1;
            self.schedule(peer);
            return;
        }
        let (ours, theirs) = tokio::io::duplex(wire::BUFFER);
        self.host.connect(theirs);
        self.wires += 1;
        let mut wire = Wire::open(self.wires, ours, self.arrived.clone());
        wire.wild = self.hostile && self.plan.wild && self.random.one_in(3);
        if wire.wild {
            // TCP would end a connection on which frames are lost.
            let end = 500 + self.random.bits() % 20_000;
            self.in_ms(end, Due::Heal(Heal::Tear(wire.number)));
        }
        self.peers[peer].wire = Some(wire);
    }

    /// Nothing is under way any more on a connection whose device is gone.
    pub(crate) fn abandon(&mut self, number: u64) {
        self.abandoned.retain(|wire| wire.number != number);
    }

    fn owner(&self, number: u64) -> Option<usize> {
        self.peers.iter().position(|p| p.wire.as_ref().is_some_and(|w| w.number == number))
    }

    /// Something came from the server: it will be here in a moment.
    fn arrive(&mut self, number: u64, arrival: Arrival) {
        let Some(peer) = self.owner(number) else { return };
        let latency = self.latency();
        let Some(wire) = &mut self.peers[peer].wire else { return };
        if wire.reads_since.take().is_some_and(|since| since.elapsed() <= wire::STALL) {
            self.marks.hit("something waited for a slow reader");
        }
        wire.down = wire.down.max(Instant::now() + latency);
        let (at, wild) = (wire.down, wire.wild);
        let fate = match &arrival {
            Arrival::Frame(frame) if wild => self.fate(peer, Some(frame), latency),
            _ => Fate::Well,
        };
        match (fate, &arrival) {
            (Fate::Lost, _) => return,
            (Fate::Twice, Arrival::Frame(frame)) => {
                self.queue.put(at, Due::ToDevice(number, Arrival::Frame(frame.clone())));
            }
            (Fate::Late(by), _) => {
                self.queue.put(at + by, Due::ToDevice(number, arrival));
                return;
            }
            (Fate::Well | Fate::Twice, _) => {}
        }
        self.queue.put(at, Due::ToDevice(number, arrival));
    }

    fn deliver(&mut self, number: u64, arrival: Arrival) -> Result<()> {
        let Some(peer) = self.owner(number) else { return Ok(()) };
        match arrival {
            Arrival::Open => {
                if let Some(wire) = &mut self.peers[peer].wire {
                    wire.open = true;
                }
                self.note_of(peer, Kind::Life, "is connected".into());
                self.input(peer, Engine::connected)?;
                Ok(())
            }
            Arrival::Closed => {
                self.note_of(peer, Kind::Life, "is cut off".into());
                self.hang_up(peer)
            }
            Arrival::Frame(bytes) => self.receive(peer, &bytes),
        }
    }

    fn receive(&mut self, peer: usize, bytes: &[u8]) -> Result<()> {
        let frame: ServerFrame = diario_protocol::decode(bytes, diario_protocol::limits::SERVER_FRAME)
            .context("server's frame")?;
        self.note_of(peer, Kind::Receive, frames::server(&frame));
        if let ServerFrame::Changes(changes) = &frame
            && changes.items.iter().any(|change| matches!(change.what, What::DeviceList(..)))
        {
            self.note_cut_offs()?;
        }
        self.answered(peer, &frame)?;
        let obeys = peer.is_multiple_of(2);
        if !obeys && matches!(frame, ServerFrame::Changes(_)) && self.oracle.cut_off.contains_key(&peer) {
            // In the hands of a thief a device does not hang up by itself: it waits for what else comes.
            return Ok(());
        }
        let taken = self.input(peer, |engine, now| engine.receive(&[bytes], now))?;
        if let Some(Err(e)) = taken {
            self.engine_failed(peer, &e)?;
        }
        Ok(())
    }

    fn tick(&mut self, peer: usize) -> Result<()> {
        if self.peers[peer].tick_at.is_none_or(|at| at > Instant::now()) {
            return Ok(());
        }
        self.peers[peer].tick_at = None;
        let now = self.clock.ahead(self.peers[peer].ahead_ms);
        let due = self.peers[peer].engine.as_ref().and_then(Engine::deadline).is_some_and(|at| at <= now);
        if !due {
            self.schedule(peer);
            return Ok(());
        }
        match self.input(peer, Engine::tick)? {
            Some(Err(e)) => self.engine_failed(peer, &e),
            _ => Ok(()),
        }
    }

    /// Lets what is due next happen; `false` if nothing was due before `until`.
    pub(crate) async fn step(&mut self, until: Instant) -> Result<bool> {
        self.os.set_disk_full(self.server_disk_full);
        let refused = self.os.refused_writes();
        // The server's tasks have their turn too, sooner or later. Nothing to steer: there are too many of these.
        for _ in 0..self.random.bits() % 3 {
            tokio::task::yield_now().await;
        }
        let next = self.queue.next_at().unwrap_or(until).min(until);
        tokio::select! {
            biased;
            arrival = self.arrivals.recv() => {
                self.set_system();
                if let Some((number, arrival)) = arrival {
                    self.arrive(number, arrival);
                }
                return Ok(true);
            }
            () = sleep_until(next) => {}
        }
        if self.os.refused_writes() > refused {
            self.marks.hit("the server's disk was full");
        }
        self.set_system();
        if self.os.take_sync_failed() {
            self.marks.hit("the server was killed inside a transaction");
            self.kill_server("its power is cut while it writes")?;
        }
        let Some(due) = self.queue.take(Instant::now()) else { return Ok(next < until) };
        match due {
            Due::ToServer(number, frame) => {
                let mut wires = self.peers.iter().filter_map(|p| p.wire.as_ref()).chain(&self.abandoned);
                if let Some(wire) = wires.find(|wire| wire.number == number) {
                    wire.send(frame);
                }
            }
            Due::ToDevice(number, arrival) => self.deliver(number, arrival)?,
            Due::Tick(peer) => self.tick(peer)?,
            Due::Connect(peer) => self.connect(peer),
            Due::Start(peer) => self.start_peer(peer)?,
            Due::StartServer => self.start_server().await?,
            Due::Heal(heal) => self.heal(heal)?,
            Due::Human(human) => self.go_on(human)?,
            Due::Operate => self.operate_next()?,
        }
        Ok(true)
    }
}

fn is_changes(frame: &[u8]) -> bool {
    let frame = diario_protocol::decode(frame, diario_protocol::limits::SERVER_FRAME);
    matches!(frame, Ok(ServerFrame::Changes(_)))
}
