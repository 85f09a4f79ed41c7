//! Writes to conversations: create, append, slots.

use std::sync::Arc;

use diario_protocol::limits::SLOT_LEAP;
use diario_protocol::{
    AccountId, Body, ConversationId, DeviceRef, Entry, EntryId, EntryKind, Epoch, LogHash, Membership,
    Position, Refusal, Retention, Sending, Seq, Slot, SlotKey, SlotOutcome, SlotVersion, SlotWrite,
    Timestamp, What,
};
use rusqlite::{OptionalExtension as _, params};

use super::cache::{Conversation, Listing, RosterState};
use super::sql::{self, FOREVER, diary, int};
use super::writer::{Fail, Outcome, Writer};
use crate::storage::{Event, NewConversation, NewEntry, NewSlots};

impl Writer {
    /// See [`crate::storage::Storage::create`].
    pub(super) fn create(&mut self, new: &NewConversation) -> Outcome<()> {
        self.check_device(new.creator, new.now)?;
        let made_by = "SELECT creator_account, creator_device FROM conversation WHERE id = ?1";
        let made_by = self
            .db
            .prepare_cached(made_by)?
            .query_row([new.conversation.as_bytes()], |row| Ok((sql::account(row, 0)?, sql::device(row, 1)?)))
            .optional()?;
        if let Some((account, device)) = made_by {
            let same = new.creator == DeviceRef { account, device };
            return if same { Ok(()) } else { Err(Refusal::Exists.into()) };
        }
        for account in &new.participants {
            if !self.account_exists(*account)? {
                return Err(Refusal::NotFound("account".into()).into());
            }
        }
        self.insert_conversation(new)?;
        Ok(())
    }

    /// Writes a conversation that is known to be new.
    pub(super) fn insert_conversation(&mut self, new: &NewConversation) -> Result<(), rusqlite::Error> {
        let id = new.conversation;
        let insert = "INSERT INTO conversation (id, kind, epoch, creator_account, creator_device)
            VALUES (?1, ?2, 0, ?3, ?4)";
        let (account, device) = (new.creator.account.as_bytes(), new.creator.device.as_bytes());
        self.db.prepare_cached(insert)?.execute(params![
            id.as_bytes(),
            sql::kind_to_int(new.kind),
            account,
            device
        ])?;
        let insert =
            "INSERT INTO group_state (conversation, public_state, group_info, tree) VALUES (?1, ?2, ?3, ?4)";
        self.db.prepare_cached(insert)?.execute(params![
            id.as_bytes(),
            new.public_state,
            new.group_info.0,
            new.tree.0
        ])?;
        self.insert_leaf(id, new.creator)?;
        let start = LogHash::start(&id);
        for account in &new.participants {
            let membership = Membership {
                conversation: id,
                kind: new.kind,
                since: Seq(1),
                epoch: Epoch(0),
                hash_before: start,
                participants: new.participants.clone(),
                retention: Retention::FOREVER,
            };
            self.join(*account, &membership)?;
        }
        let conversation = Conversation {
            kind: new.kind,
            epoch: Epoch(0),
            head: Seq(0),
            hash: start,
            participants: new.participants.clone().into(),
            roster: None,
        };
        self.cache.put_conversation(id, conversation);
        Ok(())
    }

    /// See [`crate::storage::Storage::append`].
    pub(super) fn append(&mut self, new: NewEntry) -> Outcome<Seq> {
        let mut conversation = match self.check_append(&new) {
            Ok(conversation) => conversation,
            Err(Fail::Refused(refusal)) => return self.existing_entry(&new)?.ok_or_else(|| refusal.into()),
            Err(e) => return Err(e),
        };
        let (id, digest) = (new.conversation, new.digest);
        let (entry, hash) = entry_of(new, &conversation, EntryKind::Application);
        if !self.insert_entry(&entry, &digest, hash)? {
            let again = NewEntryKey { conversation: id, id: entry.id, sender: sender_of(&entry) };
            return self.existing(&again)?.ok_or_else(|| Refusal::Exists.into());
        }
        conversation.head = entry.seq;
        conversation.hash = hash;
        let (seq, participants) = (entry.seq, Arc::clone(&conversation.participants));
        self.cache.put_conversation(id, conversation);
        let what = Arc::new(What::Entry(entry));
        for account in participants.iter() {
            self.diary(*account, diary::ENTRY, id.as_bytes(), seq.0, &[], Arc::clone(&what))?;
        }
        Ok(seq)
    }

    fn check_append(&mut self, new: &NewEntry) -> Outcome<Conversation> {
        let conversation = self.check_write(new.conversation, new.sender, new.epoch, new.now)?;
        if new.annotates.is_some_and(|about| about.0 == 0 || about > conversation.head) {
            return Err(Refusal::Invalid("it is about an entry that does not exist".into()).into());
        }
        Ok(conversation)
    }

    /// Whether a device may write into a conversation under an epoch; gives its state.
    fn check_write(
        &mut self,
        id: ConversationId,
        sender: DeviceRef,
        epoch: Epoch,
        now: Timestamp,
    ) -> Outcome<Conversation> {
        let mut conversation = self.member_conversation(id, sender, epoch, now)?;
        let roster = match conversation.roster {
            Some(known) if now < known.until => known,
            _ => {
                let fresh = self.roster_state(id, now)?;
                conversation.roster = Some(fresh);
                self.cache.put_conversation(id, conversation.clone());
                fresh
            }
        };
        if roster.stale { Err(Refusal::RosterStale.into()) } else { Ok(conversation) }
    }

    /// A conversation at `epoch` of which `sender` is a valid device of a participant.
    pub(super) fn member_conversation(
        &mut self,
        id: ConversationId,
        sender: DeviceRef,
        epoch: Epoch,
        now: Timestamp,
    ) -> Outcome<Conversation> {
        self.check_device(sender, now)?;
        let conversation = self.conversation(id)?.ok_or(Refusal::NotMember)?;
        if !conversation.participants.contains(&sender.account) {
            return Err(Refusal::NotMember.into());
        }
        if conversation.epoch != epoch {
            return Err(Refusal::StaleEpoch(conversation.epoch).into());
        }
        Ok(conversation)
    }

    /// See [`crate::storage::Storage::audience`].
    pub(super) fn audience(
        &mut self,
        id: ConversationId,
        sender: DeviceRef,
        epoch: Epoch,
    ) -> Outcome<Arc<[AccountId]>> {
        let conversation = self.conversation(id)?.ok_or(Refusal::NotMember)?;
        if !conversation.participants.contains(&sender.account) {
            return Err(Refusal::NotMember.into());
        }
        if conversation.epoch != epoch {
            return Err(Refusal::StaleEpoch(conversation.epoch).into());
        }
        Ok(conversation.participants)
    }

    /// The sequence of an entry that was taken before, for the device that sent it.
    pub(super) fn existing_entry(&mut self, new: &NewEntry) -> Outcome<Option<Seq>> {
        self.existing(&NewEntryKey { conversation: new.conversation, id: new.id, sender: new.sender })
    }

    fn existing(&mut self, key: &NewEntryKey) -> Outcome<Option<Seq>> {
        let find = "SELECT seq, account, device FROM log WHERE conversation = ?1 AND id = ?2";
        let found = self
            .db
            .prepare_cached(find)?
            .query_row(params![key.conversation.as_bytes(), key.id.as_bytes()], |row| {
                let sender = DeviceRef { account: sql::account(row, 1)?, device: sql::device(row, 2)? };
                Ok((Seq(sql::uint(row, 0)?), sender))
            })
            .optional()?;
        match found {
            None => Ok(None),
            Some((seq, sender)) if sender == key.sender => Ok(Some(seq)),
            Some(_) => Err(Refusal::Exists.into()),
        }
    }

    /// Writes a log row; `false` if the conversation has an entry of that id.
    pub(super) fn insert_entry(
        &mut self,
        entry: &Entry,
        digest: &diario_protocol::Digest,
        hash: LogHash,
    ) -> Result<bool, rusqlite::Error> {
        let Body::Present(body) = &entry.body else { return Ok(false) };
        let insert =
            "INSERT INTO log (conversation, seq, id, kind, epoch, account, device, annotates, received_at,
                erased, digest, hash, body) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, 0, ?10, ?11, ?12)
            ON CONFLICT (conversation, id) DO NOTHING";
        let changed = self.db.prepare_cached(insert)?.execute(params![
            entry.conversation.as_bytes(),
            int(entry.seq.0),
            entry.id.as_bytes(),
            sql::entry_kind_to_int(entry.kind),
            int(entry.epoch.0),
            entry.account.as_bytes(),
            entry.device.as_bytes(),
            int(entry.annotates.unwrap_or_default().0),
            int(entry.received_at.0),
            digest.as_bytes(),
            hash.0.as_bytes(),
            body.0
        ])?;
        Ok(changed == 1)
    }

    /// See [`crate::storage::Storage::put_slots`].
    pub(super) fn put_slots(&mut self, new: NewSlots) -> Outcome<Vec<SlotOutcome>> {
        let conversation = self.check_write(new.conversation, new.sender, new.epoch, new.now)?;
        let (id, sender, epoch) = (new.conversation, new.sender, new.epoch);
        let mut outcomes = Vec::with_capacity(new.writes.len());
        for write in new.writes {
            outcomes.push(self.write_slot(id, sender, epoch, write, &conversation.participants)?);
        }
        Ok(outcomes)
    }

    fn slot_version(
        &self,
        id: ConversationId,
        key: &SlotKey,
    ) -> Result<Option<SlotVersion>, rusqlite::Error> {
        let held = "SELECT version FROM slot WHERE conversation = ?1 AND key = ?2";
        let values = params![id.as_bytes(), key.as_bytes()];
        self.db.prepare_cached(held)?.query_row(values, |row| Ok(SlotVersion(sql::uint(row, 0)?))).optional()
    }

    pub(super) fn write_slot(
        &mut self,
        id: ConversationId,
        sender: DeviceRef,
        epoch: Epoch,
        write: SlotWrite,
        readers: &[AccountId],
    ) -> Result<SlotOutcome, rusqlite::Error> {
        let put = "INSERT INTO slot (conversation, key, version, epoch, account, device, head, body)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
            ON CONFLICT (conversation, key) DO UPDATE SET version = excluded.version, epoch = excluded.epoch,
                account = excluded.account, device = excluded.device, head = excluded.head, body = excluded.body
            WHERE excluded.version > slot.version AND excluded.version <= slot.version + ?9";
        if write.version.0 > SLOT_LEAP && self.slot_version(id, &write.key)?.is_none() {
            return Ok(SlotOutcome::Newer(SlotVersion(0)));
        }
        let stored = self.db.prepare_cached(put)?.execute(params![
            id.as_bytes(),
            write.key.as_bytes(),
            int(write.version.0),
            int(epoch.0),
            sender.account.as_bytes(),
            sender.device.as_bytes(),
            write.head,
            write.body.0,
            int(SLOT_LEAP),
        ])?;
        if stored == 0 {
            let held = self.slot_version(id, &write.key)?.unwrap_or_default();
            return Ok(SlotOutcome::Newer(held));
        }
        let slot = Slot {
            conversation: id,
            key: write.key,
            version: write.version,
            epoch,
            account: sender.account,
            device: sender.device,
            body: write.body,
        };
        let (key, what) = (*slot.key.as_bytes(), Arc::new(What::Slot(slot)));
        for account in readers {
            self.diary(*account, diary::SLOT, id.as_bytes(), 0, &key, Arc::clone(&what))?;
        }
        Ok(SlotOutcome::Stored)
    }

    /// Lets an account into a conversation: its membership, and `Joined` in its diary.
    pub(super) fn join(&mut self, account: AccountId, m: &Membership) -> Result<(), rusqlite::Error> {
        let insert = "INSERT INTO member (conversation, account, since, epoch, hash_before, until)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
        self.db.prepare_cached(insert)?.execute(params![
            m.conversation.as_bytes(),
            account.as_bytes(),
            int(m.since.0),
            int(m.epoch.0),
            m.hash_before.0.as_bytes(),
            FOREVER
        ])?;
        let what = Arc::new(What::Joined(m.clone()));
        self.diary(account, diary::JOINED, m.conversation.as_bytes(), m.since.0, &[], what)
    }

    pub(super) fn insert_leaf(
        &mut self,
        conversation: ConversationId,
        leaf: DeviceRef,
    ) -> Result<(), rusqlite::Error> {
        let insert = "INSERT OR IGNORE INTO leaf (conversation, account, device) VALUES (?1, ?2, ?3)";
        let values = params![conversation.as_bytes(), leaf.account.as_bytes(), leaf.device.as_bytes()];
        self.db.prepare_cached(insert)?.execute(values).map(|_| ())
    }

    /// Adds a row to a diary, in place of an older one of the same subject and key, and tells it to devices.
    pub(super) fn diary(
        &mut self,
        account: AccountId,
        kind: i64,
        subject: &[u8; 16],
        number: u64,
        key: &[u8],
        what: Arc<What>,
    ) -> Result<(), rusqlite::Error> {
        let position = self.head(account)?.next();
        if !key.is_empty() {
            let delete = "DELETE FROM diary
                WHERE account = ?1 AND subject = ?2 AND key = ?3 AND kind = ?4 AND key <> x''";
            self.db.prepare_cached(delete)?.execute(params![account.as_bytes(), subject, key, kind])?;
        }
        let insert = "INSERT INTO diary (account, position, kind, subject, number, key) VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
        let values = params![account.as_bytes(), int(position.0), kind, subject, int(number), key];
        self.db.prepare_cached(insert)?.execute(values)?;
        self.cache.put_head(account, position);
        self.events.push(Event::Change(account, position, what));
        Ok(())
    }

    /// The newest position of a diary. The newest row is never deleted without a newer one taking its place.
    pub(super) fn head(&mut self, account: AccountId) -> Result<Position, rusqlite::Error> {
        if let Some(head) = self.cache.head(account) {
            return Ok(head);
        }
        let head = "SELECT position FROM diary WHERE account = ?1 ORDER BY position DESC LIMIT 1";
        let head = self
            .db
            .prepare_cached(head)?
            .query_row([account.as_bytes()], |row| sql::position(row, 0))
            .optional()?
            .unwrap_or_default();
        self.cache.put_head(account, head);
        Ok(head)
    }

    /// A conversation's newest state.
    pub(super) fn conversation(
        &mut self,
        id: ConversationId,
    ) -> Result<Option<Conversation>, rusqlite::Error> {
        if let Some(known) = self.cache.conversations.get(&id) {
            return Ok(Some(known.clone()));
        }
        let loaded = super::read_log::load_conversation(&self.db, id)?;
        if let Some(conversation) = &loaded {
            self.cache.put_conversation(id, conversation.clone());
        }
        Ok(loaded)
    }

    /// Refuses a device that is not in its account's newest list, or whose time has run out.
    pub(super) fn check_device(&mut self, device: DeviceRef, now: Timestamp) -> Outcome<()> {
        let listing = if let Some(known) = self.cache.device(device) {
            known
        } else {
            let find = "SELECT valid_until FROM device WHERE account = ?1 AND id = ?2";
            let key = params![device.account.as_bytes(), device.device.as_bytes()];
            let found =
                self.db.prepare_cached(find)?.query_row(key, |row| sql::timestamp(row, 0)).optional()?;
            let listing = found.map_or(Listing::Missing, Listing::Until);
            self.cache.put_device(device, listing);
            listing
        };
        match listing {
            Listing::Missing => Err(Refusal::DeviceRevoked.into()),
            Listing::Until(until) if until <= now => Err(Refusal::DeviceExpired.into()),
            Listing::Until(_) => Ok(()),
        }
    }

    pub(super) fn account_exists(&self, account: AccountId) -> Result<bool, rusqlite::Error> {
        self.db.prepare_cached("SELECT 1 FROM account WHERE id = ?1")?.exists([account.as_bytes()])
    }

    /// Compares a conversation's leaves with what the device lists want at `now`.
    fn roster_state(&mut self, id: ConversationId, now: Timestamp) -> Result<RosterState, rusqlite::Error> {
        // A leaf whose account is no participant or whose device is not valid; or a valid device of a participant
        // that could be added and is no leaf.
        let stale = "SELECT EXISTS (
                SELECT 1 FROM leaf l WHERE l.conversation = ?1 AND (
                    NOT EXISTS (SELECT 1 FROM member m WHERE m.conversation = ?1 AND m.account = l.account
                        AND m.until = ?3)
                    OR NOT EXISTS (SELECT 1 FROM device d WHERE d.account = l.account AND d.id = l.device
                        AND d.valid_until > ?2)))
            OR EXISTS (
                SELECT 1 FROM member m JOIN device d ON d.account = m.account
                WHERE m.conversation = ?1 AND m.until = ?3 AND d.has_key_package = 1 AND d.valid_until > ?2
                    AND NOT EXISTS (SELECT 1 FROM leaf l WHERE l.conversation = ?1 AND l.account = d.account
                        AND l.device = d.id))";
        let values = params![id.as_bytes(), int(now.0), FOREVER];
        let stale = self.db.prepare_cached(stale)?.query_row(values, |row| row.get(0))?;
        let until =
            "SELECT coalesce(min(d.valid_until), ?3) FROM member m JOIN device d ON d.account = m.account
            WHERE m.conversation = ?1 AND m.until = ?3 AND d.valid_until > ?2";
        let until = self.db.prepare_cached(until)?.query_row(values, |row| sql::timestamp(row, 0))?;
        Ok(RosterState { stale, until })
    }
}

/// The entry that `new` becomes, and the running hash after it.
pub(super) fn entry_of(new: NewEntry, conversation: &Conversation, kind: EntryKind) -> (Entry, LogHash) {
    let hash = conversation.hash.after(&Sending {
        id: &new.id,
        kind,
        epoch: new.epoch,
        account: &new.sender.account,
        device: &new.sender.device,
        annotates: new.annotates,
        body_digest: &new.digest,
    });
    let entry = Entry {
        conversation: new.conversation,
        seq: conversation.head.next(),
        id: new.id,
        kind,
        epoch: new.epoch,
        account: new.sender.account,
        device: new.sender.device,
        annotates: new.annotates,
        received_at: new.now,
        body: Body::Present(new.body),
    };
    (entry, hash)
}

struct NewEntryKey {
    conversation: ConversationId,
    id: EntryId,
    sender: DeviceRef,
}

fn sender_of(entry: &Entry) -> DeviceRef {
    DeviceRef { account: entry.account, device: entry.device }
}
