//! The device's store: one SQLite database on one connection.

pub(crate) mod conversation;
pub(crate) mod message;
pub(crate) mod mls;
pub(crate) mod people;
pub(crate) mod sealed;

use rusqlite::Connection;

/// The local store failed.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The disk is full.
    #[error("this device's disk is full; free some space. Nothing was lost")]
    Full,
    /// A newer Diario made the store.
    #[error(
        "this store was written by a newer version of Diario (schema {found}, this one knows {known}); update Diario"
    )]
    Newer {
        /// Version of the store.
        found: u32,
        /// Newest version known here.
        known: u32,
    },
    /// SQLite failed in another way.
    #[error("the local store failed: {0}. If it stays so, `diario doctor` looks into it")]
    Sqlite(rusqlite::Error),
    /// MLS state could not be stored or read.
    #[error(transparent)]
    Mls(#[from] mls::MlsStoreError),
    /// A row holds what it cannot hold.
    #[error("the local store is damaged ({0}); `diario rebuild` fills it anew from the server")]
    Damaged(&'static str),
}

impl From<rusqlite::Error> for StoreError {
    fn from(e: rusqlite::Error) -> Self {
        match e.sqlite_error_code() {
            Some(rusqlite::ErrorCode::DiskFull) => Self::Full,
            _ => Self::Sqlite(e),
        }
    }
}

/// Steps from each schema version to the next; a step is never changed once released.
const MIGRATIONS: &[&[&str]] = &[&[include_str!("schema.sql"), mls::SCHEMA], &[include_str!("schema_2.sql")]];

/// Brings the schema up to date and sets the connection up.
pub(crate) fn prepare(db: &Connection) -> Result<(), StoreError> {
    db.execute_batch("PRAGMA foreign_keys = ON; PRAGMA temp_store = MEMORY;")?;
    db.set_prepared_statement_cache_capacity(128);
    let known = u32::try_from(MIGRATIONS.len()).unwrap_or(u32::MAX);
    let found: u32 = db.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    if found > known {
        return Err(StoreError::Newer { found, known });
    }
    for (version, step) in MIGRATIONS.iter().enumerate().skip(found as usize) {
        db.execute_batch("BEGIN IMMEDIATE")?;
        for sql in *step {
            db.execute_batch(sql)?;
        }
        db.execute_batch(&format!("PRAGMA user_version = {}; COMMIT", version + 1))?;
    }
    Ok(())
}

/// An id from a column.
pub(crate) fn id<T>(bytes: &[u8], make: impl FnOnce(&[u8]) -> Option<T>) -> Result<T, StoreError> {
    make(bytes).ok_or(StoreError::Damaged("an id of the wrong length"))
}

/// A counter for a column: SQLite's integers are signed.
pub(crate) fn to_sql(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

/// A counter from a column.
pub(crate) fn from_sql(n: i64) -> u64 {
    u64::try_from(n).unwrap_or(0)
}
