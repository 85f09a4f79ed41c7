//! The contract on SQLite, and what is SQLite's own: a disk that is full.

use std::sync::Arc;

use diario_protocol::{AccountId, Bin, MailboxId, Refusal, Timestamp};

use super::SqliteStorage;
use crate::config::Settings;
use crate::storage::contract::Place;
use crate::storage::{Event, Listener, MailboxLimits, Storage, StorageSettings};

struct Directory(tempfile::TempDir);

impl Place for Directory {
    fn open(&self, listener: Arc<dyn Listener>) -> Arc<dyn Storage> {
        Arc::new(open(&self.0, listener, 0))
    }
}

fn open(dir: &tempfile::TempDir, listener: Arc<dyn Listener>, max_database_pages: u32) -> SqliteStorage {
    let settings = StorageSettings { max_database_pages, ..StorageSettings::from(&Settings::default()) };
    SqliteStorage::open(dir.path(), &settings, Arc::default(), listener).unwrap()
}

fn fresh() -> Directory {
    Directory(tempfile::tempdir().unwrap())
}

crate::storage_contract!(fresh());

struct Nobody;

impl Listener for Nobody {
    fn committed(&self, _: Vec<Event>) {}
}

const LIMITS: MailboxLimits = MailboxLimits { lifetime_ms: 1_000_000, messages: 1_000_000, open: 10 };

#[tokio::test]
async fn a_full_disk_fails_whole_batches_and_keeps_what_was_answered() {
    let dir = tempfile::tempdir().unwrap();
    let storage = open(&dir, Arc::new(Nobody), 200);
    let id = MailboxId::new([1; 16]);
    let now = Timestamp(1);
    storage.open_mailbox(id, now, LIMITS).await.unwrap();
    let put = || storage.put_mailbox(id, false, Bin(vec![7; 30_000]), now, LIMITS);
    let mut kept = 0;
    let refused = loop {
        match put().await {
            Ok(()) => kept += 1,
            Err(refusal) => break refusal,
        }
        assert!(kept < 100, "the limit must bite");
    };
    assert_eq!(refused, Refusal::StorageUnavailable);
    let results = futures_util::future::join_all((0..5).map(|_| put())).await;
    assert!(results.iter().all(|r| *r == Err(Refusal::StorageUnavailable)), "{results:?}");
    assert!(storage.device_lists(AccountId::new([0; 16])).await.is_err(), "reading goes on");

    let raise = storage.write(|w| Ok(w.db.execute_batch("PRAGMA max_page_count = 100000")?));
    raise.await.unwrap();
    put().await.unwrap();
    let count = storage.read(|db| {
        Ok(db.query_row(
            "SELECT by_candidate, (SELECT count(*) FROM mailbox_message) FROM mailbox",
            [],
            |row| Ok((row.get::<_, u32>(0)?, row.get::<_, u32>(1)?)),
        )?)
    });
    assert_eq!(count.await, Ok((kept + 1, kept + 1)), "what was answered, and nothing else");
    storage.close().await.unwrap();
}

#[tokio::test]
async fn a_job_that_fails_takes_its_batch_along_and_the_caches_with_it() {
    let dir = tempfile::tempdir().unwrap();
    let storage = open(&dir, Arc::new(Nobody), 0);
    let id = MailboxId::new([1; 16]);
    // Held up by the first job, the others wait and become one batch.
    let (go, wait) = std::sync::mpsc::channel::<()>();
    let (begun, running) = tokio::sync::oneshot::channel::<()>();
    let first = tokio::spawn(storage.write(move |_| {
        begun.send(()).unwrap();
        let _ = wait.recv();
        Ok(())
    }));
    running.await.unwrap();
    let opened = storage.open_mailbox(id, Timestamp(1), LIMITS);
    let failing = storage.write(|w| Ok(w.db.execute_batch("INSERT INTO nowhere VALUES (1)")?));
    let (opened, failing, ()) = tokio::join!(opened, failing, async { go.send(()).unwrap() });
    assert_eq!(first.await.unwrap(), Ok(()));
    assert_eq!((opened, failing), (Err(Refusal::StorageUnavailable), Err(Refusal::StorageUnavailable)));
    assert_eq!(storage.open_mailbox(id, Timestamp(1), LIMITS).await, Ok(()), "it was not kept");
}

#[cfg(unix)]
#[tokio::test]
async fn only_the_servers_user_reads_the_database() {
    use std::os::unix::fs::PermissionsExt as _;
    let dir = tempfile::tempdir().unwrap();
    let storage = open(&dir, Arc::new(Nobody), 0);
    storage.create_invite("code".into(), 1).await.unwrap();
    for file in std::fs::read_dir(dir.path()).unwrap() {
        let file = file.unwrap();
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{file:?}");
    }
    storage.close().await.unwrap();
}

#[tokio::test]
async fn checkpoints_keep_the_write_ahead_log_short() {
    let dir = tempfile::tempdir().unwrap();
    let storage = open(&dir, Arc::new(Nobody), 0);
    let id = MailboxId::new([1; 16]);
    storage.open_mailbox(id, Timestamp(1), LIMITS).await.unwrap();
    for _ in 0..20 {
        storage.put_mailbox(id, false, Bin(vec![7; 60_000]), Timestamp(1), LIMITS).await.unwrap();
    }
    storage.close().await.unwrap();
    let wal = dir.path().join(format!("{}-wal", super::DATABASE_FILE));
    assert_eq!(std::fs::metadata(wal).map_or(0, |m| m.len()), 0, "nothing is left in it after a stop");
}
