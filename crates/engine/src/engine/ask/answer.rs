//! Answers to others who ask for a key.

use diario_protocol::{
    AccountId, ConversationId, ConversationKind, DeviceId, Epoch, PutSlots, Request, Slot, SlotKey,
    SlotOutcome, SlotVersion, Timestamp,
};
use sha2::{Digest as _, Sha256};
use zeroize::{Zeroize as _, Zeroizing};

use super::{
    ANSWER, ASK, Answer, AnswerPlace, Ask, HOUR_MS, Held, MOST_EPOCHS, PURPOSE, Wanted, answer_name,
    ask_name, read,
};
use crate::crypto::hpke::HpkePublic;
use crate::engine::requests::{Asked, SlotBatch};
use crate::engine::{Engine, Result, Timer};
use crate::store::asked::{self, SignedSlot};
use crate::store::conversation::{self, Conversation, Membership};
use crate::store::people;
use crate::store::sealed::{self, NamedValue};

/// Answers to one device within an hour.
const MOST_ANSWERS: u64 = 12;
/// Of so many members each takes a turn of this length to answer, so that one does it and the others see it.
const TURN_MS: u64 = 250;
pub(super) const LAST_TURN_MS: u64 = 5_000;

/// An answer that can be given.
struct Ready {
    account: AccountId,
    device: DeviceId,
    key: HpkePublic,
    epochs: Vec<Epoch>,
}

/// An answer under way.
#[derive(Debug, Clone)]
pub(in crate::engine) struct AnswerWrite {
    asker: DeviceId,
    key: HpkePublic,
    slot: SlotKey,
    version: SlotVersion,
    named: NamedValue,
}

/// This device's turn among those that can answer: spread by chance that all compute alike.
fn turn(key: &HpkePublic, device: DeviceId, accounts: usize) -> u64 {
    let others = u64::try_from(accounts).unwrap_or(u64::MAX).saturating_sub(1);
    let last = TURN_MS.saturating_mul(others).min(LAST_TURN_MS);
    let digest = Sha256::new().chain_update(key.0).chain_update(device.as_bytes()).finalize();
    u64::from(u32::from_be_bytes([digest[0], digest[1], digest[2], digest[3]])) % last.max(1)
}

impl super::Asks {
    /// An answer was refused for good.
    pub(in crate::engine) fn give_up(&mut self, write: &AnswerWrite) {
        self.hopeless.insert(write.key);
    }
}

impl Engine {
    /// Conversations in which it is this device's turn to answer.
    pub(super) fn look_at_asks(&mut self) -> Result<Vec<ConversationId>> {
        let now = self.now;
        let due: Vec<_> =
            self.session.asks.to_answer.iter().filter(|(_, at)| **at <= now).map(|(id, _)| *id).collect();
        let mut answer_now = Vec::new();
        for id in due {
            let Some(c) = self.conversation(id)?.cloned() else { continue };
            // Who is not in the group does not come in for that: once it is, it looks again.
            let member = c.membership == Membership::Member && c.is_open();
            let (ready, next) = if member { self.answerable(&c)? } else { (Vec::new(), None) };
            if ready.is_empty() {
                self.session.asks.to_answer.remove(&id);
            } else {
                answer_now.push(id);
            }
            if let Some(next) = next.filter(|_| ready.is_empty()) {
                self.session.asks.to_answer.insert(id, next);
            }
        }
        if let Some(next) = self.session.asks.to_answer.values().copied().filter(|at| *at > now).min() {
            self.set_timer(Timer::Asks, next);
        }
        Ok(answer_now)
    }

    pub(in crate::engine) fn answers_now(&self, id: ConversationId) -> bool {
        self.session.asks.to_answer.get(&id).is_some_and(|at| *at <= self.now)
    }

    /// The asks that this device may and can answer now, and when the next one's turn is.
    fn answerable(&mut self, c: &Conversation) -> Result<(Vec<Ready>, Option<Timestamp>)> {
        let id = c.id;
        let (account, own) = (self.me()?.account, self.me()?.device);
        let (now, server_now) = (self.now, self.server_now());
        let participants = conversation::participants_of(&self.db, id)?;
        let (mut ready, mut next) = (Vec::new(), None::<Timestamp>);
        for slot in asked::slots_under(&self.db, id, ASK)? {
            // Siblings find it in the keyring.
            if slot.name != ask_name(slot.device) || slot.account == account {
                continue;
            }
            let Some(ask) = read::<Ask>(&slot.value) else { continue };
            let device = people::device(&self.db, slot.account, slot.device)?;
            let valid =
                device.is_some_and(|d| d.listed && d.valid_until.is_none_or(|until| server_now < until));
            let takes_part = participants.iter().any(|p| p.account == slot.account);
            if !valid || !takes_part || self.session.asks.hopeless.contains(&ask.key) {
                continue;
            }
            let epochs = self.epochs_to_answer(c, &slot, &ask)?;
            if epochs.is_empty() {
                continue;
            }
            let new_turn = (ask.key, now.plus_ms(turn(&ask.key, own, participants.len())));
            let turn = self.session.asks.turns.entry(slot.device).or_insert(new_turn);
            if turn.0 != ask.key {
                *turn = new_turn;
            }
            let mut due = turn.1;
            let since = Timestamp(now.0.saturating_sub(HOUR_MS));
            if let Some((times, began)) = asked::answers_since(&self.db, slot.device, since, now)?
                && times >= MOST_ANSWERS
            {
                due = due.max(began.plus_ms(HOUR_MS + 1));
            }
            if due <= now {
                ready.push(Ready { account: slot.account, device: slot.device, key: ask.key, epochs });
            } else {
                next = Some(next.map_or(due, |n| n.min(due)));
            }
        }
        Ok((ready, next))
    }

    /// The epochs of an ask whose key this device has and may give; empty if all of them are answered.
    fn epochs_to_answer(&mut self, c: &Conversation, asker: &SignedSlot, ask: &Ask) -> Result<Vec<Epoch>> {
        let (id, own, device) = (c.id, self.me()?.device, asker.device);
        let mut answered: Vec<(Epoch, DeviceId)> = Vec::new();
        for slot in asked::slots_under(&self.db, id, &format!("{ANSWER}{device}/"))? {
            let answer = read::<Answer>(&slot.value).filter(|a| a.key == ask.key);
            if let (true, Some(answer)) = (slot.name == answer_name(device, slot.device), answer) {
                answered.extend(answer.epochs.iter().map(|epoch| (*epoch, slot.device)));
            }
        }
        let (mut epochs, mut open) = (Vec::new(), false);
        for Wanted { epoch, not_from } in ask.wanted.iter().take(self.most_epochs()) {
            if not_from.contains(&own) || *epoch > c.log_epoch {
                continue;
            }
            let was_in = match c.kind {
                // Both always were.
                ConversationKind::Direct => Some(true),
                _ => asked::accounts_in(&self.db, id, *epoch)?.map(|a| a.contains(&asker.account)),
            };
            let (Some(was_in), true) = (was_in, self.key(id, *epoch)?.is_some()) else {
                self.session.missing_keys.others_ask_for(id, *epoch);
                continue;
            };
            if !was_in {
                continue;
            }
            open |= !answered.iter().any(|(e, by)| e == epoch && !not_from.contains(by));
            epochs.push(*epoch);
        }
        if !open {
            epochs.clear();
        }
        Ok(epochs)
    }

    /// Epochs that one answer has room for.
    fn most_epochs(&self) -> usize {
        // A key with its epoch, twice, and what padding adds.
        const EACH: usize = 72;
        let room = (self.session.limits.slot as usize).saturating_sub(1024) / EACH;
        room.clamp(1, MOST_EPOCHS)
    }

    /// Answers one ask.
    pub(in crate::engine) fn send_answer(&mut self, id: ConversationId) -> Result<()> {
        let Some(c) = self.conversation(id)?.cloned() else { return Ok(()) };
        let lane = self.session.lane(id);
        let busy = lane.control || lane.slots || lane.wait_for.is_some() || lane.not_before.is_some();
        if busy || self.key(id, c.log_epoch)?.is_none() {
            return Ok(());
        }
        let (ready, _) = self.answerable(&c)?;
        let Some(Ready { account, device, key, epochs }) = ready.into_iter().next() else { return Ok(()) };
        let own = self.me()?.device;
        let mut held = Vec::new();
        for epoch in &epochs {
            if let Some(secret) = self.key(id, *epoch)? {
                held.push(Held { epoch: *epoch, secret: secret.as_bytes().to_vec() });
            }
        }
        let place = AnswerPlace { conversation: id, asker_account: account, asker: device, answerer: own };
        let content = Zeroizing::new(diario_protocol::encode(&held));
        for mut held in held {
            held.secret.zeroize();
        }
        let sealed = key.seal(PURPOSE, &diario_protocol::encode(&place), &content, &self.crypto);
        let Ok(sealed) = sealed else {
            // Its key is none.
            self.session.asks.hopeless.insert(key);
            return Ok(());
        };
        let name = answer_name(device, own);
        let slot = SlotKey::of_name(id, &name);
        let floor = self.session.lane(id).slot_floor.get(&slot).copied().unwrap_or_default();
        let version = sealed::slot_version(&self.db, id, slot)?.max(floor).next();
        let value = diario_protocol::encode(&Answer { key, epochs, sealed });
        let named = NamedValue { name, value, head: false };
        let write = self.slot_write(id, c.log_epoch, slot, version, &named)?;
        self.session.lane(id).slots = true;
        let batch = SlotBatch::Answer(AnswerWrite { asker: device, key, slot, version, named });
        let request = PutSlots { conversation: id, epoch: c.log_epoch, writes: vec![write] };
        self.ask(Request::PutSlots(request), Asked::Slots(id, batch));
        Ok(())
    }

    pub(in crate::engine) fn answer_put(
        &mut self,
        id: ConversationId,
        write: &AnswerWrite,
        outcomes: &[SlotOutcome],
    ) -> Result<()> {
        match outcomes {
            [SlotOutcome::Stored] => {
                let (account, device) = (self.me()?.account, self.me()?.device);
                let epoch = self.conversation(id)?.map_or(Epoch(0), |c| c.log_epoch);
                let (key, version) = (write.slot, write.version);
                if sealed::slot_version(&self.db, id, key)? < version {
                    let body = Vec::new().into();
                    let slot = Slot { conversation: id, key, version, epoch, account, device, body };
                    sealed::save_slot(&self.db, &slot, Some(&write.named))?;
                }
                let since = Timestamp(self.now.0.saturating_sub(HOUR_MS));
                asked::count_answer(&self.db, write.asker, since, self.now)?;
                Ok(())
            }
            [SlotOutcome::Newer(newer)] if crate::engine::slots::is_leap(write.version, *newer) => {
                self.session.asks.give_up(write);
                Ok(())
            }
            [SlotOutcome::Newer(newer)] => {
                self.session.lane(id).slot_floor.insert(write.slot, *newer);
                Ok(())
            }
            _ => self.out_of_turn("an outcome that no slot write has"),
        }
    }
}
