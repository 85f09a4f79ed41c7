//! When what an input changed is on disk.
//!
//! What comes from the server, the server has: a device whose power is cut before it is on disk takes it again, from
//! the cursor that went back with it. So a live message is shown without waiting for the disk, which on a phone takes
//! longer than everything else. What leaves the device waits: nothing is told that might be forgotten.

use rusqlite::Connection;

use super::Result;

/// What must be on disk once an input was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Durable {
    /// All of it.
    Always,
    /// All of it if anything leaves, and what was before it.
    IfAnythingLeaves,
}

/// How the store is synced.
#[derive(Debug)]
pub(super) struct Durability {
    /// Only a write-ahead log may be synced later, and stays whole.
    can_wait: bool,
    /// Commits do not sync now.
    waits: bool,
    /// Something was committed that is not synced yet.
    unsynced: bool,
    /// Rows that were changed before the present transaction, ever.
    changes: u64,
}

impl Durability {
    /// As whoever opened the store set it up: `synchronous = FULL` with a write-ahead log can wait.
    pub(super) fn of(db: &Connection) -> Result<Self> {
        let journal: String = db.query_row("PRAGMA journal_mode", [], |row| row.get(0))?;
        let level: u8 = db.query_row("PRAGMA synchronous", [], |row| row.get(0))?;
        Ok(Self { can_wait: journal == "wal" && level == FULL, waits: false, unsynced: false, changes: 0 })
    }

    /// Before a transaction: whether it may wait.
    pub(super) fn begin(&mut self, db: &Connection, durable: Durable) -> Result<()> {
        self.changes = db.total_changes();
        self.set(db, durable == Durable::IfAnythingLeaves)
    }

    /// After it was committed.
    pub(super) fn committed(&mut self, db: &Connection) {
        // A sync takes all along that was written before; a transaction that writes nothing syncs nothing.
        if db.total_changes() != self.changes {
            self.unsynced = self.waits;
        }
    }

    /// Before something leaves.
    pub(super) fn sync(&mut self, db: &Connection) -> Result<()> {
        if self.unsynced {
            self.set(db, false)?;
            // Any page that is written syncs the log, and all that is in it.
            let version: u32 = db.query_row("PRAGMA user_version", [], |row| row.get(0))?;
            db.execute_batch(&format!("PRAGMA user_version = {version}"))?;
            self.unsynced = false;
        }
        Ok(())
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
        assert!(durability.unsynced);
        durability.sync(&db).unwrap();
        assert!(!durability.unsynced);
        assert_eq!(level(&db), FULL);
        assert_eq!(db.query_row("PRAGMA user_version", [], |row| row.get::<_, u32>(0)).unwrap(), 5);
        durability.begin(&db, Durable::IfAnythingLeaves).unwrap();
        durability.begin(&db, Durable::Always).unwrap();
        assert_eq!(level(&db), FULL);
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
