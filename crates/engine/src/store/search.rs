//! The index of words: what is to be indexed is in `search_todo`, put there by the schema's triggers.

use diario_protocol::{AccountId, ConversationId, Timestamp};
use rusqlite::{Connection, OptionalExtension, params};

use super::{StoreError, from_sql, to_sql};

/// Keys within a second.
pub(crate) const KEYS: i64 = 4096;
/// Times beyond this (the year 36812) are as good as it.
const LAST_SECOND: u64 = 1 << 40;
/// The first of the private characters that stand for conversations and people: no word has them.
const FIRST_TAG: u32 = 0xe000;
/// How many there are.
const TAGS: u64 = 0x1900;

/// A message to index.
#[derive(Debug)]
pub(crate) struct Unindexed {
    pub(crate) message: i64,
    pub(crate) conversation: ConversationId,
    pub(crate) account: AccountId,
    pub(crate) sent_at: Timestamp,
    pub(crate) text: String,
    pub(crate) content: Option<Vec<u8>>,
}

/// Whether anything is to be indexed.
pub(crate) fn waits(db: &Connection) -> Result<bool, StoreError> {
    Ok(db.prepare_cached("SELECT 1 FROM search_todo LIMIT 1")?.exists([])?)
}

/// How many messages are to be indexed.
pub(crate) fn waiting(db: &Connection) -> Result<u64, StoreError> {
    let count: i64 =
        db.prepare_cached("SELECT count(*) FROM search_todo")?.query_row([], |row| row.get(0))?;
    Ok(from_sql(count))
}

/// Takes up to `most` messages that are to be indexed, the newest first.
pub(crate) fn take(db: &Connection, most: usize) -> Result<Vec<Unindexed>, StoreError> {
    let mut statement = db.prepare_cached(
        "SELECT t.message, m.conversation, m.account, m.sent_at, m.text, m.content
         FROM search_todo t CROSS JOIN message m ON m.row = t.message
         WHERE m.text <> '' AND m.state IN (0, 1, 7) ORDER BY t.message DESC LIMIT ?1",
    )?;
    let rows = statement.query_map([to_sql(most as u64)], |row| {
        Ok(Unindexed {
            message: row.get(0)?,
            conversation: ConversationId::new(row.get(1)?),
            account: AccountId::new(row.get(2)?),
            sent_at: Timestamp(from_sql(row.get(3)?)),
            text: row.get(4)?,
            content: row.get(5)?,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Whatever is left in the list down to `message` is done, or was never to be indexed.
pub(crate) fn done(db: &Connection, down_to: i64) -> Result<(), StoreError> {
    db.prepare_cached("DELETE FROM search_todo WHERE message >= ?1")?.execute([down_to])?;
    Ok(())
}

/// Puts a message into the index, under words that are folded.
pub(crate) fn put(db: &Connection, message: i64, sent_at: Timestamp, words: &str) -> Result<(), StoreError> {
    let key = free_key(db, sent_at)?;
    db.prepare_cached("INSERT INTO search_row(key, message) VALUES(?1, ?2)")?.execute([key, message])?;
    db.prepare_cached("INSERT INTO search(rowid, words) VALUES(?1, ?2)")?.execute(params![key, words])?;
    Ok(())
}

/// The first key that a message of this time may have: some four for each millisecond.
pub(crate) fn first_key(at: Timestamp) -> i64 {
    second(at) * KEYS + to_sql(at.0 % 1000) * KEYS / 1000
}

/// No message from before this time has this key or a later one.
pub(crate) fn last_key(db: &Connection, before: Timestamp) -> Result<i64, StoreError> {
    let mut statement = db.prepare_cached("SELECT 1 FROM search_row WHERE key = ?1")?;
    let mut end = (second(before) + 1) * KEYS;
    // A second that is full has some of its messages in the next one.
    while statement.exists([end - 1])? {
        end += KEYS;
    }
    Ok(end)
}

fn second(at: Timestamp) -> i64 {
    to_sql((at.0 / 1000).min(LAST_SECOND))
}

fn free_key(db: &Connection, at: Timestamp) -> Result<i64, StoreError> {
    let mut is_taken = db.prepare_cached("SELECT 1 FROM search_row WHERE key = ?1")?;
    let first = first_key(at);
    for key in first..first + KEYS / 1000 {
        if !is_taken.exists([key])? {
            return Ok(key);
        }
    }
    let mut last_in = db.prepare_cached("SELECT max(key) FROM search_row WHERE key >= ?1 AND key < ?2")?;
    let mut second = second(at) * KEYS;
    loop {
        let last: Option<i64> = last_in.query_row([second, second + KEYS], |row| row.get(0))?;
        match last {
            None => return Ok(second),
            Some(last) if last + 1 < second + KEYS => return Ok(last + 1),
            Some(_) => second += KEYS,
        }
    }
}

/// The token of a conversation or of somebody, if there is one.
pub(crate) fn tag(db: &Connection, name: &[u8]) -> Result<Option<String>, StoreError> {
    let n: Option<i64> = db
        .prepare_cached("SELECT n FROM search_tag WHERE name = ?1")?
        .query_row([name], |row| row.get(0))
        .optional()?;
    Ok(n.map(|n| token(from_sql(n))))
}

/// The token of a conversation or of somebody, made if there is none.
pub(crate) fn made_tag(db: &Connection, name: &[u8]) -> Result<String, StoreError> {
    if let Some(tag) = tag(db, name)? {
        return Ok(tag);
    }
    db.prepare_cached("INSERT INTO search_tag(name) VALUES(?1)")?.execute([name])?;
    Ok(token(from_sql(db.last_insert_rowid())))
}

/// Forgets the whole index, to be made anew from the messages that are there.
pub(crate) fn restart(db: &Connection) -> Result<(), StoreError> {
    db.execute_batch(
        "INSERT INTO search(search) VALUES('delete-all');
         DELETE FROM search_row;
         INSERT OR IGNORE INTO search_todo(message)
            SELECT row FROM message WHERE text <> '' AND state IN (0, 1, 7);",
    )?;
    Ok(())
}

/// One private character for the first 6,400, more for the others.
fn token(mut n: u64) -> String {
    let mut token = String::new();
    loop {
        let digit = u32::try_from(n % TAGS).unwrap_or(0);
        token.extend(char::from_u32(FIRST_TAG + digit));
        n /= TAGS;
        if n == 0 {
            return token;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_apart_from_each_other() {
        let tokens: std::collections::HashSet<_> = (0..20_000).map(token).collect();
        assert_eq!(tokens.len(), 20_000);
        assert_eq!(token(1), "\u{e001}");
        assert_eq!(token(6_400), "\u{e000}\u{e001}");
    }

    #[test]
    fn a_message_that_waits_to_be_found_may_change_by_any_statement() {
        let db = Connection::open_in_memory().unwrap();
        super::super::prepare(&db).unwrap();
        for text in ["ciao", "ciao a tutti"] {
            db.execute(
                "INSERT INTO message(conversation, id, account, device, epoch, sent_at, state, text)
                 VALUES(x'aa', x'bb', x'cc', x'dd', 0, 0, 1, ?1)
                 ON CONFLICT(conversation, id) DO UPDATE SET text = excluded.text",
                [text],
            )
            .unwrap();
        }
        assert!(waits(&db).unwrap());
    }
}
