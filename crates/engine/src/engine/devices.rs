//! Making an account, and what becomes of it at the server.

use diario_protocol::device_list::{DeviceList, DeviceRole, ListedDevice};
use diario_protocol::{
    ConversationId, ConversationKind, Login, Position, PutKeyPackages, Refusal, Register, Request, Timestamp,
    Username,
};

use super::join::admin;
use super::requests::Asked;
use super::{Engine, Result};
use crate::crypto::identity::KeyPair;
use crate::error::{CommandError, EngineError};
use crate::event::Event;
use crate::store::conversation::{self, Conversation, Membership};
use crate::store::people::{self, Me, Stage};

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
        let (account, device) = (identity.account_id(), key.device_id());
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
            own: ConversationId::of_self(account),
            device,
            key,
            identity: Some(identity),
            cursor: Position(0),
            last_resort_at: Timestamp(0),
        };
        me.save(&self.db)?;
        let own = me.own;
        self.me = Some(me);
        let mut conversation = Conversation::new(own, ConversationKind::SelfConversation, self.now);
        conversation.membership = Membership::Creating;
        conversation.save(&self.db)?;
        conversation::set_participants(&self.db, own, &[admin(account)])?;
        // Made here and not when it is sent: whatever becomes of the answer, this is the group.
        self.make_group(own, ConversationKind::SelfConversation, vec![admin(account)])?;
        self.introduce_device(device, name)
    }

    /// Sends the registration; the group of the self conversation is the one kept from an earlier try, if any.
    pub(super) fn register_now(&mut self) -> Result<()> {
        let me = self.me()?.clone();
        let (Some(server), Some(nonce)) = (me.server_id, self.session.nonce) else { return Ok(()) };
        let own = me.own;
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
        let own = self.me()?.own;
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

    pub(super) fn forget_everything(&mut self) -> Result<()> {
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
            "hole",
            "head_others",
            "filling",
            "outbox",
            "pending_commit",
            "mls",
            "search_tag",
            "device_secret",
            "device_seen",
            "recovering",
            "vault",
            "method_gone",
            "known_name",
            "key_change",
        ] {
            self.db.execute_batch(&format!("DELETE FROM {table}"))?;
        }
        self.me = None;
        self.groups.clear();
        self.conversations.clear();
        self.keys.clear();
        Ok(())
    }
}
