//! Messages on their way out: queued, tried again, dropped; and everything else that goes into the outbox.

use diario_protocol::{ConversationId, EntryId, Seq, Timestamp};

use super::entries::{entry_id, text_of};
use super::{Engine, Result};
use crate::content::MimiContent;
use crate::error::{CommandError, EngineError};
use crate::event::Event;
use crate::store::conversation::Conversation;
use crate::store::message::{self, NewMessage, Placed, state};
use crate::store::outbox::{self, Outgoing};
use crate::store::people::Me;
use crate::store::sealed::NamedValue;

/// Something to say.
#[derive(Debug, Clone)]
pub enum Draft {
    /// Words.
    Text(String),
}

type Done<T> = std::result::Result<T, CommandError>;

/// What the seal, the letter and the padding add at most to a content, in bytes.
const OVERHEAD: usize = 512;

impl Engine {
    /// Says something. It is shown and queued in one transaction, and sent when there is a connection.
    pub fn send(&mut self, id: ConversationId, draft: &Draft, now: Timestamp) -> Done<EntryId> {
        let salt = self.random().map_err(CommandError::Engine)?;
        self.send_salted(id, draft, salt, now)
    }

    /// Says something with a salt of the caller's, 16 random bytes. The id follows from it: said again with the same
    /// salt it is the same message, sent or not, and nothing more is done. What was kept as the conversation's draft is
    /// dropped with it.
    pub fn send_salted(
        &mut self,
        id: ConversationId,
        draft: &Draft,
        salt: [u8; 16],
        now: Timestamp,
    ) -> Done<EntryId> {
        self.utterance(now, |engine| {
            let me = engine.active()?;
            let conversation = engine.conversation_or_refuse(id)?;
            let Draft::Text(text) = draft;
            if text.trim().is_empty() {
                return Err(CommandError::Empty);
            }
            let content = MimiContent::text(salt, text.as_str());
            let (entry, new) = engine.queue_content(&conversation, &me, &content, None, now)?;
            if new {
                engine.put_draft(id, "")?;
            }
            Ok(entry)
        })
    }

    /// Says something about an entry of the log: an edit, a reaction, a deletion, as [`MimiContent`] makes them. `about`
    /// is the sequence of the message that is shown: of an edit the first version's, of a reaction that is taken back
    /// the one of what it was a reaction to. So a page with that message brings along what was said about it.
    pub fn send_about(
        &mut self,
        id: ConversationId,
        content: &MimiContent,
        about: Seq,
        now: Timestamp,
    ) -> Done<EntryId> {
        self.utterance(now, |engine| {
            let me = engine.active()?;
            let conversation = engine.conversation_or_refuse(id)?;
            if about.0 == 0 || about >= conversation.log_next {
                return Err(CommandError::NoMessage);
            }
            let (entry, _) = engine.queue_content(&conversation, &me, content, Some(about), now)?;
            Ok(entry)
        })
    }

    /// Sends an own message anew that the server had refused for good ([`crate::MessageState::Failed`]). It becomes the
    /// newest of those that wait. With one that did not fail nothing is done.
    pub fn retry(&mut self, id: ConversationId, entry: EntryId, now: Timestamp) -> Done<()> {
        self.command(now, |engine| {
            let me = engine.active()?;
            let conversation = engine.conversation_or_refuse(id)?;
            let failed = match message::unsent(&engine.db, id, entry).map_err(EngineError::from)? {
                Some(failed) if failed.state == state::FAILED => failed,
                Some(_) => return Ok(()),
                None => match message::place_of(&engine.db, id, entry).map_err(EngineError::from)? {
                    Placed::Nowhere => return Err(CommandError::NoMessage),
                    Placed::Pending | Placed::At(_) => return Ok(()),
                },
            };
            // A new row: it comes after what was written since.
            message::forget_unsent(&engine.db, id, entry).map_err(EngineError::from)?;
            let content = MimiContent::decode(&failed.content)?;
            engine.queue_content(&conversation, &me, &content, failed.about, now)?;
            Ok(())
        })
    }

    /// Drops an own message that failed, or that waits and was never given to a connection; [`crate::Event::Gone`]
    /// tells it. With one that is not here (any more) nothing is done.
    ///
    /// One that was given to a connection may be in the log though its answer was lost: it cannot be dropped
    /// ([`CommandError::OnItsWay`]). What failed was refused, so the server does not have it; should a server show it
    /// in the log all the same, it is there again, as sent.
    pub fn discard(&mut self, id: ConversationId, entry: EntryId, now: Timestamp) -> Done<()> {
        self.command(now, |engine| {
            engine.active()?;
            match message::place_of(&engine.db, id, entry).map_err(EngineError::from)? {
                Placed::Nowhere => return Ok(()),
                Placed::At(_) => return Err(CommandError::OnItsWay),
                Placed::Pending => {}
            }
            let queued = outbox::entry(&engine.db, entry).map_err(EngineError::from)?;
            if queued.is_some_and(|queued| queued.tried) {
                return Err(CommandError::OnItsWay);
            }
            outbox::drop_entry(&engine.db, entry).map_err(EngineError::from)?;
            message::forget_unsent(&engine.db, id, entry).map_err(EngineError::from)?;
            engine.emit(Event::Gone { conversation: id, id: entry });
            Ok(())
        })
    }

    /// Puts a content into the outbox and among the messages; the entry's id is made of it. Gives whether it is new: what
    /// is there already stays as it is. Nothing is said in a conversation that was left.
    pub(super) fn queue_content(
        &mut self,
        conversation: &Conversation,
        me: &Me,
        content: &MimiContent,
        annotates: Option<Seq>,
        sent_at: Timestamp,
    ) -> Done<(EntryId, bool)> {
        let id = conversation.id;
        let bytes = content.encode()?;
        let entry = entry_id(id, me.account, &bytes, &content.salt)?;
        if message::place_of(&self.db, id, entry).map_err(EngineError::from)? != Placed::Nowhere {
            return Ok((entry, false));
        }
        if conversation.left_at.is_some() {
            return Err(CommandError::Left);
        }
        let limit = (self.session.limits.entry as usize).saturating_sub(OVERHEAD);
        // Padding adds at most an eighth.
        if bytes.len() + bytes.len() / 8 > limit {
            return Err(CommandError::TooLong { size: bytes.len(), limit: limit / 9 * 8 });
        }
        let row = NewMessage {
            conversation: id,
            seq: None,
            id: entry,
            account: me.account,
            device: me.device,
            epoch: conversation.log_epoch,
            annotates,
            sent_at,
            state: state::PENDING,
            reason: None,
            text: &text_of(content),
            content: Some(&bytes),
            sealed: None,
            hash: None,
        };
        message::put(&self.db, &row).map_err(EngineError::from)?;
        let queued = self.outgoing(id, outbox::kind::ENTRY, bytes);
        self.enqueue(&Outgoing { entry: Some(entry), annotates, created_at: sent_at, ..queued })?;
        Ok((entry, true))
    }

    /// Queues a slot write; an older one of the same name that still waits is replaced.
    pub(super) fn enqueue_slot(
        &mut self,
        id: ConversationId,
        name: &str,
        value: Vec<u8>,
        head: bool,
    ) -> Result<()> {
        outbox::drop_slot(&self.db, id, name)?;
        let named = NamedValue { name: name.to_owned(), value, head };
        let payload = diario_protocol::encode(&named);
        let write = Outgoing { name: Some(named.name), ..self.outgoing(id, outbox::kind::SLOT, payload) };
        self.enqueue(&write)
    }

    /// Something to be sent; not in the outbox yet.
    pub(super) fn outgoing(&self, id: ConversationId, kind: u8, payload: Vec<u8>) -> Outgoing {
        Outgoing {
            row: 0,
            conversation: id,
            entry: None,
            kind,
            payload,
            annotates: None,
            created_at: self.now,
            name: None,
            tried: false,
        }
    }

    pub(super) fn enqueue(&mut self, outgoing: &Outgoing) -> Result<()> {
        let id = outgoing.conversation;
        outbox::enqueue(&self.db, outgoing)?;
        self.attention.insert(id);
        Ok(())
    }
}
