//! Whether a contact is who the user takes them for: safety numbers, and the marks that they were compared.
//!
//! A mark is a slot of the self conversation, and names the key that was compared: it is for all own devices, and
//! worth nothing for another key.

use std::collections::{BTreeMap, BTreeSet};

use diario_protocol::{AccountId, ConversationId, PublicKey, Timestamp};
use minicbor::{Decode, Encode};
use rusqlite::{Connection, params};

use super::preferences::effective;
use super::{Engine, Result};
use crate::crypto::fingerprint::{self, Fingerprint, SafetyComparison};
use crate::error::{CommandError, EngineError};
use crate::event::Event;
use crate::store::{conversation, people, recovery};

const VERIFIED: &str = "verified/";
const ACCEPTED: &str = "accepted/";

type Done<T> = std::result::Result<T, CommandError>;

/// What two people compare to know that they see each other's keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SafetyNumber {
    /// 60 digits, the same on both sides.
    pub digits: String,
    /// Text for a QR code that the other side scans.
    pub code: String,
    /// When the user marked the contact as verified, if they did.
    pub verified_at: Option<Timestamp>,
}

impl SafetyNumber {
    /// The digits in twelve groups of five, as they are read aloud.
    pub fn groups(&self) -> impl Iterator<Item = &str> {
        (0..12).filter_map(|i| self.digits.get(i * 5..i * 5 + 5))
    }
}

/// What the user knows of who an account is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Trust {
    /// Nobody has compared anything.
    #[default]
    Unverified,
    /// The user compared its safety number.
    Verified,
    /// Its name was known for another account, with another key, and the user has not said that this one is good too.
    Changed {
        /// Whether the other account was verified.
        verified_before: bool,
    },
}

/// That a contact was verified.
#[derive(Debug, Encode, Decode)]
struct VerifiedValue {
    /// The identity key that was compared.
    #[n(0)]
    key: PublicKey,
    #[n(1)]
    at: Timestamp,
}

fn slot_of(account: AccountId) -> String {
    format!("{VERIFIED}{account}")
}

/// That the user knows that a name means another account now.
#[derive(Debug, Encode, Decode)]
struct AcceptedValue {
    #[n(0)]
    at: Timestamp,
}

/// Of whom a slot of the self conversation tells.
pub(super) fn marked_in(name: &str) -> Option<AccountId> {
    name.strip_prefix(VERIFIED).or_else(|| name.strip_prefix(ACCEPTED))?.parse().ok()
}

/// Accounts whose name was another's, and that the user has neither accepted nor verified; whether the other one was
/// verified.
pub(crate) fn changed(db: &Connection, own: ConversationId) -> Result<BTreeMap<AccountId, bool>> {
    let mut changed = BTreeMap::new();
    for change in recovery::name_changes(db)? {
        let accepted =
            effective(db, own, &format!("{ACCEPTED}{}", change.now))?.is_some_and(|v| !v.is_empty());
        if !accepted && verified_at(db, own, change.now)?.is_none() {
            *changed.entry(change.now).or_default() |= verified_at(db, own, change.before)?.is_some();
        }
    }
    Ok(changed)
}

/// When a contact was marked as verified, if the mark is for its key.
pub(crate) fn verified_at(
    db: &Connection,
    own: ConversationId,
    account: AccountId,
) -> Result<Option<Timestamp>> {
    let value = effective(db, own, &slot_of(account))?.unwrap_or_default();
    let mark: Option<VerifiedValue> = diario_protocol::decode(&value, value.len()).ok();
    Ok(mark.filter(|mark| AccountId::of_key(&mark.key) == account).map(|mark| mark.at))
}

/// Contacts that are marked as verified.
pub(crate) fn verified(db: &Connection, own: ConversationId) -> Result<BTreeSet<AccountId>> {
    let mut marked = BTreeSet::new();
    let mut statement = db.prepare_cached(
        "SELECT name FROM slot WHERE conversation = ?1 AND name >= ?2 AND name < ?3
         UNION SELECT name FROM outbox WHERE conversation = ?1 AND name >= ?2 AND name < ?3",
    )?;
    // '0' is the character after the slash.
    let mut rows = statement.query(params![own.as_bytes(), VERIFIED, "verified0"])?;
    while let Some(row) = rows.next()? {
        if let Some(account) = marked_in(&row.get::<_, String>(0)?)
            && verified_at(db, own, account)?.is_some()
        {
            marked.insert(account);
        }
    }
    Ok(marked)
}

impl Engine {
    /// The safety number of this account and another one; `None` while the other one's key is not known here.
    pub fn safety_number(&self, account: AccountId) -> Result<Option<SafetyNumber>> {
        let Some(me) = self.identity() else { return Ok(None) };
        let own = me.own;
        let Some((mine, theirs)) = self.fingerprints(account)? else { return Ok(None) };
        Ok(Some(SafetyNumber {
            digits: fingerprint::digits(&mine, &theirs),
            code: fingerprint::code(&mine, &theirs),
            verified_at: verified_at(&self.db, own, account)?,
        }))
    }

    /// Compares what the other side shows, its QR code's text or its 60 digits, with what is known here.
    pub fn compare_safety_code(&self, account: AccountId, shown: &str) -> Done<SafetyComparison> {
        let (mine, theirs) = self.fingerprints(account)?.ok_or(CommandError::NoKey)?;
        Ok(fingerprint::compare(&mine, &theirs, shown))
    }

    /// Marks a contact as verified, or not, on all devices of this account.
    pub fn set_verified(&mut self, account: AccountId, verified: bool, now: Timestamp) -> Done<()> {
        self.command(now, |engine| {
            let me = engine.active()?;
            if account == me.account {
                return Err(CommandError::Membership("that is your own account"));
            }
            let own = me.own;
            if verified_at(&engine.db, own, account)?.is_some() == verified {
                return Ok(());
            }
            let value = if verified {
                let key = engine.identity_key(account)?.ok_or(CommandError::NoKey)?;
                diario_protocol::encode(&VerifiedValue { key, at: now })
            } else {
                Vec::new()
            };
            let name = slot_of(account);
            engine.enqueue_slot(own, &name, value, true)?;
            Ok(engine.own_slot_changed(&name)?)
        })
    }

    /// The user knows that a name means this account now, with another key than before: no more warnings, on any own
    /// device.
    pub fn acknowledge_key_change(&mut self, account: AccountId, now: Timestamp) -> Done<()> {
        self.command(now, |engine| {
            let me = engine.active()?;
            let own = me.own;
            if changed(&engine.db, own)?.contains_key(&account) {
                let name = format!("{ACCEPTED}{account}");
                engine.enqueue_slot(own, &name, diario_protocol::encode(&AcceptedValue { at: now }), true)?;
                engine.own_slot_changed(&name)?;
            }
            Ok(())
        })
    }

    /// What the user knows of who an account is.
    pub fn trust(&self, account: AccountId) -> Result<Trust> {
        let Some(me) = self.identity() else { return Ok(Trust::Unverified) };
        let own = me.own;
        if verified_at(&self.db, own, account)?.is_some() {
            return Ok(Trust::Verified);
        }
        let changed = changed(&self.db, own)?.get(&account).copied();
        Ok(changed.map_or(Trust::Unverified, |verified_before| Trust::Changed { verified_before }))
    }

    /// What is known of a contact changed: who shows it is told, and the conversations with it.
    pub(super) fn contact_changed(&mut self, account: AccountId) -> Result<()> {
        self.emit(Event::Contact(account));
        for shared in conversation::shared_with(&self.db, account)? {
            self.emit(Event::Conversation(shared));
        }
        Ok(())
    }

    fn fingerprints(&self, account: AccountId) -> Result<Option<(Fingerprint, Fingerprint)>> {
        let Some(me) = self.identity() else { return Ok(None) };
        if account == me.account {
            return Ok(None);
        }
        let (Some(mine), Some(theirs)) = (self.identity_key(me.account)?, self.identity_key(account)?) else {
            return Ok(None);
        };
        Ok(Some((Fingerprint::of(me.account, &mine), Fingerprint::of(account, &theirs))))
    }

    fn identity_key(&self, account: AccountId) -> Result<Option<PublicKey>> {
        let Some(held) = people::account(&self.db, account)? else { return Ok(None) };
        let valid = held.list.validate().map_err(|_| EngineError::Internal("a device list in the store"))?;
        Ok(Some(valid.list().identity_key))
    }
}
