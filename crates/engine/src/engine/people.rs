//! Accounts and their device lists: read, checked, and never taken back to an older version.

use diario_protocol::device_list::{DeviceListError, DeviceRole, SignedDeviceList, ValidatedDeviceList};
use diario_protocol::{AccountId, AccountInfo, AccountRef, ConversationId, Request, Username};

use super::requests::{Asked, Phase, Question};
use super::{Engine, Result};
use crate::error::Misbehaviour;
use crate::event::Event;
use crate::store::people::Stage;
use crate::store::{conversation, message, people, sealed};

impl Engine {
    pub(super) fn ask_for_accounts(&mut self, mut accounts: Vec<AccountRef>) {
        accounts.truncate(usize::from(self.session.limits.batch).max(1));
        if !accounts.is_empty() {
            self.ask_once(Question::Accounts, Request::Lookup(accounts.clone()), Asked::Accounts(accounts));
        }
    }

    pub(super) fn ask_for_history(&mut self, account: AccountId) {
        self.ask_once(
            Question::History(account),
            Request::DeviceListHistory(account),
            Asked::History(account),
        );
    }

    /// A change in the diary: somebody's devices are others now.
    pub(super) fn on_device_list(&mut self, info: &AccountInfo) -> Result<()> {
        let Some(valid) = self.validated(&info.list) else { return Ok(()) };
        self.ingest_valid(Some(&info.username), &valid)?;
        let (account, version) = (valid.account(), valid.list().version);
        if self.session.lists_ahead.get(&account).is_some_and(|ahead| *ahead <= version) {
            self.session.lists_ahead.remove(&account);
        }
        Ok(())
    }

    /// Takes a list that the stream does not bring. It may be ahead of the stream: commits that are yet to come can name
    /// devices that it lacks.
    pub(super) fn ingest_list_of_answer(
        &mut self,
        username: &Username,
        list: &ValidatedDeviceList,
    ) -> Result<()> {
        let (account, version) = (list.account(), list.list().version);
        if people::account(&self.db, account)?.is_some_and(|held| held.version < version) {
            self.session.lists_ahead.insert(account, version);
        }
        self.ingest_valid(Some(username), list)
    }

    /// Takes a device list if it is good and not older than the one held.
    pub(super) fn ingest_list(
        &mut self,
        username: Option<&Username>,
        signed: &SignedDeviceList,
    ) -> Result<()> {
        match self.validated(signed) {
            Some(valid) => self.ingest_valid(username, &valid),
            None => Ok(()),
        }
    }

    fn validated(&mut self, signed: &SignedDeviceList) -> Option<ValidatedDeviceList> {
        match signed.validate() {
            Ok(valid) => Some(valid),
            Err(e) => {
                self.misbehaved(None, Misbehaviour::DeviceList(e));
                None
            }
        }
    }

    /// The same, of one whose signature was looked at.
    fn ingest_valid(&mut self, username: Option<&Username>, valid: &ValidatedDeviceList) -> Result<()> {
        let account = valid.account();
        let held = people::account(&self.db, account)?;
        if let Some(held) = &held {
            if valid.refuse_rollback(held.version).is_err() {
                // Old lists come honestly with old commits: what they say is history, and no more.
                return if username.is_none() {
                    Ok(people::save_devices(&self.db, valid, false)?)
                } else {
                    let e = DeviceListError::Rollback { held: held.version, offered: valid.list().version };
                    self.misbehaved(None, Misbehaviour::DeviceList(e));
                    Ok(())
                };
            }
            if valid.list().version == held.version {
                if *valid.signed() != held.list {
                    self.misbehaved(None, Misbehaviour::DeviceListFork);
                } else if username.is_some() && username != held.username.as_ref() {
                    people::save_list(&self.db, username, valid)?;
                    self.name_known(username, account)?;
                    self.emit(Event::Devices(account));
                }
                return Ok(());
            }
        }
        people::save_list(&self.db, username, valid)?;
        self.name_known(username, account)?;
        for waiting in message::waiting_for_device(&self.db, account)? {
            self.open_entry(&waiting, false)?;
        }
        for id in conversation::shared_with(&self.db, account)? {
            let lane = self.session.lane(id);
            lane.claimed.clear();
            lane.aligned = false;
            if lane.roster_refused > 0 {
                // This is what was waited for.
                lane.roster_refused = 0;
                lane.not_before = None;
                self.attention.insert(id);
            }
        }
        if self.me()?.account == account {
            self.look_for_own_device(valid)?;
            // The self conversation turns at once, and with it the key that seals the keyring.
            self.attention.insert(ConversationId::of_self(account));
        }
        self.emit(Event::Devices(account));
        Ok(())
    }

    fn name_known(&mut self, username: Option<&Username>, account: AccountId) -> Result<()> {
        username.map_or(Ok(()), |username| self.watch_name(username, account))
    }

    /// The account's word about this very device.
    fn look_for_own_device(&mut self, list: &ValidatedDeviceList) -> Result<()> {
        let Some(me) = &mut self.me else { return Ok(()) };
        let role = list.list().device(me.device).map(|device| device.role);
        if role.is_none() && me.stage == Stage::Active {
            me.stage = Stage::Revoked;
            me.save(&self.db)?;
            self.must_disconnect = true;
            self.emit(Event::Revoked);
        }
        self.session.roles_settled = false;
        if role == Some(DeviceRole::Primary) { Ok(()) } else { self.forget_identity() }
    }

    pub(super) fn on_accounts(
        &mut self,
        asked: &[AccountRef],
        found: Vec<Option<AccountInfo>>,
    ) -> Result<()> {
        self.session.asking.remove(&Question::Accounts);
        if found.len() != asked.len() {
            return self.out_of_turn("more or fewer accounts than asked for");
        }
        for (asked, found) in asked.iter().zip(found) {
            let account = match &found {
                Some(info) => {
                    let valid = match (info.list.validate(), asked) {
                        (Ok(valid), AccountRef::Id(id)) if valid.account() != *id => {
                            let e = DeviceListError::WrongAccount { expected: *id, found: valid.account() };
                            self.misbehaved(None, Misbehaviour::DeviceList(e));
                            continue;
                        }
                        (Ok(valid), _) => valid,
                        (Err(e), _) => {
                            self.misbehaved(None, Misbehaviour::DeviceList(e));
                            if let AccountRef::Name(username) = asked {
                                self.emit(Event::Resolved { username: username.clone(), account: None });
                            }
                            continue;
                        }
                    };
                    self.ingest_list_of_answer(&info.username, &valid)?;
                    Some(valid.account())
                }
                None => None,
            };
            if let AccountRef::Name(username) = asked {
                self.emit(Event::Resolved { username: username.clone(), account });
            }
        }
        self.tell_held();
        if self.session.phase == Phase::AwaitLogin
            && self.me.as_ref().is_some_and(|me| me.stage == Stage::Active)
        {
            // The server refuses a device that its account still lists: nothing is believed, and nothing is lost.
            self.must_disconnect = true;
            self.emit(Event::Rejected(diario_protocol::Refusal::DeviceRevoked));
            return Ok(());
        }
        self.retry_arrivals()
    }

    pub(super) fn lookup_refused(&mut self, asked: &[AccountRef], refusal: &diario_protocol::Refusal) {
        self.tell_held();
        if self.session.lanes.values().any(|lane| lane.arriving.is_some()) {
            // Whoever comes into a group needs them.
            self.ask_again_later(Question::Accounts);
        } else {
            self.session.asking.remove(&Question::Accounts);
        }
        for asked in asked {
            if let AccountRef::Name(username) = asked {
                let (username, refusal) = (username.clone(), refusal.clone());
                self.emit(Event::LookUpRefused { username, refusal });
            }
        }
    }

    /// Tells of a message once everybody in it has a name: one from "unknown" would say less than a moment's wait.
    pub(super) fn announce(&mut self, id: ConversationId, sender: AccountId, event: Event) -> Result<()> {
        if !self.session.named.contains(&(id, sender)) {
            let nameless = people::nameless(&self.db, id, sender)?;
            let answered = !self.session.awaits(Question::Accounts);
            if nameless.iter().any(|account| !answered || !self.session.asked_about.contains(account)) {
                self.session.to_name.extend(nameless);
                self.held.push(event);
                return Ok(());
            }
            self.session.named.insert((id, sender));
        }
        self.emit(event);
        Ok(())
    }

    /// The names came, or will not come.
    fn tell_held(&mut self) {
        let held = std::mem::take(&mut self.held);
        self.staged.events.extend(held);
    }

    /// Every list that an account ever signed: the devices of old entries are in them.
    pub(super) fn on_history(&mut self, account: AccountId, lists: &[SignedDeviceList]) -> Result<()> {
        self.session.asking.remove(&Question::History(account));
        self.session.histories.insert(account);
        for lane in self.session.lanes.values_mut().filter(|lane| lane.arriving.is_some()) {
            lane.histories.insert(account);
        }
        for list in lists {
            match list.validate_for(account) {
                Ok(valid) => people::save_devices(&self.db, &valid, false)?,
                Err(e) => self.misbehaved(None, Misbehaviour::DeviceList(e)),
            }
        }
        for slot in sealed::waiting_slots_by(&self.db, account)? {
            // One of them may have brought the key of others, which are opened then.
            if sealed::slot_version(&self.db, slot.conversation, slot.key)? == slot.version {
                self.open_slot(&slot)?;
            }
        }
        self.session.missing_keys.look = true;
        for waiting in message::waiting_for_device(&self.db, account)? {
            self.open_entry(&waiting, false)?;
        }
        self.retry_arrivals()
    }
}
