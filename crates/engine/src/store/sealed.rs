//! Conversation keys, slots, and the commit that waits for its place in the log.

use diario_protocol::{
    AccountId, Commit, ConversationId, DeviceId, EntryId, Epoch, Slot, SlotKey, SlotVersion,
};
use minicbor::{Decode, Encode};
use rusqlite::{Connection, OptionalExtension, params};

use super::{StoreError, from_sql, to_sql};
use crate::crypto::key::ConversationKey;

/// What a slot's seal holds: its name, which its key is the hash of, and its value.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub(crate) struct NamedValue {
    #[n(0)]
    pub(crate) name: String,
    #[cbor(n(1), with = "minicbor::bytes")]
    pub(crate) value: Vec<u8>,
    /// Whether the server gives it out with `heads`.
    #[n(2)]
    pub(crate) head: bool,
}

pub(crate) fn key(
    db: &Connection,
    conversation: ConversationId,
    epoch: Epoch,
) -> Result<Option<ConversationKey>, StoreError> {
    let row: Option<Vec<u8>> = db
        .prepare_cached("SELECT secret FROM key WHERE conversation = ?1 AND epoch = ?2")?
        .query_row(params![conversation.as_bytes(), to_sql(epoch.0)], |row| row.get(0))
        .optional()?;
    row.map(|secret| {
        ConversationKey::from_slice(&secret).ok_or(StoreError::Damaged("a key of the wrong length"))
    })
    .transpose()
}

/// Stores a key; says whether it was not there before, or another one was.
pub(crate) fn save_key(
    db: &Connection,
    conversation: ConversationId,
    epoch: Epoch,
    secret: &ConversationKey,
    in_keyring: bool,
) -> Result<bool, StoreError> {
    if key(db, conversation, epoch)?.as_ref() == Some(secret) {
        if in_keyring {
            mark_in_keyring(db, conversation, epoch)?;
        }
        return Ok(false);
    }
    db.prepare_cached(
        "INSERT OR REPLACE INTO key(conversation, epoch, secret, in_keyring) VALUES(?1, ?2, ?3, ?4)",
    )?
    .execute(params![conversation.as_bytes(), to_sql(epoch.0), secret.as_bytes(), in_keyring])?;
    Ok(true)
}

pub(crate) fn mark_in_keyring(
    db: &Connection,
    conversation: ConversationId,
    epoch: Epoch,
) -> Result<(), StoreError> {
    db.prepare_cached("UPDATE key SET in_keyring = 1 WHERE conversation = ?1 AND epoch = ?2")?
        .execute(params![conversation.as_bytes(), to_sql(epoch.0)])?;
    Ok(())
}

/// The keys of a conversation's newest epochs, of those that are in the keyring.
pub(crate) fn newest_keys(
    db: &Connection,
    conversation: ConversationId,
    most: usize,
) -> Result<Vec<(Epoch, ConversationKey)>, StoreError> {
    let mut statement = db.prepare_cached(
        "SELECT epoch, secret FROM key WHERE conversation = ?1 AND in_keyring = 1 ORDER BY epoch DESC LIMIT ?2",
    )?;
    let rows = statement.query_map(params![conversation.as_bytes(), to_sql(most as u64)], |row| {
        Ok((row.get::<_, i64>(0)?, row.get::<_, Vec<u8>>(1)?))
    })?;
    rows.map(|row| {
        let (epoch, secret) = row?;
        let secret =
            ConversationKey::from_slice(&secret).ok_or(StoreError::Damaged("a key of the wrong length"))?;
        Ok((Epoch(from_sql(epoch)), secret))
    })
    .collect()
}

/// Up to `most` epochs without a key here, of which an entry or a slot is here.
pub(crate) fn epochs_waited_for(
    db: &Connection,
    most: usize,
) -> Result<Vec<(ConversationId, Epoch)>, StoreError> {
    let mut statement = db.prepare_cached(
        "SELECT conversation, epoch FROM (
            SELECT DISTINCT conversation, epoch FROM message INDEXED BY message_waiting WHERE sealed IS NOT NULL
            UNION SELECT DISTINCT conversation, epoch FROM slot INDEXED BY slot_waiting WHERE sealed IS NOT NULL) w
         WHERE NOT EXISTS (SELECT 1 FROM key k WHERE k.conversation = w.conversation AND k.epoch = w.epoch)
         ORDER BY conversation, epoch DESC LIMIT ?1",
    )?;
    let rows = statement
        .query_map([to_sql(most as u64)], |row| Ok((row.get::<_, [u8; 16]>(0)?, row.get::<_, i64>(1)?)))?;
    rows.map(|row| row.map(|(c, e)| (ConversationId::new(c), Epoch(from_sql(e)))).map_err(StoreError::from))
        .collect()
}

/// Epochs of a conversation whose key is here, oldest first.
pub(crate) fn epochs_with_key(
    db: &Connection,
    conversation: ConversationId,
) -> Result<Vec<Epoch>, StoreError> {
    let mut statement = db.prepare_cached("SELECT epoch FROM key WHERE conversation = ?1 ORDER BY epoch")?;
    let rows = statement.query_map([conversation.as_bytes()], |row| row.get(0))?;
    Ok(rows.map(|row| row.map(|epoch| Epoch(from_sql(epoch)))).collect::<Result<_, _>>()?)
}

/// Forgets the keys of a group that never came to be.
pub(crate) fn forget_keys(db: &Connection, conversation: ConversationId) -> Result<(), StoreError> {
    db.prepare_cached("DELETE FROM key WHERE conversation = ?1")?.execute([conversation.as_bytes()])?;
    Ok(())
}

/// Keys that the keyring lacks, as far as this device knows.
pub(crate) fn keys_not_in_keyring(
    db: &Connection,
    most: usize,
) -> Result<Vec<(ConversationId, Epoch, ConversationKey)>, StoreError> {
    let mut statement =
        db.prepare_cached("SELECT conversation, epoch, secret FROM key WHERE in_keyring = 0 LIMIT ?1")?;
    let rows = statement.query_map([i64::try_from(most).unwrap_or(i64::MAX)], |row| {
        Ok((row.get::<_, [u8; 16]>(0)?, row.get::<_, i64>(1)?, row.get::<_, Vec<u8>>(2)?))
    })?;
    rows.map(|row| {
        let (conversation, epoch, secret) = row?;
        let secret =
            ConversationKey::from_slice(&secret).ok_or(StoreError::Damaged("a key of the wrong length"))?;
        Ok((ConversationId::new(conversation), Epoch(from_sql(epoch)), secret))
    })
    .collect()
}

/// Version of a slot as known here; 0 for none.
pub(crate) fn slot_version(
    db: &Connection,
    conversation: ConversationId,
    slot: SlotKey,
) -> Result<SlotVersion, StoreError> {
    let row: Option<i64> = db
        .prepare_cached("SELECT version FROM slot WHERE conversation = ?1 AND key = ?2")?
        .query_row(params![conversation.as_bytes(), slot.as_bytes()], |row| row.get(0))
        .optional()?;
    Ok(SlotVersion(row.map_or(0, from_sql)))
}

/// Whether a slot is here, and sealed under a key that is not.
pub(crate) fn waits_for_key(
    db: &Connection,
    conversation: ConversationId,
    slot: SlotKey,
) -> Result<bool, StoreError> {
    Ok(db
        .prepare_cached(
            "SELECT 1 FROM slot s WHERE s.conversation = ?1 AND s.key = ?2 AND s.sealed IS NOT NULL
             AND NOT EXISTS (SELECT 1 FROM key k WHERE k.conversation = s.conversation AND k.epoch = s.epoch)",
        )?
        .exists(params![conversation.as_bytes(), slot.as_bytes()])?)
}

/// Stores a slot: opened, or sealed while it cannot be.
pub(crate) fn save_slot(db: &Connection, slot: &Slot, opened: Option<&NamedValue>) -> Result<(), StoreError> {
    db.prepare_cached(
        "INSERT OR REPLACE INTO slot(conversation, key, version, epoch, account, device, name, value, sealed)
         VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
    )?
    .execute(params![
        slot.conversation.as_bytes(),
        slot.key.as_bytes(),
        to_sql(slot.version.0),
        to_sql(slot.epoch.0),
        slot.account.as_bytes(),
        slot.device.as_bytes(),
        opened.map(|v| v.name.as_str()),
        opened.map(|v| v.value.as_slice()),
        opened.is_none().then_some(slot.body.as_ref()),
    ])?;
    Ok(())
}

/// Slots of an epoch that wait to be opened.
pub(crate) fn waiting_slots(
    db: &Connection,
    conversation: ConversationId,
    epoch: Epoch,
) -> Result<Vec<Slot>, StoreError> {
    let mut statement = db.prepare_cached(
        "SELECT key, version, account, device, sealed FROM slot
         WHERE conversation = ?1 AND epoch = ?2 AND sealed IS NOT NULL",
    )?;
    let rows = statement.query_map(params![conversation.as_bytes(), to_sql(epoch.0)], |row| {
        Ok(Slot {
            conversation,
            key: SlotKey::new(row.get(0)?),
            version: SlotVersion(from_sql(row.get(1)?)),
            epoch,
            account: AccountId::new(row.get(2)?),
            device: DeviceId::new(row.get(3)?),
            body: row.get::<_, Vec<u8>>(4)?.into(),
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Accounts that wrote slots here with devices that are not known.
pub(crate) fn accounts_of_unknown_devices(db: &Connection) -> Result<Vec<AccountId>, StoreError> {
    let mut statement = db.prepare_cached(
        "SELECT DISTINCT s.account FROM slot AS s INDEXED BY slot_waiting WHERE s.sealed IS NOT NULL
         AND NOT EXISTS (SELECT 1 FROM account_device AS d WHERE d.account = s.account AND d.device = s.device)",
    )?;
    let rows = statement.query_map([], |row| row.get::<_, [u8; 16]>(0))?;
    Ok(rows.map(|row| row.map(AccountId::new)).collect::<Result<_, _>>()?)
}

/// Slots that an account's devices wrote and that wait to be opened.
pub(crate) fn waiting_slots_by(db: &Connection, account: AccountId) -> Result<Vec<Slot>, StoreError> {
    let mut statement = db.prepare_cached(
        "SELECT conversation, key, version, epoch, device, sealed FROM slot
         WHERE account = ?1 AND sealed IS NOT NULL",
    )?;
    let rows = statement.query_map([account.as_bytes()], |row| {
        Ok(Slot {
            conversation: ConversationId::new(row.get(0)?),
            key: SlotKey::new(row.get(1)?),
            version: SlotVersion(from_sql(row.get(2)?)),
            epoch: Epoch(from_sql(row.get(3)?)),
            account,
            device: DeviceId::new(row.get(4)?),
            body: row.get::<_, Vec<u8>>(5)?.into(),
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// An opened slot's value by name.
pub(crate) fn value(
    db: &Connection,
    conversation: ConversationId,
    name: &str,
) -> Result<Option<Vec<u8>>, StoreError> {
    let slot = SlotKey::of_name(conversation, name);
    let row: Option<Option<Vec<u8>>> = db
        .prepare_cached("SELECT value FROM slot WHERE conversation = ?1 AND key = ?2")?
        .query_row(params![conversation.as_bytes(), slot.as_bytes()], |row| row.get(0))
        .optional()?;
    Ok(row.flatten())
}

/// An opened slot's value by name, with the device that wrote it.
pub(crate) fn written(
    db: &Connection,
    conversation: ConversationId,
    name: &str,
) -> Result<Option<(DeviceId, Vec<u8>)>, StoreError> {
    let slot = SlotKey::of_name(conversation, name);
    let row: Option<(DeviceId, Option<Vec<u8>>)> = db
        .prepare_cached("SELECT device, value FROM slot WHERE conversation = ?1 AND key = ?2")?
        .query_row(params![conversation.as_bytes(), slot.as_bytes()], |row| {
            Ok((DeviceId::new(row.get(0)?), row.get(1)?))
        })
        .optional()?;
    Ok(row.and_then(|(device, value)| Some((device, value?))))
}

/// The commit of this device's that waits for its place in the log.
pub(crate) fn pending_commit(
    db: &Connection,
    conversation: ConversationId,
) -> Result<Option<Commit>, StoreError> {
    let row: Option<Vec<u8>> = db
        .prepare_cached("SELECT request FROM pending_commit WHERE conversation = ?1")?
        .query_row([conversation.as_bytes()], |row| row.get(0))
        .optional()?;
    row.map(|request| {
        diario_protocol::decode(&request, request.len())
            .map_err(|_| StoreError::Damaged("a commit that cannot be read"))
    })
    .transpose()
}

pub(crate) fn save_pending_commit(db: &Connection, commit: &Commit) -> Result<(), StoreError> {
    db.prepare_cached(
        "INSERT OR REPLACE INTO pending_commit(conversation, entry, epoch, request) VALUES(?1, ?2, ?3, ?4)",
    )?
    .execute(params![
        commit.conversation.as_bytes(),
        commit.id.as_bytes(),
        to_sql(commit.epoch.0),
        diario_protocol::encode(commit),
    ])?;
    Ok(())
}

pub(crate) fn drop_pending_commit(db: &Connection, conversation: ConversationId) -> Result<(), StoreError> {
    db.prepare_cached("DELETE FROM pending_commit WHERE conversation = ?1")?
        .execute([conversation.as_bytes()])?;
    Ok(())
}

/// Conversations whose own commit waits for its place.
pub(crate) fn pending_commits(db: &Connection) -> Result<Vec<(ConversationId, EntryId)>, StoreError> {
    let mut statement = db.prepare_cached("SELECT conversation, entry FROM pending_commit")?;
    let rows = statement.query_map([], |row| Ok((row.get::<_, [u8; 16]>(0)?, row.get::<_, [u8; 16]>(1)?)))?;
    rows.map(|row| row.map(|(c, e)| (ConversationId::new(c), EntryId::new(e))).map_err(StoreError::from))
        .collect()
}
