//! Connections that read, on the runtime's threads for blocking work.

use std::sync::{Arc, Mutex};

use diario_protocol::Refusal;
use rusqlite::{Connection, OpenFlags};
use tokio::sync::Semaphore;

use super::writer::{Fail, Outcome};
use crate::storage::Threads;

/// A few read-only connections, each used by one reader at a time.
#[derive(Debug, Clone)]
pub(super) struct Pool(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    idle: Mutex<Vec<Connection>>,
    free: Semaphore,
    threads: Threads,
}

impl Pool {
    pub(super) fn open(
        path: &std::path::Path,
        count: usize,
        cache_kib: u32,
        threads: Threads,
    ) -> Result<Self, rusqlite::Error> {
        let open = || -> Result<Connection, rusqlite::Error> {
            let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
            let db = Connection::open_with_flags(path, flags)?;
            super::sql::plan_once(&db)?;
            db.set_prepared_statement_cache_capacity(64);
            db.execute_batch(&format!("PRAGMA query_only = ON; PRAGMA cache_size = -{cache_kib};"))?;
            Ok(db)
        };
        let idle = (0..count).map(|_| open()).collect::<Result<Vec<_>, _>>()?;
        Ok(Self(Arc::new(Shared { idle: Mutex::new(idle), free: Semaphore::new(count), threads })))
    }

    /// Runs `work` on one of the connections, in one transaction: it sees one state of the database.
    pub(super) async fn read<T, F>(&self, work: F) -> Result<T, Refusal>
    where
        F: FnOnce(&Connection) -> Outcome<T> + Send + 'static,
        T: Send + 'static,
    {
        let shared = Arc::clone(&self.0);
        let Ok(_permit) = self.0.free.acquire().await else { return Err(Refusal::Draining) };
        let threads = shared.threads;
        let read = move || {
            let db = shared.idle.lock().ok().and_then(|mut idle| idle.pop());
            let Some(db) = db else { return Err(Refusal::Draining) };
            let result = in_snapshot(&db, work);
            if let Ok(mut idle) = shared.idle.lock() {
                idle.push(db);
            }
            result
        };
        match threads {
            Threads::Own => {
                tokio::task::spawn_blocking(read).await.unwrap_or(Err(Refusal::StorageUnavailable))
            }
            Threads::None(_) => read(),
        }
    }

    /// Closes the connections; those in use close when they come back.
    pub(super) fn close(&self) {
        self.0.free.close();
        if let Ok(mut idle) = self.0.idle.lock() {
            idle.clear();
        }
    }
}

fn in_snapshot<T>(db: &Connection, work: impl FnOnce(&Connection) -> Outcome<T>) -> Result<T, Refusal> {
    let result = (|| {
        let snapshot = db.unchecked_transaction()?;
        let value = work(&snapshot)?;
        Ok(value)
    })();
    result.map_err(|fail| match fail {
        Fail::Refused(refusal) => refusal,
        Fail::Sql(e) => {
            tracing::error!(error = %e, "the database cannot be read");
            Refusal::StorageUnavailable
        }
    })
}
