//! The first screen: a device that knows nothing yet takes the newest state of all conversations at once.
//!
//! It reads the heads of what a screen shows, then the snapshot and the other heads, page by page, and only then
//! subscribes, from the position that the first page was of. What lies before a head is a hole, filled when it is
//! looked at or in the background. Torn anywhere, it begins anew: the cursor stays 0 until the last page is in.

use diario_protocol::{
    AccountId, ConversationHead, ConversationId, DeviceRef, Epoch, HeadSlot, Heads, HeadsPlace, HeadsRange,
    LogHash, Membership, Position, Refusal, Request, Seq, Slot, SlotKey, SlotVersion,
};

use super::requests::{Asked, Question};
use super::snapshot::{Marks, Row, Snapshot};
use super::{Engine, Result};
use crate::error::Misbehaviour;
use crate::event::Event;
use crate::store::conversation::{self, Conversation, Membership as InGroup};
use crate::store::hole::{self, Hole};
use crate::store::message::Waiting;
use crate::store::sealed::{self, NamedValue};

/// Conversations on the first page: as many as a screen shows.
const FIRST_PAGE: u16 = 20;

/// Where the first screen is.
#[derive(Debug, Default)]
pub(super) struct Bootstrap {
    snapshot: Option<Snapshot>,
    /// Where the subscription will begin.
    position: Option<Position>,
    next: Option<HeadsPlace>,
    /// All heads are here.
    whole: bool,
}

impl Engine {
    /// Asks for the next part of the first screen, unless it is on its way.
    pub(super) fn go_on_with_bootstrap(&mut self) -> Result<()> {
        let Some(bootstrap) = &self.session.bootstrap else { return Ok(()) };
        if self.session.asking.contains(&Question::Heads) {
            return Ok(());
        }
        let range = match (&bootstrap.snapshot, bootstrap.position) {
            // What the screen shows comes first, and for so few the snapshot of all is the larger part.
            (_, None) => HeadsRange { most: FIRST_PAGE, since: Position(0), after: None },
            (None, Some(_)) => {
                let own = self.me()?.own;
                let slots = self.snapshot_slots()?;
                self.ask_once(Question::Heads, Request::Slots(own, slots), Asked::SnapshotSlots);
                return Ok(());
            }
            (Some(snapshot), Some(_)) => HeadsRange { most: 0, since: snapshot.since, after: bootstrap.next },
        };
        self.ask_once(Question::Heads, Request::Heads(range), Asked::Heads);
        Ok(())
    }

    pub(super) fn on_snapshot_slots(&mut self, slots: &[Slot]) -> Result<()> {
        self.session.asking.remove(&Question::Heads);
        let mut snapshot = self.read_snapshot(slots)?;
        self.take_rows_of_left(&mut snapshot)?;
        match &mut self.session.bootstrap {
            Some(bootstrap) if bootstrap.whole => self.end_bootstrap()?,
            Some(bootstrap) => bootstrap.snapshot = Some(snapshot),
            None => {}
        }
        Ok(())
    }

    /// The heads of a conversation that the account has left bring no slots: what it was called is in the snapshot only.
    fn take_rows_of_left(&mut self, snapshot: &mut Snapshot) -> Result<()> {
        for c in Conversation::all(&self.db)?.into_iter().filter(|c| c.left_at.is_some()) {
            if let Some(row) = snapshot.rows.remove(&c.id) {
                self.take_row(c.id, &row)?;
            }
        }
        Ok(())
    }

    pub(super) fn bootstrap_refused(&mut self, refusal: Refusal) -> Result<()> {
        if refusal.is_temporary() {
            self.ask_again_later(Question::Heads);
            return Ok(());
        }
        self.misbehaved(None, Misbehaviour::Refused(refusal));
        self.must_disconnect = true;
        Ok(())
    }

    pub(super) fn on_heads(&mut self, heads: &Heads) -> Result<()> {
        self.session.asking.remove(&Question::Heads);
        let Some(mut bootstrap) = self.session.bootstrap.take() else { return Ok(()) };
        for account in &heads.accounts {
            self.ingest_list(Some(&account.username), &account.list)?;
        }
        for head in &heads.items {
            let row = bootstrap.snapshot.as_mut().and_then(|s| s.rows.remove(&head.conversation));
            self.take_head(heads, head, row.as_ref())?;
        }
        bootstrap.position.get_or_insert(heads.position);
        self.retry_arrivals()?;
        bootstrap.next = heads.next;
        bootstrap.whole = heads.next.is_none() || heads.items.is_empty();
        let named_by_snapshot = bootstrap.snapshot.is_none() && heads.items.iter().any(|head| head.left);
        let ends = bootstrap.whole && !named_by_snapshot;
        self.session.bootstrap = Some(bootstrap);
        if ends { self.end_bootstrap() } else { Ok(()) }
    }

    /// What comes from now on is in the stream.
    fn end_bootstrap(&mut self) -> Result<()> {
        let Some(position) = self.session.bootstrap.take().and_then(|b| b.position) else { return Ok(()) };
        if let Some(me) = &mut self.me {
            me.cursor = position;
            self.staged.cursor_moved = true;
        }
        self.ask(Request::Subscribe(position), Asked::Subscribe);
        Ok(())
    }

    fn take_head(&mut self, heads: &Heads, head: &ConversationHead, row: Option<&Row>) -> Result<()> {
        let id = head.conversation;
        let Some(participants) = people_at(heads, &head.participants) else {
            return self.out_of_turn("a head that names nobody");
        };
        let membership = Membership {
            conversation: id,
            kind: head.kind,
            since: head.since,
            epoch: head.since_epoch,
            hash_before: head.since_hash.unwrap_or_else(|| LogHash::start(&id)),
            participants,
            retention: head.retention.unwrap_or_default(),
        };
        if !self.kind_fits(&membership)? {
            self.misbehaved(
                Some(id),
                Misbehaviour::Join("it is not the conversation that its id names".into()),
            );
            return Ok(());
        }
        if !self.place_head(head, &membership)? {
            return Ok(());
        }
        self.bring_group_to_head(head)?;
        if self.conversation(id)?.is_some_and(|c| c.membership == InGroup::Outside) {
            self.take_participants_on_trust(&membership)?;
        }
        self.on_retention(id, membership.retention)?;
        if let Some(row) = row {
            self.take_row(id, row)?;
        }
        let own = self.me()?.own;
        for (of, slot) in head.slots.iter().map(|s| (id, s)).chain(head.keys.iter().map(|s| (own, s))) {
            match slot_at(heads, of, slot) {
                Some(slot) => self.on_slot(&slot)?,
                None => return self.out_of_turn("a slot of nobody's"),
            }
        }
        self.preview(heads, head)?;
        let marker = self.private_marker(id)?;
        let c = self.change(id)?;
        c.read = c.read.max(marker);
        self.attention.insert(id);
        self.emit(Event::Conversation(id));
        Ok(())
    }

    /// Puts a conversation's log at its head; what is not here of it is a hole. `false` if the head cannot be.
    fn place_head(&mut self, head: &ConversationHead, membership: &Membership) -> Result<bool> {
        let (id, now) = (head.conversation, self.now);
        let known = self.conversation(id)?.cloned();
        let mut c = known.unwrap_or_else(|| Conversation::new(id, head.kind, now));
        let begun_elsewhere = membership.since == Seq(1) && membership.hash_before != LogHash::start(&id);
        let empty = head.head.next() <= head.since;
        if begun_elsewhere || (empty && head.hash != membership.hash_before) {
            self.misbehaved(Some(id), Misbehaviour::Rewritten(Seq(head.since.0.saturating_sub(1))));
            return Ok(false);
        }
        let fresh = c.since != head.since || c.log_next <= c.since;
        if !fresh && head.head.next() <= c.log_next {
            if head.head.next() == c.log_next && head.hash != c.log_hash {
                self.misbehaved(Some(id), Misbehaviour::Rewritten(head.head));
                return Ok(false);
            }
            if head.left && c.left_at.is_none() {
                self.on_left(id, head.head)?;
            }
            return Ok(true);
        }
        let first = if fresh { head.since } else { c.log_next };
        let at = head.last.as_ref().map_or(now, |entry| entry.received_at);
        hole::put(&self.db, &Hole { conversation: id, first, last: head.head, hash: head.hash, at })?;
        hole::put_others(&self.db, id, head.head, &head.others)?;
        c.kind = head.kind;
        c.since = membership.since;
        c.since_epoch = membership.epoch;
        c.since_hash = membership.hash_before;
        c.log_next = head.head.next();
        c.log_hash = head.hash;
        c.log_epoch = head.epoch;
        c.known_head = c.known_head.max(head.head);
        c.left_at = head.left.then_some(head.head);
        c.epoch_since = at;
        c.dirty = true;
        let leaves = head.left && c.membership != InGroup::Outside;
        self.conversations.insert(id, c);
        if leaves {
            self.leave_group(id)?;
        }
        self.save()?;
        Ok(true)
    }

    /// Asks for the commits between a group and the head that its log was put at: a rebuild leaves the group where it
    /// stood, and others may have gone on before this device came back.
    fn bring_group_to_head(&mut self, head: &ConversationHead) -> Result<()> {
        let id = head.conversation;
        if self.conversation(id)?.is_none_or(|c| c.membership != InGroup::Member) {
            return Ok(());
        }
        let Some(group) = self.take_group(id)? else { return Ok(()) };
        let epoch = group.epoch();
        self.groups.insert(id, group);
        if epoch < head.epoch {
            self.ask_for_commits(id, head.since)?;
        }
        Ok(())
    }

    /// What the snapshot knows of a conversation.
    fn take_row(&mut self, id: ConversationId, row: &Row) -> Result<()> {
        for (epoch, key) in row.keys() {
            if self.key(id, epoch)?.is_none() {
                self.learn_key(id, epoch, &key, true)?;
            }
        }
        if let Some(title) = &row.title {
            let named = NamedValue {
                name: super::slots::TITLE.into(),
                value: title.text.clone().into_bytes(),
                head: true,
            };
            let slot = self.slot_of_snapshot(id, SlotKey::of_name(id, &named.name), title.version)?;
            if sealed::slot_version(&self.db, id, slot.key)? < slot.version {
                sealed::save_slot(&self.db, &slot, Some(&named))?;
                self.take_title(id, &named.value)?;
            }
        }
        let me = self.me()?.account;
        if let Some(marks) = row.own {
            self.take_marks(id, me, marks)?;
        }
        let peer = conversation::participants_of(&self.db, id)?.into_iter().find(|p| p.account != me);
        if let (Some(marks), Some(peer)) = (row.peer, peer) {
            self.take_marks(id, peer.account, marks)?;
        }
        Ok(())
    }

    fn take_marks(&mut self, id: ConversationId, account: AccountId, marks: Marks) -> Result<()> {
        let slot = self.slot_of_snapshot(id, SlotKey::of_receipts(id, account), marks.version)?;
        if sealed::slot_version(&self.db, id, slot.key)? >= slot.version {
            return Ok(());
        }
        let named = super::receipts::marks_value(account, marks.delivered, marks.read);
        let slot = Slot { account, ..slot };
        sealed::save_slot(&self.db, &slot, Some(&named))?;
        self.use_receipts(&slot, &named)
    }

    /// A slot without its seal: a sibling opened it and tells what was in it.
    fn slot_of_snapshot(&self, id: ConversationId, key: SlotKey, version: SlotVersion) -> Result<Slot> {
        let me = self.me()?;
        Ok(Slot {
            conversation: id,
            key,
            version,
            epoch: Epoch(0),
            account: me.account,
            device: me.device,
            body: Vec::new().into(),
        })
    }

    /// Shows the newest message before the log around it is here.
    fn preview(&mut self, heads: &Heads, head: &ConversationHead) -> Result<()> {
        let (id, Some(entry)) = (head.conversation, &head.last) else { return Ok(()) };
        if hole::around(&self.db, id, entry.seq)?.is_none() {
            return Ok(());
        }
        let Some(by) = device_at(heads, entry.device) else {
            return self.out_of_turn("a message of nobody's");
        };
        let waiting = Waiting {
            conversation: id,
            seq: entry.seq,
            id: entry.id,
            account: by.account,
            device: by.device,
            epoch: entry.epoch,
            annotates: None,
            sealed: entry.body.0.clone(),
            hash: None,
            received_at: entry.received_at,
        };
        self.take_preview(&waiting, false)
    }

    /// Whether a device that has just logged in begins with a first screen.
    pub(super) fn wants_bootstrap(&self, registering: bool, head: Position) -> Result<bool> {
        Ok(!registering && self.me()?.cursor.0 == 0 && head.0 > 0)
    }
}

fn people_at(heads: &Heads, indices: &[u32]) -> Option<Vec<AccountId>> {
    indices.iter().map(|at| heads.people.get(*at as usize).copied()).collect()
}

fn device_at(heads: &Heads, index: u32) -> Option<DeviceRef> {
    let device = heads.devices.get(index as usize)?;
    Some(DeviceRef { account: *heads.people.get(device.account as usize)?, device: device.device })
}

fn slot_at(heads: &Heads, conversation: ConversationId, slot: &HeadSlot) -> Option<Slot> {
    let by = device_at(heads, slot.device)?;
    Some(Slot {
        conversation,
        key: slot.key,
        version: slot.version,
        epoch: slot.epoch,
        account: by.account,
        device: by.device,
        body: slot.body.clone(),
    })
}
