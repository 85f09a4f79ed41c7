//! For how long the server keeps conversations, and what is kept here beyond that.

use std::collections::HashMap;

use diario_protocol::{ConversationId, EntryId, Retention, Timestamp};
use rusqlite::{Connection, OptionalExtension, params};

use super::{StoreError, from_sql};
use crate::store::message::state;

/// Stands for every conversation: the server's own rule.
pub(super) const ANY: ConversationId = ConversationId::new([0; 16]);

/// A rule as the store writes it: 0 days are all days.
fn read(days: u32, delivered: bool) -> Retention {
    Retention { days: Some(days).filter(|d| *d > 0), delivered }
}

/// What a conversation's members agreed on.
pub(crate) fn retention(db: &Connection, conversation: ConversationId) -> Result<Retention, StoreError> {
    let row = db
        .prepare_cached("SELECT days, delivered FROM keep WHERE conversation = ?1")?
        .query_row([conversation.as_bytes()], |row| Ok(read(row.get(0)?, row.get(1)?)))
        .optional()?;
    Ok(row.unwrap_or_default())
}

/// What the members of all conversations with a rule agreed on.
pub(crate) fn all(db: &Connection) -> Result<HashMap<ConversationId, Retention>, StoreError> {
    let mut statement = db.prepare_cached("SELECT conversation, days, delivered FROM keep")?;
    let rows = statement
        .query_map([], |row| Ok((ConversationId::new(row.get(0)?), read(row.get(1)?, row.get(2)?))))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// What the server keeps whatever a conversation's members agreed on.
pub(crate) fn server_retention(db: &Connection) -> Result<Retention, StoreError> {
    retention(db, ANY)
}

/// Notes what a conversation's members agreed on; says whether it was something else before.
pub(crate) fn set_retention(
    db: &Connection,
    conversation: ConversationId,
    to: Retention,
) -> Result<bool, StoreError> {
    if retention(db, conversation)? == to {
        return Ok(false);
    }
    db.prepare_cached("INSERT OR REPLACE INTO keep(conversation, days, delivered) VALUES(?1, ?2, ?3)")?
        .execute(params![conversation.as_bytes(), to.days.unwrap_or(0), to.delivered])?;
    Ok(true)
}

/// Notes what the server keeps.
pub(crate) fn set_server_retention(db: &Connection, to: Retention) -> Result<(), StoreError> {
    set_retention(db, ANY, to).map(drop)
}

/// Whether the server wants to know what devices have.
pub(crate) fn waits_for_devices(db: &Connection) -> Result<bool, StoreError> {
    Ok(db.prepare_cached("SELECT 1 FROM keep WHERE delivered = 1 LIMIT 1")?.exists([])?)
}

/// Puts aside what can be read of conversations that the server does not keep for ever.
pub(crate) fn put_aside(db: &Connection) -> Result<(), StoreError> {
    db.execute(
        "INSERT OR REPLACE INTO salvage(conversation, id, sent_at, content)
         SELECT conversation, id, sent_at, content FROM message
         WHERE seq IS NOT NULL AND state = ?1 AND content IS NOT NULL AND EXISTS (
             SELECT 1 FROM keep k WHERE k.conversation IN (message.conversation, ?2) AND (days > 0 OR delivered = 1))",
        params![state::READABLE, ANY.as_bytes()],
    )?;
    Ok(())
}

/// A message that was put aside.
#[derive(Debug)]
pub(crate) struct Salvaged {
    pub(crate) sent_at: Timestamp,
    pub(crate) content: Vec<u8>,
}

/// Takes a message that was put aside.
pub(crate) fn take_back(
    db: &Connection,
    conversation: ConversationId,
    id: EntryId,
) -> Result<Option<Salvaged>, StoreError> {
    Ok(db
        .prepare_cached("DELETE FROM salvage WHERE conversation = ?1 AND id = ?2 RETURNING sent_at, content")?
        .query_row(params![conversation.as_bytes(), id.as_bytes()], |row| {
            Ok(Salvaged { sent_at: Timestamp(from_sql(row.get(0)?)), content: row.get(1)? })
        })
        .optional()?)
}

/// Drops what was put aside and is there again.
pub(crate) fn drop_needless(db: &Connection) -> Result<(), StoreError> {
    db.execute(
        "DELETE FROM salvage WHERE EXISTS (SELECT 1 FROM message m
            WHERE m.conversation = salvage.conversation AND m.id = salvage.id AND m.content IS NOT NULL)",
        [],
    )?;
    Ok(())
}
