//! This device, and accounts with their devices.

use diario_protocol::device_list::{DeviceRole, SignedDeviceList, ValidatedDeviceList};
use diario_protocol::{
    AccountId, ConversationId, DeviceId, Position, PublicKey, ServerId, Timestamp, Username,
};
use rusqlite::{Connection, OptionalExtension, params};

use super::{StoreError, from_sql, id, to_sql};
use crate::crypto::identity::KeyPair;

/// Where this installation is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    /// Keys are made; the server has not confirmed the account yet.
    Registering,
    /// A new device that wants to be one of its account, by a recovery method; the server has not confirmed it yet.
    Recovering,
    /// A device of its account.
    Active,
    /// Removed from its account.
    Revoked,
}

/// This installation.
#[derive(Debug, Clone)]
pub(crate) struct Me {
    pub(crate) stage: Stage,
    pub(crate) server: String,
    pub(crate) server_id: Option<ServerId>,
    pub(crate) name: String,
    pub(crate) username: Username,
    pub(crate) invite: Option<String>,
    pub(crate) account: AccountId,
    /// The account's self conversation: a hash, asked for at every input.
    pub(crate) own: ConversationId,
    pub(crate) key: KeyPair,
    pub(crate) device: DeviceId,
    /// Primaries only.
    pub(crate) identity: Option<KeyPair>,
    pub(crate) cursor: Position,
    pub(crate) last_resort_at: Timestamp,
}

impl Me {
    pub(crate) fn load(db: &Connection) -> Result<Option<Self>, StoreError> {
        let row = db
            .query_row(
                "SELECT state, server, server_id, name, username, invite, account, secret_key, identity_secret,
                        cursor, last_resort_at FROM device",
                [],
                |row| {
                    Ok((
                        row.get::<_, u8>(0)?,
                        row.get::<_, String>(1)?,
                        row.get::<_, Option<[u8; 16]>>(2)?,
                        row.get::<_, String>(3)?,
                        row.get::<_, String>(4)?,
                        row.get::<_, Option<String>>(5)?,
                        row.get::<_, Vec<u8>>(6)?,
                        row.get::<_, [u8; 32]>(7)?,
                        row.get::<_, Option<[u8; 32]>>(8)?,
                        row.get::<_, i64>(9)?,
                        row.get::<_, i64>(10)?,
                    ))
                },
            )
            .optional()?;
        let Some((stage, server, server_id, name, username, invite, account, key, identity, cursor, last)) =
            row
        else {
            return Ok(None);
        };
        let key = KeyPair::from_secret(&key);
        let account = id(&account, AccountId::from_slice)?;
        Ok(Some(Self {
            stage: match stage {
                0 => Stage::Registering,
                1 => Stage::Recovering,
                2 => Stage::Active,
                3 => Stage::Revoked,
                _ => return Err(StoreError::Damaged("a device state that is none")),
            },
            server,
            server_id: server_id.map(ServerId::new),
            name,
            username: username.parse().map_err(|_| StoreError::Damaged("a username that is none"))?,
            invite,
            account,
            own: ConversationId::of_self(account),
            device: key.device_id(),
            key,
            identity: identity.map(|secret| KeyPair::from_secret(&secret)),
            cursor: Position(from_sql(cursor)),
            last_resort_at: Timestamp(from_sql(last)),
        }))
    }

    pub(crate) fn save(&self, db: &Connection) -> Result<(), StoreError> {
        let stage = match self.stage {
            Stage::Registering => 0,
            Stage::Recovering => 1,
            Stage::Active => 2,
            Stage::Revoked => 3,
        };
        db.prepare_cached(
            "INSERT OR REPLACE INTO device(one, state, server, server_id, name, username, invite, account, secret_key,
                identity_secret, cursor, last_resort_at) VALUES(1, ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
        )?
        .execute(params![
            stage,
            self.server,
            self.server_id.map(|s| s.as_bytes().to_vec()),
            self.name,
            self.username.as_str(),
            self.invite,
            self.account.as_bytes(),
            self.key.secret(),
            self.identity.as_ref().map(KeyPair::secret),
            to_sql(self.cursor.0),
            to_sql(self.last_resort_at.0),
        ])?;
        Ok(())
    }

    pub(crate) fn save_cursor(&self, db: &Connection) -> Result<(), StoreError> {
        db.prepare_cached("UPDATE device SET cursor = ?1")?.execute([to_sql(self.cursor.0)])?;
        Ok(())
    }

    /// Whether this device holds the account identity key.
    pub(crate) fn is_primary(&self) -> bool {
        self.identity.is_some()
    }
}

/// An account as known here.
#[derive(Debug, Clone)]
pub(crate) struct Account {
    /// `None` while only its devices are known.
    pub(crate) username: Option<Username>,
    pub(crate) version: u64,
    pub(crate) list: SignedDeviceList,
}

/// A device of an account, of the newest list or an older one.
#[derive(Debug, Clone)]
pub(crate) struct KnownDevice {
    pub(crate) device: DeviceId,
    pub(crate) key: PublicKey,
    pub(crate) role: DeviceRole,
    pub(crate) valid_until: Option<Timestamp>,
    /// In the newest list.
    pub(crate) listed: bool,
}

pub(crate) fn account(db: &Connection, account: AccountId) -> Result<Option<Account>, StoreError> {
    let row = db
        .prepare_cached("SELECT username, version, list FROM account WHERE id = ?1")?
        .query_row([account.as_bytes()], |row| {
            Ok((row.get::<_, Option<String>>(0)?, row.get::<_, i64>(1)?, row.get::<_, Vec<u8>>(2)?))
        })
        .optional()?;
    row.map(|(username, version, list)| {
        let username = username.map(|name| name.parse()).transpose();
        Ok(Account {
            username: username.map_err(|_| StoreError::Damaged("a username that is none"))?,
            version: from_sql(version),
            list: SignedDeviceList(list.into()),
        })
    })
    .transpose()
}

/// The name of an account, if it is known here.
pub(crate) fn username(db: &Connection, account: AccountId) -> Result<Option<String>, StoreError> {
    let row: Option<Option<String>> = db
        .prepare_cached("SELECT username FROM account WHERE id = ?1")?
        .query_row([account.as_bytes()], |row| row.get(0))
        .optional()?;
    Ok(row.flatten())
}

pub(crate) fn account_by_name(db: &Connection, username: &Username) -> Result<Option<AccountId>, StoreError> {
    let row = db
        .prepare_cached("SELECT id FROM account WHERE username = ?1")?
        .query_row([username.as_str()], |row| row.get::<_, [u8; 16]>(0))
        .optional()?;
    Ok(row.map(AccountId::new))
}

/// Accounts of a name: of one that was begun anew there are several.
pub(crate) fn accounts_called(db: &Connection, username: &str) -> Result<Vec<AccountId>, StoreError> {
    let mut statement = db.prepare_cached("SELECT id FROM account WHERE username = ?1")?;
    let rows = statement.query_map([username], |row| row.get::<_, [u8; 16]>(0))?;
    Ok(rows.map(|row| row.map(AccountId::new)).collect::<Result<_, _>>()?)
}

/// Stores an account's newest list; devices that it lacks stay known, as unlisted.
pub(crate) fn save_list(
    db: &Connection,
    username: Option<&Username>,
    list: &ValidatedDeviceList,
) -> Result<(), StoreError> {
    let account = list.account();
    db.prepare_cached(
        "INSERT INTO account(id, username, version, list) VALUES(?1, ?2, ?3, ?4)
         ON CONFLICT DO UPDATE SET username = coalesce(?2, username), version = ?3, list = ?4",
    )?
    .execute(params![
        account.as_bytes(),
        username.map(Username::as_str),
        to_sql(list.list().version),
        list.signed().0.as_ref(),
    ])?;
    db.prepare_cached("UPDATE account_device SET listed = 0 WHERE account = ?1")?
        .execute([account.as_bytes()])?;
    save_devices(db, list, true)
}

/// Remembers the devices of an older list, without calling them listed.
pub(crate) fn save_devices(
    db: &Connection,
    list: &ValidatedDeviceList,
    listed: bool,
) -> Result<(), StoreError> {
    for device in &list.list().devices {
        db.prepare_cached(
            "INSERT INTO account_device(account, device, key, role, valid_until, listed) VALUES(?1, ?2, ?3, ?4, ?5, ?6)
             ON CONFLICT DO UPDATE SET role = CASE WHEN ?6 THEN ?4 ELSE role END,
                valid_until = CASE WHEN ?6 THEN ?5 ELSE valid_until END, listed = max(listed, ?6)",
        )?
        .execute(params![
            list.account().as_bytes(),
            device.id().as_bytes(),
            device.key.as_bytes(),
            matches!(device.role, DeviceRole::Linked),
            device.valid_until.map(|t| to_sql(t.0)),
            listed,
        ])?;
    }
    Ok(())
}

pub(crate) fn devices(db: &Connection, account: AccountId) -> Result<Vec<KnownDevice>, StoreError> {
    let mut statement = db.prepare_cached(
        "SELECT device, key, role, valid_until, listed FROM account_device WHERE account = ?1 ORDER BY device",
    )?;
    let rows = statement.query_map([account.as_bytes()], read_device)?;
    Ok(rows.collect::<Result<_, _>>()?)
}

pub(crate) fn device(
    db: &Connection,
    account: AccountId,
    device: DeviceId,
) -> Result<Option<KnownDevice>, StoreError> {
    Ok(db
        .prepare_cached(
            "SELECT device, key, role, valid_until, listed FROM account_device WHERE account = ?1 AND device = ?2",
        )?
        .query_row(params![account.as_bytes(), device.as_bytes()], read_device)
        .optional()?)
}

fn read_device(row: &rusqlite::Row<'_>) -> rusqlite::Result<KnownDevice> {
    Ok(KnownDevice {
        device: DeviceId::new(row.get(0)?),
        key: PublicKey::new(row.get(1)?),
        role: if row.get(2)? { DeviceRole::Linked } else { DeviceRole::Primary },
        valid_until: row.get::<_, Option<i64>>(3)?.map(|t| Timestamp(from_sql(t))),
        listed: row.get(4)?,
    })
}

/// Of a conversation's participants and a sender, up to 64 whose name is not known here.
pub(crate) fn nameless(
    db: &Connection,
    conversation: ConversationId,
    sender: AccountId,
) -> Result<Vec<AccountId>, StoreError> {
    let mut statement = db.prepare_cached(
        "SELECT account FROM (SELECT account FROM participant WHERE conversation = ?1 UNION SELECT ?2)
         WHERE NOT EXISTS (SELECT 1 FROM account known WHERE known.id = account AND known.username IS NOT NULL) LIMIT 64",
    )?;
    let rows = statement
        .query_map(params![conversation.as_bytes(), sender.as_bytes()], |row| row.get::<_, [u8; 16]>(0))?;
    Ok(rows.map(|row| row.map(AccountId::new)).collect::<Result<_, _>>()?)
}
