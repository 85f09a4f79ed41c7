//! What the devices of an account are called, for somebody who is to say which of them stay and is none of them yet.
//!
//! The names are slots of the self conversation. The vault gave its newest key; the self chain leads to older ones.

use std::collections::{BTreeMap, HashMap};

use diario_protocol::device_list::{SignedDeviceList, ValidatedDeviceList};
use diario_protocol::{AccountId, ConversationId, DeviceId, Epoch, PublicKey, Request, Slot, SlotKey};
use ed25519_dalek::VerifyingKey;

use super::Engine;
use super::facts::name_slot;
use super::requests::Asked;
use super::slots::{CHAIN, chain_name, read_ring, unseal};
use crate::crypto::key::ConversationKey;
use crate::store::sealed::NamedValue;

/// What names the devices, as it comes.
#[derive(Default)]
pub(super) struct Naming {
    /// Every list of the account: who wrote a slot may be no device of it any more.
    pub(super) lists: Option<Vec<SignedDeviceList>>,
    pub(super) slots: Option<Vec<Slot>>,
}

impl Engine {
    /// Asks for the names of the devices in `list`.
    pub(super) fn ask_for_names(&mut self, list: &ValidatedDeviceList, newest: Epoch) {
        let account = list.account();
        let own = ConversationId::of_self(account);
        let names = list.list().devices.iter().map(|d| name_slot(d.id()));
        let chain = (1..=newest.0).rev().map(|epoch| chain_name(Epoch(epoch)));
        let most = usize::from(self.session.limits.batch);
        let keys = names.chain(chain).take(most).map(|name| SlotKey::of_name(own, &name)).collect();
        self.ask(Request::DeviceListHistory(account), Asked::NamesLists);
        self.ask(Request::Slots(own, keys), Asked::NamesSlots);
    }
}

impl Naming {
    /// The names that can be read with the newest self key; `None` while something is to come.
    pub(super) fn names(
        &self,
        account: AccountId,
        epoch: Epoch,
        key: &ConversationKey,
    ) -> Option<HashMap<DeviceId, String>> {
        let (lists, slots) = (self.lists.as_ref()?, self.slots.as_ref()?);
        let mut devices: HashMap<DeviceId, PublicKey> = HashMap::new();
        for list in lists.iter().filter_map(|list| list.validate_for(account).ok()) {
            devices.extend(list.list().devices.iter().map(|d| (d.id(), d.key)));
        }
        let own = ConversationId::of_self(account);
        let mut keys = BTreeMap::from([(epoch, key.clone())]);
        let mut names = HashMap::new();
        // Each round opens what the keys of the one before lead to.
        loop {
            let before = keys.len();
            for slot in slots.iter().filter(|slot| slot.conversation == own && slot.account == account) {
                let Some(opened) = keys.get(&slot.epoch).and_then(|key| open(slot, key, &devices)) else {
                    continue;
                };
                let ring = opened.name.starts_with(CHAIN).then(|| read_ring(&opened.value)).flatten();
                if let Some(ring) = ring.filter(|ring| ring.conversation == own) {
                    keys.entry(ring.epoch).or_insert(ring.key);
                } else if let Some(device) =
                    opened.name.strip_prefix("device/").and_then(|id| id.parse().ok())
                {
                    names.insert(device, String::from_utf8_lossy(&opened.value).into_owned());
                }
            }
            if keys.len() == before {
                return Some(names);
            }
        }
    }
}

fn open(slot: &Slot, key: &ConversationKey, devices: &HashMap<DeviceId, PublicKey>) -> Option<NamedValue> {
    let verifying = VerifyingKey::from_bytes(devices.get(&slot.device)?.as_bytes()).ok()?;
    let named = unseal(slot, key, &verifying).ok()?;
    (slot.key == SlotKey::of_name(slot.conversation, &named.name)).then_some(named)
}
