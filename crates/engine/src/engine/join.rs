//! Ways into groups that exist: the welcome that another's commit brought, or an external commit.

use diario_protocol::{
    AccountId, AccountRef, Commit, ConversationId, DeviceId, Epoch, GroupState, PublicKey, Request, Welcome,
};

use super::requests::{Arriving, Asked};
use super::{Engine, Result};
use crate::error::{EngineError, Misbehaviour};
use crate::group::{Group, GroupError, Join, OwnCommit, Provider};
use crate::store::conversation::Membership;
use crate::store::{people, sealed};

impl Engine {
    /// At login: the self conversation comes first, since the keyring is in it.
    pub(super) fn enter_self_conversation(&mut self, account: AccountId) -> Result<()> {
        let id = ConversationId::of_self(account);
        let outside = self.conversation(id)?.is_none_or(|c| c.membership == Membership::Outside);
        if outside {
            self.ask_for_welcome(id);
        }
        Ok(())
    }

    pub(super) fn ask_for_welcome(&mut self, id: ConversationId) {
        self.session.lane(id).control = true;
        self.ask(Request::Welcome(id), Asked::Welcome(id));
    }

    pub(super) fn on_welcome(&mut self, id: ConversationId, welcome: Option<Welcome>) -> Result<()> {
        let lane = self.session.lane(id);
        lane.control = false;
        lane.welcomed = None;
        lane.histories.clear();
        self.attention.insert(id);
        let Some(welcome) = welcome else { return Ok(()) };
        if welcome.conversation != id {
            return self.out_of_turn("a welcome of another conversation");
        }
        let member = self.conversation(id)?.is_some_and(|c| c.membership == Membership::Member);
        if member {
            return self.drop_welcome(id, welcome.epoch);
        }
        if self.conversation(id)?.is_none() {
            // The stream will tell of the conversation; only then does it have a place here.
            self.session.lane(id).arriving = Some(Arriving::Welcome(welcome));
            return Ok(());
        }
        self.enter_by_welcome(id, welcome)
    }

    fn drop_welcome(&mut self, id: ConversationId, epoch: Epoch) -> Result<()> {
        self.ask(Request::DropWelcome(id, epoch), Asked::Nothing);
        Ok(())
    }

    fn enter_by_welcome(&mut self, id: ConversationId, welcome: Welcome) -> Result<()> {
        // A savepoint: OpenMLS writes while it joins, and what was not entered must leave no trace.
        self.db.execute_batch("SAVEPOINT entering")?;
        let joined = Group::by_welcome(&self.provider(), &welcome.welcome, &welcome.tree);
        let join = match joined {
            Ok(join) => join,
            Err(e) => {
                self.db.execute_batch("ROLLBACK TO entering; RELEASE entering")?;
                // Enter from outside when needed. A key package that is gone went with a store that was put back from a
                // copy: nobody's fault.
                if !matches!(e, GroupError::NoKeyPackage) {
                    self.misbehaved(Some(id), Misbehaviour::Join(e.to_string()));
                }
                return self.drop_welcome(id, welcome.epoch);
            }
        };
        match self.check_join(id, &join)? {
            Check::Good => self.db.execute_batch("RELEASE entering")?,
            Check::Later => {
                self.db.execute_batch("ROLLBACK TO entering; RELEASE entering")?;
                self.session.lane(id).arriving = Some(Arriving::Welcome(welcome));
                return Ok(());
            }
            Check::Bad => {
                self.db.execute_batch("ROLLBACK TO entering; RELEASE entering")?;
                return self.drop_welcome(id, welcome.epoch);
            }
        }
        let epoch = join.group.epoch();
        self.groups.insert(id, join.group);
        self.change(id)?.membership = Membership::Member;
        self.drop_welcome(id, welcome.epoch)?;
        // It was made for a key package, which is spent.
        self.session.key_packages_left = self.session.key_packages_left.saturating_sub(1);
        self.entered(id)?;
        let log_epoch = self.conversation(id)?.map_or(epoch, |c| c.log_epoch);
        if epoch < log_epoch {
            self.ask_for_commits(id, welcome.seq.next())?;
        }
        Ok(())
    }

    pub(super) fn ask_for_group_state(&mut self, id: ConversationId) {
        let lane = self.session.lane(id);
        lane.control = true;
        lane.histories.clear();
        self.ask(Request::GroupState(id), Asked::GroupState(id));
    }

    pub(super) fn on_group_state(&mut self, id: ConversationId, state: GroupState) -> Result<()> {
        self.session.lane(id).control = false;
        self.attention.insert(id);
        if state.conversation != id {
            return self.out_of_turn("a group state of another conversation");
        }
        let outside =
            self.conversation(id)?.is_some_and(|c| c.membership == Membership::Outside && c.is_open());
        if outside { self.enter_from_outside(id, state) } else { Ok(()) }
    }

    fn enter_from_outside(&mut self, id: ConversationId, state: GroupState) -> Result<()> {
        let member = self.member()?;
        self.db.execute_batch("SAVEPOINT entering")?;
        let joined = Group::by_external_commit(&self.provider(), &member, &state.group_info, &state.tree);
        let join = match joined {
            Ok(join) => join,
            Err(e) => {
                self.db.execute_batch("ROLLBACK TO entering; RELEASE entering")?;
                self.misbehaved(Some(id), Misbehaviour::Join(e.to_string()));
                self.back_off(id, 5_000);
                return Ok(());
            }
        };
        match self.check_join(id, &join)? {
            Check::Good => self.db.execute_batch("RELEASE entering")?,
            Check::Later => {
                self.db.execute_batch("ROLLBACK TO entering; RELEASE entering")?;
                self.session.lane(id).arriving = Some(Arriving::State(state));
                return Ok(());
            }
            Check::Bad => {
                self.db.execute_batch("ROLLBACK TO entering; RELEASE entering")?;
                self.back_off(id, 5_000);
                return Ok(());
            }
        }
        let Join { group, external: Some((commit, group_info)), leaves } = join else {
            return Err(EngineError::Internal("an external join without its commit"));
        };
        // A group that the server made up has a leaf that no newest list names, for somebody had to sign its state.
        // Nothing is handed on under such an epoch; the next commit removes that leaf, and then the chain is mended.
        let clean =
            leaves.iter().all(|l| self.listed_key(l.identity.account, l.identity.device) == Some(l.key));
        let own = OwnCommit { commit, welcome: None, group_info, key: group.key(&self.crypto)? };
        self.groups.insert(id, group);
        self.change(id)?.membership = Membership::Joining;
        let lists = vec![member.leaf.account];
        let mut request: Commit = self.commit_request(id, state.epoch, own, lists)?;
        if !clean {
            request.slots.clear();
            request.vault.clear();
        }
        self.keep_and_send(request)
    }

    /// Checks every leaf of a group against the device lists, or asks for those that are missing.
    fn check_join(&mut self, id: ConversationId, join: &Join) -> Result<Check> {
        let mut unknown = Vec::new();
        let mut stale = Vec::new();
        for leaf in &join.leaves {
            let account = leaf.identity.account;
            if people::account(&self.db, account)?.is_none() {
                unknown.push(account);
            } else if people::device(&self.db, account, leaf.identity.device)?.is_none() {
                stale.push(account);
            }
        }
        unknown.sort_unstable();
        unknown.dedup();
        if !unknown.is_empty() {
            self.ask_for_accounts(unknown.into_iter().map(AccountRef::Id).collect());
            return Ok(Check::Later);
        }
        // What was asked before this came may be older than it: nobody tells of people with whom one shares nothing yet.
        let lane = self.session.lane(id);
        if let Some(account) = stale.into_iter().find(|a| !lane.histories.contains(a)) {
            self.ask_for_history(account);
            return Ok(Check::Later);
        }
        let known = |account, device| self.known_key(account, device);
        let me = self.me()?.account;
        match join.check(id, me, &known) {
            Ok(()) => Ok(Check::Good),
            Err(e) => {
                self.misbehaved(Some(id), Misbehaviour::Join(e.to_string()));
                Ok(Check::Bad)
            }
        }
    }

    /// The key of a device in any of its account's lists.
    pub(super) fn known_key(&self, account: AccountId, device: DeviceId) -> Option<PublicKey> {
        people::device(&self.db, account, device).ok().flatten().map(|d| d.key)
    }

    /// Device lists came: what waited for them is tried again.
    pub(super) fn retry_arrivals(&mut self) -> Result<()> {
        let waiting: Vec<_> = self
            .session
            .lanes
            .iter_mut()
            .filter_map(|(id, lane)| Some((*id, lane.arriving.take()?)))
            .collect();
        for (id, arriving) in waiting {
            if self.conversation(id)?.is_none() {
                self.session.lane(id).arriving = Some(arriving);
                continue;
            }
            match arriving {
                Arriving::Welcome(welcome) => self.enter_by_welcome(id, welcome)?,
                Arriving::State(state) => self.on_group_state(id, state)?,
            }
        }
        Ok(())
    }

    /// The server has the group that this device made.
    pub(super) fn created(&mut self, id: ConversationId) -> Result<()> {
        self.session.lane(id).control = false;
        let creating = self.conversation(id)?.is_some_and(|c| c.membership == Membership::Creating);
        if creating {
            self.change(id)?.membership = Membership::Member;
            self.entered(id)?;
        }
        Ok(())
    }

    /// The server has another group under this id: the other side was faster.
    pub(super) fn create_refused(
        &mut self,
        id: ConversationId,
        refusal: diario_protocol::Refusal,
    ) -> Result<()> {
        self.session.lane(id).control = false;
        self.attention.insert(id);
        if matches!(refusal, diario_protocol::Refusal::Exists) {
            sealed::forget_keys(&self.db, id)?;
            crate::store::asked::forget_lived(&self.db, id)?;
            self.keys.retain(|(conversation, _), _| *conversation != id);
            return self.leave_group(id);
        }
        if !self.refused_for_now(id, &refusal) {
            self.back_off(id, 30_000);
            self.emit(crate::event::Event::Failed { conversation: id, id: None, refusal });
        }
        Ok(())
    }

    /// Makes the group of a conversation that begins here, and tells the server.
    pub(super) fn create_group(&mut self, id: ConversationId) -> Result<()> {
        let member = self.member()?;
        let kind = self.conversation(id)?.ok_or(EngineError::Internal("an unknown conversation"))?.kind;
        let accounts = match kind {
            // A group begins with its maker; the others come by the first commit.
            diario_protocol::ConversationKind::Group => vec![admin(member.leaf.account)],
            _ => crate::store::conversation::participants_of(&self.db, id)?,
        };
        let request = self.make_group(id, kind, accounts)?;
        self.change(id)?.membership = Membership::Creating;
        self.session.lane(id).control = true;
        self.ask(Request::Create(Box::new(request)), Asked::Create(id));
        Ok(())
    }

    /// Makes a group, or takes the one that was made before a restart: the server may know it already.
    pub(super) fn make_group(
        &mut self,
        id: ConversationId,
        kind: diario_protocol::ConversationKind,
        accounts: Vec<diario_protocol::roster::Participant>,
    ) -> Result<diario_protocol::CreateConversation> {
        let member = self.member()?;
        let made = self.take_group(id)?;
        let provider = Provider::new(&self.crypto, &self.db);
        let group = if let Some(group) = made {
            group
        } else {
            let creator = member.leaf.account;
            let participants = diario_protocol::roster::Participants { kind, accounts, creator };
            Group::create(&provider, &member, id, &participants)?
        };
        let (group_info, tree) = group.public_state(&provider, &member)?;
        self.groups.insert(id, group);
        Ok(diario_protocol::CreateConversation {
            conversation: id,
            kind,
            group_info: group_info.into(),
            tree: tree.into(),
        })
    }
}

enum Check {
    Good,
    /// Lists were asked for.
    Later,
    Bad,
}

pub(super) fn admin(account: AccountId) -> diario_protocol::roster::Participant {
    diario_protocol::roster::Participant { account, role: diario_protocol::roster::Role::Admin }
}
