//! Linking a device: the state machines of [`crate::linking`] over the server's mailboxes.

use diario_protocol::device_list::{DeviceRole, ListedDevice, SignedDeviceList, ValidatedDeviceList};
use diario_protocol::{
    AccountId, Bin, ConversationId, DeviceId, Epoch, MailboxId, MailboxItem, Position, PublicKey, Refusal,
    Request, ServerId, Timestamp, Username,
};
use minicbor::{Decode, Encode};
use openmls_traits::random::OpenMlsRand;

use super::requests::Asked;
use super::{Engine, Result};
use crate::crypto::identity::KeyPair;
use crate::crypto::key::ConversationKey;
use crate::error::{CommandError, EngineError};
use crate::event::{Event, LinkingStep};
use crate::linking::{Approver, Candidate, Event as LinkEvent, LinkCode, LinkingError, PairingCode, Step};
use crate::store::people::{self, Me, Stage};
use crate::store::sealed;

/// What the candidate asks for.
#[derive(Debug, Encode, Decode)]
struct LinkRequest {
    #[n(0)]
    key: PublicKey,
    #[n(1)]
    name: String,
}

/// What the primary grants.
#[derive(Encode, Decode)]
struct LinkGrant {
    #[n(0)]
    server: ServerId,
    #[n(1)]
    username: Username,
    #[n(2)]
    list: SignedDeviceList,
    /// The newest self key: with it the keyring can be read before the device is in the self group.
    #[n(3)]
    self_epoch: Epoch,
    #[cbor(n(4), with = "minicbor::bytes")]
    self_key: Vec<u8>,
}

/// What linking is under way; in memory only, since a torn one starts anew with another code.
#[derive(Default)]
pub(super) enum Linking {
    #[default]
    None,
    Candidate(Box<CandidateSide>),
    Approver(Box<ApproverSide>),
}

pub(super) struct CandidateSide {
    server: String,
    name: String,
    key: KeyPair,
    qr: bool,
    machine: Option<Candidate>,
}

pub(super) struct ApproverSide {
    machine: Approver,
    requested: Option<LinkRequest>,
    /// The user said yes.
    confirmed: bool,
    /// In whose place.
    instead_of: Option<DeviceId>,
    /// The device was told.
    granted: bool,
}

impl Linking {
    pub(super) fn is_candidate(&self) -> bool {
        matches!(self, Self::Candidate(_))
    }

    pub(super) fn needs_connection(&self) -> bool {
        self.is_candidate()
    }

    /// Where it is negotiated.
    fn mailbox(&self) -> Option<MailboxId> {
        let mailbox = match self {
            Self::None => return None,
            Self::Candidate(side) => side.machine.as_ref()?.mailbox(),
            Self::Approver(side) => side.machine.mailbox(),
        };
        Some(MailboxId::new(*mailbox))
    }

    pub(super) fn server(&self) -> Option<&str> {
        match self {
            Self::Candidate(side) => Some(&side.server),
            _ => None,
        }
    }
}

impl Engine {
    /// Begins to link this device to an account: an event brings the code to show, at every connection a new one.
    pub fn link(
        &mut self,
        server: &str,
        device_name: &str,
        qr: bool,
        now: Timestamp,
    ) -> std::result::Result<(), CommandError> {
        self.now = now;
        if let Some(me) = &self.me {
            return Err(CommandError::HasAccount(me.username.to_string()));
        }
        let side = CandidateSide {
            server: server.to_owned(),
            name: device_name.to_owned(),
            key: KeyPair::generate(&self.crypto)?,
            qr,
            machine: None,
        };
        self.linking = Linking::Candidate(Box::new(side));
        Ok(())
    }

    /// Enters the linking that another device shows a code for; an event brings its name, to be confirmed.
    pub fn approve(&mut self, code: &str, now: Timestamp) -> std::result::Result<(), CommandError> {
        self.command(now, |engine| {
            let me = engine.active()?;
            if !me.is_primary() {
                return Err(CommandError::NotPrimary);
            }
            let server = me.server_id.map(|s| s.to_string()).unwrap_or_default();
            if !engine.session.is_logged_in() {
                return Err(CommandError::Offline);
            }
            engine.give_linking_up()?;
            let mut machine = engine.with_entropy(|entropy| match code.parse::<LinkCode>() {
                Ok(code) => Ok(Approver::with_code(&code, entropy)?),
                Err(not_long) => match code.parse::<PairingCode>() {
                    Ok(code) => Ok(Approver::with_pairing(&code, &server, entropy)?),
                    Err(_) if code.len() > 16 => Err(CommandError::from(not_long)),
                    Err(e) => Err(e.into()),
                },
            })??;
            let mailbox = MailboxId::new(*machine.mailbox());
            let first = machine.start();
            engine.session.snapshot.wanted = true;
            let side =
                ApproverSide { machine, requested: None, confirmed: false, instead_of: None, granted: false };
            engine.linking = Linking::Approver(Box::new(side));
            engine.ask_mailbox(Request::JoinMailbox(mailbox));
            engine.put_messages(mailbox, first);
            Ok(())
        })
    }

    /// The user's answer to [`LinkingStep::Requested`].
    pub fn confirm_link(&mut self, admit: bool, now: Timestamp) -> std::result::Result<(), CommandError> {
        self.command(now, |engine| {
            let Linking::Approver(side) = &mut engine.linking else {
                return Err(CommandError::Linking(LinkingError::Closed));
            };
            let mailbox = MailboxId::new(*side.machine.mailbox());
            if side.requested.is_none() {
                return Err(CommandError::Linking(LinkingError::Closed));
            }
            if !admit {
                let step = side.machine.deny()?;
                engine.linking = Linking::None;
                engine.end_mailbox(mailbox, step.send);
                return Ok(());
            }
            engine.admit(None)
        })
    }

    /// The user's yes to [`LinkingStep::Requested`], in the place of another device if one is named, which is revoked in
    /// the same step. Without one, an account that has as many devices as its server allows gets
    /// [`CommandError::DeviceLimit`], and the answer may be given again.
    pub fn admit_device(
        &mut self,
        instead_of: Option<DeviceId>,
        now: Timestamp,
    ) -> std::result::Result<(), CommandError> {
        self.command(now, |engine| engine.admit(instead_of))
    }

    fn admit(&mut self, instead_of: Option<DeviceId>) -> std::result::Result<(), CommandError> {
        let me = self.active()?.device;
        let list = self.own_list()?;
        let most = usize::from(self.session.limits.devices);
        let Linking::Approver(side) = &mut self.linking else {
            return Err(CommandError::Linking(LinkingError::Closed));
        };
        let Some(request) = &side.requested else { return Err(CommandError::Linking(LinkingError::Closed)) };
        if let Some(gone) = instead_of {
            let listed = list.device(gone).ok_or_else(|| CommandError::NoDevice(gone.to_string()))?;
            if listed.id() == me {
                return Err(CommandError::RevokesItself);
            }
        }
        let new = DeviceId::of_key(&request.key);
        let others = list.devices.iter().filter(|d| d.id() != new && Some(d.id()) != instead_of).count();
        if others >= most {
            return Err(CommandError::DeviceLimit(most));
        }
        // The next list has it: now, or after another change of the list that was faster.
        side.confirmed = true;
        side.instead_of = instead_of;
        Ok(())
    }

    /// The device in whose place the confirmed one is admitted.
    pub(super) fn linked_instead_of(&self) -> Option<DeviceId> {
        match &self.linking {
            Linking::Approver(side) => side.instead_of,
            _ => None,
        }
    }

    /// The confirmed device that is to be on the list and is not granted yet.
    pub(super) fn device_to_link(&self) -> Option<ListedDevice> {
        let Linking::Approver(side) = &self.linking else { return None };
        let request = side.requested.as_ref().filter(|_| side.confirmed && !side.granted)?;
        Some(ListedDevice { key: request.key, role: DeviceRole::Linked, valid_until: None })
    }

    /// Primary: another linking that the user has not confirmed yet ends; a confirmed one must not.
    fn give_linking_up(&mut self) -> std::result::Result<(), CommandError> {
        let Linking::Approver(side) = &mut self.linking else { return Ok(()) };
        if side.confirmed && !side.granted {
            return Err(CommandError::LinkingUnderWay);
        }
        let mailbox = MailboxId::new(*side.machine.mailbox());
        // Who was granted it ends it.
        let farewell = if side.granted { None } else { Some(side.machine.cancel()) };
        self.linking = Linking::None;
        if let Some(farewell) = farewell {
            self.end_mailbox(mailbox, farewell.into_iter().collect());
        }
        Ok(())
    }

    /// Gives the linking up, on either side.
    pub fn cancel_link(&mut self, now: Timestamp) -> Result<()> {
        self.input(now, |engine| {
            let (mailbox, farewell) = match std::mem::take(&mut engine.linking) {
                Linking::None => return Ok(()),
                Linking::Candidate(mut side) => match &mut side.machine {
                    Some(machine) => (MailboxId::new(*machine.mailbox()), machine.cancel()),
                    None => return Ok(()),
                },
                Linking::Approver(mut side) => {
                    (MailboxId::new(*side.machine.mailbox()), side.machine.cancel())
                }
            };
            if engine.session.is_connected() {
                engine.end_mailbox(mailbox, farewell.into_iter().collect());
            }
            Ok(())
        })
    }

    fn with_entropy<T>(&self, body: impl FnOnce(&mut dyn crate::linking::Entropy) -> T) -> Result<T> {
        let mut failed = false;
        let mut fill = |out: &mut [u8]| match self.crypto.random_vec(out.len()) {
            Ok(random) => out.copy_from_slice(&random),
            Err(_) => failed = true,
        };
        let value = body(&mut fill);
        if failed { Err(EngineError::Randomness) } else { Ok(value) }
    }

    fn put_messages(&mut self, mailbox: MailboxId, messages: Vec<Vec<u8>>) {
        for message in messages {
            self.ask_mailbox(Request::PutMailbox(mailbox, Bin(message)));
        }
    }

    /// Says the last that is to be said in a mailbox, and closes it. One that stays open counts: after some of them the
    /// server allows this connection no other.
    fn end_mailbox(&mut self, mailbox: MailboxId, last: Vec<Vec<u8>>) {
        self.put_messages(mailbox, last);
        self.ask_mailbox(Request::CloseMailbox(mailbox));
    }

    /// Sends a mailbox request after those before it were answered.
    fn ask_mailbox(&mut self, request: Request) {
        self.session.mailbox_queue.push_back(request);
        self.next_mailbox_request();
    }

    fn next_mailbox_request(&mut self) {
        if !self.session.mailbox_busy
            && let Some(request) = self.session.mailbox_queue.pop_front()
        {
            self.session.mailbox_busy = true;
            let mailbox = mailbox_of(&request);
            self.ask(request, Asked::Mailbox(mailbox));
        }
    }

    /// A mailbox request was answered.
    pub(super) fn mailbox_done(&mut self) {
        self.session.mailbox_busy = false;
        self.next_mailbox_request();
    }

    /// Candidate, connected: opens a mailbox under a new code and shows it.
    pub(super) fn open_mailbox(&mut self) -> Result<()> {
        let Linking::Candidate(side) = &self.linking else { return Ok(()) };
        let Some(server) = self.session.server else { return Err(EngineError::Internal("no hello")) };
        let request =
            diario_protocol::encode(&LinkRequest { key: side.key.public(), name: side.name.clone() });
        let (qr, url) = (side.qr, side.server.clone());
        let made = self.with_entropy(|entropy| -> std::result::Result<_, CommandError> {
            if qr {
                let code = LinkCode::generate(&url, entropy)?;
                Ok((code.text().to_string(), Candidate::with_code(&code, request, entropy)?))
            } else {
                let code = PairingCode::generate(entropy);
                // Bound to the installation, not to the URL: both sides may know the server by other names.
                let machine = Candidate::with_pairing(&code, &server.to_string(), request, entropy)?;
                Ok((code.text().to_string(), machine))
            }
        })?;
        let (code, mut machine) = match made {
            Ok(made) => made,
            Err(e) => return self.linking_failed(&e.to_string()),
        };
        let mailbox = MailboxId::new(*machine.mailbox());
        let first = machine.start();
        if let Linking::Candidate(side) = &mut self.linking {
            side.machine = Some(machine);
        }
        self.ask_mailbox(Request::OpenMailbox(mailbox));
        self.put_messages(mailbox, first);
        self.emit(Event::Linking(LinkingStep::Code { code, qr }));
        Ok(())
    }

    pub(super) fn on_mailbox(&mut self, item: &MailboxItem) -> Result<()> {
        if self.linking.mailbox() != Some(item.mailbox) {
            // Another device's, linked before this one: it has what it needs.
            return Ok(());
        }
        let handled = match &mut self.linking {
            Linking::None => return Ok(()),
            Linking::Candidate(side) => match &mut side.machine {
                Some(machine) => machine.handle(&item.body),
                None => return Ok(()),
            },
            Linking::Approver(side) => side.machine.handle(&item.body),
        };
        let Step { send, event } = match handled {
            Ok(step) => step,
            Err(e) => {
                self.put_messages(item.mailbox, e.farewell().into_iter().collect());
                return self.linking_failed(&e.to_string());
            }
        };
        self.put_messages(item.mailbox, send);
        match event {
            None => Ok(()),
            Some(LinkEvent::Requested(payload)) => self.link_requested(&payload),
            Some(LinkEvent::Granted(payload)) => self.link_granted(item.mailbox, &payload),
            Some(LinkEvent::Denied) => self.linking_failed("the other device said no"),
            Some(LinkEvent::Finished) => {
                self.linking = Linking::None;
                self.end_mailbox(item.mailbox, Vec::new());
                let username = self.me()?.username.clone();
                self.emit(Event::Linking(LinkingStep::Done { username }));
                Ok(())
            }
        }
    }

    fn link_requested(&mut self, payload: &[u8]) -> Result<()> {
        let Ok(request) = diario_protocol::decode::<LinkRequest>(payload, payload.len()) else {
            return self.linking_failed("the other device sent something unreadable");
        };
        let name = super::facts::shortened(&request.name);
        let step = LinkingStep::Requested { name, device: DeviceId::of_key(&request.key) };
        if let Linking::Approver(side) = &mut self.linking {
            side.requested = Some(request);
        }
        self.emit(Event::Linking(step));
        Ok(())
    }

    /// Primary: the mailbox went with the connection. A yes that is given now would list a device that is never told.
    pub(super) fn linking_lost_its_connection(&mut self) {
        if matches!(&self.linking, Linking::Approver(side) if !side.granted) {
            self.linking = Linking::None;
            let step = LinkingStep::Failed(LinkingError::PeerGone.to_string());
            self.events.push_back(Event::Linking(step));
        }
    }

    /// Primary: the server has the list with the new device; now it may know its account.
    pub(super) fn linked_device_listed(&mut self, device: DeviceId) -> Result<()> {
        if self.device_to_link().is_none_or(|listed| listed.id() != device) {
            // It was given up meanwhile. The device knows nothing; its entry in the list runs out.
            return Ok(());
        }
        let me = self.me()?.clone();
        let own = me.own;
        // A device that was put back from a copy may not be in the newest epoch yet. From an older key the new device finds
        // its way as well: the chain leads to older ones still, and into the group it comes by itself.
        let newest = sealed::epochs_with_key(&self.db, own)?.pop();
        let epoch = newest.ok_or(EngineError::Internal("no self key"))?;
        let key = self.key(own, epoch)?.ok_or(EngineError::Internal("no self key"))?;
        let list =
            people::account(&self.db, me.account)?.ok_or(EngineError::Internal("no own device list"))?.list;
        let server = me.server_id.ok_or(EngineError::Internal("no server id"))?;
        let grant = LinkGrant {
            server,
            username: me.username,
            list,
            self_epoch: epoch,
            self_key: key.as_bytes().to_vec(),
        };
        let Linking::Approver(side) = &mut self.linking else { return Ok(()) };
        let name = side.requested.as_ref().map(|r| r.name.clone()).unwrap_or_default();
        let mailbox = MailboxId::new(*side.machine.mailbox());
        side.granted = true;
        let granted = side.machine.grant(&diario_protocol::encode(&grant));
        // What its user calls it is for all of the account's devices.
        self.introduce_device(device, &name)?;
        match granted {
            Ok(step) => {
                self.put_messages(mailbox, step.send);
                Ok(())
            }
            Err(e) => self.linking_failed(&e.to_string()),
        }
    }

    /// Candidate: this device is one of the account now.
    fn link_granted(&mut self, mailbox: MailboxId, payload: &[u8]) -> Result<()> {
        let Some((list, self_key, grant)) = checked_grant(payload) else {
            return self.linking_failed("the other device sent something unreadable");
        };
        let Linking::Candidate(side) = &mut self.linking else { return Ok(()) };
        let listed = list.list().device(side.key.device_id()).is_some();
        if !listed || self.session.server != Some(grant.server) {
            return self
                .linking_failed("the other device belongs to another server, or did not list this one");
        }
        let finished = side.machine.as_mut().and_then(|machine| machine.done().ok());
        let account: AccountId = list.account();
        let me = Me {
            stage: Stage::Active,
            server: side.server.clone(),
            server_id: Some(grant.server),
            name: side.name.clone(),
            username: grant.username,
            invite: None,
            account,
            own: ConversationId::of_self(account),
            device: side.key.device_id(),
            key: side.key.clone(),
            identity: None,
            cursor: Position(0),
            last_resort_at: Timestamp(0),
        };
        self.linking = Linking::None;
        me.save(&self.db)?;
        people::save_list(&self.db, Some(&me.username), &list)?;
        let (username, own) = (me.username.clone(), me.own);
        self.me = Some(me);
        sealed::save_key(&self.db, own, grant.self_epoch, &self_key, true)?;
        self.end_mailbox(mailbox, finished.map(|step| step.send).unwrap_or_default());
        self.emit(Event::Linking(LinkingStep::Done { username }));
        self.log_in()
    }

    pub(super) fn mailbox_refused(&mut self, mailbox: MailboxId, refusal: &Refusal) -> Result<()> {
        self.session.mailbox_busy = false;
        self.session.mailbox_queue.retain(|request| mailbox_of(request) != mailbox);
        // The last message of a linking may come after the other side closed it.
        if self.linking.mailbox() == Some(mailbox) {
            self.linking_failed(&refusal.to_string())?;
        }
        self.next_mailbox_request();
        Ok(())
    }

    pub(super) fn linking_failed(&mut self, why: &str) -> Result<()> {
        if let Some(mailbox) = self.linking.mailbox()
            && self.session.is_connected()
        {
            self.end_mailbox(mailbox, Vec::new());
        }
        self.linking = Linking::None;
        self.emit(Event::Linking(LinkingStep::Failed(why.to_owned())));
        Ok(())
    }
}

/// What a primary granted, if it is all there and its list is signed.
fn checked_grant(payload: &[u8]) -> Option<(ValidatedDeviceList, ConversationKey, LinkGrant)> {
    let grant = diario_protocol::decode::<LinkGrant>(payload, payload.len()).ok()?;
    Some((grant.list.validate().ok()?, ConversationKey::from_slice(&grant.self_key)?, grant))
}

/// Whether a payload is what one side of a linking sends once both know each other.
#[cfg(any(test, feature = "fuzz"))]
pub(crate) fn reads_payload(payload: &[u8]) -> bool {
    diario_protocol::decode::<LinkRequest>(payload, payload.len()).is_ok() || checked_grant(payload).is_some()
}

/// The mailbox that a request is about.
fn mailbox_of(request: &Request) -> MailboxId {
    match request {
        Request::OpenMailbox(mailbox)
        | Request::JoinMailbox(mailbox)
        | Request::PutMailbox(mailbox, _)
        | Request::CloseMailbox(mailbox) => *mailbox,
        _ => MailboxId::new([0; 16]),
    }
}
