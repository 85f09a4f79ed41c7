//! A device of a run: its engine, its store on disk, its connection.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use diario_engine::{Engine, EngineConfig};
use diario_protocol::{AccountId, ConversationId, DeviceId, Request, RequestId};
use rusqlite::{Connection, OpenFlags};
use tokio::time::Instant;

use super::host;
use super::wire::Wire;
use crate::Random;
use crate::os::Simulated;

/// What a device is there for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// It has an account, or is making one.
    Member,
    /// It is to be linked by this other device.
    Candidate { approver: usize },
    /// It is to recover the account by these words.
    Recovering { words: String },
}

/// What never goes back by itself.
#[derive(Debug, Clone, Default)]
pub(crate) struct Seen {
    pub(crate) cursor: u64,
    /// The read markers.
    pub(crate) reads: HashMap<ConversationId, u64>,
}

/// A device.
pub(crate) struct Peer {
    pub(crate) name: String,
    /// Whose it is.
    pub(crate) person: usize,
    pub(crate) purpose: Purpose,
    /// `None` while its program does not run.
    pub(crate) engine: Option<Engine>,
    pub(crate) wire: Option<Wire>,
    /// It has no network.
    pub(crate) away: bool,
    /// It is at the bottom of the sea, or was given up.
    pub(crate) lost: bool,
    /// Its disk takes nothing.
    pub(crate) disk_full: bool,
    /// How far its clock is ahead, in milliseconds.
    pub(crate) ahead_ms: i64,
    /// A tick is due.
    pub(crate) tick_at: Option<Instant>,
    /// A try to connect is due.
    pub(crate) connects: bool,
    /// How often it tried in vain.
    pub(crate) tries: u32,
    /// What it asked on this connection.
    pub(crate) asked: HashMap<RequestId, Request>,
    /// What was seen last.
    pub(crate) seen: Seen,
    /// What was seen when something last left the device: that outlives a power cut.
    pub(crate) told: Seen,
    /// Its power will be cut as soon as something that it says has left, and is not on disk.
    pub(crate) fails_saying: bool,
    /// Something has just left.
    pub(crate) leaves: bool,
    /// An old copy of its store.
    pub(crate) copy: Option<PathBuf>,
    /// It went back to one: keys that nobody else had are gone.
    pub(crate) went_back: bool,
    /// Its store was never replaced or filled anew, and its time never ran out: it was in every group that others took it
    /// into.
    pub(crate) unbroken: bool,
    /// When it came into its account, in milliseconds since the run began.
    pub(crate) ready_ms: u64,
    /// Linkings that failed on it.
    pub(crate) failed_linkings: u32,
    store: PathBuf,
    copies: u32,
    reader: Option<Connection>,
}

impl Peer {
    pub(crate) fn new(folder: &Path, name: &str, person: usize, purpose: Purpose) -> Self {
        Self {
            name: name.to_owned(),
            person,
            purpose,
            engine: None,
            wire: None,
            away: false,
            lost: false,
            disk_full: false,
            ahead_ms: 0,
            tick_at: None,
            connects: false,
            tries: 0,
            asked: HashMap::new(),
            seen: Seen::default(),
            told: Seen::default(),
            fails_saying: false,
            leaves: false,
            copy: None,
            went_back: false,
            unbroken: true,
            ready_ms: 0,
            failed_linkings: 0,
            store: folder.join(format!("{name}.sqlite")),
            copies: 0,
            reader: None,
        }
    }

    /// Starts its program, as the native client does.
    pub(crate) fn start(&mut self, config: &EngineConfig) -> Result<()> {
        let db = Connection::open(&self.store)?;
        db.execute_batch("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;")?;
        self.engine = Some(Engine::open(db, config.clone()).context("the store does not open")?);
        Ok(())
    }

    /// Ends its program between two inputs.
    pub(crate) fn kill(&mut self) {
        self.wire = None;
        self.asked.clear();
        self.tick_at = None;
        self.engine = None;
        self.reader = None;
    }

    /// Cuts its power: what was not synced is lost.
    pub(crate) fn cut_power(&mut self, os: &Simulated, random: &mut Random) -> Result<()> {
        let next = self.next_store();
        host::copy_as_after_power_cut(os, random, &self.store, &next)?;
        self.kill();
        self.store = next;
        // What came since may come again.
        self.seen = self.told.clone();
        Ok(())
    }

    /// Keeps a copy of its store, as a backup does.
    pub(crate) fn back_up(&mut self) -> Result<()> {
        let to = self.next_store();
        host::copy(&self.store, &to)?;
        self.copy = Some(to);
        Ok(())
    }

    /// Goes back to the copy, if there is one.
    pub(crate) fn restore(&mut self) -> bool {
        self.went_back = true;
        let Some(copy) = self.copy.take() else { return false };
        self.kill();
        self.store = copy;
        self.goes_back();
        true
    }

    /// Its store begins anew, or is an older one.
    pub(crate) fn goes_back(&mut self) {
        self.unbroken = false;
        self.seen = Seen::default();
        self.told = Seen::default();
    }

    fn next_store(&mut self) -> PathBuf {
        self.copies += 1;
        self.store.with_file_name(format!("{}-{}.sqlite", self.name, self.copies))
    }

    /// A connection of one's own to its store, that reads.
    pub(crate) fn reader(&mut self) -> Result<&Connection> {
        if self.reader.is_none() {
            self.reader = Some(self.open_store()?);
        }
        self.reader.as_ref().context("no reader")
    }

    /// Its store, to read.
    pub(crate) fn open_store(&self) -> rusqlite::Result<Connection> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        Connection::open_with_flags(&self.store, flags)
    }

    /// Its account and id, once it has them.
    pub(crate) fn identity(&self) -> Option<(AccountId, DeviceId)> {
        self.engine.as_ref()?.whoami().map(|(_, account, device)| (account, device))
    }

    /// Its account, also while its program does not run.
    pub(crate) fn stored_account(&mut self) -> Result<Option<AccountId>> {
        if let Some((account, _)) = self.identity() {
            return Ok(Some(account));
        }
        let mut statement = self.reader()?.prepare_cached("SELECT account FROM device")?;
        let mut rows = statement.query([])?;
        let id: Option<[u8; 16]> = match rows.next()? {
            Some(row) => row.get(0)?,
            None => None,
        };
        Ok(id.map(AccountId::new))
    }

    /// Whether it runs and is up to date.
    pub(crate) fn is_live(&self) -> bool {
        self.engine.as_ref().is_some_and(Engine::is_live)
    }
}
