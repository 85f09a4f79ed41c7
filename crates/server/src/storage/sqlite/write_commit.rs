//! The end of an epoch.

use std::collections::BTreeSet;
use std::sync::Arc;

use diario_protocol::{
    AccountId, ConversationId, DeviceRef, EntryKind, Epoch, Membership, Refusal, Retention, Seq, What,
};
use rusqlite::params;

use super::cache::Conversation;
use super::sql::{self, FOREVER, diary, int};
use super::write_log::entry_of;
use super::writer::{Fail, Outcome, Writer};
use crate::storage::NewCommit;

impl Writer {
    /// See [`crate::storage::Storage::commit`].
    pub(super) fn commit(&mut self, new: NewCommit) -> Outcome<Seq> {
        let (id, sender, ended) = (new.entry.conversation, new.entry.sender, new.entry.epoch);
        // No look at the roster: a commit is what mends it. What it leaves to mend, the next write notices.
        let before = match self.member_conversation(id, sender, ended, new.entry.now) {
            Ok(conversation) => conversation,
            Err(Fail::Refused(refusal)) => {
                return self.existing_entry(&new.entry)?.ok_or_else(|| refusal.into());
            }
            Err(e) => return Err(e),
        };
        if let Some(seq) = self.existing_entry(&new.entry)? {
            // An application entry of that id.
            return Err(Refusal::Invalid(format!("entry {} has that id", seq.0)).into());
        }
        let digest = new.entry.digest;
        let (entry, hash) = entry_of(new.entry, &before, EntryKind::Commit);
        self.insert_entry(&entry, &digest, hash)?;
        let (seq, epoch) = (entry.seq, ended.next());
        let after: Arc<[AccountId]> = new.participants.into();
        self.update_group(id, epoch, &new.public_state, &new.group_info, &new.tree)?;
        self.update_leaves(id, &new.leaves, &after)?;

        let joined: Vec<_> = after.iter().filter(|a| !before.participants.contains(a)).copied().collect();
        let left: Vec<_> = before.participants.iter().filter(|a| !after.contains(a)).copied().collect();
        let retention =
            if joined.is_empty() { Retention::FOREVER } else { super::retention::of(&self.db, id)? };
        for account in &joined {
            let membership = Membership {
                conversation: id,
                kind: before.kind,
                since: seq,
                epoch: ended,
                hash_before: before.hash,
                participants: after.to_vec(),
                retention,
            };
            self.join(*account, &membership)?;
        }
        let what = Arc::new(What::Entry(entry));
        for account in before.participants.iter().chain(&joined) {
            self.diary(*account, diary::ENTRY, id.as_bytes(), seq.0, &[], Arc::clone(&what))?;
        }
        for account in &left {
            self.leave(id, *account, seq)?;
        }
        if let Some(welcome) = &new.welcome {
            self.keep_welcome(id, epoch, seq, &welcome.0, &new.tree.0, &new.welcomed)?;
        }
        for write in new.slots {
            self.write_slot(id, sender, epoch, write, &after)?;
        }
        self.seal_vault(sender.account, epoch, &new.vault)?;
        let conversation =
            Conversation { kind: before.kind, epoch, head: seq, hash, participants: after, roster: None };
        self.cache.put_conversation(id, conversation);
        Ok(seq)
    }

    fn update_group(
        &mut self,
        id: ConversationId,
        epoch: Epoch,
        state: &[u8],
        group_info: &[u8],
        tree: &[u8],
    ) -> Result<(), rusqlite::Error> {
        let update = "UPDATE conversation SET epoch = ?2 WHERE id = ?1";
        self.db.prepare_cached(update)?.execute(params![id.as_bytes(), int(epoch.0)])?;
        let update =
            "UPDATE group_state SET public_state = ?2, group_info = ?3, tree = ?4 WHERE conversation = ?1";
        self.db.prepare_cached(update)?.execute(params![id.as_bytes(), state, group_info, tree])?;
        Ok(())
    }

    /// Writes the difference, which is small in a large group.
    ///
    /// A device that goes out with its account keeps its welcome: what was said while the account was in is for it to
    /// read, also if it was off all the time.
    fn update_leaves(
        &mut self,
        id: ConversationId,
        leaves: &[DeviceRef],
        participants: &[AccountId],
    ) -> Result<(), rusqlite::Error> {
        let had: BTreeSet<DeviceRef> = self
            .db
            .prepare_cached("SELECT account, device FROM leaf WHERE conversation = ?1")?
            .query_map([id.as_bytes()], |row| {
                Ok(DeviceRef { account: sql::account(row, 0)?, device: sql::device(row, 1)? })
            })?
            .collect::<Result<_, _>>()?;
        let has: BTreeSet<DeviceRef> = leaves.iter().copied().collect();
        for gone in had.difference(&has) {
            let key = params![id.as_bytes(), gone.account.as_bytes(), gone.device.as_bytes()];
            let delete = "DELETE FROM leaf WHERE conversation = ?1 AND account = ?2 AND device = ?3";
            self.db.prepare_cached(delete)?.execute(key)?;
            if !participants.contains(&gone.account) {
                continue;
            }
            let delete = "DELETE FROM welcome WHERE conversation = ?1 AND account = ?2 AND device = ?3";
            if self.db.prepare_cached(delete)?.execute(key)? > 0 {
                self.forget_unread_welcomes(id)?;
            }
        }
        for new in has.difference(&had) {
            self.insert_leaf(id, *new)?;
        }
        Ok(())
    }

    fn leave(&mut self, id: ConversationId, account: AccountId, seq: Seq) -> Result<(), rusqlite::Error> {
        let update = "UPDATE member SET until = ?3 WHERE conversation = ?1 AND account = ?2 AND until = ?4";
        let values = params![id.as_bytes(), account.as_bytes(), int(seq.0), FOREVER];
        self.db.prepare_cached(update)?.execute(values)?;
        self.diary(account, diary::LEFT, id.as_bytes(), seq.0, &[], Arc::new(What::Left(id, seq)))
    }

    fn keep_welcome(
        &mut self,
        id: ConversationId,
        epoch: Epoch,
        seq: Seq,
        welcome: &[u8],
        tree: &[u8],
        devices: &[DeviceRef],
    ) -> Result<(), rusqlite::Error> {
        let insert = "INSERT INTO welcome_message (conversation, epoch, seq, welcome, tree) VALUES (?1, ?2, ?3, ?4, ?5)";
        let values = params![id.as_bytes(), int(epoch.0), int(seq.0), welcome, tree];
        self.db.prepare_cached(insert)?.execute(values)?;
        for device in devices {
            let insert = "INSERT OR REPLACE INTO welcome (conversation, account, device, epoch) VALUES (?1, ?2, ?3, ?4)";
            let (account, key) = (device.account, *device.device.as_bytes());
            let values = params![id.as_bytes(), account.as_bytes(), key, int(epoch.0)];
            self.db.prepare_cached(insert)?.execute(values)?;
            let what = Arc::new(What::Welcome(id, device.device, epoch));
            self.diary(account, diary::WELCOME, id.as_bytes(), epoch.0, &key, what)?;
        }
        self.forget_unread_welcomes(id)
    }

    /// See [`crate::storage::Storage::drop_welcome`].
    pub(super) fn drop_welcome(
        &mut self,
        device: DeviceRef,
        id: ConversationId,
        epoch: Epoch,
    ) -> Outcome<()> {
        let delete =
            "DELETE FROM welcome WHERE conversation = ?1 AND account = ?2 AND device = ?3 AND epoch = ?4";
        let (account, key) = (device.account.as_bytes(), device.device.as_bytes());
        let values = params![id.as_bytes(), account, key, int(epoch.0)];
        if self.db.prepare_cached(delete)?.execute(values)? > 0 {
            self.forget_unread_welcomes(id)?;
        }
        Ok(())
    }

    /// Drops the welcomes of a conversation, with their trees, that nobody is left to read.
    pub(super) fn forget_unread_welcomes(&mut self, id: ConversationId) -> Result<(), rusqlite::Error> {
        let delete = "DELETE FROM welcome_message WHERE conversation = ?1 AND NOT EXISTS (
            SELECT 1 FROM welcome w WHERE w.conversation = ?1 AND w.epoch = welcome_message.epoch)";
        self.db.prepare_cached(delete)?.execute([id.as_bytes()]).map(|_| ())
    }
}
