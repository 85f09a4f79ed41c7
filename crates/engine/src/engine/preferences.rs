//! What the account's own devices agree on: drafts, arrangement, settings, names, and read markers that nobody else
//! is told. Each is a slot of the self conversation; the last writer wins.
//!
//! A value that waits in the outbox is the one that counts here, before any that the server has: so it takes effect
//! at once, without a connection too, and survives a restart and a rebuild.
//!
//! A slot's key is a hash of its name, and the names here can be guessed by whoever knows the ids: the server can see
//! *that* somebody drafts or arranges something in a conversation, as it sees that somebody types in it, not what.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use diario_protocol::{AccountId, ConversationId, DeviceId, Seq, SlotKey, Timestamp};
use minicbor::{Decode, Encode};
use rusqlite::{Connection, params};

use super::safety::{self, Trust};
use super::{Engine, Result, facts, identity};
use crate::error::CommandError;
use crate::event::Event;
use crate::store::conversation::Conversation;
use crate::store::outbox;
use crate::store::sealed::{self, NamedValue};

/// How a conversation is listed, on all devices of the account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Encode, Decode)]
pub struct Arrangement {
    /// At the top of the list.
    #[n(0)]
    pub pinned: bool,
    /// Without notifications.
    #[n(1)]
    pub muted: bool,
}

/// The account's settings, the same on all its devices.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub struct Settings {
    /// Whether others learn what was delivered and read.
    #[n(0)]
    pub receipts: bool,
}

/// What is being written in a conversation.
#[derive(Debug, Encode, Decode)]
struct DraftValue {
    #[n(0)]
    text: String,
}

/// How far this account has read a conversation, when nobody else is to know.
#[derive(Debug, Encode, Decode)]
struct MarkerValue {
    #[n(0)]
    read: Seq,
}

const DRAFT: &str = "draft/";
const ARRANGEMENT: &str = "arrangement/";
const MARKER: &str = "read/";
const SETTINGS: &str = "settings";

/// What a slot's seal and name add at most to a value, in bytes.
const OVERHEAD: usize = 512;

type Done<T> = std::result::Result<T, CommandError>;

fn name_of(prefix: &str, id: ConversationId) -> String {
    format!("{prefix}{id}")
}

fn read_value<T: for<'a> Decode<'a, ()>>(value: Option<Vec<u8>>) -> Option<T> {
    let value = value?;
    diario_protocol::decode(&value, value.len()).ok()
}

/// A slot's value as it counts here: the one that waits to be sent, else the one that the server has.
pub(crate) fn effective(db: &Connection, id: ConversationId, name: &str) -> Result<Option<Vec<u8>>> {
    if let Some(queued) = outbox::slot(db, id, name)?
        && let Ok(named) = diario_protocol::decode::<NamedValue>(&queued.payload, queued.payload.len())
    {
        return Ok(Some(named.value));
    }
    Ok(sealed::value(db, id, name)?)
}

/// Drafts and arrangements, of every conversation or one; of all, also which contacts are verified.
#[derive(Debug, Default)]
pub(crate) struct Arranged {
    drafts: HashMap<ConversationId, String>,
    arrangements: HashMap<ConversationId, Arrangement>,
    verified: BTreeSet<AccountId>,
    changed: BTreeMap<AccountId, bool>,
}

impl Arranged {
    /// Those of one conversation.
    pub(crate) fn of(db: &Connection, own: ConversationId, id: ConversationId) -> Result<Self> {
        let draft: Option<DraftValue> = read_value(effective(db, own, &name_of(DRAFT, id))?);
        let arrangement: Option<Arrangement> = read_value(effective(db, own, &name_of(ARRANGEMENT, id))?);
        Ok(Self {
            drafts: draft.map(|draft| (id, draft.text)).into_iter().collect(),
            arrangements: arrangement.map(|arrangement| (id, arrangement)).into_iter().collect(),
            verified: BTreeSet::new(),
            changed: BTreeMap::new(),
        })
    }

    /// Those of all conversations.
    pub(crate) fn all(db: &Connection, own: ConversationId) -> Result<Self> {
        let drafts = values_under(db, own, DRAFT)?;
        let arrangements = values_under(db, own, ARRANGEMENT)?;
        Ok(Self {
            drafts: decoded(drafts).map(|(id, draft): (_, DraftValue)| (id, draft.text)).collect(),
            arrangements: decoded(arrangements).collect(),
            verified: safety::verified(db, own)?,
            changed: safety::changed(db, own)?,
        })
    }

    /// What is being written in a conversation; empty if nothing is.
    pub(crate) fn draft(&mut self, id: ConversationId) -> String {
        self.drafts.remove(&id).unwrap_or_default()
    }

    /// How a conversation is listed.
    pub(crate) fn arrangement(&self, id: ConversationId) -> Arrangement {
        self.arrangements.get(&id).copied().unwrap_or_default()
    }

    /// What the user knows of who an account is.
    pub(crate) fn trust(&self, account: AccountId) -> Trust {
        match self.changed.get(&account) {
            _ if self.verified.contains(&account) => Trust::Verified,
            Some(verified_before) => Trust::Changed { verified_before: *verified_before },
            None => Trust::Unverified,
        }
    }

    /// Accounts whose names were others' and that the user has not accepted; whether the others were verified.
    pub(crate) fn changed(&self) -> &BTreeMap<AccountId, bool> {
        &self.changed
    }

    fn muted(&self) -> Vec<ConversationId> {
        let mut muted: Vec<_> =
            self.arrangements.iter().filter(|(_, a)| a.muted).map(|(id, _)| *id).collect();
        muted.sort_unstable();
        muted
    }
}

fn decoded<T: for<'a> Decode<'a, ()>>(
    values: HashMap<ConversationId, Vec<u8>>,
) -> impl Iterator<Item = (ConversationId, T)> {
    values.into_iter().filter_map(|(id, value)| Some((id, read_value(Some(value))?)))
}

/// The values of all slots whose name is a prefix and a conversation, those that wait to be sent before the others.
fn values_under(
    db: &Connection,
    own: ConversationId,
    prefix: &str,
) -> Result<HashMap<ConversationId, Vec<u8>>> {
    let mut values = HashMap::new();
    // The prefix ends with a slash, and '0' is the character after it.
    let end = format!("{}0", prefix.trim_end_matches('/'));
    let mut statement = db.prepare_cached(
        "SELECT name, value FROM slot WHERE conversation = ?1 AND name >= ?2 AND name < ?3 AND value IS NOT NULL",
    )?;
    let mut rows = statement.query(params![own.as_bytes(), prefix, end])?;
    while let Some(row) = rows.next()? {
        if let Some(id) = conversation_in(&row.get::<_, String>(0)?, prefix) {
            values.insert(id, row.get(1)?);
        }
    }
    let mut statement = db.prepare_cached(
        "SELECT name, payload FROM outbox WHERE conversation = ?1 AND name >= ?2 AND name < ?3 ORDER BY id",
    )?;
    let mut rows = statement.query(params![own.as_bytes(), prefix, end])?;
    while let Some(row) = rows.next()? {
        let payload: Vec<u8> = row.get(1)?;
        let named = diario_protocol::decode::<NamedValue>(&payload, payload.len());
        if let (Some(id), Ok(named)) = (conversation_in(&row.get::<_, String>(0)?, prefix), named) {
            values.insert(id, named.value);
        }
    }
    Ok(values)
}

fn conversation_in(name: &str, prefix: &str) -> Option<ConversationId> {
    name.strip_prefix(prefix)?.parse().ok()
}

impl Engine {
    /// The account's settings; before any device has set them, what [`crate::EngineConfig`] says.
    pub fn settings(&self) -> Result<Settings> {
        let default = Settings { receipts: self.config.receipts };
        let Some(me) = &self.me else { return Ok(default) };
        let own = me.own;
        if let Some(settings) = read_value(effective(&self.db, own, SETTINGS)?) {
            return Ok(settings);
        }
        // Set by another device, and not readable yet: until it is, nobody is told what they may not be told.
        let unread = sealed::slot_version(&self.db, own, SlotKey::of_name(own, SETTINGS))?.0 > 0;
        Ok(if unread { Settings { receipts: false } } else { default })
    }

    /// Changes the account's settings, on all its devices.
    ///
    /// Receipts that are switched on again tell others how far everything was read meanwhile: a marker is one number.
    pub fn set_settings(&mut self, settings: Settings, now: Timestamp) -> Done<()> {
        self.command(now, |engine| {
            engine.active()?;
            if engine.settings()? != settings {
                engine.put_own(SETTINGS, diario_protocol::encode(&settings))?;
                engine.own_slot_changed(SETTINGS)?;
            }
            Ok(())
        })
    }

    /// Keeps what is being written in a conversation, here and on the account's other devices; empty: nothing.
    ///
    /// Every change goes to the server, one at a time and the newest only: callers wait for a pause in the typing.
    /// A text longer than one slot takes is refused: what was kept before stays.
    pub fn set_draft(&mut self, id: ConversationId, text: &str, now: Timestamp) -> Done<()> {
        self.command(now, |engine| {
            engine.active()?;
            engine.conversation_or_refuse(id)?;
            engine.check_slot_size(text)?;
            Ok(engine.put_draft(id, text)?)
        })
    }

    /// What is being written in a conversation, on any device of the account; empty if nothing is.
    pub fn draft(&self, id: ConversationId) -> Result<String> {
        let Some(me) = &self.me else { return Ok(String::new()) };
        Ok(Arranged::of(&self.db, me.own, id)?.draft(id))
    }

    pub(super) fn put_draft(&mut self, id: ConversationId, text: &str) -> Result<()> {
        if self.draft(id)? == text {
            return Ok(());
        }
        let name = name_of(DRAFT, id);
        self.put_own(&name, diario_protocol::encode(&DraftValue { text: text.to_owned() }))?;
        self.own_slot_changed(&name)
    }

    /// Pins or mutes a conversation, or neither, on all devices of the account.
    pub fn arrange(&mut self, id: ConversationId, arrangement: Arrangement, now: Timestamp) -> Done<()> {
        self.command(now, |engine| {
            let me = engine.active()?;
            engine.conversation_or_refuse(id)?;
            let own = me.own;
            if Arranged::of(&engine.db, own, id)?.arrangement(id) != arrangement {
                let name = name_of(ARRANGEMENT, id);
                engine.put_own(&name, diario_protocol::encode(&arrangement))?;
                engine.own_slot_changed(&name)?;
            }
            Ok(())
        })
    }

    /// Names one of the account's devices.
    pub fn rename_device(&mut self, device: DeviceId, name: &str, now: Timestamp) -> Done<()> {
        self.command(now, |engine| {
            let me = engine.active()?;
            if engine.listed_key(me.account, device).is_none() {
                return Err(CommandError::NoDevice(device.to_string()));
            }
            let name = facts::shortened(name.trim());
            if name.is_empty() {
                return Err(CommandError::NoName);
            }
            let slot = facts::name_slot(device);
            let own = me.own;
            if effective(&engine.db, own, &slot)?.as_deref() != Some(name.as_bytes()) {
                engine.put_own(&slot, name.as_bytes().to_vec())?;
                engine.own_slot_changed(&slot)?;
            }
            Ok(())
        })
    }

    /// Names a group, for everybody in it.
    pub fn rename_conversation(&mut self, id: ConversationId, title: &str, now: Timestamp) -> Done<()> {
        self.command(now, |engine| {
            engine.active()?;
            let conversation = engine.conversation_or_refuse(id)?;
            if !Self::is_group(&conversation) {
                return Err(CommandError::NotAGroup);
            }
            if conversation.left_at.is_some() {
                return Err(CommandError::Left);
            }
            engine.check_slot_size(title)?;
            if conversation.title != title {
                title.clone_into(&mut engine.change(id)?.title);
                engine.enqueue_slot(id, super::slots::TITLE, title.as_bytes().to_vec(), true)?;
                engine.emit(Event::Conversation(id));
            }
            Ok(())
        })
    }

    pub(super) fn check_slot_size(&self, text: &str) -> Done<()> {
        let limit = (self.session.limits.slot as usize).saturating_sub(OVERHEAD) / 9 * 8;
        if text.len() > limit {
            return Err(CommandError::TooLong { size: text.len(), limit });
        }
        Ok(())
    }

    fn put_own(&mut self, name: &str, value: Vec<u8>) -> Result<()> {
        let own = self.me()?.own;
        self.enqueue_slot(own, name, value, true)
    }

    /// Whether others learn how far this account has a conversation.
    pub(super) fn tells_receipts(&self, conversation: &Conversation) -> Result<bool> {
        use diario_protocol::ConversationKind;
        let shared = conversation.kind != ConversationKind::SelfConversation;
        Ok(shared && conversation.left_at.is_none() && self.settings()?.receipts)
    }

    /// Moves the read marker on the account's other devices and nowhere else.
    pub(super) fn put_private_marker(&mut self, id: ConversationId, read: Seq) -> Result<()> {
        self.put_own(&name_of(MARKER, id), diario_protocol::encode(&MarkerValue { read }))
    }

    /// How far this account has read a conversation by the marker that only its own devices know.
    pub(super) fn private_marker(&self, id: ConversationId) -> Result<Seq> {
        let own = self.me()?.own;
        let marker: Option<MarkerValue> = read_value(effective(&self.db, own, &name_of(MARKER, id))?);
        Ok(marker.map_or(Seq(0), |marker| marker.read))
    }

    /// Conversations without notifications.
    pub(super) fn muted(&self) -> Result<Vec<ConversationId>> {
        let own = self.me()?.own;
        Ok(Arranged::all(&self.db, own)?.muted())
    }

    /// Takes a slot of the self conversation that another device of the account wrote.
    pub(super) fn use_own_slot(&mut self, named: &NamedValue) -> Result<()> {
        let own = self.me()?.own;
        let Some(queued) = outbox::slot(&self.db, own, &named.name)? else {
            return self.own_slot_changed(&named.name);
        };
        // The last writer wins, and what waits here will be written later. But markers never go back.
        if let Some(id) = conversation_in(&named.name, MARKER)
            && let Some(there) = read_value::<MarkerValue>(Some(named.value.clone()))
            && there.read >= self.private_marker(id)?
        {
            outbox::drop_row(&self.db, queued.row)?;
            return self.own_slot_changed(&named.name);
        }
        Ok(())
    }

    /// A slot of the self conversation has another value, by a command or from another device: who shows it is told.
    pub(super) fn own_slot_changed(&mut self, name: &str) -> Result<()> {
        if self.method_changed(name)? {
            return Ok(());
        }
        if name == SETTINGS {
            if self.session.is_live() {
                self.gather_markers()?;
            }
            self.emit(Event::Settings);
        } else if facts::is_fact(name) || identity::is_identity(name) {
            let account = self.me()?.account;
            self.session.announced = false;
            self.session.roles_settled = false;
            self.emit(Event::Devices(account));
        } else if let Some(account) = safety::marked_in(name) {
            self.contact_changed(account)?;
        } else if let Some(id) = conversation_in(name, MARKER) {
            let read = self.private_marker(id)?;
            if self.conversation(id)?.is_some_and(|c| c.read < read) {
                let changed = self.change(id)?;
                changed.read = read;
                changed.delivered = changed.delivered.max(read);
                self.emit(Event::Conversation(id));
            }
        } else if let Some(id) = conversation_in(name, ARRANGEMENT).or_else(|| conversation_in(name, DRAFT)) {
            if name.starts_with(ARRANGEMENT) {
                self.push.muted_changed();
            }
            self.emit(Event::Conversation(id));
        }
        Ok(())
    }

    /// What was written of a slot does not wait any more: sent, or refused for good. What the server has counts again.
    pub(super) fn slot_write_gone(&mut self, id: ConversationId, name: &str) -> Result<()> {
        if id == self.me()?.own {
            return self.own_slot_changed(name);
        }
        if name == super::slots::TITLE {
            let title = effective(&self.db, id, name)?.unwrap_or_default();
            self.take_title(id, &title)?;
        }
        Ok(())
    }

    pub(super) fn take_title(&mut self, id: ConversationId, title: &[u8]) -> Result<()> {
        let title = String::from_utf8_lossy(title).into_owned();
        if self.conversation(id)?.is_some_and(|c| c.title != title) {
            self.change(id)?.title = title;
            self.emit(Event::Conversation(id));
        }
        Ok(())
    }
}
