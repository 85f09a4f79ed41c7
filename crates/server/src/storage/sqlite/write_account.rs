//! Writes to accounts: registration, device lists, key packages, invites.

use std::collections::BTreeSet;
use std::sync::Arc;

use diario_protocol::device_list::ValidatedDeviceList;
use diario_protocol::{
    AccountId, AccountInfo, Bin, ConversationId, DeviceId, DeviceRef, Refusal, Timestamp, Username, What,
};
use rusqlite::{OptionalExtension as _, params};
use sha2::{Digest as _, Sha256};

use super::sql::{self, FOREVER, diary, int};
use super::writer::{Outcome, Writer};
use crate::storage::{Event, NewAccount, NewKeyPackages};

impl Writer {
    /// See [`crate::storage::Storage::register`].
    pub(super) fn register(&mut self, new: &NewAccount) -> Outcome<()> {
        let account = new.list.account();
        if self.account_exists(account)? {
            return Err(Refusal::Exists.into());
        }
        let name = new.username.as_str();
        let taken = self.db.prepare_cached("SELECT 1 FROM account WHERE username = ?1")?.exists([name])?;
        let released = match &new.release {
            Some(code) => {
                super::vault::is_released(&self.db, &new.username, code, new.self_conversation.now)?
            }
            None => false,
        };
        if taken && !released {
            return Err(Refusal::NameTaken.into());
        }
        if self.conversation(new.self_conversation.conversation)?.is_some() {
            return Err(Refusal::Exists.into());
        }
        if let Some(code) = &new.invite {
            let used = "UPDATE invite SET uses = uses - 1 WHERE code = ?1 AND uses > 0";
            if self.db.prepare_cached(used)?.execute([invite_key(code)])? == 0 {
                return Err(Refusal::InviteNeeded.into());
            }
        }
        if taken {
            self.take_name(&new.username)?;
        }
        let version = int(new.list.list().version);
        let insert = "INSERT INTO account (id, username, list_version) VALUES (?1, ?2, ?3)";
        self.db.prepare_cached(insert)?.execute(params![account.as_bytes(), name, version])?;
        self.store_list(&new.list)?;
        for device in &new.list.list().devices {
            let device = DeviceRef { account, device: device.id() };
            self.store_key_packages(device, &new.key_packages)?;
        }
        self.insert_conversation(&new.self_conversation)?;
        Ok(())
    }

    /// See [`crate::storage::Storage::put_device_list`].
    pub(super) fn put_device_list(
        &mut self,
        by: DeviceId,
        list: &ValidatedDeviceList,
        now: Timestamp,
    ) -> Outcome<()> {
        let by = DeviceRef { account: list.account(), device: by };
        self.check_device(by, now)?;
        self.refuse_old(list)?;
        if !self.is_primary(by)? {
            return Err(Refusal::Invalid("only a primary device signs device lists".into()).into());
        }
        self.replace_list(list)
    }

    fn refuse_old(&self, list: &ValidatedDeviceList) -> Outcome<()> {
        let find = "SELECT list_version FROM account WHERE id = ?1";
        let account = list.account();
        let held = self.db.prepare_cached(find)?.query_row([account.as_bytes()], |row| sql::uint(row, 0))?;
        if list.list().version <= held { Err(Refusal::OldDeviceList(held).into()) } else { Ok(()) }
    }

    /// Puts a newer list in the place of an account's, and tells everybody who shares a conversation.
    pub(super) fn replace_list(&mut self, list: &ValidatedDeviceList) -> Outcome<()> {
        let account = list.account();
        self.refuse_old(list)?;
        let find = "SELECT username FROM account WHERE id = ?1";
        let username: String =
            self.db.prepare_cached(find)?.query_row([account.as_bytes()], |row| row.get(0))?;
        let username: Username = username.parse().map_err(|_| Refusal::StorageUnavailable)?;

        self.remove_unlisted(list)?;
        self.store_list(list)?;
        let update = "UPDATE account SET list_version = ?2 WHERE id = ?1";
        self.db.prepare_cached(update)?.execute(params![account.as_bytes(), int(list.list().version)])?;
        self.cache.forget_devices(account);
        self.forget_rosters(account)?;
        let info = AccountInfo { username, list: list.signed().clone() };
        let what = Arc::new(What::DeviceList(info));
        for reader in self.acquaintances(account)? {
            let (subject, version) = (account.as_bytes(), list.list().version);
            self.diary(reader, diary::DEVICE_LIST, subject, version, account.as_bytes(), Arc::clone(&what))?;
        }
        let listed = list.list().devices.iter().map(|d| (d.id(), d.valid_until)).collect();
        self.events.push(Event::Devices(account, listed));
        Ok(())
    }

    /// The account itself and all that share a conversation with it now.
    pub(super) fn acquaintances(
        &mut self,
        account: AccountId,
    ) -> Result<BTreeSet<AccountId>, rusqlite::Error> {
        let find = "SELECT DISTINCT other.account FROM member own
            JOIN member other ON other.conversation = own.conversation AND other.until = ?2
            WHERE own.account = ?1 AND own.until = ?2";
        let mut found: BTreeSet<AccountId> = self
            .db
            .prepare_cached(find)?
            .query_map(params![account.as_bytes(), FOREVER], |row| sql::account(row, 0))?
            .collect::<Result<_, _>>()?;
        found.insert(account);
        Ok(found)
    }

    /// Makes the next write to each of the account's conversations look at its roster again.
    fn forget_rosters(&mut self, account: AccountId) -> Result<(), rusqlite::Error> {
        let mut find = self.db.prepare_cached("SELECT conversation FROM member WHERE account = ?1")?;
        let mut rows = find.query([account.as_bytes()])?;
        while let Some(row) = rows.next()? {
            let id = sql::conversation(row, 0)?;
            if let Some(known) = self.cache.conversations.get_mut(&id) {
                known.roster = None;
            }
        }
        Ok(())
    }

    /// Drops devices that the new list lacks, with what is kept for them.
    fn remove_unlisted(&mut self, list: &ValidatedDeviceList) -> Result<(), rusqlite::Error> {
        let account = list.account();
        let had: Vec<DeviceId> = self
            .db
            .prepare_cached("SELECT id FROM device WHERE account = ?1")?
            .query_map([account.as_bytes()], |row| sql::device(row, 0))?
            .collect::<Result<_, _>>()?;
        for gone in had.into_iter().filter(|id| list.list().device(*id).is_none()) {
            let key = params![account.as_bytes(), gone.as_bytes()];
            let waiting: Vec<ConversationId> = self
                .db
                .prepare_cached("SELECT conversation FROM welcome WHERE account = ?1 AND device = ?2")?
                .query_map(key, |row| sql::conversation(row, 0))?
                .collect::<Result<_, _>>()?;
            for delete in [
                "DELETE FROM device WHERE account = ?1 AND id = ?2",
                "DELETE FROM key_package WHERE account = ?1 AND device = ?2",
                "DELETE FROM last_resort WHERE account = ?1 AND device = ?2",
                "DELETE FROM welcome WHERE account = ?1 AND device = ?2",
                "DELETE FROM push_subscription WHERE account = ?1 AND device = ?2",
            ] {
                self.db.prepare_cached(delete)?.execute(key)?;
            }
            for conversation in waiting {
                self.forget_unread_welcomes(conversation)?;
            }
        }
        Ok(())
    }

    fn store_list(&mut self, list: &ValidatedDeviceList) -> Result<(), rusqlite::Error> {
        let account = list.account();
        let insert = "INSERT INTO device_list (account, version, signed) VALUES (?1, ?2, ?3)";
        let values = params![account.as_bytes(), int(list.list().version), list.signed().0.0];
        self.db.prepare_cached(insert)?.execute(values)?;
        for device in &list.list().devices {
            let put = "INSERT INTO device (account, id, key, role, valid_until, last_seen, has_key_package)
                VALUES (?1, ?2, ?3, ?4, ?5, 0, 0)
                ON CONFLICT (account, id) DO UPDATE SET role = excluded.role, valid_until = excluded.valid_until";
            self.db.prepare_cached(put)?.execute(params![
                account.as_bytes(),
                device.id().as_bytes(),
                device.key.as_bytes(),
                sql::role_to_int(device.role),
                device.valid_until.map_or(FOREVER, |t| int(t.0)),
            ])?;
        }
        self.cache.forget_devices(account);
        Ok(())
    }

    /// See [`crate::storage::Storage::put_key_packages`].
    pub(super) fn put_key_packages(&mut self, device: DeviceRef, new: &NewKeyPackages) -> Outcome<()> {
        let key = params![device.account.as_bytes(), device.device.as_bytes()];
        let had = "SELECT has_key_package FROM device WHERE account = ?1 AND id = ?2";
        let had: Option<bool> = self.db.prepare_cached(had)?.query_row(key, |row| row.get(0)).optional()?;
        let Some(had) = had else { return Err(Refusal::DeviceRevoked.into()) };
        let count = "SELECT count(*) FROM key_package WHERE account = ?1 AND device = ?2";
        let count = self.db.prepare_cached(count)?.query_row(key, |row| sql::uint(row, 0))?;
        if count + new.one_time.len() as u64 > new.most as u64 {
            return Err(Refusal::TooMany("key packages".into(), new.most as u64).into());
        }
        self.store_key_packages(device, new)?;
        if !had {
            // From now on the device can be added, so its conversations want it.
            self.forget_rosters(device.account)?;
        }
        Ok(())
    }

    fn store_key_packages(&mut self, device: DeviceRef, new: &NewKeyPackages) -> Result<(), rusqlite::Error> {
        let (account, id) = (device.account.as_bytes(), device.device.as_bytes());
        for package in &new.one_time {
            let insert = "INSERT INTO key_package (account, device, body) VALUES (?1, ?2, ?3)";
            self.db.prepare_cached(insert)?.execute(params![account, id, package.0])?;
        }
        if let Some(package) = &new.last_resort {
            let put = "INSERT INTO last_resort (account, device, body) VALUES (?1, ?2, ?3)
                ON CONFLICT (account, device) DO UPDATE SET body = excluded.body";
            self.db.prepare_cached(put)?.execute(params![account, id, package.0])?;
        }
        if !new.one_time.is_empty() || new.last_resort.is_some() {
            let update = "UPDATE device SET has_key_package = 1 WHERE account = ?1 AND id = ?2";
            self.db.prepare_cached(update)?.execute(params![account, id])?;
        }
        Ok(())
    }

    /// See [`crate::storage::Storage::claim_key_packages`].
    pub(super) fn claim_key_packages(&mut self, devices: &[DeviceRef]) -> Outcome<Vec<Option<Bin>>> {
        let mut found = Vec::with_capacity(devices.len());
        for device in devices {
            found.push(self.claim(*device)?);
        }
        Ok(found)
    }

    fn claim(&mut self, device: DeviceRef) -> Result<Option<Bin>, rusqlite::Error> {
        let key = params![device.account.as_bytes(), device.device.as_bytes()];
        let one_time = "DELETE FROM key_package WHERE number = (
                SELECT min(number) FROM key_package WHERE account = ?1 AND device = ?2) RETURNING body";
        let one_time = self.db.prepare_cached(one_time)?.query_row(key, |row| sql::bin(row, 0)).optional()?;
        if one_time.is_some() {
            let left = "SELECT 1 FROM key_package WHERE account = ?1 AND device = ?2
                UNION ALL SELECT 1 FROM last_resort WHERE account = ?1 AND device = ?2";
            if !self.db.prepare_cached(left)?.exists(key)? {
                let none = "UPDATE device SET has_key_package = 0 WHERE account = ?1 AND id = ?2";
                self.db.prepare_cached(none)?.execute(key)?;
                self.forget_rosters(device.account)?;
            }
            return Ok(one_time);
        }
        let last = "SELECT body FROM last_resort WHERE account = ?1 AND device = ?2";
        self.db.prepare_cached(last)?.query_row(key, |row| sql::bin(row, 0)).optional()
    }

    /// See [`crate::storage::Storage::seen`].
    pub(super) fn seen(&mut self, device: DeviceRef, at: Timestamp) -> Outcome<()> {
        let update = "UPDATE device SET last_seen = ?3 WHERE account = ?1 AND id = ?2";
        let values = params![device.account.as_bytes(), device.device.as_bytes(), int(at.0)];
        self.db.prepare_cached(update)?.execute(values)?;
        Ok(())
    }

    /// See [`crate::storage::Storage::create_invite`].
    pub(super) fn create_invite(&mut self, code: &str, uses: u32) -> Outcome<()> {
        let put = "INSERT INTO invite (code, uses) VALUES (?1, ?2)
            ON CONFLICT (code) DO UPDATE SET uses = excluded.uses";
        self.db.prepare_cached(put)?.execute(params![invite_key(code), uses])?;
        Ok(())
    }
}

/// Codes are kept hashed: who reads a backup cannot use them.
pub(super) fn invite_key(code: &str) -> [u8; 32] {
    Sha256::digest(code.trim().as_bytes()).into()
}
