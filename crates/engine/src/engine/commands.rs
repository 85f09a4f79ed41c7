//! What the user wants done in conversations.

use diario_protocol::{
    AccountId, AccountRef, ConversationId, ConversationKind, Request, Seq, Signal, Timestamp, Username,
};

use super::requests::Asked;
use super::roster::MembershipWish;
use super::{Engine, Result};
use crate::crypto::seal::{self, Place, Subject};
use crate::error::{CommandError, EngineError};
use crate::event::Event;
use crate::store::conversation::{self, Conversation, Membership};
use crate::store::outbox;
use crate::store::people::{self, Me, Stage};
use crate::store::{sealed, search};

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

impl Engine {
    /// This device, if it may act for its account.
    pub(super) fn active(&self) -> Done<Me> {
        match &self.me {
            None => Err(CommandError::NoAccount),
            Some(me) if me.stage == Stage::Revoked => Err(CommandError::Revoked),
            // The server may refuse it yet, or it begins anew, and then nothing of it is kept.
            Some(me) if me.stage == Stage::Recovering => Err(CommandError::NotYet),
            Some(me) => Ok(me.clone()),
        }
    }

    /// The conversation that a command is about.
    pub(super) fn conversation_or_refuse(&mut self, id: ConversationId) -> Done<Conversation> {
        let found = self.conversation(id)?.cloned();
        found.ok_or_else(|| CommandError::NoConversation(id.to_string()))
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
            engine.check_slot_size(title)?;
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
        self.enqueue(&self.outgoing(id, outbox::kind::MEMBERSHIP, payload))
    }

    /// Changes a group's members; it is done with the next commit.
    pub fn change_group(&mut self, id: ConversationId, change: &GroupChange, now: Timestamp) -> Done<()> {
        self.command(now, |engine| {
            let me = engine.active()?;
            let conversation = engine.conversation_or_refuse(id)?;
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
        Ok(!outbox::oldest(&self.db, id, 1)?.is_empty() || sealed::pending_commit(&self.db, id)?.is_some())
    }

    /// Moves the read marker forward, here and on the account's other devices; others are told unless the account's
    /// settings say that they are not.
    pub fn mark_read(&mut self, id: ConversationId, seq: Seq, now: Timestamp) -> Done<()> {
        self.command(now, |engine| {
            engine.active()?;
            let conversation = engine.conversation_or_refuse(id)?;
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
            let conversation = engine.conversation_or_refuse(id)?;
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
            search::restart(&engine.db).map_err(EngineError::from)?;
            crate::store::kept::put_aside(&engine.db).map_err(EngineError::from)?;
            crate::store::past::forget(&engine.db).map_err(EngineError::from)?;
            engine.db.execute_batch(
                "DELETE FROM message WHERE seq IS NOT NULL;
                 DELETE FROM slot;
                 DELETE FROM gap;
                 DELETE FROM hole;
                 DELETE FROM head_others;
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
}
