//! Holes: parts of logs that lie between what is here, and were not fetched yet.

use diario_protocol::{ConversationId, Digest, LogHash, Seq, Timestamp};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::{StoreError, from_sql, id, to_sql};

/// A part of a log that is not here, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Hole {
    pub(crate) conversation: ConversationId,
    pub(crate) first: Seq,
    pub(crate) last: Seq,
    /// Running hash after entry `last`: what is fetched has to lead to it.
    pub(crate) hash: LogHash,
    /// About when entry `last` was sent.
    pub(crate) at: Timestamp,
}

const COLUMNS: &str = "conversation, first, last, hash, at";

fn read(row: &Row<'_>) -> Result<Hole, StoreError> {
    Ok(Hole {
        conversation: ConversationId::new(row.get(0)?),
        first: Seq(from_sql(row.get(1)?)),
        last: Seq(from_sql(row.get(2)?)),
        hash: LogHash(id(row.get_ref(3)?.as_blob().unwrap_or_default(), Digest::from_slice)?),
        at: Timestamp(from_sql(row.get(4)?)),
    })
}

/// Stores a hole, in place of one that begins at the same entry; an empty one is not stored.
pub(crate) fn put(db: &Connection, hole: &Hole) -> Result<(), StoreError> {
    if hole.first > hole.last {
        return Ok(());
    }
    db.prepare_cached(&format!("INSERT OR REPLACE INTO hole({COLUMNS}) VALUES(?1, ?2, ?3, ?4, ?5)"))?
        .execute(params![
            hole.conversation.as_bytes(),
            to_sql(hole.first.0),
            to_sql(hole.last.0),
            hole.hash.0.as_bytes(),
            to_sql(hole.at.0),
        ])?;
    Ok(())
}

/// Takes a hole away.
pub(crate) fn remove(db: &Connection, hole: &Hole) -> Result<(), StoreError> {
    db.prepare_cached("DELETE FROM hole WHERE conversation = ?1 AND first = ?2")?
        .execute(params![hole.conversation.as_bytes(), to_sql(hole.first.0)])?;
    Ok(())
}

/// The holes of a conversation, oldest first.
pub(crate) fn of(db: &Connection, conversation: ConversationId) -> Result<Vec<Hole>, StoreError> {
    let mut find =
        db.prepare_cached(&format!("SELECT {COLUMNS} FROM hole WHERE conversation = ?1 ORDER BY first"))?;
    find.query_map([conversation.as_bytes()], |row| Ok(read(row)))?.map(|hole| hole?).collect()
}

/// Every hole, by conversation and oldest first.
pub(crate) fn all(db: &Connection) -> Result<Vec<Hole>, StoreError> {
    let mut find = db.prepare_cached(&format!("SELECT {COLUMNS} FROM hole ORDER BY conversation, first"))?;
    find.query_map([], |row| Ok(read(row)))?.map(|hole| hole?).collect()
}

/// The hole that an entry lies in.
pub(crate) fn around(
    db: &Connection,
    conversation: ConversationId,
    seq: Seq,
) -> Result<Option<Hole>, StoreError> {
    db.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM hole WHERE conversation = ?1 AND first <= ?2 AND last >= ?2 LIMIT 1"
    ))?
    .query_row(params![conversation.as_bytes(), to_sql(seq.0)], |row| Ok(read(row)))
    .optional()?
    .transpose()
}

/// The nearest hole of which something lies below a place.
pub(crate) fn below(
    db: &Connection,
    conversation: ConversationId,
    seq: Seq,
) -> Result<Option<Hole>, StoreError> {
    nearest(db, "first < ?2 ORDER BY first DESC", conversation, seq)
}

/// The nearest hole of which something lies above a place.
pub(crate) fn above(
    db: &Connection,
    conversation: ConversationId,
    seq: Seq,
) -> Result<Option<Hole>, StoreError> {
    nearest(db, "last > ?2 ORDER BY first", conversation, seq)
}

fn nearest(
    db: &Connection,
    which: &str,
    conversation: ConversationId,
    seq: Seq,
) -> Result<Option<Hole>, StoreError> {
    db.prepare_cached(&format!("SELECT {COLUMNS} FROM hole WHERE conversation = ?1 AND {which} LIMIT 1"))?
        .query_row(params![conversation.as_bytes(), to_sql(seq.0)], |row| Ok(read(row)))
        .optional()?
        .transpose()
}

/// Up to `most` holes, those with the newest messages first.
pub(crate) fn newest(db: &Connection, most: usize) -> Result<Vec<Hole>, StoreError> {
    let mut find = db.prepare_cached(&format!("SELECT {COLUMNS} FROM hole ORDER BY at DESC LIMIT ?1"))?;
    find.query_map([to_sql(most as u64)], |row| Ok(read(row)))?.map(|hole| hole?).collect()
}

/// The same, of conversations of which the server keeps nothing once every device has it.
pub(crate) fn newest_to_go(db: &Connection, most: usize) -> Result<Vec<Hole>, StoreError> {
    let mut find = db.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM hole h WHERE EXISTS (
             SELECT 1 FROM keep k WHERE k.conversation IN (h.conversation, ?2) AND k.delivered = 1)
         ORDER BY at DESC LIMIT ?1"
    ))?;
    find.query_map(params![to_sql(most as u64), super::kept::ANY.as_bytes()], |row| Ok(read(row)))?
        .map(|hole| hole?)
        .collect()
}

/// How many entries lie in holes, in how many conversations.
pub(crate) fn extent(db: &Connection) -> Result<(u64, u64), StoreError> {
    let sql = "SELECT coalesce(sum(last - first + 1), 0), count(DISTINCT conversation) FROM hole";
    Ok(db.prepare_cached(sql)?.query_row([], |row| Ok((from_sql(row.get(0)?), from_sql(row.get(1)?))))?)
}

/// Which of the newest entries are messages of others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct HeadOthers {
    head: Seq,
    bits: Vec<u8>,
}

impl HeadOthers {
    /// Whether an entry is a message of another account; what is too far back to tell counts as one.
    pub(crate) fn says(&self, seq: Seq) -> bool {
        let Some(back) = self.head.0.checked_sub(seq.0) else { return false };
        let known = back < diario_protocol::HEAD_OTHERS;
        let byte = usize::try_from(back / 8).ok().and_then(|at| self.bits.get(at)).copied().unwrap_or(0);
        !known || byte & (1 << (back % 8)) != 0
    }
}

pub(crate) fn put_others(
    db: &Connection,
    conversation: ConversationId,
    head: Seq,
    bits: &[u8],
) -> Result<(), StoreError> {
    db.prepare_cached("INSERT OR REPLACE INTO head_others(conversation, head, bits) VALUES(?1, ?2, ?3)")?
        .execute(params![conversation.as_bytes(), to_sql(head.0), bits])?;
    Ok(())
}

pub(crate) fn others(
    db: &Connection,
    conversation: ConversationId,
) -> Result<Option<HeadOthers>, StoreError> {
    Ok(db
        .prepare_cached("SELECT head, bits FROM head_others WHERE conversation = ?1")?
        .query_row([conversation.as_bytes()], |row| {
            Ok(HeadOthers { head: Seq(from_sql(row.get(0)?)), bits: row.get(1)? })
        })
        .optional()?)
}

/// How holes are filled, as it is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Filling {
    /// What the user chose, if anything.
    pub(crate) fill: Option<u8>,
    pub(crate) paused: bool,
    pub(crate) entries: u64,
    pub(crate) bytes: u64,
}

pub(crate) fn filling(db: &Connection) -> Result<Filling, StoreError> {
    let row = |row: &Row<'_>| {
        Ok(Filling {
            fill: row.get(0)?,
            paused: row.get(1)?,
            entries: from_sql(row.get(2)?),
            bytes: from_sql(row.get(3)?),
        })
    };
    let sql = "SELECT fill, paused, entries, bytes FROM filling";
    Ok(db.prepare_cached(sql)?.query_row([], row).optional()?.unwrap_or_default())
}

pub(crate) fn set_filling(db: &Connection, fill: Option<u8>, paused: bool) -> Result<(), StoreError> {
    db.prepare_cached(
        "INSERT INTO filling(one, fill, paused, entries, bytes) VALUES(1, ?1, ?2, 0, 0)
         ON CONFLICT DO UPDATE SET fill = excluded.fill, paused = excluded.paused",
    )?
    .execute(params![fill, paused])?;
    Ok(())
}

/// Notes what was fetched.
pub(crate) fn count_fetched(db: &Connection, entries: u64, bytes: u64) -> Result<(), StoreError> {
    db.prepare_cached(
        "INSERT INTO filling(one, fill, paused, entries, bytes) VALUES(1, NULL, 0, ?1, ?2)
         ON CONFLICT DO UPDATE SET entries = entries + excluded.entries, bytes = bytes + excluded.bytes",
    )?
    .execute(params![to_sql(entries), to_sql(bytes)])?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_tell_back_from_the_head_and_what_is_further_back_counts() {
        let others = HeadOthers { head: Seq(300), bits: vec![0b101] };
        let said: Vec<_> = (295..=300).filter(|n| others.says(Seq(*n))).collect();
        assert_eq!(said, [298, 300]);
        assert!(!others.says(Seq(301)), "after the head");
        assert!(!others.says(Seq(173)), "the last that is told about");
        assert!(others.says(Seq(172)));
    }
}
