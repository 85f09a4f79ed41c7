//! The diary's stream: each change in its turn, and the cursor after it.

use diario_protocol::{
    Change, Changes, ConversationId, ConversationKind, Entry, EntryId, Fixed, LogHash, LogPage, Membership,
    Refusal, Seq, SignalPush, What,
};

use super::requests::Phase;
use super::{Engine, Result};
use crate::crypto::seal::{self, Place, Subject};
use crate::error::Misbehaviour;
use crate::event::Event;
use crate::store::conversation::{self, Conversation, Membership as InGroup};
use crate::store::{message, outbox, people, sealed};

impl Engine {
    pub(super) fn on_changes(&mut self, changes: Changes) -> Result<()> {
        if !self.session.is_logged_in() {
            return self.out_of_turn("changes before login");
        }
        for Change { position, what } in changes.items {
            let cursor = self.me()?.cursor;
            if position <= cursor {
                // Seen before: after a reconnection, or in a log page.
                continue;
            }
            match what {
                What::Entry(entry) => self.on_entry(&entry)?,
                What::Echo(conversation, seq, id, digest) => self.on_echo(conversation, seq, id, digest)?,
                What::Slot(slot) => self.on_slot(&slot)?,
                What::DeviceList(info) => self.on_device_list(&info)?,
                What::Joined(membership) => self.on_joined(&membership)?,
                What::Left(conversation, seq) => self.on_left(conversation, seq)?,
                What::Retention(conversation, retention) => self.on_retention(conversation, retention)?,
                What::Welcome(conversation, device, epoch) => {
                    if device == self.me()?.device {
                        self.session.lane(conversation).welcomed = Some(epoch);
                        self.attention.insert(conversation);
                    }
                }
            }
            if let Some(me) = &mut self.me {
                me.cursor = position;
                self.staged.cursor_moved = true;
            }
        }
        if changes.live && !self.session.is_live() {
            self.set_phase(Phase::Live);
            self.gather_markers()?;
            crate::store::kept::drop_needless(&self.db)?;
        }
        if !self.session.lanes.is_empty() {
            self.retry_arrivals()?;
        }
        Ok(())
    }

    /// The account is in a conversation: a new one, or again in an old one.
    fn on_joined(&mut self, membership: &Membership) -> Result<()> {
        let id = membership.conversation;
        let now = self.now;
        let known = self.conversation(id)?.cloned();
        let mut joined = known.unwrap_or_else(|| Conversation::new(id, membership.kind, now));
        let again = joined.left_at.take().is_some();
        if again && membership.since < joined.log_next {
            // Whoever comes back comes in after where they went: what was applied stays as it is.
            self.misbehaved(Some(id), Misbehaviour::Rewritten(membership.since));
            return Ok(());
        }
        if joined.since.0 == 0 || again {
            joined.kind = membership.kind;
            joined.since = membership.since;
            joined.since_epoch = membership.epoch;
            joined.since_hash = membership.hash_before;
            joined.log_next = membership.since;
            joined.log_hash = membership.hash_before;
            joined.log_epoch = membership.epoch;
            joined.known_head = joined.known_head.max(Seq(membership.since.0.saturating_sub(1)));
        }
        if !self.kind_fits(membership)? {
            self.misbehaved(
                Some(id),
                Misbehaviour::Join("it is not the conversation that its id names".into()),
            );
            return Ok(());
        }
        if membership.since == Seq(1) && membership.hash_before != LogHash::start(&id) {
            self.misbehaved(Some(id), Misbehaviour::Rewritten(Seq(0)));
            return Ok(());
        }
        self.on_retention(id, membership.retention)?;
        let outside = joined.membership == InGroup::Outside;
        joined.read = joined.read.max(self.private_marker(id)?);
        joined.dirty = true;
        self.conversations.insert(id, joined);
        self.save()?;
        if outside {
            self.take_participants_on_trust(membership)?;
        }
        self.attention.insert(id);
        self.emit(Event::Conversation(id));
        Ok(())
    }

    /// Who is in a conversation by the server's word, until this device is in the group and knows better.
    pub(super) fn take_participants_on_trust(&self, membership: &Membership) -> Result<()> {
        let participants: Vec<_> = membership
            .participants
            .iter()
            .map(|a| diario_protocol::roster::Participant {
                account: *a,
                role: diario_protocol::roster::Role::Member,
            })
            .collect();
        Ok(conversation::set_participants(&self.db, membership.conversation, &participants)?)
    }

    /// Whether what the server calls a conversation can be one under its id. Of a group only the group itself can tell.
    pub(super) fn kind_fits(&self, membership: &Membership) -> Result<bool> {
        let me = self.me()?.account;
        Ok(match (membership.kind, membership.participants.as_slice()) {
            (ConversationKind::SelfConversation, _) => membership.conversation == ConversationId::of_self(me),
            (ConversationKind::Direct, [a, b]) => {
                [*a, *b].contains(&me) && membership.conversation == ConversationId::of_pair(*a, *b)
            }
            // A direct conversation that the account is out of has no participants to show.
            (ConversationKind::Direct, others) => others.is_empty(),
            (ConversationKind::Group, _) => true,
        })
    }

    pub(super) fn on_left(&mut self, id: ConversationId, seq: Seq) -> Result<()> {
        if self.conversation(id)?.is_none() {
            return Ok(());
        }
        self.change(id)?.left_at = Some(seq);
        self.leave_group(id)?;
        // Later devices are told nothing of it but the log.
        self.session.snapshot.wanted = true;
        self.emit(Event::Conversation(id));
        Ok(())
    }

    /// Nothing can be said any more in a conversation that was left: what waits to be sent there is told to be lost. Not
    /// before the stream is live: who was taken out and in again while this device was off says it after all.
    pub(super) fn fail_outgoing(&mut self, id: ConversationId) -> Result<()> {
        for outgoing in outbox::oldest(&self.db, id, usize::MAX)? {
            outbox::drop_row(&self.db, outgoing.row)?;
            if let Some(entry) = outgoing.entry {
                message::fail(&self.db, id, entry, "you are no longer in this conversation")?;
                let refusal = Refusal::NotMember;
                self.emit(Event::Failed { conversation: id, id: Some(entry), refusal });
            }
            if let Some(name) = outgoing.name {
                self.slot_write_gone(id, &name)?;
            }
        }
        Ok(())
    }

    /// An entry of this device's that the server has just taken, without its body.
    fn on_echo(&mut self, id: ConversationId, seq: Seq, entry: EntryId, digest: Fixed<8>) -> Result<()> {
        self.heard_of(id, seq)?;
        let (account, device) = (self.me()?.account, self.me()?.device);
        let Some(conversation) = self.conversation(id)?.cloned() else {
            self.misbehaved(Some(id), Misbehaviour::UnknownConversation(id));
            return Ok(());
        };
        if seq != conversation.log_next {
            return self.gap_until(id, seq);
        }
        if let Some(sent) = self.session.lane(id).sent.remove(&entry) {
            // Another sealing of it, sent on a connection before this one, may be what the server took.
            if sent.epoch != conversation.log_epoch || sent.digest.as_bytes()[..8] != digest.0 {
                return self.gap_until(id, seq);
            }
            let hash = conversation.log_hash.after(&diario_protocol::Sending {
                id: &entry,
                kind: diario_protocol::EntryKind::Application,
                epoch: sent.epoch,
                account: &account,
                device: &device,
                annotates: sent.annotates,
                body_digest: &sent.digest,
            });
            message::place(&self.db, id, entry, seq, sent.epoch, hash)?;
            outbox::drop_entry(&self.db, entry)?;
            self.advance(id, seq, hash)?;
            self.change(id)?.epoch_entries += 1;
            self.emit(Event::Sent { conversation: id, id: entry, seq });
            return Ok(());
        }
        match sealed::pending_commit(&self.db, id)? {
            Some(commit) if commit.id == entry => {
                let entry = Entry {
                    conversation: id,
                    seq,
                    id: entry,
                    kind: diario_protocol::EntryKind::Commit,
                    epoch: commit.epoch,
                    account,
                    device,
                    annotates: None,
                    received_at: self.now,
                    body: diario_protocol::Body::Present(commit.bundle),
                };
                self.on_entry(&entry)
            }
            // Sent on a connection that is gone: read it like anybody else's.
            _ => self.gap_until(id, seq),
        }
    }

    /// An entry, from the stream or a page of the log.
    pub(super) fn on_entry(&mut self, entry: &Entry) -> Result<()> {
        let id = entry.conversation;
        self.heard_of(id, entry.seq)?;
        let Some(conversation) = self.conversation(id)?.cloned() else {
            self.misbehaved(Some(id), Misbehaviour::UnknownConversation(id));
            return Ok(());
        };
        if entry.seq > conversation.log_next {
            return self.gap_until(id, entry.seq);
        }
        if entry.seq < conversation.log_next {
            return self.compare_with_known(&conversation, entry);
        }
        self.apply_next(&conversation, entry)
    }

    /// An entry at a place that was applied before must be the same one.
    fn compare_with_known(&mut self, conversation: &Conversation, entry: &Entry) -> Result<()> {
        let Some(before) = entry.seq.0.checked_sub(1).map(Seq) else { return Ok(()) };
        let before = if before.0 == 0 {
            Some(LogHash::start(&conversation.id))
        } else {
            message::hash_at(&self.db, conversation.id, before)?
        };
        let after = message::hash_at(&self.db, conversation.id, entry.seq)?;
        if let (Some(before), Some(after)) = (before, after)
            && before.after_entry(entry) != after
        {
            self.misbehaved(Some(conversation.id), Misbehaviour::Rewritten(entry.seq));
        }
        Ok(())
    }

    /// The log was applied up to and with `seq`.
    pub(super) fn advance(&mut self, id: ConversationId, seq: Seq, hash: LogHash) -> Result<()> {
        let conversation = self.change(id)?;
        conversation.log_next = seq.next();
        conversation.log_hash = hash;
        let epoch = conversation.log_epoch;
        let caught_up = conversation.known_head < conversation.log_next;
        if let Some(lane) = self.session.lanes.get_mut(&id) {
            lane.wait_for = lane.wait_for.filter(|wanted| *wanted > epoch);
            if caught_up && lane.fetching {
                conversation::fill_gap(&self.db, id, seq.next())?;
            }
        }
        Ok(())
    }

    /// The log is known to reach `seq`.
    pub(super) fn heard_of(&mut self, id: ConversationId, seq: Seq) -> Result<()> {
        if let Some(conversation) = self.conversation(id)?
            && conversation.known_head < seq
        {
            conversation.known_head = seq;
            conversation.dirty = true;
        }
        Ok(())
    }

    /// Everything from the next expected entry up to `seq` is to be fetched.
    fn gap_until(&mut self, id: ConversationId, seq: Seq) -> Result<()> {
        let next = self.conversation(id)?.map_or(Seq(1), |c| c.log_next);
        if seq >= next {
            conversation::note_gap(&self.db, id, next, seq)?;
            self.attention.insert(id);
            self.emit(Event::Conversation(id));
        }
        Ok(())
    }

    /// A page of the log that fills a gap.
    pub(super) fn on_log_page(&mut self, id: ConversationId, page: LogPage) -> Result<()> {
        self.session.lane(id).fetching = false;
        self.attention.insert(id);
        if page.conversation != id {
            return self.out_of_turn("a page of another log");
        }
        let Some(conversation) = self.conversation(id)?.cloned() else { return Ok(()) };
        let fits = page.entries.first().is_some_and(|e| e.seq == conversation.log_next);
        if fits && page.hash_before != conversation.log_hash {
            // This conversation stands still until the server shows its log again or the user rebuilds; the others
            // go on.
            self.misbehaved(Some(id), Misbehaviour::Rewritten(conversation.log_next));
            self.back_off(id, 30_000);
            return Ok(());
        }
        // What was heard of and is not there was never there.
        let applied = Seq(conversation.log_next.0.saturating_sub(1));
        self.change(id)?.known_head = page.head.max(applied);
        if page.entries.is_empty() {
            // What was heard of is not there (any more, or yet): ask again a little later.
            self.back_off(id, 1_000);
        }
        self.session.page_of = Some(id);
        let taken = self.take_page(id, page.entries);
        self.session.page_of = None;
        taken?;
        let next = self.conversation(id)?.map_or(Seq(1), |c| c.log_next);
        conversation::fill_gap(&self.db, id, next)?;
        self.emit(Event::Conversation(id));
        Ok(())
    }

    fn take_page(&mut self, id: ConversationId, entries: Vec<Entry>) -> Result<()> {
        for entry in entries {
            if entry.conversation != id {
                return self.out_of_turn("an entry of another log");
            }
            self.on_entry(&entry)?;
        }
        Ok(())
    }

    /// Typing and the like: shown if it opens, else dropped without a word, since nothing depends on it.
    pub(super) fn on_signal(&mut self, signal: &SignalPush) -> Result<()> {
        const SHOWN_MS: u64 = 6_000;
        let place = Place {
            conversation: signal.conversation,
            epoch: signal.epoch,
            account: signal.account,
            device: signal.device,
            subject: Subject::Signal,
        };
        if self.me.as_ref().is_some_and(|me| me.account == signal.account) {
            // This user types on another device: that is nothing to tell.
            return Ok(());
        }
        let Some(key) = self.key(signal.conversation, signal.epoch)? else { return Ok(()) };
        let Some(device) = people::device(&self.db, signal.account, signal.device)? else { return Ok(()) };
        let Some(verifying) = self.verifying_key(&device) else { return Ok(()) };
        if device.listed
            && let Ok(content) = seal::open(&place, &key, &verifying, &signal.body)
            && content == TYPING
        {
            let until = self.now.plus_ms(SHOWN_MS);
            self.emit(Event::Typing { conversation: signal.conversation, account: signal.account, until });
        }
        Ok(())
    }
}

/// Content of the signal "somebody types".
pub(super) const TYPING: &[u8] = b"typing";
