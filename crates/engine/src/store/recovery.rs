//! A recovery under way, what the vault has, and names that went over to other accounts.

use std::collections::BTreeMap;

use diario_protocol::device_list::SignedDeviceList;
use diario_protocol::{AccountId, ConversationId, Epoch, RecoveryId, Timestamp, Username, VaultMethod};
use rusqlite::{Connection, OptionalExtension, params};

use super::{StoreError, from_sql, to_sql};

/// Keeps a recovery that is about to be asked for.
pub(crate) fn begin(db: &Connection, list: &SignedDeviceList, epoch: Epoch) -> Result<(), StoreError> {
    db.prepare_cached("INSERT OR REPLACE INTO recovering(one, list, epoch) VALUES(1, ?1, ?2)")?
        .execute(params![list.0.as_ref(), to_sql(epoch.0)])?;
    Ok(())
}

/// The recovery that was asked for, and is not over.
pub(crate) fn under_way(db: &Connection) -> Result<Option<(SignedDeviceList, Epoch)>, StoreError> {
    Ok(db
        .prepare_cached("SELECT list, epoch FROM recovering")?
        .query_row([], |row| {
            Ok((SignedDeviceList(row.get::<_, Vec<u8>>(0)?.into()), Epoch(from_sql(row.get(1)?))))
        })
        .optional()?)
}

/// It is over.
pub(crate) fn end(db: &Connection) -> Result<(), StoreError> {
    db.prepare_cached("DELETE FROM recovering")?.execute([])?;
    Ok(())
}

/// Methods that the vault was last known to have.
pub(crate) fn vault(db: &Connection) -> Result<BTreeMap<RecoveryId, Epoch>, StoreError> {
    let mut statement = db.prepare_cached("SELECT method, epoch FROM vault")?;
    let rows =
        statement.query_map([], |row| Ok((RecoveryId::new(row.get(0)?), Epoch(from_sql(row.get(1)?)))))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Keeps what the vault has; says whether that is something new.
pub(crate) fn save_vault(db: &Connection, methods: &[VaultMethod]) -> Result<bool, StoreError> {
    let now: BTreeMap<_, _> = methods.iter().map(|m| (m.method, m.epoch)).collect();
    if vault(db)? == now {
        return Ok(false);
    }
    db.prepare_cached("DELETE FROM vault")?.execute([])?;
    for (method, epoch) in now {
        db.prepare_cached("INSERT INTO vault(method, epoch) VALUES(?1, ?2)")?
            .execute(params![method.as_bytes(), to_sql(epoch.0)])?;
    }
    Ok(true)
}

/// Whether a method was removed once.
pub(crate) fn is_gone(db: &Connection, method: RecoveryId) -> Result<bool, StoreError> {
    Ok(db.prepare_cached("SELECT 1 FROM method_gone WHERE method = ?1")?.exists([method.as_bytes()])?)
}

/// Remembers that a method was removed.
pub(crate) fn mark_gone(db: &Connection, method: RecoveryId) -> Result<(), StoreError> {
    db.prepare_cached("INSERT OR IGNORE INTO method_gone(method) VALUES(?1)")?
        .execute([method.as_bytes()])?;
    Ok(())
}

/// Values of a conversation's slots whose name begins so (the prefix ends with a slash), as the server has them and as
/// they wait to be sent.
pub(crate) fn slots_under(
    db: &Connection,
    own: ConversationId,
    prefix: &str,
) -> Result<Vec<(String, Vec<u8>)>, StoreError> {
    // '0' is the character after the slash.
    let end = format!("{}0", prefix.trim_end_matches('/'));
    let mut statement = db.prepare_cached(
        "SELECT name, value FROM slot WHERE conversation = ?1 AND name >= ?2 AND name < ?3 AND value IS NOT NULL",
    )?;
    let rows =
        statement.query_map(params![own.as_bytes(), prefix, end], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Payloads of the slot writes that wait in the outbox, whose name begins so, oldest first.
pub(crate) fn queued_under(
    db: &Connection,
    own: ConversationId,
    prefix: &str,
) -> Result<Vec<Vec<u8>>, StoreError> {
    let end = format!("{}0", prefix.trim_end_matches('/'));
    let mut statement = db.prepare_cached(
        "SELECT payload FROM outbox WHERE conversation = ?1 AND name >= ?2 AND name < ?3 ORDER BY id",
    )?;
    let rows = statement.query_map(params![own.as_bytes(), prefix, end], |row| row.get(0))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Notes whose a name is; gives the account that it was known for, if that is another.
pub(crate) fn note_name(
    db: &Connection,
    username: &Username,
    account: AccountId,
    now: Timestamp,
) -> Result<Option<AccountId>, StoreError> {
    let before: Option<[u8; 16]> = db
        .prepare_cached("SELECT account FROM known_name WHERE username = ?1")?
        .query_row([username.as_str()], |row| row.get(0))
        .optional()?;
    let before = before.map(AccountId::new);
    if before == Some(account) {
        return Ok(None);
    }
    db.prepare_cached("INSERT OR REPLACE INTO known_name(username, account) VALUES(?1, ?2)")?
        .execute(params![username.as_str(), account.as_bytes()])?;
    if let Some(before) = before {
        // The name means the newest account from here on; what the other one is called, the server will be asked.
        db.prepare_cached("UPDATE account SET username = NULL WHERE username = ?1 AND id = ?2")?
            .execute(params![username.as_str(), before.as_bytes()])?;
        db.prepare_cached(
            "INSERT OR REPLACE INTO key_change(username, before, now, at) VALUES(?1, ?2, ?3, ?4)",
        )?
        .execute(params![
            username.as_str(),
            before.as_bytes(),
            account.as_bytes(),
            to_sql(now.0)
        ])?;
    }
    Ok(before)
}

/// A name that went over to another account.
pub(crate) struct NameChange {
    pub(crate) username: String,
    pub(crate) before: AccountId,
    pub(crate) now: AccountId,
    pub(crate) at: Timestamp,
}

/// Names that went over to other accounts, the newest first.
pub(crate) fn name_changes(db: &Connection) -> Result<Vec<NameChange>, StoreError> {
    let mut statement =
        db.prepare_cached("SELECT username, before, now, at FROM key_change ORDER BY at DESC, username")?;
    let rows = statement.query_map([], |row| {
        Ok(NameChange {
            username: row.get(0)?,
            before: AccountId::new(row.get(1)?),
            now: AccountId::new(row.get(2)?),
            at: Timestamp(from_sql(row.get(3)?)),
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}
