//! Slots: settings, names, and the keyring with the self chain.

use diario_protocol::{
    AccountId, ConversationId, ConversationKind, Epoch, PutSlots, Request, Slot, SlotKey, SlotOutcome,
    SlotVersion, SlotWrite,
};
use ed25519_dalek::VerifyingKey;
use minicbor::{Decode, Encode};

use super::preferences::effective;
use super::requests::{Asked, Question, QueuedWrite, SlotBatch};
use super::{Engine, Result};
use crate::crypto::key::ConversationKey;
use crate::crypto::seal::{self, Place, Subject};
use crate::error::Misbehaviour;
use crate::event::Event;
use crate::store::asked;
use crate::store::conversation::Conversation;
use crate::store::outbox::{self, Outgoing};
use crate::store::people;
use crate::store::sealed::{self, NamedValue};

/// Name of the slot that holds a conversation's title (UTF-8).
pub(crate) const TITLE: &str = "title";
const KEYRING: &str = "keyring";
/// Slots of the self conversation that are written at a time, at most.
const BATCH: usize = 64;
pub(super) const CHAIN: &str = "chain/";

/// Name of the slot that hands the self key of the epoch before on to `epoch`.
pub(super) fn chain_name(epoch: Epoch) -> String {
    format!("{CHAIN}{}", epoch.0)
}

/// A group of more accounts than this is not written down with its keys: somebody else can tell who was in it.
const MOST_ACCOUNTS: usize = 32;

/// A conversation key, as the keyring and the self chain hold it.
#[derive(Debug, Encode, Decode)]
struct RingValue {
    #[n(0)]
    conversation: ConversationId,
    #[n(1)]
    epoch: Epoch,
    #[cbor(n(2), with = "minicbor::bytes")]
    secret: Vec<u8>,
    /// Who was in the conversation in that epoch, by a device that was in it too.
    #[n(3)]
    accounts: Option<Vec<AccountId>>,
}

/// What a slot of the keyring or the self chain says.
pub(super) struct Ring {
    pub(super) conversation: ConversationId,
    pub(super) epoch: Epoch,
    pub(super) key: ConversationKey,
    accounts: Option<Vec<AccountId>>,
}

/// Whether a version is further ahead than honest writers can have brought it meanwhile.
pub(super) fn is_leap(ours: SlotVersion, theirs: SlotVersion) -> bool {
    theirs.0.saturating_sub(ours.0) > 1_000_000
}

/// A link of the self chain.
pub(super) fn link_value(own: ConversationId, epoch: Epoch, key: &ConversationKey) -> Vec<u8> {
    ring_value(own, epoch, key, None)
}

fn ring_value(
    conversation: ConversationId,
    epoch: Epoch,
    key: &ConversationKey,
    accounts: Option<Vec<AccountId>>,
) -> Vec<u8> {
    diario_protocol::encode(&RingValue { conversation, epoch, secret: key.as_bytes().to_vec(), accounts })
}

pub(super) fn read_ring(value: &[u8]) -> Option<Ring> {
    let RingValue { conversation, epoch, secret, accounts } =
        diario_protocol::decode(value, value.len()).ok()?;
    Some(Ring { conversation, epoch, key: ConversationKey::from_slice(&secret)?, accounts })
}

/// Opens a slot's seal, or says why it does not open. Whether the slot's key fits its name is for the caller to check.
pub(super) fn unseal(
    slot: &Slot,
    key: &ConversationKey,
    device: &VerifyingKey,
) -> std::result::Result<NamedValue, String> {
    let place = Place {
        conversation: slot.conversation,
        epoch: slot.epoch,
        account: slot.account,
        device: slot.device,
        subject: Subject::Slot { key: slot.key, version: slot.version },
    };
    let bytes = seal::open(&place, key, device, &slot.body).map_err(|e| e.to_string())?;
    diario_protocol::decode(&bytes, bytes.len()).map_err(|_| "its content is malformed".to_owned())
}

impl Engine {
    /// A slot's new value, from the stream.
    pub(super) fn on_slot(&mut self, slot: &Slot) -> Result<()> {
        let id = slot.conversation;
        if self.conversation(id)?.is_none() {
            self.misbehaved(Some(id), Misbehaviour::UnknownConversation(id));
            return Ok(());
        }
        let held = sealed::slot_version(&self.db, id, slot.key)?;
        if slot.version <= held {
            if slot.version < held {
                let what = format!("version {} came after {}", slot.version, held);
                self.misbehaved(Some(id), Misbehaviour::Slot(what));
            }
            return Ok(());
        }
        self.open_slot(slot)
    }

    /// Opens a slot, or keeps it until its key and its writer's device are known.
    pub(super) fn open_slot(&mut self, slot: &Slot) -> Result<()> {
        let id = slot.conversation;
        let key = self.key(id, slot.epoch)?;
        let device = people::device(&self.db, slot.account, slot.device)?;
        let (Some(key), Some(device)) = (key, device) else {
            let unknown = people::device(&self.db, slot.account, slot.device)?.is_none();
            if unknown && self.session.is_logged_in() && !self.session.histories.contains(&slot.account) {
                self.ask_for_history(slot.account);
            }
            self.session.missing_keys.look = true;
            self.session.asks.look();
            return Ok(sealed::save_slot(&self.db, slot, None)?);
        };
        let opened = self
            .verifying_key(&device)
            .ok_or_else(|| seal::OpenError::BadSignature.to_string())
            .and_then(|verifying| unseal(slot, &key, &verifying));
        let named = match opened {
            Ok(named) => named,
            Err(why) => return self.refuse_slot(slot, &why),
        };
        if !self.name_fits(slot, &named)? {
            return self.refuse_slot(slot, "it is stored under another name than its own");
        }
        sealed::save_slot(&self.db, slot, Some(&named))?;
        self.use_slot(slot, &named)
    }

    fn refuse_slot(&mut self, slot: &Slot, why: &str) -> Result<()> {
        self.misbehaved(Some(slot.conversation), Misbehaviour::Slot(why.to_owned()));
        Ok(())
    }

    fn name_fits(&self, slot: &Slot, named: &NamedValue) -> Result<bool> {
        if named.name == KEYRING {
            let Ok(ring) = diario_protocol::decode::<RingValue>(&named.value, named.value.len()) else {
                return Ok(false);
            };
            return Ok(slot.key == SlotKey::of_keyring(self.me()?.account, ring.conversation, ring.epoch));
        }
        Ok(slot.key == SlotKey::of_name(slot.conversation, &named.name))
    }

    fn use_slot(&mut self, slot: &Slot, named: &NamedValue) -> Result<()> {
        let id = slot.conversation;
        let own = self.me()?.own;
        if id == own && (named.name == KEYRING || named.name.starts_with(CHAIN)) {
            let Some(ring) = read_ring(&named.value) else {
                return self.refuse_slot(slot, "it holds no key");
            };
            return self.use_ring(&ring);
        }
        if id == own && named.name.starts_with(super::snapshot::PREFIX) {
            self.saw_snapshot(slot, named)?;
            return Ok(());
        }
        if id == own {
            return self.use_own_slot(named);
        }
        if self.use_ask_slot(slot, named)? {
            return Ok(());
        }
        if named.name == TITLE {
            // The last writer wins, and what waits here will be written later.
            if outbox::slot(&self.db, id, TITLE)?.is_none() {
                self.take_title(id, &named.value)?;
            }
        } else {
            self.use_receipts(slot, named)?;
            self.emit(Event::Conversation(id));
        }
        Ok(())
    }

    /// A key that a sibling device put into the keyring.
    fn use_ring(&mut self, ring: &Ring) -> Result<()> {
        let Ring { conversation, epoch, ref key, ref accounts } = *ring;
        match self.key(conversation, epoch)? {
            // What this device derived itself is right; a wrong key in the keyring is replaced by it.
            Some(own) if own != *key && self.derived_itself(conversation)? => {
                self.misbehaved(
                    Some(conversation),
                    Misbehaviour::Slot("the keyring held a wrong key".into()),
                );
                self.session.wrong_in_keyring.insert((conversation, epoch));
                Ok(())
            }
            _ => {
                if let Some(accounts) = accounts
                    && asked::accounts_in(&self.db, conversation, epoch)?.is_none()
                {
                    asked::live_through(&self.db, conversation, epoch, accounts.iter().copied())?;
                }
                self.learn_key(conversation, epoch, key, true)
            }
        }
    }

    fn derived_itself(&mut self, id: ConversationId) -> Result<bool> {
        use crate::store::conversation::Membership;
        Ok(self.conversation(id)?.is_some_and(|c| c.membership == Membership::Member))
    }

    /// Puts the keys that the keyring lacks into it, many at a time.
    pub(super) fn fill_keyring(&mut self) -> Result<()> {
        let own = self.me()?.own;
        let Some(conversation) = self.conversation(own)?.cloned() else { return Ok(()) };
        let lane = self.session.lane(own);
        if lane.control || lane.slots || lane.wait_for.is_some() || lane.not_before.is_some() {
            return Ok(());
        }
        // Nothing is handed on before the roster is known to be in line with the newest lists.
        let aligned = self.session.lane(own).aligned && self.key(own, conversation.log_epoch)?.is_some();
        if conversation.membership != crate::store::conversation::Membership::Member || !aligned {
            return Ok(());
        }
        let most = BATCH.min(usize::from(self.session.limits.batch)).max(1);
        let keys = sealed::keys_not_in_keyring(&self.db, most)?;
        if keys.is_empty() {
            return self.mend_chain(&conversation);
        }
        let account = self.me()?.account;
        let mut writes = Vec::new();
        let mut put = Vec::new();
        for (id, epoch, key) in keys {
            let slot = SlotKey::of_keyring(account, id, epoch);
            let held = sealed::slot_version(&self.db, own, slot)?;
            let wrong = self.session.wrong_in_keyring.contains(&(id, epoch));
            if held.0 > 0 && !wrong {
                sealed::mark_in_keyring(&self.db, id, epoch)?;
                continue;
            }
            let value = ring_value(id, epoch, &key, self.accounts_to_tell(id, epoch)?);
            let named = NamedValue { name: KEYRING.into(), value, head: false };
            writes.push(self.slot_write(own, conversation.log_epoch, slot, held.next(), &named)?);
            put.push((id, epoch));
        }
        if !writes.is_empty() && self.session.asking.insert(Question::Keyring) {
            self.session.lane(own).slots = true;
            let request = PutSlots { conversation: own, epoch: conversation.log_epoch, writes };
            self.ask(Request::PutSlots(request), Asked::Slots(own, SlotBatch::Keyring(put)));
        }
        Ok(())
    }

    /// Who was in a conversation in an epoch, for siblings that were not: others may ask them for its key. In one of two
    /// people everybody knows.
    fn accounts_to_tell(&mut self, id: ConversationId, epoch: Epoch) -> Result<Option<Vec<AccountId>>> {
        if self.conversation(id)?.is_none_or(|c| c.kind != ConversationKind::Group) {
            return Ok(None);
        }
        let accounts = asked::accounts_in(&self.db, id, epoch)?;
        Ok(accounts.filter(|accounts| accounts.len() <= MOST_ACCOUNTS))
    }

    /// Puts the links of the self chain that are missing: a device that came in from outside, without the key of the
    /// epoch before, could not put its own. And those that nobody may open any more: the key that they are under went
    /// with a store in whose place an older copy was put.
    fn mend_chain(&mut self, conversation: &Conversation) -> Result<()> {
        let (id, newest) = (conversation.id, conversation.log_epoch);
        // What is missing may be about to come.
        let looks = self.session.missing_keys.look || self.session.asking.contains(&Question::Keys);
        if looks || self.session.chain_checked == Some(newest) {
            return Ok(());
        }
        self.session.chain_checked = Some(newest);
        let links = self.held_whose_link(id, |engine, link| {
            let missing = sealed::slot_version(&engine.db, id, link)?.0 == 0;
            Ok(missing || sealed::waits_for_key(&engine.db, id, link)?)
        })?;
        for before in links.into_iter().filter(|before| *before < newest) {
            if let Some(key) = self.key(id, before)? {
                // Sealed under the newest key, from which every link can be reached.
                self.enqueue_slot(id, &chain_name(before.next()), link_value(id, before, &key), false)?;
            }
        }
        Ok(())
    }

    /// Epochs of the self conversation whose key is here and in no link of the self chain that is here, the newest too.
    pub(super) fn missing_links(&self, id: ConversationId) -> Result<Vec<Epoch>> {
        self.held_whose_link(id, |engine, link| Ok(sealed::slot_version(&engine.db, id, link)?.0 == 0))
    }

    /// Epochs of the self conversation whose key is here and whose link is such, the newest [`BATCH`] of them, newest
    /// first.
    fn held_whose_link(
        &self,
        id: ConversationId,
        is_such: impl Fn(&Self, SlotKey) -> Result<bool>,
    ) -> Result<Vec<Epoch>> {
        // Only what this device has: an epoch is a number of the server's, and not to be counted up to.
        let mut found = Vec::new();
        for before in sealed::epochs_with_key(&self.db, id)? {
            if is_such(self, SlotKey::of_name(id, &chain_name(before.next())))? {
                found.push(before);
            }
        }
        found.reverse();
        found.truncate(BATCH);
        Ok(found)
    }

    pub(super) fn keyring_put(
        &mut self,
        keys: &[(ConversationId, Epoch)],
        outcomes: &[SlotOutcome],
    ) -> Result<()> {
        self.session.asking.remove(&Question::Keyring);
        if outcomes.len() != keys.len() {
            return self.out_of_turn("more or fewer outcomes than slots");
        }
        for (id, epoch) in keys {
            // Stored, or a sibling was faster: the stream brings its value, and that is compared.
            sealed::mark_in_keyring(&self.db, *id, *epoch)?;
            self.session.wrong_in_keyring.remove(&(*id, *epoch));
        }
        Ok(())
    }

    /// Whoever takes accounts in seals anew, under a key that they have, what all members share.
    pub(super) fn hand_on_shared_slots(&mut self, id: ConversationId) -> Result<()> {
        match effective(&self.db, id, TITLE)? {
            Some(title) => self.enqueue_slot(id, TITLE, title, true),
            None => Ok(()),
        }
    }

    /// Seals a value for a slot.
    pub(super) fn slot_write(
        &mut self,
        id: ConversationId,
        epoch: Epoch,
        key: SlotKey,
        version: SlotVersion,
        named: &NamedValue,
    ) -> Result<SlotWrite> {
        let secret =
            self.key(id, epoch)?.ok_or(crate::EngineError::Internal("no key for the present epoch"))?;
        self.slot_write_under(&secret, (id, epoch), key, version, named)
    }

    /// The same, under the key of an epoch that may not have begun here.
    pub(super) fn slot_write_under(
        &self,
        secret: &ConversationKey,
        (conversation, epoch): (ConversationId, Epoch),
        key: SlotKey,
        version: SlotVersion,
        named: &NamedValue,
    ) -> Result<SlotWrite> {
        let me = self.me()?;
        let subject = Subject::Slot { key, version };
        let place = Place { conversation, epoch, account: me.account, device: me.device, subject };
        let body = seal::seal(&place, secret, &me.key, diario_protocol::encode(named), &self.crypto)?;
        Ok(SlotWrite { key, version, head: named.head, body: body.into() })
    }

    /// Sends the oldest slot write of the outbox.
    pub(super) fn send_slot(&mut self, outgoing: &Outgoing) -> Result<()> {
        let id = outgoing.conversation;
        let Ok(named) = diario_protocol::decode::<NamedValue>(&outgoing.payload, outgoing.payload.len())
        else {
            return Ok(outbox::drop_row(&self.db, outgoing.row)?);
        };
        let epoch = self.conversation(id)?.map_or(Epoch(0), |c| c.log_epoch);
        let key = SlotKey::of_name(id, &named.name);
        let floor = self.session.lane(id).slot_floor.get(&key).copied().unwrap_or_default();
        let version = sealed::slot_version(&self.db, id, key)?.max(floor).next();
        let write = self.slot_write(id, epoch, key, version, &named)?;
        self.session.lane(id).slots = true;
        let queued = QueuedWrite { row: outgoing.row, key, version, payload: outgoing.payload.clone() };
        let batch = SlotBatch::Outbox(queued);
        self.ask(
            Request::PutSlots(PutSlots { conversation: id, epoch, writes: vec![write] }),
            Asked::Slots(id, batch),
        );
        Ok(())
    }

    /// The server has the value; here it is known at once, without waiting for the stream to bring it back.
    fn slot_stored(&mut self, id: ConversationId, write: &QueuedWrite) -> Result<()> {
        let (account, device) = (self.me()?.account, self.me()?.device);
        let epoch = self.conversation(id)?.map_or(Epoch(0), |c| c.log_epoch);
        let (key, version) = (write.key, write.version);
        let named = diario_protocol::decode::<NamedValue>(&write.payload, write.payload.len())?;
        if sealed::slot_version(&self.db, id, key)? < version {
            let slot =
                Slot { conversation: id, key, version, epoch, account, device, body: Vec::new().into() };
            sealed::save_slot(&self.db, &slot, Some(&named))?;
            self.dequeue_write(write)?;
            if id == ConversationId::of_self(account) {
                self.method_changed(&named.name)?;
            }
            return Ok(());
        }
        // Somebody wrote after this device, and the stream was faster than the answer: now that value counts.
        self.drop_slot_write(id, write)
    }

    /// Takes a write from the outbox, unless another one took its place meanwhile: that is written next.
    fn dequeue_write(&mut self, write: &QueuedWrite) -> Result<()> {
        // SQLite gives the number of a row that is gone to the next one.
        let queued = outbox::at(&self.db, write.row)?;
        if queued.is_some_and(|o| o.kind == outbox::kind::SLOT && o.payload == write.payload) {
            outbox::drop_row(&self.db, write.row)?;
        }
        Ok(())
    }

    /// A slot write does not count any more: what the server has counts again.
    pub(super) fn drop_slot_write(&mut self, id: ConversationId, write: &QueuedWrite) -> Result<()> {
        self.dequeue_write(write)?;
        let named = diario_protocol::decode::<NamedValue>(&write.payload, write.payload.len())?;
        self.slot_write_gone(id, &named.name)
    }

    pub(super) fn slot_put(
        &mut self,
        id: ConversationId,
        write: &QueuedWrite,
        outcomes: &[SlotOutcome],
    ) -> Result<()> {
        self.attention.insert(id);
        match outcomes {
            [SlotOutcome::Stored] => self.slot_stored(id, write),
            // The last writer wins: this one, once it knows what to be later than.
            [SlotOutcome::Newer(newer)] if is_leap(write.version, *newer) => {
                self.misbehaved(Some(id), Misbehaviour::Slot("its version leaps".into()));
                self.drop_slot_write(id, write)
            }
            [SlotOutcome::Newer(newer)] if *newer >= write.version => {
                self.session.lane(id).slot_floor.insert(write.key, *newer);
                Ok(())
            }
            _ => self.out_of_turn("an outcome that no slot write has"),
        }
    }
}
