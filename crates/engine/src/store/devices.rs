//! What this device opens with, and when the account's others were seen.

use diario_protocol::{DeviceId, Timestamp};
use rusqlite::{Connection, OptionalExtension, params};

use super::{StoreError, from_sql, to_sql};
use crate::crypto::hpke::HpkeSecret;

/// What opens that which others seal for this device alone.
pub(crate) fn secret(db: &Connection) -> Result<Option<HpkeSecret>, StoreError> {
    Ok(db
        .prepare_cached("SELECT hpke FROM device_secret")?
        .query_row([], |row| row.get::<_, [u8; 32]>(0))
        .optional()?
        .map(HpkeSecret::from_bytes))
}

pub(crate) fn save_secret(db: &Connection, secret: &HpkeSecret) -> Result<(), StoreError> {
    db.prepare_cached("INSERT OR REPLACE INTO device_secret(one, hpke) VALUES(1, ?1)")?
        .execute([secret.as_bytes()])?;
    Ok(())
}

/// Forgets it: what was sealed for it cannot be opened here again.
pub(crate) fn drop_secret(db: &Connection) -> Result<(), StoreError> {
    db.execute_batch("DELETE FROM device_secret")?;
    Ok(())
}

/// When a device was connected last, as far as the server has told.
pub(crate) fn seen_at(db: &Connection, device: DeviceId) -> Result<Option<Timestamp>, StoreError> {
    let at: Option<i64> = db
        .prepare_cached("SELECT at FROM device_seen WHERE device = ?1")?
        .query_row([device.as_bytes()], |row| row.get(0))
        .optional()?;
    Ok(at.map(|at| Timestamp(from_sql(at))))
}

pub(crate) fn save_seen(db: &Connection, device: DeviceId, at: Timestamp) -> Result<(), StoreError> {
    db.prepare_cached("INSERT OR REPLACE INTO device_seen(device, at) VALUES(?1, ?2)")?
        .execute(params![device.as_bytes(), to_sql(at.0)])?;
    Ok(())
}
