//! What to ask or send next, derived from the store after every input.
//!
//! Nothing here remembers anything of its own: killed anywhere, the next connection derives the same again.

use std::collections::BTreeSet;

use diario_protocol::{
    AccountRef, Append, Body, ConversationId, ConversationKind, LogRange, PutKeyPackages, Request, Seq,
};

use super::entries::short_hash;
use super::letter::Letter;
use super::requests::{Asked, Question, SentEntry};
use super::{Engine, Result, Timer};
use crate::crypto::seal::{self, Place, Subject};
use crate::store::conversation::{self, Conversation, Membership};
use crate::store::message;
use crate::store::outbox::{self, Outgoing};
use crate::store::{newcomer, sealed};

/// Entries of one conversation under way at a time.
const WINDOW: usize = 32;
/// A last-resort key package is renewed after this long, in milliseconds (30 days).
const LAST_RESORT_MS: u64 = 30 * 24 * 60 * 60 * 1000;

/// A group's epoch beside its log's.
enum Step {
    Behind,
    Even,
    /// Entered by a welcome; the stream has yet to come there.
    Ahead,
}

impl Engine {
    pub(super) fn pump(&mut self) -> Result<()> {
        if !self.session.is_logged_in() || self.must_disconnect {
            return Ok(());
        }
        self.go_on_with_bootstrap()?;
        self.fetch_gaps()?;
        self.ask_for_the_unknown()?;
        self.send_push()?;
        if !self.session.is_live() {
            return Ok(());
        }
        self.compare_recovered()?;
        self.upload_key_packages()?;
        self.settle_roles()?;
        self.announce_device()?;
        self.change_list()?;
        let answers = self.tend_asks()?;
        let mut due: BTreeSet<ConversationId> = std::mem::take(&mut self.attention);
        due.extend(answers);
        due.extend(outbox::conversations(&self.db)?);
        due.extend(sealed::pending_commits(&self.db)?.into_iter().map(|(id, _)| id));
        if !self.timers.contains_key(&Timer::Receipts) {
            due.extend(self.session.unmarked.iter().copied());
        }
        due.insert(self.me()?.own);
        for id in due {
            self.pump_conversation(id)?;
        }
        self.send_ack()?;
        self.ask_keyring()?;
        self.fill_keyring()?;
        let eager = self.session.snapshot.wanted;
        self.put_snapshot(eager)?;
        self.look_after_vault()?;
        self.fill_holes()
    }

    pub(super) fn pump_conversation(&mut self, id: ConversationId) -> Result<()> {
        let Some(conversation) = self.conversation(id)?.cloned() else { return Ok(()) };
        if conversation.left_at.is_some() {
            self.fail_outgoing(id)?;
        }
        let behind = conversation.log_next <= conversation.known_head;
        let lane = self.session.lane(id);
        let busy =
            lane.control || lane.arriving.is_some() || lane.not_before.is_some() || lane.wait_for.is_some();
        if busy || behind {
            return Ok(());
        }
        if conversation.left_at.is_some() {
            self.session.unmarked.remove(&id);
            // Taken in and taken out again while this device was off: what was said in between is to be read.
            if self.session.lane(id).welcomed.is_some() {
                self.ask_for_welcome(id);
            }
            return Ok(());
        }
        if let Some(pending) = sealed::pending_commit(&self.db, id)? {
            if pending.epoch == conversation.log_epoch {
                return self.keep_and_send(pending);
            }
            sealed::drop_pending_commit(&self.db, id)?;
        }
        let outgoing = outbox::oldest(&self.db, id, 2 * WINDOW)?;
        let own = id == self.me()?.own;
        let receipts = self.session.unmarked.contains(&id) && !self.timers.contains_key(&Timer::Receipts);
        match conversation.membership {
            Membership::Creating => self.create_group(id),
            Membership::Outside => {
                // What is only delivered, a device that is in the group tells. What is read here nobody else knows.
                let read = receipts && conversation.read > conversation.marked_read;
                if !read {
                    self.session.unmarked.remove(&id);
                }
                self.come_in(&conversation, read || own || !outgoing.is_empty())
            }
            // Its commit is gone from the store: so must the group be that it would have made.
            Membership::Joining => self.leave_group(id),
            Membership::Member => {
                let answers = self.answers_now(id);
                let sends = own || receipts || answers || !outgoing.is_empty();
                if !sends {
                    return Ok(());
                }
                match self.step(&conversation)? {
                    Step::Even => {}
                    Step::Ahead => return Ok(()),
                    Step::Behind => {
                        // A store from an old copy: what this device did since is in the log, and it cannot take its
                        // own commits twice. It enters anew.
                        self.leave_group(id)?;
                        return self.come_in(&conversation, true);
                    }
                }
                if self.align_roster(id)? {
                    return Ok(());
                }
                self.send_outgoing(&conversation, &outgoing)?;
                if receipts {
                    self.send_receipts(id)?;
                }
                if answers {
                    self.send_answer(id)?;
                }
                Ok(())
            }
        }
    }

    /// Where the group stands beside the log.
    fn step(&mut self, conversation: &Conversation) -> Result<Step> {
        let Some(group) = self.take_group(conversation.id)? else { return Ok(Step::Behind) };
        let epoch = group.epoch();
        self.groups.insert(conversation.id, group);
        Ok(match epoch.cmp(&conversation.log_epoch) {
            std::cmp::Ordering::Less => Step::Behind,
            std::cmp::Ordering::Equal => Step::Even,
            std::cmp::Ordering::Greater => Step::Ahead,
        })
    }

    fn come_in(&mut self, conversation: &Conversation, wanted: bool) -> Result<()> {
        let id = conversation.id;
        if self.session.lane(id).welcomed.is_some() {
            self.ask_for_welcome(id);
        } else if wanted && conversation.since.0 > 0 {
            self.ask_for_group_state(id);
        } else if wanted {
            self.create_group(id)?;
        }
        Ok(())
    }

    fn send_outgoing(&mut self, conversation: &Conversation, outgoing: &[Outgoing]) -> Result<()> {
        let id = conversation.id;
        let entries: Vec<_> = outgoing.iter().filter(|o| o.kind == outbox::kind::ENTRY).collect();
        let last_sent = {
            let lane = self.session.lane(id);
            entries.iter().rposition(|o| o.entry.is_some_and(|e| lane.sent.contains_key(&e)))
        };
        for (i, outgoing) in entries.iter().enumerate() {
            let Some(entry) = outgoing.entry else { continue };
            if self.session.lane(id).sent.contains_key(&entry) {
                continue;
            }
            // One of those under way was refused: it keeps its place before the later ones.
            let out_of_order = last_sent.is_some_and(|last| i < last);
            if out_of_order || self.session.lane(id).sent.len() >= WINDOW || self.session.room() == 0 {
                break;
            }
            self.send_entry(conversation, entry, outgoing)?;
        }
        if !self.session.lane(id).slots
            && let [slot] = outbox::of_kind(&self.db, id, outbox::kind::SLOT, 1)?.as_slice()
        {
            self.send_slot(slot)?;
        }
        Ok(())
    }

    fn send_entry(
        &mut self,
        conversation: &Conversation,
        entry: diario_protocol::EntryId,
        outgoing: &Outgoing,
    ) -> Result<()> {
        let me = self.me()?.clone();
        let (id, epoch) = (conversation.id, conversation.log_epoch);
        let Some(key) = self.key(id, epoch)? else {
            // In the group without its key: cannot be, but the way in again heals it.
            return self.leave_group(id);
        };
        if !outgoing.tried {
            outbox::mark_tried(&self.db, outgoing.row)?;
        }
        let letter = Letter {
            seen: Seq(conversation.log_next.0.saturating_sub(1)),
            seen_hash: short_hash(&conversation.log_hash),
            sent_at: outgoing.created_at,
            content: outgoing.payload.clone(),
        };
        let subject = Subject::Entry { id: entry, annotates: outgoing.annotates };
        let place = Place { conversation: id, epoch, account: me.account, device: me.device, subject };
        let body = seal::seal(&place, &key, &me.key, diario_protocol::encode(&letter), &self.crypto)?;
        let append =
            Append { conversation: id, id: entry, epoch, annotates: outgoing.annotates, body: body.into() };
        let digest = Body::Present(append.body.clone()).digest();
        let sent = SentEntry { epoch, annotates: outgoing.annotates, digest };
        self.session.lane(id).sent.insert(entry, sent);
        self.ask(Request::Append(append), Asked::Append(id, entry));
        Ok(())
    }

    /// Asks for the parts of logs that are known to be missing.
    fn fetch_gaps(&mut self) -> Result<()> {
        for (id, first, last) in conversation::gaps(&self.db)? {
            let lane = self.session.lane(id);
            if lane.fetching || lane.not_before.is_some() {
                continue;
            }
            let open = self.conversation(id)?.is_some_and(|c| c.since.0 > 0);
            if open {
                self.session.lane(id).fetching = true;
                let range = LogRange {
                    conversation: id,
                    from: first,
                    to: last,
                    commits_only: false,
                    newest: false,
                    about: None,
                };
                self.ask(Request::Log(range), Asked::Log(id));
            }
        }
        Ok(())
    }

    /// Asks who somebody is: participants without a name, senders without a known device.
    fn ask_for_the_unknown(&mut self) -> Result<()> {
        let unknown: Vec<_> = newcomer::nameless(&self.db)?
            .into_iter()
            .chain(std::mem::take(&mut self.session.to_name))
            .collect::<BTreeSet<_>>()
            .into_iter()
            .filter(|account| !self.session.asked_about.contains(account))
            .collect();
        if !unknown.is_empty() && !self.session.asking.contains(&Question::Accounts) {
            self.session.asked_about.extend(&unknown);
            self.ask_for_accounts(unknown.into_iter().map(AccountRef::Id).collect());
        }
        for account in message::accounts_waited_for(&self.db)? {
            if !self.session.histories.contains(&account) {
                self.ask_for_history(account);
            }
        }
        Ok(())
    }

    fn upload_key_packages(&mut self) -> Result<()> {
        let wanted = u32::from(self.config.key_packages.min(self.session.limits.key_packages));
        let left = self.session.key_packages_left;
        let renew = self.now.ms_since(self.me()?.last_resort_at) >= LAST_RESORT_MS;
        if wanted == 0 || (left > wanted / 2 && !renew) || !self.session.asking.insert(Question::KeyPackages)
        {
            return Ok(());
        }
        let count = wanted.saturating_sub(left);
        let packages = self.make_key_packages(count, renew)?;
        self.ask(Request::PutKeyPackages(packages), Asked::KeyPackages { last_resort: renew, count });
        Ok(())
    }

    pub(super) fn make_key_packages(&mut self, count: u32, last_resort: bool) -> Result<PutKeyPackages> {
        let member = self.member()?;
        let provider = self.provider();
        let mut one_time = Vec::new();
        for _ in 0..count {
            one_time.push(member.key_package(&provider, false)?.into());
        }
        let last_resort = last_resort.then(|| member.key_package(&provider, true)).transpose()?;
        Ok(PutKeyPackages { one_time, last_resort: last_resort.map(Into::into) })
    }

    /// The stream became live, or receipts were switched: markers that were never told are told now.
    pub(super) fn gather_markers(&mut self) -> Result<()> {
        for c in Conversation::all(&self.db)? {
            let unread = c.read > c.marked_read;
            if c.delivered <= c.marked_delivered && !unread {
                continue;
            }
            if self.tells_receipts(&c)? {
                self.session.unmarked.insert(c.id);
            } else if unread && c.kind != ConversationKind::SelfConversation {
                let told = self.private_marker(c.id)?;
                if told < c.read {
                    self.put_private_marker(c.id, c.read)?;
                }
            }
        }
        Ok(())
    }
}
