//! The account identity key on its way between primaries.
//!
//! The signed list says who is a primary. A primary that sees another one in it that does not hold the key yet seals
//! the key for that one alone, into a slot of the self conversation; that one takes it, says that it holds it, and
//! empties the slot. All of it follows from the list and the slots: killed anywhere on any side, it goes on.

use diario_protocol::device_list::DeviceRole;
use diario_protocol::{AccountId, DeviceId, Refusal};
use minicbor::{Decode, Encode};

use super::facts::word_of;
use super::preferences::effective;
use super::{Engine, Result};
use crate::crypto::hpke::{HpkePublic, HpkeSealed};
use crate::crypto::identity::KeyPair;
use crate::event::Event;
use crate::store::people::{self, Stage};
use crate::store::{devices, outbox};

const IDENTITY: &str = "identity/";
const PURPOSE: &str = "diario account identity key for a primary v1";

/// The identity key, sealed.
#[derive(Debug, Encode, Decode)]
struct IdentityValue {
    /// For whom; the device may have another key by now.
    #[n(0)]
    to: HpkePublic,
    #[n(1)]
    sealed: HpkeSealed,
}

fn slot_of(device: DeviceId) -> String {
    format!("{IDENTITY}{device}")
}

fn place(account: AccountId, device: DeviceId) -> [u8; 32] {
    let mut place = [0; 32];
    place[..16].copy_from_slice(account.as_bytes());
    place[16..].copy_from_slice(device.as_bytes());
    place
}

/// Whether a slot of the self conversation has a part in this.
pub(super) fn is_identity(name: &str) -> bool {
    name.starts_with(IDENTITY)
}

impl Engine {
    /// Takes the identity key if the list says that this device is to have it, and hands it on to others that are.
    pub(super) fn settle_roles(&mut self) -> Result<()> {
        if std::mem::replace(&mut self.session.roles_settled, true) {
            return Ok(());
        }
        let me = self.me()?.clone();
        let own = me.own;
        let known = people::devices(&self.db, me.account)?;
        for device in known {
            let primary = device.listed && device.role == DeviceRole::Primary;
            let name = slot_of(device.device);
            let waits = effective(&self.db, own, &name)?.unwrap_or_default();
            if device.device == me.device {
                if primary && !waits.is_empty() {
                    self.take_identity(&waits)?;
                    self.announce_device()?;
                    self.enqueue_slot(own, &name, Vec::new(), true)?;
                }
                continue;
            }
            let Some(identity) = &me.identity else { continue };
            let word = word_of(&self.db, own, device.device)?;
            match word.filter(|word| primary && !word.holds_identity) {
                Some(word) if decoded(&waits).is_none_or(|value| value.to != word.hpke) => {
                    let place = place(me.account, device.device);
                    let sealed = word.hpke.seal(PURPOSE, &place, &identity.secret(), &self.crypto)?;
                    let value = diario_protocol::encode(&IdentityValue { to: word.hpke, sealed });
                    self.enqueue_slot(own, &name, value, true)?;
                }
                // Nobody is to have it any more.
                None if !primary && !waits.is_empty() => self.enqueue_slot(own, &name, Vec::new(), true)?,
                _ => {}
            }
        }
        Ok(())
    }

    fn take_identity(&mut self, value: &[u8]) -> Result<()> {
        let me = self.me()?.clone();
        let secret = self.device_secret()?;
        let opened = decoded(value).and_then(|value| {
            secret.open(PURPOSE, &place(me.account, me.device), &value.sealed, &self.crypto).ok()
        });
        let Some(opened) = opened.and_then(|bytes| <[u8; 32]>::try_from(bytes).ok()) else {
            // Sealed for a key that this device had before: what it says of itself brings a new one.
            return Ok(());
        };
        let identity = KeyPair::from_secret(&opened);
        if me.is_primary() || identity.account_id() != me.account {
            return Ok(());
        }
        if let Some(me) = &mut self.me {
            me.identity = Some(identity);
            me.save(&self.db)?;
        }
        self.session.announced = false;
        // What became due while there was no primary is done now.
        self.look_at_validity()?;
        self.emit(Event::Role { primary: true });
        self.emit(Event::Devices(me.account));
        Ok(())
    }

    /// The newest list says that this device is no primary: it forgets the key, and what it wanted as one.
    pub(super) fn forget_identity(&mut self) -> Result<()> {
        let Some(me) = &mut self.me else { return Ok(()) };
        if me.identity.take().is_none() {
            return Ok(());
        }
        me.save(&self.db)?;
        let (own, this, stage) = (me.own, me.device, me.stage);
        // What was sealed for it once must not open again, whoever kept it.
        devices::drop_secret(&self.db)?;
        for wish in outbox::list_changes(&self.db, own)? {
            outbox::drop_row(&self.db, wish.row)?;
            if wish.payload != this.as_bytes() {
                let refusal = Refusal::Invalid("only a primary device changes the list of devices".into());
                self.emit(Event::Failed { conversation: own, id: None, refusal });
            }
        }
        for name in outbox::slots_under(&self.db, own, IDENTITY)? {
            outbox::drop_slot(&self.db, own, &name)?;
        }
        self.session.announced = false;
        self.session.to_renew.clear();
        if stage == Stage::Active {
            self.emit(Event::Role { primary: false });
        }
        Ok(())
    }
}

fn decoded(value: &[u8]) -> Option<IdentityValue> {
    diario_protocol::decode(value, value.len()).ok()
}
