//! Who was in a group after commits of its past, as the commits say it.

use diario_protocol::{AccountId, ConversationId, Seq};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::{StoreError, from_sql, to_sql};
use crate::store::message::state;

/// The accounts after a commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PastRoster {
    pub(crate) seq: Seq,
    pub(crate) accounts: Vec<AccountId>,
}

fn read(row: &Row<'_>) -> Result<PastRoster, StoreError> {
    let accounts = row.get_ref(1)?.as_blob().map_err(|_| StoreError::Damaged("accounts of the past"))?;
    let accounts = accounts.chunks_exact(16).filter_map(AccountId::from_slice).collect();
    Ok(PastRoster { seq: Seq(from_sql(row.get(0)?)), accounts })
}

pub(crate) fn put(
    db: &Connection,
    conversation: ConversationId,
    seq: Seq,
    accounts: &[AccountId],
) -> Result<(), StoreError> {
    let accounts: Vec<u8> = accounts.iter().flat_map(|a| *a.as_bytes()).collect();
    db.prepare_cached("INSERT OR REPLACE INTO past_roster(conversation, seq, accounts) VALUES(?1, ?2, ?3)")?
        .execute(params![conversation.as_bytes(), to_sql(seq.0), accounts])?;
    Ok(())
}

/// Those of a part of a log, both ends included, oldest first.
pub(crate) fn between(
    db: &Connection,
    conversation: ConversationId,
    first: Seq,
    last: Seq,
) -> Result<Vec<PastRoster>, StoreError> {
    let sql = "SELECT seq, accounts FROM past_roster WHERE conversation = ?1 AND seq >= ?2 AND seq <= ?3 ORDER BY seq";
    let mut find = db.prepare_cached(sql)?;
    let values = params![conversation.as_bytes(), to_sql(first.0), to_sql(last.0)];
    find.query_map(values, |row| Ok(read(row)))?.map(|roster| roster?).collect()
}

/// The last one before a place.
pub(crate) fn before(
    db: &Connection,
    conversation: ConversationId,
    seq: Seq,
) -> Result<Option<PastRoster>, StoreError> {
    let sql = "SELECT seq, accounts FROM past_roster WHERE conversation = ?1 AND seq < ?2 ORDER BY seq DESC LIMIT 1";
    one(db, sql, conversation, seq)
}

/// The first one after a place.
pub(crate) fn after(
    db: &Connection,
    conversation: ConversationId,
    seq: Seq,
) -> Result<Option<PastRoster>, StoreError> {
    let sql =
        "SELECT seq, accounts FROM past_roster WHERE conversation = ?1 AND seq > ?2 ORDER BY seq LIMIT 1";
    one(db, sql, conversation, seq)
}

fn one(
    db: &Connection,
    sql: &str,
    conversation: ConversationId,
    seq: Seq,
) -> Result<Option<PastRoster>, StoreError> {
    db.prepare_cached(sql)?
        .query_row(params![conversation.as_bytes(), to_sql(seq.0)], |row| Ok(read(row)))
        .optional()?
        .transpose()
}

/// Gives the row of a commit what it says of who came and went.
pub(crate) fn note(
    db: &Connection,
    conversation: ConversationId,
    seq: Seq,
    note: &[u8],
) -> Result<(), StoreError> {
    db.prepare_cached("UPDATE message SET content = ?3 WHERE conversation = ?1 AND seq = ?2 AND state = ?4")?
        .execute(params![conversation.as_bytes(), to_sql(seq.0), note, state::COMMIT])?;
    Ok(())
}

/// Forgets all of them.
pub(crate) fn forget(db: &Connection) -> Result<(), StoreError> {
    db.execute("DELETE FROM past_roster", [])?;
    Ok(())
}
