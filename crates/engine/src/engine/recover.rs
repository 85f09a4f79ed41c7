//! Coming back: a new device becomes a primary of an account whose devices are lost.
//!
//! The secret stays in memory, and what is sent is stored before: the device's key, the account's, and the device list
//! that has it. A process that dies in between logs in with them; if the server did not take the list, nothing of it
//! is kept, and the user begins again with the words.

use diario_protocol::device_list::{DeviceRole, ListedDevice, ValidatedDeviceList};
use diario_protocol::{
    AccountRef, ConversationId, DeviceId, Login, OpenVault, OpenedVault, Position, Recover, Refusal, Request,
    Seen, Timestamp, Username,
};

use super::recover_names::Naming;
use super::requests::{Asked, Phase};
use super::vault::Offered;
use super::{Engine, Result};
use crate::crypto::identity::KeyPair;
use crate::crypto::key::ConversationKey;
use crate::crypto::provider::RustCrypto;
use crate::error::{CommandError, EngineError, Misbehaviour};
use crate::event::{Event, RecoveryFailure, RecoveryStep};
use crate::recovery::{Keep, MethodKeys, RecoverableDevice, RecoverySecret};
use crate::store::people::{self, Me, Stage};
use crate::store::{recovery, sealed};

/// How often a list is signed anew because another device put one meanwhile.
const TRIES: u32 = 8;

/// What recovery is under way; in memory only.
#[derive(Default)]
pub(super) enum Recovery {
    #[default]
    None,
    /// A new key was shown.
    Offered(Box<Offered>),
    /// This device comes back.
    Coming(Box<Coming>),
}

/// A device that comes back.
pub(super) struct Coming {
    server: String,
    account: AccountRef,
    keys: MethodKeys,
    name: String,
    key: KeyPair,
    /// What the vault held, on this connection.
    opened: Option<Opened>,
    /// What the user decided.
    keep: Option<Keep>,
    tries: u32,
}

struct Opened {
    username: Username,
    list: ValidatedDeviceList,
    identity: KeyPair,
    epoch: diario_protocol::Epoch,
    self_key: ConversationKey,
    seen: Vec<Seen>,
    naming: Naming,
    /// The user was asked.
    told: bool,
}

impl Recovery {
    pub(super) fn is_coming(&self) -> bool {
        matches!(self, Self::Coming(_))
    }

    pub(super) fn server(&self) -> Option<&str> {
        match self {
            Self::Coming(side) => Some(&side.server),
            _ => None,
        }
    }

    /// Whether the user is to decide which devices stay.
    pub(super) fn awaits_user(&self) -> bool {
        matches!(self, Self::Coming(side) if side.keep.is_none() && side.opened.as_ref().is_some_and(|o| o.told))
    }
}

type Done<T> = std::result::Result<T, CommandError>;

impl Engine {
    /// Begins to recover an account by one of its recovery methods. [`RecoveryStep::Opened`] tells its devices, then
    /// [`Self::finish_recovery`] goes on; [`RecoveryStep::Failed`] ends it, and nothing is kept.
    pub fn begin_recovery(
        &mut self,
        server: &str,
        account: &AccountRef,
        secret: &RecoverySecret,
        device_name: &str,
        now: Timestamp,
    ) -> Done<()> {
        self.now = now;
        if let Some(me) = &self.me {
            return Err(CommandError::HasAccount(me.username.to_string()));
        }
        let side = Coming {
            server: server.to_owned(),
            account: account.clone(),
            keys: MethodKeys::of(secret),
            name: device_name.to_owned(),
            key: KeyPair::generate(&self.crypto)?,
            opened: None,
            keep: None,
            tries: 0,
        };
        // A linking that was begun before is over, and with it the connection on which it waited.
        self.linking = super::link::Linking::default();
        self.must_disconnect = self.session.is_connected();
        self.recovery = Recovery::Coming(Box::new(side));
        Ok(())
    }

    /// Becomes a primary of the account; which of the other devices stay, the user says.
    pub fn finish_recovery(&mut self, keep: &Keep, now: Timestamp) -> Done<()> {
        self.command(now, |engine| {
            let (most, is_open) =
                (usize::from(engine.session.limits.devices), engine.session.nonce.is_some());
            let Recovery::Coming(side) = &mut engine.recovery else {
                return Err(CommandError::NoRecovery);
            };
            let Some(opened) = side.opened.as_ref().filter(|_| is_open) else {
                // The connection is being made anew; what was decided counts as soon as the vault is open again.
                side.keep = Some(keep.clone());
                return Ok(());
            };
            let kept = opened.list.list().devices.iter().filter(|d| keep.keeps(d.id())).count();
            if kept >= most {
                return Err(CommandError::DeviceLimit(most));
            }
            side.keep = Some(keep.clone());
            Ok(engine.send_recovery()?)
        })
    }

    /// Gives a recovery up that the server does not know of yet; one that it may know of goes on.
    pub fn cancel_recovery(&mut self, now: Timestamp) -> Result<()> {
        self.input(now, |engine| {
            if engine.me.is_none() && !matches!(engine.recovery, Recovery::None) {
                engine.recovery = Recovery::None;
                engine.must_disconnect = engine.session.is_connected();
            }
            Ok(())
        })
    }

    /// Before login: asks for the vault.
    pub(super) fn open_vault(&mut self) -> Result<()> {
        let (Some(server), Some(nonce)) = (self.session.server, self.session.nonce) else { return Ok(()) };
        let Recovery::Coming(side) = &mut self.recovery else { return Ok(()) };
        side.opened = None;
        let method = side.keys.id();
        let signature = side.keys.authentication.sign(&OpenVault::challenge(&server, &nonce, &method));
        let open = OpenVault { account: side.account.clone(), method, signature };
        self.ask(Request::OpenVault(open), Asked::OpenVault);
        Ok(())
    }

    pub(super) fn on_vault(&mut self, vault: OpenedVault) -> Result<()> {
        let Recovery::Coming(side) = &self.recovery else { return Ok(()) };
        let opened = match side.check(vault, &self.crypto) {
            Ok(opened) => opened,
            Err(lie) => {
                self.misbehaved(None, lie.clone());
                return self.recovery_failed(RecoveryFailure::Lie(lie));
            }
        };
        let (list, epoch) = (opened.list.clone(), opened.epoch);
        let Recovery::Coming(side) = &mut self.recovery else { return Ok(()) };
        side.opened = Some(opened);
        if side.keep.is_some() {
            return self.send_recovery();
        }
        self.ask_for_names(&list, epoch);
        Ok(())
    }

    /// A part of what names the devices came, or will not come.
    pub(super) fn on_names(&mut self, take: impl FnOnce(&mut Naming)) -> Result<()> {
        let most = self.session.limits.devices;
        let Recovery::Coming(side) = &mut self.recovery else { return Ok(()) };
        let Some(opened) = &mut side.opened else { return Ok(()) };
        take(&mut opened.naming);
        if side.keep.is_none()
            && !opened.told
            && let Some(step) = opened.step(most)
        {
            opened.told = true;
            self.emit(Event::Recovery(step));
        }
        Ok(())
    }

    /// Signs the list that has this device, stores it with all that is needed, and asks.
    fn send_recovery(&mut self) -> Result<()> {
        let (now, most) = (self.server_now(), usize::from(self.session.limits.devices));
        let Recovery::Coming(side) = &mut self.recovery else { return Ok(()) };
        let (Some(opened), Some(keep)) = (&side.opened, &side.keep) else { return Ok(()) };
        let device = side.key.device_id();
        let mut list = opened.list.list().clone();
        list.devices.retain(|d| keep.keeps(d.id()) && d.id() != device);
        if list.devices.len() >= most {
            // More devices came meanwhile: the user decides again.
            side.keep = None;
            let (list, epoch) = (opened.list.clone(), opened.epoch);
            self.ask_for_names(&list, epoch);
            return Ok(());
        }
        list.devices.push(ListedDevice {
            key: side.key.public(),
            role: DeviceRole::Primary,
            valid_until: None,
        });
        let (identity, self_key, epoch) = (opened.identity.clone(), opened.self_key.clone(), opened.epoch);
        let me = Me {
            stage: Stage::Recovering,
            server: side.server.clone(),
            server_id: self.session.server,
            name: side.name.clone(),
            username: opened.username.clone(),
            invite: None,
            account: opened.list.account(),
            own: ConversationId::of_self(opened.list.account()),
            device,
            key: side.key.clone(),
            identity: Some(identity.clone()),
            cursor: Position(0),
            last_resort_at: Timestamp(0),
        };
        let list = self.sign_next(list, &identity, now)?;
        // What an earlier try left is of an older vault.
        self.forget_everything()?;
        recovery::begin(&self.db, list.signed(), epoch)?;
        sealed::save_key(&self.db, me.own, epoch, &self_key, true)?;
        me.save(&self.db)?;
        let (Some(server), Some(nonce)) = (self.session.server, self.session.nonce) else {
            return Err(EngineError::Internal("no hello"));
        };
        let signature = me.key.sign(&Login::challenge(&server, &nonce, &me.account, &me.device));
        self.me = Some(me);
        let recover = Recover { list: list.signed().clone(), device, signature };
        self.ask(Request::Recover(Box::new(recover)), Asked::Recover);
        Ok(())
    }

    /// The server has the list: this device is one of the account.
    pub(super) fn recovered(&mut self) -> Result<()> {
        self.recovery = Recovery::None;
        let me = self.me()?.clone();
        let Some((list, _)) = recovery::under_way(&self.db)? else {
            return Err(EngineError::Internal("a recovery without its list"));
        };
        let list = list.validate().map_err(|_| EngineError::Internal("the own device list"))?;
        people::save_list(&self.db, Some(&me.username), &list)?;
        self.introduce_device(me.device, &me.name)?;
        self.emit(Event::Recovery(RecoveryStep::Done { username: me.username }));
        Ok(())
    }

    /// Once, when everything is here: whether the vault was as new as the account.
    pub(super) fn compare_recovered(&mut self) -> Result<()> {
        let Some((_, sealed)) = recovery::under_way(&self.db)? else { return Ok(()) };
        let own = self.me()?.own;
        let Some(found) = self.conversation(own)?.map(|c| c.log_epoch) else { return Ok(()) };
        recovery::end(&self.db)?;
        if found > sealed && self.key(own, found)?.is_none() {
            self.misbehaved(Some(own), Misbehaviour::OldVault { sealed, found });
        }
        Ok(())
    }

    /// The server does not know this device: its recovery was not taken.
    pub(super) fn recovery_not_taken(&mut self) -> Result<()> {
        if self.recovery.is_coming() {
            return self.open_vault();
        }
        self.recovery_failed(RecoveryFailure::Interrupted)
    }

    pub(super) fn open_vault_refused(&mut self, refusal: Refusal) -> Result<()> {
        if refusal.is_temporary() && !matches!(refusal, Refusal::RateLimited(_)) {
            self.must_disconnect = true;
            return Ok(());
        }
        self.recovery_failed(RecoveryFailure::Refused(refusal))
    }

    pub(super) fn recover_refused(&mut self, refusal: Refusal) -> Result<()> {
        if refusal.is_temporary() {
            self.must_disconnect = true;
            return Ok(());
        }
        let Recovery::Coming(side) = &mut self.recovery else { return Ok(()) };
        match refusal {
            Refusal::OldDeviceList(_) if side.tries < TRIES => {
                side.tries += 1;
                self.open_vault()
            }
            Refusal::DeviceLimit(_) => {
                // The server allows fewer than it told: the user decides again.
                side.keep = None;
                self.forget_everything()?;
                self.open_vault()
            }
            other => self.recovery_failed(RecoveryFailure::Refused(other)),
        }
    }

    /// Nothing of it is left, and another may be begun.
    fn recovery_failed(&mut self, why: RecoveryFailure) -> Result<()> {
        self.recovery = Recovery::None;
        self.must_disconnect = true;
        if self.me.as_ref().is_some_and(|me| me.stage == Stage::Recovering) {
            self.forget_everything()?;
        }
        self.emit(Event::Recovery(RecoveryStep::Failed(why)));
        Ok(())
    }

    /// Whether a new device waits for the user's word which others stay.
    pub fn awaits_recovery_choice(&self) -> bool {
        self.recovery.awaits_user() && self.session.phase == Phase::AwaitLogin
    }
}

impl Coming {
    /// Opens what the server gave, and checks that it belongs together.
    fn check(&self, vault: OpenedVault, crypto: &RustCrypto) -> std::result::Result<Opened, Misbehaviour> {
        let list = vault.list.validate().map_err(Misbehaviour::DeviceList)?;
        let account = list.account();
        let asked_for = match &self.account {
            AccountRef::Name(name) => *name == vault.username,
            AccountRef::Id(id) => *id == account,
        };
        if !asked_for {
            return Err(Misbehaviour::Vault("it is another account's"));
        }
        let identity = self.keys.open_identity(account, &vault.identity, crypto);
        let identity = identity.ok_or(Misbehaviour::Vault("it does not hold the account's key"))?;
        let newest = self.keys.open_newest(account, &vault.newest, crypto);
        let newest = newest.ok_or(Misbehaviour::Vault("what was newest in it does not open"))?;
        list.refuse_rollback(newest.list_version).map_err(Misbehaviour::DeviceList)?;
        let self_key = newest.self_key().ok_or(Misbehaviour::Vault("what was newest in it is malformed"))?;
        let epoch = newest.epoch;
        let (username, seen) = (vault.username, vault.seen);
        let naming = Naming::default();
        Ok(Opened { username, list, identity, epoch, self_key, seen, naming, told: false })
    }
}

impl Opened {
    /// What to ask the user, once the names are there.
    fn step(&self, most: u16) -> Option<RecoveryStep> {
        let mut names = self.naming.names(self.list.account(), self.epoch, &self.self_key)?;
        let seen = |id: DeviceId| self.seen.iter().find(|s| s.device == id)?.at.filter(|at| at.0 > 0);
        let devices = self.list.list().devices.iter().map(|d| RecoverableDevice {
            id: d.id(),
            name: names.remove(&d.id()).unwrap_or_default(),
            primary: d.role == DeviceRole::Primary,
            valid_until: d.valid_until,
            seen: seen(d.id()),
        });
        let devices = devices.collect();
        Some(RecoveryStep::Opened { username: self.username.clone(), devices, most })
    }
}
