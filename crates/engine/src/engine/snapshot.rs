//! The snapshot: what a list of conversations needs, of all conversations, in few slots of the self conversation.
//!
//! A new device would need one keyring slot and two or three others for each conversation. A device that is up to
//! date puts what they hold together, so that with the snapshot only those have to come that changed since. It is a
//! copy: what is missing in it, or wrong, is found in the slots themselves.

use std::collections::HashMap;

use diario_protocol::{
    ConversationId, ConversationKind, Epoch, Position, PutSlots, Request, Seq, Slot, SlotKey, SlotVersion,
};
use minicbor::{Decode, Encode};

use super::requests::{Asked, SlotBatch};
use super::slots::unseal;
use super::{Engine, Result};
use crate::crypto::key::ConversationKey;
use crate::store::conversation::{Conversation, Membership};
use crate::store::people;
use crate::store::sealed::{self, NamedValue};

pub(super) const PREFIX: &str = "snapshot/";
/// Parts that are looked for, with about 700 conversations in each. Who has more does without a snapshot.
const PARTS: usize = 128;
/// Bytes of one part, before sealing.
const PART_BYTES: usize = 52 * 1024;
/// Changes of the diary after which a new one is worth its bytes, beside a quarter of the number of conversations.
const CHANGES: u64 = 256;

/// One part of a snapshot.
#[derive(Debug, Default, Encode, Decode)]
pub(super) struct Part {
    /// The diary's position up to which it holds what there was.
    #[n(0)]
    position: Position,
    /// How many parts there are.
    #[n(1)]
    parts: u16,
    #[n(2)]
    rows: Vec<Row>,
}

/// A slot's value, as far as a list needs it.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub(super) struct Title {
    #[n(0)]
    pub(super) version: SlotVersion,
    #[n(1)]
    pub(super) text: String,
}

/// A receipts slot's version and markers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub(super) struct Marks {
    #[n(0)]
    pub(super) version: SlotVersion,
    #[n(1)]
    pub(super) delivered: Seq,
    #[n(2)]
    pub(super) read: Seq,
}

/// A key of the conversation.
#[derive(Clone, Encode, Decode)]
pub(super) struct Secret {
    #[n(0)]
    epoch: Epoch,
    #[cbor(n(1), with = "minicbor::bytes")]
    secret: Vec<u8>,
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Secret(epoch {})", self.epoch)
    }
}

/// What a snapshot knows of one conversation.
#[derive(Debug, Clone, Encode, Decode)]
pub(super) struct Row {
    #[n(0)]
    conversation: ConversationId,
    #[n(1)]
    keys: Vec<Secret>,
    #[n(2)]
    pub(super) title: Option<Title>,
    /// Of this account.
    #[n(3)]
    pub(super) own: Option<Marks>,
    /// Of the other, in a direct conversation.
    #[n(4)]
    pub(super) peer: Option<Marks>,
}

impl Row {
    /// The keys that it has.
    pub(super) fn keys(&self) -> impl Iterator<Item = (Epoch, ConversationKey)> + '_ {
        self.keys.iter().filter_map(|k| Some((k.epoch, ConversationKey::from_slice(&k.secret)?)))
    }
}

/// What a connection knows about snapshots.
#[derive(Debug, Default)]
pub(super) struct SnapshotLine {
    /// How far the newest one goes, once that was looked up.
    pub(super) at: Option<Position>,
    /// A fresh one serves a device that is about to be admitted, and keeps what a conversation was called that was left.
    pub(super) wanted: bool,
    /// Changes after which a new one is due, once that was looked up.
    due_after: Option<u64>,
}

/// A snapshot that was read.
#[derive(Debug, Default)]
pub(super) struct Snapshot {
    /// Slots that did not change after this position are in it; 0 if it is not whole.
    pub(super) since: Position,
    pub(super) rows: HashMap<ConversationId, Row>,
}

fn part_name(part: usize) -> String {
    format!("{PREFIX}{part}")
}

impl Engine {
    /// Keys of the slots that a snapshot may be in.
    pub(super) fn snapshot_slots(&self) -> Result<Vec<SlotKey>> {
        let own = self.me()?.own;
        let most = PARTS.min(usize::from(self.session.limits.batch));
        Ok((0..most).map(|part| SlotKey::of_name(own, &part_name(part))).collect())
    }

    /// Reads the snapshot out of its slots. What does not open is left out: then slots are fetched in its place.
    pub(super) fn read_snapshot(&mut self, slots: &[Slot]) -> Result<Snapshot> {
        let mut parts = Vec::new();
        for slot in slots {
            parts.extend(self.open_part(slot)?);
        }
        let mut snapshot = Snapshot::default();
        let newest = parts.iter().map(|p| p.position).max().unwrap_or_default();
        let of_newest = parts.iter().filter(|p| p.position == newest);
        let whole = parts.iter().find(|p| p.position == newest).map(|p| usize::from(p.parts));
        if whole.is_some_and(|whole| whole == of_newest.count()) {
            snapshot.since = newest;
        }
        // Of an unfinished one the keys are as good, and the rest is only older than what comes with the heads.
        parts.sort_by_key(|p| p.position);
        for part in parts {
            snapshot.rows.extend(part.rows.into_iter().map(|row| (row.conversation, row)));
        }
        Ok(snapshot)
    }

    fn open_part(&mut self, slot: &Slot) -> Result<Option<Part>> {
        let me = self.me()?.account;
        if slot.account != me || slot.conversation != ConversationId::of_self(me) {
            return Ok(None);
        }
        let (Some(key), Some(device)) =
            (self.key(slot.conversation, slot.epoch)?, people::device(&self.db, me, slot.device)?)
        else {
            return Ok(None);
        };
        let Some(verifying) = self.verifying_key(&device) else { return Ok(None) };
        let Ok(named) = unseal(slot, &key, &verifying) else { return Ok(None) };
        if !named.name.starts_with(PREFIX) || slot.key != SlotKey::of_name(slot.conversation, &named.name) {
            return Ok(None);
        }
        self.saw_snapshot(slot, &named)
    }

    /// Keeps of a part only its version, which the next one has to be higher than, and how far it goes.
    pub(super) fn saw_snapshot(&mut self, slot: &Slot, named: &NamedValue) -> Result<Option<Part>> {
        let part = diario_protocol::decode::<Part>(&named.value, named.value.len()).ok();
        let position = part.as_ref().map_or(Position(0), |p| p.position);
        let kept = diario_protocol::encode(&Part { position, ..Part::default() });
        sealed::save_slot(&self.db, slot, Some(&NamedValue { value: kept, ..named.clone() }))?;
        self.session.snapshot.at = None;
        Ok(part)
    }

    /// Puts a new snapshot where the last one is old. `eager`: one is wanted for what is about to happen, or just did.
    pub(super) fn put_snapshot(&mut self, eager: bool) -> Result<()> {
        let own = self.me()?.own;
        if !self.session.is_live() || self.session.room() == 0 {
            return Ok(());
        }
        let changes = self.me()?.cursor.0.saturating_sub(self.snapshot_position()?.0);
        if changes < if eager { 1 } else { self.snapshot_due_after()? } {
            return Ok(());
        }
        let Some(conversation) = self.conversation(own)?.cloned() else { return Ok(()) };
        let lane = self.session.lane(own);
        let busy = lane.control || lane.slots || lane.wait_for.is_some() || lane.not_before.is_some();
        if busy || !lane.aligned || conversation.membership != Membership::Member {
            return Ok(());
        }
        if self.key(own, conversation.log_epoch)?.is_none() {
            return Ok(());
        }
        self.save()?;
        let parts = self.snapshot_parts(&Conversation::all(&self.db)?)?;
        let position = self.me()?.cursor;
        // Tried now, whatever becomes of it: the next one is due after as many changes again.
        self.session.snapshot.at = Some(position);
        self.session.snapshot.wanted = false;
        if parts.len() > PARTS.min(usize::from(self.session.limits.batch)) {
            // Its position would hide the slots of those that do not fit.
            return Ok(());
        }
        let count = u16::try_from(parts.len()).unwrap_or(u16::MAX);
        let mut writes = Vec::new();
        for (at, rows) in parts.into_iter().enumerate() {
            let name = part_name(at);
            let key = SlotKey::of_name(own, &name);
            let version = sealed::slot_version(&self.db, own, key)?.next();
            let value = diario_protocol::encode(&Part { position, parts: count, rows });
            let named = NamedValue { name, value, head: false };
            writes.push(self.slot_write(own, conversation.log_epoch, key, version, &named)?);
        }
        self.session.lane(own).slots = true;
        let request = PutSlots { conversation: own, epoch: conversation.log_epoch, writes };
        self.ask(Request::PutSlots(request), Asked::Slots(own, SlotBatch::Snapshot));
        Ok(())
    }

    /// Changes after which a new snapshot is due; looked up once, since every input asks.
    fn snapshot_due_after(&mut self) -> Result<u64> {
        if let Some(changes) = self.session.snapshot.due_after {
            return Ok(changes);
        }
        let patience = if self.me()?.is_primary() { 1 } else { 2 };
        let changes = (CHANGES + crate::store::conversation::count(&self.db)? / 4) * patience;
        self.session.snapshot.due_after = Some(changes);
        Ok(changes)
    }

    /// How far the newest snapshot goes that is known here.
    fn snapshot_position(&mut self) -> Result<Position> {
        if let Some(position) = self.session.snapshot.at {
            return Ok(position);
        }
        let own = self.me()?.own;
        let value = sealed::value(&self.db, own, &part_name(0))?.unwrap_or_default();
        let part = diario_protocol::decode::<Part>(&value, value.len()).unwrap_or_default();
        self.session.snapshot.at = Some(part.position);
        Ok(part.position)
    }

    fn snapshot_parts(&mut self, all: &[Conversation]) -> Result<Vec<Vec<Row>>> {
        let (mut parts, mut rows, mut size) = (Vec::new(), Vec::new(), 0);
        for c in all.iter().filter(|c| c.kind != ConversationKind::SelfConversation && c.since.0 > 0) {
            let row = self.snapshot_row(c)?;
            let bytes = diario_protocol::encode(&row).len();
            if size + bytes > PART_BYTES && !rows.is_empty() {
                parts.push(std::mem::take(&mut rows));
                size = 0;
            }
            size += bytes;
            rows.push(row);
        }
        parts.push(rows);
        Ok(parts)
    }

    fn snapshot_row(&mut self, c: &Conversation) -> Result<Row> {
        let me = self.me()?.account;
        let mut keys = Vec::new();
        for (epoch, secret) in sealed::newest_keys(&self.db, c.id, 2)? {
            keys.push(Secret { epoch, secret: secret.as_bytes().to_vec() });
        }
        let title_slot = SlotKey::of_name(c.id, super::slots::TITLE);
        let version = sealed::slot_version(&self.db, c.id, title_slot)?;
        // A title that this device cannot read yet is left to the slot itself.
        let is_read = sealed::value(&self.db, c.id, super::slots::TITLE)?.is_some();
        let title = (version.0 > 0 && is_read).then(|| Title { version, text: c.title.clone() });
        let own = (c.mark_version.0 > 0).then_some(Marks {
            version: c.mark_version,
            delivered: c.marked_delivered,
            read: c.marked_read,
        });
        let mut peer = None;
        if c.kind == ConversationKind::Direct {
            for (account, delivered, read) in crate::store::conversation::markers_of(&self.db, c.id)? {
                let version = sealed::slot_version(&self.db, c.id, SlotKey::of_receipts(c.id, account))?;
                if account != me && version.0 > 0 {
                    peer = Some(Marks { version, delivered, read });
                }
            }
        }
        Ok(Row { conversation: c.id, keys, title, own, peer })
    }
}
