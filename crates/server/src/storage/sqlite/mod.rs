//! SQLite: one file, one thread that writes with group commit, a few connections that read.
//!
//! `synchronous=FULL` in WAL mode: a commit is on disk when it returns. The write-ahead log is moved into the
//! database by a thread of its own, so that no write waits for it except for the tail.

mod cache;
mod pool;
mod push;
mod read_account;
mod read_heads;
mod read_log;
mod retention;
mod schema;
mod sql;
#[cfg(test)]
mod tests;
mod vault;
mod write_account;
mod write_commit;
mod write_log;
mod write_mailbox;
mod writer;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use diario_protocol::device_list::{SignedDeviceList, ValidatedDeviceList};
use diario_protocol::{
    AccountId, AccountInfo, AccountRef, Bin, Change, ConversationId, DeviceId, DeviceRef, EntryId, Epoch,
    GroupState, Heads, HeadsRange, LogPage, LogRange, MailboxId, Position, PublicKey, PushSubscription,
    RecoveryId, Retention, Seen, Seq, ServerId, Slot, SlotKey, SlotOutcome, Timestamp, Username, VaultMethod,
    Welcome,
};
use futures_util::FutureExt as _;
use rusqlite::Connection;

use self::cache::Cache;
use self::pool::Pool;
use self::writer::{Outcome, Writer, WriterHandle, checkpoint_now};
use super::{
    Answer, CommitBasis, DeviceState, Erasure, Listener, MailboxLimits, NewAccount, NewCommit,
    NewConversation, NewEntry, NewKeyPackages, NewSlots, NewVault, RetentionRules, Storage, StorageSettings,
    StoredVault, Threads,
};
use crate::metrics::Metrics;

/// Bytes of the write-ahead log that are kept when it begins anew: the usual ones are overwritten, not made again.
const MOST_LOG: u32 = 128 * 1024 * 1024;

/// File name of the database in the data directory.
pub const DATABASE_FILE: &str = "diario.sqlite";

/// A database that cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The directory cannot be made.
    #[error("cannot make the data directory {path}: {source}")]
    Directory {
        /// The directory.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A newer Diario wrote it.
    #[error("the database has version {0}, which is newer than this server knows; update Diario")]
    Newer(i64),
    /// No random bytes, or no thread.
    #[error("the system gives no {0}")]
    System(&'static str),
    /// SQLite cannot use the file.
    #[error("the database cannot be opened: {0}")]
    Database(#[from] rusqlite::Error),
}

/// The SQLite backend.
pub struct SqliteStorage {
    server: ServerId,
    writer: WriterHandle,
    pool: Pool,
    checkpointer: Arc<Stop>,
}

/// Tells the checkpointing thread to end.
#[derive(Default)]
struct Stop {
    stopped: Mutex<bool>,
    signal: Condvar,
}

impl SqliteStorage {
    /// Opens or makes the database in `dir`.
    pub(crate) fn open(
        dir: &Path,
        settings: &StorageSettings,
        metrics: Arc<Metrics>,
        listener: Arc<dyn Listener>,
    ) -> Result<Self, OpenError> {
        std::fs::create_dir_all(dir).map_err(|source| OpenError::Directory { path: dir.into(), source })?;
        let path = dir.join(DATABASE_FILE);
        make_private(&path);
        let mut db = connect(&path)?;
        schema::migrate(&mut db)?;
        let cache_kib = settings.cache_mib.saturating_mul(1024);
        // While it is written to without a pause the write-ahead log grows by more than a message's size for each; what a
        // rush has left behind is given back.
        db.execute_batch(&format!(
            "PRAGMA cache_size = -{cache_kib}; PRAGMA wal_autocheckpoint = 0;
             PRAGMA journal_size_limit = {MOST_LOG};"
        ))?;
        if settings.threads != Threads::Own {
            // No thread moves the write-ahead log into the database: the writer does.
            let pages = settings.checkpoint_pages;
            db.execute_batch(&format!("PRAGMA wal_autocheckpoint = {pages}"))?;
        }
        if settings.max_database_pages > 0 {
            db.execute_batch(&format!("PRAGMA max_page_count = {}", settings.max_database_pages))?;
        }
        let server = server_id(&db)?;
        let cache = Cache::new(settings.conversation_cache.max(1));
        let readers = u32::try_from(settings.readers).unwrap_or(u32::MAX).max(1);
        let pool = Pool::open(&path, settings.readers, cache_kib / readers, settings.threads)?;
        let writer = Writer { db, cache, events: Vec::new() };
        let writer = WriterHandle::start(writer, settings, metrics, listener)
            .map_err(|_| OpenError::System("thread"))?;
        let checkpointer = Arc::new(Stop::default());
        if settings.threads != Threads::Own {
            return Ok(Self { server, writer, pool, checkpointer });
        }
        let (stop, handle, most) = (Arc::clone(&checkpointer), writer.clone(), settings.checkpoint_pages);
        let db = connect(&path)?;
        std::thread::Builder::new()
            .name("diario-checkpoint".into())
            .spawn(move || checkpoint_loop(&db, &stop, &handle, most.into()))
            .map_err(|_| OpenError::System("thread"))?;
        Ok(Self { server, writer, pool, checkpointer })
    }

    fn write<T, F>(&self, work: F) -> Answer<T>
    where
        F: FnOnce(&mut Writer) -> Outcome<T> + Send + 'static,
        T: Send + 'static,
    {
        let writer = self.writer.clone();
        async move { writer.write(work).await }.boxed()
    }

    fn read<T, F>(&self, work: F) -> Answer<T>
    where
        F: FnOnce(&Connection) -> Outcome<T> + Send + 'static,
        T: Send + 'static,
    {
        let pool = self.pool.clone();
        async move { pool.read(work).await }.boxed()
    }
}

impl Drop for SqliteStorage {
    fn drop(&mut self) {
        self.checkpointer.stop();
    }
}

impl Stop {
    fn stop(&self) {
        if let Ok(mut stopped) = self.stopped.lock() {
            *stopped = true;
        }
        self.signal.notify_all();
    }
}

/// Makes the file, where it is not there yet, so that only the server's user reads it; SQLite gives its other files the
/// same mode. What is wrong with the file or the directory, SQLite says.
fn make_private(path: &Path) {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let _ = options.open(path);
}

fn connect(path: &Path) -> Result<Connection, rusqlite::Error> {
    let db = Connection::open(path)?;
    sql::plan_once(&db)?;
    db.set_prepared_statement_cache_capacity(128);
    db.busy_timeout(Duration::from_secs(5))?;
    db.execute_batch("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = OFF;")?;
    Ok(db)
}

fn server_id(db: &Connection) -> Result<ServerId, OpenError> {
    let mut fresh = [0; 16];
    getrandom::fill(&mut fresh).map_err(|_| OpenError::System("random bytes"))?;
    db.execute("INSERT OR IGNORE INTO meta (name, value) VALUES ('server', ?1)", [fresh])?;
    let find = "SELECT value FROM meta WHERE name = 'server'";
    Ok(db.query_row(find, [], |row| sql::bytes(row, 0)).map(ServerId::new)?)
}

/// Moves the write-ahead log into the database while writes go on, and asks the writer for a pause when that
/// never reaches the end.
fn checkpoint_loop(db: &Connection, stop: &Stop, writer: &WriterHandle, most: i64) {
    const EVERY: Duration = Duration::from_millis(500);
    let Ok(mut stopped) = stop.stopped.lock() else { return };
    loop {
        let Ok((guard, _)) = stop.signal.wait_timeout_while(stopped, EVERY, |stopped| !*stopped) else {
            return;
        };
        if *guard {
            return;
        }
        drop(guard);
        let left_over =
            checkpoint_now(db, "PASSIVE").is_some_and(|(pages, moved)| pages > most && moved < pages);
        if left_over && !writer.finish_checkpoint() {
            return;
        }
        let Ok(guard) = stop.stopped.lock() else { return };
        stopped = guard;
    }
}

impl Storage for SqliteStorage {
    fn server_id(&self) -> ServerId {
        self.server
    }

    fn register(&self, account: NewAccount) -> Answer<()> {
        self.write(move |w| w.register(&account))
    }

    fn device(&self, device: DeviceRef) -> Answer<Option<DeviceState>> {
        self.read(move |db| read_account::device(db, device))
    }

    fn known(
        &self,
        devices: Vec<DeviceRef>,
        accounts: Vec<AccountId>,
        now: Timestamp,
    ) -> Answer<(Vec<Option<PublicKey>>, Vec<bool>)> {
        self.read(move |db| read_account::known(db, &devices, &accounts, now))
    }

    fn create(&self, conversation: NewConversation) -> Answer<()> {
        self.write(move |w| w.create(&conversation))
    }

    fn append(&self, entry: NewEntry) -> Answer<Seq> {
        self.write(move |w| w.append(entry))
    }

    fn commit_basis(
        &self,
        conversation: ConversationId,
        sender: DeviceRef,
        id: EntryId,
        epoch: Epoch,
    ) -> Answer<CommitBasis> {
        self.read(move |db| read_log::commit_basis(db, conversation, sender, id, epoch))
    }

    fn commit(&self, commit: NewCommit) -> Answer<Seq> {
        self.write(move |w| w.commit(commit))
    }

    fn put_slots(&self, slots: NewSlots) -> Answer<Vec<SlotOutcome>> {
        self.write(move |w| w.put_slots(slots))
    }

    fn audience(
        &self,
        conversation: ConversationId,
        sender: DeviceRef,
        epoch: Epoch,
    ) -> Answer<Arc<[AccountId]>> {
        self.write(move |w| w.audience(conversation, sender, epoch))
    }

    fn changes_after(
        &self,
        account: AccountId,
        after: Position,
        bytes: usize,
    ) -> Answer<(Vec<Change>, bool)> {
        self.read(move |db| read_account::changes_after(db, account, after, bytes))
    }

    fn log(&self, account: AccountId, range: LogRange, bytes: usize) -> Answer<LogPage> {
        self.read(move |db| read_log::log(db, account, &range, bytes))
    }

    fn slots(
        &self,
        account: AccountId,
        conversation: ConversationId,
        keys: Vec<SlotKey>,
    ) -> Answer<Vec<Slot>> {
        self.read(move |db| read_log::slots(db, account, conversation, &keys))
    }

    fn heads(&self, account: AccountId, range: HeadsRange, now: Timestamp, bytes: usize) -> Answer<Heads> {
        self.read(move |db| read_heads::heads(db, account, &range, now, bytes))
    }

    fn seq_at(&self, account: AccountId, conversation: ConversationId, at: Timestamp) -> Answer<Seq> {
        self.read(move |db| read_log::seq_at(db, account, conversation, at))
    }

    fn group_state(&self, account: AccountId, conversation: ConversationId) -> Answer<GroupState> {
        self.read(move |db| read_log::group_state(db, account, conversation))
    }

    fn welcome(&self, device: DeviceRef, conversation: ConversationId) -> Answer<Option<Welcome>> {
        self.read(move |db| read_log::welcome(db, device, conversation))
    }

    fn drop_welcome(&self, device: DeviceRef, conversation: ConversationId, epoch: Epoch) -> Answer<()> {
        self.write(move |w| w.drop_welcome(device, conversation, epoch))
    }

    fn put_key_packages(&self, device: DeviceRef, packages: NewKeyPackages) -> Answer<()> {
        self.write(move |w| w.put_key_packages(device, &packages))
    }

    fn claim_key_packages(&self, devices: Vec<DeviceRef>) -> Answer<Vec<Option<Bin>>> {
        self.write(move |w| w.claim_key_packages(&devices))
    }

    fn accounts(&self, refs: Vec<AccountRef>) -> Answer<Vec<Option<AccountInfo>>> {
        self.read(move |db| read_account::accounts(db, &refs))
    }

    fn device_lists(&self, account: AccountId) -> Answer<Vec<SignedDeviceList>> {
        self.read(move |db| read_account::device_lists(db, account))
    }

    fn put_device_list(&self, device: DeviceId, list: ValidatedDeviceList, now: Timestamp) -> Answer<()> {
        self.write(move |w| w.put_device_list(device, &list, now))
    }

    fn vault(&self, account: AccountRef, method: RecoveryId) -> Answer<Option<StoredVault>> {
        self.read(move |db| vault::vault(db, &account, method))
    }

    fn vault_methods(&self, account: AccountId) -> Answer<Vec<VaultMethod>> {
        self.read(move |db| vault::methods(db, account))
    }

    fn put_vault(&self, vault: NewVault) -> Answer<()> {
        self.write(move |w| w.put_vault(&vault))
    }

    fn recover(&self, method: RecoveryId, list: ValidatedDeviceList) -> Answer<()> {
        self.write(move |w| w.recover(method, &list))
    }

    fn release_name(&self, name: Username, code: String, until: Timestamp) -> Answer<()> {
        self.write(move |w| w.release_name(&name, &code, until))
    }

    fn is_released(&self, name: Username, code: String, now: Timestamp) -> Answer<bool> {
        self.read(move |db| vault::is_released(db, &name, &code, now))
    }

    fn seen(&self, device: DeviceRef, at: Timestamp) -> Answer<()> {
        self.write(move |w| w.seen(device, at))
    }

    fn last_seen(&self, account: AccountId) -> Answer<Vec<Seen>> {
        self.read(move |db| read_account::last_seen(db, account))
    }

    fn put_push(&self, device: DeviceRef, subscription: Option<PushSubscription>) -> Answer<()> {
        self.write(move |w| w.put_push(device, subscription))
    }

    fn drop_push(&self, device: DeviceRef, endpoint: String) -> Answer<()> {
        self.write(move |w| w.drop_push(device, &endpoint))
    }

    fn push(&self, device: DeviceRef, now: Timestamp) -> Answer<Option<PushSubscription>> {
        self.read(move |db| push::push(db, device, now))
    }

    fn pushes(&self) -> Answer<Vec<(DeviceRef, Vec<ConversationId>)>> {
        self.read(push::pushes)
    }

    fn secret(&self, name: &'static str, fresh: Vec<u8>) -> Answer<Vec<u8>> {
        self.write(move |w| w.secret(name, &fresh))
    }

    fn open_mailbox(&self, mailbox: MailboxId, now: Timestamp, limits: MailboxLimits) -> Answer<()> {
        self.write(move |w| w.open_mailbox(mailbox, now, limits))
    }

    fn join_mailbox(&self, mailbox: MailboxId, now: Timestamp) -> Answer<()> {
        self.write(move |w| w.join_mailbox(mailbox, now))
    }

    fn put_mailbox(
        &self,
        mailbox: MailboxId,
        by_approver: bool,
        body: Bin,
        now: Timestamp,
        limits: MailboxLimits,
    ) -> Answer<()> {
        self.write(move |w| w.put_mailbox(mailbox, by_approver, body, now, limits))
    }

    fn close_mailbox(&self, mailbox: MailboxId) -> Answer<()> {
        self.write(move |w| w.close_mailbox(mailbox))
    }

    fn sweep(&self, now: Timestamp) -> Answer<()> {
        self.write(move |w| w.sweep(now))
    }

    fn set_retention(
        &self,
        conversation: ConversationId,
        by: DeviceRef,
        retention: Retention,
        now: Timestamp,
    ) -> Answer<()> {
        self.write(move |w| w.set_retention(conversation, by, retention, now))
    }

    fn ack(&self, device: DeviceRef, position: Position) -> Answer<()> {
        self.write(move |w| w.ack(device, position))
    }

    fn lacks(&self, device: DeviceRef, position: Position) -> Answer<()> {
        self.write(move |w| w.lacks(device, position))
    }

    fn erasable(
        &self,
        rules: RetentionRules,
        after: Option<ConversationId>,
        now: Timestamp,
    ) -> Answer<(Vec<Erasure>, Option<ConversationId>)> {
        self.read(move |db| retention::erasable(db, rules, after, now))
    }

    fn erase(&self, erasure: Erasure) -> Answer<u64> {
        self.write(move |w| w.erase(erasure))
    }

    fn create_invite(&self, code: String, uses: u32) -> Answer<()> {
        self.write(move |w| w.create_invite(&code, uses))
    }

    fn close(&self) -> Answer<()> {
        let (writer, pool) = (self.writer.clone(), self.pool.clone());
        self.checkpointer.stop();
        async move {
            pool.close();
            writer.close().await;
            Ok(())
        }
        .boxed()
    }
}
