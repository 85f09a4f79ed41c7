//! Moving the write-ahead log into the database, by a thread of its own while writes go on.
//!
//! A checkpoint writes pages all over the file and syncs it, for some milliseconds in which a commit waits for the same
//! disk. So there is one for many messages, or when nothing is said, and not one every moment.

use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use rusqlite::Connection;

use super::writer::WriterHandle;

/// How often the thread looks at what was written.
const EVERY: Duration = Duration::from_millis(500);
/// Writes after which there is a checkpoint even if more are coming: about 1,600 pages of messages that come one by one.
const MANY: u64 = 200;

/// The thread, which ends when this is told to.
#[derive(Clone, Default)]
pub(super) struct Checkpointer {
    state: Arc<(Mutex<bool>, Condvar)>,
}

impl Checkpointer {
    /// Starts it on a connection of its own. `most` is the number of pages in the log beyond which the writer pauses for
    /// a checkpoint to reach the end.
    pub(super) fn start(db: Connection, writer: WriterHandle, most: u32) -> std::io::Result<Self> {
        let checkpointer = Self::default();
        let thread = checkpointer.clone();
        std::thread::Builder::new()
            .name("diario-checkpoint".into())
            .spawn(move || thread.run(&db, &writer, most.into()))?;
        Ok(checkpointer)
    }

    /// Lets it end.
    pub(super) fn stop(&self) {
        let (stopped, signal) = &*self.state;
        if let Ok(mut stopped) = stopped.lock() {
            *stopped = true;
        }
        signal.notify_all();
    }

    /// Waits for a while; whether to go on.
    fn pause(&self) -> bool {
        let (stopped, signal) = &*self.state;
        let Ok(stopped) = stopped.lock() else { return false };
        signal.wait_timeout_while(stopped, EVERY, |stopped| !*stopped).is_ok_and(|(stopped, _)| !*stopped)
    }

    fn run(&self, db: &Connection, writer: &WriterHandle, most: i64) {
        let mut pace = Pace::default();
        while self.pause() {
            let written = writer.written();
            if !pace.is_due(written) {
                continue;
            }
            let Some((pages, moved)) = checkpoint_now(db, "PASSIVE") else { continue };
            if moved == pages {
                pace.moved = written;
            } else if pages > most && !writer.finish_checkpoint() {
                return;
            }
        }
    }
}

/// When there is a checkpoint, by the number of writes so far.
#[derive(Debug, Default)]
struct Pace {
    /// At the last look.
    seen: u64,
    /// In the database.
    moved: u64,
}

impl Pace {
    fn is_due(&mut self, written: u64) -> bool {
        let quiet = std::mem::replace(&mut self.seen, written) == written;
        let waiting = written.saturating_sub(self.moved);
        waiting >= MANY || (quiet && waiting > 0)
    }
}

/// Moves the write-ahead log into the database; gives its pages and how many of them were moved.
pub(super) fn checkpoint_now(db: &Connection, mode: &str) -> Option<(i64, i64)> {
    let moved = db.query_row(&format!("PRAGMA wal_checkpoint({mode})"), [], |row| {
        Ok((row.get::<_, i64>(1)?, row.get::<_, i64>(2)?))
    });
    moved.map_err(|e| tracing::warn!(error = %e, "checkpoint failed")).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_a_checkpoint_for_many_writes_or_after_the_last() {
        let mut pace = Pace::default();
        assert!(!pace.is_due(0), "nothing was written");
        assert!(!pace.is_due(MANY / 2), "more is coming");
        assert!(pace.is_due(MANY));
        pace.moved = MANY;
        assert!(!pace.is_due(MANY + 1));
        assert!(pace.is_due(MANY + 1), "nothing more came");
        assert!(pace.is_due(MANY + 1), "a reader was in the way: again");
        pace.moved = MANY + 1;
        assert!(!pace.is_due(MANY + 1));
    }
}
