//! The device's store: one SQLite database on one connection.

pub(crate) mod asked;
pub(crate) mod conversation;
pub(crate) mod devices;
pub(crate) mod hole;
pub(crate) mod kept;
pub(crate) mod message;
pub(crate) mod mls;
pub(crate) mod newcomer;
pub(crate) mod outbox;
pub(crate) mod past;
pub(crate) mod people;
pub(crate) mod recovery;
pub(crate) mod sealed;
pub(crate) mod search;

use rusqlite::Connection;
use rusqlite::config::DbConfig;

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
const MIGRATIONS: &[&[&str]] = &[
    &[include_str!("schema.sql"), mls::SCHEMA],
    &[include_str!("schema_2.sql")],
    &[
        include_str!("schema_3/history.sql"),
        include_str!("schema_3/search.sql"),
        include_str!("schema_3/recovery.sql"),
        include_str!("schema_3/devices.sql"),
        include_str!("schema_3/keys.sql"),
    ],
    &[include_str!("schema_4.sql")],
    &[include_str!("schema_5.sql")],
];

/// Brings the schema up to date and sets the connection up.
pub(crate) fn prepare(db: &Connection) -> Result<(), StoreError> {
    db.execute_batch("PRAGMA foreign_keys = ON; PRAGMA temp_store = MEMORY;")?;
    // What a statement does is decided once, and not anew for each value that is bound: where an index is partial,
    // SQLite would otherwise prepare it at every run, which takes far longer than the run.
    db.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
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
    newcomer::watch(db)
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

#[cfg(test)]
mod tests {
    use rusqlite::types::Value;

    use super::*;

    #[test]
    fn a_store_of_the_first_version_is_brought_up_to_date() {
        let db = Connection::open_in_memory().unwrap();
        for sql in MIGRATIONS[0] {
            db.execute_batch(sql).unwrap();
        }
        db.execute_batch(
            "PRAGMA user_version = 1;
             INSERT INTO account VALUES(x'01', 'unknown', 1, x'0a'), (x'02', 'giulia', 2, x'0b');
             INSERT INTO outbox(conversation, entry, kind, payload, created_at) VALUES(x'03', x'04', 0, x'05', 6);
             INSERT INTO message(conversation, seq, id, account, device, epoch, sent_at, state, text, content) VALUES
                (x'03', 1, x'01', x'01', x'01', 0, 0, 5, '', x'828080'),
                (x'03', 2, x'02', x'01', x'01', 0, 0, 5, '', x'8281410280');
             INSERT INTO message(conversation, seq, id, account, device, epoch, sent_at, state, reason, text) VALUES
                (x'03', 3, x'03', x'01', x'01', 0, 0, 6, NULL, ''),
                (x'03', 4, x'04', x'01', x'01', 0, 0, 6, 'no longer kept', '');",
        )
        .unwrap();
        prepare(&db).unwrap();
        prepare(&db).unwrap();
        let one = |sql: &str| db.query_row(sql, [], |row| row.get::<_, Value>(0)).unwrap();
        assert_eq!(one("PRAGMA user_version"), Value::Integer(i64::try_from(MIGRATIONS.len()).unwrap()));
        assert_eq!(one("SELECT username FROM account WHERE id = x'01'"), Value::Null);
        assert_eq!(one("SELECT username FROM account WHERE id = x'02'"), Value::Text("giulia".into()));
        assert_eq!(one("SELECT tried FROM outbox"), Value::Integer(1), "nobody knows whether it was sent");
        assert_eq!(one("SELECT content FROM message WHERE seq = 1"), Value::Null, "nobody came or went");
        assert!(matches!(one("SELECT content FROM message WHERE seq = 2"), Value::Blob(_)));
        assert_eq!(one("SELECT state FROM message WHERE seq = 3"), Value::Integer(6), "somebody erased it");
        assert_eq!(one("SELECT state FROM message WHERE seq = 4"), Value::Integer(8));
    }

    #[test]
    fn a_store_of_a_later_version_is_left_alone() {
        let db = Connection::open_in_memory().unwrap();
        db.execute_batch("PRAGMA user_version = 1000").unwrap();
        assert!(matches!(prepare(&db), Err(StoreError::Newer { found: 1000, .. })));
    }
}
