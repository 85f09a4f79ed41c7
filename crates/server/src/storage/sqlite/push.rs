//! Push subscriptions, and the secrets of the installation.

use diario_protocol::{Bin, ConversationId, DeviceRef, PushSubscription, Refusal, Timestamp};
use rusqlite::{Connection, OptionalExtension as _, params};

use super::sql::{self, int};
use super::writer::{Outcome, Writer};
use crate::storage::Event;

impl Writer {
    /// See [`crate::storage::Storage::put_push`].
    pub(super) fn put_push(&mut self, device: DeviceRef, new: Option<PushSubscription>) -> Outcome<()> {
        let (account, id) = (device.account.as_bytes(), device.device.as_bytes());
        let known = "SELECT 1 FROM device WHERE account = ?1 AND id = ?2";
        if !self.db.prepare_cached(known)?.exists(params![account, id])? {
            return Err(Refusal::DeviceRevoked.into());
        }
        if let Some(new) = &new {
            let silent: Vec<u8> = new.silent.iter().flat_map(|id| *id.as_bytes()).collect();
            let put = "INSERT INTO push_subscription (account, device, endpoint, p256dh, auth, silent)
                VALUES (?1, ?2, ?3, ?4, ?5, ?6)
                ON CONFLICT (account, device) DO UPDATE SET endpoint = excluded.endpoint,
                    p256dh = excluded.p256dh, auth = excluded.auth, silent = excluded.silent";
            let values = params![account, id, new.endpoint, new.p256dh.0, new.auth.0, silent];
            self.db.prepare_cached(put)?.execute(values)?;
        } else {
            let delete = "DELETE FROM push_subscription WHERE account = ?1 AND device = ?2";
            self.db.prepare_cached(delete)?.execute(params![account, id])?;
        }
        self.events.push(Event::Push(device, new.map(|new| new.silent)));
        Ok(())
    }

    /// See [`crate::storage::Storage::drop_push`].
    pub(super) fn drop_push(&mut self, device: DeviceRef, endpoint: &str) -> Outcome<()> {
        let delete = "DELETE FROM push_subscription WHERE account = ?1 AND device = ?2 AND endpoint = ?3";
        let values = params![device.account.as_bytes(), device.device.as_bytes(), endpoint];
        if self.db.prepare_cached(delete)?.execute(values)? > 0 {
            self.events.push(Event::Push(device, None));
        }
        Ok(())
    }

    /// See [`crate::storage::Storage::secret`].
    pub(super) fn secret(&mut self, name: &str, fresh: &[u8]) -> Outcome<Vec<u8>> {
        let put = "INSERT OR IGNORE INTO meta (name, value) VALUES (?1, ?2)";
        self.db.prepare_cached(put)?.execute(params![name, fresh])?;
        let find = "SELECT value FROM meta WHERE name = ?1";
        Ok(self.db.prepare_cached(find)?.query_row([name], |row| row.get(0))?)
    }
}

/// See [`crate::storage::Storage::push`].
pub(super) fn push(db: &Connection, device: DeviceRef, now: Timestamp) -> Outcome<Option<PushSubscription>> {
    let find = "SELECT p.endpoint, p.p256dh, p.auth, p.silent FROM push_subscription p
        JOIN device d ON d.account = p.account AND d.id = p.device
        WHERE p.account = ?1 AND p.device = ?2 AND d.valid_until > ?3";
    let values = params![device.account.as_bytes(), device.device.as_bytes(), int(now.0)];
    let found = db.prepare_cached(find)?.query_row(values, |row| {
        Ok(PushSubscription {
            endpoint: row.get(0)?,
            p256dh: sql::bin(row, 1)?,
            auth: sql::bin(row, 2)?,
            silent: conversations(&sql::bin(row, 3)?),
        })
    });
    Ok(found.optional()?)
}

/// See [`crate::storage::Storage::pushes`].
pub(super) fn pushes(db: &Connection) -> Outcome<Vec<(DeviceRef, Vec<ConversationId>)>> {
    let mut find = db.prepare("SELECT account, device, silent FROM push_subscription")?;
    let found = find.query_map([], |row| {
        let device = DeviceRef { account: sql::account(row, 0)?, device: sql::device(row, 1)? };
        Ok((device, conversations(&sql::bin(row, 2)?)))
    })?;
    Ok(found.collect::<Result<_, _>>()?)
}

fn conversations(ids: &Bin) -> Vec<ConversationId> {
    ids.chunks_exact(ConversationId::LEN).filter_map(ConversationId::from_slice).collect()
}
