//! Messages: one row for each entry of a log, and for what waits to be sent.

use diario_protocol::{AccountId, ConversationId, DeviceId, Digest, EntryId, Epoch, LogHash, Seq, Timestamp};
use rusqlite::{Connection, OptionalExtension, params};

use super::{StoreError, from_sql, id, to_sql};

/// What a row of `message` is; numbers on disk.
pub(crate) mod state {
    /// In the outbox.
    pub(crate) const PENDING: u8 = 0;
    /// In the log, readable.
    pub(crate) const READABLE: u8 = 1;
    /// In the log, its key not known yet.
    pub(crate) const WAITING_KEY: u8 = 2;
    /// In the log, its sender's device not known yet.
    pub(crate) const WAITING_DEVICE: u8 = 3;
    /// In the log, refused; `reason` says why.
    pub(crate) const REFUSED: u8 = 4;
    /// A commit.
    pub(crate) const COMMIT: u8 = 5;
    /// Erased for everyone.
    pub(crate) const ERASED: u8 = 6;
    /// Was in the outbox; the server refused it for good, `reason` says why.
    pub(crate) const FAILED: u8 = 7;
    /// No longer kept by the server when this device came for it; `reason` says so.
    pub(crate) const GONE: u8 = 8;
}

/// A new row.
#[derive(Debug)]
pub(crate) struct NewMessage<'a> {
    pub(crate) conversation: ConversationId,
    pub(crate) seq: Option<Seq>,
    pub(crate) id: EntryId,
    pub(crate) account: AccountId,
    pub(crate) device: DeviceId,
    pub(crate) epoch: Epoch,
    pub(crate) annotates: Option<Seq>,
    pub(crate) sent_at: Timestamp,
    pub(crate) state: u8,
    pub(crate) reason: Option<&'a str>,
    pub(crate) text: &'a str,
    pub(crate) content: Option<&'a [u8]>,
    pub(crate) sealed: Option<&'a [u8]>,
    pub(crate) hash: Option<LogHash>,
}

/// Inserts a row, or gives a row of this id that has no sequence yet (an own pending message) its place.
pub(crate) fn put(db: &Connection, m: &NewMessage<'_>) -> Result<(), StoreError> {
    db.prepare_cached(
        "INSERT INTO message(conversation, seq, id, account, device, epoch, annotates, sent_at, state, reason, text,
            content, sealed, hash) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)
         ON CONFLICT(conversation, id) DO UPDATE SET seq = excluded.seq, device = excluded.device, epoch = excluded.epoch, state = excluded.state,
            sent_at = excluded.sent_at, reason = excluded.reason, text = excluded.text, content = excluded.content,
            sealed = excluded.sealed, hash = coalesce(excluded.hash, hash)",
    )?
    .execute(params![
        m.conversation.as_bytes(),
        m.seq.map(|s| to_sql(s.0)),
        m.id.as_bytes(),
        m.account.as_bytes(),
        m.device.as_bytes(),
        to_sql(m.epoch.0),
        m.annotates.map(|s| to_sql(s.0)),
        to_sql(m.sent_at.0),
        m.state,
        m.reason,
        m.text,
        m.content,
        m.sealed,
        m.hash.map(|h| h.0.as_bytes().to_vec()),
    ])?;
    Ok(())
}

/// Gives a pending message of this device's its place in the log.
pub(crate) fn place(
    db: &Connection,
    conversation: ConversationId,
    entry: EntryId,
    seq: Seq,
    epoch: Epoch,
    hash: LogHash,
) -> Result<(), StoreError> {
    db.prepare_cached(
        "UPDATE message SET seq = ?3, epoch = ?4, hash = ?5, state = ?6, reason = NULL WHERE conversation = ?1 AND id = ?2",
    )?
    .execute(params![
        conversation.as_bytes(),
        entry.as_bytes(),
        to_sql(seq.0),
        to_sql(epoch.0),
        hash.0.as_bytes(),
        state::READABLE,
    ])?;
    Ok(())
}

/// Where an entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Placed {
    /// Not here.
    Nowhere,
    /// Not in the log yet.
    Pending,
    /// In the log.
    At(Seq),
}

/// Where the entry of this id is.
pub(crate) fn place_of(
    db: &Connection,
    conversation: ConversationId,
    entry: EntryId,
) -> Result<Placed, StoreError> {
    let row = db
        .prepare_cached("SELECT seq FROM message WHERE conversation = ?1 AND id = ?2")?
        .query_row(params![conversation.as_bytes(), entry.as_bytes()], |row| row.get::<_, Option<i64>>(0))
        .optional()?;
    Ok(match row {
        None => Placed::Nowhere,
        Some(None) => Placed::Pending,
        Some(Some(seq)) => Placed::At(Seq(from_sql(seq))),
    })
}

/// The id of the entry at a place, if one is here.
pub(crate) fn id_at(
    db: &Connection,
    conversation: ConversationId,
    seq: Seq,
) -> Result<Option<EntryId>, StoreError> {
    Ok(db
        .prepare_cached("SELECT id FROM message WHERE conversation = ?1 AND seq = ?2")?
        .query_row(params![conversation.as_bytes(), to_sql(seq.0)], |row| row.get(0).map(EntryId::new))
        .optional()?)
}

/// The first message of those here that was sent at or after a time; else the last.
pub(crate) fn seq_at(
    db: &Connection,
    conversation: ConversationId,
    at: Timestamp,
) -> Result<Option<Seq>, StoreError> {
    let find = |sql: &str| {
        db.prepare_cached(sql)?
            .query_row(params![conversation.as_bytes(), to_sql(at.0)], |row| row.get::<_, Option<i64>>(0))
    };
    // Ordered by place: the clocks of senders differ.
    let first =
        find("SELECT min(seq) FROM message WHERE conversation = ?1 AND seq IS NOT NULL AND sent_at >= ?2")?;
    let found = match first {
        Some(seq) => Some(seq),
        None => find("SELECT max(seq) FROM message WHERE conversation = ?1 AND seq IS NOT NULL AND ?2 >= 0")?,
    };
    Ok(found.map(|seq| Seq(from_sql(seq))))
}

/// Proves a preview's place: it is what the log has there. `false` if the preview could not be read: then it may be
/// another sealing than the log's.
pub(crate) fn prove(
    db: &Connection,
    conversation: ConversationId,
    entry: EntryId,
    hash: LogHash,
) -> Result<bool, StoreError> {
    let proven = db
        .prepare_cached("UPDATE message SET hash = ?3 WHERE conversation = ?1 AND id = ?2 AND state = ?4")?
        .execute(params![conversation.as_bytes(), entry.as_bytes(), hash.0.as_bytes(), state::READABLE])?;
    Ok(proven > 0)
}

/// Forgets a preview; says whether there was one of this id.
pub(crate) fn forget_preview(
    db: &Connection,
    conversation: ConversationId,
    entry: EntryId,
) -> Result<bool, StoreError> {
    let forgotten = db
        .prepare_cached(
            "DELETE FROM message WHERE conversation = ?1 AND id = ?2 AND hash IS NULL AND seq IS NOT NULL",
        )?
        .execute(params![conversation.as_bytes(), entry.as_bytes()])?;
    Ok(forgotten > 0)
}

/// Running hash after the entry at `seq`, if that entry is here.
pub(crate) fn hash_at(
    db: &Connection,
    conversation: ConversationId,
    seq: Seq,
) -> Result<Option<LogHash>, StoreError> {
    let row: Option<Option<Vec<u8>>> = db
        .prepare_cached("SELECT hash FROM message WHERE conversation = ?1 AND seq = ?2")?
        .query_row(params![conversation.as_bytes(), to_sql(seq.0)], |row| row.get(0))
        .optional()?;
    row.flatten().map(|hash| Ok(LogHash(id(&hash, Digest::from_slice)?))).transpose()
}

/// A row that waits for a key or a device.
#[derive(Debug)]
pub(crate) struct Waiting {
    pub(crate) conversation: ConversationId,
    pub(crate) seq: Seq,
    pub(crate) id: EntryId,
    pub(crate) account: AccountId,
    pub(crate) device: DeviceId,
    pub(crate) epoch: Epoch,
    pub(crate) annotates: Option<Seq>,
    pub(crate) sealed: Vec<u8>,
    pub(crate) hash: Option<LogHash>,
    /// By the server's clock: what is known of its time until it is opened.
    pub(crate) received_at: Timestamp,
}

const WAITING_COLUMNS: &str =
    "conversation, seq, id, account, device, epoch, annotates, sealed, hash, sent_at";

fn read_waiting(row: &rusqlite::Row<'_>) -> rusqlite::Result<Waiting> {
    Ok(Waiting {
        conversation: ConversationId::new(row.get(0)?),
        seq: Seq(from_sql(row.get(1)?)),
        id: EntryId::new(row.get(2)?),
        account: AccountId::new(row.get(3)?),
        device: DeviceId::new(row.get(4)?),
        epoch: Epoch(from_sql(row.get(5)?)),
        annotates: row.get::<_, Option<i64>>(6)?.map(|s| Seq(from_sql(s))),
        sealed: row.get(7)?,
        hash: row.get::<_, Option<[u8; 32]>>(8)?.map(|h| LogHash(Digest::new(h))),
        received_at: Timestamp(from_sql(row.get(9)?)),
    })
}

/// Entries of an epoch that wait to be opened, oldest first.
pub(crate) fn waiting_for_key(
    db: &Connection,
    conversation: ConversationId,
    epoch: Epoch,
) -> Result<Vec<Waiting>, StoreError> {
    let mut statement = db.prepare_cached(&format!(
        "SELECT {WAITING_COLUMNS} FROM message WHERE conversation = ?1 AND epoch = ?2 AND sealed IS NOT NULL ORDER BY seq"
    ))?;
    let rows = statement.query_map(params![conversation.as_bytes(), to_sql(epoch.0)], read_waiting)?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// A sequence that nothing of an epoch comes before, as far as is known here.
pub(crate) fn first_of_epoch(
    db: &Connection,
    conversation: ConversationId,
    epoch: Epoch,
) -> Result<Seq, StoreError> {
    let mut statement = db.prepare_cached(
        "SELECT seq FROM message WHERE conversation = ?1 AND seq IS NOT NULL AND epoch < ?2 ORDER BY seq DESC LIMIT 1",
    )?;
    let before: Option<i64> = statement
        .query_row(params![conversation.as_bytes(), to_sql(epoch.0)], |row| row.get(0))
        .optional()?;
    Ok(before.map_or(Seq(1), |seq| Seq(from_sql(seq)).next()))
}

/// Entries that wait for a device of `account` to become known.
pub(crate) fn waiting_for_device(db: &Connection, account: AccountId) -> Result<Vec<Waiting>, StoreError> {
    let mut statement = db.prepare_cached(&format!(
        "SELECT {WAITING_COLUMNS} FROM message WHERE account = ?1 AND state = {} AND sealed IS NOT NULL ORDER BY row",
        state::WAITING_DEVICE
    ))?;
    let rows = statement.query_map([account.as_bytes()], read_waiting)?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Accounts of which a device is waited for.
pub(crate) fn accounts_waited_for(db: &Connection) -> Result<Vec<AccountId>, StoreError> {
    let mut statement = db.prepare_cached(&format!(
        "SELECT DISTINCT account FROM message WHERE sealed IS NOT NULL AND state = {}",
        state::WAITING_DEVICE
    ))?;
    let rows = statement.query_map([], |row| row.get::<_, [u8; 16]>(0))?;
    Ok(rows.map(|row| row.map(AccountId::new)).collect::<Result<_, _>>()?)
}

/// Marks an own message as refused for good.
pub(crate) fn fail(
    db: &Connection,
    conversation: ConversationId,
    entry: EntryId,
    why: &str,
) -> Result<(), StoreError> {
    db.prepare_cached(
        "UPDATE message SET state = ?3, reason = ?4 WHERE conversation = ?1 AND id = ?2 AND seq IS NULL",
    )?
    .execute(params![conversation.as_bytes(), entry.as_bytes(), state::FAILED, why])?;
    Ok(())
}

/// An own message that is not in the log.
#[derive(Debug)]
pub(crate) struct Unsent {
    pub(crate) state: u8,
    /// Encoded.
    pub(crate) content: Vec<u8>,
    pub(crate) about: Option<Seq>,
}

/// An own message that is not in the log.
pub(crate) fn unsent(
    db: &Connection,
    conversation: ConversationId,
    entry: EntryId,
) -> Result<Option<Unsent>, StoreError> {
    Ok(db
        .prepare_cached(
            "SELECT state, coalesce(content, x''), annotates FROM message
             WHERE conversation = ?1 AND id = ?2 AND seq IS NULL",
        )?
        .query_row(params![conversation.as_bytes(), entry.as_bytes()], |row| {
            let about = row.get::<_, Option<i64>>(2)?.map(|s| Seq(from_sql(s)));
            Ok(Unsent { state: row.get(0)?, content: row.get(1)?, about })
        })
        .optional()?)
}

/// Forgets an own message that is not in the log.
pub(crate) fn forget_unsent(
    db: &Connection,
    conversation: ConversationId,
    entry: EntryId,
) -> Result<(), StoreError> {
    db.prepare_cached("DELETE FROM message WHERE conversation = ?1 AND id = ?2 AND seq IS NULL")?
        .execute(params![conversation.as_bytes(), entry.as_bytes()])?;
    Ok(())
}
