//! Between the protocol's types and SQLite's.

use diario_protocol::device_list::DeviceRole;
use diario_protocol::{
    AccountId, Bin, Body, ConversationId, ConversationKind, DeviceId, Digest, EntryId, EntryKind, Epoch,
    LogHash, Position, PublicKey, RecoveryId, Seq, Slot, SlotKey, SlotVersion, Timestamp,
};
use rusqlite::config::DbConfig;
use rusqlite::types::{FromSqlError, Type};
use rusqlite::{Connection, Error, Result, Row};

/// What a statement does is decided once, not anew for each value that is bound: where an index is partial, SQLite would
/// otherwise prepare it at every run.
pub(super) fn plan_once(db: &Connection) -> Result<()> {
    db.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true).map(drop)
}

/// "Without end", for times and sequences.
pub(super) const FOREVER: i64 = i64::MAX;

/// Kinds of diary rows.
pub(super) mod diary {
    pub(in super::super) const ENTRY: i64 = 0;
    pub(in super::super) const SLOT: i64 = 1;
    pub(in super::super) const DEVICE_LIST: i64 = 2;
    pub(in super::super) const JOINED: i64 = 3;
    pub(in super::super) const LEFT: i64 = 4;
    pub(in super::super) const WELCOME: i64 = 5;
    pub(in super::super) const RETENTION: i64 = 6;
}

/// Columns of `log` that [`entry`] reads, from index 0.
pub(super) const ENTRY_COLUMNS: &str =
    "seq, id, kind, epoch, account, device, annotates, received_at, erased, digest, body";
/// Columns of `slot` that [`slot`] reads, from index 0.
pub(super) const SLOT_COLUMNS: &str = "key, version, epoch, account, device, body";

/// A number for SQLite, whose integers are signed; what does not fit is without end anyway.
pub(super) fn int(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(FOREVER)
}

/// A number out of SQLite.
pub(super) fn uint(row: &Row<'_>, index: usize) -> Result<u64> {
    let n: i64 = row.get(index)?;
    u64::try_from(n).map_err(|_| Error::IntegralValueOutOfRange(index, n))
}

pub(super) fn bytes<const N: usize>(row: &Row<'_>, index: usize) -> Result<[u8; N]> {
    let value = row.get_ref(index)?;
    let slice = value.as_blob().map_err(|e| wrong(index, e))?;
    slice
        .try_into()
        .map_err(|_| wrong(index, FromSqlError::InvalidBlobSize { expected_size: N, blob_size: slice.len() }))
}

fn wrong(index: usize, e: FromSqlError) -> Error {
    Error::FromSqlConversionFailure(index, Type::Blob, Box::new(e))
}

pub(super) fn bin(row: &Row<'_>, index: usize) -> Result<Bin> {
    Ok(Bin(row.get(index)?))
}

macro_rules! id {
    ($($name:ident: $ty:ident;)*) => {
        $(pub(super) fn $name(row: &Row<'_>, index: usize) -> Result<$ty> {
            bytes(row, index).map($ty::new)
        })*
    };
}

id! {
    account: AccountId;
    device: DeviceId;
    conversation: ConversationId;
    public_key: PublicKey;
    recovery: RecoveryId;
    slot_key: SlotKey;
}

pub(super) fn hash(row: &Row<'_>, index: usize) -> Result<LogHash> {
    Ok(LogHash(Digest::new(bytes(row, index)?)))
}

pub(super) fn timestamp(row: &Row<'_>, index: usize) -> Result<Timestamp> {
    uint(row, index).map(Timestamp)
}

/// A time that may be without end.
pub(super) fn until(row: &Row<'_>, index: usize) -> Result<Option<Timestamp>> {
    Ok(Some(timestamp(row, index)?).filter(|t| *t != Timestamp(FOREVER.unsigned_abs())))
}

pub(super) fn position(row: &Row<'_>, index: usize) -> Result<Position> {
    uint(row, index).map(Position)
}

pub(super) fn role_to_int(role: DeviceRole) -> i64 {
    match role {
        DeviceRole::Primary => 0,
        DeviceRole::Linked => 1,
    }
}

pub(super) fn role(row: &Row<'_>, index: usize) -> Result<DeviceRole> {
    match row.get(index)? {
        0 => Ok(DeviceRole::Primary),
        1 => Ok(DeviceRole::Linked),
        n => Err(Error::IntegralValueOutOfRange(index, n)),
    }
}

pub(super) fn kind_to_int(kind: ConversationKind) -> i64 {
    match kind {
        ConversationKind::SelfConversation => 0,
        ConversationKind::Direct => 1,
        ConversationKind::Group => 2,
    }
}

pub(super) fn kind(row: &Row<'_>, index: usize) -> Result<ConversationKind> {
    match row.get(index)? {
        0 => Ok(ConversationKind::SelfConversation),
        1 => Ok(ConversationKind::Direct),
        2 => Ok(ConversationKind::Group),
        n => Err(Error::IntegralValueOutOfRange(index, n)),
    }
}

pub(super) fn entry_kind_to_int(kind: EntryKind) -> i64 {
    match kind {
        EntryKind::Application => 0,
        EntryKind::Commit => 1,
    }
}

/// An entry from [`ENTRY_COLUMNS`], beginning at column `at`.
pub(super) fn entry(
    row: &Row<'_>,
    at: usize,
    conversation: ConversationId,
) -> Result<diario_protocol::Entry> {
    let kind = match row.get(at + 2)? {
        0 => EntryKind::Application,
        1 => EntryKind::Commit,
        n => return Err(Error::IntegralValueOutOfRange(at + 2, n)),
    };
    let body = match row.get(at + 8)? {
        0 => Body::Present(bin(row, at + 10)?),
        1 => Body::Erased(Digest::new(bytes(row, at + 9)?)),
        2 => Body::Gone(Digest::new(bytes(row, at + 9)?)),
        n => return Err(Error::IntegralValueOutOfRange(at + 8, n)),
    };
    Ok(diario_protocol::Entry {
        conversation,
        seq: Seq(uint(row, at)?),
        id: EntryId::new(bytes(row, at + 1)?),
        kind,
        epoch: Epoch(uint(row, at + 3)?),
        account: account(row, at + 4)?,
        device: device(row, at + 5)?,
        annotates: Some(Seq(uint(row, at + 6)?)).filter(|s| s.0 != 0),
        received_at: timestamp(row, at + 7)?,
        body,
    })
}

/// A slot from [`SLOT_COLUMNS`].
pub(super) fn slot(row: &Row<'_>, conversation: ConversationId) -> Result<Slot> {
    Ok(Slot {
        conversation,
        key: slot_key(row, 0)?,
        version: SlotVersion(uint(row, 1)?),
        epoch: Epoch(uint(row, 2)?),
        account: account(row, 3)?,
        device: device(row, 4)?,
        body: bin(row, 5)?,
    })
}
