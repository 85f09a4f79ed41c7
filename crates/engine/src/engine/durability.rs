//! When what an input changed is on disk.
//!
//! What comes from the server, the server has: a device whose power is cut before it is on disk takes it again, from
//! the cursor that went back with it. So a live message is shown without waiting for the disk, which on a phone takes
//! longer than everything else. What leaves the device waits: nothing is told that might be forgotten.
//!
//! But for what somebody says: its entry, and the draft that goes with it, may leave first. What the server took it gives
//! back to a device that has forgotten it; whoever said it is told that it is kept once it is on disk ([`Engine::sync`]).

use rusqlite::Connection;

use super::{Engine, Result};

/// What must be on disk once an input was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Durable {
    /// All of it.
    Always,
    /// All of it if anything leaves, and what was before it.
    IfAnythingLeaves,
    /// All of it; where nothing leaves but entries and slots, once they have left.
    OnceSent,
}

/// What was committed and is not synced yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Unsynced {
    Nothing,
    /// It may stay so until something leaves.
    Waits,
    /// It must be synced as soon as its entries have left.
    Owed,
}

/// How the store is synced.
#[derive(Debug)]
pub(super) struct Durability {
    /// Only a write-ahead log may be synced later, and stays whole.
    can_wait: bool,
    /// Commits do not sync now.
    waits: bool,
    unsynced: Unsynced,
    /// Rows that were changed before the present transaction, ever.
    changes: u64,
}

impl Durability {
    /// As whoever opened the store set it up: `synchronous = FULL` with a write-ahead log can wait.
    pub(super) fn of(db: &Connection) -> Result<Self> {
        let journal: String = db.query_row("PRAGMA journal_mode", [], |row| row.get(0))?;
        let level: u8 = db.query_row("PRAGMA synchronous", [], |row| row.get(0))?;
        Ok(Self {
            can_wait: journal == "wal" && level == FULL,
            waits: false,
            unsynced: Unsynced::Nothing,
            changes: 0,
        })
    }

    /// Before a transaction: whether it may wait.
    pub(super) fn begin(&mut self, db: &Connection, durable: Durable) -> Result<()> {
        if self.unsynced == Unsynced::Owed {
            self.sync(db)?;
        }
        self.changes = db.total_changes();
        self.set(db, durable != Durable::Always)
    }

    /// After it was committed.
    pub(super) fn committed(&mut self, db: &Connection) {
        // A sync takes all along that was written before; a transaction that writes nothing syncs nothing.
        if db.total_changes() != self.changes {
            self.unsynced = if self.waits { Unsynced::Waits } else { Unsynced::Nothing };
        }
    }

    /// Before something leaves.
    pub(super) fn sync(&mut self, db: &Connection) -> Result<()> {
        if self.unsynced != Unsynced::Nothing {
            self.set(db, false)?;
            // Any page that is written syncs the log, and all that is in it.
            let version: u32 = db.query_row("PRAGMA user_version", [], |row| row.get(0))?;
            db.execute_batch(&format!("PRAGMA user_version = {version}"))?;
            self.unsynced = Unsynced::Nothing;
        }
        Ok(())
    }

    /// Puts the sync off until the entries have left.
    pub(super) fn owe(&mut self) {
        if self.unsynced == Unsynced::Waits {
            self.unsynced = Unsynced::Owed;
        }
    }

    fn set(&mut self, db: &Connection, waits: bool) -> Result<()> {
        if self.can_wait && self.waits != waits {
            // Takes effect when it is prepared: no statement to keep.
            db.execute_batch(if waits {
                "PRAGMA synchronous = NORMAL"
            } else {
                "PRAGMA synchronous = FULL"
            })?;
            self.waits = waits;
        }
        Ok(())
    }
}

impl Engine {
    /// Waits until what somebody said is on disk, where its entry was let go first. To be called when every frame that
    /// [`poll_transmit`](Self::poll_transmit) gave is on its way, before whoever said it is told that it is kept. With
    /// nothing put off it does nothing; the next input does it, too.
    ///
    /// # Errors
    ///
    /// [`Store`](crate::EngineError::Store) if the store cannot be written to. It is still put off then.
    pub fn sync(&mut self) -> Result<()> {
        if !self.must_sync() {
            return Ok(());
        }
        let synced = self.durability.sync(&self.db);
        if synced.is_err() {
            self.recover(true)?;
        }
        synced
    }

    /// Whether something is put off until [`sync`](Self::sync).
    pub fn must_sync(&self) -> bool {
        self.durability.unsynced == Unsynced::Owed
    }
}

/// `PRAGMA synchronous`, in SQLite's numbers.
const FULL: u8 = 2;

#[cfg(test)]
mod tests {
    use super::*;

    fn level(db: &Connection) -> u8 {
        db.query_row("PRAGMA synchronous", [], |row| row.get(0)).unwrap()
    }

    #[allow(clippy::disallowed_methods, reason = "a store in memory has no log")]
    fn store(pragmas: &str) -> (tempfile::TempDir, Connection) {
        let folder = tempfile::tempdir().unwrap();
        let db = Connection::open(folder.path().join("store")).unwrap();
        db.execute_batch(pragmas).unwrap();
        (folder, db)
    }

    #[test]
    fn a_log_waits_until_something_leaves() {
        let (_folder, db) =
            store("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA user_version = 5");
        let mut durability = Durability::of(&db).unwrap();
        db.execute_batch("CREATE TABLE t(n INTEGER)").unwrap();
        durability.begin(&db, Durable::IfAnythingLeaves).unwrap();
        assert_eq!(level(&db), 1);
        db.execute_batch("INSERT INTO t VALUES(1)").unwrap();
        durability.committed(&db);
        // One that must be durable and writes nothing syncs nothing by itself.
        durability.begin(&db, Durable::Always).unwrap();
        durability.committed(&db);
        assert_eq!(durability.unsynced, Unsynced::Waits);
        durability.sync(&db).unwrap();
        assert_eq!(durability.unsynced, Unsynced::Nothing);
        assert_eq!(level(&db), FULL);
        assert_eq!(db.query_row("PRAGMA user_version", [], |row| row.get::<_, u32>(0)).unwrap(), 5);
        durability.begin(&db, Durable::IfAnythingLeaves).unwrap();
        durability.begin(&db, Durable::Always).unwrap();
        assert_eq!(level(&db), FULL);
    }

    #[test]
    fn what_is_owed_is_synced_before_the_next_transaction() {
        let (_folder, db) = store("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL");
        let mut durability = Durability::of(&db).unwrap();
        durability.begin(&db, Durable::OnceSent).unwrap();
        assert_eq!(level(&db), 1);
        durability.committed(&db);
        durability.owe();
        assert_eq!(durability.unsynced, Unsynced::Nothing, "nothing was written");
        db.execute_batch("CREATE TABLE t(n INTEGER); INSERT INTO t VALUES(1)").unwrap();
        durability.committed(&db);
        durability.owe();
        assert_eq!(durability.unsynced, Unsynced::Owed);
        durability.begin(&db, Durable::IfAnythingLeaves).unwrap();
        assert_eq!(durability.unsynced, Unsynced::Nothing);
    }

    #[test]
    fn another_journal_and_another_level_are_left_as_they_are() {
        for (pragmas, as_it_was) in [
            ("PRAGMA journal_mode = TRUNCATE; PRAGMA synchronous = FULL", FULL),
            ("PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF", 0),
        ] {
            let (_folder, db) = store(pragmas);
            let mut durability = Durability::of(&db).unwrap();
            durability.begin(&db, Durable::IfAnythingLeaves).unwrap();
            assert_eq!(level(&db), as_it_was);
            durability.sync(&db).unwrap();
            assert_eq!(level(&db), as_it_was);
        }
    }
}
