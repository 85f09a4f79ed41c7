//! What the server no longer keeps, and how it knows what may go.

use diario_protocol::{
    ConversationId, Entry, EntryKind, LogHash, Position, Refusal, Request, Retention, Timestamp,
};

use super::entries::{commit_row, entry_id, gone_row, text_of};
use super::requests::Asked;
use super::{Engine, Result, Timer};
use crate::content::MimiContent;
use crate::error::CommandError;
use crate::event::Event;
use crate::store::conversation::{Conversation, Membership};
use crate::store::message::{self, NewMessage, Placed, state};
use crate::store::{hole, kept, outbox};

/// What a row says whose content the server did not keep.
pub(crate) const NO_LONGER_KEPT: &str = "no longer kept by the server";

/// The server is told what this device has so often at most, in milliseconds.
const ACK_MS: u64 = 60_000;

/// What this connection's server knows that the device has.
#[derive(Debug, Default)]
pub(super) struct Acks {
    told: Position,
    due: Option<Timestamp>,
}

type Done<T> = std::result::Result<T, CommandError>;

impl Engine {
    /// For how long the server keeps what is said in a conversation: as its members agreed, and as it is in effect,
    /// which is shorter where the server's own rule is.
    pub fn retention(&self, id: ConversationId) -> Result<(Retention, Retention)> {
        let own = kept::retention(&self.db, id)?;
        Ok((own, own.shorter(kept::server_retention(&self.db)?)))
    }

    /// For how long the server keeps what is said in any conversation, whatever its members agreed on.
    pub fn server_retention(&self) -> Result<Retention> {
        Ok(kept::server_retention(&self.db)?)
    }

    /// Sets for how long the server keeps what is said in a conversation; [`Event::Conversation`] tells that it is so.
    /// What devices have stays on them.
    pub fn set_retention(&mut self, id: ConversationId, retention: Retention, now: Timestamp) -> Done<()> {
        self.command(now, |engine| {
            engine.active()?;
            let conversation = engine.conversation_or_refuse(id)?;
            if conversation.left_at.is_some() {
                return Err(CommandError::Left);
            }
            if !engine.session.is_live() || conversation.since.0 == 0 {
                return Err(CommandError::Offline);
            }
            engine.ask(Request::SetRetention(id, retention), Asked::Retention(id));
            Ok(())
        })
    }

    pub(super) fn retention_refused(&mut self, id: ConversationId, refusal: Refusal) {
        self.emit(Event::Failed { conversation: id, id: None, refusal });
    }

    /// The server's word on how long it keeps a conversation.
    pub(super) fn on_retention(&mut self, id: ConversationId, retention: Retention) -> Result<()> {
        if kept::set_retention(&self.db, id, retention)? {
            self.emit(Event::Conversation(id));
        }
        Ok(())
    }

    /// Tells the server now and then what this device has for good, if anything depends on it: not before the holes are
    /// filled of what goes once every device has it.
    pub(super) fn send_ack(&mut self) -> Result<()> {
        let (cursor, told) = (self.me()?.cursor, self.session.acks.told);
        if cursor <= told
            || !kept::waits_for_devices(&self.db)?
            || hole::newest_to_go(&self.db, 1)?.len() == 1
        {
            return Ok(());
        }
        let now = self.now;
        let first = if told.0 == 0 { now } else { now.plus_ms(ACK_MS) };
        let due = *self.session.acks.due.get_or_insert(first);
        if now < due {
            self.set_timer(Timer::Ack, due);
            return Ok(());
        }
        self.session.acks = Acks { told: cursor, due: None };
        self.tell(Request::Ack(cursor));
        Ok(())
    }

    /// This device begins anew: what it had, it has no longer.
    pub(super) fn take_acks_back(&mut self) -> Result<()> {
        if kept::waits_for_devices(&self.db)? {
            self.tell(Request::Ack(Position(0)));
        }
        Ok(())
    }

    /// The next entry of a log, of which the server has no more than what keeps the log whole.
    pub(super) fn apply_gone(
        &mut self,
        before: &Conversation,
        entry: &Entry,
        hash: LogHash,
        placed: Placed,
    ) -> Result<()> {
        let id = before.id;
        if entry.kind == EntryKind::Commit {
            return self.skip_commit(before, entry, hash);
        }
        self.advance(id, entry.seq, hash)?;
        self.change(id)?.epoch_entries += 1;
        self.keep_place(entry, hash, placed)?;
        self.emit(Event::Entry { conversation: id, seq: entry.seq });
        Ok(())
    }

    /// A row for an entry without a body, with what is known here of what it said.
    pub(super) fn keep_place(&mut self, entry: &Entry, hash: LogHash, placed: Placed) -> Result<()> {
        let id = entry.conversation;
        if placed == Placed::Pending {
            // This device's own, whose answer was lost: what it says is here.
            message::place(&self.db, id, entry.id, entry.seq, entry.epoch, hash)?;
            outbox::drop_entry(&self.db, entry.id)?;
            self.session.lane(id).sent.remove(&entry.id);
            self.emit(Event::Sent { conversation: id, id: entry.id, seq: entry.seq });
            return Ok(());
        }
        let gone = gone_row(entry, hash);
        let salvaged = kept::take_back(&self.db, id, entry.id)?;
        match salvaged.and_then(|kept| Some((text_if_whole(entry, &kept.content)?, kept))) {
            Some((text, kept)) => message::put(
                &self.db,
                &NewMessage {
                    state: state::READABLE,
                    sent_at: kept.sent_at,
                    text: &text,
                    content: Some(&kept.content),
                    ..gone
                },
            )?,
            None => message::put(
                &self.db,
                &NewMessage { state: state::GONE, reason: Some(NO_LONGER_KEPT), ..gone },
            )?,
        }
        Ok(())
    }

    /// A commit that cannot be followed any more: the epoch goes on without this device, which enters anew when it next
    /// has something to say.
    fn skip_commit(&mut self, before: &Conversation, entry: &Entry, hash: LogHash) -> Result<()> {
        let id = before.id;
        let now = self.now;
        let lane = self.session.lane(id);
        lane.claimed.clear();
        lane.aligned = false;
        self.attention.insert(id);
        {
            let conversation = self.change(id)?;
            conversation.log_epoch = before.log_epoch.next();
            conversation.epoch_since = now;
            conversation.epoch_entries = 0;
        }
        self.advance(id, entry.seq, hash)?;
        message::put(&self.db, &commit_row(entry, hash, None))?;
        let ahead = match self.take_group(id)? {
            Some(group) => {
                let ahead = group.epoch() > entry.epoch;
                self.groups.insert(id, group);
                ahead
            }
            None => false,
        };
        // Entered by a welcome that lies ahead of the log: nothing is lost.
        if !(ahead && before.membership == Membership::Member) {
            self.leave_group(id)?;
        }
        self.emit(Event::Entry { conversation: id, seq: entry.seq });
        Ok(())
    }
}

/// The words of a content that was put aside, if it is the entry's: the store it comes from may have been damaged.
fn text_if_whole(entry: &Entry, content: &[u8]) -> Option<String> {
    let read = MimiContent::decode(content).ok()?;
    let id = entry_id(entry.conversation, entry.account, content, &read.salt).ok()?;
    (id == entry.id).then(|| text_of(&read))
}
