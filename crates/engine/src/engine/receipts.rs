//! Receipts: "delivered up to" and "read up to", one slot for each account and conversation.

use diario_protocol::{
    AccountId, ConversationId, ConversationKind, PutSlots, Request, Seq, Slot, SlotKey, SlotOutcome,
    SlotVersion,
};
use minicbor::{Decode, Encode};

use super::requests::{Asked, SlotBatch};
use super::{Engine, Result, Timer};
use crate::error::Misbehaviour;
use crate::store::conversation::{self, Conversation, Membership};
use crate::store::sealed::NamedValue;

/// How far an account has a conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
struct Markers {
    #[n(0)]
    delivered: Seq,
    #[n(1)]
    read: Seq,
}

/// A linked device leaves its primary this long to tell what both received, in milliseconds.
const COURTESY_MS: u64 = 250;
/// What comes within this time is told at once, in milliseconds.
const GATHER_MS: u64 = 20;

fn slot_name(account: AccountId) -> String {
    format!("receipts/{account}")
}

/// What the receipts slot of an account holds.
pub(super) fn marks_value(account: AccountId, delivered: Seq, read: Seq) -> NamedValue {
    let value = diario_protocol::encode(&Markers { delivered, read });
    NamedValue { name: slot_name(account), value, head: true }
}

impl Engine {
    /// A message of somebody else's is on this device.
    pub(super) fn delivered(&mut self, id: ConversationId, seq: Seq) -> Result<()> {
        let conversation = self.change(id)?;
        if seq <= conversation.delivered {
            // Older than what was told already.
            return Ok(());
        }
        conversation.delivered = seq;
        self.tell_receipts_soon(id)
    }

    fn tell_receipts_soon(&mut self, id: ConversationId) -> Result<()> {
        let wait = if self.me()?.is_primary() { GATHER_MS } else { COURTESY_MS };
        self.set_timer(Timer::Receipts, self.now.plus_ms(wait));
        self.session.unmarked.insert(id);
        Ok(())
    }

    /// Whether markers are to be told now, and whether it is time.
    pub(super) fn send_receipts(&mut self, id: ConversationId) -> Result<()> {
        let Some(c) = self.conversation(id)?.cloned() else { return Ok(()) };
        let tells = self.tells_receipts(&c)?;
        let behind = c.delivered > c.marked_delivered || c.read > c.marked_read;
        if !tells || !behind || c.membership != Membership::Member || !c.is_open() {
            self.session.unmarked.remove(&id);
            return Ok(());
        }
        let lane = self.session.lane(id);
        if lane.control || lane.slots || lane.wait_for.is_some() || lane.not_before.is_some() {
            return Ok(());
        }
        if self.key(id, c.log_epoch)?.is_none() {
            return Ok(());
        }
        let account = self.me()?.account;
        let markers =
            Markers { delivered: c.delivered.max(c.marked_delivered), read: c.read.max(c.marked_read) };
        let key = SlotKey::of_receipts(id, account);
        let version = c.mark_version.next();
        // Of a group there are many: a first screen brings the reader's own, and needs no other.
        let head = c.kind == ConversationKind::Direct;
        let named = NamedValue { head, ..marks_value(account, markers.delivered, markers.read) };
        let write = self.slot_write(id, c.log_epoch, key, version, &named)?;
        self.session.lane(id).slots = true;
        // Until the answer: a conversation that waits for one is not to be looked at with every input.
        self.session.unmarked.remove(&id);
        let batch = SlotBatch::Receipts { delivered: markers.delivered, read: markers.read, version };
        let request = PutSlots { conversation: id, epoch: c.log_epoch, writes: vec![write] };
        self.ask(Request::PutSlots(request), Asked::Slots(id, batch));
        Ok(())
    }

    pub(super) fn receipts_put(
        &mut self,
        id: ConversationId,
        delivered: Seq,
        read: Seq,
        version: SlotVersion,
        outcomes: &[SlotOutcome],
    ) -> Result<()> {
        let conversation = self.change(id)?;
        match outcomes {
            [SlotOutcome::Stored] => {
                conversation.marked_delivered = conversation.marked_delivered.max(delivered);
                conversation.marked_read = conversation.marked_read.max(read);
                conversation.mark_version = conversation.mark_version.max(version);
            }
            // A sibling told something: its value comes by the stream, and what it lacks is told after it.
            [SlotOutcome::Newer(newer)] if super::slots::is_leap(version, *newer) => {
                self.misbehaved(Some(id), Misbehaviour::Slot("its version leaps".into()));
                return Ok(());
            }
            [SlotOutcome::Newer(newer)] => conversation.mark_version = conversation.mark_version.max(*newer),
            _ => return self.out_of_turn("an outcome that no slot write has"),
        }
        // There may be more to tell by now.
        self.session.unmarked.insert(id);
        self.attention.insert(id);
        Ok(())
    }

    /// Takes a markers slot, of this account or another.
    pub(super) fn use_receipts(&mut self, slot: &Slot, named: &NamedValue) -> Result<()> {
        if named.name != slot_name(slot.account) {
            if named.name.starts_with("receipts/") {
                let what = Misbehaviour::Slot("somebody wrote another's receipts".into());
                self.misbehaved(Some(slot.conversation), what);
            }
            return Ok(());
        }
        let Ok(markers) = diario_protocol::decode::<Markers>(&named.value, named.value.len()) else {
            return Ok(());
        };
        if slot.account == self.me()?.account {
            let conversation: &mut Conversation = self.change(slot.conversation)?;
            conversation.delivered = conversation.delivered.max(markers.delivered);
            conversation.read = conversation.read.max(markers.read);
            if slot.version < conversation.mark_version {
                // What this device wrote since is on its way.
                return Ok(());
            }
            // A sibling that could not read the value before may have written over it with less: what it does not say
            // is told anew.
            conversation.mark_version = slot.version;
            (conversation.marked_delivered, conversation.marked_read) = (markers.delivered, markers.read);
            if conversation.delivered > markers.delivered || conversation.read > markers.read {
                self.tell_receipts_soon(slot.conversation)?;
            }
        } else {
            conversation::move_markers(
                &self.db,
                slot.conversation,
                slot.account,
                markers.delivered,
                markers.read,
            )?;
        }
        Ok(())
    }
}
