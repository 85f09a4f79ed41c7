//! The roster follows the device lists: what the next commit has to change before anything is sealed.

use std::collections::BTreeSet;

use diario_protocol::roster::{LeafIdentity, Participant, Participants, Role};
use diario_protocol::{AccountId, Bin, ConversationId, DeviceRef, PublicKey, Refusal, Request};
use minicbor::{Decode, Encode};
use openmls::prelude::LeafNodeIndex;

use super::requests::Asked;
use super::{Engine, Result};
use crate::error::{EngineError, Misbehaviour};
use crate::event::Event;
use crate::group::{Leaf, RosterChange, checked_key_package};
use crate::store::outbox;
use crate::store::people;

/// A wanted change of a group's accounts, as it waits in the outbox.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub(crate) struct MembershipWish {
    #[n(0)]
    pub(crate) add: Vec<AccountId>,
    #[n(1)]
    pub(crate) remove: Vec<AccountId>,
}

/// What stands between a group and what it should be.
#[derive(Debug, Default)]
pub(super) struct Difference {
    /// Devices to add, with the keys that the lists give them.
    missing: Vec<(LeafIdentity, PublicKey)>,
    /// Leaves to remove.
    extra: Vec<LeafNodeIndex>,
    /// Accounts whose lists justify it.
    accounts: BTreeSet<AccountId>,
    /// New participants, if those change.
    participants: Option<Participants>,
    /// Outbox rows that it fulfils.
    wishes: Vec<i64>,
}

impl Difference {
    fn is_empty(&self) -> bool {
        self.missing.is_empty() && self.extra.is_empty() && self.participants.is_none()
    }
}

impl Engine {
    /// Brings the group in line with the lists and the wishes; `true` if something had to be begun for that.
    pub(super) fn align_roster(&mut self, id: ConversationId) -> Result<bool> {
        if self.session.lane(id).aligned {
            return self.turn_if_due(id);
        }
        let difference = self.difference(id)?;
        for row in &difference.wishes {
            if difference.participants.is_none() {
                // Fulfilled already, by somebody else or before a restart.
                outbox::drop_row(&self.db, *row)?;
            }
        }
        if difference.is_empty() {
            self.session.lane(id).aligned = true;
            return self.turn_if_due(id);
        }
        let batch = usize::from(self.session.limits.batch);
        let lane = self.session.lane(id);
        let unclaimed: Vec<_> = difference
            .missing
            .iter()
            .filter(|(identity, _)| !lane.claimed.contains_key(&identity.device))
            .map(|(identity, _)| DeviceRef { account: identity.account, device: identity.device })
            .take(batch)
            .collect();
        if !unclaimed.is_empty() {
            self.session.lane(id).control = true;
            self.ask(Request::ClaimKeyPackages(unclaimed.clone()), Asked::Claim(id, unclaimed));
            return Ok(true);
        }
        let mut change = RosterChange {
            adds: Vec::new(),
            removes: difference.extra,
            participants: difference.participants,
        };
        for (identity, key) in difference.missing {
            let Some(Some(package)) = self.session.lane(id).claimed.get(&identity.device).cloned() else {
                continue;
            };
            match checked_key_package(&self.crypto, &package, identity, key) {
                Ok(package) => change.adds.push(package),
                Err(e) => {
                    self.misbehaved(Some(id), Misbehaviour::KeyPackage(e.to_string()));
                    self.session.lane(id).claimed.insert(identity.device, None);
                }
            }
        }
        if change.adds.is_empty() && change.removes.is_empty() && change.participants.is_none() {
            // Devices without key packages are admitted once they have some. One that was listed and never came has none,
            // for ever: nothing else waits for it, and nothing is sealed for anybody who is to be out.
            self.session.lane(id).aligned = true;
            return self.turn_if_due(id);
        }
        self.send_commit(id, change, difference.accounts.into_iter().collect())?;
        Ok(true)
    }

    fn difference(&mut self, id: ConversationId) -> Result<Difference> {
        let me = self.member()?.leaf;
        let now = self.server_now();
        let Some(group) = self.take_group(id)? else { return Err(EngineError::Internal("no group")) };
        let (before, leaves) = (group.participants()?, group.leaves()?);
        self.groups.insert(id, group);
        let mut difference = Difference::default();
        let after = self.wished_participants(id, &before, &mut difference)?;
        for participant in &after.accounts {
            self.compare_account(participant.account, &leaves, now, &mut difference)?;
        }
        for leaf in &leaves {
            if !after.contains(leaf.identity.account) {
                difference.extra.push(leaf.index);
                difference.accounts.insert(leaf.identity.account);
            }
        }
        // Nobody can remove itself: this leaf goes with the next commit of somebody else.
        difference.extra.retain(|i| leaves.iter().all(|leaf| leaf.index != *i || leaf.identity != me));
        if after != before {
            difference.participants = Some(after);
        }
        Ok(difference)
    }

    fn compare_account(
        &self,
        account: AccountId,
        leaves: &[Leaf],
        now: diario_protocol::Timestamp,
        difference: &mut Difference,
    ) -> Result<()> {
        let known = people::devices(&self.db, account)?;
        let valid = |d: &&people::KnownDevice| d.listed && d.valid_until.is_none_or(|until| now < until);
        for device in known.iter().filter(valid) {
            let identity = LeafIdentity { account, device: device.device };
            if leaves.iter().all(|leaf| leaf.identity != identity) {
                difference.missing.push((identity, device.key));
                difference.accounts.insert(account);
            }
        }
        if people::account(&self.db, account)?.is_none() {
            // Its lists are being asked for; without them nothing can be said about its devices.
            return Ok(());
        }
        for leaf in leaves.iter().filter(|leaf| leaf.identity.account == account) {
            if !known.iter().filter(valid).any(|d| d.device == leaf.identity.device) {
                difference.extra.push(leaf.index);
                difference.accounts.insert(account);
            }
        }
        Ok(())
    }

    /// The participants after the wishes in the outbox, oldest first.
    fn wished_participants(
        &self,
        id: ConversationId,
        before: &Participants,
        difference: &mut Difference,
    ) -> Result<Participants> {
        let mut after = before.clone();
        for outgoing in outbox::of_kind(&self.db, id, outbox::kind::MEMBERSHIP, usize::MAX)? {
            let wish: MembershipWish = diario_protocol::decode(&outgoing.payload, outgoing.payload.len())?;
            difference.wishes.push(outgoing.row);
            after.accounts.retain(|p| !wish.remove.contains(&p.account));
            for account in wish.add {
                if !after.contains(account) {
                    after.accounts.push(Participant { account, role: Role::Member });
                }
            }
        }
        Ok(after)
    }

    /// Turns the epoch where the policy says so: by age, and by the number of entries.
    fn turn_if_due(&mut self, id: ConversationId) -> Result<bool> {
        let (age, entries) = (self.config.epoch_age_ms, self.config.epoch_entries);
        let now = self.now;
        let due = self.conversation(id)?.is_some_and(|c| {
            c.epoch_entries >= entries || (c.epoch_entries > 0 && now.ms_since(c.epoch_since) >= age)
        });
        if due {
            self.send_commit(id, RosterChange::default(), Vec::new())?;
        }
        Ok(due)
    }

    pub(super) fn on_key_packages(
        &mut self,
        id: ConversationId,
        devices: &[DeviceRef],
        packages: Vec<Option<Bin>>,
    ) -> Result<()> {
        let lane = self.session.lane(id);
        lane.control = false;
        self.attention.insert(id);
        if packages.len() != devices.len() {
            return self.out_of_turn("more or fewer key packages than asked for");
        }
        let lane = self.session.lane(id);
        for (device, package) in devices.iter().zip(packages) {
            lane.claimed.insert(device.device, package.map(|p| p.0));
        }
        Ok(())
    }

    /// The server holds the roster for stale: lists are read again, and devices without key packages asked again.
    pub(super) fn roster_refused(&mut self, id: ConversationId) {
        let lane = self.session.lane(id);
        lane.aligned = false;
        lane.claimed.retain(|_, package| package.is_some());
        lane.roster_refused += 1;
        let tries = lane.roster_refused;
        self.attention.insert(id);
        if tries > 1 {
            self.back_off(id, 500 * u64::from(tries.min(20)));
            if let Ok(participants) = crate::store::conversation::participants_of(&self.db, id) {
                let accounts =
                    participants.into_iter().map(|p| diario_protocol::AccountRef::Id(p.account)).collect();
                self.ask_for_accounts(accounts);
            }
        }
    }

    /// The server refused a change of members for good.
    pub(super) fn fail_membership_changes(&mut self, id: ConversationId, refusal: &Refusal) -> Result<()> {
        for wish in outbox::of_kind(&self.db, id, outbox::kind::MEMBERSHIP, usize::MAX)? {
            outbox::drop_row(&self.db, wish.row)?;
            self.emit(Event::Failed { conversation: id, id: None, refusal: refusal.clone() });
        }
        Ok(())
    }
}
