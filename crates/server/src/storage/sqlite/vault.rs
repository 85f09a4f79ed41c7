//! Recovery vaults, and names that begin anew.

use std::sync::Arc;

use diario_protocol::device_list::ValidatedDeviceList;
use diario_protocol::{
    AccountId, AccountInfo, AccountRef, ConversationId, DeviceRef, Epoch, OpenedVault, RecoveryId, Refusal,
    Timestamp, Username, VaultMethod, VaultSeal, What,
};
use rusqlite::{Connection, OptionalExtension as _, params};

use super::read_account;
use super::sql::{self, diary, int};
use super::write_account::invite_key;
use super::writer::{Outcome, Writer};
use crate::storage::{NewVault, StoredVault};

/// See [`crate::storage::Storage::vault`].
pub(super) fn vault(
    db: &Connection,
    account: &AccountRef,
    method: RecoveryId,
) -> Outcome<Option<StoredVault>> {
    let found = read_account::accounts(db, std::slice::from_ref(account))?;
    let Some(AccountInfo { username, list }) = found.into_iter().flatten().next() else { return Ok(None) };
    let Ok(account) = list.validate().map(|valid| valid.account()) else {
        return Err(Refusal::StorageUnavailable.into());
    };
    let seen = read_account::last_seen(db, account)?;
    let find = "SELECT key, identity, newest FROM vault WHERE account = ?1 AND method = ?2";
    let stored = db.prepare_cached(find)?.query_row(params![account.as_bytes(), method.as_bytes()], |row| {
        let (identity, newest) = (sql::bin(row, 1)?, sql::bin(row, 2)?);
        let opened = OpenedVault { username, list, identity, newest, seen };
        Ok(StoredVault { account, key: sql::public_key(row, 0)?, opened })
    });
    Ok(stored.optional()?)
}

/// See [`crate::storage::Storage::vault_methods`].
pub(super) fn methods(db: &Connection, account: AccountId) -> Outcome<Vec<VaultMethod>> {
    let find = "SELECT method, epoch FROM vault WHERE account = ?1 ORDER BY method";
    let mut find = db.prepare_cached(find)?;
    let rows = find.query_map([account.as_bytes()], |row| {
        Ok(VaultMethod { method: sql::recovery(row, 0)?, epoch: Epoch(sql::uint(row, 1)?) })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// See [`crate::storage::Storage::is_released`].
pub(super) fn is_released(db: &Connection, name: &Username, code: &str, now: Timestamp) -> Outcome<bool> {
    let find = "SELECT 1 FROM name_release WHERE username = ?1 AND code = ?2 AND until > ?3";
    Ok(db.prepare_cached(find)?.exists(params![name.as_str(), invite_key(code), int(now.0)])?)
}

impl Writer {
    /// See [`crate::storage::Storage::put_vault`].
    pub(super) fn put_vault(&mut self, new: &NewVault) -> Outcome<()> {
        let account = new.sender.account;
        self.check_device(new.sender, new.now)?;
        let own = self.conversation(ConversationId::of_self(account))?.ok_or(Refusal::NotMember)?;
        if own.epoch != new.epoch {
            return Err(Refusal::StaleEpoch(own.epoch).into());
        }
        let changes = !new.add.is_empty() || !new.remove.is_empty();
        if changes && !self.is_primary(new.sender)? {
            return Err(Refusal::Invalid("only a primary device changes who may recover".into()).into());
        }
        let there = methods(&self.db, account)?;
        let is_there = |method: &RecoveryId| there.iter().any(|m| m.method == *method);
        let fresh: Vec<_> =
            new.add.iter().map(|m| (RecoveryId::of_key(&m.key), m)).filter(|(id, _)| !is_there(id)).collect();
        let kept = there.iter().filter(|m| !new.remove.contains(&m.method)).count();
        if kept + fresh.len() > new.most {
            return Err(Refusal::TooMany("recovery methods".into(), new.most as u64).into());
        }
        if let Some((id, _)) = fresh.iter().find(|(id, _)| new.seals.iter().all(|seal| seal.method != *id)) {
            return Err(Refusal::Invalid(format!("nothing is sealed for the new method {id}")).into());
        }
        for method in &new.remove {
            let delete = "DELETE FROM vault WHERE account = ?1 AND method = ?2";
            self.db.prepare_cached(delete)?.execute(params![account.as_bytes(), method.as_bytes()])?;
        }
        for (id, method) in fresh {
            // Without an epoch until the seal is written, which is next.
            let insert = "INSERT INTO vault (account, method, key, identity, epoch, newest)
                VALUES (?1, ?2, ?3, ?4, -1, x'')";
            self.db.prepare_cached(insert)?.execute(params![
                account.as_bytes(),
                id.as_bytes(),
                method.key.as_bytes(),
                method.identity.0
            ])?;
        }
        self.seal_vault(account, new.epoch, &new.seals)?;
        Ok(())
    }

    /// Puts the key of a newer epoch into the account's vault.
    pub(super) fn seal_vault(
        &mut self,
        account: AccountId,
        epoch: Epoch,
        seals: &[VaultSeal],
    ) -> Result<(), rusqlite::Error> {
        for seal in seals {
            let update = "UPDATE vault SET epoch = ?3, newest = ?4
                WHERE account = ?1 AND method = ?2 AND epoch < ?3";
            self.db.prepare_cached(update)?.execute(params![
                account.as_bytes(),
                seal.method.as_bytes(),
                int(epoch.0),
                seal.newest.0
            ])?;
        }
        Ok(())
    }

    /// See [`crate::storage::Storage::recover`].
    pub(super) fn recover(&mut self, method: RecoveryId, list: &ValidatedDeviceList) -> Outcome<()> {
        let account = list.account();
        let find = "SELECT 1 FROM vault WHERE account = ?1 AND method = ?2";
        let may = params![account.as_bytes(), method.as_bytes()];
        if !self.db.prepare_cached(find)?.exists(may)? {
            return Err(Refusal::WrongRecoveryKey.into());
        }
        self.replace_list(list)
    }

    /// See [`crate::storage::Storage::release_name`].
    pub(super) fn release_name(&mut self, name: &Username, code: &str, until: Timestamp) -> Outcome<()> {
        if !self.db.prepare_cached("SELECT 1 FROM account WHERE username = ?1")?.exists([name.as_str()])? {
            return Err(Refusal::NotFound("account of that name".into()).into());
        }
        let put = "INSERT INTO name_release (username, code, until) VALUES (?1, ?2, ?3)
            ON CONFLICT (username) DO UPDATE SET code = excluded.code, until = excluded.until";
        self.db.prepare_cached(put)?.execute(params![name.as_str(), invite_key(code), int(until.0)])?;
        Ok(())
    }

    /// Takes a name from the account that has it, which goes on under another one.
    pub(super) fn take_name(&mut self, name: &Username) -> Outcome<()> {
        let find = "SELECT id FROM account WHERE username = ?1";
        let before = self.db.prepare_cached(find)?.query_row([name.as_str()], |row| sql::account(row, 0))?;
        self.db.prepare_cached("DELETE FROM name_release WHERE username = ?1")?.execute([name.as_str()])?;
        let other = self.other_name(name, before)?;
        let update = "UPDATE account SET username = ?2 WHERE id = ?1";
        self.db.prepare_cached(update)?.execute(params![before.as_bytes(), other.as_str()])?;
        let found = read_account::accounts(&self.db, &[AccountRef::Id(before)])?;
        let info = found.into_iter().flatten().next().ok_or(Refusal::StorageUnavailable)?;
        let version = info.list.validate().map_or(0, |valid| valid.list().version);
        let what = Arc::new(What::DeviceList(info));
        for reader in self.acquaintances(before)? {
            let subject = before.as_bytes();
            self.diary(reader, diary::DEVICE_LIST, subject, version, subject, Arc::clone(&what))?;
        }
        Ok(())
    }

    /// A free name that shows where it comes from: as much of the old one as fits, and a part of the account's id.
    fn other_name(&self, name: &Username, account: AccountId) -> Outcome<Username> {
        let (name, id) = (name.as_str(), account.to_string());
        for digits in [8, 16, 24] {
            let kept = &name[..name.len().min(31 - digits)];
            let Ok(other) = format!("{kept}-{}", &id[..digits]).parse::<Username>() else { continue };
            let taken = "SELECT 1 FROM account WHERE username = ?1";
            if !self.db.prepare_cached(taken)?.exists([other.as_str()])? {
                return Ok(other);
            }
        }
        Err(Refusal::NameTaken.into())
    }

    pub(super) fn is_primary(&self, device: DeviceRef) -> Result<bool, rusqlite::Error> {
        let find = "SELECT 1 FROM device WHERE account = ?1 AND id = ?2 AND role = 0";
        let key = params![device.account.as_bytes(), device.device.as_bytes()];
        self.db.prepare_cached(find)?.exists(key)
    }
}
