//! What the user wants done in conversations.

use diario_protocol::{
    AccountId, AccountRef, ConversationId, ConversationKind, EntryId, Request, Seq, Signal, Timestamp,
    Username,
};

use super::entries::{entry_id, text_of};
use super::requests::Asked;
use super::roster::MembershipWish;
use super::{Engine, Result};
use crate::content::MimiContent;
use crate::crypto::seal::{self, Place, Subject};
use crate::error::{CommandError, EngineError};
use crate::event::Event;
use crate::store::conversation::{self, Conversation, Membership};
use crate::store::message::{self, NewMessage, Outgoing, Placed, outbox_kind, state};
use crate::store::people::{self, Me, Stage};
use crate::store::sealed::{self, NamedValue};

/// Something to say.
#[derive(Debug, Clone)]
pub enum Draft {
    /// Words.
    Text(String),
}

/// A change of a group's members.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GroupChange {
    /// Take accounts in.
    Add(Vec<AccountId>),
    /// Put accounts out.
    Remove(Vec<AccountId>),
    /// Leave it.
    Leave,
}

type Done<T> = std::result::Result<T, CommandError>;

/// What the seal, the letter and the padding add at most to a content, in bytes.
const OVERHEAD: usize = 512;

impl Engine {
    /// This device, if it may act for its account.
    pub(super) fn active(&self) -> Done<Me> {
        match &self.me {
            None => Err(CommandError::NoAccount),
            Some(me) if me.stage == Stage::Revoked => Err(CommandError::Revoked),
            Some(me) => Ok(me.clone()),
        }
    }

    /// Asks the server whose a name is; [`crate::Event::Resolved`] answers.
    pub fn look_up(&mut self, username: &Username, now: Timestamp) -> Done<()> {
        self.command(now, |engine| {
            engine.active()?;
            if !engine.session.is_logged_in() {
                return Err(CommandError::Offline);
            }
            let asked = vec![AccountRef::Name(username.clone())];
            engine.ask(Request::Lookup(asked.clone()), Asked::Accounts(asked));
            Ok(())
        })
    }

    /// The account of a name, if it is known here.
    pub fn account_named(&self, username: &Username) -> Result<Option<AccountId>> {
        Ok(people::account_by_name(&self.db, username)?)
    }

    /// The conversation with one other account, or with oneself; begun here if there is none yet.
    pub fn direct(&mut self, account: AccountId, now: Timestamp) -> Done<ConversationId> {
        self.command(now, |engine| {
            let me = engine.active()?;
            if account == me.account {
                return Ok(ConversationId::of_self(account));
            }
            let id = ConversationId::of_pair(me.account, account);
            let known = engine.conversation(id)?.map(|c| c.kind);
            if known.is_some_and(|kind| kind != ConversationKind::Direct) {
                return Err(CommandError::Membership(
                    "the server shows a group in place of this conversation; do not trust it",
                ));
            }
            if known.is_none() {
                let conversation = Conversation::new(id, ConversationKind::Direct, now);
                conversation.save(&engine.db).map_err(EngineError::from)?;
                let both = [me.account, account].map(super::join::admin);
                conversation::set_participants(&engine.db, id, &both).map_err(EngineError::from)?;
            }
            Ok(id)
        })
    }

    /// Begins a group.
    pub fn create_conversation(
        &mut self,
        title: &str,
        members: &[AccountId],
        now: Timestamp,
    ) -> Done<ConversationId> {
        let nonce = self.random().map_err(CommandError::Engine)?;
        self.create_conversation_with(nonce, title, members, now)
    }

    /// Begins a group whose id follows from `nonce`, 8 random bytes: asked again with the same ones, it is the same
    /// group, and nothing more is done.
    pub fn create_conversation_with(
        &mut self,
        nonce: [u8; 8],
        title: &str,
        members: &[AccountId],
        now: Timestamp,
    ) -> Done<ConversationId> {
        self.command(now, |engine| {
            let me = engine.active()?;
            let id = ConversationId::of_group(me.account, nonce);
            if engine.conversation(id)?.is_some() {
                return Ok(id);
            }
            engine.begin_group(id, title, &me)?;
            engine.emit(Event::Conversation(id));
            let others: Vec<_> = members.iter().copied().filter(|m| *m != me.account).collect();
            engine.wish(id, &MembershipWish { add: others, remove: Vec::new() })?;
            Ok(id)
        })
    }

    pub(super) fn begin_group(&mut self, id: ConversationId, title: &str, me: &Me) -> Result<()> {
        let mut conversation = Conversation::new(id, ConversationKind::Group, self.now);
        title.clone_into(&mut conversation.title);
        conversation.save(&self.db)?;
        conversation::set_participants(&self.db, id, &[super::join::admin(me.account)])?;
        self.enqueue_slot(id, super::slots::TITLE, title.as_bytes().to_vec(), true)
    }

    fn wish(&mut self, id: ConversationId, wish: &MembershipWish) -> Result<()> {
        self.session.lane(id).aligned = false;
        let payload = diario_protocol::encode(wish);
        self.enqueue(&self.outgoing(id, outbox_kind::MEMBERSHIP, payload))
    }

    /// Changes a group's members; it is done with the next commit.
    pub fn change_group(&mut self, id: ConversationId, change: &GroupChange, now: Timestamp) -> Done<()> {
        self.command(now, |engine| {
            let me = engine.active()?;
            let Some(conversation) = engine.conversation(id)?.cloned() else {
                return Err(CommandError::NoConversation(id.to_string()));
            };
            if !Self::is_group(&conversation) {
                return Err(CommandError::NotAGroup);
            }
            if conversation.left_at.is_some() {
                return Err(CommandError::Left);
            }
            let participants = conversation::participants_of(&engine.db, id).map_err(EngineError::from)?;
            let is_in = |account: &AccountId| participants.iter().any(|p| p.account == *account);
            let wish = match change {
                GroupChange::Add(accounts) if accounts.iter().any(is_in) => {
                    return Err(CommandError::Membership("they are in the group already"));
                }
                GroupChange::Remove(accounts) if !accounts.iter().all(is_in) => {
                    return Err(CommandError::Membership("they are not in the group"));
                }
                GroupChange::Remove(accounts) if accounts.contains(&me.account) => {
                    return Err(CommandError::Membership("to take yourself out, leave the group"));
                }
                GroupChange::Add(accounts) => MembershipWish { add: accounts.clone(), remove: Vec::new() },
                GroupChange::Remove(accounts) => MembershipWish { add: Vec::new(), remove: accounts.clone() },
                GroupChange::Leave => MembershipWish { add: Vec::new(), remove: vec![me.account] },
            };
            engine.wish(id, &wish)?;
            Ok(())
        })
    }

    /// Whether something of this conversation still waits to be sent.
    pub fn has_outgoing(&self, id: ConversationId) -> Result<bool> {
        Ok(!message::outgoing(&self.db, id, 1)?.is_empty() || sealed::pending_commit(&self.db, id)?.is_some())
    }

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
        self.command(now, |engine| {
            let me = engine.active()?;
            let Some(conversation) = engine.conversation(id)?.cloned() else {
                return Err(CommandError::NoConversation(id.to_string()));
            };
            let Draft::Text(text) = draft;
            if text.trim().is_empty() {
                return Err(CommandError::Empty);
            }
            let content = MimiContent::text(salt, text.as_str());
            let entry = entry_id(id, me.account, &content.encode()?, &salt)?;
            if message::place_of(&engine.db, id, entry).map_err(EngineError::from)? != Placed::Nowhere {
                return Ok(entry);
            }
            if conversation.left_at.is_some() {
                return Err(CommandError::Left);
            }
            let entry = engine.queue_content(&conversation, &me, &content, now)?;
            engine.put_draft(id, "")?;
            Ok(entry)
        })
    }

    /// Sends an own message anew that the server had refused for good ([`crate::MessageState::Failed`]). It becomes the
    /// newest of those that wait. With one that did not fail nothing is done.
    pub fn retry(&mut self, id: ConversationId, entry: EntryId, now: Timestamp) -> Done<()> {
        self.command(now, |engine| {
            let me = engine.active()?;
            let Some(conversation) = engine.conversation(id)?.cloned() else {
                return Err(CommandError::NoConversation(id.to_string()));
            };
            let failed = match message::unsent(&engine.db, id, entry).map_err(EngineError::from)? {
                Some((state::FAILED, content)) => content,
                Some(_) => return Ok(()),
                None => match message::place_of(&engine.db, id, entry).map_err(EngineError::from)? {
                    Placed::Nowhere => return Err(CommandError::NoMessage),
                    Placed::Pending | Placed::At(_) => return Ok(()),
                },
            };
            if conversation.left_at.is_some() {
                return Err(CommandError::Left);
            }
            // A new row: it comes after what was written since.
            message::forget_unsent(&engine.db, id, entry).map_err(EngineError::from)?;
            engine.queue_content(&conversation, &me, &MimiContent::decode(&failed)?, now)?;
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
            let queued = message::outgoing_entry(&engine.db, entry).map_err(EngineError::from)?;
            if queued.is_some_and(|queued| queued.tried) {
                return Err(CommandError::OnItsWay);
            }
            message::dequeue_entry(&engine.db, entry).map_err(EngineError::from)?;
            message::forget_unsent(&engine.db, id, entry).map_err(EngineError::from)?;
            engine.emit(Event::Gone { conversation: id, id: entry });
            Ok(())
        })
    }

    /// Puts a content into the outbox and among the messages; the entry's id is made of it.
    pub(super) fn queue_content(
        &mut self,
        conversation: &Conversation,
        me: &Me,
        content: &MimiContent,
        sent_at: Timestamp,
    ) -> Done<EntryId> {
        let id = conversation.id;
        let bytes = content.encode()?;
        let limit = (self.session.limits.entry as usize).saturating_sub(OVERHEAD);
        // Padding adds at most an eighth.
        if bytes.len() + bytes.len() / 8 > limit {
            return Err(CommandError::TooLong { size: bytes.len(), limit: limit / 9 * 8 });
        }
        let entry = entry_id(id, me.account, &bytes, &content.salt)?;
        if message::place_of(&self.db, id, entry).map_err(EngineError::from)? != Placed::Nowhere {
            return Ok(entry);
        }
        let row = NewMessage {
            conversation: id,
            seq: None,
            id: entry,
            account: me.account,
            device: me.device,
            epoch: conversation.log_epoch,
            annotates: None,
            sent_at,
            state: state::PENDING,
            reason: None,
            text: &text_of(content),
            content: Some(&bytes),
            sealed: None,
            hash: None,
        };
        message::put(&self.db, &row).map_err(EngineError::from)?;
        let queued = self.outgoing(id, outbox_kind::ENTRY, bytes);
        self.enqueue(&Outgoing { entry: Some(entry), created_at: sent_at, ..queued })?;
        Ok(entry)
    }

    /// Moves the read marker forward, here and on the account's other devices; others are told unless the account's
    /// settings say that they are not.
    pub fn mark_read(&mut self, id: ConversationId, seq: Seq, now: Timestamp) -> Done<()> {
        self.command(now, |engine| {
            engine.active()?;
            let Some(conversation) = engine.conversation(id)?.cloned() else {
                return Err(CommandError::NoConversation(id.to_string()));
            };
            let seq = seq.min(Seq(conversation.log_next.0.saturating_sub(1)));
            if seq > conversation.read {
                let changed = engine.change(id)?;
                changed.read = seq;
                changed.delivered = changed.delivered.max(seq);
                if engine.tells_receipts(&conversation)? {
                    engine.session.unmarked.insert(id);
                    engine.timers.remove(&super::Timer::Receipts);
                    engine.attention.insert(id);
                } else if conversation.kind != ConversationKind::SelfConversation {
                    engine.put_private_marker(id, seq)?;
                }
                engine.emit(Event::Conversation(id));
            }
            Ok(())
        })
    }

    /// Tells the others that the user types; told again every few seconds while it lasts.
    pub fn typing(&mut self, id: ConversationId, now: Timestamp) -> Done<()> {
        self.command(now, |engine| {
            let me = engine.active()?;
            let Some(conversation) = engine.conversation(id)?.cloned() else {
                return Err(CommandError::NoConversation(id.to_string()));
            };
            let epoch = conversation.log_epoch;
            if !engine.session.is_live() || conversation.membership != Membership::Member {
                return Ok(());
            }
            let Some(key) = engine.key(id, epoch)? else { return Ok(()) };
            let place = Place {
                conversation: id,
                epoch,
                account: me.account,
                device: me.device,
                subject: Subject::Signal,
            };
            let body = seal::seal(&place, &key, &me.key, super::apply::TYPING.to_vec(), &engine.crypto)?;
            let signal = Signal { conversation: id, epoch, body: body.into() };
            engine.ask(Request::Signal(signal), Asked::Nothing);
            Ok(())
        })
    }

    /// Asks when the account's devices were last connected; [`crate::Event::LastSeen`] answers.
    pub fn ask_last_seen(&mut self, now: Timestamp) -> Done<()> {
        self.command(now, |engine| {
            engine.active()?;
            if !engine.session.is_logged_in() {
                return Err(CommandError::Offline);
            }
            engine.ask(Request::LastSeen, Asked::LastSeen);
            Ok(())
        })
    }

    /// Drops what is only a copy of the server's log; it is filled again at the next connection.
    ///
    /// What is not sent yet, keys, groups and the account itself stay. A connection must be made anew.
    pub fn rebuild(&mut self, now: Timestamp) -> Done<()> {
        self.command(now, |engine| {
            engine.active()?;
            engine.db.execute_batch(
                "DELETE FROM message WHERE seq IS NOT NULL;
                 DELETE FROM slot;
                 DELETE FROM gap;
                 UPDATE device SET cursor = 0;",
            )?;
            engine.conversations.clear();
            engine.me = Me::load(&engine.db).map_err(EngineError::from)?;
            for mut conversation in Conversation::all(&engine.db).map_err(EngineError::from)? {
                conversation.restart();
                conversation.save(&engine.db).map_err(EngineError::from)?;
            }
            engine.must_disconnect = engine.session.is_connected();
            Ok(())
        })
    }

    /// Queues a slot write; an older one of the same name that still waits is replaced.
    pub(super) fn enqueue_slot(
        &mut self,
        id: ConversationId,
        name: &str,
        value: Vec<u8>,
        head: bool,
    ) -> Result<()> {
        message::dequeue_slot(&self.db, id, name)?;
        let named = NamedValue { name: name.to_owned(), value, head };
        let payload = diario_protocol::encode(&named);
        let write = Outgoing { name: Some(named.name), ..self.outgoing(id, outbox_kind::SLOT, payload) };
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

    fn enqueue(&mut self, outgoing: &Outgoing) -> Result<()> {
        let id = outgoing.conversation;
        message::enqueue(&self.db, outgoing)?;
        self.attention.insert(id);
        Ok(())
    }
}
