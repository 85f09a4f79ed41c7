//! The account's own devices: making the account, renewing, revoking.

use diario_protocol::device_list::{DeviceList, DeviceRole, ListedDevice, SignedDeviceList};
use diario_protocol::{
    ConversationId, ConversationKind, DeviceId, Login, Position, PutKeyPackages, Refusal, Register, Request,
    Timestamp, Username,
};

use super::join::admin;
use super::requests::{Asked, ListChange, Question};
use super::{Engine, Result, Timer};
use crate::crypto::identity::KeyPair;
use crate::error::{CommandError, EngineError};
use crate::event::Event;
use crate::store::conversation::{self, Conversation, Membership};
use crate::store::outbox;
use crate::store::people::{self, Me, Stage};

/// How often validity is looked at, in milliseconds (an hour).
const VALIDITY_CHECK_MS: u64 = 60 * 60 * 1000;

/// A server's clock is believed so far ahead of this device's, in milliseconds (a day).
const DAY_MS: u64 = 24 * 60 * 60 * 1000;

/// Name of the self conversation's slot with what a device is called.
pub(crate) fn device_name_slot(device: DeviceId) -> String {
    format!("device/{device}")
}

impl Engine {
    /// Makes an account with this device as its first primary; the server is told at the next connection.
    pub fn register(
        &mut self,
        server: &str,
        username: &str,
        device_name: &str,
        invite: Option<&str>,
        now: Timestamp,
    ) -> std::result::Result<(), CommandError> {
        let username: Username = username.parse()?;
        self.command(now, |engine| {
            if let Some(me) = &engine.me {
                return Err(CommandError::HasAccount(me.username.to_string()));
            }
            engine.make_account(server, username, device_name, invite)?;
            // A linking that was begun before is over, and with it the connection on which it waited.
            engine.linking = super::link::Linking::default();
            engine.must_disconnect = engine.session.is_connected();
            Ok(())
        })
    }

    fn make_account(
        &mut self,
        server: &str,
        username: Username,
        name: &str,
        invite: Option<&str>,
    ) -> Result<()> {
        let identity = KeyPair::generate(&self.crypto)?;
        let key = KeyPair::generate(&self.crypto)?;
        let account = identity.account_id();
        let list = DeviceList {
            identity_key: identity.public(),
            version: 1,
            issued_at: self.now,
            devices: vec![ListedDevice { key: key.public(), role: DeviceRole::Primary, valid_until: None }],
        };
        let signed = list.sign(identity.signing());
        let valid = signed.validate().map_err(|_| EngineError::Internal("the own device list"))?;
        people::save_list(&self.db, Some(&username), &valid)?;
        let me = Me {
            stage: Stage::Registering,
            server: server.to_owned(),
            server_id: None,
            name: name.to_owned(),
            username,
            invite: invite.map(str::to_owned),
            account,
            device: key.device_id(),
            key,
            identity: Some(identity),
            cursor: Position(0),
            last_resort_at: Timestamp(0),
        };
        me.save(&self.db)?;
        self.me = Some(me);
        let own = ConversationId::of_self(account);
        let mut conversation = Conversation::new(own, ConversationKind::SelfConversation, self.now);
        conversation.membership = Membership::Creating;
        conversation.save(&self.db)?;
        conversation::set_participants(&self.db, own, &[admin(account)])?;
        // Made here and not when it is sent: whatever becomes of the answer, this is the group.
        self.make_group(own, ConversationKind::SelfConversation, vec![admin(account)])?;
        self.put_own_name(name)
    }

    pub(super) fn put_own_name(&mut self, name: &str) -> Result<()> {
        let own = ConversationId::of_self(self.me()?.account);
        let slot = device_name_slot(self.me()?.device);
        self.enqueue_slot(own, &slot, name.as_bytes().to_vec(), true)
    }

    /// Sends the registration; the group of the self conversation is the one kept from an earlier try, if any.
    pub(super) fn register_now(&mut self) -> Result<()> {
        let me = self.me()?.clone();
        let (Some(server), Some(nonce)) = (me.server_id, self.session.nonce) else { return Ok(()) };
        let own = ConversationId::of_self(me.account);
        let list =
            people::account(&self.db, me.account)?.ok_or(EngineError::Internal("no own device list"))?.list;
        let self_conversation =
            self.make_group(own, ConversationKind::SelfConversation, vec![admin(me.account)])?;
        let count = u32::from(self.config.key_packages.min(self.session.limits.key_packages));
        let key_packages: PutKeyPackages = self.make_key_packages(count, true)?;
        self.session.key_packages_left = count;
        let signature = me.key.sign(&Login::challenge(&server, &nonce, &me.account, &me.device));
        let register = Register {
            username: me.username,
            list,
            key_packages,
            self_conversation,
            invite: me.invite,
            signature,
        };
        self.ask(Request::Register(Box::new(register)), Asked::Register);
        Ok(())
    }

    /// The account exists, as the answer to the registration or to a login after a lost one says.
    pub(super) fn registered(&mut self) -> Result<()> {
        let now = self.now;
        let own = ConversationId::of_self(self.me()?.account);
        if let Some(me) = &mut self.me {
            me.last_resort_at = now;
        }
        if self.conversation(own)?.is_some_and(|c| c.membership == Membership::Creating) {
            let made = self.take_group(own)?;
            self.change(own)?.membership =
                if made.is_some() { Membership::Member } else { Membership::Outside };
            if let Some(group) = made {
                self.groups.insert(own, group);
                self.entered(own)?;
            }
        }
        Ok(())
    }

    pub(super) fn registration_refused(&mut self, refusal: Refusal) -> Result<()> {
        self.must_disconnect = true;
        if !refusal.is_temporary() {
            // Nothing exists yet that could be lost: the folder is as before, and another name may be tried.
            self.forget_everything()?;
        }
        self.emit(Event::Rejected(refusal));
        Ok(())
    }

    fn forget_everything(&mut self) -> Result<()> {
        for table in [
            "device",
            "account",
            "account_device",
            "conversation",
            "participant",
            "message",
            "key",
            "slot",
            "gap",
            "outbox",
            "pending_commit",
            "mls",
            "search_tag",
        ] {
            self.db.execute_batch(&format!("DELETE FROM {table}"))?;
        }
        self.me = None;
        self.groups.clear();
        self.conversations.clear();
        self.keys.clear();
        Ok(())
    }

    /// Primaries renew linked devices when less than half of their time is left.
    pub(super) fn look_at_validity(&mut self) -> Result<()> {
        self.set_timer(Timer::Validity, self.now.plus_ms(VALIDITY_CHECK_MS));
        for lane in self.session.lanes.values_mut() {
            // Somebody's time may have run out.
            lane.aligned = false;
        }
        if !self.session.is_logged_in() || !self.me()?.is_primary() {
            return Ok(());
        }
        let now = self.server_now();
        let half = self.config.link_validity_ms / 2;
        let due = self.own_list()?.devices.iter().any(|d| d.valid_until.is_some_and(|t| t.0 < now.0 + half));
        if due {
            let list = self.own_list()?;
            self.put_device_list(list, ListChange::Renew)?;
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

    /// Signs the next version of the list, with every linked device renewed, and gives it to the server.
    pub(super) fn put_device_list(&mut self, mut list: DeviceList, change: ListChange) -> Result<()> {
        let Some(identity) = self.me()?.identity.clone() else { return Ok(()) };
        if !self.session.asking.insert(Question::DeviceList) {
            return Ok(());
        }
        // By the server's clock, for the server judges by it; but no lie of its takes a device far into the future.
        let now = self.server_now().min(self.now.plus_ms(DAY_MS));
        let until = now.plus_ms(self.config.link_validity_ms);
        list.version += 1;
        list.issued_at = now;
        for device in list.devices.iter_mut().filter(|d| d.role == DeviceRole::Linked) {
            device.valid_until = Some(until);
        }
        let signed: SignedDeviceList = list.sign(identity.signing());
        let valid = signed.validate().map_err(|_| EngineError::Internal("the own device list"))?;
        self.ask(Request::PutDeviceList(signed), Asked::DeviceList(Box::new(valid), change));
        Ok(())
    }

    pub(super) fn device_list_put(
        &mut self,
        list: &diario_protocol::device_list::ValidatedDeviceList,
        change: ListChange,
    ) -> Result<()> {
        self.session.asking.remove(&Question::DeviceList);
        let username = self.me()?.username.clone();
        self.ingest_list(Some(&username), list.signed())?;
        match change {
            ListChange::Link(device) => self.linked_device_listed(device),
            ListChange::Revoke { outbox_row } => Ok(outbox::drop_row(&self.db, outbox_row)?),
            ListChange::Renew => Ok(()),
        }
    }

    /// Takes a device out of the account. It is cut off as soon as the server has the new list.
    pub fn revoke(&mut self, device: DeviceId, now: Timestamp) -> std::result::Result<(), CommandError> {
        self.command(now, |engine| {
            let me = engine.active()?;
            if !me.is_primary() {
                return Err(CommandError::NotPrimary);
            }
            let list = engine.own_list()?;
            let Some(listed) = list.device(device) else {
                return Err(CommandError::NoDevice(device.to_string()));
            };
            let primaries = list.devices.iter().filter(|d| d.role == DeviceRole::Primary).count();
            if listed.role == DeviceRole::Primary && primaries == 1 {
                return Err(CommandError::LastPrimary);
            }
            let own = ConversationId::of_self(list.account());
            let outgoing = engine.outgoing(own, outbox::kind::REVOKE, device.as_bytes().to_vec());
            Ok(outbox::enqueue(&engine.db, &outgoing).map_err(EngineError::from)?)
        })
    }

    pub(super) fn send_revocations(&mut self) -> Result<()> {
        let own = ConversationId::of_self(self.me()?.account);
        for outgoing in outbox::of_kind(&self.db, own, outbox::kind::REVOKE, 16)? {
            if self.session.asking.contains(&Question::DeviceList) {
                break;
            }
            let mut list = self.own_list()?;
            let before = list.devices.len();
            list.devices.retain(|d| d.id().as_bytes().as_slice() != outgoing.payload);
            if list.devices.len() == before {
                outbox::drop_row(&self.db, outgoing.row)?;
                continue;
            }
            self.put_device_list(list, ListChange::Revoke { outbox_row: outgoing.row })?;
        }
        Ok(())
    }
}
