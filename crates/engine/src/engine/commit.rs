//! Commits: those of others in their turn, and this device's own until the log shows them.

use diario_protocol::roster::{CommitBundle, LeafIdentity};
use diario_protocol::{
    AccountId, Commit, ConversationId, ConversationKind, DecodeError, DeviceId, Entry, EntryId, Epoch,
    LogHash, LogPage, LogRange, PublicKey, Refusal, Request, Seq, SlotKey, SlotVersion, SlotWrite, VaultSeal,
};
use minicbor::{Decode, Encode};

use super::entries::commit_row;
use super::requests::Asked;
use super::{Engine, Result};
use crate::crypto::key::ConversationKey;
use crate::error::{EngineError, Misbehaviour};
use crate::event::Event;
use crate::group::{CommitSummary, Group, GroupError, OwnCommit, Provider, RosterChange};
use crate::store::conversation::{self, Conversation, Membership};
use crate::store::message;
use crate::store::people;
use crate::store::sealed::{self, NamedValue};

/// What a commit did to the people of a conversation; kept as the content of its row.
#[derive(Debug, Clone, Default, PartialEq, Eq, Encode, Decode)]
pub(crate) struct MembershipNote {
    #[n(0)]
    pub(crate) joined: Vec<AccountId>,
    #[n(1)]
    pub(crate) left: Vec<AccountId>,
}

impl Engine {
    /// The commit that comes next in the log.
    pub(super) fn apply_commit(&mut self, before: &Conversation, entry: &Entry, hash: LogHash) -> Result<()> {
        let id = before.id;
        let diario_protocol::Body::Present(body) = &entry.body else {
            return Err(EngineError::Internal("a commit without a body"));
        };
        let now = self.now;
        let pending = sealed::pending_commit(&self.db, id)?;
        sealed::drop_pending_commit(&self.db, id)?;
        let lane = self.session.lane(id);
        lane.claimed.clear();
        lane.aligned = false;
        lane.roster_refused = 0;
        self.attention.insert(id);
        {
            let conversation = self.change(id)?;
            conversation.log_epoch = before.log_epoch.next();
            conversation.epoch_since = now;
            conversation.epoch_entries = 0;
        }
        self.advance(id, entry.seq, hash)?;

        let own = pending.as_ref().is_some_and(|c| c.id == entry.id);
        let note = if let Ok(bundle) = self.take_bundle(body)? {
            self.follow(before, entry, &bundle.commit, own, pending.is_some())?
        } else {
            self.misbehaved(Some(id), Misbehaviour::Commit("it cannot be read".into()));
            self.leave_group(id)?;
            MembershipNote::default()
        };
        let changes = !note.joined.is_empty() || !note.left.is_empty();
        let content = changes.then(|| diario_protocol::encode(&note));
        message::put(&self.db, &commit_row(entry, hash, content.as_deref()))?;
        if changes {
            self.emit(Event::Conversation(id));
            self.emit(Event::Entry { conversation: id, seq: entry.seq });
        }
        Ok(())
    }

    /// Reads a commit as it travels, and takes the lists in that came with it: what is said under it is checked against
    /// them, and they may name devices that are in no newer one.
    pub(super) fn take_bundle(
        &mut self,
        body: &[u8],
    ) -> Result<std::result::Result<CommitBundle, DecodeError>> {
        let bundle = diario_protocol::decode::<CommitBundle>(body, body.len());
        for list in bundle.iter().flat_map(|bundle| &bundle.lists) {
            self.ingest_list(None, list)?;
        }
        Ok(bundle)
    }

    /// Takes the commit into the group, if this device is in it and was in step.
    fn follow(
        &mut self,
        before: &Conversation,
        entry: &Entry,
        commit: &[u8],
        own: bool,
        staged: bool,
    ) -> Result<MembershipNote> {
        let id = before.id;
        match before.membership {
            Membership::Member => {}
            Membership::Joining if own => {
                self.change(id)?.membership = Membership::Member;
                self.entered(id)?;
                return Ok(MembershipNote::default());
            }
            Membership::Joining => {
                // Somebody else's commit was first: the group that this device had entered never came to be.
                self.leave_group(id)?;
                return Ok(MembershipNote::default());
            }
            Membership::Outside => return self.note_from_outside(id, entry.seq, commit),
            Membership::Creating => return Ok(MembershipNote::default()),
        }
        let Some(mut group) = self.take_group(id)? else {
            self.change(id)?.membership = Membership::Outside;
            return Ok(MembershipNote::default());
        };
        if group.epoch() > entry.epoch {
            // Entered by a welcome that lies ahead of the log.
            self.groups.insert(id, group);
            return Ok(MembershipNote::default());
        }
        if group.epoch() < entry.epoch {
            // Entered by a welcome that lay behind the log. The commits between, and this one with them, are on their way,
            // or were when the connection went.
            if !self.session.awaits_commits(id) {
                let from = message::first_of_epoch(&self.db, id, group.epoch())?;
                self.ask_for_commits(id, from)?;
            }
            self.groups.insert(id, group);
            return self.note_from_outside(id, entry.seq, commit);
        }
        let sender = LeafIdentity { account: entry.account, device: entry.device };
        let outcome = if own {
            group.merge_own(&self.provider())
        } else {
            // While catching up, and in a page that fills a gap, a newer list than the commit's may be here already; a
            // device that it lacks is removed again before anything is sealed.
            let newest = self.session.is_live() && self.session.page_of.is_none();
            self.take_commit(&mut group, commit, sender, staged, newest)
        };
        match outcome {
            Ok(summary) => {
                self.groups.insert(id, group);
                self.stepped(id)?;
                if own && !summary.joined.is_empty() {
                    self.hand_on_shared_slots(id)?;
                }
                Ok(MembershipNote { joined: summary.joined, left: summary.left })
            }
            Err(e) => {
                // Whatever it was, this device cannot follow: it enters anew when it next has something to say. A commit
                // of its own that it does not know was made before its store went back to an old copy: nobody's fault.
                let forgotten = !own && sender.device == self.me()?.device;
                if !forgotten {
                    self.misbehaved(Some(id), Misbehaviour::Commit(e.to_string()));
                }
                group.delete(&Provider::new(&self.crypto, &self.db))?;
                self.change(id)?.membership = Membership::Outside;
                Ok(MembershipNote::default())
            }
        }
    }

    /// Merges a commit. `staged`: one of this device's own waits. `newest`: it is as new as what the stream brought of
    /// device lists; one that may be older can name devices that were listed then.
    fn take_commit(
        &self,
        group: &mut Group,
        commit: &[u8],
        sender: LeafIdentity,
        staged: bool,
        newest: bool,
    ) -> std::result::Result<CommitSummary, GroupError> {
        let provider = self.provider();
        if staged {
            group.drop_own(&provider)?;
        }
        group.take(&provider, commit, sender, &|account, device| {
            let as_new = newest && !self.session.lists_ahead.contains_key(&account);
            if as_new { self.listed_key(account, device) } else { self.known_key(account, device) }
        })
    }

    /// The key of a device in its account's newest list.
    pub(super) fn listed_key(&self, account: AccountId, device: DeviceId) -> Option<PublicKey> {
        let known = people::device(&self.db, account, device).ok().flatten()?;
        known.listed.then_some(known.key)
    }

    /// The group has come to a new epoch: its key is kept, and the participants are as it says.
    pub(super) fn stepped(&mut self, id: ConversationId) -> Result<()> {
        let Some(group) = self.groups.get(&id) else { return Err(EngineError::Internal("no group")) };
        if !group.is_active() {
            return self.leave_group(id);
        }
        let (epoch, key) = (group.epoch(), group.key(&self.crypto)?);
        let participants = group.participants()?;
        conversation::set_participants(&self.db, id, &participants.accounts)?;
        self.live_through(id, epoch, &participants)?;
        if self.conversation(id)?.is_some_and(|c| c.kind != participants.kind) {
            self.change(id)?.kind = participants.kind;
        }
        let own = id == self.me()?.own;
        // The self conversation's keys are handed on by the self chain, not by the keyring it holds.
        self.learn_key(id, epoch, &key, own)
    }

    /// This device has just become a member.
    pub(super) fn entered(&mut self, id: ConversationId) -> Result<()> {
        self.take_group(id)?.map(|group| self.groups.insert(id, group));
        self.stepped(id)?;
        // From now on it tells what was delivered to it.
        self.session.unmarked.insert(id);
        self.attention.insert(id);
        self.emit(Event::Conversation(id));
        Ok(())
    }

    /// The group, out of the cache or the store, to be put back.
    pub(super) fn take_group(&mut self, id: ConversationId) -> Result<Option<Group>> {
        const MOST: usize = 256;
        if let Some(group) = self.groups.remove(&id) {
            return Ok(Some(group));
        }
        if self.groups.len() >= MOST {
            self.groups.clear();
        }
        match Group::load(&self.provider(), id) {
            Ok(group) => Ok(group),
            Err(e) => {
                // State that cannot be read is as good as none: the way in from outside replaces it.
                self.misbehaved(Some(id), Misbehaviour::Join(e.to_string()));
                crate::store::mls::forget_group(&self.db, id)?;
                Ok(None)
            }
        }
    }

    /// Forgets the group; what was read stays, and the way back in is open.
    pub(super) fn leave_group(&mut self, id: ConversationId) -> Result<()> {
        if let Some(group) = self.take_group(id)? {
            group.delete(&self.provider())?;
        }
        sealed::drop_pending_commit(&self.db, id)?;
        if self.conversation(id)?.is_some() {
            self.change(id)?.membership = Membership::Outside;
        }
        Ok(())
    }

    /// Stages a commit, keeps it and sends it.
    pub(super) fn send_commit(
        &mut self,
        id: ConversationId,
        change: RosterChange,
        lists: Vec<AccountId>,
    ) -> Result<()> {
        let member = self.member()?;
        let Some(mut group) = self.take_group(id)? else { return Err(EngineError::Internal("no group")) };
        let epoch = group.epoch();
        self.db.execute_batch("SAVEPOINT committing")?;
        let staged = group.commit(&self.provider(), &member, change);
        match staged {
            Ok(staged) => {
                self.db.execute_batch("RELEASE committing")?;
                self.groups.insert(id, group);
                let request = self.commit_request(id, epoch, staged, lists)?;
                self.keep_and_send(request)
            }
            Err(e) => {
                // One that cannot be made must not stop everything else: a key package may be past its time.
                self.db.execute_batch("ROLLBACK TO committing; RELEASE committing")?;
                self.session.lane(id).claimed.clear();
                self.back_off(id, 5_000);
                self.misbehaved(Some(id), Misbehaviour::Commit(e.to_string()));
                Ok(())
            }
        }
    }

    pub(super) fn commit_request(
        &mut self,
        id: ConversationId,
        epoch: Epoch,
        own: OwnCommit,
        lists: Vec<AccountId>,
    ) -> Result<Commit> {
        let mut signed = Vec::new();
        for account in lists {
            signed.extend(people::account(&self.db, account)?.map(|a| a.list));
        }
        let bundle = CommitBundle { commit: own.commit.into(), lists: signed };
        Ok(Commit {
            conversation: id,
            id: EntryId::new(self.random()?),
            epoch,
            bundle: diario_protocol::encode(&bundle).into(),
            welcome: own.welcome.map(Into::into),
            group_info: own.group_info.into(),
            slots: self.self_chain(id, epoch, &own.key)?,
            vault: self.vault_of(id, epoch.next(), &own.key)?,
        })
    }

    pub(super) fn keep_and_send(&mut self, commit: Commit) -> Result<()> {
        sealed::save_pending_commit(&self.db, &commit)?;
        let id = commit.conversation;
        self.session.lane(id).control = true;
        self.ask(Request::Commit(Box::new(commit)), Asked::Commit(id));
        Ok(())
    }

    /// Self chain: the key of the ended epoch, sealed under the one that begins, appears together with it; and so do
    /// links that are missing further back, where an epoch was one in which nothing could be handed on.
    fn self_chain(
        &mut self,
        id: ConversationId,
        ended: Epoch,
        begun: &ConversationKey,
    ) -> Result<Vec<SlotWrite>> {
        if id != self.me()?.own {
            return Ok(Vec::new());
        }
        let mut links = vec![ended];
        links.extend(self.missing_links(id)?.into_iter().filter(|before| *before < ended));
        let mut writes = Vec::new();
        for before in links {
            let Some(key) = self.key(id, before)? else { continue };
            let name = super::slots::chain_name(before.next());
            let (slot, version) = (SlotKey::of_name(id, &name), SlotVersion(1));
            // A link is fetched when something older is: a first screen has no use for it.
            let value = NamedValue { name, value: super::slots::link_value(id, before, &key), head: false };
            writes.push(self.slot_write_under(begun, (id, ended.next()), slot, version, &value)?);
        }
        Ok(writes)
    }

    /// The key of the epoch that begins, for those who lose every device: it reaches the vault together with the epoch.
    fn vault_of(&self, id: ConversationId, begun: Epoch, key: &ConversationKey) -> Result<Vec<VaultSeal>> {
        let own = id == self.me()?.own;
        if own { self.vault_seals(begun, key) } else { Ok(Vec::new()) }
    }

    /// The server did not take the commit.
    pub(super) fn commit_refused(&mut self, id: ConversationId, refusal: Refusal) -> Result<()> {
        self.attention.insert(id);
        // The claimed key packages may be what is wrong, or spent.
        self.session.lane(id).claimed.clear();
        let joining = self.conversation(id)?.is_some_and(|c| c.membership == Membership::Joining);
        let for_now = self.refused_for_now(id, &refusal);
        if for_now && refusal.is_temporary() {
            // It is still good and is sent again as it is.
            return Ok(());
        }
        if joining {
            self.leave_group(id)?;
        } else {
            if let Some(mut group) = self.take_group(id)? {
                group.drop_own(&self.provider())?;
                self.groups.insert(id, group);
            }
            sealed::drop_pending_commit(&self.db, id)?;
        }
        if !for_now {
            self.back_off(id, 1_000);
            self.fail_membership_changes(id, &refusal)?;
            // Somebody may have taken the account out of the conversation meanwhile.
            if refusal != Refusal::NotMember {
                self.misbehaved(Some(id), Misbehaviour::Refused(refusal));
            }
        }
        Ok(())
    }

    /// Asks for the commits that a group that was just entered lies behind.
    pub(super) fn ask_for_commits(&mut self, id: ConversationId, from: Seq) -> Result<()> {
        let to = self.conversation(id)?.map_or(from, |c| Seq(c.log_next.0.saturating_sub(1)));
        let range = LogRange { conversation: id, from, to, commits_only: true, newest: false, about: None };
        self.session.lane(id).control = true;
        self.ask(Request::Log(range), Asked::Commits(id));
        Ok(())
    }

    /// Commits that the log had before this device entered the group.
    pub(super) fn on_commits(&mut self, id: ConversationId, page: LogPage) -> Result<()> {
        self.session.lane(id).control = false;
        self.attention.insert(id);
        let Some(mut group) = self.take_group(id)? else { return Ok(()) };
        let mut last = None;
        for entry in page.entries {
            let diario_protocol::Body::Present(body) = &entry.body else {
                if entry.epoch < group.epoch() {
                    continue;
                }
                // No longer kept: the way in is another one.
                self.groups.insert(id, group);
                return self.leave_group(id);
            };
            last = Some(entry.seq);
            if entry.epoch < group.epoch() {
                continue;
            }
            let sender = LeafIdentity { account: entry.account, device: entry.device };
            let pending = sealed::pending_commit(&self.db, id)?;
            sealed::drop_pending_commit(&self.db, id)?;
            let own = pending.as_ref().is_some_and(|c| c.id == entry.id);
            let taken = if own {
                group.merge_own(&self.provider())
            } else {
                self.take_bundle(body)?
                    .map_err(|e| GroupError::Mls { action: "reading a commit", cause: e.to_string() })
                    .and_then(|b| self.take_commit(&mut group, &b.commit, sender, pending.is_some(), false))
            };
            if let Err(e) = taken {
                // As in `follow`: a commit of its own that it does not know is nobody's fault.
                if own || sender.device != self.me()?.device {
                    self.misbehaved(Some(id), Misbehaviour::Commit(e.to_string()));
                }
                self.groups.insert(id, group);
                return self.leave_group(id);
            }
            self.groups.insert(id, group);
            self.stepped(id)?;
            let Some(next) = self.take_group(id)? else { return Ok(()) };
            group = next;
        }
        let (epoch, log_epoch) = (group.epoch(), self.conversation(id)?.map_or(Epoch(0), |c| c.log_epoch));
        self.groups.insert(id, group);
        match last {
            Some(seq) if epoch < log_epoch => self.ask_for_commits(id, seq.next()),
            None if epoch < log_epoch => {
                self.misbehaved(Some(id), Misbehaviour::Commit("commits are missing".into()));
                self.leave_group(id)
            }
            _ => Ok(()),
        }
    }

    /// Whether commits of this conversation may change its accounts.
    pub(super) fn is_group(conversation: &Conversation) -> bool {
        conversation.kind == ConversationKind::Group
    }
}
