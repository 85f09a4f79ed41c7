//! What primaries do: changes of the device list.
//!
//! What the user wants waits in the outbox of the self conversation, and `pump` makes of it the next list, from the
//! newest one that is known then: two primaries that change it at once both get what was wanted of them.

use diario_protocol::device_list::{DeviceList, DeviceRole, ListedDevice, ValidatedDeviceList};
use diario_protocol::{ConversationId, DeviceId, Refusal, Request, Timestamp};

use super::facts::word_of;
use super::requests::{Asked, ListChange, Question};
use super::{Engine, Result, Timer};
use crate::crypto::identity::KeyPair;
use crate::error::{CommandError, EngineError};
use crate::event::Event;
use crate::store::outbox::{self, Outgoing};
use crate::store::people::{self, Me};

/// How often validity is looked at, in milliseconds (an hour).
const VALIDITY_CHECK_MS: u64 = 60 * 60 * 1000;

/// A linked device warns for so long before its time runs out, in milliseconds (3 days).
pub(crate) const WARNING_MS: u64 = 3 * DAY_MS;

/// A server's clock is believed so far ahead of this device's, in milliseconds (a day).
const DAY_MS: u64 = 24 * 60 * 60 * 1000;

type Done<T> = std::result::Result<T, CommandError>;

/// What becomes of a wish with the next list.
enum Outcome {
    /// The list is changed for it.
    Changed,
    /// It is so already, or cannot be any more.
    Settled,
    /// It is for later.
    Waits,
}

impl Engine {
    /// Looks which linked devices are to be renewed, and who is to be warned.
    ///
    /// Primaries renew by themselves when less than half of a device's time is left, if the server has seen the device
    /// within that time: nobody vouches for ever for one that lies in a drawer, or in a thief's.
    pub(super) fn look_at_validity(&mut self) -> Result<()> {
        self.set_timer(Timer::Validity, self.now.plus_ms(VALIDITY_CHECK_MS));
        for lane in self.session.lanes.values_mut() {
            // Somebody's time may have run out.
            lane.aligned = false;
        }
        if !self.session.is_logged_in() {
            return Ok(());
        }
        let (me, now) = (self.me()?.clone(), self.server_now());
        let this = people::device(&self.db, me.account, me.device)?;
        if this.and_then(|d| d.valid_until).is_some_and(|until| until <= now.plus_ms(WARNING_MS)) {
            self.emit(Event::Devices(me.account));
        }
        if me.is_primary() && !self.due(now)?.is_empty() {
            self.ask_once(Question::LastSeen, Request::LastSeen, Asked::LastSeen);
        }
        Ok(())
    }

    /// Linked devices with less than half of their time left.
    fn due(&self, now: Timestamp) -> Result<Vec<DeviceId>> {
        let half = now.plus_ms(self.config.link_validity_ms / 2);
        let devices = people::devices(&self.db, self.me()?.account)?;
        let due = |d: &people::KnownDevice| d.listed && d.valid_until.is_some_and(|until| until < half);
        Ok(devices.into_iter().filter(due).map(|d| d.device).collect())
    }

    /// The server has told when devices were connected: those that were are renewed, if it is time.
    pub(super) fn renew_the_seen(&mut self) -> Result<()> {
        if !self.me()?.is_primary() {
            return Ok(());
        }
        let now = self.server_now();
        for device in self.due(now)? {
            let seen = crate::store::devices::seen_at(&self.db, device)?;
            if seen.is_some_and(|at| at.plus_ms(self.config.link_validity_ms) > now) {
                self.session.to_renew.insert(device);
            }
        }
        Ok(())
    }

    /// The newest device list, to be changed.
    pub(super) fn own_list(&self) -> Result<DeviceList> {
        let account = self.me()?.account;
        let held = people::account(&self.db, account)?.ok_or(EngineError::Internal("no own device list"))?;
        let valid = held.list.validate().map_err(|_| EngineError::Internal("the own device list"))?;
        Ok(valid.list().clone())
    }

    /// Makes of everything that is wanted the next device list, if there is anything.
    pub(super) fn change_list(&mut self) -> Result<()> {
        let me = self.me()?.clone();
        let own = me.own;
        let wishes = outbox::list_changes(&self.db, own)?;
        let link = self.device_to_link();
        if wishes.is_empty() && link.is_none() && self.session.to_renew.is_empty() {
            return Ok(());
        }
        if !me.is_primary() || self.session.asking.contains(&Question::DeviceList) {
            return Ok(());
        }
        let held = self.own_list()?;
        if self.session.newer_list.is_some_and(|version| held.version < version) {
            // Somebody was faster; what is wanted is changed in their list.
            return Ok(());
        }
        let mut list = held.clone();
        let mut change = ListChange::default();
        for wish in wishes {
            match self.fulfil(&me, &mut list, &wish)? {
                Outcome::Changed => change.rows.push((wish.row, wish.payload)),
                Outcome::Settled => outbox::drop_row(&self.db, wish.row)?,
                Outcome::Waits => {}
            }
        }
        for device in list.devices.iter_mut().filter(|d| d.role == DeviceRole::Linked) {
            if self.session.to_renew.contains(&device.id()) {
                device.valid_until = None;
            }
        }
        if list != held {
            return self.put_device_list(list, change);
        }
        self.session.to_renew.clear();
        // Alone: should the server refuse it, nothing else is refused with it.
        if let Some(device) = link {
            let (id, gone) = (device.id(), self.linked_instead_of());
            list.devices.retain(|d| d.id() != id && Some(d.id()) != gone);
            list.devices.push(device);
            change.link = Some(id);
            return self.put_device_list(list, change);
        }
        Ok(())
    }

    fn fulfil(&self, me: &Me, list: &mut DeviceList, wish: &Outgoing) -> Result<Outcome> {
        use outbox::kind::{DEMOTE, PROMOTE, RENEW, REVOKE};
        let Some(id) = DeviceId::from_slice(&wish.payload) else { return Ok(Outcome::Settled) };
        // A role that is handed over to nobody any more stays here.
        let is_other = |d: &ListedDevice| d.role == DeviceRole::Primary && d.id() != me.device;
        let gives_up = wish.kind == DEMOTE && id == me.device;
        if gives_up && !list.devices.iter().any(is_other) {
            return Ok(Outcome::Settled);
        }
        let waits = gives_up && !self.is_relieved(me, list)?;
        let Some(device) = list.devices.iter_mut().find(|d| d.id() == id) else {
            return Ok(Outcome::Settled);
        };
        Ok(match (wish.kind, device.role) {
            (REVOKE, _) if id != me.device => {
                list.devices.retain(|d| d.id() != id);
                Outcome::Changed
            }
            (PROMOTE, DeviceRole::Linked) => {
                (device.role, device.valid_until) = (DeviceRole::Primary, None);
                Outcome::Changed
            }
            (DEMOTE, DeviceRole::Primary) if waits => Outcome::Waits,
            (DEMOTE, DeviceRole::Primary) => {
                device.role = DeviceRole::Linked;
                Outcome::Changed
            }
            (RENEW, DeviceRole::Linked) => {
                device.valid_until = None;
                Outcome::Changed
            }
            _ => Outcome::Settled,
        })
    }

    /// Whether another primary says that it holds the account's key: only then may this one give it away.
    fn is_relieved(&self, me: &Me, list: &DeviceList) -> Result<bool> {
        let own = me.own;
        for device in list.devices.iter().filter(|d| d.role == DeviceRole::Primary && d.id() != me.device) {
            if word_of(&self.db, own, device.id())?.is_some_and(|word| word.holds_identity) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Signs the next version of the list and gives it to the server.
    pub(super) fn put_device_list(&mut self, list: DeviceList, change: ListChange) -> Result<()> {
        let Some(identity) = self.me()?.identity.clone() else { return Ok(()) };
        if !self.session.asking.insert(Question::DeviceList) {
            return Ok(());
        }
        let valid = self.sign_next(list, &identity, self.server_now())?;
        self.ask(Request::PutDeviceList(valid.signed().clone()), Asked::DeviceList(Box::new(valid), change));
        Ok(())
    }

    /// Signs the next version of a list. Linked devices without a time get the full one, the others keep theirs.
    pub(super) fn sign_next(
        &self,
        mut list: DeviceList,
        identity: &KeyPair,
        now: Timestamp,
    ) -> Result<ValidatedDeviceList> {
        // By the server's clock, for the server judges by it; but no lie of its takes a device far into the future.
        let now = now.min(self.now.plus_ms(DAY_MS));
        let until = now.plus_ms(self.config.link_validity_ms);
        list.version += 1;
        list.issued_at = now;
        for device in list.devices.iter_mut().filter(|d| d.role == DeviceRole::Linked) {
            device.valid_until.get_or_insert(until);
        }
        list.sign(identity.signing()).validate().map_err(|_| EngineError::Internal("the own device list"))
    }

    pub(super) fn device_list_put(&mut self, list: &ValidatedDeviceList, change: &ListChange) -> Result<()> {
        self.session.asking.remove(&Question::DeviceList);
        let username = self.me()?.username.clone();
        self.session.to_renew.clear();
        self.drop_wishes(change)?;
        self.ingest_list_of_answer(&username, list)?;
        match change.link {
            Some(device) => self.linked_device_listed(device),
            None => Ok(()),
        }
    }

    fn drop_wishes(&self, change: &ListChange) -> Result<()> {
        for (row, payload) in &change.rows {
            // SQLite gives the number of a row that is gone to the next one.
            if outbox::at(&self.db, *row)?.is_some_and(|o| o.is_list_change() && o.payload == *payload) {
                outbox::drop_row(&self.db, *row)?;
            }
        }
        Ok(())
    }

    pub(super) fn device_list_refused(&mut self, change: &ListChange, refusal: Refusal) -> Result<()> {
        let account = self.me()?.account;
        if refusal.is_temporary() {
            self.ask_again_later(Question::DeviceList);
            return Ok(());
        }
        self.session.asking.remove(&Question::DeviceList);
        match refusal {
            // Another primary was faster; with its list at hand the change is made again.
            Refusal::OldDeviceList(version) => {
                self.session.newer_list = Some(version);
                self.ask_for_accounts(vec![diario_protocol::AccountRef::Id(account)]);
            }
            other => {
                self.session.to_renew.clear();
                self.drop_wishes(change)?;
                if !change.rows.is_empty() {
                    let conversation = ConversationId::of_self(account);
                    self.emit(Event::Failed { conversation, id: None, refusal: other.clone() });
                }
                if change.link.is_some() {
                    self.linking_failed(&other.to_string())?;
                }
            }
        }
        Ok(())
    }

    /// Takes a device out of the account. It is cut off as soon as the server has the new list.
    pub fn revoke(&mut self, device: DeviceId, now: Timestamp) -> Done<()> {
        self.command(now, |engine| {
            let (list, _) = engine.listed(device)?;
            if device == engine.me()?.device {
                let primaries = list.devices.iter().filter(|d| d.role == DeviceRole::Primary).count();
                return Err(if primaries == 1 {
                    CommandError::LastPrimary
                } else {
                    CommandError::RevokesItself
                });
            }
            Ok(engine.want(outbox::kind::REVOKE, device)?)
        })
    }

    /// Makes a linked device a primary: it may admit and revoke devices, and its time does not run out.
    ///
    /// It gets the account identity key, sealed for it alone, from a primary that is connected when it is.
    pub fn promote(&mut self, device: DeviceId, now: Timestamp) -> Done<()> {
        self.command(now, |engine| engine.want_promoted(device))
    }

    /// Makes a primary a linked device. Of this device's own key nothing is given up before another has it.
    pub fn demote(&mut self, device: DeviceId, now: Timestamp) -> Done<()> {
        self.command(now, |engine| {
            let (list, role) = engine.listed(device)?;
            if role == DeviceRole::Linked {
                return Err(CommandError::NotAPrimary);
            }
            let me = engine.me()?.clone();
            if device == me.device && !engine.is_relieved(&me, &list)? {
                return Err(CommandError::LastPrimary);
            }
            Ok(engine.want(outbox::kind::DEMOTE, device)?)
        })
    }

    /// Moves this device's role to another one: that becomes a primary, and once it has the account's key, this one
    /// becomes a linked device and forgets it.
    pub fn hand_over(&mut self, device: DeviceId, now: Timestamp) -> Done<()> {
        self.command(now, |engine| {
            if engine.listed(device)?.1 == DeviceRole::Linked {
                engine.want_promoted(device)?;
            }
            let this = engine.me()?.device;
            if device == this {
                return Err(CommandError::LastPrimary);
            }
            Ok(engine.want(outbox::kind::DEMOTE, this)?)
        })
    }

    /// Vouches for a linked device anew, for the full time from now on, whether or not it was seen.
    pub fn renew(&mut self, device: DeviceId, now: Timestamp) -> Done<()> {
        self.command(now, |engine| {
            if engine.listed(device)?.1 == DeviceRole::Primary {
                return Err(CommandError::NeverExpires);
            }
            Ok(engine.want(outbox::kind::RENEW, device)?)
        })
    }

    fn want_promoted(&mut self, device: DeviceId) -> Done<()> {
        if self.listed(device)?.1 == DeviceRole::Primary {
            return Err(CommandError::IsPrimary);
        }
        Ok(self.want(outbox::kind::PROMOTE, device)?)
    }

    /// The newest list and what a device is in it, for a change that only a primary may make.
    fn listed(&self, device: DeviceId) -> Done<(DeviceList, DeviceRole)> {
        if !self.active()?.is_primary() {
            return Err(CommandError::NotPrimary);
        }
        let list = self.own_list()?;
        match list.device(device).map(|d| d.role) {
            Some(role) => Ok((list, role)),
            None => Err(CommandError::NoDevice(device.to_string())),
        }
    }

    fn want(&mut self, kind: u8, device: DeviceId) -> Result<()> {
        let own = self.me()?.own;
        let wanted = outbox::list_changes(&self.db, own)?;
        if wanted.iter().any(|o| o.kind == kind && o.payload == device.as_bytes()) {
            return Ok(());
        }
        outbox::enqueue(&self.db, &self.outgoing(own, kind, device.as_bytes().to_vec()))?;
        Ok(())
    }
}
