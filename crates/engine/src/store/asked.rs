//! What is known of keys that are asked for: by this device, and by others of it.

use std::collections::BTreeMap;

use diario_protocol::{AccountId, ConversationId, DeviceId, Epoch, Timestamp};
use rusqlite::{Connection, OptionalExtension, params};

use super::{StoreError, from_sql, id, to_sql};
use crate::crypto::hpke::HpkeSecret;

/// The ask of this device's that stands in a conversation.
#[derive(Debug)]
pub(crate) struct StandingAsk {
    pub(crate) secret: HpkeSecret,
    /// Encoded list of epochs.
    pub(crate) wanted: Vec<u8>,
    pub(crate) asked_at: Timestamp,
}

/// An opened slot, with who wrote it.
#[derive(Debug)]
pub(crate) struct SignedSlot {
    pub(crate) name: String,
    pub(crate) value: Vec<u8>,
    pub(crate) account: AccountId,
    pub(crate) device: DeviceId,
}

/// Epochs in which something cannot be read for want of the key, oldest first.
pub(crate) fn waited_for(db: &Connection) -> Result<BTreeMap<ConversationId, Vec<Epoch>>, StoreError> {
    let mut statement = db.prepare_cached(
        "SELECT conversation, epoch FROM message INDEXED BY message_waiting WHERE sealed IS NOT NULL AND state = 2
         UNION
         SELECT s.conversation, s.epoch FROM slot s WHERE s.sealed IS NOT NULL AND NOT EXISTS (
             SELECT 1 FROM key k WHERE k.conversation = s.conversation AND k.epoch = s.epoch)
         ORDER BY 1, 2",
    )?;
    let mut rows = statement.query([])?;
    let mut found: BTreeMap<ConversationId, Vec<Epoch>> = BTreeMap::new();
    while let Some(row) = rows.next()? {
        let conversation = ConversationId::new(row.get(0)?);
        found.entry(conversation).or_default().push(Epoch(from_sql(row.get(1)?)));
    }
    Ok(found)
}

/// The ask that stands in a conversation.
pub(crate) fn standing(
    db: &Connection,
    conversation: ConversationId,
) -> Result<Option<StandingAsk>, StoreError> {
    Ok(db
        .prepare_cached("SELECT secret, wanted, asked_at FROM asked WHERE conversation = ?1")?
        .query_row([conversation.as_bytes()], |row| {
            Ok(StandingAsk {
                secret: HpkeSecret::from_bytes(row.get(0)?),
                wanted: row.get(1)?,
                asked_at: Timestamp(from_sql(row.get(2)?)),
            })
        })
        .optional()?)
}

/// Keeps the ask that stands in a conversation, in place of the one before.
pub(crate) fn save(
    db: &Connection,
    conversation: ConversationId,
    ask: &StandingAsk,
) -> Result<(), StoreError> {
    db.prepare_cached(
        "INSERT OR REPLACE INTO asked(conversation, secret, wanted, asked_at) VALUES(?1, ?2, ?3, ?4)",
    )?
    .execute(params![
        conversation.as_bytes(),
        ask.secret.as_bytes(),
        ask.wanted,
        to_sql(ask.asked_at.0),
    ])?;
    Ok(())
}

/// The ask is told anew as soon as it can be.
pub(crate) fn tell_anew(db: &Connection, conversation: ConversationId) -> Result<(), StoreError> {
    db.prepare_cached("UPDATE asked SET asked_at = 0 WHERE conversation = ?1")?
        .execute([conversation.as_bytes()])?;
    Ok(())
}

/// Conversations in which an ask stands.
pub(crate) fn asked_in(db: &Connection) -> Result<Vec<ConversationId>, StoreError> {
    let mut statement = db.prepare_cached("SELECT conversation FROM asked")?;
    let rows = statement.query_map([], |row| row.get::<_, [u8; 16]>(0))?;
    Ok(rows.map(|row| row.map(ConversationId::new)).collect::<Result<_, _>>()?)
}

/// Nothing is asked for in a conversation any more: the secret goes, and with it whatever was sealed to it.
pub(crate) fn forget(db: &Connection, conversation: ConversationId) -> Result<(), StoreError> {
    for table in ["asked", "wrong_answer"] {
        db.prepare_cached(&format!("DELETE FROM {table} WHERE conversation = ?1"))?
            .execute([conversation.as_bytes()])?;
    }
    Ok(())
}

/// Notes that a device answered with a wrong key.
pub(crate) fn answered_wrongly(
    db: &Connection,
    conversation: ConversationId,
    epoch: Epoch,
    device: DeviceId,
) -> Result<(), StoreError> {
    db.prepare_cached("INSERT OR IGNORE INTO wrong_answer(conversation, epoch, device) VALUES(?1, ?2, ?3)")?
        .execute(params![conversation.as_bytes(), to_sql(epoch.0), device.as_bytes()])?;
    Ok(())
}

/// Devices that answered with a wrong key for an epoch, up to `most`.
pub(crate) fn wrong_answers(
    db: &Connection,
    conversation: ConversationId,
    epoch: Epoch,
    most: usize,
) -> Result<Vec<DeviceId>, StoreError> {
    let mut statement = db.prepare_cached(
        "SELECT device FROM wrong_answer WHERE conversation = ?1 AND epoch = ?2 ORDER BY device LIMIT ?3",
    )?;
    let most = i64::try_from(most).unwrap_or(i64::MAX);
    let rows = statement.query_map(params![conversation.as_bytes(), to_sql(epoch.0), most], |row| {
        row.get::<_, [u8; 16]>(0)
    })?;
    Ok(rows.map(|row| row.map(DeviceId::new)).collect::<Result<_, _>>()?)
}

/// Notes who is in a conversation in an epoch that a device of the account is in the group in.
pub(crate) fn live_through(
    db: &Connection,
    conversation: ConversationId,
    epoch: Epoch,
    accounts: impl IntoIterator<Item = AccountId>,
) -> Result<(), StoreError> {
    let mut accounts: Vec<_> = accounts.into_iter().collect();
    accounts.sort_unstable();
    let accounts: Vec<u8> = accounts.iter().flat_map(|a| *a.as_bytes()).collect();
    // Only epochs without a break in between: of one that it was not there for, this device says nothing.
    let same = db
        .prepare_cached(
            "UPDATE lived SET last = max(last, ?2) WHERE conversation = ?1 AND accounts = ?3
             AND first <= ?2 AND last >= ?2 - 1
             AND first = (SELECT max(first) FROM lived WHERE conversation = ?1 AND first <= ?2)",
        )?
        .execute(params![conversation.as_bytes(), to_sql(epoch.0), accounts])?;
    if same == 0 {
        db.prepare_cached(
            "INSERT OR REPLACE INTO lived(conversation, first, last, accounts) VALUES(?1, ?2, ?2, ?3)",
        )?
        .execute(params![conversation.as_bytes(), to_sql(epoch.0), accounts])?;
    }
    Ok(())
}

/// Who was in a conversation in an epoch, sorted; `None` if no device of the account that was there has told.
pub(crate) fn accounts_in(
    db: &Connection,
    conversation: ConversationId,
    epoch: Epoch,
) -> Result<Option<Vec<AccountId>>, StoreError> {
    let row: Option<Vec<u8>> = db
        .prepare_cached(
            "SELECT accounts FROM lived WHERE conversation = ?1 AND first <= ?2 AND last >= ?2
             ORDER BY first DESC LIMIT 1",
        )?
        .query_row(params![conversation.as_bytes(), to_sql(epoch.0)], |row| row.get(0))
        .optional()?;
    row.map(|row| row.chunks(16).map(|bytes| id(bytes, AccountId::from_slice)).collect()).transpose()
}

/// Forgets who was in a group that never came to be.
pub(crate) fn forget_lived(db: &Connection, conversation: ConversationId) -> Result<(), StoreError> {
    db.prepare_cached("DELETE FROM lived WHERE conversation = ?1")?.execute([conversation.as_bytes()])?;
    Ok(())
}

/// Conversations with asks, of whomever.
pub(crate) fn with_asks(db: &Connection) -> Result<Vec<ConversationId>, StoreError> {
    let mut statement =
        db.prepare_cached("SELECT DISTINCT conversation FROM slot WHERE name >= 'ask/' AND name < 'ask0'")?;
    let rows = statement.query_map([], |row| row.get::<_, [u8; 16]>(0))?;
    Ok(rows.map(|row| row.map(ConversationId::new)).collect::<Result<_, _>>()?)
}

/// The opened slots whose name begins with `prefix`, which ends with a slash.
pub(crate) fn slots_under(
    db: &Connection,
    conversation: ConversationId,
    prefix: &str,
) -> Result<Vec<SignedSlot>, StoreError> {
    // '0' is the character after the slash.
    let end = format!("{}0", prefix.trim_end_matches('/'));
    let mut statement = db.prepare_cached(
        "SELECT name, value, account, device FROM slot
         WHERE conversation = ?1 AND name >= ?2 AND name < ?3 AND value IS NOT NULL ORDER BY name",
    )?;
    let rows = statement.query_map(params![conversation.as_bytes(), prefix, end], |row| {
        Ok(SignedSlot {
            name: row.get(0)?,
            value: row.get(1)?,
            account: AccountId::new(row.get(2)?),
            device: DeviceId::new(row.get(3)?),
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// How often a device was answered since `since`, and when that count began. One that began after `now`, by a clock
/// that was ahead, is none.
pub(crate) fn answers_since(
    db: &Connection,
    device: DeviceId,
    since: Timestamp,
    now: Timestamp,
) -> Result<Option<(u64, Timestamp)>, StoreError> {
    Ok(db
        .prepare_cached("SELECT times, since FROM answered WHERE device = ?1 AND since BETWEEN ?2 AND ?3")?
        .query_row(params![device.as_bytes(), to_sql(since.0), to_sql(now.0)], |row| {
            Ok((from_sql(row.get(0)?), Timestamp(from_sql(row.get(1)?))))
        })
        .optional()?)
}

/// Counts an answer to a device at `now`; a count that began before `since`, or after `now`, begins anew.
pub(crate) fn count_answer(
    db: &Connection,
    device: DeviceId,
    since: Timestamp,
    now: Timestamp,
) -> Result<(), StoreError> {
    db.prepare_cached(
        "INSERT INTO answered(device, since, times) VALUES(?1, ?3, 1) ON CONFLICT DO UPDATE SET
            times = CASE WHEN since BETWEEN ?2 AND ?3 THEN times + 1 ELSE 1 END,
            since = CASE WHEN since BETWEEN ?2 AND ?3 THEN since ELSE ?3 END",
    )?
    .execute(params![device.as_bytes(), to_sql(since.0), to_sql(now.0)])?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn store() -> Connection {
        let db = Connection::open_in_memory().unwrap();
        crate::store::prepare(&db).unwrap();
        db
    }

    #[test]
    fn a_device_speaks_only_of_epochs_that_it_lived_through() {
        let db = store();
        let c = ConversationId::new([1; 16]);
        let [a, b] = [2, 3].map(|n| AccountId::new([n; 16]));
        for epoch in [3, 4, 5] {
            live_through(&db, c, Epoch(epoch), [a]).unwrap();
        }
        live_through(&db, c, Epoch(6), [b, a]).unwrap();
        live_through(&db, c, Epoch(6), [a, b]).unwrap();
        // Away from 7 to 8.
        live_through(&db, c, Epoch(9), [a, b]).unwrap();
        live_through(&db, c, Epoch(10), [b]).unwrap();
        let was = |epoch, account| {
            accounts_in(&db, c, Epoch(epoch)).unwrap().is_some_and(|accounts| accounts.contains(&account))
        };
        assert_eq!(
            [2, 3, 4, 5, 6, 7, 8, 9, 10].map(|e| was(e, a)),
            [false, true, true, true, true, false, false, true, false]
        );
        assert_eq!(
            [3, 5, 6, 7, 9, 10, 11].map(|e| was(e, b)),
            [false, false, true, false, true, true, false]
        );
        let rows: i64 = db.query_row("SELECT count(*) FROM lived", [], |row| row.get(0)).unwrap();
        assert_eq!(rows, 4, "one row for each time that the same people were in");
    }

    #[test]
    fn answers_are_counted_by_the_hour() {
        let db = store();
        let device = DeviceId::new([1; 16]);
        for now in [100, 200, 300] {
            count_answer(&db, device, Timestamp(0), Timestamp(now)).unwrap();
        }
        let answers = |since, now| answers_since(&db, device, Timestamp(since), Timestamp(now)).unwrap();
        assert_eq!(answers(50, 300), Some((3, Timestamp(100))));
        assert_eq!(answers(150, 400), None);
        count_answer(&db, device, Timestamp(150), Timestamp(400)).unwrap();
        assert_eq!(answers(150, 400), Some((1, Timestamp(400))));
        // The clock was ahead, and was set.
        assert_eq!(answers(0, 50), None);
        count_answer(&db, device, Timestamp(0), Timestamp(50)).unwrap();
        assert_eq!(answers(0, 50), Some((1, Timestamp(50))));
    }
}
