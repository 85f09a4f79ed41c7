//! Keys that no device of the account has: asked for from the conversation.
//!
//! An ask is a slot of the conversation, one for each device; an answer too, one for each pair of devices. Both stay
//! where they are, so nobody has to be there when the other is.

use std::collections::{BTreeMap, BTreeSet};

use diario_protocol::roster::Participants;
use diario_protocol::{AccountId, ConversationId, DeviceId, Epoch, Slot, Timestamp};
use minicbor::{Decode, Encode};
use zeroize::{Zeroize as _, Zeroizing};

use super::{Engine, Result, Timer};
use crate::crypto::hpke::{HpkePublic, HpkeSealed, HpkeSecret};
use crate::crypto::key::ConversationKey;
use crate::crypto::seal::{self, Place, Subject};
use crate::error::Misbehaviour;
use crate::store::asked::{self, StandingAsk};
use crate::store::message;
use crate::store::outbox;
use crate::store::sealed::{self, NamedValue};

mod answer;

pub(super) use self::answer::AnswerWrite;
use self::answer::LAST_TURN_MS;

const ASK: &str = "ask/";
const ANSWER: &str = "answer/";
const PURPOSE: &str = "diario conversation key answer v1";

/// Epochs in one ask.
const MOST_EPOCHS: usize = 256;
/// Devices that an ask names as having answered wrongly, for each epoch.
const MOST_WRONG: usize = 16;
const HOUR_MS: u64 = 60 * 60 * 1000;
/// A key that is missing is left so long to the keyring: a sibling may be about to put it there.
const KEYRING_FIRST_MS: u64 = 5_000;
/// An ask is not changed again within this time, unless an answer was wrong.
const AGAIN_MS: u64 = 2 * 60 * 1000;
/// An ask that nobody answered is told anew, under a new key, after this long.
const STALE_MS: u64 = 24 * HOUR_MS;

/// An epoch that is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
struct Wanted {
    #[n(0)]
    epoch: Epoch,
    /// Whose answers were wrong: they do not count.
    #[n(1)]
    not_from: Vec<DeviceId>,
}

/// Value of a slot `ask/{device}`.
#[derive(Debug, Encode, Decode)]
struct Ask {
    #[n(0)]
    key: HpkePublic,
    #[n(1)]
    wanted: Vec<Wanted>,
}

/// Value of a slot `answer/{who asked}/{who answers}`.
#[derive(Debug, Encode, Decode)]
struct Answer {
    /// Which ask is answered.
    #[n(0)]
    key: HpkePublic,
    #[n(1)]
    epochs: Vec<Epoch>,
    /// Encoded [`Held`], one for each of the epochs.
    #[n(2)]
    sealed: HpkeSealed,
}

#[derive(Debug, Encode, Decode)]
struct Held {
    #[n(0)]
    epoch: Epoch,
    #[cbor(n(1), with = "minicbor::bytes")]
    secret: Vec<u8>,
}

/// What an answer is bound to besides the ask's key.
#[derive(Debug, Encode)]
struct AnswerPlace {
    #[n(0)]
    conversation: ConversationId,
    #[n(1)]
    asker_account: AccountId,
    #[n(2)]
    asker: DeviceId,
    #[n(3)]
    answerer: DeviceId,
}

/// What of asking belongs to a connection. All of it is found again in the store at the next one.
#[derive(Debug, Default)]
pub(super) struct Asks {
    begun: bool,
    /// Something may wait for a key.
    look: bool,
    /// When to ask for what waits then.
    due: Option<Timestamp>,
    /// When the oldest ask that stands is stale.
    stale: Option<Timestamp>,
    /// Conversations with asks that may be answered, and when to look at them.
    to_answer: BTreeMap<ConversationId, Timestamp>,
    /// This device's turn to answer, by who asks: the newest ask's key, and when.
    turns: BTreeMap<DeviceId, (HpkePublic, Timestamp)>,
    /// Asks that cannot be answered: their key is none, or the server refuses the answer.
    hopeless: BTreeSet<HpkePublic>,
}

impl Asks {
    /// Something waits for a key: it is looked at in the next pump.
    pub(super) fn look(&mut self) {
        self.look = true;
    }

    /// Everything that has its time.
    pub(super) fn times(&mut self) -> impl Iterator<Item = &mut Timestamp> {
        let turns = self.turns.values_mut().map(|(_, at)| at);
        self.due.iter_mut().chain(&mut self.stale).chain(self.to_answer.values_mut()).chain(turns)
    }

    /// What others ask for in a conversation is looked at in the next pump.
    pub(super) fn look_for_asks(&mut self, id: ConversationId, now: Timestamp) {
        self.to_answer.insert(id, now);
    }
}

/// What cannot be read in a conversation for want of keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WaitingFor {
    /// The conversation.
    pub conversation: ConversationId,
    /// Epochs whose key is missing, oldest first.
    pub epochs: Vec<Epoch>,
    /// When its members were asked for them, if they were.
    pub asked_at: Option<Timestamp>,
}

fn ask_name(device: DeviceId) -> String {
    format!("{ASK}{device}")
}

fn answer_name(asker: DeviceId, answerer: DeviceId) -> String {
    format!("{ANSWER}{asker}/{answerer}")
}

fn read<T: for<'a> Decode<'a, ()>>(value: &[u8]) -> Option<T> {
    diario_protocol::decode(value, value.len()).ok()
}

impl Engine {
    /// Who is in a conversation in an epoch that this device is in the group in.
    pub(super) fn live_through(
        &mut self,
        id: ConversationId,
        epoch: Epoch,
        participants: &Participants,
    ) -> Result<()> {
        if id != self.me()?.own {
            asked::live_through(&self.db, id, epoch, participants.accounts.iter().map(|p| p.account))?;
            self.session.asks.to_answer.entry(id).or_insert(self.now);
        }
        Ok(())
    }

    /// Asks for what is missing, and tells in which conversations others are to be answered now.
    pub(super) fn tend_asks(&mut self) -> Result<Vec<ConversationId>> {
        if !self.session.asks.begun {
            let now = self.now;
            let asks = &mut self.session.asks;
            (asks.begun, asks.look) = (true, true);
            asks.to_answer.extend(asked::with_asks(&self.db)?.into_iter().map(|id| (id, now)));
            // Whose devices wrote slots here was asked as those came; the answer may have gone with that connection.
            for account in sealed::accounts_of_unknown_devices(&self.db)? {
                if !self.session.histories.contains(&account) {
                    self.ask_for_history(account);
                }
            }
        }
        self.ask_for_keys()?;
        self.look_at_asks()
    }

    fn ask_for_keys(&mut self) -> Result<()> {
        if let Some(stale) = self.session.asks.stale {
            if stale <= self.now {
                self.session.asks.look();
            } else {
                self.set_timer(Timer::Asks, stale);
            }
        }
        if !self.session.asks.look {
            return Ok(());
        }
        let own = self.me()?.own;
        let mut waited_for = asked::waited_for(&self.db)?;
        waited_for.remove(&own);
        let mut lacking = BTreeMap::new();
        for (id, epochs) in &waited_for {
            // What the keyring was not asked for yet may be in it. A key that is here and opens nothing came from there.
            let absent = &self.session.missing_keys.absent;
            let (mut left, rest): (Vec<Epoch>, Vec<Epoch>) =
                epochs.iter().copied().partition(|e| absent.contains(&(*id, *e)));
            for epoch in rest {
                // Its slot of the keyring came and does not open: the self key of that time went with an old store.
                let closed = self.session.missing_keys.read.contains(&(*id, epoch));
                if closed || self.key(*id, epoch)?.is_some() {
                    left.push(epoch);
                }
            }
            if !left.is_empty() {
                left.sort_unstable();
                lacking.insert(*id, left);
            }
        }
        for id in asked::asked_in(&self.db)? {
            let is_open = self.conversation(id)?.is_some_and(|c| c.is_open());
            if !is_open || !waited_for.contains_key(&id) {
                // Found in the keyring, or answered; or the account is out, and nobody hears it any more.
                asked::forget(&self.db, id)?;
                outbox::drop_slot(&self.db, id, &ask_name(self.me()?.device))?;
            }
        }
        let now = self.now;
        let asks = &mut self.session.asks;
        if lacking.is_empty() {
            (asks.look, asks.due, asks.stale) = (false, None, None);
            return Ok(());
        }
        let due = *asks.due.get_or_insert(now.plus_ms(KEYRING_FIRST_MS));
        if now < due {
            self.set_timer(Timer::Asks, due);
            return Ok(());
        }
        (asks.look, asks.due, asks.stale) = (false, None, None);
        for (id, epochs) in lacking {
            self.ask_conversation(id, &epochs)?;
            if let Some(ask) = asked::standing(&self.db, id)? {
                let stale = ask.asked_at.plus_ms(STALE_MS).max(now.plus_ms(AGAIN_MS));
                let asks = &mut self.session.asks;
                asks.stale = Some(asks.stale.map_or(stale, |at| at.min(stale)));
                self.set_timer(Timer::Asks, stale);
            }
        }
        Ok(())
    }

    /// Asks a conversation's members for keys that the keyring does not have.
    pub(super) fn ask_conversation(&mut self, id: ConversationId, epochs: &[Epoch]) -> Result<()> {
        let Some(c) = self.conversation(id)?.cloned() else { return Ok(()) };
        // What was sealed before the account came in is not its to read, and nobody would answer; but it may have been in
        // before, and gone out in between.
        let is_ours = |epoch: Epoch| -> Result<bool> {
            let since = c.since.0 <= 1 || epoch > c.since_epoch;
            let before = || message::waiting_for_key(&self.db, id, epoch);
            Ok(epoch <= c.log_epoch && (since || before()?.iter().any(|waiting| waiting.seq < c.since)))
        };
        let mut wanted = Vec::new();
        for epoch in epochs.iter().rev().copied() {
            if wanted.len() == MOST_EPOCHS || !is_ours(epoch)? {
                continue;
            }
            let not_from = asked::wrong_answers(&self.db, id, epoch, MOST_WRONG)?;
            wanted.push(Wanted { epoch, not_from });
        }
        if wanted.is_empty() || !c.is_open() {
            return Ok(());
        }
        let standing = asked::standing(&self.db, id)?;
        // What was asked by a clock that was ahead is of long ago, too.
        let ahead = |ask: &StandingAsk| if ask.asked_at > self.now { STALE_MS } else { 0 };
        let age = |ask: &StandingAsk| self.now.ms_since(ask.asked_at).max(ahead(ask));
        let secret = match standing {
            Some(ask) if age(&ask) < STALE_MS || ask.asked_at.0 == 0 => {
                let told: Vec<Wanted> = read(&ask.wanted).unwrap_or_default();
                if ask.asked_at.0 != 0 {
                    if wanted.iter().all(|w| told.contains(w)) {
                        return Ok(());
                    }
                    if age(&ask) < AGAIN_MS {
                        let due = ask.asked_at.plus_ms(AGAIN_MS);
                        let asks = &mut self.session.asks;
                        asks.look = true;
                        asks.due = Some(asks.due.map_or(due, |d| d.min(due)));
                        self.set_timer(Timer::Asks, due);
                        return Ok(());
                    }
                }
                ask.secret
            }
            _ => HpkeSecret::generate(&self.crypto)?,
        };
        let ask = Ask { key: secret.public(&self.crypto)?, wanted };
        let wanted = diario_protocol::encode(&ask.wanted);
        asked::save(&self.db, id, &StandingAsk { secret, wanted, asked_at: self.now })?;
        let name = ask_name(self.me()?.device);
        self.enqueue_slot(id, &name, diario_protocol::encode(&ask), false)
    }

    /// Takes a slot that asks or answers; `false` if it is another one.
    pub(super) fn use_ask_slot(&mut self, slot: &Slot, named: &NamedValue) -> Result<bool> {
        let me = self.me()?;
        let (account, device) = (me.account, me.device);
        if named.name.starts_with(ASK) {
            if named.name == ask_name(slot.device) && slot.account != account {
                self.session.asks.look_for_asks(slot.conversation, self.now);
            }
            return Ok(true);
        }
        if !named.name.starts_with(ANSWER) {
            return Ok(false);
        }
        if named.name == answer_name(device, slot.device)
            && let Some(answer) = read::<Answer>(&named.value)
        {
            self.take_answer(slot, &answer)?;
        }
        Ok(true)
    }

    fn take_answer(&mut self, slot: &Slot, answer: &Answer) -> Result<()> {
        let id = slot.conversation;
        let Some(standing) = asked::standing(&self.db, id)? else { return Ok(()) };
        if standing.secret.public(&self.crypto)? != answer.key {
            // To an ask that does not stand any more.
            return Ok(());
        }
        let me = self.me()?;
        let place = AnswerPlace {
            conversation: id,
            asker_account: me.account,
            asker: me.device,
            answerer: slot.device,
        };
        let place = diario_protocol::encode(&place);
        let opened = standing.secret.open(PURPOSE, &place, &answer.sealed, &self.crypto).map(Zeroizing::new);
        let held: Vec<Held> = opened.ok().and_then(|bytes| read(&bytes)).unwrap_or_default();
        let wanted: Vec<Wanted> = read(&standing.wanted).unwrap_or_default();
        let mut wrong = false;
        for wanted in wanted.iter().filter(|w| answer.epochs.contains(&w.epoch)) {
            let epoch = wanted.epoch;
            let known_liar = asked::wrong_answers(&self.db, id, epoch, MOST_WRONG)?.contains(&slot.device);
            if known_liar || !self.waits_for(id, epoch)? {
                continue;
            }
            let key = held.iter().find(|h| h.epoch == epoch);
            match key.and_then(|h| ConversationKey::from_slice(&h.secret)) {
                Some(key) if self.opens_something(id, epoch, &key)? => {
                    if self.key(id, epoch)?.is_some() {
                        // What the keyring held opened nothing.
                        self.session.wrong_in_keyring.insert((id, epoch));
                    }
                    self.learn_key(id, epoch, &key, false)?;
                }
                _ => {
                    asked::answered_wrongly(&self.db, id, epoch, slot.device)?;
                    wrong = true;
                }
            }
        }
        for mut held in held {
            held.secret.zeroize();
        }
        if wrong {
            asked::tell_anew(&self.db, id)?;
            self.misbehaved(Some(id), Misbehaviour::WrongKey(slot.account));
        }
        self.session.asks.look();
        Ok(())
    }

    fn waits_for(&self, id: ConversationId, epoch: Epoch) -> Result<bool> {
        Ok(!message::waiting_for_key(&self.db, id, epoch)?.is_empty()
            || !sealed::waiting_slots(&self.db, id, epoch)?.is_empty())
    }

    /// Whether a key is the one of its epoch, by what waits for it: one entry or slot that it opens is proof enough.
    fn opens_something(&self, id: ConversationId, epoch: Epoch, key: &ConversationKey) -> Result<bool> {
        let place = |account, device, subject| Place { conversation: id, epoch, account, device, subject };
        for w in message::waiting_for_key(&self.db, id, epoch)? {
            let subject = Subject::Entry { id: w.id, annotates: w.annotates };
            if seal::fits(&place(w.account, w.device, subject), key, &w.sealed) {
                return Ok(true);
            }
        }
        for s in sealed::waiting_slots(&self.db, id, epoch)? {
            let subject = Subject::Slot { key: s.key, version: s.version };
            if seal::fits(&place(s.account, s.device, subject), key, &s.body) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Whether a key is to be asked for, or somebody's ask to be answered, within seconds: a device that ends its
    /// connection before that puts it off to the next one.
    pub fn tends_asks_soon(&self) -> bool {
        let soon = KEYRING_FIRST_MS.max(LAST_TURN_MS);
        self.timers.get(&Timer::Asks).is_some_and(|at| at.ms_since(self.now) <= soon)
    }

    /// What cannot be read for want of keys, by conversation.
    pub(super) fn waiting_for(&self) -> Result<Vec<WaitingFor>> {
        let mut all = Vec::new();
        for (conversation, epochs) in asked::waited_for(&self.db)? {
            let asked_at = asked::standing(&self.db, conversation)?.map(|ask| ask.asked_at);
            all.push(WaitingFor { conversation, epochs, asked_at: asked_at.filter(|at| at.0 > 0) });
        }
        Ok(all)
    }
}
