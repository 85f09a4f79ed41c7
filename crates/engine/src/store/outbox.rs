//! The outbox: what waits to be sent, oldest first.

use diario_protocol::{ConversationId, EntryId, Seq, Timestamp};
use rusqlite::{Connection, OptionalExtension, params};

use super::{StoreError, from_sql, to_sql};

/// What an outbox row is; numbers on disk.
pub(crate) mod kind {
    /// MIMI content for a conversation; `entry` is its id.
    pub(crate) const ENTRY: u8 = 0;
    /// A [`crate::store::sealed::NamedValue`] for a slot.
    pub(crate) const SLOT: u8 = 1;
    /// A change of a group's membership.
    pub(crate) const MEMBERSHIP: u8 = 2;
    /// A device to take from the device list.
    pub(crate) const REVOKE: u8 = 3;
    /// A device to make a primary.
    pub(crate) const PROMOTE: u8 = 20;
    /// A primary to make a linked device.
    pub(crate) const DEMOTE: u8 = 21;
    /// A linked device to vouch for anew.
    pub(crate) const RENEW: u8 = 22;
}

/// Something to be sent.
#[derive(Debug, Clone)]
pub(crate) struct Outgoing {
    pub(crate) row: i64,
    pub(crate) conversation: ConversationId,
    pub(crate) entry: Option<EntryId>,
    pub(crate) kind: u8,
    pub(crate) payload: Vec<u8>,
    pub(crate) annotates: Option<Seq>,
    pub(crate) created_at: Timestamp,
    /// Of a slot write, the slot's name.
    pub(crate) name: Option<String>,
    /// Whether it was given to a connection: the server may have it.
    pub(crate) tried: bool,
}

impl Outgoing {
    /// Whether it is a wanted change of the device list.
    pub(crate) fn is_list_change(&self) -> bool {
        [kind::REVOKE, kind::PROMOTE, kind::DEMOTE, kind::RENEW].contains(&self.kind)
    }
}

pub(crate) fn enqueue(db: &Connection, o: &Outgoing) -> Result<(), StoreError> {
    db.prepare_cached(
        "INSERT INTO outbox(conversation, entry, kind, payload, annotates, created_at, name, tried)
         VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    )?
    .execute(params![
        o.conversation.as_bytes(),
        o.entry.map(|e| e.as_bytes().to_vec()),
        o.kind,
        o.payload,
        o.annotates.map(|s| to_sql(s.0)),
        to_sql(o.created_at.0),
        o.name,
        o.tried,
    ])?;
    Ok(())
}

const COLUMNS: &str = "id, conversation, entry, kind, payload, annotates, created_at, name, tried";

fn read(row: &rusqlite::Row<'_>) -> rusqlite::Result<Outgoing> {
    Ok(Outgoing {
        row: row.get(0)?,
        conversation: ConversationId::new(row.get(1)?),
        entry: row.get::<_, Option<[u8; 16]>>(2)?.map(EntryId::new),
        kind: row.get(3)?,
        payload: row.get(4)?,
        annotates: row.get::<_, Option<i64>>(5)?.map(|s| Seq(from_sql(s))),
        created_at: Timestamp(from_sql(row.get(6)?)),
        name: row.get(7)?,
        tried: row.get(8)?,
    })
}

/// Up to `most` things to be sent in a conversation, oldest first.
pub(crate) fn oldest(
    db: &Connection,
    conversation: ConversationId,
    most: usize,
) -> Result<Vec<Outgoing>, StoreError> {
    let mut statement = db.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM outbox WHERE conversation = ?1 ORDER BY id LIMIT ?2"
    ))?;
    let most = i64::try_from(most).unwrap_or(i64::MAX);
    let rows = statement.query_map(params![conversation.as_bytes(), most], read)?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Up to `most` things of one kind, not entries, to be sent in a conversation, oldest first.
pub(crate) fn of_kind(
    db: &Connection,
    conversation: ConversationId,
    kind: u8,
    most: usize,
) -> Result<Vec<Outgoing>, StoreError> {
    let mut statement = db.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM outbox INDEXED BY outbox_kind
         WHERE conversation = ?1 AND kind = ?2 AND kind <> 0 ORDER BY id LIMIT ?3"
    ))?;
    let most = i64::try_from(most).unwrap_or(i64::MAX);
    let rows = statement.query_map(params![conversation.as_bytes(), kind, most], read)?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Changes of the device list that are wanted, oldest first.
pub(crate) fn list_changes(db: &Connection, own: ConversationId) -> Result<Vec<Outgoing>, StoreError> {
    let mut statement = db.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM outbox INDEXED BY outbox_kind
         WHERE conversation = ?1 AND kind >= ?2 AND kind <> 0 ORDER BY id"
    ))?;
    // A range, and not a list of kinds, for which SQLite would make a table at every input.
    let rows = statement.query_map(params![own.as_bytes(), kind::REVOKE], read)?;
    let rows = rows.collect::<Result<Vec<_>, _>>()?;
    Ok(rows.into_iter().filter(Outgoing::is_list_change).collect())
}

/// What waits in a row of the outbox.
pub(crate) fn at(db: &Connection, row: i64) -> Result<Option<Outgoing>, StoreError> {
    Ok(db
        .prepare_cached(&format!("SELECT {COLUMNS} FROM outbox WHERE id = ?1"))?
        .query_row([row], read)
        .optional()?)
}

/// The entry of this id, if it waits to be sent.
pub(crate) fn entry(db: &Connection, entry: EntryId) -> Result<Option<Outgoing>, StoreError> {
    Ok(db
        .prepare_cached(&format!("SELECT {COLUMNS} FROM outbox WHERE entry = ?1"))?
        .query_row([entry.as_bytes()], read)
        .optional()?)
}

/// The write of a slot that waits to be sent.
pub(crate) fn slot(
    db: &Connection,
    conversation: ConversationId,
    name: &str,
) -> Result<Option<Outgoing>, StoreError> {
    Ok(db
        .prepare_cached(&format!(
            "SELECT {COLUMNS} FROM outbox WHERE conversation = ?1 AND name = ?2 ORDER BY id DESC LIMIT 1"
        ))?
        .query_row(params![conversation.as_bytes(), name], read)
        .optional()?)
}

/// Names that begin so, of slots whose writes wait to be sent.
pub(crate) fn slots_under(
    db: &Connection,
    conversation: ConversationId,
    prefix: &str,
) -> Result<Vec<String>, StoreError> {
    let mut statement = db.prepare_cached(
        "SELECT name FROM outbox WHERE conversation = ?1 AND name IS NOT NULL AND substr(name, 1, length(?2)) = ?2",
    )?;
    let rows = statement.query_map(params![conversation.as_bytes(), prefix], |row| row.get(0))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Drops the writes of a slot that wait to be sent.
pub(crate) fn drop_slot(db: &Connection, conversation: ConversationId, name: &str) -> Result<(), StoreError> {
    db.prepare_cached("DELETE FROM outbox WHERE conversation = ?1 AND name = ?2")?
        .execute(params![conversation.as_bytes(), name])?;
    Ok(())
}

/// Notes that an entry is given to a connection: from now on the server may have it.
pub(crate) fn mark_tried(db: &Connection, row: i64) -> Result<(), StoreError> {
    db.prepare_cached("UPDATE outbox SET tried = 1 WHERE id = ?1")?.execute([row])?;
    Ok(())
}

/// Conversations with something to be sent.
pub(crate) fn conversations(db: &Connection) -> Result<Vec<ConversationId>, StoreError> {
    let mut statement = db.prepare_cached("SELECT DISTINCT conversation FROM outbox")?;
    let rows = statement.query_map([], |row| row.get::<_, [u8; 16]>(0))?;
    Ok(rows.map(|row| row.map(ConversationId::new)).collect::<Result<_, _>>()?)
}

pub(crate) fn drop_row(db: &Connection, row: i64) -> Result<(), StoreError> {
    db.prepare_cached("DELETE FROM outbox WHERE id = ?1")?.execute([row])?;
    Ok(())
}

pub(crate) fn drop_entry(db: &Connection, entry: EntryId) -> Result<(), StoreError> {
    db.prepare_cached("DELETE FROM outbox WHERE entry = ?1")?.execute([entry.as_bytes()])?;
    Ok(())
}
