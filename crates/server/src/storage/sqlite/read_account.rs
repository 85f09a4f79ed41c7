//! Reads of accounts: devices, lists, diaries.

use diario_protocol::device_list::SignedDeviceList;
use diario_protocol::{
    AccountId, AccountInfo, AccountRef, Bin, Change, ConversationId, DeviceId, DeviceRef, Epoch, Position,
    PublicKey, Refusal, Seen, Seq, SlotKey, Timestamp, Username, What,
};
use rusqlite::{Connection, Error, OptionalExtension as _, Row, params};

use super::read_log;
use super::sql::{self, ENTRY_COLUMNS, diary, int};
use super::writer::Outcome;
use crate::storage::DeviceState;

/// See [`crate::storage::Storage::device`].
pub(super) fn device(db: &Connection, device: DeviceRef) -> Outcome<Option<DeviceState>> {
    let find = "SELECT d.key, d.role, d.valid_until, a.list_version, a.username,
            coalesce((SELECT position FROM diary WHERE account = ?1 ORDER BY position DESC LIMIT 1), 0),
            (SELECT count(*) FROM key_package WHERE account = ?1 AND device = ?2)
        FROM device d JOIN account a ON a.id = d.account WHERE d.account = ?1 AND d.id = ?2";
    let values = params![device.account.as_bytes(), device.device.as_bytes()];
    let found = db
        .prepare_cached(find)?
        .query_row(values, |row| {
            Ok(DeviceState {
                key: sql::public_key(row, 0)?,
                role: sql::role(row, 1)?,
                valid_until: sql::until(row, 2)?,
                list_version: sql::uint(row, 3)?,
                username: username(row, 4)?,
                head: sql::position(row, 5)?,
                key_packages: row.get(6)?,
            })
        })
        .optional()?;
    Ok(found)
}

fn username(row: &Row<'_>, index: usize) -> Result<Username, Error> {
    let text: String = row.get(index)?;
    text.parse().map_err(|e| Error::FromSqlConversionFailure(index, rusqlite::types::Type::Text, Box::new(e)))
}

/// See [`crate::storage::Storage::known`].
pub(super) fn known(
    db: &Connection,
    devices: &[DeviceRef],
    accounts: &[AccountId],
    now: Timestamp,
) -> Outcome<(Vec<Option<PublicKey>>, Vec<bool>)> {
    let mut keys = Vec::with_capacity(devices.len());
    let find = "SELECT key FROM device WHERE account = ?1 AND id = ?2 AND valid_until > ?3";
    for device in devices {
        let values = params![device.account.as_bytes(), device.device.as_bytes(), int(now.0)];
        keys.push(db.prepare_cached(find)?.query_row(values, |row| sql::public_key(row, 0)).optional()?);
    }
    let mut exist = Vec::with_capacity(accounts.len());
    for account in accounts {
        exist.push(db.prepare_cached("SELECT 1 FROM account WHERE id = ?1")?.exists([account.as_bytes()])?);
    }
    Ok((keys, exist))
}

/// See [`crate::storage::Storage::accounts`].
pub(super) fn accounts(db: &Connection, refs: &[AccountRef]) -> Outcome<Vec<Option<AccountInfo>>> {
    let mut found = Vec::with_capacity(refs.len());
    for wanted in refs {
        found.push(match wanted {
            AccountRef::Id(id) => account_info(db, *id)?,
            AccountRef::Name(name) => {
                let find = "SELECT id FROM account WHERE username = ?1";
                let id = db
                    .prepare_cached(find)?
                    .query_row([name.as_str()], |row| sql::account(row, 0))
                    .optional()?;
                id.map(|id| account_info(db, id)).transpose()?.flatten()
            }
        });
    }
    Ok(found)
}

pub(super) fn account_info(db: &Connection, id: AccountId) -> Result<Option<AccountInfo>, Error> {
    let find = "SELECT a.username, l.signed FROM account a
        JOIN device_list l ON l.account = a.id AND l.version = a.list_version WHERE a.id = ?1";
    db.prepare_cached(find)?
        .query_row([id.as_bytes()], |row| {
            Ok(AccountInfo { username: username(row, 0)?, list: SignedDeviceList(Bin(row.get(1)?)) })
        })
        .optional()
}

/// See [`crate::storage::Storage::device_lists`].
pub(super) fn device_lists(db: &Connection, account: AccountId) -> Outcome<Vec<SignedDeviceList>> {
    let find = "SELECT signed FROM device_list WHERE account = ?1 ORDER BY version";
    let (mut lists, mut size) = (Vec::new(), 0);
    for list in db.prepare_cached(find)?.query_map([account.as_bytes()], |row| sql::bin(row, 0))? {
        let list = list?;
        size += list.len();
        if size > read_log::ANSWER_BYTES {
            break;
        }
        lists.push(SignedDeviceList(list));
    }
    if lists.is_empty() { Err(Refusal::NotFound("account".into()).into()) } else { Ok(lists) }
}

/// See [`crate::storage::Storage::last_seen`].
pub(super) fn last_seen(db: &Connection, account: AccountId) -> Outcome<Vec<Seen>> {
    let find = "SELECT id, last_seen FROM device WHERE account = ?1";
    let seen = db
        .prepare_cached(find)?
        .query_map([account.as_bytes()], |row| {
            Ok(Seen { device: sql::device(row, 0)?, at: Some(sql::timestamp(row, 1)?) })
        })?
        .collect::<Result<Vec<_>, _>>()?;
    Ok(seen)
}

/// See [`crate::storage::Storage::changes_after`].
pub(super) fn changes_after(
    db: &Connection,
    account: AccountId,
    after: Position,
    bytes: usize,
) -> Outcome<(Vec<Change>, bool)> {
    let columns = ENTRY_COLUMNS.split(", ").map(|c| format!("l.{c}")).collect::<Vec<_>>().join(", ");
    let find = format!(
        "SELECT d.position, d.kind, d.subject, d.number, d.key, {columns} FROM diary d
        LEFT JOIN log l ON d.kind = 0 AND l.conversation = d.subject AND l.seq = d.number
        WHERE d.account = ?1 AND d.position > ?2 ORDER BY d.position"
    );
    let mut statement = db.prepare_cached(&find)?;
    let mut rows = statement.query(params![account.as_bytes(), int(after.0)])?;
    let (mut changes, mut size) = (Vec::new(), 0);
    while let Some(row) = rows.next()? {
        if size >= bytes {
            return Ok((changes, false));
        }
        if let Some(what) = change(db, account, row)? {
            size += size_of(&what);
            changes.push(Change { position: sql::position(row, 0)?, what });
        }
    }
    if changes.is_empty() {
        let head = "SELECT coalesce(max(position), 0) FROM diary WHERE account = ?1";
        let head = db.prepare_cached(head)?.query_row([account.as_bytes()], |row| sql::position(row, 0))?;
        if head < after {
            // The server was put back to an older state: the device must know, or it would wait for ever.
            return Err(Refusal::Invalid(format!("the diary ends at {head}")).into());
        }
    }
    Ok((changes, true))
}

/// What a diary row stands for; `None` where it is no longer there.
fn change(db: &Connection, account: AccountId, row: &Row<'_>) -> Result<Option<What>, Error> {
    let (kind, number): (i64, u64) = (row.get(1)?, sql::uint(row, 3)?);
    let subject: [u8; 16] = sql::bytes(row, 2)?;
    let conversation = ConversationId::new(subject);
    Ok(match kind {
        diary::ENTRY => Some(What::Entry(sql::entry(row, 5, conversation)?)),
        diary::SLOT => {
            let key = SlotKey::new(sql::bytes(row, 4)?);
            read_log::slot(db, conversation, key)?.map(What::Slot)
        }
        diary::DEVICE_LIST => account_info(db, AccountId::new(subject))?.map(What::DeviceList),
        diary::JOINED => read_log::membership(db, account, conversation, Seq(number))?.map(What::Joined),
        diary::LEFT => Some(What::Left(conversation, Seq(number))),
        diary::WELCOME => {
            let device = DeviceId::new(sql::bytes(row, 4)?);
            Some(What::Welcome(conversation, device, Epoch(number)))
        }
        diary::RETENTION => Some(What::Retention(conversation, super::retention::of(db, conversation)?)),
        other => return Err(Error::IntegralValueOutOfRange(1, other)),
    })
}

fn size_of(what: &What) -> usize {
    match what {
        What::Entry(entry) => read_log::entry_size(entry),
        What::Slot(slot) => 128 + slot.body.len(),
        What::DeviceList(info) => 64 + info.list.0.len(),
        What::Joined(membership) => 128 + 17 * membership.participants.len(),
        What::Echo(..) | What::Left(..) | What::Welcome(..) | What::Retention(..) => 128,
    }
}
